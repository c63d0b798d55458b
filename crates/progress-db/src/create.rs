//! Writing a new plan.

use std::fmt::Write as _;
use std::path::Path;

use planner::{Block, Bounds, Plan};
use sqlite::Refusal;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::database::SCHEMA_VERSION;
use crate::{MetadataKey, ProgressError};

/// What is remembered beside the plan.
#[derive(Debug, Clone)]
pub struct PlanMetadata {
    /// The version of the program that made the plan.
    pub program_version: String,
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// The part of the map that was planned.
    pub bounds: Bounds,
    /// Whether the user asked for just this part.
    pub bounds_given: bool,
    /// Hash of the source map's configuration.
    pub source_config_hash: String,
    /// `generations` or `renders`.
    pub source_layer: String,
}

/// Makes a `progress.db` at `path` that holds `plan`, every item pending. The file is durable
/// when this returns; when it fails the file is of no use and must be removed.
///
/// # Errors
/// [`ProgressError`] when there is a file already or it cannot be written.
pub async fn create(
    path: &Path,
    plan: &Plan,
    metadata: &PlanMetadata,
) -> Result<(), ProgressError> {
    if path.exists() {
        return Err(ProgressError::Exists {
            path: path.to_owned(),
        });
    }
    write(path, plan, metadata)
        .await
        .map_err(|refusal| ProgressError::refused(path, refusal))?;
    std::fs::File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|error| ProgressError::Storage {
            path: path.to_owned(),
            reason: error.to_string(),
        })
}

async fn write(path: &Path, plan: &Plan, metadata: &PlanMetadata) -> Result<(), Refusal> {
    let mut connection = sqlite::create(path).await?;
    sqlx::raw_sql(include_str!("schema.sql"))
        .execute(&mut connection)
        .await?;
    sqlx::raw_sql(include_str!("own_tables.sql"))
        .execute(&mut connection)
        .await?;
    let mut transaction = connection.begin().await?;
    insert_items(&mut transaction, &plan.blocks).await?;
    let quadrants: usize = plan
        .blocks
        .iter()
        .map(|block| block.quadrants().count())
        .sum();
    for (key, value) in [
        (MetadataKey::SchemaVersion, SCHEMA_VERSION.to_string()),
        (
            MetadataKey::ProgramVersion,
            metadata.program_version.clone(),
        ),
        (MetadataKey::CreatedAt, metadata.created_at.clone()),
        (MetadataKey::Bounds, metadata.bounds.to_string()),
        (
            MetadataKey::BoundsGiven,
            u8::from(metadata.bounds_given).to_string(),
        ),
        (MetadataKey::Quadrants, quadrants.to_string()),
        (
            MetadataKey::SourceConfigHash,
            metadata.source_config_hash.clone(),
        ),
        (MetadataKey::SourceLayer, metadata.source_layer.clone()),
    ] {
        sqlx::query("INSERT INTO metadata (key, value) VALUES (?1, ?2)")
            .bind(key.name())
            .bind(value)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    // An index that is made at the end is sorted once instead of being kept sorted.
    sqlx::raw_sql("CREATE INDEX idx_plan_status ON generation_plan(status, step)")
        .execute(&mut connection)
        .await?;
    Ok(connection.close().await?)
}

/// Rows by the thousand in one statement: a statement for each would take several times longer.
/// They hold nothing but numbers and the four shapes' names.
pub(crate) async fn insert_items(
    connection: &mut SqliteConnection,
    blocks: &[Block],
) -> Result<(), sqlx::Error> {
    for blocks in blocks.chunks(4000) {
        let mut sql = String::from(
            "INSERT INTO generation_plan (step, block_type, top_left_x, top_left_y, width, height) VALUES ",
        );
        for (index, block) in blocks.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            let (shape, at) = (block.shape, block.top_left);
            let _ = write!(
                sql,
                "{separator}({},'{shape}',{},{},{},{})",
                shape.step(),
                at.x,
                at.y,
                shape.width(),
                shape.height()
            );
        }
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
