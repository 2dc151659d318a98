//! Threads.
use std::num::NonZeroUsize;
/// A team.
pub struct Team {
    threads: usize,
}
impl Team {
    /// New.
    pub fn new(threads: NonZeroUsize) -> Self {
        Self { threads: threads.get() }
    }
    /// Threads.
    pub fn threads(&self) -> usize {
        self.threads
    }
    /// Each.
    pub fn for_each<T: Send>(&self, items: &mut [T], work: impl Fn(usize, &mut T) + Sync) {
        items.iter_mut().enumerate().for_each(|(i, t)| work(i, t));
    }
}
