//! Cuts one part of a region into blocks.

use crate::grid::Grid;
use crate::improve::improve;
use crate::lattice::lattice;
use crate::lay::lay_strips;
use crate::layout::{Cover, Layout};
use crate::packing::Packing;
use crate::refine::{self, refine};
use crate::square_profile::{self, SquareProfiles};
use crate::start::{Start, start};
use crate::strip_profile::StripProfiles;
use crate::tangles::untangle;
use crate::windows::Direction;
use crate::{BlockShape, Bounds, Quadrant, Region};

/// Each part is packed as often as the whole region goes into this, and the best run is kept:
/// where a run may end depends on where it starts, and on a small map it costs nothing to try
/// again.
const QUADRANTS_OF_ALL_RUNS: usize = 13_000;
const MOST_RUNS: usize = 8;

/// The tables of the dynamic programmes, which are the same for all parts.
pub(crate) struct Profiles {
    wide: SquareProfiles,
    narrow: SquareProfiles,
    pub(crate) strips: StripProfiles,
}

impl Profiles {
    pub(crate) fn new() -> Self {
        Self {
            wide: SquareProfiles::of_width(square_profile::MAX_WIDTH),
            narrow: SquareProfiles::of_width(refine::WIDTH),
            strips: StripProfiles::default(),
        }
    }
}

/// How often each part of a region of so many quadrants is packed.
pub(crate) fn runs(quadrants: usize) -> usize {
    (QUADRANTS_OF_ALL_RUNS / quadrants.max(1)).clamp(1, MOST_RUNS)
}

/// What covers each quadrant of `part` in the best of `runs` plans.
pub(crate) fn pack(part: &Region, runs: usize, profiles: &mut Profiles) -> Vec<Cover> {
    let grid = Grid::of(part);
    if let Some(bounds) = part.bounds()
        && part.fills(bounds)
    {
        return rectangle(&grid, bounds);
    }
    let mut best = Layout::singles(&grid);
    for (run, from) in (0..runs as u32).zip(
        [Start::Best, Start::Rows, Start::Columns, Start::Lattice]
            .into_iter()
            .cycle(),
    ) {
        let layout = pack_once(&grid, from, run, profiles);
        if run == 0 || layout.score() > best.score() {
            best = layout;
        }
    }
    best.covers().to_vec()
}

/// The lattice on a full rectangle.
fn rectangle(grid: &Grid, bounds: Bounds) -> Vec<Cover> {
    let mut layout = Layout::singles(grid);
    for block in lattice(bounds) {
        let Quadrant { x, y } = block.top_left;
        let i = grid.row(i64::from(y), &(i64::from(x)..=i64::from(x))).start;
        match block.shape {
            BlockShape::TwoByTwo => layout.put_square(i),
            BlockShape::OneByTwo => layout.lay_strip(i, Direction::Upright),
            BlockShape::TwoByOne => layout.lay_strip(i, Direction::Lying),
            BlockShape::OneByOne => {}
        }
    }
    layout.covers().to_vec()
}

fn pack_once<'r>(
    grid: &'r Grid<'r>,
    from: Start,
    seed: u32,
    profiles: &mut Profiles,
) -> Layout<'r> {
    let mut packing = Packing::of(grid);
    start(&mut packing, from);
    improve(&mut packing, &mut profiles.wide, seed);
    let mut layout = Layout::singles(grid);
    for place in packing.taken() {
        layout.put_square(packing.number(place));
    }
    lay_strips(&mut layout, &mut profiles.strips);
    refine(
        &mut packing,
        &mut layout,
        &mut profiles.narrow,
        &mut profiles.strips,
        seed,
    );
    untangle(layout, &mut profiles.strips).0
}
