//! What is measured: softmax and the SVM over random bytes as images have them, and plain SGD.

use cifar_train::data::{Examples, Features, Preprocessing};
use cifar_train::kernel::Rows;
use cifar_train::objective::{LinearProblem, Loss, Objective, Penalty, Weights};
use cifar_train::optim::{RuleState, UpdateRule};
use cifar_train::random::{self, Stream};
use rand_chacha::rand_core::RngCore;

pub const OBJECTIVE: Objective = Objective { loss: Loss::Softmax, penalty: Penalty { l2: 1e-3, l1: 0.0 } };
#[allow(dead_code, reason = "growth does without")]
pub const SVM: Objective = Objective { loss: Loss::Svm { margin: 1.0 }, ..OBJECTIVE };

/// N x D random bytes, with random labels of K classes.
pub fn images(rows: usize, width: usize, classes: usize) -> Examples {
    let mut rng = random::generator(0, Stream::Generate);
    let mut features = vec![0; rows * width];
    rng.fill_bytes(&mut features);
    let labels = (0..rows).map(|_| random::below(&mut rng, classes as u32) as u16).collect();
    Examples { features: Features::Bytes(features), labels, width }
}

/// Their standardisation.
pub fn standardised(width: usize) -> Preprocessing {
    Preprocessing { mean: vec![127.5; width], scale: vec![1.0 / 73.9; width] }
}

/// Plain SGD, with what it keeps of each weight.
pub struct Sgd(Vec<RuleState<f32>>);

impl Sgd {
    pub fn new(weights: &Weights) -> Self {
        Self(weights.part_lengths().into_iter().map(|len| UpdateRule::Sgd.start(len)).collect())
    }

    /// An epoch over `rows`, in their order.
    pub fn epoch(&mut self, problem: &LinearProblem<'_>, weights: &mut Weights, rows: &[u32], batch: usize) {
        let next = rows.chunks(batch).skip(1).chain([&[][..]]);
        for (now, next) in rows.chunks(batch).zip(next) {
            problem.step(
                weights,
                Rows { now, next },
                &mut self.0,
                #[inline(always)]
                |w, g, state, first| UpdateRule::Sgd.apply(1e-3, 1, w, g, state, first),
            );
        }
    }
}
