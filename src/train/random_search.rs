//! Strategy 1 of the lecture, "a first very bad idea solution": try random W and keep the best. In its local
//! form each attempt is a random step from the best W so far, kept only if it helps.

use super::{Attempt, Course, Observer, SearchState, State, Stop};
use crate::objective::{LinearProblem, Targets, Weights};
use crate::random::{self, Stream};
use ndarray::{Array1, Array2, Axis, s};
use ndarray_rand::RandomExt;
use ndarray_rand::rand_distr::StandardNormal;
use rand_chacha::ChaCha8Rng;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Weight matrices scored together in one pass over the images.
const STACK: usize = 16;

/// What random search does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchPlan {
    /// Matrices tried.
    pub attempts: usize,
    /// Deviation of every drawn number.
    pub scale: f64,
    /// Whether an attempt is a step from the best so far instead of a draw of its own.
    pub local: bool,
    /// Of the draws.
    pub seed: u64,
}

/// What random search comes to.
pub struct Search {
    /// The best W (K, D).
    pub weight: Array2<f32>,
    /// Its bias (K).
    pub bias: Array1<f32>,
    /// Every attempt, in order.
    pub attempts: Vec<Attempt>,
    /// Why it ended.
    pub stop: Stop,
    /// Where an interrupted one stood.
    pub state: Option<SearchState>,
}

/// Draws W and b, every number from a normal distribution with deviation `scale`, and computes the full loss of each
/// over `rows`. Independent draws are scored many at a time; losses do not depend on how many.
///
/// Numbers are drawn on a grid, as multiples of `scale` / 28 up to 127 of them (4.5 deviations, which one number in
/// 150,000 exceeds), so that scores of bytes can be summed exactly, and four times as fast as in floats (`cargo bench
/// --bench guard`).
pub fn search(
    problem: &LinearProblem<'_>,
    rows: &[u32],
    plan: &SearchPlan,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Search {
    let course = Course { from: None, keeper: &mut (), observer, interrupt };
    let Ok(search) = search_from(problem, rows, plan, course) else {
        unreachable!("only a state can be wrong");
    };
    search
}

/// As [`search`], from where another process left off, and with checkpoints: every attempt is that of a search that
/// nothing stopped, to the bit.
///
/// # Errors
/// What in the state does not fit the problem.
pub fn search_from(
    problem: &LinearProblem<'_>,
    rows: &[u32],
    plan: &SearchPlan,
    course: Course<'_, SearchState>,
) -> Result<Search, &'static str> {
    let Course { from, keeper, observer, interrupt } = course;
    let begun = Instant::now();
    let mut rng = random::generator(plan.seed, Stream::Search);
    let shape = (problem.classes, problem.examples.width);
    let mut run = SearchState {
        weight: Array2::zeros(shape),
        bias: Array1::zeros(problem.classes),
        attempts: Vec::new(),
        drawn: 0,
        seconds: 0.0,
    };
    if let Some(state) = from {
        if (state.weight.dim(), state.bias.len()) != (shape, shape.0) {
            return Err("weights of another shape");
        }
        random::seek(&mut rng, state.drawn);
        observer.resumed(state.attempts.len() as u64);
        run = state;
    }
    let before = run.seconds;
    let mut stop = Stop::Completed;

    'search: while run.attempts.len() < plan.attempts {
        let done = run.attempts.len();
        // A local step starts from the best so far, which the attempt before it may have changed.
        let together = if plan.local { 1 } else { STACK.min(plan.attempts - done) };
        let draws: Vec<Draw> = (0..together).map(|_| Draw::new(shape, plan.scale, &mut rng)).collect();
        let start = plan.local.then(|| (run.weight.clone(), run.bias.clone()));
        let losses = full_losses(problem, rows, &draws, start.as_ref());
        for (draw, loss) in draws.iter().zip(losses) {
            let attempt = run.attempts.len();
            if !loss.is_finite() {
                stop = Stop::Diverged { step: attempt as u64 + 1, lr: None };
                break 'search;
            }
            let mut best = run.attempts.last().map_or(f64::INFINITY, |last| last.best);
            if loss < best {
                ((run.weight, run.bias), best) = (draw.from(start.as_ref()), loss);
            }
            let seconds = before + begun.elapsed().as_secs_f64();
            let attempt = Attempt { attempt, loss, best, seconds };
            observer.attempted(&attempt);
            run.attempts.push(attempt);
        }
        run.drawn = random::position(&rng);
        run.seconds = before + begun.elapsed().as_secs_f64();
        if interrupt.load(Ordering::Relaxed) && run.attempts.len() < plan.attempts {
            stop = Stop::Interrupted { step: run.attempts.len() as u64 };
            break;
        }
        if keeper.is_due(done as u64, run.attempts.len() as u64)
            && let Err(why) = keeper.keep(State::Search(Box::new(run.clone())))
        {
            observer.not_kept(&why);
        }
    }
    let state = matches!(stop, Stop::Interrupted { .. }).then(|| run.clone());
    let SearchState { weight, bias, attempts, .. } = run;
    Ok(Search { weight, bias, attempts, stop, state })
}

