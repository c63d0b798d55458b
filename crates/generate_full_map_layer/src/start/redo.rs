//! `--redo`: blocks that are generated again, and `--keep`: their earlier pictures back.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::{Context, bail};
use canvas::{Buffers, decode_quadrant};
use layer::{BlockPictures, Pictures, Selection, Versions};
use planner::{Item, Quadrant, Status, complete_followers};
use progress_db::{Change, Durability, PictureRecord, ProgressDb};

use super::layer_state::Start;
use super::verify::damaged_items;
use crate::args::Args;
use crate::work::clock::unix_now;
use crate::work::fault_point::fault_point;

/// So many blocks are brought back in one go.
const TOGETHER: usize = 64;

/// What `--redo` and `--redo-file` put back.
pub(crate) struct Redo {
    /// The items that hold what is asked for.
    named: Vec<i64>,
    /// Those of them that are not pending anyway.
    asked: Vec<i64>,
    /// The complete ones that were drawn to join them.
    followers: Vec<i64>,
    /// What is said of it.
    pub told: String,
}

/// The quadrants that `--redo` or `--redo-file` asks for, if any does. Read once: a pipe gives what
/// it has only once.
///
/// # Errors
/// When the text selects nothing that is planned.
pub(crate) fn asked_for(
    args: &Args,
    start: &Start,
    items: &[Item],
) -> anyhow::Result<Option<HashSet<Quadrant>>> {
    let (text, said) = match (&args.redo, &args.redo_file) {
        (Some(text), _) => (text.clone(), "--redo".to_owned()),
        (None, Some(path)) => {
            let said = format!("--redo-file {}", path.display());
            let text = std::fs::read_to_string(path);
            (text.with_context(|| format!("cannot read {said}"))?, said)
        }
        (None, None) => return Ok(None),
    };
    let planned: Vec<Quadrant> = items.iter().flat_map(|i| i.block.quadrants()).collect();
    let chosen = Selection::parse(&text, start.source.geometry())
        .and_then(|selection| selection.of(&planned))
        .context(said)?;
    Ok(Some(chosen.into_iter().collect()))
}

impl Redo {
    /// What it takes to generate the blocks again that hold `chosen`.
    pub(crate) fn of(
        chosen: &HashSet<Quadrant>,
        args: &Args,
        start: &Start,
        items: &[Item],
    ) -> Self {
        let holds = |item: &&Item| item.block.quadrants().any(|at| chosen.contains(&at));
        let named: Vec<&Item> = items.iter().filter(holds).collect();
        let is_open = |item: &&Item| matches!(item.status, Status::Pending | Status::InProgress);
        let (pending, asked): (Vec<&Item>, Vec<&Item>) = named.iter().partition(|i| is_open(i));
        let asked: Vec<i64> = asked.iter().map(|item| item.id).collect();
        let named: Vec<i64> = named.iter().map(|item| item.id).collect();
        let followers = match start.config.shows_surroundings() && !args.without_followers {
            true => complete_followers(items, &named),
            false => Vec::new(),
        };
        let mut told = format!("redo: {}", counted(asked.len(), "block"));
        if !followers.is_empty() {
            let later = counted(followers.len(), "later one");
            told += &format!(", and {later} drawn to join them");
        }
        let calls = counted(asked.len() + followers.len(), "call");
        told += &format!(": {calls}");
        if !pending.is_empty() {
            let anyway = counted(pending.len(), "other");
            told += &format!("; {anyway} of what is asked for is pending anyway");
        }
        let others = items.iter().filter(is_open).count() - pending.len();
        if others > 0 {
            let others = counted(others, "item");
            told += &format!("; what else is pending runs too, {others}");
        }
        Self {
            named,
            asked,
            followers,
            told,
        }
    }

    /// The items that are put back.
    pub(crate) fn items(&self) -> HashSet<i64> {
        self.asked.iter().chain(&self.followers).copied().collect()
    }

    /// Keeps the pictures of the complete items among them, and puts all of them back.
    ///
    /// # Errors
    /// When a picture cannot be kept; then nothing is put back.
    pub(crate) async fn carry_out(
        &self,
        args: &Args,
        start: &Start,
        items: &[Item],
        pictures: &Arc<Pictures>,
        db: &mut ProgressDb,
    ) -> anyhow::Result<()> {
        let again = self.items();
        let candidates = start.layer.candidates();
        let put_back = items.iter().filter(|item| again.contains(&item.id));
        for item in whole_of(put_back, start, pictures, db).await? {
            fault_point("keeping");
            candidates.keep(item.block, pictures).await?;
        }
        candidates.sync().await?;
        fault_point("kept");
        let prompts = self.named.iter().map(|&item| Change::Prompt {
            item,
            added: args.redo_prompt.clone(),
        });
        let put_back = again.iter().map(|&item| Change::PutBack { item });
        let changes: Vec<Change> = prompts.chain(put_back).collect();
        db.commit(&changes, Durability::Power).await?;
        Ok(())
    }
}

