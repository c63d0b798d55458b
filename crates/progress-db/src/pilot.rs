//! The calls of a pilot: they are paid for like all others, and change nothing of the plan.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The items that failed in a pilot, and why.
#[derive(Debug, Clone, Default)]
pub struct FailedInPilot(Arc<Mutex<HashMap<i64, String>>>);

impl FailedInPilot {
    /// Why an item failed, where it did.
    #[must_use]
    pub fn why(&self, item: i64) -> Option<String> {
        let failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failed.get(&item).cloned()
    }
}

/// A pilot that calls are made for.
#[derive(Debug, Clone)]
pub(crate) struct PilotCalls {
    name: String,
    failed: FailedInPilot,
}

impl PilotCalls {
    /// The calls of the pilot of this name, and where it is told which items failed.
    pub(crate) fn of(name: &str) -> (Self, FailedInPilot) {
        let (name, failed) = (name.to_owned(), FailedInPilot::default());
        let calls = Self {
            name,
            failed: failed.clone(),
        };
        (calls, failed)
    }

    /// The pilot's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Takes note that an item failed, which the plan is not told.
    pub(crate) fn failed(&self, item: i64, message: &str) {
        let failed = &self.failed.0;
        let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.insert(item, message.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use planner::Quadrant;
    use sqlx::AssertSqlSafe;

    use super::*;
    use crate::test_plan::{claim, new_plan};
    use crate::{Bill, Change, Durability, Outcome, PictureRecord, ProgressDb, Replacing};

    const CALL: i64 = 1_000;

    fn call(item: i64, attempt: i64, outcome: Outcome, cost: f64) -> [Change; 2] {
        let Change::Claim { mut call, at, .. } = claim(item, "a") else {
            unreachable!()
        };
        call.attempt = attempt;
        call.settings_hash = format!("{outcome:?}");
        let ended = Change::AttemptEnded {
            attempt,
            outcome,
            http_status: None,
            message: None,
            bill: Bill {
                paid: true,
                cost: Some(cost),
                usage: None,
            },
            at: at + cost,
        };
        [Change::Claim { item, call, at }, ended]
    }

    async fn plan_of(db: &mut ProgressDb) -> Vec<(String,)> {
        let mut rows = Vec::new();
        for table in [
            "SELECT id || status || coalesce(model_name, '') || coalesce(started_at, '') || coalesce(completed_at, '') || coalesce(error_message, '') FROM generation_plan",
            "SELECT x || ' ' || y || hash FROM pictures",
            "SELECT item_id || coalesce(made, '') || coalesce(looked, '') FROM uniform",
            "SELECT item_id || added FROM prompts",
            "SELECT item_id || kept FROM replacing",
        ] {
            let query = || sqlx::query_as(AssertSqlSafe(table.to_owned()));
            rows.extend(db.rows(query).await.unwrap());
        }
        rows
    }

    #[tokio::test]
    async fn a_pilot_s_calls_are_paid_for_and_nothing_else_is_changed() {
        let (_dir, path) = new_plan().await;
        let mut db = ProgressDb::open(&path).await.unwrap();
        let pictures = vec![(Quadrant::new(0, 0), PictureRecord::of(b"one"))];
        let at = 1_700_000_000.5;
        let mut changes = call(1, 1, Outcome::Ok, 2.0).to_vec();
        let (item, complete) = (1, pictures.clone());
        changes.push(Change::Complete {
            item,
            pictures: complete,
            at,
        });
        changes.extend(call(2, 2, Outcome::BadAnswer, 1.0));
        db.commit(&changes, Durability::Power).await.unwrap();
        let explained = db.explanation(Quadrant::new(0, 0)).await.unwrap();
        let before = plan_of(&mut db).await;
        let calls = db.calls_by_endpoint().await.unwrap();

        let (mut db, failed) = db.of_pilot("20261122T140300Z");
        let mut changes = Vec::new();
        for item in 1..=3 {
            changes.extend(call(item, CALL + item, Outcome::Ok, 10.0));
            let (message, added) = (format!("no {item}"), Some("x".to_owned()));
            let (made, looked) = ("made".to_owned(), "looked".to_owned());
            changes.extend([
                Change::Complete {
                    item,
                    pictures: pictures.clone(),
                    at,
                },
                Change::Uncalled { item, made, at },
                Change::NotUniform { item, looked },
                Change::Fail { item, message },
                Change::Prompt { item, added },
                Change::PutBack { item },
                Change::Replace(Replacing {
                    item,
                    kept: "candidates".to_owned(),
                    version: 1,
                    at: 1.0,
                }),
            ]);
        }
        changes.extend(call(4, CALL + 4, Outcome::NotAccepted, 10.0));
        db.commit(&changes, Durability::Power).await.unwrap();
        assert_eq!(plan_of(&mut db).await, before);
        assert_eq!(failed.why(3).as_deref(), Some("no 3"));
        assert_eq!(failed.why(4), None);

        assert_eq!(db.spent().await.unwrap(), (6, 43.0));
        assert_eq!(db.last_attempt().await.unwrap(), CALL + 4);
        assert_eq!(
            db.answers_of_open_items().await.unwrap(),
            HashMap::from([(2, 1)])
        );
        let settings = db.settings_of_complete_items().await.unwrap();
        assert_eq!(settings, [("Ok".to_owned(), 1)]);
        assert_eq!(db.rejections().await.unwrap(), HashMap::new());
        assert_eq!(
            db.explanation(Quadrant::new(0, 0)).await.unwrap(),
            explained
        );
        let after = db.calls_by_endpoint().await.unwrap();
        assert_eq!(after[0].cost, Some(43.0), "what is spent is spent");
        let cost = calls[0].cost;
        assert_eq!(
            crate::EndpointCalls {
                cost,
                ..after[0].clone()
            },
            calls[0]
        );
        let named: Vec<(Option<String>,)> = db
            .rows(|| sqlx::query_as("SELECT DISTINCT pilot FROM attempts ORDER BY pilot"))
            .await
            .unwrap();
        assert_eq!(named, [(None,), (Some("20261122T140300Z".to_owned()),)]);
    }

    #[tokio::test]
    async fn what_an_earlier_version_has_made_is_read_as_it_is() {
        let (_dir, path) = new_plan().await;
        let mut db = ProgressDb::open(&path).await.unwrap();
        let changes = call(1, 1, Outcome::NotAccepted, 2.0);
        db.commit(&changes, Durability::Power).await.unwrap();
        let drop = sqlx::raw_sql("ALTER TABLE attempts DROP COLUMN pilot");
        drop.execute(db.connection().await.unwrap()).await.unwrap();
        db.close().await.unwrap();
        let mut db = ProgressDb::open_read_only(&path).await.unwrap();
        assert_eq!(db.calls_by_endpoint().await.unwrap()[0].calls, 1);
        assert_eq!(db.rejections().await.unwrap(), HashMap::from([(1, 1)]));
        let told = db.explanation(Quadrant::new(0, 0)).await.unwrap();
        assert!(told.contains("call 1"), "{told}");
        db.close().await.unwrap();
        let mut db = ProgressDb::open(&path).await.unwrap();
        assert_eq!(db.spent().await.unwrap(), (1, 2.0));
        assert_eq!(
            db.answers_of_open_items().await.unwrap(),
            HashMap::from([(1, 1)])
        );
    }
}
