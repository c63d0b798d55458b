//! Configuration files, read by serde: a key or a value that cannot be used is named by its place
//! and in the words of the file.

use std::path::Path;

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::CstRootNode;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::{Segment, Track};

use crate::LayerError;

/// What to do with a key that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnknownKeys {
    /// An error that names the nearest known key.
    Refuse,
    /// A warning, for files made by other tools.
    Warn,
}

/// The keys that the object at a path may have.
pub(crate) type KnownKeys = fn(&str) -> &'static [&'static str];

/// The `T` that stands in `file`, and warnings. A key whose value is null counts as absent.
pub(crate) fn read<T: DeserializeOwned>(
    mut value: Value,
    file: &Path,
    unknown_keys: UnknownKeys,
    known_keys: KnownKeys,
) -> Result<(T, Vec<String>), LayerError> {
    tidy(&mut value, "", known_keys).map_err(|path| LayerError::BadValue {
        place: place(file, &path),
        reason: "must be an object {…}, not a list".to_owned(),
    })?;
    let mut unknown = Vec::new();
    let mut track = Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&value, &mut track);
    let read: Result<T, _> = serde_ignored::deserialize(tracked, |path| {
        if let serde_ignored::Path::Map { parent, key } = path {
            let parent = path_of(parent);
            unknown.push(LayerError::UnknownKey {
                place: place(file, &parent),
                nearest: nearest(&key, known_keys(&parent)),
                key,
            });
        }
    });
    // The key that is missing may be the one that is not known.
    if unknown_keys == UnknownKeys::Refuse && !unknown.is_empty() {
        return Err(unknown.remove(0));
    }
    match read {
        Ok(read) => Ok((read, unknown.iter().map(ToString::to_string).collect())),
        Err(error) => Err(refusal(file, &track.path(), &value, &error.to_string())),
    }
}

/// The object that the file is; `expected` says what belongs there.
pub(crate) fn object(
    value: Value,
    file: &Path,
    expected: &str,
) -> Result<Map<String, Value>, LayerError> {
    match value {
        Value::Object(map) => Ok(map),
        other => Err(LayerError::BadValue {
            place: place(file, ""),
            reason: format!("must be {expected}, not {}", shown(&other)),
        }),
    }
}

/// Where `path` is in `file`: `ends.json[1].url`, `layer_config.json: canvas.mode`.
pub(crate) fn place(file: &Path, path: &str) -> String {
    let separator = if path.is_empty() || path.starts_with('[') {
        ""
    } else {
        ": "
    };
    format!("{}{separator}{path}", file.display())
}

/// Takes out the keys whose value is null. The error is a place where a list stands for an object,
/// which serde would read by the order of the keys.
fn tidy(value: &mut Value, path: &str, known_keys: KnownKeys) -> Result<(), String> {
    match value {
        Value::Array(entries) if matches!(path, "" | "model_endpoints") => entries
            .iter_mut()
            .enumerate()
            .try_for_each(|(index, entry)| tidy(entry, &format!("{path}[{index}]"), known_keys)),
        Value::Array(_) => Err(path.to_owned()),
        Value::Object(map) => {
            let known = known_keys(path);
            map.retain(|key, value| !value.is_null() || !known.contains(&key.as_str()));
            ["accept", "bounds", "canvas", "model_endpoints", "uniform"]
                .iter()
                .try_for_each(|key| {
                    map.get_mut(*key)
                        .map_or(Ok(()), |value| tidy(value, key, known_keys))
                })
        }
        _ => Ok(()),
    }
}

/// The known key that `key` was most likely meant to be.
fn nearest(key: &str, known: &[&str]) -> String {
    let distance = |known: &&&str| strsim::damerau_levenshtein(key, known);
    known.iter().min_by_key(distance).unwrap_or(&"").to_string()
}

fn path_of(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => format!("{}[{index}]", path_of(parent)),
        Path::Map { parent, key } => match path_of(parent).as_str() {
            "" => key.clone(),
            parent => format!("{parent}.{key}"),
        },
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => path_of(parent),
    }
}

