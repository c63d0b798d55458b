//! Pictures that are put in the place of those that are there.

use std::collections::{HashMap, HashSet};

use layer::{BlockPictures, Kept, KeptPictures, Versions};
use planner::{Block, Item, Quadrant, Status, complete_followers};
use progress_db::{Change, Durability, PictureRecord, Replacing};

use crate::whole::is_picture;
use crate::{Upkeep, UpkeepError};

/// So many blocks are put in place in one go.
const TOGETHER: usize = 64;

/// What takes the place of a block's pictures.
#[derive(Debug, Clone, Copy)]
pub struct Replacement {
    item: Item,
    version: u32,
}

/// One that is durably intended, and since when, as Unix seconds.
#[derive(Debug, Clone, Copy)]
struct Begun {
    from: Kept,
    chosen: Replacement,
    at: f64,
}

/// What was put in place.
#[derive(Debug, Default)]
pub struct InPlace {
    /// That, for people; empty when it was nothing.
    pub told: String,
    blocks: Vec<(Kept, Replacement)>,
    /// The items that have now neither the pictures that they had nor those that they were to get.
    torn: HashSet<i64>,
}

impl Replacement {
    /// Whose pictures they are.
    #[must_use]
    pub const fn item(&self) -> Item {
        self.item
    }
}

impl Begun {
    fn intended(&self) -> Change {
        Change::Replace(Replacing {
            item: self.chosen.item.id,
            kept: self.from.name().to_owned(),
            version: self.chosen.version,
            at: self.at,
        })
    }
}

impl InPlace {
    /// The items that have got other pictures.
    fn ids(&self) -> impl Iterator<Item = i64> {
        self.blocks.iter().map(|(_, chosen)| chosen.item.id)
    }

    /// What of `wanted` is still to be done: a block that has just got what was asked for is not asked
    /// to have something else again.
    #[must_use]
    pub fn left_of(&self, from: Kept, Versions(wanted): &Versions) -> Versions {
        let is_there = |&(at, version): &(Quadrant, Option<u32>)| {
            self.blocks.iter().any(|&(kept, chosen)| {
                let is_wanted = version.is_none_or(|version| version == chosen.version);
                kept == from && is_wanted && chosen.item.block.contains(at)
            })
        };
        let left = wanted.iter().filter(|one| !is_there(one));
        Versions(left.copied().collect())
    }
}

