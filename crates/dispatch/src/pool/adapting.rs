//! How many calls at a time an endpoint is given where nobody says it: more while that brings more
//! pictures a second, fewer when the server says that it is too much.
//!
//! A width is judged by its pictures a second: by Little's law the calls at a time, divided by the time
//! that one takes. Only calls count during which all slots were in use, so that a run that has nothing
//! to give out teaches nothing. The width doubles at first, while that pays. Then it is held, and from
//! time to time one more or one less is tried: more is kept when it clearly brings more, less when it
//! brings as much. What brought nothing is tried again after twice as long.

use std::time::Duration;

use crate::Moment;

/// So many pictures at least tell the rate of a width while it doubles, and of one that is tried.
const FEWEST: (u32, u32) = (6, 16);
/// And so many for each slot.
const FEWEST_PER_SLOT: (u32, u32) = (2, 6);
/// As many as it takes to know the rate to this share of it, but no more than that.
const NEAR_ENOUGH: f64 = 0.04;
const MOST_PICTURES: u32 = 64;
/// What doubling must bring, and what one slot more must; one less may lose so much.
const DOUBLING_PAYS: f64 = 0.25;
const ONE_MORE_PAYS: f64 = 0.05;
const ONE_LESS_MAY_LOSE: f64 = 0.03;
/// So many windows a width is held at most before another one is tried.
const LONGEST_HOLD: u32 = 64;
/// So many windows at least and at most a width is not tried that a server refused.
const REFUSED_FOR: (u32, u32) = (8, 128);

/// What is known of an endpoint whose width is found out.
#[derive(Debug)]
pub(super) struct Adapting {
    most: usize,
    /// How many calls it is given at a time now.
    width: usize,
    /// The best that is known; `width` is another while that is tried.
    held: usize,
    /// The pictures a second of `held`.
    rate: Option<f64>,
    window: Window,
    /// Calls that started when all slots were in use.
    full: Vec<Moment>,
    doubles: bool,
    /// So many windows until another width is tried, and how many that were at first.
    hold: (u32, u32),
    tries_more: bool,
    /// A width that the server refused, for how many windows still, and for how many at first.
    refused: Option<(usize, u32)>,
    refused_for: u32,
    /// When it fell last: what began before is of the width before.
    fell_at: Option<Moment>,
    /// Whether there was a picture since the width changed.
    is_answered: bool,
}

/// The calls that tell of a width.
#[derive(Debug, Default)]
struct Window {
    pictures: u32,
    seconds: f64,
    squares: f64,
}

impl Window {
    fn mean(&self) -> f64 {
        self.seconds / f64::from(self.pictures.max(1))
    }

    /// How far off the mean may be, as a share of it.
    fn error(&self) -> f64 {
        let pictures = f64::from(self.pictures.max(1));
        let variance = (self.squares / pictures - self.mean().powi(2)).max(0.0);
        (variance / pictures).sqrt() / self.mean().max(f64::MIN_POSITIVE)
    }

    fn tells(&self, width: usize, doubles: bool) -> bool {
        let width = u32::try_from(width).unwrap_or(u32::MAX);
        if doubles {
            return self.pictures >= FEWEST.0.max(FEWEST_PER_SLOT.0.saturating_mul(width));
        }
        let fewest = FEWEST.1.max(FEWEST_PER_SLOT.1.saturating_mul(width));
        self.pictures >= fewest && (self.error() <= NEAR_ENOUGH || self.pictures >= MOST_PICTURES)
    }
}

