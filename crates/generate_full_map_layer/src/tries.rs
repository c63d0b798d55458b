//! What an item's failed calls amount to.

use std::collections::HashMap;

use dispatch::Handle;

use crate::pool::EndpointIndex;
use model_client::{Failure, FailureKind};

/// After so many failures that count against it an item is given up.
const MOST_TRIES: usize = 3;
/// After so many refusals.
const MOST_REFUSALS: usize = 2;
/// After so many where only an endpoint's answers to probes speak against the item: a server may
/// answer those and yet have nobody behind it who draws.
const MOST_PROBED: usize = 8;

/// The failed calls of the items of a run that are not given up yet.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    items: HashMap<Handle, ItemTries>,
    /// How often each endpoint has answered a call, be it with a picture or something useless.
    answers: HashMap<EndpointIndex, u64>,
    /// How often each endpoint has answered a request that was no call.
    probes: HashMap<EndpointIndex, u64>,
}

#[derive(Debug, Default)]
struct ItemTries {
    /// Who gave an answer that was of no use.
    bad: Vec<EndpointIndex>,
    refusals: usize,
    away: Vec<AwayFailure>,
    last: Option<Verdict>,
}

/// A call that ended without an answer, which may have been the item's doing.
#[derive(Debug)]
struct AwayFailure {
    endpoint: EndpointIndex,
    /// How often the endpoint had answered for other items by then.
    answers_for_others: u64,
    /// How often it had answered probes.
    probes: u64,
    /// Whether it had taken the request before it was away.
    broke_off: bool,
}

/// Why an item is given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Where it failed last.
    pub endpoint: EndpointIndex,
    /// How it failed there.
    pub message: String,
}

impl Tries {
    /// Notes that a call for an item failed.
    pub(crate) fn note(&mut self, handle: Handle, endpoint: EndpointIndex, failure: &Failure) {
        let answers_for_others = self.answers_for_others(handle, endpoint);
        let probes = self.probes_of(endpoint);
        let item = self.items.entry(handle).or_default();
        item.last = Some(Verdict {
            endpoint,
            message: failure.message.clone(),
        });
        match failure.kind {
            FailureKind::BadAnswer | FailureKind::Refused => {
                item.bad.push(endpoint);
                item.refusals += usize::from(failure.kind == FailureKind::Refused);
                self.answered(endpoint);
            }
            FailureKind::Away { .. } | FailureKind::BrokeOff => item.away.push(AwayFailure {
                endpoint,
                answers_for_others,
                probes,
                broke_off: failure.kind == FailureKind::BrokeOff,
            }),
            FailureKind::Rejected => self.answered(endpoint),
            FailureKind::EndpointOut | FailureKind::Missing => {}
        }
    }

    /// Notes that an endpoint has answered a request that was no call.
    pub(crate) fn answered_probe(&mut self, endpoint: EndpointIndex) {
        *self.probes.entry(endpoint).or_default() += 1;
    }

    /// Notes that an item is complete, thanks to `endpoint`.
    pub(crate) fn saved(&mut self, handle: Handle, endpoint: EndpointIndex) {
        self.answered(endpoint);
        self.forget(handle);
    }

    /// Forgets an item that is given up.
    pub(crate) fn forget(&mut self, handle: Handle) {
        self.items.remove(&handle);
    }

    /// Why an item is to be given up, if it is. An endpoint that was away and has answered
    /// something else since was not away: then it was the item.
    pub(crate) fn verdict(&self, handle: Handle) -> Option<Verdict> {
        let item = self.items.get(&handle)?;
        let bad = item.bad.len();
        let by_others = |failure: &&AwayFailure| self.answered_others_since(handle, failure);
        let by_others = item.away.iter().filter(by_others).count();
        let by_probes = item
            .away
            .iter()
            .filter(|failure| !self.is_suspicion(handle, failure));
        let given_up = bad + by_others >= MOST_TRIES
            || item.refusals >= MOST_REFUSALS
            || bad + by_probes.count() >= MOST_PROBED;
        let Verdict { endpoint, message } = item.last.clone().filter(|_| given_up)?;
        let calls = item.bad.len() + item.away.len();
        Some(Verdict {
            endpoint,
            message: format!("{message} (tried {calls} times)"),
        })
    }

    /// All items that are to be given up.
    pub(crate) fn verdicts(&self) -> Vec<(Handle, Verdict)> {
        let items = self.items.keys();
        items
            .filter_map(|&handle| Some((handle, self.verdict(handle)?)))
            .collect()
    }

    /// Whether an endpoint has given a useless answer for this item before.
    pub(crate) fn was_bad_at(&self, handle: Handle, endpoint: EndpointIndex) -> bool {
        self.items
            .get(&handle)
            .is_some_and(|item| item.bad.contains(&endpoint))
    }

    /// Whether an endpoint was away when this item was sent there, and has answered nothing else
    /// since: then another item should go first, to tell whose fault it is.
    pub(crate) fn is_suspect_at(&self, handle: Handle, endpoint: EndpointIndex) -> bool {
        self.suspicions(handle, endpoint).next().is_some()
    }

