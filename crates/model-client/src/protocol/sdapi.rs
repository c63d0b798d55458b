//! `sdapi`: AUTOMATIC1111's `/sdapi/v1/img2img`, which Forge, SD.Next and stable-diffusion.cpp
//! speak too.
//!
//! <https://github.com/AUTOMATIC1111/stable-diffusion-webui/wiki/API>. Request `{"init_images":
//! ["<base64>"], "prompt", "width", "height", "steps", "cfg_scale", "denoising_strength", …}`,
//! answer `{"images": ["<base64>"], …}`, errors `{"detail": …}` or `{"error", "errors", …}`.

use bytes::Bytes;
use reqwest::{RequestBuilder, Url};
use serde_json::{Map, json};

use super::{Ask, Carried, Found, Reply, answer, body};
use dispatch::Failure;

const PATH: &str = "/sdapi/v1/img2img";

/// The method's URL below whatever stands before `/sdapi`.
pub(super) fn target(url: &Url) -> Url {
    let path = url.path();
    let base = path.find("/sdapi").map_or(path, |at| &path[..at]);
    let mut target = url.clone();
    target.set_path(&format!("{}{PATH}", base.trim_end_matches('/')));
    target
}

pub(super) fn fill(request: RequestBuilder, ask: Ask<'_>, picture: Bytes) -> RequestBuilder {
    let (width, height) = ask.answer_px;
    let mut fields = Map::new();
    fields.insert("init_images".to_owned(), json!([body::PICTURE]));
    // Without these the server makes 512 x 512 pixels of any picture.
    fields.insert("width".to_owned(), width.into());
    fields.insert("height".to_owned(), height.into());
    fields.insert("prompt".to_owned(), ask.settings.prompt.as_str().into());
    if let Some(model) = &ask.settings.model {
        let checkpoint = json!({"sd_model_checkpoint": model});
        fields.insert("override_settings".to_owned(), checkpoint);
    }
    body::put_seed(&mut fields, ask);
    for params in [&ask.settings.layer_params, &ask.settings.endpoint_params] {
        body::merge(&mut fields, &body::renamed(params, "steps"));
    }
    body::with_json(request, fields, picture)
}

pub(super) fn picture(reply: &Reply) -> Result<Found, Failure> {
    let answer = answer::json(reply, "images")?;
    let picture = answer.text(&answer.value["images"][0]);
    let picture = picture.ok_or_else(|| answer::without(reply, "images"))?;
    Ok(Found::Picture(Carried::Base64(picture)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_address_leads_to_the_method() {
        for (url, expected) in [
            ("http://gpu:7860/", "http://gpu:7860/sdapi/v1/img2img"),
            (
                "http://gpu:7860/sdapi/v1",
                "http://gpu:7860/sdapi/v1/img2img",
            ),
            (
                "http://gpu/a/sdapi/v1/img2img?x=1",
                "http://gpu/a/sdapi/v1/img2img?x=1",
            ),
            ("http://gpu/a/", "http://gpu/a/sdapi/v1/img2img"),
        ] {
            assert_eq!(target(&Url::parse(url).unwrap()).as_str(), expected);
        }
    }
}
