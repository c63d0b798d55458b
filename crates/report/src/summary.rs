//! What the user reads at the end of a run.

use std::fmt::Write as _;
use std::time::Duration;

use dispatch::{Dispatcher, EndpointIndex, Money, StepCounts, duration_text};

/// What the dispatcher does not know.
pub struct Besides<'a> {
    /// How long the run took.
    pub elapsed: Duration,
    /// Where its processor time went.
    pub cpu_time: &'a dyn std::fmt::Display,
    /// Answers of another size than their canvas.
    pub resized: usize,
    /// Those of them with another aspect ratio, which are not counted as resized.
    pub stretched: usize,
    /// Which checks an endpoint's pictures did not pass, for people.
    pub refused: &'a dyn Fn(EndpointIndex) -> String,
    /// The currency of prices.
    pub currency: &'a str,
    /// Calls that were given up, or whose answers could not be saved.
    pub lost: usize,
    /// The command that goes on, where something is left to do.
    pub goes_on: Option<&'a str>,
}

/// The summary of a run: per step, per endpoint, and in all.
pub fn summarize(dispatcher: &Dispatcher, besides: &Besides<'_>) -> String {
    let (queue, pool, tally) = (dispatcher.queue(), dispatcher.pool(), dispatcher.tally());
    let &Besides {
        elapsed,
        cpu_time,
        resized,
        stretched,
        refused,
        currency,
        lost,
        goes_on,
    } = besides;
    let mut text = String::new();
    let _ = writeln!(text, "\n step   items  complete  failed  waiting  pending");
    for (step, counts) in queue.steps() {
        let _ = writeln!(
            text,
            "    {step}  {:>6}  {:>8}  {:>6}  {:>7}  {:>7}",
            counts.total(),
            counts.complete,
            counts.failed,
            counts.held_back,
            counts.pending + counts.taken
        );
    }
    let longest = pool
        .members()
        .iter()
        .map(|member| member.name().chars().count())
        .max()
        .unwrap_or(0)
        .max(8);
    let has_prices = pool
        .members()
        .iter()
        .any(|member| member.tally().cost > Money::ZERO);
    let _ = writeln!(
        text,
        "\n {:longest$}   calls   saved  wasted  rejected  mean call{}",
        "endpoint",
        if has_prices { "       cost" } else { "" }
    );
    let (mut calls, mut saved, mut rejected) = (0, 0, 0);
    for (endpoint, member) in pool.members().iter().enumerate() {
        let own = member.tally();
        let mean = match u32::try_from(own.pictures) {
            Ok(pictures @ 1..) => format!("{:.2} s", (own.busy / pictures).as_secs_f64()),
            _ => "-".to_owned(),
        };
        let out = member
            .out()
            .map(|reason| format!("  out: {reason}"))
            .unwrap_or_default();
        let cost = match (has_prices, member.has_price()) {
            (false, _) => String::new(),
            (true, true) => format!("  {:>9}", own.cost.to_string()),
            (true, false) => format!("  {:>9}", "?"),
        };
        let refused = match refused(endpoint) {
            checks if checks.is_empty() => checks,
            checks => format!("  rejected for {checks}"),
        };
        let _ = writeln!(
            text,
            " {:longest$}  {:>6}  {:>6}  {:>6}  {:>8}  {mean:>9}{cost}{refused}{out}",
            member.name(),
            own.calls,
            own.saved,
            own.calls - own.saved,
            own.not_accepted,
        );
        calls += own.calls;
        saved += own.saved;
        rejected += own.not_accepted;
    }
    let rate = tally.quadrants_completed as f64 / elapsed.as_secs_f64().max(1e-3);
    let _ = writeln!(
        text,
        "\n{} items complete, {} failed; {} quadrants in {} ({rate:.1} quadrants/s); {calls} calls made, {} wasted.",
        tally.items_completed,
        tally.items_failed,
        tally.quadrants_completed,
        duration_text(elapsed),
        calls - saved
    );
    if has_prices {
        let is_all = pool
            .members()
            .iter()
            .all(|member| member.has_price() || member.tally().calls == 0);
        let _ = writeln!(
            text,
            "{}{} {currency} for {} calls that are paid for, {} a quadrant.",
            if is_all { "" } else { "at least " },
            tally.cost,
            tally.calls_paid,
            Money::of(tally.cost.units() / tally.quadrants_completed.max(1) as f64),
        );
    }
    let _ = writeln!(text, "{cpu_time}.");
    if rejected > 0 {
        let _ = writeln!(
            text,
            "{rejected} of the calls brought pictures that were not good enough{}.",
            if tally.items_failed > 0 {
                "; the best for each failed block is in rejected/, and --accept X,Y takes it as it is"
            } else {
                ""
            }
        );
    }
    if tally.comparisons > 0 {
        let _ = writeln!(
            text,
            "{} of the calls were made to learn whether a block fails or its endpoint is away.",
            tally.comparisons
        );
    }
    if resized + stretched > 0 {
        let _ = writeln!(
            text,
            "warning: {} answers had another size than the canvas and were resized{}.",
            resized + stretched,
            if stretched > 0 {
                format!("; {stretched} of them had another aspect ratio and were stretched")
            } else {
                String::new()
            }
        );
    }
    if lost > 0 {
        let _ = writeln!(
            text,
            "{lost} calls under way were given up, and their blocks are pending again."
        );
    }
    if let Some(command) = goes_on {
        let left = left_to_run(queue.totals(), queue.outside());
        let _ = writeln!(
            text,
            "{left}; what is complete is safe. To go on:\n  {command}"
        );
    }
    text
}

/// What is left of a plan, or of a part of it and outside of that.
fn left_to_run(all: StepCounts, outside: StepCounts) -> String {
    let left = all.pending + all.taken;
    match (left, outside.pending, outside.total()) {
        (_, _, 0) => format!("{left} items are left to run"),
        (0, outside, _) if all.failed + all.held_back == 0 => {
            format!(
                "The part that was asked for is done, and {outside} items outside of it are left to run"
            )
        }
        (0, outside, _) => format!("{outside} items outside of the part are left to run"),
        (_, outside, _) => {
            format!("{left} items of the part are left to run, and {outside} outside of it")
        }
    }
}
