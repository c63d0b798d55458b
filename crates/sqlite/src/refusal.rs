//! What SQLite's refusals mean.

/// What it means that a database cannot be opened, read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// There is no such file.
    Missing,
    /// The file cannot be read.
    Unreadable,
    /// The file has no bytes, which for SQLite is a database without tables.
    Empty,
    /// The file is no database.
    NotADatabase,
    /// Another program holds it.
    Busy,
    /// A program died while it wrote, and what it had begun cannot be undone by who may not write.
    HalfWritten,
    /// It may not be written.
    ReadOnly,
    /// It, or a file that SQLite needs beside it, cannot be opened.
    CannotOpen,
    /// The disk is full, or cannot be read or written.
    Disk,
    /// Its pages make no sense.
    Damaged,
    /// It has no such table or column.
    NoSuchTable,
    /// Anything else.
    Other,
}

impl RefusalKind {
    /// What SQLite's error means (codes: <https://www.sqlite.org/rescode.html>).
    #[must_use]
    pub fn of(error: &sqlx::Error) -> Self {
        let sqlx::Error::Database(error) = error else {
            return Self::Other;
        };
        let code = error.code().and_then(|code| code.parse::<u32>().ok());
        match code.unwrap_or(0) {
            // SQLITE_READONLY_ROLLBACK
            776 => Self::HalfWritten,
            code => match code & 0xff {
                // SQLITE_BUSY, SQLITE_LOCKED
                5 | 6 => Self::Busy,
                // SQLITE_READONLY
                8 => Self::ReadOnly,
                // SQLITE_IOERR, SQLITE_FULL
                10 | 13 => Self::Disk,
                // SQLITE_CORRUPT, SQLITE_NOTADB
                11 | 26 => Self::Damaged,
                // SQLITE_CANTOPEN
                14 => Self::CannotOpen,
                _ if error.message().starts_with("no such") => Self::NoSuchTable,
                _ => Self::Other,
            },
        }
    }

    /// Whether it may be of some pages only, so that what lies on others can be read.
    #[must_use]
    pub const fn is_of_pages(self) -> bool {
        matches!(self, Self::Damaged | Self::Disk)
    }

    /// What to do about it, where that does not depend on what the database is for.
    #[must_use]
    pub const fn remedy(self) -> Option<&'static str> {
        match self {
            Self::Busy => Some("another program holds it: end that program, or wait for it"),
            Self::HalfWritten => Some(
                "a program that wrote to it died, and what it had begun is undone where the file and its directory can be written: open it once as their owner, with that program or with sqlite3, or mend their permissions",
            ),
            Self::CannotOpen => Some(
                "it is in WAL mode with changes not yet written back, in a directory that cannot be written: close the program that writes it, or copy it elsewhere with its -wal file",
            ),
            _ => None,
        }
    }
}

/// Why a database cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// What it means.
    pub kind: RefusalKind,
    /// SQLite's own words, or the system's.
    pub reason: String,
}

impl Refusal {
    pub(crate) fn new(kind: RefusalKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
        }
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        Self {
            kind: RefusalKind::of(&error),
            reason: match &error {
                // SQLite does not tell which.
                sqlx::Error::Database(error) if error.message() == "disk I/O error" => {
                    "disk I/O error: the disk is full, or fails".to_owned()
                }
                sqlx::Error::Database(error) => error.message().to_owned(),
                sqlx::Error::Io(error) => error.to_string(),
                // In its own words it would name types of Rust.
                sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                    "it has a value of another kind than belongs there, or a text that is not UTF-8"
                        .to_owned()
                }
                other => other.to_string(),
            },
        }
    }
}
