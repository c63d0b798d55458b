//! Breaks cycles of strips that would wait for each other.

use crate::lay::Area;
use crate::precedence::Precedence;
use crate::strip_profile::StripProfiles;
use crate::strips::{Cover, Strips};
use crate::windows::Direction;

/// Rounds of laying anew before a strip is given up instead.
const ROUNDS: usize = 20;

/// Changes strips until none has to wait for itself, and returns their order.
pub(crate) fn break_cycles(strips: &mut Strips) -> Precedence {
    let mut profiles = StripProfiles::default();
    for round in 0.. {
        let precedence = Precedence::of(strips);
        let cycles = precedence.cycles();
        if cycles.is_empty() {
            return precedence;
        }
        for cycle in cycles {
            let members: Vec<(u32, Direction)> = cycle
                .iter()
                .map(|&n| precedence.strips[n as usize])
                .collect();
            let whole = members
                .iter()
                .all(|&(i, d)| strips.cover(i) == Some(Cover::First(d)));
            if !whole {
                // Another cycle's change has broken this one, too.
            } else if round < ROUNDS {
                avoid_cheapest(strips, &members, &mut profiles);
            } else {
                strips.lift(members[0].0);
            }
        }
    }
    unreachable!()
}

fn avoid_cheapest(strips: &mut Strips, members: &[(u32, Direction)], profiles: &mut StripProfiles) {
    let mut best: Option<(usize, (u32, Direction))> = None;
    for &(i, direction) in members {
        let q = strips.grid.quadrant(i);
        let (x, y) = (i64::from(q.x), i64::from(q.y));
        let area = Area::of(strips, x - 5, y - 5, x + 6, y + 6);
        let saved: Vec<Cover> = area.cells.iter().filter_map(|&c| strips.cover(c)).collect();
        strips.forbid(i, direction);
        area.relay(strips, profiles);
        let count = area.count(strips);
        for (&c, s) in area.cells.iter().zip(saved) {
            strips.put(c, s);
        }
        strips.allow();
        // all areas differ: count loss
        let loss = area.count(strips) - count;
        if best.is_none_or(|b| loss < b.0) {
            best = Some((loss, (i, direction)));
        }
    }
    if let Some((_, (i, direction))) = best {
        let q = strips.grid.quadrant(i);
        let (x, y) = (i64::from(q.x), i64::from(q.y));
        let area = Area::of(strips, x - 5, y - 5, x + 6, y + 6);
        strips.forbid(i, direction);
        area.relay(strips, profiles);
    }
}
