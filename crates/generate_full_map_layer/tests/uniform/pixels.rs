//! Which blocks they are, to the level and the pixel.

use fixtures::maps::{MapSpec, encode_png};
use fixtures::server::ServerSpec;
use image::{DynamicImage, RgbaImage};
use planner::Quadrant;
use serde_json::json;

use super::support::{PROGRAM, SIZE_PX, WATER, flat, flat_but, land, layer_of};

/// Single quadrants of 40x30: 1200 pixels, of which 0.5 % are six.
#[test]
fn tolerance_and_share_count_to_the_level_and_the_pixel() {
    let near = |levels: u8| [WATER[0] + levels, WATER[1], WATER[2]];
    let given = json!({"mode": "copy", "color": "#606060"});
    let own = json!({"mode": "copy"});
    for (uniform, picture, is_flat) in [
        (&given, flat(near(4)), true),
        (&given, flat(near(5)), false),
        (&given, flat_but(6, WATER, near(5)), true),
        (&given, flat_but(7, WATER, near(5)), false),
        (&own, flat(near(77)), true),
        (&own, flat_but(600, WATER, near(4)), true),
        (&own, flat_but(600, WATER, near(9)), false),
        (&own, flat_but(7, WATER, near(4)), true),
        (&own, flat_but(6, WATER, [0; 3]), true),
        (&own, flat_but(7, WATER, [0; 3]), false),
        (
            &json!({"mode": "copy", "share": 1}),
            flat_but(1, WATER, [0; 3]),
            false,
        ),
        (
            &json!({"mode": "copy", "tolerance": 0}),
            flat_but(7, WATER, near(1)),
            false,
        ),
        (
            &json!({"mode": "copy", "tolerance": 255}),
            land(Quadrant::new(0, 0)),
            true,
        ),
        (
            &json!({"mode": "copy", "share": 0.51}),
            flat_but(588, WATER, [0; 3]),
            true,
        ),
        (
            &json!({"mode": "copy", "share": 0.51}),
            flat_but(589, WATER, [0; 3]),
            false,
        ),
    ] {
        let server = ServerSpec::new().start();
        let bytes = encode_png(picture);
        let map = MapSpec::rectangle(1, 1).quadrant_px(SIZE_PX.0, SIZE_PX.1);
        let layer = layer_of(
            map.painted(move |_, _| bytes.clone()),
            &server,
            uniform.clone(),
        );
        layer.run(PROGRAM, &[]).assert_status(0);
        assert_eq!(server.calls().is_empty(), is_flat, "{uniform}");
    }
}

/// The share is that of the whole block, in whichever of its quadrants the other pixels lie, and all
/// of it has to be of one colour.
#[test]
fn a_block_is_looked_at_as_a_whole() {
    for (others, second, is_flat) in [
        (24, WATER, true),
        (25, WATER, false),
        (0, [0x70; 3], false),
        (0, [0x64; 3], true),
    ] {
        let server = ServerSpec::new().start();
        let map = MapSpec::rectangle(2, 2).quadrant_px(SIZE_PX.0, SIZE_PX.1);
        let map = map.painted(move |_, quadrant| match (quadrant.x, quadrant.y) {
            (1, 1) => encode_png(flat_but(others, WATER, [0; 3])),
            (1, 0) => encode_png(flat(second)),
            _ => encode_png(flat(WATER)),
        });
        let layer = layer_of(map, &server, json!({"mode": "copy"}));
        layer.run(PROGRAM, &[]).assert_status(0);
        assert_eq!(server.calls().is_empty(), is_flat, "{others} {second:?}");
    }
}

#[test]
fn alpha_and_sixteen_bits_are_stored_as_all_finished_pictures_are() {
    let sheer = RgbaImage::from_pixel(SIZE_PX.0, SIZE_PX.1, image::Rgba([0x60, 0x60, 0x60, 9]));
    let deep = DynamicImage::from(flat(WATER)).to_rgb16();
    for bytes in [encode_png(sheer), encode_png(deep)] {
        let server = ServerSpec::new().start();
        let map = MapSpec::rectangle(2, 1).quadrant_px(SIZE_PX.0, SIZE_PX.1);
        let layer = layer_of(
            map.painted(move |_, _| bytes.clone()),
            &server,
            json!({"mode": "copy"}),
        );
        layer.run(PROGRAM, &[]).assert_status(0);
        assert!(server.calls().is_empty());
        let stored = layer.stored(Quadrant::new(1, 0)).unwrap();
        let stored = image::load_from_memory(&stored).unwrap();
        assert!(stored == DynamicImage::from(flat(WATER)));
    }
}
