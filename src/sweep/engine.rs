//! Does the runs of a plan, all over one copy of the data.
//!
//! Descents and searches run side by side, one thread each. Second-order runs use all threads and follow one another; those
//! that differ in lambda alone form a path, walked from the largest lambda down, each start the minimum before it. All paths
//! over the same rows share X^T X, which for a fold is that of all rows less that of the rows held out.

use super::{Fold, Outcome, Plan, Score};
use crate::config::{RunConfig, Strategy};
use crate::data::{DataError, Dataset, Examples, Preprocess, Preprocessing, example_weights};
use crate::kernel::{Compute, Gram, Matrix, Team};
use crate::objective::{LinearProblem, SecondMoment};
use crate::train::{
    self, DescentPlan, Epoch, Figures, Neighbour, SearchPlan, SecondOrderPlan, Stop, Watched,
};
use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Instant;

/// Points that a curve is thinned to.
const CURVE_POINTS: usize = 100;

/// What does the runs.
pub struct Engine<'a> {
    plan: &'a Plan,
    data: &'a Dataset,
    folds: &'a [Fold],
    compute: &'a Compute,
    interrupt: &'a AtomicBool,
    maps: Vec<Maps>,
    /// q of every training example, a fold each, where classes are weighted.
    weights: Vec<Option<Vec<f64>>>,
}

/// The preprocessing of a fold, by kind, each learned when it is first needed.
#[derive(Default)]
struct Maps([OnceLock<Preprocessing>; 4]);

/// Which run, on which fold.
type Task = (usize, usize);

impl<'a> Engine<'a> {
    /// `interrupt` is looked at after every step.
    ///
    /// # Errors
    /// [`DataError`] when a class is weighted that is not there.
    pub fn new(
        plan: &'a Plan,
        data: &'a Dataset,
        folds: &'a [Fold],
        compute: &'a Compute,
        interrupt: &'a AtomicBool,
    ) -> Result<Self, DataError> {
        let maps = folds.iter().map(|_| Maps::default()).collect();
        let weight = plan.settings.class_weight.as_ref();
        let of_fold = |fold: &Fold| example_weights(data, weight, &fold.train);
        let weights = folds.iter().map(of_fold).collect::<Result<_, _>>()?;
        Ok(Self { plan, data, folds, compute, interrupt, maps, weights })
    }

    /// Does what is not `done` and calls `finished` as each run ends on a fold, on the calling thread. What an
    /// interruption cuts short is not handed over. Returns X^T X of all training rows if it was needed.
    ///
    /// # Errors
    /// The first that `finished` returns; runs under way then end unheard.
    pub fn run<E>(
        &self,
        done: &HashSet<Task>,
        finished: &mut dyn FnMut(Outcome) -> Result<(), E>,
    ) -> Result<Option<Gram>, E> {
        let runs = 0..self.plan.runs.len();
        let tasks = runs.flat_map(|run| (0..self.folds.len()).map(move |fold| (run, fold)));
        let (paths, single): (Vec<Task>, Vec<Task>) =
            tasks.partition(|&(run, _)| matches!(self.config(run).strategy, Strategy::SecondOrder(_)));
        let single: Vec<Task> = single.into_iter().filter(|task| !done.contains(task)).collect();
        self.side_by_side(&single, finished)?;
        if paths.iter().all(|task| done.contains(task)) {
            return Ok(None);
        }
        self.walk_paths(done, finished)
    }

