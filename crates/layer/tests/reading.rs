//! A configuration in which one thing is wrong: each place of it with each kind of value.

mod whole;

use std::path::Path;

use layer::{
    AcceptConfig, CanvasMode, Check, LayerConfig, LayerError, SourceLayer, UniformConfig,
    read_endpoints,
};
use serde_json::{Value, json};

use whole::{SECRET, places, whole, wrong_values};

fn read(config: &Value) -> Result<(LayerConfig, Vec<String>), LayerError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("layer_config.json");
    std::fs::write(&path, config.to_string()).unwrap();
    LayerConfig::read(&path)
}

/// What reading says without the directory's name; `None` when it works.
fn said(config: &Value) -> Option<String> {
    let error = read(config).err()?.to_string();
    let (_, said) = error.split_once("layer_config.json").expect(&error);
    Some(said.trim_start_matches(": ").to_owned())
}

/// `/model_endpoints/0/url` as messages write it: `model_endpoints[0].url`.
fn in_words(pointer: &str) -> String {
    pointer
        .split('/')
        .skip(1)
        .fold(String::new(), |path, step| match step.parse::<usize>() {
            Ok(index) => format!("{path}[{index}]"),
            Err(_) if path.is_empty() => step.to_owned(),
            Err(_) => format!("{path}.{step}"),
        })
}

#[test]
fn a_wrong_value_is_refused_by_its_place_and_in_the_words_of_the_file() {
    let whole = whole();
    let mut all = Vec::new();
    places(&whole, "", &mut all);
    let values = wrong_values();
    let mut refused = 0;
    for (pointer, value) in all
        .iter()
        .flat_map(|place| values.iter().map(move |value| (place, value)))
    {
        let mut config = whole.clone();
        *config.pointer_mut(pointer).unwrap() = value.clone();
        let Some(said) = said(&config) else { continue };
        refused += 1;
        let case = format!("{pointer} = {value}: {said}");
        let place = in_words(pointer);
        let parent = place.rfind(['.', '[']).map_or("", |end| &place[..end]);
        if said.contains("has version") {
            continue;
        }
        // A key that is missing is told at the object, a name given twice at the list.
        let is_told_at_the_list = said.starts_with("model_endpoints: two endpoints");
        assert!(said.contains(parent) || is_told_at_the_list, "{case}");
        for rust in [
            "struct", "enum", "variant", "i32", "u32", "u64", "f64", "map", "sequence", "unit",
            "string", "invalid", "expected", "integer", "Entry", "Config", "`",
        ] {
            // Keys may be called so.
            let said = said.replace("expected_s", "");
            assert!(!said.contains(rust), "{rust:?} is a word of Rust: {case}");
        }
        assert!(!said.contains(SECRET), "{case}");
        assert!(
            [
                " must ",
                " is missing",
                "unknown key",
                "cannot be used",
                "two endpoints"
            ]
            .iter()
            .any(|words| said.contains(words) || said.starts_with(words.trim_start())),
            "{case}"
        );
    }
    assert!(refused > 500, "only {refused} values were refused");
}

