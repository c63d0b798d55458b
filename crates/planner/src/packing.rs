//! Where 2x2 blocks fit, and which of these places are taken.

use crate::Quadrant;
use crate::grid::{Grid, NONE};

/// The places where a 2x2 block fits into the region, and a choice of them of which no two touch,
/// corners included.
///
/// A place is the block's top-left quadrant. Two blocks touch when their places are at most two
/// apart in both directions; so a packing is a set of disjoint 3x3 squares, each a block with the
/// free quadrants that it keeps to its right and below.
pub(crate) struct Packing {
    /// Row by row.
    places: Vec<Quadrant>,
    /// The number of each place's quadrant in the grid.
    numbers: Vec<u32>,
    /// For each place, the first place of rows `y - 2`, `y - 1`, `y + 1` and `y + 2` that is not
    /// more than two columns to the left: where to look for those it touches.
    near: Vec<[u32; 4]>,
    taken: Vec<bool>,
    /// How many taken places each place touches.
    touched: Vec<u8>,
}

const ROWS: [i64; 4] = [-2, -1, 1, 2];

impl Packing {
    /// The empty packing.
    pub(crate) fn of(grid: &Grid) -> Self {
        let fits = |&i: &u32| {
            let right = grid.right(i);
            right != NONE && grid.below(i) != NONE && grid.below(right) != NONE
        };
        let numbers: Vec<u32> = (0..grid.len() as u32).filter(fits).collect();
        let places: Vec<Quadrant> = numbers.iter().map(|&i| grid.quadrant(i)).collect();
        let mut near = vec![[0; 4]; places.len()];
        for (row, dy) in ROWS.into_iter().enumerate() {
            let mut first = 0;
            for (place, near) in places.iter().zip(&mut near) {
                let wanted = (i64::from(place.y) + dy, i64::from(place.x) - 2);
                while places.get(first).is_some_and(|q| key(*q) < wanted) {
                    first += 1;
                }
                near[row] = first as u32;
            }
        }
        Self {
            taken: vec![false; places.len()],
            touched: vec![0; places.len()],
            places,
            numbers,
            near,
        }
    }

    /// All places, row by row from the top.
    pub(crate) fn places(&self) -> &[Quadrant] {
        &self.places
    }

    pub(crate) fn is_taken(&self, place: u32) -> bool {
        self.taken[place as usize]
    }

    /// Whether no taken place touches `place`.
    pub(crate) fn is_free(&self, place: u32) -> bool {
        self.touched[place as usize] == 0
    }

    pub(crate) fn take(&mut self, place: u32) {
        self.taken[place as usize] = true;
        each_touching(&self.places, &self.near, place, |q| self.touched[q] += 1);
    }

    pub(crate) fn release(&mut self, place: u32) {
        self.taken[place as usize] = false;
        each_touching(&self.places, &self.near, place, |q| self.touched[q] -= 1);
    }

    /// Calls `f` with each place that touches `place`.
    pub(crate) fn each_touching(&self, place: u32, f: impl FnMut(usize)) {
        each_touching(&self.places, &self.near, place, f);
    }

    /// The number of a place's quadrant in the grid.
    pub(crate) fn number(&self, place: u32) -> u32 {
        self.numbers[place as usize]
    }

    /// The taken places, row by row.
    pub(crate) fn taken(&self) -> impl Iterator<Item = u32> {
        (0..self.places.len() as u32).filter(|&place| self.is_taken(place))
    }
}

fn key(q: Quadrant) -> (i64, i64) {
    (i64::from(q.y), i64::from(q.x))
}

fn each_touching(places: &[Quadrant], near: &[[u32; 4]], place: u32, mut f: impl FnMut(usize)) {
    let place = place as usize;
    let (y, x) = key(places[place]);
    let close = |q: usize, row: i64| key(places[q]).0 == row && (key(places[q]).1 - x).abs() <= 2;
    for q in (place.saturating_sub(2)..places.len().min(place + 3)).filter(|&q| q != place) {
        if close(q, y) {
            f(q);
        }
    }
    for (first, dy) in near[place].into_iter().zip(ROWS) {
        (first as usize..places.len())
            .take_while(|&q| close(q, y + dy))
            .for_each(&mut f);
    }
}