/// What serde refused at `path` of `root`, in the words of the file.
fn refusal(file: &Path, path: &serde_path_to_error::Path, root: &Value, said: &str) -> LayerError {
    let text = if path.iter().len() == 0 {
        String::new()
    } else {
        path.to_string()
    };
    let place = place(file, &text);
    if let Some(key) = said.strip_prefix("missing field `") {
        return LayerError::MissingKey {
            place,
            key: key.trim_end_matches('`').to_owned(),
        };
    }
    // What does not begin like this are the words of a check of our own.
    let is_serdes = said.starts_with("invalid ") || said.starts_with("unknown variant ");
    let reason = match said.rsplit_once("expected ").filter(|_| is_serdes) {
        Some((_, expected)) => {
            let found = path.iter().try_fold(root, |value, segment| match segment {
                Segment::Seq { index } => value.get(index),
                Segment::Map { key } | Segment::Enum { variant: key } => value.get(key),
                Segment::Unknown => None,
            });
            let found = found.unwrap_or(&Value::Null);
            format!("must be {}, not {}", wanted(expected, found), shown(found))
        }
        None => said.to_owned(),
    };
    LayerError::BadValue { place, reason }
}

/// What serde expects, in the words of the file.
fn wanted(expected: &str, found: &Value) -> String {
    let is_whole = found.is_i64() || found.is_u64();
    let words = match expected {
        "i32" if is_whole => "a whole number from -2147483648 to 2147483647",
        "u32" if is_whole => "a whole number from 0 to 4294967295",
        "u64" if is_whole => "a whole number that is not negative",
        "i32" | "u32" | "u64" => "a whole number",
        "f64" => "a number",
        "a nonzero u32" | "a nonzero u64" => "a whole number greater than 0",
        "a string" | "path string" | "string or map" | "map with a single key" | "unit" => "a text",
        "a map" => "an object {…}",
        _ if expected.starts_with("struct ") => "an object {…}",
        "a sequence" => "a list of endpoints [{\"name\": …, \"url\": …}, …]",
        names => return names.replace('`', "\""),
    };
    words.to_owned()
}

/// A value as a message shows it. A long text may be a key, and is not repeated.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.chars().count() > 16 => "the text that is there".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        scalar => scalar.to_string(),
    }
}

/// Reads a text file; `remedy` says what to do when it is not there.
pub(crate) fn read_text(path: &Path, remedy: &'static str) -> Result<String, LayerError> {
    std::fs::read_to_string(path).map_err(|reason| {
        if reason.kind() == std::io::ErrorKind::NotFound {
            LayerError::Missing {
                path: path.to_owned(),
                remedy,
            }
        } else {
            LayerError::Io {
                action: "read",
                path: path.to_owned(),
                reason,
            }
        }
    })
}

/// The same where it must be a file: whoever opens a pipe waits for who writes to it.
pub(crate) fn read_file_text(path: &Path, remedy: &'static str) -> Result<String, LayerError> {
    match std::fs::metadata(path) {
        Ok(about) if !about.is_file() => Err(LayerError::BadValue {
            place: place(path, ""),
            reason: "is no regular file".to_owned(),
        }),
        _ => read_text(path, remedy),
    }
}

/// Parses JSON in which `//` comments are accepted.
pub(crate) fn parse(path: &Path, text: &str) -> Result<Value, LayerError> {
    let syntax = |reason: String| LayerError::Syntax {
        path: path.to_owned(),
        reason,
    };
    let text = without_mark(text);
    if text.trim().is_empty() {
        return Err(syntax("the file is empty".to_owned()));
    }
    jsonc_parser::parse_to_serde_value(text, &OPTIONS).map_err(|error| syntax(error.to_string()))
}

/// Parses JSON in a form that keeps all of its text, to change a part of it.
pub(crate) fn parse_to_edit(path: &Path, text: &str) -> Result<CstRootNode, LayerError> {
    CstRootNode::parse(without_mark(text), &OPTIONS).map_err(|error| LayerError::Syntax {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

/// A byte order mark is what some editors on Windows begin a file with.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

const OPTIONS: ParseOptions = ParseOptions {
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
