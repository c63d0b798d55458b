//! Parts of the schema that follow from how a value is read, and not from its type.

use schemars::{Schema, SchemaGenerator, json_schema};
use source_map::{Mark, SourceLayer};

use crate::Filter;
use crate::price::MOST;

/// All but line breaks and other control characters.
const NO_CONTROLS: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
const WORDS: &str = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";
/// A variable's name, of whose parts none has 16 letters and digits as keys have them.
const VARIABLE: &str = concat!(
    r"^(?!(?:.*_)?(?=[A-Za-z0-9]{16})[A-Za-z0-9][A-Za-z]*[0-9])",
    r"(?!(?:.*_)?(?=[A-Za-z0-9]{16})[A-Za-z0-9](?=[A-Za-z0-9]*[a-z])[A-Za-z0-9]*[A-Z])",
    r"[A-Za-z_][A-Za-z0-9_]*$",
);

/// A name without control characters.
pub(crate) fn name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": NO_CONTROLS})
}

/// A name that is not blank either.
pub(crate) fn words(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": WORDS})
}

/// A path.
pub(crate) fn directory(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "minLength": 1})
}

/// The name of an environment variable.
pub(crate) fn variable(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": VARIABLE})
}

/// Which pictures of the source.
pub(crate) fn source_layer(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": SourceLayer::ALL.map(SourceLayer::name)})
}

/// An endpoint's address.
pub(crate) fn url(_: &mut SchemaGenerator) -> Schema {
    let filters = Filter::ALL.map(Filter::name);
    let server = r"^[Hh][Tt][Tt][Pp][Ss]?://.";
    json_schema!({
        "type": "string",
        "anyOf": [
            {"enum": filters.map(|filter| format!("builtin:{filter}"))},
            {"pattern": server},
        ],
    })
}

/// What an endpoint costs.
pub(crate) fn price(_: &mut SchemaGenerator) -> Schema {
    let one = |key: &str| {
        json_schema!({
            "type": "object",
            "properties": {key: {"type": "number", "minimum": 0, "maximum": MOST}},
            "required": [key],
            "additionalProperties": false,
        })
    };
    json_schema!({"anyOf": [one("per_call"), one("per_hour")]})
}

/// A currency's name or sign.
pub(crate) fn currency(_: &mut SchemaGenerator) -> Schema {
    let pattern = r"^[^\s\u0000-\u001f\u007f-\u009f]{1,8}$";
    json_schema!({"type": "string", "pattern": pattern, "default": "USD"})
}

/// What a source says of its quadrants.
pub(crate) fn mark(_: &mut SchemaGenerator) -> Schema {
    let water_type = Mark::WATER_TYPE;
    json_schema!({
        "anyOf": [
            {"enum": [Mark::IS_WATER, water_type]},
            {
                "type": "object",
                "properties": {water_type: {"type": "string", "minLength": 1}},
                "required": [water_type],
                "additionalProperties": false,
            },
        ],
    })
}

/// How many calls at a time.
pub(crate) fn max_concurrent(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "anyOf": [
            {"enum": ["auto"]},
            {"type": "integer", "minimum": 1, "maximum": u32::MAX},
        ],
    })
}

/// How a canvas is encoded.
pub(crate) fn image_format(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "anyOf": [
            {"enum": ["png", "jpeg"]},
            {
                "type": "object",
                "properties": {"jpeg": {"type": "integer", "minimum": 1, "maximum": 100}},
                "required": ["jpeg"],
                "additionalProperties": false,
            },
        ],
    })
}

/// Where a header's value comes from.
pub(crate) fn headers(generator: &mut SchemaGenerator) -> Schema {
    let variable = variable(generator);
    json_schema!({
        "type": "object",
        "additionalProperties": {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "properties": {"env": variable},
                    "required": ["env"],
                    "additionalProperties": false,
                },
            ],
        },
    })
}

/// A colour.
pub(crate) fn color(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": "^#[0-9a-fA-F]{6}$"})
}