#[test]
fn what_is_wrong_is_said_as_a_user_would() {
    for (pointer, value, expected) in [
        (
            "/bounds/min_x",
            json!("a"),
            "bounds.min_x must be a whole number, not \"a\"",
        ),
        (
            "/bounds/max_y",
            json!(3_000_000_000_u64),
            "bounds.max_y must be a whole number from -2147483648 to 2147483647, not 3000000000",
        ),
        (
            "/bounds",
            json!([0, 0, 1, 1]),
            "bounds must be an object {…}, not a list",
        ),
        (
            "/bounds/max_x",
            json!(-9),
            "bounds cannot be used: the bounds are reversed: min_x -1 is greater than max_x -9; they are min_x,min_y,max_x,max_y",
        ),
        (
            "/accept",
            json!(3),
            "accept must be true, false or an object {…}, not 3",
        ),
        (
            "/accept/drift",
            json!("a"),
            "accept.drift must be a number up to 8, true or false, not \"a\"",
        ),
        (
            "/accept/solid",
            json!(1.5),
            "accept.solid must be false, or above 0 and at most 1, not 1.5",
        ),
        (
            "/accept/tries",
            json!(0),
            "accept.tries must be within 1 and 20, not 0",
        ),
        (
            "/uniform",
            json!([1]),
            "uniform must be an object {…}, not a list",
        ),
        (
            "/uniform/mode",
            json!("cop"),
            "uniform.mode must be one of \"call\", \"copy\", \"fill\", not \"cop\"",
        ),
        (
            "/uniform/color",
            json!("blue"),
            "uniform.color must be a colour as in \"#ff0000\", not \"blue\"",
        ),
        (
            "/uniform/tolerance",
            json!(256),
            "uniform.tolerance must be a whole number from 0 to 255, not 256",
        ),
        (
            "/uniform/tolerance",
            json!(1.5),
            "uniform.tolerance must be a whole number from 0 to 255, not 1.5",
        ),
        (
            "/uniform/tolerance",
            json!("4"),
            "uniform.tolerance must be a number, not \"4\"",
        ),
        (
            "/uniform/share",
            json!(0.5),
            "uniform.share must be above 0.5 and at most 1, not 0.5",
        ),
        (
            "/uniform/share",
            json!(99.5),
            "uniform.share must be above 0.5 and at most 1, not 99.5",
        ),
        (
            "/uniform/where",
            json!("water"),
            "uniform.where must be \"is_water\", \"water_type\" or {\"water_type\": \"…\"}, not \"water\"",
        ),
        (
            "/uniform/where",
            json!({"watertype": "ocean"}),
            "uniform.where must be \"is_water\", \"water_type\" or {\"water_type\": \"…\"}, not an object",
        ),
        (
            "/source_layer",
            json!("foo"),
            "source_layer must be \"generations\" or \"renders\", not \"foo\"",
        ),
        (
            "/png_compression",
            json!(3),
            "png_compression must be a text, not 3",
        ),
        (
            "/generation_params",
            json!("winter"),
            "generation_params must be an object {…}, not \"winter\"",
        ),
        (
            "/generation_dir",
            json!(""),
            "generation_dir must not be empty; it names the directory that holds quadrants.db",
        ),
        (
            "/canvas/border_px",
            json!(65),
            "canvas.border_px must be at most 64, not 65",
        ),
        (
            "/canvas/border_color",
            json!("red"),
            "canvas.border_color must be a colour as in \"#ff0000\", not \"red\"",
        ),
        (
            "/canvas/noise",
            json!(2),
            "canvas.noise must be within 0 and 1, not 2",
        ),
        (
            "/model_endpoints",
            json!({}),
            "model_endpoints must be a list of endpoints [{\"name\": …, \"url\": …}, …], not an object",
        ),
        (
            "/model_endpoints/0/timeout_s",
            json!(-0.5),
            "model_endpoints[0].timeout_s must be greater than 0, not -0.5",
        ),
        (
            "/model_endpoints/0/protocol",
            json!("x"),
            "model_endpoints[0].protocol must be one of \"edit_b64\", \"multipart\", \"openai\", \"gemini\", \"sdapi\", not \"x\"",
        ),
        (
            "/model_endpoints/0/image_format",
            json!("gif"),
            "model_endpoints[0].image_format must be \"png\", \"jpeg\" or {\"jpeg\": 1 to 100}, not \"gif\"",
        ),
        (
            "/model_endpoints/0/headers/x-a",
            json!(5),
            "model_endpoints[0].headers.x-a must be a text or {\"env\": \"NAME\"}",
        ),
        (
            "/model_endpoints/1/name",
            json!("a"),
            "model_endpoints: two endpoints have the name \"a\"; each needs a name of its own",
        ),
        (
            "/model_endpoints/1/name",
            json!("a\nb"),
            "model_endpoints[1].name must be a word or a few, without line breaks",
        ),
        (
            "/name",
            json!("a\u{1b}[2J"),
            "name must have no line breaks or other control characters",
        ),
    ] {
        let mut config = whole();
        *config.pointer_mut(pointer).unwrap() = value;
        assert_eq!(said(&config).as_deref(), Some(expected));
    }
}

