//! Blocks that are generated again.

use std::collections::{HashMap, HashSet};

use planner::{Adjacency, Block, Item, Quadrant, Status, complete_followers};
use progress_db::{Change, Durability};

use crate::{Asked, Uncalled, Upkeep, UpkeepError};

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
    /// What is said of blocks that stay though they join ones that do not.
    told_of_staying: String,
    /// What is said of other items that are pending, where these run too.
    told_of_others: String,
}

impl Redo {
    /// What it takes to generate the blocks again that are `asked` for; `items` are all of the
    /// plan, and `uncalled` knows which of these blocks need no call.
    #[must_use]
    pub fn of(asked: &Asked, items: &[Item], followers: Followers, uncalled: &Uncalled) -> Self {
        let judged = &asked.staying;
        let named: Vec<&Item> = Self::named(&asked.again, items).collect();
        let is_open = |item: &&Item| matches!(item.status, Status::Pending | Status::InProgress);
        let (pending, asked): (Vec<&Item>, Vec<&Item>) = named.iter().partition(|i| is_open(i));
        let asked: Vec<i64> = asked.iter().map(|item| item.id).collect();
        let named: Vec<i64> = named.iter().map(|item| item.id).collect();
        let (followers, staying) = match followers {
            Followers::Again => {
                let changing = uncalled.changing(&named);
                let past = complete_followers(items, &changing, &uncalled.before);
                let apart = &uncalled.before | judged;
                let followers = match past.iter().any(|item| judged.contains(item)) {
                    true => complete_followers(items, &changing, &apart),
                    false => past.clone(),
                };
                let judged = past.iter().filter(|item| judged.contains(item));
                let staying = beside(&[&changing[..], &followers].concat(), judged, items);
                (followers, staying)
            }
            Followers::Stay => (Vec::new(), Vec::new()),
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
        let mut told_of_staying = String::new();
        if !staying.is_empty() {
            let named: Vec<String> = staying
                .iter()
                .map(|Block { top_left: at, .. }| format!("{},{}", at.x, at.y))
                .collect();
            told_of_staying = format!(
                "\n{} drawn to join them {} as judged, and edges to the new pictures may show; --redo \"{}\" makes them fit",
                counted(staying.len(), "later block"),
                if staying.len() == 1 { "stays" } else { "stay" },
                named.join(" ")
            );
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
            told_of_staying,
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
        let others = match is_part {
            true => "",
            false => &self.told_of_others,
        };
        [&self.told, others, &self.told_of_staying].concat()
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

/// The blocks of those of `judged` that touch one of `again`, a corner counted, and come after it;
/// `items` are all of the plan, in the order of generation.
fn beside<'a>(again: &[i64], judged: impl Iterator<Item = &'a i64>, items: &[Item]) -> Vec<Block> {
    let places: HashMap<i64, usize> = items.iter().map(|item| item.id).zip(0..).collect();
    let again = again.iter().filter_map(|item| places.get(item));
    let again: HashMap<Quadrant, usize> = again
        .flat_map(|&place| items[place].block.quadrants().map(move |at| (at, place)))
        .collect();
    let touches = |place: usize| {
        let block = items[place].block;
        let around = block.top_left;
        let size = (block.shape.width(), block.shape.height());
        let rows = around.y.saturating_sub(1)..=around.y.saturating_add(size.1);
        let columns = around.x.saturating_sub(1)..=around.x.saturating_add(size.0);
        let around = rows.flat_map(|y| columns.clone().map(move |x| Quadrant::new(x, y)));
        let mut before = around.filter_map(|at| again.get(&at));
        before.any(|&other| other < place)
    };
    let judged = judged.filter_map(|item| places.get(item).copied());
    let beside = judged.filter(|&place| touches(place));
    beside.map(|place| items[place].block).collect()
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

    fn nine_by_nine() -> Vec<Item> {
        let quadrants = (0..9).flat_map(|y| (0..9).map(move |x| Quadrant::new(x, y)));
        let blocks = plan(&Region::from_quadrants(quadrants)).blocks;
        let item = |(id, block): (i64, Block)| Item {
            id,
            step: block.shape.step(),
            block,
            status: Status::Complete,
        };
        (1..).zip(blocks).map(item).collect()
    }

    /// Whether two blocks touch, and whether they share an edge.
    fn touching(a: Block, b: Block) -> (bool, bool) {
        let near = |(p, q): (Quadrant, Quadrant)| {
            let (x, y) = ((p.x - q.x).abs(), (p.y - q.y).abs());
            (x <= 1 && y <= 1, x + y == 1)
        };
        let pairs = || {
            a.quadrants()
                .flat_map(|p| b.quadrants().map(move |q| near((p, q))))
        };
        (pairs().any(|(near, _)| near), pairs().any(|(_, edge)| edge))
    }

    /// Whatever was judged to be as it should be stays, and what follows it alone; all else that
    /// joined something that is drawn anew follows; and those are told whose edges may show.
    #[test]
    fn what_was_judged_stays_and_all_else_that_joins_what_is_drawn_anew_follows() {
        let items = nine_by_nine();
        let mut stayed = 0;
        for seed in 0..300_usize {
            let picked = |item: &Item, of: usize| {
                let number = (seed * 7919 + item.id as usize * 104_729) ^ (seed >> 2);
                (number / 13).is_multiple_of(of)
            };
            let named: Vec<&Item> = items.iter().filter(|item| picked(item, 11)).collect();
            let judged = items
                .iter()
                .filter(|item| picked(item, 2) && !picked(item, 11));
            let asked = Asked {
                again: named.iter().map(|item| item.block.top_left).collect(),
                staying: judged.map(|item| item.id).collect(),
                ..Asked::default()
            };
            let redo = Redo::of(&asked, &items, Followers::Again, &Uncalled::default());
            let again = redo.items();
            assert!(again.is_disjoint(&asked.staying), "seed {seed}");
            assert_eq!(redo.calls, again.len());
            let told = redo.told(true);
            let named_there = told.split_once("--redo \"").map(|(_, command)| command);
            let named_there = named_there.and_then(|command| command.split_once('"'));
            let mut told_of: HashSet<&str> = named_there
                .map(|(named, _)| named.split(' ').collect())
                .unwrap_or_default();
            for (place, item) in items.iter().enumerate() {
                let before = items[..place]
                    .iter()
                    .filter(|other| again.contains(&other.id));
                let touches: Vec<_> = before
                    .map(|other| touching(other.block, item.block))
                    .collect();
                let (near, edge) = (
                    touches.iter().any(|(near, _)| *near),
                    touches.iter().any(|(_, edge)| *edge),
                );
                let Quadrant { x, y } = item.block.top_left;
                match (asked.staying.contains(&item.id), again.contains(&item.id)) {
                    (true, _) => {
                        let is_told = told_of.remove(&*format!("{x},{y}"));
                        assert!(is_told >= edge && is_told <= near, "seed {seed}: {told}");
                        stayed += usize::from(is_told);
                    }
                    (false, false) => assert!(!edge, "seed {seed}: {} is left", item.block),
                    (false, true) if !named.iter().any(|own| own.id == item.id) => {
                        assert!(near, "seed {seed}: {} joins none", item.block);
                    }
                    _ => {}
                }
            }
            assert!(told_of.is_empty(), "seed {seed}: {told}");
        }
        assert!(stayed > 300);
    }

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
            let asked = Asked {
                again: HashSet::from([Quadrant::new(x, y)]),
                ..Asked::default()
            };
            let redo = Redo::of(&asked, &items, Followers::Stay, &Uncalled::default());
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
