//! What failures amount to, at times that the tests make up.

use super::*;

/// Tries, and a clock that each step moves on.
struct Trial {
    tries: Tries,
    now: Moment,
}

impl Trial {
    fn new() -> Self {
        Self {
            tries: Tries::new(3),
            now: Moment::from_secs(1000),
        }
    }

    fn after(&mut self, seconds: u64) -> &mut Self {
        self.now += Duration::from_secs(seconds);
        self
    }

    /// A call for the item that took a second and failed; whether the endpoint is not to blame.
    fn fails(&mut self, handle: Handle, endpoint: EndpointIndex, kind: FailureKind) -> bool {
        let started = self.now;
        self.after(1);
        let failure = Failure::new(kind, format!("failed at {endpoint}"));
        self.tries
            .note(handle, endpoint, &failure, started, self.now)
    }

    fn away(&mut self, handle: Handle, endpoint: EndpointIndex) -> bool {
        self.fails(handle, endpoint, FailureKind::Away { retry_after: None })
    }

    fn breaks_off(&mut self, handle: Handle, endpoint: EndpointIndex) -> bool {
        self.fails(handle, endpoint, FailureKind::BrokeOff)
    }

    /// An item is complete that a call brought which took a second.
    fn saved(&mut self, handle: Handle, endpoint: EndpointIndex) {
        let started = self.now;
        self.after(1);
        self.tries.saved(handle, endpoint, started, self.now);
    }

    /// The endpoint is sent another canvas, to compare.
    fn compared(&mut self, handle: Handle, endpoint: EndpointIndex, answered: bool) {
        self.tries.compares(self.now);
        self.after(1);
        self.tries.compared(handle, endpoint, answered, self.now);
    }

    /// After how many rounds the item is given up; at most 100.
    fn rounds(&mut self, handle: Handle, mut round: impl FnMut(&mut Self, u32)) -> Option<u32> {
        (1..100).find(|&number| {
            round(self, number);
            self.tries.verdict(handle).is_some()
        })
    }

    fn standing(&self, handle: Handle, endpoint: EndpointIndex) -> Standing {
        self.tries.standing(handle, endpoint, self.now)
    }
}

const BUSY: FailureKind = FailureKind::Away {
    retry_after: Some(Duration::from_secs(1)),
};

#[test]
fn useless_answers_and_refusals_are_counted() {
    for (kind, expected) in [
        (FailureKind::BadAnswer, 3),
        (FailureKind::Refused, 2),
        (FailureKind::NotAccepted, 3),
    ] {
        let mut trial = Trial::new();
        let rounds = trial.rounds(1, |trial, _| {
            assert!(!trial.fails(1, 0, kind));
        });
        assert_eq!(rounds, Some(expected), "{kind:?}");
        let verdict = trial.tries.verdict(1).unwrap();
        assert_eq!(verdict.endpoint, 0);
        assert_eq!(
            verdict.message,
            format!("failed at 0 (tried {expected} times)")
        );
        assert_eq!(trial.tries.verdicts(), [(1, verdict)]);
        assert!(trial.tries.was_bad_at(1, 0));
        assert!(!trial.tries.was_bad_at(1, 1) && !trial.tries.was_bad_at(2, 0));
        trial.tries.forget(1);
        assert!(!trial.tries.knows(1) && trial.tries.verdicts().is_empty());
    }
}

#[test]
fn what_was_not_good_enough_before_the_run_counts() {
    for (before, rounds) in [(0, 3), (1, 2), (2, 1), (3, 1), (9, 1)] {
        let mut trial = Trial::new();
        trial.tries.had(1, before);
        assert!(!trial.tries.knows(1), "it did not fail in this run");
        let counted = trial.rounds(1, |trial, _| {
            trial.fails(1, 0, FailureKind::NotAccepted);
        });
        assert_eq!(counted, Some(rounds), "{before}");
        let verdict = trial.tries.verdict(1).unwrap();
        assert_eq!(verdict.message, "failed at 0 (tried 3 times)");
    }
}

