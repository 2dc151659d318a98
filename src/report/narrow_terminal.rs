//! The terminal that progress bars are drawn on, a little narrower than it is.
//!
//! A bar's line is filled to the terminal's width. The ^C that a terminal writes behind it would wrap to a line of
//! its own, and the bar could no longer be cleared.

use console::Term;
use indicatif::TermLike;
use std::io;

/// Columns left for "^C".
const MARGIN: u16 = 3;

/// Standard error's terminal, less [`MARGIN`].
#[derive(Debug)]
pub struct NarrowTerminal(Term);

impl NarrowTerminal {
    /// That of standard error.
    pub fn stderr() -> Self {
        Self(Term::buffered_stderr())
    }
}

impl TermLike for NarrowTerminal {
    fn width(&self) -> u16 {
        self.0.size().1.saturating_sub(MARGIN).max(1)
    }

    fn height(&self) -> u16 {
        self.0.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.0.write_line(line)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}
