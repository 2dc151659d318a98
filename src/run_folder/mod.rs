//! The folder a run leaves behind. It appears whole or not at all: while the run is under way there is a folder
//! beside it, `NAME.partial`, which is renamed at the end.

mod error;
mod files;
mod partial;

pub use error::RunFolderError;
pub use files::{create, create_folder, create_with, replace};
pub(crate) use partial::{Made, locked, make_folders};
pub use partial::{abandon, checkpoint_name, checkpoints};

use partial::Partial;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where runs go when `--out` is not given.
pub const RUNS: &str = "runs";
/// A file that every finished run has: what tells a run folder from any other.
pub const RESULT: &str = "result.json";
/// What tells the folder of a sweep, finished or not.
pub const SWEEP: &str = "sweep.toml";
/// The resolved settings.
pub const CONFIG: &str = "config.toml";
/// What happened on the way to the model.
pub const HISTORY: &str = "history.csv";
/// The model.
pub const MODEL: &str = "model.safetensors";

/// A run folder to be, held by this process.
pub struct RunFolder {
    target: PathBuf,
    partial: Partial,
    replace: bool,
}

impl RunFolder {
    /// Makes sure, before any work is done, that the folder can be made: at `out`, or under `runs/` with `name`. From
    /// now on no other process can write it; what is on the disk until [`RunFolder::write`] goes when this is dropped.
    ///
    /// # Errors
    /// [`RunFolderError`] when it exists and may not be replaced, another run is under way there or was cut off, or it
    /// cannot be written.
    pub fn prepare(out: Option<&Path>, name: &str, replace: bool) -> Result<Self, RunFolderError> {
        let Some(out) = out else { return Self::numbered(&Path::new(RUNS).join(name)) };
        check_free(out, replace)?;
        let partial = Partial::claim(out)?;
        if !replace && !checkpoints(&partial.path).is_empty() {
            return Err(RunFolderError::Unfinished { path: partial.path.clone(), target: out.into() });
        }
        partial.clear().map_err(|error| RunFolderError::Unwritable { path: partial.path.clone(), error })?;
        Ok(Self { target: out.into(), partial, replace })
    }

