//! Where pictures go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the finished pictures of a layer are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Storage {
    /// A file each, in `generations/`.
    #[default]
    Files,
    /// All in one database, `quadrants.db`, as maps have it.
    Sqlite,
}
