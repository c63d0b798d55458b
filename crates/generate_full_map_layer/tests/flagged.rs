//! What was judged at the desk is carried out once, as it was judged.

mod painter;

use std::os::unix::fs::symlink;
use std::time::SystemTime;

use fixtures::layers::TestLayer;
use fixtures::server::RecordedRequest;
use layer::{Judgement, Kept, LayerDir, LayerError, Storage, Verdict};
use planner::{Block, BlockShape, Quadrant};

use painter::Painter;

const PROGRAM: &str = env!("CARGO_BIN_EXE_generate_full_map_layer");
const STORAGES: [Storage; 2] = [Storage::Files, Storage::Sqlite];

const A: Block = Block {
    shape: BlockShape::TwoByTwo,
    top_left: Quadrant { x: 0, y: 0 },
};
const B: Block = Block {
    shape: BlockShape::TwoByTwo,
    top_left: Quadrant { x: 3, y: 0 },
};
const C: Block = Block {
    shape: BlockShape::TwoByTwo,
    top_left: Quadrant { x: 0, y: 3 },
};

/// A layer that is finished, and a model that draws other pictures from then on.
struct Finished {
    layer: TestLayer,
    painter: Painter,
}

impl Finished {
    fn new(storage: Storage) -> Self {
        let painter = Painter::new();
        let layer = painter.finished(PROGRAM, storage, 5, "infill");
        Self { layer, painter }
    }

    fn judge(&self, block: Block, verdict: Verdict, prompt: Option<&str>) {
        let put = |review: &mut layer::Review| {
            review.put(Judgement {
                block,
                verdict,
                note: "seen".to_owned(),
                prompt: prompt.map(str::to_owned),
                at: SystemTime::now(),
            });
            Ok::<(), LayerError>(())
        };
        LayerDir::at(self.layer.dir()).change_review(put).unwrap();
    }

    fn pictures(&self, block: Block) -> Vec<Vec<u8>> {
        let stored = block.quadrants().map(|at| self.layer.stored(at).unwrap());
        stored.collect()
    }

    /// The calls since there were `before`.
    fn calls_since(&self, before: usize) -> Vec<RecordedRequest> {
        self.painter.server.calls().split_off(before)
    }
}

#[test]
fn flagged_blocks_are_drawn_again_and_chosen_pictures_put_in_place_once() {
    for storage in STORAGES {
        let finished = Finished::new(storage);
        let layer = &finished.layer;
        let first = finished.pictures(B);
        layer
            .run(PROGRAM, &["--redo", "3,0", "--without-followers"])
            .assert_status(0);
        let second = finished.pictures(B);
        assert_ne!(first, second);
        finished.painter.change_taste();

        finished.judge(A, Verdict::Redo, Some("with a church"));
        let (from, version) = (Kept::Candidates, 1);
        finished.judge(B, Verdict::Choose { from, version }, None);
        finished.judge(C, Verdict::Keep, None);
        let (flagged, kept) = (finished.pictures(A), finished.pictures(C));
        let calls = finished.painter.server.calls().len();
        let review = std::fs::read(layer.dir().join("review.json")).unwrap();

        let dry = layer.run(
            PROGRAM,
            &["--redo-flagged", "--dry-run", "--without-followers"],
        );
        dry.assert_status(0);
        dry.assert_says("redo: 1 block: 1 call");
        dry.assert_says("chosen for 1 blocks: other pictures, without a call");
        assert_eq!(finished.pictures(B), second);

        let run = layer.run(PROGRAM, &["--redo-flagged", "--without-followers"]);
        run.assert_status(0).assert_says("version 1 is back");
        let made = finished.calls_since(calls);
        assert_eq!(made.len(), 1, "what was promised");
        assert_eq!(made[0].json()["prompt"], "snow\nwith a church");
        assert_ne!(finished.pictures(A), flagged);
        assert_eq!(finished.pictures(B), first);
        assert_eq!(finished.pictures(C), kept);
        layer.assert_whole();

        let again = layer.run(PROGRAM, &["--redo-flagged"]);
        again.assert_status(0).assert_says("is still to be done");
        assert_eq!(finished.calls_since(calls).len(), 1);
        let now = std::fs::read(layer.dir().join("review.json")).unwrap();
        assert!(now == review, "only the desk writes it");

        // What was drawn again is judged anew, and so is what it is drawn like.
        finished.judge(A, Verdict::Redo, None);
        layer.run(PROGRAM, &["--redo-flagged"]).assert_status(0);
        let made = finished.calls_since(calls + 1);
        assert!(made.len() > 1, "the later ones join it again");
        assert!(made.iter().all(|call| call.json()["prompt"] == "snow"));
    }
}

