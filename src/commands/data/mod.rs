//! `data`: a data set itself, before anything is trained.

mod convert;
mod fetch;
mod generate;
mod info;
mod save;

use super::train::{INTERRUPT, stop_on_interrupt};
use super::{Exit, file, print, print_json};
use crate::cli::Data;

pub use save::SaveError;

pub fn run(what: &Data) -> anyhow::Result<Exit> {
    match what {
        Data::Info(args) => info::run(args),
        Data::Fetch(args) => fetch::run(args),
        Data::Convert(args) => convert::run(args),
        Data::Generate(args) => generate::run(args),
    }
}
