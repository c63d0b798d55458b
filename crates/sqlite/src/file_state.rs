//! What the system tells of a database's files.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The state of a database's files, read without opening the database; it changes when
/// something is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileState {
    database: Option<(SystemTime, u64)>,
    wal: Option<(SystemTime, u64)>,
}

impl FileState {
    /// The state of the database at `path` and of its write-ahead log.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let look_at = |path: &Path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        Self {
            database: look_at(path),
            wal: look_at(&beside(path, "-wal")),
        }
    }
}

/// Whether the database at `path` is in WAL mode and nobody has it open for writing: everything
/// that was committed stands in its own file.
#[must_use]
pub fn can_be_read_without_lock(path: &Path) -> bool {
    // The header says at offset 18 whether there is a log
    // (https://www.sqlite.org/fileformat.html, 1.3).
    let mut header = [0u8; 20];
    let is_in_wal_mode = std::fs::File::open(path)
        .and_then(|mut file| file.read_exact(&mut header))
        .is_ok_and(|()| header[18] == 2);
    let has_log = std::fs::metadata(beside(path, "-wal")).is_ok_and(|wal| wal.len() > 0);
    is_in_wal_mode && !has_log
}

/// Whether there is a rollback journal beside the database.
pub(crate) fn has_journal(path: &Path) -> bool {
    std::fs::metadata(beside(path, "-journal")).is_ok_and(|journal| journal.len() > 0)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(suffix);
    beside.into()
}