/// A finished layer of which the block `A` is flagged, and all that joins it is judged as it should
/// be: two are kept, and of the third the picture is chosen that it had at first. Returns that, and
/// what the kept ones have.
fn flagged_beside_judged_ones(storage: Storage) -> (Finished, Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let finished = Finished::new(storage);
    let first = finished.pictures(BESIDE_A[0]);
    let flags = ["--redo", "0,2", "--without-followers"];
    finished.layer.run(PROGRAM, &flags).assert_status(0);
    assert_ne!(finished.pictures(BESIDE_A[0]), first);
    finished.painter.change_taste();
    let (from, version) = (Kept::Candidates, 1);
    finished.judge(BESIDE_A[0], Verdict::Choose { from, version }, None);
    finished.judge(BESIDE_A[1], Verdict::Keep, None);
    finished.judge(BESIDE_A[2], Verdict::Keep, None);
    finished.judge(A, Verdict::Redo, None);
    let kept = BESIDE_A[1..].iter().flat_map(|&b| finished.pictures(b));
    let kept = kept.collect();
    (finished, first, kept)
}

/// The blocks that join `A`.
const BESIDE_A: [Block; 3] = [
    Block::new(BlockShape::TwoByOne, 0, 2),
    Block::new(BlockShape::OneByTwo, 2, 0),
    Block::new(BlockShape::OneByOne, 2, 2),
];

#[test]
fn what_was_kept_or_chosen_stays_though_it_joins_a_flagged_block() {
    for storage in STORAGES {
        let (finished, first, kept) = flagged_beside_judged_ones(storage);
        let calls = finished.painter.server.calls().len();
        let dry = finished
            .layer
            .run(PROGRAM, &["--redo-flagged", "--dry-run"]);
        let run = finished.layer.run(PROGRAM, &["--redo-flagged"]);
        for said in [&dry, &run] {
            said.assert_status(0)
                .assert_says("redo: 1 block: 1 call")
                .assert_says("3 later blocks drawn to join them stay as judged")
                .assert_says("--redo \"2,0 0,2 2,2\" makes them fit");
        }
        assert_eq!(finished.calls_since(calls).len(), 1);
        assert_eq!(finished.pictures(BESIDE_A[0]), first);
        let now = BESIDE_A[1..].iter().flat_map(|&b| finished.pictures(b));
        assert_eq!(now.collect::<Vec<_>>(), kept);
        finished.layer.assert_whole();
        let again = finished.layer.run(PROGRAM, &["--redo-flagged"]);
        again.assert_status(0).assert_says("is still to be done");
        assert_eq!(finished.calls_since(calls).len(), 1);
    }
}

/// A version that is gone is told, by the dry run as by the run, and hinders nothing.
#[test]
fn what_cannot_be_carried_out_is_told_and_the_rest_is_done() {
    for from in [Kept::Rejected, Kept::Candidates] {
        let finished = Finished::new(Storage::Files);
        finished.judge(B, Verdict::Choose { from, version: 3 }, None);
        finished.judge(A, Verdict::Redo, None);
        let calls = finished.painter.server.calls().len();
        let flags = ["--redo-flagged", "--without-followers"];
        let dry = finished
            .layer
            .run(PROGRAM, &[&flags[..], &["--dry-run"]].concat());
        let run = finished.layer.run(PROGRAM, &flags);
        for said in [&dry, &run] {
            said.assert_status(0)
                .assert_says(match from {
                    Kept::Rejected => "has no rejected answer",
                    Kept::Candidates => "has no pictures of version 3",
                })
                .assert_says("judge the block again at the desk");
        }
        assert!(!dry.stdout.contains("chosen for"), "{}", dry.stdout);
        assert_eq!(finished.calls_since(calls).len(), 1);
    }
}

/// The rejected answer of a failed block can be chosen; then there is nothing left to accept.
#[test]
fn a_rejected_answer_can_be_chosen() {
    for storage in STORAGES {
        let finished = Finished::new(storage);
        let layer = &finished.layer;
        let pictures: Vec<(Quadrant, Vec<u8>)> = A
            .quadrants()
            .map(|at| (at, layer.stored(at).unwrap()))
            .collect();
        layer
            .run(PROGRAM, &["--redo", "0,0", "--without-followers"])
            .assert_status(0);
        fail(layer, A);
        let dir = LayerDir::at(layer.dir());
        // They may lie on another disk.
        let elsewhere = layer.root().join("elsewhere");
        std::fs::create_dir(&elsewhere).unwrap();
        symlink(&elsewhere, layer.dir().join("rejected")).unwrap();
        dir.rejected().replace(A, &pictures).unwrap();
        assert!(elsewhere.join("0_0/1/1_1.png").exists());
        let from = Kept::Rejected;
        finished.judge(A, Verdict::Choose { from, version: 1 }, None);
        let calls = finished.painter.server.calls().len();
        let run = layer.run(PROGRAM, &["--redo-flagged"]);
        run.assert_status(0).assert_says("the answer is accepted");
        assert_eq!(finished.calls_since(calls).len(), 0);
        assert!(
            pictures
                .iter()
                .all(|(at, bytes)| layer.stored(*at).as_ref() == Some(bytes))
        );
        assert!(dir.rejected().blocks().unwrap().is_empty());
    }
}

