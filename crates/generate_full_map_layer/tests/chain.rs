//! Layers that are made from layers: planned by `init_layer`, run by the real program.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Parser;
use fixtures::layers::{Run, endpoints_at, query};
use fixtures::maps::{MapSpec, SourceLayer, encode_png, region_drawn};
use fixtures::server::{ScriptedServer, ServerSpec};
use image::{RgbImage, RgbaImage};
use planner::{Block, BlockShape, Quadrant};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_generate_full_map_layer");

/// An irregular map with holes, an island and negative coordinates.
fn city() -> MapSpec {
    let drawn = "..#####..##\n.######..##\n###.####...\n###.#######\n.##########\n..#####.##.";
    MapSpec::new(region_drawn(drawn, Quadrant::new(-5, -3))).quadrant_px(16, 12)
}

struct Project {
    root: TempDir,
    server: ScriptedServer,
    runtime: tokio::runtime::Runtime,
}

impl Project {
    /// A project with a map, and a server that inverts.
    fn with(map: &MapSpec) -> Self {
        let root = tempfile::tempdir().expect("a directory");
        map.write_blocking(&root.path().join("map"));
        let server = ServerSpec::new().start();
        let endpoints = endpoints_at([server.url().as_str()]).to_string();
        std::fs::write(root.path().join("invert.json"), endpoints).expect("a file");
        let copy = r#"[{"name": "copy", "url": "builtin:copy"}]"#;
        std::fs::write(root.path().join("copy.json"), copy).expect("a file");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        Self {
            root,
            server,
            runtime,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Runs `init_layer`; paths stand for those in the project.
    fn init(&self, args: &[&str]) -> Result<String, String> {
        let args = args.iter().map(|arg| match arg.strip_prefix("./") {
            Some(name) => self.path(name).to_str().expect("UTF-8").to_owned(),
            None => (*arg).to_owned(),
        });
        let args = std::iter::once("init_layer".to_owned()).chain(args);
        let args = init_layer::Args::try_parse_from(args).map_err(|error| error.to_string())?;
        let made = self.runtime.block_on(init_layer::init(args));
        made.map(|summary| summary.to_string())
            .map_err(|error| format!("{error:#}"))
    }

    /// Plans a layer from another directory.
    fn plan(
        &self,
        name: &str,
        from: &str,
        endpoints: &str,
        more: &[&str],
    ) -> Result<String, String> {
        let (from, output) = (format!("./{from}"), format!("./{name}"));
        let args = [
            "--name",
            name,
            "--generation-dir",
            &from,
            "--output",
            &output,
        ];
        self.init(&[&args[..], &["--model-endpoints", endpoints], more].concat())
    }

    fn run(&self, name: &str, args: &[&str]) -> Run {
        let mut command = Command::new(PROGRAM);
        let command = command.arg("--layer-dir").arg(self.path(name)).args(args);
        Run::of(&command.stdin(Stdio::null()).output().expect("it runs"))
    }

    /// Plans a layer and runs all of it.
    fn make(&self, name: &str, from: &str, endpoints: &str, more: &[&str]) {
        self.plan(name, from, endpoints, more).expect(name);
        self.run(name, &[]).assert_status(0);
    }

    /// The bytes of a layer's pictures, from its files or its database.
    fn stored(&self, name: &str) -> BTreeMap<Quadrant, Vec<u8>> {
        let database = self.path(name).join("quadrants.db");
        if !database.exists() {
            let files =
                std::fs::read_dir(self.path(name).join("generations")).expect("a directory");
            let files = files.map(|file| file.expect("an entry").path());
            return files
                .map(|path| (quadrant_of(&path), std::fs::read(&path).expect("a file")))
                .collect();
        }
        let sql =
            "SELECT quadrant_x, quadrant_y, hex(generation) FROM quadrants WHERE is_generated";
        let rows = query(&database, sql).into_iter();
        rows.map(|row| (quadrant(&row[0], &row[1]), from_hex(&row[2])))
            .collect()
    }

    fn pictures(&self, name: &str) -> BTreeMap<Quadrant, RgbImage> {
        let decode = |bytes: &[u8]| image::load_from_memory(bytes).expect("a picture").to_rgb8();
        let stored = self.stored(name).into_iter();
        stored
            .map(|(quadrant, bytes)| (quadrant, decode(&bytes)))
            .collect()
    }

    fn progress(&self, name: &str, sql: &str) -> Vec<Vec<String>> {
        query(&self.path(name).join("progress.db"), sql)
    }
}

fn quadrant(x: &str, y: &str) -> Quadrant {
    Quadrant::new(x.parse().expect("x"), y.parse().expect("y"))
}

fn quadrant_of(path: &Path) -> Quadrant {
    let name = path
        .file_stem()
        .and_then(|name| name.to_str())
        .expect("a name");
    let (x, y) = name.split_once('_').expect("two numbers");
    quadrant(x, y)
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits = text
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).expect("hex"));
    digits
        .map(|pair| u8::from_str_radix(pair, 16).expect("hex"))
        .collect()
}

