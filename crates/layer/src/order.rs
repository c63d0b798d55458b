//! Whether steps wait for one another.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When a block of a later step may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// When all of the step before it is done.
    #[default]
    Strict,
    /// As soon as what it joins is complete; the pictures are the same.
    Eager,
}

impl Order {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
