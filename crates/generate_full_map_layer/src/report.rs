//! What a run shows: lines, or bars where there is a terminal, and a summary at its end.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use dispatch::StepCounts;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::time::Instant;

/// The time between two lines of progress, where there is no terminal.
const BETWEEN_LINES: Duration = Duration::from_secs(15);

/// Shows how far a run is.
pub(crate) struct Report {
    bars: MultiProgress,
    terminal: bool,
    started: Instant,
    steps: BTreeMap<u8, StepReport>,
    last_line: Instant,
}

struct StepReport {
    bar: ProgressBar,
    at_start: usize,
    counts: StepCounts,
    started: Option<Instant>,
    shown_tenth: usize,
    finished: bool,
}

impl Report {
    /// A report of a run that starts with these counts.
    pub(crate) fn new(bars: MultiProgress, steps: &BTreeMap<u8, StepCounts>) -> Self {
        let now = Instant::now();
        let terminal = !bars.is_hidden();
        let style = ProgressStyle::with_template("[Step {prefix}] {bar:24} {msg}")
            .expect("the template is right")
            .progress_chars("━╸─");
        let steps = steps
            .iter()
            .map(|(&step, &counts)| {
                let bar = bars.add(ProgressBar::new(counts.total() as u64));
                bar.set_style(style.clone());
                bar.set_prefix(step.to_string());
                let report = StepReport {
                    bar,
                    at_start: counts.complete,
                    counts,
                    started: None,
                    shown_tenth: tenth(&counts),
                    finished: counts.is_finished(),
                };
                (step, report)
            })
            .collect();
        let mut report = Self {
            bars,
            terminal,
            started: now,
            steps,
            last_line: now,
        };
        report.draw(now);
        report
    }

    /// Prints a line for people to read.
    pub(crate) fn say(&self, line: &str) {
        self.bars.suspend(|| {
            // A reader that has gone away is no reason to end a run.
            let _ = writeln!(std::io::stdout(), "{line}");
        });
    }

    /// Takes in new counts, and shows what is worth a line.
    pub(crate) fn update(&mut self, steps: &BTreeMap<u8, StepCounts>, now: Instant) {
        let mut lines = Vec::new();
        for (step, counts) in steps {
            let Some(report) = self.steps.get_mut(step) else {
                continue;
            };
            if report.counts == *counts {
                continue;
            }
            report.counts = *counts;
            if counts.taken > 0 && report.started.is_none() {
                report.started = Some(now);
            }
            let ends = counts.is_finished() && !report.finished;
            let is_due =
                tenth(counts) > report.shown_tenth || now - self.last_line >= BETWEEN_LINES;
            report.shown_tenth = report.shown_tenth.max(tenth(counts));
            report.finished = counts.is_finished();
            if ends || (is_due && !self.terminal && counts.taken > 0) {
                lines.push(report.line(*step, now));
                self.last_line = now;
            }
        }
        for line in lines {
            self.say(&line);
        }
        self.draw(now);
    }

    fn draw(&mut self, now: Instant) {
        if !self.terminal {
            return;
        }
        for report in self.steps.values() {
            report.bar.set_position(report.counts.complete as u64);
            report.bar.set_message(report.text(now));
        }
    }

    /// Takes the bars away.
    pub(crate) fn finish(&self) {
        for report in self.steps.values() {
            report.bar.finish_and_clear();
        }
    }

    /// How long the run has taken.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl StepReport {
    fn line(&self, step: u8, now: Instant) -> String {
        format!("[Step {step}] {}", self.text(now))
    }

    /// As in `45/100 complete (45%), 2 errors, 3.1 items/s, 18s left`.
    fn text(&self, now: Instant) -> String {
        let counts = &self.counts;
        let total = counts.total();
        let percent = (100 * counts.complete).checked_div(total).unwrap_or(100);
        let errors = if counts.failed == 1 {
            "1 error".to_owned()
        } else {
            format!("{} errors", counts.failed)
        };
        let mut text = format!(
            "{}/{total} complete ({percent}%), {errors}",
            counts.complete
        );
        if counts.held_back > 0 {
            let _ = write!(text, ", {} waiting on them", counts.held_back);
        }
        let done = counts.complete - self.at_start.min(counts.complete);
        if let Some(started) = self.started
            && done > 0
        {
            let seconds = (now - started).as_secs_f64().max(1e-3);
            let rate = done as f64 / seconds;
            let _ = write!(text, ", {}", rate_text(rate));
            let left = counts.pending + counts.taken;
            if left > 0 {
                let _ = write!(
                    text,
                    ", {} left",
                    duration_text(Duration::from_secs_f64(left as f64 / rate))
                );
            }
        }
        text
    }
}

fn tenth(counts: &StepCounts) -> usize {
    (10 * counts.complete)
        .checked_div(counts.total())
        .unwrap_or(10)
}

fn rate_text(per_second: f64) -> String {
    if per_second >= 0.5 {
        format!("{per_second:.1} items/s")
    } else if per_second * 60.0 >= 0.5 {
        format!("{:.1} items/min", per_second * 60.0)
    } else {
        format!("{:.1} items/h", per_second * 3600.0)
    }
}

/// A duration in its two greatest units, as in `3h 12m`.
pub(crate) fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs_f64().round() as u64;
    let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60);
    if days > 0 {
        format!("{days}d {hours}h")
    } else if hours > 0 {
        format!("{hours}h {minutes}m")
    } else if minutes > 0 {
        format!("{minutes}m {}s", seconds % 60)
    } else {
        format!("{seconds}s")
    }
}
