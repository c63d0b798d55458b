//! A connection to a database that belongs to somebody else.
//!
//! Opened with `mode=ro`, SQLite leaves `-wal` and `-shm` files beside a WAL database, perhaps
//! under another user's name than the writer's, and fails where it may not make them. So a WAL
//! database without a log, which nobody is writing, is opened `immutable`, and the connection is
//! given up as soon as the files change. One in rollback mode has locks that leave nothing behind.

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, FromRow, SqliteConnection};

use crate::open::{open_to_read, refuse_what_is_none};
use crate::{FileState, Query, Refusal, RefusalKind, can_be_read_without_lock, rows};

/// A read-only connection that is opened anew when the files under it have changed.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    connection: SqliteConnection,
    files: FileState,
    immutable: bool,
}

impl Reader {
    /// A reader of the database at `path`, which is opened when it is first used.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            open: None,
        }
    }

    /// The rows that `query` gives; the database is waited for while another program holds it.
    ///
    /// # Errors
    /// Why it cannot be opened or read.
    pub async fn rows<'q, T>(&mut self, query: impl Fn() -> Query<'q, T>) -> Result<Vec<T>, Refusal>
    where
        T: Send + Unpin + for<'r> FromRow<'r, SqliteRow>,
    {
        let path = self.path.clone();
        match rows(self.connection().await?, &path, &query).await {
            // A writer may have come between opening and reading; a new connection sees it.
            Err(refusal) if refusal.kind != RefusalKind::Busy => self.open = None,
            read => return read,
        }
        rows(self.connection().await?, &path, &query).await
    }

    /// The live connection, opened if need be. Its statements wait for two seconds for another
    /// program; [`Self::rows`] waits longer.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub async fn connection(&mut self) -> Result<&mut SqliteConnection, Refusal> {
        let files = FileState::of(&self.path);
        // Looked into only when they have changed: to close a file that SQLite has open takes its
        // locks away (https://www.sqlite.org/howtocorrupt.html, 2.2).
        if self.open.as_ref().is_none_or(|open| open.files != files) {
            refuse_what_is_none(&self.path)?;
            let immutable = can_be_read_without_lock(&self.path);
            match &mut self.open {
                // SQLite's own locks tell it that somebody has written.
                Some(open) if !open.immutable && !immutable => open.files = files,
                _ => {
                    self.open = None;
                    let connection = open_to_read(&self.path, immutable).await?;
                    // What was undone of a dead program's changes has changed the file; that the
                    // next use opens it anew does no harm.
                    self.open = Some(Open {
                        connection,
                        files,
                        immutable,
                    });
                }
            }
        }
        let open = self.open.as_mut().expect("just opened");
        Ok(&mut open.connection)
    }

    /// Closes the connection.
    ///
    /// # Errors
    /// Why it cannot be closed.
    pub async fn close(self) -> Result<(), Refusal> {
        match self.open {
            Some(open) => Ok(open.connection.close().await?),
            None => Ok(()),
        }
    }
}
