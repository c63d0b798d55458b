//! How `accept` stands in the file.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::{AcceptConfig, Check, DEFAULT_TRIES, MOST_TRIES};

/// The object as it stands in the file.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct AcceptEntry {
    #[serde(skip_serializing_if = "is_default::<0>", serialize_with = "write")]
    #[serde(deserialize_with = "read::<_, 0>")]
    #[schemars(
        schema_with = "limit::<0>",
        description = "The share of what the source draws that the answer, nearly of one colour, does not."
    )]
    solid: Option<f64>,
    #[serde(skip_serializing_if = "is_default::<1>", serialize_with = "write")]
    #[serde(deserialize_with = "read::<_, 1>")]
    #[schemars(
        schema_with = "limit::<1>",
        description = "How much the answer is like the source: the input came back."
    )]
    unchanged: Option<f64>,
    #[serde(skip_serializing_if = "is_default::<2>", serialize_with = "write")]
    #[serde(deserialize_with = "read::<_, 2>")]
    #[schemars(
        schema_with = "limit::<2>",
        description = "The share of the border's line that still has its colour, along the worst side."
    )]
    border_left: Option<f64>,
    #[serde(skip_serializing_if = "is_default::<3>", serialize_with = "write")]
    #[serde(deserialize_with = "read::<_, 3>")]
    #[schemars(
        schema_with = "limit::<3>",
        description = "So many pixels the drawing lies aside from the source's edges."
    )]
    drift: Option<f64>,
    #[serde(skip_serializing_if = "is_default::<4>", serialize_with = "write")]
    #[serde(deserialize_with = "read::<_, 4>")]
    #[schemars(
        schema_with = "limit::<4>",
        description = "So many levels its colours are off what the layer has for sources like this."
    )]
    color: Option<f64>,
    #[serde(skip_serializing_if = "is_default::<5>", serialize_with = "write")]
    #[serde(deserialize_with = "read::<_, 5>")]
    #[schemars(
        schema_with = "limit::<5>",
        description = "The step along an edge to a finished neighbour: 0 as beside it, 1 as between any two pictures."
    )]
    seam: Option<f64>,
    #[serde(skip_serializing_if = "is_default_tries", deserialize_with = "tries")]
    #[schemars(
        range(min = 1, max = MOST_TRIES),
        description = "How many answers that are not good enough a block gets before it fails."
    )]
    tries: u32,
}

impl Default for AcceptEntry {
    fn default() -> Self {
        AcceptConfig::default().into()
    }
}

impl From<AcceptConfig> for AcceptEntry {
    fn from(config: AcceptConfig) -> Self {
        let AcceptConfig {
            solid,
            unchanged,
            border_left,
            drift,
            color,
            seam,
            tries,
        } = config;
        Self {
            solid,
            unchanged,
            border_left,
            drift,
            color,
            seam,
            tries,
        }
    }
}

impl From<AcceptEntry> for AcceptConfig {
    fn from(entry: AcceptEntry) -> Self {
        let AcceptEntry {
            solid,
            unchanged,
            border_left,
            drift,
            color,
            seam,
            tries,
        } = entry;
        Self {
            solid,
            unchanged,
            border_left,
            drift,
            color,
            seam,
            tries,
        }
    }
}

impl Serialize for AcceptConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if *self == Self::OFF {
            serializer.serialize_bool(false)
        } else {
            AcceptEntry::from(*self).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for AcceptConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AllOrEach)
    }
}

impl JsonSchema for AcceptConfig {
    fn schema_name() -> Cow<'static, str> {
        "AcceptConfig".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let each = generator.subschema_for::<AcceptEntry>();
        json_schema!({"anyOf": [{"type": "boolean"}, each]})
    }
}

/// What may stand for the limit of the check at `CHECK` of [`Check::ALL`].
fn limit<const CHECK: usize>(_: &mut SchemaGenerator) -> Schema {
    let most = Check::ALL[CHECK].most();
    json_schema!({
        "anyOf": [
            {"type": "boolean"},
            {"type": "number", "exclusiveMinimum": 0, "maximum": most},
        ],
        "default": Check::ALL[CHECK].default_limit(),
    })
}

/// `false`, `true`, or a limit for each.
struct AllOrEach;

impl<'de> Visitor<'de> for AllOrEach {
    type Value = AcceptConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false or an object {…}")
    }

    fn visit_bool<E: Error>(self, is_on: bool) -> Result<AcceptConfig, E> {
        Ok(if is_on {
            AcceptConfig::default()
        } else {
            AcceptConfig::OFF
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AcceptConfig, A::Error> {
        AcceptEntry::deserialize(MapAccessDeserializer::new(map)).map(Into::into)
    }
}

/// `false`, `true`, or a number.
struct Limit(Check);

impl Visitor<'_> for Limit {
    type Value = Option<f64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number up to {}, true or false", self.0.most())
    }

    fn visit_bool<E: Error>(self, is_on: bool) -> Result<Option<f64>, E> {
        Ok(is_on.then(|| self.0.default_limit()))
    }

    fn visit_f64<E: Error>(self, limit: f64) -> Result<Option<f64>, E> {
        // A limit of 0 would refuse everything, where who writes it most likely means `false`.
        if limit > 0.0 && limit <= self.0.most() {
            Ok(Some(limit))
        } else {
            let most = self.0.most();
            Err(E::custom(format!(
                "must be false, or above 0 and at most {most}, not {limit}"
            )))
        }
    }

    fn visit_u64<E: Error>(self, limit: u64) -> Result<Option<f64>, E> {
        self.visit_f64(limit as f64)
    }

    fn visit_i64<E: Error>(self, limit: i64) -> Result<Option<f64>, E> {
        self.visit_f64(limit as f64)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<f64>, E> {
        Err(E::invalid_type(Unexpected::Str(text), &self))
    }
}

/// Reads the limit of the check that stands at `CHECK` of [`Check::ALL`].
fn read<'de, D: Deserializer<'de>, const CHECK: usize>(
    deserializer: D,
) -> Result<Option<f64>, D::Error> {
    deserializer.deserialize_any(Limit(Check::ALL[CHECK]))
}

fn write<S: Serializer>(limit: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match limit {
        Some(limit) => serializer.serialize_f64(*limit),
        None => serializer.serialize_bool(false),
    }
}

fn is_default<const CHECK: usize>(limit: &Option<f64>) -> bool {
    *limit == Some(Check::ALL[CHECK].default_limit())
}

fn tries<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        tries if (1..=MOST_TRIES).contains(&tries) => Ok(tries),
        other => Err(D::Error::custom(format!(
            "must be within 1 and {MOST_TRIES}, not {other}"
        ))),
    }
}

fn is_default_tries(tries: &u32) -> bool {
    *tries == DEFAULT_TRIES
}
