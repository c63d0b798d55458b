//! Which answers of a model are good enough to be kept.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// What an answer is looked at for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Check {
    /// It is nearly of one colour where the source is not: the share of what the source draws that
    /// the answer does not, 0 to 1.
    Solid,
    /// The input came back: how much it is like the source, 0 to 1.
    Unchanged,
    /// The border around what was to be drawn is still there: the share of its line along the
    /// worst side of a quadrant, 0 to 1.
    BorderLeft,
    /// The drawing lies aside from the source's edges, in pixels.
    Drift,
    /// It is far from the colours that a layer's finished blocks have for a source like this: the
    /// mean distance beyond their own spread, in levels of 0 to 255.
    Color,
    /// The step across an edge to a finished neighbour, as a multiple of those beside the edge.
    Seam,
}

impl Check {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Solid,
        Self::Unchanged,
        Self::BorderLeft,
        Self::Drift,
        Self::Color,
        Self::Seam,
    ];

    /// As the configuration names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Solid => "solid",
            Self::Unchanged => "unchanged",
            Self::BorderLeft => "border_left",
            Self::Drift => "drift",
            Self::Color => "color",
            Self::Seam => "seam",
        }
    }

    /// What is accepted where nothing is said.
    const fn default_limit(self) -> f64 {
        match self {
            Self::Solid => 0.8,
            Self::Unchanged => 0.9,
            Self::BorderLeft => 0.05,
            Self::Drift => 1.5,
            Self::Color => 24.0,
            Self::Seam => 2.5,
        }
    }

    /// The largest limit that has a meaning.
    #[must_use]
    pub const fn most(self) -> f64 {
        match self {
            Self::Solid | Self::Unchanged | Self::BorderLeft => 1.0,
            Self::Drift => 8.0,
            Self::Color => 255.0,
            Self::Seam => 100.0,
        }
    }
}

/// The `accept` of a layer's configuration: the limit of each check, above which an answer is not
/// good enough, and `None` where it is off. In the file `false` is off and `true` the default, for
/// one check as for all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AcceptConfig {
    /// See [`Check::Solid`].
    pub solid: Option<f64>,
    /// See [`Check::Unchanged`].
    pub unchanged: Option<f64>,
    /// See [`Check::BorderLeft`].
    pub border_left: Option<f64>,
    /// See [`Check::Drift`].
    pub drift: Option<f64>,
    /// See [`Check::Color`].
    pub color: Option<f64>,
    /// See [`Check::Seam`].
    pub seam: Option<f64>,
    /// How many answers that are not good enough an item gets before it fails; 1 to 20.
    pub tries: u32,
}

const DEFAULT_TRIES: u32 = 3;
const MOST_TRIES: u32 = 20;

impl AcceptConfig {
    /// Everything is accepted.
    pub const OFF: Self = Self {
        solid: None,
        unchanged: None,
        border_left: None,
        drift: None,
        color: None,
        seam: None,
        tries: DEFAULT_TRIES,
    };

    /// Whether anything is looked for.
    #[must_use]
    pub fn is_on(&self) -> bool {
        Check::ALL.iter().any(|&check| self.limit(check).is_some())
    }

    /// The limit of a check that is on.
    #[must_use]
    pub const fn limit(&self, check: Check) -> Option<f64> {
        match check {
            Check::Solid => self.solid,
            Check::Unchanged => self.unchanged,
            Check::BorderLeft => self.border_left,
            Check::Drift => self.drift,
            Check::Color => self.color,
            Check::Seam => self.seam,
        }
    }

    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for AcceptConfig {
    fn default() -> Self {
        let limit = |check: Check| Some(check.default_limit());
        Self {
            solid: limit(Check::Solid),
            unchanged: limit(Check::Unchanged),
            border_left: limit(Check::BorderLeft),
            drift: limit(Check::Drift),
            color: limit(Check::Color),
            seam: limit(Check::Seam),
            tries: DEFAULT_TRIES,
        }
    }
}

/// The object as it stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct AcceptEntry {
    #[serde(skip_serializing_if = "is_default::<0>", serialize_with = "write")]
    #[serde(deserialize_with = "read::<_, 0>")]
    solid: Option<f64>,
    #[serde(skip_serializing_if = "is_default::<1>", serialize_with = "write")]
    #[serde(deserialize_with = "read::<_, 1>")]
    unchanged: Option<f64>,
    #[serde(skip_serializing_if = "is_default::<2>", serialize_with = "write")]
    #[serde(deserialize_with = "read::<_, 2>")]
    border_left: Option<f64>,
    #[serde(skip_serializing_if = "is_default::<3>", serialize_with = "write")]
    #[serde(deserialize_with = "read::<_, 3>")]
    drift: Option<f64>,
    #[serde(skip_serializing_if = "is_default::<4>", serialize_with = "write")]
    #[serde(deserialize_with = "read::<_, 4>")]
    color: Option<f64>,
    #[serde(skip_serializing_if = "is_default::<5>", serialize_with = "write")]
    #[serde(deserialize_with = "read::<_, 5>")]
    seam: Option<f64>,
    #[serde(skip_serializing_if = "is_default_tries", deserialize_with = "tries")]
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
