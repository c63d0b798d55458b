//! What the program says, on standard output and standard error.

use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::overviews::Pace;

/// Says `text` and a line's end on standard output. A reader that has gone, as `head` does, has
/// heard enough.
///
/// # Errors
/// When standard output takes no more for another reason, a full disk for one.
pub fn say(text: impl Display) -> Result<()> {
    let mut output = io::stdout().lock();
    match writeln!(output, "{text}").and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

/// Says `text` and a line's end on standard error, or nothing when that takes none: there is
/// nobody to tell then.
pub fn complain(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// How often a log is told how far something is.
const LOG_EVERY: Duration = Duration::from_secs(10);

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
        let every = if self.is_terminal {
            Duration::from_millis(200)
        } else {
            LOG_EVERY
        };
        if self.shown_at.elapsed() < every {
            return;
        }
        self.shown_at = Instant::now();
        let Pace { done, of, elapsed } = pace;
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
            complain(line);
        }
    }

    /// Takes it away.
    pub(crate) fn end(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
