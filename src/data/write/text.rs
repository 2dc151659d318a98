//! Numbers as text that reads back as the same bytes or floats.

use crate::data::Features;
use std::io::{self, Write};

/// Features that write their numbers.
pub struct Cells<'a> {
    features: &'a Features,
    /// Every byte as text, made once.
    bytes: Vec<String>,
}

impl<'a> Cells<'a> {
    pub fn new(features: &'a Features) -> Self {
        Self { features, bytes: (0..=255_u8).map(|byte| byte.to_string()).collect() }
    }

    /// Writes the number at `index`: the shortest text that is this `f32`, with a point or an exponent, so that it is
    /// not taken for a byte.
    pub fn write(&self, index: usize, out: &mut dyn Write) -> io::Result<()> {
        match self.features {
            Features::Bytes(values) => out.write_all(self.bytes[usize::from(values[index])].as_bytes()),
            Features::Floats(values) => write!(out, "{:?}", values[index]),
        }
    }

    /// Whether the number is a zero that need not be written: -0 must be.
    pub fn is_zero(&self, index: usize) -> bool {
        match self.features {
            Features::Bytes(values) => values[index] == 0,
            Features::Floats(values) => values[index].to_bits() == 0,
        }
    }
}
