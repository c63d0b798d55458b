//! Disks that are full, directories that cannot be written or are gone.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use fixtures::layers::{Run, TestLayer, endpoints_at};
use fixtures::maps::{MapSpec, encode_png};
use fixtures::programs::{limits_of_memory, with_limit};
use fixtures::server::{Reply, ServerSpec};
use image::RgbImage;
use layer::Storage;
use serde_json::json;

use crate::support::{
    Background, PATIENCE, PROGRAM, assert_sound, cannot_show, city, count, invert, layer_at,
    set_option,
};

/// `generations/`, or `quadrants.db`.
fn place_of(layer: &TestLayer) -> PathBuf {
    match layer.storage() {
        Storage::Files => layer.pictures_dir(),
        Storage::Sqlite => layer.dir().join("quadrants.db"),
    }
}

#[test]
fn a_file_in_the_place_of_generations_is_told_before_the_first_call() {
    let server = ServerSpec::new().start();
    let layer = layer_at(city(), &[&server]);
    let (place, says) = match layer.storage() {
        Storage::Files => (
            layer.pictures_dir(),
            "generations is not a directory; move it away",
        ),
        Storage::Sqlite => (place_of(&layer), "quadrants.db is not an SQLite database"),
    };
    let _ = std::fs::remove_dir(&place);
    std::fs::write(&place, "").unwrap();
    layer.run(PROGRAM, &[]).assert_status(2).assert_says(says);
    assert!(server.calls().is_empty());
    std::fs::remove_file(place).unwrap();
    layer.run(PROGRAM, &[]).assert_status(0);
    layer.assert_complete(invert);
}

#[test]
fn a_generations_directory_that_vanished_is_told_before_the_first_call() {
    let server = ServerSpec::new().start();
    let layer = layer_at(city(), &[&server]);
    layer.run(PROGRAM, &["--max-items", "5"]).assert_status(0);
    let calls = server.calls().len();
    let aside = layer.root().join("aside");
    std::fs::rename(place_of(&layer), &aside).unwrap();
    layer
        .run(PROGRAM, &[])
        .assert_status(2)
        .assert_says("is gone, though 5 items are complete");
    assert_eq!(server.calls().len(), calls);
    if layer.storage() == Storage::Sqlite {
        std::fs::rename(aside, place_of(&layer)).unwrap();
        layer.run(PROGRAM, &[]).assert_status(0);
        return layer.assert_complete(invert);
    }
    std::fs::create_dir(layer.pictures_dir()).unwrap();
    layer
        .run(PROGRAM, &["--resume"])
        .assert_status(0)
        .assert_says("5 have missing");
    layer.assert_complete(invert);
}

#[test]
fn a_generations_directory_that_vanishes_during_the_run_stops_it() {
    for replacement in ["nothing", "a file"] {
        let server = ServerSpec::new().latency(Duration::from_millis(20)).start();
        let layer = TestLayer::new(
            city(),
            &json!([{"name": "a", "url": server.url(), "max_concurrent": 3}]),
        );
        let run = Background::start(&layer, &[]);
        assert!(server.wait_for_calls(6, PATIENCE));
        let aside = layer.root().join("aside");
        let place = place_of(&layer);
        std::fs::rename(&place, &aside).unwrap();
        if replacement == "a file" {
            std::fs::write(&place, "").unwrap();
        }
        let run = run.finish();
        run.assert_status(3)
            .assert_says(place.file_name().unwrap().to_str().unwrap())
            .assert_says("the run stops, nothing is lost");
        assert_eq!(
            (count(&layer, "in_progress"), count(&layer, "error")),
            (0, 0),
            "{replacement}"
        );
        let _ = std::fs::remove_file(&place);
        std::fs::rename(aside, &place).unwrap();
        assert_sound(&layer);
        layer.run(PROGRAM, &[]).assert_status(0);
        layer.assert_complete(invert);
    }
}

