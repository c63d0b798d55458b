//! Blocks that need no call: found, and finished before the first one.

use std::collections::HashSet;
use std::sync::Arc;

use layer::Pictures;
use planner::{Item, Status};
use progress_db::ProgressDb;
use report::{Looking, flat_water, teller};
use terminal::Printer;
use upkeep::{Uncalled, Uniform};

use super::layer_state::Start;

/// Looks at fewer items are not told of where there is no terminal.
const MANY: usize = 2000;

impl Start {
    /// What the layer's configuration says of blocks that need no call; `None` where it says nothing.
    ///
    /// # Errors
    /// When the source does not say what it goes by.
    pub(crate) async fn uniform(&self) -> anyhow::Result<Option<Uniform<'_>>> {
        let config = &self.config.uniform;
        if !config.is_on() {
            return Ok(None);
        }
        let source = (&self.source, self.config.source_layer);
        let (compression, threads) = (self.config.png_compression, cores::count());
        let uniform = Uniform::of(config, source, self.size, compression, threads);
        Ok(Some(uniform.await?))
    }

    /// Which of `items` will be made without a call, and which of the plan were.
    pub(crate) async fn find_uncalled(
        &self,
        uniform: Option<&Uniform<'_>>,
        pictures: &Arc<Pictures>,
        db: &mut ProgressDb,
        items: impl Iterator<Item = &Item> + Clone,
        printer: &Printer,
    ) -> anyhow::Result<Uncalled> {
        let many = items.clone().count();
        let tell = teller(printer, LOOKING, many);
        let mut upkeep = self.upkeep(pictures, db);
        let found = upkeep.uncalled(uniform, items, tell).await?;
        printer.show(Vec::new());
        Ok(found)
    }

    /// Completes the pending items that need no call, and says how many these are.
    ///
    /// # Errors
    /// When they cannot be made; and when others are pending and there is no endpoint for them, before
    /// any is made.
    pub(crate) async fn make_uncalled(
        &self,
        uniform: Option<&Uniform<'_>>,
        pictures: &Arc<Pictures>,
        db: &mut ProgressDb,
        items: &mut [Item],
        printer: &Printer,
    ) -> anyhow::Result<usize> {
        let Some(uniform) = uniform else {
            return Ok(0);
        };
        let pending: Vec<Item> = pending(items).copied().collect();
        if pending.is_empty() {
            return Ok(0);
        }
        let mut upkeep = self.upkeep(pictures, db);
        if let Err(error) = self.require_endpoints()
            && !upkeep.need_no_call(uniform, &pending).await?
        {
            return Err(error.into());
        }
        pictures.require_writable().await?;
        let tell = teller(printer, LOOKING, pending.len());
        let made = upkeep.make_uncalled(uniform, pending.iter(), tell).await?;
        printer.show(Vec::new());
        let among = items.iter_mut().filter(|item| made.contains(&item.id));
        among.for_each(|item| item.status = Status::Complete);
        if !made.is_empty() {
            printer.say(&flat_water(made.len()));
        }
        Ok(made.len())
    }
}

/// The items that are to be made.
pub(crate) fn pending(items: &[Item]) -> impl Iterator<Item = &Item> + Clone {
    let is_open = |item: &&Item| matches!(item.status, Status::Pending | Status::InProgress);
    items.iter().filter(is_open)
}

/// Those of `items` that are complete and were made without a call.
pub(crate) async fn complete_uncalled(
    db: &mut ProgressDb,
    items: &[Item],
) -> anyhow::Result<HashSet<i64>> {
    let mut uncalled = db.uncalled().await?;
    let complete = items.iter().filter(|item| item.status == Status::Complete);
    let complete: HashSet<i64> = complete.map(|item| item.id).collect();
    uncalled.retain(|item| complete.contains(item));
    Ok(uncalled)
}

const LOOKING: Looking = Looking {
    label: "looking",
    line: |seen, all| format!("looked at {seen} of {all} pending items for flat water"),
    many: MANY,
};
