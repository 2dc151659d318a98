//! `data`: a data set itself, before anything is trained.

mod info;

use super::{Exit, file, print, print_json};
use crate::cli::Data;

pub fn run(what: &Data) -> anyhow::Result<Exit> {
    match what {
        Data::Info(args) => info::run(args),
    }
}
