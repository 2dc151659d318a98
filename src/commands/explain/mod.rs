//! `explain`: the lecture's ideas, worked out on numbers.

mod gradient;
mod graph;
mod loss;
mod trajectories;

use super::{Exit, file};
use crate::cli::Explain;
use std::fmt::Display;
use thiserror::Error;

pub fn run(explain: &Explain) -> anyhow::Result<Exit> {
    match explain {
        Explain::Graph(args) => graph::run(args),
        Explain::Loss(args) => loss::run(args),
        Explain::Gradient(args) => gradient::run(args),
        Explain::Trajectories(args) => trajectories::run(args),
    }
}

/// What was typed and cannot be used: one line, and what to do about it.
#[derive(Debug, Error)]
#[error("{what}")]
pub struct InputError {
    what: String,
    /// What to do about it.
    pub hint: &'static str,
}

impl InputError {
    #[allow(clippy::needless_pass_by_value, reason = "errors are made to be consumed")]
    fn new(what: impl Display, hint: &'static str) -> Self {
        Self { what: format!("{what}"), hint }
    }
}
