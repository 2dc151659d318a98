//! The program as its users meet it: every test runs the binary in a temporary folder of its own and looks at what
//! it prints, what it writes and how it exits. Nothing here needs data, a network or another test; `real_data`
//! alone looks for CIFAR-10, and says so when it is not there.

#![allow(clippy::float_cmp, reason = "figures that must repeat are compared exactly")]

mod bad_inputs;
mod class_weight;
mod config;
mod data;
mod determinism;
mod disk;
mod divergence;
mod encode;
mod errors;
mod evaluate;
mod explain;
mod fetch;
mod formats;
mod gradcheck;
mod hostile_files;
mod interrupt;
mod lbfgs;
mod lecture;
mod memory;
mod page;
#[cfg(feature = "parquet")]
mod parquet;
mod pipes;
mod precision;
mod predict;
mod printed;
mod random_search;
mod readme;
mod real_data;
mod report;
mod resume;
mod run_folder;
mod sample_weight;
mod support;
mod sweep;
mod train;
mod trajectories;
