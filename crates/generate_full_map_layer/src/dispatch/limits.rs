//! What bounds a run, what ends it early, and what it counts.

use std::time::Duration;

use crate::shutdown::Signal;

/// What ends a run before everything is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The user asked for it.
    Signal(Signal),
    /// It cannot or should not go on; the line says why and what to do.
    Early(String),
}

/// The limits a user may set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How many items to begin at most.
    pub max_items: Option<usize>,
    /// After how many failed items in a row to stop.
    pub max_errors: usize,
    /// How long no endpoint may answer at the start.
    pub startup_wait: Duration,
    /// How long calls that are under way may take after the user asked to stop.
    pub drain: Option<Duration>,
}

/// What a run has done.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub items_completed: usize,
    pub items_failed: usize,
    pub quadrants_completed: usize,
    pub resized: usize,
    pub stretched: usize,
}
