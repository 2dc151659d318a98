//! How strongly the full loss curves at most: what bounds a stable learning rate.

use crate::data::Store;
use crate::objective::Stored;
use crate::objective::reference::Reference;
use crate::optim::largest_eigenvalue;
use crate::random::{self, Stream};
use ndarray::Array1;
use ndarray_rand::RandomExt;
use ndarray_rand::rand_distr::StandardNormal;
use std::ops::ControlFlow;

/// Rows it is estimated on, in f64.
pub(super) const SAMPLE_ROWS: usize = 500;

/// An upper bound of the largest curvature of the full loss over `rows`, estimated on a sample of them that `seed` draws: for
/// softmax the Hessian of a row is at most (1/2) x x^T for each class; for the SVM the same serves as a measure of scale.
///
/// # Errors
/// Where rows come from a file: it cannot be read.
pub fn largest_curvature<S: Store>(problem: Stored<'_, S>, rows: &[u32], seed: u64) -> Result<f64, S::Error> {
    let mut rng = random::generator(seed, Stream::Curvature);
    let mut rows = rows.to_vec();
    random::shuffle(&mut rng, &mut rows);
    rows.truncate(SAMPLE_ROWS);
    let objective = problem.problem.objective;
    let mut bound = 0.0;
    problem.visit(&[&rows], |problem, rows| {
        let mut sample = Reference::new(problem.examples, problem.preprocessing, objective, rows).features;
        if let Some(weights) = problem.example_weights {
            let rows = sample.rows_mut().into_iter().zip(rows);
            rows.for_each(|(mut x, &row)| x *= weights[row as usize].sqrt());
        }
        let start = Array1::random_using(problem.examples.width, StandardNormal, &mut rng);
        bound = 0.5 * largest_eigenvalue(&sample, start) + 2.0 * objective.penalty.l2;
        ControlFlow::Continue(())
    })?;
    Ok(bound)
}
