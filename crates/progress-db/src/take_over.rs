//! What a new database takes over from the one that it is made in place of.

use std::path::Path;

use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::{ProgressDb, ProgressError};

/// The item of the new plan that has the block of the old plan's item `item_id`; there is none where
/// the plans differ, and `-1` is no item's.
const ITEM: &str = "coalesce((SELECT new.id FROM old.generation_plan AS was
  JOIN generation_plan AS new USING (top_left_x, top_left_y, width, height) WHERE was.id = item_id), -1)";

impl ProgressDb {
    /// Takes over the calls that are recorded in the database at `old`, with what they were told, from
    /// which on an item's tries count, what is added to its prompt, and which pictures were taking the
    /// place of others: what was spent stays known, and what was begun is ended. Returns whether calls
    /// are recorded there.
    ///
    /// # Errors
    /// [`ProgressError`] when it cannot be read; then nothing is taken over.
    pub async fn take_over(&mut self, old: &Path) -> Result<bool, ProgressError> {
        let connection = self.connection().await?;
        let taken = match attach(connection, old).await {
            Ok(()) => copy(connection).await,
            Err(error) => Err(error),
        };
        let _ = sqlx::raw_sql("DETACH DATABASE old")
            .execute(connection)
            .await;
        taken.map_err(|error| ProgressError::of(old, error))
    }
}

async fn attach(connection: &mut SqliteConnection, old: &Path) -> Result<(), sqlx::Error> {
    // One that is not there would be made.
    if let Err(error) = std::fs::metadata(old) {
        return Err(sqlx::Error::Io(error));
    }
    sqlx::query("ATTACH DATABASE ?1 AS old")
        .bind(old.to_string_lossy())
        .execute(connection)
        .await?;
    Ok(())
}

async fn copy(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let columns = shared_columns(&mut transaction, "attempts").await?;
    let has_calls = !columns.is_empty();
    if has_calls {
        let names = columns.join(", ");
        let values = names.replace("item_id", ITEM);
        let copied = format!("INSERT INTO attempts ({names}) SELECT {values} FROM old.attempts");
        let copied = sqlx::raw_sql(AssertSqlSafe(copied));
        copied.execute(&mut *transaction).await?;
    }
    if !shared_columns(&mut transaction, "settings")
        .await?
        .is_empty()
    {
        let copied =
            "INSERT OR IGNORE INTO settings (hash, told) SELECT hash, told FROM old.settings";
        sqlx::raw_sql(copied).execute(&mut *transaction).await?;
    }
    for (table, columns) in [
        ("prompts", "added"),
        ("begun_anew", "after_attempt"),
        ("replacing", "kept, version, at"),
    ] {
        if shared_columns(&mut transaction, table).await?.is_empty() {
            continue;
        }
        let copied = format!(
            "INSERT OR IGNORE INTO {table} (item_id, {columns})
             SELECT * FROM (SELECT {ITEM} AS item, {columns} FROM old.{table}) WHERE item >= 0"
        );
        let copied = sqlx::raw_sql(AssertSqlSafe(copied));
        copied.execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(has_calls)
}

/// The columns that a table of ours has in both: an earlier version may have made the old one.
async fn shared_columns(
    connection: &mut SqliteConnection,
    table: &str,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT name FROM pragma_table_info(?1, 'main') INTERSECT SELECT name FROM pragma_table_info(?1, 'old')",
    )
    .bind(table)
    .fetch_all(connection)
    .await
}
