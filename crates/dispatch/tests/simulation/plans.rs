//! Plans that runs are made on, each made once.

use std::collections::HashSet;
use std::sync::OnceLock;

use planner::{Adjacency, Item, Quadrant, Region, Status, plan};

use crate::chance::Chance;

/// A plan, and which of its items touch.
#[derive(Debug)]
pub(crate) struct Plan {
    pub items: Vec<Item>,
    /// The items that touch each and come before it, by the blocks' own geometry.
    pub before: Vec<Vec<usize>>,
    /// The items that touch each, also at a corner alone.
    pub around: Vec<Vec<usize>>,
}

impl Plan {
    /// A rectangle of it, at times: what a pilot asks for.
    pub(crate) fn part(&self, chance: &mut Chance) -> Option<HashSet<Quadrant>> {
        if !chance.happens(0.25) {
            return None;
        }
        let Quadrant { x, y } = self.items[chance.below(self.items.len())].block.top_left;
        let (width, height) = (1 + chance.below(7) as i32, 1 + chance.below(7) as i32);
        let rows = y..y + height;
        let part = rows.flat_map(|y| (x..x + width).map(move |x| Quadrant::new(x, y)));
        Some(part.collect())
    }
}

/// How many plans there are.
const PLANS: usize = 120;

/// One of the plans.
pub(crate) fn one_of(chance: &mut Chance) -> &'static Plan {
    static ALL: OnceLock<Vec<Plan>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let mut chance = Chance::from_seed(7);
        (0..PLANS).map(|n| make(n, &mut chance)).collect()
    });
    &all[chance.below(all.len())]
}

/// A map of 1 to 400 quadrants: a rectangle, one with holes, or scattered quadrants.
fn make(number: usize, chance: &mut Chance) -> Plan {
    let (mut width, mut height) = (1 + chance.below(20) as i32, 1 + chance.below(20) as i32);
    if number.is_multiple_of(3) {
        (width, height) = (1 + width % 7, 1 + height % 7);
    }
    let holes = chance.pick(&[0.0, 0.0, 0.05, 0.2, 0.5]);
    let all = (0..height).flat_map(|y| (0..width).map(move |x| Quadrant::new(x - 5, y - 5)));
    let mut quadrants: Vec<_> = all.filter(|_| !chance.happens(holes)).collect();
    if quadrants.is_empty() {
        quadrants.push(Quadrant::new(0, 0));
    }
    let blocks = plan(&Region::from_quadrants(quadrants)).blocks;
    let items: Vec<Item> = (1..)
        .zip(&blocks)
        .map(|(id, &block)| Item {
            id,
            step: block.shape.step(),
            block,
            status: Status::Pending,
        })
        .collect();
    // Not by the planner's own lists: the dispatcher uses those.
    let touch = |a: usize, b: usize| blocks[a].shared_edge(blocks[b]).is_some();
    let before = (0..blocks.len())
        .map(|a| (0..a).filter(|&b| touch(a, b)).collect())
        .collect();
    let near = |a: usize, b: usize| {
        let mut quadrants = blocks[a].quadrants();
        quadrants.any(|q| {
            blocks[b]
                .quadrants()
                .any(|o| (q.x - o.x).abs().max((q.y - o.y).abs()) <= 1)
        })
    };
    let around = (0..blocks.len())
        .map(|a| {
            (0..blocks.len())
                .filter(|&b| a != b && near(a, b))
                .collect()
        })
        .collect();
    // Both ways of finding neighbours agree.
    let adjacency = Adjacency::of(&blocks);
    assert_eq!(
        adjacency.neighbours(0).len(),
        (1..blocks.len()).filter(|&b| touch(0, b)).count()
    );
    Plan {
        items,
        before,
        around,
    }
}
