//! Regions and plans as pictures.

use std::collections::HashMap;

use planner::{Block, BlockShape, Plan, Quadrant, Region};

/// The region of a picture in which `#` is a quadrant and `.` is none.
pub(crate) fn region(picture: &str) -> Region {
    let rows = (0..).zip(picture.trim().lines());
    Region::from_quadrants(rows.flat_map(|(y, row)| {
        let row = (0..).zip(row.trim().chars());
        row.filter(|(_, c)| *c == '#')
            .map(move |(x, _)| Quadrant::new(x, y))
    }))
}

/// A plan as a picture: its blocks are `A`, `B`, `C`, … in their order, the 2x2 ones with capital
/// letters and the others with small ones; after `z` comes `a` again.
pub(crate) fn picture(plan: &Plan) -> String {
    let mut letters: HashMap<Quadrant, char> = HashMap::new();
    for (letter, block) in ('a'..='z').cycle().zip(&plan.blocks) {
        let letter = match block.shape {
            BlockShape::TwoByTwo => letter.to_ascii_uppercase(),
            _ => letter,
        };
        letters.extend(block.quadrants().map(|q| (q, letter)));
    }
    let last = |of: fn(&Quadrant) -> i32| letters.keys().map(of).max().unwrap_or(-1);
    let rows: Vec<String> = (0..=last(|q| q.y))
        .map(|y| {
            let row: Vec<String> = (0..=last(|q| q.x))
                .map(|x| {
                    letters
                        .get(&Quadrant::new(x, y))
                        .unwrap_or(&'.')
                        .to_string()
                })
                .collect();
            row.join(" ")
        })
        .collect();
    rows.join("\n")
}

/// The blocks of a picture as [`picture`] draws it, of at most 26 blocks.
pub(crate) fn blocks(picture: &str) -> Vec<Block> {
    let mut found: Vec<(char, Vec<Quadrant>)> = Vec::new();
    for (y, row) in (0..).zip(picture.trim().lines()) {
        for (x, letter) in (0..).zip(row.split_whitespace()).filter(|(_, c)| *c != ".") {
            let letter = letter
                .to_ascii_lowercase()
                .chars()
                .next()
                .unwrap_or_default();
            match found.iter_mut().find(|(l, _)| *l == letter) {
                Some((_, quadrants)) => quadrants.push(Quadrant::new(x, y)),
                None => found.push((letter, vec![Quadrant::new(x, y)])),
            }
        }
    }
    found.sort();
    let block = |(_, quadrants): (char, Vec<Quadrant>)| {
        let (first, last) = (quadrants[0], quadrants[quadrants.len() - 1]);
        let shape = BlockShape::of_size(last.x - first.x + 1, last.y - first.y + 1);
        Block {
            shape: shape.expect("a block of a picture has one of the four shapes"),
            top_left: first,
        }
    };
    found.into_iter().map(block).collect()
}
