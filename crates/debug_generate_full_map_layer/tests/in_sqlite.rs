//! The map of a layer that keeps its pictures in a database.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use fixtures::layers::TestLayer;
use fixtures::maps::{MapSpec, SourceLayer};
use layer::{LayerDir, Storage};
use planner::Quadrant;
use serde_json::json;

const PROGRAM: &str = env!("CARGO_BIN_EXE_debug_generate_full_map_layer");

/// A layer of which the first item is complete; its pictures are those of the source.
fn layer() -> (TestLayer, Vec<(Quadrant, Vec<u8>)>) {
    let map = MapSpec::rectangle(3, 3).quadrant_px(8, 8);
    let layer = TestLayer::stored_in(Storage::Sqlite, map.clone(), &json!([]));
    let _ =
        layer.sql("UPDATE generation_plan SET status = 'complete', completed_at = 1 WHERE id = 1");
    let quadrants = [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(x, y)| Quadrant::new(x, y));
    let pictures = quadrants.map(|quadrant| {
        let bytes = map
            .picture(SourceLayer::Generations, quadrant)
            .expect("a picture");
        layer.tamper(quadrant, Some(&bytes));
        (quadrant, bytes)
    });
    (layer, pictures.into())
}

#[test]
fn a_page_that_is_a_file_has_its_pictures_beside_it_and_only_what_changed_is_written_again() {
    let (layer, mut pictures) = layer();
    let written = |layer: &TestLayer| {
        let dir = LayerDir::at(layer.dir()).map_pictures_dir();
        let read = |&(quadrant, _): &(Quadrant, Vec<u8>)| {
            (
                quadrant,
                std::fs::read(dir.join(LayerDir::picture_name(quadrant))).expect("a file"),
            )
        };
        pictures.iter().map(read).collect::<Vec<_>>()
    };
    let run = layer.run(PROGRAM, &[]);
    run.assert_status(0);
    assert!(
        run.stdout
            .contains("4 pictures were copied out of the database"),
        "{}",
        run.stdout
    );
    assert_eq!(written(&layer), pictures);
    let page = std::fs::read_to_string(layer.dir().join("debug_map.html")).expect("the page");
    assert!(page.contains("debug_map_pictures/"));
    assert!(
        page.contains("test ← test-map (generations)"),
        "the chain is told"
    );
    let run = layer.run(PROGRAM, &[]);
    assert!(!run.stdout.contains("copied"), "{}", run.stdout);
    // One block is made again, in an hour.
    let later = "UPDATE generation_plan SET completed_at = unixepoch() + 3600 WHERE id = 1";
    let _ = layer.sql(later);
    let again = pictures[3].1.clone();
    layer.tamper(pictures[0].0, Some(&again));
    pictures[0].1 = again;
    layer.run(PROGRAM, &[]).assert_status(0);
    let dir = LayerDir::at(layer.dir()).map_pictures_dir();
    let first = std::fs::read(dir.join(LayerDir::picture_name(pictures[0].0))).expect("a file");
    assert_eq!(first, pictures[0].1);
}

#[test]
fn a_served_page_has_its_pictures_from_the_database() {
    let (layer, pictures) = layer();
    let mut child = layer
        .command(PROGRAM, &["--serve", "127.0.0.1:0"])
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = said.next().unwrap().unwrap();
    let host = line
        .split("http://")
        .nth(1)
        .and_then(|rest| rest.split('/').next())
        .expect("an address");
    let get = |path: &str| {
        let mut stream = TcpStream::connect(host).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    };
    for (quadrant, bytes) in &pictures {
        let answer = get(&format!("/generations/{}_{}.png", quadrant.x, quadrant.y));
        assert!(answer.starts_with(b"HTTP/1.1 200 "));
        assert!(answer.ends_with(bytes), "{quadrant}");
    }
    assert!(get("/generations/2_2.png").starts_with(b"HTTP/1.1 404 "));
    child.kill().unwrap();
    child.wait().unwrap();
}
