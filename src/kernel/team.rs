//! A small team of threads for work of a tenth of a millisecond, handed out two or three times a minibatch.
//!
//! Work is split into fixed contiguous shares, one a thread, so there is no queue to contend for:
//! handing a share over is one store to the worker's own cache line, which the worker, still
//! spinning from the last call, sees within a fraction of a microsecond. A worker that waits longer
//! gives up its processor and then sleeps. The caller, done with its own share, takes back what a
//! worker has not begun: it never waits for a thread to wake, and on a machine busy with other work
//! the team is no slower than one thread. Which thread runs a share never shows in the results.

use std::any::Any;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

/// How long a waiting thread keeps its processor: longer than the pause between two minibatches.
const SPIN: Duration = Duration::from_micros(60);

/// How often it then offers the processor to others before it sleeps.
const YIELDS: usize = 20;

/// Threads that share out the items of a slice; the caller is one of them.
///
/// A call from within work of the same team, or while another thread's call is running, does all
/// its work on the calling thread.
pub struct Team {
    workers: Vec<Worker>,
    /// Whether a call has the workers.
    busy: AtomicBool,
    patience: Duration,
}

/// What a call asks of the workers. It lies on the caller's stack: a worker may use it between
/// taking it from its mailbox and emptying the mailbox.
struct Job<'a> {
    /// Runs the share of that number.
    run: &'a (dyn Fn(usize) + Sync),
    /// The first panic of a share.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    /// Who waits for the mailboxes to be empty.
    caller: Thread,
}

struct Worker {
    mailbox: Arc<Mailbox>,
    /// Taken when the team is dropped.
    thread: Option<JoinHandle<()>>,
}

/// Where a worker finds its job. Two cache lines of its own, since processors fetch lines in pairs.
#[repr(align(128))]
struct Mailbox {
    /// The job posted; [`Mailbox::RUNNING`] once the worker has taken it; null when it is done, or
    /// taken back by the caller.
    job: AtomicPtr<Job<'static>>,
    /// Whether the worker is to end.
    closed: AtomicBool,
}

impl Team {
    /// Starts `threads` - 1 workers.
    ///
    /// # Panics
    /// When the system refuses to start a thread.
    pub fn new(threads: NonZeroUsize) -> Self {
        // Spinning on a processor that another thread of the team needs would only delay it.
        let crowded = thread::available_parallelism().is_ok_and(|processors| processors < threads);
        let patience = if crowded { Duration::ZERO } else { SPIN };
        let workers = (1..threads.get()).map(|share| Worker::start(share, patience)).collect();
        Self { workers, busy: AtomicBool::new(false), patience }
    }

    /// Threads of the team, the caller included.
    pub fn threads(&self) -> NonZeroUsize {
        NonZeroUsize::MIN.saturating_add(self.workers.len())
    }

    /// Runs `work(index, item)` on every item and returns when all are done.
    ///
    /// Each thread takes one contiguous share of the items, all of the same length but the last; the
    /// caller also takes the shares of workers that come late.
    ///
    /// # Panics
    /// When `work` panics: with the same payload, after every thread has stopped. The rest of that
    /// thread's share is left out; the team stays usable.
    pub fn for_each<T: Send>(&self, items: &mut [T], work: impl Fn(usize, &mut T) + Sync) {
        let run = |start: usize, share: &mut [T]| {
            for (index, item) in share.iter_mut().enumerate() {
                work(start + index, item);
            }
        };
        if self.workers.is_empty() || items.len() < 2 || self.busy.swap(true, Ordering::Acquire) {
            return run(0, items);
        }
        let len = items.len().div_ceil(self.workers.len() + 1);
        // Each lock is taken once, by the thread whose share it holds: it costs nothing and keeps
        // the splitting safe.
        let shares: Vec<_> = items.chunks_mut(len).map(Mutex::new).collect();
        let outcome = self.run_shares(shares.len(), &|share| {
            let mut items = shares[share].lock().unwrap_or_else(PoisonError::into_inner);
            run(share * len, &mut items);
        });
        self.busy.store(false, Ordering::Release);
        if let Err(panic) = outcome {
            resume_unwind(panic);
        }
    }

