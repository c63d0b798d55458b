//! What the calls of each endpoint came to.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;

use crate::{ProgressDb, ProgressError};

/// The calls that one endpoint was given, in all runs of the layer; those of pilots, which may be told
/// other things, count for their cost alone.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EndpointCalls {
    /// The endpoint's name.
    pub endpoint: String,
    /// How many calls it was given.
    pub calls: u64,
    /// How many of them ended without pictures that could be saved.
    pub failed: u64,
    /// What all of them cost, and those of pilots, in units of the currency, as far as that is known.
    pub cost: Option<f64>,
    /// How long those took on average, in seconds, whose pictures were saved; `None` when there are
    /// none.
    pub mean_s: Option<f64>,
}

/// A call for the layer that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct PastCall {
    /// The name of its endpoint.
    pub endpoint: String,
    /// How many quadrants its block has.
    pub quadrants: usize,
    /// When it started, in Unix seconds.
    pub started_at: f64,
    /// When it ended.
    pub ended_at: f64,
    /// Whether its pictures were saved; `None` where it was made to compare, or a stop cut it short.
    pub is_saved: Option<bool>,
    /// Whether it is paid for.
    pub is_paid: bool,
}

/// What endpoints did longer ago than in so many calls tells nothing of what they do now.
const TELLING: u32 = 20_000;

type CallsRow = (Vec<u8>, i64, i64, Option<f64>, Option<f64>);
type PastRow = (Vec<u8>, i64, f64, f64, Option<bool>, bool);

/// Which calls are likely paid for of which a version before this one did not say it.
const IS_LIKELY_PAID: &str = "outcome NOT IN ('away', 'rejected', 'endpoint_out')";

