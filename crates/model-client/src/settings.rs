//! What the model is told with each canvas.

use serde_json::{Map, Value};

/// What one endpoint is told with each canvas.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// What to draw.
    pub prompt: String,
    /// Whether somebody gave the prompt.
    pub(crate) has_own_prompt: bool,
    /// The layer's parameters, without the prompt, under the names of `generation_params`.
    pub layer_params: Map<String, Value>,
    /// The endpoint's own parameters, which are merged over the layer's.
    pub endpoint_params: Map<String, Value>,
    /// The model to ask for.
    pub model: Option<String>,
    /// Fingerprint of all of it and of the canvas: pictures of one fingerprint go together.
    pub hash: String,
    /// All that follows from the configuration, for people to read later: prompt, model, params,
    /// canvas and source layer, and how the canvas is sent where that is not as ever; or which filter
    /// it is.
    pub told: Map<String, Value>,
}

impl Settings {
    /// The same with a text added to the prompt, on a line of its own.
    #[must_use]
    pub fn with_added(&self, text: &str) -> Self {
        let hashed = serde_json::json!([self.hash, text]).to_string();
        let prompt = format!("{}\n{text}", self.prompt);
        let mut told = self.told.clone();
        if let Some(of_told) = told.get_mut("prompt") {
            *of_told = prompt.as_str().into();
        }
        Self {
            prompt,
            told,
            hash: blake3::hash(hashed.as_bytes()).to_hex()[..16].to_owned(),
            ..self.clone()
        }
    }

    /// The hash of the settings, with a text added to the prompt or without.
    #[must_use]
    pub fn hash_with(&self, added: Option<&str>) -> String {
        added.map_or_else(|| self.hash.clone(), |text| self.with_added(text).hash)
    }

    /// What is told otherwise than in `before`, a line each, as in `prompt: "snow" -> "night"`.
    #[must_use]
    pub fn differences(&self, before: &Self) -> Vec<String> {
        let (earlier, now) = (flat(&before.told), flat(&self.told));
        let keys = now.keys();
        let gone = earlier.keys().filter(|key| !now.contains_key(*key));
        let shown = |value: Option<&Value>| match value {
            None | Some(Value::Null) => "none".to_owned(),
            Some(value) => value.to_string(),
        };
        let line = |key: &String| {
            let (was, is) = (earlier.get(key), now.get(key));
            (was != is).then(|| format!("{key}: {} -> {}", shown(was), shown(is)))
        };
        keys.chain(gone).filter_map(line).collect()
    }

    /// [`Self::told`] as JSON.
    #[must_use]
    pub fn told_json(&self) -> String {
        Value::from(self.told.clone()).to_string()
    }
}

/// What is told, with parameters beside the rest, which they are told apart from.
fn flat(told: &Map<String, Value>) -> Map<String, Value> {
    let mut flat = told.clone();
    if let Some(Value::Object(params)) = flat.shift_remove("params") {
        for (key, value) in params {
            let key = match flat.contains_key(&key) {
                true => format!("the parameter {key}"),
                false => key,
            };
            flat.insert(key, value);
        }
    }
    flat
}
