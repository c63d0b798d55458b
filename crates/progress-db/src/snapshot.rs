//! The whole plan at one moment, for looking at it.

use std::collections::HashMap;
use std::path::Path;

use planner::Item;
use sqlite::{FileState, can_be_read_without_lock};

use crate::{EndpointCalls, ProgressDb, ProgressError};

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
    /// What the calls of each endpoint came to, in all runs.
    pub calls: Vec<EndpointCalls>,
}

/// What a row says of its item's last try; all of it is absent before the first one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LastTry {
    /// The endpoint: an index of [`Snapshot::models`].
    pub model: Option<u32>,
    /// Unix time in milliseconds.
    pub started_at_ms: Option<i64>,
    /// Unix time in milliseconds.
    pub completed_at_ms: Option<i64>,
    /// How many answers before it were not good enough.
    pub rejected: u32,
    /// Why it failed.
    pub error_message: Option<Box<str>>,
}

/// How many tries one query reads. They come back as one text, several times faster than row
/// by row.
const TRIES_PER_QUERY: i64 = 4096;

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
        let ended = self.run("COMMIT").await;
        let read = read?;
        ended.map(|()| read)
    }

    async fn read_snapshot(&mut self, message_chars: u32) -> Result<Snapshot, ProgressError> {
        let items = self.items().await?;
        let mut indices: Vec<(i64, usize)> =
            (0..).zip(&items).map(|(i, item)| (item.id, i)).collect();
        indices.sort_unstable();
        let mut snapshot = Snapshot {
            tries: vec![LastTry::default(); items.len()],
            items,
            models: Vec::new(),
            calls: self.calls_by_endpoint().await?,
        };
        let rejections = self.rejections().await?;
        let mut models = Names::default();
        let mut from = i64::MIN;
        loop {
            // Names and messages may hold anything, so their lengths stand before them.
            let rows: (Option<String>, Option<i64>) = self.row(|| sqlx::query_as(
                "SELECT group_concat(id || ' ' || coalesce(CAST(started_at * 1000 AS INTEGER), '') || ' ' || coalesce(CAST(completed_at * 1000 AS INTEGER), '')
                   || ' ' || octet_length(model) || ' ' || octet_length(message) || ' ' || model || message, ''), max(id)
                 FROM (SELECT id, started_at, completed_at, coalesce(CAST(model_name AS TEXT), '') AS model,
                         coalesce(substr(CAST(error_message AS TEXT), 1, ?3), '') AS message
                       FROM generation_plan
                       WHERE id >= ?1 AND coalesce(model_name, started_at, completed_at, error_message) IS NOT NULL
                       ORDER BY id LIMIT ?2)",
            )
            .bind(from)
            .bind(TRIES_PER_QUERY)
            .bind(message_chars))
            .await?;
            let (Some(text), Some(last)) = rows else {
                return Ok(Snapshot {
                    models: models.names,
                    ..snapshot
                });
            };
            let mut rest = text.as_str();
            while let Some((row, after)) = TryRow::read(rest) {
                rest = after;
                let Ok(index) = indices.binary_search_by_key(&row.id, |&(id, _)| id) else {
                    continue;
                };
                let model = Some(row.model).filter(|name| !name.is_empty());
                snapshot.tries[indices[index].1] = LastTry {
                    model: model.map(|name| models.index_of(name)),
                    started_at_ms: row.started_at_ms,
                    completed_at_ms: row.completed_at_ms,
                    rejected: rejections.get(&row.id).copied().unwrap_or(0),
                    error_message: Some(row.message)
                        .filter(|text| !text.is_empty())
                        .map(Into::into),
                };
            }
            let Some(next) = last.checked_add(1) else {
                return Ok(Snapshot {
                    models: models.names,
                    ..snapshot
                });
            };
            from = next;
        }
    }

    async fn run(&mut self, sql: &'static str) -> Result<(), ProgressError> {
        sqlx::raw_sql(sql)
            .execute(self.connection().await?)
            .await
            .map(drop)
            .map_err(|error| ProgressError::of(&self.path, error))
    }
}

/// One row of the query's text.
struct TryRow<'a> {
    id: i64,
    started_at_ms: Option<i64>,
    completed_at_ms: Option<i64>,
    model: &'a str,
    message: &'a str,
}

impl<'a> TryRow<'a> {
    /// The first row of `text` and what follows it; `None` at its end.
    fn read(text: &'a str) -> Option<(Self, &'a str)> {
        let mut fields = text.splitn(6, ' ');
        let mut number = || fields.next().map(|field| field.parse::<i64>().ok());
        let (id, started_at_ms, completed_at_ms) = (number()??, number()?, number()?);
        let (model_bytes, message_bytes) = (number()??, number()??);
        let texts = fields.next()?;
        let (model, texts) = texts.split_at_checked(usize::try_from(model_bytes).ok()?)?;
        let (message, after) = texts.split_at_checked(usize::try_from(message_bytes).ok()?)?;
        let row = Self {
            id,
            started_at_ms,
            completed_at_ms,
            model,
            message,
        };
        Some((row, after))
    }
}

