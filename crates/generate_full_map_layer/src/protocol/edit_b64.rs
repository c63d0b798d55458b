//! `edit_b64`: JSON with the picture in base64 to the URL itself, as the FastAPI servers in front
//! of Qwen-Image-Edit take it.
//!
//! Request `{"image_b64", "prompt", "negative_prompt", "true_cfg_scale", "steps",
//! "guidance_scale", "seed"}`, answer `{"image_b64": "<PNG>"}`, errors `{"detail": …}`.

use std::borrow::Cow;

use reqwest::RequestBuilder;
use serde::Deserialize;
use serde_json::Map;

use super::{Ask, Found, Reply, answer, body};
use crate::failure::Failure;

pub(super) fn fill(request: RequestBuilder, ask: Ask<'_>) -> RequestBuilder {
    let mut fields = Map::new();
    fields.insert("image_b64".to_owned(), body::PICTURE.into());
    fields.extend(body::fields(ask, "steps"));
    body::with_json(request, fields, ask.picture)
}

/// The answer, with the picture where it stands: a megabyte that need not be copied.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    image_b64: Cow<'a, str>,
}

pub(super) fn picture(reply: &Reply) -> Result<Found, Failure> {
    let answer: Answer<'_> =
        serde_json::from_slice(&reply.body).map_err(|_| answer::without(reply, "image_b64"))?;
    answer::from_base64(&answer.image_b64).map(Found::Picture)
}
