//! Cuts a set of quadrants into windows, long stripes a few quadrants wide.

use crate::Quadrant;

/// Which way a window or a strip runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Direction {
    /// Down: the lines of such a window are rows.
    Upright,
    /// To the right: the lines of such a window are columns.
    Lying,
}

impl Direction {
    /// The other one.
    pub(crate) fn across(self) -> Self {
        match self {
            Self::Upright => Self::Lying,
            Self::Lying => Self::Upright,
        }
    }
}

/// The quadrants of one window that lie on one line across it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    /// Bit `n` is set when the `n`th quadrant of the line is one of the set.
    present: u16,
    /// Where in [`Windows::members`] the first of them stands.
    first: u32,
}

/// A set of quadrants cut into windows, each a run of adjacent lines.
pub(crate) struct Windows {
    pub(crate) direction: Direction,
    /// The quadrants by their places in the set: window by window, line by line.
    members: Vec<u32>,
    lines: Vec<Line>,
    /// Where in `lines` each window starts, and the end.
    starts: Vec<u32>,
}

/// Longer windows gain nothing, and their tables would leave the processor's cache.
pub(crate) const MAX_LENGTH: usize = 256;

impl Windows {
    /// Eight ways to cut `quadrants`, in both directions and with the cuts in four places: what
    /// lies at the edge of a window in one is in the middle in another.
    pub(crate) fn cuts(quadrants: &[Quadrant], width: usize, length: usize) -> Vec<Self> {
        [0, width / 2, width / 4, 3 * width / 4]
            .into_iter()
            .flat_map(|offset| {
                [Direction::Upright, Direction::Lying]
                    .map(|direction| Self::cut(quadrants, direction, width, length, offset))
            })
            .collect()
    }

    /// Cuts `quadrants`, sorted as one reads, into windows of at most `length` lines that are
    /// `width`, at most 16, wide. The first one starts `offset` before the smallest coordinate.
    ///
    /// Two empty lines end a window, for no block reaches across them: a window is as long as
    /// what it holds, and what lies far away has its own.
    fn cut(
        quadrants: &[Quadrant],
        direction: Direction,
        width: usize,
        length: usize,
        offset: usize,
    ) -> Self {
        let at = |q: Quadrant| match direction {
            Direction::Upright => (i64::from(q.y), i64::from(q.x)),
            Direction::Lying => (i64::from(q.x), i64::from(q.y)),
        };
        let left = quadrants.iter().map(|&q| at(q).1).min().unwrap_or_default() - offset as i64;
        let width = width as i64;
        let mut sorted: Vec<((i64, i64), i64, u32)> = (0..)
            .zip(quadrants)
            .map(|(i, &q)| {
                let (line, position) = at(q);
                (
                    ((position - left) / width, line),
                    (position - left) % width,
                    i,
                )
            })
            .collect();
        sorted.sort_unstable();

        let mut windows = Self {
            direction,
            members: Vec::new(),
            lines: Vec::new(),
            starts: Vec::new(),
        };
        let mut previous = (i64::MIN, i64::MIN);
        for ((window, line), bit, i) in sorted {
            if previous != (window, line) {
                let near = previous.0 == window && line - previous.1 < 3;
                let lines = windows
                    .starts
                    .last()
                    .map_or(0, |&s| windows.lines.len() - s as usize);
                if !near || lines >= length {
                    windows.starts.push(windows.lines.len() as u32);
                } else if line - previous.1 == 2 {
                    windows.push_line();
                }
                windows.push_line();
                previous = (window, line);
            }
            if let Some(line) = windows.lines.last_mut() {
                line.present |= 1 << bit;
            }
            windows.members.push(i);
        }
        windows.starts.push(windows.lines.len() as u32);
        windows
    }

    fn push_line(&mut self) {
        self.lines.push(Line {
            present: 0,
            first: self.members.len() as u32,
        });
    }

    /// The windows, each by its lines.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[Line]> {
        self.starts
            .windows(2)
            .map(|ends| &self.lines[ends[0] as usize..ends[1] as usize])
    }

    /// The quadrants of `line` by their places in the set, each after its bit.
    pub(crate) fn members(&self, line: Line) -> impl Iterator<Item = (u32, u32)> {
        let mut rest = line.present;
        let bits = std::iter::from_fn(move || {
            let bit = rest.trailing_zeros();
            rest &= rest.wrapping_sub(1);
            (bit < u16::BITS).then_some(bit)
        });
        bits.zip(self.members[line.first as usize..].iter().copied())
    }
}
