//! What the calls of each endpoint came to.

use crate::{ProgressDb, ProgressError};

/// The calls that one endpoint was given, in all runs of the layer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EndpointCalls {
    /// The endpoint's name.
    pub endpoint: String,
    /// How many calls it was given.
    pub calls: u64,
    /// How many of them ended without pictures that could be saved.
    pub failed: u64,
    /// How long those took on average, in seconds, whose pictures were saved; `None` when there are
    /// none.
    pub mean_s: Option<f64>,
}

impl ProgressDb {
    /// What the calls of each endpoint came to, by its name; none where another tool has made the
    /// database.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub(crate) async fn calls_by_endpoint(&mut self) -> Result<Vec<EndpointCalls>, ProgressError> {
        let (tables,): (i64,) = self
            .row(|| {
                sqlx::query_as(
                    "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'attempts'",
                )
            })
            .await?;
        if tables == 0 {
            return Ok(Vec::new());
        }
        // Calls under way, those that only compare and those that a stop cut short did not fail.
        let rows: Vec<(Vec<u8>, i64, i64, Option<f64>)> = self
            .rows(|| {
                sqlx::query_as(
                    "SELECT CAST(endpoint AS BLOB), count(*),
                       sum(outcome NOT IN ('ok', 'in_flight', 'interrupted', 'compared')),
                       avg(CASE WHEN outcome = 'ok' THEN CAST(ended_at - started_at AS REAL) END)
                     FROM attempts GROUP BY endpoint ORDER BY endpoint",
                )
            })
            .await?;
        let calls =
            |(endpoint, calls, failed, mean_s): (Vec<u8>, i64, i64, Option<f64>)| EndpointCalls {
                endpoint: String::from_utf8_lossy(&endpoint).into_owned(),
                calls: calls.unsigned_abs(),
                failed: failed.unsigned_abs(),
                mean_s: mean_s.filter(|mean| mean.is_finite()),
            };
        Ok(rows.into_iter().map(calls).collect())
    }
}