#[test]
fn a_refusal_and_useless_answers_add_up() {
    let mut trial = Trial::new();
    trial.fails(1, 0, FailureKind::BadAnswer);
    trial.fails(1, 0, FailureKind::Refused);
    assert_eq!(trial.tries.verdict(1), None);
    trial.fails(1, 0, FailureKind::BadAnswer);
    assert!(trial.tries.verdict(1).is_some());
}

#[test]
fn silence_counts_as_soon_as_the_endpoint_answers_for_another() {
    let mut trial = Trial::new();
    trial.saved(9, 0);
    let rounds = trial.rounds(1, |trial, _| {
        assert!(!trial.away(1, 0), "whose fault it is is open");
        assert_eq!(trial.tries.verdict(1), None);
        trial.after(1).saved(2, 0);
    });
    assert_eq!(rounds, Some(3));
}

#[test]
fn silence_for_others_too_is_the_endpoints() {
    let mut trial = Trial::new();
    trial.saved(9, 0);
    let rounds = trial.rounds(1, |trial, number| {
        trial.after(10).away(1, 0);
        trial.after(10).away(100 + number, 0);
        trial.after(10).saved(200 + number, 0);
    });
    assert_eq!(rounds, None);
    assert!(!trial.tries.are_few_in_doubt(), "that is an outage");
}

#[test]
fn an_endpoint_that_fails_now_and_then_says_less() {
    let mut trial = Trial::new();
    for other in 100..105 {
        trial.away(other, 0);
        trial.saved(other, 0);
    }
    let rounds = trial.rounds(1, |trial, _| {
        trial.after(1).away(1, 0);
        trial.after(1).saved(2, 0);
    });
    assert_eq!(rounds, Some(8), "three, and one more for each of five");
    // What lies far back is forgotten.
    let mut trial = Trial::new();
    trial.away(100, 0);
    for other in 0..20 {
        trial.saved(200 + other, 0);
    }
    let rounds = trial.rounds(1, |trial, _| {
        trial.after(1).away(1, 0);
        trial.after(1).saved(2, 0);
    });
    assert_eq!(rounds, Some(3));
}

#[test]
fn one_that_says_how_long_to_wait_speaks_least_against_an_item() {
    let mut trial = Trial::new();
    trial.saved(9, 0);
    let rounds = trial.rounds(1, |trial, _| {
        trial.after(1).fails(1, 0, BUSY);
        trial.after(1).saved(2, 0);
    });
    assert_eq!(rounds, Some(8));
}

#[test]
fn an_endpoint_that_has_answered_nothing_yet_is_believed_once() {
    let mut trial = Trial::new();
    for endpoint in 0..3 {
        trial.away(1, endpoint);
    }
    for endpoint in 0..3 {
        trial.saved(2, endpoint);
    }
    assert_eq!(
        trial.tries.verdict(1),
        None,
        "three that were just starting"
    );
    for _ in 0..2 {
        trial.after(1).away(1, 0);
        trial.saved(2, 0);
    }
    assert!(trial.tries.verdict(1).is_some());
}

#[test]
fn what_failed_in_one_silence_of_all_counts_once() {
    let mut trial = Trial::new();
    for endpoint in 0..4 {
        trial.saved(9, endpoint);
    }
    for endpoint in 0..4 {
        trial.after(1).breaks_off(1, endpoint);
    }
    for endpoint in 0..4 {
        trial.saved(2, endpoint);
    }
    assert_eq!(trial.tries.verdict(1), None);
    let rounds = trial.rounds(1, |trial, _| {
        trial.breaks_off(1, 0);
        trial.saved(2, 0);
    });
    assert_eq!(rounds, Some(2));
}

#[test]
fn what_was_turned_away_together_counts_once() {
    for (kind, is_given_up) in [
        (FailureKind::Away { retry_after: None }, false),
        (FailureKind::BrokeOff, true),
    ] {
        let mut trial = Trial::new();
        for endpoint in 0..4 {
            trial.saved(9, endpoint);
        }
        let started = trial.now;
        for endpoint in 0..4 {
            let failure = Failure::new(kind, "no");
            trial.now += Duration::from_millis(10);
            trial.tries.note(1, endpoint, &failure, started, trial.now);
            // Somebody answers all the time.
            trial.now += Duration::from_millis(10);
            trial.tries.saved(2, 9, trial.now, trial.now);
        }
        for endpoint in 0..4 {
            trial.saved(3, endpoint);
        }
        assert_eq!(trial.tries.verdict(1).is_some(), is_given_up, "{kind:?}");
    }
}

