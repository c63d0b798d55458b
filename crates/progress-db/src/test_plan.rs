//! A plan to try things on.

use std::path::PathBuf;

use planner::{Quadrant, Region, plan};

use crate::StartedCall;
use crate::{Change, PlanMetadata, create};

/// A plan of 9x9 quadrants in a directory of its own.
pub(crate) async fn new_plan() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("progress.db");
    let region =
        Region::from_quadrants((0..9).flat_map(|y| (0..9).map(move |x| Quadrant::new(x, y))));
    let metadata = PlanMetadata {
        program_version: String::new(),
        created_at: String::new(),
        bounds: region.bounds().unwrap(),
        bounds_given: false,
        source_config_hash: String::new(),
        source_layer: String::new(),
    };
    create(&path, &plan(&region), &metadata).await.unwrap();
    (dir, path)
}

/// A claim whose attempt has the item's number.
pub(crate) fn claim(item: i64, endpoint: &str) -> Change {
    Change::Claim {
        item,
        call: StartedCall {
            attempt: item,
            endpoint: endpoint.to_owned(),
            protocol: "edit_b64",
            settings_hash: String::new(),
            seed: None,
            aside: None,
            joined: Vec::new(),
        },
        at: 1_700_000_000.25,
    }
}
