//! What a run has before its first call, and what is told of that.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use dispatch::{Asked, Bounds, CameTo, CanvasSizes, EarlierCall, EndpointLimits, Queue, Turn};
use fleet::Endpoint;
use layer::{CanvasMode, Pictures, RunLock};
use planner::{Item, Status};
use progress_db::{PastCall, ProgressDb, ProgressError};
use report::{Ended, PilotMade, flat_water, forecast, would_run};
use serde_json::{Map, Value};

use super::budget::{budget, require_prices};
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

/// What is listed of a run before its figures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Listing {
    /// The items that would run, and where.
    Items,
    /// Nothing: it was said in other words.
    Nothing,
}

/// What earlier calls came to.
pub(super) struct Before {
    calls: Vec<PastCall>,
    spent: (u64, f64),
}

impl Before {
    pub(super) async fn of(db: &mut ProgressDb) -> Result<Self, ProgressError> {
        Ok(Self {
            calls: db.past_calls().await?,
            spent: db.spent().await?,
        })
    }
}

/// What would run, how long it would take and what it would cost, for people and
/// for scripts; `flat` items need no call.
pub(super) fn foretold(
    args: &Args,
    start: &Start,
    queue: &Queue,
    flat: usize,
    before: &Before,
    listing: Listing,
) -> (String, Map<String, Value>) {
    let mut told = match flat {
        0 => String::new(),
        flat => flat_water(flat) + ": finished before all others, and complete below\n",
    };
    let max_items = args.max_items.map(|most| most as usize);
    let endpoints = start.fleet.endpoints();
    let limits: Vec<EndpointLimits> = endpoints.iter().map(|own| own.limits()).collect();
    let is_left = queue.current_step().is_some();
    let expected = is_left.then(|| {
        let config = &start.config;
        let bounds = Bounds {
            max_items,
            max_concurrent: Some(most_together(args)),
            budget: budget(args, start, before.spent),
        };
        let asked: Vec<Asked> = endpoints.iter().map(|endpoint| asked(endpoint)).collect();
        let calls = earlier(&endpoints, &before.calls);
        let eager = Turn::eager(config.may_show_surroundings());
        forecast(queue, &asked, &calls, &bounds, &config.currency, eager)
    });
    if listing == Listing::Items {
        for endpoint in endpoints.iter().filter(|endpoint| endpoint.adapts) {
            told += &format!("endpoint {}\n", endpoint.told());
        }
        let ends_after = expected.as_ref().and_then(|expected| expected.ends_after);
        told += &would_run(queue, &limits, ends_after.or(max_items));
    }
    let mut figures = Map::new();
    if let Some(expected) = expected {
        told += &expected.text;
        figures.extend(expected.figures);
    }
    (told, figures)
}

/// How many calls go at a time at most, as far as flags and the system allow it.
pub(crate) fn most_together(args: &Args) -> usize {
    let most = args.max_concurrent.map_or(usize::MAX, |most| most as usize);
    most.min(granted::room_for_calls())
}

/// An endpoint as it is reckoned with.
fn asked(endpoint: &Endpoint) -> Asked {
    Asked {
        limits: endpoint.limits(),
        canvases: match endpoint.form.mode {
            CanvasMode::Block => CanvasSizes::OfBlocks,
            CanvasMode::Infill => CanvasSizes::AllAlike,
        },
        expected: endpoint.expected,
    }
}

/// The earlier calls of these endpoints.
fn earlier(endpoints: &[Arc<Endpoint>], calls: &[PastCall]) -> Vec<EarlierCall> {
    let names = endpoints.iter().map(|endpoint| endpoint.name.as_str());
    let places: HashMap<&str, usize> = names.zip(0..).collect();
    let of = |call: &PastCall| {
        Some(EarlierCall {
            endpoint: *places.get(call.endpoint.as_str())?,
            quadrants: call.quadrants,
            started_s: call.started_at,
            ended_s: call.ended_at,
            came_to: match (call.is_saved, call.is_paid) {
                (None, _) => CameTo::Untold,
                (Some(true), _) => CameTo::Saved,
                (Some(false), is_paid) => CameTo::Wasted { is_paid },
            },
        })
    };
    calls.iter().filter_map(of).collect()
}
