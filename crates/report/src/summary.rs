//! What the user reads at the end of a run.

use std::fmt;

use dispatch::{Money, StepCounts, duration_text};
use terminal::failed;

use crate::figures::{Besides, Figures};
use crate::pilot_told::PilotTold;

/// The summary of a run: per step, per endpoint, and in all.
impl fmt::Display for Figures<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_steps(f)?;
        self.write_endpoints(f)?;
        self.write_run(f)
    }
}

impl Figures<'_> {
    fn write_steps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n step   items  complete  failed  waiting  pending")?;
        for (step, counts) in self.dispatcher.queue().steps() {
            writeln!(
                f,
                "    {step}  {:>6}  {:>8}  {}  {:>7}  {:>7}",
                counts.total(),
                counts.complete,
                marked(counts.failed, format!("{:>6}", counts.failed)),
                counts.held_back,
                counts.pending + counts.taken
            )?;
        }
        Ok(())
    }

    fn write_endpoints(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.endpoints.iter().map(|own| own.name.chars().count());
        let longest = names.max().unwrap_or(0).max(8);
        let has_costs = self.has_costs();
        writeln!(
            f,
            "\n {:longest$}   calls   saved  wasted  rejected  mean call{}",
            "endpoint",
            if has_costs { "       cost" } else { "" }
        )?;
        for own in &self.endpoints {
            let mean = own.mean_call().map_or_else(
                || "-".to_owned(),
                |mean| format!("{:.2} s", mean.as_secs_f64()),
            );
            let out = own.out.map_or_else(String::new, |reason| {
                failed(format_args!("  out: {reason}"))
            });
            let gone = if own.is_gone { "  gone" } else { "" };
            let settled = own
                .settled_on
                .map_or_else(String::new, |width| format!("  auto: {width} at a time"));
            let cost = match (has_costs, own.has_price) {
                (false, _) => String::new(),
                (true, true) => format!("  {:>9}", own.tally.cost.to_string()),
                (true, false) => format!("  {:>9}", "?"),
            };
            let refused = own.refused.iter();
            let refused = refused.map(|(check, count)| format!("{check} {count}"));
            let refused = match refused.collect::<Vec<_>>().join(", ") {
                checks if checks.is_empty() => checks,
                checks => format!("  rejected for {checks}"),
            };
            writeln!(
                f,
                " {:longest$}  {:>6}  {:>6}  {:>6}  {:>8}  {mean:>9}{cost}{settled}{refused}{out}{gone}",
                own.name,
                own.tally.calls,
                own.tally.saved,
                own.wasted(),
                own.tally.not_accepted,
            )?;
        }
        Ok(())
    }

    fn write_run(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &Besides {
            elapsed,
            cpu_time,
            ref strangers,
            currency,
            resized,
            stretched,
            lost,
            goes_on,
            pilot,
            ..
        } = self.besides;
        let tally = self.tally();
        let of_failed = format!("{} failed", tally.items_failed);
        writeln!(
            f,
            "\n{} items complete, {}; {} quadrants in {} ({:.1} quadrants/s); {} calls made, {} wasted.",
            tally.items_completed,
            marked(tally.items_failed, of_failed),
            tally.quadrants_completed,
            duration_text(elapsed),
            self.quadrants_per_s(),
            self.sum(|endpoint| endpoint.tally.calls),
            self.wasted(),
        )?;
        if self.has_costs() {
            let is_all = self
                .endpoints
                .iter()
                .all(|own| own.has_price || own.tally.calls == 0);
            writeln!(
                f,
                "{}{} {currency} for {} calls that are paid for, {} a quadrant.",
                if is_all { "" } else { "at least " },
                tally.cost,
                tally.calls_paid,
                Money::of(tally.cost.units() / tally.quadrants_completed.max(1) as f64),
            )?;
        }
        writeln!(f, "{cpu_time}.")?;
        let rejected = self.sum(|endpoint| endpoint.tally.not_accepted);
        if rejected > 0 {
            let kept = match pilot {
                _ if tally.items_failed == 0 => String::new(),
                None => "; the best for each failed block is in rejected/, and --accept X,Y takes it as it is".to_owned(),
                Some(PilotTold { place, .. }) => format!("; the best for each failed block is in {place}/rejected"),
            };
            writeln!(
                f,
                "{rejected} of the calls brought pictures that were not good enough{kept}."
            )?;
        }
        for stranger in strangers {
            writeln!(
                f,
                "warning: {stranger}: what it drew before that was seen is in the layer; --explain X,Y tells who drew what, --redo draws it again."
            )?;
        }
        if tally.comparisons > 0 {
            writeln!(
                f,
                "{} of the calls were made to learn whether a block fails or its endpoint is away.",
                tally.comparisons
            )?;
        }
        if resized + stretched > 0 {
            writeln!(
                f,
                "warning: {} answers had another size than the canvas and were resized{}.",
                resized + stretched,
                if stretched > 0 {
                    format!("; {stretched} of them had another aspect ratio and were stretched")
                } else {
                    String::new()
                }
            )?;
        }
        if lost > 0 {
            let then = match pilot {
                None => "are pending again",
                Some(_) => "are not in the pilot",
            };
            writeln!(
                f,
                "{lost} calls under way were given up, and their blocks {then}."
            )?;
        }
        if let Some(pilot) = pilot {
            pilot.write(self.all(), f)?;
        }
        if let Some(command) = goes_on {
            let left = left_to_run(self.all(), self.dispatcher.queue().outside());
            writeln!(
                f,
                "{left}; what is complete is safe. To go on:\n  {command}"
            )?;
        }
        Ok(())
    }
}

/// A text that stands out when there is something to count.
fn marked(count: usize, text: String) -> String {
    if count > 0 { failed(text) } else { text }
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
