//! `layer_config.json`: what to do.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use jsonc_parser::cst::CstInputValue as Edited;
use planner::{Bounds, Quadrant};
use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_aux::prelude::serde_introspect;
use serde_json::{Map, Value};
use source_map::SourceLayer;

use crate::accept::AcceptEntry;
use crate::endpoint::usable;
use crate::price::{MOST as MOST_MONEY, is_usd, read_amount, read_currency, usd};
use crate::reading::{self, UnknownKeys, object, parse, read_file_text, read_text};
use crate::shapes;
use crate::{
    AcceptConfig, CanvasConfig, CanvasMode, EndpointConfig, EndpointUrl, LayerError, Order,
    Storage, UniformConfig,
};

/// The newest version of the file that is understood.
const VERSION: u64 = 1;

/// What a layer is made of, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, title = "layer_config.json")]
pub struct LayerConfig {
    /// Where the schema of this file is, for editors; nothing else reads it.
    #[serde(rename = "$schema", skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The version of the file; absent in files made by other tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = VERSION))]
    pub version: Option<u64>,
    /// The layer's name; that of its directory where none is given.
    #[serde(default, deserialize_with = "read_name")]
    #[schemars(schema_with = "shapes::name")]
    pub name: String,
    /// The source map's generation directory, as written; see
    /// [`LayerDir::generation_dir`](crate::LayerDir::generation_dir).
    #[serde(deserialize_with = "read_directory")]
    #[schemars(
        schema_with = "shapes::directory",
        description = "The directory of the source map, which holds quadrants.db, or of another layer: relative to the directory two levels above the layer, or else to the working directory."
    )]
    pub generation_dir: PathBuf,
    /// Which of the source's pictures are regenerated.
    #[serde(default)]
    #[schemars(schema_with = "shapes::source_layer")]
    pub source_layer: SourceLayer,
    /// Where finished pictures are kept.
    #[serde(default)]
    pub storage: Storage,
    /// The part of the map that was planned.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "write_bounds",
        deserialize_with = "read_bounds"
    )]
    #[schemars(with = "BoundsEntry")]
    pub bounds: Option<Bounds>,
    /// The endpoints, in the order of their turns.
    #[serde(default)]
    pub model_endpoints: Vec<EndpointConfig>,
    /// What goes to the model: `prompt`, `num_inference_steps`, and any other key.
    #[serde(default)]
    pub generation_params: Map<String, Value>,
    /// What the seeds of calls are made from, with their block's place: see
    /// [`block_seed`](crate::block_seed).
    #[serde(default)]
    #[schemars(
        range(max = u32::MAX),
        description = "What the seeds of calls are made from: another one makes other pictures."
    )]
    pub seed: u32,
    /// How the canvas is made.
    #[serde(default)]
    pub canvas: CanvasConfig,
    /// Which answers are good enough.
    #[serde(default, skip_serializing_if = "AcceptConfig::is_default")]
    pub accept: AcceptConfig,
    /// What is done with blocks of one colour.
    #[serde(default, skip_serializing_if = "UniformConfig::is_default")]
    pub uniform: UniformConfig,
    /// Whether steps wait for one another.
    #[serde(default, skip_serializing_if = "Order::is_default")]
    pub order: Order,
    /// How finished quadrants are compressed.
    #[serde(default)]
    pub png_compression: PngCompression,
    /// The currency of prices and limits, as it is shown.
    #[serde(
        default = "usd",
        skip_serializing_if = "is_usd",
        deserialize_with = "read_currency"
    )]
    #[schemars(schema_with = "shapes::currency")]
    pub currency: String,
    /// What all calls for the layer may cost together, in all runs.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "read_amount"
    )]
    #[schemars(range(min = 0, max = MOST_MONEY))]
    pub max_cost: Option<f64>,
    /// How many calls may be paid for together, in all runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = u64::MAX))]
    pub max_calls: Option<NonZeroU64>,
    /// When the layer was made, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
}

/// How finished quadrants are compressed: time against space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PngCompression {
    /// The least time; files of clean pixel art are twice as large as with `balanced`.
    Fast,
    /// Little time, little space: as `fast` where compressing would save next to nothing, which is
    /// seen in a few rows of each picture.
    #[default]
    Balanced,
    /// The least space; many times the time.
    Best,
}

/// The bounds as they stand in the file: the quadrants at both ends belong to them.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct BoundsEntry {
    #[schemars(range(min = i32::MIN, max = i32::MAX))]
    min_x: i32,
    #[schemars(range(min = i32::MIN, max = i32::MAX))]
    min_y: i32,
    #[schemars(range(min = i32::MIN, max = i32::MAX))]
    max_x: i32,
    #[schemars(range(min = i32::MIN, max = i32::MAX))]
    max_y: i32,
}

fn write_bounds<S: Serializer>(bounds: &Option<Bounds>, serializer: S) -> Result<S::Ok, S::Error> {
    bounds
        .map(|bounds| BoundsEntry {
            min_x: bounds.min().x,
            min_y: bounds.min().y,
            max_x: bounds.max().x,
            max_y: bounds.max().y,
        })
        .serialize(serializer)
}

