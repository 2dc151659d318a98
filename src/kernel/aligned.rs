//! Memory that begins where a cache line does.

use bytemuck::{Pod, Zeroable, cast_slice, cast_slice_mut};
use std::ops::{Deref, DerefMut};

/// Floats of a cache line.
const LANES: usize = 16;

/// Floats that begin at a cache line, as those of a `Vec` rarely do: a register's load or store that lies across two lines
/// takes at least twice its time.
#[derive(Clone, Debug, Default)]
pub struct Aligned {
    lines: Vec<Line>,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([f32; LANES]);

// SAFETY: floats may be zeros.
unsafe impl Zeroable for Line {}
// SAFETY: floats may have any bits, and sixteen of them leave no padding.
unsafe impl Pod for Line {}

impl Aligned {
    /// So many zeros.
    pub fn zeros(len: usize) -> Self {
        Self { lines: vec![Line([0.0; LANES]); len.div_ceil(LANES)], len }
    }

    /// Room for so many numbers, whatever they are.
    pub fn resize(&mut self, len: usize) {
        if self.len != len {
            self.lines.resize(len.div_ceil(LANES), Line([0.0; LANES]));
            self.len = len;
        }
    }
}

impl Deref for Aligned {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &cast_slice(&self.lines)[..self.len]
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut cast_slice_mut(&mut self.lines)[..self.len]
    }
}

impl From<&[f32]> for Aligned {
    fn from(values: &[f32]) -> Self {
        let mut aligned = Self::zeros(values.len());
        aligned.copy_from_slice(values);
        aligned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_was_given_at_a_cache_line() {
        for len in [0, 1, 15, 16, 17, 1000] {
            let values: Vec<f32> = (0..len).map(|i| i as f32).collect();
            let mut aligned = Aligned::from(&values[..]);
            assert_eq!(*aligned, *values);
            assert!(aligned.as_ptr().addr().is_multiple_of(64));
            aligned.resize(len + 20);
            assert_eq!(aligned.len(), len + 20);
            assert_eq!(aligned[..len], *values);
        }
    }
}