    fn config(&self, run: usize) -> &'a RunConfig {
        &self.plan.runs[run].config
    }

    fn interrupted(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed)
    }

    /// Each task on a thread of its own, as many at a time as there are threads.
    fn side_by_side<E>(
        &self,
        tasks: &[Task],
        finished: &mut dyn FnMut(Outcome) -> Result<(), E>,
    ) -> Result<(), E> {
        let (sender, receiver) = mpsc::channel();
        let next = AtomicUsize::new(0);
        let work = |sender: mpsc::Sender<Outcome>| {
            let compute = Compute { kernel: self.compute.kernel, team: Team::new(NonZeroUsize::MIN) };
            while let Some(&task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                // Nobody listens any more once an outcome could not be kept.
                if self.interrupted() || self.single(task, &compute).is_some_and(|o| sender.send(o).is_err())
                {
                    return;
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.compute.team.threads().get().min(tasks.len()) {
                let sender = sender.clone();
                scope.spawn(|| work(sender));
            }
            drop(sender);
            receiver.into_iter().try_for_each(finished)
        })
    }

    /// One descent or search; `None` if it was interrupted.
    fn single(&self, task: Task, compute: &Compute) -> Option<Outcome> {
        let config = self.config(task.0);
        let problem = self.problem(task, compute);
        match &config.strategy {
            Strategy::Descent(plan) => self.descend(task, &problem, plan),
            Strategy::RandomSearch(plan) => self.search(task, &problem, plan),
            Strategy::SecondOrder(_) => None,
        }
    }

    /// Second-order runs: for each preprocessing and fold one X^T X, over it path after path.
    fn walk_paths<E>(
        &self,
        done: &HashSet<Task>,
        finished: &mut dyn FnMut(Outcome) -> Result<(), E>,
    ) -> Result<Option<Gram>, E> {
        let x = self.data.train.rows();
        // Of bytes all sums are exact, so a part can be taken out of the whole; of floats each fold is summed anew.
        let whole = match x {
            Matrix::Bytes(x) => Some(Gram::new(self.compute, x, &self.data.train.all())),
            Matrix::Floats(_) => None,
        };
        for (kind, paths) in self.paths() {
            for (fold, rows) in self.folds.iter().enumerate() {
                let missing = |path: &&Vec<usize>| path.iter().any(|&run| !done.contains(&(run, fold)));
                let paths: Vec<&Vec<usize>> = paths.iter().filter(missing).collect();
                if paths.is_empty() || self.interrupted() {
                    continue;
                }
                let map = self.map(fold, kind);
                let moment = match (x, &whole) {
                    (Matrix::Bytes(x), Some(whole)) => {
                        let gram = whole.clone().without(&Gram::new(self.compute, x, &rows.validation));
                        SecondMoment::new(&gram, map)
                    }
                    _ => SecondMoment::of(self.compute, x, &rows.train, map),
                };
                for path in paths {
                    self.walk(path, fold, &moment, done, finished)?;
                }
            }
        }
        Ok(whole)
    }

    /// The second-order runs by preprocessing, and in each the paths: runs that differ in lambda alone, the largest first.
    fn paths(&self) -> Vec<(Preprocess, Vec<Vec<usize>>)> {
        // A path is known by the settings that its runs share.
        type Paths = Vec<(serde_json::Value, Vec<usize>)>;
        let mut kinds: Vec<(Preprocess, Paths)> = Vec::new();
        for (run, planned) in self.plan.runs.iter().enumerate() {
            let config = &planned.config;
            if !matches!(config.strategy, Strategy::SecondOrder(_)) {
                continue;
            }
            let mut recipe = config.recipe();
            recipe.as_object_mut().map(|recipe| recipe.remove("reg"));
            let paths = entry(&mut kinds, config.preprocess);
            entry(paths, recipe).push(run);
        }
        let lambda = |run: &usize| self.config(*run).objective.penalty.l2;
        let sorted = |(_, mut path): (_, Vec<usize>)| {
            path.sort_by(|a, b| lambda(b).total_cmp(&lambda(a)));
            path
        };
        kinds.into_iter().map(|(kind, paths)| (kind, paths.into_iter().map(sorted).collect())).collect()
    }

    /// One path. If it was left half-way it is walked again from its beginning, for the same starts, and so the same bytes,
    /// as if it had not been left.
    fn walk<E>(
        &self,
        path: &[usize],
        fold: usize,
        moment: &SecondMoment,
        done: &HashSet<Task>,
        finished: &mut dyn FnMut(Outcome) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut start: Option<Neighbour> = None;
        for &run in path {
            let Strategy::SecondOrder(plan) = self.config(run).strategy else { continue };
            let Some((outcome, end)) = self.minimise((run, fold), moment, start.take(), &plan) else {
                return Ok(());
            };
            start = Some(end);
            if !done.contains(&(run, fold)) {
                finished(outcome)?;
            }
        }
        Ok(())
    }

    fn problem<'b>(&'b self, (run, fold): Task, compute: &'b Compute) -> LinearProblem<'b> {
        let config = self.config(run);
        LinearProblem {
            examples: &self.data.train,
            preprocessing: self.map(fold, config.preprocess),
            classes: self.data.classes(),
            objective: config.objective,
            example_weights: self.weights[fold].as_deref(),
            compute,
        }
    }

    fn map(&self, fold: usize, kind: Preprocess) -> &Preprocessing {
        self.maps[fold].of(kind, &self.data.train, &self.folds[fold].train)
    }

    fn descend(&self, task: Task, problem: &LinearProblem<'_>, plan: &DescentPlan) -> Option<Outcome> {
        let (begun, fold) = (Instant::now(), &self.folds[task.1]);
        let watched = Watched { validation: &fold.validation, test: None };
        let descent = train::descend(problem, &fold.train, watched, plan, &mut (), self.interrupt);
        let history = &descent.history;
        // Early stopping is part of the recipe, and so is the epoch it keeps; without it, the recipe is to go to the end.
        let judged = match (descent.stop, plan.patience) {
            (Stop::Interrupted { .. }, _) => return None,
            (Stop::Diverged { .. }, _) => None,
            (_, Some(_)) => history.iter().find(|row| Some(row.epoch) == descent.kept_epoch),
            (_, None) => history.last(),
        };
        let validation = judged.and_then(|row| row.validation);
        let accuracy = |row: &Epoch| Some((row.epoch as f64, row.validation?.accuracy));
        Some(Outcome {
            validation: validation.as_ref().and_then(Score::of),
            train: judged.and_then(|row| Score::of(&row.train)),
            objective: judged.map(|row| row.train.objective),
            epoch: judged.map(|row| row.epoch),
            steps: descent.step_losses.len() as u64,
            losses: averaged(&descent.step_losses, descent.steps_per_epoch),
            accuracies: history.iter().filter_map(accuracy).collect(),
            ..ended(task, descent.stop, begun)
        })
    }

    fn minimise(
        &self,
        task: Task,
        moment: &SecondMoment,
        start: Option<Neighbour>,
        plan: &SecondOrderPlan,
    ) -> Option<(Outcome, Neighbour)> {
        let (begun, fold) = (Instant::now(), &self.folds[task.1]);
        let problem = self.problem(task, self.compute);
        let found = train::minimise(&problem, &fold.train, moment, start, plan, &mut (), self.interrupt);
        if matches!(found.stop, Stop::Interrupted { .. }) {
            return None;
        }
        let penalty = found.weights.penalty();
        let figures = Figures::new(&problem.loss(&found.weights, &fold.validation), penalty);
        let outcome = Outcome {
            validation: Score::of(&figures),
            train: Score::of(&found.figures),
            objective: Some(found.figures.objective),
            gap: Some(found.gap),
            gradients: Some(found.gradients),
            steps: found.history.len() as u64,
            losses: found.history.iter().map(|row| (row.gradients as f64, row.best)).collect(),
            accuracies: vec![(found.gradients as f64, figures.accuracy)],
            ..ended(task, found.stop, begun)
        };
        Some((outcome, found.into()))
    }

    fn search(&self, task: Task, problem: &LinearProblem<'_>, plan: &SearchPlan) -> Option<Outcome> {
        let (begun, fold) = (Instant::now(), &self.folds[task.1]);
        let found = train::search(problem, &fold.train, plan, &mut (), self.interrupt);
        if matches!(found.stop, Stop::Interrupted { .. }) {
            return None;
        }
        let weights = crate::objective::Weights::new(&found.weight, &found.bias, problem);
        let of = |rows: &[u32]| Figures::new(&problem.loss(&weights, rows), weights.penalty());
        let (validation, train) = (of(&fold.validation), of(&fold.train));
        let bests: Vec<f64> = found.attempts.iter().map(|attempt| attempt.best).collect();
        let diverged = matches!(found.stop, Stop::Diverged { .. });
        Some(Outcome {
            validation: Score::of(&validation).filter(|_| !diverged),
            train: Score::of(&train),
            objective: Some(train.objective),
            steps: bests.len() as u64,
            accuracies: vec![(bests.len() as f64, validation.accuracy)],
            losses: averaged(&bests, 1),
            ..ended(task, found.stop, begun)
        })
    }
}

