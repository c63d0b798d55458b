//! What is recorded of one item: its state, its calls, and what they were told.

use planner::Quadrant;
use sqlx::AssertSqlSafe;

use crate::{AttemptId, ProgressDb, ProgressError};

/// A call as it was recorded. Times are Unix seconds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RecordedCall {
    /// Its number.
    pub attempt: AttemptId,
    /// The endpoint's name.
    pub endpoint: String,
    /// How it was spoken to, where that was recorded.
    pub protocol: Option<String>,
    /// When it began.
    pub started_at: f64,
    /// When it ended; `None` while it is under way, and where its run died first.
    pub ended_at: Option<f64>,
    /// The status of the answer, where one came.
    pub http_status: Option<i64>,
    /// What it bought: the name of an [`Outcome`](crate::Outcome), or `in_flight`.
    pub outcome: String,
    /// Hash of what the model was told.
    pub settings_hash: String,
    /// The seed, where one was sent.
    pub seed: Option<i64>,
    /// The quadrants that its canvas showed as finished; `None` where that was not recorded.
    pub joined: Option<Vec<Quadrant>>,
    /// What was wrong, where something was.
    pub message: Option<String>,
    /// What it drew that was saved or rejected: the beginnings of the pictures' hashes; `None` where
    /// there is nothing, or it was not recorded.
    pub drew: Option<String>,
}

/// How an item stands. Times are Unix seconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ItemState {
    /// The endpoint that was called last.
    pub model_name: Option<String>,
    /// When it was complete.
    pub completed_at: Option<f64>,
    /// Why it failed.
    pub error_message: Option<String>,
}

type Row = (
    i64,
    String,
    Option<f64>,
    Option<f64>,
    Option<i64>,
    String,
    String,
    Option<i64>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

impl ProgressDb {
    /// All calls for an item, in their order, but those of pilots; none where another tool has made the database.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub(crate) async fn calls_of(&mut self, item: i64) -> Result<Vec<RecordedCall>, ProgressError> {
        if !self.has_table("attempts").await? {
            return Ok(Vec::new());
        }
        // One that an earlier version has made, and no run has written since, lacks the last columns.
        let last = match self.attempts_have("message").await? {
            true => "CAST(seed AS INTEGER), CAST(joined AS TEXT), CAST(message AS TEXT)",
            false => "NULL, NULL, NULL",
        };
        // And these came with a later one.
        let latest = match self.attempts_have("protocol").await? {
            true => "CAST(drew AS TEXT), CAST(protocol AS TEXT)",
            false => "NULL, NULL",
        };
        let own = self.is_of_layer().await?;
        let query = format!(
            "SELECT id, CAST(endpoint AS TEXT), CAST(started_at AS REAL), CAST(ended_at AS REAL),
               CAST(http_status AS INTEGER), CAST(outcome AS TEXT), CAST(settings_hash AS TEXT), {last}, {latest}
             FROM attempts WHERE item_id = ?1 AND {own} ORDER BY id"
        );
        let rows: Vec<Row> = self
            .rows(|| sqlx::query_as(AssertSqlSafe(query.clone())).bind(item))
            .await?;
        Ok(rows.into_iter().map(recorded).collect())
    }

    /// What calls of the settings `hash` were told, as JSON, where that is known.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub(crate) async fn settings(&mut self, hash: &str) -> Result<Option<String>, ProgressError> {
        if !self.has_table("settings").await? {
            return Ok(None);
        }
        let mut rows: Vec<(String,)> = self
            .rows(|| {
                sqlx::query_as("SELECT CAST(told AS TEXT) FROM settings WHERE hash = ?1").bind(hash)
            })
            .await?;
        Ok(rows.pop().map(|(told,)| told))
    }

    /// How an item stands.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub(crate) async fn item_state(&mut self, item: i64) -> Result<ItemState, ProgressError> {
        let mut rows: Vec<(Option<String>, Option<f64>, Option<String>)> = self
            .rows(|| {
                sqlx::query_as(
                    "SELECT CAST(model_name AS TEXT), CAST(completed_at AS REAL), CAST(error_message AS TEXT)
                     FROM generation_plan WHERE id = ?1",
                )
                .bind(item)
            })
            .await?;
        let state = rows
            .pop()
            .map(|(model_name, completed_at, error_message)| ItemState {
                model_name,
                completed_at,
                error_message,
            });
        Ok(state.unwrap_or_default())
    }
}