#[test]
fn an_answer_long_after_tells_nothing_of_a_silence() {
    for (wait, expected) in [(50, Some(3)), (70, None)] {
        let mut trial = Trial::new();
        trial.saved(9, 0);
        let rounds = trial.rounds(1, |trial, _| {
            trial.away(1, 0);
            trial.after(wait).saved(2, 0);
        });
        assert_eq!(rounds, expected, "{wait} s");
    }
}

#[test]
fn its_own_answers_do_not_speak_against_an_item() {
    let mut trial = Trial::new();
    trial.saved(9, 0);
    trial.away(1, 0);
    trial.away(1, 0);
    trial.fails(1, 0, FailureKind::BadAnswer);
    assert!(!trial.tries.is_in_doubt(1), "it was heard");
    trial.saved(2, 0);
    trial.fails(1, 0, FailureKind::BadAnswer);
    assert_eq!(trial.tries.verdict(1), None);
    trial.fails(1, 0, FailureKind::BadAnswer);
    assert!(trial.tries.verdict(1).is_some());
}

#[test]
fn after_an_answered_comparison_failures_there_count_at_once() {
    let mut trial = Trial::new();
    trial.away(1, 0);
    assert!(!trial.tries.is_worth_comparing(1));
    trial.away(1, 0);
    assert!(trial.tries.is_worth_comparing(1));
    trial.compared(9, 0, true);
    assert!(trial.tries.is_proven(0, trial.now) && !trial.tries.is_proven(1, trial.now));
    assert_eq!(trial.standing(1, 0), Standing::Clear);
    assert_eq!(
        trial.standing(1, 1),
        Standing::Waits,
        "it is tried where it tells"
    );
    assert!(!trial.tries.is_worth_comparing(1), "that has been done");
    assert!(!trial.away(1, 1), "elsewhere nothing is known");
    let mut judged = 0;
    let rounds = trial.rounds(1, |trial, _| judged += u32::from(trial.away(1, 0)));
    assert_eq!(
        (rounds, judged),
        (Some(3), 3),
        "and the answer counted the last one before"
    );
}

#[test]
fn a_comparison_holds_for_ten_minutes() {
    let mut trial = Trial::new();
    assert_eq!(trial.tries.next_comparison(trial.now), None);
    trial.away(1, 0);
    trial.away(1, 0);
    let began = trial.now;
    trial.compared(9, 0, true);
    let next = began + Duration::from_secs(600);
    assert_eq!(trial.tries.next_comparison(trial.now), Some(next));
    trial.now = next - Duration::from_secs(1);
    assert!(trial.tries.is_proven(0, trial.now));
    trial.now = next;
    assert!(!trial.tries.is_proven(0, trial.now));
    assert_eq!(trial.tries.next_comparison(trial.now), None);
    assert!(!trial.away(1, 0), "it is open again");
}

#[test]
fn a_comparison_tells_nothing_of_what_was_long_ago() {
    for (wait, is_judged) in [(300, true), (400, false)] {
        let mut trial = Trial::new();
        trial.away(1, 0);
        trial.away(1, 0);
        trial.after(wait);
        assert_eq!(trial.tries.failed_lately(1, trial.now), is_judged);
        assert_eq!(trial.tries.failed_lately_at(1, 0, trial.now), is_judged);
        assert!(!trial.tries.failed_lately_at(1, 1, trial.now));
        trial.compared(9, 0, true);
        assert_eq!(trial.away(1, 0), is_judged, "after {wait} s");
    }
}

