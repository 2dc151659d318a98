//! Pictures of a run. Each writer is a pure function from numbers to the bytes of a file; the same numbers
//! give the same bytes.

pub mod attempts;
pub mod curves;
pub mod plot;
pub mod templates;
