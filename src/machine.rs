//! What this machine is, for the record of a run.

use crate::kernel::Compute;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The machine and what of it was used.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's own name, where the system tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processor: Option<String>,
    /// Cores this process may use.
    pub cores: usize,
    /// Operating system and architecture, such as "linux x86_64".
    pub system: String,
    /// The instruction set that was used.
    pub kernel: Cow<'static, str>,
    /// The threads that were used.
    pub threads: usize,
}

impl Machine {
    /// This machine, used as `compute` says.
    pub fn of(compute: &Compute) -> Self {
        Self {
            processor: processor(),
            cores: crate::config::all_cores().get(),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            kernel: compute.kernel.name().into(),
            threads: compute.team.threads().get(),
        }
    }
}

fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim().to_owned())
}

/// The most memory this process has held so far, in bytes; where the system tells (Linux does).
pub fn peak_memory_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(target_os = "linux")]
    fn peak_memory_grows_with_what_is_held() {
        let before = super::peak_memory_bytes().expect("Linux tells");
        let held = vec![1_u8; 64 << 20];
        let after = super::peak_memory_bytes().expect("Linux tells");
        assert!(after > before + (48 << 20) || after > (64 << 20), "{before} {after} {}", held[5]);
    }
}
