//! Trains, checks and explains linear image classifiers.
//!
//! Data flows one way, and a room knows only what stands before it:
//!
//! ```text
//! cli -> config (resolve) -> data (load, split, preprocess) -> train (objective + update rule, on kernels)
//!     -> model, metrics -> run folder, report
//! ```
//!
//! | word | meaning |
//! | --- | --- |
//! | N, D, K, B | examples, features of an example, classes, examples in a batch |
//! | X | features as bytes, (N, D), row-major |
//! | W, b | weights (K, D) and bias (K) |
//! | s = W x + b | scores, (K) |
//! | L_i | loss of example i, a function of its scores and label |
//! | A | slopes dL_i/ds, (B, K) |
//! | data loss | (1/N) sum_i L_i |
//! | penalty | lambda sum W^2 + lambda_1 sum abs(W), bias included |
//! | full loss, objective | data loss + penalty: what every strategy minimises |

pub mod autodiff;
pub mod cli;
pub mod commands;
pub mod config;
pub mod data;
pub mod fetch;
#[doc(hidden)]
pub mod fuzz;
pub mod gradcheck;
pub mod kernel;
pub mod machine;
pub mod metrics;
pub mod model;
pub mod objective;
pub mod optim;
pub mod random;
pub mod report;
pub mod run_folder;
pub mod sweep;
pub mod train;
pub mod trajectory;