fn read_bounds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Bounds>, D::Error> {
    let entry = BoundsEntry::deserialize(deserializer)?;
    let min = Quadrant::new(entry.min_x, entry.min_y);
    let max = Quadrant::new(entry.max_x, entry.max_y);
    let bounds = Bounds::new(min, max);
    bounds
        .map(Some)
        .map_err(|error| D::Error::custom(format!("cannot be used: {error}")))
}

fn read_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    if name.chars().any(char::is_control) {
        return Err(D::Error::custom(
            "must have no line breaks or other control characters",
        ));
    }
    Ok(name)
}

fn read_directory<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    let path = PathBuf::deserialize(deserializer)?;
    if path.as_os_str().is_empty() {
        return Err(D::Error::custom(
            "must not be empty; it names the directory that holds quadrants.db",
        ));
    }
    Ok(path)
}

impl LayerConfig {
    /// The version that new files get.
    pub const CURRENT_VERSION: u64 = VERSION;

    /// Reads `layer_config.json`; comments (`//`) in it are accepted. Also returns warnings
    /// about what was overlooked in a file made by another tool.
    ///
    /// # Errors
    /// [`LayerError`] when the file is missing, does not parse, or has a key or a value that
    /// cannot be used.
    pub fn read(path: &Path) -> Result<(Self, Vec<String>), LayerError> {
        let remedy = "a layer directory is made by init_layer; --layer-dir names it";
        let value = parse(path, &read_file_text(path, remedy)?)?;
        let value = Value::Object(object(value, path, "an object {…}")?);
        let version = value.get("version").filter(|version| !version.is_null());
        // A newer file may have any keys, so its version comes before them.
        if let Some(version) = version.and_then(Value::as_u64)
            && version > VERSION
        {
            return Err(LayerError::NewerVersion {
                path: path.to_owned(),
                version,
                supported: VERSION,
            });
        }
        let unknown_keys = match version {
            None => UnknownKeys::Warn,
            Some(_) => UnknownKeys::Refuse,
        };
        let (mut config, warnings) = reading::read::<Self>(value, path, unknown_keys, known_keys)?;
        if config.name.is_empty() {
            config.name = directory_name(path);
        }
        config.model_endpoints = usable(config.model_endpoints, path, "model_endpoints")?;
        Ok((config, warnings))
    }

    /// Whether canvases show what is around a block: those of a filter inside the process do not.
    /// An endpoint that is still to be added counts as one that is shown it.
    #[must_use]
    pub fn shows_surroundings(&self) -> bool {
        let mut endpoints = self.model_endpoints.iter();
        self.canvas.mode == CanvasMode::Infill
            && (self.model_endpoints.is_empty()
                || endpoints.any(|endpoint| matches!(endpoint.url, EndpointUrl::Http(_))))
    }

    /// The same where others may still come.
    #[must_use]
    pub fn may_show_surroundings(&self) -> bool {
        self.canvas.mode == CanvasMode::Infill
    }

    /// An error when there is no endpoint to call; `path` is where the configuration stands.
    ///
    /// # Errors
    /// [`LayerError::NoEndpoints`].
    pub fn require_endpoints(&self, path: PathBuf) -> Result<(), LayerError> {
        if self.model_endpoints.is_empty() {
            return Err(LayerError::NoEndpoints { path });
        }
        Ok(())
    }

    /// The file's text: plain JSON, indented.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("maps have text keys");
        text.push('\n');
        text
    }
}

/// The text of a configuration that stands in `path` with other bounds, and else as it is.
pub(crate) fn with_bounds(path: &Path, text: &str, bounds: Bounds) -> Result<String, LayerError> {
    let numbers = [
        ("min_x", bounds.min().x),
        ("min_y", bounds.min().y),
        ("max_x", bounds.max().x),
        ("max_y", bounds.max().y),
    ];
    let number = |(key, number): (&str, i32)| (key.to_owned(), Edited::Number(number.to_string()));
    let entry = Edited::Object(numbers.map(number).to_vec());
    let root = reading::parse_to_edit(path, text)?;
    let object = root.object_value_or_set();
    match object.get("bounds") {
        Some(property) => property.set_value(entry),
        None => drop(object.append("bounds", entry)),
    }
    Ok(root.to_string())
}

/// Reads a file that is a JSON object of parameters for the model.
///
/// # Errors
/// [`LayerError`] when the file is missing, does not parse, or is not an object.
pub fn read_params(path: &Path) -> Result<Map<String, Value>, LayerError> {
    let remedy = "--generation-params names a JSON object like {\"num_inference_steps\": 20}";
    let expected = "an object of parameters {\"num_inference_steps\": 20, …}";
    object(parse(path, &read_text(path, remedy)?)?, path, expected)
}

fn directory_name(config: &Path) -> String {
    config.parent().and_then(Path::file_name).map_or_else(
        || "layer".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// The keys that the object at `path` may have.
fn known_keys(path: &str) -> &'static [&'static str] {
    match path {
        "" => serde_introspect::<LayerConfig>(),
        "canvas" => serde_introspect::<CanvasConfig>(),
        "accept" => serde_introspect::<AcceptEntry>(),
        "bounds" => serde_introspect::<BoundsEntry>(),
        "uniform" => serde_introspect::<UniformConfig>(),
        _ => serde_introspect::<EndpointConfig>(),
    }
}
