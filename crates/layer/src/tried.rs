//! Settings that are tried on a part of a layer: `model=flux-2, prompt="snow, at night"`.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::{EndpointConfig, LayerConfig};

/// Settings under the names of `generation_params`, to be laid over what a layer's endpoints are told.
/// Written as they are read: any of them come back the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried(Map<String, Value>);

/// Keys of a layer's configuration that say nothing to a model: to try them is not what a pilot does.
const NOT_TOLD: [&str; 14] = [
    "accept",
    "bounds",
    "canvas",
    "currency",
    "generation_dir",
    "generation_params",
    "max_calls",
    "max_cost",
    "model_endpoints",
    "order",
    "png_compression",
    "source_layer",
    "storage",
    "uniform",
];

/// Why a text is no settings, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{reason}{}; settings are written as in model=flux-2, prompt=\"snow, at night\", num_inference_steps=20",
    place(*at, found)
)]
pub struct TriedError {
    reason: String,
    /// The character that it is at, from 1.
    at: usize,
    /// What stands there.
    found: String,
}

impl Tried {
    /// These settings, as they were recorded.
    #[must_use]
    pub const fn of(settings: Map<String, Value>) -> Self {
        Self(settings)
    }

    /// The settings by their names, in the order in which they were given.
    #[must_use]
    pub fn settings(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The names of what an endpoint says itself and these settings are laid over: in `generation_params`
    /// they would not be.
    #[must_use]
    pub fn own_of(&self, endpoint: &EndpointConfig) -> Vec<String> {
        let own = self.0.keys().filter(|key| {
            let is_own_param = endpoint.params.keys().any(|own| is_same(own, key));
            match key.as_str() {
                "prompt" => endpoint.prompt.is_some() || is_own_param,
                "model" => endpoint.model.is_some() || is_own_param,
                _ => is_own_param,
            }
        });
        own.cloned().collect()
    }

    /// The same configuration with these settings in `generation_params`, and nothing of an endpoint's
    /// own over them.
    #[must_use]
    pub fn over(&self, config: &LayerConfig) -> LayerConfig {
        let mut config = config.clone();
        for (key, value) in &self.0 {
            config.generation_params.retain(|own, _| !is_same(own, key));
            let params = &mut config.generation_params;
            params.insert(key.clone(), value.clone());
            for endpoint in &mut config.model_endpoints {
                put_over(endpoint, key, value);
            }
        }
        config
    }
}

/// An endpoint may have words of its own for what is tried.
fn put_over(endpoint: &mut EndpointConfig, key: &str, value: &Value) {
    let had = endpoint.params.len();
    endpoint.params.retain(|own, _| !is_same(own, key));
    match key {
        "prompt" => endpoint.prompt = None,
        "model" => endpoint.model = None,
        // What a layer says to all is not said to each of them; what stands with one is.
        _ if endpoint.params.len() < had => {
            endpoint.params.insert(key.to_owned(), value.clone());
        }
        _ => {}
    }
}

/// Whether two names are of one setting: servers take some in `snake_case` and in `camelCase`, and
/// have a word of their own for the number of steps.
fn is_same(one: &str, other: &str) -> bool {
    let plain = |name: &str| -> String {
        let letters = name.chars().filter(|&letter| letter != '_');
        letters.flat_map(char::to_lowercase).collect()
    };
    let plain = |name: &str| match plain(name) {
        steps if steps == "steps" => "numinferencesteps".to_owned(),
        plain => plain,
    };
    plain(one) == plain(other)
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            match is_name(key) {
                true => f.write_str(key)?,
                false => write!(f, "{}", Value::from(key.as_str()))?,
            }
            match value {
                Value::String(text) if is_plain(text) => write!(f, "={text}")?,
                value => write!(f, "={value}")?,
            }
        }
        Ok(())
    }
}

/// Whether a text needs no quotes.
fn is_plain(text: &str) -> bool {
    let is_plain = |letter: char| letter.is_alphanumeric() || " ._-/:;()'!?".contains(letter);
    !text.is_empty()
        && text.trim() == text
        && text.chars().all(is_plain)
        && serde_json::from_str::<Value>(text).is_err()
}

fn is_name(key: &str) -> bool {
    !key.is_empty() && key.chars().all(is_of_name)
}

fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || "_-.".contains(letter)
}

fn place(at: usize, found: &str) -> String {
    match found {
        "" => " at its end".to_owned(),
        found => format!(" at character {at}, where it goes on with {found:?}"),
    }
}

impl FromStr for Tried {
    type Err = TriedError;

