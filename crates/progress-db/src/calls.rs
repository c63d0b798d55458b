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
    /// How many brought pictures that are saved.
    pub saved: u64,
    /// How many of those that have ended are paid for.
    pub paid: u64,
    /// What all of them cost, and those of pilots, in units of the currency, as far as that is known.
    pub cost: Option<f64>,
    /// How long those took on average, in seconds, whose pictures were saved; `None` when there are
    /// none.
    pub mean_s: Option<f64>,
}

type CallsRow = (Vec<u8>, i64, i64, i64, i64, Option<f64>, Option<f64>);

/// Which calls are likely paid for of which a version before this one did not say it.
pub(crate) const IS_LIKELY_PAID: &str = "outcome NOT IN ('away', 'rejected', 'endpoint_out')";

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
        let (cost, is_paid) = match self.attempts_have("cost").await? {
            true => (
                "sum(CAST(cost AS REAL))",
                format!("coalesce(paid, {IS_LIKELY_PAID})"),
            ),
            false => ("NULL", IS_LIKELY_PAID.to_owned()),
        };
        let own = self.is_of_layer().await?;
        let query = format!(
            "SELECT CAST(endpoint AS BLOB), count(*) FILTER (WHERE {own}),
               count(*) FILTER (WHERE {own} AND outcome NOT IN ('ok', 'in_flight', 'interrupted', 'compared')),
               count(*) FILTER (WHERE {own} AND outcome = 'ok'),
               count(*) FILTER (WHERE {own} AND {is_paid} AND outcome NOT IN ('in_flight', 'interrupted', 'compared')),
               {cost},
               avg(CAST(ended_at - started_at AS REAL)) FILTER (WHERE {own} AND outcome = 'ok')
             FROM attempts GROUP BY endpoint ORDER BY endpoint"
        );
        // Calls under way, those that only compare and those that a stop cut short did not fail.
        let rows: Vec<CallsRow> = self
            .rows(|| sqlx::query_as(AssertSqlSafe(query.clone())))
            .await?;
        let calls =
            |(endpoint, calls, failed, saved, paid, cost, mean_s): CallsRow| EndpointCalls {
                endpoint: String::from_utf8_lossy(&endpoint).into_owned(),
                calls: calls.unsigned_abs(),
                failed: failed.unsigned_abs(),
                saved: saved.unsigned_abs(),
                paid: paid.unsigned_abs(),
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
}
