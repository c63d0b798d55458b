//! The pages of metrics: made anew no more than once a second, however many ask.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use crate::metrics::{Figures, Format};
use crate::process::Process;
use crate::snapshot::Snapshot;

/// So old may be what is shown.
const FRESH: Duration = Duration::from_secs(1);
/// So long the run may take to show itself; else what it showed last is shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between those who ask and the run, which shows itself when it comes by.
#[derive(Debug)]
pub(crate) struct Pages {
    started: SystemTime,
    about: Mutex<About>,
    /// Whether there is a run that looks whether it is asked.
    is_running: AtomicBool,
    is_asked: AtomicBool,
    asked: Notify,
    shown: watch::Sender<Option<Arc<Snapshot>>>,
    made: Mutex<Vec<Made>>,
}

/// Whose figures they are.
#[derive(Debug, Clone, Default)]
struct About {
    layer: String,
    currency: String,
}

/// A page as it was made last.
#[derive(Debug)]
struct Made {
    format: Format,
    at: Instant,
    /// When its figures were taken.
    of: Option<Instant>,
    page: Bytes,
}

impl Pages {
    pub(crate) fn new(layer: &str) -> Self {
        Self {
            started: SystemTime::now(),
            about: Mutex::new(About {
                layer: layer.to_owned(),
                currency: String::new(),
            }),
            is_running: AtomicBool::new(false),
            is_asked: AtomicBool::new(false),
            asked: Notify::new(),
            shown: watch::Sender::new(None),
            made: Mutex::default(),
        }
    }

    /// A run begins that comes by.
    pub(crate) fn begins(&self, layer: &str, currency: &str) {
        *lock(&self.about) = About {
            layer: layer.to_owned(),
            currency: currency.to_owned(),
        };
        self.is_running.store(true, Ordering::Relaxed);
    }

    /// Returns when somebody asks.
    pub(crate) async fn asked(&self) {
        self.asked.notified().await;
    }

    /// Whether somebody has asked since this was asked last.
    pub(crate) fn take_asked(&self) -> bool {
        self.is_asked.swap(false, Ordering::Relaxed)
    }

    /// The run shows itself.
    pub(crate) fn show(&self, snapshot: Snapshot) {
        self.shown.send_replace(Some(Arc::new(snapshot)));
    }

    /// The run does not come by any more; what it showed last stays.
    pub(crate) fn ends(&self) {
        self.is_running.store(false, Ordering::Relaxed);
    }

    /// The page in a format.
    pub(crate) async fn page(&self, format: Format) -> Bytes {
        let run = self.snapshot().await;
        let of = run.as_ref().map(|run| run.taken);
        let mut made = lock(&self.made);
        let is_fresh =
            |made: &&Made| made.format == format && made.of == of && made.at.elapsed() < FRESH;
        if let Some(made) = made.iter().find(is_fresh) {
            return made.page.clone();
        }
        let About { layer, currency } = lock(&self.about).clone();
        let figures = Figures {
            layer,
            currency,
            process: Process::now(self.started),
            run,
        };
        let page = figures.written(format).map(Bytes::from).unwrap_or_default();
        made.retain(|made| made.format != format);
        made.push(Made {
            format,
            at: Instant::now(),
            of,
            page: page.clone(),
        });
        page
    }

    async fn snapshot(&self) -> Option<Arc<Snapshot>> {
        let mut shown = self.shown.subscribe();
        let last = shown.borrow_and_update().clone();
        let is_old = last
            .as_ref()
            .is_none_or(|last| last.taken.elapsed() >= FRESH);
        if !is_old || !self.is_running.load(Ordering::Relaxed) {
            return last;
        }
        self.is_asked.store(true, Ordering::Relaxed);
        self.asked.notify_one();
        let _ = timeout(PATIENCE, shown.changed()).await;
        let now = shown.borrow().clone();
        now.or(last)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
