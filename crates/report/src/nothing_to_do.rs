//! What is told where nothing is left to be called.

use std::fmt::Write as _;

use dispatch::Queue;

/// How the items of a plan, or of its part, stand where none of them can run; and why it is not done,
/// where it is not. `made` items were just made without a call, `lacks` tells what is missing all the
/// same, and `goes_on` is the command for what is outside of the part.
#[must_use]
pub fn nothing_to_do(
    queue: &Queue,
    made: usize,
    lacks: &[String],
    goes_on: Option<&str>,
) -> (String, Option<String>) {
    let mut text = match made {
        0 => String::new(),
        made => flat_water(made) + "\n",
    };
    for (step, counts) in queue.steps() {
        let _ = writeln!(
            text,
            "[Step {step}] {}/{} complete, {} errors",
            counts.complete,
            counts.total(),
            counts.failed
        );
    }
    let (all, outside) = (queue.totals(), queue.outside());
    if all.failed + all.held_back > 0 {
        let reason = format!(
            "{} items failed and {} wait on them; --retry-errors runs them again.",
            all.failed, all.held_back
        );
        let _ = writeln!(text, "{reason}");
        return (text, Some(reason));
    }
    let end = match lacks {
        [] => "; there is nothing to do",
        _ => ", but not all is there",
    };
    let of = match outside.total() {
        0 => "",
        _ => " of the part",
    };
    let _ = writeln!(text, "All {} items{of} are complete{end}.", all.complete);
    if let Some(command) = goes_on {
        let left = outside.pending;
        let _ = writeln!(
            text,
            "{left} items outside of it are left to run. To go on:\n  {command}"
        );
    }
    (text, None)
}

/// As in `812 blocks of flat water, no call`.
#[must_use]
pub fn flat_water(blocks: usize) -> String {
    let ending = if blocks == 1 { "" } else { "s" };
    format!("{blocks} block{ending} of flat water, no call")
}
