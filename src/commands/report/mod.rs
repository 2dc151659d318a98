//! `report`: one HTML page of a run, or of several side by side.

mod saved;
mod test_set;

pub use saved::SavedRunError;

use super::{Exit, compute, file, print, print_json};
use crate::cli::ReportArgs;
use crate::report::console::Console;
use crate::report::page::{self, Run, Standing};
use saved::SavedRun;
use serde::Serialize;
use std::path::{Path, PathBuf};
use test_set::TestSets;

/// The file's name where none is given.
const FILE: &str = "report.html";

/// What `--json` prints.
#[derive(Serialize)]
struct Written<'a> {
    /// The page.
    out: String,
    runs: Vec<Standing<'a>>,
}

pub fn run(args: &ReportArgs) -> anyhow::Result<Exit> {
    let console = Console { quiet: args.quiet };
    let saved: Vec<SavedRun> = args.runs.iter().map(|run| saved::read(run)).collect::<anyhow::Result<_>>()?;
    let out = out(args);
    file::check_free(&out, args.force)?;

    let compute = compute(args.threads);
    let mut test_sets = TestSets::new(args.data.as_deref(), console);
    let names = names(&args.runs);
    let mut runs = Vec::new();
    for (saved, name) in saved.into_iter().zip(names) {
        let test = test_sets.test(&saved, args.mistakes, &compute)?;
        let SavedRun { folder: _, result, config, config_text, history, model } = saved;
        runs.push(Run { name, result, config, config_text, history, model, test });
    }
    file::write(&[(&out, page::render(&runs)?)], args.force)?;
    if args.json {
        print_json(&Written { out: out.display().to_string(), runs: page::standings(&runs) })?;
    } else {
        print(&format!("Saved: {}\n", out.display()))?;
    }
    Ok(Exit::Done)
}

fn out(args: &ReportArgs) -> PathBuf {
    match (&args.out, args.runs.as_slice()) {
        (Some(out), _) => out.clone(),
        (None, [run]) => run.join(FILE),
        (None, _) => FILE.into(),
    }
}

/// What the runs are called: their folders' names, or their paths where these would be the same.
fn names(folders: &[PathBuf]) -> Vec<String> {
    let short: Vec<String> = folders.iter().map(|folder| short_name(folder)).collect();
    let is_unique = |name: &String| short.iter().filter(|other| *other == name).count() == 1;
    let name = |(folder, name): (&PathBuf, &String)| {
        if is_unique(name) { name.clone() } else { folder.display().to_string() }
    };
    folders.iter().zip(&short).map(name).collect()
}

/// The last part of a path; of `.` and the like, of the folder they stand for.
fn short_name(folder: &Path) -> String {
    let last = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let resolved = || folder.canonicalize().ok().and_then(|path| last(&path));
    last(folder).or_else(resolved).unwrap_or_else(|| folder.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_called_by_their_folders_or_by_their_paths() {
        let names = |paths: &[&str]| names(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(names(&["runs/a", "b/"]), ["a", "b"]);
        assert_eq!(names(&["x/a", "y/a", "c"]), ["x/a", "y/a", "c"]);
        assert_eq!(names(&["src/.."]).len(), 1);
    }
}
