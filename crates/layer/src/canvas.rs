//! How the picture that is sent to the model is made.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};

use crate::reading::shown;
use crate::shapes;

/// The `canvas` of a layer's configuration. All but the mode is of use only with
/// [`CanvasMode::Infill`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(
    deny_unknown_fields,
    description = "How the canvas is made. All but the mode is of use only with infill."
)]
pub struct CanvasConfig {
    /// What the canvas holds.
    pub mode: CanvasMode,
    /// The width of the border around what the model is to draw; 0 for none.
    #[serde(
        skip_serializing_if = "is_default_border",
        deserialize_with = "at_most::<_, MAX_BORDER_PX>"
    )]
    #[schemars(range(max = MAX_BORDER_PX))]
    pub border_px: u32,
    /// The border's colour.
    #[serde(skip_serializing_if = "Color::is_default")]
    #[schemars(schema_with = "shapes::color")]
    pub border_color: Color,
    /// How many pixels deep the colours of an answer are matched to those of its finished
    /// neighbours; 0 for not at all.
    #[serde(
        skip_serializing_if = "is_default",
        deserialize_with = "at_most::<_, MAX_MATCH_PX>"
    )]
    #[schemars(range(max = MAX_MATCH_PX))]
    pub match_px: u32,
    /// How much of their colour source pixels lose, 0 to 1.
    #[serde(skip_serializing_if = "is_default", deserialize_with = "share")]
    #[schemars(range(min = 0, max = 1))]
    pub desaturation: f64,
    /// How far the dark tones of source pixels are pressed down, 0 to 1.
    #[serde(skip_serializing_if = "is_default", deserialize_with = "share")]
    #[schemars(range(min = 0, max = 1))]
    pub gamma_shift: f64,
    /// How much grain source pixels get, 0 to 1.
    #[serde(skip_serializing_if = "is_default", deserialize_with = "share")]
    #[schemars(range(min = 0, max = 1))]
    pub noise: f64,
}

/// What the canvas holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CanvasMode {
    /// The source of the block as it is.
    #[default]
    Block,
    /// The source of the block, and around it the finished neighbours that it has to join.
    Infill,
}

/// An opaque colour, written as in `#ff0000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color(pub [u8; 3]);

/// The widest border.
const MAX_BORDER_PX: u32 = 64;
/// The deepest match of colours.
const MAX_MATCH_PX: u32 = 1024;

fn at_most<'de, D: Deserializer<'de>, const MOST: u32>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        px if px > MOST => Err(D::Error::custom(format!(
            "must be at most {MOST}, not {px}"
        ))),
        px => Ok(px),
    }
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    match f64::deserialize(deserializer)? {
        share if (0.0..=1.0).contains(&share) => Ok(share),
        other => Err(D::Error::custom(format!(
            "must be within 0 and 1, not {other}"
        ))),
    }
}

impl Default for CanvasConfig {
    fn default() -> Self {
        Self {
            mode: CanvasMode::default(),
            border_px: 2,
            border_color: Color::default(),
            match_px: 0,
            desaturation: 0.0,
            gamma_shift: 0.0,
            noise: 0.0,
        }
    }
}

impl Color {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Red.
impl Default for Color {
    fn default() -> Self {
        Self([255, 0, 0])
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl FromStr for Color {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix('#').filter(|digits| {
            digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        });
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let [_, red, green, blue] = number
            .ok_or_else(|| {
                format!(
                    "must be a colour as in \"#ff0000\", not {}",
                    shown(&text.into())
                )
            })?
            .to_be_bytes();
        Ok(Self([red, green, blue]))
    }
}

impl Serialize for Color {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Color {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

fn is_default_border(px: &u32) -> bool {
    *px == CanvasConfig::default().border_px
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
