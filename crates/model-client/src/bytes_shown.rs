//! What bytes look like, for a message.

/// What bytes look like: the text they begin with, or their numbers.
#[must_use]
pub(crate) fn first_bytes(bytes: &[u8]) -> String {
    start_of(bytes, 40)
}

/// The same with as much of a text as a message bears.
#[must_use]
pub(crate) fn first_words(bytes: &[u8]) -> String {
    start_of(bytes, 300)
}

fn start_of(bytes: &[u8], most: usize) -> String {
    if bytes.is_empty() {
        return "nothing (0 bytes)".to_owned();
    }
    let start = &bytes[..bytes.len().min(most)];
    let text = String::from_utf8_lossy(start);
    // The last letter may be cut in two.
    let text = text.trim_end_matches('\u{fffd}');
    let readable =
        !text.contains('\u{fffd}') && !text.chars().any(|c| c.is_control() && !c.is_whitespace());
    let shown = if readable && !text.is_empty() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_shows_what_came() {
        assert_eq!(first_bytes(b""), "nothing (0 bytes)");
        assert_eq!(
            first_bytes(b"<html>\n <body>"),
            "14 bytes that begin with \"<html> <body>\""
        );
        assert_eq!(
            first_bytes(&[0x89, 0x50, 0]),
            "3 bytes that begin with 89 50 00"
        );
    }
}
