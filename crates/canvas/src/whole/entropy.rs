//! One scan of a JPEG, block by block.

use super::frame::{Component, Frame, Tables};
use super::huffman::{Bits, Table};
use super::{Reason, cut_short};

/// What the header of a scan says (ITU-T T.81, B.2.3).
#[derive(Debug)]
pub(super) struct Scan {
    parts: Vec<Part>,
    /// The first and the last coefficient that it brings.
    band: (u8, u8),
    /// The bits before this one have come already; 0 in the first scan of a coefficient.
    from_bit: u8,
}

/// A component in a scan, and its tables.
#[derive(Debug, Clone, Copy)]
struct Part {
    component: usize,
    dc: usize,
    ac: usize,
}

fn damaged() -> Reason {
    "its data is damaged".to_owned()
}

impl Scan {
    pub(super) fn of(segment: &[u8], frame: &mut Frame) -> Result<Self, Reason> {
        let (&count, rest) = segment.split_first().ok_or_else(cut_short)?;
        let (parts, rest) = rest
            .split_at_checked(2 * usize::from(count))
            .ok_or_else(cut_short)?;
        let &[first, last, bits, ..] = rest else {
            return Err(cut_short());
        };
        let part = |&[id, tables]: &[u8; 2]| {
            Ok(Part {
                component: frame.index_of(id)?,
                dc: usize::from(tables >> 4),
                ac: usize::from(tables & 15),
            })
        };
        let parts: Vec<Part> = parts
            .as_chunks()
            .0
            .iter()
            .map(part)
            .collect::<Result<_, Reason>>()?;
        let (band, from_bit, to_bit) = if frame.is_progressive {
            ((first, last), bits >> 4, bits & 15)
        } else {
            ((0, 63), 0, 0)
        };
        let is_mixed = frame.is_progressive && band.0 == 0 && band.1 != 0;
        if parts.is_empty() || parts.len() > 4 || band.0 > band.1 || band.1 > 63 || is_mixed {
            return Err(damaged());
        }
        if band.0 > 0 && parts.len() > 1 {
            return Err(damaged());
        }
        for part in &parts {
            let known = &mut frame.components[part.component].known_to_bit;
            for bit in &mut known[usize::from(band.0)..=usize::from(band.1)] {
                let is_next = match *bit {
                    None => from_bit == 0,
                    Some(known) => from_bit == known && to_bit < known,
                };
                if !is_next {
                    return Err("the same part of it comes twice".to_owned());
                }
                *bit = Some(to_bit);
            }
        }
        Ok(Self {
            parts,
            band,
            from_bit,
        })
    }

    /// Goes through the scan's data, which begins at `at`, and says where the marker after it
    /// stands.
    pub(super) fn walk(
        &self,
        bytes: &[u8],
        at: usize,
        frame: &mut Frame,
        tables: &Tables,
        restart_interval: usize,
    ) -> Result<usize, Reason> {
        let is_single = self.parts.len() == 1;
        let (across, down) = if is_single {
            frame.components[self.parts[0].component].blocks
        } else {
            frame.units
        };
        let mut bits = Bits::new(bytes, at);
        let mut blocks_left_out = 0;
        for unit in 0..across * down {
            if restart_interval > 0 && unit > 0 && unit % restart_interval == 0 {
                let number = (unit / restart_interval - 1) % 8;
                bits = Bits::new(bytes, restart(bytes, bits.end()?, number)?);
                blocks_left_out = 0;
            }
            for part in &self.parts {
                let component = &mut frame.components[part.component];
                let dc = tables[0].get(part.dc).and_then(Option::as_ref);
                let ac = tables[1].get(part.ac).and_then(Option::as_ref);
                let blocks = if is_single {
                    1
                } else {
                    component.sampling.0 * component.sampling.1
                };
                for _ in 0..blocks {
                    if !frame.is_progressive {
                        sequential_block(&mut bits, dc, ac)?;
                    } else if self.band.0 == 0 {
                        self.dc_block(&mut bits, dc)?;
                    } else {
                        let ac = ac.ok_or_else(damaged)?;
                        self.ac_block(&mut bits, ac, component, unit, &mut blocks_left_out)?;
                    }
                }
            }
        }
        bits.end()
    }

    fn dc_block(&self, bits: &mut Bits<'_>, table: Option<&Table>) -> Result<(), Reason> {
        if self.from_bit > 0 {
            return bits.skip(1);
        }
        let size = bits.symbol(table.ok_or_else(damaged)?)?;
        bits.skip(u32::from(size.min(16)))
    }

    /// A block of a band of AC coefficients, first (G.1.2.2) or refined (G.1.2.3). `left_out` is
    /// how many blocks, from this one on, bring no new coefficient.
    fn ac_block(
        &self,
        bits: &mut Bits<'_>,
        table: &Table,
        component: &mut Component,
        block: usize,
        left_out: &mut u32,
    ) -> Result<(), Reason> {
        let not_zero = &mut component.not_zero[block];
        let is_refined = self.from_bit > 0;
        let (mut at, last) = (self.band.0, self.band.1);
        while *left_out == 0 && at <= last {
            let symbol = bits.symbol(table)?;
            let (mut zeros, size) = (symbol >> 4, symbol & 15);
            if size == 0 && zeros < 15 {
                *left_out = (1 << zeros) + bits.number(u32::from(zeros))?;
                break;
            }
            bits.skip(u32::from(size))?;
            // What was not zero before is refined by a bit on the way, and is none of the zeros.
            while at <= last {
                if is_refined && *not_zero >> at & 1 == 1 {
                    bits.skip(1)?;
                } else if zeros == 0 {
                    break;
                } else {
                    zeros -= 1;
                }
                at += 1;
            }
            if size > 0 {
                if at > last {
                    return Err(damaged());
                }
                *not_zero |= 1 << at;
            }
            at += 1;
        }
        if *left_out > 0 {
            if is_refined && at <= last {
                let rest = (u64::MAX << at) & (u64::MAX >> (63 - last));
                for _ in 0..(*not_zero & rest).count_ones() {
                    bits.skip(1)?;
                }
            }
            *left_out -= 1;
        }
        Ok(())
    }
}

/// A block of a picture that is not progressive (F.2.2).
fn sequential_block(
    bits: &mut Bits<'_>,
    dc: Option<&Table>,
    ac: Option<&Table>,
) -> Result<(), Reason> {
    let (dc, ac) = (dc.ok_or_else(damaged)?, ac.ok_or_else(damaged)?);
    let size = bits.symbol(dc)?;
    bits.skip(u32::from(size.min(16)))?;
    let mut at = 1;
    while at < 64 {
        let symbol = bits.symbol(ac)?;
        let (zeros, size) = (symbol >> 4, symbol & 15);
        if size == 0 && zeros < 15 {
            break;
        }
        at += zeros + 1;
        if at > 64 {
            return Err(damaged());
        }
        bits.skip(u32::from(size))?;
    }
    Ok(())
}

/// Passes over the restart marker of a number at `at`, before which any bytes of 255 may stand.
fn restart(bytes: &[u8], mut at: usize, number: usize) -> Result<usize, Reason> {
    while bytes
        .get(at..)
        .is_some_and(|rest| rest.starts_with(&[0xff, 0xff]))
    {
        at += 1;
    }
    match bytes.get(at..) {
        Some([0xff, marker, ..]) if usize::from(*marker) == 0xd0 + number => Ok(at + 2),
        _ => Err(cut_short()),
    }
}
