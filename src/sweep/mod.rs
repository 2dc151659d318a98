//! Many runs over the same data, from which one is chosen.
//!
//! A [`Plan`] is the list of runs, all checked before the first begins. An [`Engine`] does them, each on every [`Fold`],
//! and hands over an [`Outcome`] as each ends; a [`SweepFolder`] keeps outcomes safe from one moment to the next.
//! [`Record`]s sum them up by run, and [`best`] chooses. Nothing here prints.

mod combinations;
mod engine;
mod fold;
mod folder;
mod plan;
mod record;

pub use engine::Engine;
pub use fold::{Fold, folds};
pub use folder::{Header, Journal, SweepFolder, SweepFolderError, config_in, latest};
pub use plan::{Asked, Plan, PlannedRun, Selection};
pub use record::{Outcome, Record, Score, best};
