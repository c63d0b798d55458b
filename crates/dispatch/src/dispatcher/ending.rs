//! How a run ends before everything is done, and what it says while it cannot go on.

use std::time::Duration;

use super::Dispatcher;
use crate::{
    AttemptId, CallEnd, CanvasId, Ending, Level, Member, Moment, Money, Signal, duration_text,
};

/// The time between two lines that say what an outage waits for.
const BETWEEN_OUTAGE_LINES: Duration = Duration::from_secs(60);

/// The time after which an idle endpoint is thought of again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

impl Dispatcher {
    pub(super) fn on_signal(&mut self, signal: Signal, now: Moment) {
        let under_way = self.calls.values().filter(|call| call.is_called);
        let timeouts = under_way.map(|call| call.terms.timeout);
        let (calls, longest) = timeouts.fold((0, Duration::ZERO), |(calls, longest), timeout| {
            (calls + 1, longest.max(timeout))
        });
        let drain = self.limits.drain.unwrap_or(longest);
        self.drain_until = Some(now + drain);
        let line = if calls == 0 {
            format!("{signal}: no new calls, and none is under way")
        } else {
            let drain = duration_text(drain);
            format!(
                "{signal}: no new calls; waiting up to {drain} for {calls} under way, which are paid for ({signal} again ends at once, also without loss)"
            )
        };
        self.tell(Level::Plain, line);
        // A reason that was there before keeps its word.
        self.stop.get_or_insert(Ending::Signal(signal));
    }

    pub(super) fn on_wake(&mut self, now: Moment) {
        if self.drain_until.is_some_and(|until| until <= now) {
            self.drain_until = None;
            self.abandon_calls(now);
        }
    }

    /// Stops the run: the disk does not take what it made. Items whose pictures are not saved are
    /// pending again; others that are being saved will say themselves how that ended.
    pub(super) fn on_storage_failed(&mut self, attempts: &[AttemptId], message: &str, now: Moment) {
        if !matches!(self.stop, Some(Ending::Early(_))) {
            self.stop = Some(Ending::Early(format!(
                "{message}; the run stops, nothing is lost: mend it, and the next run goes on where it was"
            )));
        }
        for &attempt in attempts {
            self.take_back(attempt, CallEnd::NotSaved, now);
        }
        self.abandon_calls(now);
    }

    /// Gives up the calls that are under way; their items are pending again.
    fn abandon_calls(&mut self, now: Moment) {
        let under_way = self.calls.iter().filter(|(_, call)| call.is_called);
        let attempts: Vec<AttemptId> = under_way.map(|(&attempt, _)| attempt).collect();
        for attempt in attempts {
            self.take_back(attempt, CallEnd::Interrupted, now);
        }
    }

    /// Makes an item pending again that is in flight and will not be completed.
    fn take_back(&mut self, attempt: AttemptId, end: CallEnd, now: Moment) {
        let Some(mut call) = self.calls.remove(&attempt) else {
            return;
        };
        if call.is_called {
            self.orders.push(crate::Order::Cancel { attempt });
            self.pool.cancelled(call.endpoint, call.started);
            // Whoever draws may go on and have it paid.
            self.settle(&mut call, true, now);
        }
        self.close((attempt, call), end, (None, None), true);
        match call.canvas {
            CanvasId::Of(handle) => self.put_back(handle),
            CanvasId::Comparison(_) => self.end_comparison(),
        }
    }

    /// Stops a run that cannot go on, and tells once a minute what an outage waits for.
    pub(super) fn stop_if_hopeless(&mut self, now: Moment) {
        // What is in flight may be all that is left, and says itself how it ended.
        let is_stuck = self.calls.is_empty() && self.has_more();
        if self.pool.all_out() && self.limits.awaits_endpoints.is_some() {
            self.await_endpoints(is_stuck, now);
        } else if is_stuck && self.pool.all_out() {
            let failures = self.last_failures(now);
            self.stop = Some(Ending::Early(format!("no endpoint is left:{failures}")));
        } else if is_stuck && !self.pool.has_other(|endpoint| self.affords(endpoint)) {
            self.is_at_limit = true;
            self.stop = Some(Ending::Early(self.limit_reached()));
        } else if is_stuck
            && !self.pool.has_free(now)
            && !self.pool.any_answered()
            && now >= self.startup_ends()
        {
            let since = match self.endpoints_since {
                Moment::ZERO => "of the start",
                _ => "after the first one came",
            };
            let file = self.limits.awaits_endpoints.as_deref();
            let file = file.map_or_else(String::new, |file| format!("{file} and "));
            self.stop = Some(Ending::Early(format!(
                "no endpoint has answered anything within {} {since}; check the addresses in {file}layer_config.json:{}",
                duration_text(self.limits.startup_wait),
                self.last_failures(now)
            )));
        } else if self.pool.all_away()
            && self.has_more()
            && self
                .outage_told
                .is_none_or(|told| now >= told + BETWEEN_OUTAGE_LINES)
        {
            self.outage_told = Some(now);
            let failures = self.last_failures(now);
            self.tell(
                Level::Plain,
                format!("no endpoint answers; waiting for one:{failures}"),
            );
        }
    }