impl Adapting {
    /// Nothing is known yet, and `most` calls at a time are allowed.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            width: 1,
            held: 1,
            rate: None,
            window: Window::default(),
            full: Vec::new(),
            doubles: true,
            hold: (1, 1),
            tries_more: true,
            refused: None,
            refused_for: REFUSED_FOR.0,
            fell_at: None,
            is_answered: false,
        }
    }

    /// How many calls at a time.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The best that is known.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// The same with another bound.
    pub(super) fn within(mut self, most: usize) -> Self {
        self.most = most.max(1);
        if self.held > self.most {
            (self.held, self.rate) = (self.most, None);
        }
        self.go_to(self.held);
        self
    }

    /// It is another server; what was best for the one before is where it begins.
    pub(super) fn begin_again(&mut self) {
        self.rate = None;
        self.refused = None;
        self.refused_for = REFUSED_FOR.0;
        self.hold = (1, 1);
        self.go_to(self.held);
    }

    /// A call starts, with which so many are under way.
    pub(super) fn started(&mut self, under_way: usize, now: Moment) {
        if under_way == self.width {
            self.full.push(now);
        }
    }

    /// A call has ended, with which so many were under way; whether all slots were in use.
    fn ended(&mut self, started: Moment, under_way: usize) -> bool {
        let at = self.full.iter().position(|&at| at == started);
        at.is_some_and(|at| {
            self.full.swap_remove(at);
            under_way == self.width
        })
    }

    /// A call has brought a picture, with which so many were under way.
    pub(super) fn answered(&mut self, started: Moment, took: Duration, under_way: usize) {
        self.is_answered = true;
        if !self.ended(started, under_way) {
            return;
        }
        let seconds = took.as_secs_f64().max(1e-9);
        self.window.pictures += 1;
        self.window.seconds += seconds;
        self.window.squares += seconds * seconds;
        if self.window.tells(self.width, self.doubles) {
            let rate = self.width as f64 / self.window.mean();
            let error = self.window.error();
            self.window = Window::default();
            self.decide(rate, error);
        }
    }

    /// A call has ended that says nothing of its width.
    pub(super) fn failed(&mut self, started: Moment, under_way: usize) {
        self.ended(started, under_way);
    }

    /// A server turned a call away, with which so many were under way, because it has too much to do.
    pub(super) fn too_much(&mut self, started: Moment, now: Moment, under_way: usize) {
        self.ended(started, under_way);
        // What began before it fell is told already; and one call alone is not too many.
        let is_told = self.fell_at.is_some_and(|at| started < at);
        if !is_told && under_way > (self.width / 2).max(1) {
            self.refused = Some((self.width, self.refused_for));
            self.refused_for = (2 * self.refused_for).min(REFUSED_FOR.1);
            self.fall(now);
        }
    }

    /// A call broke off, with which so many were under way. Where nothing was answered since the width
    /// is what it is, it is too much.
    pub(super) fn broke_off(&mut self, started: Moment, now: Moment, under_way: usize) {
        if self.is_answered {
            self.ended(started, under_way);
        } else {
            self.too_much(started, now, under_way);
        }
    }

    fn fall(&mut self, now: Moment) {
        self.fell_at = Some(now);
        self.doubles = false;
        if self.width <= self.held {
            self.held = (self.width - (self.width / 4).max(1)).max(1);
            self.rate = None;
        }
        self.tries_more = true;
        self.hold.0 = self.hold.0.max(1);
        self.go_to(self.held);
    }

    fn go_to(&mut self, width: usize) {
        self.width = width;
        self.window = Window::default();
        self.full.clear();
        self.is_answered = false;
    }

    /// A window is full: so many pictures a second at the present width, as near as `error`.
    fn decide(&mut self, rate: f64, error: f64) {
        let Some(before) = self.rate.filter(|_| self.width != self.held) else {
            return self.is_held(rate);
        };
        let (held, is_more) = (self.held as f64, self.width > self.held);
        let is_better = if self.doubles {
            rate > before * (1.0 + DOUBLING_PAYS)
        } else if is_more {
            let pays = ONE_MORE_PAYS.min(0.5 / held).max(2.5 * error);
            rate > before * (1.0 + pays)
        } else {
            rate >= before * (1.0 - ONE_LESS_MAY_LOSE.min(0.4 / held))
        };
        if is_better {
            if is_more {
                self.refused_for = REFUSED_FOR.0;
            }
            self.held = self.width;
            self.rate = Some(rate);
            self.hold = (1, 1);
            if self.doubles {
                self.go_on();
            }
            return;
        }
        let longer = match self.doubles {
            true => 1,
            false => (2 * self.hold.1).min(LONGEST_HOLD),
        };
        self.hold = (longer, longer);
        // After what did not pay the other way is tried.
        self.tries_more = self.doubles || !is_more;
        self.doubles = false;
        self.go_to(self.held);
    }

    /// The held width was seen once more.
    fn is_held(&mut self, rate: f64) {
        self.rate = Some(self.rate.map_or(rate, |before| (before + rate) / 2.0));
        self.refused = self.refused.and_then(|(width, windows)| {
            let windows = windows.checked_sub(1)?;
            Some((width, windows))
        });
        self.hold.0 = self.hold.0.saturating_sub(1);
        if self.doubles || self.hold.0 == 0 {
            self.hold.0 = self.hold.1;
            self.go_on();
        }
    }

    /// Tries another width.
    fn go_on(&mut self) {
        let more = if self.doubles {
            2 * self.held
        } else {
            self.held + 1
        };
        let more = more.min(self.most);
        let may_be_more = more > self.held && self.refused.is_none_or(|(width, _)| more < width);
        self.doubles &= may_be_more;
        let may_be_less = self.held > 1;
        match (self.tries_more, may_be_more, may_be_less) {
            (true, true, _) | (false, true, false) => self.go_to(more),
            (false, _, true) | (true, false, true) => self.go_to(self.held - 1),
            (_, false, false) => self.go_to(self.held),
        }
    }
}

#[cfg(test)]
mod tests;