    fn from_str(text: &str) -> Result<Self, TriedError> {
        let mut settings = Map::new();
        let mut rest = text.trim_start();
        loop {
            let bad = |rest: &str, reason: String| TriedError {
                reason,
                at: 1 + text[..text.len() - rest.len()].chars().count(),
                found: rest.chars().take(20).collect(),
            };
            let before = rest;
            let (key, after) = read_key(rest).ok_or_else(|| {
                let reason = match text.trim() {
                    "" => "there is no setting in it",
                    _ => "there is no name of a setting",
                };
                bad(before, reason.to_owned())
            })?;
            rest = after.trim_start();
            rest = rest.strip_prefix('=').ok_or_else(|| {
                let reason = format!("after the name {key} there must be =, and its value,");
                bad(rest, reason)
            })?;
            rest = rest.trim_start();
            let (value, after) = read_value(rest).map_err(|(reason, after)| {
                let reason = format!("the value of {key} {reason}");
                bad(after, reason)
            })?;
            if settings.keys().any(|other| is_same(other, &key)) {
                return Err(bad(before, format!("{key} is given twice, again")));
            }
            if NOT_TOLD.contains(&key.as_str()) {
                let reason = format!(
                    "{key} is a key of the layer's configuration, and what is tried is what a model is told; it stands"
                );
                return Err(bad(before, reason));
            }
            settings.insert(key, value);
            rest = after.trim_start();
            if rest.is_empty() {
                return Ok(Self(settings));
            }
            // A value ends where another setting begins, or the text.
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        }
    }
}

/// The name of a setting at the beginning of `text`, and what follows it.
fn read_key(text: &str) -> Option<(String, &str)> {
    if text.starts_with('"') {
        let (key, after) = read_quoted(text)?;
        return (!key.is_empty()).then_some((key, after));
    }
    let end = text.find(|letter| !is_of_name(letter));
    let (key, after) = text.split_at(end.unwrap_or(text.len()));
    (!key.is_empty()).then(|| (key.to_owned(), after))
}

/// The value at the beginning of `text`, and what follows it: nothing, or a comma. The error is why
/// there is none, and where.
fn read_value(text: &str) -> Result<(Value, &str), (&'static str, &str)> {
    let (value, after) = match text.chars().next() {
        Some('"') => {
            let (quoted, after) = read_quoted(text).ok_or((
                "has no closing quote, or what stands in it is no JSON,",
                text,
            ))?;
            (Value::from(quoted), after)
        }
        Some('[' | '{') => {
            let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
            let value = values.next().and_then(Result::ok);
            let value = value.ok_or((
                "begins like JSON and is none; quote it if it is a text,",
                text,
            ))?;
            (value, &text[values.byte_offset()..])
        }
        _ => {
            let (plain, after) = text.split_at(end_of_plain(text));
            let plain = plain.trim_end();
            if plain.ends_with(',') {
                return Err(("ends with a comma; quote it if that belongs to it,", after));
            }
            let value = serde_json::from_str(plain);
            (value.unwrap_or_else(|_| plain.into()), after)
        }
    };
    let next = after.trim_start();
    match next.is_empty() || next.starts_with(',') {
        true => Ok((value, after)),
        false => Err(("must be followed by a comma or nothing, and is not,", next)),
    }
}

/// Where a value without quotes ends: before the comma after which another setting begins.
fn end_of_plain(text: &str) -> usize {
    let mut commas = text.match_indices(',');
    let ends = commas.find(|&(at, _)| {
        let next = read_key(text[at + 1..].trim_start());
        next.is_some_and(|(_, after)| after.trim_start().starts_with('='))
    });
    ends.map_or(text.len(), |(at, _)| at)
}

