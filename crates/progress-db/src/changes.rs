//! What a run writes.

use planner::{Block, Bounds, Quadrant};
use sqlite::Patience;
use sqlx::SqliteConnection;

use crate::create::insert_items;
use crate::pilot::PilotCalls;
use crate::script::Script;
use crate::{MetadataKey, PictureRecord, ProgressDb, ProgressError, Replacing};

/// The id of a row of `attempts`. One run at a time writes them, so it counts them itself.
pub type AttemptId = i64;

/// What a call bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its pictures are saved.
    Ok,
    /// The answer was of no use.
    BadAnswer,
    /// The picture was whole and not good enough.
    NotAccepted,
    /// The endpoint was away.
    Away,
    /// The endpoint refused this canvas for good.
    Rejected,
    /// The endpoint is out.
    EndpointOut,
    /// The answer was good and could not be saved.
    NotSaved,
    /// The run ended before the call did.
    Interrupted,
    /// It was made to compare, and was answered.
    Compared,
}

impl Outcome {
    /// The name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::BadAnswer => "bad_answer",
            Self::NotAccepted => "not_accepted",
            Self::Away => "away",
            Self::Rejected => "rejected",
            Self::EndpointOut => "endpoint_out",
            Self::NotSaved => "not_saved",
            Self::Interrupted => "interrupted",
            Self::Compared => "compared",
        }
    }
}

/// The outcome of a call that is under way.
pub(crate) const IN_FLIGHT: &str = "in_flight";

/// The model name of items that were made without a call.
const UNCALLED: &str = "uniform";

/// A call as it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct StartedCall {
    /// Its row of `attempts`.
    pub attempt: AttemptId,
    /// The endpoint's name.
    pub endpoint: String,
    /// How it is spoken to.
    pub protocol: &'static str,
    /// Hash of what the model is told.
    pub settings_hash: String,
    /// The seed that is sent, where one is.
    pub seed: Option<i64>,
    /// The most that it can cost, in units of the currency, where that is known: what counts until it
    /// has ended, or for good when the run dies.
    pub aside: Option<f64>,
    /// The quadrants around the block that the canvas shows as finished.
    pub joined: Vec<Quadrant>,
}

/// What a call is paid with.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bill {
    /// Whether it is paid for.
    pub paid: bool,
    /// What it cost, in units of the currency, where that is known.
    pub cost: Option<f64>,
    /// What the server said of it, as JSON.
    pub usage: Option<String>,
}

