//! Base64 of pictures, with the machine's vector instructions where there are any.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::PAD;
use bytes::Bytes;
use memchr::memchr;

use crate::bytes_shown::first_bytes;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
type Fastest = base64::engine::Simd;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
type Fastest = base64::engine::GeneralPurpose;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static ENGINE: LazyLock<Fastest> = LazyLock::new(|| Fastest::standard(PAD));
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static ENGINE: LazyLock<Fastest> = LazyLock::new(|| Fastest::new(&base64::alphabet::STANDARD, PAD));

/// How long `bytes` bytes are in base64.
#[must_use]
pub(super) fn encoded_len(bytes: usize) -> usize {
    base64::encoded_len(bytes, true).expect("a picture fits memory")
}

/// How much of a picture is encoded at a time: a multiple of three, so that no padding stands
/// inside.
const PIECE: usize = 48 << 10;

/// A picture in pieces, each made when it is asked for. The picture is let go with the last.
pub(super) fn encoded(mut picture: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        if picture.is_empty() {
            return None;
        }
        let piece = picture.split_to(PIECE.min(picture.len()));
        let mut text = vec![0; encoded_len(piece.len())];
        let written = ENGINE.encode_slice(&piece, &mut text);
        written.expect("the length is right");
        Some(text.into())
    })
}

/// The bytes of a base64 text, in a buffer of a length that `room` gives; a `data:` URL's head and
/// line breaks are overlooked.
///
/// # Errors
/// A line that says what came instead.
pub(super) fn decode(text: &[u8], room: impl FnOnce(usize) -> Vec<u8>) -> Result<Vec<u8>, String> {
    let text = match text.strip_prefix(b"data:") {
        Some(url) => memchr(b',', url).map_or(text, |comma| &url[comma + 1..]),
        None => text,
    };
    let mut bytes = room(base64::decoded_len_estimate(text.len()));
    let decoded = ENGINE.decode_slice(text, &mut bytes).or_else(|error| {
        if text.iter().any(u8::is_ascii_whitespace) {
            let text: Vec<u8> = text
                .iter()
                .copied()
                .filter(|byte| !byte.is_ascii_whitespace())
                .collect();
            ENGINE.decode_slice(&text, &mut bytes)
        } else {
            Err(error)
        }
    });
    match decoded {
        Ok(length) => {
            bytes.truncate(length);
            Ok(bytes)
        }
        Err(error) => Err(format!(
            "a picture whose base64 is broken ({error}): {}",
            first_bytes(text)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(text: &[u8]) -> Result<Vec<u8>, String> {
        decode(text, |length| vec![0; length])
    }

    #[test]
    fn it_is_read_in_every_usual_form() {
        for text in ["AAEC", "data:image/png;base64,AAEC", "AA\r\nEC\n"] {
            assert_eq!(bytes_of(text.as_bytes()).unwrap(), [0, 1, 2], "{text}");
        }
        let error = bytes_of(b"~~~").unwrap_err();
        assert!(error.contains("base64 is broken"), "{error}");
    }

    #[test]
    fn what_is_written_is_read_back_whatever_its_length() {
        let picture: Bytes = (0..=255).cycle().take(2 * PIECE + 5).collect();
        for length in (0..300)
            .chain(PIECE - 2..PIECE + 3)
            .chain(2 * PIECE..2 * PIECE + 5)
        {
            let pieces: Vec<Bytes> = encoded(picture.slice(..length)).collect();
            assert_eq!(pieces.len(), length.div_ceil(PIECE));
            let text = pieces.concat();
            assert_eq!(text.len(), encoded_len(length));
            assert_eq!(bytes_of(&text).unwrap(), picture[..length]);
        }
    }

    #[test]
    fn a_picture_is_let_go_with_its_last_piece() {
        let picture = Bytes::from(vec![7; 2 * PIECE]);
        let mut pieces = encoded(picture.clone());
        assert_eq!(pieces.by_ref().take(2).count(), 2);
        assert!(picture.is_unique(), "whoever sends it holds it no more");
    }
}
