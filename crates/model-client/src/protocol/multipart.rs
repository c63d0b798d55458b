//! `multipart`: a form with the picture as `file` to `…/edit`, as local servers in front of
//! Qwen-Image-Edit take it.
//!
//! Form fields `file`, `prompt`, `steps`, `negative_prompt` (left out when empty); the answer is
//! the picture's raw bytes, and its Content-Type says so. Errors are FastAPI's `{"detail": …}`.

use bytes::Bytes;
use reqwest::header::ACCEPT;
use reqwest::{RequestBuilder, Url};

use super::{Ask, Carried, Found, Reply, answer, body};
use dispatch::Failure;

/// The URL itself; `/edit` where it names no path.
pub(super) fn target(url: &Url) -> Url {
    let mut target = url.clone();
    if target.path() == "/" {
        target.set_path("/edit");
    }
    target
}

pub(super) async fn fill(request: RequestBuilder, ask: Ask<'_>, picture: Bytes) -> RequestBuilder {
    let mut fields = body::fields(ask, "steps");
    fields.retain(|name, value| name != "negative_prompt" || value.as_str() != Some(""));
    let request = request.header(ACCEPT, "image/png");
    body::with_form(request, "file", fields, ask.format, picture).await
}

pub(super) fn picture(reply: &Reply) -> Result<Found, Failure> {
    if answer::content_type(&reply.headers).starts_with("image/") {
        Ok(Found::Picture(Carried::Plain(reply.body.clone())))
    } else {
        Err(answer::without(reply, "a picture"))
    }
}
