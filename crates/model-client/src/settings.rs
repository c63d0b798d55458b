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
}
