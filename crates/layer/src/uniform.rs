//! Blocks of one colour, which need no model: whether they are copied or filled, and which they are.

use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use source_map::Mark;

use crate::reading::shown;
use crate::{Color, shapes};

/// The `uniform` of a layer's configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct UniformConfig {
    /// What is done with such blocks.
    pub mode: UniformMode,
    /// The colour that they have; where none is given each has a colour of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shapes::color")]
    pub color: Option<Color>,
    /// How far a channel of a pixel may be from that colour.
    #[serde(deserialize_with = "tolerance")]
    #[schemars(range(min = 0, max = 255))]
    pub tolerance: u8,
    /// The share of a block's pixels that must have the colour, above 0.5 and up to 1.
    #[serde(deserialize_with = "share")]
    #[schemars(extend("exclusiveMinimum" = 0.5), range(max = 1))]
    pub share: f64,
    /// What the source says of such quadrants; where it is given their pixels do not matter.
    #[serde(
        rename = "where",
        skip_serializing_if = "Option::is_none",
        serialize_with = "write_mark",
        deserialize_with = "read_mark"
    )]
    #[schemars(schema_with = "shapes::mark")]
    pub marked: Option<Mark>,
    /// What they are filled with, where that is not the colour that they have.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shapes::color")]
    pub fill: Option<Color>,
}

/// What is done with blocks of one colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UniformMode {
    /// A model draws them, as all others.
    #[default]
    Call,
    /// Their source is taken as it is.
    Copy,
    /// They get one colour.
    Fill,
}

impl UniformMode {
    /// As the configuration names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Copy => "copy",
            Self::Fill => "fill",
        }
    }
}

impl Default for UniformConfig {
    fn default() -> Self {
        Self {
            mode: UniformMode::default(),
            color: None,
            tolerance: 4,
            share: 0.995,
            marked: None,
            fill: None,
        }
    }
}

impl UniformConfig {
    /// Whether any block is made without a call.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.mode != UniformMode::Call
    }

    /// All that decides by their pixels which blocks these are, in few letters.
    #[must_use]
    pub fn looks_for(&self) -> String {
        let color = self
            .color
            .map_or_else(|| "any".to_owned(), |color| color.to_string());
        format!("{color} {} {}", self.tolerance, self.share)
    }

    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

fn tolerance<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    let levels = f64::deserialize(deserializer)?;
    if levels.fract() == 0.0 && (0.0..=255.0).contains(&levels) {
        return Ok(levels as u8);
    }
    Err(D::Error::custom(format!(
        "must be a whole number from 0 to 255, not {levels}"
    )))
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    match f64::deserialize(deserializer)? {
        share if share > 0.5 && share <= 1.0 => Ok(share),
        other => Err(D::Error::custom(format!(
            "must be above 0.5 and at most 1, not {other}"
        ))),
    }
}

fn write_mark<S: serde::Serializer>(mark: &Option<Mark>, serializer: S) -> Result<S::Ok, S::Error> {
    match mark {
        None => serializer.serialize_none(),
        Some(Mark::WaterType(Some(value))) => {
            serde_json::json!({Mark::WATER_TYPE: value}).serialize(serializer)
        }
        Some(mark) => serializer.serialize_str(mark.column()),
    }
}

fn read_mark<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Mark>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let mark = match &value {
        Value::String(column) if column == Mark::IS_WATER => Some(Mark::IsWater),
        Value::String(column) if column == Mark::WATER_TYPE => Some(Mark::WaterType(None)),
        Value::Object(map) if map.len() == 1 => match map.get(Mark::WATER_TYPE) {
            Some(Value::String(value)) if !value.trim().is_empty() => {
                Some(Mark::WaterType(Some(value.clone())))
            }
            _ => None,
        },
        _ => None,
    };
    mark.map(Some).ok_or_else(|| {
        D::Error::custom(format!(
            "must be \"is_water\", \"water_type\" or {{\"water_type\": \"…\"}}, not {}",
            shown(&value)
        ))
    })
}
