//! Source pictures that are not what they were, or never were pictures.

use fixtures::held::die_writing;
use fixtures::maps::{MapSpec, SourceLayer, delete_quadrant, encode_png, set_picture};
use fixtures::server::ServerSpec;
use image::RgbImage;
use planner::Quadrant;

use crate::support::{PROGRAM, assert_sound, count, invert, layer_at};

#[test]
fn a_bad_source_picture_fails_its_item_and_the_run_goes_on() {
    let server = ServerSpec::new().start();
    let layer = layer_at(MapSpec::rectangle(15, 12), &[&server]);
    let whole = encode_png(layer.source(Quadrant::new(0, 0)));
    let picture = |width, height| encode_png(RgbImage::new(width, height));
    let mut claims_to_be_huge = picture(8, 8);
    claims_to_be_huge[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    let mut jpeg = std::io::Cursor::new(Vec::new());
    let noise = RgbImage::from_fn(16, 16, |x, y| image::Rgb([(97 * x * y) as u8, x as u8, 7]));
    noise.write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
    let mut half_a_jpeg = jpeg.into_inner();
    half_a_jpeg.truncate(half_a_jpeg.len() - 40);
    // One quadrant each of blocks that do not touch each other.
    let cases: [(Quadrant, Option<Vec<u8>>, &str); 10] = [
        (
            Quadrant::new(0, 0),
            Some(b"no picture at all".to_vec()),
            "no PNG, JPEG or WebP: 17 bytes",
        ),
        (Quadrant::new(4, 0), Some(Vec::new()), "nothing (0 bytes)"),
        (
            Quadrant::new(6, 1),
            Some(whole[..whole.len() / 2].to_vec()),
            "does not decode",
        ),
        (
            Quadrant::new(9, 0),
            Some(picture(8, 8)),
            "8x8 px, where the map's quadrants have 16x16 px",
        ),
        (Quadrant::new(12, 0), Some(picture(16, 15)), "16x15 px"),
        (Quadrant::new(0, 3), None, "has no generation"),
        (
            Quadrant::new(3, 3),
            Some(claims_to_be_huge),
            "does not decode",
        ),
        (
            Quadrant::new(6, 3),
            Some(vec![0x89, b'P', b'N', b'G']),
            "4 bytes that begin with",
        ),
        (Quadrant::new(10, 4), Some(picture(32, 32)), "32x32 px"),
        (
            Quadrant::new(0, 6),
            Some(half_a_jpeg),
            "does not decode (it is cut short)",
        ),
    ];
    let gone = Quadrant::new(13, 4);
    let map = layer.map_dir();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        for (quadrant, bytes, _) in &cases {
            set_picture(&map, *quadrant, SourceLayer::Generations, bytes.clone()).await;
        }
        delete_quadrant(&map, gone).await;
    });
    layer
        .run(PROGRAM, &[])
        .assert_status(1)
        .assert_says("11 failed");
    assert_eq!(count(&layer, "error"), 11);
    let said = |quadrant: Quadrant| {
        let rows = layer.sql(&format!(
            "SELECT error_message FROM generation_plan WHERE status = 'error'
             AND {} BETWEEN top_left_x AND top_left_x + width - 1
             AND {} BETWEEN top_left_y AND top_left_y + height - 1",
            quadrant.x, quadrant.y
        ));
        assert_eq!(rows.len(), 1, "{quadrant}");
        rows[0][0].clone()
    };
    let cases = cases.iter().map(|(quadrant, _, says)| (*quadrant, *says));
    for (quadrant, says) in cases.chain([(gone, "is not in")]) {
        let message = said(quadrant);
        assert!(message.contains(says), "{says:?} is not in {message}");
        assert!(
            message.contains(&format!("quadrant {quadrant}")),
            "{message}"
        );
        assert!(message.contains("quadrants.db"), "{message}");
    }
    // All that does not touch them is there.
    let waiting = count(&layer, "pending");
    let items: usize = layer.statuses().values().sum();
    assert_eq!(count(&layer, "complete"), items - waiting - 11);
    assert!(count(&layer, "complete") > 15);
    assert_eq!(
        server.calls().len(),
        count(&layer, "complete"),
        "nothing was paid for in vain"
    );
    assert_sound(&layer);
}

#[test]
fn a_source_that_vanishes_during_the_run_stops_it_and_loses_nothing() {
    let server = ServerSpec::new()
        .latency(std::time::Duration::from_millis(20))
        .start();
    let layer = layer_at(MapSpec::rectangle(12, 12), &[&server]);
    let run = crate::support::Background::start(&layer, &[]);
    assert!(server.wait_for_calls(4, crate::support::PATIENCE));
    let aside = layer.root().join("aside");
    std::fs::rename(layer.map_dir(), &aside).unwrap();
    let run = run.finish();
    run.assert_status(3)
        .assert_says("the source map cannot be read: there is no");
    assert_eq!(
        (count(&layer, "error"), count(&layer, "in_progress")),
        (0, 0)
    );
    layer
        .run(PROGRAM, &[])
        .assert_status(2)
        .assert_says("there is no");
    std::fs::rename(aside, layer.map_dir()).unwrap();
    layer.run(PROGRAM, &[]).assert_status(0);
    layer.assert_complete(crate::support::invert);
}

#[test]
fn what_another_program_had_begun_to_change_in_the_source_when_it_died_is_undone() {
    let server = ServerSpec::new().start();
    for args in [&["--dry-run"][..], &[]] {
        let layer = layer_at(MapSpec::rectangle(6, 6), &[&server]);
        die_writing(
            &layer.map_dir().join("quadrants.db"),
            "UPDATE quadrants SET generation = zeroblob(20000)",
        );
        layer.run(PROGRAM, args).assert_status(0);
        layer.run(PROGRAM, &[]).assert_status(0);
        layer.assert_complete(invert);
    }
}

#[test]
fn a_damaged_page_under_one_picture_fails_its_item_and_the_run_goes_on() {
    let server = ServerSpec::new().start();
    let layer = layer_at(MapSpec::rectangle(12, 9), &[&server]);
    let map = layer.map_dir();
    let filler = vec![0xa5; 40_000];
    let spoiled = Quadrant::new(6, 3);
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(set_picture(
            &map,
            spoiled,
            SourceLayer::Generations,
            Some(filler),
        ));
    let path = map.join("quadrants.db");
    let mut file = std::fs::read(&path).unwrap();
    let page = (0..file.len() / 4096)
        .find(|page| {
            file[page * 4096 + 4..][..4092]
                .iter()
                .all(|&byte| byte == 0xa5)
        })
        .expect("a page of the picture");
    // Where the number of its next page stands.
    file[page * 4096..][..4].copy_from_slice(&u32::MAX.to_be_bytes());
    std::fs::write(&path, file).unwrap();
    let run = layer.run(PROGRAM, &[]);
    run.assert_status(1).assert_says("1 failed");
    assert_eq!(count(&layer, "error"), 1);
    let message = layer.sql("SELECT error_message FROM generation_plan WHERE status = 'error'");
    let said = format!("generation of quadrant {spoiled} in ");
    assert!(message[0][0].contains(&said), "{message:?}");
    assert!(count(&layer, "complete") > 15);
}
