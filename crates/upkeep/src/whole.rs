//! Which pictures of complete items are whole.

use std::collections::HashSet;
use std::panic::resume_unwind;
use std::sync::Arc;

use canvas::{Buffers, QuadrantSize, decode_quadrant};
use layer::{PictureState, Pictures};
use planner::{Item, Quadrant, Status};
use progress_db::{PictureRecord, ProgressDb};
use tokio::task::JoinSet;

use crate::{Upkeep, UpkeepError};

/// How many items are checked in one go.
const CHUNK: usize = 512;

/// What a picture is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// With what is remembered of it: its length, and only when that is right its hash. One of which
    /// nothing is remembered is decoded.
    AgainstRecords,
    /// With nothing: any that can be decoded is whole, whoever has painted it.
    AgainstNothing,
}

/// The complete items among `items` whose pictures are missing or not those that were saved.
/// `threads` is how many there are to check with; `progress` is told how many items are checked, as
/// that grows.
///
/// A picture of which there is a record is compared with it. Others are decoded, and so are those of
/// items whose pictures are just being replaced.
///
/// # Errors
/// [`UpkeepError`] when the database or a picture cannot be read.
pub async fn damaged_items(
    db: &mut ProgressDb,
    pictures: &Arc<Pictures>,
    size: QuadrantSize,
    items: &[Item],
    threads: usize,
    progress: impl FnMut(usize),
) -> Result<Vec<i64>, UpkeepError> {
    let whole = whole_of(
        db,
        (pictures, size),
        items,
        threads,
        Held::AgainstRecords,
        progress,
    );
    let damaged = whole.await?.into_iter().filter(WholeOf::lacks_any);
    Ok(damaged.map(|whole| whole.item.id).collect())
}

/// A complete item, and which of its pictures are whole.
#[derive(Debug, Clone)]
pub(crate) struct WholeOf {
    pub(crate) item: Item,
    pub(crate) whole: Vec<Quadrant>,
}

impl WholeOf {
    fn lacks_any(&self) -> bool {
        self.lacking().next().is_some()
    }

    fn lacking(&self) -> impl Iterator<Item = Quadrant> {
        let quadrants = self.item.block.quadrants();
        quadrants.filter(|quadrant| !self.whole.contains(quadrant))
    }
}

/// Which pictures are whole of the complete ones among `items`, in their order.
async fn whole_of(
    db: &mut ProgressDb,
    (pictures, size): (&Arc<Pictures>, QuadrantSize),
    items: &[Item],
    threads: usize,
    held: Held,
    mut progress: impl FnMut(usize),
) -> Result<Vec<WholeOf>, UpkeepError> {
    let complete: Vec<Item> = items
        .iter()
        .filter(|item| item.status == Status::Complete)
        .copied()
        .collect();
    let replacing = db.replacing().await?;
    let replacing: HashSet<i64> = replacing.iter().map(|begun| begun.item).collect();
    let mut found = Vec::new();
    let mut checks: JoinSet<Result<(usize, Vec<WholeOf>), UpkeepError>> = JoinSet::new();
    let mut chunks = complete.chunks(CHUNK).enumerate();
    let mut checked = 0;
    loop {
        while checks.len() < 2 * threads
            && let Some((place, chunk)) = chunks.next()
        {
            let quadrants: Vec<Quadrant> = chunk
                .iter()
                .flat_map(|item| item.block.quadrants())
                .collect();
            let records = db.pictures(&quadrants).await?;
            let held_of = |item: &Item| match replacing.contains(&item.id) {
                true => Held::AgainstNothing,
                false => held,
            };
            let chunk: Vec<_> = chunk.iter().map(|item| (*item, held_of(item))).collect();
            let pictures = Arc::clone(pictures);
            checks.spawn(async move {
                let mut found = Vec::with_capacity(chunk.len());
                let mut records = records.into_iter();
                for (item, held) in chunk {
                    let mut whole = Vec::with_capacity(4);
                    for (quadrant, record) in item.block.quadrants().zip(&mut records) {
                        if is_whole(&pictures, size, quadrant, record, held).await? {
                            whole.push(quadrant);
                        }
                    }
                    found.push(WholeOf { item, whole });
                }
                Ok((place, found))
            });
        }
        let Some(done) = checks.join_next().await else {
            break;
        };
        let (place, of_chunk) = done.unwrap_or_else(|panic| resume_unwind(panic.into_panic()))?;
        checked += of_chunk.len();
        found.push((place, of_chunk));
        progress(checked);
    }
    found.sort_unstable_by_key(|(place, _)| *place);
    Ok(found
        .into_iter()
        .flat_map(|(_, of_chunk)| of_chunk)
        .collect())
}

async fn is_whole(
    pictures: &Pictures,
    size: QuadrantSize,
    quadrant: Quadrant,
    record: Option<PictureRecord>,
    held: Held,
) -> Result<bool, UpkeepError> {
    if let Some(record) = record {
        let is_recorded = pictures.check(quadrant, &record).await? == PictureState::Whole;
        if is_recorded || held == Held::AgainstRecords {
            return Ok(is_recorded);
        }
    }
    let Some(bytes) = pictures.read_what_is_whole(quadrant).await? else {
        return Ok(false);
    };
    let decode = move || is_picture(&bytes, size);
    let decoded = tokio::task::spawn_blocking(decode).await;
    Ok(decoded.unwrap_or_else(|panic| resume_unwind(panic.into_panic())))
}

/// Whether these bytes are a picture of the size of a quadrant.
pub(crate) fn is_picture(bytes: &[u8], size: QuadrantSize) -> bool {
    decode_quadrant(bytes, size, &mut Buffers::default()).is_ok()
}

impl Upkeep<'_> {
    /// Which pictures can be kept of the complete ones among `items`: those that are whole, whether
    /// or not they are the ones that were saved.
    pub(crate) async fn keepable(
        &mut self,
        items: impl Iterator<Item = &Item>,
    ) -> Result<Vec<WholeOf>, UpkeepError> {
        let items: Vec<Item> = items.copied().collect();
        let pictures = (self.pictures, self.size);
        let held = Held::AgainstNothing;
        whole_of(self.db, pictures, &items, self.threads, held, |_| ()).await
    }

    /// Tells of the pictures that cannot be kept.
    pub(crate) fn warn_of_damage(&self, among: &[WholeOf]) {
        for of in among {
            let lacking: Vec<String> = of.lacking().map(|at| at.to_string()).collect();
            let which = match &lacking[..] {
                [] => continue,
                [one] => format!("the picture of {one} is missing or damaged"),
                more => format!("the pictures of {} are missing or damaged", more.join(", ")),
            };
            let rest = match of.whole.is_empty() {
                true => "so that there is nothing to keep",
                false => "so that only the others of the block are kept",
            };
            (self.warn)(&format!("{}: {which}, {rest}", of.item.block));
        }
    }

    /// Keeps what is whole; it is durable when this returns.
    ///
    /// # Errors
    /// [`UpkeepError`] when a picture cannot be kept.
    pub(crate) async fn keep(&mut self, among: &[WholeOf]) -> Result<(), UpkeepError> {
        let candidates = self.layer.candidates();
        for of in among {
            (self.passing)("keeping");
            candidates
                .keep(of.item.block, &of.whole, self.pictures)
                .await?;
        }
        candidates.sync().await?;
        (self.passing)("kept");
        Ok(())
    }
}
