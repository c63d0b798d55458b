//! The parts of a region that have nothing to do with each other.

use crate::Quadrant;

/// The quadrants of a region, sorted as one reads, in groups of which none touches another, not
/// even by a corner; by their places in the list, in the order of their first ones.
///
/// No block reaches from one part to another or has to mind one there, so each is planned alone.
pub(crate) fn parts(quadrants: &[Quadrant]) -> Vec<Vec<u32>> {
    let mut groups = Groups((0..quadrants.len() as u32).collect());
    // `under` walks one row ahead of the quadrant it is compared with, and never back.
    let mut under = 0;
    for (i, &q) in quadrants.iter().enumerate() {
        let key = |q: Quadrant| (i64::from(q.y), i64::from(q.x));
        let (y, x) = key(q);
        let mut join_if_at = |n: usize, row: i64| {
            let near = quadrants
                .get(n)
                .is_some_and(|&q| key(q).0 == row && key(q).1 <= x + 1);
            if near {
                groups.join(i as u32, n as u32);
            }
        };
        join_if_at(i + 1, y);
        while quadrants
            .get(under)
            .is_some_and(|&q| key(q) < (y + 1, x - 1))
        {
            under += 1;
        }
        for n in under..under + 3 {
            join_if_at(n, y + 1);
        }
    }
    let mut number = vec![u32::MAX; quadrants.len()];
    let mut parts: Vec<Vec<u32>> = Vec::new();
    for i in 0..quadrants.len() as u32 {
        let part = &mut number[groups.first(i) as usize];
        if *part == u32::MAX {
            *part = parts.len() as u32;
            parts.push(Vec::new());
        }
        parts[*part as usize].push(i);
    }
    parts
}

/// Disjoint sets: each member points to an earlier one of its group, the first one to itself.
struct Groups(Vec<u32>);

impl Groups {
    fn first(&mut self, mut i: u32) -> u32 {
        while self.0[i as usize] != i {
            // Halving the way on each walk keeps the ways short.
            self.0[i as usize] = self.0[self.0[i as usize] as usize];
            i = self.0[i as usize];
        }
        i
    }

    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.first(a), self.first(b));
        self.0[a.max(b) as usize] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corner_joins_and_a_free_quadrant_parts() {
        let at = |(x, y)| Quadrant::new(x, y);
        let far = i32::MAX;
        let quadrants: Vec<Quadrant> = [
            (-far, -9),
            (far, -9),
            (0, 0),
            (3, 0),
            (1, 1),
            (2, 1),
            (5, 1),
            (0, 2),
            (4, 3),
            (far, far),
        ]
        .map(at)
        .into();
        assert_eq!(
            parts(&quadrants),
            [
                vec![0],
                vec![1],
                vec![2, 3, 4, 5, 7],
                vec![6],
                vec![8],
                vec![9]
            ]
        );
    }
}
