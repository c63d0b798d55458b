//! How far a run is: bars where there is a terminal, else a line from time to time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use dispatch::{Dispatcher, EndpointIndex, StepCounts, duration_text};
use planner::Item;
use terminal::{Bar, Printer};

use crate::events::{Done, tell_complete, tell_failed, tell_out, tell_wasted};

/// The time between two lines of progress, where there is no terminal.
const BETWEEN_LINES: Duration = Duration::from_secs(15);

/// Shows how far a run is.
pub struct Progress {
    printer: Printer,
    started: Instant,
    steps: BTreeMap<u8, StepState>,
    complete_at_start: usize,
    calls: u64,
    last_line: Instant,
    /// Which endpoints were told to be out.
    told_out: BTreeSet<EndpointIndex>,
    /// Whether a call failed since that was looked at.
    may_be_out: bool,
}

struct StepState {
    counts: StepCounts,
    shown_tenth: usize,
    finished: bool,
}

impl Progress {
    /// The progress of a run that starts with these counts.
    pub fn new(printer: Printer, steps: &BTreeMap<u8, StepCounts>) -> Self {
        let now = Instant::now();
        let state = |&counts: &StepCounts| StepState {
            counts,
            shown_tenth: tenth(&counts),
            finished: counts.is_finished(),
        };
        let progress = Self {
            printer,
            started: now,
            complete_at_start: steps.values().map(|counts| counts.complete).sum(),
            steps: steps
                .iter()
                .map(|(&step, counts)| (step, state(counts)))
                .collect(),
            calls: 0,
            last_line: now,
            told_out: BTreeSet::new(),
            may_be_out: true,
        };
        progress.draw();
        progress
    }

    /// Prints a line for people to read.
    pub fn say(&self, line: &str) {
        self.printer.say(line);
    }

    /// An item is complete.
    pub fn item_complete(&self, dispatcher: &Dispatcher, done: &Done) {
        tell_complete(dispatcher, done);
    }

    /// An item failed.
    pub fn item_failed(&self, dispatcher: &Dispatcher, item: Item, message: &str) {
        tell_failed(dispatcher, &item, message);
    }

    /// A call saved nothing; `outcome` is how the database names its end.
    pub fn call_wasted(
        &mut self,
        dispatcher: &Dispatcher,
        (item, endpoint): (Item, EndpointIndex),
        outcome: &str,
        message: Option<&str>,
    ) {
        self.may_be_out = true;
        tell_wasted(dispatcher, (&item, endpoint), outcome, message);
    }

    /// Takes in new counts, and shows what is worth a line.
    pub fn update(&mut self, dispatcher: &Dispatcher) {
        // There may be a thousand endpoints, and this is called for each thing that happens.
        if std::mem::take(&mut self.may_be_out) {
            self.tell_who_is_out(dispatcher);
        }
        let now = Instant::now();
        let mut due = Vec::new();
        for (step, counts) in dispatcher.queue().steps() {
            let Some(state) = self.steps.get_mut(step) else {
                continue;
            };
            if state.counts == *counts {
                continue;
            }
            state.counts = *counts;
            let ends = counts.is_finished() && !state.finished;
            let is_due = tenth(counts) > state.shown_tenth || now - self.last_line >= BETWEEN_LINES;
            state.shown_tenth = state.shown_tenth.max(tenth(counts));
            state.finished = counts.is_finished();
            if ends || (is_due && !self.printer.is_terminal() && counts.taken > 0) {
                due.push(*step);
            }
        }
        if !due.is_empty() || self.printer.is_terminal() {
            let members = dispatcher.pool().members().iter();
            self.calls = members.map(|member| member.tally().calls).sum();
        }
        for step in due {
            self.last_line = now;
            let line = format!(
                "[Step {step}] {}; all: {}",
                step_text(&self.steps[&step].counts),
                self.all_text()
            );
            self.printer.say_how_far(&line);
        }
        self.draw();
    }

    fn tell_who_is_out(&mut self, dispatcher: &Dispatcher) {
        for (endpoint, member) in dispatcher.pool().members().iter().enumerate() {
            if let Some(reason) = member.out()
                && self.told_out.insert(endpoint)
            {
                tell_out(member.name(), reason);
            }
        }
    }

    /// How long the run has taken.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn draw(&self) {
        if !self.printer.is_terminal() {
            return;
        }
        let mut bars: Vec<Bar> = self
            .steps
            .iter()
            .map(|(step, state)| Bar {
                label: format!("[Step {step}]"),
                done: state.counts.complete as u64,
                of: state.counts.total() as u64,
                text: step_text(&state.counts),
            })
            .collect();
        let all = self.all();
        bars.push(Bar {
            label: "all".to_owned(),
            done: all.complete as u64,
            of: all.total() as u64,
            text: self.all_text(),
        });
        self.printer.show(bars);
    }

    fn all(&self) -> StepCounts {
        let mut all = StepCounts::default();
        for StepState { counts, .. } in self.steps.values() {
            all.pending += counts.pending;
            all.held_back += counts.held_back;
            all.taken += counts.taken;
            all.complete += counts.complete;
            all.failed += counts.failed;
        }
        all
    }

    /// As in `45/100 items (45%), 3.1 items/s, 18s left, 47 calls, 2 failed`.
    fn all_text(&self) -> String {
        let all = self.all();
        let mut text = format!(
            "{}/{} items ({}%)",
            all.complete,
            all.total(),
            percent(&all)
        );
        let done = all.complete - self.complete_at_start.min(all.complete);
        let left = all.pending + all.taken;
        if done > 0 {
            let seconds = self.started.elapsed().as_secs_f64().max(1e-3);
            let rate = done as f64 / seconds;
            let _ = write!(text, ", {}", rate_text(rate));
            if left > 0 {
                let left = Duration::from_secs_f64(left as f64 / rate);
                let _ = write!(text, ", {} left", duration_text(left));
            }
        }
        let _ = write!(text, ", {} calls, {} failed", self.calls, all.failed);
        text
    }
}

/// As in `45/100 complete (45%), 2 errors, 7 waiting on them`.
fn step_text(counts: &StepCounts) -> String {
    let errors = if counts.failed == 1 {
        "1 error".to_owned()
    } else {
        format!("{} errors", counts.failed)
    };
    let mut text = format!(
        "{}/{} complete ({}%), {errors}",
        counts.complete,
        counts.total(),
        percent(counts)
    );
    if counts.held_back > 0 {
        let _ = write!(text, ", {} waiting on them", counts.held_back);
    }
    text
}

fn percent(counts: &StepCounts) -> usize {
    (100 * counts.complete)
        .checked_div(counts.total())
        .unwrap_or(100)
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
