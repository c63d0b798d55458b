//! WebP: a RIFF file, which says how long it is
//! (<https://developers.google.com/speed/webp/docs/riff_container>).

use super::{Reason, cut_short};

/// Neither kind of WebP has a checksum: where bytes are missing, whatever stands behind it would
/// be taken for them. So it has to be exactly as long as it says.
pub(super) fn require_whole(bytes: &[u8]) -> Result<(), Reason> {
    let length = bytes.get(4..).and_then(<[u8]>::first_chunk);
    let length = u32::from_le_bytes(*length.ok_or_else(cut_short)?) as usize;
    match bytes.len().checked_sub(8 + length) {
        None => return Err(cut_short()),
        Some(0) => {}
        // What is odd is padded, and not by all who write it.
        Some(1) if length % 2 == 1 => {}
        Some(more) => return Err(format!("{more} bytes stand behind its end")),
    }
    let mut rest = bytes.get(12..8 + length).ok_or_else(cut_short)?;
    while !rest.is_empty() {
        let (head, after) = rest.split_first_chunk::<8>().ok_or_else(cut_short)?;
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let padded = length + length % 2;
        rest = match after.get(padded..) {
            None if after.len() == length => &[],
            None => return Err(cut_short()),
            Some(rest) => rest,
        };
    }
    Ok(())
}
