//! The settings of a run that goes on: its own. What is typed again must say the same, unless no byte depends on it.

use super::{ConfigError, Layers, Origin, RunConfig, ScheduleName, Settings, file, to_table};
use crate::train::CheckpointEvery;
use std::path::Path;

/// Keys that may differ: the data is recognised by its content, and the others change no result.
const MAY_DIFFER: [&str; 7] =
    ["data", "memory", "threads", "checkpoint-every", "keep-checkpoints", "json", "quiet"];

/// The settings that `run` has, as the TOML `stored` says, with what may differ taken from `config` and those of `flags`
/// that are named in `given`.
///
/// A run may go on for longer than was planned, with more epochs or attempts, where nothing that was done depends on
/// their number: it then is to the byte what it would have been with that number from the beginning. A cosine schedule
/// depends on it from its first step. One that has `ended` keeps no checkpoint, and cannot be longer.
///
/// # Errors
/// [`ConfigError::Changed`] names every key that differs, with both values; or another [`ConfigError`].
pub fn resume(
    run: &Path,
    stored: &str,
    ended: bool,
    flags: &Settings,
    given: &[String],
    config: Option<&Path>,
) -> Result<RunConfig, ConfigError> {
    let mut joined = Layers::new(file::parse(run, stored)?, &Settings::default(), &[])?;
    let typed = Layers::of_run(flags, given, config)?;
    for key in ["out", "force"] {
        if let Some(origin) = typed.origins.get(key) {
            let reason = "a resumed run is written where it began".into();
            return Err(ConfigError::WithoutEffect { origin: origin.clone(), reason });
        }
    }
    let of_run = super::filled(joined.settings()?);
    let settings = typed.settings()?;
    let longer = |key: &str| match key {
        _ if ended => false,
        "epochs" => of_run.schedule != ScheduleName::Cosine && settings.epochs > of_run.epochs,
        "attempts" => settings.attempts > of_run.attempts,
        _ => false,
    };
    let (was, now) = (to_table(&of_run)?, to_table(&settings)?);
    let mut changes = Vec::new();
    for (key, origin) in typed.origins {
        let Some(value) = now.get(&key) else { continue };
        if MAY_DIFFER.contains(&key.as_str()) || longer(&key) {
            joined.set(&key, value.clone(), origin);
        } else if was.get(&key) != Some(value) {
            let own = was.get(&key).map_or_else(|| "none".into(), ToString::to_string);
            changes.push(format!("{origin}: found {value}, expected {own} as the run has"));
        } else if let Some(reason) = of_run.without_effect(&key) {
            return Err(ConfigError::WithoutEffect { origin, reason });
        }
    }
    if !changes.is_empty() {
        return Err(ConfigError::Changed { run: run.into(), changes, ended });
    }
    // How many to keep is the run's own word, which means nothing to whoever wants none now.
    let keeping = joined.origins.get("keep-checkpoints");
    if settings.checkpoint_every == Some(CheckpointEvery::Off)
        && matches!(keeping, Some(Origin::File { path, .. }) if path == run)
    {
        joined.remove("keep-checkpoints");
    }
    joined.resolve()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroUsize;

    const STORED: &str = "data = \"here\"\nlr = 0.5\nepochs = 4\nbatch-size = 32\nschedule = \"constant\"\n";

    fn with(stored: &str, set: impl Fn(&mut Settings), given: &[&str]) -> Result<RunConfig, String> {
        of_run(stored, false, set, given)
    }

    fn of_run(
        stored: &str,
        ended: bool,
        set: impl Fn(&mut Settings),
        given: &[&str],
    ) -> Result<RunConfig, String> {
        let mut flags = Settings::default();
        set(&mut flags);
        let given: Vec<String> = given.iter().map(ToString::to_string).collect();
        resume(Path::new("run"), stored, ended, &flags, &given, None).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_typed_is_the_runs_own() {
        let config = with(STORED, |_| (), &[]).expect("resolves");
        assert_eq!((config.settings.lr, config.settings.epochs), (0.5, 4));
        let config = with(STORED, |flags| flags.data = Some("there".into()), &["data"]).expect("resolves");
        assert_eq!(config.settings.data.as_deref(), Some(Path::new("there")));
    }

    #[test]
    fn every_key_that_differs_is_named_with_both_values() {
        let set = |flags: &mut Settings| (flags.lr, flags.epochs, flags.seed) = (0.25, 3, 0);
        let error = with(STORED, set, &["lr", "epochs", "seed", "batch-size"]).expect_err("they differ");
        for part in
            ["--resume run: ", "--lr: found 0.25, expected 0.5", "--epochs: found 3, expected 4", "; "]
        {
            assert!(error.contains(part), "{error}");
        }
        assert!(error.contains("--batch-size: found 256, expected 32") && !error.contains("seed"), "{error}");
    }

    #[test]
    fn more_epochs_are_welcome_unless_the_schedule_depends_on_them() {
        let more = |flags: &mut Settings| flags.epochs = 9;
        assert_eq!(with(STORED, more, &["epochs"]).expect("resolves").settings.epochs, 9);
        let error = with(&STORED.replace("constant", "cosine"), more, &["epochs"]).expect_err("it depends");
        assert!(error.contains("--epochs: found 9, expected 4"), "{error}");
    }

    #[test]
    fn a_run_that_has_ended_cannot_be_longer() {
        let more = |flags: &mut Settings| flags.epochs = 9;
        let error = of_run(STORED, true, more, &["epochs"]).expect_err("it has no checkpoint");
        assert_eq!(error, "--resume run: has ended; --epochs: found 9, expected 4 as the run has");
        assert!(of_run(STORED, true, |flags| flags.threads = NonZeroUsize::new(1), &["threads"]).is_ok());
    }

    #[test]
    fn checkpoints_may_be_switched_off() {
        let off = |flags: &mut Settings| flags.checkpoint_every = Some(CheckpointEvery::Off);
        let stored = "checkpoint-every = 5\nkeep-checkpoints = 3\n";
        let config = with(stored, off, &["checkpoint-every"]).expect("resolves");
        assert_eq!(config.settings.keep_checkpoints, None);
    }

    #[test]
    fn a_resumed_run_has_its_place() {
        let error = with(STORED, |flags| flags.out = Some("x".into()), &["out"]).expect_err("it has one");
        assert!(error.starts_with("--out: has no effect here"), "{error}");
    }
}
