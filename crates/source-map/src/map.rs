//! A source map: one generation directory.

use std::path::Path;

use serde_json::Value;

use crate::{GenerationConfig, QuadrantsDb, SourceError};

/// A map's configuration as it was found.
#[derive(Debug, Clone)]
pub struct Described {
    /// What it says.
    pub config: GenerationConfig,
    /// Its JSON, as it stands.
    pub text: String,
    /// Its hash, the same however the JSON is laid out.
    pub hash: String,
}

impl Described {
    /// Reads a configuration that stands in `path`.
    ///
    /// # Errors
    /// [`SourceError::BadConfig`] when it makes no sense.
    pub fn parse(path: &Path, text: String) -> Result<Self, SourceError> {
        let bad = |reason| SourceError::BadConfig {
            path: path.to_owned(),
            reason,
        };
        let value: Value = serde_json::from_str(&text).map_err(|error| {
            bad(format!(
                "it cannot be read as JSON from line {}, column {} on",
                error.line(),
                error.column()
            ))
        })?;
        Ok(Self {
            config: GenerationConfig::from_json(&value).map_err(bad)?,
            hash: blake3::hash(canonical(&value).as_bytes())
                .to_hex()
                .to_string(),
            text,
        })
    }

    /// Reads a configuration that is a file of its own; `None` when there is no such file.
    ///
    /// # Errors
    /// [`SourceError`] when it cannot be read, or makes no sense.
    pub fn read(path: &Path) -> Result<Option<Self>, SourceError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, text).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(SourceError::Unreadable {
                path: path.to_owned(),
                reason: error.to_string(),
            }),
        }
    }
}

/// Opens the generation directory `dir` for reading: its configuration, which is the copy in the
/// database's metadata, else `generation_config.json`, and its quadrants.
///
/// # Errors
/// [`SourceError`] when `quadrants.db` is missing or no source map, or when the configuration is
/// missing or makes no sense.
pub async fn open_map(dir: &Path) -> Result<(Described, QuadrantsDb), SourceError> {
    let path = dir.join("quadrants.db");
    let quadrants = QuadrantsDb::at(&path);
    let described = match quadrants.metadata("generation_config").await? {
        Some(text) => Described::parse(&path, text)?,
        None => Described::read(&dir.join("generation_config.json"))?
            .ok_or(SourceError::NoConfig { path })?,
    };
    Ok((described, quadrants))
}

/// JSON with sorted keys and no spaces.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            let entries: Vec<String> = entries
                .into_iter()
                .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", entries.join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_does_not_depend_on_the_order_of_keys() {
        let a: Value =
            serde_json::from_str(r#"{"b": [1, {"y": 2, "x": "\""}], "a": null}"#).unwrap();
        let b: Value = serde_json::from_str(r#"{"a":null,"b":[1,{"x":"\"","y":2}]}"#).unwrap();
        assert_eq!(canonical(&a), canonical(&b));
        assert_eq!(canonical(&a), r#"{"a":null,"b":[1,{"x":"\"","y":2}]}"#);
    }
}
