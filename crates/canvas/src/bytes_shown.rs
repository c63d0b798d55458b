//! What bytes that should be a picture are, for a message.

use image::ImageFormat;

/// How a message tells what came in the place of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    /// By the bytes it begins with: it was sent to us, or is ours.
    FirstBytes,
    /// By its kind alone: it was fetched from where somebody else said, and may be private.
    Kind,
}

impl Tell {
    /// What bytes look like: how many they are, and what they are or begin with.
    #[must_use]
    pub(crate) fn what(self, bytes: &[u8]) -> String {
        match self {
            _ if bytes.is_empty() => "nothing (0 bytes)".to_owned(),
            Self::FirstBytes => first_bytes(bytes),
            Self::Kind => kind(bytes),
        }
    }
}

fn first_bytes(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(40)];
    let shown = if is_text(start) {
        let text = String::from_utf8_lossy(start);
        let words: Vec<&str> = text.split_whitespace().collect();
        format!("{:?}", words.join(" "))
    } else {
        let hex: Vec<String> = start
            .iter()
            .take(12)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        hex.join(" ")
    };
    format!("{} bytes that begin with {shown}", bytes.len())
}

fn kind(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(512)];
    let length = bytes.len();
    if let Ok(format) = image::guess_format(bytes) {
        let name = match format {
            ImageFormat::Jpeg => "JPEG".to_owned(),
            ImageFormat::WebP => "WebP".to_owned(),
            other => format!("{other:?}").to_uppercase(),
        };
        return format!("a picture ({name}) of {length} bytes");
    }
    if !is_text(start) {
        return format!("{length} bytes that are no picture");
    }
    let text = String::from_utf8_lossy(start).trim_start().to_lowercase();
    let name = match text.chars().next() {
        Some('<') if text.contains("<html") || text.starts_with("<!doctype html") => "a web page",
        Some('<') => "XML",
        Some('{' | '[') => "JSON",
        _ => "a text",
    };
    format!("{name} of {length} bytes")
}

fn is_text(start: &[u8]) -> bool {
    let text = String::from_utf8_lossy(start);
    // The last letter may be cut in two.
    let text = text.trim_end_matches('\u{fffd}');
    !text.contains('\u{fffd}') && !text.chars().any(|c| c.is_control() && !c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_shows_what_came() {
        for (bytes, first_bytes, kind) in [
            (&b""[..], "nothing (0 bytes)", "nothing (0 bytes)"),
            (
                b"<html>\n <body>",
                "14 bytes that begin with \"<html> <body>\"",
                "a web page of 14 bytes",
            ),
            (
                b"root:x:0:0",
                "10 bytes that begin with \"root:x:0:0\"",
                "a text of 10 bytes",
            ),
            (
                b"{\"key\": 1}",
                "10 bytes that begin with \"{\\\"key\\\": 1}\"",
                "JSON of 10 bytes",
            ),
            (
                &[0x80, 0x50, 0],
                "3 bytes that begin with 80 50 00",
                "3 bytes that are no picture",
            ),
            (
                b"GIF89a\x01",
                "7 bytes that begin with 47 49 46 38 39 61 01",
                "a picture (GIF) of 7 bytes",
            ),
        ] {
            assert_eq!(Tell::FirstBytes.what(bytes), first_bytes);
            assert_eq!(Tell::Kind.what(bytes), kind);
        }
    }
}
