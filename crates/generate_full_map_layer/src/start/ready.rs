//! What a run has before its first call, and what is told of that.

use std::collections::HashSet;
use std::sync::Arc;

use dispatch::{Queue, Turn};
use fleet::Endpoint;
use layer::{Pictures, RunLock};
use planner::{Item, Status};
use progress_db::{EndpointCalls, ProgressDb};
use report::{Ended, Member, PilotMade, flat_water, forecast, would_run};
use serde_json::{Map, Value};

use super::budget::require_prices;
use super::layer_state::Start;
use crate::args::Args;
use crate::work::task::Around;

/// What comes before the first call.
pub(crate) enum Ready {
    /// There are items to run.
    ToRun(Box<ToRun>),
    /// There is nothing to call.
    Ended(Ended),
}

/// A layer whose items can be run, under its lock.
pub(crate) struct ToRun {
    pub start: Start,
    pub db: ProgressDb,
    pub pictures: Arc<Pictures>,
    pub queue: Queue,
    /// The complete items that were made without a call, and how many of them just now.
    pub uncalled: (HashSet<i64>, usize),
    /// What the plan lacks though it looks complete; told, and to be told again at the end.
    pub lacks: Vec<String>,
    /// The pilot that it makes beside the layer, and what is around that, where it makes one.
    pub trial: Option<(PilotMade, Around)>,
    pub lock: RunLock,
}

pub(super) fn complete(items: &mut [Item], which: impl Fn(&Item) -> bool) {
    for item in items.iter_mut().filter(|item| which(item)) {
        item.status = Status::Complete;
    }
}

/// What would keep a run from its first call.
pub(super) fn warn_of(args: &Args, start: &Start) {
    if let Err(error) = start.require_endpoints() {
        tracing::warn!("{error}");
    }
    if let Err(error) = require_prices(args, start) {
        tracing::warn!("{error}");
    }
    if let Some(holder) = RunLock::holder(&start.layer) {
        tracing::warn!("a run is under way on the layer ({holder}), so this changes meanwhile");
    }
}

/// What would run, how long it would take and what it would cost, for people and
/// for scripts; `flat` items need no call.
pub(super) fn foretold(
    args: &Args,
    start: &Start,
    queue: &Queue,
    flat: usize,
    calls: &[EndpointCalls],
) -> (String, Map<String, Value>) {
    let mut told = match flat {
        0 => String::new(),
        flat => flat_water(flat) + ": finished before all others, and complete below\n",
    };
    let most = args.max_items.map(|most| most as usize);
    let endpoints = start.fleet.endpoints();
    for endpoint in endpoints.iter().filter(|endpoint| endpoint.adapts) {
        told += &format!("endpoint {}; reckoned with all of them\n", endpoint.told());
    }
    let endpoints: Vec<_> = endpoints
        .iter()
        .map(|endpoint| as_member(endpoint))
        .collect();
    told += &would_run(queue, &endpoints, most);
    let mut figures = Map::new();
    if queue.current_step().is_some() {
        let config = &start.config;
        let eager = Turn::eager(config.may_show_surroundings());
        let expected = forecast(queue, &endpoints, calls, most, &config.currency, eager);
        told += &expected.text;
        figures.extend(expected.figures);
    }
    (told, figures)
}

/// An endpoint as a report knows it.
fn as_member(endpoint: &Endpoint) -> Member<'_> {
    Member {
        name: &endpoint.name,
        slots: endpoint.slots,
        price: endpoint.price,
        expected: endpoint.expected,
    }
}
