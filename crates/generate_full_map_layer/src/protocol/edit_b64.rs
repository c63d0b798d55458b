//! `edit_b64`: JSON with the picture in base64 to the URL itself, as the FastAPI servers in front
//! of Qwen-Image-Edit take it.
//!
//! Request `{"image_b64", "prompt", "negative_prompt", "true_cfg_scale", "steps",
//! "guidance_scale", "seed"}`, answer `{"image_b64": "<PNG>"}`, errors `{"detail": …}`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder, Url};
use serde_json::{Map, Value};

use super::{Ask, Reply};
use crate::codec::first_bytes;
use crate::failure::Failure;

pub(crate) fn request(client: &Client, url: &Url, ask: Ask<'_>) -> RequestBuilder {
    client
        .post(url.clone())
        .header(CONTENT_TYPE, "application/json")
        .body(body(ask))
}

/// The request's JSON. The picture is written behind the rest by hand: a megabyte of base64
/// needs no escaping.
fn body(ask: Ask<'_>) -> Vec<u8> {
    let mut fields = Map::new();
    fields.insert("prompt".to_owned(), ask.settings.prompt.as_str().into());
    for (name, value) in ask
        .settings
        .layer_params
        .iter()
        .chain(&ask.settings.endpoint_params)
    {
        let name = if name == "num_inference_steps" {
            "steps"
        } else {
            name
        };
        fields.insert(name.to_owned(), value.clone());
    }
    let has_own_picture = fields.contains_key("image_b64");
    let mut body = Value::Object(fields).to_string().into_bytes();
    if !has_own_picture {
        body.pop();
        body.extend_from_slice(b",\"image_b64\":\"");
        let start = body.len();
        body.resize(
            start + base64::encoded_len(ask.picture.len(), true).expect("a picture fits memory"),
            0,
        );
        STANDARD
            .encode_slice(ask.picture, &mut body[start..])
            .expect("the length is right");
        body.extend_from_slice(b"\"}");
    }
    body
}

pub(crate) fn picture(reply: &Reply) -> Result<Bytes, Failure> {
    let no_picture = || {
        Failure::bad_answer(format!(
            "an answer without image_b64 ({}): {}",
            super::content_type(reply),
            first_bytes(&reply.body)
        ))
    };
    let answer: Value = serde_json::from_slice(&reply.body).map_err(|_| no_picture())?;
    let text = answer
        .get("image_b64")
        .and_then(Value::as_str)
        .ok_or_else(no_picture)?;
    super::from_base64(text)
}
