//! How the picture that is sent to the model is made.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::LayerError;
use crate::fields::{Fields, UnknownKeys};

/// The `canvas` of a layer's configuration. All but the mode is of use only with
/// [`CanvasMode::Infill`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CanvasConfig {
    /// What the canvas holds.
    pub mode: CanvasMode,
    /// The width of the border around what the model is to draw; 0 for none.
    #[serde(skip_serializing_if = "is_default_border")]
    pub border_px: u32,
    /// The border's colour.
    #[serde(skip_serializing_if = "Color::is_default")]
    pub border_color: Color,
    /// How many pixels deep the colours of an answer are matched to those of its finished
    /// neighbours; 0 for not at all.
    #[serde(skip_serializing_if = "is_default")]
    pub match_px: u32,
    /// How much of their colour source pixels lose, 0 to 1.
    #[serde(skip_serializing_if = "is_default")]
    pub desaturation: f64,
    /// How far the dark tones of source pixels are pressed down, 0 to 1.
    #[serde(skip_serializing_if = "is_default")]
    pub gamma_shift: f64,
    /// How much grain source pixels get, 0 to 1.
    #[serde(skip_serializing_if = "is_default")]
    pub noise: f64,
}

/// What the canvas holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
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

/// The keys of `canvas`.
const KEYS: [&str; 7] = [
    "mode",
    "border_px",
    "border_color",
    "match_px",
    "desaturation",
    "gamma_shift",
    "noise",
];

impl CanvasConfig {
    pub(crate) fn of(
        value: &Value,
        place: &str,
        unknown_keys: UnknownKeys,
        warnings: &mut Vec<String>,
    ) -> Result<Self, LayerError> {
        let fields = Fields::of(value, place, &KEYS, unknown_keys, warnings)?;
        let default = Self::default();
        let pixels = |key: &str, most: u32, otherwise: u32| {
            let px = fields.optional(key)?.unwrap_or(otherwise);
            if px > most {
                return Err(fields.bad(key, format!("{px} is more than {most}, the most there is")));
            }
            Ok(px)
        };
        let share = |key: &str| {
            let share: f64 = fields.optional(key)?.unwrap_or_default();
            if !(0.0..=1.0).contains(&share) {
                return Err(fields.bad(key, format!("{share} is not within 0 and 1")));
            }
            Ok(share)
        };
        Ok(Self {
            mode: fields.optional("mode")?.unwrap_or_default(),
            border_px: pixels("border_px", MAX_BORDER_PX, default.border_px)?,
            border_color: fields
                .optional("border_color")?
                .unwrap_or(default.border_color),
            match_px: pixels("match_px", MAX_MATCH_PX, default.match_px)?,
            desaturation: share("desaturation")?,
            gamma_shift: share("gamma_shift")?,
            noise: share("noise")?,
        })
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
            .ok_or_else(|| format!("{text:?} is not a colour; one is written as in \"#ff0000\""))?
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(canvas: &Value) -> Result<CanvasConfig, String> {
        CanvasConfig::of(canvas, "canvas", UnknownKeys::Refuse, &mut Vec::new())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_written_is_read_back() {
        for canvas in [
            json!({"mode": "block"}),
            json!({"mode": "infill"}),
            json!({"mode": "infill", "border_px": 0, "border_color": "#00fe0a", "match_px": 12,
                   "desaturation": 0.5, "gamma_shift": 1.0, "noise": 0.25}),
        ] {
            let config = read(&canvas).expect("a canvas");
            assert_eq!(serde_json::to_value(&config).expect("JSON"), canvas);
        }
        assert_eq!(read(&json!({})), Ok(CanvasConfig::default()));
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_its_name() {
        for (canvas, says) in [
            (
                json!({"mode": "outpaint"}),
                "unknown variant `outpaint`, expected `block` or `infill`",
            ),
            (json!({"border_px": -1}), "\"border_px\": invalid value"),
            (
                json!({"border_px": 65}),
                "\"border_px\": 65 is more than 64",
            ),
            (
                json!({"border_color": "red"}),
                "\"red\" is not a colour; one is written as in \"#ff0000\"",
            ),
            (json!({"match_px": 1.5}), "\"match_px\": invalid type"),
            (
                json!({"desaturation": 1.01}),
                "\"desaturation\": 1.01 is not within 0 and 1",
            ),
            (json!({"gamma_shift": -0.5}), "\"gamma_shift\": -0.5 is not"),
            (json!({"noise": "much"}), "\"noise\": invalid type"),
            (json!({"boarder_px": 2}), "did you mean \"border_px\"?"),
        ] {
            let error = read(&canvas).expect_err("refused");
            assert!(error.contains(says), "{error} does not say {says}");
        }
    }
}
