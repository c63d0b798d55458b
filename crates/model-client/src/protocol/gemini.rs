//! `gemini`: Google's `:generateContent` with a model that draws.
//!
//! <https://ai.google.dev/gemini-api/docs/image-generation>. The answer's picture is in the first
//! part of `candidates[].content.parts[]` that has `inlineData`, and is no thought; a refusal is
//! a 200 without one. Errors are `{"error": {"code", "message", "status", "details"}}`.

use bytes::Bytes;
use reqwest::{RequestBuilder, Url};
use serde_json::{Map, Value, json};

use super::json::Json;
use super::{Ask, Carried, Found, Reply, answer, body};
use dispatch::{Failure, FailureKind};

/// The model when nobody names one.
pub(super) const DEFAULT_MODEL: &str = "gemini-3.1-flash-image";

/// The ratios of width to height that the models make.
pub(super) const RATIOS: &[(u32, u32)] = &[
    (1, 1),
    (2, 3),
    (3, 2),
    (3, 4),
    (4, 3),
    (4, 5),
    (5, 4),
    (9, 16),
    (16, 9),
    (21, 9),
];

/// What a layer may say to all its endpoints that has a place at the top of this request. The
/// rest is for models of another kind, and an error here.
const OF_ANY_LAYER: [&str; 4] = [
    "generationConfig",
    "generation_config",
    "safetySettings",
    "safety_settings",
];

/// The method's URL: the URL itself where it names the method, else below whatever of
/// `/v1beta/models/{model}` it names.
pub(super) fn target(url: &Url, model: &str) -> Url {
    let path = url.path().trim_end_matches('/');
    let model = model.strip_prefix("models/").unwrap_or(model);
    let path = if path.contains(':') {
        return url.clone();
    } else if path.contains("/models/") {
        format!("{path}:generateContent")
    } else if path.ends_with("/models") {
        format!("{path}/{model}:generateContent")
    } else if path.ends_with("/v1beta") || path.ends_with("/v1") {
        format!("{path}/models/{model}:generateContent")
    } else {
        format!("{path}/v1beta/models/{model}:generateContent")
    };
    let mut target = url.clone();
    target.set_path(&path);
    target
}

pub(super) fn fill(request: RequestBuilder, ask: Ask<'_>, picture: Bytes) -> RequestBuilder {
    let inline_data = json!({"mime_type": body::mime_type(ask.format), "data": body::PICTURE});
    let mut fields = Map::new();
    fields.insert(
        "contents".to_owned(),
        json!([{
            "role": "user",
            "parts": [{"inline_data": inline_data}, {"text": ask.settings.prompt}],
        }]),
    );
    fields.insert(
        "generationConfig".to_owned(),
        json!({
            "responseModalities": ["TEXT", "IMAGE"],
            "imageConfig": {"aspectRatio": aspect_ratio(ask.answer_px)},
        }),
    );
    let mut layer_params = ask.settings.layer_params.clone();
    layer_params.retain(|name, _| OF_ANY_LAYER.contains(&name.as_str()));
    body::merge(&mut fields, &layer_params);
    body::merge(&mut fields, &ask.settings.endpoint_params);
    body::with_json(request, fields, picture)
}

/// The ratio nearest to that of a size, as in `16:9`.
fn aspect_ratio((width, height): (u32, u32)) -> String {
    let wanted = f64::from(width) / f64::from(height);
    let distance =
        |&(wide, high): &(u32, u32)| (f64::from(wide) / f64::from(high) / wanted).ln().abs();
    let (wide, high) = RATIOS
        .iter()
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
        .expect("there are ratios");
    format!("{wide}:{high}")
}

pub(super) fn picture(reply: &Reply) -> Result<Found, Failure> {
    let answer = answer::json(reply, "candidates")?;
    let candidates = answer.value["candidates"].as_array();
    let parts = candidates
        .into_iter()
        .flatten()
        .filter_map(|candidate| candidate["content"]["parts"].as_array())
        .flatten()
        // Drafts that a thinking model made on its way.
        .filter(|part| part["thought"] != true);
    let mut text = String::new();
    for part in parts {
        let data = [&part["inlineData"]["data"], &part["inline_data"]["data"]];
        if let Some(picture) = data.into_iter().find_map(|data| answer.text(data)) {
            return Ok(Found::Picture(Carried::Base64(picture)));
        }
        let said = answer.text(&part["text"]).unwrap_or_default();
        text += &String::from_utf8_lossy(&said);
    }
    Err(refusal(&answer, &text).unwrap_or_else(|| answer::without(reply, "a picture")))
}

