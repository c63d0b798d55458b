//! What the program says, on standard output and standard error.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;
use terminal::{event, is_followed, note, shows_progress};

use crate::overviews::Pace;

/// Says what happens, unless nothing is to be said.
///
/// # Errors
/// When standard output takes no more, a full disk for one.
pub(crate) fn say(text: impl Display) -> Result<()> {
    terminal::say(text).context("cannot write to standard output")
}

/// Says what was asked for.
///
/// # Errors
/// As for [`say`].
pub(crate) fn answer(text: impl Display) -> Result<()> {
    terminal::answer(text).context("cannot write to standard output")
}

/// How often a log is told how far something is.
const LOG_EVERY: Duration = Duration::from_secs(10);
/// How often a script is.
const EVENT_EVERY: Duration = Duration::from_secs(1);

/// A line on standard error that says how far something is: on a terminal always the same one.
pub(crate) struct PaceLine {
    what: String,
    is_terminal: bool,
    shown_at: Instant,
    is_shown: bool,
}

impl PaceLine {
    pub(crate) fn new(what: String) -> Self {
        Self {
            what,
            is_terminal: io::stderr().is_terminal(),
            shown_at: Instant::now(),
            is_shown: false,
        }
    }

    /// Shows how far it is, if that was not just said.
    pub(crate) fn show(&mut self, pace: Pace) {
        let every = match () {
            () if is_followed() => EVENT_EVERY,
            () if self.is_terminal => Duration::from_millis(200),
            () => LOG_EVERY,
        };
        if self.shown_at.elapsed() < every {
            return;
        }
        self.shown_at = Instant::now();
        let Pace { done, of, elapsed } = pace;
        event(
            "progress",
            json!({"what": self.what, "done": done, "of": of}),
        );
        if !shows_progress() {
            return;
        }
        let left = elapsed.mul_f64(of.saturating_sub(done) as f64 / done.max(1) as f64);
        let line = format!(
            "{}: {done} of {of} ({} %), {} s left",
            self.what,
            100 * done / of.max(1),
            left.as_secs()
        );
        if self.is_terminal {
            self.is_shown = true;
            let _ = write!(io::stderr(), "\r{line}\x1b[K");
        } else {
            note(line);
        }
    }

    /// Takes it away.
    pub(crate) fn end(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
