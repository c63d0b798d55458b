//! What a run would refuse, or miss, is told before it.

use fixtures::maps::{MapSpec, SourceLayer, encode_png, generation_config, quadrant_picture};
use planner::{Quadrant, Region};
use serde_json::{Value, json};

use crate::project::Project;

const ARGS: [&str; 4] = ["--name", "a", "--generation-dir", "map"];

pub(crate) fn painted(width: u32, height: u32) -> Vec<u8> {
    encode_png(quadrant_picture(
        SourceLayer::Generations,
        Quadrant::new(0, 0),
        width,
        height,
    ))
}

#[test]
fn a_map_without_a_usable_picture_is_refused() {
    let whole = painted(16, 16);
    let half = whole[..whole.len() / 2].to_vec();
    for (bytes, says) in [
        (vec![0], "the generation of quadrant (0, 0) is"),
        (half, "the generation of quadrant (0, 0) is"),
        (
            painted(16, 15),
            "a picture of 16x15 px, where the map's quadrants have 16x16 px",
        ),
        (painted(1, 1), "a picture of 1x1 px"),
    ] {
        let map = MapSpec::rectangle(3, 3).painted(move |_, _| bytes.clone());
        Project::of(&map).refuses(&ARGS, says);
    }
}

#[test]
fn one_bad_picture_is_told() {
    let bad = Quadrant::new(0, 0);
    let map = MapSpec::rectangle(3, 3).with_picture(bad, SourceLayer::Generations, vec![0]);
    let project = Project::of(&map);
    let run = project.init(&ARGS);
    run.assert_status(0)
        .assert_says("note: the generation of quadrant (0, 0) is")
        .assert_says("the item with it will fail");
    // The other kind is not drawn from.
    let renders = ["--source-layer", "renders", "--output", "b"];
    let run = project.init(&[&ARGS[..], &renders].concat());
    assert!(
        !run.assert_status(0).stdout.contains("note:"),
        "{}",
        run.stdout
    );
}

#[test]
fn what_has_no_place_on_the_globe_is_refused() {
    for far in [
        (2_000_000_000, 0),
        (0, -2_000_000_000),
        (i32::MIN, i32::MIN),
    ] {
        let quadrants = [Quadrant::new(0, 0), Quadrant::new(far.0, far.1)];
        let project = Project::of(
            &MapSpec::new(Region::from_quadrants(quadrants)).painted(|_, _| painted(16, 16)),
        );
        project.refuses(&ARGS, "has no place on the globe");
        let near = [&ARGS[..], &["--bounds", "-5,-5,5,5"]].concat();
        project.init(&near).assert_status(0);
    }
    let config = generation_config("a", 16, 16);
    for (key, degrees) in [
        ("lat", 90.5),
        ("lat", -200.0),
        ("lng", 180.5),
        ("lng", -1e9),
    ] {
        let mut config = config.clone();
        config["seed"][key] = json!(degrees);
        let map = MapSpec::rectangle(3, 3).config(config);
        Project::of(&map).refuses(&ARGS, &format!("seed.{key} is {degrees}"));
    }
}

#[test]
fn what_a_run_would_miss_is_told() {
    let project = Project::of(&MapSpec::rectangle(3, 3));
    let told = |endpoints: &Value, more: &[&str]| {
        project.write("ends.json", &endpoints.to_string());
        let with_ends = ["--model-endpoints", "ends.json", "--force"];
        let args = [
            &ARGS[..],
            if endpoints.is_null() {
                &with_ends[2..]
            } else {
                &with_ends
            },
            more,
        ]
        .concat();
        let run = project.init(&args);
        run.assert_status(0);
        let lines = run.stdout.lines();
        let found = lines.filter_map(|line| line.strip_prefix("  before you run it: "));
        found.map(str::to_owned).collect::<Vec<_>>()
    };
    let prompt = ["--prompt", "winter"];
    let no_endpoints = "layers/a/layer_config.json lists no model_endpoints; add entries like";
    let no_prompt = "no prompt is given; the model is asked: \"";
    let no_key = "NOT_SET_KEY is not set: calls to a go without a key";
    let keyed = json!([{"name": "a", "url": "http://localhost:1/", "api_key_env": "NOT_SET_KEY"}]);
    let builtin = json!([{"name": "a", "url": "builtin:snow"}]);
    for (endpoints, more, expected) in [
        (&Value::Null, &[][..], &[no_endpoints, no_prompt][..]),
        (&Value::Null, &prompt, &[no_endpoints]),
        (&keyed, &[], &[no_key, no_prompt]),
        (&keyed, &prompt, &[no_key]),
        (&builtin, &[], &[]),
    ] {
        let told = told(endpoints, more);
        assert_eq!(told.len(), expected.len(), "{told:?}");
        for (told, expected) in told.iter().zip(expected) {
            assert!(told.starts_with(expected), "{told}");
        }
    }
}

#[test]
fn what_a_run_would_refuse_to_send_is_refused() {
    let project = Project::of(&MapSpec::rectangle(3, 3));
    let with = [
        &ARGS[..],
        &[
            "--model-endpoints",
            "ends.json",
            "--generation-params",
            "params.json",
        ],
    ]
    .concat();
    for (more, params, says) in [
        (
            json!({"headers": {"two words": "x"}}),
            json!({}),
            "two words",
        ),
        (
            json!({"headers": {"content-length": "1"}}),
            json!({}),
            "content-length",
        ),
        (
            json!({"params": {"image_b64": "x"}}),
            json!({}),
            "image_b64",
        ),
        (json!({}), json!({"image_b64": "x"}), "image_b64"),
        (json!({}), json!({"prompt": 5}), "prompt"),
    ] {
        let mut entry = json!({"name": "a", "url": "http://localhost:1/"});
        entry
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        project.write("ends.json", &json!([entry]).to_string());
        project.write("params.json", &params.to_string());
        project.refuses(&with, says);
    }
}
