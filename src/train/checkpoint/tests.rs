//! From any step on, a state that went through a file's bytes comes to the bits of a run that nothing stopped.

use super::*;
use crate::data::{Dataset, Preprocess, Preprocessing, generate};
use crate::kernel::{Compute, Kernel, Team};
use crate::objective::{LinearProblem, Loss, Objective, Penalty, Stored};
use crate::optim::{Schedule, Shape, UpdateRule};
use crate::train::{
    BatchSize, Course, Descent, DescentPlan, Search, SearchPlan, Stop, Watched, descend_from, search_from,
};
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;

/// Keeps the state after every step, as bytes.
#[derive(Default)]
struct All(Vec<Vec<u8>>);

impl Keeper for All {
    fn is_due(&mut self, _before: u64, _done: u64) -> bool {
        true
    }

    fn keep(&mut self, state: State) -> Result<(), String> {
        let provenance = Provenance {
            program: String::new(),
            kernel: String::new(),
            config: String::new(),
            data_digest: String::new(),
        };
        let bytes = Checkpoint { provenance, state }.to_bytes().map_err(|error| error.to_string())?;
        self.0.push(bytes);
        Ok(())
    }
}

fn state(bytes: &[u8]) -> State {
    Checkpoint::from_bytes(bytes).expect("a checkpoint").state
}

struct World {
    data: Dataset,
    preprocessing: Preprocessing,
    compute: Compute,
}

impl World {
    fn new() -> Self {
        let data = generate(50, 20, 0);
        let preprocessing = Preprocessing::fit(Preprocess::Standardize, &data.train, &data.train.all());
        let compute = Compute { kernel: Kernel::detect(), team: Team::new(NonZeroUsize::MIN) };
        Self { data, preprocessing, compute }
    }

    fn problem(&self) -> LinearProblem<'_> {
        LinearProblem {
            examples: &self.data.train,
            preprocessing: &self.preprocessing,
            classes: self.data.classes(),
            objective: Objective { loss: Loss::Softmax, penalty: Penalty { l2: 1e-3, l1: 1e-5 } },
            example_weights: None,
            compute: &self.compute,
        }
    }

    /// Trains on 40 rows and validates on 10.
    fn descend(&self, plan: &DescentPlan, from: Option<DescentState>, keeper: &mut dyn Keeper) -> Descent {
        let (rows, held_out): (Vec<u32>, Vec<u32>) =
            self.data.train.all().iter().partition(|&row| row % 5 > 0);
        let watched = Watched { validation: &held_out, test: None };
        let interrupt = AtomicBool::new(false);
        let course = Course { from, keeper, observer: &mut (), interrupt: &interrupt };
        descend_from(Stored::held(self.problem()), &rows, watched, plan, course).expect("the state fits")
    }

    fn search(&self, plan: &SearchPlan, from: Option<SearchState>, keeper: &mut dyn Keeper) -> Search {
        let interrupt = AtomicBool::new(false);
        let course = Course { from, keeper, observer: &mut (), interrupt: &interrupt };
        search_from(&self.problem(), &self.data.train.all(), plan, course).expect("the state fits")
    }
}

/// All that a descent comes to, but for the clock.
fn bits(descent: &Descent) -> (Vec<u32>, Vec<u64>, Vec<Epoch>, Option<usize>, Stop) {
    let (weight, bias) = descent.weights.to_arrays();
    let weights = weight.iter().chain(&bias).map(|w| w.to_bits()).collect();
    let losses = descent.step_losses.iter().map(|loss| loss.to_bits()).collect();
    let history = descent.history.iter().map(|row| Epoch { seconds: 0.0, ..*row }).collect();
    (weights, losses, history, descent.kept_epoch, descent.stop)
}

