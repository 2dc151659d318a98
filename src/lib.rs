//! Trains, checks and explains linear image classifiers.
pub mod config;
pub mod data;
pub mod gradcheck;
pub mod kernel;
pub mod metrics;
pub mod model;
pub mod objective;
pub mod optim;
pub mod random;
pub mod train;
