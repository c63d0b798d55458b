//! A database that is read, or read and written.

use std::path::PathBuf;

use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, FromRow, SqliteConnection};

use crate::{Query, Reader, Refusal, rows};

/// A connection to a database: one to look, or one that may write.
///
/// A process that writes a database reads it over the same connection: to close a file that
/// SQLite has open takes its locks away (<https://www.sqlite.org/howtocorrupt.html>, 2.2).
#[derive(Debug)]
pub enum Link {
    /// To look at what belongs to somebody else.
    Reader(Reader),
    /// To write to the database at this path.
    Writer(SqliteConnection, PathBuf),
}

impl Link {
    /// The live connection.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub async fn connection(&mut self) -> Result<&mut SqliteConnection, Refusal> {
        match self {
            Self::Reader(reader) => reader.connection().await,
            Self::Writer(connection, _) => Ok(connection),
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
        match self {
            Self::Reader(reader) => reader.rows(query).await,
            Self::Writer(connection, path) => rows(connection, path, query).await,
        }
    }

    /// Closes the connection; a writer's changes are written back into the one file.
    ///
    /// # Errors
    /// Why it cannot be closed.
    pub async fn close(self) -> Result<(), Refusal> {
        match self {
            Self::Reader(reader) => reader.close().await,
            Self::Writer(connection, _) => Ok(connection.close().await?),
        }
    }
}
