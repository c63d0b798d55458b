//! `--try`: a part that is drawn with other settings, beside the layer.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::SystemTime;

use fleet::Endpoint;
use layer::{LayerDir, Pictures, PilotEndpoint, PilotName, PilotRecord, RunLock, Tried};
use planner::{Pilot, Status};
use progress_db::ProgressDb;
use report::{Ended, PilotMade, counts_told, part_that_runs};
use serde_json::Value;
use terminal::Printer;

use super::budget::require_prices;
use super::layer_state::Start;
use super::pilot;
use super::ready::{Before, Listing, Ready, ToRun, complete, foretold, warn_of};
use super::uncalled::{complete_uncalled, pending};
use crate::args::Args;
use crate::work::task::Around;

/// Begins a pilot, under the layer's lock.
///
/// # Errors
/// Why it cannot be made.
pub(crate) async fn prepare_trial(
    args: &Args,
    tried: &Tried,
    mut start: Start,
    printer: &Printer,
) -> anyhow::Result<Ready> {
    require_prices(args, &start)?;
    if !start.config.uniform.is_on() {
        start.require_endpoints()?;
    }
    let lock = RunLock::take(&start.layer)?;
    let mut db = ProgressDb::open(&start.layer.progress_path()).await?;
    let layer = LayerDir::clone(&start.layer);
    let mut items = db.items().await?;
    if !db.replacing().await?.is_empty() {
        let (pictures, in_place) = start.open_pictures(&mut db, &mut items).await?;
        pictures.end().await;
        if !in_place.told.is_empty() {
            printer.say(in_place.told.trim_end());
        }
    }
    let part = pilot::asked_for(args, &start, &items)?.unwrap_or_default();
    let pilot = Pilot::afresh(&mut items, &part);
    let mut own = pilot.inside(&items);
    let around = Around {
        pictures: start.pictures(),
        inside: own.iter().flat_map(|item| item.block.quadrants()).collect(),
    };
    let name = layer.begin_pilot(SystemTime::now())?;
    let mut unless_begun = Removed(layer.clone(), Some(name.clone()));
    let (mut db, failed) = db.of_pilot(name.as_str());
    // From here on what is drawn goes there.
    start.layer = Arc::new(layer.of_pilot(&name));
    let pictures = Arc::new(Pictures::Files(LayerDir::clone(&start.layer)));
    let queue = pilot::queue_of(items.clone(), Some(&pilot), &start.config);
    let endpoints = start.fleet.endpoints();
    let tried = Value::from(tried.settings().clone()).to_string();
    let record = PilotRecord {
        tried: serde_json::from_value(redacted(&endpoints, tried)).unwrap_or_default(),
        part: pilot::part_text(args).trim_start().to_owned(),
        endpoints: told_to(&endpoints),
        ..PilotRecord::begun(&start.config, RunLock::holder(&start.layer))
    };
    let pilot_made = PilotMade::begin(layer, name, record, failed, &queue)?;
    pictures.require_writable().await?;
    let uniform = start.uniform().await?;
    let made = start.make_uncalled(uniform.as_ref(), &pictures, &mut db, &mut own, printer);
    let made = made.await?;
    own.retain(|item| item.status == Status::Complete);
    let flat: HashSet<i64> = own.iter().map(|item| item.id).collect();
    complete(&mut items, |item| flat.contains(&item.id));
    let mut uncalled = complete_uncalled(&mut db, &items).await?;
    uncalled.extend(flat);
    drop(uniform);
    let queue = pilot::queue_of(items, Some(&pilot), &start.config);
    let told = part_that_runs(&queue);
    let told = told.iter().chain(start.fleet.differences());
    told.for_each(|line| printer.say(line));
    unless_begun.1 = None;
    Ok(Ready::ToRun(Box::new(ToRun {
        start,
        db,
        pictures,
        queue,
        uncalled: (uncalled, made),
        lacks: Vec::new(),
        trial: Some((pilot_made, around)),
        lock,
    })))
}

/// Removes a pilot that is refused, or interrupted, before its first call.
struct Removed(LayerDir, Option<PilotName>);

impl Drop for Removed {
    fn drop(&mut self) {
        if let Some(name) = &self.1 {
            let removed = self.0.drop_pilot(name);
            drop(removed.inspect_err(|error| tracing::warn!("{error}")));
        }
    }
}

/// What the endpoints are told, for people to read later.
pub(crate) fn told_to(endpoints: &[Arc<Endpoint>]) -> Vec<PilotEndpoint> {
    let told = endpoints.iter().map(|endpoint| PilotEndpoint {
        name: endpoint.name.clone(),
        settings_hash: endpoint.settings.hash.clone(),
        told: redacted(endpoints, endpoint.settings.told_json()),
    });
    told.collect()
}

/// Settings without the layer's keys, which may have got into what is tried.
fn redacted(endpoints: &[Arc<Endpoint>], json: String) -> Value {
    let redact = |text: String, one: &Arc<Endpoint>| one.redact(&text);
    serde_json::from_str(&endpoints.iter().fold(json, redact)).unwrap_or_default()
}

/// What a pilot would draw, told otherwise than by the layer's configuration.
///
/// # Errors
/// When the plan cannot be read, or none of it is asked for.
pub(crate) async fn describe_trial(
    args: &Args,
    start: &Start,
    printer: &Printer,
) -> anyhow::Result<Ended> {
    warn_of(args, start);
    let mut db = ProgressDb::open_read_only(&start.layer.progress_path()).await?;
    let mut items = db.items().await?;
    let part = pilot::asked_for(args, start, &items)?.unwrap_or_default();
    let pilot = Pilot::afresh(&mut items, &part);
    let own = pilot.inside(&items);
    let (uniform, pictures) = (start.uniform().await?, start.pictures());
    let looking = start.find_uncalled(uniform.as_ref(), &pictures, &mut db, pending(&own), printer);
    let flat: HashSet<i64> = looking.await?.next.into_keys().collect();
    complete(&mut items, |item| flat.contains(&item.id));
    let before = Before::of(&mut db).await?;
    db.close().await?;
    let queue = pilot::queue_of(items, Some(&pilot), &start.config);
    let mut figures = counts_told(&args.layer_dir, &queue);
    let flat = flat.len();
    let (text, expected) = foretold(args, start, &queue, flat, &before, Listing::Items);
    figures.extend(expected);
    let told = start.fleet.differences().join("\n") + "\n" + &text;
    Ok(Ended {
        figures,
        ..Ended::with(0, told)
    })
}
