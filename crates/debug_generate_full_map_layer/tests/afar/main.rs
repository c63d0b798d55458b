//! The overviews of a layer: what is seen in them, and what of them is made again.

mod finished;

use std::collections::BTreeSet;

use fixtures::maps::SourceLayer;
use layer::{LayerDir, Storage};
use planner::Quadrant;

use finished::finished;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_debug_generate_full_map_layer");

const OUTLINES: [&str; 4] = [
    "##.##\n#####\n.####\n###..",
    "#",
    "#########",
    "#.#\n...\n#.#",
];

#[test]
fn each_pixel_of_every_level_is_the_mean_of_what_it_covers() {
    for storage in [Storage::Files, Storage::Sqlite] {
        for outline in OUTLINES {
            for size in [(8, 8), (5, 7), (16, 6)] {
                let layer = finished(storage, outline, size);
                layer.draw();
                layer.assert_means();
            }
        }
    }
}

#[test]
fn a_block_that_was_made_again_rewrites_the_tiles_that_show_it_and_no_others() {
    for storage in [Storage::Files, Storage::Sqlite] {
        for id in 1..=5 {
            let layer = finished(storage, "######\n######\n####.#\n######", (8, 8));
            layer.draw();
            let before = layer.tiles();
            layer.redo(id, 9);
            assert!(layer.draw().contains(" overviews were made"));
            layer.assert_means();
            let written = layer
                .tiles()
                .into_iter()
                .filter(|(tile, at)| before[tile] != *at);
            let written: BTreeSet<_> = written.map(|(tile, _)| tile).collect();
            assert_eq!(written, layer.tiles_over(layer.block(id)), "item {id}");
            let before = layer.tiles();
            assert!(
                !layer.draw().contains("overviews were made"),
                "nothing is left to do"
            );
            assert_eq!(layer.tiles(), before);
        }
    }
}

#[test]
fn what_is_not_finished_any_more_is_not_seen() {
    let layer = finished(Storage::Files, OUTLINES[0], (8, 8));
    layer.draw();
    for id in [2, 1, 3] {
        let _ = layer.layer.sql(&format!(
            "UPDATE generation_plan SET status = 'pending' WHERE id = {id}"
        ));
        for quadrant in layer.block(id).quadrants() {
            layer.layer.tamper(quadrant, None);
        }
        layer.draw();
        layer.assert_means();
    }
}

#[test]
fn whatever_was_lost_or_spoilt_is_made_again() {
    let layer = finished(Storage::Files, OUTLINES[0], (8, 8));
    layer.draw();
    let made = layer.overviews().join("made.json");
    let text = std::fs::read_to_string(&made).unwrap();
    let half = text[..text.len() / 2].to_owned();
    let remembered = [
        String::new(),
        half,
        "{}".to_owned(),
        "[1".to_owned(),
        text.replace("\"version\":1", "\"version\":99"),
    ];
    for text in remembered {
        std::fs::write(&made, text).unwrap();
        layer.draw();
        layer.assert_means();
    }
    for tile in layer.tiles().into_keys() {
        std::fs::remove_file(
            layer
                .overviews()
                .join(format!("{}/{}_{}.png", tile.0, tile.1, tile.2)),
        )
        .unwrap();
        layer.draw();
        layer.assert_means();
    }
    // Files of others are left alone.
    std::fs::write(layer.overviews().join("1/notes.txt"), "mine").unwrap();
    std::fs::remove_file(&made).unwrap();
    layer.draw();
    assert!(layer.overviews().join("1/notes.txt").exists());
    std::fs::remove_file(layer.overviews().join("1/notes.txt")).unwrap();
    layer.assert_means();
}

#[test]
fn a_kill_at_any_moment_leaves_nothing_that_is_not_made_again() {
    let outline = vec!["#".repeat(24); 24].join("\n");
    let layer = finished(Storage::Files, &outline, (8, 8));
    for ms in [0, 3, 6, 10, 15, 20, 26, 33, 40, 50] {
        let _ = std::fs::remove_dir_all(layer.overviews());
        let mut killed = layer.layer.command(PROGRAM, &[]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(ms));
        let _ = killed.kill();
        let _ = killed.wait();
        // What was made before the kill is not what is finished now.
        layer.redo(1, ms as u8);
        layer.draw();
        layer.assert_means();
    }
}

#[test]
fn a_damaged_picture_is_told_and_leaves_a_gap() {
    let layer = finished(Storage::Files, "###\n###", (8, 8));
    let quadrant = Quadrant::new(0, 0);
    layer.layer.tamper(quadrant, Some(b"no picture"));
    let run = layer.layer.run(PROGRAM, &[]);
    run.assert_status(0);
    assert!(
        run.stderr
            .contains("the picture of (0, 0) cannot be shown: "),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("--resume"), "{}", run.stderr);
    let tile = image::open(layer.overviews().join("1/0_0.png"))
        .unwrap()
        .to_rgba8();
    assert_eq!((tile[(0, 0)][3], tile[(4, 0)][3]), (0, 255));
    let whole = layer
        .map
        .picture(SourceLayer::Generations, quadrant)
        .unwrap();
    layer.layer.tamper(quadrant, Some(&whole));
    layer.draw();
    layer.assert_means();
}

#[test]
fn a_layer_that_cannot_be_written_to_is_shown_without_overviews() {
    let layer = finished(Storage::Files, "###", (8, 8));
    std::fs::write(layer.overviews(), "in the way").unwrap();
    let run = layer.layer.run(PROGRAM, &[]);
    run.assert_status(0);
    assert!(
        run.stderr.contains("the map is not shown from afar"),
        "{}",
        run.stderr
    );
    assert!(LayerDir::at(layer.layer.dir()).map_path().exists());
}

#[test]
fn the_worst_edges_are_those_that_seams_names_and_follow_what_is_made_again() {
    let layer = finished(
        Storage::Files,
        "######\n######\n######\n######\n######",
        (8, 8),
    );
    for id in 1..=layer.blocks.len() as i64 {
        layer.redo(id, (id * 37 % 251) as u8);
    }
    for changed in [0, 5, 9, 1, 7] {
        if changed > 0 {
            layer.redo(changed, (changed * 91 % 256) as u8);
        }
        layer.draw();
        let page = std::fs::read_to_string(layer.layer.dir().join("debug_map.html")).unwrap();
        let list = &page[page.find("\"worst_edges\":").expect("a list") + 14..];
        let listed: Vec<serde_json::Value> = serde_json::Deserializer::from_str(list)
            .into_iter()
            .next()
            .unwrap()
            .unwrap();
        let listed: Vec<(f64, String)> = listed
            .iter()
            .map(|edge| {
                let block = |i: usize| layer.block(1 + edge["items"][i].as_i64().unwrap());
                (
                    edge["step"].as_f64().unwrap(),
                    format!("{} and {}", block(0), block(1)),
                )
            })
            .collect();
        let run = layer.layer.run(PROGRAM, &["--seams"]);
        let named = run
            .stdout
            .lines()
            .filter(|line| line.contains(" and ") && line.starts_with("  "));
        let mut count = 0;
        for line in named {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (step, blocks) = (words[0].parse::<f64>().unwrap(), words[2..].join(" "));
            let own = listed
                .iter()
                .find(|(_, of)| *of == blocks)
                .unwrap_or_else(|| panic!("{blocks} in {listed:?}"));
            assert!(
                (own.0 - step).abs() < 0.011,
                "{blocks}: {} and {step}",
                own.0
            );
            count += 1;
        }
        assert_eq!(count, 10);
        assert!(listed.is_sorted_by(|a, b| a.0 >= b.0));
    }
}
