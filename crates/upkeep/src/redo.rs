//! Blocks that are generated again.

use std::collections::{HashMap, HashSet};

use planner::{Adjacency, Block, Item, Quadrant, Status, complete_followers};
use progress_db::{Change, Durability};

use crate::{Uncalled, Upkeep, UpkeepError};

/// What becomes of the complete blocks that were drawn to join one that is generated again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followers {
    /// They are generated again, too.
    Again,
    /// They stay as they are.
    Stay,
}

/// What it takes to generate blocks again.
#[derive(Debug)]
pub struct Redo {
    /// The items that hold what is asked for.
    named: Vec<i64>,
    /// Those of them that are not pending anyway.
    asked: Vec<i64>,
    /// The complete ones that were drawn to join them.
    followers: Vec<i64>,
    /// How many calls that is.
    pub calls: usize,
    /// What is said of it.
    told: String,
    /// What is said of other items that are pending, where these run too.
    told_of_others: String,
}

impl Redo {
    /// What it takes to generate the blocks again that hold one of `chosen`; `items` are all of the
    /// plan, and `uncalled` knows which of these blocks need no call.
    #[must_use]
    pub fn of(
        chosen: &HashSet<Quadrant>,
        items: &[Item],
        followers: Followers,
        uncalled: &Uncalled,
    ) -> Self {
        let named: Vec<&Item> = Self::named(chosen, items).collect();
        let is_open = |item: &&Item| matches!(item.status, Status::Pending | Status::InProgress);
        let (pending, asked): (Vec<&Item>, Vec<&Item>) = named.iter().partition(|i| is_open(i));
        let asked: Vec<i64> = asked.iter().map(|item| item.id).collect();
        let named: Vec<i64> = named.iter().map(|item| item.id).collect();
        let followers = match followers {
            Followers::Again => {
                complete_followers(items, &uncalled.changing(&named), &uncalled.before)
            }
            Followers::Stay => Vec::new(),
        };
        let mut told = format!("redo: {}", counted(asked.len(), "block"));
        if !followers.is_empty() {
            let later = counted(followers.len(), "later one");
            told += &format!(", and {later} drawn to join them");
        }
        let is_uncalled = |item: &&i64| uncalled.next.contains_key(item);
        let free = asked.iter().filter(is_uncalled).count();
        if free > 0 {
            told += &format!(", {free} of flat water without a call");
        }
        let calls = asked.len() + followers.len() - free;
        told += &format!(": {}", counted(calls, "call"));
        if !pending.is_empty() {
            let anyway = counted(pending.len(), "other");
            told += &format!("; {anyway} of what is asked for is pending anyway");
        }
        let again: HashSet<i64> = asked.iter().chain(&followers).copied().collect();
        let is_named: HashSet<i64> = named.iter().copied().collect();
        let others = able_to_run(items, &again).filter(is_open);
        let others = others.filter(|item| !is_named.contains(&item.id)).count();
        let mut told_of_others = String::new();
        if others > 0 {
            let others = counted(others, "item");
            told_of_others = format!("; what else is pending runs too, {others}");
        }
        Self {
            named,
            asked,
            followers,
            calls,
            told,
            told_of_others,
        }
    }

    /// The items that hold one of `chosen`.
    pub fn named<'a>(
        chosen: &'a HashSet<Quadrant>,
        items: &'a [Item],
    ) -> impl Iterator<Item = &'a Item> + Clone {
        let holds = |item: &&Item| item.block.quadrants().any(|at| chosen.contains(&at));
        items.iter().filter(holds)
    }

    /// What is said of it in a run of a part, or of all.
    #[must_use]
    pub fn told(&self, is_part: bool) -> String {
        match is_part {
            true => self.told.clone(),
            false => self.told.clone() + &self.told_of_others,
        }
    }

    /// The items that are put back.
    #[must_use]
    pub fn items(&self) -> HashSet<i64> {
        self.asked.iter().chain(&self.followers).copied().collect()
    }
}

