//! The checkpoints of a run under way: what they belong to, when they are due, and where they go.

use super::ResumeError;
use crate::config::RunConfig;
use crate::data::Source;
use crate::report::console::Console;
use crate::run_folder::{RunFolder, checkpoints};
use crate::train::{Checkpoint, CheckpointEvery, Keeper, Provenance, State};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// Keeps checkpoints in the folder of a run under way.
pub struct Checkpoints<'a> {
    folder: &'a RunFolder,
    config: String,
    source: &'a Source,
    kernel: &'static str,
    /// The data's, which may take its time.
    digest: &'a dyn Fn() -> String,
    every: CheckpointEvery,
    most: usize,
    last: Instant,
    failing: bool,
}

impl<'a> Checkpoints<'a> {
    /// As often, and so many, as `config` says.
    pub fn new(
        folder: &'a RunFolder,
        config: &RunConfig,
        source: &'a Source,
        kernel: &'static str,
        digest: &'a dyn Fn() -> String,
    ) -> Self {
        Self {
            folder,
            config: config.to_toml(Some(source)),
            source,
            kernel,
            digest,
            every: config.settings.checkpoint_every.unwrap_or_default(),
            most: config.settings.keep_checkpoints.map_or(2, NonZeroUsize::get),
            last: Instant::now(),
            failing: false,
        }
    }

    /// Makes the run one that can be resumed, and returns the state that it goes on from, if there is a checkpoint, which
    /// must be of the same data.
    pub fn begin(&self, checkpoint: Option<Checkpoint>, console: Console) -> anyhow::Result<Option<State>> {
        let Some(Checkpoint { provenance, state }) = checkpoint else {
            self.folder.keep_config(&self.config)?;
            return Ok(None);
        };
        let found = (self.digest)();
        if let Some(error) = ResumeError::of_data(self.source, found, &provenance.data_digest) {
            return Err(error.into());
        }
        if provenance.kernel != self.kernel {
            console.warn(format_args!(
                "the run began with the kernel {} and goes on with {}, which rounds differently: its bytes will not be \
                 those of a run that nothing stopped",
                provenance.kernel, self.kernel
            ));
        }
        // A run that was interrupted has its checkpoint in the finished folder only.
        if checkpoints(self.folder.partial()).is_empty() {
            self.write(state.clone())?;
        }
        self.folder.keep_config(&self.config)?;
        Ok(Some(state))
    }

    fn write(&self, state: State) -> anyhow::Result<()> {
        let steps = state.steps();
        let provenance = Provenance {
            program: env!("CARGO_PKG_VERSION").into(),
            kernel: self.kernel.into(),
            config: self.config.clone(),
            data_digest: (self.digest)(),
        };
        let bytes = Checkpoint { provenance, state }.to_bytes()?;
        Ok(self.folder.keep_checkpoint(steps, &bytes, self.most)?)
    }

    /// A state that cannot be this run's.
    pub fn unfit(&self, found: &'static str) -> ResumeError {
        ResumeError::Unfit { path: self.folder.target().into(), found }
    }
}

impl Keeper for Checkpoints<'_> {
    fn is_due(&mut self, before: u64, done: u64) -> bool {
        // A clock that is only asked where the answer may matter.
        let since = if matches!(self.every, CheckpointEvery::Seconds(_)) {
            self.last.elapsed()
        } else {
            Duration::ZERO
        };
        self.every.is_due(before, done, since)
    }

    fn keep(&mut self, state: State) -> Result<(), String> {
        let written = self.write(state);
        self.last = Instant::now();
        let is_news = !self.failing;
        self.failing = written.is_err();
        written.or_else(|error| if is_news { Err(error.to_string()) } else { Ok(()) })
    }
}
