//! The order of strips and of single quadrants: in few waves.

use crate::grid::NONE;
use crate::layout::{Cover, Layout};
use crate::precedence::Precedence;

/// The strips in an order that the seam rule allows, in few waves; `precedence` has no cycle.
///
/// Wave by wave, of the strips whose predecessors are all done, as many as do not lie side by
/// side; first those with the longest chain of strips behind them.
pub(crate) fn strip_waves(precedence: &Precedence) -> Vec<u32> {
    let count = precedence.strips.len();
    let depth = precedence.depths();
    let mut waiting = precedence.waiting_for();
    let mut wave_of = vec![NONE; count];
    let mut ready: Vec<u32> = (0..count as u32)
        .filter(|&n| waiting[n as usize] == 0)
        .collect();
    let mut order = Vec::with_capacity(count);
    for wave in 0.. {
        if ready.is_empty() {
            break;
        }
        ready.sort_unstable_by_key(|&n| (std::cmp::Reverse(depth[n as usize]), n));
        let mut put_off = Vec::new();
        let first = order.len();
        for strip in ready {
            if precedence
                .parallels(strip)
                .any(|n| wave_of[n as usize] == wave)
            {
                put_off.push(strip);
            } else {
                wave_of[strip as usize] = wave;
                order.push(strip);
            }
        }
        order[first..].sort_unstable();
        ready = put_off;
        for &strip in &order[first..] {
            for next in precedence.successors(strip) {
                waiting[next as usize] -= 1;
                if waiting[next as usize] == 0 {
                    ready.push(next);
                }
            }
        }
    }
    order
}

/// The single quadrants in two waves: where some share an edge, they are coloured as a
/// chessboard, and the black ones come second.
pub(crate) fn single_waves(layout: &Layout) -> Vec<u32> {
    let grid = layout.grid;
    let single = |i: u32| layout.cover(i) == Some(Cover::Single);
    let colour = |i: u32| {
        let q = grid.quadrant(i);
        (i64::from(q.x) + i64::from(q.y)) % 2 != 0
    };
    let second = |i: u32| {
        // Counted from the first quadrant: a region that is moved gets the same plan.
        colour(i) != colour(0)
            && [grid.above(i), grid.left(i), grid.right(i), grid.below(i)]
                .into_iter()
                .any(single)
    };
    let (mut first, last): (Vec<u32>, Vec<u32>) = (0..grid.len() as u32)
        .filter(|&i| single(i))
        .partition(|&i| !second(i));
    first.extend(last);
    first
}
