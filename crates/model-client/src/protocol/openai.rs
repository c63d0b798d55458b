//! `openai`: OpenAI's image edits, which vLLM-Omni, SGLang and stable-diffusion.cpp speak too.
//!
//! <https://platform.openai.com/docs/api-reference/images/createEdit>. `POST
//! {base}/v1/images/edits`, a form with one part `image`, which is what all of these take, and
//! `prompt`, `model`, `size`; the answer is `{"data": [{"b64_json": …}]}` or `[{"url": …}]`,
//! errors are `{"error": {"message", "type", "param", "code"}}`.

use bytes::Bytes;
use reqwest::{RequestBuilder, Url};
use serde_json::Value;

use super::{Ask, Carried, Found, Reply, answer, body};
use dispatch::{Failure, FailureKind};

const PATH: &str = "/v1/images/edits";
const OPENAI_HOST: &str = "api.openai.com";

/// The sizes that gpt-image-1 and 1.5 make, and later models too.
pub(super) const GPT_IMAGE_SIZES: &[(u32, u32)] = &[(1024, 1024), (1536, 1024), (1024, 1536)];

/// What a layer may say to diffusion models, and OpenAI's own models refuse.
const FOR_DIFFUSION_MODELS: [&str; 10] = [
    "num_inference_steps",
    "steps",
    "seed",
    "guidance_scale",
    "true_cfg_scale",
    "cfg_scale",
    "negative_prompt",
    "denoising_strength",
    "sampler_name",
    "response_format",
];

/// The method's URL: below a base that may end in `/v1`, and the URL itself where it names the
/// method already. OpenAI's own host has it in one place.
pub(super) fn target(url: &Url) -> Url {
    let path = url.path().trim_end_matches('/');
    let path = if url.host_str() == Some(OPENAI_HOST) {
        PATH.to_owned()
    } else if path.ends_with("/images/edits") {
        return url.clone();
    } else {
        format!("{}{PATH}", path.strip_suffix("/v1").unwrap_or(path))
    };
    let mut target = url.clone();
    target.set_path(&path);
    target
}

/// The model that OpenAI's host is asked for when nobody names one; elsewhere there is often
/// only one, which need not be named.
pub(super) fn default_model(url: &Url) -> Option<&'static str> {
    (url.host_str() == Some(OPENAI_HOST)).then_some("gpt-image-1.5")
}

/// Whether a model is one of OpenAI's, through whatever gateway it is reached.
pub(super) fn is_gpt_image(model: &str) -> bool {
    let name = own_name(model);
    name.starts_with("gpt-image") || name.starts_with("chatgpt-image")
}

/// Whether a model makes pictures of [`GPT_IMAGE_SIZES`] and no others.
pub(super) fn makes_fixed_sizes(model: &str) -> bool {
    own_name(model)
        .strip_prefix("gpt-image-1")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
}

/// Whether what answers takes a seed: servers of diffusion models do, OpenAI's own models refuse
/// it, and on Azure a model goes by any name.
pub(super) fn takes_seed(url: &Url, model: Option<&str>) -> bool {
    let host = url.host_str().unwrap_or_default();
    let is_openai = host == OPENAI_HOST || host.ends_with(".azure.com");
    !is_openai && !model.is_some_and(is_gpt_image)
}

fn own_name(model: &str) -> &str {
    model.rsplit('/').next().unwrap_or(model)
}

pub(super) async fn fill(request: RequestBuilder, ask: Ask<'_>, picture: Bytes) -> RequestBuilder {
    let is_gpt_image = ask.settings.model.as_deref().is_some_and(is_gpt_image);
    let mut layer_params = ask.settings.layer_params.clone();
    if is_gpt_image {
        layer_params.retain(|name, _| !FOR_DIFFUSION_MODELS.contains(&name.as_str()));
    }
    let (width, height) = ask.answer_px;
    let mut fields = serde_json::Map::new();
    fields.insert("prompt".to_owned(), ask.settings.prompt.as_str().into());
    if let Some(model) = &ask.settings.model {
        fields.insert("model".to_owned(), model.as_str().into());
    }
    fields.insert("size".to_owned(), format!("{width}x{height}").into());
    body::put_seed(&mut fields, ask);
    body::merge(&mut fields, &layer_params);
    body::merge(&mut fields, &ask.settings.endpoint_params);
    body::with_form(request, "image", fields, ask.format, picture).await
}

pub(super) fn picture(reply: &Reply) -> Result<Found, Failure> {
    let answer = answer::json(reply, "data")?;
    let first = &answer.value["data"][0];
    if let Some(picture) = answer.text(&first["b64_json"]) {
        return Ok(Found::Picture(Carried::Base64(picture)));
    }
    match answer.text(&first["url"]) {
        Some(url) if url.starts_with(b"data:") => Ok(Found::Picture(Carried::Base64(url))),
        Some(url) => Ok(Found::At(String::from_utf8_lossy(&url).into_owned())),
        None => {
            let failure = answer::without(reply, "data[0].b64_json");
            // Some gateways tell of errors with 200.
            let kind = failure_kind(&reply.body).unwrap_or(failure.kind);
            Err(Failure { kind, ..failure })
        }
    }
}

/// What OpenAI's error codes mean where they say more than the status.
/// <https://platform.openai.com/docs/guides/error-codes>
pub(super) fn failure_kind(body: &[u8]) -> Option<FailureKind> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let error = &value["error"];
    let message = error["message"].as_str().unwrap_or_default();
    match error["code"].as_str().unwrap_or_default() {
        "moderation_blocked" | "content_policy_violation" | "content_filter" | "contentFilter" => {
            Some(FailureKind::Refused)
        }
        "insufficient_quota" | "billing_hard_limit_reached" | "billing_not_active" => {
            Some(FailureKind::EndpointOut)
        }
        _ if message.contains("safety system") => Some(FailureKind::Refused),
        // Another canvas will not make it a model that is there.
        _ if error["param"] == "model" => Some(FailureKind::EndpointOut),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_address_leads_to_the_method() {
        for (url, expected) in [
            ("http://gpu:8000/v1", "http://gpu:8000/v1/images/edits"),
            ("http://gpu:8000/v1/", "http://gpu:8000/v1/images/edits"),
            ("http://gpu:8000/", "http://gpu:8000/v1/images/edits"),
            ("http://gpu/base", "http://gpu/base/v1/images/edits"),
            (
                "http://gpu/openai/images/edits?api-version=1",
                "http://gpu/openai/images/edits?api-version=1",
            ),
            (
                "https://x.openai.azure.com/openai/v1",
                "https://x.openai.azure.com/openai/v1/images/edits",
            ),
            (
                "https://api.openai.com",
                "https://api.openai.com/v1/images/edits",
            ),
            (
                "https://api.openai.com/v1/images/generations",
                "https://api.openai.com/v1/images/edits",
            ),
        ] {
            assert_eq!(target(&Url::parse(url).unwrap()).as_str(), expected);
        }
    }

    #[test]
    fn a_model_is_known_by_its_name_through_any_gateway() {
        for (model, is_own, is_fixed) in [
            ("gpt-image-1", true, true),
            ("gpt-image-1-mini", true, true),
            ("openai/gpt-image-1.5-2025-12-16", true, true),
            ("gpt-image-2", true, false),
            ("chatgpt-image-latest", true, false),
            ("gpt-image-10", true, false),
            ("Qwen/Qwen-Image-Edit", false, false),
        ] {
            assert_eq!(is_gpt_image(model), is_own, "{model}");
            assert_eq!(makes_fixed_sizes(model), is_fixed, "{model}");
        }
    }
}
