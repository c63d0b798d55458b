//! One look at the progress for all pages.
//!
//! However many pages are open, `progress.db` is read once when its files have changed, and not
//! at all while nobody asks.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use anyhow::Result;
use layer::{LayerDir, Pictures};
use planner::Quadrant;
use progress_db::FileState;

use crate::afar::Afar;
use crate::changes::Answer;
use crate::followed::Followed;
use crate::health::Health;
use crate::pace::Pace;
use crate::progress::Progress;
use crate::{ItemState, PlacedLayer, PlanState};

/// The state of the layer as the pages know it.
#[derive(Debug)]
pub(crate) struct Watch {
    dir: LayerDir,
    known: Mutex<Known>,
    pace: Arc<Pace>,
}

/// What was read last.
#[derive(Debug)]
struct Known {
    layer: Arc<PlacedLayer>,
    plan: Arc<PlanState>,
    plan_hash: u64,
    files: FileState,
    /// Where the item of each quadrant stands in the plan.
    places: HashMap<Quadrant, usize>,
    /// Grows with each change. It begins with the clock, so that a page of an earlier server is
    /// known to be one.
    revision: u64,
    first_revision: u64,
    /// The revision in which each item changed last.
    changed_in: Vec<u64>,
    overviews: Followed,
    trouble: Option<String>,
    /// When the look began that found things so.
    looked_at: SystemTime,
}

/// A layer and its plan at a revision.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) layer: Arc<PlacedLayer>,
    pub(crate) plan: Arc<PlanState>,
    pub(crate) plan_hash: u64,
    pub(crate) revision: u64,
}

impl Watch {
    /// Reads the layer in `dir` for the first time.
    pub(crate) async fn over(layer: PlacedLayer) -> Result<Arc<Self>> {
        let dir = layer.dir.clone();
        let looked_at = SystemTime::now();
        let (plan, files) = layer.read_plan().await?;
        Ok(Arc::new(Self {
            dir,
            known: Mutex::new(Known::first(layer, plan, files, looked_at)),
            pace: Pace::new(),
        }))
    }

    /// The layer and its plan as they were read last.
    pub(crate) fn view(&self) -> View {
        self.known().view()
    }

    /// The same, and when the look began that found it so; what the trouble is where the last look
    /// has failed.
    pub(crate) fn view_and_time(&self) -> Result<(View, SystemTime), String> {
        let known = self.known();
        match &known.trouble {
            Some(trouble) => Err(trouble.clone()),
            None => Ok((known.view(), known.looked_at)),
        }
    }

    /// Where the picture of `quadrant` is, when it is one of the plan and its item is complete.
    pub(crate) fn pictures_with(&self, quadrant: Quadrant) -> Option<Arc<Pictures>> {
        let known = self.known();
        let item = *known.places.get(&quadrant)?;
        let is_complete = known.plan.states[item] == ItemState::Complete;
        is_complete.then(|| known.layer.pictures.clone())
    }

    /// What a page that knows `revision` of the plan with `plan_hash` has missed, as JSON.
    pub(crate) fn changes_since(&self, revision: u64, plan_hash: u64) -> String {
        let known = self.known();
        let revisions = known.first_revision..=known.revision;
        if plan_hash != known.plan_hash || !revisions.contains(&revision) {
            return Answer::Replaced.json();
        }
        if let Some(message) = &known.trouble {
            return Answer::Trouble { message }.json();
        }
        let items = known.changed_since(revision);
        let items = items.iter().copied();
        Answer::Changes {
            revision: known.revision,
            progress: (items.len() > 0).then(|| Progress::of(&known.plan, items)),
            tiles: known.overviews.tiles_since(revision),
            worst_edges: known.overviews.worst_since(revision),
            health: Health::of(&known.layer, &known.plan),
        }
        .json()
    }

    /// What pages are told of the overviews.
    pub(crate) fn with_overviews<T>(&self, look: impl FnOnce(&Followed) -> T) -> T {
        look(&self.known().overviews)
    }

    /// Takes note of overviews that were made for the plan with `plan_hash`.
    pub(crate) fn take_overviews(&self, afar: &Afar, plan_hash: u64) {
        let mut known = self.known();
        let next = known.revision + 1;
        if known.plan_hash == plan_hash && known.overviews.take(afar, next) {
            known.revision = next;
        }
    }

    /// Reads the progress if that is due and the files have changed.
    pub(crate) async fn look(self: &Arc<Self>) {
        let watch = Arc::clone(self);
        let look = || async move { watch.look_at_once().await };
        self.pace.ask(look).await;
    }

    async fn look_at_once(&self) {
        let looked_at = SystemTime::now();
        let before = FileState::of(&self.dir.progress_path());
        {
            let mut known = self.known();
            if before == known.files && known.trouble.is_none() {
                known.looked_at = looked_at;
                return;
            }
        }
        let layer = self.view().layer;
        match layer.read_plan().await {
            Ok((plan, files)) if hash_of(&plan) == self.view().plan_hash => {
                self.take_note(plan, files, looked_at);
            }
            // With a new plan the source may be another one.
            Ok(_) => match self.read_anew(looked_at).await {
                Ok(known) => *self.known() = known,
                Err(error) => self.be_in_trouble(&error),
            },
            Err(error) => self.be_in_trouble(&error),
        }
    }

    async fn read_anew(&self, looked_at: SystemTime) -> Result<Known> {
        let layer = PlacedLayer::open(self.dir.clone()).await?;
        let (plan, files) = layer.read_plan().await?;
        Ok(Known::first(layer, plan, files, looked_at))
    }

    fn take_note(&self, plan: PlanState, files: FileState, looked_at: SystemTime) {
        let mut known = self.known();
        let changed: Vec<usize> = (0..plan.items.len())
            .filter(|&item| !plan.is_as_far_as(&known.plan, item))
            .collect();
        known.trouble = None;
        known.plan = Arc::new(plan);
        known.files = files;
        known.looked_at = looked_at;
        if !changed.is_empty() {
            known.revision += 1;
            let revision = known.revision;
            for item in changed {
                known.changed_in[item] = revision;
            }
        }
    }

    fn be_in_trouble(&self, error: &anyhow::Error) {
        self.known().trouble = Some(format!("{error:#}"));
    }

    // A std mutex, because nothing is awaited while it is held.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn view(&self) -> View {
        View {
            layer: self.layer.clone(),
            plan: self.plan.clone(),
            plan_hash: self.plan_hash,
            revision: self.revision,
        }
    }

    fn first(layer: PlacedLayer, plan: PlanState, files: FileState, looked_at: SystemTime) -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let revision = since.map_or(1, |since| since.as_millis() as u64);
        let items = plan.items.iter().enumerate();
        let places =
            items.flat_map(|(place, item)| item.block.quadrants().map(move |q| (q, place)));
        Self {
            plan_hash: hash_of(&plan),
            places: places.collect(),
            changed_in: vec![revision; plan.items.len()],
            layer: Arc::new(layer),
            plan: Arc::new(plan),
            files,
            revision,
            first_revision: revision,
            overviews: Followed::default(),
            trouble: None,
            looked_at,
        }
    }

    fn changed_since(&self, revision: u64) -> Vec<usize> {
        let items = 0..self.plan.items.len();
        items
            .filter(|&item| self.changed_in[item] > revision)
            .collect()
    }
}

/// Tells plans apart by their blocks.
fn hash_of(plan: &PlanState) -> u64 {
    let mut hasher = DefaultHasher::new();
    for item in &plan.items {
        (item.id, item.step, item.block).hash(&mut hasher);
    }
    hasher.finish()
}
