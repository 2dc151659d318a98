//! A linear classifier's loss over examples that may not all be held at a time.

use super::{BatchLoss, LinearProblem, Targets, Weights};
use crate::data::{Examples, Store};
use std::ops::ControlFlow;

/// A problem over the examples of a store. Sums have the bits of those over examples that are held.
pub struct Stored<'a, S> {
    /// All but the examples, of which it has those that the store holds; weights of examples are by row of the store.
    pub problem: LinearProblem<'a>,
    /// The examples.
    pub store: &'a S,
}

impl<S> Clone for Stored<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Stored<'_, S> {}

impl<'a> Stored<'a, Examples> {
    /// The problem over its own examples.
    pub fn held(problem: LinearProblem<'a>) -> Self {
        Self { problem, store: problem.examples }
    }
}

impl<S: Store> Stored<'_, S> {
    /// Hands `take` a problem over each part's examples, with the numbers that the part's rows have among them, until it
    /// breaks.
    ///
    /// # Errors
    /// When rows that are not held cannot be read.
    pub fn visit(
        &self,
        parts: &[&[u32]],
        mut take: impl FnMut(&LinearProblem<'_>, &[u32]) -> ControlFlow<()>,
    ) -> Result<(), S::Error> {
        self.store.visit(parts, &mut |view| {
            let weights = self.problem.example_weights.map(|all| view.gather(all));
            let here = LinearProblem {
                examples: view.examples,
                example_weights: weights.as_deref(),
                ..self.problem
            };
            take(&here, view.rows)
        })
    }

    /// Hands `fold` what `look` makes of the scores (B, K) and targets of each block of `rows`, in the order of the
    /// blocks, some of which are looked at in parallel.
    ///
    /// # Errors
    /// As [`Stored::visit`].
    pub fn fold_scores<R: Send>(
        &self,
        weights: &Weights,
        rows: &[u32],
        look: impl Fn(&[f32], &Targets) -> R + Sync + Copy,
        mut fold: impl FnMut(R),
    ) -> Result<(), S::Error> {
        let parts: Vec<&[u32]> = rows.chunks(self.store.part_rows()).collect();
        self.visit(&parts, |problem, rows| {
            problem.map_scores(weights, rows, look).into_iter().for_each(&mut fold);
            ControlFlow::Continue(())
        })
    }

    /// Sum of the losses of `rows`, without the penalty: as [`LinearProblem::loss`].
    ///
    /// # Errors
    /// As [`Stored::visit`].
    pub fn loss(&self, weights: &Weights, rows: &[u32]) -> Result<BatchLoss, S::Error> {
        let LinearProblem { objective, classes, .. } = self.problem;
        let mut sum = BatchLoss::default();
        self.fold_scores(
            weights,
            rows,
            #[inline(always)]
            |scores, targets| targets.total(objective.loss, scores, classes),
            |part| sum += part,
        )?;
        Ok(sum)
    }
}