    /// Whether such an endpoint had taken the request when it broke off.
    pub(crate) fn broke_off_at(&self, handle: Handle, endpoint: EndpointIndex) -> bool {
        self.suspicions(handle, endpoint)
            .any(|failure| failure.broke_off)
    }

    fn suspicions(
        &self,
        handle: Handle,
        endpoint: EndpointIndex,
    ) -> impl Iterator<Item = &AwayFailure> {
        let away = self.items.get(&handle).map_or(&[][..], |item| &item.away);
        away.iter().filter(move |failure| {
            failure.endpoint == endpoint && self.is_suspicion(handle, failure)
        })
    }

    /// Whether nothing tells yet whose fault a failure was.
    fn is_suspicion(&self, handle: Handle, failure: &AwayFailure) -> bool {
        !self.answered_others_since(handle, failure)
            && self.probes_of(failure.endpoint) == failure.probes
    }

    fn answered_others_since(&self, handle: Handle, failure: &AwayFailure) -> bool {
        self.answers_for_others(handle, failure.endpoint) > failure.answers_for_others
    }

    fn answers_for_others(&self, handle: Handle, endpoint: EndpointIndex) -> u64 {
        let all = self.answers.get(&endpoint).copied().unwrap_or(0);
        let own = self.items.get(&handle).map_or(0, |item| {
            let bad = item.bad.iter();
            bad.filter(|&&other| other == endpoint).count() as u64
        });
        all - own
    }

    fn probes_of(&self, endpoint: EndpointIndex) -> u64 {
        self.probes.get(&endpoint).copied().unwrap_or(0)
    }

    fn answered(&mut self, endpoint: EndpointIndex) {
        *self.answers.entry(endpoint).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_useless_answers_are_enough() {
        let mut tries = Tries::default();
        for count in 1..=3 {
            assert_eq!(tries.verdict(7), None);
            tries.note(7, 0, &Failure::bad_answer("garbage"));
            assert!(tries.was_bad_at(7, 0) && !tries.was_bad_at(7, 1));
            assert_eq!(tries.verdict(7).is_some(), count == 3);
        }
        let verdict = Verdict {
            endpoint: 0,
            message: "garbage (tried 3 times)".to_owned(),
        };
        assert_eq!(tries.verdicts(), [(7, verdict)]);
        assert_eq!(tries.verdict(8), None);
    }

    #[test]
    fn a_refusal_gets_one_more_try() {
        let mut tries = Tries::default();
        let refusal = Failure::new(FailureKind::Refused, "I would rather not");
        tries.note(1, 0, &refusal);
        assert_eq!(tries.verdict(1), None);
        tries.note(1, 1, &refusal);
        let verdict = tries.verdict(1).unwrap();
        assert!(verdict.message.starts_with("I would rather not"));
    }

    #[test]
    fn an_outage_costs_an_item_nothing_however_long() {
        let mut tries = Tries::default();
        tries.saved(9, 0);
        for _ in 0..1000 {
            tries.note(1, 0, &Failure::away("gone"));
            tries.note(2, 0, &Failure::away("gone"));
        }
        assert_eq!(tries.verdicts(), []);
        assert!(tries.is_suspect_at(1, 0) && !tries.broke_off_at(1, 0));
    }

    #[test]
    fn an_item_that_makes_healthy_endpoints_break_off_is_given_up() {
        let mut tries = Tries::default();
        let broke_off = Failure::new(FailureKind::BrokeOff, "broke off");
        for other in 2..=4 {
            tries.note(1, 0, &broke_off);
            assert!(tries.broke_off_at(1, 0));
            assert_eq!(tries.verdict(1), None, "nothing was answered since");
            tries.saved(other, 0);
            assert!(!tries.is_suspect_at(1, 0));
        }
        assert_eq!(
            tries.verdict(1).unwrap().message,
            "broke off (tried 3 times)"
        );
    }

    #[test]
    fn an_endpoint_that_answers_nothing_but_probes_is_given_more_chances() {
        let mut tries = Tries::default();
        let broke_off = Failure::new(FailureKind::BrokeOff, "broke off");
        for count in 1..=8 {
            assert_eq!(tries.verdict(1), None);
            tries.note(1, 0, &broke_off);
            assert!(tries.broke_off_at(1, 0));
            tries.answered_probe(0);
            assert!(!tries.is_suspect_at(1, 0));
            assert_eq!(tries.verdict(1).is_some(), count == 8);
        }
    }

    #[test]
    fn its_own_answers_do_not_speak_against_an_item() {
        let mut tries = Tries::default();
        tries.note(1, 0, &Failure::away("gone"));
        tries.note(1, 0, &Failure::bad_answer("garbage"));
        tries.note(1, 0, &Failure::away("gone"));
        assert_eq!(tries.verdict(1), None);
        assert!(tries.is_suspect_at(1, 0));
        tries.note(2, 0, &Failure::bad_answer("garbage"));
        assert!(
            tries.verdict(1).is_some(),
            "the answer was for another item"
        );
    }
}
