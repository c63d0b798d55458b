//! `--only`: a part of the plan first and alone.

use std::collections::HashSet;

use dispatch::{Queue, StepCounts, Turn};
use layer::{LayerConfig, Order, shell_quoted, shell_quoted_text};
use planner::{Item, Pilot, Quadrant, Status};

use super::layer_state::Start;
use crate::args::Args;

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
    let failed = items.iter().filter(|item| item.status == Status::Error);
    match part {
        None => failed.map(|item| item.id).collect(),
        Some(part) => Pilot::failed(items, part),
    }
}

/// What runs of a plan, in the layer's order.
pub(crate) fn queue_of(items: Vec<Item>, pilot: Option<&Pilot>, config: &LayerConfig) -> Queue {
    let queue = match pilot {
        Some(pilot) => Queue::of_pilot(items, pilot),
        None => Queue::of(items),
    };
    match config.order {
        Order::Strict => queue,
        Order::Eager => queue.starting(Turn::eager(config.may_show_surroundings())),
    }
}

/// The flag that asks for a part, after a blank; nothing where none is asked for.
pub(crate) fn part_text(args: &Args) -> String {
    match (&args.only, &args.only_file) {
        (Some(text), _) => format!(" --only {}", shell_quoted_text(text)),
        (None, Some(path)) => format!(" --only-file {}", shell_quoted(path)),
        (None, None) => String::new(),
    }
}

/// The command that goes on with what is left of a run: with the part, as long as something of it
/// is, and then with the rest. `None` where nothing is left.
pub(crate) fn goes_on(args: &Args, queue: &Queue) -> Option<String> {
    let layer_dir = shell_quoted(&args.layer_dir);
    let more = args.endpoints_file.as_deref().map(shell_quoted);
    let more = more.map_or_else(String::new, |file| format!(" --endpoints-file {file}"));
    // Who has accepted another source goes on with that.
    let accepted = match args.accept_source_change {
        true => " --accept-source-change",
        false => "",
    };
    let all = format!("generate_full_map_layer --layer-dir {layer_dir}{more}{accepted}");
    let StepCounts { pending, .. } = queue.outside();
    match queue.current_step() {
        Some(_) => Some(format!("{all}{}", part_text(args))),
        None => (pending > 0).then_some(all),
    }
}
