//! `--resume`: which finished pictures are missing or damaged, and what follows from that.

use std::collections::HashSet;
use std::sync::Arc;

use layer::Pictures;
use planner::{Item, Status, complete_followers};
use progress_db::ProgressDb;
use report::{Looking, teller};
use terminal::Printer;
use upkeep::{Uniform, damaged_items};

use super::layer_state::Start;

/// The complete items that `--resume` puts back: those whose pictures are missing or damaged, and
/// where canvases show finished neighbours also all that were drawn to join them.
pub(super) async fn find_to_make_again(
    start: &Start,
    uniform: Option<&Uniform<'_>>,
    pictures: &Arc<Pictures>,
    db: &mut ProgressDb,
    items: &[Item],
    printer: &Printer,
) -> anyhow::Result<HashSet<i64>> {
    let mut again = find_damaged(start, pictures, db, items, printer).await?;
    if start.config.shows_surroundings() && !again.is_empty() {
        let damaged: HashSet<i64> = again.iter().copied().collect();
        let damaged = items.iter().filter(|item| damaged.contains(&item.id));
        let uncalled = start.find_uncalled(uniform, pictures, db, damaged, printer);
        let uncalled = uncalled.await?;
        let changing = uncalled.changing(&again);
        let followers = complete_followers(items, &changing, &uncalled.before);
        if !changing.is_empty() {
            tracing::info!(
                "the canvas is infill, so the complete items that were drawn to join these are made again too: {} more calls",
                followers.len()
            );
        }
        again.extend(followers);
    }
    Ok(again.into_iter().collect())
}

async fn find_damaged(
    start: &Start,
    pictures: &Arc<Pictures>,
    db: &mut ProgressDb,
    items: &[Item],
    printer: &Printer,
) -> anyhow::Result<Vec<i64>> {
    let is_complete = |item: &&Item| item.status == Status::Complete;
    let complete = items.iter().filter(is_complete).count();
    let checking = Looking {
        label: "checking",
        line: |checked, all| format!("checked the pictures of {checked} of {all} complete items"),
        many: 0,
    };
    let tell = teller(printer, checking, complete);
    let damaged = damaged_items(db, pictures, start.size, items, cores::count(), tell).await?;
    printer.show(Vec::new());
    tracing::info!(
        "{complete} complete items checked: {} have missing or damaged pictures and are made again",
        damaged.len()
    );
    Ok(damaged)
}