impl Upkeep<'_> {
    /// Tells which pictures [`Self::put_back`] will not be able to keep. Writes nothing.
    ///
    /// # Errors
    /// [`UpkeepError`] when a picture cannot be read.
    pub async fn foretell_damage(
        &mut self,
        redo: &Redo,
        items: &[Item],
    ) -> Result<(), UpkeepError> {
        let again = redo.items();
        let whole = self.keepable(items.iter().filter(|item| again.contains(&item.id)));
        let whole = whole.await?;
        self.warn_of_damage(&whole);
        Ok(())
    }

    /// Puts back the items `again`, whose pictures are missing or not those that were saved; what is
    /// whole of them is kept.
    ///
    /// # Errors
    /// [`UpkeepError`] when a picture cannot be kept; then nothing is put back.
    pub async fn put_back_damaged(
        &mut self,
        again: &HashSet<i64>,
        items: &[Item],
    ) -> Result<(), UpkeepError> {
        let whole = self.keepable(items.iter().filter(|item| again.contains(&item.id)));
        let whole = whole.await?;
        self.keep(&whole).await?;
        let changes: Vec<Change> = again.iter().map(|&item| Change::PutBack { item }).collect();
        self.db.commit(&changes, Durability::Power).await?;
        Ok(())
    }

    /// Keeps the pictures of the complete items among those of `redo`, and puts all of them back.
    /// `prompts` is what is added from now on to the prompts of items that hold what was asked for;
    /// nothing where it says nothing.
    ///
    /// # Errors
    /// [`UpkeepError`] when a picture cannot be kept; then nothing is put back.
    pub async fn put_back(
        &mut self,
        redo: &Redo,
        items: &[Item],
        prompts: &HashMap<i64, String>,
    ) -> Result<(), UpkeepError> {
        let again = redo.items();
        let put_back = items.iter().filter(|item| again.contains(&item.id));
        let whole = self.keepable(put_back).await?;
        self.warn_of_damage(&whole);
        self.keep(&whole).await?;
        let prompts = redo.named.iter().map(|&item| Change::Prompt {
            item,
            added: prompts.get(&item).cloned(),
        });
        let put_back = again.iter().map(|&item| Change::PutBack { item });
        let changes: Vec<Change> = prompts.chain(put_back).collect();
        self.db.commit(&changes, Durability::Power).await?;
        Ok(())
    }
}

/// The items that are complete or can become it, where those of `again` are drawn anew: neither failed
/// nor behind a failed one.
fn able_to_run<'a>(items: &'a [Item], again: &HashSet<i64>) -> impl Iterator<Item = &'a Item> {
    let blocks: Vec<Block> = items.iter().map(|item| item.block).collect();
    let adjacency = Adjacency::of(&blocks);
    let mut is_able: Vec<bool> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let mut before = adjacency.predecessors(index).iter();
        let is_again = again.contains(&item.id);
        is_able.push(match item.status {
            Status::Complete if !is_again => true,
            Status::Error if !is_again => false,
            _ => before.all(|&other| is_able[other as usize]),
        });
    }
    let items = items.iter().zip(is_able);
    items.filter_map(|(item, is_able)| is_able.then_some(item))
}

fn counted(count: usize, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}

#[cfg(test)]
mod tests {
    use planner::{Region, plan};

    use super::*;

    /// What waits on a failed block is pending and does not run, unless that one is done again.
    #[test]
    fn of_what_else_is_pending_that_is_counted_which_can_run() {
        let all = (0..5).flat_map(|y| (0..5).map(move |x| Quadrant::new(x, y)));
        let blocks = plan(&Region::from_quadrants(all)).blocks;
        // Four 2x2, four strips, a single quadrant. The first 2x2 has failed; two strips touch it.
        let item = |(id, block): (i64, Block)| Item {
            id,
            step: block.shape.step(),
            block,
            status: match (id, block.shape.step()) {
                (1, _) => Status::Error,
                (_, 1) => Status::Complete,
                _ => Status::Pending,
            },
        };
        let items: Vec<Item> = (1..).zip(blocks).map(item).collect();
        let told = |x: i32, y: i32| {
            let chosen = HashSet::from([Quadrant::new(x, y)]);
            let redo = Redo::of(&chosen, &items, Followers::Stay, &Uncalled::default());
            redo.told(false)
        };
        assert_eq!(
            told(3, 3),
            "redo: 1 block: 1 call; what else is pending runs too, 2 items"
        );
        assert_eq!(
            told(0, 0),
            "redo: 1 block: 1 call; what else is pending runs too, 5 items"
        );
    }
}
