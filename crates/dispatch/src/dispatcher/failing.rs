//! What follows from a failed call: another try, or the end of the item.

use super::{Call, Dispatcher};
use crate::{
    AttemptId, CallEnd, CanvasId, Ending, EndpointIndex, Failure, FailureKind, Handle, Level,
    Moment, Order, duration_text,
};

impl Dispatcher {
    /// Takes in that a call ended without a picture.
    pub(super) fn on_failed_call(
        &mut self,
        attempt: AttemptId,
        call: Call,
        mut failure: Failure,
        is_paid: bool,
        now: Moment,
    ) {
        let jitter = self.random.fraction();
        let out = self
            .pool
            .failed(call.endpoint, call.started, now, &failure, jitter);
        let (block, name) = (self.block(call.canvas.handle()), self.name(call.endpoint));
        if let Some(line) = out {
            // Whatever else it might have said of the item.
            failure.kind = FailureKind::EndpointOut;
            self.tell(Level::Error, line);
        } else if let Some(rest) = self.pool.members()[call.endpoint].rests_for(now) {
            let rest = duration_text(rest);
            let line = format!("{block}: endpoint {name}: {failure}; it rests {rest}");
            // An outage of all is told once a minute, not with each try.
            let level = if self.outage_told.is_some() && self.pool.all_away() {
                Level::Detail
            } else {
                Level::Warning
            };
            self.tell(level, line);
        }
        self.on_failure(attempt, call, &failure, is_paid, now);
    }

    /// Puts an item back after a failed call, or gives it up.
    pub(super) fn on_failure(
        &mut self,
        attempt: AttemptId,
        call: Call,
        failure: &Failure,
        is_paid: bool,
        now: Moment,
    ) {
        let told = (failure.http_status, Some(failure.message.clone()));
        self.close(attempt, end_of(failure), told, (is_paid, call.cost));
        let handle = match call.canvas {
            CanvasId::Of(handle) => handle,
            CanvasId::Comparison(handle) => {
                return self.on_compared(handle, call.endpoint, false, now);
            }
        };
        if self
            .tries
            .note(handle, call.endpoint, failure, call.started, now)
        {
            self.pool.is_not_to_blame(call.endpoint, now);
        }
        let verdict = match failure.kind {
            FailureKind::Rejected => Some(failure.message.clone()),
            _ => self.tries.verdict(handle).map(|verdict| verdict.message),
        };
        match verdict {
            Some(message) => self.give_up(handle, self.said_by(call.endpoint, &message)),
            None => self.put_back(handle),
        }
    }

    /// Makes an item pending again. Its canvas was let go when it was sent, and is drawn anew.
    pub(super) fn put_back(&mut self, handle: Handle) {
        self.orders.push(Order::PutBack(handle));
        self.queue.put_back(handle);
        self.wants_canvases = true;
    }

    /// Gives up the items that other items' answers have shown to be at fault since they failed.
    pub(super) fn give_up_hopeless(&mut self) {
        for (handle, verdict) in self.tries.verdicts() {
            if self.queue.is_ready(handle) {
                self.queue.take(handle);
                let message = self.said_by(verdict.endpoint, &verdict.message);
                self.give_up(handle, message);
            }
        }
    }

    fn said_by(&self, endpoint: EndpointIndex, message: &str) -> String {
        format!("endpoint {}: {message}", self.name(endpoint))
    }

    /// An endpoint was asked whether it is there; any answer says so.
    pub(super) fn on_probed(
        &mut self,
        endpoint: EndpointIndex,
        result: Result<(), Failure>,
        now: Moment,
    ) {
        let Some((_, handle)) = self.probing.take() else {
            return;
        };
        match result {
            Ok(()) => self.tries.answered_probe(handle, endpoint),
            Err(failure) => {
                let jitter = self.random.fraction();
                self.pool.is_not_there(endpoint, now, &failure, jitter);
                self.tries.missed_probe(endpoint);
            }
        }
    }

    /// Fails the items whose turn has come and of which there can be no canvas.
    pub(super) fn give_up_bad_sources(&mut self) {
        while self.stop.is_none() {
            let mut handles = self.bad_sources.keys().copied();
            let due = handles.find(|&h| self.queue.is_ready(h) && self.may_begin(h));
            let Some(handle) = due else { return };
            let message = self.bad_sources.remove(&handle).expect("it was just found");
            if self.limits.max_items.is_some() {
                self.begun.insert(handle);
            }
            self.queue.take(handle);
            self.give_up(handle, message);
        }
    }

    fn give_up(&mut self, handle: Handle, message: String) {
        let block = self.block(handle);
        self.tell(Level::Error, format!("{block} failed: {message}"));
        self.orders.push(Order::Fail { handle, message });
        self.queue.fail(handle);
        self.tries.forget(handle);
        self.discard(handle);
        self.discard_held_back();
        self.tally.items_failed += 1;
        self.errors_in_a_row += 1;
        if self.errors_in_a_row >= self.limits.max_errors && self.stop.is_none() {
            self.stop = Some(Ending::Early(format!(
                "{} items in a row failed; mend what the messages say, then run again with --retry-errors (--max-errors sets the number)",
                self.errors_in_a_row
            )));
        }
    }
}

/// What the record of a failed call says.
fn end_of(failure: &Failure) -> CallEnd {
    match failure.kind {
        FailureKind::NotAccepted => CallEnd::NotAccepted,
        FailureKind::BadAnswer | FailureKind::Refused => CallEnd::BadAnswer,
        FailureKind::Away { .. } | FailureKind::BrokeOff | FailureKind::Missing => CallEnd::Away,
        FailureKind::Rejected => CallEnd::Rejected,
        FailureKind::EndpointOut => CallEnd::EndpointOut,
    }
}
