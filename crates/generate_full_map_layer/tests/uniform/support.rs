//! A map with flat water, and layers of it.

use std::collections::{BTreeMap, BTreeSet};

use fixtures::layers::{TestLayer, endpoints_at};
use fixtures::maps::{MapSpec, SourceLayer, encode_png, quadrant_picture};
use fixtures::server::ScriptedServer;
use image::{Rgb, RgbImage};
use planner::Quadrant;
use serde_json::{Value, json};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_generate_full_map_layer");
pub(crate) const SIZE_PX: (u32, u32) = (40, 30);
pub(crate) const WATER: [u8; 3] = [0x60; 3];
/// What a night layer makes of it.
pub(crate) const DARK: [u8; 3] = [0x0a, 0x14, 0x30];

/// `~` is flat water, `#` is land. On the right lie strips of water that come after the strips of land
/// which they touch.
const BAY: &str = "\
    ~~~~~#####~~~..##.
    ~~~~~#####~~~...~~
    ~~~###########....
    ~~~###########.##.
    ~~~####~~~####..~~
    #######~~~####
    #######~~~####
    ##########~~~~
    ###~~~####~~~~";

fn bay() -> Vec<(Quadrant, bool)> {
    let rows = (0..).zip(BAY.lines());
    let cells =
        rows.flat_map(|(y, row)| (0..).zip(row.trim().chars()).map(move |(x, c)| (x, y, c)));
    cells
        .filter(|(.., c)| *c != '.')
        .map(|(x, y, c)| (Quadrant::new(x, y), c == '~'))
        .collect()
}

pub(crate) fn is_water(quadrant: Quadrant) -> bool {
    bay().contains(&(quadrant, true))
}

/// Grey land with much in it.
pub(crate) fn land(quadrant: Quadrant) -> RgbImage {
    let (width, height) = SIZE_PX;
    let mut picture = quadrant_picture(SourceLayer::Generations, quadrant, width, height);
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        pixel.0 = [(x * 5 + y * 3) as u8 ^ pixel.0[0]; 3];
    }
    picture
}

pub(crate) fn flat(color: [u8; 3]) -> RgbImage {
    RgbImage::from_pixel(SIZE_PX.0, SIZE_PX.1, Rgb(color))
}

/// The first so many pixels in another colour.
pub(crate) fn flat_but(others: u32, color: [u8; 3], other: [u8; 3]) -> RgbImage {
    RgbImage::from_fn(SIZE_PX.0, SIZE_PX.1, |x, y| {
        Rgb(if SIZE_PX.0 * y + x < others {
            other
        } else {
            color
        })
    })
}

pub(crate) fn map() -> MapSpec {
    MapSpec::drawn(&BAY.replace(' ', "").replace('~', "#"))
        .quadrant_px(SIZE_PX.0, SIZE_PX.1)
        .painted(|_, quadrant| match is_water(quadrant) {
            true => encode_png(flat(WATER)),
            false => encode_png(land(quadrant)),
        })
}

pub(crate) fn layer_of(map: MapSpec, server: &ScriptedServer, uniform: Value) -> TestLayer {
    let layer = TestLayer::new(map, &endpoints_at([server.url().as_str()]));
    layer.configure(|config| config["uniform"] = uniform);
    layer
}

pub(crate) fn layer(server: &ScriptedServer, uniform: Value) -> TestLayer {
    layer_of(map(), server, uniform)
}

pub(crate) type Blocks = BTreeMap<i64, (u8, Vec<Quadrant>)>;

/// The plan by plain SQL: the step and the quadrants of each item.
pub(crate) fn blocks(layer: &TestLayer) -> Blocks {
    let rows =
        layer.sql("SELECT id, step, top_left_x, top_left_y, width, height FROM generation_plan");
    let block = |row: Vec<String>| {
        let n: Vec<i32> = row.iter().map(|n| n.parse().unwrap()).collect();
        let cells = (0..n[5]).flat_map(|dy| (0..n[4]).map(move |dx| (dx, dy)));
        let quadrants = cells.map(|(dx, dy)| Quadrant::new(n[2] + dx, n[3] + dy));
        (i64::from(n[0]), (n[1] as u8, quadrants.collect()))
    };
    rows.into_iter().map(block).collect()
}

/// The items all of whose quadrants are water.
pub(crate) fn water_items(layer: &TestLayer) -> BTreeSet<i64> {
    let is_flat =
        |(_, (_, quadrants)): &(i64, (u8, Vec<Quadrant>))| quadrants.iter().all(|&at| is_water(at));
    blocks(layer)
        .into_iter()
        .filter(is_flat)
        .map(|(id, _)| id)
        .collect()
}

pub(crate) fn ids(layer: &TestLayer, which: &str) -> BTreeSet<i64> {
    let rows = layer.sql(&format!("SELECT id FROM generation_plan WHERE {which}"));
    rows.into_iter()
        .map(|row| row[0].parse().unwrap())
        .collect()
}

/// Asserts that all is complete: `uncalled` without a call, every other item with one.
pub(crate) fn assert_called_for_others(layer: &TestLayer, uncalled: &BTreeSet<i64>) {
    assert_eq!(layer.statuses().len(), 1, "{:?}", layer.statuses());
    assert_eq!(&ids(layer, "model_name = 'uniform'"), uncalled);
    assert_eq!(
        &ids(layer, "id NOT IN (SELECT item_id FROM attempts)"),
        uncalled
    );
    let twice = layer.sql("SELECT item_id FROM attempts GROUP BY item_id HAVING count(*) > 1");
    assert!(twice.is_empty(), "{twice:?}");
    layer.assert_whole();
    layer.assert_tidy();
}

pub(crate) fn infilled(server: &ScriptedServer) -> TestLayer {
    let layer = layer(server, json!({"mode": "fill", "fill": "#0a1430"}));
    layer.configure(|config| {
        config["canvas"] = json!({"mode": "infill"});
        config["model_endpoints"][0]["max_concurrent"] = json!(3);
    });
    layer
}
