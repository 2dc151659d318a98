//! The threads that read data.

use super::flaw::Trouble;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// How many threads may read; 0 for as many as there are cores.
static MOST: AtomicUsize = AtomicUsize::new(0);

/// From now on, this process reads data on so many threads at most. What is read does not depend on it.
///
/// One number for the process, since readers know only the bytes that they read.
pub fn limit(threads: NonZeroUsize) {
    MOST.store(threads.get(), Ordering::Relaxed);
}

/// On how many threads to read: in how many parts to cut what can be cut.
pub fn readers() -> usize {
    match MOST.load(Ordering::Relaxed) {
        0 => std::thread::available_parallelism().map_or(1, Into::into),
        most => most,
    }
}

/// Does `work` on each part, on as many threads as may read.
///
/// # Errors
/// The first failure, in the order of the parts.
pub fn join<T: Send>(
    parts: impl ExactSizeIterator<Item = T> + Send,
    work: impl Fn(T) -> Result<(), Trouble> + Sync,
) -> Result<(), Trouble> {
    side_by_side(parts, work).into_iter().collect()
}

/// What `work` makes of each part, in order; on as many threads as may read, each of which takes the next part when it is
/// done with one. The caller's thread reads alone where only one may, or there is one part.
pub fn side_by_side<T: Send, R: Send>(
    parts: impl ExactSizeIterator<Item = T> + Send,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    on_threads(readers(), parts, work)
}

fn on_threads<T: Send, R: Send>(
    threads: usize,
    parts: impl ExactSizeIterator<Item = T> + Send,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let threads = threads.min(parts.len());
    if threads < 2 {
        return parts.map(work).collect();
    }
    let queue = Mutex::new(parts.enumerate());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let serve = || {
        let mut done = Vec::new();
        while let Some((index, part)) = next() {
            done.push((index, work(part)));
        }
        done
    };
    let mut results: Vec<(usize, R)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(serve)).collect();
        let results =
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
        results.flatten().collect()
    });
    results.sort_unstable_by_key(|&(index, _)| index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::thread::{self, ThreadId};

    #[test]
    fn every_part_is_done_once_and_in_its_place() {
        for threads in 1..5 {
            for count in [0, 1, 2, 3, 7] {
                let expected: Vec<usize> = (0..count).map(|part| 10 * part).collect();
                assert_eq!(on_threads(threads, 0..count, |part| 10 * part), expected);
            }
        }
    }

    #[test]
    fn no_more_threads_than_were_asked_for() {
        let used = |threads: usize| -> HashSet<ThreadId> {
            on_threads(threads, 0..100, |_| thread::current().id()).into_iter().collect()
        };
        assert_eq!(used(1), HashSet::from([thread::current().id()]));
        assert!(used(3).len() <= 3);
    }
}