/// Why there is no picture, in the model's own words.
/// <https://ai.google.dev/api/generate-content#FinishReason>
fn refusal(answer: &Json, text: &str) -> Option<Failure> {
    let feedback = &answer.value["promptFeedback"];
    let candidate = &answer.value["candidates"][0];
    let reason = [&feedback["blockReason"], &candidate["finishReason"]]
        .into_iter()
        .find_map(Value::as_str);
    let words = [&feedback["blockReasonMessage"], &candidate["finishMessage"]]
        .into_iter()
        .find_map(|message| answer.text(message));
    let words = words
        .as_deref()
        .map_or(text.into(), String::from_utf8_lossy);
    let words = answer::shorten(&words);
    let message = match (reason, words.is_empty()) {
        (Some(reason), true) => format!("the model made no picture ({reason})"),
        (Some(reason), false) => format!("the model made no picture ({reason}): {words}"),
        (None, false) => format!("the model made no picture: {words}"),
        (None, true) => return None,
    };
    Some(Failure::new(FailureKind::Refused, message))
}

/// What Google's errors mean where they say more than the status.
/// <https://ai.google.dev/gemini-api/docs/troubleshooting>
pub(super) fn failure_kind(body: &[u8]) -> Option<FailureKind> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let error = &value["error"];
    let details = error["details"].as_array();
    let is_key_bad = details
        .into_iter()
        .flatten()
        .any(|detail| detail["reason"] == "API_KEY_INVALID");
    // A key that is not known is a 400, and so is a country or a plan without the service.
    if is_key_bad || error["status"] == "FAILED_PRECONDITION" {
        return Some(FailureKind::EndpointOut);
    }
    // A plan that has none of this model at all.
    let message = error["message"].as_str().unwrap_or_default();
    let has_no_quota = message
        .split("limit: 0")
        .skip(1)
        .any(|rest| !rest.starts_with(|next: char| next.is_ascii_digit() || next == '.'));
    has_no_quota.then_some(FailureKind::EndpointOut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_address_leads_to_the_method() {
        const HOST: &str = "https://generativelanguage.googleapis.com";
        for (path, expected) in [
            ("", "/v1beta/models/m:generateContent"),
            ("/", "/v1beta/models/m:generateContent"),
            ("/v1beta", "/v1beta/models/m:generateContent"),
            ("/v1/", "/v1/models/m:generateContent"),
            ("/v1beta/models", "/v1beta/models/m:generateContent"),
            ("/v1beta/models/x", "/v1beta/models/x:generateContent"),
            (
                "/v1beta/models/x:generateContent?key=k",
                "/v1beta/models/x:generateContent?key=k",
            ),
            ("/proxy", "/proxy/v1beta/models/m:generateContent"),
        ] {
            let url = Url::parse(&format!("{HOST}{path}")).unwrap();
            for model in ["m", "models/m"] {
                assert_eq!(target(&url, model).as_str(), format!("{HOST}{expected}"));
            }
        }
    }

    #[test]
    fn a_long_refusal_is_told_in_the_models_own_words() {
        let long = "I cannot edit this map. ".repeat(1000);
        for answer in [
            json!({"candidates": [{"content": {"parts": [{"text": long}]}}]}),
            json!({"promptFeedback": {"blockReasonMessage": long}}),
        ] {
            let reply = Reply {
                headers: reqwest::header::HeaderMap::new(),
                body: answer.to_string().into(),
            };
            let message = picture(&reply).unwrap_err().message;
            assert!(
                message.starts_with("the model made no picture: I cannot edit this map. I cannot"),
                "{message}"
            );
        }
    }

    #[test]
    fn the_nearest_ratio_is_asked_for() {
        for (size, ratio) in [
            ((1024, 1024), "1:1"),
            ((512, 1024), "9:16"),
            ((1024, 512), "16:9"),
            ((700, 300), "21:9"),
            ((576, 1024), "9:16"),
            ((400, 600), "2:3"),
        ] {
            assert_eq!(aspect_ratio(size), ratio, "{size:?}");
        }
    }
}