/// What a run that died has left in `rejected/` of a complete block is neither accepted nor kept.
#[test]
fn of_a_complete_block_there_is_nothing_to_accept() {
    let finished = Finished::new(Storage::Files);
    let dir = LayerDir::at(finished.layer.dir());
    let other: Vec<_> = B
        .quadrants()
        .map(|at| finished.layer.stored(at).unwrap())
        .collect();
    let pictures: Vec<_> = A.quadrants().zip(other).collect();
    dir.rejected().replace(A, &pictures).unwrap();
    let before = finished.pictures(A);
    let run = finished.layer.run(PROGRAM, &["--accept", "0,0"]);
    run.assert_status(2).assert_says("has no rejected answer");
    assert_eq!(finished.pictures(A), before);
    finished.layer.run(PROGRAM, &[]).assert_status(0);
    assert!(dir.rejected().blocks().unwrap().is_empty());
}

/// Lets an item look as if it had failed before it was judged.
fn fail(layer: &TestLayer, block: Block) {
    let Quadrant { x, y } = block.top_left;
    let rows = layer.sql(&format!(
        "UPDATE generation_plan SET status = 'error', completed_at = NULL WHERE top_left_x = {x} AND top_left_y = {y} RETURNING id"
    ));
    assert_eq!(rows.len(), 1);
}

/// A file that is none is refused before anything is put back.
#[test]
fn a_review_that_cannot_be_read_changes_nothing() {
    let finished = Finished::new(Storage::Files);
    for text in [
        "",
        "[]",
        "{\"version\": 9}",
        "{\"version\": 1, \"judgements\": [{}]}",
    ] {
        std::fs::write(finished.layer.dir().join("review.json"), text).unwrap();
        let calls = finished.painter.server.calls().len();
        let run = finished.layer.run(PROGRAM, &["--redo-flagged"]);
        run.assert_status(2).assert_says("review.json");
        assert_eq!(finished.painter.server.calls().len(), calls, "{text}");
        assert_eq!(finished.layer.statuses().len(), 1, "all is complete");
    }
}

/// Wherever a run dies that carries out flags, what was judged to stay stays in the next one.
#[cfg(feature = "fault-points")]
#[test]
fn what_was_kept_or_chosen_stays_after_a_run_died() {
    for point in ["keeping", "kept", "bringing_back", "claimed", "committed"] {
        let (finished, first, kept) = flagged_beside_judged_ones(Storage::Files);
        let mut command = finished.layer.command(PROGRAM, &["--redo-flagged"]);
        let died = command.env("FAULT_POINT", point).output().unwrap();
        assert_eq!(died.status.code(), None, "{point}");
        finished
            .layer
            .run(PROGRAM, &["--redo-flagged"])
            .assert_status(0);
        assert_eq!(finished.pictures(BESIDE_A[0]), first, "{point}");
        let now = BESIDE_A[1..].iter().flat_map(|&b| finished.pictures(b));
        assert_eq!(now.collect::<Vec<_>>(), kept, "{point}");
        finished.layer.assert_whole();
    }
}

/// Wherever a run dies that carries out flags, the next one pays for no block twice.
#[cfg(feature = "fault-points")]
#[test]
fn flags_that_were_being_carried_out_when_a_run_died_are_not_paid_for_twice() {
    for point in [
        "keeping",
        "kept",
        "recording",
        "claimed",
        "published_all",
        "committed",
    ] {
        let finished = Finished::new(Storage::Files);
        finished.judge(A, Verdict::Redo, None);
        finished.judge(B, Verdict::Redo, None);
        let calls = finished.painter.server.calls().len();
        let flags = ["--redo-flagged", "--without-followers"];
        let mut command = finished.layer.command(PROGRAM, &flags);
        let died = command.env("FAULT_POINT", point).output().unwrap();
        assert_eq!(died.status.code(), None, "{point}");
        let lost = finished
            .layer
            .sql("SELECT count(*) FROM attempts WHERE outcome = 'in_flight'")[0][0]
            .parse::<usize>()
            .unwrap();
        finished.layer.run(PROGRAM, &flags).assert_status(0);
        let made = finished.calls_since(calls).len();
        assert!(
            (2..=2 + lost).contains(&made),
            "{point}: {made} calls, {lost} lost"
        );
        finished.layer.assert_whole();
    }
}
