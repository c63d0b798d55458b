//! The endpoints of a layer, as they stand in its configuration or in a file of their own.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_aux::prelude::serde_introspect;
use serde_json::{Map, Value};
use url::Url;

use crate::reading::{self, UnknownKeys, parse, place, read_file_text, read_text, shown};
use crate::{EndpointUrl, LayerError, Price, Protocol, shapes};

/// How long a call may take where nothing is said of it.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

/// How many calls at a time an endpoint gets at most that finds out itself how many are worth it.
const DEFAULT_LIMIT: u32 = 16;

/// One model inference URL with a name, and how to use it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct EndpointConfig {
    /// A name of its own, which the plan records with each item.
    #[serde(deserialize_with = "read_name")]
    #[schemars(schema_with = "shapes::words")]
    pub name: String,
    /// Its address.
    #[serde(serialize_with = "reveal", deserialize_with = "read_url")]
    #[schemars(schema_with = "shapes::url")]
    pub url: EndpointUrl,
    /// The environment variable that holds its key.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "read_variable"
    )]
    #[schemars(schema_with = "shapes::variable")]
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
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
    /// How many calls it serves at a time; 1 by default, and with "auto" as many as turn out to be
    /// worth it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shapes::max_concurrent")]
    pub max_concurrent: Option<MaxConcurrent>,
    /// How many calls at a time it never gets more than; 16 by default with "auto".
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = u32::MAX))]
    pub max_concurrent_limit: Option<NonZeroU32>,
    /// How long a call may take in seconds; 600 by default.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "read_seconds"
    )]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub timeout_s: Option<f64>,
    /// How the canvas is encoded; PNG by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shapes::image_format")]
    pub image_format: Option<ImageFormat>,
    /// Headers that go with each call.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "shapes::headers")]
    pub headers: BTreeMap<String, HeaderSource>,
    /// How many calls a minute it is given at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = u32::MAX))]
    pub max_per_minute: Option<NonZeroU32>,
    /// What to do where it makes only some sizes; without it the protocol and model tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_policy: Option<SizePolicy>,
    /// What it costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shapes::price")]
    pub price: Option<Price>,
    /// How long a call is expected to take in seconds, where no earlier one tells.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "read_seconds"
    )]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub expected_s: Option<f64>,
}

/// How many calls an endpoint serves at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum MaxConcurrent {
    /// As many as turn out to be worth it.
    Auto,
    /// So many.
    Number(NonZeroU32),
}

impl TryFrom<Value> for MaxConcurrent {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        match (number.and_then(NonZeroU32::new), value.as_str()) {
            (Some(number), _) => Ok(Self::Number(number)),
            (None, Some("auto")) => Ok(Self::Auto),
            _ => Err(format!(
                "must be a whole number greater than 0, or \"auto\", not {}",
                shown(&value)
            )),
        }
    }
}

impl From<MaxConcurrent> for Value {
    fn from(most: MaxConcurrent) -> Self {
        match most {
            MaxConcurrent::Auto => "auto".into(),
            MaxConcurrent::Number(number) => number.get().into(),
        }
    }
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
                "must be \"png\", \"jpeg\" or {{\"jpeg\": 1 to 100}}, not {}",
                shown(&value)
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[serde(untagged, expecting = "must be a text or {\"env\": \"NAME\"}")]
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

/// Reads a file that is a JSON list of endpoints.
///
/// # Errors
/// [`LayerError`] when the file is missing, does not parse, is empty, or has an entry that
/// could not be used.
pub fn read_endpoints(path: &Path) -> Result<Vec<EndpointConfig>, LayerError> {
    let remedy = "--model-endpoints names a JSON list of entries like {\"name\": \"a\", \"url\": \"http://localhost:8000/\"}";
    let endpoints = endpoints_in(path, &read_text(path, remedy)?)?;
    if endpoints.is_empty() {
        return Err(LayerError::NoEndpoints {
            path: path.to_owned(),
        });
    }
    Ok(endpoints)
}

/// Reads a file that is a JSON list of endpoints, and may be an empty one: others may come.
///
/// # Errors
/// The same as of [`read_endpoints`], but for an empty list.
pub fn read_coming_endpoints(path: &Path) -> Result<Vec<EndpointConfig>, LayerError> {
    let remedy = "--endpoints-file names a JSON list of entries like {\"name\": \"a\", \"url\": \"http://localhost:8000/\"}; write [] into it while there are none";
    endpoints_in(path, &read_file_text(path, remedy)?)
}

fn endpoints_in(path: &Path, text: &str) -> Result<Vec<EndpointConfig>, LayerError> {
    let value = parse(path, text)?;
    let (endpoints, _) = reading::read::<Vec<_>>(value, path, UnknownKeys::Refuse, known_keys)?;
    usable(endpoints, path, "")
}

/// The keys that an entry may have.
fn known_keys(_: &str) -> &'static [&'static str] {
    serde_introspect::<EndpointConfig>()
}

