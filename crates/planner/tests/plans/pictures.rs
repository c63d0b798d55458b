//! Small plans, drawn.

use planner::plan;

use crate::drawing;

/// Compares the plan of a region with a picture of it; see `drawing::picture`.
fn check(region: &str, expected: &str) {
    let expected: Vec<&str> = expected.trim().lines().map(str::trim).collect();
    assert_eq!(
        drawing::picture(&plan(&drawing::region(region))),
        expected.join("\n")
    );
}

#[test]
fn nothing_is_cut_into_no_blocks() {
    check("...", "");
}

#[test]
fn a_square_of_three_is_one_of_each() {
    check("###\n###\n###", "A A b\nA A b\nc c d");
}

#[test]
fn the_classic_nine_by_nine() {
    check(
        &["#########"; 9].join("\n"),
        "A A j B B k C C l
         A A j B B k C C l
         s s b t t c u u d
         D D m E E n F F o
         D D m E E n F F o
         v v e w w f x x g
         G G p H H q I I r
         G G p H H q I I r
         y y h z z i a a j",
    );
}

#[test]
fn seven_by_eight_has_a_trailing_column() {
    check(
        &["#######"; 8].join("\n"),
        "A A g B B h i
         A A g B B h i
         p p t q q u v
         C C j D D k l
         C C j D D k l
         r r w s s x y
         E E m F F n o
         E E m F F n o",
    );
}

#[test]
fn an_l_keeps_a_2x2_at_its_corner() {
    check(
        "##......
         ##......
         ##......
         ##......
         ##......
         ########
         ########",
        "g g . . . . . .
         A A . . . . . .
         A A . . . . . .
         h h . . . . . .
         i i . . . . . .
         B B e C C f D D
         B B e C C f D D",
    );
}

#[test]
fn a_ring_two_wide() {
    check(
        "#######
         #######
         ##...##
         ##...##
         ##...##
         #######
         #######",
        "g g j A A e k
         B B j A A e k
         B B . . . o o
         h h . . . C C
         p p . . . C C
         f l D D n i i
         f l D D n m m",
    );
}

#[test]
fn a_hole_where_the_lattice_has_a_corner_costs_nothing() {
    check(
        "#####
         #####
         ##.##
         #####
         #####",
        "A A e B B
         A A e B B
         g g . h h
         C C f D D
         C C f D D",
    );
}

#[test]
fn on_a_path_one_wide_each_strip_waits_for_the_one_that_ends_at_it() {
    check(
        "####....
         ...#....
         ...#####
         .......#
         .......#",
        "f b b c . . . .
         . . . c . . . .
         . . . e e g d d
         . . . . . . . a
         . . . . . . . a",
    );
}

#[test]
fn parts_that_meet_at_a_corner_only_share_no_edge_but_their_2x2s_keep_apart() {
    check(
        "##....
         ##....
         ..##..
         ..##..
         ....##
         ....##",
        "A A . . . .
         A A . . . .
         . . c d . .
         . . c d . .
         . . . . B B
         . . . . B B",
    );
}

#[test]
fn islands_each_have_their_own_lattice() {
    check(
        "##.##..#
         ##.##...
         ......#.
         #.......",
        "A A . B B . . c
         A A . B B . . .
         . . . . . . d .
         e . . . . . . .",
    );
}

#[test]
fn a_crumb_does_not_push_the_lattice_out_of_its_phase() {
    check(
        ".#####
         .#####
         ######
         .#####
         .#####",
        ". A A e B B
         . A A e B B
         i g g j h h
         . C C f D D
         . C C f D D",
    );
}
