//! What a page is told that asks what has changed.

use serde::Serialize;

use crate::afar::WorstEdge;
use crate::health::Health;
use crate::progress::Progress;

/// The answer to a page that knows a revision of a plan.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Answer<'a> {
    /// How far the items are that have changed.
    Changes {
        /// The revision that the page knows then.
        revision: u64,
        /// Nothing when none has.
        progress: Option<Progress<'a>>,
        /// The overviews that are others: level, column, row, and a number that tells them from the
        /// ones before, or none for those that are gone.
        tiles: Vec<(u32, u32, u32, Option<u32>)>,
        /// The edges that show most, if they are others.
        worst_edges: Option<&'a [WorstEdge]>,
        /// How the run is doing.
        health: Health,
    },
    /// The layer was planned anew, or the page is of an earlier server.
    Replaced,
    /// The progress cannot be read, and why.
    Trouble {
        /// The error.
        message: &'a str,
    },
}

impl Answer<'_> {
    /// As JSON.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).expect("changes are plain data")
    }
}
