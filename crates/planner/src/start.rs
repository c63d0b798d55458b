//! A first packing: the best phase of the lattice, or rows or columns of blocks.

use crate::Quadrant;
use crate::packing::Packing;

/// Where to start from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start {
    /// The one of the others that takes the most places; the lattice where it is as good.
    Best,
    /// The lattice in the best of its nine phases.
    Lattice,
    /// Bands of rows.
    Rows,
    /// Bands of columns.
    Columns,
}

/// Fills an empty packing, each group of places that touch by itself; then takes every place that
/// is still free.
pub(crate) fn start(packing: &mut Packing, start: Start) {
    for group in groups(packing) {
        for place in first_places(packing.places(), group, start) {
            packing.take(place);
        }
    }
    for place in 0..packing.places().len() as u32 {
        if !packing.is_taken(place) && packing.is_free(place) {
            packing.take(place);
        }
    }
}

/// The places in groups of which no place touches one of another: each may have its own phase.
/// Within a group they stand row by row.
fn groups(packing: &Packing) -> Vec<Vec<u32>> {
    let mut seen = vec![false; packing.places().len()];
    let mut groups = Vec::new();
    for first in 0..seen.len() {
        if seen[first] {
            continue;
        }
        seen[first] = true;
        let mut group = vec![first as u32];
        let mut next = 0;
        while next < group.len() {
            packing.each_touching(group[next], |q| {
                if !seen[q] {
                    seen[q] = true;
                    group.push(q as u32);
                }
            });
            next += 1;
        }
        group.sort_unstable();
        groups.push(group);
    }
    groups
}

fn first_places(places: &[Quadrant], mut group: Vec<u32>, start: Start) -> Vec<u32> {
    // Places as (line, position on the line).
    let by_row = |&i: &u32| {
        (
            i64::from(places[i as usize].y),
            i64::from(places[i as usize].x),
        )
    };
    let by_column = |&i: &u32| {
        (
            i64::from(places[i as usize].x),
            i64::from(places[i as usize].y),
        )
    };
    let lattice = best_phase(&group, by_row);
    let rows = bands(&group, by_row);
    group.sort_unstable_by_key(by_column);
    let columns = bands(&group, by_column);
    match start {
        Start::Lattice => lattice,
        Start::Rows => rows,
        Start::Columns => columns,
        // The last of the best wins a tie, so it is the lattice.
        Start::Best => [columns, rows, lattice]
            .into_iter()
            .max_by_key(Vec::len)
            .unwrap_or_default(),
    }
}

/// The most places that are all a multiple of three agroup; on a tie the lattice that starts at
/// the group's top-left corner, then the one nearest to it.
fn best_phase(group: &[u32], at: impl Fn(&u32) -> (i64, i64)) -> Vec<u32> {
    let top = group.iter().map(|i| at(i).0).min().unwrap_or_default();
    let left = group.iter().map(|i| at(i).1).min().unwrap_or_default();
    let phase = |i: &u32| {
        let (y, x) = at(i);
        ((y - top) % 3 * 3 + (x - left) % 3) as usize
    };
    let mut counts = [0u32; 9];
    for i in group {
        counts[phase(i)] += 1;
    }
    let best = (0..9).rev().max_by_key(|&p| counts[p]).unwrap_or_default();
    group.iter().copied().filter(|i| phase(i) == best).collect()
}

/// Blocks in bands of two lines with a free line between bands.
///
/// Within a band the greedy choice from the left is optimal. `most[n]` is the most that bands
/// among the first `n` lines can hold: the last of them is left out, or it is a band and the two
/// lines before it are not.
fn bands(group: &[u32], at: impl Fn(&u32) -> (i64, i64)) -> Vec<u32> {
    let lines: Vec<(i64, Vec<u32>)> = group
        .chunk_by(|a, b| at(a).0 == at(b).0)
        .map(|line| {
            let mut band: Vec<u32> = Vec::new();
            for i in line {
                if band.last().is_none_or(|last| at(last).1 + 3 <= at(i).1) {
                    band.push(*i);
                }
            }
            (at(&line[0]).0, band)
        })
        .collect();
    // The lines that a band at line `n` leaves to the others.
    let before = |n: usize| {
        let line = lines[n].0;
        (n.saturating_sub(2)..n)
            .find(|&m| lines[m].0 > line - 3)
            .unwrap_or(n)
    };
    let mut most = vec![0; lines.len() + 1];
    for n in 0..lines.len() {
        most[n + 1] = most[n].max(most[before(n)] + lines[n].1.len());
    }
    let mut chosen = Vec::new();
    let mut n = lines.len();
    while n > 0 {
        n -= 1;
        if most[n + 1] > most[n] {
            chosen.extend(&lines[n].1);
            n = before(n);
        }
    }
    chosen
}
