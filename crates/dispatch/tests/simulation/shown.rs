//! What canvases show in the strict order, by the rule itself: whatever the order of a run, its canvases
//! are these.

use std::collections::HashSet;

use planner::{Quadrant, Status};

use crate::plans::Plan;

/// The canvases of a run.
#[derive(Debug)]
pub(crate) struct Shown {
    plan: &'static Plan,
    at_start: Vec<Status>,
    failed: Vec<bool>,
    called: Vec<(usize, HashSet<Quadrant>)>,
}

impl Shown {
    /// Those of a run that begins with these states.
    pub(crate) fn of(plan: &'static Plan, at_start: &[Status]) -> Self {
        Self {
            plan,
            at_start: at_start.to_vec(),
            failed: vec![false; at_start.len()],
            called: Vec::new(),
        }
    }

    /// An item failed.
    pub(crate) fn failed(&mut self, item: usize) {
        self.failed[item] = true;
    }

    /// An item is called with a canvas that shows these quadrants as finished.
    pub(crate) fn called(&mut self, item: usize, shown: &[Quadrant]) {
        self.called.push((item, shown.iter().copied().collect()));
    }

    /// Whether all canvases are those of the strict order in which the same items fail.
    pub(crate) fn check(&self, is_inside: impl Fn(usize) -> bool) -> Result<(), String> {
        // Each item in its turn, so that all before it are settled.
        let mut complete = vec![false; self.failed.len()];
        for item in 0..complete.len() {
            let runs = is_inside(item) && !self.failed[item];
            complete[item] = match self.at_start[item] {
                Status::Complete => true,
                Status::Error => false,
                Status::Pending | Status::InProgress => {
                    runs && self.plan.before[item].iter().all(|&other| complete[other])
                }
            };
        }
        for (item, shown) in &self.called {
            let strict = self.strict(*item, &complete);
            if *shown != strict {
                let block = self.plan.items[*item].block;
                return Err(format!(
                    "{block} shows {shown:?}, and in the strict order {strict:?}"
                ));
            }
        }
        Ok(())
    }

    /// What the canvas of an item shows where all of earlier steps has had its turn.
    fn strict(&self, item: usize, complete: &[bool]) -> HashSet<Quadrant> {
        let items = &self.plan.items;
        let is_shown = |&other: &usize| {
            let is_earlier = items[other].step < items[item].step;
            complete[other] && (is_earlier || self.plan.before[item].contains(&other))
        };
        let is_near = |at: &Quadrant| {
            let mut own = items[item].block.quadrants();
            own.any(|own| (own.x - at.x).abs().max((own.y - at.y).abs()) <= 1)
        };
        let around = self.plan.around[item].iter().copied().filter(is_shown);
        let quadrants = around.flat_map(|other| items[other].block.quadrants());
        quadrants.filter(is_near).collect()
    }
}