/// W (K, D) and b (K).
type Candidate = (Array2<f32>, Array1<f32>);

/// Steps of the grid in a deviation.
const STEPS: f32 = 28.0;

/// The lecture's W of K x (D + 1) numbers, the last column being b: whole numbers from -127 to 127, times a step.
struct Draw {
    weight: Array2<i8>,
    bias: Array1<i8>,
    step: f32,
}

impl Draw {
    fn new((classes, width): (usize, usize), scale: f64, rng: &mut ChaCha8Rng) -> Self {
        let drawn: Array2<f32> = Array2::random_using((classes, width + 1), StandardNormal, rng);
        let drawn = drawn.mapv(|z| (z * STEPS).round().clamp(-127.0, 127.0) as i8);
        let (weight, bias) = (drawn.slice(s![.., ..width]).to_owned(), drawn.column(width).to_owned());
        Self { weight, bias, step: scale as f32 / STEPS }
    }

    /// The classifier, `start` away from which it was drawn.
    fn from(&self, start: Option<&Candidate>) -> Candidate {
        let weight = self.weight.mapv(|q| f32::from(q) * self.step);
        let bias = self.bias.mapv(|q| f32::from(q) * self.step);
        match start {
            Some((w, b)) => (weight + w, bias + b),
            None => (weight, bias),
        }
    }
}

/// The losses' sums of several classifiers whose scores (B, C K) lie side by side.
#[inline(always)]
fn losses_of_each(problem: &LinearProblem<'_>, scores: &[f32], targets: &Targets) -> Vec<f64> {
    let (classes, stride) = (problem.classes, scores.len() / targets.labels.len());
    let mut own = Vec::with_capacity(targets.labels.len() * classes);
    let mut totals = Vec::with_capacity(stride / classes);
    for first in (0..stride).step_by(classes) {
        own.clear();
        for scores in scores.chunks_exact(stride) {
            own.extend_from_slice(&scores[first..first + classes]);
        }
        totals.push(targets.total(problem.objective.loss, &own, classes).total);
    }
    totals
}

/// The full loss of each draw, all of them scored as one classifier of K x draws classes.
fn full_losses(
    problem: &LinearProblem<'_>,
    rows: &[u32],
    draws: &[Draw],
    start: Option<&Candidate>,
) -> Vec<f64> {
    let classes = problem.classes;
    let candidates: Vec<Candidate> = draws.iter().map(|draw| draw.from(start)).collect();
    let stacked = LinearProblem { classes: classes * draws.len(), ..*problem };
    let bias: Vec<f32> = candidates.iter().flat_map(|(_, bias)| bias.iter().copied()).collect();
    let q: Vec<&[i8]> =
        draws.iter().flat_map(|draw| draw.weight.rows()).filter_map(|row| row.to_slice()).collect();
    // A draw that starts from another classifier need not lie on the grid.
    let grid = if start.is_none() { stacked.on_grid(&q, draws[0].step, &bias) } else { None };
    let parts = if let Some(grid) = grid {
        stacked.map_grid_scores(
            &grid,
            rows,
            #[inline(always)]
            |scores, targets| losses_of_each(problem, scores, targets),
        )
    } else {
        let weights: Vec<_> = candidates.iter().map(|(weight, _)| weight.view()).collect();
        let Ok(weight) = ndarray::concatenate(Axis(0), &weights) else {
            unreachable!("candidates have equal shapes");
        };
        stacked.map_scores(
            &Weights::new(&weight, &Array1::from(bias), &stacked),
            rows,
            #[inline(always)]
            |scores, targets| losses_of_each(problem, scores, targets),
        )
    };
    let mut totals = vec![0.0; draws.len()];
    for part in parts {
        totals.iter_mut().zip(part).for_each(|(total, part)| *total += part);
    }
    let penalties = candidates.iter().map(|(weight, bias)| {
        let all: Vec<f32> = weight.iter().chain(bias).copied().collect();
        problem.objective.penalty.value(&all)
    });
    totals.iter().zip(penalties).map(|(total, penalty)| total / rows.len() as f64 + penalty).collect()
}