/// One change of the plan's progress. Times are Unix seconds.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A call for the item is about to start.
    Claim {
        /// The item.
        item: i64,
        /// The call.
        call: StartedCall,
        /// Now.
        at: f64,
    },
    /// A call is about to start that is made to compare: the item stays as it is.
    Compare {
        /// The item whose canvas is sent.
        item: i64,
        /// The call.
        call: StartedCall,
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
        /// What was wrong, for people, where something was.
        message: Option<String>,
        /// What it is paid with.
        bill: Bill,
        /// When it ended.
        at: f64,
    },
    /// What a call has drawn, and is saved or rejected.
    Drew {
        /// Its row.
        attempt: AttemptId,
        /// What is to be remembered of the pictures, in the order of the block's quadrants.
        pictures: Vec<PictureRecord>,
    },
    /// What calls of this hash are told is to be known later.
    Settings {
        /// The hash.
        hash: String,
        /// All of it, as JSON.
        told: String,
    },
    /// The item's pictures are whole and durable.
    Complete {
        /// The item.
        item: i64,
        /// What is to be remembered of them.
        pictures: Vec<(Quadrant, PictureRecord)>,
        /// Now.
        at: f64,
    },
    /// The pictures with which the item is completed were made without a call.
    Uncalled {
        /// The item.
        item: i64,
        /// How, for people.
        made: String,
        /// Now.
        at: f64,
    },
    /// The item is none that is made without a call.
    NotUniform {
        /// The item.
        item: i64,
        /// What that was decided under: while it is the same nobody need look again.
        looked: String,
    },
    /// Pictures of an item are about to be replaced.
    Replace(Replacing),
    /// The pictures of an item have been replaced, or cannot be.
    Replaced {
        /// The item.
        item: i64,
    },
    /// The item failed for good.
    Fail {
        /// The item.
        item: i64,
        /// Why.
        message: String,
    },
    /// What is added to the prompt of the item alone, from now on.
    Prompt {
        /// The item.
        item: i64,
        /// The text; `None` for nothing.
        added: Option<String>,
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
        let (path, pilot) = (self.path.clone(), self.pilot.clone());
        let name = pilot.as_ref().map(PilotCalls::name);
        let mut patience = Patience::with(&path);
        let connection = self.connection().await?;
        loop {
            match write(connection, changes, durability, name).await {
                Ok(()) => {
                    for change in changes {
                        if let (Some(pilot), Change::Fail { item, message }) = (&pilot, change) {
                            pilot.failed(*item, message);
                        }
                    }
                    return Ok(());
                }
                Err(error) => {
                    roll_back(connection).await;
                    if !patience.lasts(&error).await {
                        return Err(ProgressError::of(&path, error));
                    }
                }
            }
        }
    }

    /// Puts back the items that a dead run left `in_progress`, and closes its calls. Returns how
    /// many items.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be written.
    pub async fn put_back_abandoned(&mut self) -> Result<u64, ProgressError> {
        let path = self.path.clone();
        let mut patience = Patience::with(&path);
        let connection = self.connection().await?;
        loop {
            let written = async {
                begin(connection).await?;
                let written = close_abandoned(connection).await;
                end(connection, written).await
            };
            match written.await {
                Err(error) if patience.lasts(&error).await => {}
                written => return written.map_err(|error| ProgressError::of(&path, error)),
            }
        }
    }

    /// Adds `blocks` to the plan, pending, in their order; `bounds` are those of the whole plan
    /// then. All of it is added, or nothing.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be written.
    pub async fn extend(&mut self, blocks: &[Block], bounds: Bounds) -> Result<(), ProgressError> {
        let path = self.path.clone();
        let mut patience = Patience::with(&path);
        let connection = self.connection().await?;
        loop {
            let written = async {
                begin(connection).await?;
                let written = add_items(connection, blocks, bounds).await;
                end(connection, written).await
            };
            match written.await {
                Err(error) if patience.lasts(&error).await => {}
                written => return written.map_err(|error| ProgressError::of(&path, error)),
            }
        }
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
        roll_back(connection).await;
    }
    committed
}

async fn roll_back(connection: &mut SqliteConnection) {
    // SQLite may have done so already, and then says that there is nothing to take back.
    let _ = sqlx::raw_sql("ROLLBACK").execute(connection).await;
}

