//! The bits of a JPEG's scan, and the codes in them.

use super::{Reason, cut_short};

/// How many bits of a code are looked up at once.
const LOOK_UP: u32 = 9;

/// A Huffman table (ITU-T T.81, annex C).
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// For each start of a code its length and its symbol; length 0 where the code is longer.
    look_up: Vec<(u8, u8)>,
    /// For each length the first code that is too large for it, in 16 bits.
    too_large: [u32; 17],
    /// For each length what is added to a code to get the index of its symbol.
    offset: [i32; 17],
    symbols: Vec<u8>,
}

impl Table {
    /// The table with `counts[i]` codes of `i + 1` bits.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Result<Self, Reason> {
        let mut table = Self {
            look_up: vec![(0, 0); 1 << LOOK_UP],
            too_large: [0; 17],
            offset: [0; 17],
            symbols: symbols.to_vec(),
        };
        let (mut code, mut index) = (0_u32, 0_usize);
        for (length, &count) in (1_u32..).zip(counts) {
            table.offset[length as usize] = index as i32 - code as i32;
            for _ in 0..count {
                let symbol = *symbols.get(index).ok_or_else(cut_short)?;
                if code >= 1 << length {
                    return Err("a table of its codes is damaged".to_owned());
                }
                if length <= LOOK_UP {
                    let free = LOOK_UP - length;
                    let first = (code << free) as usize;
                    table.look_up[first..first + (1 << free)].fill((length as u8, symbol));
                }
                code += 1;
                index += 1;
            }
            table.too_large[length as usize] = code << (16 - length);
            code <<= 1;
        }
        Ok(table)
    }
}

/// The bits of a scan up to the next marker.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// Where the next byte is read.
    at: usize,
    /// The next bits, from the highest one on.
    buffer: u64,
    /// How many of them there are.
    count: u32,
}

impl<'a> Bits<'a> {
    pub(super) const fn new(bytes: &'a [u8], at: usize) -> Self {
        Self {
            bytes,
            at,
            buffer: 0,
            count: 0,
        }
    }

    /// The next symbol.
    pub(super) fn symbol(&mut self, table: &Table) -> Result<u8, Reason> {
        if self.count < 16 {
            self.fill();
        }
        let (mut length, mut symbol) = table.look_up[(self.buffer >> (64 - LOOK_UP)) as usize];
        if length == 0 {
            let code = (self.buffer >> 48) as u32;
            let longer = LOOK_UP as usize + 1..=16;
            let found = longer
                .clone()
                .find(|&length| code < table.too_large[length]);
            let found = found.ok_or_else(|| "its data is damaged".to_owned())?;
            let index = (code >> (16 - found)) as i32 + table.offset[found];
            symbol = *usize::try_from(index)
                .ok()
                .and_then(|index| table.symbols.get(index))
                .ok_or_else(|| "its data is damaged".to_owned())?;
            length = found as u8;
        }
        self.skip(u32::from(length))?;
        Ok(symbol)
    }

    /// The next bits, at most 16, as a number.
    pub(super) fn number(&mut self, bits: u32) -> Result<u32, Reason> {
        if bits == 0 {
            return Ok(0);
        }
        if self.count < bits {
            self.fill();
        }
        let number = (self.buffer >> (64 - bits)) as u32;
        self.skip(bits)?;
        Ok(number)
    }

    /// Passes over bits, at most 16 at a time or as many as there are.
    pub(super) fn skip(&mut self, bits: u32) -> Result<(), Reason> {
        if self.count < bits {
            self.fill();
            if self.count < bits {
                return Err(cut_short());
            }
        }
        self.buffer <<= bits;
        self.count -= bits;
        Ok(())
    }

    /// Ends the bits before a marker, and says where that stands. What is left of the last byte
    /// is padding; some write zeros behind it.
    pub(super) fn end(mut self) -> Result<usize, Reason> {
        self.skip(self.count % 8)?;
        loop {
            self.fill();
            if self.count == 0 {
                return Ok(self.at);
            }
            if self.buffer != 0 {
                return Err("there is more data than pixels".to_owned());
            }
            self.count = 0;
        }
    }

    fn fill(&mut self) {
        while self.count <= 56 {
            let byte = match self.bytes.get(self.at..) {
                // A byte of 255 is followed by a zero, or it begins a marker.
                Some([0xff, 0, ..]) => {
                    self.at += 2;
                    0xff
                }
                Some([byte, ..]) if *byte != 0xff => {
                    self.at += 1;
                    *byte
                }
                _ => return,
            };
            self.buffer |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }
}
