//! What a server says that a call used.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::Reply;
use super::json::without_long_strings;

/// As much of it as is kept.
const MOST_BYTES: usize = 4096;

/// The `usage` of an answer (OpenAI's and what speaks like it) or its `usageMetadata` (Gemini), as it
/// came. <https://platform.openai.com/docs/api-reference/images/object>,
/// <https://ai.google.dev/api/generate-content#UsageMetadata>.
pub(crate) fn usage(reply: &Reply) -> Option<String> {
    // A picture is no JSON, and most servers say nothing of it.
    let is_json = reply.body.trim_ascii_start().starts_with(b"{");
    if !is_json || memchr::memmem::find(&reply.body, b"\"usage").is_none() {
        return None;
    }
    let answer = without_long_strings(&reply.body);
    let fields: HashMap<String, &RawValue> = serde_json::from_slice(&answer).ok()?;
    let mut used = ["usage", "usageMetadata"]
        .into_iter()
        .filter_map(|key| Some(fields.get(key)?.get()));
    let usage = used.find(|&usage| usage != "null")?;
    // What was left out of a long text is no number that anybody reads.
    (usage.len() <= MOST_BYTES).then(|| usage.to_owned())
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;

    use super::*;

    #[test]
    fn usage_is_found_wherever_it_stands_and_else_there_is_none() {
        let of = |body: &str| {
            usage(&Reply {
                headers: HeaderMap::new(),
                body: body.to_owned().into(),
            })
        };
        let long = "A".repeat(100_000);
        let openai =
            format!(r#"{{"data": [{{"b64_json": "{long}"}}], "usage": {{"total_tokens": 9}}}}"#);
        assert_eq!(of(&openai).as_deref(), Some(r#"{"total_tokens": 9}"#));
        let gemini =
            format!(r#" {{"usageMetadata": {{"totalTokenCount": 7}}, "candidates": "{long}"}}"#);
        assert_eq!(of(&gemini).as_deref(), Some(r#"{"totalTokenCount": 7}"#));
        let exact = r#"{"cost": 0.10, "credits": 123456789012345678901234567890, "ü": "\u00fc"}"#;
        for body in [
            format!(r#"{{"usage": {exact}}}"#),
            format!(r#"{{"usage": null, "usageMetadata": {exact}}}"#),
        ] {
            assert_eq!(of(&body).as_deref(), Some(exact), "as it came");
        }
        let endless = format!(r#"{{"usage": {{"a": "{}"}}}}"#, "b".repeat(5000));
        for none in [
            "",
            "PNG \"usage\"",
            "{\"usage",
            r#"{"usage": null}"#,
            r#"{"a": "usage"}"#,
            &endless,
        ] {
            assert_eq!(of(none), None, "{none:.40}");
        }
    }
}
