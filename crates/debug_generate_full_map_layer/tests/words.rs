//! What the program says where little works: it never panics, and the status tells.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Output, Stdio};

use fixtures::layers::{Run, TestLayer, events_of};
use fixtures::maps::MapSpec;
use fixtures::programs::{limits_of_memory, require_texts, with_limit};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_debug_generate_full_map_layer");

fn test_layer() -> TestLayer {
    TestLayer::new(MapSpec::rectangle(5, 5), &json!([]))
}

fn ended(output: &Output) -> Run {
    let run = Run::of(output);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    run
}

#[test]
fn the_log_is_none_of_the_layer_s_own_files() {
    let layer = test_layer();
    let own = "layers/test/review.json";
    let run = layer.run(PROGRAM, &["--log-file", own]);
    run.assert_status(2)
        .assert_says("one of the files that layers/test has for itself");
    assert!(!layer.root().join(own).exists());
    let beside = ["--log-file", "layers/test/map.log"];
    layer.run(PROGRAM, &beside).assert_status(0);
}

/// Each way of using the program that says something and ends.
const WAYS: [&[&str]; 2] = [&[], &["--seams"]];

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let layer = test_layer();
    for way in WAYS {
        let mut child = layer.command(PROGRAM, way).spawn().unwrap();
        drop(child.stdout.take());
        let mut stderr = String::new();
        let mut pipe = child.stderr.take().unwrap();
        pipe.read_to_string(&mut stderr).unwrap();
        assert!(child.wait().unwrap().success(), "{way:?}: {stderr}");
        assert_eq!(stderr, "", "{way:?}");
    }
}

