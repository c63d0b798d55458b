//! Drawing a layer: the real program, real files.

use std::time::SystemTime;

use debug_generate_full_map_layer::{
    ItemState, Leaflet, PageOptions, Pictured, PlacedLayer, PlanState,
};
use fixtures::layers::TestLayer;
use fixtures::maps::{MapSpec, rectangle};
use layer::LayerDir;
use planner::{Item, Status};
use planner::{Quadrant, plan};
use progress_db::{Change, Durability, LastTry, ProgressDb, Snapshot};
use serde_json::json;

const PROGRAM: &str = env!("CARGO_BIN_EXE_debug_generate_full_map_layer");

fn test_layer() -> TestLayer {
    TestLayer::new(MapSpec::rectangle(9, 9), &json!([]))
}

fn files(layer: &TestLayer) -> Vec<std::ffi::OsString> {
    let entries = std::fs::read_dir(layer.dir()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

#[test]
fn a_layer_made_by_another_tool_is_drawn_and_only_read() {
    let layer = test_layer();
    for statement in [
        "DROP TABLE pictures",
        "DROP TABLE attempts",
        "DELETE FROM metadata",
        "UPDATE generation_plan SET status = 'complete' WHERE id = 1",
        "UPDATE generation_plan SET status = 'error', error_message = 'no' WHERE id = 2",
    ] {
        let _ = layer.sql(statement);
    }
    layer.configure(|config| {
        config.as_object_mut().unwrap().remove("version");
    });
    let database = std::fs::read(layer.dir().join("progress.db")).unwrap();
    let before = files(&layer);

    let run = layer.run(PROGRAM, &[]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(
        run.stdout.contains("36 blocks, 1 complete, 1 failed"),
        "{}",
        run.stdout
    );

    assert!(database == std::fs::read(layer.dir().join("progress.db")).unwrap());
    let after: Vec<_> = files(&layer)
        .into_iter()
        .filter(|name| name != "debug_map.html")
        .collect();
    assert_eq!(after, before, "nothing is left beside the database");
}

#[tokio::test]
async fn a_run_that_is_writing_is_no_obstacle() {
    let layer = test_layer();
    let path = layer.dir().join("progress.db");
    let mut run = ProgressDb::open(&path).await.unwrap();
    for item in 1..=3 {
        let pictures = Vec::new();
        let complete = Change::Complete {
            item,
            pictures,
            at: 1.0,
        };
        run.commit(&[complete], Durability::Power).await.unwrap();
        let map = layer.run(PROGRAM, &["--output", "map.html"]);
        assert!(
            map.stdout.contains(&format!("36 blocks, {item} complete")),
            "{}",
            map.stdout
        );
    }
    run.close().await.unwrap();
}

#[test]
fn without_the_source_map_there_is_an_error_and_no_page() {
    let layer = test_layer();
    std::fs::rename(layer.map_dir(), layer.root().join("elsewhere")).unwrap();
    let run = layer.run(PROGRAM, &[]);
    assert_eq!(run.status, Some(2));
    assert!(
        run.stderr
            .starts_with("error: cannot place the layer on the globe"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("quadrants.db"), "{}", run.stderr);
    assert!(!layer.dir().join("debug_map.html").exists());
}

#[test]
fn a_port_that_is_taken_is_an_error() {
    let layer = test_layer();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let run = layer.run(PROGRAM, &["--serve", &address]);
    assert_eq!(run.status, Some(2));
    assert!(
        run.stderr
            .starts_with(&format!("error: cannot listen on {address}")),
        "{}",
        run.stderr
    );
}

/// The plan of a 400x400 map with every item in `state`, as far along as that says.
fn large_plan(status: Status) -> PlanState {
    let items: Vec<Item> = (1..)
        .zip(plan(&rectangle(400, 400, Quadrant::new(-200, -200))).blocks)
        .map(|(id, block)| Item {
            id,
            step: block.shape.step(),
            block,
            status,
        })
        .collect();
    let now_ms = i64::try_from(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let tries = (0i64..)
        .zip(&items)
        .map(|(index, _)| match status {
            Status::Pending => LastTry::default(),
            _ => LastTry {
                model: Some(u32::try_from(index % 12).unwrap()),
                started_at_ms: Some(now_ms + index * 1731 + index % 7 * 911),
                completed_at_ms: Some(now_ms + index * 1731 + 14_000 + index % 13 * 377),
                rejected: 0,
                error_message: None,
            },
        })
        .collect();
    let models = (0..12).map(|i| format!("endpoint-{i}")).collect();
    let pictures = items
        .iter()
        .flat_map(|item| item.block.quadrants())
        .collect();
    PlanState::of(
        Snapshot {
            items,
            tries,
            models,
            calls: Vec::new(),
        },
        200,
        &pictures,
    )
}

#[tokio::test]
async fn a_page_of_seventy_thousand_blocks_is_small() {
    let layer = test_layer();
    let placed = PlacedLayer::open(LayerDir::at(layer.dir())).await.unwrap();
    let options = PageOptions {
        leaflet: Leaflet::Cdn,
        base_map: None,
        boundary: None,
    };
    // What Leaflet's own files add to a page that has them in it.
    let leaflet_bytes = 165_000;
    for (status, state, limit) in [
        (Status::Pending, ItemState::Pending, 1_000_000),
        (Status::Complete, ItemState::Complete, 2_000_000),
    ] {
        let plan = large_plan(status);
        assert!(plan.count(state) > 70_000);
        let page = options
            .page(
                &placed,
                &plan,
                &Pictured::near(&placed, &plan, "./generations/"),
                None,
            )
            .unwrap();
        let bytes = page.len() + leaflet_bytes;
        assert!(bytes <= limit, "{bytes} bytes with every item {status}");
    }
}

#[tokio::test]
async fn nothing_in_the_page_ends_its_scripts() {
    let layer = test_layer();
    layer.configure(|config| config["name"] = json!("</script><!-- <b> & \"'"));
    let placed = PlacedLayer::open(LayerDir::at(layer.dir())).await.unwrap();
    let (plan, _) = placed.read_plan().await.unwrap();
    let options = PageOptions {
        leaflet: Leaflet::Cdn,
        base_map: None,
        boundary: None,
    };
    let page = options
        .page(&placed, &plan, &Pictured::near(&placed, &plan, "./"), None)
        .unwrap();
    assert_eq!(
        page.matches("<script").count(),
        page.matches("</script>").count()
    );
    assert!(!page.contains("<!--"));
    assert!(
        page.contains("<h1>&#60;/script&#62;"),
        "the name is escaped in the text"
    );
}