impl Maps {
    fn of(&self, kind: Preprocess, examples: &Examples, rows: &[u32]) -> &Preprocessing {
        let place = match kind {
            Preprocess::Standardize => 0,
            Preprocess::Scale => 1,
            Preprocess::Center => 2,
            Preprocess::None => 3,
        };
        self.0[place].get_or_init(|| Preprocessing::fit(kind, examples, rows))
    }
}

/// What every outcome has.
fn ended((run, fold): Task, stop: Stop, begun: Instant) -> Outcome {
    Outcome {
        run,
        fold,
        stop: stop.word().into(),
        stop_reason: stop.to_string(),
        validation: None,
        train: None,
        objective: None,
        gap: None,
        gradients: None,
        epoch: None,
        steps: 0,
        seconds: begun.elapsed().as_secs_f64(),
        losses: Vec::new(),
        accuracies: Vec::new(),
    }
}

/// The value of `key`, added at the end if it is new.
fn entry<K: PartialEq, V: Default>(entries: &mut Vec<(K, V)>, key: K) -> &mut V {
    let at = entries.iter().position(|(own, _)| *own == key).unwrap_or_else(|| {
        entries.push((key, V::default()));
        entries.len() - 1
    });
    &mut entries[at].1
}

/// Losses of steps as a curve over epochs: the first by itself, then means of as many as leave a hundred points, each at its
/// middle.
fn averaged(losses: &[f64], steps_per_epoch: usize) -> Vec<(f64, f64)> {
    let Some((first, rest)) = losses.split_first() else { return Vec::new() };
    let window = rest.len().div_ceil(CURVE_POINTS).max(1);
    let means = rest.chunks(window).enumerate().map(|(index, part)| {
        let middle = 1.0 + (index * window) as f64 + (part.len() - 1) as f64 / 2.0;
        (middle / steps_per_epoch as f64, part.iter().sum::<f64>() / part.len() as f64)
    });
    std::iter::once((0.0, *first)).chain(means).filter(|(_, loss)| loss.is_finite()).collect()
}
