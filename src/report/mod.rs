//! What a run shows and leaves: progress, summaries, tables and pictures. Writers of files are pure
//! functions from numbers to bytes; the same numbers give the same bytes.

pub mod attempts;
mod canvas;
pub mod console;
pub mod contact_sheet;
pub mod convergence;
pub mod curves;
pub mod data_info;
pub mod fetch_progress;
pub mod graph;
pub mod history;
pub mod losses;
mod narrow_terminal;
pub mod page;
pub mod pixels;
pub mod plot;
pub mod printable;
pub mod quotients;
pub mod summary;
pub mod sweep;
pub mod sweep_curves;
pub mod sweep_map;
pub mod sweep_progress;
pub mod sweep_response;
pub mod templates;
pub mod trajectories;