    /// The results of `work(index)` for the indices below `count`, in their order.
    ///
    /// # Panics
    /// As [`Team::for_each`].
    pub fn map<R: Send>(&self, count: usize, work: impl Fn(usize) -> R + Sync) -> Vec<R> {
        let mut results: Vec<Option<R>> = (0..count).map(|_| None).collect();
        self.for_each(&mut results, |index, result| *result = Some(work(index)));
        results.into_iter().flatten().collect()
    }

    /// Runs `run(share)` for every share, each share on its thread; the first panic is the error.
    /// Returns when none of them runs any more.
    ///
    /// The caller must hold `busy`, and `shares` must not exceed the threads.
    fn run_shares(&self, shares: usize, run: &(dyn Fn(usize) + Sync)) -> Result<(), Box<dyn Any + Send>> {
        let job = Job { run, panic: Mutex::new(None), caller: thread::current() };
        let workers = &self.workers[..shares - 1];
        for worker in workers {
            worker.post(&job);
        }
        job.run(0);
        for (share, worker) in (1..).zip(workers) {
            if worker.take_back(&job) {
                job.run(share);
            }
        }
        for worker in workers {
            // Acquire: what the worker wrote is visible here.
            wait_until(self.patience, || worker.mailbox.job.load(Ordering::Acquire).is_null());
        }
        let panic = job.panic.into_inner().unwrap_or_else(PoisonError::into_inner);
        panic.map_or(Ok(()), Err)
    }
}

impl Job<'_> {
    /// Runs a share. A panic is kept for the caller: it must not unwind past a job still in use, nor
    /// end a worker.
    fn run(&self, share: usize) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (self.run)(share))) {
            self.panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(panic);
        }
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        for worker in &self.workers {
            worker.mailbox.closed.store(true, Ordering::Release);
            worker.unpark();
        }
        for worker in &mut self.workers {
            if let Some(thread) = worker.thread.take() {
                // A worker catches every panic of its work and has none of its own.
                let _ = thread.join();
            }
        }
    }
}

impl Worker {
    fn start(share: usize, patience: Duration) -> Self {
        let mailbox =
            Arc::new(Mailbox { job: AtomicPtr::new(ptr::null_mut()), closed: AtomicBool::new(false) });
        let own = Arc::clone(&mailbox);
        let thread = thread::spawn(move || own.serve(share, patience));
        Self { mailbox, thread: Some(thread) }
    }

    /// Hands `job` over. The caller must keep it alive until the mailbox is empty again.
    fn post(&self, job: &Job<'_>) {
        // Release: the job's fields are visible to the worker that takes it.
        self.mailbox.job.store(address(job), Ordering::Release);
        self.unpark();
    }

    /// Takes `job` back, unless the worker has taken it before.
    fn take_back(&self, job: &Job<'_>) -> bool {
        self.mailbox.exchange(address(job), ptr::null_mut())
    }