/// Names in the order in which they first occur.
#[derive(Default)]
struct Names {
    names: Vec<String>,
    indices: HashMap<String, u32>,
}

impl Names {
    fn index_of(&mut self, name: &str) -> u32 {
        if let Some(&index) = self.indices.get(name) {
            return index;
        }
        let index = u32::try_from(self.names.len()).expect("fewer names than items");
        self.names.push(name.to_owned());
        self.indices.insert(name.to_owned(), index);
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bill;
    use crate::test_plan::{claim, new_plan};
    use crate::{Change, Durability, Outcome};
    use planner::Status;

    #[tokio::test]
    async fn names_and_messages_come_back_as_they_are() {
        let (_dir, path) = new_plan().await;
        let odd = [
            "a b",
            "1 2 3 4 5 6",
            "\u{1f}\u{1e}\n",
            "tab\there",
            "日本 🗾",
            "",
        ];
        let mut db = ProgressDb::open(&path).await.unwrap();
        for (id, text) in (1..).zip(odd) {
            let message = text.to_owned();
            let changes = [claim(id, text), Change::Fail { item: id, message }];
            db.commit(&changes, Durability::Process).await.unwrap();
        }
        let pictures = Vec::new();
        let at = 1_700_000_009.5;
        let changes = [
            claim(7, "a b"),
            Change::Complete {
                item: 7,
                pictures,
                at,
            },
        ];
        db.commit(&changes, Durability::Process).await.unwrap();

        let (snapshot, _) = ProgressDb::snapshot_of(&path, 200).await.unwrap();
        assert_eq!(snapshot.items.len(), snapshot.tries.len());
        for (last_try, text) in snapshot.tries.iter().zip(odd) {
            let model = last_try
                .model
                .map(|index| snapshot.models[index as usize].as_str());
            assert_eq!(model.unwrap_or_default(), text);
            assert_eq!(last_try.error_message.as_deref().unwrap_or_default(), text);
            assert_eq!(last_try.started_at_ms, Some(1_700_000_000_250));
        }
        let expected = LastTry {
            model: Some(0),
            started_at_ms: Some(1_700_000_000_250),
            completed_at_ms: Some(1_700_000_009_500),
            rejected: 0,
            error_message: None,
        };
        assert_eq!(snapshot.tries[6], expected);
        assert_eq!(snapshot.items[6].status, Status::Complete);
        assert!(
            snapshot.tries[7..]
                .iter()
                .all(|last_try| *last_try == LastTry::default())
        );
    }

    #[tokio::test]
    async fn calls_are_summed_up_by_endpoint_in_all_runs() {
        let (_dir, path) = new_plan().await;
        let mut db = ProgressDb::open(&path).await.unwrap();
        let ended = |attempt, outcome, at| Change::AttemptEnded {
            attempt,
            outcome,
            http_status: None,
            message: None,
            bill: Bill::default(),
            at,
        };
        let start = 1_700_000_000.25;
        let changes = [
            claim(1, "a"),
            ended(1, Outcome::Ok, start + 2.0),
            claim(2, "a"),
            ended(2, Outcome::Ok, start + 4.0),
            claim(3, "a"),
            ended(3, Outcome::BadAnswer, start + 100.0),
            claim(4, "b"),
            claim(5, "b"),
            ended(5, Outcome::Interrupted, start + 1.0),
        ];
        db.commit(&changes, Durability::Process).await.unwrap();
        let (snapshot, _) = ProgressDb::snapshot_of(&path, 200).await.unwrap();
        let told = snapshot.calls.iter().map(|calls| {
            (
                calls.endpoint.as_str(),
                calls.calls,
                calls.failed,
                calls.mean_s,
            )
        });
        let told: Vec<_> = told.collect();
        assert_eq!(told, [("a", 3, 1, Some(3.0)), ("b", 2, 0, None)]);
    }

    #[tokio::test]
    async fn of_a_long_message_the_beginning_is_read() {
        let (_dir, path) = new_plan().await;
        let mut db = ProgressDb::open(&path).await.unwrap();
        let message = "ä".repeat(300);
        db.commit(&[Change::Fail { item: 1, message }], Durability::Process)
            .await
            .unwrap();
        let (snapshot, _) = ProgressDb::snapshot_of(&path, 201).await.unwrap();
        assert_eq!(
            snapshot.tries[0].error_message.as_deref(),
            Some("ä".repeat(201).as_str())
        );
    }

    #[tokio::test]
    async fn the_state_of_the_files_tells_of_each_commit() {
        let (_dir, path) = new_plan().await;
        let mut db = ProgressDb::open(&path).await.unwrap();
        for item in 1..=5 {
            let (_, before) = ProgressDb::snapshot_of(&path, 10).await.unwrap();
            assert_eq!(FileState::of(&path), before, "looking changes nothing");
            db.commit(&[claim(item, "a")], Durability::Process)
                .await
                .unwrap();
            assert_ne!(FileState::of(&path), before);
        }
        db.close().await.unwrap();
        let files = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
        ProgressDb::snapshot_of(&path, 10).await.unwrap();
        assert_eq!(
            std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
            files
        );
    }
}
