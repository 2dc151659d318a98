//! Strategy 1 of the lecture, "a first very bad idea solution": try random W and keep the best. In its local
//! form each attempt is a random step from the best W so far, kept only if it helps.

use super::{Attempt, Observer, Stop};
use crate::objective::{LinearProblem, Weights};
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
}

/// Draws W and b, every number from a normal distribution with deviation `scale`, and computes the full loss of each
/// over `rows`. Independent draws are scored many at a time; losses do not depend on how many.
pub fn search(
    problem: &LinearProblem<'_>,
    rows: &[u32],
    plan: &SearchPlan,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Search {
    let begun = Instant::now();
    let mut rng = random::generator(plan.seed, Stream::Search);
    let shape = (problem.classes, problem.examples.width);
    let mut best = (Array2::zeros(shape), Array1::zeros(problem.classes));
    let mut best_loss = f64::INFINITY;
    let mut attempts: Vec<Attempt> = Vec::with_capacity(plan.attempts);
    let mut stop = Stop::Completed;

    'search: while attempts.len() < plan.attempts {
        // A local step starts from the best so far, which the attempt before it may have changed.
        let together = if plan.local { 1 } else { STACK.min(plan.attempts - attempts.len()) };
        let candidates: Vec<_> = (0..together)
            .map(|_| {
                let (weight, bias) = draw(shape, plan.scale, &mut rng);
                if plan.local { (weight + &best.0, bias + &best.1) } else { (weight, bias) }
            })
            .collect();
        let losses = full_losses(problem, rows, &candidates);
        for (candidate, loss) in candidates.into_iter().zip(losses) {
            if !loss.is_finite() {
                stop = Stop::Diverged { step: attempts.len() as u64 + 1, lr: None };
                break 'search;
            }
            if loss < best_loss {
                (best, best_loss) = (candidate, loss);
            }
            let seconds = begun.elapsed().as_secs_f64();
            let attempt = Attempt { attempt: attempts.len(), loss, best: best_loss, seconds };
            observer.attempted(&attempt);
            attempts.push(attempt);
        }
        if interrupt.load(Ordering::Relaxed) && attempts.len() < plan.attempts {
            stop = Stop::Interrupted { step: attempts.len() as u64 };
            break;
        }
    }
    Search { weight: best.0, bias: best.1, attempts, stop }
}

/// The lecture's W of K x (D + 1) numbers, the last column being b.
fn draw((classes, width): (usize, usize), scale: f64, rng: &mut ChaCha8Rng) -> (Array2<f32>, Array1<f32>) {
    let drawn: Array2<f32> = Array2::random_using((classes, width + 1), StandardNormal, rng) * scale as f32;
    (drawn.slice(s![.., ..width]).to_owned(), drawn.column(width).to_owned())
}

/// The full loss of each candidate, all of them scored as one classifier of K x candidates classes.
fn full_losses(
    problem: &LinearProblem<'_>,
    rows: &[u32],
    candidates: &[(Array2<f32>, Array1<f32>)],
) -> Vec<f64> {
    let classes = problem.classes;
    let weights: Vec<_> = candidates.iter().map(|(weight, _)| weight.view()).collect();
    let biases: Vec<_> = candidates.iter().map(|(_, bias)| bias.view()).collect();
    let stacked = LinearProblem { classes: classes * candidates.len(), ..*problem };
    let (Ok(weight), Ok(bias)) =
        (ndarray::concatenate(Axis(0), &weights), ndarray::concatenate(Axis(0), &biases))
    else {
        unreachable!("candidates have equal shapes");
    };
    let weights = Weights::new(&weight, &bias, &stacked);

    let parts = stacked.map_scores(&weights, rows, |scores, labels| {
        let mut totals = vec![0.0; candidates.len()];
        for (scores, label) in scores.chunks_exact(stacked.classes).zip(labels) {
            for (total, own) in totals.iter_mut().zip(scores.chunks_exact(classes)) {
                *total += problem.objective.loss.total(own, classes, std::slice::from_ref(label)).total;
            }
        }
        totals
    });
    let mut totals = vec![0.0; candidates.len()];
    for part in parts {
        totals.iter_mut().zip(part).for_each(|(total, part)| *total += part);
    }
    let penalties = candidates.iter().map(|(weight, bias)| {
        let all: Vec<f32> = weight.iter().chain(bias).copied().collect();
        problem.objective.penalty.value(&all)
    });
    totals.iter().zip(penalties).map(|(total, penalty)| total / rows.len() as f64 + penalty).collect()
}
