//! Pictures that are put in the place of those that are there.

use std::collections::HashSet;

use layer::{Kept, Versions};
use planner::{Item, Quadrant, Status, complete_followers};
use progress_db::{Change, Durability, PictureRecord};

use crate::whole::are_whole;
use crate::{Upkeep, UpkeepError};

/// So many blocks are brought back in one go.
const TOGETHER: usize = 64;

/// What takes the place of a block's pictures.
#[derive(Debug, Clone, Copy)]
pub struct Replacement {
    item: Item,
    version: u32,
}

impl Replacement {
    /// Whose pictures they are.
    #[must_use]
    pub const fn item(&self) -> Item {
        self.item
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
            let mut found = None;
            for version in versions.into_iter().rev() {
                let earlier = kept.read(item.block, version)?;
                let Some(earlier) = earlier.filter(|earlier| are_whole(earlier, self.size)) else {
                    continue;
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
            let version = found.ok_or_else(|| UpkeepError::Nothing {
                quadrant,
                block: item.block,
                what: match (from, version) {
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
    /// # Errors
    /// [`UpkeepError`] when something cannot be read or written; what was brought back before stays.
    pub async fn replace(
        &mut self,
        from: Kept,
        chosen: &[Replacement],
        items: &[Item],
    ) -> Result<String, UpkeepError> {
        let mut told = String::new();
        for some in chosen.chunks(TOGETHER) {
            told += &self.replace_some(from, some).await?;
        }
        let ids: Vec<i64> = chosen.iter().map(|chosen| chosen.item.id).collect();
        if self.shows_surroundings {
            let uncalled = self.db.uncalled().await?;
            let followers = complete_followers(items, &ids, &uncalled);
            let blocks = items.iter().filter(|item| followers.contains(&item.id));
            let named: Vec<String> = blocks
                .map(|item| format!("{},{}", item.block.top_left.x, item.block.top_left.y))
                .collect();
            if !named.is_empty() {
                told += &format!(
                    "{} later blocks may have been drawn to join other pictures; --keep or --redo \"{}\" makes them fit\n",
                    named.len(),
                    named.join(" ")
                );
            }
        }
        Ok(told)
    }

    async fn replace_some(
        &mut self,
        from: Kept,
        chosen: &[Replacement],
    ) -> Result<String, UpkeepError> {
        let (kept, candidates) = (self.layer.kept(from), self.layer.candidates());
        for item in self.whole_of(chosen.iter().map(|c| &c.item)).await? {
            candidates.keep(item.block, self.pictures).await?;
        }
        let mut told = String::new();
        let mut changes = Vec::with_capacity(chosen.len());
        let mut staged = Vec::new();
        let mut quadrants: Vec<Quadrant> = Vec::new();
        for &Replacement { item, version } in chosen {
            let block = item.block;
            let earlier = kept.read(block, version)?;
            let earlier = earlier.ok_or(UpkeepError::Gone { block, version })?;
            let mut records = Vec::with_capacity(earlier.len());
            for (quadrant, bytes) in earlier {
                records.push((quadrant, PictureRecord::of(&bytes)));
                staged.push(self.pictures.stage(quadrant, bytes)?);
                quadrants.push(quadrant);
            }
            changes.push(Change::Complete {
                item: item.id,
                pictures: records,
                at: layer::unix_now(),
            });
            told += &match from {
                Kept::Candidates => format!("{block}: version {version} is back\n"),
                Kept::Rejected => format!("{block}: the answer is accepted\n"),
            };
        }
        candidates.sync().await?;
        // Whoever dies after this leaves pictures that are whole, and no record of others.
        let replace = Change::Replace { quadrants };
        self.db.commit(&[replace], Durability::Power).await?;
        (self.passing)("bringing_back");
        self.pictures.publish(staged, self.passing).await?;
        (self.passing)("brought_back");
        self.db.commit(&changes, Durability::Power).await?;
        // Of what is complete there is nothing left to accept.
        let rejected = self.layer.rejected();
        for chosen in chosen {
            rejected.remove(chosen.item.block)?;
        }
        Ok(told)
    }
}
