//! Model servers in a made-up world: their speed, limits, and moods.

use std::time::Duration;

use dispatch::{EndpointLimits, Failure, FailureKind};

use crate::chance::Chance;

/// What a server is like for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Mood {
    Healthy,
    /// So many times slower.
    Slow(f64),
    Hanging,
    /// Refuses connections.
    Down,
    /// Nobody is there any more who could refuse anything: what is under way hangs, and so does who
    /// wants to connect.
    Vanished,
    /// Answers this status, and may say how long to wait.
    Away(u16, Option<Duration>),
    /// Turns away this share of the calls, and says how long to wait.
    Busy(f64, Duration),
    /// There is nothing at its address.
    Missing,
    /// Breaks off this share of the calls.
    BreaksOff(f64),
    /// This share of its answers is of no use; some are noticed only when they are decoded.
    Garbage(f64),
    /// Declines this share.
    Refuses(f64),
    /// Does not take the key any more.
    KeyRefused,
}

/// What a call would bring.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    Picture,
    /// An answer that turns out to be of no use when it is saved.
    Undecodable,
    Failed(Failure),
}

/// What a block says that a server cannot draw.
const POISON: &str = "this block fails here";

impl Outcome {
    /// Whether it was the block, and not the server.
    pub(crate) fn is_poison(&self) -> bool {
        matches!(self, Self::Failed(failure) if failure.message == POISON)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub limits: EndpointLimits,
    latency: Duration,
    cold_start: Duration,
    last_call: Option<Duration>,
    /// Until when it has each mood; healthy afterwards.
    moods: Vec<(Duration, Mood)>,
    /// Whether it is among the endpoints that a run is given.
    pub is_here: bool,
    /// Blocks that fail here, and how.
    pub poison: Vec<(usize, Poison)>,
}

/// How a block fails that a server cannot draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Poison {
    BreaksOff,
    Away,
    Busy,
    Hangs,
    BadAnswer,
    Refused,
    Rejected,
}

impl Server {
    pub(crate) fn made_up(number: usize, horizon: Duration, chance: &mut Chance) -> Self {
        let slots = chance.pick(&[1, 1, 1, 2, 4]);
        let per_minute = chance.pick(&[None, None, None, None, Some(1), Some(5), Some(60)]);
        let latency = chance.duration(0.05, 40.0);
        Self {
            limits: EndpointLimits {
                name: format!("e{number}"),
                slots,
                adapts: false,
                max_per_minute: per_minute,
                timeout: latency.mul_f64(4.0) + chance.duration(1.0, 600.0),
                price: None,
            },
            latency,
            cold_start: if chance.happens(0.3) {
                chance.duration(1.0, 200.0)
            } else {
                Duration::ZERO
            },
            last_call: None,
            is_here: true,
            moods: moods(horizon, chance),
            poison: Vec::new(),
        }
    }

    /// Gives it a mood from a moment to another, whatever it was to be.
    pub(crate) fn impose(&mut self, from: Duration, until: Duration, mood: Mood) {
        let before: Vec<_> = self
            .moods
            .iter()
            .copied()
            .filter(|&(u, _)| u <= from)
            .collect();
        let then = self.mood_at(from);
        let after: Vec<_> = self
            .moods
            .iter()
            .copied()
            .filter(|&(u, _)| u > until)
            .collect();
        self.moods = before;
        self.moods.push((from, then));
        self.moods.push((until, mood));
        self.moods.extend(after);
    }

    pub(crate) fn mood_at(&self, now: Duration) -> Mood {
        let mood = self.moods.iter().find(|&&(until, _)| now < until);
        mood.map_or(Mood::Healthy, |&(_, mood)| mood)
    }

    /// When its mood changes next.
    fn changes_at(&self, now: Duration) -> Option<Duration> {
        self.moods
            .iter()
            .map(|&(until, _)| until)
            .find(|&until| now < until)
    }

    /// Whether it answers when it is asked whether it is there.
    pub(crate) fn is_there(&self, now: Duration) -> bool {
        !matches!(
            self.mood_at(now),
            Mood::Down | Mood::Vanished | Mood::Hanging | Mood::Away(..)
        )
    }

