//! Canvases are drawn before their turn comes.

use super::{CanvasState, Dispatcher};
use crate::{CanvasId, Handle, Order, Turn};

impl Dispatcher {
    /// Keeps canvases ready for all slots and a few more: first for items that may run now, then
    /// for those that come next, so that a new step finds its first canvases ready.
    pub(super) fn prepare_ahead(&mut self) {
        if !std::mem::take(&mut self.wants_canvases) {
            return;
        }
        let depth = self.canvas_depth();
        let ready = || self.queue.ready().filter(|&handle| self.may_begin(handle));
        // Those that failed before may have to wait, and must not keep the others waiting.
        let fresh = ready().filter(|&handle| !self.tries.knows(handle));
        let mut wanted: Vec<Handle> = fresh.take(depth).collect();
        let ahead = match self.queue.turn() {
            // An item is ready as soon as its canvas can be drawn.
            Turn::AfterSurrounding => 0,
            Turn::AfterSteps | Turn::AfterTouching => depth - wanted.len(),
        };
        let known = self.tries.known();
        let known = known.filter(|&handle| self.queue.is_ready(handle) && self.may_begin(handle));
        wanted.extend(known.take(depth));
        let not_yet = self
            .queue
            .upcoming()
            .filter(|&handle| !self.queue.is_ready(handle) && self.may_begin(handle));
        wanted.extend(not_yet.take(ahead));
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
            self.canvases.insert(handle, CanvasState::Coming);
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
    pub(super) fn canvas_depth(&self) -> usize {
        self.pool.max_concurrent() + self.limits.spare_canvases
    }

    /// Forgets the canvas of an item.
    pub(super) fn discard(&mut self, handle: Handle) {
        self.wants_canvases = true;
        self.bad_sources.remove(&handle);
        self.canvases.remove(&handle);
        self.orders.push(Order::Discard(CanvasId::Of(handle)));
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
