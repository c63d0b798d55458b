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
    /// What it is shown or, inside the process, which filter it is.
    pub(crate) drawn_as: Map<String, Value>,
}

impl Settings {
    /// The same with a text added to the prompt, on a line of its own.
    #[must_use]
    pub fn with_added(&self, text: &str) -> Self {
        let told = serde_json::json!([self.hash, text]).to_string();
        Self {
            prompt: format!("{}\n{text}", self.prompt),
            hash: blake3::hash(told.as_bytes()).to_hex()[..16].to_owned(),
            ..self.clone()
        }
    }

    /// All that follows from the configuration, as JSON for people to read later.
    #[must_use]
    pub fn told(&self) -> Value {
        let mut params = self.layer_params.clone();
        params.extend(self.endpoint_params.clone());
        let mut told = self.drawn_as.clone();
        if !self.drawn_as.contains_key("filter") {
            told.insert("prompt".to_owned(), self.prompt.as_str().into());
            told.insert("model".to_owned(), self.model.as_deref().into());
            told.insert("params".to_owned(), params.into());
        }
        told.into()
    }
}
