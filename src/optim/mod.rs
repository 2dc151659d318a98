//! How weights move: update rules, learning-rate schedules, the curvature that bounds a rate; L-BFGS with its line
//! search, and the Cholesky factor it starts from. Pure arithmetic: nothing
//! here reads data, files or clocks.

mod cholesky;
mod curvature;
mod lbfgs;
mod line_search;
mod rules;
mod schedule;

pub use cholesky::Cholesky;
pub use curvature::{largest_eigenvalue, suggested_rate};
pub use lbfgs::{Lbfgs, add, dot};
pub use line_search::{Slope, line_search};
pub use rules::{RuleState, UpdateRule};
pub use schedule::{Schedule, Shape};