    /// When there must have been an answer.
    fn startup_ends(&self) -> Moment {
        self.endpoints_since
            .saturating_add(self.limits.startup_wait)
    }

    /// Says once that no endpoint is left and where others are to come from, unless they would find
    /// nothing that may be spent.
    fn await_endpoints(&mut self, is_stuck: bool, now: Moment) {
        let may_spend = self.spent.leaves_room_in(&self.limits.budget, Money::ZERO);
        if is_stuck && !may_spend {
            self.stop = Some(Ending::Early(self.limit_reached()));
        } else if self.has_more() && !std::mem::replace(&mut self.lack_told, true) {
            let place = self.limits.awaits_endpoints.as_deref().unwrap_or_default();
            let line = match self.last_failures(now) {
                none if none.is_empty() => {
                    format!("no endpoint is left; waiting for one in {place}")
                }
                failures => format!("no endpoint is left; waiting for one in {place}:{failures}"),
            };
            self.tell(Level::Warning, line);
        }
    }

    /// Whether the run waits for endpoints, of which none is left.
    #[must_use]
    pub fn awaits_endpoints(&self) -> bool {
        self.stop.is_none() && self.limits.awaits_endpoints.is_some() && self.pool.all_out()
    }

    /// Says which limit leaves no room for another call.
    fn limit_reached(&self) -> String {
        let (calls, cost) = (self.spent.calls, self.spent.cost);
        let remedy = |lasts| match lasts {
            true => "; later runs have it, too: raise it to go on",
            false => "",
        };
        match (&self.limits.budget.calls, &self.limits.budget.cost) {
            (Some(bound), _) if calls >= bound.most => {
                format!(
                    "{} is reached: {calls} calls were paid for in this run{}",
                    bound.name,
                    remedy(bound.lasts)
                )
            }
            (_, Some(bound)) => {
                let left = self.pool.members().iter().filter(|member| member.is_left());
                let least = left.map(Member::most).min().unwrap_or_default();
                format!(
                    "{} is reached: this run has spent {cost}, {} of it is left, and another call may cost {least}{}",
                    bound.name,
                    bound.most.minus(cost),
                    remedy(bound.lasts)
                )
            }
            _ => "there is no limit".to_owned(),
        }
    }

    /// Each endpoint's last failure, and when it is tried again.
    fn last_failures(&self, now: Moment) -> String {
        let describe = |member: &Member| {
            let when = match (member.out(), member.rests_for(now)) {
                (Some(_), _) => "out".to_owned(),
                _ if member.is_called() => "being tried now".to_owned(),
                (None, Some(rest)) => format!("next try in {}", duration_text(rest)),
                (None, None) => "next try now".to_owned(),
            };
            let failure = member.out().or(member.last_failure());
            format!(
                " {} ({}; {when})",
                member.name(),
                failure.unwrap_or("no failure yet")
            )
        };
        let here = self
            .pool
            .members()
            .iter()
            .filter(|member| !member.is_gone());
        here.map(describe).collect::<Vec<_>>().join(",")
    }

    /// When the dispatcher wants to be woken, if nothing happens before.
    #[must_use]
    pub fn next_wake(&self, now: Moment) -> Option<Moment> {
        let startup = Some(self.startup_ends()).filter(|&at| at > now && !self.pool.any_answered());
        // What it waits for may have become unlikely.
        let is_idle = self.stop.is_none() && self.pool.has_free(now);
        let look_again = (is_idle && self.queue.ready().next().is_some()).then(|| now + LOOK_AGAIN);
        let outage = self.outage_told.map(|told| told + BETWEEN_OUTAGE_LINES);
        let times = [
            self.pool.next_wake(now),
            self.drain_until,
            startup,
            look_again,
            self.tries.next_comparison(now),
            outage.filter(|&at| at > now && self.pool.all_away()),
        ];
        times.into_iter().flatten().min()
    }
}
