//! Putting request bodies together: JSON with a picture in it, and forms.

use std::convert::Infallible;
use std::iter::once;

use bytes::Bytes;
use futures_util::{TryStreamExt, stream};
use layer::ImageFormat;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, RequestBuilder};
use serde_json::{Map, Value};

use super::{Ask, base64};

/// Stands for the canvas in a JSON body that is being put together.
pub(super) const PICTURE: &str = "\u{1}canvas\u{1}";

/// Prompt, model and parameters by name. `steps` is how the protocol calls the number of steps,
/// `num_inference_steps` in configurations.
pub(super) fn fields(ask: Ask<'_>, steps: &str) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("prompt".to_owned(), ask.settings.prompt.as_str().into());
    if let Some(model) = &ask.settings.model {
        fields.insert("model".to_owned(), model.as_str().into());
    }
    merge(&mut fields, &renamed(&ask.settings.layer_params, steps));
    merge(&mut fields, &renamed(&ask.settings.endpoint_params, steps));
    fields
}

/// Puts the seed into the fields of a protocol that has one.
pub(super) fn put_seed(fields: &mut Map<String, Value>, ask: Ask<'_>) {
    if let Some(seed) = ask.seed {
        fields.insert("seed".to_owned(), seed.into());
    }
}

/// The parameters, with the number of steps under the protocol's name.
pub(super) fn renamed(params: &Map<String, Value>, steps: &str) -> Map<String, Value> {
    let rename = |(name, value): (&String, &Value)| {
        let name = if name == "num_inference_steps" {
            steps
        } else {
            name
        };
        (name.to_owned(), value.clone())
    };
    params.iter().map(rename).collect()
}

/// Merges `over` into `into`: objects key by key, all else is replaced. A key in `snake_case`
/// finds the one in `camelCase` that is there: Google takes both, but not both at once.
pub(crate) fn merge(into: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (key, value) in over {
        let camel = camel_case(key);
        let key = if !into.contains_key(key) && into.contains_key(&camel) {
            &camel
        } else {
            key
        };
        match (into.get_mut(key), value) {
            (Some(Value::Object(into)), Value::Object(over)) => merge(into, over),
            _ => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}

/// A name in `snake_case` as it is in `camelCase`.
pub(crate) fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        let capital = letters.next().into_iter().flat_map(char::to_uppercase);
        name + &capital.collect::<String>() + letters.as_str()
    })
}

/// Sends `fields` as JSON, with the canvas in base64 in the place of [`PICTURE`]. It is written
/// there by hand: megabytes of base64 need no escaping.
pub(super) fn with_json(
    request: RequestBuilder,
    fields: Map<String, Value>,
    picture: Bytes,
) -> RequestBuilder {
    let text = Value::Object(fields).to_string();
    let request = request.header(CONTENT_TYPE, "application/json");
    let quoted = Value::from(PICTURE).to_string();
    let Some((before, after)) = text.split_once(&quoted) else {
        return request.body(text);
    };
    let (before, after) = (format!("{before}\""), format!("\"{after}"));
    let length = before.len() + base64::encoded_len(picture.len()) + after.len();
    let pieces = once(before.into()).chain(base64::encoded(picture));
    in_pieces(request, length, pieces.chain(once(after.into())))
}

/// Sends `fields` as a form, with the canvas as the file `name`.
pub(super) async fn with_form(
    request: RequestBuilder,
    name: &'static str,
    fields: Map<String, Value>,
    format: ImageFormat,
    picture: Bytes,
) -> RequestBuilder {
    let picture = Part::stream(picture)
        .file_name(format!("canvas.{}", extension(format)))
        .mime_str(mime_type(format))
        .expect("the type is well-formed");
    let mut form = Form::new();
    // A field of the user's own takes the picture's place.
    if !fields.contains_key(name) {
        form = form.part(name, picture);
    }
    for (name, value) in fields {
        let text = match value {
            // A form has no null: the field is left out.
            Value::Null => continue,
            Value::String(text) => text,
            other => other.to_string(),
        };
        form = form.text(name, text);
    }
    let content_type = format!("multipart/form-data; boundary={}", form.boundary());
    let pieces: Vec<Bytes> = form
        .into_stream()
        .try_collect()
        .await
        .expect("all parts are in memory");
    let length = pieces.iter().map(Bytes::len).sum();
    let request = request.header(CONTENT_TYPE, content_type);
    in_pieces(request, length, pieces.into_iter())
}

/// Sends a body of `length` bytes piece by piece, and lets each go when it is sent: a server may
/// take minutes to answer, and there may be a thousand of them. Such a body cannot be sent again by
/// itself; see `wire`.
fn in_pieces(
    request: RequestBuilder,
    length: usize,
    pieces: impl Iterator<Item = Bytes> + Send + 'static,
) -> RequestBuilder {
    let pieces = stream::iter(pieces.map(Ok::<_, Infallible>));
    request
        .header(CONTENT_LENGTH, length)
        .body(Body::wrap_stream(pieces))
}

/// The MIME type of an encoded canvas.
pub(super) fn mime_type(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Png => "image/png",
        ImageFormat::Jpeg { .. } => "image/jpeg",
    }
}

fn extension(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Png => "png",
        ImageFormat::Jpeg { .. } => "jpg",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_are_merged_object_by_object_and_find_the_other_spelling() {
        let Value::Object(mut into) = json!({
            "prompt": "p",
            "generationConfig": {"imageConfig": {"aspectRatio": "1:1"}, "responseModalities": ["IMAGE"]},
        }) else {
            unreachable!()
        };
        let Value::Object(over) = json!({
            "generation_config": {"image_config": {"imageSize": "2K"}, "temperature": 0.5},
            "own_field": 1,
        }) else {
            unreachable!()
        };
        merge(&mut into, &over);
        assert_eq!(
            Value::Object(into),
            json!({
                "prompt": "p",
                "generationConfig": {
                    "imageConfig": {"aspectRatio": "1:1", "imageSize": "2K"},
                    "responseModalities": ["IMAGE"],
                    "temperature": 0.5,
                },
                "own_field": 1,
            })
        );
    }
}
