//! `--resume`: whether the pictures of complete items are what they were when they were saved.

use std::sync::Arc;

use canvas::{Buffers, QuadrantSize, decode_quadrant};
use layer::{PictureState, Pictures};
use planner::Quadrant;
use planner::{Item, Status};
use progress_db::{PictureRecord, ProgressDb};
use tokio::task::JoinSet;

/// How many items are checked in one go.
const CHUNK: usize = 512;

/// The complete items among `items` whose pictures are missing or damaged. `progress` is told
/// how many items are checked, as that grows.
///
/// A picture of which there is a record is compared with it: its length, and only when that is
/// right its hash. Others are decoded.
///
/// # Errors
/// When the database or a picture cannot be read.
pub(crate) async fn damaged_items(
    db: &mut ProgressDb,
    pictures: &Arc<Pictures>,
    size: QuadrantSize,
    items: &[Item],
    cores: usize,
    mut progress: impl FnMut(usize),
) -> anyhow::Result<Vec<i64>> {
    let complete: Vec<Item> = items
        .iter()
        .filter(|item| item.status == Status::Complete)
        .copied()
        .collect();
    let mut damaged = Vec::new();
    let mut checked = 0;
    let mut checks: JoinSet<anyhow::Result<(usize, Vec<i64>)>> = JoinSet::new();
    let mut chunks = complete.chunks(CHUNK);
    loop {
        while checks.len() < 2 * cores
            && let Some(chunk) = chunks.next()
        {
            let quadrants: Vec<Quadrant> = chunk
                .iter()
                .flat_map(|item| item.block.quadrants())
                .collect();
            let records = db.pictures(&quadrants).await?;
            let (pictures, chunk) = (Arc::clone(pictures), chunk.to_vec());
            checks.spawn(async move {
                let mut damaged = Vec::new();
                let mut records = records.into_iter();
                for item in &chunk {
                    let mut whole = true;
                    for (quadrant, record) in item.block.quadrants().zip(&mut records) {
                        // All records of the item are taken, but the rest is not read.
                        whole = whole && is_whole(&pictures, size, quadrant, record).await?;
                    }
                    if !whole {
                        damaged.push(item.id);
                    }
                }
                Ok((chunk.len(), damaged))
            });
        }
        let Some(done) = checks.join_next().await else {
            break;
        };
        let (count, found) = done??;
        checked += count;
        damaged.extend(found);
        progress(checked);
    }
    damaged.sort_unstable();
    Ok(damaged)
}

async fn is_whole(
    pictures: &Pictures,
    size: QuadrantSize,
    quadrant: Quadrant,
    record: Option<PictureRecord>,
) -> anyhow::Result<bool> {
    if let Some(record) = record {
        return Ok(pictures.check(quadrant, &record).await? == PictureState::Whole);
    }
    let Some(bytes) = pictures.read_what_is_whole(quadrant).await? else {
        return Ok(false);
    };
    let decode = move || decode_quadrant(&bytes, size, &mut Buffers::default()).is_ok();
    Ok(tokio::task::spawn_blocking(decode).await?)
}
