//! `train` and `random-search`: from settings to a saved, tested model.

mod checkpoints;
mod resume;
mod save;
mod session;
mod tell;

pub(super) use checkpoints::Checkpoints;
pub use resume::ResumeError;
pub(super) use session::Session;
pub(super) use tell::{tell_data, tell_distant, tell_objective};

use super::{Exit, compute, print, print_json, print_raw};
use crate::cli::RunRequest;
use crate::config::{self, ConfigError, MemorySize, RunConfig, Strategy};
use crate::data::{self, Dataset, Split, Store, Streamed};
use crate::report::console::Console;
use crate::run_folder::{self, RunFolder};
use crate::train::{Checkpoint, Keeper, State, Stop, TooLittle, window_within};
use resume::Found;
use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tell::tell_windows;

/// Set by Ctrl-C; strategies look at it after every step.
pub(super) static INTERRUPT: AtomicBool = AtomicBool::new(false);

pub fn run(request: &RunRequest) -> anyhow::Result<Exit> {
    let begun = Instant::now();
    stop_on_interrupt()?;
    let Some(run) = &request.resume else {
        let config = config::resolve(&request.settings, &request.given, request.config.as_deref())?;
        if request.print_config {
            return print_config(&config);
        }
        let (out, force) = (config.settings.out.as_deref(), config.settings.force);
        let folder = RunFolder::prepare(out, &default_name(&config), force)?;
        return train(&config, &folder, Beginning::New, begun);
    };
    match resume::find(run, request)? {
        Found::Finished(found) if request.print_config => print_config(&found.config),
        Found::Finished(found) => resume::tell_finished(run, &found.result, request),
        Found::Unfinished(found) if request.print_config => print_config(&found.config),
        Found::Unfinished(found) => {
            train(&found.config, &found.folder, Beginning::Resumed(found.checkpoint), begun)
        }
    }
}

fn print_config(config: &RunConfig) -> anyhow::Result<Exit> {
    print_raw(&config.to_toml(None))?;
    Ok(Exit::Done)
}

/// Where a run begins.
enum Beginning {
    /// At the beginning.
    New,
    /// Where an earlier process left off, which may be there too.
    Resumed(Option<Checkpoint>),
}

/// Does a run, or the rest of one, and writes its folder.
fn train(
    config: &RunConfig,
    folder: &RunFolder,
    beginning: Beginning,
    begun: Instant,
) -> anyhow::Result<Exit> {
    let (resumed, checkpoint) = match beginning {
        Beginning::New => (false, None),
        Beginning::Resumed(checkpoint) => (true, checkpoint),
    };
    let settings = &config.settings;
    let console = Console { quiet: settings.quiet };
    let compute = compute(settings.threads);
    let Some(memory) = settings.memory else {
        let data = data::load(&settings.data_request())?;
        let split = Split::new(data.train.len(), settings.validation, settings.seed)?;
        tell_data(console, &data);
        let session = Session::new(config, console, &data, split, &compute)?;
        return carry_out(&session, folder, checkpoint, &|| data.digest(), begun);
    };
    let data = data::stream(&settings.data_request())?;
    let split = Split::new(data.train.len(), settings.validation, settings.seed)?;
    tell_data(console, &data);
    let config = &within(config, memory, &data, split.train.len(), resumed)?;
    tell_windows(console, config, &data, split.train.len());
    // Both go through the files: once, when the disk is what they wait for.
    let (session, digest) = std::thread::scope(|scope| {
        let digest = scope.spawn(|| data.try_digest());
        let session = Session::new(config, console, &data, split, &compute);
        (session, digest.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let (session, digest) = (session?, digest?);
    carry_out(&session, folder, checkpoint, &|| digest.clone(), begun)
}

/// `config` with the largest windows that fit into `memory`; where it has its own, or goes on as `resumed`, they must fit.
fn within(
    config: &RunConfig,
    memory: MemorySize,
    data: &Dataset<Streamed>,
    rows: usize,
    resumed: bool,
) -> Result<RunConfig, ConfigError> {
    let Strategy::Descent(plan) = &config.strategy else { return Ok(config.clone()) };
    let mut plan = *plan;
    if resumed {
        plan.window = plan.window.or(NonZeroUsize::new(rows));
    }
    let weighed = config.settings.class_weight.is_some() || data.weights.train.is_some();
    match window_within(memory.bytes(), &plan, data, rows, weighed) {
        Ok(_) if plan.window.is_some() => Ok(config.clone()),
        Ok(window) => Ok(config.clone().with_window(window)),
        Err(TooLittle { least, window }) => Err(ConfigError::TooLittleMemory {
            found: memory,
            least: MemorySize::in_megabytes(least),
            with: match window {
                Some(window) => format!("for windows of {window} rows"),
                None => "for these data".into(),
            },
        }),
    }
}

/// Trains, tests and saves, as the session says; `digest` is that of its data.
fn carry_out<S: Store>(
    session: &Session<'_, S>,
    folder: &RunFolder,
    checkpoint: Option<Checkpoint>,
    digest: &(dyn Fn() -> String + Sync),
    begun: Instant,
) -> anyhow::Result<Exit> {
    let Session { config, console, data, compute, .. } = *session;
    let settings = &config.settings;
    tell_objective(session);

    // The digest reads every byte once: that need not wait for training, nor training for it, unless one thread is all
    // there may be.
    let once = OnceLock::new();
    let digest = || once.get_or_init(digest).clone();
    let mut keeper = Checkpoints::new(folder, config, &data.source, compute.kernel.name(), &digest);
    let from = keeper.begin(checkpoint, console)?;
    let earlier = from.as_ref().map_or(0.0, State::seconds);
    let trained = std::thread::scope(|scope| {
        if compute.team.threads().get() > 1 {
            scope.spawn(digest);
        }
        session.train(from, &mut keeper)
    })?;
    session.tell_stop(&trained);
    if let Some(state) = &trained.state
        && let Err(why) = keeper.keep(state.clone())
    {
        console.warn(why);
    }
    let seconds = || earlier + begun.elapsed().as_secs_f64();
    let result = session.save(folder, &trained, digest(), &seconds)?;
    if settings.json {
        print_json(&result)?;
    } else {
        print(&result.to_text())?;
    }
    if trained.state.is_some() {
        console.note(format_args!("to go on: cifar-train --resume {}", folder.target().display()));
    }
    Ok(match trained.stop {
        Stop::Completed
        | Stop::EarlyStop { .. }
        | Stop::ToleranceReached { .. }
        | Stop::Stalled { .. }
        | Stop::IterationLimit { .. } => Exit::Done,
        Stop::Diverged { .. } => Exit::Diverged,
        Stop::Interrupted { .. } => Exit::Interrupted,
    })
}

/// The first Ctrl-C lets the step finish and saves; a second one stops at once, and leaves nothing half-written.
pub(super) fn stop_on_interrupt() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        if INTERRUPT.swap(true, Ordering::Relaxed) {
            run_folder::abandon();
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
    })?;
    Ok(())
}

/// `<time>-<loss>`.
fn default_name(config: &RunConfig) -> String {
    timed(&config::name(config.settings.loss))
}

/// `<time>-<what>`, in UTC.
pub(super) fn timed(what: &str) -> String {
    let time = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S");
    format!("{time}-{what}")
}
