//! What those who watch a run may see of it.

use super::{CanvasState, Dispatcher};
use crate::{Ending, Member, Moment, Money, duration_text};

/// So many endpoints are named where a line says why nothing happens.
const NAMED: usize = 3;

/// What is on its way through a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InFlight {
    /// Canvases that are being drawn.
    pub canvases_coming: usize,
    /// Canvases that wait for an endpoint.
    pub canvases_ready: usize,
    /// Calls under way.
    pub calls: usize,
    /// Answers that are being looked at and saved.
    pub being_saved: usize,
}

impl Dispatcher {
    /// What is on its way.
    #[must_use]
    pub fn in_flight(&self) -> InFlight {
        let canvases = self.canvases.values();
        let ready = canvases.filter(|&&state| state == CanvasState::Ready);
        let canvases_ready = ready.count();
        let calls = self.calls.values().filter(|call| call.is_called).count();
        InFlight {
            canvases_coming: self.canvases.len() - canvases_ready,
            canvases_ready,
            calls,
            being_saved: self.calls.len() - calls,
        }
    }

    /// The limit that ends the run, in words, once one does.
    #[must_use]
    pub fn limit(&self) -> Option<String> {
        match (&self.stop, self.limits.max_items) {
            (Some(Ending::Early(words)), _) => self.is_at_limit.then(|| words.clone()),
            (None, Some(most)) => {
                let is_all = self.calls.is_empty() && self.begun.len() >= most;
                let is_left = self.queue.current_step().is_some();
                (is_all && is_left && !self.has_more())
                    .then(|| format!("--max-items {most} is reached"))
            }
            _ => None,
        }
    }

    /// How much of its limits of calls and of money a run has left, besides what is under way; `None`
    /// where there is no such limit.
    #[must_use]
    pub fn left(&self) -> (Option<u64>, Option<Money>) {
        let budget = &self.limits.budget;
        let calls = budget.calls.as_ref();
        let cost = budget.cost.as_ref();
        (
            calls.map(|bound| bound.most.saturating_sub(self.spent.calls)),
            cost.map(|bound| bound.most.minus(self.spent.cost)),
        )
    }

    /// Whether there is something left to begin, and the run may begin it.
    #[must_use]
    pub fn has_work_left(&self) -> bool {
        self.stop.is_none() && (self.has_more() || !self.calls.is_empty())
    }

    /// Whether a call is under way that may still bring something.
    #[must_use]
    pub fn is_at_work(&self, now: Moment) -> bool {
        let mut members = self.pool.members().iter();
        members.any(|member| member.is_at_work(now))
    }

    /// Why a run that has work left does not get on, for people.
    #[must_use]
    pub fn waits_for(&self, now: Moment) -> String {
        let InFlight {
            canvases_coming,
            being_saved,
            ..
        } = self.in_flight();
        let members = self.pool.members();
        let is_idle = |member: &&Member| member.is_left() && !member.is_at_work(now);
        let resting: Vec<&Member> = members.iter().filter(is_idle).collect();
        let named = resting.iter().filter_map(|member| {
            let rests = member.wakes_at(now);
            let rests = rests.map(|at| format!("rests {}", duration_text(at - now)));
            let failure = member.last_failure().filter(|_| member.is_away());
            let parts: Vec<String> = rests
                .into_iter()
                .chain(failure.map(str::to_owned))
                .collect();
            (!parts.is_empty()).then(|| format!("{} ({})", member.name(), parts.join("; ")))
        });
        let mut named: Vec<String> = named.collect();
        let others = named.len().saturating_sub(NAMED);
        named.truncate(NAMED);
        match (named.is_empty(), others) {
            _ if being_saved > 0 => {
                format!("{being_saved} answers wait for the disk or the database")
            }
            (false, 0) => format!("no endpoint answers: {}", named.join(", ")),
            (false, others) => format!(
                "no endpoint answers: {}, and {others} others",
                named.join(", ")
            ),
            (true, _) if canvases_coming > 0 => {
                format!("{canvases_coming} canvases are still being drawn")
            }
            (true, _) if self.pool.all_out() => "no endpoint is left".to_owned(),
            (true, _) => "no endpoint is free".to_owned(),
        }
    }
}