    /// Wakes the worker if it sleeps; one exchange on its cache line if not.
    fn unpark(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Mailbox {
    /// Stands for a job that the worker has taken; never dereferenced.
    const RUNNING: *mut Job<'static> = ptr::dangling_mut();

    /// Runs the worker's share of every job that arrives, until closed.
    fn serve(&self, share: usize, patience: Duration) {
        loop {
            wait_until(patience, || {
                !self.job.load(Ordering::Relaxed).is_null() || self.closed.load(Ordering::Relaxed)
            });
            let job = self.job.load(Ordering::Relaxed);
            if job.is_null() {
                if self.closed.load(Ordering::Relaxed) {
                    return;
                }
            } else if self.exchange(job, Self::RUNNING) {
                // SAFETY: `run_shares` posted the job, could not take it back, and keeps it alive
                // until this mailbox is empty; nothing uses the reference after that.
                let job = unsafe { &*job };
                job.run(share);
                let caller = job.caller.clone();
                self.job.store(ptr::null_mut(), Ordering::Release);
                caller.unpark();
            }
        }
    }

    /// Replaces the job if it is still `from`.
    fn exchange(&self, from: *mut Job<'static>, to: *mut Job<'static>) -> bool {
        // Acquire: with the job come its fields.
        self.job.compare_exchange(from, to, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }
}

/// The job as mailboxes hold it, which outlives its borrow only as `run_shares` promises.
fn address(job: &Job<'_>) -> *mut Job<'static> {
    ptr::from_ref(job).cast_mut().cast()
}

/// Waits for another thread to make `ready` true and then unpark this one.
fn wait_until(patience: Duration, ready: impl Fn() -> bool) {
    /// Looks between two readings of the clock.
    const LOOKS: usize = 32;

    let start = Instant::now();
    while start.elapsed() < patience {
        for _ in 0..LOOKS {
            if ready() {
                return;
            }
            std::hint::spin_loop();
        }
    }
    for _ in 0..YIELDS {
        if ready() {
            return;
        }
        thread::yield_now();
    }
    // An unpark between the look and the sleep ends the sleep at once, and one left over from an
    // earlier wait costs a round.
    while !ready() {
        thread::park();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    fn team(threads: usize) -> Team {
        Team::new(NonZeroUsize::new(threads).unwrap())
    }

    #[test]
    fn every_item_is_worked_on_once() {
        for threads in [1, 2, 3, 8] {
            let team = team(threads);
            assert_eq!(team.threads().get(), threads);
            for count in [0, 1, 2, 3, 7, 8, 9, 100] {
                let mut items = vec![0; count];
                team.for_each(&mut items, |index, item| *item += index + 1);
                assert!(items.iter().copied().eq(1..=count), "{count} on {threads}");
                assert!(team.map(count, |index| index).into_iter().eq(0..count));
            }
        }
    }

    #[test]
    fn all_threads_take_part() {
        let team = team(3);
        // Each waits for the others, so one thread alone would never end.
        let arrived = AtomicUsize::new(0);
        team.map(3, |_| {
            arrived.fetch_add(1, Ordering::SeqCst);
            while arrived.load(Ordering::SeqCst) < 3 {
                thread::yield_now();
            }
        });
    }

    #[test]
    fn ten_thousand_calls_lose_nothing() {
        for threads in [2, 5] {
            let team = team(threads);
            let mut sums = [0_u64; 6];
            for call in 0..10_000 {
                team.for_each(&mut sums, |index, sum| *sum += call + index as u64);
            }
            let expected = 9_999 * 10_000 / 2;
            for (index, sum) in sums.into_iter().enumerate() {
                assert_eq!(sum, expected + 10_000 * index as u64);
            }
        }
    }

    #[test]
    fn sleeping_workers_wake() {
        let team = team(4);
        for _ in 0..20 {
            thread::sleep(Duration::from_millis(2));
            assert_eq!(team.map(4, |index| index), [0, 1, 2, 3]);
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_team_goes_on() {
        let team = team(3);
        for culprit in 0..3 {
            let call = || team.map(3, |index| assert_ne!(index, culprit, "item {index}"));
            let panic = catch_unwind(AssertUnwindSafe(call)).unwrap_err();
            let message = panic.downcast_ref::<String>().unwrap();
            assert!(message.contains(&format!("item {culprit}")), "{message}");
            assert_eq!(team.map(4, |index| index), [0, 1, 2, 3]);
        }
    }

    #[test]
    fn calls_within_calls_run_where_they_are() {
        let team = team(2);
        let nested = team.map(2, |outer| {
            let here = thread::current().id();
            team.map(4, |inner| (outer * inner, thread::current().id() == here))
        });
        for (outer, inner) in nested.into_iter().enumerate() {
            assert!(inner.into_iter().eq((0..4).map(|inner| (outer * inner, true))));
        }
    }

    #[test]
    fn calls_from_several_threads_all_finish() {
        let team = team(2);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        assert_eq!(team.map(3, |index| index), [0, 1, 2]);
                    }
                });
            }
        });
    }
}
