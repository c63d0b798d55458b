//! What waits to be written: a thread of its own writes it, so that nobody else waits for a reader or a
//! disk.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many lines wait; more are counted and let go.
const MOST_WAITING: usize = 10_000;

/// Lines that wait, and what is to be shown beside them, of which only the newest counts.
#[derive(Debug)]
pub(crate) struct Waiting<Line, Shown = ()> {
    state: Mutex<State<Line, Shown>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<Line, Shown> {
    lines: VecDeque<Line>,
    shown: Option<Shown>,
    /// Lines that found no room.
    let_go: usize,
    is_closed: bool,
    is_done: bool,
}

/// What has come since the last one.
#[derive(Debug)]
pub(crate) struct Batch<Line, Shown> {
    pub lines: VecDeque<Line>,
    pub shown: Option<Shown>,
    /// How many lines are lacking.
    pub let_go: usize,
}

impl<Line, Shown> Default for Waiting<Line, Shown> {
    fn default() -> Self {
        let state = State {
            lines: VecDeque::new(),
            shown: None,
            let_go: 0,
            is_closed: false,
            is_done: false,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }
}

impl<Line, Shown> Waiting<Line, Shown> {
    /// Adds a line.
    pub(crate) fn add(&self, line: Line) {
        let mut state = self.lock();
        if state.lines.len() < MOST_WAITING {
            state.lines.push_back(line);
        } else {
            state.let_go += 1;
        }
        self.changed.notify_all();
    }

    /// Shows this from now on.
    pub(crate) fn show(&self, shown: Shown) {
        self.lock().shown = Some(shown);
        self.changed.notify_all();
    }

    /// Waits until all is written, but no longer than `patience`.
    pub(crate) fn close_within(&self, patience: Duration) {
        let mut state = self.lock();
        state.is_closed = true;
        self.changed.notify_all();
        let until = Instant::now() + patience;
        while !state.is_done && Instant::now() < until {
            let left = until.saturating_duration_since(Instant::now());
            let woken = self.changed.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// For the thread that writes: waits for what comes next; `None` when that is nothing more.
    pub(crate) fn next(&self) -> Option<Batch<Line, Shown>> {
        let mut state = self.lock();
        while state.lines.is_empty() && state.shown.is_none() && !state.is_closed {
            let woken = self.changed.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
        if state.lines.is_empty() && state.shown.is_none() {
            state.is_done = true;
            self.changed.notify_all();
            return None;
        }
        Some(Batch {
            lines: std::mem::take(&mut state.lines),
            shown: state.shown.take(),
            let_go: std::mem::take(&mut state.let_go),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State<Line, Shown>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
