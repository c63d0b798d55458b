//! Items that are made without a call.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use layer::{LayerError, StagedPicture, unix_now};
use planner::{Block, Item, Quadrant, Status};
use progress_db::{Change, Durability, PictureRecord};

use crate::uniform::{Found, Uniform};
use crate::{Upkeep, UpkeepError};

/// So many items share their syncs and their commit.
const TOGETHER: usize = 64;

/// What is remembered of so many blocks that are none is written in one go.
const REMEMBERED_TOGETHER: usize = 1024;

/// What is known of items that are made without a call.
#[derive(Debug, Default)]
pub struct Uncalled {
    /// Those that were: nothing around them has any part in them.
    pub before: HashSet<i64>,
    /// Those that will be among the ones that were looked at, and whether that gives just the pictures
    /// that they had.
    pub next: HashMap<i64, bool>,
}

impl Uncalled {
    /// Those of `items` that will have other pictures than before when they are made again.
    #[must_use]
    pub fn changing(&self, items: &[i64]) -> Vec<i64> {
        let changes = |item: &&i64| self.next.get(item) != Some(&true);
        items.iter().filter(changes).copied().collect()
    }
}

/// The pictures of an item, written and not yet in their place.
type Staged = Vec<(Quadrant, StagedPicture, PictureRecord)>;

