//! The most strips in one window, found exactly.

/// The number of quadrants across a window.
pub(crate) const WIDTH: usize = 14;

/// The worth of a strip. What is added for taste has to stay below it in the sum of a window.
pub(crate) const STRIP: i32 = 1 << 16;

/// One line of a window: what may start at each quadrant, and what it is worth.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cells {
    /// Bit `n` is set when quadrant `n` is open.
    pub(crate) open: u16,
    /// Where a strip may start that goes on in the next line.
    pub(crate) along: u16,
    /// Where a strip may start that stays in the line.
    pub(crate) across: u16,
    pub(crate) along_worth: [i32; WIDTH],
    pub(crate) across_worth: [i32; WIDTH],
}

/// What to do at a quadrant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    Nothing,
    Along,
    Across,
}

// Two bits for each position say what the last line left to the next one, and two more what the
// last quadrant left to its right neighbour.
const FREE: u32 = 0;
/// A strip goes on here.
const HALF: u32 = 1;
/// A strip has ended just before: none in the same direction may start here.
const ENDED: u32 = 2;
const RIGHT: u32 = 2 * WIDTH as u32;

#[derive(Debug, Clone, Copy)]
struct Node {
    profile: u32,
    worth: i32,
    parent: u32,
    start: Start,
}

#[derive(Default)]
pub(crate) struct StripProfiles {
    nodes: Vec<Node>,
    table: Table,
}

impl StripProfiles {
    /// What to start at each open quadrant of `lines`, in order.
    pub(crate) fn solve(&mut self, lines: &[Cells], starts: &mut Vec<Start>) {
        let nodes = &mut self.nodes;
        nodes.clear();
        nodes.push(Node {
            profile: 0,
            worth: 0,
            parent: 0,
            start: Start::Nothing,
        });
        let mut layer = 0;
        for (n, line) in lines.iter().enumerate() {
            let next_along = lines.get(n + 1).map_or(0, |next| next.along);
            // Nothing is left to a quadrant that is not open.
            let mut keep = 0;
            for bit in 0..WIDTH as u32 {
                if line.open >> bit & 1 == 1 {
                    keep |= 3 << (2 * bit);
                }
            }
            let mut rest = line.open;
            let mut previous = None;
            while rest != 0 {
                let bit = rest.trailing_zeros();
                rest &= rest - 1;
                if previous.is_some_and(|p| p + 1 == bit) {
                    keep |= 3 << RIGHT;
                } else {
                    keep &= !(3 << RIGHT);
                }
                previous = Some(bit);
                let may_along = line.along >> bit & 1 == 1;
                let may_across = line.across >> bit & 1 == 1;
                let ended_below = if next_along >> bit & 1 == 1 {
                    ENDED
                } else {
                    FREE
                };
                let ended_right = if bit + 1 < WIDTH as u32 && line.across >> (bit + 1) & 1 == 1 {
                    ENDED
                } else {
                    FREE
                };
                let end = nodes.len();
                self.table.clear(end - layer);
                for parent in layer..end {
                    let Node { profile, worth, .. } = nodes[parent];
                    let profile = profile & keep;
                    let left = profile >> (2 * bit) & 3;
                    let right = profile >> RIGHT & 3;
                    let base = profile & !(3 << (2 * bit)) & !(3 << RIGHT);
                    let mut add = |below: u32, right: u32, start: Start, gain: i32| {
                        let profile = base | below << (2 * bit) | right << RIGHT;
                        self.table.keep_best(
                            nodes,
                            Node {
                                profile,
                                worth: worth + gain,
                                parent: parent as u32,
                                start,
                            },
                        );
                    };
                    if left == HALF {
                        add(ended_below, FREE, Start::Nothing, 0);
                    } else if right == HALF {
                        add(FREE, ended_right, Start::Nothing, 0);
                    } else {
                        add(FREE, FREE, Start::Nothing, 0);
                        if may_along && left != ENDED {
                            add(HALF, FREE, Start::Along, line.along_worth[bit as usize]);
                        }
                        if may_across
                            && right != ENDED
                            && (bit + 1 == WIDTH as u32 || profile >> (2 * bit + 2) & 3 != HALF)
                        {
                            add(FREE, HALF, Start::Across, line.across_worth[bit as usize]);
                        }
                    }
                }
                layer = end;
            }
        }
        starts.clear();
        let mut node = (layer..nodes.len())
            .max_by_key(|&n| (nodes[n].worth, std::cmp::Reverse(n)))
            .unwrap_or_default();
        while node != 0 {
            starts.push(nodes[node].start);
            node = nodes[node].parent as usize;
        }
        starts.reverse();
    }
}

/// Finds the node of a profile in the layer that is being made.
#[derive(Default)]
struct Table {
    slots: Vec<u32>,
}

impl Table {
    fn clear(&mut self, before: usize) {
        // A node has at most three successors.
        let size = (before * 6).next_power_of_two();
        self.slots.clear();
        self.slots.resize(size, 0);
    }

    fn keep_best(&mut self, nodes: &mut Vec<Node>, node: Node) {
        let mask = self.slots.len() - 1;
        let mut slot = (node.profile.wrapping_mul(0x9e37_79b1) >> 7) as usize & mask;
        loop {
            let held = self.slots[slot] as usize;
            if held == 0 {
                self.slots[slot] = nodes.len() as u32;
                nodes.push(node);
                return;
            }
            if nodes[held].profile == node.profile {
                if nodes[held].worth < node.worth {
                    nodes[held] = node;
                }
                return;
            }
            slot = (slot + 1) & mask;
        }
    }
}
