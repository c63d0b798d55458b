//! Reading a JSON object key by key, with errors that name the place.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::LayerError;

/// What to do with a key that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnknownKeys {
    /// An error that names the nearest known key.
    Refuse,
    /// A warning, for files made by other tools.
    Warn,
}

/// A JSON object of a configuration file, and where it stands there.
pub(crate) struct Fields<'a> {
    map: &'a Map<String, Value>,
    place: &'a str,
}

impl<'a> Fields<'a> {
    /// The object `value` at `place` (as in `layers/snow/layer_config.json: model_endpoints[1]`),
    /// whose keys must be among `known`. Warnings are added to `warnings`.
    pub(crate) fn of(
        value: &'a Value,
        place: &'a str,
        known: &[&str],
        unknown_keys: UnknownKeys,
        warnings: &mut Vec<String>,
    ) -> Result<Self, LayerError> {
        let Value::Object(map) = value else {
            return Err(LayerError::WrongType {
                place: place.to_owned(),
                expected: "an object {…}",
                found: kind(value),
            });
        };
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            let error = LayerError::UnknownKey {
                place: place.to_owned(),
                key: key.clone(),
                nearest: nearest(key, known),
            };
            match unknown_keys {
                UnknownKeys::Refuse => return Err(error),
                UnknownKeys::Warn => warnings.push(error.to_string()),
            }
        }
        Ok(Self { map, place })
    }

    /// The value of `key`, if it is there and not null.
    pub(crate) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// The value of `key` read as a `T`, if it is there and not null.
    pub(crate) fn optional<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, LayerError> {
        self.get(key)
            .map(|value| {
                T::deserialize(value).map_err(|error| LayerError::BadValue {
                    place: self.place.to_owned(),
                    key: key.to_owned(),
                    reason: error.to_string(),
                })
            })
            .transpose()
    }

    /// The value of `key` read as a `T`; an error when it is not there.
    pub(crate) fn required<T: DeserializeOwned>(&self, key: &str) -> Result<T, LayerError> {
        self.optional(key)?.ok_or_else(|| LayerError::MissingKey {
            place: self.place.to_owned(),
            key: key.to_owned(),
        })
    }

    /// An error about the value of `key`.
    pub(crate) fn bad(&self, key: &str, reason: impl Into<String>) -> LayerError {
        LayerError::BadValue {
            place: self.place.to_owned(),
            key: key.to_owned(),
            reason: reason.into(),
        }
    }
}

/// The known key that `key` was most likely meant to be.
fn nearest(key: &str, known: &[&str]) -> String {
    known
        .iter()
        .min_by_key(|candidate| strsim::damerau_levenshtein(key, candidate))
        .map(|candidate| (*candidate).to_owned())
        .unwrap_or_default()
}

/// The kind of a JSON value, in words.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