fn plan(rule: UpdateRule) -> DescentPlan {
    DescentPlan {
        rule,
        schedule: Schedule { lr: 0.01, shape: Shape::Cosine, warmup: 0.5, epochs: 4.0 },
        batch_size: BatchSize::Rows(NonZeroUsize::new(15).expect("above 0")),
        window: None,
        epochs: 4,
        patience: None,
        init_scale: 1e-2,
        seed: 3,
    }
}

#[test]
fn every_rule_goes_on_from_every_step() {
    let world = World::new();
    for rule in [
        UpdateRule::Sgd,
        UpdateRule::Momentum { momentum: 0.9 },
        UpdateRule::Nesterov { momentum: 0.9 },
        UpdateRule::Adagrad { epsilon: 1e-8 },
        UpdateRule::RmsProp { beta2: 0.99, epsilon: 1e-8 },
        UpdateRule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    ] {
        let plan = plan(rule);
        let mut all = All::default();
        let expected = bits(&world.descend(&plan, None, &mut all));
        assert_eq!(all.0.len(), 12, "three steps an epoch");
        for (step, bytes) in all.0.iter().enumerate() {
            let State::Descent(state) = state(bytes) else { panic!("a descent") };
            assert!(
                bits(&world.descend(&plan, Some(*state), &mut ())) == expected,
                "{rule:?}, step {}",
                step + 1
            );
        }
    }
}

/// The best epoch so far, and how long ago it was, are part of the state; so is a stop that was due.
#[test]
fn patience_and_full_batches_go_on() {
    let world = World::new();
    let patient = DescentPlan { patience: Some(1), epochs: 30, ..plan(UpdateRule::Sgd) };
    for plan in [patient, DescentPlan { batch_size: BatchSize::Full, ..patient }] {
        let mut all = All::default();
        let expected = bits(&world.descend(&plan, None, &mut all));
        assert!(matches!(expected.4, Stop::EarlyStop { .. }), "{:?}", expected.4);
        for bytes in &all.0 {
            let State::Descent(state) = state(bytes) else { panic!("a descent") };
            assert!(bits(&world.descend(&plan, Some(*state), &mut ())) == expected);
        }
    }
}

#[test]
fn a_search_goes_on_from_every_attempt() {
    let world = World::new();
    for (local, checkpoints) in [(false, 2), (true, 20)] {
        let plan = SearchPlan { attempts: 20, scale: 1e-2, local, seed: 1 };
        let bits = |search: &Search| {
            let losses: Vec<[f64; 2]> = search.attempts.iter().map(|row| [row.loss, row.best]).collect();
            (search.weight.clone(), search.bias.clone(), losses, search.stop)
        };
        let mut all = All::default();
        let expected = bits(&world.search(&plan, None, &mut all));
        assert_eq!(all.0.len(), checkpoints);
        for bytes in &all.0 {
            let State::Search(state) = state(bytes) else { panic!("a search") };
            assert!(bits(&world.search(&plan, Some(*state), &mut ())) == expected);
        }
    }
}

/// An interrupted descent hands out the state before its unfinished epoch was closed.
#[test]
fn an_interrupted_descent_can_go_on() {
    let world = World::new();
    let plan = plan(UpdateRule::Momentum { momentum: 0.9 });
    let expected = bits(&world.descend(&plan, None, &mut ()));
    let (mut from, mut steps) = (None, 0);
    let rows: Vec<u32> = world.data.train.all().into_iter().filter(|row| row % 5 > 0).collect();
    let held_out: Vec<u32> = world.data.train.all().into_iter().filter(|row| row % 5 == 0).collect();
    let interrupt = AtomicBool::new(true);
    while steps < 12 {
        let course = Course { from, keeper: &mut (), observer: &mut (), interrupt: &interrupt };
        let watched = Watched { validation: &held_out, test: None };
        let descent = descend_from(Stored::held(world.problem()), &rows, watched, &plan, course)
            .expect("the state fits");
        steps += 1;
        assert_eq!(descent.stop, Stop::Interrupted { step: steps });
        from = descent.state;
    }
    assert!(bits(&world.descend(&plan, from, &mut ())) == expected);
}
