//! The best packing of 2x2 blocks in one window, found exactly.

/// The most places that a window may be wide.
pub(crate) const MAX_WIDTH: usize = 11;

/// The worth of a block. What is added for taste, summed over a window, has to stay below it.
pub(crate) const BLOCK: i32 = 1 << 20;

/// Less than any packing is worth, and far enough from the smallest number to be added to.
const UNREACHABLE: i32 = i32::MIN / 2;

/// The places of one line of a window.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Places {
    /// Bit `n` is set when a block may stand at the `n`th place.
    pub(crate) allowed: u16,
    /// The worth of a block at each place.
    pub(crate) worth: [i32; MAX_WIDTH],
}

/// A dynamic programme down the lines of a window.
///
/// What a line may hold depends on the blocks of the two lines before it alone. So the rows of
/// blocks on the last two lines are the state, and of all packings that end in a state only the
/// best is kept. At full width there are 88 rows, 527 states and 1,708 steps from one to another.
pub(crate) struct SquareProfiles {
    /// The sets of places on one line of which no two touch; the empty one first.
    rows: Vec<u16>,
    /// Pairs of rows, the later one first, that do not touch; sorted.
    states: Vec<(u8, u8)>,
    /// Where in `states` each later row starts, and the end.
    starts: Vec<usize>,
    /// The states `(a, z)` that state `n = (b, a)` can follow: `before[ends[n]..ends[n + 1]]`.
    before: Vec<u16>,
    ends: Vec<u32>,
    /// The best worth of each state on the last line, and on the one that is being made.
    best: Vec<i32>,
    next: Vec<i32>,
    /// For each line and state, the state that it follows.
    follows: Vec<u16>,
}

impl SquareProfiles {
    /// For windows up to `width` places wide.
    pub(crate) fn of_width(width: usize) -> Self {
        assert!(width <= MAX_WIDTH);
        let touch = |a: u16, b: u16| (a | a << 1 | a << 2 | a >> 1 | a >> 2) & b != 0;
        let rows: Vec<u16> = (0..1u16 << width)
            .filter(|r| r & (r >> 1) == 0 && r & (r >> 2) == 0)
            .collect();
        let count = rows.len() as u8;
        let fits = |b: u8, a: u8| !touch(rows[b as usize], rows[a as usize]);
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
            let followed = starts[a as usize]..starts[a as usize + 1];
            before.extend(followed.filter(|&n| fits(b, states[n].1)).map(|n| n as u16));
            ends.push(before.len() as u32);
        }
        let (best, next, follows) = Default::default();
        Self {
            rows,
            states,
            starts,
            before,
            ends,
            best,
            next,
            follows,
        }
    }

    /// Which places to take on each line for the greatest worth in sum, as sets of bits. Two
    /// blocks of one line at a distance of exactly three are worth `aligned` more.
    pub(crate) fn solve(&mut self, lines: &[Places], aligned: i32) -> Vec<u16> {
        let states = self.states.len();
        // Nothing stands before the first line.
        self.best.clear();
        self.best.resize(states, UNREACHABLE);
        self.best[0] = 0;
        self.next.resize(states, UNREACHABLE);
        self.follows
            .resize(self.follows.len().max(lines.len() * states), 0);
        let mut allowed_before = 0;
        for (n, line) in lines.iter().enumerate() {
            self.step(n * states, *line, allowed_before, aligned);
            allowed_before = line.allowed;
            std::mem::swap(&mut self.best, &mut self.next);
        }
        let mut state = (0..states)
            .rev()
            .max_by_key(|&n| self.best[n])
            .unwrap_or_default();
        let mut taken = vec![0; lines.len()];
        for (n, taken) in taken.iter_mut().enumerate().rev() {
            *taken = self.rows[self.states[state].0 as usize];
            state = self.follows[n * states + state] as usize;
        }
        taken
    }

    /// Fills `next` from `best`, and `follows` from `offset` on.
    fn step(&mut self, offset: usize, line: Places, allowed_before: u16, aligned: i32) {
        let follows = &mut self.follows[offset..][..self.states.len()];
        for (b, &row) in self.rows.iter().enumerate() {
            let states = self.starts[b]..self.starts[b + 1];
            if row & !line.allowed != 0 {
                self.next[states].fill(UNREACHABLE);
                continue;
            }
            let pairs = (row & row >> 3).count_ones();
            let worth = pairs as i32 * aligned + sum(row, &line.worth);
            for n in states {
                if self.rows[self.states[n].1 as usize] & !allowed_before != 0 {
                    self.next[n] = UNREACHABLE;
                    continue;
                }
                let mut top = (i32::MIN, 0);
                for &m in &self.before[self.ends[n] as usize..self.ends[n + 1] as usize] {
                    let best = self.best[m as usize];
                    if best > top.0 {
                        top = (best, m);
                    }
                }
                self.next[n] = top.0 + worth;
                follows[n] = top.1;
            }
        }
    }
}

fn sum(mut row: u16, worth: &[i32]) -> i32 {
    let mut sum = 0;
    while row != 0 {
        sum += worth[row.trailing_zeros() as usize];
        row &= row - 1;
    }
    sum
}
