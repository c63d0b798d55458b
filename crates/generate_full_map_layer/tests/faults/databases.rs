//! A damaged `progress.db`, and one that another tool left in the middle of something.

use fixtures::held::die_writing;
use fixtures::server::ServerSpec;

use crate::support::{PROGRAM, city, invert, layer_at};

type Damage = fn(Vec<u8>) -> Vec<u8>;

#[test]
fn a_damaged_progress_db_is_an_error_that_says_what_to_do() {
    let damages: [(&str, Damage); 6] = [
        ("empty", |_| Vec::new()),
        ("cut in the middle of a page", |bytes| {
            bytes[..bytes.len() / 2 - 100].to_vec()
        }),
        ("cut after the first page", |bytes| bytes[..4096].to_vec()),
        ("no database", |bytes| vec![b'x'; bytes.len()]),
        ("pages of zeros", |mut bytes| {
            let end = bytes.len();
            bytes[4096..end].fill(0);
            bytes
        }),
        ("pages of garbage", |mut bytes| {
            for (place, byte) in bytes.iter_mut().enumerate().skip(4096) {
                *byte = (place * 31 % 251) as u8;
            }
            bytes
        }),
    ];
    let server = ServerSpec::new().start();
    let layer = layer_at(city(), &[&server]);
    layer.run(PROGRAM, &["--max-items", "5"]).assert_status(0);
    let calls = server.calls().len();
    let path = layer.dir().join("progress.db");
    let whole = std::fs::read(&path).unwrap();
    for (name, damage) in damages {
        std::fs::write(&path, damage(whole.clone())).unwrap();
        let before = layer.all_stored();
        for args in [&[][..], &["--resume"], &["--dry-run"]] {
            let run = layer.run(PROGRAM, args);
            eprintln!("{name}: {}", run.stderr.trim());
            run.assert_status(2).assert_says("progress.db is damaged (");
            run.assert_says("run init_layer --rebuild --output");
        }
        assert!(layer.all_stored() == before);
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(layer.dir().join(format!("progress.db{suffix}")));
        }
    }
    assert_eq!(server.calls().len(), calls, "nothing was called");
    std::fs::write(&path, whole).unwrap();
    layer.run(PROGRAM, &[]).assert_status(0);
    layer.assert_complete(invert);
}

#[test]
fn a_damaged_page_in_the_middle_is_noticed_before_the_first_call() {
    let server = ServerSpec::new().start();
    let layer = layer_at(
        fixtures::maps::MapSpec::rectangle(40, 40).quadrant_px(4, 4),
        &[&server],
    );
    let path = layer.dir().join("progress.db");
    let whole = std::fs::read(&path).unwrap();
    let pages = whole.len() / 4096;
    assert!(pages > 12, "{pages} pages have no middle");
    for page in [2, pages / 2, pages - 1] {
        let mut bytes = whole.clone();
        for (place, byte) in bytes[page * 4096..(page + 1) * 4096].iter_mut().enumerate() {
            *byte = (place * 31 % 251) as u8;
        }
        std::fs::write(&path, bytes).unwrap();
        layer
            .run(PROGRAM, &[])
            .assert_status(2)
            .assert_says("init_layer --rebuild");
    }
    assert!(server.calls().is_empty());
}

#[test]
fn what_another_tool_had_begun_when_it_died_is_undone() {
    let server = ServerSpec::new().start();
    for args in [&["--dry-run"][..], &[]] {
        let layer = layer_at(city(), &[&server]);
        die_writing(
            &layer.dir().join("progress.db"),
            "UPDATE generation_plan SET status = 'complete', error_message = hex(zeroblob(2000))",
        );
        layer.run(PROGRAM, args).assert_status(0);
        layer.run(PROGRAM, &[]).assert_status(0);
        layer.assert_complete(invert);
    }
}

#[test]
fn any_numbers_of_items_will_do_and_of_calls_all_but_the_last_ones() {
    let server = ServerSpec::new().start();
    for (spoil, status) in [
        ("UPDATE generation_plan SET id = -id", 0),
        (
            "UPDATE generation_plan SET id = 9223372036854775807 WHERE id = 2",
            0,
        ),
        (
            "INSERT INTO attempts (id, item_id, endpoint, started_at, outcome, settings_hash)
             VALUES (-9223372036854775808, 1, 'a', 0, 'in_flight', x'ff')",
            0,
        ),
        (
            "INSERT INTO attempts (id, item_id, endpoint, started_at, outcome, settings_hash)
             VALUES (9223372036854775807, 1, 'a', 0, 'ok', 'x')",
            2,
        ),
        (
            "INSERT INTO attempts (id, item_id, endpoint, started_at, outcome, settings_hash)
             VALUES (9223372036854775800, 1, 'a', 0, 'ok', 'x')",
            2,
        ),
    ] {
        let layer = layer_at(city(), &[&server]);
        let _ = layer.sql(spoil);
        let run = layer.run(PROGRAM, &[]);
        run.assert_status(status);
        if status == 0 {
            layer.assert_complete(invert);
        } else {
            run.assert_says("after which calls cannot be numbered; take that row out");
        }
    }
}

#[test]
fn a_record_of_a_picture_that_makes_no_sense_costs_nothing() {
    let server = ServerSpec::new().start();
    let layer = layer_at(city(), &[&server]);
    layer.run(PROGRAM, &[]).assert_status(0);
    let calls = server.calls().len();
    for wild in ["bytes = 'x'", "bytes = 1.5", "hash = x'ff'"] {
        let _ = layer.sql(&format!("UPDATE pictures SET {wild}"));
        layer.run(PROGRAM, &["--resume"]).assert_status(0);
        assert_eq!(server.calls().len(), calls, "{wild}");
    }
}
