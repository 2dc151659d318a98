//! What all fuzz targets share: each runs one parser of `cifar_train::fuzz`, and counts the memory it takes.

pub mod counting;

pub use cifar_train::fuzz::Parser;
pub use libfuzzer_sys;

#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting;

/// Runs `parser` on `bytes`.
///
/// # Panics
/// When it takes more memory than it may.
pub fn check(parser: Parser, bytes: &[u8]) {
    let (_, peak) = counting::peak_of(|| parser.accepts(bytes));
    let most = parser.most_memory(bytes);
    assert!(peak <= most, "{peak} bytes taken for an input of {}, at most {most} allowed", bytes.len());
}

/// The fuzz target of a parser.
#[macro_export]
macro_rules! target {
    ($parser:ident) => {
        $crate::libfuzzer_sys::fuzz_target!(|bytes: &[u8]| $crate::check($crate::Parser::$parser, bytes));
    };
}
