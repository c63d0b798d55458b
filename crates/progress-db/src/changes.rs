//! What a run writes.

use planner::Quadrant;
use sqlx::{QueryBuilder, SqliteConnection};

use crate::{ProgressDb, ProgressError};

/// The id of a row of `attempts`. One run at a time writes them, so it counts them itself.
pub type AttemptId = i64;

/// What a call bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its pictures are saved.
    Ok,
    /// The answer was of no use.
    BadAnswer,
    /// The endpoint was away.
    Away,
    /// The endpoint refused this canvas for good.
    Rejected,
    /// The endpoint is out for the rest of the run.
    EndpointOut,
    /// The answer was good and could not be saved.
    NotSaved,
    /// The run ended before the call did.
    Interrupted,
}

impl Outcome {
    /// The name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::BadAnswer => "bad_answer",
            Self::Away => "away",
            Self::Rejected => "rejected",
            Self::EndpointOut => "endpoint_out",
            Self::NotSaved => "not_saved",
            Self::Interrupted => "interrupted",
        }
    }
}

/// The outcome of a call that is under way.
const IN_FLIGHT: &str = "in_flight";

/// The file of a finished quadrant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedPicture {
    /// The quadrant.
    pub quadrant: Quadrant,
    /// Size of the file.
    pub bytes: u64,
    /// Its hash, in hex.
    pub hash: String,
}

/// One change of the plan's progress. Times are Unix seconds.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A call for the item is about to start.
    Claim {
        /// The item.
        item: i64,
        /// The row of `attempts` that the call gets.
        attempt: AttemptId,
        /// The endpoint's name.
        endpoint: String,
        /// Hash of what the model is told.
        settings_hash: String,
        /// Now.
        at: f64,
    },
    /// A call has ended.
    AttemptEnded {
        /// Its row.
        attempt: AttemptId,
        /// What it bought.
        outcome: Outcome,
        /// The status of the answer, where one came.
        http_status: Option<u16>,
        /// When it ended.
        at: f64,
    },
    /// The item's pictures are whole and durable.
    Complete {
        /// The item.
        item: i64,
        /// Their files.
        pictures: Vec<FinishedPicture>,
        /// Now.
        at: f64,
    },
    /// The item failed for good.
    Fail {
        /// The item.
        item: i64,
        /// Why.
        message: String,
    },
    /// The item is to be generated (again).
    PutBack {
        /// The item.
        item: i64,
    },
}

/// What a commit must survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// A kill of the process. Enough for a claim: one that is lost costs nothing.
    Process,
    /// A power cut.
    Power,
}

impl ProgressDb {
    /// Writes `changes` in one transaction.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be written; then none of them is.
    pub async fn commit(
        &mut self,
        changes: &[Change],
        durability: Durability,
    ) -> Result<(), ProgressError> {
        if changes.is_empty() {
            return Ok(());
        }
        // In WAL mode NORMAL leaves the log unsynced at a commit, FULL syncs all of it
        // (https://www.sqlite.org/pragma.html#pragma_synchronous).
        let begin = match durability {
            Durability::Process => "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE",
            Durability::Power => "PRAGMA synchronous = FULL; BEGIN IMMEDIATE",
        };
        let written = async {
            sqlx::raw_sql(begin).execute(&mut self.connection).await?;
            let written = write_all(&mut self.connection, changes).await;
            end(&mut self.connection, written).await
        };
        written
            .await
            .map_err(|error| ProgressError::of(&self.path, &error))
    }

    /// Puts back the items that a dead run left `in_progress`, and closes its calls. Returns how
    /// many items.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be written.
    pub async fn put_back_abandoned(&mut self) -> Result<u64, ProgressError> {
        let written = async {
            begin(&mut self.connection).await?;
            let written = close_abandoned(&mut self.connection).await;
            end(&mut self.connection, written).await
        };
        written
            .await
            .map_err(|error| ProgressError::of(&self.path, &error))
    }

    /// Puts back the items that failed. Returns how many.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be written.
    pub async fn put_back_failed(&mut self) -> Result<u64, ProgressError> {
        sqlx::query("UPDATE generation_plan SET status = 'pending', error_message = NULL WHERE status = 'error'")
            .execute(&mut self.connection)
            .await
            .map(|done| done.rows_affected())
            .map_err(|error| ProgressError::of(&self.path, &error))
    }
}

/// Begins a transaction that writes. It is spoken in plain SQL: when SQLite itself rolls one back,
/// as it may on a full disk, sqlx's own count of transactions is wrong from then on.
async fn begin(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(connection)
        .await
        .map(drop)
}

