//! What the user reads at the end of a run.

use std::fmt::Write as _;
use std::time::Duration;

use dispatch::Queue;

use crate::cpu_time::CpuTime;
use crate::dispatch::Tally;
use crate::pool::Pool;
use crate::report::duration_text;

/// The summary of a run: per step, per endpoint, and in all.
pub(crate) fn summarize(
    queue: &Queue,
    pool: &Pool,
    tally: &Tally,
    elapsed: Duration,
    cpu_time: &CpuTime,
) -> String {
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
    let _ = writeln!(
        text,
        "\n {:longest$}   calls   saved  wasted  mean call",
        "endpoint"
    );
    let (mut calls, mut saved) = (0, 0);
    for member in pool.members() {
        let own = member.tally;
        let mean = match u32::try_from(own.pictures) {
            Ok(pictures @ 1..) => format!("{:.2} s", (own.busy / pictures).as_secs_f64()),
            _ => "-".to_owned(),
        };
        let out = member
            .out()
            .map(|reason| format!("  out: {reason}"))
            .unwrap_or_default();
        let _ = writeln!(
            text,
            " {:longest$}  {:>6}  {:>6}  {:>6}  {mean:>9}{out}",
            member.name(),
            own.calls,
            own.saved,
            own.calls - own.saved
        );
        calls += own.calls;
        saved += own.saved;
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
    let _ = writeln!(text, "{cpu_time}.");
    if tally.resized + tally.stretched > 0 {
        let _ = writeln!(
            text,
            "warning: {} answers had another size than the canvas and were resized{}.",
            tally.resized + tally.stretched,
            if tally.stretched > 0 {
                format!(
                    "; {} of them had another aspect ratio and were stretched",
                    tally.stretched
                )
            } else {
                String::new()
            }
        );
    }
    text
}
