//! What the program says where little works: it never panics, and the status tells.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Output, Stdio};

use fixtures::layers::{Run, TestLayer};
use fixtures::maps::MapSpec;
use fixtures::programs::{limits_of_memory, with_limit};
use serde_json::json;

const PROGRAM: &str = env!("CARGO_BIN_EXE_debug_generate_full_map_layer");

fn test_layer() -> TestLayer {
    TestLayer::new(MapSpec::rectangle(5, 5), &json!([]))
}

fn ended(output: &Output) -> Run {
    let run = Run::of(output);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    run
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