/// Commits what was written, or takes it back when something of it failed.
async fn end<T>(
    connection: &mut SqliteConnection,
    written: Result<T, sqlx::Error>,
) -> Result<T, sqlx::Error> {
    let committed = match written {
        Ok(written) => sqlx::raw_sql("COMMIT")
            .execute(&mut *connection)
            .await
            .map(|_| written),
        Err(error) => Err(error),
    };
    if committed.is_err() {
        // SQLite may have done so already, and then says that there is nothing to take back.
        let _ = sqlx::raw_sql("ROLLBACK").execute(connection).await;
    }
    committed
}

async fn close_abandoned(connection: &mut SqliteConnection) -> Result<u64, sqlx::Error> {
    let items =
        sqlx::query("UPDATE generation_plan SET status = 'pending' WHERE status = 'in_progress'")
            .execute(&mut *connection)
            .await?
            .rows_affected();
    sqlx::query("UPDATE attempts SET outcome = ?1 WHERE outcome = ?2 AND id > (SELECT coalesce(max(id), 0) - 100000 FROM attempts)")
        .bind(Outcome::Interrupted.name())
        .bind(IN_FLIGHT)
        .execute(connection)
        .await?;
    Ok(items)
}

async fn write_all(
    connection: &mut SqliteConnection,
    changes: &[Change],
) -> Result<(), sqlx::Error> {
    for change in changes {
        write(connection, change).await?;
    }
    Ok(())
}

async fn write(connection: &mut SqliteConnection, change: &Change) -> Result<(), sqlx::Error> {
    match change {
        Change::Claim {
            item,
            attempt,
            endpoint,
            settings_hash,
            at,
        } => {
            sqlx::query(
                "UPDATE generation_plan SET status = 'in_progress', model_name = ?2, started_at = ?3, completed_at = NULL, error_message = NULL WHERE id = ?1",
            )
            .bind(item)
            .bind(endpoint)
            .bind(at)
            .execute(&mut *connection)
            .await?;
            sqlx::query(
                "INSERT INTO attempts (id, item_id, endpoint, started_at, outcome, settings_hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .bind(attempt)
            .bind(item)
            .bind(endpoint)
            .bind(at)
            .bind(IN_FLIGHT)
            .bind(settings_hash)
            .execute(connection)
            .await?;
        }
        Change::AttemptEnded {
            attempt,
            outcome,
            http_status,
            at,
        } => {
            sqlx::query(
                "UPDATE attempts SET outcome = ?2, http_status = ?3, ended_at = ?4 WHERE id = ?1",
            )
            .bind(attempt)
            .bind(outcome.name())
            .bind(http_status.map(i64::from))
            .bind(at)
            .execute(connection)
            .await?;
        }
        Change::Complete { item, pictures, at } => {
            write_pictures(&mut *connection, pictures).await?;
            sqlx::query("UPDATE generation_plan SET status = 'complete', completed_at = ?2, error_message = NULL WHERE id = ?1")
                .bind(item)
                .bind(at)
                .execute(connection)
                .await?;
        }
        Change::Fail { item, message } => {
            sqlx::query(
                "UPDATE generation_plan SET status = 'error', error_message = ?2 WHERE id = ?1",
            )
            .bind(item)
            .bind(message)
            .execute(connection)
            .await?;
        }
        Change::PutBack { item } => {
            sqlx::query("UPDATE generation_plan SET status = 'pending', completed_at = NULL, error_message = NULL WHERE id = ?1")
                .bind(item)
                .execute(connection)
                .await?;
        }
    }
    Ok(())
}

/// Writes the records of an item's pictures in one statement: each is a round trip to another
/// thread.
async fn write_pictures(
    connection: &mut SqliteConnection,
    pictures: &[FinishedPicture],
) -> Result<(), sqlx::Error> {
    if pictures.is_empty() {
        return Ok(());
    }
    let mut insert = QueryBuilder::new("INSERT INTO pictures (x, y, bytes, hash) ");
    insert.push_values(pictures, |mut row, picture| {
        row.push_bind(picture.quadrant.x)
            .push_bind(picture.quadrant.y)
            .push_bind(picture.bytes.cast_signed())
            .push_bind(&picture.hash);
    });
    insert.push(" ON CONFLICT (x, y) DO UPDATE SET bytes = excluded.bytes, hash = excluded.hash");
    insert.build().execute(connection).await.map(drop)
}
