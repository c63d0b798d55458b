//! The checker of the other tests, tested itself on plans that are wrong in one way each.

use planner::{Block, BlockShape};

use crate::checker::{faults, waves};
use crate::drawing;

/// Checks a drawn plan, whose blocks are generated in the order of their letters.
fn check(plan: &str, expected: &[&str]) {
    let region = plan
        .split_whitespace()
        .map(|c| if c == "." { '.' } else { '#' })
        .collect::<Vec<char>>();
    let width = plan
        .trim()
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .count();
    let rows: Vec<String> = region
        .chunks(width)
        .map(|row| row.iter().collect())
        .collect();
    assert_eq!(
        faults(&drawing::region(&rows.join("\n")), &drawing::blocks(plan)),
        expected
    );
}

#[test]
fn a_good_plan_has_no_faults() {
    check("A A c B B\nA A c B B\nd d f e e", &[]);
    check("a", &[]);
    check("a a\n. b", &[]);
}

#[test]
fn two_2x2s_touch() {
    check(
        "A A B B\nA A B B",
        &[
            "2x2 at (0, 0) touches 2x2 at (2, 0)",
            "2x2 at (2, 0) has no margin towards 2x2 at (0, 0)",
        ],
    );
}

#[test]
fn two_2x2s_touch_by_a_corner() {
    check(
        "A A . .\nA A . .\n. . B B\n. . B B",
        &["2x2 at (0, 0) touches 2x2 at (2, 2)"],
    );
    check(
        ". . A A\n. . A A\nB B . .\nB B . .",
        &["2x2 at (2, 0) touches 2x2 at (0, 2)"],
    );
}

#[test]
fn a_strip_ends_at_a_2x2() {
    check(
        "A A b b\nA A . .",
        &["2x1 at (2, 0) has no margin towards 2x2 at (0, 0)"],
    );
    check(
        "A A\nA A\nb .\nb .",
        &["1x2 at (0, 2) has no margin towards 2x2 at (0, 0)"],
    );
}

#[test]
fn two_strips_lie_end_to_end() {
    check(
        "a a b b",
        &["2x1 at (2, 0) has no margin towards 2x1 at (0, 0)"],
    );
    check(
        "b\nb\na\na",
        &["1x2 at (0, 0) has no margin towards 1x2 at (0, 2)"],
    );
}

#[test]
fn a_strip_comes_after_the_one_it_ends_at() {
    check(
        "a a\nb .\nb .",
        &["1x2 at (0, 1) has no margin towards 2x1 at (0, 0)"],
    );
    check("b b\na .\na .", &[]);
}

#[test]
fn a_step_comes_too_early() {
    check(
        "a b b",
        &[
            "2x1 at (1, 0) comes after a later step",
            "2x1 at (1, 0) has no margin towards 1x1 at (0, 0)",
        ],
    );
}

#[test]
fn quadrants_are_missing_doubled_or_outside() {
    let region = drawing::region("##.");
    let single = |x| Block::new(BlockShape::OneByOne, x, 0);
    assert_eq!(faults(&region, &[single(0)]), ["(1, 0) is in no block"]);
    assert_eq!(
        faults(&region, &[single(0), single(1), single(2)]),
        ["a block reaches outside the region"]
    );
    assert_eq!(
        faults(&region, &[single(0), single(1), single(0)]),
        ["(0, 0) is in 1x1 at (0, 0) and in 1x1 at (0, 0)"]
    );
}

#[test]
fn waves_are_chains_of_one_step() {
    assert_eq!(
        waves(&drawing::blocks("A A b c\nA A b c\nd e f g")),
        [1, 2, 4]
    );
    assert_eq!(waves(&drawing::blocks("a c b")), [0, 0, 2]);
}
