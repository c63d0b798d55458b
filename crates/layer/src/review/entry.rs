//! Judgements as they stand in the file.

use std::time::{Duration, SystemTime};

use planner::{Block, BlockShape, Quadrant};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Judgement, Verdict};
use crate::timestamp_ms;

/// So long a note, and what is added to a prompt, may be.
const MAX_TEXT_BYTES: usize = 4096;

/// The file.
#[derive(Serialize, Deserialize)]
pub(super) struct Content {
    pub(super) version: u64,
    pub(super) judgements: Vec<Judgement>,
}

/// A judgement as it stands in the file.
#[derive(Serialize, Deserialize)]
pub(super) struct Entry {
    x: i32,
    y: i32,
    shape: String,
    verdict: Verdict,
    #[serde(
        default,
        skip_serializing_if = "String::is_empty",
        deserialize_with = "plain_text"
    )]
    note: String,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "plain_text_if_any"
    )]
    prompt: Option<String>,
    #[serde(serialize_with = "write_time", deserialize_with = "read_time")]
    at: SystemTime,
}

pub(super) fn known_keys(path: &str) -> &'static [&'static str] {
    match path {
        "" => &["version", "judgements"],
        path if path.ends_with(']') => &["x", "y", "shape", "verdict", "note", "prompt", "at"],
        _ => &["from", "version"],
    }
}

impl TryFrom<Entry> for Judgement {
    type Error = String;

    fn try_from(entry: Entry) -> Result<Self, String> {
        let shapes = BlockShape::ALL.into_iter();
        let shape = shapes
            .clone()
            .find(|shape| shape.name() == entry.shape)
            .ok_or_else(|| {
                let names: Vec<_> = shapes.map(|shape| format!("{:?}", shape.name())).collect();
                format!("must have a shape that is one of {}", names.join(", "))
            })?;
        Ok(Self {
            block: Block::new(shape, entry.x, entry.y),
            verdict: entry.verdict,
            note: entry.note,
            prompt: entry.prompt,
            at: entry.at,
        })
    }
}

impl From<Judgement> for Entry {
    fn from(judgement: Judgement) -> Self {
        let Quadrant { x, y } = judgement.block.top_left;
        Self {
            x,
            y,
            shape: judgement.block.shape.name().to_owned(),
            verdict: judgement.verdict,
            note: judgement.note,
            prompt: judgement.prompt,
            at: judgement.at,
        }
    }
}

/// A text of one line, of a length that a person writes.
fn plain_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.len() > MAX_TEXT_BYTES {
        let (most, found) = (MAX_TEXT_BYTES, text.len());
        return Err(D::Error::custom(format!(
            "must have at most {most} bytes, and has {found}"
        )));
    }
    // It is shown on terminals.
    if text.chars().any(char::is_control) {
        return Err(D::Error::custom(
            "must have no line breaks or other control characters",
        ));
    }
    Ok(text.trim().to_owned())
}

fn plain_text_if_any<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Text(#[serde(deserialize_with = "plain_text")] String);
    let text = Option::<Text>::deserialize(deserializer)?.map(|Text(text)| text);
    Ok(text.filter(|text| !text.is_empty()))
}

fn write_time<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&timestamp_ms(*time))
}

fn read_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    let time = humantime::parse_rfc3339(&text)
        .map_err(|_| D::Error::custom("must be a time like 2026-11-22T14:03:00.000Z"))?;
    Ok(to_the_millisecond(time))
}

/// A time as the file has it.
fn to_the_millisecond(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    let ms = since.map_or(0, |since| since.as_millis() as u64);
    SystemTime::UNIX_EPOCH + Duration::from_millis(ms)
}