impl Upkeep<'_> {
    /// Which items were made without a call, and which of `items` will be. Writes nothing. `progress`
    /// is told how many were looked at, as that grows.
    ///
    /// # Errors
    /// [`UpkeepError`] when the source or the database cannot be read.
    pub async fn uncalled(
        &mut self,
        uniform: Option<&Uniform<'_>>,
        items: impl Iterator<Item = &Item>,
        mut progress: impl FnMut(usize),
    ) -> Result<Uncalled, UpkeepError> {
        let mut uncalled = Uncalled {
            before: self.db.uncalled().await?,
            next: HashMap::new(),
        };
        let items: Vec<&Item> = items.collect();
        let Some(uniform) = uniform.filter(|_| !items.is_empty()) else {
            return Ok(uncalled);
        };
        let stamps = uniform.stamps().await;
        let items = items.into_iter();
        let items = self.not_known(uniform, stamps.as_ref(), items).await?;
        let record = |pictures: Vec<(Quadrant, Vec<u8>)>| {
            let record = |(at, bytes): (Quadrant, Vec<u8>)| (at, PictureRecord::of(&bytes));
            Ok(pictures.into_iter().map(record).collect::<Vec<_>>())
        };
        let mut look = uniform.look_at(blocks_of(&items), record);
        let mut looked_at = 0;
        while let Some((index, found)) = look.next().await? {
            looked_at += 1;
            progress(looked_at);
            if let Found::Uniform(pictures, _) = found {
                let (quadrants, made): (Vec<_>, Vec<_>) = pictures.into_iter().unzip();
                let made: Vec<_> = made.into_iter().map(Some).collect();
                // Of one that was never complete nothing is recorded.
                let had_any = items[index].status == Status::Complete;
                let is_same = had_any && self.db.pictures(&quadrants).await? == made;
                uncalled.next.insert(items[index].id, is_same);
            }
        }
        Ok(uncalled)
    }

    /// Whether all of `items`, which are pending, will be made without a call. Writes nothing.
    ///
    /// # Errors
    /// As [`Self::uncalled`].
    pub async fn need_no_call(
        &mut self,
        uniform: &Uniform<'_>,
        items: &[Item],
    ) -> Result<bool, UpkeepError> {
        let stamps = uniform.stamps().await;
        let not_known = self.not_known(uniform, stamps.as_ref(), items.iter());
        let not_known = not_known.await?;
        let mut all = not_known.len() == items.len();
        let mut look = uniform.look_at(blocks_of(&not_known), |_| Ok(()));
        while all && let Some((_, found)) = look.next().await? {
            all = matches!(found, Found::Uniform(..));
        }
        Ok(all)
    }

    /// Completes those of `items`, which are pending, that need no model. Returns them. `progress` is
    /// told how many were looked at, as that grows.
    ///
    /// # Errors
    /// [`UpkeepError`] when something cannot be read or written; what was completed before stays.
    pub async fn make_uncalled(
        &mut self,
        uniform: &Uniform<'_>,
        items: impl Iterator<Item = &Item>,
        mut progress: impl FnMut(usize),
    ) -> Result<HashSet<i64>, UpkeepError> {
        let stamps = uniform.stamps().await;
        let items = self.not_known(uniform, stamps.as_ref(), items).await?;
        let rejected: HashSet<Quadrant> = self.layer.rejected().blocks()?.into_iter().collect();
        let pictures = Arc::clone(self.pictures);
        let stage = move |made: Vec<(Quadrant, Vec<u8>)>| -> Result<Staged, LayerError> {
            let staged = made.into_iter().map(|(quadrant, bytes)| {
                let record = PictureRecord::of(&bytes);
                Ok((quadrant, pictures.stage(quadrant, bytes)?, record))
            });
            staged.collect()
        };
        let mut look = uniform.look_at(blocks_of(&items), stage);
        let mut made = HashSet::new();
        let mut together: Vec<(Item, Staged, String)> = Vec::new();
        let mut others = Vec::new();
        let mut looked_at = 0;
        while let Some((index, found)) = look.next().await? {
            let item = items[index];
            looked_at += 1;
            progress(looked_at);
            match found {
                Found::Uniform(staged, told) => {
                    made.insert(item.id);
                    together.push((item, staged, told));
                }
                Found::Other => {
                    let stamps = stamps.as_ref();
                    let looked = stamps.and_then(|s| uniform.remembered_under(item.block, s));
                    let item = item.id;
                    others.extend(looked.map(|looked| Change::NotUniform { item, looked }));
                }
                Found::Unusable => {}
            }
            if together.len() == TOGETHER {
                self.complete_uncalled(&mut together, &rejected).await?;
            }
            if others.len() >= REMEMBERED_TOGETHER {
                let others = std::mem::take(&mut others);
                self.db.commit(&others, Durability::Process).await?;
            }
        }
        self.complete_uncalled(&mut together, &rejected).await?;
        self.db.commit(&others, Durability::Process).await?;
        Ok(made)
    }

    /// Those of `items` of which it is not remembered that they are none.
    async fn not_known(
        &mut self,
        uniform: &Uniform<'_>,
        stamps: Option<&HashMap<Quadrant, u64>>,
        items: impl Iterator<Item = &Item>,
    ) -> Result<Vec<Item>, UpkeepError> {
        let known = match stamps {
            Some(_) => self.db.not_uniform().await?,
            None => HashMap::new(),
        };
        let is_known = |item: &Item| {
            let looked = stamps.and_then(|stamps| uniform.remembered_under(item.block, stamps));
            looked.is_some_and(|looked| known.get(&item.id) == Some(&looked))
        };
        Ok(items.filter(|item| !is_known(item)).copied().collect())
    }

    async fn complete_uncalled(
        &mut self,
        together: &mut Vec<(Item, Staged, String)>,
        rejected: &HashSet<Quadrant>,
    ) -> Result<(), UpkeepError> {
        let (mut changes, mut staged) = (Vec::with_capacity(2 * TOGETHER), Vec::new());
        let (mut completed, at) = (Vec::with_capacity(TOGETHER), unix_now());
        for (item, pictures, made) in together.drain(..) {
            let mut records = Vec::with_capacity(pictures.len());
            for (quadrant, picture, record) in pictures {
                staged.push(picture);
                records.push((quadrant, record));
            }
            let (id, pictures) = (item.id, records);
            changes.push(Change::Complete {
                item: id,
                pictures,
                at,
            });
            changes.push(Change::Uncalled { item: id, made, at });
            completed.push(item.block);
        }
        if changes.is_empty() {
            return Ok(());
        }
        // As for answers: whole and durable in their place, and only then are the items complete.
        self.pictures.publish(staged, self.passing).await?;
        (self.passing)("uncalled_published");
        self.db.commit(&changes, Durability::Power).await?;
        (self.passing)("uncalled_committed");
        for block in completed {
            if rejected.contains(&block.top_left) {
                self.layer.rejected().remove(block)?;
            }
        }
        Ok(())
    }
}

fn blocks_of(items: &[Item]) -> Vec<Block> {
    items.iter().map(|item| item.block).collect()
}
