//! Opening `progress.db`.

use std::path::{Path, PathBuf};

use sqlite::{Link, Patience, Query, Reader, open_to_write};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, FromRow, SqliteConnection};

use crate::pilot::{FailedInPilot, PilotCalls};
use crate::{MetadataKey, ProgressError};

/// The newest version of the tables that is understood.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// An open `progress.db`.
#[derive(Debug)]
pub struct ProgressDb {
    pub(crate) path: PathBuf,
    link: Link,
    /// Where calls are made for a pilot.
    pub(crate) pilot: Option<PilotCalls>,
}

impl ProgressDb {
    /// Opens the database to change it: for a run that holds the layer's lock. Our own tables
    /// are added where another tool made the file.
    ///
    /// # Errors
    /// [`ProgressError`] when the file is missing, damaged, no plan, or of a newer version.
    pub async fn open(path: &Path) -> Result<Self, ProgressError> {
        // The version is checked before anything is changed, be it the journal mode.
        Self::open_read_only(path).await?.close().await?;
        let connection = open_to_write(path)
            .await
            .map_err(|refusal| ProgressError::refused(path, refusal))?;
        let mut db = Self {
            path: path.to_owned(),
            link: Link::Writer(connection, path.to_owned()),
            pilot: None,
        };
        db.refuse_damage().await?;
        let mut patience = Patience::with(path);
        loop {
            let made = sqlx::raw_sql(include_str!("own_tables.sql"))
                .execute(db.connection().await?)
                .await;
            match made {
                Ok(_) => {
                    db.add_columns().await?;
                    return Ok(db);
                }
                Err(error) if patience.lasts(&error).await => {}
                Err(error) => return Err(ProgressError::of(path, error)),
            }
        }
    }

    /// Adds what a table of ours lacks that an earlier version has made.
    async fn add_columns(&mut self) -> Result<(), ProgressError> {
        for (column, kind) in [
            ("seed", "INTEGER"),
            ("joined", "TEXT"),
            ("message", "TEXT"),
            ("paid", "INTEGER"),
            ("cost", "REAL"),
            ("usage", "TEXT"),
            ("pilot", "TEXT"),
            ("drew", "TEXT"),
            ("protocol", "TEXT"),
        ] {
            if self.attempts_have(column).await? {
                continue;
            }
            let path = self.path.clone();
            let mut patience = Patience::with(&path);
            let connection = self.connection().await?;
            loop {
                let add = format!("ALTER TABLE attempts ADD COLUMN {column} {kind}");
                match sqlx::raw_sql(AssertSqlSafe(add))
                    .execute(&mut *connection)
                    .await
                {
                    Ok(_) => break,
                    Err(error) if patience.lasts(&error).await => {}
                    Err(error) => return Err(ProgressError::of(&path, error)),
                }
            }
        }
        Ok(())
    }

    /// Whether the table of calls has a column: a version before this one may have made it without, and
    /// who only reads adds nothing.
    pub(crate) async fn attempts_have(&mut self, column: &str) -> Result<bool, ProgressError> {
        let (is_there,) = self
            .row(|| {
                sqlx::query_as(
                    "SELECT count(*) > 0 FROM pragma_table_info('attempts') WHERE name = ?1",
                )
                .bind(column)
            })
            .await?;
        Ok(is_there)
    }

    /// Opens the database to look at it, while a run may be writing.
    ///
    /// # Errors
    /// As for [`ProgressDb::open`].
    pub async fn open_read_only(path: &Path) -> Result<Self, ProgressError> {
        let mut db = Self {
            path: path.to_owned(),
            link: Link::Reader(Reader::of(path)),
            pilot: None,
        };
        db.refuse_what_is_no_plan().await?;
        db.check_version().await?;
        Ok(db)
    }

    /// The same, where all that is written from now on is done for the pilot of this name: calls are
    /// recorded as its own, and what becomes of items is not.
    #[must_use]
    pub fn of_pilot(mut self, name: &str) -> (Self, FailedInPilot) {
        let (pilot, failed) = PilotCalls::of(name);
        self.pilot = Some(pilot);
        (self, failed)
    }

