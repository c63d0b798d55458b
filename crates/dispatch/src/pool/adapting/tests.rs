//! Servers of every kind of width, in made-up time.

use std::time::Duration;

use crate::pool::{EndpointLimits, Pool};
use crate::random::Random;
use crate::{Failure, FailureKind, Moment};

const MOST: usize = 16;
/// So long a call takes that has a server to itself.
const ALONE: Duration = Duration::from_secs(15);

/// A server in whose calls so many do not hinder each other.
struct Server {
    peak: usize,
    /// Whether more are turned away, and how it says how long to wait.
    turns_away: Option<(u16, Option<Duration>)>,
    /// How far apart calls of the same kind are, as a share of their time.
    irregular: f64,
}

/// What came of a run.
struct Came {
    settled: usize,
    /// Pictures, as a share of what the best width would have brought.
    share: f64,
    /// The share of the time at which the width was no more than one off the best.
    near: f64,
}

impl Server {
    fn takes(&self, with: usize, random: &mut Random) -> Duration {
        let crowded = (with as f64 / self.peak as f64).max(1.0);
        let irregular = 1.0 + self.irregular * (2.0 * random.fraction() - 1.0);
        ALONE.mul_f64(crowded * irregular)
    }

    /// Uses it for so many hours as the only endpoint of a run that has always something to do.
    fn used_for(&self, hours: u64, seed: u64) -> Came {
        let mut random = Random::from_seed(seed);
        let limits = EndpointLimits {
            name: "a".to_owned(),
            slots: MOST,
            adapts: true,
            max_per_minute: None,
            timeout: Duration::from_secs(600),
            price: None,
        };
        let mut pool = Pool::new([limits], None);
        let best = self.peak.min(MOST);
        let end = Duration::from_secs(3600 * hours);
        let mut calls: Vec<(Moment, Moment, Option<Failure>)> = Vec::new();
        let (mut now, mut pictures, mut near) = (Moment::ZERO, 0, Duration::ZERO);
        while now < end {
            while pool.has_free(now) {
                pool.start(0, now);
                let with = calls.len() + 1;
                assert!(with <= MOST, "{with} calls at a time");
                let is_too_much = with > self.peak;
                let (took, failure) = match self.turns_away.filter(|_| is_too_much) {
                    Some((status, retry_after)) => {
                        let kind = FailureKind::Away { retry_after };
                        let failure = Failure::new(kind, "too much").with_status(status);
                        (Duration::from_millis(50), Some(failure))
                    }
                    None => (self.takes(with, &mut random), None),
                };
                calls.push((now + took, now, failure));
            }
            let next = calls.iter().map(|&(at, ..)| at).min();
            let then = next.into_iter().chain(pool.next_wake(now)).min();
            let then = then.expect("something happens");
            let width = pool.members()[0].width();
            if width.abs_diff(best) <= 1 {
                near += then - now;
            }
            now = then;
            while let Some(index) = calls.iter().position(|&(at, ..)| at <= now) {
                let (_, started, failure) = calls.swap_remove(index);
                match failure {
                    None => {
                        pool.answered(0, started, now);
                        pictures += 1;
                    }
                    Some(failure) => {
                        pool.failed(0, started, now, &failure, random.fraction());
                    }
                }
            }
        }
        let at_best = best as f64 * now.as_secs_f64() / ALONE.as_secs_f64();
        Came {
            settled: pool.members()[0].settled_on().expect("it adapts"),
            share: f64::from(pictures) / at_best,
            near: near.as_secs_f64() / now.as_secs_f64(),
        }
    }

    /// It settles on the best width, and hardly loses anything on the way.
    fn assert_found(&self, what: &str) {
        for seed in 0..20 {
            let Came {
                settled,
                share,
                near,
            } = self.used_for(48, seed);
            let best = self.peak.min(MOST);
            assert!(
                settled.abs_diff(best) <= 1,
                "{what}, seed {seed}: it settled on {settled}, and {best} is best"
            );
            assert!(share >= 0.9, "{what}, seed {seed}: {share:.3} of the best");
            assert!(near >= 0.85, "{what}, seed {seed}: near for {near:.3}");
        }
    }
}

fn steady(peak: usize) -> Server {
    Server {
        peak,
        turns_away: None,
        irregular: 0.2,
    }
}

#[test]
fn calls_that_hinder_each_other_beyond_a_number_settle_on_that_number() {
    for peak in [1, 2, 3, 4, 5, 6, 8] {
        steady(peak).assert_found(&format!("a peak at {peak}"));
    }
}

#[test]
fn calls_that_never_hinder_each_other_settle_on_the_most_that_is_allowed() {
    steady(1000).assert_found("no peak");
}

#[test]
fn irregular_calls_do_not_make_it_restless() {
    for peak in [1, 4] {
        let server = Server {
            irregular: 0.7,
            ..steady(peak)
        };
        server.assert_found(&format!("irregular, with a peak at {peak}"));
    }
}

#[test]
fn a_server_that_turns_calls_away_settles_below_that() {
    let waits = [
        None,
        Some(Duration::from_secs(2)),
        Some(Duration::from_secs(20)),
    ];
    for (status, retry_after) in [429, 503].into_iter().flat_map(|s| waits.map(|w| (s, w))) {
        for peak in [1, 3, 7] {
            let server = Server {
                turns_away: Some((status, retry_after)),
                ..steady(peak)
            };
            server.assert_found(&format!("{status} beyond {peak}, {retry_after:?}"));
        }
    }
}
