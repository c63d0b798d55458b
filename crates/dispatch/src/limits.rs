//! What bounds a run, what ends it, and what it counts.

use std::fmt;
use std::time::Duration;

use crate::{Budget, Money};

/// The limits of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How many items to begin at most.
    pub max_items: Option<usize>,
    /// After how many failed items in a row to stop.
    pub max_errors: usize,
    /// After how many pictures that are not good enough an item is given up.
    pub max_not_accepted: usize,
    /// What it may spend.
    pub budget: Budget,
    /// How long no endpoint may answer at the start.
    pub startup_wait: Duration,
    /// How long calls that are under way may take after the user asked to stop; as long as their
    /// endpoints allow where nothing is said.
    pub drain: Option<Duration>,
    /// How many canvases are kept ready at least, where there are as many slots: what is cheap
    /// however long calls take.
    pub canvases_at_hand: usize,
    /// How many canvases are prepared beside those that the slots need, so that the cores always
    /// have some to draw.
    pub spare_canvases: usize,
}

/// A signal that ends a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// The terminal is gone.
    HangUp,
    /// Ctrl-C.
    Interrupt,
    /// What a system sends before it shuts down.
    Terminate,
}

impl Signal {
    /// The exit status of a process that this signal ended: 128 and its number.
    #[must_use]
    pub const fn exit_status(self) -> u8 {
        match self {
            Self::HangUp => 129,
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HangUp => "SIGHUP",
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        })
    }
}

/// How a run ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Everything is complete, or the part that was asked for is done.
    Done,
    /// Some items failed, or wait on failed ones.
    Unfinished,
    /// It cannot or should not go on; the line says why and what to do.
    Early(String),
    /// The user asked for it.
    Signal(Signal),
}

impl Ending {
    /// The exit status of the program.
    #[must_use]
    pub const fn exit_status(&self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Unfinished => 1,
            Self::Early(_) => 3,
            Self::Signal(signal) => signal.exit_status(),
        }
    }
}

/// What a run has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Items whose pictures were saved.
    pub items_completed: usize,
    /// Items that were given up.
    pub items_failed: usize,
    /// Quadrants whose pictures were saved.
    pub quadrants_completed: usize,
    /// Calls that were made to compare.
    pub comparisons: usize,
    /// Calls that are paid for, whether or not it is known what they cost.
    pub calls_paid: u64,
    /// What they cost, as far as prices are known.
    pub cost: Money,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ending_has_its_exit_status() {
        let statuses = [
            (Ending::Done, 0),
            (Ending::Unfinished, 1),
            (Ending::Early(String::new()), 3),
            (Ending::Signal(Signal::HangUp), 129),
            (Ending::Signal(Signal::Interrupt), 130),
            (Ending::Signal(Signal::Terminate), 143),
        ];
        for (ending, status) in statuses {
            assert_eq!(ending.exit_status(), status, "{ending:?}");
        }
    }
}
