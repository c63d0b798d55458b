//! How a run ends before everything is done, and what it says while it cannot go on.

use std::time::Duration;

use dispatch::Handle;
use progress_db::{Change, Durability, Outcome};
use tokio::time::Instant;

use super::{Dispatcher, InFlight, Stop};
use crate::clock::unix_now;
use crate::event::Event;
use crate::pool::Member;
use crate::report::duration_text;
use crate::shutdown::Signal;

/// The time between two lines that say what an outage waits for.
const BETWEEN_OUTAGE_LINES: Duration = Duration::from_secs(60);

impl Dispatcher {
    pub(super) fn on_signal(&mut self, signal: Signal) {
        let under_way = || {
            let items = self.in_flight.values();
            items.filter(|item| item.calling.is_some())
        };
        let calls = under_way().count();
        let longest = under_way()
            .map(|item| self.work.endpoints[item.call.endpoint].timeout)
            .max()
            .unwrap_or_default();
        let drain = self.limits.drain.unwrap_or(longest);
        self.drain_until = Some(Instant::now() + drain);
        self.report.say(&if calls == 0 {
            format!("{signal}: no new calls, and none is under way")
        } else {
            format!(
                "{signal}: no new calls; waiting up to {} for {calls} under way, which are paid for ({signal} again ends at once, also without loss)",
                duration_text(drain)
            )
        });
        // A reason that was there before keeps its word.
        self.stop.get_or_insert(Stop::Signal(signal));
    }

    pub(super) fn on_wake(&mut self, now: Instant) {
        if self.drain_until.is_some_and(|until| until <= now) {
            self.drain_until = None;
            self.abandon_calls();
        }
    }

    /// Stops the run: the disk does not take what it made. Items whose pictures are not saved are
    /// pending again; others that are being saved will say themselves how that ended.
    pub(super) fn on_storage_failed(&mut self, handles: Vec<Handle>, message: &str) {
        if !matches!(self.stop, Some(Stop::Early(_))) {
            self.stop = Some(Stop::Early(format!(
                "{message}; the run stops, nothing is lost: mend it and run the same command again"
            )));
        }
        for handle in handles {
            self.take_back(handle, Outcome::NotSaved);
        }
        self.abandon_calls();
    }

    /// Gives up the calls that are under way; their items are pending again.
    fn abandon_calls(&mut self) {
        let calling: Vec<Handle> = self
            .in_flight
            .iter()
            .filter(|(_, item)| item.calling.is_some())
            .map(|(&handle, _)| handle)
            .collect();
        for handle in calling {
            self.take_back(handle, Outcome::Interrupted);
        }
    }

    /// Makes an item pending again that is in flight and will not be completed.
    fn take_back(&mut self, handle: Handle, outcome: Outcome) {
        let Some(InFlight {
            call,
            started,
            calling,
        }) = self.in_flight.remove(&handle)
        else {
            return;
        };
        if let Some(calling) = calling {
            calling.abort();
            self.pool.cancelled(call.endpoint, started);
        }
        let ended = Change::AttemptEnded {
            attempt: call.attempt,
            outcome,
            http_status: None,
            at: unix_now(),
        };
        self.write(vec![ended, Change::PutBack { item: call.item.id }]);
        self.queue.put_back(handle);
    }

    /// Writes changes; what goes wrong is told as an event.
    pub(super) fn write(&self, changes: Vec<Change>) {
        let committed = self.work.recorder.submit(changes, Durability::Process);
        let events = self.work.events.clone();
        tokio::spawn(async move {
            if let Ok(Err(error)) = committed.await {
                let _ = events.send(Event::StorageFailed {
                    handles: Vec::new(),
                    message: error.to_string(),
                });
            }
        });
    }

    /// Stops a run that cannot go on, and tells once a minute what an outage waits for.
    pub(super) fn stop_if_hopeless(&mut self, now: Instant) {
        // What is in flight may be all that is left, and says itself how it ended.
        let is_stuck = self.in_flight.is_empty() && self.has_more();
        if is_stuck && self.pool.all_out() {
            self.stop = Some(Stop::Early(format!(
                "no endpoint is left:{}",
                self.last_failures(now)
            )));
        } else if is_stuck
            && !self.pool.has_free(now)
            && !self.pool.any_answered()
            && now >= self.started + self.limits.startup_wait
        {
            self.stop = Some(Stop::Early(format!(
                "no endpoint has answered anything within {} of the start; check the addresses in layer_config.json:{}",
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
            self.report.say(&format!(
                "no endpoint answers; waiting for one:{}",
                self.last_failures(now)
            ));
        }
    }

    /// Each endpoint's last failure, and when it is tried again.
    fn last_failures(&self, now: Instant) -> String {
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
        let members: Vec<String> = self.pool.members().iter().map(describe).collect();
        members.join(",")
    }

    pub(super) fn next_wake(&self, now: Instant) -> Instant {
        let startup = Some(self.started + self.limits.startup_wait)
            .filter(|&at| at > now && !self.pool.any_answered());
        [self.pool.next_wake(now), self.drain_until, startup]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(now + Duration::from_secs(5))
            .min(now + Duration::from_secs(5))
    }
}
