//! Who holds a layer.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who holds a layer: what the file beside the lock says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// The machine it runs on.
    pub host: String,
    /// Since when, RFC 3339.
    pub since: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pid == 0 {
            f.write_str("it has not said which")
        } else {
            write!(
                f,
                "process {} on {}, since {}",
                self.pid, self.host, self.since
            )
        }
    }
}
