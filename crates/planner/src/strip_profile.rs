//! The most strips in one window, found exactly.

/// The most quadrants that a window may be wide.
pub(crate) const MAX_WIDTH: usize = 14;

/// The worth of a strip. What is added for taste, summed over a window, has to stay below it.
pub(crate) const STRIP: i32 = 1 << 16;

/// The open quadrants of one line of a window, and the strips that may start at them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cells {
    /// Bit `n` is set when the `n`th quadrant is open.
    pub(crate) open: u16,
    /// What a strip is worth that goes on in the next line; zero where none may start.
    pub(crate) along: [i32; MAX_WIDTH],
    /// What a strip is worth that stays in the line; zero where none may start.
    pub(crate) across: [i32; MAX_WIDTH],
}

/// What starts at an open quadrant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// No strip.
    Nothing,
    /// A strip that goes on in the next line.
    Along,
    /// A strip that stays in the line.
    Across,
}

// A profile holds two bits for each position, what the last quadrant there leaves to the next
// line, and two more for what the last quadrant leaves to its neighbour on the line.
/// Nothing.
const FREE: u32 = 0;
/// The second half of a strip.
const HALF: u32 = 1;
/// The end of a strip: none of the same direction may start there.
const END: u32 = 2;
const FIELD: u32 = 3;
const NEIGHBOUR: u32 = 2 * MAX_WIDTH as u32;

/// The best way found to come to a profile.
#[derive(Debug, Clone, Copy)]
struct Node {
    profile: u32,
    worth: i32,
    parent: u32,
    start: Start,
}

/// A dynamic programme from one open quadrant to the next. All that the rest of the window has to
/// know of those before is the profile; of all ways that lead to one only the best is kept. Few
/// profiles can be reached beside 2x2 blocks, some dozens where millions could be written down.
#[derive(Default)]
pub(crate) struct StripProfiles {
    nodes: Vec<Node>,
    table: Table,
}

impl StripProfiles {
    /// What to start at each open quadrant of `lines`, in order, for the greatest worth in sum.
    pub(crate) fn solve(&mut self, lines: &[Cells]) -> Vec<Start> {
        self.nodes.clear();
        self.nodes.push(Node {
            profile: 0,
            worth: 0,
            parent: 0,
            start: Start::Nothing,
        });
        let mut layer = 0;
        for (n, line) in lines.iter().enumerate() {
            // What a closed quadrant is left is of no account.
            let mut kept = (0..NEIGHBOUR / 2)
                .filter(|bit| line.open >> bit & 1 == 1)
                .fold(0, |kept, bit| kept | FIELD << (2 * bit));
            for bit in (0..NEIGHBOUR / 2).filter(|bit| line.open >> bit & 1 == 1) {
                let adjoins = bit > 0 && line.open >> (bit - 1) & 1 == 1;
                kept = kept & !(FIELD << NEIGHBOUR) | if adjoins { FIELD << NEIGHBOUR } else { 0 };
                layer = self.step(layer, line, lines.get(n + 1), bit, kept);
            }
        }
        let last = (layer..self.nodes.len())
            .rev()
            .max_by_key(|&n| self.nodes[n].worth);
        let mut node = last.unwrap_or_default();
        let mut starts = Vec::new();
        while node != 0 {
            starts.push(self.nodes[node].start);
            node = self.nodes[node].parent as usize;
        }
        starts.reverse();
        starts
    }

    /// Goes on from the nodes of the last layer, which starts at `layer`, over the quadrant at
    /// `bit`; `kept` are the fields of a profile that count. Returns where the new layer starts.
    fn step(
        &mut self,
        layer: usize,
        line: &Cells,
        next_line: Option<&Cells>,
        bit: u32,
        kept: u32,
    ) -> usize {
        let n = bit as usize;
        let (along, across) = (line.along[n], line.across[n]);
        // An end that forbids nothing is forgotten, which keeps the profiles few.
        let end_below = if next_line.is_some_and(|l| l.along[n] != 0) {
            END
        } else {
            FREE
        };
        let end_beside = if line.across.get(n + 1).is_some_and(|&w| w != 0) {
            END
        } else {
            FREE
        };
        let end = self.nodes.len();
        self.table.clear(end - layer);
        for parent in layer..end {
            let Node { profile, worth, .. } = self.nodes[parent];
            let profile = profile & kept;
            let above = profile >> (2 * bit) & FIELD;
            let before = profile >> NEIGHBOUR & FIELD;
            let beside = if n + 1 < MAX_WIDTH {
                profile >> (2 * bit + 2) & FIELD
            } else {
                FREE
            };
            let rest = profile & !(FIELD << (2 * bit)) & !(FIELD << NEIGHBOUR);
            let mut reach = |below: u32, beside: u32, start: Start, gain: i32| {
                let profile = rest | below << (2 * bit) | beside << NEIGHBOUR;
                let node = Node {
                    profile,
                    worth: worth + gain,
                    parent: parent as u32,
                    start,
                };
                self.table.keep_best(&mut self.nodes, node);
            };
            if above == HALF {
                reach(end_below, FREE, Start::Nothing, 0);
            } else if before == HALF {
                reach(FREE, end_beside, Start::Nothing, 0);
            } else {
                reach(FREE, FREE, Start::Nothing, 0);
                if along != 0 && above != END {
                    reach(HALF, FREE, Start::Along, along);
                }
                if across != 0 && before != END && beside != HALF {
                    reach(FREE, HALF, Start::Across, across);
                }
            }
        }
        end
    }
}

/// Finds the node of a profile in the layer that is being made: a hash table with open addresses.
#[derive(Default)]
struct Table {
    /// Indices of nodes; zero, the first node of all, stands for an empty slot.
    slots: Vec<u32>,
}

impl Table {
    /// Makes room for the successors of `parents` nodes.
    fn clear(&mut self, parents: usize) {
        // A node has at most three, and half of the slots stay empty.
        let size = (parents * 6).next_power_of_two();
        self.slots.clear();
        self.slots.resize(size, 0);
    }

    fn keep_best(&mut self, nodes: &mut Vec<Node>, node: Node) {
        let mask = self.slots.len() - 1;
        let mut slot = (node.profile.wrapping_mul(0x9e37_79b1) >> 7) as usize & mask;
        loop {
            match self.slots[slot] as usize {
                0 => {
                    self.slots[slot] = nodes.len() as u32;
                    nodes.push(node);
                    return;
                }
                held if nodes[held].profile == node.profile => {
                    if nodes[held].worth < node.worth {
                        nodes[held] = node;
                    }
                    return;
                }
                _ => slot = (slot + 1) & mask,
            }
        }
    }
}