    /// The live connection.
    pub(crate) async fn connection(&mut self) -> Result<&mut SqliteConnection, ProgressError> {
        let connection = self.link.connection().await;
        connection.map_err(|refusal| ProgressError::refused(&self.path, refusal))
    }

    /// The rows that `query` gives. Everything that is read comes this way: while another program
    /// holds the database it is waited for.
    pub(crate) async fn rows<'q, T>(
        &mut self,
        query: impl Fn() -> Query<'q, T>,
    ) -> Result<Vec<T>, ProgressError>
    where
        T: Send + Unpin + for<'r> FromRow<'r, SqliteRow>,
    {
        let read = self.link.rows(query).await;
        read.map_err(|refusal| ProgressError::refused(&self.path, refusal))
    }

    /// The one row that `query` gives.
    pub(crate) async fn row<'q, T>(
        &mut self,
        query: impl Fn() -> Query<'q, T>,
    ) -> Result<T, ProgressError>
    where
        T: Send + Unpin + for<'r> FromRow<'r, SqliteRow>,
    {
        let row = self.rows(query).await?.pop();
        row.ok_or_else(|| ProgressError::of(&self.path, sqlx::Error::RowNotFound))
    }

    async fn refuse_what_is_no_plan(&mut self) -> Result<(), ProgressError> {
        self.rows(|| sqlx::query_as::<_, (i64,)>(
            "SELECT 1 FROM (SELECT id, step, block_type, top_left_x, top_left_y, width, height, status, model_name, started_at, completed_at, error_message FROM generation_plan LIMIT 1)",
        ))
        .await
        .map(drop)
    }

    /// Looks at every page: damage that a run would meet after days is told before the first
    /// call. Takes less than a tenth of a second for 100,000 items.
    async fn refuse_damage(&mut self) -> Result<(), ProgressError> {
        let (said,): (String,) = self.row(|| sqlx::query_as("PRAGMA quick_check(1)")).await?;
        if said == "ok" {
            return Ok(());
        }
        Err(ProgressError::Damaged {
            path: self.path.clone(),
            reason: said.lines().collect::<Vec<_>>().join(" "),
        })
    }

    async fn check_version(&mut self) -> Result<(), ProgressError> {
        match self.metadata(MetadataKey::SchemaVersion).await? {
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
    pub async fn metadata(&mut self, key: MetadataKey) -> Result<Option<String>, ProgressError> {
        if !self.has_table("metadata").await? {
            return Ok(None);
        }
        let mut values: Vec<(String,)> = self
            .rows(|| {
                sqlx::query_as(
                    "SELECT CAST(value AS TEXT) FROM metadata WHERE key = ?1 AND value IS NOT NULL LIMIT 1",
                )
                .bind(key.name())
            })
            .await?;
        Ok(values.pop().map(|(value,)| value))
    }

    /// The value of `key` in the metadata of the database at `path`, be that damaged, as long as
    /// the value itself can be read.
    pub async fn metadata_in_what_is_left(path: &Path, key: MetadataKey) -> Option<String> {
        let mut db = Self {
            path: path.to_owned(),
            link: Link::Reader(Reader::of(path)),
            pilot: None,
        };
        db.metadata(key).await.ok().flatten()
    }

    /// Whether the database has `table`; one made by another tool may lack our own.
    pub(crate) async fn has_table(&mut self, table: &str) -> Result<bool, ProgressError> {
        let (has,) = self
            .row(|| {
                sqlx::query_as(
                    "SELECT count(*) > 0 FROM sqlite_schema WHERE type = 'table' AND name = ?1",
                )
                .bind(table)
            })
            .await?;
        Ok(has)
    }

    /// Closes the database; a writer's changes are written back into the one file.
    ///
    /// # Errors
    /// [`ProgressError`] when the system refuses; what was committed is safe all the same.
    pub async fn close(self) -> Result<(), ProgressError> {
        let closed = self.link.close().await;
        closed.map_err(|refusal| ProgressError::refused(&self.path, refusal))
    }
}
