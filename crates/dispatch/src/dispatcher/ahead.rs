//! Canvases are drawn before their turn comes.
//!
//! How many are kept at hand follows from how fast they are used, not from how many slots there
//! are. Slots fall free at a rate of their number by what a call takes, and a canvas that is
//! ordered when one is sent is ready after the time that it takes to draw one. So many as are sent
//! in that time have to be there already, and twice as many make up for calls that end together.
//! Where calls take seconds that is a few, however many slots there are; where they take no longer
//! than a canvas it is one for each slot, and the cores are the limit anyway.
//!
//! When a step begins all slots want one at once. A small pool has one for each: they are cheap, and
//! a call is no longer than it takes to draw for all slots. A large one gets them as they get ready,
//! as at the start of a run.

use std::time::Duration;

use super::{CanvasState, Dispatcher};
use crate::{CanvasId, Handle, Moment, Order, Turn};

/// How fast canvases are used, and drawn.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Smoothed duration of a call that was answered.
    call: Option<Duration>,
    /// Smoothed time from the order of a canvas until it is ready, of those that had hardly any
    /// other before them.
    canvas: Option<Duration>,
}

impl Pace {
    pub(super) fn note_call(&mut self, took: Duration) {
        smooth(&mut self.call, took);
    }

    pub(super) fn note_canvas(&mut self, took: Duration) {
        smooth(&mut self.canvas, took);
    }

    /// How many canvases so many slots use while two are drawn, one after the other.
    fn used(&self, slots: usize) -> usize {
        match (self.call, self.canvas) {
            (Some(call), Some(canvas)) if !canvas.is_zero() => {
                let used = 2.0 * slots as f64 * canvas.as_secs_f64() / call.as_secs_f64();
                used.ceil() as usize
            }
            _ => 0,
        }
    }
}

fn smooth(mean: &mut Option<Duration>, took: Duration) {
    *mean = Some(mean.map_or(took, |mean| mean.mul_f64(0.9) + took.mul_f64(0.1)));
}

impl Dispatcher {
    /// Keeps canvases at hand: first for items that may run now, then for those that come next, so
    /// that a new step finds its first canvases ready.
    pub(super) fn prepare_ahead(&mut self, now: Moment) {
        if !std::mem::take(&mut self.wants_canvases) {
            return;
        }
        let depth = self.canvas_depth();
        let ready = || self.queue.ready().filter(|&handle| self.may_begin(handle));
        // Those that failed before may have to wait, and must not keep the others waiting.
        let fresh = ready().filter(|&handle| !self.tries.knows(handle));
        let mut wanted: Vec<Handle> = fresh.take(depth).collect();
        let known = self.tries.known();
        let known = known.filter(|&handle| self.queue.is_ready(handle) && self.may_begin(handle));
        wanted.extend(known.take(depth));
        let ahead = match self.queue.turn() {
            // An item is ready as soon as its canvas can be drawn.
            Turn::AfterSurrounding => 0,
            // What comes next takes the place of none that may run now.
            Turn::AfterSteps | Turn::AfterTouching => {
                depth.saturating_sub(self.canvases.len().max(wanted.len()))
            }
        };
        let not_yet = self.queue.upcoming().filter(|&handle| {
            !self.queue.is_ready(handle)
                && !self.canvases.contains_key(&handle)
                && self.may_begin(handle)
        });
        wanted.extend(not_yet.take(ahead));
        let states = self.canvases.values();
        let mut coming = states.filter(|state| **state != CanvasState::Ready).count();
        for &handle in &wanted {
            if self.bad_sources.contains_key(&handle) || self.canvases.contains_key(&handle) {
                continue;
            }
            let finished = match &self.surroundings {
                None => Vec::new(),
                Some(surroundings) => match surroundings.finished_around(&self.queue, handle) {
                    Some(finished) => finished,
                    // Its canvas waits for what it will show.
                    None => continue,
                },
            };
            self.make_room(&wanted);
            let tells = coming < self.limits.spare_canvases;
            let state = CanvasState::Coming(tells.then_some(now));
            self.canvases.insert(handle, state);
            coming += 1;
            let canvas = CanvasId::Of(handle);
            self.orders.push(Order::Prepare { canvas, finished });
        }
    }

    /// Forgets a canvas where there are too many: of those that are not wanted any more, since others
    /// became ready before them, the one whose turn comes last.
    fn make_room(&mut self, wanted: &[Handle]) {
        if self.canvases.len() < 2 * self.canvas_depth() {
            return;
        }
        let mut last = self.canvases.keys().rev().copied();
        if let Some(handle) = last.find(|handle| !wanted.contains(handle)) {
            self.discard(handle);
        }
    }

    /// How many canvases are kept for items that did not fail, and how many for those that did.
    fn canvas_depth(&self) -> usize {
        let slots = self.pool.max_concurrent();
        let at_hand = self.limits.canvases_at_hand.max(self.pace.used(slots));
        at_hand.min(slots) + self.limits.spare_canvases
    }

    /// Forgets the canvas of an item.
    pub(super) fn discard(&mut self, handle: Handle) {
        self.wants_canvases = true;
        self.bad_sources.remove(&handle);
        if self.canvases.remove(&handle).is_some() {
            self.orders.push(Order::Discard(CanvasId::Of(handle)));
        }
    }

    /// Forgets the canvases of items that wait on a failed one.
    pub(super) fn discard_held_back(&mut self) {
        let known = self.canvases.keys().chain(self.bad_sources.keys());
        let held_back: Vec<Handle> = known
            .copied()
            .filter(|&handle| self.queue.is_held_back(handle))
            .collect();
        for handle in held_back {
            self.discard(handle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(slots: usize, call_ms: u64, canvas_ms: u64) -> usize {
        let mut pace = Pace::default();
        pace.note_call(Duration::from_millis(call_ms));
        pace.note_canvas(Duration::from_millis(canvas_ms));
        pace.used(slots)
    }

    #[test]
    fn as_many_canvases_are_at_hand_as_are_used_while_two_are_drawn() {
        assert_eq!(Pace::default().used(1000), 0, "nothing is known yet");
        // 67 a second, each of which takes 20 ms, or as long as a source far away.
        assert_eq!(used(1000, 15_000, 20), 3);
        assert_eq!(used(1000, 15_000, 1500), 200);
        assert_eq!(used(10_000, 15_000, 20), 27);
        // Calls as short as a canvas, or shorter.
        assert_eq!(used(16, 20, 20), 32);
        assert_eq!(used(16, 0, 20), usize::MAX);
        assert_eq!(used(16, 0, 0), 0);
    }

    #[test]
    fn the_pace_follows_what_changes() {
        let mut pace = Pace::default();
        for took in [15_000; 5] {
            pace.note_call(Duration::from_millis(took));
        }
        for _ in 0..60 {
            pace.note_call(Duration::from_millis(100));
            pace.note_canvas(Duration::from_millis(20));
        }
        assert!((300..=400).contains(&pace.used(1000)), "{pace:?}");
    }
}