    /// At `path`, or the first of `path-2`, `path-3` and so on that is free.
    fn numbered(path: &Path) -> Result<Self, RunFolderError> {
        let mut number = 1;
        loop {
            let mut name = path.as_os_str().to_owned();
            if number > 1 {
                name.push(format!("-{number}"));
            }
            let target = PathBuf::from(name);
            number += 1;
            let is_free = |path: &Path| fs::symlink_metadata(path).is_err();
            if !is_free(&target) || !is_free(&partial::path_of(&target)) {
                continue;
            }
            match Partial::claim(&target) {
                Ok(partial) => return Ok(Self { target, partial, replace: false }),
                // Another run began just now.
                Err(RunFolderError::UnderWay { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes over a run that was cut off or interrupted: `run` is its folder, or that folder's name with `.partial`.
    ///
    /// # Errors
    /// [`RunFolderError`] when there is nothing, or another process is at work there, or it cannot be written.
    pub fn resume(run: &Path) -> Result<Self, RunFolderError> {
        let target = partial::target_of(run);
        if !target.exists() && !partial::path_of(&target).exists() {
            return Err(RunFolderError::NoRun { path: run.into(), found: "nothing" });
        }
        let partial = Partial::claim(&target)?;
        Ok(Self { target, partial, replace: true })
    }

    /// Removes what a process that was killed in its last moment left in the finished folder.
    ///
    /// # Errors
    /// [`RunFolderError::Unwritable`].
    pub fn tidy(&self) -> Result<(), RunFolderError> {
        let path = &self.target;
        partial::tidy(path, None).map_err(|error| RunFolderError::Unwritable { path: path.clone(), error })
    }

    /// Where the folder will appear.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Where it is until then.
    pub fn partial(&self) -> &Path {
        &self.partial.path
    }

    /// Writes down what a run that is cut off would be gone on with.
    ///
    /// # Errors
    /// [`RunFolderError::Unwritable`].
    pub fn keep_config(&self, toml: &str) -> Result<(), RunFolderError> {
        self.keep(CONFIG, toml.as_bytes())
    }

    /// Keeps a checkpoint, and of the earlier ones the last so many that there are `most` in all.
    ///
    /// # Errors
    /// [`RunFolderError::Unwritable`]; the earlier ones are then still there.
    pub fn keep_checkpoint(&self, steps: u64, bytes: &[u8], most: usize) -> Result<(), RunFolderError> {
        self.keep(&checkpoint_name(steps), bytes)?;
        for path in checkpoints(self.partial()).into_iter().skip(most) {
            fs::remove_file(&path).map_err(|error| RunFolderError::Unwritable { path, error })?;
        }
        Ok(())
    }

    fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), RunFolderError> {
        let path = self.partial().join(name);
        replace(&path, bytes).map_err(|error| RunFolderError::Unwritable { path, error })
    }

    /// Writes the folder with its `files`, by name. No checkpoint stays.
    ///
    /// # Errors
    /// [`RunFolderError`] when the folder was made by someone else in the meantime, or the system refuses.
    pub fn write(&self, files: &[(&str, Vec<u8>)]) -> Result<(), RunFolderError> {
        self.finish(files, None)
    }

    /// As [`RunFolder::write`], but the latest checkpoint stays, so that the run can be resumed.
    ///
    /// # Errors
    /// As [`RunFolder::write`].
    pub fn write_resumable(&self, files: &[(&str, Vec<u8>)]) -> Result<(), RunFolderError> {
        self.finish(files, checkpoints(self.partial()).first().map(PathBuf::as_path))
    }

    fn finish(&self, files: &[(&str, Vec<u8>)], kept: Option<&Path>) -> Result<(), RunFolderError> {
        let target = &self.target;
        let written = self.write_files(files).and_then(|()| check_free(target, self.replace));
        if let Err(error) = written {
            // Checkpoints may stay; half a result may not.
            for (name, _) in files {
                let _ = fs::remove_file(self.partial().join(name));
            }
            return Err(error);
        }
        let published = self.partial.publish(kept);
        published.map_err(|error| RunFolderError::Unwritable { path: target.clone(), error })
    }

    fn write_files(&self, files: &[(&str, Vec<u8>)]) -> Result<(), RunFolderError> {
        for (name, bytes) in files {
            write_file(&self.partial().join(name), bytes)
                .map_err(|error| RunFolderError::Unwritable { path: self.target.join(name), error })?;
        }
        Ok(())
    }
}

fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The folder that `path` is in.
pub(crate) fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

fn check_free(target: &Path, replace: bool) -> Result<(), RunFolderError> {
    let exists = |found| Err(RunFolderError::Exists { path: target.into(), found });
    match fs::symlink_metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(RunFolderError::Unwritable { path: target.into(), error }),
        Ok(meta) if !meta.is_dir() => exists("file"),
        // It cannot be renamed over while a shell stands in it.
        Ok(_) if fs::canonicalize(target).ok() == std::env::current_dir().ok() => exists("current folder"),
        Ok(_) => {
            let mut entries = fs::read_dir(target)
                .map_err(|error| RunFolderError::Unwritable { path: target.into(), error })?;
            let is_empty = entries.next().is_none();
            let is_run = [RESULT, SWEEP].iter().any(|name| target.join(name).exists());
            match (is_empty, is_run, replace) {
                (true, ..) | (_, true, true) => Ok(()),
                (_, true, false) => exists("run"),
                (_, false, true) => Err(RunFolderError::NotARun { path: target.into() }),
                (_, false, false) => exists("folder"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_in(out: &Path, replace: bool, text: &str) -> Result<(), RunFolderError> {
        let folder = RunFolder::prepare(Some(out), "unused", replace)?;
        folder.write(&[(RESULT, text.into())])
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn appears_whole_and_is_replaced_only_by_force() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let out = parent.path().join("a");
        run_in(&out, false, "1").expect("new");
        assert!(matches!(run_in(&out, false, "2"), Err(RunFolderError::Exists { found: "run", .. })));
        assert_eq!(fs::read_to_string(out.join(RESULT)).expect("read"), "1");
        run_in(&out, true, "3").expect("replaced");
        assert_eq!(fs::read_to_string(out.join(RESULT)).expect("read"), "3");
        assert_eq!(names(parent.path()), ["a"], "nothing else stays");
    }

    #[test]
    fn what_fails_leaves_nothing() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let folder = RunFolder::prepare(Some(&parent.path().join("a/b")), "unused", false).expect("prepares");
        let folder_as_file = ("no/such/folder", Vec::new());
        assert!(folder.write(&[(RESULT, b"{}".to_vec()), folder_as_file]).is_err());
        drop(folder);
        assert!(names(parent.path()).is_empty(), "not even the folder above");
    }

    #[test]
    fn one_process_at_a_time() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let out = parent.path().join("a");
        let first = RunFolder::prepare(Some(&out), "unused", false).expect("prepares");
        for replace in [false, true] {
            let second = RunFolder::prepare(Some(&out), "unused", replace);
            assert!(matches!(second, Err(RunFolderError::UnderWay { .. })));
        }
        assert!(matches!(RunFolder::resume(&out), Err(RunFolderError::UnderWay { .. })));
        first.write(&[(RESULT, b"{}".to_vec())]).expect("writes");
        assert_eq!(names(parent.path()), ["a"]);
        assert_eq!(names(&out), [RESULT]);
    }

    #[test]
    fn checkpoints_outlive_their_process_and_are_gone_with_the_result() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let out = parent.path().join("a");
        let folder = RunFolder::prepare(Some(&out), "unused", false).expect("prepares");
        for steps in [9, 10, 200] {
            folder.keep_checkpoint(steps, b"x", 2).expect("keeps");
        }
        let partial = folder.partial().to_path_buf();
        let expected = [200, 10].map(|steps| partial.join(checkpoint_name(steps)));
        assert_eq!(checkpoints(&partial), expected);
        drop(folder);
        assert_eq!(checkpoints(&partial), expected, "still there");

        let refused = RunFolder::prepare(Some(&out), "unused", false);
        assert!(matches!(refused, Err(RunFolderError::Unfinished { .. })));
        let folder = RunFolder::resume(&partial).expect("resumes by either name");
        assert_eq!(folder.target(), out);
        folder.write_resumable(&[(RESULT, b"{}".to_vec())]).expect("writes");
        assert_eq!(names(&out), [checkpoint_name(200), RESULT.into()]);
        RunFolder::resume(&out).expect("resumes").write(&[(RESULT, b"{}".to_vec())]).expect("writes");
        assert_eq!(names(&out), [RESULT]);
        assert_eq!(names(parent.path()), ["a"]);
    }

    #[test]
    fn what_is_left_in_a_finished_folder_can_be_removed() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let out = parent.path().join("a");
        run_in(&out, false, "1").expect("new");
        fs::write(out.join(checkpoint_name(3)), "x").expect("writes");
        fs::write(out.join("notes.txt"), "mine").expect("writes");
        RunFolder::resume(&out).expect("resumes").tidy().expect("tidies");
        assert_eq!(names(&out), ["notes.txt", RESULT]);
    }

    /// As if killed between the two renames that replace a run.
    #[test]
    fn an_earlier_run_that_was_moved_aside_is_put_back() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let out = parent.path().join("a");
        run_in(&out, false, "1").expect("new");
        let partial = RunFolder::resume(&out).expect("resumes");
        let aside = partial.partial().join("replaced");
        fs::rename(&out, &aside).expect("moves");
        partial.keep_checkpoint(1, b"x", 1).expect("keeps");
        drop(partial);
        drop(RunFolder::resume(&out).expect("resumes"));
        assert_eq!(fs::read_to_string(out.join(RESULT)).expect("read"), "1");
    }

    #[test]
    fn a_folder_of_that_name_that_is_not_ours_is_left_alone() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let other = parent.path().join("a.partial");
        fs::create_dir(&other).expect("a folder");
        fs::write(other.join("thesis.tex"), "years").expect("writes");
        let refused = RunFolder::prepare(Some(&parent.path().join("a")), "unused", true);
        assert!(matches!(refused, Err(RunFolderError::Exists { found: "folder", .. })));
        assert_eq!(names(&other), ["thesis.tex"]);
    }

    #[test]
    fn force_never_removes_what_is_no_run() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        fs::write(parent.path().join("thesis.tex"), "years").expect("write");
        assert!(matches!(run_in(parent.path(), true, "x"), Err(RunFolderError::NotARun { .. })));
        let file = parent.path().join("thesis.tex");
        assert!(matches!(run_in(&file, true, "x"), Err(RunFolderError::Exists { found: "file", .. })));
    }
}
