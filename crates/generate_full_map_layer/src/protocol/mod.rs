//! The wire protocols of model servers, one module each.
//!
//! A protocol makes a request of a canvas, and finds the picture in the answer. What all have in
//! common, sending, redirects, limits and statuses, is in [`crate::wire`].

mod edit_b64;

use bytes::Bytes;
use layer::{ImageFormat, Protocol};
use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder, Url};

use crate::failure::Failure;
use crate::settings::Settings;

/// What a model is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// The encoded canvas.
    pub picture: &'a Bytes,
    /// How it is encoded.
    pub format: ImageFormat,
    /// The size of the canvas.
    pub size_px: (u32, u32),
    /// The size of picture to ask for: that of the canvas, where the server makes it.
    pub answer_px: (u32, u32),
    /// Prompt and parameters.
    pub settings: &'a Settings,
}

/// A successful answer, read whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Makes the request. Keys are added to it later.
pub(crate) fn request(
    protocol: Protocol,
    client: &Client,
    url: &Url,
    ask: Ask<'_>,
) -> RequestBuilder {
    match protocol {
        Protocol::EditB64 => edit_b64::request(client, url, ask),
        _ => edit_b64::request(client, url, ask),
    }
}

/// Finds the encoded picture in an answer of status 200 to 299.
pub(crate) fn picture(protocol: Protocol, reply: &Reply) -> Result<Bytes, Failure> {
    match protocol {
        Protocol::EditB64 => edit_b64::picture(reply),
        _ => edit_b64::picture(reply),
    }
}

/// What a server says of an error, in any of the usual forms: `{"detail": …}`,
/// `{"error": {"message": …}}`, `{"error": "…"}`, or plain text.
pub(crate) fn error_text(body: &[u8]) -> String {
    let value: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let said = value.as_ref().and_then(|value| {
        let error = &value["error"];
        [
            &error["message"],
            error,
            &value["detail"],
            &value["message"],
            &value["errors"],
        ]
        .into_iter()
        .find(|text| !text.is_null())
        .map(|text| {
            text.as_str()
                .map_or_else(|| text.to_string(), str::to_owned)
        })
    });
    match said {
        Some(text) => shorten(&text),
        None => crate::codec::first_bytes(body),
    }
}

/// A text on one line, of a length that fits a message.
pub(crate) fn shorten(text: &str) -> String {
    const LONGEST: usize = 300;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    if line.chars().count() <= LONGEST {
        return line;
    }
    line.chars().take(LONGEST).chain(['…']).collect()
}

/// The type an answer says it has.
pub(crate) fn content_type(reply: &Reply) -> &str {
    reply
        .headers
        .get(reqwest::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("no content type")
}

/// The bytes of a base64 text; a `data:` URL's head and line breaks are overlooked.
pub(crate) fn from_base64(text: &str) -> Result<Bytes, Failure> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let text = match text.split_once(',') {
        Some((head, rest)) if head.starts_with("data:") => rest,
        _ => text,
    };
    let decoded = STANDARD.decode(text).or_else(|error| {
        if text.contains(char::is_whitespace) {
            STANDARD.decode(text.split_whitespace().collect::<String>())
        } else {
            Err(error)
        }
    });
    decoded.map(Bytes::from).map_err(|error| {
        Failure::bad_answer(format!(
            "a picture whose base64 is broken ({error}): {}",
            crate::codec::first_bytes(text.as_bytes())
        ))
    })
}
