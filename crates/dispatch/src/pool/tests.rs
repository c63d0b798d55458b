//! The pool's decisions, at times that the tests make up.

use super::*;

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
        max_per_minute,
        timeout: Duration::from_secs(600),
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
        "endpoint e0 is out for the rest of this run: HTTP 401"
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
