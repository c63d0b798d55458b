//! JPEG (ITU-T T.81): markers, and scans of entropy-coded data.
//!
//! The data has no length and no checksum, and a decoder takes what is missing for zeros. So all
//! of it is read here as a decoder would, but for the pixels: each scan must have the data of each
//! of its blocks, no more and no less, and the last one must be followed by the end of the picture.

use super::entropy::Scan;
use super::frame::{Component, Frame, Tables};
use super::huffman::Table;
use super::{Reason, cut_short, u16_at};

/// The most scans of a picture; more are an attack.
const MOST_SCANS: usize = 100;

pub(super) fn require_whole(bytes: &[u8]) -> Result<(), Reason> {
    let mut frame: Option<Frame> = None;
    let mut tables = Tables::default();
    let mut restart_interval = 0;
    let mut scans = 0;
    let mut at = 2;
    loop {
        let marker;
        (marker, at) = next_marker(bytes, at)?;
        if marker == 0xd9 {
            let is_whole =
                frame.is_some_and(|frame| frame.components.iter().all(Component::is_known));
            return if is_whole { Ok(()) } else { Err(cut_short()) };
        }
        match marker {
            // They have no length; some write a restart behind the last block.
            0x01 | 0xd0..=0xd7 => continue,
            0xd8 => return Err("another picture begins in it".to_owned()),
            _ => {}
        }
        let length = usize::from(u16_at(bytes, at)?);
        let segment = bytes.get(at + 2..at + length).ok_or_else(cut_short)?;
        at += length;
        match marker {
            0xc0..=0xc2 if frame.is_none() => frame = Some(Frame::of(segment, marker == 0xc2)?),
            // Huffman tables.
            0xc4 => read_tables(segment, &mut tables)?,
            // A second picture, or a kind that decoders do not know.
            0xc0..=0xcf => return Err("it is a kind of JPEG that is not known".to_owned()),
            0xdd => restart_interval = usize::from(u16_at(segment, 0)?),
            0xda => {
                let frame = frame.as_mut().ok_or_else(cut_short)?;
                scans += 1;
                if scans > MOST_SCANS {
                    return Err("it has too many scans".to_owned());
                }
                at = Scan::of(segment, frame)?.walk(bytes, at, frame, &tables, restart_interval)?;
            }
            _ => {}
        }
    }
}

/// The next marker, and where what follows it begins. Decoders pass over bytes that stand between
/// two segments.
fn next_marker(bytes: &[u8], mut at: usize) -> Result<(u8, usize), Reason> {
    loop {
        match bytes.get(at..) {
            Some([0xff, marker @ (1..=0xfe), ..]) => return Ok((*marker, at + 2)),
            Some([_, _, ..]) => at += 1,
            _ => return Err(cut_short()),
        }
    }
}

fn read_tables(mut segment: &[u8], tables: &mut Tables) -> Result<(), Reason> {
    while let Some((selector, rest)) = segment.split_first() {
        let (counts, rest) = rest.split_first_chunk().ok_or_else(cut_short)?;
        let symbols: usize = counts.iter().map(|&count| usize::from(count)).sum();
        let (symbols, rest) = rest.split_at_checked(symbols).ok_or_else(cut_short)?;
        let of_kind = tables.get_mut(usize::from(selector >> 4));
        let table = of_kind.and_then(|tables| tables.get_mut(usize::from(selector & 15)));
        *table.ok_or_else(|| "a table of its codes is damaged".to_owned())? =
            Some(Table::new(counts, symbols)?);
        segment = rest;
    }
    Ok(())
}
