//! How the picture that is sent to the model is made.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::LayerError;
use crate::fields::{Fields, UnknownKeys};

/// The `canvas` of a layer's configuration.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct CanvasConfig {
    /// What the canvas holds.
    pub mode: CanvasMode,
}

/// What the canvas holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CanvasMode {
    /// The source of the block as it is.
    #[default]
    Block,
}

/// The keys of `canvas`.
const KEYS: [&str; 1] = ["mode"];

impl CanvasConfig {
    pub(crate) fn of(
        value: &Value,
        place: &str,
        unknown_keys: UnknownKeys,
        warnings: &mut Vec<String>,
    ) -> Result<Self, LayerError> {
        let fields = Fields::of(value, place, &KEYS, unknown_keys, warnings)?;
        Ok(Self {
            mode: fields.optional("mode")?.unwrap_or_default(),
        })
    }
}