#[test]
fn an_unanswered_comparison_is_an_outage_and_clears_all() {
    let mut trial = Trial::new();
    trial.saved(9, 0);
    for _ in 0..2 {
        trial.after(1).away(1, 0);
        trial.after(1).saved(2, 0);
    }
    trial.away(1, 0);
    trial.compared(9, 0, false);
    assert!(trial.tries.is_deaf(0) && !trial.tries.is_deaf(1));
    trial.after(1).saved(3, 0);
    assert!(!trial.tries.is_deaf(0));
    assert_eq!(trial.tries.verdict(1), None);
    let rounds = trial.rounds(1, |trial, _| {
        trial.after(1).away(1, 0);
        trial.after(1).saved(2, 0);
    });
    assert!(rounds >= Some(3), "from the start: {rounds:?}");
}

#[test]
fn a_silence_of_others_ends_what_a_comparison_said() {
    let mut trial = Trial::new();
    trial.away(1, 0);
    trial.away(1, 0);
    trial.compared(9, 0, true);
    trial.away(2, 0);
    assert!(!trial.tries.is_proven(0, trial.now));
    assert!(!trial.away(1, 0));
}

#[test]
fn an_item_in_doubt_lets_others_go_first_and_then_waits() {
    let mut trial = Trial::new();
    assert_eq!(trial.standing(1, 0), Standing::Clear);
    trial.away(1, 0);
    assert_eq!(trial.standing(1, 0), Standing::InDoubt, "it failed there");
    assert_eq!(trial.standing(1, 1), Standing::Clear);
    assert_eq!(trial.standing(2, 1), Standing::Clear);
    assert!(trial.tries.is_in_doubt(1) && !trial.tries.is_in_doubt(2));
    trial.away(1, 1);
    trial.away(1, 2);
    assert_eq!(trial.standing(1, 3), Standing::InDoubt, "it failed often");
    trial.away(1, 3);
    assert_eq!(trial.standing(1, 3), Standing::InDoubt);
    trial.away(1, 4);
    assert_eq!(trial.standing(1, 5), Standing::Waits);
    // With many in doubt it is not the items.
    for other in 2..5 {
        trial.away(other, 5);
    }
    assert_eq!(trial.standing(1, 5), Standing::InDoubt);
}

#[test]
fn other_endpoints_are_tried_before_one_is_asked_to_compare() {
    let mut trial = Trial::new();
    assert!(!trial.tries.is_worth_trying(1, 0), "nothing has failed");
    trial.away(1, 0);
    assert!(!trial.tries.is_worth_trying(1, 0));
    assert!(trial.tries.is_worth_trying(1, 1));
    trial.away(1, 1);
    trial.away(1, 2);
    assert!(!trial.tries.is_worth_trying(1, 3), "three are enough");
}

#[test]
fn answers_to_what_costs_nothing_speak_softly() {
    let mut trial = Trial::new();
    let rounds = trial.rounds(1, |trial, _| {
        trial.breaks_off(1, 0);
        assert!(trial.tries.broke_off_at(1, 0) && !trial.tries.broke_off_at(1, 1));
        trial.tries.answered_probe(1, 0);
        assert!(!trial.tries.broke_off_at(1, 0));
    });
    assert_eq!(rounds, Some(8));
    let mut trial = Trial::new();
    let rounds = trial.rounds(1, |trial, _| {
        trial.breaks_off(1, 0);
        trial.tries.missed_probe(0);
        assert!(!trial.tries.broke_off_at(1, 0), "the endpoint is away");
        trial.tries.answered_probe(1, 0);
    });
    assert_eq!(rounds, None);
}

#[test]
fn who_broke_off_everywhere_waits_until_those_are_asked() {
    let mut trial = Trial::new();
    for endpoint in 0..5 {
        assert!(!trial.tries.waits_for_probes(1, endpoint));
        trial.breaks_off(1, endpoint);
    }
    assert!(trial.tries.waits_for_probes(1, 5));
    assert!(!trial.tries.waits_for_probes(1, 4), "it was there");
    let mut trial = Trial::new();
    for endpoint in 0..5 {
        trial.away(1, endpoint);
    }
    assert!(!trial.tries.waits_for_probes(1, 5), "nobody had taken it");
}

