//! They are named by what the source says.

use std::collections::BTreeSet;

use fixtures::layers::query;
use fixtures::server::ServerSpec;
use planner::Quadrant;
use serde_json::json;

use super::support::{PROGRAM, assert_called_for_others, blocks, ids, layer};

#[test]
fn what_the_source_says_of_a_quadrant_decides_where_it_is_asked() {
    let is_odd = |quadrant: Quadrant| (quadrant.x / 4 + quadrant.y / 4) % 2 == 1;
    for (place, column, value) in [
        (json!("is_water"), "is_water INTEGER", "1"),
        (json!("water_type"), "water_type TEXT", "'ocean'"),
        (json!({"water_type": "ocean"}), "water_type TEXT", "'ocean'"),
    ] {
        let server = ServerSpec::new().start();
        let layer = layer(&server, json!({"mode": "copy", "where": place}));
        let run = layer.run(PROGRAM, &[]);
        run.assert_status(2)
            .assert_says("uniform.where in layer_config.json names");
        assert!(ids(&layer, "status <> 'pending'").is_empty());
        let map = layer.map_dir().join("quadrants.db");
        let _ = query(&map, &format!("ALTER TABLE quadrants ADD COLUMN {column}"));
        let name = column.split(' ').next().unwrap();
        // The rest says something else, or nothing.
        let otherwise = if value == "1" { "0" } else { "''" };
        let _ = query(
            &map,
            &format!(
                "UPDATE quadrants SET {name} = CASE WHEN (quadrant_x / 4 + quadrant_y / 4) % 2 = 1 THEN {value} WHEN quadrant_x % 2 THEN {otherwise} END"
            ),
        );
        let plan = blocks(&layer);
        let named = plan
            .iter()
            .filter(|(_, (_, all))| all.iter().all(|&at| is_odd(at)));
        let named: BTreeSet<i64> = named.map(|(id, _)| *id).collect();
        assert!(named.len() > 4);
        layer.run(PROGRAM, &[]).assert_status(0);
        assert_called_for_others(&layer, &named);
        for item in &named {
            for &at in &plan[item].1 {
                assert!(layer.picture(at) == Some(layer.source(at)), "{at}");
            }
        }
        let at = plan[named.first().unwrap()].1[0];
        let at = format!("{},{}", at.x, at.y);
        layer
            .run(PROGRAM, &["--explain", &at])
            .assert_status(0)
            .assert_says("copied from its source, which says ");
    }
}

#[test]
fn another_water_type_is_none() {
    let server = ServerSpec::new().start();
    let layer = layer(
        &server,
        json!({"mode": "copy", "where": {"water_type": "ocean"}}),
    );
    let map = layer.map_dir().join("quadrants.db");
    let _ = query(&map, "ALTER TABLE quadrants ADD COLUMN water_type TEXT");
    let _ = query(&map, "UPDATE quadrants SET water_type = 'river'");
    layer.run(PROGRAM, &[]).assert_status(0);
    assert_called_for_others(&layer, &BTreeSet::new());
}
