//! The whole plan at one moment, for looking at it.

use std::collections::HashMap;
use std::path::Path;

use crate::file_state::can_be_read_without_lock;
use crate::{FileState, Item, ProgressDb, ProgressError};

/// The plan and what its rows say of each item's last try, read in one transaction.
///
/// Endpoint names, which repeat, are held once: a snapshot of 70,000 items takes a few MB.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// All items in the order of generation.
    pub items: Vec<Item>,
    /// The last try of each of `items`.
    pub tries: Vec<LastTry>,
    /// The names of the endpoints, in the order in which they first occur.
    pub models: Vec<String>,
}

/// What a row says of its item's last try; all of it is absent before the first one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LastTry {
    /// The endpoint: a place in [`Snapshot::models`].
    pub model: Option<u32>,
    /// Unix time in milliseconds.
    pub started_at_ms: Option<i64>,
    /// Unix time in milliseconds.
    pub completed_at_ms: Option<i64>,
    /// Why it failed.
    pub error_message: Option<Box<str>>,
}

/// How many tries one query reads. They come back as one text, several times faster than row
/// by row.
const TRIES_PER_QUERY: i64 = 4096;

/// ASCII's own unit and record separators; in a name or message they become spaces.
const UNIT: char = '\u{1f}';
const RECORD: char = '\u{1e}';

impl ProgressDb {
    /// The plan and its tries in the database at `path` as they stand now, of a message the
    /// first `message_chars` characters; and the state of the files in which they stood so.
    /// Nothing is written, be it beside the database.
    ///
    /// # Errors
    /// As for [`ProgressDb::open_read_only`] and [`ProgressDb::items`].
    pub async fn snapshot_of(
        path: &Path,
        message_chars: u32,
    ) -> Result<(Snapshot, FileState), ProgressError> {
        loop {
            let state = FileState::of(path);
            let without_lock = can_be_read_without_lock(path);
            let read = async {
                let mut db = Self::open_read_only(path).await?;
                let snapshot = db.snapshot(message_chars).await?;
                db.close().await?;
                Ok(snapshot)
            };
            let read = read.await;
            // If a run has begun meanwhile, what was read may be of two moments; from now on
            // there is a log.
            if !without_lock || FileState::of(path) == state {
                return read.map(|snapshot| (snapshot, state));
            }
        }
    }

    async fn snapshot(&mut self, message_chars: u32) -> Result<Snapshot, ProgressError> {
        // A reader's transaction sees one state of the database, however much is written.
        self.run("BEGIN").await?;
        let read = self.read_snapshot(message_chars).await;
        self.run("COMMIT").await?;
        read
    }

    async fn read_snapshot(&mut self, message_chars: u32) -> Result<Snapshot, ProgressError> {
        let items = self.items().await?;
        let mut places: Vec<(i64, usize)> =
            (0..).zip(&items).map(|(i, item)| (item.id, i)).collect();
        places.sort_unstable();
        let mut snapshot = Snapshot {
            tries: vec![LastTry::default(); items.len()],
            items,
            models: Vec::new(),
        };
        let mut models: HashMap<String, u32> = HashMap::new();
        let mut from = i64::MIN;
        loop {
            let rows: (Option<String>, Option<i64>) = sqlx::query_as(
                "SELECT group_concat(id || ?3 || coalesce(CAST(started_at * 1000 AS INTEGER), '') || ?3 || coalesce(CAST(completed_at * 1000 AS INTEGER), '')
                   || ?3 || coalesce(replace(replace(model_name, ?3, ' '), ?4, ' '), '')
                   || ?3 || coalesce(replace(replace(substr(error_message, 1, ?5), ?3, ' '), ?4, ' '), ''), ?4), max(id)
                 FROM (SELECT id, started_at, completed_at, CAST(model_name AS TEXT) AS model_name, CAST(error_message AS TEXT) AS error_message
                       FROM generation_plan
                       WHERE id >= ?1 AND coalesce(model_name, started_at, completed_at, error_message) IS NOT NULL
                       ORDER BY id LIMIT ?2)",
            )
            .bind(from)
            .bind(TRIES_PER_QUERY)
            .bind(UNIT.to_string())
            .bind(RECORD.to_string())
            .bind(message_chars)
            .fetch_one(&mut self.connection)
            .await
            .map_err(|error| ProgressError::of(&self.path, &error))?;
            let (Some(text), Some(last)) = rows else {
                return Ok(snapshot);
            };
            for row in text.split(RECORD) {
                let mut fields = row.split(UNIT);
                let mut field = || fields.next().unwrap_or_default();
                let id: i64 = field().parse().unwrap_or_default();
                let Ok(place) = places.binary_search_by_key(&id, |&(id, _)| id) else {
                    continue;
                };
                let last_try = &mut snapshot.tries[places[place].1];
                last_try.started_at_ms = field().parse().ok();
                last_try.completed_at_ms = field().parse().ok();
                let (model, message) = (field(), field());
                if !model.is_empty() {
                    let index = models.get(model).copied().unwrap_or_else(|| {
                        let index =
                            u32::try_from(snapshot.models.len()).expect("fewer models than items");
                        snapshot.models.push(model.to_owned());
                        models.insert(model.to_owned(), index);
                        index
                    });
                    last_try.model = Some(index);
                }
                last_try.error_message = Some(message)
                    .filter(|text| !text.is_empty())
                    .map(Into::into);
            }
            let Some(next) = last.checked_add(1) else {
                return Ok(snapshot);
            };
            from = next;
        }
    }

    async fn run(&mut self, sql: &'static str) -> Result<(), ProgressError> {
        sqlx::raw_sql(sql)
            .execute(&mut self.connection)
            .await
            .map(drop)
            .map_err(|error| ProgressError::of(&self.path, &error))
    }
}
