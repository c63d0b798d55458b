//! What a server says that a call used.

use serde_json::Value;

use super::Reply;
use super::json::Json;

/// As much of it as is kept.
const MOST_BYTES: usize = 4096;

/// The `usage` of an answer (OpenAI's and what speaks like it) or its `usageMetadata` (Gemini), as
/// JSON. <https://platform.openai.com/docs/api-reference/images/object>,
/// <https://ai.google.dev/api/generate-content#UsageMetadata>.
pub(crate) fn usage(reply: &Reply) -> Option<String> {
    // A picture is no JSON, and most servers say nothing of it.
    let is_json = reply.body.trim_ascii_start().starts_with(b"{");
    if !is_json || memchr::memmem::find(&reply.body, b"\"usage").is_none() {
        return None;
    }
    let answer = Json::parse(&reply.body).ok()?.value;
    let usage = [&answer["usage"], &answer["usageMetadata"]];
    let usage = usage.into_iter().find(|usage| !usage.is_null())?;
    // What was left out of a long text is no number that anybody reads.
    Some(Value::to_string(usage)).filter(|text| text.len() <= MOST_BYTES)
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
        assert_eq!(of(&openai).as_deref(), Some(r#"{"total_tokens":9}"#));
        let gemini =
            format!(r#" {{"usageMetadata": {{"totalTokenCount": 7}}, "candidates": "{long}"}}"#);
        assert_eq!(of(&gemini).as_deref(), Some(r#"{"totalTokenCount":7}"#));
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
