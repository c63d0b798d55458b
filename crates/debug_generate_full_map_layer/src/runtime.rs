//! What the program's tasks run on.

use std::fs::File;
use std::io;

use anyhow::{Context, Result};
use tokio::runtime::Runtime;

/// So many files at once are enough to draw a layer, or to serve it to a few pages.
const FILES: usize = 24;

/// The runtime that the program's tasks run on.
///
/// # Errors
/// When the system grants too few open files or threads.
pub fn runtime() -> Result<Runtime> {
    // Tokio panics, and SQLite calls a database damaged, where no file can be opened.
    let files: io::Result<Vec<File>> = (0..FILES).map(|_| File::open("/dev/null")).collect();
    drop(files.with_context(|| {
        format!("cannot open {FILES} files at once; raise the limit with ulimit -n 1024")
    })?);
    Runtime::new().context("cannot start")
}
