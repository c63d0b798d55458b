//! The wire protocols of model servers, one module each.
//!
//! A protocol makes a request of a canvas, and finds the picture in the answer. What all have in
//! common, sending, redirects, limits and statuses, is in `wire`.

mod answer;
mod base64;
mod body;
mod edit_b64;
mod gemini;
mod json;
mod multipart;
mod openai;
mod sdapi;
mod usage;

use std::borrow::Cow;

use bytes::Bytes;
use layer::{ImageFormat, Protocol, SizePolicy};
use reqwest::header::{ACCEPT, HeaderMap, HeaderName};
use reqwest::{Client, RequestBuilder, Url};

pub(crate) use answer::{content_type, error_text};
pub(crate) use body::{camel_case, merge};
pub(crate) use usage::usage;

use crate::settings::Settings;
use dispatch::{Failure, FailureKind};

/// What a model is asked.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// How the canvas is encoded.
    pub format: ImageFormat,
    /// The size of picture to ask for: that of the canvas, where the server makes it.
    pub answer_px: (u32, u32),
    /// Prompt and parameters.
    pub settings: &'a Settings,
    /// The seed, where one of ours is sent: see [`Server::seed_of`](crate::Server::seed_of).
    pub seed: Option<u32>,
}

/// An answer of status 200 to 299, read whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// The shapes of pictures that a server makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shapes {
    /// Any.
    Any,
    /// These ratios of width to height.
    Ratios(&'static [(u32, u32)]),
    /// These sizes in pixels.
    Sizes(&'static [(u32, u32)]),
}

/// A picture in an answer.
#[derive(Debug)]
pub(crate) enum Found {
    /// It is in the answer.
    Picture(Carried),
    /// The address where they are, absolute or relative to the endpoint's.
    At(String),
}

/// The bytes of an encoded picture as an answer carries them.
#[derive(Debug, Clone)]
pub enum Carried {
    /// As they are.
    Plain(Bytes),
    /// In base64, perhaps as a `data:` URL.
    Base64(Bytes),
    /// As they were found at an address that the answer named. What came from there is not to be
    /// shown.
    Fetched(Bytes),
}

impl Carried {
    /// The bytes themselves; `room` gives a buffer of a length for them, whose bytes may be any.
    ///
    /// # Errors
    /// A line that says what came instead of base64.
    pub fn bytes(&self, room: impl FnOnce(usize) -> Vec<u8>) -> Result<Cow<'_, [u8]>, String> {
        match self {
            Self::Plain(bytes) | Self::Fetched(bytes) => Ok(Cow::Borrowed(bytes)),
            Self::Base64(text) => base64::decode(text, room).map(Cow::Owned),
        }
    }
}

/// The model to ask for when nobody names one.
pub(crate) fn default_model(protocol: Protocol, url: &Url) -> Option<&'static str> {
    match protocol {
        Protocol::Openai => openai::default_model(url),
        Protocol::Gemini => Some(gemini::DEFAULT_MODEL),
        Protocol::EditB64 | Protocol::Multipart | Protocol::Sdapi => None,
    }
}

/// The address that is called, of the one that the user gave.
pub(crate) fn target(protocol: Protocol, url: &Url, model: Option<&str>) -> Url {
    match protocol {
        Protocol::EditB64 => url.clone(),
        Protocol::Multipart => multipart::target(url),
        Protocol::Openai => openai::target(url),
        Protocol::Gemini => gemini::target(url, model.unwrap_or(gemini::DEFAULT_MODEL)),
        Protocol::Sdapi => sdapi::target(url),
    }
}

/// Whether a server takes a seed, by what is known of it.
pub(crate) fn takes_seed(protocol: Protocol, url: &Url, model: Option<&str>) -> bool {
    match protocol {
        Protocol::EditB64 | Protocol::Sdapi => true,
        Protocol::Openai => openai::takes_seed(url, model),
        Protocol::Multipart | Protocol::Gemini => false,
    }
}

/// The fields that a protocol sends itself, which no parameter may replace.
pub(crate) fn own_fields(protocol: Protocol) -> &'static [&'static str] {
    match protocol {
        Protocol::EditB64 => &["image_b64"],
        Protocol::Multipart => &["file"],
        Protocol::Openai => &["image", "image[]"],
        Protocol::Gemini => &["contents"],
        Protocol::Sdapi => &["init_images"],
    }
}

/// The headers that a protocol sends itself, or by which HTTP does: no other may replace them.
pub(crate) fn is_own_header(protocol: Protocol, header: &HeaderName) -> bool {
    const OF_HTTP: [&str; 13] = [
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    OF_HTTP.contains(&header.as_str()) || (protocol == Protocol::Multipart && header == ACCEPT)
}

/// The shapes of pictures that a server makes, by what is known of it.
pub(crate) fn shapes(
    protocol: Protocol,
    model: Option<&str>,
    size_policy: Option<SizePolicy>,
) -> Shapes {
    let model = model.unwrap_or_default();
    let (shapes, by_default) = match protocol {
        Protocol::Gemini => (Shapes::Ratios(gemini::RATIOS), SizePolicy::Pad),
        Protocol::Openai if openai::makes_fixed_sizes(model) => {
            (Shapes::Sizes(openai::GPT_IMAGE_SIZES), SizePolicy::Pad)
        }
        Protocol::Openai if openai::is_gpt_image(model) => {
            (Shapes::Sizes(openai::GPT_IMAGE_SIZES), SizePolicy::Exact)
        }
        _ => (Shapes::Ratios(&[(1, 1)]), SizePolicy::Exact),
    };
    match size_policy.unwrap_or(by_default) {
        SizePolicy::Pad => shapes,
        SizePolicy::Exact => Shapes::Any,
    }
}

/// Makes the request to `target` with the encoded canvas. Keys are added to it later.
pub(crate) async fn request(
    protocol: Protocol,
    client: &Client,
    target: &Url,
    ask: Ask<'_>,
    picture: Bytes,
) -> RequestBuilder {
    let request = client.post(target.clone());
    match protocol {
        Protocol::EditB64 => edit_b64::fill(request, ask, picture),
        Protocol::Multipart => multipart::fill(request, ask, picture).await,
        Protocol::Openai => openai::fill(request, ask, picture).await,
        Protocol::Gemini => gemini::fill(request, ask, picture),
        Protocol::Sdapi => sdapi::fill(request, ask, picture),
    }
}

/// Finds the encoded picture in an answer of status 200 to 299.
pub(crate) fn picture(protocol: Protocol, reply: &Reply) -> Result<Found, Failure> {
    match protocol {
        Protocol::EditB64 => edit_b64::picture(reply),
        Protocol::Multipart => multipart::picture(reply),
        Protocol::Openai => openai::picture(reply),
        Protocol::Gemini => gemini::picture(reply),
        Protocol::Sdapi => sdapi::picture(reply),
    }
}

/// What the body of an error means, where it says more than the status.
pub(crate) fn failure_kind(protocol: Protocol, body: &[u8]) -> Option<FailureKind> {
    match protocol {
        Protocol::Openai => openai::failure_kind(body),
        Protocol::Gemini => gemini::failure_kind(body),
        Protocol::EditB64 | Protocol::Multipart | Protocol::Sdapi => None,
    }
}