fn recorded(row: Row) -> RecordedCall {
    let (
        attempt,
        endpoint,
        started_at,
        ended_at,
        http_status,
        outcome,
        settings_hash,
        seed,
        joined,
        message,
        drew,
        protocol,
    ) = row;
    let quadrants = |text: String| {
        let pairs = text.split(' ').filter_map(|pair| pair.split_once(','));
        pairs
            .filter_map(|(x, y)| Some(Quadrant::new(x.parse().ok()?, y.parse().ok()?)))
            .collect()
    };
    RecordedCall {
        attempt,
        endpoint,
        protocol,
        started_at: started_at.unwrap_or_default(),
        ended_at,
        http_status,
        outcome,
        settings_hash,
        seed,
        joined: joined.map(quadrants),
        message,
        drew,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bill;
    use crate::test_plan::new_plan;
    use crate::{Change, Durability, Outcome, StartedCall};

    fn started(attempt: i64, seed: Option<i64>, joined: Vec<Quadrant>) -> StartedCall {
        StartedCall {
            attempt,
            endpoint: "a \"b\"".to_owned(),
            protocol: "sdapi",
            settings_hash: "5e77".to_owned(),
            seed,
            aside: None,
            joined,
        }
    }

    #[tokio::test]
    async fn a_call_is_told_as_it_was_recorded() {
        let (_dir, path) = new_plan().await;
        let mut db = ProgressDb::open(&path).await.unwrap();
        let joined = vec![Quadrant::new(-3, 4), Quadrant::new(i32::MIN, i32::MAX)];
        let (at, item) = (1_700_000_000.25, 3);
        let call = started(1, Some(2_147_483_647), joined.clone());
        let changes = [
            Change::Settings {
                hash: "5e77".to_owned(),
                told: "{\"prompt\":\"snow\"}".to_owned(),
            },
            Change::Settings {
                hash: "5e77".to_owned(),
                told: "another".to_owned(),
            },
            Change::Claim { item, call, at },
            Change::AttemptEnded {
                attempt: 1,
                outcome: Outcome::NotAccepted,
                http_status: Some(200),
                message: Some("solid 1.00; a 'quote'".to_owned()),
                bill: Bill::default(),
                at: at + 2.0,
            },
            Change::Compare {
                item,
                call: started(2, None, Vec::new()),
                at: at + 3.0,
            },
        ];
        db.commit(&changes, Durability::Power).await.unwrap();
        let calls = db.calls_of(item).await.unwrap();
        let expected = RecordedCall {
            attempt: 1,
            endpoint: "a \"b\"".to_owned(),
            protocol: Some("sdapi".to_owned()),
            started_at: at,
            ended_at: Some(at + 2.0),
            http_status: Some(200),
            outcome: "not_accepted".to_owned(),
            settings_hash: "5e77".to_owned(),
            seed: Some(2_147_483_647),
            joined: Some(joined),
            message: Some("solid 1.00; a 'quote'".to_owned()),
            drew: None,
        };
        assert_eq!(calls[0], expected);
        assert_eq!((calls[1].seed, calls[1].ended_at), (None, None));
        assert_eq!(calls[1].joined, Some(Vec::new()));
        assert_eq!(calls.len(), 2);
        assert_eq!(db.calls_of(4).await.unwrap(), []);
        let told = db.settings("5e77").await.unwrap();
        assert_eq!(
            told.as_deref(),
            Some("{\"prompt\":\"snow\"}"),
            "the first stays"
        );
        assert_eq!(db.settings("other").await.unwrap(), None);
        let state = db.item_state(item).await.unwrap();
        assert_eq!(state.model_name.as_deref(), Some("a \"b\""));
        assert_eq!(db.item_state(-1).await.unwrap(), ItemState::default());
        let answers = db.answers_of_open_items().await.unwrap();
        assert_eq!(answers.into_iter().collect::<Vec<_>>(), [(item, 1)]);
    }

    /// What an earlier version has made is read as it is, and gets the columns when it is run.
    #[tokio::test]
    async fn a_database_of_an_earlier_version_is_read_and_brought_up_to_date() {
        let (_dir, path) = new_plan().await;
        let mut db = ProgressDb::open(&path).await.unwrap();
        let earlier = "DROP TABLE settings; DROP TABLE attempts;
            CREATE TABLE attempts (id INTEGER PRIMARY KEY, item_id INTEGER NOT NULL, endpoint TEXT NOT NULL,
              started_at REAL NOT NULL, ended_at REAL, http_status INTEGER, outcome TEXT NOT NULL, settings_hash TEXT NOT NULL);
            INSERT INTO attempts VALUES (1, 1, 'a', 1.5, 2.5, 200, 'ok', 'aa')";
        sqlx::raw_sql(earlier)
            .execute(db.connection().await.unwrap())
            .await
            .unwrap();
        db.close().await.unwrap();
        let mut db = ProgressDb::open_read_only(&path).await.unwrap();
        let calls = db.calls_of(1).await.unwrap();
        assert_eq!((calls[0].seed, &calls[0].joined), (None, &None));
        assert_eq!(db.settings("aa").await.unwrap(), None);
        db.close().await.unwrap();
        for _ in 0..2 {
            let mut db = ProgressDb::open(&path).await.unwrap();
            assert_eq!(db.calls_of(1).await.unwrap(), calls);
            let call = started(2, Some(7), Vec::new());
            let claim = Change::Claim {
                item: 2,
                call,
                at: 3.0,
            };
            if db.calls_of(2).await.unwrap().is_empty() {
                db.commit(&[claim], Durability::Power).await.unwrap();
            }
            assert_eq!(db.calls_of(2).await.unwrap()[0].seed, Some(7));
            db.close().await.unwrap();
        }
    }
}