#[test]
fn an_output_that_is_full_is_an_error() {
    let layer = test_layer();
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    for way in WAYS {
        let mut command = layer.command(PROGRAM, way);
        let run = ended(&command.stdout(full()).output().unwrap());
        run.assert_status(2)
            .assert_says("error: cannot write to standard output: No space left on device");
        // Nobody hears of it, and still the status is the same.
        let mut command = layer.command(PROGRAM, way);
        let output = command.stdout(full()).stderr(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{way:?}");
    }
}

#[test]
fn few_open_files_are_an_error_or_enough() {
    let layer = test_layer();
    for way in [WAYS[0], WAYS[1], &["--serve", "nowhere.invalid:1"]] {
        for limit in 3..40 {
            let mut shell = with_limit(&format!("-n {limit}"), PROGRAM);
            shell.arg("--layer-dir").arg(layer.dir()).args(way);
            let run = ended(&shell.output().unwrap());
            match run.status {
                Some(0) => assert!(limit > 8, "{limit} files were enough"),
                // Below that not even the program's libraries are loaded.
                Some(127) => assert!(limit < 5, "{}", run.stderr),
                Some(2) => assert!(run.stderr.starts_with("error: "), "{}", run.stderr),
                status => panic!("{status:?} with {limit} files: {}", run.stderr),
            }
        }
    }
}

#[test]
fn little_memory_is_an_error_or_enough() {
    let layer = test_layer();
    for way in [WAYS[0], WAYS[1], &["--serve", "nowhere.invalid:1"]] {
        for limit in limits_of_memory() {
            let mut shell = with_limit(&limit, PROGRAM);
            shell.arg("--layer-dir").arg(layer.dir()).args(way);
            let run = ended(&shell.output().unwrap());
            if run.status != Some(0) {
                run.assert_status(2).assert_says("error: ");
            }
        }
    }
}

#[test]
fn a_page_that_cannot_be_written_is_an_error_that_names_it() {
    let layer = test_layer();
    for (output, error) in [
        ("/dev/full/map.html", "cannot write /dev/full/map.html"),
        ("/proc/map.html", "cannot write /proc/map.html"),
        ("nowhere/map.html", "there is no directory nowhere"),
    ] {
        let output = layer.command(PROGRAM, &["--output", output]).output();
        ended(&output.unwrap()).assert_status(2).assert_says(error);
    }
}

#[test]
fn a_path_that_is_no_text_works_or_is_refused() {
    let layer = test_layer();
    let odd = layer.root().join(OsStr::from_bytes(b"odd-\xff"));
    std::fs::create_dir(&odd).unwrap();
    let mut command = layer.command(PROGRAM, &["--output"]);
    let run = ended(&command.arg(odd.join("map.html")).output().unwrap());
    run.assert_status(0);
    assert!(odd.join("map.html").exists());

    let moved = odd.join("test");
    std::fs::rename(layer.dir(), &moved).unwrap();
    for way in WAYS {
        let mut command = Command::new(PROGRAM);
        command
            .current_dir(layer.root())
            .arg("--layer-dir")
            .arg(&moved);
        ended(&command.args(way).output().unwrap())
            .assert_status(2)
            .assert_says("error: cannot use ")
            .assert_says("its path is not UTF-8; give it another name");
    }
}

#[test]
fn completions_and_the_manual_page_are_printed() {
    require_texts(PROGRAM, "debug_generate_full_map_layer", "leaflet-dir");
}

#[test]
fn a_script_is_told_what_was_written_or_why_nothing_was() {
    // Tiles of a site are square.
    let map = MapSpec::rectangle(5, 5).quadrant_px(16, 16);
    let layer = TestLayer::new(map, &json!([]));
    layer.finish_with_source();
    let summary = || -> Value {
        let told = std::fs::read(layer.root().join("map.json")).unwrap();
        serde_json::from_slice(&told).unwrap()
    };
    let all = ["--progress", "json", "--summary", "map.json"];
    for (way, figure) in [
        (&[][..], "blocks"),
        (&["--seams"], "edges"),
        (&["--publish", "site"], "written"),
    ] {
        let run = layer.run(PROGRAM, &[&all[..], way].concat());
        let events = run.events();
        assert_eq!(events[0]["event"], "started", "{way:?}");
        let end = events.last().unwrap();
        run.assert_status(0);
        assert!(end[figure].is_u64(), "{way:?}: {end}");
        assert_eq!(summary()[figure], end[figure]);
        assert_eq!(summary()["exit_status"], end["exit_status"]);
    }
    let run = layer.run(PROGRAM, &["-q"]);
    run.assert_status(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
    let run = layer.run(PROGRAM, &["-q", "--seams"]);
    run.assert_says("mean step");
    let run = layer.run(PROGRAM, &["-v"]);
    assert!(run.stderr.contains("read the plan"), "{}", run.stderr);
    let run = layer.run(PROGRAM, &["--summary", "nowhere/map.json"]);
    run.assert_status(2)
        .assert_says("nowhere/map.json cannot be written");
    let run = layer.run(PROGRAM, &["--color", "always", "--compare", "nowhere"]);
    assert!(run.stderr.contains('\u{1b}'), "{}", run.stderr);
}

#[test]
fn a_script_is_told_where_a_page_is_served_and_when_no_more() {
    let layer = test_layer();
    let mut command = layer.command(PROGRAM, &["--serve", "0", "--progress", "json"]);
    let mut child = command.spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut told = String::new();
    while !told.contains("\"serving\"") {
        assert!(output.read_line(&mut told).unwrap() > 0, "{told}");
    }
    let kill = ["-s", "INT", &child.id().to_string()];
    assert!(Command::new("kill").args(kill).status().unwrap().success());
    while output.read_line(&mut told).unwrap() > 0 {}
    assert!(child.wait().unwrap().success());
    let events = events_of(&told);
    let address = events[1]["address"].as_str().unwrap();
    assert!(address.starts_with("http://127.0.0.1:"), "{address}");
    let end = events.last().unwrap();
    assert_eq!(
        (&end["event"], end["exit_status"].as_u64()),
        (&json!("ended"), Some(0))
    );
}
