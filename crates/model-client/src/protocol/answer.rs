//! Reading what servers say.

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::Value;

use super::Reply;
use super::json::Json;
use crate::bytes_shown::{first_bytes, first_words};
use dispatch::Failure;

/// The JSON of an answer; `missing` is what is not there when it is no JSON.
pub(super) fn json(reply: &Reply, missing: &str) -> Result<Json, Failure> {
    Json::parse(&reply.body).map_err(|_| without(reply, missing))
}

/// The failure of an answer that lacks `missing`, with the error it tells of, if it does.
pub(super) fn without(reply: &Reply, missing: &str) -> Failure {
    let said = said(&reply.body).unwrap_or_else(|| first_words(&reply.body));
    Failure::bad_answer(format!(
        "an answer without {missing} ({}): {said}",
        content_type(&reply.headers)
    ))
}

/// The type an answer says it has.
pub(crate) fn content_type(headers: &HeaderMap) -> &str {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("no content type")
}

/// What a server says of an error, in any of the usual forms: `{"detail": …}`,
/// `{"error": {"message": …}}`, `{"error": "…"}`, `{"error": "class", "detail": …, "errors": …}`,
/// a web page, or plain text.
pub(crate) fn error_text(body: &[u8]) -> String {
    said(body)
        .or_else(|| plain_text(body))
        .unwrap_or_else(|| first_bytes(body))
}

fn said(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let error = &value["error"];
    let text = |value: &Value| {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        Some(text).filter(|text| !value.is_null() && !text.is_empty())
    };
    let words = [
        &error["message"],
        error,
        &value["detail"],
        &value["message"],
        &value["errors"],
    ];
    let said = words.into_iter().find_map(text)?;
    if !error.is_string() {
        return Some(shorten(&said));
    }
    // AUTOMATIC1111 names the exception in `error`, and what it says in one of the others.
    let more = [&value["detail"], &value["message"], &value["errors"]];
    let more = more.into_iter().find_map(text).filter(|more| *more != said);
    Some(match more {
        Some(more) => shorten(&format!("{said}: {more}")),
        None => shorten(&said),
    })
}

/// A text, or the text of a web page; `None` when it is neither.
fn plain_text(body: &[u8]) -> Option<String> {
    // The start of a longer body may end within a letter.
    let text = String::from_utf8_lossy(body);
    let text = text.trim_end_matches('\u{fffd}');
    let is_text = |c: char| c != '\u{fffd}' && (!c.is_control() || c.is_whitespace());
    if !text.chars().all(is_text) {
        return None;
    }
    let text = if text.trim_start().starts_with('<') {
        text_of_markup(text)
    } else {
        text.to_owned()
    };
    Some(shorten(&text)).filter(|text| !text.is_empty())
}

/// What a reader of a web page sees of it.
fn text_of_markup(markup: &str) -> String {
    let mut text = String::new();
    let mut rest = markup;
    while let Some(at) = rest.find('<') {
        text.extend([&rest[..at], " "]);
        rest = &rest[at..];
        // Scripts and styles are not for readers, and neither are comments.
        let hidden = [
            ("<script", "</script"),
            ("<style", "</style"),
            ("<!--", "--"),
        ];
        let start: String = rest.chars().take(7).collect::<String>().to_lowercase();
        if let Some((tag, end)) = hidden.iter().find(|(tag, _)| start.starts_with(tag)) {
            rest = &rest[tag.len()..];
            rest = find_letters(rest, end).map_or("", |at| &rest[at..]);
        }
        rest = rest.find('>').map_or("", |at| &rest[at + 1..]);
    }
    text += rest;
    for (entity, letter) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, letter);
    }
    text
}

/// Where `letters`, in small ones, stand in a text, be they capital ones there.
fn find_letters(text: &str, letters: &str) -> Option<usize> {
    let letters = letters.as_bytes();
    text.as_bytes()
        .windows(letters.len())
        .position(|part| part.eq_ignore_ascii_case(letters))
}

/// A text on one line, of a length that fits a message.
pub(crate) fn shorten(text: &str) -> String {
    const LONGEST: usize = 300;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    if line.chars().count() <= LONGEST {
        return line;
    }
    line.chars().take(LONGEST).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_read_in_every_usual_form() {
        for (body, said) in [
            (r#"{"detail": "no such model"}"#, "no such model"),
            (r#"{"detail": [{"msg": "x"}]}"#, r#"[{"msg":"x"}]"#),
            (r#"{"error": {"message": "a\n b", "code": 3}}"#, "a b"),
            (r#"{"error": "busy"}"#, "busy"),
            (
                r#"{"error": "OutOfMemoryError", "detail": "", "body": "", "errors": "CUDA out of memory"}"#,
                "OutOfMemoryError: CUDA out of memory",
            ),
            (r#"{"message": "gone"}"#, "gone"),
            (
                r#"{"error": "HTTPException", "detail": "Incorrect username or password", "body": "", "errors": ""}"#,
                "HTTPException: Incorrect username or password",
            ),
            (r#"{"error": "", "detail": "x"}"#, "x"),
            (
                "modal-http: app for invoked web endpoint is stopped\n",
                "modal-http: app for invoked web endpoint is stopped",
            ),
            (
                "<!DOCTYPE html>\n<html><head><TITLE>502 Bad Gateway</TITLE><style>b {color: red}</style></head>\n<body><!-- a > b --><h1>It is &quot;away&quot;</h1><SCRIPT>x > y</SCRIPT><hr>nginx &amp; co",
                "502 Bad Gateway It is \"away\" nginx & co",
            ),
            ("<html>", "6 bytes that begin with \"<html>\""),
            ("", "nothing (0 bytes)"),
        ] {
            assert_eq!(error_text(body.as_bytes()), said);
        }
        assert_eq!(
            error_text(&[0xff, 0xd8, 0]),
            "3 bytes that begin with ff d8 00"
        );
        assert_eq!(
            error_text("über".repeat(99).as_bytes()).chars().count(),
            301
        );
        assert_eq!(shorten(&"long ".repeat(200)).chars().count(), 301);
    }
}