/// The endpoints of the list at `list` in `file`, as far as each is usable beside the others.
pub(crate) fn usable(
    mut endpoints: Vec<EndpointConfig>,
    file: &Path,
    list: &str,
) -> Result<Vec<EndpointConfig>, LayerError> {
    let mut names = HashSet::new();
    for (index, endpoint) in endpoints.iter_mut().enumerate() {
        let bad = |key: &str, reason| LayerError::BadValue {
            place: place(file, &format!("{list}[{index}].{key}")),
            reason,
        };
        if !names.insert(endpoint.name.clone()) {
            return Err(LayerError::DuplicateEndpoint {
                place: place(file, list),
                name: endpoint.name.clone(),
            });
        }
        if let (EndpointUrl::Http(url), None) = (&endpoint.url, endpoint.protocol) {
            Protocol::of(url).map_err(|reason| bad("url", format!("cannot be used: {reason}")))?;
        }
        for (header, source) in &endpoint.headers {
            if let HeaderSource::Env { env } = source {
                require_variable(env)
                    .map_err(|reason| bad(&format!("headers.{header}.env"), reason.to_owned()))?;
            }
        }
        for text in [&mut endpoint.model, &mut endpoint.prompt] {
            text.take_if(|text| text.is_empty());
        }
    }
    Ok(endpoints)
}

fn read_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        return Err(D::Error::custom(
            "must be a word or a few, without line breaks",
        ));
    }
    Ok(name)
}

fn read_variable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name = String::deserialize(deserializer)?;
    require_variable(&name).map_err(D::Error::custom)?;
    Ok(Some(name))
}

/// Refuses what cannot be a variable's name, or looks like the key that belongs into the variable.
/// It is not repeated: it may well be one.
fn require_variable(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("must not be empty; leave it out where no key is needed");
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    // Random characters are longer than a word, with digits or capitals in the middle of them.
    let is_random = |part: &str| {
        let has = |kind: fn(&char) -> bool| part.chars().skip(1).any(|c| kind(&c));
        let is_mixed = has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase);
        part.len() >= 16 && (is_mixed || has(char::is_ascii_digit))
    };
    let is_name = name.chars().all(is_word) && !name.starts_with(|c: char| c.is_ascii_digit());
    if !is_name || name.split('_').any(is_random) {
        return Err(
            "must name the environment variable that holds the key, as in \"MODEL_API_KEY\", and be no key itself; what stands there is no such name",
        );
    }
    Ok(())
}

fn read_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    match f64::deserialize(deserializer)? {
        seconds if seconds > 0.0 => Ok(Some(seconds)),
        other => Err(D::Error::custom(format!(
            "must be greater than 0, not {other}"
        ))),
    }
}

fn read_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<EndpointUrl, D::Error> {
    let text = String::deserialize(deserializer)?;
    EndpointUrl::parse(&text)
        .map_err(|reason| D::Error::custom(format!("cannot be used: {reason}")))
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

    /// How many calls it serves at a time, at most where it adapts.
    #[must_use]
    pub fn slots(&self) -> u32 {
        let limit = self.max_concurrent_limit.map(NonZeroU32::get);
        let most = match self.max_concurrent {
            None => 1,
            Some(MaxConcurrent::Number(number)) => number.get(),
            Some(MaxConcurrent::Auto) => return limit.unwrap_or(DEFAULT_LIMIT),
        };
        most.min(limit.unwrap_or(most))
    }

    /// Whether it is to be found out how many calls at a time are worth it.
    #[must_use]
    pub fn adapts(&self) -> bool {
        self.max_concurrent == Some(MaxConcurrent::Auto)
    }

    /// How long a call may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        let asked = self.timeout_s.map(Duration::try_from_secs_f64);
        asked.and_then(Result::ok).unwrap_or(DEFAULT_TIMEOUT)
    }
}

fn detect(url: &Url) -> Protocol {
    Protocol::of(url).unwrap_or(Protocol::EditB64)
}
