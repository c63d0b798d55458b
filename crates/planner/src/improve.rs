//! Improves a packing of 2x2 blocks window by window.

use crate::packing::Packing;
use crate::profile::{BLOCK, Profiles, Row, WIDTH};
use crate::windows::{Direction, Windows};

const SWEEPS: u32 = 20;
/// What a place may be worth beyond a block, at most.
const NOISE: u32 = 256;
/// What two blocks in line at a distance of exactly three are worth.
const ALIGNED: i32 = 64;

/// Improves a packing of 2x2 blocks by sweeps of windows, each solved exactly beside the rest.
pub(crate) fn improve(packing: &mut Packing) {
    let cuts: Vec<Windows> = [0, WIDTH / 2, WIDTH / 4, 3 * WIDTH / 4]
        .into_iter()
        .flat_map(|offset| {
            [Direction::Upright, Direction::Lying]
                .map(|d| Windows::of(packing.places(), d, WIDTH, offset))
        })
        .collect();
    let mut profiles = Profiles::new();
    let mut rows = Vec::new();
    let mut chosen = Vec::new();
    for sweep in 0..SWEEPS {
        let last = sweep + 1 == SWEEPS;
        let bonus = if sweep % 2 == 1 || last { ALIGNED } else { 0 };
        for (c, cut) in cuts.iter().enumerate() {
            for window in cut.iter() {
                for &line in window {
                    for (_, place) in cut.members(line) {
                        if packing.is_taken(place) {
                            packing.release(place);
                        }
                    }
                }
                rows.clear();
                rows.extend(window.iter().map(|&line| {
                    let mut row = Row {
                        allowed: 0,
                        worth: [0; WIDTH],
                    };
                    for (bit, place) in cut.members(line) {
                        if packing.is_free(place) {
                            row.allowed |= 1 << bit;
                            row.worth[bit as usize] =
                                BLOCK + (mix(sweep * 8 + c as u32, place) % NOISE) as i32;
                        }
                    }
                    row
                }));
                profiles.solve(&rows, bonus, &mut chosen);
                for (&line, &taken) in window.iter().zip(&chosen) {
                    for (bit, place) in cut.members(line) {
                        if taken >> bit & 1 == 1 {
                            packing.take(place);
                        }
                    }
                }
            }
        }
    }
}

fn mix(a: u32, b: u32) -> u32 {
    let mut z = (u64::from(a) << 32 | u64::from(b)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z >> 40) as u32
}
