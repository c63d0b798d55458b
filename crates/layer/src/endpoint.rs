//! The endpoints of a layer, as they stand in its configuration or in a file of their own.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use url::Url;

use crate::config::{parse, read_text};
use crate::fields::{Fields, UnknownKeys, kind};
use crate::{EndpointUrl, LayerError, Protocol};

/// One model inference URL with a name, and how to use it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EndpointConfig {
    /// A name of its own, which the plan records with each item.
    pub name: String,
    /// Its address.
    #[serde(serialize_with = "reveal")]
    pub url: EndpointUrl,
    /// The environment variable that holds its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_env: Option<String>,
    /// How it is spoken to; without it the URL tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// The model to ask for, where the server has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Its own prompt, which wins over the layer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Its own parameters, which win over the layer's.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
    /// How many calls it serves at a time; 1 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_concurrent: Option<u32>,
    /// How long a call may take in seconds; 600 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<f64>,
    /// How the canvas is encoded; PNG by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_format: Option<ImageFormat>,
    /// Headers that go with each call.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, HeaderSource>,
    /// How many calls a minute it is given at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_per_minute: Option<u32>,
    /// What to do where it makes only some sizes; without it the protocol and model tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_policy: Option<SizePolicy>,
}

fn reveal<S: Serializer>(url: &EndpointUrl, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&url.reveal())
}

/// How a canvas is encoded: `"png"`, `"jpeg"` (of quality 90) or `{"jpeg": quality}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum ImageFormat {
    /// Lossless.
    Png,
    /// Lossy and smaller.
    Jpeg {
        /// 1 to 100.
        quality: u8,
    },
}

impl TryFrom<Value> for ImageFormat {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let quality = match &value {
            Value::String(name) if name == "png" => return Ok(Self::Png),
            Value::String(name) if name == "jpeg" => Some(90),
            Value::Object(map) if map.len() == 1 => map.get("jpeg").and_then(Value::as_u64),
            _ => None,
        };
        match quality.map(u8::try_from) {
            Some(Ok(quality @ 1..=100)) => Ok(Self::Jpeg { quality }),
            _ => Err(format!(
                "{value} is not a picture format; they are \"png\", \"jpeg\" and {{\"jpeg\": 1 to 100}}"
            )),
        }
    }
}

impl From<ImageFormat> for Value {
    fn from(format: ImageFormat) -> Self {
        match format {
            ImageFormat::Png => "png".into(),
            ImageFormat::Jpeg { quality } => serde_json::json!({"jpeg": quality}),
        }
    }
}

/// What to do where a server makes pictures of some sizes only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SizePolicy {
    /// Ask for the canvas's size and bring the answer to it.
    Exact,
    /// Send a size that the server makes, with the canvas in it, and cut the canvas out of the
    /// answer.
    Pad,
}

/// Where a header's value comes from. It may be a key, so it does not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum HeaderSource {
    /// The value itself.
    Literal(String),
    /// The environment variable that holds it.
    Env {
        /// The variable's name.
        env: String,
    },
}

impl fmt::Debug for HeaderSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(_) => f.write_str("Literal(…)"),
            Self::Env { env } => write!(f, "Env({env})"),
        }
    }
}

/// The keys of an endpoint's entry.
const KEYS: [&str; 13] = [
    "name",
    "url",
    "api_key_env",
    "protocol",
    "model",
    "prompt",
    "params",
    "max_concurrent",
    "timeout_s",
    "image_format",
    "headers",
    "max_per_minute",
    "size_policy",
];

const HEADERS_FORM: &str = "it must be an object whose values are texts or {\"env\": \"NAME\"}";

/// Reads a file that is a JSON list of endpoints.
///
/// # Errors
/// [`LayerError`] when the file is missing, does not parse, is empty, or has an entry that
/// could not be used.
pub fn read_endpoints(path: &Path) -> Result<Vec<EndpointConfig>, LayerError> {
    let remedy = "--model-endpoints names a JSON list of entries like {\"name\": \"a\", \"url\": \"http://localhost:8000/\"}";
    let value = parse(path, &read_text(path, remedy)?)?;
    let place = path.display().to_string();
    let endpoints = endpoints_of(&value, &place, UnknownKeys::Refuse, &mut Vec::new())?;
    if endpoints.is_empty() {
        return Err(LayerError::NoEndpoints {
            path: path.to_owned(),
        });
    }
    Ok(endpoints)
}

