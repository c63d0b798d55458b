//! `--dry-run`: what would run where.

use std::fmt::Write as _;

use dispatch::{Handle, Queue};
use planner::{Pilot, Role};

use super::pilot;
use crate::endpoint::Endpoint;

/// How many items of a step are listed.
const LISTED: usize = 40;

/// Lists the items that would run and the endpoints that would get them, as if all calls took the
/// same time.
pub(crate) fn describe(
    queue: &Queue,
    pilot: Option<&Pilot>,
    endpoints: &[Endpoint],
    max_items: Option<usize>,
) -> String {
    let turns: Vec<&str> = turns(endpoints);
    let mut text = pilot.map_or_else(String::new, |pilot| pilot::told(pilot) + "\n");
    let (mut begun, mut only_precede) = (0, 0);
    let precedes = |&&handle: &&Handle| {
        pilot.is_some_and(|pilot| pilot.role(handle as usize) == Role::Precedes)
    };
    for (&step, counts) in queue.steps() {
        let items: Vec<_> = queue
            .upcoming()
            .filter(|&handle| queue.item(handle).step == step)
            .collect();
        let runs = items
            .len()
            .min(max_items.map_or(usize::MAX, |most| most.saturating_sub(begun)));
        let preceding = items[..runs].iter().filter(precedes).count();
        only_precede += preceding;
        let preceding = match preceding {
            0 => String::new(),
            _ => format!(", {preceding} of them only to precede others"),
        };
        let _ = writeln!(
            text,
            "[Step {step}] {runs} of {} items would run{preceding}; {} complete, {} failed, {} waiting on failed ones",
            counts.total(),
            counts.complete,
            counts.failed,
            counts.held_back
        );
        for (turn, &handle) in items[..runs].iter().take(LISTED).enumerate() {
            let item = queue.item(handle);
            let endpoint = turns
                .get((begun + turn) % turns.len().max(1))
                .copied()
                .unwrap_or("no endpoint");
            let _ = writeln!(text, "  item {}: {} -> {endpoint}", item.id, item.block);
        }
        if runs > LISTED {
            let _ = writeln!(text, "  … and {} more", runs - LISTED);
        }
        begun += runs;
    }
    let all = queue.totals();
    if all.failed > 0 {
        let _ = writeln!(
            text,
            "{} failed items, and {} that wait on them, run with --retry-errors only.",
            all.failed, all.held_back
        );
    }
    let only_precede = match only_precede {
        0 => String::new(),
        _ => format!(", {only_precede} of them only to precede others"),
    };
    let left = queue.outside().pending;
    if left > 0 {
        let _ = writeln!(
            text,
            "{left} items outside of the part are left to a run without --only."
        );
    }
    let _ = writeln!(
        text,
        "{begun} calls would be made{only_precede}; nothing was called and nothing was changed."
    );
    text
}

/// The endpoints in the order of their turns: round by round, each as often as it has slots.
fn turns(endpoints: &[Endpoint]) -> Vec<&str> {
    let rounds = endpoints
        .iter()
        .map(|endpoint| endpoint.slots)
        .max()
        .unwrap_or(0);
    (0..rounds)
        .flat_map(|round| {
            endpoints
                .iter()
                .filter(move |endpoint| endpoint.slots > round)
        })
        .map(|endpoint| endpoint.name.as_str())
        .collect()
}