fn sources(map: &MapSpec) -> BTreeMap<Quadrant, Vec<u8>> {
    let all = map.region().quadrants().iter();
    let picture = |quadrant| map.picture(SourceLayer::Generations, quadrant);
    all.filter_map(|&quadrant| Some((quadrant, picture(quadrant)?)))
        .collect()
}

fn inverted(picture: &RgbImage) -> RgbImage {
    let mut picture = picture.clone();
    image::imageops::invert(&mut picture);
    picture
}

const SQLITE: &[&str] = &["--storage", "sqlite"];

#[test]
fn a_chain_of_three_layers_ends_with_the_pixels_of_the_source() {
    let translucent = Quadrant::new(-3, -3);
    let odd = encode_png(RgbaImage::from_fn(16, 12, |x, y| {
        image::Rgba([x as u8, y as u8, 9, 200])
    }));
    let map = city().with_picture(translucent, SourceLayer::Generations, odd);
    let project = Project::with(&map);
    project.make("copied", "map", "./copy.json", SQLITE);
    project.make("negative", "copied", "./invert.json", &[]);
    project.make("restored", "negative", "./invert.json", SQLITE);
    let copied = project.stored("copied");
    let sources = sources(&map);
    for (quadrant, source) in &sources {
        assert_eq!(
            &copied[quadrant] == source,
            *quadrant != translucent,
            "{quadrant}"
        );
        let pixels = image::load_from_memory(source)
            .expect("a picture")
            .to_rgb8();
        assert!(
            project.pictures("negative")[quadrant] == inverted(&pixels),
            "{quadrant}"
        );
        assert!(
            project.pictures("restored")[quadrant] == pixels,
            "{quadrant}"
        );
    }
    assert_eq!(project.stored("restored").len(), sources.len());
    // A part that is cut out, back into files.
    project.make("part", "copied", "./copy.json", &["--bounds=-4,-2,1,0"]);
    let part = project.stored("part");
    assert!(!part.is_empty() && part.len() < copied.len());
    assert!(
        part.iter()
            .all(|(quadrant, bytes)| copied[quadrant] == *bytes)
    );
}

