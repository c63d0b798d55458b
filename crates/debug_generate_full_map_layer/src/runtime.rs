//! What the program's tasks run on.

use anyhow::{Context, Result};
use tokio::runtime::Runtime;

/// The runtime that the program's tasks run on.
///
/// # Errors
/// When the system grants too few open files, too little memory, or no threads.
pub fn runtime() -> Result<Runtime> {
    granted::require(granted::Work::Pictures)?;
    Runtime::new().context("cannot start")
}
