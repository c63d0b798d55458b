//! What the program's tasks run on.

use anyhow::{Context, Result};
use tokio::runtime::Runtime;

/// The runtime that the program's tasks run on.
///
/// # Errors
/// When the system grants too few open files or threads.
pub fn runtime() -> Result<Runtime> {
    // Tokio panics where no file can be opened.
    sqlite::require_files()?;
    Runtime::new().context("cannot start")
}
