//! What `progress.db` tells.

use std::collections::BTreeMap;

use planner::{Block, BlockShape, Item, Quadrant, Status};

use crate::{FinishedPicture, ProgressDb, ProgressError};

/// How many items of a step have each status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StepProgress {
    /// To be generated.
    pub pending: u64,
    /// Under way.
    pub in_progress: u64,
    /// Done.
    pub complete: u64,
    /// Failed.
    pub error: u64,
}

impl StepProgress {
    /// All items of the step.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.pending + self.in_progress + self.complete + self.error
    }
}

/// How many ids one query spans. The rows come back as one text, several times faster than row
/// by row.
const IDS_PER_QUERY: i64 = 4096;

impl ProgressDb {
    /// All items in the order of generation, `(step, id)`.
    ///
    /// # Errors
    /// [`ProgressError::BadItem`] or [`ProgressError::Overlap`] for a plan that cannot be run,
    /// others when the database cannot be read.
    pub async fn items(&mut self) -> Result<Vec<Item>, ProgressError> {
        let bounds: (Option<i64>, Option<i64>) =
            sqlx::query_as("SELECT min(id), max(id) FROM generation_plan")
                .fetch_one(&mut self.connection)
                .await
                .map_err(|error| ProgressError::of(&self.path, &error))?;
        let (Some(min), Some(max)) = bounds else {
            return Ok(Vec::new());
        };
        let mut items = Vec::new();
        let mut from = min;
        // Ids far apart would make a walk in equal strides endless, so each starts at a row.
        while from <= max {
            let rows: (Option<String>, Option<i64>) = sqlx::query_as(
                "SELECT group_concat(id || ' ' || step || ' ' || top_left_x || ' ' || top_left_y || ' ' || width || ' ' || height || ' ' || block_type || ' ' || status, char(10)), max(id)
                 FROM (SELECT * FROM generation_plan WHERE id >= ?1 ORDER BY id LIMIT ?2)",
            )
            .bind(from)
            .bind(IDS_PER_QUERY)
            .fetch_one(&mut self.connection)
            .await
            .map_err(|error| ProgressError::of(&self.path, &error))?;
            let (Some(text), Some(last)) = rows else {
                break;
            };
            for row in text.lines() {
                items.push(self.parse_item(row)?);
            }
            from = last + 1;
        }
        items.sort_by_key(|item| (item.step, item.id));
        self.refuse_overlaps(&items)?;
        Ok(items)
    }

    fn parse_item(&self, row: &str) -> Result<Item, ProgressError> {
        let mut fields = row.splitn(8, ' ');
        let mut field = || fields.next().unwrap_or_default();
        let id: i64 = field().parse().unwrap_or_default();
        let bad = |reason: String| ProgressError::BadItem {
            path: self.path.clone(),
            id,
            reason,
        };
        let mut number = |name: &str| {
            let text = field();
            text.parse::<i32>()
                .map_err(|_| bad(format!("has {name} {text:?}, which is not a whole number")))
        };
        let step = number("step")?;
        let (x, y) = (number("top_left_x")?, number("top_left_y")?);
        let (width, height) = (number("width")?, number("height")?);
        let (block_type, status) = (field(), field());
        let shape = BlockShape::of_size(width, height)
            .filter(|shape| shape.name() == block_type)
            .ok_or_else(|| bad(format!("is {block_type:?} of {width}x{height} quadrants; there are 2x2, 1x2, 2x1 and 1x1")))?;
        let step = u8::try_from(step)
            .ok()
            .filter(|step| (1..=3).contains(step))
            .ok_or_else(|| bad(format!("is of step {step}; there are 1, 2 and 3")))?;
        let fits = |at: i32, size: i32| at.checked_add(size).is_some() && at > i32::MIN;
        if !fits(x, width) || !fits(y, height) {
            return Err(bad(format!("is at ({x}, {y}), where the grid ends")));
        }
        let status: Status = status.parse().map_err(|()| {
            bad(format!(
                "has the status {status:?}; there are pending, in_progress, complete and error"
            ))
        })?;
        Ok(Item {
            id,
            step,
            block: Block::new(shape, x, y),
            status,
        })
    }

