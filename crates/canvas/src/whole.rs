//! Whether the bytes of a picture are all there.
//!
//! Decoders are lenient: of a picture that was cut short they draw what there is, and grey or
//! nothing in the place of the rest. Such a picture must not be taken for a whole one, so what they
//! overlook is looked at here, before anything is decoded.

mod entropy;
mod frame;
mod huffman;
mod jpeg;
mod png;
mod webp;

use image::ImageFormat;

pub(crate) use png::Chunks;

/// Why a picture is not whole, in a few words.
type Reason = String;

/// Checks that a picture is whole, and finds what of a PNG stands behind its pixels.
///
/// # Errors
/// A line that says what is missing.
pub(crate) fn require_whole(bytes: &[u8], format: ImageFormat) -> Result<Chunks<'_>, Reason> {
    match format {
        ImageFormat::Png => return Chunks::of(bytes),
        ImageFormat::Jpeg => jpeg::require_whole(bytes)?,
        ImageFormat::WebP => webp::require_whole(bytes)?,
        _ => {}
    }
    Ok(Chunks::default())
}

/// What is wrong with a picture that ends too early.
fn cut_short() -> Reason {
    "it is cut short".to_owned()
}

/// The number that two bytes at `at` are, the more significant one first.
fn u16_at(bytes: &[u8], at: usize) -> Result<u16, Reason> {
    let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk);
    bytes.copied().map(u16::from_be_bytes).ok_or_else(cut_short)
}

#[cfg(test)]
pub(crate) mod tests;
