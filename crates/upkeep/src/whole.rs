//! Whether the pictures of complete items are what they were when they were saved.

use std::collections::HashSet;
use std::panic::resume_unwind;
use std::sync::Arc;

use canvas::{Buffers, QuadrantSize, decode_quadrant};
use layer::{BlockPictures, PictureState, Pictures};
use planner::{Item, Quadrant, Status};
use progress_db::{PictureRecord, ProgressDb};
use tokio::task::JoinSet;

use crate::{Upkeep, UpkeepError};

/// How many items are checked in one go.
const CHUNK: usize = 512;

/// The complete items among `items` whose pictures are missing or damaged. `threads` is how many
/// there are to check with; `progress` is told how many items are checked, as that grows.
///
/// A picture of which there is a record is compared with it: its length, and only when that is
/// right its hash. Others are decoded.
///
/// # Errors
/// [`UpkeepError`] when the database or a picture cannot be read.
pub async fn damaged_items(
    db: &mut ProgressDb,
    pictures: &Arc<Pictures>,
    size: QuadrantSize,
    items: &[Item],
    threads: usize,
    mut progress: impl FnMut(usize),
) -> Result<Vec<i64>, UpkeepError> {
    let complete: Vec<Item> = items
        .iter()
        .filter(|item| item.status == Status::Complete)
        .copied()
        .collect();
    let mut damaged = Vec::new();
    let mut checked = 0;
    let mut checks: JoinSet<Result<(usize, Vec<i64>), UpkeepError>> = JoinSet::new();
    let mut chunks = complete.chunks(CHUNK);
    loop {
        while checks.len() < 2 * threads
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
        let (count, found) = done.unwrap_or_else(|panic| resume_unwind(panic.into_panic()))?;
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
) -> Result<bool, UpkeepError> {
    if let Some(record) = record {
        return Ok(pictures.check(quadrant, &record).await? == PictureState::Whole);
    }
    let Some(bytes) = pictures.read_what_is_whole(quadrant).await? else {
        return Ok(false);
    };
    let decode = move || decode_quadrant(&bytes, size, &mut Buffers::default()).is_ok();
    let decoded = tokio::task::spawn_blocking(decode).await;
    Ok(decoded.unwrap_or_else(|panic| resume_unwind(panic.into_panic())))
}

impl Upkeep<'_> {
    /// Those of the complete ones among items whose pictures are whole; of the others it is told that
    /// they are not.
    pub(crate) async fn whole_of(
        &mut self,
        items: impl Iterator<Item = &Item>,
    ) -> Result<Vec<Item>, UpkeepError> {
        let is_complete = |item: &&Item| item.status == Status::Complete;
        let items: Vec<Item> = items.filter(is_complete).copied().collect();
        let (db, pictures) = (&mut *self.db, self.pictures);
        let damaged = damaged_items(db, pictures, self.size, &items, self.threads, |_| ()).await?;
        let damaged: HashSet<i64> = damaged.into_iter().collect();
        let (damaged, whole): (Vec<Item>, Vec<Item>) = items
            .into_iter()
            .partition(|item| damaged.contains(&item.id));
        for item in damaged {
            (self.warn)(&format!(
                "{}: a picture is missing or damaged, so that there is nothing to keep",
                item.block
            ));
        }
        Ok(whole)
    }
}

/// Whether all pictures can be decoded and have the size of a quadrant.
pub(crate) fn are_whole(pictures: &BlockPictures, size: QuadrantSize) -> bool {
    let is_whole = |bytes: &[u8]| decode_quadrant(bytes, size, &mut Buffers::default()).is_ok();
    pictures.iter().all(|(_, bytes)| is_whole(bytes))
}
