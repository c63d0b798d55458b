//! What is recorded of a pilot: `pilot.json`.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Holder, LayerConfig, timestamp};

/// `pilot.json`: what was tried, where, and what came of it. Of one that has no end the run is under
/// way, or has died; its pictures tell how far it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PilotRecord {
    /// The version of the file.
    pub version: u64,
    /// The settings that were laid over the layer's.
    pub tried: Map<String, Value>,
    /// The part, as it was asked for.
    pub part: String,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// When it ended, RFC 3339.
    pub ended_at: Option<String>,
    /// With which exit status.
    pub exit_status: Option<u8>,
    /// Why it ended early.
    pub reason: Option<String>,
    /// Who runs it, or ran it.
    pub holder: Holder,
    /// The layer's seed.
    pub seed: u32,
    /// Who was called, and what they were told: no keys and no headers.
    pub endpoints: Vec<PilotEndpoint>,
    /// How many calls were made.
    pub calls: u64,
    /// How many of them are paid for.
    pub calls_paid: u64,
    /// What they cost, as far as that is known.
    pub cost: f64,
    /// In which currency.
    pub currency: String,
    /// What was to be drawn, in the order of generation.
    pub items: Vec<PilotItem>,
}

/// An endpoint of a pilot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PilotEndpoint {
    /// Its name.
    pub name: String,
    /// The hash of what it was told, as in `attempts`.
    pub settings_hash: String,
    /// What it was told.
    pub told: Value,
}

/// An item of a pilot, which has the number of the plan's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PilotItem {
    /// Its number.
    pub item: i64,
    /// Its top left quadrant.
    pub x: i32,
    /// Its top left quadrant.
    pub y: i32,
    /// The shape of its block.
    pub shape: String,
    /// Its step.
    pub step: u8,
    /// Whether it was drawn only because what was asked for may not be drawn without it.
    pub only_precedes: bool,
    /// `complete`, `error`, `waiting` on one that failed, or `pending`.
    pub status: String,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl PilotRecord {
    /// The newest version of the file that is understood.
    pub(crate) const VERSION: u64 = 1;

    /// That of a pilot that begins now in a layer of `config`, with nothing tried and nothing drawn.
    #[must_use]
    pub fn begun(config: &LayerConfig, holder: Option<Holder>) -> Self {
        Self {
            version: Self::VERSION,
            tried: Map::new(),
            part: String::new(),
            started_at: timestamp(SystemTime::now()),
            ended_at: None,
            exit_status: None,
            reason: None,
            holder: holder.unwrap_or_default(),
            seed: config.seed,
            endpoints: Vec::new(),
            calls: 0,
            calls_paid: 0,
            cost: 0.0,
            currency: config.currency.clone(),
            items: Vec::new(),
        }
    }
}
