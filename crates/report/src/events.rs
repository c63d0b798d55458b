//! What a script is told of a run: each event a line, by the crate `terminal`.

use std::path::Path;
use std::time::Duration;

use dispatch::{CallEnd, Dispatcher, EndpointIndex, Queue, StepCounts};
use planner::{Block, Item};
use progress_db::Outcome;
use serde_json::{Map, Value, json};
use terminal::event;

/// An endpoint of a run, as it is told at the start.
pub struct EndpointTold<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its address, without what may be secret.
    pub address: &'a str,
    /// How it is spoken to.
    pub protocol: &'a str,
    /// How many calls it serves at a time, at most where it adapts.
    pub slots: usize,
    /// Whether it is found out how many are worth it.
    pub adapts: bool,
}

impl EndpointTold<'_> {
    fn told(&self) -> Value {
        json!({
            "endpoint": self.name,
            "address": self.address,
            "protocol": self.protocol,
            "max_concurrent": self.slots,
            "adapts": self.adapts,
        })
    }
}

/// An item that is complete.
pub struct Done {
    /// Which.
    pub item: Item,
    /// Who drew it.
    pub endpoint: EndpointIndex,
    /// The seed of its block's call.
    pub seed: u32,
    /// From when its call began to when its pictures were recorded.
    pub took: Duration,
}

/// What the record of a call says of its end.
#[must_use]
pub const fn outcome_of(end: CallEnd) -> Outcome {
    match end {
        CallEnd::BadAnswer => Outcome::BadAnswer,
        CallEnd::NotAccepted => Outcome::NotAccepted,
        CallEnd::Away => Outcome::Away,
        CallEnd::Rejected => Outcome::Rejected,
        CallEnd::EndpointOut => Outcome::EndpointOut,
        CallEnd::NotSaved => Outcome::NotSaved,
        CallEnd::Interrupted => Outcome::Interrupted,
        CallEnd::Compared => Outcome::Compared,
    }
}

/// Tells that a run begins, before its first call.
pub fn tell_start<'a>(
    layer: &Path,
    queue: &Queue,
    endpoints: impl IntoIterator<Item = EndpointTold<'a>>,
) {
    if !terminal::is_followed() {
        return;
    }
    let endpoints = endpoints.into_iter().map(|endpoint| endpoint.told());
    let mut told = json!({
        "version": terminal::FORMAT_VERSION,
        "program": "generate_full_map_layer",
    });
    extend(&mut told, counts_told(layer, queue));
    extend(
        &mut told,
        Map::from_iter([("endpoints".to_owned(), endpoints.collect())]),
    );
    event("started", told);
}

/// Tells that the endpoints of a run are these from now on.
pub fn tell_endpoints<'a>(endpoints: impl IntoIterator<Item = EndpointTold<'a>>) {
    let endpoints = endpoints.into_iter().map(|endpoint| endpoint.told());
    event(
        "endpoints",
        json!({"endpoints": endpoints.collect::<Value>()}),
    );
}

/// How far a layer is: its items and its steps.
pub fn counts_told(layer: &Path, queue: &Queue) -> Map<String, Value> {
    let quadrants = |item: &Item| item.block.quadrants().count();
    let all: usize = queue.items().iter().map(quadrants).sum();
    let steps = queue.steps().iter().map(|(step, counts)| {
        let mut told = json!({"step": step});
        extend(&mut told, totals(counts));
        told
    });
    let mut told = json!({"layer": layer.display().to_string(), "quadrants": all});
    extend(&mut told, totals(&queue.totals()));
    extend(
        &mut told,
        Map::from_iter([("steps".to_owned(), steps.collect())]),
    );
    into_map(told)
}

/// Tells that an item is complete.
pub(crate) fn tell_complete(dispatcher: &Dispatcher, done: &Done) {
    let mut told = item_told(&done.item);
    told["endpoint"] = name_of(dispatcher, done.endpoint);
    told["seed"] = done.seed.into();
    told["seconds"] = done.took.as_secs_f64().into();
    told["totals"] = totals_of(dispatcher);
    event("item", told);
}

/// Tells that an item failed.
pub(crate) fn tell_failed(dispatcher: &Dispatcher, item: &Item, message: &str) {
    let mut told = item_told(item);
    told["message"] = message.into();
    told["totals"] = totals_of(dispatcher);
    event("failed", told);
}

/// Tells that a call saved nothing.
pub(crate) fn tell_wasted(
    dispatcher: &Dispatcher,
    (item, endpoint): (&Item, EndpointIndex),
    outcome: &str,
    message: Option<&str>,
) {
    let mut told = item_told(item);
    told["endpoint"] = name_of(dispatcher, endpoint);
    told["outcome"] = outcome.into();
    told["message"] = message.into();
    event("wasted", told);
}

/// Tells that an endpoint is out, until its entry or its key changes.
pub(crate) fn tell_out(dispatcher: &Dispatcher, endpoint: &str, reason: &str) {
    event(
        "endpoint_out",
        json!({"endpoint": endpoint, "reason": reason, "totals": totals_of(dispatcher)}),
    );
}

fn item_told(item: &Item) -> Value {
    let Block { top_left, .. } = item.block;
    json!({
        "item": item.id,
        "x": top_left.x,
        "y": top_left.y,
        "shape": item.block.shape.name(),
        "quadrants": item.block.quadrants().count(),
        "step": item.step,
    })
}

/// How far a run is: its items' counts, and its calls.
#[must_use]
pub fn totals_of(dispatcher: &Dispatcher) -> Value {
    let members = dispatcher.pool().members().iter();
    let calls: u64 = members.map(|member| member.tally().calls).sum();
    let mut told = Value::Object(totals(&dispatcher.queue().totals()));
    told["calls"] = calls.into();
    told
}

/// Counts in the words of the human summary: what is under way is pending.
pub(crate) fn totals(counts: &StepCounts) -> Map<String, Value> {
    into_map(json!({
        "items": counts.total(),
        "complete": counts.complete,
        "failed": counts.failed,
        "waiting": counts.held_back,
        "pending": counts.pending + counts.taken,
    }))
}

fn name_of(dispatcher: &Dispatcher, endpoint: EndpointIndex) -> Value {
    dispatcher.pool().members()[endpoint].name().into()
}

pub(crate) fn extend(told: &mut Value, more: Map<String, Value>) {
    if let Value::Object(told) = told {
        told.extend(more);
    }
}

pub(crate) fn into_map(told: Value) -> Map<String, Value> {
    match told {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
