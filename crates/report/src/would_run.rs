//! `--dry-run`: what would run where.

use std::fmt::Write as _;

use dispatch::Queue;

use crate::Member;

/// How many items of a step are listed.
const LISTED: usize = 40;

/// Lists the items that would run and the endpoints that would get them, as if all calls took the
/// same time.
#[must_use]
pub fn would_run(queue: &Queue, endpoints: &[Member<'_>], max_items: Option<usize>) -> String {
    let turns: Vec<&str> = turns(endpoints);
    let mut text = String::new();
    let mut begun = 0;
    for (&step, counts) in queue.steps() {
        let items: Vec<_> = queue
            .upcoming()
            .filter(|&handle| queue.item(handle).step == step)
            .collect();
        let runs = items
            .len()
            .min(max_items.map_or(usize::MAX, |most| most.saturating_sub(begun)));
        let _ = writeln!(
            text,
            "[Step {step}] {runs} of {} items would run; {} complete, {} failed, {} waiting on failed ones",
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
    let _ = writeln!(
        text,
        "{begun} calls would be made; nothing was called and nothing was changed."
    );
    text
}

/// The endpoints in the order of their turns: round by round, each as often as it has slots.
fn turns<'a>(endpoints: &[Member<'a>]) -> Vec<&'a str> {
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
        .map(|endpoint| endpoint.name)
        .collect()
}
