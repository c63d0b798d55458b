//! The best packing of 2x2 blocks in one window, found exactly.

/// The number of places across a window.
pub(crate) const WIDTH: usize = 11;

/// What a place is worth beyond the blocks it may cost: see [`BLOCK`].
const UNREACHABLE: i32 = i32::MIN / 2;

/// The worth of a block. What a window adds for taste (see [`Row`]) has to stay below it in sum.
pub(crate) const BLOCK: i32 = 1 << 20;

/// The places of one line of a window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// Bit `n` is set when a block may stand at the `n`th place.
    pub(crate) allowed: u16,
    /// The worth of a block there.
    pub(crate) worth: [i32; WIDTH],
}

/// A dynamic programme down the lines of a window. What the next line may hold depends on the
/// blocks of the last two lines alone; so these two rows of places are the state, and for each
/// state the best packing that ends in it is kept.
pub(crate) struct Profiles {
    /// The sets of places on one line no two of which are closer than three, the empty one first.
    rows: Vec<u16>,
    /// Pairs of rows, the later one first, that do not touch; sorted.
    states: Vec<(u8, u8)>,
    /// Where in `states` each later row starts, and the end.
    starts: Vec<usize>,
    /// For each state `(b, a)` the states `(a, z)` it can follow: `before[ends[n]..ends[n + 1]]`.
    before: Vec<u16>,
    ends: Vec<u32>,
    scratch: Scratch,
}

#[derive(Default)]
struct Scratch {
    best: Vec<i32>,
    next: Vec<i32>,
    /// For each line and state, the state that it follows.
    follows: Vec<u16>,
}

impl Profiles {
    pub(crate) fn new() -> Self {
        let apart = |a: u16, b: u16| (a | a << 1 | a << 2 | a >> 1 | a >> 2) & b == 0;
        let rows: Vec<u16> = (0..1u16 << WIDTH)
            .filter(|r| r & (r >> 1) == 0 && r & (r >> 2) == 0)
            .collect();
        let count = rows.len() as u8;
        let fits = |a: u8, b: u8| apart(rows[a as usize], rows[b as usize]);
        let states: Vec<(u8, u8)> = (0..count)
            .flat_map(|b| (0..count).map(move |a| (b, a)))
            .filter(|&(b, a)| fits(b, a))
            .collect();
        let starts: Vec<usize> = (0..=count)
            .map(|b| states.partition_point(|s| s.0 < b))
            .collect();
        let mut before = Vec::new();
        let mut ends = vec![0];
        for &(b, a) in &states {
            before.extend(
                (starts[a as usize]..starts[a as usize + 1])
                    .filter(|&n| fits(b, states[n].1))
                    .map(|n| n as u16),
            );
            ends.push(before.len() as u32);
        }
        Self {
            rows,
            states,
            starts,
            before,
            ends,
            scratch: Scratch::default(),
        }
    }

    /// The set of places to take on each of `lines`, of the greatest worth in sum.
    pub(crate) fn solve(&mut self, lines: &[Row], bonus: i32, chosen: &mut Vec<u16>) {
        let count = self.states.len();
        let Scratch {
            best,
            next,
            follows,
        } = &mut self.scratch;
        best.clear();
        best.resize(count, UNREACHABLE);
        best[0] = 0;
        next.clear();
        next.resize(count, UNREACHABLE);
        follows.resize(follows.len().max(lines.len() * count), 0);
        let mut allowed_before = 0;
        for (line, follows) in lines.iter().zip(follows.chunks_exact_mut(count)) {
            for (b, &row) in self.rows.iter().enumerate() {
                let states = self.starts[b]..self.starts[b + 1];
                if row & !line.allowed != 0 {
                    next[states].fill(UNREACHABLE);
                    continue;
                }
                let mut worth = (row & row >> 3).count_ones() as i32 * bonus;
                let mut rest = row;
                while rest != 0 {
                    worth += line.worth[rest.trailing_zeros() as usize];
                    rest &= rest - 1;
                }
                for n in states {
                    let a = self.states[n].1;
                    if self.rows[a as usize] & !allowed_before != 0 {
                        next[n] = UNREACHABLE;
                        continue;
                    }
                    let before = &self.before[self.ends[n] as usize..self.ends[n + 1] as usize];
                    let mut top = i32::MIN;
                    let mut from = 0;
                    for &m in before {
                        let v = best[m as usize];
                        if v > top {
                            top = v;
                            from = m;
                        }
                    }
                    next[n] = top + worth;
                    follows[n] = from;
                }
            }
            allowed_before = line.allowed;
            std::mem::swap(best, next);
        }
        chosen.clear();
        let mut state = (0..count)
            .max_by_key(|&n| (best[n], std::cmp::Reverse(n)))
            .unwrap_or_default();
        for line in (0..lines.len()).rev() {
            chosen.push(self.rows[self.states[state].0 as usize]);
            state = follows[line * count + state] as usize;
        }
        chosen.reverse();
    }
}
