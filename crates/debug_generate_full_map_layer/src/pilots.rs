//! Pilots that tried other settings: what a page tells of them, and where their pictures are.

mod routes;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path as FilePath;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::Result;
use dispatch::Money;
use layer::{
    Holder, LayerDir, LayerError, PilotItem, PilotName, PilotRecord, RunLock, Source, Tried,
};
use planner::{Block, Quadrant};
use progress_db::ProgressDb;
use serde::Serialize;
use serde_json::Value;
use terminal::warn;

use crate::laid_out::lay_out_source;
use crate::overviews::Shown;
use crate::{PlacedLayer, pictures_url};
pub(crate) use routes::routes;

/// So many pilots are told of at most, the newest.
const MOST: usize = 200;

/// A directory that has changed less than that ago may change again without a sign of it.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// Where a page has them.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Pilots {
    /// What the addresses of those in `told` begin with, each by its name.
    url: String,
    /// The same of what the layer is made from.
    source: Option<String>,
    /// What there is; `None` where the page asks its server.
    told: Option<Told>,
}

/// The pilots of a layer, the newest first.
#[derive(Debug, Clone, Default, Serialize)]
struct Told {
    pilots: Vec<Pilot>,
    /// How many there are besides.
    more: usize,
}

#[derive(Debug, Clone, Serialize)]
struct Pilot {
    name: String,
    /// What is wrong with it; nothing else is known of it then.
    trouble: Option<String>,
    /// What was tried, as it is written on a command line.
    tried: String,
    /// The same as it is written into `generation_params`.
    settings: String,
    part: String,
    /// `done`, `ended` early, `running`, or `dead`.
    state: &'static str,
    reason: Option<String>,
    /// How many blocks it was to draw, how many failed, and how many were left out.
    blocks: usize,
    failed: usize,
    left: usize,
    calls: u64,
    cost: Option<String>,
    #[serde(skip)]
    currency: String,
    /// The quadrants of which there are pictures: row, first column, how many.
    rows: Vec<(i32, i32, u32)>,
}

/// What is known of a pilot's directory, as long as nothing changes in it.
#[derive(Debug, Clone)]
struct Known {
    changed_at: [Option<SystemTime>; 2],
    pilot: Pilot,
    /// Who runs it, where it has not ended.
    runs: Option<Holder>,
}

#[derive(Debug, Default)]
struct Cache(Mutex<HashMap<PilotName, Known>>);

impl Pilots {
    /// As a server has them.
    pub(crate) fn served() -> Self {
        Self {
            url: "pilots/".to_owned(),
            source: Some("pilots/source/".to_owned()),
            told: None,
        }
    }

    /// As a page has them that is the file `page`. Pictures of the source that lie in a database are
    /// copied, those of the pilots' quadrants alone.
    ///
    /// # Errors
    /// When the pilots cannot be listed.
    pub(crate) async fn beside(page: &FilePath, layer: &PlacedLayer) -> Result<Self> {
        let mut told = told(&layer.dir, &Cache::default())?;
        told.count_calls(&layer.dir).await?;
        let troubled = told
            .pilots
            .iter()
            .filter_map(|pilot| pilot.trouble.as_ref());
        troubled.for_each(|trouble| warn(format_args!("a pilot is not shown: {trouble}")));
        let quadrants = told.quadrants();
        let source = match quadrants.is_empty() {
            true => None,
            false => beside(page, layer, &quadrants).await.map_or_else(
                |error| {
                    warn(format_args!(
                        "pilots are shown without the source: {error:#}"
                    ));
                    None
                },
                Some,
            ),
        };
        Ok(Self {
            url: pictures_url(page, &layer.dir.pilots_dir())?,
            source,
            told: Some(told),
        })
    }
}

