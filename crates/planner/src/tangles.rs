//! Breaks cycles of strips of which each would have to be generated before the next, and long
//! chains of them.

use crate::area::Area;
use crate::layout::{Cover, Layout};
use crate::noise::Noise;
use crate::precedence::Precedence;
use crate::strip_profile::StripProfiles;
use crate::windows::Direction;

/// Strips of a longer chain would have to be generated one after another in more waves than
/// anything else needs.
const LONGEST_CHAIN: usize = 6;

/// After so many rounds a strip of each is cut into two single quadrants, which is always
/// allowed. Two or three rounds are usual.
const ROUNDS: usize = 20;

/// Lays strips anew until none has to wait for itself or for too many others, and returns them with
/// their precedence.
pub(crate) fn untangle<'r>(
    mut layout: Layout<'r>,
    profiles: &mut StripProfiles,
) -> (Layout<'r>, Precedence) {
    let mut round = 0;
    loop {
        let precedence = Precedence::of(&layout);
        let mut tangles = precedence.cycles();
        if tangles.is_empty() {
            tangles = precedence.chains_over(LONGEST_CHAIN);
        }
        if tangles.is_empty() {
            return (layout, precedence);
        }
        for tangle in tangles {
            let strips: Vec<(u32, Direction)> = tangle
                .iter()
                .map(|&n| precedence.strips[n as usize])
                .collect();
            // What broke another tangle may have broken this one, too.
            if strips
                .iter()
                .all(|&(i, d)| layout.cover(i) == Some(Cover::First(d)))
            {
                if round < ROUNDS {
                    forbid_cheapest(&mut layout, &strips, profiles);
                } else {
                    layout.lift_strip(strips[0].0);
                }
            }
        }
        round += 1;
    }
}

/// Rules out the one of `strips` without which the most strips can be laid around it.
fn forbid_cheapest(layout: &mut Layout, strips: &[(u32, Direction)], profiles: &mut StripProfiles) {
    let mut lay_without = |layout: &mut Layout, (i, direction): (u32, Direction)| {
        let q = layout.grid.quadrant(i);
        let (x, y) = (i64::from(q.x), i64::from(q.y));
        let area = Area::of(layout, x - 5..=x + 6, y - 5..=y + 6);
        let before = area.worth(layout) as i64;
        layout.forbid_strip(i, direction);
        area.clear(layout);
        area.lay(layout, profiles, Noise(0));
        (area.worth(layout) as i64 - before, area)
    };
    let mut gain = |&(i, direction): &(u32, Direction)| {
        let (gain, area) = lay_without(layout, (i, direction));
        area.restore(layout);
        layout.allow_strip(i, direction);
        gain
    };
    if let Some(&cheapest) = strips.iter().max_by_key(|&strip| gain(strip)) {
        lay_without(layout, cheapest);
    }
}
