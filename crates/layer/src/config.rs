//! `layer_config.json`: what to do.

use std::path::{Path, PathBuf};

use planner::{Bounds, Quadrant};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::endpoint::endpoints_of;
use crate::fields::{Fields, UnknownKeys, kind};
use crate::{CanvasConfig, EndpointConfig, LayerError};

/// The newest version of the file that is understood.
const VERSION: u64 = 1;

/// What a layer is made of, and how.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerConfig {
    /// The version of the file; absent in files made by other tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The layer's name.
    pub name: String,
    /// The source map's generation directory, as written; see
    /// [`LayerDir::generation_dir`](crate::LayerDir::generation_dir).
    pub generation_dir: PathBuf,
    /// Which of the source's pictures are regenerated.
    pub source_layer: SourceLayer,
    /// The part of the map that was planned.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "write_bounds"
    )]
    pub bounds: Option<Bounds>,
    /// The endpoints, in the order of their turns.
    pub model_endpoints: Vec<EndpointConfig>,
    /// What goes to the model: `prompt`, `num_inference_steps`, and any other key.
    pub generation_params: Map<String, Value>,
    /// How the canvas is made.
    pub canvas: CanvasConfig,
    /// How finished quadrants are compressed.
    pub png_compression: PngCompression,
    /// When the layer was made, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
}

/// Which of a source map's pictures are regenerated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceLayer {
    /// The pixel art.
    #[default]
    Generations,
    /// The 3D renders.
    Renders,
}

impl SourceLayer {
    /// The name in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Generations => "generations",
            Self::Renders => "renders",
        }
    }
}

/// How finished quadrants are compressed: time against space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PngCompression {
    /// The least time; files half again as large as with `balanced`.
    Fast,
    /// Little time, little space.
    #[default]
    Balanced,
    /// The least space; many times the time.
    Best,
}

/// The keys of the file.
const KEYS: [&str; 10] = [
    "version",
    "name",
    "generation_dir",
    "source_layer",
    "bounds",
    "model_endpoints",
    "generation_params",
    "canvas",
    "png_compression",
    "created_at",
];

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BoundsEntry {
    min_x: i32,
    min_y: i32,
    max_x: i32,
    max_y: i32,
}

fn write_bounds<S: serde::Serializer>(
    bounds: &Option<Bounds>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    bounds
        .map(|bounds| BoundsEntry {
            min_x: bounds.min().x,
            min_y: bounds.min().y,
            max_x: bounds.max().x,
            max_y: bounds.max().y,
        })
        .serialize(serializer)
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
        Self::of(&parse(path, &read_text(path, remedy)?)?, path)
    }

    fn of(value: &Value, path: &Path) -> Result<(Self, Vec<String>), LayerError> {
        let place = path.display().to_string();
        let mut warnings = Vec::new();
        let unknown_keys = match value.get("version") {
            None | Some(Value::Null) => UnknownKeys::Warn,
            Some(_) => UnknownKeys::Refuse,
        };
        // A newer file may have any keys, so its version comes before them.
        if let Some(version) = value.get("version").and_then(Value::as_u64)
            && version > VERSION
        {
            return Err(LayerError::NewerVersion {
                path: path.to_owned(),
                version,
                supported: VERSION,
            });
        }
        let fields = Fields::of(value, &place, &KEYS, unknown_keys, &mut warnings)?;
        let bounds = match fields.optional::<BoundsEntry>("bounds")? {
            None => None,
            Some(entry) => Some(
                Bounds::new(
                    Quadrant::new(entry.min_x, entry.min_y),
                    Quadrant::new(entry.max_x, entry.max_y),
                )
                .map_err(|error| fields.bad("bounds", error.to_string()))?,
            ),
        };
        let model_endpoints = match fields.get("model_endpoints") {
            None => Vec::new(),
            Some(list) => endpoints_of(
                list,
                &format!("{place}: model_endpoints"),
                unknown_keys,
                &mut warnings,
            )?,
        };
        let canvas = match fields.get("canvas") {
            None => CanvasConfig::default(),
            Some(canvas) => CanvasConfig::of(
                canvas,
                &format!("{place}: canvas"),
                unknown_keys,
                &mut warnings,
            )?,
        };
        let generation_params = match fields.get("generation_params") {
            None => Map::new(),
            Some(Value::Object(params)) => params.clone(),
            Some(other) => {
                return Err(fields.bad(
                    "generation_params",
                    format!("here must be an object, and there is {}", kind(other)),
                ));
            }
        };
        let generation_dir: PathBuf = fields.required("generation_dir")?;
        if generation_dir.as_os_str().is_empty() {
            return Err(fields.bad(
                "generation_dir",
                "it is empty; it names the directory that holds quadrants.db",
            ));
        }
        let config = Self {
            version: fields.optional("version")?,
            name: fields
                .optional("name")?
                .unwrap_or_else(|| directory_name(path)),
            generation_dir,
            source_layer: fields.optional("source_layer")?.unwrap_or_default(),
            bounds,
            model_endpoints,
            generation_params,
            canvas,
            png_compression: fields.optional("png_compression")?.unwrap_or_default(),
            created_at: fields.optional("created_at")?,
        };
        Ok((config, warnings))
    }

    /// The file's text: plain JSON, indented.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("maps have text keys");
        text.push('\n');
        text
    }
}

/// Reads a file that is a JSON object of parameters for the model.
///
/// # Errors
/// [`LayerError`] when the file is missing, does not parse, or is not an object.
pub fn read_params(path: &Path) -> Result<Map<String, Value>, LayerError> {
    let remedy = "--generation-params names a JSON object like {\"num_inference_steps\": 20}";
    match parse(path, &read_text(path, remedy)?)? {
        Value::Object(params) => Ok(params),
        other => Err(LayerError::WrongType {
            place: path.display().to_string(),
            expected: "an object of parameters {\"num_inference_steps\": 20, …}",
            found: kind(&other),
        }),
    }
}

/// Reads a text file; `remedy` says what to do when it is not there.
pub(crate) fn read_text(path: &Path, remedy: &'static str) -> Result<String, LayerError> {
    std::fs::read_to_string(path).map_err(|source| {
        if source.kind() == std::io::ErrorKind::NotFound {
            LayerError::Missing {
                path: path.to_owned(),
                remedy,
            }
        } else {
            LayerError::Io {
                action: "read",
                path: path.to_owned(),
                source,
            }
        }
    })
}

/// Parses JSON in which `//` comments are accepted.
pub(crate) fn parse(path: &Path, text: &str) -> Result<Value, LayerError> {
    let syntax = |reason: String| LayerError::Syntax {
        path: path.to_owned(),
        reason,
    };
    // A byte order mark is what some editors on Windows begin a file with.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(syntax("the file is empty".to_owned()));
    }
    let options = jsonc_parser::ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    jsonc_parser::parse_to_serde_value(text, &options).map_err(|error| syntax(error.to_string()))
}

fn directory_name(config: &Path) -> String {
    config.parent().and_then(Path::file_name).map_or_else(
        || "layer".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}
