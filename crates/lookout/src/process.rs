//! What the process itself uses.

use std::fs;
use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};

/// What the process uses now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process {
    /// When it began, in Unix time.
    pub started: Duration,
    /// Processor time of all its threads.
    pub cpu: Duration,
    /// Memory that is in use now, in bytes, where the system tells.
    pub resident_bytes: Option<u64>,
    /// The most that it ever was.
    pub most_resident_bytes: Option<u64>,
    /// How many files it has open.
    pub open_files: Option<usize>,
}

impl Process {
    /// The process as it is; it began at `started`.
    pub(crate) fn now(started: SystemTime) -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let bytes = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key))?;
            let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
            Some(kilobytes * 1024)
        };
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let files = fs::read_dir("/proc/self/fd").ok();
        Self {
            started: started
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default(),
            cpu: Duration::try_from(cpu).unwrap_or_default(),
            resident_bytes: bytes("VmRSS:"),
            most_resident_bytes: bytes("VmHWM:"),
            // Less the one that lists them.
            open_files: files.map(|files| files.count().saturating_sub(1)),
        }
    }
}
