//! `edit_b64`: JSON with the picture in base64 to the URL itself, as the FastAPI servers in front
//! of Qwen-Image-Edit take it.
//!
//! Request `{"image_b64", "prompt", "negative_prompt", "true_cfg_scale", "steps",
//! "guidance_scale", "seed"}`, answer `{"image_b64": "<PNG>"}`, errors `{"detail": …}`.

use bytes::Bytes;
use reqwest::RequestBuilder;
use serde_json::Map;

use super::{Ask, Carried, Found, Reply, answer, body};
use dispatch::Failure;

pub(super) fn fill(request: RequestBuilder, ask: Ask<'_>, picture: Bytes) -> RequestBuilder {
    let mut fields = Map::new();
    fields.insert("image_b64".to_owned(), body::PICTURE.into());
    body::put_seed(&mut fields, ask);
    fields.extend(body::fields(ask, "steps"));
    body::with_json(request, fields, picture)
}

pub(super) fn picture(reply: &Reply) -> Result<Found, Failure> {
    let answer = answer::json(reply, "image_b64")?;
    let picture = answer.text(&answer.value["image_b64"]);
    let picture = picture.ok_or_else(|| answer::without(reply, "image_b64"))?;
    Ok(Found::Picture(Carried::Base64(picture)))
}