/// Those of the complete ones among items whose pictures are whole; of the others it is told that
/// they are not.
async fn whole_of(
    items: impl Iterator<Item = &Item>,
    start: &Start,
    pictures: &Arc<Pictures>,
    db: &mut ProgressDb,
) -> anyhow::Result<Vec<Item>> {
    let is_complete = |item: &&Item| item.status == Status::Complete;
    let items: Vec<Item> = items.filter(is_complete).copied().collect();
    let damaged = damaged_items(db, pictures, start.size, &items, cores::count(), |_| ()).await?;
    let damaged: HashSet<i64> = damaged.into_iter().collect();
    let (damaged, whole): (Vec<Item>, Vec<Item>) = items
        .into_iter()
        .partition(|item| damaged.contains(&item.id));
    for item in damaged {
        tracing::warn!(
            "{}: a picture is missing or damaged, so that there is nothing to keep",
            item.block
        );
    }
    Ok(whole)
}

fn counted(count: usize, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}

/// `--keep`: puts earlier pictures of blocks in the place of those that are there now, which are
/// kept themselves. Calls nothing. Returns what was done, for people.
///
/// # Errors
/// When a quadrant is not planned or its block has no earlier pictures; then nothing was changed.
pub(crate) async fn bring_back(
    Versions(wanted): &Versions,
    start: &Start,
    items: &[Item],
    pictures: &Arc<Pictures>,
    db: &mut ProgressDb,
) -> anyhow::Result<String> {
    let candidates = start.layer.candidates();
    let mut chosen: Vec<(Item, u32)> = Vec::new();
    for &(quadrant, version) in wanted {
        let item = items.iter().find(|item| item.block.contains(quadrant));
        let item = *item.with_context(|| {
            format!("--keep {quadrant}: it is not in the plan, and nothing was changed")
        })?;
        if chosen.iter().any(|(other, _)| other.id == item.id) {
            continue;
        }
        let now = pictures.read_block(item.block).await?;
        let mut versions = candidates.versions(item.block)?;
        versions.retain(|other| version.is_none_or(|version| version == *other));
        let mut found = None;
        for version in versions.into_iter().rev() {
            let earlier = candidates.read(item.block, version)?;
            let Some(earlier) = earlier.filter(|earlier| are_whole(earlier, start)) else {
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
        let Some(found) = found else {
            bail!(
                "--keep {quadrant}: {} has no {} that differ from what is there, and nothing was changed",
                item.block,
                match version {
                    Some(version) => format!("pictures of version {version}"),
                    None => "earlier pictures".to_owned(),
                }
            );
        };
        chosen.push((item, found));
    }
    let mut told = String::new();
    for some in chosen.chunks(TOGETHER) {
        let mut changes = Vec::with_capacity(some.len());
        let mut staged = Vec::new();
        let replaced = some.iter().map(|(item, _)| item);
        for item in whole_of(replaced, start, pictures, db).await? {
            candidates.keep(item.block, pictures).await?;
        }
        for (item, version) in some {
            let earlier = candidates
                .read(item.block, *version)?
                .with_context(|| format!("version {version} of {} is gone", item.block))?;
            let mut records = Vec::with_capacity(earlier.len());
            for (quadrant, bytes) in earlier {
                records.push((quadrant, PictureRecord::of(&bytes)));
                staged.push(pictures.stage(quadrant, bytes)?);
            }
            changes.push(Change::Complete {
                item: item.id,
                pictures: records,
                at: unix_now(),
            });
            told += &format!("{}: version {version} is back\n", item.block);
        }
        candidates.sync().await?;
        fault_point("bringing_back");
        pictures.publish(staged, || ()).await?;
        db.commit(&changes, Durability::Power).await?;
    }
    let ids: Vec<i64> = chosen.iter().map(|(item, _)| item.id).collect();
    if start.config.shows_surroundings() {
        let followers = complete_followers(items, &ids);
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
    told += "nothing was called\n";
    Ok(told)
}

/// Whether all pictures can be decoded and have the size of a quadrant.
fn are_whole(pictures: &BlockPictures, start: &Start) -> bool {
    let is_whole =
        |bytes: &[u8]| decode_quadrant(bytes, start.size, &mut Buffers::default()).is_ok();
    pictures.iter().all(|(_, bytes)| is_whole(bytes))
}
