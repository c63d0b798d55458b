//! What `progress.db` tells.

use std::collections::{HashMap, HashSet};

use planner::{Block, BlockShape, Item, Owners, Quadrant, Status};

use crate::{PictureRecord, ProgressDb, ProgressError};

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
        let mut items = Vec::new();
        let mut from = i64::MIN;
        // Ids far apart would make a walk in equal strides endless, so each starts at a row.
        loop {
            let rows: (Option<String>, Option<i64>) = self.row(|| sqlx::query_as(
                "SELECT group_concat(id || ' ' || coalesce(step, 'NULL') || ' ' || coalesce(top_left_x, 'NULL') || ' ' || coalesce(top_left_y, 'NULL')
                   || ' ' || coalesce(width, 'NULL') || ' ' || coalesce(height, 'NULL') || ' ' || coalesce(replace(block_type, char(10), ' '), 'NULL')
                   || ' ' || coalesce(replace(status, char(10), ' '), 'NULL'), char(10)), max(id)
                 FROM (SELECT * FROM generation_plan WHERE id >= ?1 ORDER BY id LIMIT ?2)",
            )
            .bind(from)
            .bind(IDS_PER_QUERY))
            .await?;
            let (Some(text), Some(last)) = rows else {
                break;
            };
            for row in text.lines() {
                items.push(self.parse_item(row)?);
            }
            match last.checked_add(1) {
                Some(next) => from = next,
                None => break,
            }
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
        match Owners::of(items.iter().map(|item| item.block)).overlap() {
            None => Ok(()),
            Some((quadrant, [first, second])) => Err(ProgressError::Overlap {
                path: self.path.clone(),
                first: items[first as usize].id,
                second: items[second as usize].id,
                quadrant,
            }),
        }
    }

    /// Whether every row of the plan is complete.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub async fn is_complete(&mut self) -> Result<bool, ProgressError> {
        let (is_complete,) = self
            .row(|| sqlx::query_as("SELECT NOT EXISTS (SELECT 1 FROM generation_plan WHERE status IS NOT 'complete')"))
            .await?;
        Ok(is_complete)
    }

    /// The records of the files of `quadrants`, in their order; `None` where there is none.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub async fn pictures(
        &mut self,
        quadrants: &[Quadrant],
    ) -> Result<Vec<Option<PictureRecord>>, ProgressError> {
        if !self.has_table("pictures").await? {
            return Ok(vec![None; quadrants.len()]);
        }
        // One query for all: each is a round trip to another thread.
        let wanted: Vec<String> = quadrants
            .iter()
            .map(|quadrant| format!("[{},{}]", quadrant.x, quadrant.y))
            .collect();
        let wanted = format!("[{}]", wanted.join(","));
        let rows: Vec<(i64, i64, String)> = self
            .rows(|| {
                sqlx::query_as(
                    "SELECT wanted.key, bytes, CAST(hash AS TEXT) FROM json_each(?1) AS wanted
             CROSS JOIN pictures ON x = wanted.value ->> 0 AND y = wanted.value ->> 1
             WHERE typeof(bytes) = 'integer' AND hash NOT GLOB '*[^ -~]*'",
                )
                .bind(wanted.as_str())
            })
            .await?;
        let mut records = vec![None; quadrants.len()];
        for (index, bytes, hash) in rows {
            let index = usize::try_from(index).expect("an index of an array");
            records[index] = Some(PictureRecord {
                bytes: bytes.unsigned_abs(),
                hash,
            });
        }
        Ok(records)
    }

    /// The greatest id of a call so far, 0 when there was none.
    ///
    /// # Errors
    /// [`ProgressError::NoMoreCalls`] when it is so great that there would be none after it, others
    /// when the database cannot be read.
    pub async fn last_attempt(&mut self) -> Result<i64, ProgressError> {
        let (last,) = self
            .row(|| sqlx::query_as("SELECT coalesce(max(id), 0) FROM attempts"))
            .await?;
        if last > i64::MAX / 2 {
            let path = self.path.clone();
            return Err(ProgressError::NoMoreCalls { path, last });
        }
        Ok(last)
    }

    /// How many answers calls have brought for each item that is not complete, be they of no use.
    /// Items without any are left out, and so are the answers in pilots.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub async fn answers_of_open_items(&mut self) -> Result<HashMap<i64, u32>, ProgressError> {
        let rows: Vec<(i64, i64)> = self.rows(|| sqlx::query_as(
            "SELECT item_id, count(*) FROM attempts WHERE outcome IN ('ok', 'bad_answer', 'not_accepted') AND pilot IS NULL
               AND item_id IN (SELECT id FROM generation_plan WHERE status <> 'complete') GROUP BY item_id",
        ))
        .await?;
        let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
        Ok(rows
            .into_iter()
            .map(|(item, answers)| (item, count(answers)))
            .collect())
    }

    /// How many answers were not good enough for each item that is not complete, nor failed, since it
    /// was begun. Items without any are left out, and so are the answers in pilots.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub async fn rejected_of_open_items(&mut self) -> Result<HashMap<i64, usize>, ProgressError> {
        let rows: Vec<(i64, i64)> = self.rows(|| sqlx::query_as(
            "SELECT rejected.item_id, count(*) FROM attempts AS rejected
               LEFT JOIN begun_anew ON begun_anew.item_id = rejected.item_id
               LEFT JOIN (SELECT item_id, max(id) AS id FROM attempts WHERE outcome = 'ok' AND pilot IS NULL GROUP BY item_id) AS saved
                 ON saved.item_id = rejected.item_id
             WHERE rejected.outcome = 'not_accepted' AND rejected.pilot IS NULL
               AND rejected.id > max(coalesce(after_attempt, 0), coalesce(saved.id, 0))
               AND rejected.item_id IN (SELECT id FROM generation_plan WHERE status IN ('pending', 'in_progress'))
             GROUP BY rejected.item_id",
        ))
        .await?;
        let count = |count: i64| usize::try_from(count).unwrap_or(usize::MAX);
        Ok(rows
            .into_iter()
            .map(|(item, rejected)| (item, count(rejected)))
            .collect())
    }

    /// The names of the endpoints that complete items were drawn by, by item.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub async fn drawn_by(&mut self) -> Result<HashMap<i64, String>, ProgressError> {
        let rows: Vec<(i64, Vec<u8>)> = self
            .rows(|| {
                sqlx::query_as(
                    "SELECT id, CAST(model_name AS BLOB) FROM generation_plan WHERE status = 'complete' AND model_name IS NOT NULL",
                )
            })
            .await?;
        let name = |name: Vec<u8>| String::from_utf8_lossy(&name).into_owned();
        let drawn_by = rows.into_iter().map(|(item, by)| (item, name(by)));
        Ok(drawn_by.collect())
    }

    /// What is added to the prompt of single items.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub async fn prompts(&mut self) -> Result<HashMap<i64, String>, ProgressError> {
        let rows: Vec<(i64, String)> = self
            .rows(|| sqlx::query_as("SELECT item_id, CAST(added AS TEXT) FROM prompts"))
            .await?;
        Ok(rows.into_iter().collect())
    }

    /// How many complete items were made with settings of other hashes than `own` gives, as far as that
    /// is known: without any text added to the prompt, and with each that is added to that of an item.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub async fn made_otherwise(
        &mut self,
        own: impl Fn(Option<&str>) -> Vec<String>,
    ) -> Result<u64, ProgressError> {
        let added: HashSet<String> = self.prompts().await?.into_values().collect();
        let with_added = added.iter().flat_map(|added| own(Some(added)));
        let own: HashSet<String> = own(None).into_iter().chain(with_added).collect();
        let others = self.settings_of_complete_items().await?.into_iter();
        let others = others.filter(|(hash, _)| !own.contains(hash));
        Ok(others.map(|(_, count)| count).sum())
    }

    /// How many complete items were made with each hash of settings, as far as that is known.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub async fn settings_of_complete_items(
        &mut self,
    ) -> Result<Vec<(String, u64)>, ProgressError> {
        let rows: Vec<(String, i64)> = self.rows(|| sqlx::query_as(
            "SELECT CAST(settings_hash AS TEXT), count(*) FROM
               (SELECT a.settings_hash, max(a.id) FROM attempts a JOIN generation_plan p ON p.id = a.item_id
                WHERE a.outcome = 'ok' AND a.pilot IS NULL AND p.status = 'complete' GROUP BY a.item_id)
             WHERE settings_hash NOT GLOB '*[^ -~]*' GROUP BY settings_hash",
        ))
        .await?;
        Ok(rows
            .into_iter()
            .map(|(hash, count)| (hash, count.unsigned_abs()))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_plan::{claim, new_plan};
    use crate::{Change, Durability, Outcome};

    #[tokio::test]
    async fn ids_may_be_any_numbers() {
        let (_dir, path) = new_plan().await;
        let mut db = ProgressDb::open(&path).await.unwrap();
        let all = db.items().await.unwrap().len();
        for (id, new) in [
            (1, i64::MIN),
            (2, -1),
            (3, 0),
            (4, i64::MAX - 1),
            (5, i64::MAX),
        ] {
            sqlx::query("UPDATE generation_plan SET id = ?2 WHERE id = ?1")
                .bind(id)
                .bind(new)
                .execute(db.connection().await.unwrap())
                .await
                .unwrap();
        }
        let items = db.items().await.unwrap();
        assert_eq!(items.len(), all);
        assert_eq!(items[0].id, i64::MIN);
        assert!(items.iter().any(|item| item.id == i64::MAX));
        let (snapshot, _) = ProgressDb::snapshot_of(&path, 10).await.unwrap();
        assert_eq!(snapshot.items, items);
    }

    /// Values that no run writes, and any program can.
    #[tokio::test]
    async fn wild_values_count_as_none_or_are_told_without_words_of_rust() {
        for value in [
            "x'ff'",
            "x''",
            "CAST(x'ff' AS TEXT)",
            "''",
            "'x'",
            "1.5",
            "-1",
            "9e999",
            "9223372036854775807",
            "-9223372036854775808",
        ] {
            let (_dir, path) = new_plan().await;
            let mut db = ProgressDb::open(&path).await.unwrap();
            let spoil = format!(
                "UPDATE generation_plan SET status = 'complete';
                 INSERT INTO pictures VALUES (0, 0, {value}, 'aa'), (1, 0, 5, {value}), (2, 0, 5, 'aa');
                 INSERT INTO attempts (id, item_id, endpoint, started_at, ended_at, http_status, outcome, settings_hash)
                   VALUES (1, 1, {value}, {value}, {value}, {value}, 'ok', {value});
                 INSERT OR REPLACE INTO metadata VALUES ('bounds', {value});
                 UPDATE generation_plan SET model_name = {value}, started_at = {value}, completed_at = {value}, error_message = {value} WHERE id = 1;"
            );
            sqlx::raw_sql(sqlx::AssertSqlSafe(spoil))
                .execute(db.connection().await.unwrap())
                .await
                .unwrap();
            let quadrants = [0, 1, 2].map(|x| Quadrant::new(x, 0));
            let pictures = db.pictures(&quadrants).await.unwrap();
            assert!(pictures[2].is_some(), "{value}");
            db.settings_of_complete_items().await.unwrap();
            db.drawn_by().await.unwrap();
            let told = [
                db.metadata(crate::MetadataKey::Bounds).await.err(),
                ProgressDb::snapshot_of(&path, 10).await.err(),
            ];
            for error in told.into_iter().flatten() {
                let error = error.to_string();
                assert!(
                    error.contains("a value of another kind"),
                    "{value}: {error}"
                );
            }
        }
    }

    /// What was rejected since an item was begun counts, however often it was put back after a call
    /// that failed.
    #[tokio::test]
    async fn rejected_answers_count_until_an_item_is_begun_anew() {
        let (_dir, path) = new_plan().await;
        let mut db = ProgressDb::open(&path).await.unwrap();
        let mut attempt = 0;
        let mut counts = Vec::new();
        for step in ["r", "r", "a", "fail", "anew", "r", "ok", "anew", "r", "r"] {
            let item = 1;
            let mut changes = match step {
                "fail" => vec![Change::Fail {
                    item,
                    message: String::new(),
                }],
                "anew" => vec![Change::PutBack { item }],
                outcome => {
                    attempt += 1;
                    let Change::Claim { mut call, at, .. } = claim(item, "a") else {
                        unreachable!()
                    };
                    call.attempt = attempt;
                    let outcome = match outcome {
                        "r" => Outcome::NotAccepted,
                        "ok" => Outcome::Ok,
                        _ => Outcome::Away,
                    };
                    let ended = Change::AttemptEnded {
                        attempt,
                        outcome,
                        http_status: None,
                        message: None,
                        bill: crate::Bill::default(),
                        at,
                    };
                    vec![Change::Claim { item, call, at }, ended]
                }
            };
            changes.push(match step {
                "ok" => Change::Complete {
                    item,
                    pictures: Vec::new(),
                    at: 1_700_000_000.5,
                },
                "fail" | "anew" => Change::Prompt { item, added: None },
                _ => Change::PutBack { item },
            });
            db.commit(&changes, Durability::Process).await.unwrap();
            let rejected = db.rejected_of_open_items().await.unwrap();
            counts.push(rejected.get(&item).copied().unwrap_or(0));
        }
        assert_eq!(counts, [1, 2, 2, 0, 0, 1, 0, 0, 1, 2]);
    }

    #[tokio::test]
    async fn calls_can_be_numbered_or_it_is_told() {
        for (last, is_told) in [
            (i64::MAX, true),
            (i64::MAX - 3, true),
            (1 << 40, false),
            (-7, false),
            (i64::MIN, false),
        ] {
            let (_dir, path) = new_plan().await;
            let mut db = ProgressDb::open(&path).await.unwrap();
            sqlx::query("INSERT INTO attempts (id, item_id, endpoint, started_at, outcome, settings_hash) VALUES (?1, 1, '', 0, 'ok', '')")
                .bind(last)
                .execute(db.connection().await.unwrap())
                .await
                .unwrap();
            let error = db.last_attempt().await.err();
            assert_eq!(
                matches!(error, Some(ProgressError::NoMoreCalls { .. })),
                is_told,
                "{last}: {error:?}"
            );
        }
    }

    /// Another tool's table may lack our constraints.
    #[tokio::test]
    async fn a_row_with_a_field_that_is_none_is_named_and_never_passed_over() {
        for (column, value, said) in [
            ("status", "NULL", "has the status \"NULL\""),
            ("status", "''", "has the status \"\""),
            (
                "status",
                "'complete' || char(10)",
                "has the status \"complete \"",
            ),
            ("step", "NULL", "has step \"NULL\""),
            ("block_type", "NULL", "is \"NULL\" of"),
            ("top_left_x", "NULL", "has top_left_x \"NULL\""),
            ("height", "NULL", "has height \"NULL\""),
        ] {
            let (_dir, path) = new_plan().await;
            let mut db = ProgressDb::open(&path).await.unwrap();
            let spoil = format!(
                "UPDATE generation_plan SET status = 'complete';
                 CREATE TABLE other AS SELECT * FROM generation_plan;
                 DROP TABLE generation_plan;
                 ALTER TABLE other RENAME TO generation_plan;
                 UPDATE generation_plan SET {column} = {value} WHERE id = 7;"
            );
            sqlx::raw_sql(sqlx::AssertSqlSafe(spoil))
                .execute(db.connection().await.unwrap())
                .await
                .unwrap();
            let error = db.items().await.unwrap_err().to_string();
            assert!(
                error.starts_with("item 7 of ") && error.contains(said),
                "{error}"
            );
            if column == "status" {
                assert!(!db.is_complete().await.unwrap());
            }
        }
    }
}
