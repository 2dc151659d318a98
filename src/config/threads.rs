//! How many threads may be asked for.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::num::NonZeroUsize;

/// Far more than help, and fewer than systems refuse to start.
const MOST: usize = 1024;
const EXPECTED: &str = "expected a whole number from 1 to 1024";

/// Threads from a flag.
///
/// # Errors
/// What was expected, unless it is a whole number from 1 to 1024.
pub fn threads(text: &str) -> Result<NonZeroUsize, String> {
    let threads = text.parse().ok().filter(|threads: &NonZeroUsize| threads.get() <= MOST);
    threads.ok_or_else(|| EXPECTED.into())
}

/// Threads from a config file.
pub(super) fn threads_in_file<'de, D: Deserializer<'de>>(file: D) -> Result<Option<NonZeroUsize>, D::Error> {
    let threads = Option::<NonZeroUsize>::deserialize(file)?;
    if threads.is_some_and(|threads| threads.get() > MOST) {
        return Err(D::Error::custom(EXPECTED));
    }
    Ok(threads)
}