/// Where the source's pictures of `quadrants` are as files, seen from `page`.
async fn beside(
    page: &FilePath,
    layer: &PlacedLayer,
    quadrants: &HashSet<Quadrant>,
) -> Result<String> {
    let source = Arc::new(Source::open(&layer.generation_dir).await?);
    let dir = match source.pictures_dir() {
        Some(dir) => dir,
        None => {
            let shown = Shown::Source(source, layer.source_layer);
            let stamps = shown.stamps().await?.into_iter();
            let wanted = stamps.filter(|(at, _)| quadrants.contains(at));
            let wanted = wanted.map(|(at, bytes)| (at, (bytes, 0))).collect();
            let dir = layer.dir.map_source_pictures_dir();
            lay_out_source(&shown, &wanted, &dir).await?.0
        }
    };
    pictures_url(page, &dir)
}

/// What there is of the pilots of a layer. Reads files.
fn told(dir: &LayerDir, cache: &Cache) -> Result<Told> {
    let names = dir.pilots()?;
    let holder = RunLock::holder(dir);
    let mut known = cache.0.lock().unwrap_or_else(PoisonError::into_inner);
    known.retain(|name, _| names.contains(name));
    let pilots = names.iter().take(MOST).map(|name| {
        let changed_at = dir.pilot_changed_at(name);
        let is_same = |known: &&Known| known.changed_at == changed_at && is_settled(changed_at);
        let mut one = match known.get(name).filter(is_same) {
            Some(one) => one.clone(),
            None => look_at(dir, name, changed_at),
        };
        known.insert(name.clone(), one.clone());
        if let Some(runs) = &one.runs {
            one.pilot.state = match holder.as_ref() == Some(runs) {
                true => "running",
                false => "dead",
            };
        }
        one.pilot
    });
    Ok(Told {
        pilots: pilots.collect(),
        more: names.len().saturating_sub(MOST),
    })
}

fn is_settled(changed_at: [Option<SystemTime>; 2]) -> bool {
    let mut changed_at = changed_at.into_iter().flatten();
    changed_at.all(|at| at.elapsed().is_ok_and(|age| age > SETTLED_AFTER))
}

fn look_at(dir: &LayerDir, name: &PilotName, changed_at: [Option<SystemTime>; 2]) -> Known {
    let read = || -> Result<(PilotRecord, Vec<Quadrant>), LayerError> {
        let quadrants = dir.of_pilot(name).quadrants_with_pictures()?;
        Ok((dir.read_pilot(name)?, quadrants))
    };
    let (pilot, runs) = match read() {
        Ok((record, quadrants)) => {
            let runs = record.ended_at.is_none().then(|| record.holder.clone());
            (Pilot::of(name, record, quadrants), runs)
        }
        Err(error) => (Pilot::in_trouble(name, error.to_string()), None),
    };
    Known {
        changed_at,
        pilot,
        runs,
    }
}

impl Pilot {
    fn of(name: &PilotName, record: PilotRecord, quadrants: Vec<Quadrant>) -> Self {
        let count = |wanted: &str| {
            let of = record.items.iter().filter(|item| item.status == wanted);
            of.count()
        };
        let has_ended = record.ended_at.is_some();
        let drawn: HashSet<Quadrant> = quadrants.iter().copied().collect();
        let is_drawn = |item: &&PilotItem| {
            let shape = item.shape.parse();
            let block = shape.map(|shape| Block::new(shape, item.x, item.y));
            block.is_ok_and(|block| block.quadrants().all(|at| drawn.contains(&at)))
        };
        let complete = match has_ended {
            true => count("complete"),
            false => record.items.iter().filter(is_drawn).count(),
        };
        let failed = count("error");
        let settings = Value::from(record.tried.clone());
        Self {
            name: name.to_string(),
            trouble: None,
            tried: Tried::of(record.tried.clone()).to_string(),
            settings: format!("{settings:#}"),
            part: record.part,
            state: match record.exit_status {
                Some(0) if record.reason.is_none() => "done",
                _ => "ended",
            },
            reason: record.reason,
            blocks: record.items.len(),
            failed,
            left: record.items.len().saturating_sub(failed + complete),
            calls: record.calls,
            cost: cost_text(record.cost, &record.currency),
            currency: record.currency,
            rows: rows(quadrants),
        }
    }

