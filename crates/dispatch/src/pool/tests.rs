//! The pool's decisions, at times that the tests make up.

use super::*;
use crate::{Failure, FailureKind, Money};

fn pool(slots: &[usize]) -> Pool {
    Pool::new(
        slots
            .iter()
            .enumerate()
            .map(|(index, &slots)| endpoint(&format!("e{index}"), slots, None)),
        None,
    )
}

fn endpoint(name: &str, slots: usize, max_per_minute: Option<usize>) -> EndpointLimits {
    EndpointLimits {
        name: name.to_owned(),
        slots,
        adapts: false,
        max_per_minute,
        timeout: Duration::from_secs(600),
        price: None,
    }
}

fn away() -> Failure {
    Failure::away("gone")
}

#[test]
fn turns_go_round_among_the_free() {
    let mut pool = pool(&[1, 1, 1]);
    let now = Moment::from_secs(1000);
    let mut picks = Vec::new();
    for _ in 0..3 {
        let index = pool.pick(now, 100, |_| true).unwrap();
        pool.start(index, now);
        picks.push(index);
    }
    assert_eq!(picks, [0, 1, 2]);
    assert_eq!(pool.pick(now, 100, |_| true), None, "all are busy");
    pool.answered(1, now, now);
    pool.answered(0, now, now);
    assert_eq!(
        pool.pick(now, 100, |_| true),
        Some(0),
        "the next free one after 2"
    );
}

