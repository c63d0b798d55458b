//! One call to a server: a canvas out, a picture back.

use std::borrow::Cow;

use bytes::Bytes;
use canvas::{Buffers, Content, Sent, Tell};
use dispatch::Failure;
use image::RgbImage;
use model_client::{Ask, Called, Carried, Client, Server, Settings};

/// Decodes the picture of an answer.
///
/// # Errors
/// A line that says what came instead of a picture.
pub fn decode_answer(
    sheet: &Sent,
    picture: &Carried,
    buffers: &mut Buffers,
) -> Result<RgbImage, String> {
    let bytes = picture.bytes(|length| buffers.take(length))?;
    let tell = match picture {
        Carried::Plain(_) | Carried::Base64(_) => Tell::FirstBytes,
        Carried::Fetched(_) => Tell::Kind,
    };
    let decoded = sheet.decode_answer(&bytes, tell, buffers)?;
    if let Cow::Owned(bytes) = bytes {
        buffers.give_back(bytes);
    }
    Ok(decoded)
}

/// One call with a canvas in the form of its endpoint, which is let go as it is sent; `again` encodes
/// it once more.
pub async fn call_server<F: Future<Output = Result<Bytes, String>>>(
    client: &Client,
    server: &Server,
    settings: &Settings,
    (content, sent): (Content, &Sent),
    seed: Option<u32>,
    again: impl Fn() -> F,
) -> Called {
    let (format, picture) = match content.encoded() {
        Ok(encoded) => encoded,
        Err(reason) => {
            return Called {
                result: Err(Failure::bad_answer(reason)),
                usage: None,
            };
        }
    };
    let ask = Ask {
        format,
        answer_px: sent.answer_px,
        settings,
        seed,
    };
    client.call(server, ask, picture, again).await
}
