//! A connection to a database that belongs to somebody else.
//!
//! `quadrants.db` may be in rollback or in WAL mode, in a directory that cannot be written, and
//! another program may write to it while a run of days reads. Opened with `mode=ro`, SQLite
//! leaves `-wal` and `-shm` files beside a WAL database and fails where it may not make them.
//! So a WAL database without a `-wal` file, which nobody is writing, is opened `immutable`,
//! and the connection is given up as soon as the files change.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

use crate::SourceError;

/// How long another program may hold the database locked before that is an error.
const BUSY_TIMEOUT: Duration = Duration::from_secs(600);

/// A read-only connection that is opened anew when the files under it have changed.
#[derive(Debug)]
pub(crate) struct Connection {
    path: PathBuf,
    open: Option<(SqliteConnection, Files)>,
}

/// What tells that somebody has written to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Files {
    modified: SystemTime,
    bytes: u64,
    immutable: bool,
}

impl Connection {
    pub(crate) fn to(path: PathBuf) -> Self {
        Self { path, open: None }
    }

    /// The live connection, opened if need be.
    ///
    /// # Errors
    /// [`SourceError`] when the file is missing, no database, or cannot be opened.
    pub(crate) async fn get(&mut self) -> Result<&mut SqliteConnection, SourceError> {
        let files = look_at(&self.path)?;
        // Only an immutable connection can go stale: SQLite's own locks guard the others.
        let stale = self.open.as_ref().is_some_and(|(_, opened)| {
            opened.immutable != files.immutable || (files.immutable && *opened != files)
        });
        if stale {
            self.open = None;
        }
        if self.open.is_none() {
            let options = SqliteConnectOptions::new()
                .filename(&self.path)
                .read_only(true)
                .immutable(files.immutable)
                .busy_timeout(BUSY_TIMEOUT)
                .disable_statement_logging();
            let connection = options
                .connect()
                .await
                .map_err(|error| database_error(&self.path, &error))?;
            self.open = Some((connection, files));
        }
        let (connection, _) = self.open.as_mut().expect("just opened");
        Ok(connection)
    }

    /// Forgets the connection, so that the next use opens it anew.
    pub(crate) fn forget(&mut self) {
        self.open = None;
    }
}

/// Reads the header of the database and the state of the files beside it.
fn look_at(path: &Path) -> Result<Files, SourceError> {
    let unreadable = |source: std::io::Error| {
        if source.kind() == std::io::ErrorKind::NotFound {
            SourceError::Missing {
                path: path.to_owned(),
            }
        } else {
            SourceError::Unreadable {
                path: path.to_owned(),
                source,
            }
        }
    };
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    // Format: "SQLite format 3\0", then at offset 18 the write version, 2 in WAL mode
    // (https://www.sqlite.org/fileformat.html, 1.3).
    let mut header = [0u8; 20];
    if !metadata.is_file()
        || file.read_exact(&mut header).is_err()
        || !header.starts_with(b"SQLite format 3\0")
    {
        return Err(SourceError::NotADatabase {
            path: path.to_owned(),
        });
    }
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    let has_wal = std::fs::metadata(wal).is_ok_and(|wal| wal.len() > 0);
    Ok(Files {
        modified: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
        bytes: metadata.len(),
        immutable: header[18] == 2 && !has_wal,
    })
}

/// SQLite's error in our words, with the remedy where there is one.
pub(crate) fn database_error(path: &Path, error: &sqlx::Error) -> SourceError {
    let (code, reason) = match error {
        sqlx::Error::Database(error) => (
            error
                .code()
                .and_then(|code| code.parse::<u32>().ok())
                .unwrap_or(0),
            error.message().to_owned(),
        ),
        other => (0, other.to_string()),
    };
    let remedy = match code & 0xff {
        // SQLITE_BUSY, SQLITE_LOCKED
        5 | 6 => "; another program holds it: end that program, or wait for it",
        // SQLITE_READONLY: a journal of a writer that died has to be rolled back first.
        8 => {
            "; a program that wrote to it died: open it once with that program, or with sqlite3, to repair it"
        }
        // SQLITE_CORRUPT, SQLITE_NOTADB
        11 | 26 => "; the file is damaged: copy it again from the map it belongs to",
        // SQLITE_CANTOPEN
        14 => {
            "; it is in WAL mode with changes not yet written back, in a directory that cannot be written: close the program that writes it, or copy it elsewhere with its -wal file"
        }
        _ if reason.starts_with("no such") => {
            "; it must have the table quadrants with quadrant_x, quadrant_y, render and generation"
        }
        _ => "",
    };
    SourceError::Database {
        path: path.to_owned(),
        reason,
        remedy,
    }
}
