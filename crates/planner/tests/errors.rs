//! What each error says.

use planner::{BoundsError, UnknownShape};

#[test]
fn every_error_says_what_and_what_to_do() {
    for (error, text) in [
        (
            BoundsError::Count { found: 3 },
            "bounds need four numbers min_x,min_y,max_x,max_y, and here are 3",
        ),
        (
            BoundsError::Number {
                text: "1.5".to_owned(),
            },
            "\"1.5\" in the bounds is not a whole number; they are min_x,min_y,max_x,max_y, as in -10,-10,50,50",
        ),
        (
            BoundsError::Reversed {
                axis: 'y',
                min: 3,
                max: -2,
            },
            "the bounds are reversed: min_y 3 is greater than max_y -2; they are min_x,min_y,max_x,max_y",
        ),
    ] {
        assert_eq!(error.to_string(), text);
    }
    assert_eq!(
        UnknownShape("3x3".to_owned()).to_string(),
        "\"3x3\" is not a block type; they are 2x2, 1x2, 2x1 and 1x1"
    );
}
