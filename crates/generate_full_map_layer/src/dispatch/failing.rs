//! What follows from a failed call: another try, or the end of the item.

use dispatch::Handle;
use progress_db::{Change, Outcome};
use tokio::time::Instant;

use super::{Dispatcher, Prepared, Stop};
use crate::clock::unix_now;
use crate::pool::EndpointIndex;
use crate::work::Call;
use model_client::{Failure, FailureKind};

impl Dispatcher {
    /// Puts an item back after a failed call, or gives it up.
    pub(super) fn on_failure(&mut self, call: Call, failure: &Failure) {
        let Call {
            handle,
            item,
            endpoint,
            attempt,
            canvas,
        } = call;
        self.tries.note(handle, endpoint, failure);
        let verdict = match failure.kind {
            FailureKind::Rejected => Some(failure.message.clone()),
            _ => self.tries.verdict(handle).map(|verdict| verdict.message),
        };
        let ended = Change::AttemptEnded {
            attempt,
            outcome: outcome_of(failure.kind),
            http_status: failure.http_status,
            at: unix_now(),
        };
        match verdict {
            Some(message) => self.give_up(handle, self.said_by(endpoint, &message), vec![ended]),
            None => {
                self.write(vec![ended, Change::PutBack { item: item.id }]);
                self.queue.put_back(handle);
                self.prepared.insert(handle, Prepared::Ready(canvas));
            }
        }
    }

    /// Gives up the items that other items' answers have shown to be at fault since they failed.
    pub(super) fn give_up_hopeless(&mut self) {
        for (handle, verdict) in self.tries.verdicts() {
            if self.queue.is_ready(handle) {
                self.prepared.remove(&handle);
                self.queue.take(handle);
                let message = self.said_by(verdict.endpoint, &verdict.message);
                self.give_up(handle, message, Vec::new());
            }
        }
    }

    fn said_by(&self, endpoint: EndpointIndex, message: &str) -> String {
        format!("endpoint {}: {message}", self.work.endpoints[endpoint].name)
    }

    /// An endpoint was asked whether it is there; any answer says so.
    pub(super) fn on_probed(
        &mut self,
        endpoint: EndpointIndex,
        answer: Result<(), Failure>,
        now: Instant,
    ) {
        self.probing.remove(&endpoint);
        match answer {
            Ok(()) => self.tries.answered_probe(endpoint),
            Err(failure) => {
                self.pool
                    .failed(endpoint, now, now, &failure, fastrand::f64());
            }
        }
    }

    /// Fails the items whose turn has come and of which there can be no canvas.
    pub(super) fn give_up_bad_sources(&mut self) {
        while self.stop.is_none() {
            let bad = self
                .prepared
                .iter()
                .find_map(|(&handle, prepared)| match prepared {
                    Prepared::Bad(message)
                        if self.queue.is_ready(handle) && self.may_begin(handle) =>
                    {
                        Some((handle, message.clone()))
                    }
                    _ => None,
                });
            let Some((handle, message)) = bad else { return };
            self.prepared.remove(&handle);
            if self.limits.max_items.is_some() {
                self.begun.insert(handle);
            }
            self.queue.take(handle);
            self.give_up(handle, message, Vec::new());
        }
    }

    fn give_up(&mut self, handle: Handle, message: String, mut changes: Vec<Change>) {
        let item = *self.queue.item(handle);
        tracing::error!("{} failed: {message}", item.block);
        changes.push(Change::Fail {
            item: item.id,
            message,
        });
        self.write(changes);
        self.queue.fail(handle);
        self.tries.forget(handle);
        self.tally.items_failed += 1;
        self.errors_in_a_row += 1;
        if self.errors_in_a_row >= self.limits.max_errors && self.stop.is_none() {
            self.stop = Some(Stop::Early(format!(
                "{} items in a row failed; mend what the messages say, then run again with --retry-errors (--max-errors sets the number)",
                self.errors_in_a_row
            )));
        }
    }
}

/// What the record of a failed call says it bought.
const fn outcome_of(kind: FailureKind) -> Outcome {
    match kind {
        FailureKind::BadAnswer | FailureKind::Refused => Outcome::BadAnswer,
        FailureKind::Away { .. } | FailureKind::BrokeOff => Outcome::Away,
        FailureKind::Rejected => Outcome::Rejected,
        FailureKind::EndpointOut | FailureKind::Missing => Outcome::EndpointOut,
    }
}
