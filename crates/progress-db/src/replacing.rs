//! Which pictures are to take the place of others, so that whoever comes after a death ends it.

use crate::{ProgressDb, ProgressError};

/// A version of an item's pictures that is being put in the place of those that were there.
#[derive(Debug, Clone, PartialEq)]
pub struct Replacing {
    /// The item.
    pub item: i64,
    /// The name of the place where the version is kept.
    pub kept: String,
    /// The version.
    pub version: u32,
    /// When that was begun, as Unix seconds.
    pub at: f64,
}

impl ProgressDb {
    /// What is being replaced: under the layer's lock, what a run that died had begun.
    ///
    /// # Errors
    /// [`ProgressError`] when the database cannot be read.
    pub async fn replacing(&mut self) -> Result<Vec<Replacing>, ProgressError> {
        if !self.has_table("replacing").await? {
            return Ok(Vec::new());
        }
        let rows: Vec<(i64, String, i64, f64)> = self
            .rows(|| {
                sqlx::query_as(
                    "SELECT item_id, CAST(kept AS TEXT), CAST(version AS INTEGER), CAST(at AS REAL) FROM replacing ORDER BY item_id",
                )
            })
            .await?;
        let rows = rows.into_iter().map(|(item, kept, version, at)| Replacing {
            item,
            kept,
            version: u32::try_from(version).unwrap_or(0),
            at,
        });
        Ok(rows.collect())
    }
}

#[cfg(test)]
mod tests {
    use planner::Status;

    use super::*;
    use crate::test_plan::new_plan;
    use crate::{Change, Durability};

    #[tokio::test]
    async fn what_is_being_replaced_is_known_until_it_is() {
        let (_dir, path) = new_plan().await;
        let mut db = ProgressDb::open(&path).await.unwrap();
        assert_eq!(db.replacing().await.unwrap(), []);
        let of = |item, version| Replacing {
            item,
            kept: "candidates".to_owned(),
            version,
            at: 1_700_000_000.5,
        };
        let begun = [of(2, 1), of(3, u32::MAX), of(2, 4)].map(Change::Replace);
        db.commit(&begun, Durability::Power).await.unwrap();
        db.close().await.unwrap();
        let mut db = ProgressDb::open_read_only(&path).await.unwrap();
        assert_eq!(db.replacing().await.unwrap(), [of(2, 4), of(3, u32::MAX)]);
        let mut db = ProgressDb::open(&path).await.unwrap();
        let ended = [Change::Replaced { item: 2 }];
        db.commit(&ended, Durability::Power).await.unwrap();
        assert_eq!(db.replacing().await.unwrap(), [of(3, u32::MAX)]);
        let items = db.items().await.unwrap();
        assert!(items.iter().all(|item| item.status == Status::Pending));
    }
}
