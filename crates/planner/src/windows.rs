//! Cuts a set of quadrants into windows, long stripes a few quadrants wide.

use crate::Quadrant;

/// Which way the windows run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Windows are some columns wide, their lines are rows.
    Upright,
    /// Windows are some rows high, their lines are columns.
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
    pub(crate) present: u16,
    /// The place of the first of them in the list of [`Windows::member`].
    first: u32,
}

/// A set of quadrants cut into windows, each a run of adjacent lines.
pub(crate) struct Windows {
    /// The quadrants by their places in the set: window by window, line by line.
    members: Vec<u32>,
    lines: Vec<Line>,
    /// Where in `lines` each window starts, and the end.
    starts: Vec<u32>,
}

/// Longer windows gain nothing, and their tables would leave the processor's cache.
const MAX_LINES: usize = 256;

impl Windows {
    /// Cuts `quadrants`, sorted as one reads, into windows `width` wide, at most 16. The first one
    /// starts `offset` before the smallest coordinate.
    ///
    /// Two empty lines end a window, for no block reaches across them: a window is as long as
    /// what it holds, and a far island starts its own.
    pub(crate) fn of(
        quadrants: &[Quadrant],
        direction: Direction,
        width: usize,
        offset: usize,
    ) -> Self {
        // As (line, position on the line).
        let key = |q: Quadrant| match direction {
            Direction::Upright => (i64::from(q.y), i64::from(q.x)),
            Direction::Lying => (i64::from(q.x), i64::from(q.y)),
        };
        let min = quadrants
            .iter()
            .map(|&q| key(q).1)
            .min()
            .unwrap_or_default();
        let cut = |q: Quadrant| {
            let (line, position) = key(q);
            let position = position - min + offset as i64;
            (position / width as i64, line, position % width as i64)
        };
        let mut sorted: Vec<((i64, i64, i64), u32)> =
            (0..).zip(quadrants).map(|(i, &q)| (cut(q), i)).collect();
        sorted.sort_unstable();

        let empty = |first: usize| Line {
            present: 0,
            first: first as u32,
        };
        let mut windows = Self {
            members: Vec::new(),
            lines: Vec::new(),
            starts: vec![0],
        };
        let mut previous = None;
        for (n, ((window, line, bit), i)) in sorted.into_iter().enumerate() {
            if previous != Some((window, line)) {
                let length = windows.lines.len() - windows.last_start();
                let gap = previous.filter(|p| p.0 == window).map_or(3, |p| line - p.1);
                if gap >= 3 || length >= MAX_LINES {
                    windows.end_window();
                } else if gap == 2 {
                    windows.lines.push(empty(n));
                }
                windows.lines.push(empty(n));
                previous = Some((window, line));
            }
            if let Some(line) = windows.lines.last_mut() {
                line.present |= 1 << bit;
            }
            windows.members.push(i);
        }
        windows.end_window();
        windows
    }

    fn last_start(&self) -> usize {
        self.starts.last().map_or(0, |&start| start as usize)
    }

    fn end_window(&mut self) {
        if self.lines.len() > self.last_start() {
            self.starts.push(self.lines.len() as u32);
        }
    }

    /// The windows, each by its lines.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[Line]> {
        self.starts
            .windows(2)
            .map(|ends| &self.lines[ends[0] as usize..ends[1] as usize])
    }

    /// The quadrants of `line`, each with its bit.
    pub(crate) fn members(&self, line: Line) -> impl Iterator<Item = (u32, u32)> {
        let mut present = line.present;
        self.members[line.first as usize..]
            .iter()
            .map_while(move |&member| {
                let bit = present.trailing_zeros();
                present &= present.wrapping_sub(1);
                (bit < 16).then_some((bit, member))
            })
    }
}
