//! What an item's failed calls amount to.

use std::collections::HashMap;

use progress_db::Handle;

use crate::failure::{Failure, FailureKind};
use crate::pool::EndpointIndex;

/// After so many failures that count against it an item is given up.
const MOST_TRIES: usize = 3;
/// After so many refusals.
const MOST_REFUSALS: usize = 2;

/// The failed calls of the items of a run that are not given up yet.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    items: HashMap<Handle, ItemTries>,
}

#[derive(Debug, Default)]
struct ItemTries {
    /// Who gave an answer that was of no use, and what was wrong with it.
    bad: Vec<EndpointIndex>,
    refusals: usize,
    away: Vec<AwayFailure>,
    last_message: String,
}

/// A call that ended without an answer, which may have been the item's doing.
#[derive(Debug)]
struct AwayFailure {
    endpoint: EndpointIndex,
    /// How many pictures the endpoint had made by then.
    pictures: u64,
}

impl Tries {
    /// Notes that a call for an item failed; `pictures` is how many pictures the endpoint has
    /// made so far.
    pub(crate) fn note(
        &mut self,
        handle: Handle,
        endpoint: EndpointIndex,
        failure: &Failure,
        pictures: u64,
    ) {
        let item = self.items.entry(handle).or_default();
        item.last_message.clone_from(&failure.message);
        match failure.kind {
            FailureKind::BadAnswer => item.bad.push(endpoint),
            FailureKind::Refused => {
                item.bad.push(endpoint);
                item.refusals += 1;
            }
            FailureKind::Away { .. } => item.away.push(AwayFailure { endpoint, pictures }),
            FailureKind::Rejected | FailureKind::EndpointOut => {}
        }
    }

    /// Forgets an item that is complete or given up.
    pub(crate) fn forget(&mut self, handle: Handle) {
        self.items.remove(&handle);
    }

    /// Why an item is to be given up, if it is. An endpoint that was away and has made another
    /// item's picture since was not away: then it was the item. `pictures` tells how many
    /// pictures an endpoint has made.
    pub(crate) fn verdict(
        &self,
        handle: Handle,
        pictures: impl Fn(EndpointIndex) -> u64,
    ) -> Option<String> {
        let item = self.items.get(&handle)?;
        let its_own = item
            .away
            .iter()
            .filter(|failure| pictures(failure.endpoint) > failure.pictures)
            .count();
        let tries = item.bad.len() + its_own;
        let given_up = tries >= MOST_TRIES || item.refusals >= MOST_REFUSALS;
        given_up.then(|| {
            format!(
                "{} (tried {} times)",
                item.last_message,
                item.bad.len() + item.away.len()
            )
        })
    }

    /// Whether an endpoint has given a useless answer for this item before.
    pub(crate) fn was_bad_at(&self, handle: Handle, endpoint: EndpointIndex) -> bool {
        self.items
            .get(&handle)
            .is_some_and(|item| item.bad.contains(&endpoint))
    }

    /// Whether an endpoint was away when this item was sent there, and has made no picture since:
    /// then another item should go first, to tell whose fault it is.
    pub(crate) fn is_suspect_at(
        &self,
        handle: Handle,
        endpoint: EndpointIndex,
        pictures: u64,
    ) -> bool {
        self.items.get(&handle).is_some_and(|item| {
            item.away
                .iter()
                .any(|failure| failure.endpoint == endpoint && failure.pictures == pictures)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_useless_answers_are_enough() {
        let mut tries = Tries::default();
        for count in 1..=3 {
            assert_eq!(tries.verdict(7, |_| 0), None);
            tries.note(7, 0, &Failure::bad_answer("garbage"), 0);
            assert!(tries.was_bad_at(7, 0) && !tries.was_bad_at(7, 1));
            assert_eq!(tries.verdict(7, |_| 0).is_some(), count == 3);
        }
        assert_eq!(tries.verdict(7, |_| 0).unwrap(), "garbage (tried 3 times)");
        assert_eq!(tries.verdict(8, |_| 0), None);
    }

    #[test]
    fn a_refusal_gets_one_more_try() {
        let mut tries = Tries::default();
        let refusal = Failure::new(FailureKind::Refused, "I would rather not");
        tries.note(1, 0, &refusal, 0);
        assert_eq!(tries.verdict(1, |_| 0), None);
        tries.note(1, 1, &refusal, 0);
        assert!(
            tries
                .verdict(1, |_| 0)
                .unwrap()
                .starts_with("I would rather not")
        );
    }

    #[test]
    fn an_outage_costs_an_item_nothing_however_long() {
        let mut tries = Tries::default();
        for _ in 0..1000 {
            tries.note(1, 0, &Failure::away("gone"), 5);
        }
        assert_eq!(tries.verdict(1, |_| 5), None);
        assert!(tries.is_suspect_at(1, 0, 5));
    }

    #[test]
    fn an_item_that_makes_healthy_endpoints_break_off_is_given_up() {
        let mut tries = Tries::default();
        for pictures in [5, 6, 7] {
            tries.note(1, 0, &Failure::away("broke off"), pictures);
        }
        assert_eq!(
            tries.verdict(1, |_| 7),
            None,
            "nothing was made since the third"
        );
        assert_eq!(
            tries.verdict(1, |_| 8).unwrap(),
            "broke off (tried 3 times)"
        );
        assert!(!tries.is_suspect_at(1, 0, 8));
    }
}