    fn refuse_overlaps(&self, items: &[Item]) -> Result<(), ProgressError> {
        let mut owners: Vec<(Quadrant, i64)> = items
            .iter()
            .flat_map(|item| item.block.quadrants().map(|quadrant| (quadrant, item.id)))
            .collect();
        owners.sort_unstable();
        match owners.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            None => Ok(()),
            Some(pair) => Err(ProgressError::Overlap {
                path: self.path.clone(),
                first: pair[0].1,
                second: pair[1].1,
                quadrant: pair[0].0,
            }),
        }
    }

    /// How many items of each step have each status.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub async fn progress(&mut self) -> Result<BTreeMap<u8, StepProgress>, ProgressError> {
        let rows: Vec<(i64, String, i64)> = sqlx::query_as(
            "SELECT step, status, count(*) FROM generation_plan GROUP BY status, step",
        )
        .fetch_all(&mut self.connection)
        .await
        .map_err(|error| ProgressError::of(&self.path, &error))?;
        let mut steps: BTreeMap<u8, StepProgress> = BTreeMap::new();
        for (step, status, count) in rows {
            let progress = steps
                .entry(u8::try_from(step).unwrap_or(u8::MAX))
                .or_default();
            let count = count.unsigned_abs();
            match status.parse() {
                Ok(Status::Pending) => progress.pending += count,
                Ok(Status::InProgress) => progress.in_progress += count,
                Ok(Status::Complete) => progress.complete += count,
                Ok(Status::Error) => progress.error += count,
                Err(()) => {}
            }
        }
        Ok(steps)
    }

    /// The records of the files of `quadrants`, in their order; `None` where there is none.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub async fn pictures(
        &mut self,
        quadrants: &[Quadrant],
    ) -> Result<Vec<Option<FinishedPicture>>, ProgressError> {
        // One query for all: each is a round trip to another thread.
        let places: Vec<String> = quadrants
            .iter()
            .map(|place| format!("[{},{}]", place.x, place.y))
            .collect();
        let rows: Vec<(i64, i64, String)> = sqlx::query_as(
            "SELECT place.key, bytes, CAST(hash AS TEXT) FROM json_each(?1) AS place
             CROSS JOIN pictures ON x = place.value ->> 0 AND y = place.value ->> 1",
        )
        .bind(format!("[{}]", places.join(",")))
        .fetch_all(&mut self.connection)
        .await
        .map_err(|error| ProgressError::of(&self.path, &error))?;
        let mut records = vec![None; quadrants.len()];
        for (index, bytes, hash) in rows {
            let index = usize::try_from(index).expect("an index of an array");
            records[index] = Some(FinishedPicture {
                quadrant: quadrants[index],
                bytes: bytes.unsigned_abs(),
                hash,
            });
        }
        Ok(records)
    }

    /// The greatest id of a call so far, 0 when there was none.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub async fn last_attempt(&mut self) -> Result<i64, ProgressError> {
        sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM attempts")
            .fetch_one(&mut self.connection)
            .await
            .map_err(|error| ProgressError::of(&self.path, &error))
    }

    /// How many complete items were made with each hash of settings, as far as that is known.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub async fn settings_of_complete_items(
        &mut self,
    ) -> Result<Vec<(String, u64)>, ProgressError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT settings_hash, count(*) FROM
               (SELECT a.settings_hash, max(a.id) FROM attempts a JOIN generation_plan p ON p.id = a.item_id
                WHERE a.outcome = 'ok' AND p.status = 'complete' GROUP BY a.item_id)
             GROUP BY settings_hash",
        )
        .fetch_all(&mut self.connection)
        .await
        .map_err(|error| ProgressError::of(&self.path, &error))?;
        Ok(rows
            .into_iter()
            .map(|(hash, count)| (hash, count.unsigned_abs()))
            .collect())
    }
}
