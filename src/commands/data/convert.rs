//! `data convert`: a data set in another format.

use super::{Exit, save};
use crate::cli::ConvertArgs;
use crate::commands::train::tell_data;
use crate::data;
use crate::report::console::Console;

pub fn run(args: &ConvertArgs) -> anyhow::Result<Exit> {
    let console = Console { quiet: args.out.quiet };
    let format = save::check(&args.out)?;
    let data = data::load(&args.data.request())?;
    tell_data(console, &data);
    save::save(&data, &args.out, format, console)
}