impl Upkeep<'_> {
    /// Finds the pictures that are to take the place of those of the blocks that `wanted` names. Where
    /// it names no version that is the newest that differs from what is there; of a block that is to
    /// be generated again the one that was there.
    ///
    /// # Errors
    /// [`UpkeepError`] when a quadrant is not planned or its block has no such pictures.
    pub async fn replacements(
        &self,
        from: Kept,
        Versions(wanted): &Versions,
        items: &[Item],
    ) -> Result<Vec<Replacement>, UpkeepError> {
        let kept = self.layer.kept(from);
        let mut chosen: Vec<Replacement> = Vec::new();
        for &(quadrant, version) in wanted {
            let item = items.iter().find(|item| item.block.contains(quadrant));
            let item = *item.ok_or(UpkeepError::NotPlanned { quadrant })?;
            if chosen.iter().any(|other| other.item.id == item.id) {
                continue;
            }
            let now = self.pictures.read_block(item.block).await?;
            let mut versions = match (from, item.status) {
                // What a run that died has left there: the block has a better one.
                (Kept::Rejected, Status::Complete) => Vec::new(),
                _ => kept.versions(item.block)?,
            };
            versions.retain(|other| version.is_none_or(|version| version == *other));
            let (mut found, mut damaged) = (None, Vec::new());
            for version in versions.into_iter().rev() {
                let earlier = match self.usable(&kept, item.block, version)? {
                    Ok(earlier) => earlier,
                    Err(lacking) => {
                        // What is older than what was found is no matter.
                        if found.is_none() {
                            damaged.push((version, lacking));
                        }
                        continue;
                    }
                };
                let is_there = now.as_ref() == Some(&earlier);
                match item.status {
                    Status::Complete if is_there => {}
                    // What is there of one that is to be drawn again was the last that was finished.
                    _ if is_there => {
                        found = Some(version);
                        break;
                    }
                    _ => found = found.or(Some(version)),
                }
            }
            let block = item.block;
            let damaged = damaged.iter().map(|(version, lacking)| {
                format!(
                    "version {version}, of which the picture of {lacking} is missing or damaged in {}",
                    kept.place_of(block, *version).display()
                )
            });
            let damaged: Vec<String> = damaged.collect();
            if found.is_some() && !damaged.is_empty() {
                (self.warn)(&format!("{block}: not used is {}", damaged.join("; ")));
            }
            let version = found.ok_or_else(|| UpkeepError::Nothing {
                quadrant,
                block,
                what: match (from, version) {
                    _ if !damaged.is_empty() => {
                        format!("no other pictures than {}", damaged.join("; "))
                    }
                    (Kept::Rejected, _) => "no rejected answer".to_owned(),
                    (_, Some(version)) => {
                        format!("no pictures of version {version} that differ from what is there")
                    }
                    (_, None) => "no earlier pictures that differ from what is there".to_owned(),
                },
            })?;
            chosen.push(Replacement { item, version });
        }
        Ok(chosen)
    }

    /// The pictures of a version, or the first quadrant of which it has none that is whole.
    fn usable(
        &self,
        kept: &KeptPictures,
        block: Block,
        version: u32,
    ) -> Result<Result<BlockPictures, Quadrant>, UpkeepError> {
        let mut pictures = BlockPictures::new();
        for quadrant in block.quadrants() {
            let picture = kept.read_picture(block, version, quadrant)?;
            match picture.filter(|bytes| is_picture(bytes, self.size)) {
                Some(picture) => pictures.push((quadrant, picture)),
                None => return Ok(Err(quadrant)),
            }
        }
        Ok(Ok(pictures))
    }

    /// Removes the rejected answers of complete items: a run that died may have left them.
    ///
    /// # Errors
    /// [`UpkeepError`] when they cannot be listed or removed.
    pub fn drop_rejected(&self, items: &[Item]) -> Result<(), UpkeepError> {
        let rejected = self.layer.rejected();
        let kept: HashSet<Quadrant> = rejected.blocks()?.into_iter().collect();
        let is_complete = |item: &&Item| item.status == Status::Complete;
        for item in items.iter().filter(is_complete) {
            if kept.contains(&item.block.top_left) {
                rejected.remove(item.block)?;
            }
        }
        Ok(())
    }

    /// Puts pictures in the place of those that are there now, which are kept themselves. Returns
    /// what was done, for people; `items` are all of the plan.
    ///
    /// Which they are is durable before the first is in its place: whoever dies after that leaves it to
    /// [`Self::end_replacing`].
    ///
    /// # Errors
    /// [`UpkeepError`] when something cannot be read or written.
    pub async fn replace(
        &mut self,
        from: Kept,
        chosen: &[Replacement],
        items: &[Item],
    ) -> Result<String, UpkeepError> {
        let now = self.keepable(chosen.iter().map(|chosen| &chosen.item));
        let now = now.await?;
        self.warn_of_damage(&now);
        self.keep(&now).await?;
        let at = layer::unix_now();
        let begun = chosen.iter().map(|&chosen| Begun { from, chosen, at });
        let begun: Vec<Begun> = begun.collect();
        let intended: Vec<Change> = begun.iter().map(Begun::intended).collect();
        self.db.commit(&intended, Durability::Power).await?;
        (self.passing)("bringing_back");
        let in_place = self.put_in_place(&begun).await?;
        Ok(in_place.told.clone() + &self.told_of_later(&in_place, items).await?)
    }

    /// What is said of the later blocks that were drawn to join what was there before.
    async fn told_of_later(
        &mut self,
        in_place: &InPlace,
        items: &[Item],
    ) -> Result<String, UpkeepError> {
        if !self.shows_surroundings {
            return Ok(String::new());
        }
        let ids: Vec<i64> = in_place.ids().collect();
        let followers = complete_followers(items, &ids, &self.db.uncalled().await?);
        let followers: HashSet<i64> = followers.into_iter().collect();
        let blocks = items.iter().filter(|item| followers.contains(&item.id));
        let named: Vec<String> = blocks
            .map(|item| format!("{},{}", item.block.top_left.x, item.block.top_left.y))
            .collect();
        if named.is_empty() {
            return Ok(String::new());
        }
        Ok(format!(
            "{} later blocks may have been drawn to join other pictures; --keep or --redo \"{}\" makes them fit\n",
            named.len(),
            named.join(" ")
        ))
    }

    /// Ends what a run that died had begun to put in the place of other pictures, and brings `items`,
    /// all of the plan, up to date with that. To be done before anything else is done with the layer.
    ///
    /// # Errors
    /// [`UpkeepError`] when something cannot be read or written; the next time goes on.
    pub async fn end_replacing(&mut self, items: &mut [Item]) -> Result<InPlace, UpkeepError> {
        let replacing = self.db.replacing().await?;
        if replacing.is_empty() {
            return Ok(InPlace::default());
        }
        let by_id: HashMap<i64, Item> = items.iter().map(|item| (item.id, *item)).collect();
        let mut begun = Vec::with_capacity(replacing.len());
        let mut of_no_item = Vec::new();
        for Replacing {
            item,
            kept,
            version,
            at,
        } in replacing
        {
            match (by_id.get(&item), Kept::named(&kept)) {
                (Some(&item), Some(from)) => {
                    let chosen = Replacement { item, version };
                    begun.push(Begun { from, chosen, at });
                }
                _ => of_no_item.push(Change::Replaced { item }),
            }
        }
        self.db.commit(&of_no_item, Durability::Power).await?;
        let mut in_place = self.put_in_place(&begun).await?;
        let complete: HashSet<i64> = in_place.ids().collect();
        for item in &mut *items {
            if complete.contains(&item.id) {
                item.status = Status::Complete;
            } else if in_place.torn.contains(&item.id) {
                item.status = Status::Error;
            }
        }
        let told = self.told_of_later(&in_place, items).await?;
        in_place.told += &told;
        Ok(in_place)
    }

    /// Puts what is durably intended in its place, as often as it takes. All of it stays intended until
    /// the last is there, so that nobody takes the first for what was there before.
    async fn put_in_place(&mut self, begun: &[Begun]) -> Result<InPlace, UpkeepError> {
        let mut in_place = InPlace::default();
        let mut left = begun.len();
        for some in begun.chunks(TOGETHER) {
            let mut changes = Vec::with_capacity(some.len());
            let mut staged = Vec::new();
            for &Begun { from, chosen, at } in some {
                let Replacement { item, version } = chosen;
                let block = item.block;
                let Ok(earlier) = self.usable(&self.layer.kept(from), block, version)? else {
                    changes.extend(self.without(from, chosen, &mut in_place).await?);
                    continue;
                };
                let mut pictures = Vec::with_capacity(earlier.len());
                for (quadrant, bytes) in earlier {
                    pictures.push((quadrant, PictureRecord::of(&bytes)));
                    staged.push(self.pictures.stage(quadrant, bytes)?);
                }
                changes.push(Change::Complete {
                    item: item.id,
                    pictures,
                    at,
                });
                in_place.told += &match from {
                    Kept::Candidates => format!("{block}: version {version} is back\n"),
                    Kept::Rejected => format!("{block}: the answer is accepted\n"),
                };
                in_place.blocks.push((from, chosen));
            }
            self.pictures.publish(staged, self.passing).await?;
            (self.passing)("brought_back");
            left -= some.len();
            if left == 0 {
                let items = begun.iter().map(|begun| begun.chosen.item.id);
                changes.extend(items.map(|item| Change::Replaced { item }));
            }
            self.db.commit(&changes, Durability::Power).await?;
        }
        // Of what is complete there is nothing left to accept.
        let rejected = self.layer.rejected();
        for (_, chosen) in &in_place.blocks {
            rejected.remove(chosen.item.block)?;
        }
        Ok(in_place)
    }

    /// What becomes of a block whose other pictures are not there any more. One that is as it was stays
    /// so; of one that is neither that is told, and a run neither calls for it unasked nor joins it.
    async fn without(
        &mut self,
        from: Kept,
        Replacement { item, version }: Replacement,
        in_place: &mut InPlace,
    ) -> Result<Option<Change>, UpkeepError> {
        let (block, id) = (item.block, item.id);
        let place = self.layer.kept(from).place_of(block, version);
        let gone = format!(
            "version {version} of its pictures, which was being put in place when a run died, is gone from {}",
            place.display()
        );
        if item.status != Status::Complete || self.is_as_it_was(block).await? {
            (self.warn)(&format!("{block}: {gone}; it stays as it was"));
            return Ok(None);
        }
        let Quadrant { x, y } = block.top_left;
        let message = format!(
            "{gone}, so that some of them are others than the rest; --keep {x},{y} puts other earlier ones in place, --redo {x},{y} generates it again"
        );
        (self.warn)(&format!("{block}: {message}"));
        in_place.torn.insert(id);
        Ok(Some(Change::Fail { item: id, message }))
    }

    /// Whether the pictures of a block are those that are remembered, or those that were kept before
    /// others were to take their place.
    async fn is_as_it_was(&mut self, block: Block) -> Result<bool, UpkeepError> {
        let candidates = self.layer.candidates();
        let now = self.pictures.read_block(block).await?;
        for version in candidates.versions(block)? {
            let version = self.usable(&candidates, block, version)?;
            if now.is_some() && version.ok() == now {
                return Ok(true);
            }
        }
        let quadrants: Vec<Quadrant> = block.quadrants().collect();
        let records = self.db.pictures(&quadrants).await?;
        let is_recorded = |((_, bytes), record): (&(Quadrant, Vec<u8>), &Option<PictureRecord>)| {
            record.as_ref() == Some(&PictureRecord::of(bytes))
        };
        Ok(now.is_some_and(|now| now.iter().zip(&records).all(is_recorded)))
    }
}
