//! What each error says.

use std::path::PathBuf;

use planner::Quadrant;
use source_map::SourceError;

#[test]
fn every_error_says_what_where_and_what_to_do() {
    let path = || PathBuf::from("map/quadrants.db");
    let quadrant = Quadrant::new(3, -2);
    for (error, text) in [
        (
            SourceError::Missing { path: path() },
            "there is no map/quadrants.db; the generation directory is the one that holds quadrants.db and generation_config.json",
        ),
        (
            SourceError::Unreadable {
                path: path(),
                reason: "permission denied".to_owned(),
            },
            "map/quadrants.db cannot be read: permission denied",
        ),
        (
            SourceError::NotADatabase { path: path() },
            "map/quadrants.db is not an SQLite database; copy it again from the map it belongs to",
        ),
        (
            SourceError::Database {
                path: path(),
                reason: "database is locked".to_owned(),
                remedy: "; another program holds it: end that program, or wait for it".to_owned(),
            },
            "map/quadrants.db cannot be read as a source map: database is locked; another program holds it: end that program, or wait for it",
        ),
        (
            SourceError::BadPlace {
                path: path(),
                place: "1.5 2".to_owned(),
            },
            "map/quadrants.db has a quadrant at \"1.5 2\", which is not a pair of whole numbers; mend that row of the table quadrants",
        ),
        (
            SourceError::NoConfig { path: path() },
            "map/quadrants.db has no generation_config in its metadata, and there is no generation_config.json beside it; the size of the quadrants and their place on the globe stand there",
        ),
        (
            SourceError::BadConfig {
                path: path(),
                reason: "width_px is missing".to_owned(),
            },
            "the generation_config of map/quadrants.db is not usable: width_px is missing",
        ),
        (
            SourceError::Gone {
                quadrant,
                path: path(),
            },
            "quadrant (3, -2) is not in map/quadrants.db any more; it was when the layer was planned",
        ),
        (
            SourceError::NoPicture {
                quadrant,
                column: "render",
                path: path(),
            },
            "quadrant (3, -2) has no render in map/quadrants.db",
        ),
        (
            SourceError::DamagedPicture {
                quadrant,
                column: "render",
                path: path(),
                reason: "database disk image is malformed".to_owned(),
            },
            "the render of quadrant (3, -2) in map/quadrants.db cannot be read: database disk image is malformed; copy the database again from the map it belongs to, or make that picture anew",
        ),
        (
            SourceError::PictureTooLarge {
                quadrant,
                column: "generation",
                path: path(),
                bytes: 300_000_000,
                limit: 268_435_456,
            },
            "the generation of quadrant (3, -2) in map/quadrants.db has 300000000 bytes; at most 268435456 are read",
        ),
    ] {
        assert_eq!(error.to_string(), text);
    }
}
