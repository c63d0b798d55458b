//! What is remembered of blocks of one colour.

use std::collections::{HashMap, HashSet};

use crate::{ProgressDb, ProgressError};

impl ProgressDb {
    /// The items whose pictures were last made without a call.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub async fn uncalled(&mut self) -> Result<HashSet<i64>, ProgressError> {
        if !self.has_table("uniform").await? {
            return Ok(HashSet::new());
        }
        let rows: Vec<(i64,)> = self
            .rows(|| sqlx::query_as("SELECT item_id FROM uniform WHERE made IS NOT NULL"))
            .await?;
        Ok(rows.into_iter().map(|(item,)| item).collect())
    }

    /// How the pictures of an item were made without a call, where they were.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub(crate) async fn made_without_call(
        &mut self,
        item: i64,
    ) -> Result<Option<String>, ProgressError> {
        if !self.has_table("uniform").await? {
            return Ok(None);
        }
        let mut rows: Vec<(Option<String>,)> = self
            .rows(|| {
                sqlx::query_as("SELECT CAST(made AS TEXT) FROM uniform WHERE item_id = ?1")
                    .bind(item)
            })
            .await?;
        Ok(rows.pop().and_then(|(made,)| made))
    }

    /// The items that were found to be none that are made without a call, and what that was decided
    /// under.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub async fn not_uniform(&mut self) -> Result<HashMap<i64, String>, ProgressError> {
        if !self.has_table("uniform").await? {
            return Ok(HashMap::new());
        }
        let rows: Vec<(i64, String)> = self
            .rows(|| {
                sqlx::query_as(
                    "SELECT item_id, CAST(looked AS TEXT) FROM uniform WHERE looked IS NOT NULL",
                )
            })
            .await?;
        Ok(rows.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use planner::Quadrant;

    use super::*;
    use crate::test_plan::{claim, new_plan};
    use crate::{Change, Durability, PictureRecord};

    #[tokio::test]
    async fn an_item_is_made_without_a_call_until_it_is_called_for() {
        let (_dir, path) = new_plan().await;
        let mut db = ProgressDb::open(&path).await.unwrap();
        let (item, at) = (1, 1_700_000_000.5);
        let made = "copied from its source".to_owned();
        let pictures = vec![(Quadrant::new(0, 0), PictureRecord::of(b"one"))];
        let looked = "any 4 0.995".to_owned();
        let changes = [
            Change::Complete { item, pictures, at },
            Change::Uncalled { item, made, at },
            Change::NotUniform { item: 2, looked },
        ];
        db.commit(&changes, Durability::Power).await.unwrap();
        assert_eq!(db.uncalled().await.unwrap(), HashSet::from([1]));
        let text = db.explanation(Quadrant::new(0, 0)).await.unwrap();
        assert!(
            text.contains("made without a call: copied from its source"),
            "{text}"
        );
        let rows: Vec<(String, String, f64, f64)> = db
            .rows(|| {
                sqlx::query_as(
                    "SELECT status, model_name, started_at, completed_at FROM generation_plan WHERE id = 1",
                )
            })
            .await
            .unwrap();
        assert_eq!(rows, [("complete".into(), "uniform".into(), at, at)]);
        let not = db.not_uniform().await.unwrap();
        assert_eq!(not, HashMap::from([(2, "any 4 0.995".to_owned())]));
        for item in [1, 2] {
            let put_back = Change::PutBack { item };
            let called = [put_back, claim(item, "uniform")];
            db.commit(&called, Durability::Power).await.unwrap();
        }
        assert_eq!(db.uncalled().await.unwrap(), HashSet::new());
        assert_eq!(
            db.not_uniform().await.unwrap(),
            not,
            "it need not be looked at again"
        );
    }
}