/// The quoted text at the beginning of `text`, with the escapes of JSON, and what follows it.
fn read_quoted(text: &str) -> Option<(String, &str)> {
    let mut is_escaped = false;
    let end = text.char_indices().skip(1).find(|&(_, letter)| {
        let ends = letter == '"' && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        ends
    })?;
    let (quoted, after) = text.split_at(end.0 + 1);
    // On a command line a line break is one.
    let quoted = quoted
        .replace('\n', "\\n")
        .replace('\r', "\\r")
        .replace('\t', "\\t");
    Some((serde_json::from_str(&quoted).ok()?, after))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Value {
        let tried: Tried = text
            .parse()
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        tried.settings().clone().into()
    }

    #[test]
    fn what_is_not_told_are_the_keys_of_a_layer_that_no_model_takes() {
        let schema: Value = serde_json::from_str(&crate::config_schema()).unwrap();
        let mut keys: Vec<&str> = schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .map(|key| &**key)
            .collect();
        // A model may have words of its own for these.
        keys.retain(|key| !["$schema", "created_at", "name", "seed", "version"].contains(key));
        keys.sort_unstable();
        assert_eq!(keys, NOT_TOLD);
    }

    #[test]
    fn values_are_texts_unless_they_are_json() {
        for (text, settings) in [
            ("model=flux-2", json!({"model": "flux-2"})),
            (
                "model=flux-2, prompt=\"snow, at night\", num_inference_steps=20",
                json!({"model": "flux-2", "prompt": "snow, at night", "num_inference_steps": 20}),
            ),
            ("prompt=snow, at night", json!({"prompt": "snow, at night"})),
            (
                "prompt=snow, at night,steps=2 , a = b",
                json!({"prompt": "snow, at night", "steps": 2, "a": "b"}),
            ),
            (
                r#"prompt="a \"b\" \\ , c=d""#,
                json!({"prompt": r#"a "b" \ , c=d"#}),
            ),
            ("prompt=\"two\nlines\"", json!({"prompt": "two\nlines"})),
            ("prompt=two\nlines", json!({"prompt": "two\nlines"})),
            ("prompt=a = b, or c", json!({"prompt": "a = b, or c"})),
            (
                "a=true,b=null,c=-1.5e3,d=[\"x\", {\"y\": 1}],e={\"f\": [], \"g\": \"h, i=j\"}",
                json!({"a": true, "b": null, "c": -1500.0, "d": ["x", {"y": 1}], "e": {"f": [], "g": "h, i=j"}}),
            ),
            (
                "a=007, b=\"20\", c=True",
                json!({"a": "007", "b": "20", "c": "True"}),
            ),
            (
                "negative_prompt=, a=1",
                json!({"negative_prompt": "", "a": 1}),
            ),
            ("negative_prompt=", json!({"negative_prompt": ""})),
            (
                "\"image[]\"=x, \"a b\" = y",
                json!({"image[]": "x", "a b": "y"}),
            ),
            ("Größe=1", json!({"Größe": 1})),
        ] {
            assert_eq!(read(text), settings, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_told_and_where() {
        for (text, said) in [
            ("", "there is no setting in it"),
            (" \n", "there is no setting in it"),
            ("prompt", "after the name prompt there must be ="),
            (
                "prompt snow",
                "at character 8, where it goes on with \"snow\"",
            ),
            ("=snow", "no name of a setting at character 1"),
            (",a=1", "no name of a setting at character 1"),
            ("a=1,", "ends with a comma"),
            ("a=\"1\",", "no name of a setting at its end"),
            ("a=1, a=2", "a is given twice, again at character 6"),
            (
                "a=1, canvas=infill",
                "canvas is a key of the layer's configuration, and what is tried is what a model is told; it stands at character 6",
            ),
            ("steps=1, num_inference_steps=2", "is given twice"),
            ("guidanceScale=1, guidance_scale=2", "is given twice"),
            ("prompt=\"snow", "the value of prompt has no closing quote"),
            ("prompt=\"\\x\"", "no JSON"),
            (
                "prompt=\"snow\" fall, a=1",
                "followed by a comma or nothing, and is not, at character 15",
            ),
            ("a=[1, 2", "begins like JSON and is none"),
            ("a={b}", "begins like JSON and is none"),
            ("a=[1] 2", "followed by a comma"),
            ("ä=\"ö\" x", "at character 7, where it goes on with \"x\""),
        ] {
            let error = text.parse::<Tried>().expect_err(text).to_string();
            assert!(error.contains(said), "{text}: {error}");
            assert!(error.contains("as in model=flux-2"), "{error}");
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let plain = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<i32>().prop_map(|n| (f64::from(n) / 8.0).into()),
            ".*".prop_map(Value::from),
            "[a-z0-9 ,=\"\\\\{}\\[\\].-]{0,12}".prop_map(Value::from),
        ];
        plain.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((".*", inner), 0..4)
                    .prop_map(|pairs| Map::from_iter(pairs).into()),
            ]
        })
    }

    proptest! {
        #[test]
        fn settings_are_read_as_they_are_written(
            pairs in prop::collection::vec((prop_oneof!["[a-z_]{1,9}", ".+"], values()), 1..6)
        ) {
            let mut settings = Map::new();
            for (key, value) in pairs {
                if !settings.keys().any(|other| is_same(other, &key)) {
                    settings.insert(key, value);
                }
            }
            let tried = Tried(settings);
            let written = tried.to_string();
            prop_assert_eq!(written.parse::<Tried>(), Ok(tried), "{}", written);
        }

        #[test]
        fn no_text_is_too_much(text in ".*", odd in "[a=\", \\\\{}\\[\\]1ä]{0,16}") {
            let _ = text.parse::<Tried>();
            let _ = odd.parse::<Tried>();
        }
    }
}