/// A small file system of its own, as long as this value lives.
struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    /// `None` where only root may mount one, and the test is not root.
    fn mount(at: PathBuf, bytes: usize) -> Option<Self> {
        std::fs::create_dir_all(&at).unwrap();
        let mounted = Command::new("mount")
            .args([
                "-t",
                "tmpfs",
                "-o",
                &format!("size={bytes},mode=0755"),
                "tmpfs",
            ])
            .arg(&at)
            .stderr(Stdio::null())
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then_some(Self { at })
    }

    fn fill(&self, leave: usize) {
        let filler = self.at.join("filler");
        let free = Command::new("df")
            .args(["--output=avail", "-B1"])
            .arg(&self.at)
            .output()
            .unwrap();
        let free: usize = String::from_utf8_lossy(&free.stdout)
            .lines()
            .nth(1)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        std::fs::write(filler, vec![1; free.saturating_sub(leave)]).unwrap();
    }

    fn make_room(&self) {
        std::fs::remove_file(self.at.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
    }
}

/// Moves the layer onto a disk of its own; `layers/test` becomes a link to it.
fn onto_small_disk(layer: &TestLayer) -> Option<SmallDisk> {
    // As deep as the layer's own place, so that the source map is found from there.
    let disk = SmallDisk::mount(layer.root().join("disk"), 4 << 20)?;
    let place = disk.at.join("test");
    let copied = Command::new("cp")
        .arg("-r")
        .arg(layer.dir())
        .arg(&place)
        .status();
    assert!(copied.unwrap().success());
    std::fs::remove_dir_all(layer.dir()).unwrap();
    std::os::unix::fs::symlink(&place, layer.dir()).unwrap();
    Some(disk)
}

#[test]
fn a_full_disk_stops_the_run_and_when_there_is_room_it_goes_on() {
    // With so many bytes left: none at all, some for the database, some for pictures as well.
    for leave in [0, 8 << 10, 48 << 10, 160 << 10] {
        let server = ServerSpec::new().start();
        let layer = layer_at(MapSpec::rectangle(12, 12), &[&server]);
        let Some(disk) = onto_small_disk(&layer) else {
            return cannot_show("a full disk: mounting a tmpfs needs root");
        };
        disk.fill(leave);
        // What ends before the first claim could not run, and the rest stopped early.
        let stopped = || {
            let before = server.calls().len();
            let run = layer.run(PROGRAM, &[]);
            let could_not_run = run.stderr.contains("nothing was called");
            run.assert_status(if could_not_run { 2 } else { 3 });
            assert!(!could_not_run || server.calls().len() == before);
            run
        };
        let run = stopped();
        eprintln!("{leave} bytes left: {}", run.stderr.trim());
        assert!(
            run.stderr.contains("No space left") || run.stderr.contains("is full"),
            "{}",
            run.stderr
        );
        assert_eq!(count(&layer, "error"), 0, "{leave}");
        // Once more on the disk that is still full: no worse.
        stopped();
        disk.make_room();
        assert_sound(&layer);
        layer.run(PROGRAM, &[]).assert_status(0);
        layer.assert_complete(invert);
        drop(disk);
    }
}

#[test]
fn a_disk_without_room_for_a_picture_is_told_before_the_first_call() {
    let server = ServerSpec::new().start();
    let endpoints = endpoints_at([server.url().as_str()]);
    let layer = TestLayer::stored_in(Storage::Files, city(), &endpoints);
    let Some(disk) = SmallDisk::mount(layer.pictures_dir(), 64 << 10) else {
        return cannot_show("a full disk: mounting a tmpfs needs root");
    };
    disk.fill(0);
    layer
        .run(PROGRAM, &[])
        .assert_status(2)
        .assert_says("No space left");
    assert!(server.calls().is_empty());
    disk.make_room();
    layer
        .run(PROGRAM, &[])
        .assert_status(3)
        .assert_says("No space left");
    assert!(!server.calls().is_empty());
    assert_eq!(
        (count(&layer, "in_progress"), count(&layer, "error")),
        (0, 0)
    );
    assert_sound(&layer);
}

