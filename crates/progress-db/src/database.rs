//! Opening `progress.db`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::ProgressError;
use crate::file_state::can_be_read_without_lock;

/// The newest version of the tables that is understood.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// How long another program may hold the database locked before that is an error.
const BUSY_TIMEOUT: Duration = Duration::from_secs(600);

/// An open `progress.db`.
#[derive(Debug)]
pub struct ProgressDb {
    pub(crate) path: PathBuf,
    pub(crate) connection: SqliteConnection,
}

impl ProgressDb {
    /// Opens the database to change it: for a run that holds the layer's lock. Our own tables
    /// are added where another tool made the file.
    ///
    /// # Errors
    /// [`ProgressError`] when the file is missing, damaged, no plan, or of a newer version.
    pub async fn open(path: &Path) -> Result<Self, ProgressError> {
        let options = base_options(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        // The version is checked before anything is changed, be it the journal mode.
        Self::open_read_only(path).await?.close().await?;
        let mut db = Self::connect(path, options).await?;
        db.refuse_damage().await?;
        sqlx::raw_sql(include_str!("own_tables.sql"))
            .execute(&mut db.connection)
            .await
            .map_err(|error| ProgressError::of(path, &error))?;
        Ok(db)
    }

    /// Opens the database to look at it, while a run may be writing.
    ///
    /// # Errors
    /// As for [`ProgressDb::open`].
    pub async fn open_read_only(path: &Path) -> Result<Self, ProgressError> {
        match Self::look(path).await {
            Err(ProgressError::Storage { .. }) if has_journal(path) => {
                // Another tool died while it wrote in rollback mode. Whoever reads next has to
                // undo what it had begun, and who only reads cannot.
                let db = Self::connect(path, base_options(path)).await?;
                db.close().await?;
                Self::look(path).await
            }
            other => other,
        }
    }

    async fn look(path: &Path) -> Result<Self, ProgressError> {
        // A look must leave nothing behind: a read-only connection to a WAL database makes files
        // beside it, perhaps under another user's name than the run's, or fails where it may
        // not. Without a log nobody is writing, and the file can be read as it stands. One in
        // rollback mode has locks that leave nothing behind.
        let options = base_options(path)
            .read_only(true)
            .immutable(can_be_read_without_lock(path));
        let mut db = Self::connect(path, options).await?;
        db.check_version().await?;
        Ok(db)
    }

    async fn connect(path: &Path, options: SqliteConnectOptions) -> Result<Self, ProgressError> {
        match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(ProgressError::Missing {
                    path: path.to_owned(),
                });
            }
            // For SQLite this is a database without tables.
            Ok(metadata) if metadata.len() == 0 => {
                return Err(ProgressError::Damaged {
                    path: path.to_owned(),
                    reason: "it is empty".to_owned(),
                });
            }
            _ => {}
        }
        let mut connection = options
            .connect()
            .await
            .map_err(|error| ProgressError::of(path, &error))?;
        // A file that is not a database is noticed only when something is read from it.
        sqlx::query("SELECT id, step, block_type, top_left_x, top_left_y, width, height, status, model_name, started_at, completed_at, error_message FROM generation_plan LIMIT 1")
            .fetch_optional(&mut connection)
            .await
            .map_err(|error| ProgressError::of(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            connection,
        })
    }

    /// Looks at every page: damage that a run would meet after days is told before the first
    /// call. Takes less than a tenth of a second for 100,000 items.
    async fn refuse_damage(&mut self) -> Result<(), ProgressError> {
        let said: String = sqlx::query_scalar("PRAGMA quick_check(1)")
            .fetch_one(&mut self.connection)
            .await
            .map_err(|error| ProgressError::of(&self.path, &error))?;
        if said == "ok" {
            return Ok(());
        }
        Err(ProgressError::Damaged {
            path: self.path.clone(),
            reason: said.lines().collect::<Vec<_>>().join(" "),
        })
    }

    async fn check_version(&mut self) -> Result<(), ProgressError> {
        match self.metadata("schema_version").await? {
            Some(found)
                if found
                    .parse::<u32>()
                    .map_or(true, |found| found > SCHEMA_VERSION) =>
            {
                Err(ProgressError::NewerVersion {
                    path: self.path.clone(),
                    found,
                    supported: SCHEMA_VERSION,
                })
            }
            _ => Ok(()),
        }
    }

    /// The value of `key` in the table `metadata`, if both are there.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub async fn metadata(&mut self, key: &str) -> Result<Option<String>, ProgressError> {
        if !self.has_table("metadata").await? {
            return Ok(None);
        }
        sqlx::query_scalar(
            "SELECT CAST(value AS TEXT) FROM metadata WHERE key = ?1 AND value IS NOT NULL",
        )
        .bind(key)
        .fetch_optional(&mut self.connection)
        .await
        .map_err(|error| ProgressError::of(&self.path, &error))
    }

    /// Whether the database has `table`; one made by another tool may lack our own.
    pub(crate) async fn has_table(&mut self, table: &str) -> Result<bool, ProgressError> {
        sqlx::query_scalar(
            "SELECT count(*) > 0 FROM sqlite_schema WHERE type = 'table' AND name = ?1",
        )
        .bind(table)
        .fetch_one(&mut self.connection)
        .await
        .map_err(|error| ProgressError::of(&self.path, &error))
    }

    /// Closes the database; a writer's changes are written back into the one file.
    ///
    /// # Errors
    /// [`ProgressError`] when the system refuses; what was committed is safe all the same.
    pub async fn close(self) -> Result<(), ProgressError> {
        self.connection
            .close()
            .await
            .map_err(|error| ProgressError::of(&self.path, &error))
    }
}

fn has_journal(path: &Path) -> bool {
    let mut journal = path.as_os_str().to_owned();
    journal.push("-journal");
    Path::new(&journal).exists()
}

fn base_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
}
