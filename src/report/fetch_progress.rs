//! A download as it goes: on a terminal a bar, elsewhere a line now and then.

use super::console::{Bar, Console};
use super::plot::count;
use crate::fetch::Event;
use std::time::{Duration, Instant};

/// How far apart lines are where there is no bar.
const EVERY: Duration = Duration::from_secs(10);

/// Shows a download as it goes.
pub struct FetchProgress {
    console: Console,
    bar: Bar,
    name: String,
    size: u64,
    told: Instant,
}

impl FetchProgress {
    /// Nothing yet.
    pub fn new(console: Console) -> Self {
        Self { console, bar: Bar::none(console), name: String::new(), size: 0, told: Instant::now() }
    }

    /// Shows what happens.
    pub fn tell(&mut self, event: Event<'_>) {
        match event {
            Event::Begins { file, address, there } => {
                self.finish();
                let size = count(file.size as usize);
                let from = if there > 0 {
                    format!(", from byte {} on", count(there as usize))
                } else {
                    String::new()
                };
                self.console.note(format_args!("fetching {address} ({size} bytes{from})"));
                let template =
                    "[{bar:16}] {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta} left";
                self.bar.start(file.size, template);
                self.bar.resume(there);
                (self.name, self.size, self.told) = (file.name.clone(), file.size, Instant::now());
            }
            Event::Received { there } => {
                self.bar.set(there);
                if !self.bar.is_shown() && self.told.elapsed() >= EVERY {
                    self.told = Instant::now();
                    let percent = 100.0 * there as f64 / self.size as f64;
                    self.console.note(format_args!("{}: {percent:.0}%", self.name));
                }
            }
            Event::Failed { reason, .. } => {
                self.finish();
                self.console.note(format_args!("failed: {reason}"));
            }
            Event::Checking { .. } => self.finish(),
            Event::Unpacking { file } => self.console.note(format_args!("unpacking {}", file.name)),
        }
    }

    /// Takes the bar away.
    pub fn finish(&mut self) {
        self.bar.finish();
    }
}