#[test]
fn an_endpoint_that_is_away_rests_longer_each_time_and_at_most_five_minutes() {
    let mut pool = pool(&[1]);
    let mut now = Moment::from_secs(1000);
    let mut rests = Vec::new();
    for _ in 0..12 {
        pool.start(0, now);
        pool.failed(0, now, now, &away(), 1.0);
        let wake = pool.next_wake(now).unwrap();
        rests.push((wake - now).as_secs());
        now = wake;
    }
    assert_eq!(rests, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    pool.start(0, now);
    pool.answered(0, now, now);
    pool.start(0, now);
    pool.failed(0, now, now, &away(), 1.0);
    assert_eq!(
        pool.next_wake(now),
        Some(now + Duration::from_secs(1)),
        "an answer ends the row"
    );
}

#[test]
fn calls_that_fail_together_are_one_failure() {
    let mut pool = pool(&[4]);
    let now = Moment::from_secs(1000);
    for _ in 0..4 {
        pool.start(0, now);
    }
    let later = now + Duration::from_secs(1);
    for _ in 0..4 {
        pool.failed(0, now, later, &away(), 1.0);
    }
    assert_eq!(pool.next_wake(later), Some(later + Duration::from_secs(1)));
    let woken = later + Duration::from_secs(1);
    pool.start(0, woken);
    assert_eq!(
        pool.pick(woken, 100, |_| true),
        None,
        "it is tried with one call first"
    );
    pool.answered(0, woken, woken);
    assert_eq!(pool.pick(woken, 100, |_| true), Some(0));
}

#[test]
fn a_server_that_says_how_long_is_left_alone_that_long() {
    let mut pool = pool(&[1]);
    let now = Moment::from_secs(1000);
    pool.start(0, now);
    let failure = Failure::new(
        FailureKind::Away {
            retry_after: Some(Duration::from_secs(77)),
        },
        "slow down",
    );
    pool.failed(0, now, now, &failure, 0.0);
    let back = now + Duration::from_secs(77);
    assert_eq!(pool.next_wake(now), Some(back));
    pool.start(0, back);
    let at_once = Failure::new(
        FailureKind::Away {
            retry_after: Some(Duration::ZERO),
        },
        "slow down",
    );
    pool.failed(0, back, back, &at_once, 0.0);
    assert!(
        pool.next_wake(back).is_some(),
        "nobody is called all the time"
    );
}

#[test]
fn bad_answers_make_short_rests() {
    let mut pool = pool(&[1]);
    let mut now = Moment::from_secs(1000);
    let mut rests = Vec::new();
    for _ in 0..4 {
        pool.start(0, now);
        pool.failed(0, now, now, &Failure::bad_answer("garbage"), 0.5);
        let wake = pool.next_wake(now).unwrap();
        rests.push((wake - now).as_millis());
        now = wake;
    }
    assert_eq!(rests, [500, 1000, 2000, 2000]);
}

#[test]
fn an_endpoint_that_is_out_gets_nothing_more() {
    let mut pool = pool(&[1, 1]);
    let now = Moment::from_secs(1000);
    pool.start(0, now);
    let line = pool.failed(
        0,
        now,
        now,
        &Failure::new(FailureKind::EndpointOut, "HTTP 401"),
        0.0,
    );
    assert_eq!(
        line.unwrap(),
        "endpoint e0 is out until its entry or its key changes: HTTP 401"
    );
    assert_eq!(pool.pick(now, 100, |_| true), Some(1));
    assert!(!pool.all_out());
    assert_eq!(pool.next_wake(now), None);
}

#[test]
fn the_last_items_of_a_step_go_to_those_who_finish_them_first() {
    let mut pool = pool(&[1, 1]);
    let start = Moment::from_secs(1000);
    let at = |ms| start + Duration::from_millis(ms);
    // One endpoint takes 100 ms, the other 1000 ms.
    pool.start(0, start);
    pool.start(1, start);
    pool.answered(0, start, at(100));
    pool.answered(1, start, at(1000));
    pool.start(0, at(1000));
    assert_eq!(
        pool.pick(at(1000), 20, |_| true),
        Some(1),
        "with much left everybody is needed"
    );
    assert_eq!(
        pool.pick(at(1000), 3, |_| true),
        None,
        "the fast one finishes three before the slow one finishes one"
    );
    pool.answered(0, at(1000), at(1100));
    assert_eq!(pool.pick(at(1100), 2, |_| true), Some(0));
}

#[test]
fn an_endpoint_is_not_passed_over_for_one_that_does_not_suit() {
    let mut pool = pool(&[1, 1]);
    let start = Moment::from_secs(1000);
    let at = |ms| start + Duration::from_millis(ms);
    pool.start(0, start);
    pool.start(1, start);
    pool.answered(0, start, at(100));
    pool.answered(1, start, at(1000));
    assert_eq!(pool.pick(at(1000), 1, |_| true), Some(0));
    assert_eq!(pool.pick(at(1000), 1, |index| index == 1), Some(1));
}

#[test]
fn with_strict_turns_nobody_is_passed_over() {
    let mut pool = Pool::new(
        [endpoint("fast", 1, None), endpoint("slow", 1, None)],
        Some(1),
    );
    let start = Moment::from_secs(1000);
    let at = |ms| start + Duration::from_millis(ms);
    pool.start(0, start);
    pool.answered(0, start, at(1));
    pool.start(1, start);
    pool.answered(1, start, at(1000));
    let picks: Vec<_> = (0..4)
        .map(|_| {
            let index = pool.pick(at(2000), 1, |_| true).unwrap();
            pool.start(index, at(2000));
            pool.cancelled(index, at(2000));
            index
        })
        .collect();
    assert_eq!(picks, [0, 1, 0, 1]);
}

#[test]
fn a_minute_holds_no_more_calls_than_it_may() {
    let mut pool = Pool::new([endpoint("e", 5, Some(2))], None);
    let start = Moment::from_secs(1000);
    let at = |s| start + Duration::from_secs(s);
    for s in [0, 10] {
        assert!(pool.pick(at(s), 100, |_| true).is_some());
        pool.start(0, at(s));
        pool.answered(0, at(s), at(s));
    }
    assert_eq!(pool.pick(at(20), 100, |_| true), None);
    assert_eq!(pool.next_wake(at(20)), Some(at(60)));
    assert_eq!(pool.pick(at(60), 100, |_| true), Some(0));
}

#[test]
fn all_are_away_only_when_each_that_is_left_is() {
    let mut pool = pool(&[1, 1, 1]);
    let now = Moment::from_secs(1000);
    assert!(!pool.all_away());
    let fail = |pool: &mut Pool, index, kind| {
        pool.start(index, now);
        pool.failed(index, now, now, &Failure::new(kind, "gone"), 0.0);
    };
    fail(&mut pool, 0, FailureKind::BrokeOff);
    fail(&mut pool, 1, FailureKind::Away { retry_after: None });
    assert!(!pool.all_away());
    fail(&mut pool, 2, FailureKind::EndpointOut);
    assert!(pool.all_away(), "one is out, and the others are away");
    for index in [0, 1] {
        fail(&mut pool, index, FailureKind::EndpointOut);
    }
    assert!(
        pool.all_out() && !pool.all_away(),
        "nobody is left to wait for"
    );
}

#[test]
fn an_endpoint_that_is_not_to_blame_rests_a_moment_and_is_there() {
    let mut pool = pool(&[2]);
    let now = Moment::from_secs(1000);
    for _ in 0..5 {
        pool.start(0, now);
        pool.failed(0, now, now, &away(), 1.0);
    }
    assert!(pool.members()[0].is_away());
    pool.is_not_to_blame(0, now);
    assert!(!pool.members()[0].is_away());
    assert_eq!(pool.next_wake(now), Some(now + Duration::from_secs(2)));
    assert!(!pool.has_free(now) && !pool.may_call(0, now));
    assert!(pool.has_free(now + Duration::from_secs(2)));
}

#[test]
fn no_more_calls_than_allowed_are_under_way_together() {
    let ends = [endpoint("a", 2, None), endpoint("b", 2, None)];
    let mut pool = Pool::new(ends, Some(3));
    let now = Moment::from_secs(1000);
    for under_way in 0..3 {
        assert_eq!(
            (pool.max_concurrent(), pool.calls_under_way()),
            (3, under_way)
        );
        assert!(pool.has_free(now));
        let index = pool.pick(now, 100, |_| true).unwrap();
        pool.start(index, now);
    }
    let by_endpoint = pool.members().iter().map(Member::calls_under_way);
    assert_eq!(by_endpoint.collect::<Vec<_>>(), [2, 1]);
    assert!(!pool.has_free(now) && !pool.may_call(1, now));
    assert_eq!(pool.pick(now, 100, |_| true), None);
    pool.cancelled(0, now);
    assert!(pool.may_call(1, now));
    assert_eq!(
        Pool::new([endpoint("a", 2, None)], Some(9)).max_concurrent(),
        2
    );
}

/// Two endpoints, whose calls take so many seconds.
fn of_latencies(seconds: [u64; 2]) -> Pool {
    let mut pool = pool(&[1, 1]);
    for (index, seconds) in seconds.into_iter().enumerate() {
        pool.start(index, Moment::ZERO);
        pool.answered(index, Moment::ZERO, Duration::from_secs(seconds));
    }
    pool
}

#[test]
fn who_is_passed_over_depends_on_what_the_others_surely_finish_in_time() {
    let now = Moment::from_secs(1000);
    // Until three quarters of the slow one's hundred seconds the fast one finishes seven.
    for (left, is_passed_over) in [(1, true), (7, true), (8, false), (16, false), (17, false)] {
        let mut pool = of_latencies([10, 100]);
        pool.start(0, now);
        pool.answered(0, now, now + Duration::from_secs(10));
        let now = now + Duration::from_secs(10);
        let picked = pool.pick(now, left, |index| index == 1 || is_passed_over);
        assert_eq!(picked == Some(1), !is_passed_over, "{left} left");
        if !is_passed_over {
            let slow = pool.pick(now, left, |_| true);
            assert_eq!(slow, Some(1), "{left} left");
        }
    }
}

#[test]
fn with_more_than_eight_rounds_left_everybody_is_needed() {
    let now = Moment::from_secs(1000);
    // The fast one would finish 75 before the slow one has finished three quarters of one.
    for (left, expected) in [(16, Some(0)), (17, Some(1))] {
        let mut pool = of_latencies([1, 100]);
        pool.last_used = Some(0);
        assert_eq!(pool.pick(now, left, |_| true), expected, "{left} left");
    }
}

#[test]
fn a_call_that_takes_longer_than_usual_is_expected_once_more_and_then_not() {
    for (under_way, is_waited_for) in [(5, true), (15, true), (21, false), (500, false)] {
        let mut pool = of_latencies([10, 100]);
        let now = Moment::from_secs(2000);
        pool.start(0, now - Duration::from_secs(under_way));
        let picked = pool.pick(now, 1, |_| true);
        assert_eq!(picked.is_none(), is_waited_for, "{under_way} s");
    }
}

#[test]
fn a_fast_endpoint_that_may_seldom_be_called_is_not_waited_for() {
    for (limit, is_waited_for) in [(1, false), (2, true), (60, true)] {
        let ends = [endpoint("fast", 1, Some(limit)), endpoint("slow", 1, None)];
        let mut pool = Pool::new(ends, None);
        let start = Moment::from_secs(1000);
        for (index, seconds) in [(0, 1), (1, 40)] {
            pool.start(index, start);
            pool.answered(index, start, start + Duration::from_secs(seconds));
        }
        // The second call of the fast one may start a minute after its first.
        pool.start(0, start + Duration::from_secs(40));
        let now = start + Duration::from_secs(41);
        pool.answered(0, start + Duration::from_secs(40), now);
        let picked = pool.pick(now, 1, |index| index == 1);
        assert_eq!(picked, Some(1), "it alone suits");
        let free = pool.pick(now, 1, |_| true);
        let expected = if limit == 60 {
            Some(0)
        } else {
            Some(1).filter(|_| !is_waited_for)
        };
        assert_eq!(free, expected, "{limit} a minute");
    }
}

#[test]
fn one_that_rests_or_was_of_no_use_is_not_waited_for() {
    let now = Moment::from_secs(1000);
    let later = now + Duration::from_secs(1);
    for kind in [
        FailureKind::BadAnswer,
        FailureKind::Away { retry_after: None },
    ] {
        let mut pool = of_latencies([1, 100]);
        pool.start(0, now);
        pool.failed(0, now, later, &Failure::new(kind, "no"), 1.0);
        assert_eq!(pool.pick(later, 1, |_| true), Some(1), "{kind:?}");
    }
    let mut pool = of_latencies([1, 100]);
    pool.start(0, now);
    assert_eq!(pool.pick(now, 1, |_| true), None, "it will soon be free");
    pool.is_not_to_blame(0, later);
    pool.cancelled(0, now);
    assert_eq!(pool.pick(later, 1, |_| true), Some(1), "it rests");
}

#[test]
fn what_an_endpoint_did_is_counted() {
    let mut pool = pool(&[2]);
    assert!(!pool.any_answered());
    let now = Moment::from_secs(1000);
    let second = now + Duration::from_secs(1);
    for _ in 0..2 {
        pool.start(0, now);
        pool.answered(0, now, second);
        pool.good_answer(0);
        pool.saved(0);
    }
    pool.start(0, second);
    pool.failed(
        0,
        second,
        second,
        &Failure::bad_answer("x").with_status(200),
        0.0,
    );
    pool.start(0, second);
    pool.failed(0, second, second, &away(), 0.0);
    let tally = EndpointTally {
        calls: 4,
        saved: 2,
        answers: 3,
        busy: Duration::from_secs(2),
        not_accepted: 0,
        cost: Money::ZERO,
        pictures: 2,
    };
    assert_eq!(pool.members()[0].tally(), tally);
    assert!(pool.any_answered());
    assert_eq!(pool.members()[0].last_failure(), Some("gone"));
}

#[test]
fn what_is_likely_to_be_free_before_long() {
    let mut pool = of_latencies([10, 10]);
    let now = Moment::from_secs(1000);
    let is_soon = |pool: &Pool, seconds: u64| {
        pool.members()[0].is_free_soon(now + Duration::from_secs(seconds))
    };
    assert!(is_soon(&pool, 0));
    pool.start(0, now);
    assert!(
        is_soon(&pool, 20) && !is_soon(&pool, 21),
        "twice as long as usual"
    );
    pool.failed(0, now, now, &busy(15), 0.0);
    assert!(
        !is_soon(&pool, 4) && is_soon(&pool, 5),
        "ten seconds before its rest ends"
    );
    pool.start(0, now);
    pool.failed(
        0,
        now,
        now,
        &Failure::new(FailureKind::EndpointOut, "no"),
        0.0,
    );
    assert!(!is_soon(&pool, 100));
}

fn busy(seconds: u64) -> Failure {
    let retry_after = Some(Duration::from_secs(seconds));
    Failure::new(FailureKind::Away { retry_after }, "busy")
}

#[test]
fn who_turns_calls_away_because_it_has_enough_still_works_on_those_before() {
    let busy = |status| busy(1).with_status(status);
    let broke_off = Failure::new(FailureKind::BrokeOff, "it is gone");
    for (failure, works_on) in [
        (busy(429), true),
        (busy(503), true),
        (away().with_status(429), true),
        (away().with_status(502), false),
        (away(), false),
        (broke_off, false),
    ] {
        let mut pool = pool(&[2]);
        let now = Moment::from_secs(1000);
        let fails_at = |pool: &mut Pool, now, failure: &Failure| {
            pool.start(0, now);
            pool.failed(0, now, now + Duration::from_secs(1), failure, 1.0);
        };
        pool.start(0, now);
        let later = now + Duration::from_secs(5);
        fails_at(&mut pool, later, &failure);
        assert_eq!(pool.members()[0].is_at_work(later), works_on, "{failure:?}");
        // Until it is late, or the server is gone.
        let late = now + Duration::from_secs(601);
        assert!(!pool.members()[0].is_at_work(late), "{failure:?}");
        fails_at(&mut pool, later + Duration::from_secs(5), &away());
        assert!(!pool.members()[0].is_at_work(later), "{failure:?}");
    }
    // A call that is turned away, too, brings nothing, however long that takes.
    let mut pool = pool(&[2]);
    let now = Moment::from_secs(1000);
    pool.start(0, now);
    pool.failed(0, now, now, &busy(429), 1.0);
    pool.start(0, now + Duration::from_secs(2));
    assert!(!pool.members()[0].is_at_work(now + Duration::from_secs(3)));
}

#[test]
fn an_older_answer_does_not_end_a_rest_that_was_asked_for() {
    let mut pool = pool(&[2]);
    let now = Moment::from_secs(1000);
    pool.start(0, now);
    pool.start(0, now);
    pool.failed(0, now, now, &busy(30), 0.0);
    pool.answered(0, now, now + Duration::from_secs(1));
    assert_eq!(pool.next_wake(now), Some(now + Duration::from_secs(30)));
    // The longest of what was asked for holds, up to a day.
    pool.start(0, now);
    pool.failed(0, now, now, &busy(10), 0.0);
    assert_eq!(pool.next_wake(now), Some(now + Duration::from_secs(30)));
    pool.start(0, now);
    pool.failed(0, now, now, &busy(1_000_000), 0.0);
    assert_eq!(
        pool.next_wake(now),
        Some(now + Duration::from_secs(24 * 3600))
    );
}

#[test]
fn nothing_at_an_address_is_an_outage_where_there_was_something() {
    let missing = Failure::new(FailureKind::Missing, "404");
    let now = Moment::from_secs(1000);
    let mut fresh = pool(&[1]);
    fresh.start(0, now);
    assert!(fresh.failed(0, now, now, &missing, 1.0).is_some());
    assert!(fresh.all_out());
    let mut known = of_latencies([1, 1]);
    known.start(0, now);
    assert_eq!(known.failed(0, now, now, &missing, 1.0), None);
    assert!(known.members()[0].is_away());
    assert_eq!(known.next_wake(now), Some(now + Duration::from_secs(1)));
}

#[test]
fn an_endpoint_that_is_not_there_when_asked_rests() {
    let mut pool = pool(&[1]);
    let now = Moment::from_secs(1000);
    pool.is_not_there(0, now, &away(), 1.0);
    assert!(pool.members()[0].is_away());
    assert_eq!(
        pool.members()[0].rests_for(now),
        Some(Duration::from_secs(1))
    );
    assert_eq!(pool.members()[0].last_failure(), Some("gone"));
}

#[test]
fn what_a_limit_of_calls_lets_through_in_the_minutes_to_come_is_counted() {
    // Within three quarters of the slow one's 200 seconds the fast one may be called in three
    // minutes, twice in each.
    for (left, is_passed_over) in [(6, true), (7, false)] {
        let ends = [endpoint("fast", 1, Some(2)), endpoint("slow", 1, None)];
        let mut pool = Pool::new(ends, None);
        for (index, seconds) in [(0, 1), (1, 200)] {
            pool.start(index, Moment::ZERO);
            pool.answered(index, Moment::ZERO, Duration::from_secs(seconds));
        }
        let now = Moment::from_secs(1000);
        pool.last_used = Some(0);
        let picked = pool.pick(now, left, |_| true);
        assert_eq!(picked, Some(usize::from(!is_passed_over)), "{left} left");
    }
}
