//! What the program says, on standard output and standard error.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use anyhow::{Context, Result};

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
