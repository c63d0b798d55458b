//! One look at the progress for all pages.
//!
//! However many pages are open, `progress.db` is read once when its files have changed, and not
//! at all while nobody looks.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;
use layer::LayerDir;
use progress_db::FileState;
use tokio::sync::broadcast;

use crate::progress::Progress;
use crate::{PlacedLayer, PlanState};

/// How often the files are looked at while a page is open.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Reading takes at most this part of the time: on a map of 70,000 blocks it takes a tenth of a
/// second, so it is done every few seconds.
const READING_SHARE: u32 = 25;

/// Pages that are so many messages behind are sent the whole of what they missed.
const MESSAGES_HELD: usize = 64;

/// What is pushed to the pages.
#[derive(Debug, Clone)]
pub(crate) enum Message {
    /// Items have changed; the revision after it, and how far they are as JSON.
    Changes(u64, Arc<str>),
    /// The layer was planned anew.
    Replaced,
    /// The progress cannot be read, and why.
    Trouble(Arc<str>),
}

/// The state of the layer as the pages know it.
#[derive(Debug)]
pub(crate) struct Watch {
    dir: LayerDir,
    known: Mutex<Known>,
    /// Held while the database is read, so that only one does.
    reading: tokio::sync::Mutex<()>,
    messages: broadcast::Sender<Message>,
}

/// What was read last.
#[derive(Debug)]
struct Known {
    layer: Arc<PlacedLayer>,
    plan: Arc<PlanState>,
    plan_hash: u64,
    files: FileState,
    /// Grows with each change. It begins with the clock, so that a page of an earlier server is
    /// known to be one.
    revision: u64,
    first_revision: u64,
    /// The revision in which each item changed last.
    changed_in: Vec<u64>,
    trouble: Option<Arc<str>>,
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
    pub(crate) async fn over(layer: PlacedLayer) -> Result<Self> {
        let dir = layer.dir.clone();
        let (plan, files) = layer.read_plan().await?;
        Ok(Self {
            dir,
            known: Mutex::new(Known::first(layer, plan, files)),
            reading: tokio::sync::Mutex::new(()),
            messages: broadcast::channel(MESSAGES_HELD).0,
        })
    }

    /// The layer and its plan as they were read last.
    pub(crate) fn view(&self) -> View {
        let known = self.known();
        View {
            layer: known.layer.clone(),
            plan: known.plan.clone(),
            plan_hash: known.plan_hash,
            revision: known.revision,
        }
    }

    /// What a page that knows `revision` of the plan with `plan_hash` has missed, and the
    /// messages from then on.
    pub(crate) fn follow(
        &self,
        revision: u64,
        plan_hash: u64,
    ) -> (Vec<Message>, broadcast::Receiver<Message>) {
        let known = self.known();
        // Under the lock no message falls between what was missed and what is to come.
        let receiver = self.messages.subscribe();
        let mut missed = Vec::new();
        if plan_hash != known.plan_hash || revision < known.first_revision {
            missed.push(Message::Replaced);
        } else if revision < known.revision {
            missed.push(known.changes_since(revision));
        }
        missed.extend(known.trouble.clone().map(Message::Trouble));
        (missed, receiver)
    }

    /// Looks after the progress while a page is open, without end.
    pub(crate) async fn keep_looking(&self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if self.messages.receiver_count() > 0 {
                let began = Instant::now();
                self.look().await;
                tokio::time::sleep(began.elapsed() * READING_SHARE).await;
            }
        }
    }

    /// Reads the progress if the files have changed, and tells the pages.
    pub(crate) async fn look(&self) {
        let _reading = self.reading.lock().await;
        let before = FileState::of(&self.dir.progress_path());
        {
            let known = self.known();
            if before == known.files && known.trouble.is_none() {
                return;
            }
        }
        let layer = self.view().layer;
        let read = layer.read_plan().await;
        match read {
            Ok((plan, files)) if hash_of(&plan) == self.view().plan_hash => {
                self.take_note(plan, files);
            }
            // With a new plan the source may be another one.
            Ok(_) => match self.read_anew().await {
                Ok(known) => {
                    *self.known() = known;
                    let _ = self.messages.send(Message::Replaced);
                }
                Err(error) => self.be_in_trouble(&error),
            },
            Err(error) => self.be_in_trouble(&error),
        }
    }

    async fn read_anew(&self) -> Result<Known> {
        let layer = PlacedLayer::open(self.dir.clone()).await?;
        let (plan, files) = layer.read_plan().await?;
        Ok(Known::first(layer, plan, files))
    }

    fn take_note(&self, plan: PlanState, files: FileState) {
        let mut known = self.known();
        let changed: Vec<usize> = (0..plan.items.len())
            .filter(|&item| !plan.is_as_far_as(&known.plan, item))
            .collect();
        let before = known.revision;
        let was_in_trouble = known.trouble.take().is_some();
        known.plan = Arc::new(plan);
        known.files = files;
        if !changed.is_empty() || was_in_trouble {
            known.revision += 1;
            let revision = known.revision;
            for item in changed {
                known.changed_in[item] = revision;
            }
            // Without a page there is nobody to tell.
            let _ = self.messages.send(known.changes_since(before));
        }
    }

    fn be_in_trouble(&self, error: &anyhow::Error) {
        let text: Arc<str> = format!("{error:#}").into();
        let mut known = self.known();
        if known.trouble.as_ref() != Some(&text) {
            known.trouble = Some(text.clone());
            let _ = self.messages.send(Message::Trouble(text));
        }
    }

    // A std mutex, because nothing is awaited while it is held.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn first(layer: PlacedLayer, plan: PlanState, files: FileState) -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let revision = since.map_or(1, |since| since.as_millis() as u64);
        Self {
            plan_hash: hash_of(&plan),
            changed_in: vec![revision; plan.items.len()],
            layer: Arc::new(layer),
            plan: Arc::new(plan),
            files,
            revision,
            first_revision: revision,
            trouble: None,
        }
    }

    fn changes_since(&self, revision: u64) -> Message {
        let items = (0..self.plan.items.len()).filter(|&item| self.changed_in[item] > revision);
        let progress = Progress::of(&self.plan, items);
        let json = serde_json::to_string(&progress).expect("progress is plain data");
        Message::Changes(self.revision, json.into())
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
