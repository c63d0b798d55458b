//! What is said of blocks of one colour when a layer is made.

use std::collections::HashSet;

use fixtures::maps::{MapSpec, SourceLayer, encode_png, quadrant_picture};
use planner::{Block, Quadrant};
use serde_json::{Value, json};

use crate::project::Project;

const SIZE_PX: u32 = 32;

fn land(quadrant: Quadrant) -> Vec<u8> {
    let picture = quadrant_picture(SourceLayer::Generations, quadrant, SIZE_PX, SIZE_PX);
    encode_png(picture)
}

fn water() -> Vec<u8> {
    let at = Quadrant::new(0, 0);
    let mut picture = quadrant_picture(SourceLayer::Generations, at, SIZE_PX, SIZE_PX);
    let pixels = picture.pixels_mut();
    pixels.for_each(|pixel| pixel.0 = [0x4a, 0x63, 0x72]);
    encode_png(picture)
}

/// A map of so many quadrants, of which some blocks of the plan are water.
fn map(width: i32, height: i32, is_water: impl Fn(usize, &Block) -> bool) -> (MapSpec, usize) {
    let map = MapSpec::rectangle(width, height).quadrant_px(SIZE_PX, SIZE_PX);
    let plan = planner::plan(map.region());
    let blocks = plan.blocks.iter().enumerate();
    let wet = blocks.filter(|(index, block)| is_water(*index, block));
    let wet: HashSet<Quadrant> = wet.flat_map(|(_, block)| block.quadrants()).collect();
    let painted = map.painted(move |_, quadrant| match wet.contains(&quadrant) {
        true => water(),
        false => land(quadrant),
    });
    (painted, plan.blocks.len())
}

const MAKE: [&str; 4] = ["--name", "snow", "--generation-dir", "map"];

fn config(project: &Project) -> Value {
    let path = project.path("layers/snow/layer_config.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn what_could_be_saved_is_told_when_it_is_more_than_two_in_a_hundred() {
    for wet in [0, 2, 3, 100] {
        let (map, calls) = map(15, 15, |index, _| index < wet);
        assert_eq!(calls, 100);
        let project = Project::of(&map);
        let run = project.init(&MAKE);
        run.assert_status(0);
        let said = run.stdout.contains("flat water");
        assert_eq!(said, wet > 2, "{wet}: {}", run.stdout);
        if said {
            run.assert_says(&format!(
                "note: \"uniform\": {{\"mode\": \"copy\"}} in layers/snow/layer_config.json would save {wet} of 100 calls, for blocks of flat water\n"
            ));
        }
        assert_eq!(
            config(&project).get("uniform"),
            None,
            "nothing is said by default"
        );
    }
}

#[test]
fn blocks_that_need_no_call_are_told_in_the_summary() {
    for mode in ["copy", "fill"] {
        let (map, _) = map(15, 15, |index, _| index < 7);
        let project = Project::of(&map);
        let args = [&MAKE[..], &["--uniform", mode]].concat();
        let run = project.init(&args);
        run.assert_status(0)
            .assert_says("  uniform     7 blocks of flat water, no call; 93 calls are left\n");
        assert!(!run.stdout.contains("note: "), "{}", run.stdout);
        assert_eq!(config(&project)["uniform"]["mode"], json!(mode));
        let again = ["--rebuild", "--output", "layers/snow"];
        project
            .init(&again)
            .assert_status(0)
            .assert_says("7 blocks of flat water, no call");
    }
}

#[test]
fn of_a_large_map_some_are_looked_at() {
    let (map, calls) = map(60, 60, |_, block| block.top_left.x < 20);
    let project = Project::of(&map);
    let run = project.init(&[&MAKE[..], &["--uniform", "copy"]].concat());
    run.assert_status(0);
    let (_, said) = run
        .stdout
        .split_once("  uniform     about ")
        .expect("an estimate");
    let said: usize = said.split(' ').next().unwrap().parse().unwrap();
    let exact = calls / 3;
    assert!(
        said.abs_diff(exact) < calls / 20,
        "{said}, and {exact} of {calls} are"
    );
}

#[test]
fn a_column_that_the_map_has_not_is_told_before_anything_is_written() {
    let (map, _) = map(6, 6, |index, _| index < 2);
    let project = Project::of(&map);
    project.init(&MAKE).assert_status(0);
    let mut changed = config(&project);
    changed["uniform"] = json!({"mode": "copy", "where": "is_water"});
    project.write("layers/snow/layer_config.json", &changed.to_string());
    let run = project.init(&["--rebuild", "--output", "layers/snow"]);
    run.assert_status(2)
        .assert_says("have no is_water, which uniform.where in layer_config.json names");
}
