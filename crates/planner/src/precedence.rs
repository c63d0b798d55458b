//! Which strip has to be generated before which.

use crate::grid::NONE;
use crate::layout::{Cover, Layout};
use crate::windows::Direction;

/// The strips of a region, with what the seam rule demands of their order.
///
/// A strip has margin across its length and none along it. So where the end of one meets the
/// long side of another, the one that ends there goes first. Where two lie side by side, either
/// may go first, but not both at once.
pub(crate) struct Precedence {
    /// Each strip by its first quadrant: the upright ones row by row, then the lying ones.
    pub(crate) strips: Vec<(u32, Direction)>,
    /// For each strip, those its two ends meet: it goes before them.
    after: Vec<[u32; 2]>,
    /// For each strip, those that lie along its sides.
    beside: Vec<[u32; 4]>,
}

impl Precedence {
    pub(crate) fn of(layout: &Layout) -> Self {
        let mut number = vec![NONE; layout.grid.len()];
        let mut strips = Vec::new();
        for wanted in [Direction::Upright, Direction::Lying] {
            for (i, cover) in (0..).zip(layout.covers()) {
                if *cover == Cover::First(wanted) {
                    number[i as usize] = strips.len() as u32;
                    number[layout.next(i, wanted) as usize] = strips.len() as u32;
                    strips.push((i, wanted));
                }
            }
        }
        let strip_at = |i: u32| if i == NONE { NONE } else { number[i as usize] };
        let after = strips
            .iter()
            .map(|&(i, direction)| layout.met_by_ends(i, direction).map(strip_at))
            .collect();
        let beside = strips
            .iter()
            .map(|&(i, direction)| {
                let across = direction.across();
                let second = layout.next(i, direction);
                let parallel_at = |i: u32| match layout.cover(i) {
                    Some(Cover::First(d) | Cover::Second(d)) if d == direction => strip_at(i),
                    _ => NONE,
                };
                [
                    layout.previous(i, across),
                    layout.next(i, across),
                    layout.previous(second, across),
                    layout.next(second, across),
                ]
                .map(parallel_at)
            })
            .collect();
        Self {
            strips,
            after,
            beside,
        }
    }

    /// The strips that have to go after `strip`, because it ends at them.
    pub(crate) fn successors(&self, strip: u32) -> impl Iterator<Item = u32> {
        self.after[strip as usize]
            .into_iter()
            .filter(|&n| n != NONE)
    }

    /// The strips beside `strip`, once for each half of them that lies beside a half of it.
    pub(crate) fn parallels(&self, strip: u32) -> impl Iterator<Item = u32> {
        self.beside[strip as usize]
            .into_iter()
            .filter(|&n| n != NONE)
    }

    /// How many strips have to go before each.
    pub(crate) fn waiting_for(&self) -> Vec<u32> {
        let mut waiting = vec![0; self.strips.len()];
        for &next in self.after.iter().flatten().filter(|&&n| n != NONE) {
            waiting[next as usize] += 1;
        }
        waiting
    }

    /// The number of strips in the longest chain that have to go after each, one after another;
    /// there must be no cycle.
    pub(crate) fn depths(&self) -> Vec<usize> {
        let mut waiting = self.waiting_for();
        let mut order: Vec<u32> = (0..waiting.len() as u32)
            .filter(|&n| waiting[n as usize] == 0)
            .collect();
        let mut next = 0;
        while next < order.len() {
            for after in self.successors(order[next]) {
                waiting[after as usize] -= 1;
                if waiting[after as usize] == 0 {
                    order.push(after);
                }
            }
            next += 1;
        }
        let mut depths = vec![0; waiting.len()];
        for &strip in order.iter().rev() {
            depths[strip as usize] = self
                .successors(strip)
                .map(|n| depths[n as usize] + 1)
                .max()
                .unwrap_or(0);
        }
        depths
    }

    /// Chains of more than `longest` strips of which each has to go before the next, no two with
    /// a strip in common. None is listed only when there is none; there must be no cycle.
    pub(crate) fn chains_over(&self, longest: usize) -> Vec<Vec<u32>> {
        let depths = self.depths();
        let mut listed = vec![false; self.strips.len()];
        let mut chains = Vec::new();
        for first in 0..self.strips.len() as u32 {
            if depths[first as usize] < longest {
                continue;
            }
            let mut chain = vec![first];
            while let Some(next) = chain.last().and_then(|&last| {
                self.successors(last)
                    .find(|&n| depths[n as usize] + 1 == depths[last as usize])
            }) {
                chain.push(next);
            }
            if !chain.iter().any(|&n| listed[n as usize]) {
                chain.iter().for_each(|&n| listed[n as usize] = true);
                chains.push(chain);
            }
        }
        chains
    }

    /// Cycles, no two with a strip in common: each a list of strips of which each has to go
    /// before the next, and the last before the first. None is listed only when there is none.
    pub(crate) fn cycles(&self) -> Vec<Vec<u32>> {
        // A walk along the successors that meets itself has closed a cycle. A strip is left for
        // good when no way on from it is left; those of a cycle are left together.
        const LEFT: u32 = NONE - 1;
        let mut position = vec![NONE; self.strips.len()];
        let mut cycles = Vec::new();
        let mut walk: Vec<u32> = Vec::new();
        for start in 0..self.strips.len() as u32 {
            if position[start as usize] != NONE {
                continue;
            }
            position[start as usize] = 0;
            walk.push(start);
            while let Some(&last) = walk.last() {
                match self
                    .successors(last)
                    .find(|&n| position[n as usize] != LEFT)
                {
                    None => {
                        position[last as usize] = LEFT;
                        walk.pop();
                    }
                    Some(next) if position[next as usize] == NONE => {
                        position[next as usize] = walk.len() as u32;
                        walk.push(next);
                    }
                    Some(next) => {
                        let cycle = walk.split_off(position[next as usize] as usize);
                        for &strip in &cycle {
                            position[strip as usize] = LEFT;
                        }
                        cycles.push(cycle);
                    }
                }
            }
        }
        cycles
    }
}
