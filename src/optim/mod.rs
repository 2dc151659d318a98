//! How weights move: update rules, learning-rate schedules, and the curvature that bounds a rate. Pure arithmetic: nothing
//! here reads data, files or clocks.

mod curvature;
mod rules;
mod schedule;

pub use curvature::{largest_eigenvalue, suggested_rate};
pub use rules::{RuleState, UpdateRule};
pub use schedule::{Schedule, Shape};
