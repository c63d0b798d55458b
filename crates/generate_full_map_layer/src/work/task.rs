//! What a task of the executor's is given, and what it returns.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use canvas::{Buffers, CanvasForm, Drawn, Outgoing, QuadrantSize, Sent, SizeMatch};
use cores::{Cores, CpuTime};
use dispatch::{AttemptId, CanvasId, EndpointIndex, Event, Failure, PrepareFailure};
use fleet::{Endpoint, Roster};
use layer::{CanvasConfig, Pictures, PngCompression, Source, SourceLayer};
use model_client::{Client, Received};
use planner::{Item, Quadrant};
use progress_db::Recorder;
use tokio::sync::{Semaphore, mpsc};
use upkeep::Gate;

use super::publish::Finished;

/// What all work of a run shares.
#[derive(Debug)]
pub(crate) struct Work {
    pub roster: Roster,
    pub client: Client,
    pub source: Source,
    pub source_layer: SourceLayer,
    pub size: QuadrantSize,
    pub pictures: Arc<Pictures>,
    /// What is around the part that is drawn beside the layer, where one is.
    pub around: Option<Around>,
    pub canvas: CanvasConfig,
    pub gate: Arc<Gate>,
    /// What is added to the prompt of single items.
    pub prompts: HashMap<i64, String>,
    /// The layer's seed.
    pub seed: u32,
    pub compression: PngCompression,
    pub cpu_time: Arc<CpuTime>,
    pub recorder: Recorder,
    pub publisher: mpsc::UnboundedSender<Finished>,
    /// Items answered and not yet complete.
    pub being_saved: Arc<AtomicUsize>,
    pub sizes: Arc<Sizes>,
    pub cores: Cores<Buffers>,
    pub writers: Semaphore,
}

/// Pictures that a run shows and does not make.
#[derive(Debug)]
pub(crate) struct Around {
    pub pictures: Arc<Pictures>,
    /// The quadrants that it does make.
    pub inside: HashSet<Quadrant>,
}

impl Work {
    /// The pictures among which that of `quadrant` is.
    pub(crate) fn pictures_with(&self, quadrant: Quadrant) -> &Pictures {
        match &self.around {
            Some(around) if !around.inside.contains(&quadrant) => &around.pictures,
            _ => &self.pictures,
        }
    }
}

/// How many answers had another size than their canvas.
#[derive(Debug, Default)]
pub(crate) struct Sizes {
    pub resized: AtomicUsize,
    pub stretched: AtomicUsize,
}

/// A canvas in each form in which it is taken.
pub(crate) type Forms = Vec<(CanvasForm, Outgoing)>;

/// A block's canvas, ready to be sent in each form that an endpoint of the run takes.
#[derive(Debug)]
pub(crate) struct Canvas {
    pub forms: Forms,
    /// The quadrants around the block that are shown as finished where what is around it is shown.
    pub finished: Vec<Quadrant>,
}

impl Canvas {
    /// What goes to an endpoint, where it was drawn in its form; the other forms are let go.
    pub(crate) fn in_form(self, form: CanvasForm) -> Option<Outgoing> {
        let mut forms = self.forms.into_iter();
        let found = forms.find(|(other, _)| *other == form);
        found.map(|(_, outgoing)| outgoing)
    }
}

/// A call that is about to be made.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub attempt: AttemptId,
    pub id: CanvasId,
    pub item: Item,
    pub endpoint: EndpointIndex,
    /// The endpoint as it was when the call began.
    pub at: Arc<Endpoint>,
    /// What its answer is cut up by: there as soon as its canvas is drawn.
    pub sent: Arc<OnceLock<Sent>>,
    /// The quadrants around its block that its canvas may show as finished.
    pub finished: Vec<Quadrant>,
    /// The most that it can cost, in units of the currency, where that is known.
    pub aside: Option<f64>,
    /// When it was answered, in unix time.
    pub ended_at: f64,
    /// For servers that take one.
    pub seed: u32,
}

impl Call {
    /// What its answer is cut up by.
    pub(crate) fn sent(&self) -> &Sent {
        self.sent.get().expect("it is drawn before the call")
    }
}

/// What a call brought.
#[derive(Debug)]
pub(crate) enum Answer {
    /// An encoded picture.
    Encoded(Received),
    /// What a filter inside the process has drawn.
    Drawn(Drawn),
}

impl Answer {
    /// The status that came with it, where a server answered.
    pub(crate) fn http_status(&self) -> Option<u16> {
        match self {
            Self::Encoded(received) => Some(received.came_as.status()),
            Self::Drawn(_) => None,
        }
    }
}

/// What a task has done.
pub(crate) enum Done {
    /// A canvas is ready, or there is none.
    Prepared {
        id: CanvasId,
        canvas: Result<Canvas, PrepareFailure>,
    },
    /// A call has ended.
    Called {
        attempt: AttemptId,
        answer: Result<Answer, Failure>,
        /// What the server says that it used.
        usage: Option<String>,
    },
    /// Anything else that the dispatcher is to know.
    Event(Event),
    /// Something that nobody waits for.
    Nothing,
}

impl Sizes {
    pub(crate) fn note(&self, size_match: SizeMatch) {
        match size_match {
            SizeMatch::Exact => {}
            SizeMatch::Resized => drop(self.resized.fetch_add(1, Ordering::Relaxed)),
            SizeMatch::Stretched => drop(self.stretched.fetch_add(1, Ordering::Relaxed)),
        }
    }
}
