//! `--dry-run`: what would run where.

use std::fmt::Write as _;

use dispatch::{EndpointLimits, Queue, turns};

/// How many items of a step are listed.
const LISTED: usize = 40;

/// Lists the items that would run and the endpoints that would get them, as if all calls took the
/// same time.
#[must_use]
pub fn would_run(queue: &Queue, endpoints: &[EndpointLimits], max_items: Option<usize>) -> String {
    // One that adapts begins with one call.
    let slots = endpoints.iter().map(|endpoint| match endpoint.adapts {
        true => 1,
        false => endpoint.slots,
    });
    let slots: Vec<usize> = slots.collect();
    let turns: Vec<&str> = turns(&slots)
        .map(|index| endpoints[index].name.as_str())
        .collect();
    let mut text = part_that_runs(queue).map_or_else(String::new, |told| told + "\n");
    let (mut begun, mut only_precede) = (0, 0);
    for (&step, counts) in queue.steps() {
        let items: Vec<_> = queue
            .upcoming()
            .filter(|&handle| queue.item(handle).step == step)
            .collect();
        let runs = items
            .len()
            .min(max_items.map_or(usize::MAX, |most| most.saturating_sub(begun)));
        let preceding = items[..runs].iter();
        let preceding = preceding
            .filter(|&&handle| queue.only_precedes(handle))
            .count();
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

/// As in `only a part runs: 9 of 25 items, 7 that hold what was asked for and 2 that must precede
/// them`; `None` where all of the plan runs.
#[must_use]
pub fn part_that_runs(queue: &Queue) -> Option<String> {
    let (inside, outside) = (queue.totals().total(), queue.outside().total());
    let before = (0..).zip(queue.items());
    let before = before.filter(|&(handle, _)| queue.only_precedes(handle));
    let before = before.count();
    let besides = match before {
        0 => String::new(),
        _ => format!(" and {before} that must precede them"),
    };
    (outside > 0).then(|| {
        format!(
            "only a part runs: {inside} of {} items, {} that hold what was asked for{besides}",
            inside + outside,
            inside - before
        )
    })
}
