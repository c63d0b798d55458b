//! How the program ends.

use dispatch::Signal;
use serde_json::{Map, Value};

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit status: 0, 1, 2, 3, 129, 130 or 143.
    pub exit_status: u8,
    /// What was done, for standard output.
    pub summary: String,
    /// Why it stopped early, for standard error.
    pub error: Option<String>,
    /// The same for scripts, where people are told by the summary.
    pub reason: Option<String>,
    /// What it came to, for scripts.
    pub figures: Map<String, Value>,
}

impl Ended {
    /// With nothing to say but what was done.
    #[must_use]
    pub fn with(exit_status: u8, summary: String) -> Self {
        Self {
            exit_status,
            summary,
            error: None,
            reason: None,
            figures: Map::new(),
        }
    }

    /// By a signal, before anything was called.
    #[must_use]
    pub fn interrupted(signal: Signal) -> Self {
        let summary = format!("{signal}: ended before the first call; nothing was called.\n");
        Self {
            reason: Some(signal.to_string()),
            ..Self::with(signal.exit_status(), summary)
        }
    }

    /// The same, or where all seems to be complete and this is lacking: not complete.
    #[must_use]
    pub fn unless(mut self, lacks: &[String]) -> Self {
        if self.exit_status == 0 && !lacks.is_empty() {
            self.exit_status = 1;
            self.error = Some(lacks.join("; "));
        }
        self
    }
}