async fn add_items(
    connection: &mut SqliteConnection,
    blocks: &[Block],
    bounds: Bounds,
) -> Result<(), sqlx::Error> {
    insert_items(connection, blocks).await?;
    let (quadrants,): (i64,) = sqlx::query_as("SELECT sum(width * height) FROM generation_plan")
        .fetch_one(&mut *connection)
        .await?;
    sqlx::raw_sql("CREATE TABLE IF NOT EXISTS metadata (key TEXT PRIMARY KEY, value TEXT)")
        .execute(&mut *connection)
        .await?;
    for (key, value) in [
        (MetadataKey::Bounds, bounds.to_string()),
        (MetadataKey::Quadrants, quadrants.to_string()),
    ] {
        sqlx::query("INSERT OR REPLACE INTO metadata (key, value) VALUES (?1, ?2)")
            .bind(key.name())
            .bind(value)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
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

async fn write(
    connection: &mut SqliteConnection,
    changes: &[Change],
    durability: Durability,
    pilot: Option<&str>,
) -> Result<(), sqlx::Error> {
    let mut script = Script::default();
    // In WAL mode NORMAL leaves the log unsynced at a commit, FULL syncs all of it
    // (https://www.sqlite.org/pragma.html#pragma_synchronous).
    script.add(match durability {
        Durability::Process => "PRAGMA synchronous = NORMAL",
        Durability::Power => "PRAGMA synchronous = FULL",
    });
    script.add("BEGIN IMMEDIATE");
    for change in changes {
        add(&mut script, change, pilot);
        if script.is_long() {
            std::mem::take(&mut script).execute(connection).await?;
        }
    }
    script.add("COMMIT");
    script.execute(connection).await
}

/// Adds what `change` writes. What is done for a pilot leaves the plan as it is.
fn add(script: &mut Script, change: &Change, pilot: Option<&str>) {
    match change {
        Change::Claim { item, call, at } if pilot.is_none() => {
            script
                .add("UPDATE generation_plan SET status = 'in_progress', model_name = ?, started_at = ?, completed_at = NULL, error_message = NULL WHERE id = ?")
                .bind(call.endpoint.as_str())
                .bind(*at)
                .bind(*item);
            forget_uncalled(script, *item);
            add_attempt(script, *item, call, *at, None);
        }
        Change::Claim { item, call, at } | Change::Compare { item, call, at } => {
            add_attempt(script, *item, call, *at, pilot);
        }
        Change::Settings { hash, told } => {
            script
                .add("INSERT OR IGNORE INTO settings (hash, told) VALUES (?, ?)")
                .bind(hash.as_str())
                .bind(told.as_str());
        }
        Change::AttemptEnded {
            attempt,
            outcome,
            http_status,
            message,
            bill: Bill { paid, cost, usage },
            at,
        } => {
            script
                .add("UPDATE attempts SET outcome = ?, http_status = ?, message = ?, paid = ?, cost = ?, usage = ?, ended_at = ? WHERE id = ?")
                .bind(outcome.name())
                .bind(http_status.map(i64::from))
                .bind(message.as_deref())
                .bind(i64::from(*paid))
                .bind(*cost)
                .bind(usage.as_deref())
                .bind(*at)
                .bind(*attempt);
        }
        Change::Drew { attempt, pictures } => {
            let drew: Vec<&str> = pictures.iter().map(PictureRecord::short).collect();
            script
                .add("UPDATE attempts SET drew = ? WHERE id = ?")
                .bind(drew.join(" ").as_str())
                .bind(*attempt);
        }
        _ if pilot.is_some() => {}
        Change::Uncalled { item, made, at } => {
            script
                .add("UPDATE generation_plan SET model_name = ?, started_at = ? WHERE id = ?")
                .bind(UNCALLED)
                .bind(*at)
                .bind(*item);
            script
                .add("INSERT OR REPLACE INTO uniform (item_id, made) VALUES (?, ?)")
                .bind(*item)
                .bind(made.as_str());
        }
        Change::NotUniform { item, looked } => {
            script
                .add("INSERT OR REPLACE INTO uniform (item_id, looked) VALUES (?, ?)")
                .bind(*item)
                .bind(looked.as_str());
        }
        Change::Complete { item, pictures, at } => {
            for (quadrant, record) in pictures {
                script
                    .add("INSERT INTO pictures (x, y, bytes, hash) VALUES (?, ?, ?, ?) ON CONFLICT (x, y) DO UPDATE SET bytes = excluded.bytes, hash = excluded.hash")
                    .bind(quadrant.x)
                    .bind(quadrant.y)
                    .bind(record.bytes.cast_signed())
                    .bind(record.hash.as_str());
            }
            forget_uncalled(script, *item);
            script
                .add("UPDATE generation_plan SET status = 'complete', completed_at = ?, error_message = NULL WHERE id = ?")
                .bind(*at)
                .bind(*item);
        }
        Change::Replace(Replacing {
            item,
            kept,
            version,
            at,
        }) => {
            script
                .add("INSERT OR REPLACE INTO replacing (item_id, kept, version, at) VALUES (?, ?, ?, ?)")
                .bind(*item)
                .bind(kept.as_str())
                .bind(i64::from(*version))
                .bind(*at);
        }
        Change::Replaced { item } => {
            script
                .add("DELETE FROM replacing WHERE item_id = ?")
                .bind(*item);
        }
        Change::Fail { item, message } => {
            script
                .add("UPDATE generation_plan SET status = 'error', error_message = ? WHERE id = ?")
                .bind(message.as_str())
                .bind(*item);
        }
        Change::Prompt { item, added } => match added {
            Some(added) => {
                script
                    .add("INSERT OR REPLACE INTO prompts (item_id, added) VALUES (?, ?)")
                    .bind(*item)
                    .bind(added.as_str());
            }
            None => {
                script
                    .add("DELETE FROM prompts WHERE item_id = ?")
                    .bind(*item);
            }
        },
        Change::PutBack { item } => {
            // One that is put back after a failed call goes on with its tries.
            script
                .add("INSERT OR REPLACE INTO begun_anew (item_id, after_attempt) SELECT id, (SELECT coalesce(max(id), 0) FROM attempts) FROM generation_plan WHERE id = ? AND status IN ('error', 'complete')")
                .bind(*item);
            script
                .add("UPDATE generation_plan SET status = 'pending', completed_at = NULL, error_message = NULL WHERE id = ?")
                .bind(*item);
        }
    }
}

/// Other pictures take the place of those that were made without a call.
fn forget_uncalled(script: &mut Script, item: i64) {
    script
        .add("DELETE FROM uniform WHERE item_id = ? AND made IS NOT NULL")
        .bind(item);
}

fn add_attempt(script: &mut Script, item: i64, call: &StartedCall, at: f64, pilot: Option<&str>) {
    let joined: Vec<String> = call
        .joined
        .iter()
        .map(|quadrant| format!("{},{}", quadrant.x, quadrant.y))
        .collect();
    script
        .add("INSERT INTO attempts (id, item_id, endpoint, started_at, outcome, settings_hash, seed, joined, paid, cost, pilot, protocol) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?)")
        .bind(call.attempt)
        .bind(item)
        .bind(call.endpoint.as_str())
        .bind(at)
        .bind(IN_FLIGHT)
        .bind(call.settings_hash.as_str())
        .bind(call.seed)
        .bind(joined.join(" ").as_str())
        .bind(call.aside)
        .bind(pilot)
        .bind(call.protocol);
}

#[cfg(test)]
mod tests {
    use super::*;
    use planner::Status;

    use crate::test_plan::{claim, new_plan};

    #[tokio::test]
    async fn changes_are_written_all_or_not_at_all() {
        let (_dir, path) = new_plan().await;
        let mut db = ProgressDb::open(&path).await.unwrap();
        db.commit(&[claim(1, "a")], Durability::Process)
            .await
            .unwrap();
        // The last claim's attempt has been there before, and what stands between is more than one
        // script.
        for between in [0, 1000] {
            let mut refused = vec![claim(2, "a")];
            refused.extend(std::iter::repeat_n(Change::PutBack { item: 3 }, between));
            refused.push(claim(1, "a"));
            db.commit(&refused, Durability::Power).await.unwrap_err();
        }
        let pictures = [(0, "one"), (1, "two")].map(|(x, hash)| {
            let (bytes, hash) = (7, hash.to_owned());
            (Quadrant::new(x, 0), PictureRecord { bytes, hash })
        });
        let complete = Change::Complete {
            item: 1,
            pictures: pictures.to_vec(),
            at: 1_700_000_001.5,
        };
        let fail = Change::Fail {
            item: 4,
            message: "a 'quoted'; message? of ?1".to_owned(),
        };
        db.commit(&[complete, claim(4, "b"), fail], Durability::Power)
            .await
            .unwrap();
        let states: Vec<_> = db.items().await.unwrap()[..4]
            .iter()
            .map(|item| item.status)
            .collect();
        assert_eq!(
            states,
            [
                Status::Complete,
                Status::Pending,
                Status::Pending,
                Status::Error
            ]
        );
        let quadrants = [pictures[0].0, pictures[1].0];
        let recorded = db.pictures(&quadrants).await.unwrap();
        assert_eq!(recorded, pictures.map(|(_, record)| Some(record)).to_vec());
        let message: String =
            sqlx::query_scalar("SELECT error_message FROM generation_plan WHERE id = 4")
                .fetch_one(db.connection().await.unwrap())
                .await
                .unwrap();
        assert_eq!(message, "a 'quoted'; message? of ?1");
    }

    #[tokio::test]
    async fn each_commit_is_as_durable_as_is_asked_for() {
        let (_dir, path) = new_plan().await;
        let mut db = ProgressDb::open(&path).await.unwrap();
        // The second time round nothing must come from a cache of compiled statements.
        for item in 1..=2 {
            for (durability, synchronous) in [(Durability::Process, 1), (Durability::Power, 2)] {
                let put_back = Change::PutBack { item };
                db.commit(&[put_back], durability).await.unwrap();
                let found: i64 = sqlx::query_scalar("PRAGMA synchronous")
                    .fetch_one(db.connection().await.unwrap())
                    .await
                    .unwrap();
                assert_eq!(found, synchronous, "{durability:?}");
            }
        }
    }
}
