//! `kill -9` at random moments.

use std::collections::BTreeMap;
use std::time::Duration;

use fixtures::layers::TestLayer;
use fixtures::maps::MapSpec;
use fixtures::server::{ScriptedServer, ServerSpec};
use serde_json::json;

use crate::support::{Background, ItemsByCanvas, PATIENCE, PROGRAM, assert_sound, invert, is_long};

fn server() -> ScriptedServer {
    ServerSpec::new().latency(Duration::from_millis(15)).start()
}

fn layer(servers: &[ScriptedServer; 2]) -> TestLayer {
    TestLayer::new(
        MapSpec::rectangle(18, 17).quadrant_px(12, 10),
        &json!([
            {"name": "a", "url": servers[0].url(), "max_concurrent": 2},
            {"name": "b", "url": servers[1].url(), "max_concurrent": 3},
        ]),
    )
}

/// What is known of the items after some kills.
#[derive(Default)]
struct Ledger {
    /// How often each item was in flight when the run was killed.
    in_flight: BTreeMap<i64, usize>,
    /// The last call before each kill, and what was complete then.
    marks: Vec<(String, Vec<String>)>,
}

impl Ledger {
    fn note_kill(&mut self, layer: &TestLayer) {
        for row in layer.sql("SELECT id FROM generation_plan WHERE status = 'in_progress'") {
            *self.in_flight.entry(row[0].parse().unwrap()).or_default() += 1;
        }
        let last = layer.sql("SELECT coalesce(max(id), 0) FROM attempts")[0][0].clone();
        let complete = layer.sql("SELECT id FROM generation_plan WHERE status = 'complete'");
        let complete = complete.into_iter().map(|row| row[0].clone()).collect();
        self.marks.push((last, complete));
    }

    /// Asserts that nothing was called for twice but what was in flight.
    fn settle(&self, layer: &TestLayer, servers: &[ScriptedServer; 2]) {
        let calls = ItemsByCanvas::of(layer).calls(&[&servers[0], &servers[1]]);
        for (item, &calls) in &calls {
            let killed = self.in_flight.get(item).copied().unwrap_or(0);
            assert!(
                calls <= 1 + killed,
                "item {item}: {calls} calls, in flight at {killed} kills"
            );
        }
        for (last, complete) in &self.marks {
            let ids = complete.join(",");
            let again = layer.sql(&format!(
                "SELECT id FROM attempts WHERE id > {last} AND item_id IN ({ids})"
            ));
            assert!(
                again.is_empty(),
                "complete items were called for again: {again:?}"
            );
        }
    }
}

#[test]
fn kills_at_any_moment_lose_nothing_and_repeat_only_what_was_in_flight() {
    let wanted = match std::env::var("KILLS") {
        Ok(kills) => kills.parse().expect("KILLS is a number"),
        Err(_) if is_long() => 100,
        Err(_) => 10,
    };
    let mut kills = 0;
    while kills < wanted {
        let servers = [server(), server()];
        let layer = layer(&servers);
        let calls = || {
            servers
                .iter()
                .map(|server| server.calls().len())
                .sum::<usize>()
        };
        let mut ledger = Ledger::default();
        // Some kills on one layer, so that each meets what the others have left.
        for round in 0..wanted - kills {
            let before = calls();
            let mut run = Background::start(&layer, &[]);
            let deadline = std::time::Instant::now() + PATIENCE;
            while calls() == before && run.has_ended().is_none() {
                assert!(
                    std::time::Instant::now() < deadline,
                    "the run calls nothing"
                );
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_micros(random(250_000)));
            let was_killed = run.kill();
            assert_sound(&layer);
            ledger.note_kill(&layer);
            let left = layer.sql("SELECT count(*) FROM generation_plan WHERE status <> 'complete'");
            if !was_killed || left[0][0] == "0" {
                assert!(
                    round > 0,
                    "one run did it all; the map is too small to be killed on"
                );
                break;
            }
            kills += 1;
        }
        layer.run(PROGRAM, &[]).assert_status(0);
        layer.assert_complete(invert);
        ledger.settle(&layer, &servers);
        layer
            .run(PROGRAM, &["--resume"])
            .assert_status(0)
            .assert_says("0 have missing");
    }
}

fn random(below: u64) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::time::Instant::now()) % below
}