#[test]
fn a_key_in_the_place_of_its_variable_s_name_is_refused_and_not_repeated() {
    let keys = [
        "sk-proj-Zq3",
        "sk_live_51Hq2eXyZ9aBcDeFgH",
        "hf_abcdefghIJKLmnopQRstuv",
        "AIzaSyD4x8qWwErTyUiOp",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.e30.x",
        "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "a1b2c3d4e5f60718293a4b5c6d7e8f9a",
        "user:password",
        "two words",
        "$MODEL_KEY",
    ];
    for place in ["api_key_env", "headers.x-b.env"] {
        let pointer = format!("/model_endpoints/0/{}", place.replace('.', "/"));
        for key in keys {
            let mut config = whole();
            *config.pointer_mut(&pointer).unwrap() = json!(key);
            let said = said(&config).expect(key);
            assert!(
                said.starts_with(&format!("model_endpoints[0].{place} must name")),
                "{said}"
            );
            assert!(!said.contains(&key[..6]), "{said}");
        }
        let mut config = whole();
        *config.pointer_mut(&pointer).unwrap() = json!("");
        assert!(said(&config).unwrap().contains(" must not be empty"));
        for name in [
            "KEY",
            "OPENAI_API_KEY",
            "my_key_2",
            "_x",
            "GEMINI_API_KEY_3",
            "myModelKey",
            "azureOpenAIKey1",
        ] {
            *config.pointer_mut(&pointer).unwrap() = json!(name);
            assert_eq!(said(&config), None, "{name}");
        }
    }
}

#[test]
fn an_unknown_key_is_refused_and_the_nearest_known_one_named() {
    for (pointer, key, nearest) in [
        ("", "generaton_params", "generation_params"),
        ("/bounds", "minx", "min_x"),
        ("/canvas", "boarder_px", "border_px"),
        ("/model_endpoints/1", "timeout", "timeout_s"),
    ] {
        let mut config = whole();
        config.pointer_mut(pointer).unwrap()[key] = json!(null);
        let place = match in_words(pointer) {
            place if place.is_empty() => place,
            place => format!("{place}: "),
        };
        let expected = format!("{place}unknown key \"{key}\"; did you mean \"{nearest}\"?");
        assert_eq!(said(&config).as_deref(), Some(expected.as_str()));

        // A file of another tool has no version, and is read for all that.
        config.as_object_mut().unwrap().remove("version");
        let (read, warnings) = read(&config).unwrap();
        assert_eq!(read.name, "snow");
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].ends_with(&expected), "{warnings:?}");
    }
    // The misspelt key is told before the one that is missing for it.
    let mut config = whole();
    config["model_endpoints"][1] = json!({"nmae": "b", "url": "builtin:snow"});
    assert!(said(&config).unwrap().contains("did you mean \"name\"?"));
}

#[test]
fn what_is_written_is_read_back() {
    let (config, warnings) = read(&whole()).unwrap();
    assert!(warnings.is_empty());
    let written: Value = serde_json::from_str(&config.to_json()).unwrap();
    assert_eq!(written, whole());
}

#[test]
fn what_is_absent_or_null_has_its_default() {
    let least = json!({"generation_dir": "m"});
    let mut nulls = whole();
    for (key, value) in nulls.as_object_mut().unwrap() {
        if key != "generation_dir" {
            *value = Value::Null;
        }
    }
    nulls["canvas"] = json!({"mode": null, "border_px": null, "noise": null});
    nulls["model_endpoints"] =
        json!([{"name": "a", "url": "builtin:snow", "timeout_s": null, "headers": null}]);
    for config in [least, nulls] {
        let (config, warnings) = read(&config).unwrap();
        assert!(warnings.is_empty());
        assert!(!config.name.is_empty(), "it is called as its directory is");
        assert_eq!(config.source_layer, SourceLayer::Generations);
        assert_eq!((config.bounds, config.version), (None, None));
        assert_eq!(
            (config.canvas.mode, config.canvas.border_px),
            (CanvasMode::Block, 2)
        );
        assert!(
            config
                .model_endpoints
                .iter()
                .all(|endpoint| endpoint.timeout().as_secs_f64() > 1.0)
        );
    }
}