/// Runs the layer with a limit on how large a file may grow.
fn with_file_limit(layer: &TestLayer, blocks: usize) -> Run {
    let mut command = Command::new("sh");
    command
        .current_dir(layer.root())
        .args([
            "-c",
            &format!("ulimit -f {blocks}; exec \"$0\" --layer-dir layers/test"),
            PROGRAM,
        ])
        .stdin(Stdio::null());
    Run::of(&command.output().unwrap())
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_and_no_signal() {
    let noise = |seed: u32| {
        let mut state = seed | 1;
        RgbImage::from_fn(300, 300, move |_, _| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            let [a, b, c, _] = state.to_le_bytes();
            image::Rgb([a, b, c])
        })
    };
    let server = ServerSpec::new().start();
    let map = MapSpec::rectangle(3, 3)
        .quadrant_px(300, 300)
        .painted(move |_, quadrant| {
            encode_png(noise((quadrant.x * 71 + quadrant.y * 13 + 5) as u32))
        });
    let layer = layer_at(map, &[&server]);
    // Blocks are 512 or 1024 bytes: first nothing can be written, then all but the pictures.
    with_file_limit(&layer, 1).assert_status(2);
    assert!(server.calls().is_empty());
    let run = with_file_limit(&layer, 200);
    run.assert_status(3)
        .assert_says("the run stops, nothing is lost");
    if layer.storage() == Storage::Files {
        run.assert_says("File too large");
    }
    assert_eq!(server.calls().len(), 1);
    assert_eq!(layer.statuses().keys().collect::<Vec<_>>(), ["pending"]);
    layer.run(PROGRAM, &[]).assert_status(0);
    layer.assert_complete(invert);
}