    /// How long a call takes that starts now, and what it brings.
    pub(crate) fn call(
        &mut self,
        item: usize,
        now: Duration,
        chance: &mut Chance,
    ) -> (Duration, Outcome) {
        let mut took = self.latency.mul_f64(0.7 + 0.6 * chance.fraction());
        if self
            .last_call
            .is_none_or(|last| now > last + Duration::from_secs(300))
        {
            took += self.cold_start;
        }
        self.last_call = Some(now);
        let timeout = self.limits.timeout;
        let quick = Duration::from_millis(1 + chance.below(200) as u64);
        let failed = |kind, message: &str| Outcome::Failed(Failure::new(kind, message));
        let (took, outcome) = match self.mood_at(now) {
            Mood::Down => (
                quick,
                failed(FailureKind::Away { retry_after: None }, "cannot connect"),
            ),
            Mood::Vanished => (
                timeout.min(Duration::from_secs(10)),
                failed(FailureKind::Away { retry_after: None }, "cannot connect"),
            ),
            Mood::Away(status, retry_after) => {
                let failure = Failure::new(FailureKind::Away { retry_after }, "away");
                (quick, Outcome::Failed(failure.with_status(status)))
            }
            Mood::Busy(share, wait) if chance.happens(share) => {
                let failure = Failure::new(
                    FailureKind::Away {
                        retry_after: Some(wait),
                    },
                    "busy",
                );
                (quick, Outcome::Failed(failure.with_status(429)))
            }
            Mood::Missing => (
                quick,
                Outcome::Failed(
                    Failure::new(FailureKind::Missing, "nothing here").with_status(404),
                ),
            ),
            Mood::KeyRefused => (
                quick,
                Outcome::Failed(Failure::new(FailureKind::EndpointOut, "bad key").with_status(401)),
            ),
            Mood::Hanging => (timeout, failed(FailureKind::BrokeOff, "no answer in time")),
            Mood::BreaksOff(share) if chance.happens(share) => (
                took.mul_f64(0.5),
                failed(FailureKind::BrokeOff, "it broke off"),
            ),
            Mood::Garbage(share) if chance.happens(share) => {
                let undecodable = chance.happens(0.5);
                let bad = Outcome::Failed(Failure::bad_answer("garbage").with_status(200));
                (
                    took,
                    if undecodable {
                        Outcome::Undecodable
                    } else {
                        bad
                    },
                )
            }
            Mood::Refuses(share) if chance.happens(share) => {
                (took, failed(FailureKind::Refused, "I would rather not"))
            }
            mood => {
                if let Mood::Slow(times) = mood {
                    took = took.mul_f64(times);
                }
                match self.poison_of(item) {
                    Some(poison) => poisoned(poison, took, timeout),
                    None => (took, Outcome::Picture),
                }
            }
        };
        if took > timeout {
            return (timeout, failed(FailureKind::BrokeOff, "no answer in time"));
        }
        // Who goes down takes the calls with it that are under way.
        if let Some(change) = self.changes_at(now).filter(|&at| at < now + took) {
            match self.mood_at(change) {
                Mood::Down => {
                    return (change - now, failed(FailureKind::BrokeOff, "it went down"));
                }
                Mood::Vanished => {
                    return (timeout, failed(FailureKind::BrokeOff, "no answer in time"));
                }
                _ => {}
            }
        }
        (took, outcome)
    }

    pub(crate) fn poison_of(&self, item: usize) -> Option<Poison> {
        self.poison
            .iter()
            .find(|&&(other, _)| other == item)
            .map(|&(_, poison)| poison)
    }

    /// Whether it is so slow that not all of its answers come in time.
    pub(crate) fn is_too_slow(&self, now: Duration) -> bool {
        matches!(self.mood_at(now), Mood::Slow(times) if self.latency.mul_f64(1.3 * times) > self.limits.timeout)
    }

    /// Whether it takes no calls any more, for good.
    pub(crate) fn is_lost(&self, now: Duration) -> bool {
        self.mood_at(now) == Mood::KeyRefused || !self.is_here
    }

    /// Has its key mended.
    pub(crate) fn take_key(&mut self) {
        self.moods.retain(|&(_, mood)| mood != Mood::KeyRefused);
    }

    /// Another machine has come in its place.
    pub(crate) fn come_back(&mut self) {
        self.last_call = None;
    }
}

fn poisoned(poison: Poison, took: Duration, timeout: Duration) -> (Duration, Outcome) {
    let failed = |kind| Outcome::Failed(Failure::new(kind, POISON));
    match poison {
        Poison::BreaksOff => (took.mul_f64(0.3), failed(FailureKind::BrokeOff)),
        Poison::Away => (
            took.mul_f64(0.3),
            failed(FailureKind::Away { retry_after: None }),
        ),
        Poison::Busy => {
            let retry_after = Some(Duration::from_secs(3));
            (took.mul_f64(0.3), failed(FailureKind::Away { retry_after }))
        }
        Poison::Hangs => (timeout, failed(FailureKind::BrokeOff)),
        Poison::BadAnswer => (took, Outcome::Undecodable),
        Poison::Refused => (took, failed(FailureKind::Refused)),
        Poison::Rejected => (took.mul_f64(0.1), failed(FailureKind::Rejected)),
    }
}

fn moods(horizon: Duration, chance: &mut Chance) -> Vec<(Duration, Mood)> {
    let mut moods = Vec::new();
    let mut at = Duration::ZERO;
    let steady = chance.happens(0.4);
    while at < horizon && !steady {
        // Long enough for a comparison to hold.
        at += chance.duration(300.0, 5000.0);
        moods.push((at, Mood::Healthy));
        let mood = match chance.below(11) {
            0 => Mood::Slow(2.0 + 8.0 * chance.fraction()),
            1 => Mood::Hanging,
            2 => Mood::Down,
            3 => Mood::Away(chance.pick(&[408, 429, 502, 503, 504]), None),
            4 => Mood::Away(429, Some(chance.duration(0.1, 500.0))),
            5 => Mood::Missing,
            6 => Mood::BreaksOff(0.1 + 0.2 * chance.fraction()),
            7 => Mood::Garbage(0.1 + 0.9 * chance.fraction()),
            8 => Mood::Refuses(0.3 * chance.fraction()),
            9 => Mood::Busy(0.1 + 0.2 * chance.fraction(), chance.duration(0.1, 60.0)),
            _ => Mood::Healthy,
        };
        at += chance.duration(1.0, 3000.0);
        moods.push((at, mood));
    }
    if chance.happens(0.05) {
        // The last mood never ends.
        moods.push((Duration::MAX, Mood::KeyRefused));
    }
    moods
}