#[test]
fn an_endpoints_file_is_read_as_the_list_in_a_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ends.json");
    let said = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let error = read_endpoints(&path).map(|_| ()).unwrap_err().to_string();
        error.replace(&dir.path().display().to_string(), "")
    };
    assert_eq!(
        said("{}"),
        "/ends.json must be a list of endpoints [{\"name\": …, \"url\": …}, …], not an object"
    );
    assert_eq!(said("[3]"), "/ends.json[0] must be an object {…}, not 3");
    assert_eq!(
        said("[{\"name\": \"a\"}]"),
        "/ends.json[0]: the key \"url\" is missing"
    );
    assert_eq!(
        said("[{\"name\": \"a\", \"url\": \"builtin:rain\"}] // none"),
        "/ends.json[0].url cannot be used: there is no builtin:rain; there are builtin:snow, builtin:night and builtin:copy"
    );
    std::fs::write(&path, whole()["model_endpoints"].to_string()).unwrap();
    let (config, _) = read(&whole()).unwrap();
    assert_eq!(read_endpoints(&path).unwrap(), config.model_endpoints);
    assert!(read_endpoints(Path::new("nowhere.json")).is_err());
}

#[test]
fn what_is_accepted_is_said_for_all_checks_or_for_each() {
    let accept = |value: Value| {
        let mut config = whole();
        config["accept"] = value;
        read(&config).unwrap().0.accept
    };
    let default = AcceptConfig::default();
    assert_eq!(accept(json!(null)), default);
    assert_eq!(accept(json!(true)), default);
    assert_eq!(accept(json!({"drift": null})), default);
    assert_eq!(accept(json!(false)), AcceptConfig::OFF);
    assert!(default.is_on() && !AcceptConfig::OFF.is_on());
    let each = accept(json!({"drift": 3, "seam": false, "color": true}));
    assert_eq!(each.limit(Check::Drift), Some(3.0));
    assert_eq!(each.limit(Check::Seam), None);
    for check in [
        Check::Color,
        Check::Solid,
        Check::Unchanged,
        Check::BorderLeft,
    ] {
        assert_eq!(each.limit(check), default.limit(check), "{}", check.name());
    }
    // Written and read again it is the same, and the default is not written.
    for accept in [default, AcceptConfig::OFF, each] {
        let mut config = read(&whole()).unwrap().0;
        config.accept = accept;
        let written: Value = serde_json::from_str(&config.to_json()).unwrap();
        assert_eq!(written.get("accept").is_none(), accept == default);
        assert_eq!(read(&written).unwrap().0.accept, accept);
    }
}

#[test]
fn what_is_done_with_blocks_of_one_colour_needs_no_more_than_its_mode() {
    let uniform = |value: Value| {
        let mut config = whole();
        config["uniform"] = value;
        read(&config).unwrap().0.uniform
    };
    let default = UniformConfig::default();
    assert_eq!((default.tolerance, default.share), (4, 0.995));
    for same in [
        json!(null),
        json!({}),
        json!({"mode": "call", "color": null}),
    ] {
        assert_eq!(uniform(same), default);
    }
    let copy = uniform(json!({"mode": "copy"}));
    assert!(copy.is_on() && !default.is_on());
    let mode = layer::UniformMode::Copy;
    assert_eq!(
        copy,
        UniformConfig {
            mode,
            ..default.clone()
        }
    );
    let all = uniform(json!({
        "mode": "fill", "color": "#4a6372", "tolerance": 0, "share": 1, "fill": "#0A1430",
        "where": {"water_type": "ocean"}
    }));
    let marks = ["is_water", "water_type"].map(|mark| uniform(json!({"where": mark})));
    assert_eq!(marks[0].marked, Some(layer::Mark::IsWater));
    assert_eq!(marks[1].marked, Some(layer::Mark::WaterType(None)));
    // Written and read again it is the same, and the default is not written.
    for uniform in [
        default.clone(),
        copy,
        all,
        marks[0].clone(),
        marks[1].clone(),
    ] {
        let mut config = read(&whole()).unwrap().0;
        config.uniform = uniform.clone();
        let written: Value = serde_json::from_str(&config.to_json()).unwrap();
        assert_eq!(written.get("uniform").is_none(), uniform == default);
        assert_eq!(read(&written).unwrap().0.uniform, uniform);
    }
    let mut config = whole();
    config["uniform"] = json!({"mode": "copy", "colour": "#4a6372"});
    let error = read(&config).unwrap_err().to_string();
    assert!(
        error.ends_with("unknown key \"colour\"; did you mean \"color\"?"),
        "{error}"
    );
}
