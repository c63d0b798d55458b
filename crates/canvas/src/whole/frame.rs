//! A JPEG's frame: its components, and what scans have brought of them.

use super::huffman::Table;
use super::{Reason, cut_short, u16_at};

/// What a frame's header says (B.2.2), and what scans have brought of it.
#[derive(Debug)]
pub(super) struct Frame {
    pub is_progressive: bool,
    pub components: Vec<Component>,
    /// How many units of an interleaved scan there are across and down.
    pub units: (usize, usize),
}

/// One of a picture's colours.
#[derive(Debug)]
pub(super) struct Component {
    id: u8,
    /// How many of its blocks are in a unit of an interleaved scan, across and down.
    pub sampling: (usize, usize),
    /// How many blocks it has, across and down.
    pub blocks: (usize, usize),
    /// Of each block, which coefficients are known not to be zero; in progressive pictures only.
    pub not_zero: Vec<u64>,
    /// Down to which bit each coefficient is known.
    pub known_to_bit: [Option<u8>; 64],
}

/// The tables of codes, for DC and AC.
pub(super) type Tables = [[Option<Table>; 4]; 2];

impl Frame {
    pub(super) fn of(segment: &[u8], is_progressive: bool) -> Result<Self, Reason> {
        let (height, width) = (u16_at(segment, 1)?, u16_at(segment, 3)?);
        let (width, height) = (usize::from(width), usize::from(height));
        let count = usize::from(*segment.get(5).ok_or_else(cut_short)?);
        let components = segment.get(6..6 + 3 * count).ok_or_else(cut_short)?;
        let (components, _) = components.as_chunks::<3>();
        let sampling = |component: &[u8; 3]| {
            (
                usize::from(component[1] >> 4),
                usize::from(component[1] & 15),
            )
        };
        let most = |of: fn((usize, usize)) -> usize| components.iter().map(sampling).map(of).max();
        let (Some(most_across @ 1..=4), Some(most_down @ 1..=4)) = (most(|s| s.0), most(|s| s.1))
        else {
            return Err("its head is damaged".to_owned());
        };
        let component = |component: &[u8; 3]| {
            let (across, down) = sampling(component);
            let blocks = (
                (width * across).div_ceil(most_across).div_ceil(8),
                (height * down).div_ceil(most_down).div_ceil(8),
            );
            let tracked = if is_progressive {
                blocks.0 * blocks.1
            } else {
                0
            };
            Component {
                id: component[0],
                sampling: (across, down),
                blocks,
                not_zero: vec![0; tracked],
                known_to_bit: [None; 64],
            }
        };
        Ok(Self {
            is_progressive,
            units: (
                width.div_ceil(8 * most_across),
                height.div_ceil(8 * most_down),
            ),
            components: components.iter().map(component).collect(),
        })
    }

    /// The index of the component that is called `id`.
    pub(super) fn index_of(&self, id: u8) -> Result<usize, Reason> {
        let mut ids = self.components.iter().map(|component| component.id);
        ids.position(|other| other == id)
            .ok_or_else(|| "its data is damaged".to_owned())
    }
}

impl Component {
    /// Whether all coefficients have come, to the last bit.
    pub(super) fn is_known(&self) -> bool {
        self.known_to_bit.iter().all(|&bit| bit == Some(0))
    }
}
