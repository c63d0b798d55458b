//! The schema of `layer_config.json` against what is read: by a validator that knows nothing of either.

mod whole;

use std::collections::BTreeSet;
use std::path::Path;

use jsonschema::Validator;
use layer::{LayerConfig, config_schema};
use serde_json::{Map, Value, json};

use whole::{SECRET, places, whole, wrong_values};

fn schema() -> Value {
    serde_json::from_str(&config_schema()).expect("it is JSON")
}

fn validator() -> Validator {
    jsonschema::draft7::new(&schema()).expect("it is a schema")
}

fn is_read(config: &Value) -> bool {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("layer_config.json");
    std::fs::write(&path, config.to_string()).expect("a file");
    LayerConfig::read(&path).is_ok()
}

/// Asserts that the schema takes what is read and nothing else.
fn assert_agreed(validator: &Validator, config: &Value, case: &str) {
    let errors: Vec<String> = validator
        .iter_errors(config)
        .map(|e| e.to_string())
        .collect();
    assert_eq!(errors.is_empty(), is_read(config), "{case}: {errors:?}");
}

#[test]
fn what_is_read_and_what_is_refused_is_the_same_by_the_schema() {
    let validator = validator();
    assert_agreed(&validator, &whole(), "the whole");
    let mut all = Vec::new();
    places(&whole(), "", &mut all);
    let mut refused = 0;
    for place in &all {
        for value in wrong_values() {
            let mut config = whole();
            *config.pointer_mut(place).expect("it is there") = value.clone();
            // What a schema cannot say: that bounds are not reversed, and names are not given twice.
            let is_reversed = matches!(place.as_str(), "/bounds/max_x" | "/bounds/max_y")
                && value.as_i64().is_some_and(|most| most < 0);
            let is_given_twice = place == "/model_endpoints/1/name" && value == "a";
            if is_reversed || is_given_twice {
                continue;
            }
            refused += usize::from(!validator.is_valid(&config));
            assert_agreed(&validator, &config, &format!("{place} = {value}"));
        }
    }
    assert!(refused > 500, "only {refused} values were refused");
}

#[test]
fn limits_and_names_are_those_of_the_reader() {
    let validator = validator();
    for (place, values) in [
        ("/canvas/border_px", json!([0, 64, 65, -1, 1.5])),
        ("/canvas/match_px", json!([0, 1024, 1025])),
        ("/canvas/noise", json!([0, 1, 0.5, 1.01, -0.1])),
        (
            "/canvas/border_color",
            json!(["#FF00aa", "#ff00a", "ff0000", "#gg0000", "red"]),
        ),
        ("/canvas/mode", json!(["block", "infill", "Infill", ""])),
        (
            "/accept",
            json!([true, false, {}, {"solid": true}, {"solids": 1}, 1, "no"]),
        ),
        (
            "/accept/solid",
            json!([true, false, 0, 0.001, 1, 1.01, "1"]),
        ),
        ("/accept/drift", json!([8, 8.01])),
        ("/accept/color", json!([255, 255.5])),
        ("/accept/seam", json!([10, 10.5])),
        ("/accept/tries", json!([0, 1, 20, 21])),
        (
            "/seed",
            json!([0, 4_294_967_295_u64, 4_294_967_296_u64, -1]),
        ),
        ("/order", json!(["strict", "eager", "Eager", "", true])),
        ("/version", json!([1, 0, 2, "1"])),
        (
            "/bounds/min_x",
            json!([-2_147_483_648_i64, -2_147_483_649_i64]),
        ),
        (
            "/model_endpoints/0/max_concurrent",
            json!([1, 0, 4_294_967_296_u64]),
        ),
        ("/model_endpoints/0/timeout_s", json!([0.001, 0, -1])),
        (
            "/model_endpoints/0/image_format",
            json!(["png", "jpeg", {"jpeg": 1}, {"jpeg": 0}, {"jpeg": 101}, {"jpeg": 5, "x": 1}, "webp"]),
        ),
        (
            "/model_endpoints/0/headers",
            json!([{}, {"x": "y"}, {"x": {"env": "A"}}, {"x": {"env": ""}}, {"x": 1}]),
        ),
        (
            "/model_endpoints/0/url",
            json!([
                "builtin:copy",
                "builtin:rain",
                "http://a/",
                "HTTPS://a",
                "ftp://a/",
                "a",
                "http://"
            ]),
        ),
        (
            "/model_endpoints/0/name",
            json!(["a b", " ", "", "a\nb", "é"]),
        ),
        (
            "/model_endpoints/0/api_key_env",
            json!([
                "KEY",
                "OPENAI_API_KEY",
                "my_key_2",
                "_x",
                "GEMINI_API_KEY_3",
                "myModelKey",
                "azureOpenAIKey1",
                SECRET,
                "sk_live_51Hq2eXyZ9aBcDeFgH",
                "hf_abcdefghIJKLmnopQRstuv",
                "AKIAIOSFODNN7EXAMPLE",
                "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
                "a1b2c3d4e5f60718293a4b5c6d7e8f9a",
                "two words",
                "$KEY",
                "",
            ]),
        ),
        ("/name", json!(["", "a\tb", "a b"])),
        ("/generation_dir", json!(["", "."])),
        ("/$schema", json!(["./layer_config.schema.json", 1])),
    ] {
        for value in values.as_array().expect("a list") {
            let mut config = whole();
            config["$schema"] = json!("x");
            *config.pointer_mut(place).expect("it is there") = value.clone();
            assert_agreed(&validator, &config, &format!("{place} = {value}"));
        }
    }
}

#[test]
fn every_known_key_is_in_the_schema_and_a_misspelt_one_is_refused() {
    let validator = validator();
    let mut all = Vec::new();
    places(&whole(), "", &mut all);
    for place in &all {
        let mut config = whole();
        let there = config.pointer_mut(place).and_then(Value::as_object_mut);
        let Some(object) = there else { continue };
        if place.ends_with("params") || place.ends_with("headers") {
            continue;
        }
        object.insert("promt".to_owned(), json!("winter"));
        assert!(!validator.is_valid(&config), "{place} takes any key");
        for key in whole()
            .pointer(place)
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(Map::keys)
        {
            let mut config = whole();
            let object = config.pointer_mut(place).and_then(Value::as_object_mut);
            drop(object.expect("an object").remove(key));
            assert_agreed(&validator, &config, &format!("{place} without {key}"));
        }
    }
    let mut known: BTreeSet<String> = whole().as_object().expect("one").keys().cloned().collect();
    known.insert("$schema".to_owned());
    let told = schema()["properties"]
        .as_object()
        .expect("one")
        .keys()
        .cloned()
        .collect();
    assert_eq!(known, told);
    assert!(
        !config_schema().contains("](crate"),
        "a description is for users"
    );
}

#[test]
fn the_readme_s_configuration_and_what_is_written_are_valid() {
    let validator = validator();
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(readme).expect("README.md");
    let example = readme
        .split("```jsonc\n")
        .find(|part| part.starts_with("{\n  \"$schema\""));
    let example = example
        .and_then(|part| part.split("```").next())
        .expect("an example");
    let example: Value =
        jsonc_parser::parse_to_serde_value(example, &jsonc_parser::ParseOptions::default())
            .expect("it is JSON with comments");
    assert_agreed(&validator, &example, "the README's");
    assert!(is_read(&example));
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("layer_config.json");
    std::fs::write(&path, whole().to_string()).expect("a file");
    let (config, _) = LayerConfig::read(&path).expect("it is read");
    let written: Value = serde_json::from_str(&config.to_json()).expect("it is JSON");
    assert!(validator.is_valid(&written));
}
