//! Where a run's processor time goes.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// The work on pictures, in the order in which it is done. All else, such as HTTP, the databases
/// and the dispatcher, is what remains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Decoding source pictures.
    DecodeSource,
    /// Drawing and encoding canvases.
    EncodeCanvas,
    /// Decoding answers.
    DecodeAnswer,
    /// Judging them.
    Judge,
    /// Encoding finished quadrants.
    EncodeQuadrant,
    /// Writing them.
    WriteFile,
}

const STAGES: [(Stage, &str); 6] = [
    (Stage::DecodeSource, "decoding sources"),
    (Stage::EncodeCanvas, "encoding canvases"),
    (Stage::DecodeAnswer, "decoding answers"),
    (Stage::Judge, "judging them"),
    (Stage::EncodeQuadrant, "encoding quadrants"),
    (Stage::WriteFile, "writing them"),
];

/// The processor time of each stage so far.
#[derive(Debug, Default)]
pub struct CpuTime {
    nanoseconds: [AtomicU64; STAGES.len()],
}

impl CpuTime {
    /// Does a piece of work on this thread and counts its time.
    pub fn of<T>(&self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let start = now(ClockId::ThreadCPUTime);
        let done = work();
        let took = now(ClockId::ThreadCPUTime).saturating_sub(start);
        self.nanoseconds[stage as usize].fetch_add(took.as_nanos() as u64, Ordering::Relaxed);
        done
    }
}

impl CpuTime {
    /// What the process has used in all, and what for, in seconds.
    #[must_use]
    pub fn seconds(&self) -> Vec<(&'static str, f64)> {
        let all = now(ClockId::ProcessCPUTime);
        let of = |stage: Stage| {
            Duration::from_nanos(self.nanoseconds[stage as usize].load(Ordering::Relaxed))
        };
        let stages = STAGES.map(|(stage, name)| (name, of(stage)));
        let counted = stages.iter().map(|(_, own)| *own).sum();
        let rest = ("all else", all.saturating_sub(counted));
        let parts = [("all", all)].into_iter().chain(stages).chain([rest]);
        parts
            .map(|(name, time)| (name, time.as_secs_f64()))
            .collect()
    }
}

/// A line that says what the process has used in all, and what for.
impl fmt::Display for CpuTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = now(ClockId::ProcessCPUTime);
        let mut rest = all;
        write!(f, "processor time {:.2} s:", all.as_secs_f64())?;
        for (stage, name) in STAGES {
            let own = self.nanoseconds[stage as usize].load(Ordering::Relaxed);
            let own = Duration::from_nanos(own);
            rest = rest.saturating_sub(own);
            write!(f, " {:.2} {name},", own.as_secs_f64())?;
        }
        write!(f, " {:.2} all else", rest.as_secs_f64())
    }
}

fn now(clock: ClockId) -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(clock);
    Duration::new(tv_sec as u64, tv_nsec as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_counts_for_its_stage_and_waiting_for_none() {
        let time = CpuTime::default();
        let answer = time.of(Stage::EncodeCanvas, || {
            let start = now(ClockId::ThreadCPUTime);
            while now(ClockId::ThreadCPUTime) - start < Duration::from_millis(20) {}
            42
        });
        assert_eq!(answer, 42);
        time.of(Stage::WriteFile, || {
            std::thread::sleep(Duration::from_millis(20));
        });
        let counted = |stage: Stage| time.nanoseconds[stage as usize].load(Ordering::Relaxed);
        assert!(counted(Stage::EncodeCanvas) >= 20_000_000);
        assert!(counted(Stage::WriteFile) < 20_000_000);
        assert_eq!(counted(Stage::DecodeSource), 0);
        let line = time.to_string();
        assert!(line.starts_with("processor time "), "{line}");
        assert!(line.contains(": 0.00 decoding sources, 0.0"), "{line}");
    }
}