#[test]
fn a_layer_in_sqlite_is_a_map_to_the_letter() {
    let project = Project::with(&city());
    let map = project.path("map/quadrants.db");
    let _ = query(&map, "ALTER TABLE quadrants ADD COLUMN is_water INTEGER");
    let _ = query(&map, "ALTER TABLE quadrants ADD COLUMN dark_mode BLOB");
    let _ = query(
        &map,
        "UPDATE quadrants SET is_water = 1, notes = 'a river', lat = 0 WHERE quadrant_x = 1",
    );
    std::fs::write(project.path("map/bounds.json"), "{\"type\": \"Polygon\"}").expect("a file");
    project
        .plan("snow", "map", "./invert.json", SQLITE)
        .expect("it is planned");
    let snow = project.path("snow/quadrants.db");
    let columns = "SELECT group_concat(name || ' ' || type || ' ' || \"notnull\" || ' ' || pk || ' ' || hidden, ', ') FROM pragma_table_xinfo('quadrants')";
    assert_eq!(
        query(&snow, columns)[0][0],
        "quadrant_x INTEGER 1 1 0, quadrant_y INTEGER 1 2 0, lat REAL 1 0 0, lng REAL 1 0 0, tile_row INTEGER 1 0 0, tile_col INTEGER 1 0 0, quadrant_index INTEGER 1 0 0, render BLOB 0 0 0, generation BLOB 0 0 0, is_generated INTEGER 0 0 3, notes TEXT 0 0 0, is_water INTEGER 0 0 0"
    );
    let told = "SELECT quadrant_x, quadrant_y, lat, lng, tile_row, tile_col, quadrant_index, notes, is_water FROM quadrants ORDER BY 1, 2";
    assert_eq!(query(&snow, told), query(&map, told));
    assert_eq!(
        query(&snow, "SELECT sum(is_generated) FROM quadrants")[0][0],
        "0"
    );
    let metadata = "SELECT key, value FROM metadata ORDER BY key";
    assert_eq!(query(&snow, metadata), query(&map, metadata));
    for file in ["bounds.json", "generation_config.json"] {
        let [theirs, ours] =
            ["map", "snow"].map(|dir| std::fs::read_to_string(project.path(dir).join(file)));
        let value = |text: std::io::Result<String>| {
            serde_json::from_str::<serde_json::Value>(&text.expect(file)).expect("JSON")
        };
        assert_eq!(value(ours), value(theirs), "{file}");
    }
    project.run("snow", &["--max-items", "3"]).assert_status(0);
    let generated = query(
        &snow,
        "SELECT count(*) FROM quadrants WHERE is_generated AND render IS NULL",
    );
    assert_eq!(generated[0][0], "12");
    project.run("snow", &[]).assert_status(0);
    assert_eq!(query(&snow, told), query(&map, told), "only pictures come");
    // From files there is nothing to carry over, and all has its place.
    project.make("files", "snow", "./copy.json", &[]);
    project
        .plan("again", "files", "./copy.json", SQLITE)
        .expect("it is planned");
    let place = "SELECT quadrant_x, quadrant_y, round(lat, 9), round(lng, 9) FROM quadrants WHERE quadrant_x <> 1 ORDER BY 1, 2";
    assert_eq!(
        query(&project.path("again/quadrants.db"), place),
        query(&map, place)
    );
}

#[test]
fn who_reads_the_database_while_a_run_goes_on_sees_whole_pictures() {
    let project = Project::with(&MapSpec::rectangle(12, 12).quadrant_px(8, 8));
    project
        .plan("snow", "map", "./invert.json", SQLITE)
        .expect("it is planned");
    let mut command = Command::new(PROGRAM);
    let command = command.arg("--layer-dir").arg(project.path("snow"));
    let mut run = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    let mut seen = 0;
    while run.try_wait().expect("a child").is_none() {
        for bytes in project.stored("snow").values() {
            image::load_from_memory(bytes).expect("a whole picture");
            seen += 1;
        }
    }
    assert!(run.wait().expect("a child").success());
    assert!(seen > 0 || project.stored("snow").len() == 144);
    let names = std::fs::read_dir(project.path("snow")).expect("a directory");
    let names = names.map(|entry| entry.expect("an entry").file_name());
    let logs = names.filter(|name| name.to_string_lossy().starts_with("quadrants.db-"));
    assert_eq!(logs.count(), 0, "all is in the one file");
}

/// Whether each two blocks that touch have room for what precedes, in the order of the plan.
fn assert_no_seam(project: &Project, name: &str) {
    let sql = "SELECT block_type, top_left_x, top_left_y FROM generation_plan ORDER BY step, id";
    let rows = project.progress(name, sql).into_iter();
    let block = |row: Vec<String>| Block {
        shape: row[0].parse::<BlockShape>().expect("a shape"),
        top_left: quadrant(&row[1], &row[2]),
    };
    let blocks: Vec<Block> = rows.map(block).collect();
    for (index, later) in blocks.iter().enumerate() {
        for earlier in &blocks[..index] {
            if let Some(axis) = later.shared_edge(*earlier) {
                assert!(
                    later.shape.has_margin(axis),
                    "{later} has no room for {earlier}"
                );
            }
        }
    }
}