#[test]
fn a_key_that_is_refused_says_nothing_of_an_item() {
    let mut trial = Trial::new();
    let rounds = trial.rounds(1, |trial, _| {
        assert!(!trial.fails(1, 0, FailureKind::EndpointOut));
    });
    assert_eq!(rounds, None);
    assert!(!trial.tries.is_in_doubt(1));
}

#[test]
fn what_an_endpoint_did_long_ago_takes_nothing_from_its_word() {
    let mut witness = Witness::default();
    witness.remember(1, false);
    for _ in 0..19 {
        witness.remember(2, true);
    }
    assert_eq!(witness.weight(9), ENOUGH / 4, "one of the last twenty");
    assert_eq!(witness.weight(1), ENOUGH / 3, "it was the item's own");
    witness.remember(2, true);
    assert_eq!(witness.weight(9), ENOUGH / 3);
}

#[test]
fn failures_at_an_endpoint_that_did_not_answer_its_comparison_make_no_item_wait() {
    let mut trial = Trial::new();
    trial.away(1, 0);
    trial.away(1, 0);
    trial.compared(9, 0, false);
    for _ in 0..6 {
        trial.away(1, 0);
    }
    assert_ne!(trial.standing(1, 1), Standing::Waits);
}

#[test]
fn who_finishes_old_calls_and_takes_no_new_ones_is_away() {
    let mut trial = Trial::new();
    trial.saved(9, 0);
    let old = trial.now;
    let rounds = trial.rounds(1, |trial, number| {
        trial.after(1).away(1, 0);
        trial.after(1);
        trial.tries.saved(100 + number, 0, old, trial.now);
    });
    assert_eq!(rounds, None, "the answers tell of an earlier time");
    // That it is away for others stays known, too, until a new call is answered.
    let mut trial = Trial::new();
    trial.saved(9, 0);
    let old = trial.now;
    for item in 1..3 {
        trial.after(1).away(item, 0);
    }
    trial.tries.saved(100, 0, old, trial.now);
    assert_eq!(trial.standing(1, 0), Standing::InDoubt);
    trial.after(1).saved(101, 0);
    assert_eq!(trial.standing(1, 0), Standing::Clear);
}

#[test]
fn a_refusal_takes_nothing_from_what_a_comparison_told() {
    for kind in [
        FailureKind::Refused,
        FailureKind::BadAnswer,
        FailureKind::NotAccepted,
    ] {
        let mut trial = Trial::new();
        trial.away(1, 0);
        trial.away(1, 0);
        trial.compared(9, 0, true);
        trial.fails(1, 0, kind);
        assert!(trial.away(1, 0), "{kind:?}: the endpoint is not to blame");
        // Elsewhere it tells that it can be heard.
        let mut trial = Trial::new();
        trial.away(1, 0);
        trial.away(1, 0);
        trial.compared(9, 0, true);
        trial.fails(1, 1, kind);
        assert!(!trial.tries.is_in_doubt(1), "{kind:?}");
    }
}

#[test]
fn after_a_comparison_an_item_is_tried_only_until_another_one_is_worth_it() {
    let mut trial = Trial::new();
    for endpoint in 0..4 {
        trial.away(1, endpoint);
    }
    assert_eq!(trial.standing(1, 5), Standing::InDoubt);
    trial.compared(9, 0, true);
    trial.after(700);
    assert!(!trial.tries.is_proven(0, trial.now));
    trial.away(1, 1);
    assert_ne!(trial.standing(1, 5), Standing::Waits);
    trial.away(1, 2);
    assert!(trial.tries.is_worth_comparing(1));
    assert_eq!(trial.standing(1, 5), Standing::Waits);
}

#[test]
fn a_comparison_that_is_not_made_does_not_keep_the_next_one_waiting() {
    let mut trial = Trial::new();
    trial.tries.compares(trial.now);
    assert!(trial.tries.next_comparison(trial.now).is_some());
    trial.tries.does_not_compare();
    assert_eq!(trial.tries.next_comparison(trial.now), None);
}
