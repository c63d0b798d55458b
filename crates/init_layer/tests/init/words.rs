//! What the program says where little works: it never panics, and the status tells.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use fixtures::layers::Run;
use fixtures::maps::MapSpec;
use fixtures::programs::{limits_of_memory, require_texts, with_limit};

use serde_json::Value;

use crate::project::Project;

const PROGRAM: &str = env!("CARGO_BIN_EXE_init_layer");

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let project = Project::of(&MapSpec::rectangle(3, 3));
    let mut command = project.command(&["--name", "a", "--generation-dir", "map"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_output_that_is_full_is_an_error_though_the_layer_is_made() {
    let project = Project::of(&MapSpec::rectangle(3, 3));
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    let mut command = project.command(&["--name", "a", "--generation-dir", "map"]);
    let run = Run::of(&command.stdout(full()).output().unwrap());
    run.assert_status(1).assert_says("the layer is made, but");
    assert!(project.path("layers/a/progress.db").exists());

    let mut command = project.command(&["--name", "b", "--generation-dir", "map"]);
    let output = command.stdout(full()).stderr(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let mut command = project.command(&["--name", "b", "--generation-dir", "nowhere"]);
    let output = command.stdout(full()).stderr(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn few_open_files_are_an_error_or_enough() {
    let project = Project::of(&MapSpec::rectangle(3, 3));
    for limit in 5..40 {
        let mut shell = with_limit(&format!("-n {limit}"), PROGRAM);
        shell.args(["--name", &limit.to_string(), "--generation-dir", "map"]);
        let run = Run::of(&shell.current_dir(project.path("")).output().unwrap());
        match run.status {
            Some(0) => assert!(limit > 16, "{limit} files were enough"),
            Some(2) => assert!(
                run.stderr.starts_with("error: cannot open"),
                "{}",
                run.stderr
            ),
            status => panic!("{status:?} with {limit} files: {}", run.stderr),
        }
    }
}

#[test]
fn little_memory_is_an_error_or_enough() {
    let project = Project::of(&MapSpec::rectangle(30, 30));
    for limit in limits_of_memory() {
        let mut shell = with_limit(&limit, PROGRAM);
        shell.args(["--name", &limit[3..], "--generation-dir", "map"]);
        let run = Run::of(&shell.current_dir(project.path("")).output().unwrap());
        if run.status != Some(0) {
            run.assert_status(2)
                .assert_says("error: the limit of memory");
        }
    }
}

#[test]
fn what_is_no_text_or_would_not_print_is_refused_and_nothing_is_written() {
    let project = Project::of(&MapSpec::rectangle(3, 3));
    let odd = [&b"odd-\xff"[..], b"two\nlines", b"red\x1b[31m", b"bell\x07"].map(OsStr::from_bytes);
    for text in odd {
        std::fs::create_dir(project.path("").join(text)).unwrap();
        std::fs::rename(project.path("map"), project.path("").join(text).join("map")).unwrap();
        let map = std::path::Path::new(text).join("map");
        let before = project.files();
        let refused = |command: &mut Command| {
            let run = Run::of(&command.output().unwrap());
            run.assert_status(2);
            assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
            assert!(!run.stderr.contains(['\x1b', '\x07']), "{}", run.stderr);
            assert!(project.files() == before, "something was written");
        };
        refused(
            project
                .command(&["--name", "a", "--generation-dir"])
                .arg(&map),
        );
        let named = ["--generation-dir", "map", "--name"];
        refused(
            project
                .command(&named)
                .arg(text)
                .current_dir(project.path("").join(text)),
        );
        refused(
            project
                .command(&["--name", "a", "--generation-dir", "map", "--output"])
                .arg(project.path("").join(text).join("a"))
                .current_dir(project.path("").join(text)),
        );
        // From within the map is a plain path, and yet the layer would be in no plain place.
        refused(
            project
                .command(&["--name", "a", "--generation-dir", "map"])
                .current_dir(project.path("").join(text)),
        );
        std::fs::rename(project.path("").join(map), project.path("map")).unwrap();
    }
}

#[test]
fn the_commands_that_come_next_can_be_copied() {
    let project = Project::of(&MapSpec::rectangle(3, 3));
    for output in ["plain/layer", "it's $HOME; `x` \"y\"", "-x"] {
        let args = ["--name", "a", "--generation-dir", "map"];
        let output = format!("--output={output}");
        let run = project.init(&[&args[..], &[&output]].concat());
        run.assert_status(0);
        let (_, next) = run.stdout.split_once("Next:\n").unwrap();
        assert_eq!(next.lines().count(), 3);
        for line in next.lines() {
            let (command, _) = line.rsplit_once("    ").unwrap();
            let shown = command.replace("debug_generate_full_map_layer", "look");
            let shown = shown.replace("generate_full_map_layer", "look");
            let script = format!("look() {{ test -f \"$2/progress.db\"; }}; {shown}");
            let ended = Command::new("sh")
                .args(["-c", &script])
                .current_dir(project.path(""))
                .status();
            assert!(ended.unwrap().success(), "{line}");
        }
    }
}

#[test]
fn what_the_system_refuses_is_said_once() {
    let project = Project::of(&MapSpec::rectangle(3, 3));
    std::fs::create_dir(project.path("directory")).unwrap();
    let (root, file) = (project.path(""), project.path("ends.json"));
    project
        .init(&["--name", "made", "--generation-dir", "map"])
        .assert_status(0);
    for made in ["layers/made/layer_config.json", "map/quadrants.db"] {
        // What is a directory where a file belongs, for a privileged user too.
        let args = |flag: &str| {
            let mut args = vec!["--name", "a", "--generation-dir", "map"]
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>();
            args.extend([
                flag.to_owned(),
                root.join("directory").display().to_string(),
            ]);
            args
        };
        for flag in ["--model-endpoints", "--generation-params"] {
            let args = args(flag);
            project.refuses(
                &args.iter().map(String::as_str).collect::<Vec<_>>(),
                "directory",
            );
        }
        let under_a_file = file.join("layer").display().to_string();
        project.refuses(
            &[
                "--name",
                "a",
                "--generation-dir",
                "map",
                "--output",
                &under_a_file,
            ],
            "ends.json",
        );
        std::fs::remove_file(project.path(made)).unwrap();
        std::fs::create_dir(project.path(made)).unwrap();
        let run = project.init(&["--rebuild", "--output", "layers/made"]);
        run.assert_status(2).assert_says("error: ");
        std::fs::remove_dir(project.path(made)).unwrap();
        std::fs::write(project.path(made), "").unwrap();
    }
}

#[test]
fn completions_the_manual_page_and_the_schema_are_printed() {
    require_texts(PROGRAM, "init_layer", "generation-dir");
    let project = Project::of(&MapSpec::rectangle(3, 3));
    project
        .init(&["--name", "a", "--generation-dir", "map"])
        .assert_status(0);
    let run = project.init(&["schema"]);
    run.assert_status(0);
    let beside = std::fs::read_to_string(project.path("layers/a/layer_config.schema.json"));
    assert_eq!(run.stdout, beside.unwrap());
}

#[test]
fn a_new_layer_names_its_schema_and_is_valid_by_it() {
    let project = Project::of(&MapSpec::rectangle(3, 3));
    for (name, args) in [
        ("a", &["--generation-dir", "map"][..]),
        (
            "b",
            &[
                "--generation-dir",
                "map",
                "--model-endpoints",
                "ends.json",
                "--prompt",
                "snow",
                "--canvas",
                "infill",
                "--storage",
                "sqlite",
                "--source-layer",
                "generations",
                "--bounds",
                "0,0,1,1",
            ],
        ),
    ] {
        project
            .init(&[&["--name", name], args].concat())
            .assert_status(0);
        let config = std::fs::read(project.path(&format!("layers/{name}/layer_config.json")));
        let config: Value = serde_json::from_slice(&config.unwrap()).unwrap();
        let named = config["$schema"].as_str().unwrap();
        let schema = std::fs::read(project.path(&format!("layers/{name}")).join(named));
        let schema: Value = serde_json::from_slice(&schema.unwrap()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<_> = validator.iter_errors(&config).collect();
        assert!(errors.is_empty(), "{errors:?}");
        let mut misspelt = config.clone();
        misspelt["generaton_params"] = config["generation_params"].clone();
        assert!(!validator.is_valid(&misspelt));
    }
}

#[test]
fn a_summary_takes_the_place_of_nothing_but_a_summary() {
    let project = Project::of(&MapSpec::rectangle(3, 3));
    let args = ["--name", "a", "--generation-dir", "map"];
    let first = project.init(&[&args[..], &["--summary", "run.json", "-q"]].concat());
    first.assert_status(0);
    let others = [
        ("notes.txt", &b"to do"[..]),
        ("list.json", b"[1, 2]"),
        ("config.json", b"{\"version\": 1, \"program\": null}"),
        ("blank", b"\n"),
    ];
    for (name, bytes) in others {
        std::fs::write(project.path(name), bytes).unwrap();
    }
    let there = [
        "map/quadrants.db",
        "layers/a/progress.db",
        "layers/a/layer_config.json",
        "map/generation_config.json",
    ];
    for name in there.into_iter().chain(others.map(|(name, _)| name)) {
        let before = std::fs::read(project.path(name)).unwrap();
        let args = ["--name", "b", "--generation-dir", "map", "--summary", name];
        project.refuses(&args, "is something else than an earlier summary");
        assert!(!project.path("layers/b").exists(), "nothing was begun");
        assert!(
            std::fs::read(project.path(name)).unwrap() == before,
            "{name}"
        );
    }
    std::fs::write(project.path("empty"), "").unwrap();
    for (name, file) in [("b", "run.json"), ("c", "empty")] {
        let args = ["--name", name, "--generation-dir", "map", "--summary", file];
        project.init(&args).assert_status(0);
        let summary = std::fs::read(project.path(file)).unwrap();
        let summary: Value = serde_json::from_slice(&summary).unwrap();
        assert_eq!(summary["exit_status"], 0);
    }
}

#[test]
fn a_script_is_told_what_is_planned_or_why_nothing_is() {
    let project = Project::of(&MapSpec::rectangle(3, 3));
    let args = [
        "--name",
        "a",
        "--generation-dir",
        "map",
        "--progress",
        "json",
        "--summary",
        "a.json",
    ];
    let run = project.init(&args);
    run.assert_status(0).assert_says("Layer a in layers/a");
    let events = run.events();
    let names: Vec<&str> = events
        .iter()
        .filter_map(|event| event["event"].as_str())
        .collect();
    assert_eq!(
        (names[0], events[0]["version"].as_u64()),
        ("started", Some(1))
    );
    let planned = events
        .iter()
        .find(|event| event["event"] == "planned")
        .unwrap();
    assert_eq!(planned["quadrants"], 9);
    let end = events.last().unwrap();
    let summary = || -> Value {
        serde_json::from_slice(&std::fs::read(project.path("a.json")).unwrap()).unwrap()
    };
    assert_eq!(end["calls"], planned["blocks"]);
    assert_eq!(summary()["calls"], end["calls"]);
    assert_eq!(summary()["bounds"]["max_x"], 2);
    // The layer is there now.
    let run = project.init(&args);
    run.assert_status(2);
    let reason = run.events().pop().unwrap()["reason"].clone();
    assert!(
        reason.as_str().unwrap().contains("is a layer already"),
        "{reason}"
    );
    assert_eq!(summary()["reason"], reason);

    let args = ["--name", "b", "--generation-dir", "map"];
    let run = project.init(&[&args[..], &["--summary", "nowhere/b.json"]].concat());
    run.assert_status(2)
        .assert_says("nowhere/b.json cannot be written");
    let run = project.init(&[&args[..], &["--log-file", "map/bounds.json"]].concat());
    run.assert_status(2)
        .assert_says("one of the files that map has for itself");
    assert!(!project.path("map/bounds.json").exists());
    assert!(!project.path("layers/b").exists(), "nothing was begun");
    let run = project.init(&[&args[..], &["--summary", "-", "-q"]].concat());
    run.assert_status(0);
    assert_eq!(run.stderr, "");
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(told["quadrants"], 9);
    let args = ["--name", "c", "--generation-dir", "map"];
    let run = project.init(&[&args[..], &["-q"]].concat());
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
    let run = project.init(&["--name", "d", "--generation-dir", "map", "-v"]);
    assert!(run.stderr.contains(" blocks in "), "{}", run.stderr);
    let run = project.init(&[
        "--name",
        "d",
        "--generation-dir",
        "map",
        "--color",
        "always",
    ]);
    assert!(run.stderr.contains('\u{1b}'), "{}", run.stderr);
}