#[test]
fn what_is_not_finished_is_refused_or_planned_in_part_and_extended_later() {
    for (storage, canvas) in [("files", "block"), ("sqlite", "infill")] {
        let map = city();
        let project = Project::with(&map);
        let more = ["--storage", storage, "--canvas", canvas];
        project
            .plan("snow", "map", "./invert.json", &more)
            .expect("it is planned");
        project.run("snow", &["--max-items", "5"]).assert_status(0);
        let refused = project
            .plan("night", "snow", "./invert.json", &more)
            .unwrap_err();
        assert!(refused.contains("quadrants of the layer in"), "{refused}");
        assert!(
            refused.contains("are not finished") && refused.contains("--partial"),
            "{refused}"
        );
        let partial = [&more[..], &["--partial"]].concat();
        let said = project
            .plan("night", "snow", "./invert.json", &partial)
            .expect("in part");
        assert!(said.contains("not planned; init_layer --extend"), "{said}");
        project.run("night", &[]).assert_status(0);
        let rows = "SELECT id, step, block_type, top_left_x, top_left_y, status, completed_at FROM generation_plan ORDER BY id";
        let (before, pictures) = (project.progress("night", rows), project.stored("night"));

        let extend = ["--extend", "--output", "./night"];
        let refused = project.init(&extend).unwrap_err();
        assert!(refused.contains("are not finished"), "{refused}");
        project.run("snow", &[]).assert_status(0);
        let said = project.init(&extend).expect("it is extended");
        assert!(said.starts_with("Added to layer night"), "{said}");
        let after = project.progress("night", rows);
        assert_eq!(after[..before.len()], before, "what stands stays as it is");
        assert!(after[before.len()..].iter().all(|row| row[5] == "pending"));
        assert_no_seam(&project, "night");
        project.run("night", &[]).assert_status(0);
        let made = project.stored("night");
        assert_eq!(made.len(), map.region().len());
        assert!(
            pictures
                .iter()
                .all(|(quadrant, bytes)| made[quadrant] == *bytes)
        );
        let nothing = project.init(&extend).unwrap_err();
        assert!(
            nothing.contains("no quadrants that are not planned"),
            "{nothing}"
        );
    }
}

#[test]
fn a_map_that_has_grown_is_planned_as_far_as_the_layer_s_bounds_go() {
    let project = Project::with(&MapSpec::rectangle(5, 5).quadrant_px(8, 8));
    project.make("whole", "map", "./invert.json", SQLITE);
    project.make("corner", "map", "./invert.json", &["--bounds", "0,0,5,1"]);
    std::fs::create_dir(project.path("grown")).expect("a directory");
    MapSpec::rectangle(8, 6)
        .quadrant_px(8, 8)
        .write_blocking(&project.path("larger"));
    let larger = project.path("larger/quadrants.db");
    std::fs::copy(larger, project.path("map/quadrants.db")).expect("the map grows");
    // A comment in the settings stays.
    let settings = project.path("whole/layer_config.json");
    let text = std::fs::read_to_string(&settings).expect("settings");
    std::fs::write(&settings, text.replacen('{', "{\n  // mine", 1)).expect("a file");

    project
        .init(&["--extend", "--output", "./whole"])
        .expect("it is extended");
    assert_no_seam(&project, "whole");
    let run = project.run("whole", &[]);
    run.assert_status(0);
    assert!(
        !run.stderr.contains("asks for the bounds"),
        "{}",
        run.stderr
    );
    assert_eq!(project.stored("whole").len(), 48);
    let rows = query(
        &project.path("whole/quadrants.db"),
        "SELECT count(*) FROM quadrants",
    );
    assert_eq!(rows[0][0], "48");
    assert!(
        std::fs::read_to_string(settings)
            .expect("settings")
            .contains("// mine")
    );

    let said = project
        .init(&["--extend", "--output", "./corner"])
        .expect("it is extended");
    assert!(
        said.contains("more quadrants of the source lie outside the bounds"),
        "{said}"
    );
    project.run("corner", &[]).assert_status(0);
    assert_eq!(project.stored("corner").len(), 12);
    project
        .init(&["--extend", "--output", "./corner", "--bounds", "0,0,6,2"])
        .expect("it is extended");
    project.run("corner", &[]).assert_status(0);
    assert_eq!(project.stored("corner").len(), 21);
    assert_no_seam(&project, "corner");
}

