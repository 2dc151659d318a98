//! `data generate`: the built-in set, of any size and seed, as files.

use super::{Exit, save};
use crate::cli::GenerateArgs;
use crate::data;
use crate::report::console::Console;

pub fn run(args: &GenerateArgs) -> anyhow::Result<Exit> {
    let format = save::check(&args.out)?;
    let data = data::generate(args.rows, args.test_rows, args.seed);
    save::save(&data, &args.out, format, Console { quiet: args.out.quiet })
}