    fn in_trouble(name: &PilotName, trouble: String) -> Self {
        Self {
            name: name.to_string(),
            trouble: Some(trouble),
            tried: String::new(),
            settings: String::new(),
            part: String::new(),
            state: "ended",
            reason: None,
            blocks: 0,
            failed: 0,
            left: 0,
            calls: 0,
            cost: None,
            currency: String::new(),
            rows: Vec::new(),
        }
    }

    fn has(&self, at: Quadrant) -> bool {
        let holds = |&(row, first, count): &(i32, i32, u32)| {
            let beyond = i64::from(at.x) - i64::from(first);
            row == at.y && (0..i64::from(count)).contains(&beyond)
        };
        self.rows.iter().any(holds)
    }
}

impl Told {
    /// Takes the calls of those that have not ended, or never will, from the layer's database: their own
    /// record tells them only at its end.
    async fn count_calls(&mut self, dir: &LayerDir) -> Result<()> {
        let has_no_end = |pilot: &&mut Pilot| matches!(pilot.state, "running" | "dead");
        let mut open = self.pilots.iter_mut().filter(has_no_end).peekable();
        if open.peek().is_none() {
            return Ok(());
        }
        let mut db = ProgressDb::open_read_only(&dir.progress_path()).await?;
        let calls = db.calls_of_pilots().await?;
        db.close().await?;
        for pilot in open {
            let (calls, cost) = calls.get(&pilot.name).copied().unwrap_or_default();
            pilot.calls = calls;
            pilot.cost = cost_text(cost, &pilot.currency);
        }
        Ok(())
    }

    fn quadrants(&self) -> HashSet<Quadrant> {
        let rows = self.pilots.iter().flat_map(|pilot| &pilot.rows);
        let row = |&(y, first, count): &(i32, i32, u32)| {
            (0..count).map(move |beyond| Quadrant::new(first.wrapping_add_unsigned(beyond), y))
        };
        rows.flat_map(row).collect()
    }
}

fn cost_text(cost: f64, currency: &str) -> Option<String> {
    let cost = Money::of(cost);
    (cost > Money::ZERO).then(|| format!("{cost} {currency}"))
}

/// Quadrants as rows of neighbours.
fn rows(quadrants: Vec<Quadrant>) -> Vec<(i32, i32, u32)> {
    let sorted: BTreeSet<(i32, i32)> = quadrants.into_iter().map(|at| (at.y, at.x)).collect();
    let mut rows: Vec<(i32, i32, u32)> = Vec::new();
    for (y, x) in sorted {
        match rows.last_mut() {
            Some((row, first, count))
                if *row == y && i64::from(*first) + i64::from(*count) == i64::from(x) =>
            {
                *count += 1;
            }
            _ => rows.push((y, x, 1)),
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quadrants_are_told_row_by_row() {
        let at = |(x, y): (i32, i32)| Quadrant::new(x, y);
        let some = [
            (1, 0),
            (0, 0),
            (3, 0),
            (-2, 7),
            (i32::MAX, 7),
            (i32::MIN, -1),
        ]
        .map(at);
        let told = rows(some.to_vec());
        let expected = [
            (-1, i32::MIN, 1),
            (0, 0, 2),
            (0, 3, 1),
            (7, -2, 1),
            (7, i32::MAX, 1),
        ];
        assert_eq!(told, expected);
        let mut pilot = Pilot::in_trouble(
            &PilotName::parse("20261122T140300Z").unwrap(),
            String::new(),
        );
        pilot.rows = told;
        for one in some {
            assert!(pilot.has(one), "{one}");
        }
        for other in [(2, 0), (-1, 0), (0, 1), (i32::MAX, -1)].map(at) {
            assert!(!pilot.has(other), "{other}");
        }
        let (pilots, more) = (vec![pilot], 0);
        let all = Told { pilots, more }.quadrants();
        assert_eq!(all, some.into_iter().collect());
    }
}
