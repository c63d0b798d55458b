//! `--only`: a part of the plan first and alone.

use std::collections::HashSet;

use dispatch::{Queue, StepCounts, Turn};
use layer::{LayerConfig, Order, shell_quoted, shell_quoted_text};
use planner::{Item, Pilot, Quadrant, Role, Status};

use super::layer_state::Start;
use crate::args::Args;

/// Whether a part is to run alone.
pub(crate) fn is_asked_for(args: &Args) -> bool {
    args.only.is_some() || args.only_file.is_some()
}

/// The planned quadrants that `--only` or `--only-file` asks for; `None` where neither is given.
///
/// # Errors
/// When the text selects nothing that is planned.
pub(crate) fn asked_for(
    args: &Args,
    start: &Start,
    items: &[Item],
) -> anyhow::Result<Option<HashSet<Quadrant>>> {
    let (text, file) = (args.only.as_deref(), args.only_file.as_deref());
    start.selected("--only", text, file, items)
}

/// The failed items that `--retry-errors` runs again: all, or those of the part.
pub(crate) fn failed_to_run_again(
    items: &[Item],
    part: Option<&HashSet<Quadrant>>,
) -> HashSet<i64> {
    let is_failed = |item: &Item| item.status == Status::Error;
    let mut again = items.to_vec();
    let failed = again.iter_mut().filter(|item| is_failed(item));
    failed.for_each(|item| item.status = Status::Pending);
    let pilot = part.map(|part| Pilot::of(&again, part));
    let is_inside = |index| pilot_has(pilot.as_ref(), index);
    let own = items.iter().enumerate();
    let own = own.filter(|&(index, item)| is_failed(item) && is_inside(index));
    own.map(|(_, item)| item.id).collect()
}

/// Whether an item is of a part, or of all where none was asked for.
pub(crate) fn pilot_has(pilot: Option<&Pilot>, index: usize) -> bool {
    pilot.is_none_or(|pilot| pilot.role(index) != Role::Outside)
}

/// What runs of a plan, in the layer's order.
pub(crate) fn queue_of(items: Vec<Item>, pilot: Option<&Pilot>, config: &LayerConfig) -> Queue {
    let queue = match pilot {
        Some(pilot) => Queue::of_pilot(items, pilot),
        None => Queue::of(items),
    };
    match config.order {
        Order::Strict => queue,
        Order::Eager => queue.starting(Turn::eager(config.shows_surroundings())),
    }
}

/// The command that goes on with what is left of a run: with the part, as long as something of it
/// is, and then with the rest. `None` where nothing is left.
pub(crate) fn goes_on(args: &Args, queue: &Queue) -> Option<String> {
    let layer_dir = shell_quoted(&args.layer_dir);
    let all = format!("generate_full_map_layer --layer-dir {layer_dir}");
    let StepCounts { pending, .. } = queue.outside();
    match queue.current_step() {
        Some(_) => Some(match (&args.only, &args.only_file) {
            (Some(text), _) => format!("{all} --only {}", shell_quoted_text(text)),
            (None, Some(path)) => format!("{all} --only-file {}", shell_quoted(path)),
            (None, None) => all,
        }),
        None => (pending > 0).then_some(all),
    }
}
