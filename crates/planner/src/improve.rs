//! Improves a packing of 2x2 blocks window by window.

use crate::noise::Noise;
use crate::packing::Packing;
use crate::square_profile::{BLOCK, MAX_WIDTH, Places, SquareProfiles};
use crate::windows::{Line, MAX_LENGTH, Windows};

/// Nearly all that sweeps can gain is gained in the first few.
const SWEEPS: u32 = 14;

/// So many of the last sweeps bring blocks into line.
const ALIGNING_SWEEPS: u32 = 3;

/// What chance may add to the worth of a block: enough to choose among packings of equally many.
const NOISE: i32 = 256;

/// What two blocks in line at a distance of three may add: strips fit best between such.
const ALIGNED: i32 = 64;

/// Sweeps of windows in both directions, each window emptied and packed anew, optimally beside
/// the rest: no window ever ends with fewer blocks. Noise decides among equals, so that blocks
/// drift until somewhere there is room for one more.
pub(crate) fn improve(packing: &mut Packing, profiles: &mut SquareProfiles, seed: u32) {
    let cuts = Windows::cuts(packing.places(), MAX_WIDTH, MAX_LENGTH);
    for sweep in 0..SWEEPS {
        let aligned = if sweep + ALIGNING_SWEEPS >= SWEEPS {
            ALIGNED
        } else {
            0
        };
        for (n, windows) in (0..).zip(&cuts) {
            let noise = Noise(seed << 16 | sweep << 8 | n);
            for window in windows.iter() {
                let places = || window.iter().flat_map(|&line| windows.members(line));
                for (_, place) in places()
                    .filter(|p| packing.is_taken(p.1))
                    .collect::<Vec<_>>()
                {
                    packing.release(place);
                }
                let free = free_places(packing, windows, window, |place| noise.below(NOISE, place));
                let taken = profiles.solve(&free, aligned);
                for place in chosen(windows, window, &taken) {
                    packing.take(place);
                }
            }
        }
    }
}

/// The places of each line of a window that nothing outside it touches, all of them released;
/// `taste` is added to the worth of each.
pub(crate) fn free_places(
    packing: &Packing,
    windows: &Windows,
    window: &[Line],
    taste: impl Fn(u32) -> i32,
) -> Vec<Places> {
    let line_places = |&line: &Line| {
        let mut places = Places::default();
        for (bit, place) in windows.members(line).filter(|p| packing.is_free(p.1)) {
            places.allowed |= 1 << bit;
            places.worth[bit as usize] = BLOCK + taste(place);
        }
        places
    };
    window.iter().map(line_places).collect()
}

/// The places of a window whose bits are set in `taken`, line by line.
pub(crate) fn chosen<'w>(
    windows: &'w Windows,
    window: &'w [Line],
    taken: &'w [u16],
) -> impl Iterator<Item = u32> + 'w {
    window.iter().zip(taken).flat_map(|(&line, &taken)| {
        windows
            .members(line)
            .filter(move |(bit, _)| taken >> bit & 1 == 1)
            .map(|(_, place)| place)
    })
}