#[test]
fn a_layer_has_no_renders_and_is_not_its_own_source() {
    let project = Project::with(&city());
    project.make("snow", "map", "./invert.json", &[]);
    let refused = project.plan(
        "night",
        "snow",
        "./copy.json",
        &["--source-layer", "renders"],
    );
    assert!(refused.unwrap_err().contains("a layer has no renders"));
    let refused = project.plan("snow", "snow", "./copy.json", &["--force"]);
    assert!(
        refused
            .unwrap_err()
            .contains("both the source and the layer to write")
    );
    assert_eq!(project.stored("snow").len(), city().region().len());
}

#[test]
fn a_database_that_others_have_changed_is_met_with_care() {
    let project = Project::with(&city());
    project.make("snow", "map", "./copy.json", SQLITE);
    let snow = project.path("snow/quadrants.db");
    for n in 0..10 {
        let _ = query(
            &snow,
            &format!("ALTER TABLE quadrants ADD COLUMN other_{n} BLOB"),
        );
    }
    let at = |x: i32, y: i32| format!("quadrant_x = {x} AND quadrant_y = {y}");
    let (text, null, gone) = (at(-3, -3), at(-2, -3), at(-1, -3));
    let _ = query(
        &snow,
        &format!("UPDATE quadrants SET generation = 'not a picture' WHERE {text}"),
    );
    let _ = query(
        &snow,
        &format!("UPDATE quadrants SET generation = NULL WHERE {null}"),
    );
    let _ = query(&snow, &format!("DELETE FROM quadrants WHERE {gone}"));
    // As a source: what is missing is told, and what is no picture fails its item.
    let refused = project
        .plan("night", "snow", "./copy.json", &[])
        .unwrap_err();
    assert!(refused.contains("2 of the 49 quadrants"), "{refused}");
    project
        .plan("night", "snow", "./copy.json", &["--partial"])
        .expect("in part");
    project
        .run("night", &[])
        .assert_status(1)
        .assert_says("generation of quadrant (-3, -3)");
    // As what a run writes to: all three are made again, and the rest stays.
    project
        .run("snow", &[])
        .assert_status(1)
        .assert_says("2 pictures of complete items are gone");
    project.run("snow", &["--resume"]).assert_status(0);
    assert_eq!(project.stored("snow"), sources(&city()));
    assert_eq!(
        query(
            &snow,
            &format!("SELECT lat <> 0 FROM quadrants WHERE {gone}")
        )[0][0],
        "1"
    );
    // What is no such database at all.
    for (sql, says) in [
        ("DROP TABLE quadrants", "quadrants"),
        (
            "ALTER TABLE quadrants RENAME COLUMN generation TO picture",
            "generation",
        ),
    ] {
        let whole = std::fs::read(&snow).expect("the database");
        let _ = query(&snow, sql);
        let run = project.run("snow", &["--resume"]);
        run.assert_status(2).assert_says(says);
        assert!(
            project
                .plan("other", "snow", "./copy.json", &[])
                .unwrap_err()
                .contains("quadrants")
        );
        std::fs::write(&snow, whole).expect("it is put back");
    }
    project.run("snow", &["--resume"]).assert_status(0);
}

#[test]
fn a_plan_made_anew_keeps_the_pictures_of_a_database() {
    let project = Project::with(&city());
    project
        .plan("snow", "map", "./invert.json", SQLITE)
        .expect("it is planned");
    project.run("snow", &["--max-items", "4"]).assert_status(0);
    let (pictures, calls) = (project.stored("snow"), project.server.calls().len());
    std::fs::write(project.path("snow/progress.db"), "garbage").expect("a file");
    let said = project
        .init(&["--rebuild", "--output", "./snow"])
        .expect("it is rebuilt");
    assert!(said.contains("complete    4 items"), "{said}");
    project.run("snow", &["--resume"]).assert_status(0);
    let made = project.stored("snow");
    assert!(
        pictures
            .iter()
            .all(|(quadrant, bytes)| made[quadrant] == *bytes)
    );
    let items = project.progress("snow", "SELECT count(*) FROM generation_plan");
    assert_eq!(
        (project.server.calls().len()).to_string(),
        items[0][0],
        "{calls} before"
    );
}
