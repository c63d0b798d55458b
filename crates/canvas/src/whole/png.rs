//! PNG: a chain of chunks, each with its length and its checksum
//! (<https://www.w3.org/TR/png/#5DataRep>).

use super::{Reason, cut_short};

const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1a\n";

/// What the chunks of a PNG say besides its pixels.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Chunks<'a> {
    /// Its EXIF data, wherever it stands.
    pub exif: Option<&'a [u8]>,
    /// The colour space as four code points of ITU-T H.273.
    pub code_points: Option<[u8; 4]>,
    /// Whether there is a colour profile.
    pub has_profile: bool,
}

impl<'a> Chunks<'a> {
    /// Reads the chunks up to the last one; what is behind it is overlooked.
    ///
    /// # Errors
    /// When one is cut short, or another one than those of the pixels is damaged: the decoder
    /// looks at those, and passes over damage to others.
    pub(super) fn of(bytes: &'a [u8]) -> Result<Self, Reason> {
        let mut chunks = Self::default();
        let mut rest = bytes.strip_prefix(SIGNATURE).ok_or_else(cut_short)?;
        loop {
            let (length, after) = rest.split_first_chunk().ok_or_else(cut_short)?;
            let length = u32::from_be_bytes(*length) as usize;
            let (named, after) = after.split_at_checked(4 + length).ok_or_else(cut_short)?;
            let (checksum, after) = after.split_first_chunk().ok_or_else(cut_short)?;
            let (name, data) = named.split_at(4);
            if name != b"IDAT" && crc32fast::hash(named) != u32::from_be_bytes(*checksum) {
                let name = name.escape_ascii();
                return Err(format!("the checksum of its chunk {name} is wrong"));
            }
            match name {
                b"eXIf" => chunks.exif = Some(data),
                b"cICP" => chunks.code_points = data.try_into().ok(),
                b"iCCP" => chunks.has_profile = true,
                b"IEND" => return Ok(chunks),
                _ => {}
            }
            rest = after;
        }
    }

    /// Whether the pixels are to be shown as they are stored.
    pub(crate) const fn say_nothing(&self) -> bool {
        self.exif.is_none() && self.code_points.is_none() && !self.has_profile
    }
}
