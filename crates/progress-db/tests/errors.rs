//! What each error says.

use std::path::PathBuf;

use planner::Quadrant;
use progress_db::ProgressError;

#[test]
fn every_error_says_what_where_and_what_to_do() {
    let path = || PathBuf::from("a/progress.db");
    let reason = || "disk I/O error".to_owned();
    for (error, text) in [
        (
            ProgressError::Missing { path: path() },
            "there is no a/progress.db; a layer directory is made by init_layer, and a lost progress.db by init_layer --rebuild",
        ),
        (
            ProgressError::Exists { path: path() },
            "a/progress.db is there already",
        ),
        (
            ProgressError::Damaged {
                path: path(),
                reason: reason(),
            },
            "a/progress.db is damaged (disk I/O error); run init_layer --rebuild --output with this layer's directory, which makes a new one, marks complete what is there, and keeps this one; then run with --resume",
        ),
        (
            ProgressError::NotAPlan {
                path: path(),
                reason: reason(),
            },
            "a/progress.db has no table generation_plan as a layer's plan has it (disk I/O error); make a new one with init_layer --rebuild --output with this layer's directory",
        ),
        (
            ProgressError::NewerVersion {
                path: path(),
                found: "7".to_owned(),
                supported: 1,
            },
            "a/progress.db has schema version 7, and this program reads up to version 1; use a newer program",
        ),
        (
            ProgressError::BadItem {
                path: path(),
                id: 12,
                reason: "is of step 4".to_owned(),
            },
            "item 12 of a/progress.db is of step 4; mend that row, or make a new progress.db with init_layer --rebuild",
        ),
        (
            ProgressError::Overlap {
                path: path(),
                first: 3,
                second: 9,
                quadrant: Quadrant::new(-1, 2),
            },
            "items 3 and 9 of a/progress.db both cover quadrant (-1, 2); make a new progress.db with init_layer --rebuild",
        ),
        (
            ProgressError::Storage {
                path: path(),
                reason: reason(),
            },
            "cannot write a/progress.db: disk I/O error; make room or mend its permissions",
        ),
        (
            ProgressError::Busy {
                path: path(),
                reason: reason(),
            },
            "a/progress.db is held by another program (disk I/O error); end that program, then run again",
        ),
        (
            ProgressError::Database {
                path: path(),
                reason: reason(),
            },
            "cannot use a/progress.db: disk I/O error",
        ),
    ] {
        assert_eq!(error.to_string(), text);
    }
}
