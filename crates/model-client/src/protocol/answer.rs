//! Reading what servers say.

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::Value;

use super::Reply;
use super::json::Json;
use crate::bytes_shown::first_bytes;
use crate::failure::Failure;

/// The JSON of an answer; `missing` is what is not there when it is no JSON.
pub(super) fn json(reply: &Reply, missing: &str) -> Result<Json, Failure> {
    Json::parse(&reply.body).map_err(|_| without(reply, missing))
}

/// The failure of an answer that lacks `missing`, with the error it tells of, if it does.
pub(super) fn without(reply: &Reply, missing: &str) -> Failure {
    let said = said(&reply.body).unwrap_or_else(|| first_bytes(&reply.body));
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
/// `{"error": {"message": …}}`, `{"error": "…"}`, `{"error": "class", "errors": "…"}`, or plain
/// text.
pub(crate) fn error_text(body: &[u8]) -> String {
    said(body).unwrap_or_else(|| first_bytes(body))
}

fn said(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let error = &value["error"];
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let said = [
        &error["message"],
        error,
        &value["detail"],
        &value["message"],
        &value["errors"],
    ]
    .into_iter()
    .find(|said| !said.is_null() && said.as_str() != Some(""))
    .map(text)?;
    // AUTOMATIC1111 names the exception in `error`, and what it says in `errors`.
    let more = value["errors"].as_str().filter(|more| !more.is_empty());
    Some(match more.filter(|_| error.is_string()) {
        Some(more) => shorten(&format!("{said}: {more}")),
        None => shorten(&said),
    })
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
            ("<html>", "6 bytes that begin with \"<html>\""),
        ] {
            assert_eq!(error_text(body.as_bytes()), said);
        }
        assert_eq!(shorten(&"long ".repeat(200)).chars().count(), 301);
    }
}