/// The endpoints of a JSON list at `place`.
pub(crate) fn endpoints_of(
    value: &Value,
    place: &str,
    unknown_keys: UnknownKeys,
    warnings: &mut Vec<String>,
) -> Result<Vec<EndpointConfig>, LayerError> {
    let Value::Array(entries) = value else {
        return Err(LayerError::WrongType {
            place: place.to_owned(),
            expected: "a list of endpoints [{\"name\": …, \"url\": …}, …]",
            found: kind(value),
        });
    };
    let mut endpoints: Vec<EndpointConfig> = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let endpoint = endpoint_of(entry, &format!("{place}[{index}]"), unknown_keys, warnings)?;
        if endpoints.iter().any(|other| other.name == endpoint.name) {
            return Err(LayerError::DuplicateEndpoint {
                place: place.to_owned(),
                name: endpoint.name,
            });
        }
        endpoints.push(endpoint);
    }
    Ok(endpoints)
}

fn endpoint_of(
    entry: &Value,
    place: &str,
    unknown_keys: UnknownKeys,
    warnings: &mut Vec<String>,
) -> Result<EndpointConfig, LayerError> {
    let fields = Fields::of(entry, place, &KEYS, unknown_keys, warnings)?;
    let positive = |key: &str, value: Option<f64>| match value {
        Some(value) if !(value > 0.0 && value.is_finite()) => {
            Err(fields.bad(key, format!("{value} must be greater than 0")))
        }
        value => Ok(value),
    };
    let text = |key| {
        Ok::<_, LayerError>(
            fields
                .optional::<String>(key)?
                .filter(|text| !text.is_empty()),
        )
    };
    let name: String = fields.required("name")?;
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        return Err(fields.bad("name", "it must be a word or a few, without line breaks"));
    }
    let url = EndpointUrl::parse(&fields.required::<String>("url")?)
        .map_err(|reason| fields.bad("url", reason))?;
    let protocol: Option<Protocol> = fields.optional("protocol")?;
    if let (EndpointUrl::Http(url), None) = (&url, protocol) {
        Protocol::of(url).map_err(|reason| fields.bad("url", reason))?;
    }
    let max_concurrent: Option<u32> = fields.optional("max_concurrent")?;
    positive("max_concurrent", max_concurrent.map(f64::from))?;
    let max_per_minute: Option<u32> = fields.optional("max_per_minute")?;
    positive("max_per_minute", max_per_minute.map(f64::from))?;
    Ok(EndpointConfig {
        name,
        api_key_env: text("api_key_env")?,
        protocol,
        model: text("model")?,
        prompt: text("prompt")?,
        params: fields.optional("params")?.unwrap_or_default(),
        max_concurrent,
        timeout_s: positive("timeout_s", fields.optional("timeout_s")?)?,
        image_format: fields.optional("image_format")?,
        // The parser's own words would repeat what stands there, and that may be a key.
        headers: fields
            .optional("headers")
            .map_err(|_| fields.bad("headers", HEADERS_FORM))?
            .unwrap_or_default(),
        max_per_minute,
        size_policy: fields.optional("size_policy")?,
        url,
    })
}

impl EndpointConfig {
    /// How the endpoint is spoken to; `None` for a built-in filter.
    #[must_use]
    pub fn protocol(&self) -> Option<Protocol> {
        let EndpointUrl::Http(url) = &self.url else {
            return None;
        };
        // A URL that no protocol fits was refused when the entry was read.
        Some(self.protocol.unwrap_or_else(|| detect(url)))
    }

    /// How many calls it serves at a time.
    #[must_use]
    pub fn slots(&self) -> u32 {
        self.max_concurrent.unwrap_or(1)
    }

    /// How long a call may take, in seconds.
    #[must_use]
    pub fn timeout_s(&self) -> f64 {
        self.timeout_s.unwrap_or(600.0)
    }
}

fn detect(url: &Url) -> Protocol {
    Protocol::of(url).unwrap_or(Protocol::EditB64)
}
