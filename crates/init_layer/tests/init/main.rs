//! Making a layer: the real program, real files.

mod checks;
mod flat_water;
mod project;
mod words;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use fixtures::maps::{MapSpec, SourceLayer, raw_sql_region, raw_sql_source};
use layer::{CanvasConfig, CanvasMode, LayerDir, RunLock};
use planner::{Quadrant, Region};
use progress_db::MetadataKey;

use project::{Project, assert_plans, items, metadata, on_a_runtime};

const CITY: &str = "..#####..##\n.######..##\n###.####...\n###.#######\n.##########\n..#####.##.";

#[test]
fn a_layer_has_a_configuration_a_plan_and_a_place_for_pictures() {
    let map = MapSpec::drawn(CITY);
    let project = Project::of(&map);
    project.write("params.json", r#"{"num_inference_steps": 20}"#);
    let run = project.init(&[
        "--name",
        "snow",
        "--generation-dir",
        "map",
        "--model_endpoints",
        "ends.json",
        "--prompt",
        "a winter day",
        "--generation_params",
        "params.json",
    ]);
    run.assert_status(0);
    for part in [
        "snow in layers/snow",
        "(0, 0) to (10, 5)",
        "per quadrant",
        "--layer-dir layers/snow",
    ] {
        run.assert_says(part);
    }
    let region = map.region();
    let quality = planner::plan(region).quality(region);
    let [squares, strips, singles] = quality.waves.map(|waves| match waves {
        1 => "1 wave".to_owned(),
        waves => format!("{waves} waves"),
    });
    for part in [
        format!("quadrants   {}\n", region.len()),
        format!("{} blocks of 2x2, in {squares}\n", quality.two_by_two),
        format!("step 2      {} strips: ", quality.strips),
        format!("of 2x1, in {strips}\n"),
        format!("{} corners of 1x1, in {singles}\n", quality.one_by_one),
        format!(
            "model calls {}, {:.4} per",
            quality.calls,
            quality.calls_per_quadrant()
        ),
        "coverage    100 %, with 6 of 2x2; the fixed lattice: 75.5 %, with 4\n".to_owned(),
    ] {
        run.assert_says(&part);
    }
    let layer = LayerDir::at(project.path("layers/snow"));
    let (config, warnings) = layer.read_config().unwrap();
    assert!(warnings.is_empty());
    assert_eq!(
        config.generation_dir,
        Path::new("map"),
        "the project can be moved"
    );
    assert_eq!(config.bounds.unwrap().to_string(), "0,0,10,5");
    assert_eq!(config.generation_params["prompt"], "a winter day");
    assert_eq!(config.generation_params["num_inference_steps"], 20);
    assert_eq!(config.model_endpoints[0].name, "a");
    assert!(layer.pictures_dir().is_dir());
    assert_plans(layer.path(), map.region());
    for (key, value) in [
        (MetadataKey::SchemaVersion, "1"),
        (MetadataKey::Bounds, "0,0,10,5"),
        (MetadataKey::SourceLayer, "generations"),
    ] {
        assert_eq!(metadata(layer.path(), key).as_deref(), Some(value));
    }
    assert_eq!(
        metadata(layer.path(), MetadataKey::SourceConfigHash)
            .unwrap()
            .len(),
        64
    );
}

#[test]
fn bounds_are_inclusive_and_may_be_negative() {
    let map = MapSpec::new(fixtures::maps::rectangle(9, 9, Quadrant::new(-4, -4)));
    let project = Project::of(&map);
    for (output, bounds) in [
        ("one", vec!["--bounds", "-2,-1,1,3"]),
        ("two", vec!["--bounds=-2,-1,1,3"]),
    ] {
        let mut args = vec!["--name", "a", "--generation-dir", "map", "--output", output];
        args.extend(bounds);
        project.init(&args).assert_status(0);
        let expected = Region::from_quadrants(
            (-1..=3).flat_map(|y| (-2..=1).map(move |x| Quadrant::new(x, y))),
        );
        assert_plans(&project.path(output), &expected);
    }
}

#[test]
fn a_full_rectangle_gets_the_lattice() {
    let project = Project::of(&MapSpec::rectangle(4, 3));
    project
        .init(&["--name", "a", "--generation-dir", "map", "--output", "a"])
        .assert_status(0);
    let blocks: Vec<String> = items(&project.path("a"))
        .iter()
        .map(|item| item.block.to_string())
        .collect();
    assert_eq!(
        blocks,
        [
            "2x2 at (0, 0)",
            "1x2 at (2, 0)",
            "1x2 at (3, 0)",
            "2x1 at (0, 2)",
            "1x1 at (2, 2)",
            "1x1 at (3, 2)"
        ]
    );
}

#[test]
fn a_source_in_any_legal_shape_is_read() {
    let project = Project::empty();
    on_a_runtime(raw_sql_source(&project.path("map")));
    let before = project.files();
    for (layer, name) in [
        (SourceLayer::Generations, "generations"),
        (SourceLayer::Renders, "renders"),
    ] {
        project
            .init(&[
                "--name",
                name,
                "--generation-dir",
                "map",
                "--source_layer",
                name,
            ])
            .assert_status(0);
        assert_plans(&project.path("layers").join(name), &raw_sql_region(layer));
    }
    let after: Vec<_> = project
        .files()
        .into_iter()
        .filter(|(path, _)| !path.starts_with(project.path("layers")))
        .collect();
    assert!(after == before, "the source was changed");
}

#[test]
fn an_existing_layer_is_never_touched_unless_forced() {
    let project = Project::of(&MapSpec::rectangle(3, 3));
    let args = [
        "--name",
        "a",
        "--generation-dir",
        "map",
        "--output",
        "layer",
    ];
    std::fs::create_dir(project.path("layer")).unwrap();
    project.init(&args).assert_status(0);
    project.refuses(&args, "is a layer already, and was not touched");
    std::fs::write(project.path("layer/generations/0_0.png"), "precious").unwrap();

    let forced = [&args[..], &["--force"]].concat();
    project
        .init(&forced)
        .assert_status(0)
        .assert_says("layer.bak-");
    assert!(!project.path("layer/generations/0_0.png").exists());
    let backups: Vec<PathBuf> = std::fs::read_dir(project.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("layer.bak-"))
        .collect();
    assert_eq!(
        std::fs::read(backups[0].join("generations/0_0.png")).unwrap(),
        b"precious"
    );

    let lock = RunLock::take(&LayerDir::at(project.path("layer"))).unwrap();
    project.refuses(&forced, "in use by another run");
    drop(lock);
    project.write("elsewhere", "a file");
    let onto_a_file = [
        "--name",
        "a",
        "--generation-dir",
        "map",
        "--output",
        "elsewhere",
        "--force",
    ];
    project.refuses(&onto_a_file, "is no directory");
    std::fs::create_dir(project.path("photos")).unwrap();
    project.write("photos/holiday.jpg", "not a layer");
    let onto_photos = [
        "--name",
        "a",
        "--generation-dir",
        "map",
        "--output",
        "photos",
        "--force",
    ];
    project.refuses(&onto_photos, "is no layer");
}

#[test]
fn bad_input_is_refused_and_nothing_is_written() {
    let project = Project::of(&MapSpec::rectangle(3, 3).only(SourceLayer::Generations));
    let with =
        |more: &[&'static str]| [&["--name", "a", "--generation-dir", "map"][..], more].concat();
    std::fs::create_dir(project.path("empty")).unwrap();
    project.refuses(
        &["--name", "a", "--generation-dir", "empty"],
        "there is no empty/quadrants.db",
    );
    project.refuses(
        &["--name", "a", "--generation-dir", "nowhere"],
        "there is no nowhere/quadrants.db",
    );
    std::fs::create_dir(project.path("text")).unwrap();
    project.write(
        "text/quadrants.db",
        "just some text, longer than a header of a database would be",
    );
    project.refuses(
        &["--name", "a", "--generation-dir", "text"],
        "is not an SQLite database",
    );
    project.refuses(
        &with(&["--source-layer", "renders"]),
        "it has generations: use --source-layer generations",
    );
    project.refuses(&with(&["--source-layer", "foo"]), "foo");
    project.refuses(&with(&["--bounds", "5,5,1,1"]), "the bounds are reversed");
    project.refuses(&with(&["--bounds", "1,2,3"]), "four numbers");
    project.refuses(&with(&["--bounds", "a,b,c,d"]), "is not a whole number");
    project.refuses(
        &with(&["--bounds", "50,50,60,60"]),
        "its quadrants lie within 0,0,2,2",
    );
    project.refuses(
        &with(&["--model-endpoints", "missing.json"]),
        "there is no missing.json",
    );
    for (text, says) in [
        ("", "is not valid JSON: the file is empty"),
        ("[{", "is not valid JSON"),
        ("[]", "lists no model_endpoints"),
        ("{}", "a list of endpoints"),
        (r#"[{"name": "a"}]"#, "the key \"url\" is missing"),
        (
            r#"[{"name": "a", "url": "builtin:snow"}, {"name": "a", "url": "builtin:night"}]"#,
            "two endpoints have the name \"a\"",
        ),
        (
            r#"[{"name": "a", "url": "builtin:rain"}]"#,
            "there is no builtin:rain",
        ),
        (
            r#"[{"name": "a", "url": "builtin:snow", "timeout": 3}]"#,
            "did you mean \"timeout_s\"?",
        ),
        (
            r#"[{"name": "a", "url": "https://fal.run/x"}]"#,
            "fal wants the picture at a public URL",
        ),
    ] {
        project.write("bad.json", text);
        project.refuses(&with(&["--model-endpoints", "bad.json"]), says);
    }
    project.write("bad.json", "[1]");
    project.refuses(
        &with(&["--generation-params", "bad.json"]),
        "an object of parameters",
    );
    project.refuses(
        &["--name", "a/../b", "--generation-dir", "map"],
        "cannot be a directory's",
    );
}

#[test]
fn the_library_makes_a_layer_as_the_program_does() {
    use clap::Parser;
    let project = Project::of(&MapSpec::rectangle(5, 5));
    let map = project.path("map");
    let output = project.path("out");
    let args = init_layer::Args::parse_from([
        "init_layer",
        "--name",
        "a",
        "--generation-dir",
        map.to_str().unwrap(),
        "--output",
        output.to_str().unwrap(),
    ]);
    let summary = on_a_runtime(init_layer::init(args)).unwrap().to_string();
    assert!(summary.contains("quadrants   25"), "{summary}");
    assert_eq!(items(&output).len(), 9);
}

#[test]
fn a_line_says_that_planning_goes_on_when_it_takes_long() {
    // So large that no machine plans it within a second.
    let all = (-195_i32..195).flat_map(|y| (-195_i32..195).map(move |x| Quadrant::new(x, y)));
    let is_land =
        |at: &Quadrant| at.x.pow(2) + at.y.pow(2) < 38_000 && (7 * at.x + 3 * at.y) % 20 != 0;
    let disc = Region::from_quadrants(all.filter(is_land));
    let quadrants = disc.len();
    let picture = checks::painted(16, 16);
    let map = MapSpec::new(disc)
        .only(SourceLayer::Generations)
        .painted(move |_, _| picture.clone());
    let project = Project::of(&map);
    let run = project.init(&["--name", "large", "--generation-dir", "map"]);
    run.assert_status(0);
    run.assert_says(&format!("planning {quadrants} quadrants …"));

    let project = Project::of(&MapSpec::rectangle(3, 3));
    let run = project.init(&["--name", "small", "--generation-dir", "map"]);
    assert!(!run.stderr.contains("planning"), "{}", run.stderr);
}

#[test]
fn the_canvas_is_the_block_unless_infill_is_asked_for() {
    let project = Project::of(&MapSpec::rectangle(3, 3));
    for (output, canvas, mode) in [
        ("a", &[][..], CanvasMode::Block),
        ("b", &["--canvas", "block"], CanvasMode::Block),
        ("c", &["--canvas", "infill"], CanvasMode::Infill),
    ] {
        let args = ["--name", "a", "--generation-dir", "map", "--output", output];
        project.init(&[&args, canvas].concat()).assert_status(0);
        let (config, _) = LayerDir::at(project.path(output)).read_config().unwrap();
        let expected = CanvasConfig {
            mode,
            ..CanvasConfig::default()
        };
        assert_eq!(config.canvas, expected);
    }
    let args = [
        "--name",
        "a",
        "--generation-dir",
        "map",
        "--output",
        "d",
        "--canvas",
        "outfill",
    ];
    project.refuses(&args, "possible values: block, infill");
}

#[test]
fn a_configuration_may_be_read_by_no_more_people_than_the_files_it_is_made_from() {
    let project = Project::of(&MapSpec::rectangle(3, 3));
    project.write("params.json", "{}");
    let mode_of = |path: &str| {
        let file = std::fs::metadata(project.path(path)).unwrap();
        file.permissions().mode() & 0o777
    };
    let usual = mode_of("params.json");
    for (private, mode, other) in [
        ("ends.json", 0o600, "params.json"),
        ("params.json", 0o400, "ends.json"),
        ("ends.json", 0o640, "params.json"),
        ("ends.json", 0o777, "params.json"),
    ] {
        for (path, mode) in [(private, mode), (other, usual)] {
            std::fs::set_permissions(project.path(path), Permissions::from_mode(mode)).unwrap();
        }
        let args = "--name a --generation-dir map --output a --model-endpoints ends.json --generation-params params.json --force";
        let run = project.init(&args.split(' ').collect::<Vec<_>>());
        run.assert_status(0);
        assert_eq!(mode_of("a/layer_config.json"), usual & (mode | 0o600));
        let is_private = mode & 0o077 == 0;
        assert_eq!(run.stdout.contains("may be read by you alone"), is_private);
    }
}

/// What a path means is replaced, however it is written.
#[test]
fn a_layer_is_started_over_through_a_slash_or_a_link() {
    for (written, real) in [
        ("layers/snow/", "layers/snow"),
        ("layers/./snow//", "layers/snow"),
        ("link", "layers/snow"),
        ("link/", "layers/snow"),
        ("linked/snow", "layers/snow"),
    ] {
        let project = Project::of(&MapSpec::rectangle(3, 3));
        let name = ["--name", "snow", "--generation-dir", "map"];
        project.init(&name).assert_status(0);
        std::os::unix::fs::symlink("layers/snow", project.path("link")).unwrap();
        std::os::unix::fs::symlink("layers", project.path("linked")).unwrap();
        project.write("layers/snow/generations/0_0.png", "precious");
        let force = [&name[..], &["--force", "--output", written]].concat();
        project.init(&force).assert_status(0);
        let layers = std::fs::read_dir(project.path("layers")).unwrap();
        let kept: Vec<PathBuf> = layers
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_string_lossy().contains("/layers/snow.bak-"))
            .collect();
        assert_eq!(kept.len(), 1, "{written}");
        assert!(kept[0].join("generations/0_0.png").exists(), "{written}");
        assert!(project.path("link").is_symlink());
        let layer = LayerDir::at(project.path(real));
        let (config, _) = layer.read_config().unwrap();
        assert!(layer.generation_dir(&config).join("quadrants.db").exists());

        // As when the power fails between the two renames.
        std::fs::remove_dir_all(project.path(real)).unwrap();
        let said = layer.read_config().unwrap_err().to_string();
        assert!(said.contains(kept[0].to_str().unwrap()), "{said}");
        let run = project.init(&force);
        run.assert_says(kept[0].file_name().unwrap().to_str().unwrap());
    }
}

#[test]
fn an_empty_configuration_beside_a_plan_is_told_as_such() {
    let project = Project::of(&MapSpec::rectangle(3, 3));
    let args = ["--name", "snow", "--generation-dir", "map"];
    project.init(&args).assert_status(0);
    for left in ["", "\0\0\0"] {
        project.write("layers/snow/layer_config.json", left);
        project.refuses(&args, "is empty, as a power cut may leave it");
        let rebuild = ["--rebuild", "--output", "layers/snow"];
        project.refuses(&rebuild, "is empty, as a power cut may leave it");
    }
    let other = [&args[..], &["--output", "layers/other"]].concat();
    project.init(&other).assert_status(0);
    let config = "layer_config.json";
    let [from, to] = ["other", "snow"].map(|name| project.path("layers").join(name).join(config));
    std::fs::copy(from, to).unwrap();
    let layer = LayerDir::at(project.path("layers/snow"));
    assert!(layer.read_config().is_ok());
}