/// Whoever may not write what belongs to the user who runs the tests.
fn as_somebody_else(layer: &TestLayer) -> Option<Command> {
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let own = layer.command(PROGRAM, &[]);
    if !is_root {
        return Some(own);
    }
    for directory in [layer.root().to_owned(), layer.dir()] {
        std::fs::set_permissions(directory, Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", PROGRAM])
        .args(own.get_args())
        .current_dir(layer.root())
        .stdin(Stdio::null());
    let probe = Command::new("setpriv")
        .args([
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            PROGRAM,
            "--version",
        ])
        .output();
    probe
        .is_ok_and(|output| output.status.success())
        .then_some(command)
}

fn allow(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_directory_that_cannot_be_written_is_told_before_the_first_call() {
    let server = ServerSpec::new().start();
    let layer = layer_at(city(), &[&server]);
    let Some(mut command) = as_somebody_else(&layer) else {
        return cannot_show("another user: setpriv is missing, or nobody may not run the program");
    };
    let mut run = || Run::of(&command.output().unwrap());
    allow(&layer.dir(), 0o555);
    run().assert_status(2).assert_says("Permission denied");

    // Only the pictures' directory.
    allow(&layer.dir(), 0o777);
    allow(&layer.dir().join("progress.db"), 0o666);
    let _ = std::fs::remove_file(layer.dir().join("run.lock"));
    let place = place_of(&layer);
    allow(&place, if place.is_dir() { 0o555 } else { 0o444 });
    let refused = run();
    refused
        .assert_status(2)
        .assert_says(place.file_name().unwrap().to_str().unwrap());
    let reasons = ["Permission denied", "readonly database"];
    assert!(reasons.iter().any(|reason| refused.stderr.contains(reason)));
    assert!(server.calls().is_empty());
    assert_eq!(layer.statuses().keys().collect::<Vec<_>>(), ["pending"]);

    allow(&place, 0o777);
    // A source that cannot be written is read all the same.
    allow(&layer.map_dir(), 0o555);
    allow(&layer.map_dir().join("quadrants.db"), 0o444);
    run().assert_status(0);
    layer.assert_complete(invert);
    allow(&layer.map_dir(), 0o755);
}

#[test]
fn a_progress_db_that_cannot_be_written_is_told_before_the_first_call() {
    let server = ServerSpec::new().start();
    let layer = layer_at(city(), &[&server]);
    let Some(mut command) = as_somebody_else(&layer) else {
        return cannot_show("another user: setpriv is missing, or nobody may not run the program");
    };
    allow(&layer.dir(), 0o777);
    allow(&place_of(&layer), 0o777);
    allow(&layer.dir().join("progress.db"), 0o444);
    let run = Run::of(&command.output().unwrap());
    run.assert_status(2)
        .assert_says("cannot write")
        .assert_says("progress.db");
    assert!(server.calls().is_empty());
}

#[test]
fn standard_output_and_error_on_a_full_disk_do_not_end_the_run() {
    let server = ServerSpec::new()
        .script(|_, call| {
            if call == 2 {
                Reply::status(500)
            } else {
                Reply::model()
            }
        })
        .start();
    let layer = layer_at(city(), &[&server]);
    let full = || {
        std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap()
    };
    let mut command = layer.command(PROGRAM, &[]);
    let status = command.stdout(full()).stderr(full()).status().unwrap();
    assert_eq!(status.code(), Some(0));
    layer.assert_complete(invert);
    for (args, status) in [
        (&["--dry-run"][..], 2),
        (&["--check-endpoints"], 2),
        (&[], 0),
    ] {
        let output = layer.command(PROGRAM, args).stdout(full()).output();
        Run::of(&output.unwrap())
            .assert_status(status)
            .assert_says("error: standard output takes nothing");
    }
    let nothing = TestLayer::new(city(), &json!([]));
    let mut command = nothing.command(PROGRAM, &[]);
    assert_eq!(
        command
            .stdout(full())
            .stderr(full())
            .status()
            .unwrap()
            .code(),
        Some(2)
    );
}

#[test]
fn a_reader_that_goes_away_does_not_end_the_run() {
    let server = ServerSpec::new().start();
    let layer = TestLayer::new(city(), &endpoints_at([server.url().as_str()]));
    let mut command = layer.command(PROGRAM, &[]);
    let mut child = command.spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    layer.assert_complete(invert);
}

#[test]
fn a_limit_of_open_files_makes_the_run_narrower() {
    for (limit, is_hard) in [("-Sn 64", false), ("-n 64", true)] {
        let server = ServerSpec::new().latency(Duration::from_millis(50)).start();
        let layer = layer_at(MapSpec::rectangle(18, 18).quadrant_px(4, 4), &[&server]);
        set_option(&layer, 0, "max_concurrent", 60);
        let mut command = Command::new("sh");
        let script = format!("ulimit {limit}; exec \"$0\" --layer-dir layers/test");
        command
            .current_dir(layer.root())
            .args(["-c", &script, PROGRAM])
            .stdin(Stdio::null());
        let run = Run::of(&command.output().unwrap());
        run.assert_status(0).assert_says(" 0 wasted");
        assert_eq!(run.stdout.contains("the limits of open files"), is_hard);
        layer.assert_complete(invert);
    }
}

#[test]
fn few_open_files_are_an_error_or_enough() {
    let layer = TestLayer::new(city(), &json!([{"name": "a", "url": "builtin:snow"}]));
    for limit in 3..40 {
        let mut command = with_limit(&format!("-n {limit}"), PROGRAM);
        command.args(["--layer-dir", "layers/test", "--max-items", "1"]);
        let run = Run::of(&command.current_dir(layer.root()).output().unwrap());
        match run.status {
            Some(0) => assert!(limit >= 24, "{limit} files were enough"),
            // Below that not even the program's libraries are loaded.
            Some(127) => assert!(limit < 5, "{}", run.stderr),
            Some(2) => assert!(run.stderr.contains("error: "), "{}", run.stderr),
            status => panic!("{status:?} with {limit} files: {}", run.stderr),
        }
    }
}

#[test]
fn little_memory_is_an_error_or_enough_and_makes_the_run_narrower() {
    let server = ServerSpec::new().start();
    for limit in limits_of_memory() {
        let layer = layer_at(MapSpec::rectangle(4, 4).quadrant_px(512, 512), &[&server]);
        set_option(&layer, 0, "max_concurrent", 200);
        for args in [
            &["--dry-run"][..],
            &["--check-endpoints"],
            &[],
            &["--resume"],
        ] {
            let mut command = with_limit(&limit, PROGRAM);
            command.args(["--layer-dir", "layers/test"]).args(args);
            let run = Run::of(&command.current_dir(layer.root()).output().unwrap());
            if run.status != Some(0) {
                run.assert_status(2)
                    .assert_says("error: the limit of memory");
            }
        }
    }
}

#[test]
fn stale_parts_of_a_dead_run_are_removed() {
    let server = ServerSpec::new().start();
    let endpoints = endpoints_at([server.url().as_str()]);
    let layer = TestLayer::stored_in(Storage::Files, city(), &endpoints);
    layer.run(PROGRAM, &["--max-items", "2"]).assert_status(0);
    for name in [".0_2.png.part", ".4_0.png.part", ".999_999.png.part"] {
        std::fs::write(layer.pictures_dir().join(name), "half").unwrap();
    }
    layer.run(PROGRAM, &[]).assert_status(0);
    layer.assert_complete(invert);
}