impl ProgressDb {
    /// What the calls of each endpoint came to, by its name; none where another tool has made the
    /// database.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub async fn calls_by_endpoint(&mut self) -> Result<Vec<EndpointCalls>, ProgressError> {
        if !self.has_attempts().await? {
            return Ok(Vec::new());
        }
        let cost = match self.attempts_have("cost").await? {
            true => "sum(CAST(cost AS REAL))",
            false => "NULL",
        };
        let own = self.is_of_layer().await?;
        let query = format!(
            "SELECT CAST(endpoint AS BLOB), count(*) FILTER (WHERE {own}),
               count(*) FILTER (WHERE {own} AND outcome NOT IN ('ok', 'in_flight', 'interrupted', 'compared')),
               {cost},
               avg(CAST(ended_at - started_at AS REAL)) FILTER (WHERE {own} AND outcome = 'ok')
             FROM attempts GROUP BY endpoint ORDER BY endpoint"
        );
        // Calls under way, those that only compare and those that a stop cut short did not fail.
        let rows: Vec<CallsRow> = self
            .rows(|| sqlx::query_as(AssertSqlSafe(query.clone())))
            .await?;
        let calls = |(endpoint, calls, failed, cost, mean_s): CallsRow| EndpointCalls {
            endpoint: String::from_utf8_lossy(&endpoint).into_owned(),
            calls: calls.unsigned_abs(),
            failed: failed.unsigned_abs(),
            cost: cost.filter(|cost| cost.is_finite()),
            mean_s: mean_s.filter(|mean| mean.is_finite()),
        };
        Ok(rows.into_iter().map(calls).collect())
    }

    /// How many calls were made for each pilot, by its name, and what they cost in units of the currency,
    /// as far as that is known.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub async fn calls_of_pilots(&mut self) -> Result<HashMap<String, (u64, f64)>, ProgressError> {
        if !self.has_attempts().await? || !self.attempts_have("pilot").await? {
            return Ok(HashMap::new());
        }
        let rows: Vec<(String, i64, f64)> = self
            .rows(|| {
                sqlx::query_as(
                    "SELECT CAST(pilot AS TEXT), count(*), coalesce(sum(CAST(cost AS REAL)), 0.0)
                     FROM attempts WHERE pilot IS NOT NULL GROUP BY pilot",
                )
            })
            .await?;
        let calls = |(name, calls, cost): (String, i64, f64)| (name, (calls.unsigned_abs(), cost));
        Ok(rows.into_iter().map(calls).collect())
    }

    /// The last calls for the layer that are over, the newest first: as many as tell what endpoints do
    /// now. None where another tool has made the database.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub async fn past_calls(&mut self) -> Result<Vec<PastCall>, ProgressError> {
        if !self.has_attempts().await? {
            return Ok(Vec::new());
        }
        let (own, is_paid) = (self.is_of_layer().await?, self.is_paid().await?);
        let query = format!(
            "SELECT CAST(endpoint AS BLOB), CAST(width * height AS INTEGER),
               CAST(attempts.started_at AS REAL), CAST(ended_at AS REAL),
               CASE WHEN outcome IN ('interrupted', 'compared') THEN NULL ELSE outcome = 'ok' END,
               {is_paid}
             FROM attempts JOIN generation_plan ON generation_plan.id = item_id
             WHERE {own} AND outcome <> 'in_flight' AND ended_at IS NOT NULL
             ORDER BY attempts.id DESC LIMIT {TELLING}"
        );
        let rows: Vec<PastRow> = self
            .rows(|| sqlx::query_as(AssertSqlSafe(query.clone())))
            .await?;
        let call = |row: PastRow| PastCall {
            endpoint: String::from_utf8_lossy(&row.0).into_owned(),
            quadrants: usize::try_from(row.1).unwrap_or(1),
            started_at: row.2,
            ended_at: row.3,
            is_saved: row.4,
            is_paid: row.5,
        };
        Ok(rows.into_iter().map(call).collect())
    }

    /// What all calls of the layer and its pilots came to: how many are paid for, and what they cost in units of the
    /// currency, as far as that is known. Calls that nothing is known of, be it because they are under
    /// way, count as paid for.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub async fn spent(&mut self) -> Result<(u64, f64), ProgressError> {
        if !self.has_attempts().await? {
            return Ok((0, 0.0));
        }
        let cost = match self.attempts_have("cost").await? {
            true => "coalesce(sum(CAST(cost AS REAL)), 0.0)",
            false => "0.0",
        };
        let is_paid = self.is_paid().await?;
        let query = format!("SELECT count(*), {cost} FROM attempts WHERE {is_paid}");
        let (calls, cost): (i64, f64) = self
            .row(|| sqlx::query_as(AssertSqlSafe(query.clone())))
            .await?;
        Ok((calls.unsigned_abs(), cost))
    }

    /// What holds of the calls that are paid for.
    async fn is_paid(&mut self) -> Result<String, ProgressError> {
        Ok(match self.attempts_have("paid").await? {
            true => format!("coalesce(paid, {IS_LIKELY_PAID})"),
            false => IS_LIKELY_PAID.to_owned(),
        })
    }

    /// How many answers were not good enough before the one that an item has now, by item; of one that
    /// has none since its last.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub(crate) async fn rejections(&mut self) -> Result<HashMap<i64, u32>, ProgressError> {
        if !self.has_attempts().await? {
            return Ok(HashMap::new());
        }
        let own = self.is_of_layer().await?;
        let query = format!(
            "SELECT item_id, outcome = 'ok' FROM attempts
             WHERE outcome IN ('ok', 'not_accepted') AND {own}
               AND item_id IN (SELECT item_id FROM attempts WHERE outcome = 'not_accepted')
             ORDER BY id"
        );
        let rows: Vec<(i64, bool)> = self
            .rows(|| sqlx::query_as(AssertSqlSafe(query.clone())))
            .await?;
        let mut rejections: HashMap<i64, (u32, bool)> = HashMap::new();
        for (item, is_ok) in rows {
            let (count, was_ok) = rejections.entry(item).or_default();
            if std::mem::replace(was_ok, is_ok) {
                *count = 0;
            }
            *count += u32::from(!is_ok);
        }
        let counts = rejections
            .into_iter()
            .map(|(item, (count, _))| (item, count));
        Ok(counts.filter(|(_, count)| *count > 0).collect())
    }

    /// What holds of the calls for the layer itself, and of none that a pilot was made with.
    pub(crate) async fn is_of_layer(&mut self) -> Result<&'static str, ProgressError> {
        Ok(match self.attempts_have("pilot").await? {
            true => "pilot IS NULL",
            false => "1",
        })
    }

    /// Whether there is a record of calls: another tool may have made the database.
    async fn has_attempts(&mut self) -> Result<bool, ProgressError> {
        let (tables,): (i64,) = self
            .row(|| {
                sqlx::query_as(
                    "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'attempts'",
                )
            })
            .await?;
        Ok(tables > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bill;
    use crate::test_plan::{claim, new_plan};
    use crate::{Change, Durability, Outcome};

    #[tokio::test]
    async fn rejected_answers_are_those_before_the_last_that_was_accepted() {
        let (_dir, path) = new_plan().await;
        let mut db = ProgressDb::open(&path).await.unwrap();
        let mut attempt = 0;
        let mut calls_for = |item: i64, outcomes: &str| {
            let mut changes = Vec::new();
            for letter in outcomes.chars() {
                attempt += 1;
                let Change::Claim { mut call, at, .. } = claim(item, "a") else {
                    unreachable!()
                };
                call.attempt = attempt;
                changes.push(Change::Claim { item, call, at });
                let outcome = match letter {
                    'k' => Outcome::Ok,
                    'r' => Outcome::NotAccepted,
                    _ => Outcome::Away,
                };
                changes.push(Change::AttemptEnded {
                    attempt,
                    outcome,
                    http_status: None,
                    message: None,
                    bill: Bill::default(),
                    at,
                });
            }
            changes
        };
        let of = ["k", "rk", "rakrr", "rrkk", "rkrrk", "aa", "rrr"];
        for (item, outcomes) in (1..).zip(of) {
            let changes = calls_for(item, outcomes);
            db.commit(&changes, Durability::Process).await.unwrap();
        }
        let expected = [(2, 1), (3, 2), (5, 2), (7, 3)];
        assert_eq!(db.rejections().await.unwrap(), HashMap::from(expected));
        db.close().await.unwrap();
        let (snapshot, _) = ProgressDb::snapshot_of(&path, 10).await.unwrap();
        assert_eq!(snapshot.tries[2].rejected, 2);
    }

    #[tokio::test]
    async fn calls_that_are_over_are_told_with_what_came_of_them_the_newest_first() {
        let (_dir, path) = new_plan().await;
        let mut db = ProgressDb::open(&path).await.unwrap();
        let outcomes = [
            (Outcome::Ok, Some(true), true),
            (Outcome::BadAnswer, Some(false), true),
            (Outcome::Away, Some(false), false),
            (Outcome::Interrupted, None, true),
        ];
        for (attempt, (outcome, _, paid)) in (1..).zip(outcomes) {
            let Change::Claim { mut call, .. } = claim(attempt, "a") else {
                unreachable!()
            };
            call.attempt = attempt;
            let (item, at) = (attempt, 100.0 * attempt as f64);
            let bill = Bill {
                paid,
                ..Bill::default()
            };
            let ended = Change::AttemptEnded {
                attempt,
                outcome,
                http_status: None,
                message: None,
                bill,
                at: at + 2.5,
            };
            let changes = [Change::Claim { item, call, at }, ended];
            db.commit(&changes, Durability::Process).await.unwrap();
        }
        let Change::Claim { mut call, at, .. } = claim(4, "b") else {
            unreachable!()
        };
        call.attempt = 9;
        let under_way = Change::Claim { item: 4, call, at };
        db.commit(&[under_way], Durability::Process).await.unwrap();
        let items = db.items().await.unwrap();
        let mut expected: Vec<PastCall> = (1..)
            .zip(outcomes)
            .map(|(attempt, (_, is_saved, is_paid))| PastCall {
                endpoint: "a".to_owned(),
                quadrants: items[attempt - 1].block.quadrants().count(),
                started_at: 100.0 * attempt as f64,
                ended_at: 100.0 * attempt as f64 + 2.5,
                is_saved,
                is_paid,
            })
            .collect();
        expected.reverse();
        assert_eq!(db.past_calls().await.unwrap(), expected);
        db.close().await.unwrap();
        // As a version has made it that knew neither prices nor pilots.
        let mut db = ProgressDb::open(&path).await.unwrap();
        for column in ["paid", "cost", "pilot"] {
            let drop = sqlx::raw_sql(AssertSqlSafe(format!(
                "ALTER TABLE attempts DROP COLUMN {column}"
            )));
            drop.execute(db.connection().await.unwrap()).await.unwrap();
        }
        db.close().await.unwrap();
        let mut db = ProgressDb::open_read_only(&path).await.unwrap();
        assert_eq!(db.past_calls().await.unwrap(), expected);
        assert_eq!(db.spent().await.unwrap(), (4, 0.0), "one was turned away");
    }
}
