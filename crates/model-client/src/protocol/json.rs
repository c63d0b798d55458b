//! JSON with pictures in it.
//!
//! A picture in base64 is a string of megabytes that needs no unescaping. It is found by its
//! quotes and left where it is in the body; only the rest is parsed.

use std::ops::Range;

use bytes::Bytes;
use memchr::{memchr, memchr2};
use serde_json::Value;

/// How long a string is that is not parsed, in bytes.
const LONG: usize = 16 << 10;

/// Stands for a string that was left in the body, before its number.
const LEFT_OUT: &str = "\u{1}left out\u{1}";

/// A JSON document.
#[derive(Debug)]
pub(super) struct Json {
    /// The document; its strings are to be read with [`Json::text`].
    pub value: Value,
    body: Bytes,
    left_out: Vec<Range<usize>>,
}

impl Json {
    /// Parses a document.
    pub(super) fn parse(body: &Bytes) -> serde_json::Result<Self> {
        let (rest, left_out) = leave_out(body);
        Ok(Self {
            value: serde_json::from_slice(&rest)?,
            body: body.clone(),
            left_out,
        })
    }

    /// The text of a string of the document; `None` when it is none.
    pub(super) fn text(&self, string: &Value) -> Option<Bytes> {
        let text = string.as_str()?;
        let number = text
            .strip_prefix(LEFT_OUT)
            .and_then(|number| number.parse::<usize>().ok());
        Some(match number.and_then(|number| self.left_out.get(number)) {
            Some(range) => self.body.slice(range.clone()),
            None => Bytes::copy_from_slice(text.as_bytes()),
        })
    }
}

/// The document without its long strings.
pub(super) fn without_long_strings(body: &[u8]) -> Vec<u8> {
    leave_out(body).0
}

/// The document without its long strings, and where those are. In what is no JSON anything may be
/// taken for a string, but then what is left is no JSON either.
fn leave_out(body: &[u8]) -> (Vec<u8>, Vec<Range<usize>>) {
    let (mut rest, mut left_out) = (Vec::new(), Vec::new());
    let (mut at, mut copied) = (0, 0);
    while let Some(quote) = memchr(b'"', &body[at..]) {
        let start = at + quote + 1;
        let Some((end, is_plain)) = end_of_string(body, start) else {
            break;
        };
        if is_plain && end - start >= LONG {
            rest.extend_from_slice(&body[copied..start]);
            let mark = Value::from(format!("{LEFT_OUT}{}", left_out.len())).to_string();
            rest.extend_from_slice(mark.trim_matches('"').as_bytes());
            left_out.push(start..end);
            copied = end;
        }
        at = end + 1;
    }
    rest.extend_from_slice(&body[copied..]);
    (rest, left_out)
}

/// Where the string that begins at `start` ends, and whether nothing in it is escaped.
fn end_of_string(body: &[u8], start: usize) -> Option<(usize, bool)> {
    let (mut at, mut is_plain) = (start, true);
    loop {
        let found = at + memchr2(b'"', b'\\', body.get(at..)?)?;
        if body[found] == b'"' {
            return Some((found, is_plain));
        }
        is_plain = false;
        at = found + 2;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(document: &Value, pointer: &str) -> (Json, Option<Bytes>) {
        let json = Json::parse(&document.to_string().into()).expect("JSON");
        let text = json
            .value
            .pointer(pointer)
            .and_then(|string| json.text(string));
        (json, text)
    }

    #[test]
    fn a_long_string_is_left_in_the_body() {
        let picture = "iVBORw0KGgo/".repeat(10_000);
        let document = json!({"error": null, "data": [{"b64_json": picture, "text": "a \"b\""}]});
        let (json, text) = read(&document, "/data/0/b64_json");
        assert_eq!(text.as_deref(), Some(picture.as_bytes()));
        assert_eq!(json.left_out.len(), 1);
        assert!(json.value.to_string().len() < 200);
        let short = json.text(&json.value["data"][0]["text"]);
        assert_eq!(short.as_deref(), Some(&b"a \"b\""[..]));
        assert_eq!(json.text(&json.value["error"]), None);
    }

    #[test]
    fn a_long_string_with_escapes_is_parsed() {
        let picture = "iVBORw0KGgo/".repeat(10_000);
        let body = json!({"image": picture}).to_string().replace('/', "\\/");
        let json = Json::parse(&body.into()).expect("JSON");
        assert!(json.left_out.is_empty());
        let text = json.text(&json.value["image"]);
        assert_eq!(text.as_deref(), Some(picture.as_bytes()));
    }

    #[test]
    fn a_server_that_says_what_stands_for_a_string_gets_its_own_words_back() {
        let said = format!("{LEFT_OUT}7");
        let (_, text) = read(&json!({"a": said}), "/a");
        assert_eq!(text.as_deref(), Some(said.as_bytes()));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        let long = "A".repeat(LONG);
        for body in [
            "<html>".to_owned(),
            "{\"image_b64\": \"AAEC".to_owned(),
            format!("{{\"image_b64\": \"{long}"),
            format!("{{\"image_b64\": \"{long}\""),
            format!("{{\"image_b64\": \"{long}\\"),
            format!("\"{long}\" \"{long}\""),
        ] {
            assert!(Json::parse(&body.into()).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_document_is_what_serde_json_makes_of_it(
            strings in prop::collection::vec((any::<String>(), 0..3_usize), 0..6),
        ) {
            let strings: Vec<String> = strings
                .into_iter()
                .map(|(text, times)| text.repeat(times * LONG / text.len().max(1)))
                .collect();
            let json = Json::parse(&json!(strings).to_string().into()).unwrap();
            let texts = json.value.as_array().unwrap().iter().map(|string| json.text(string).unwrap());
            let expected: Vec<Bytes> = strings.into_iter().map(Bytes::from).collect();
            prop_assert_eq!(texts.collect::<Vec<_>>(), expected);
        }
    }
}
