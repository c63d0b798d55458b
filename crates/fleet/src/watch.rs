//! Watches the files that tell of endpoints, while a run goes on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::fleet::{Fleet, Reason, Update};

/// The files are looked at so often, for file systems that tell of nothing.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// What has changed is read when it has stayed the same for so long,
const SETTLES: Duration = Duration::from_millis(50);
/// for so long when it looks half written,
const SETTLES_HALF_WRITTEN: Duration = Duration::from_secs(1);
/// and at the latest after so long.
const SETTLES_AT_LAST: Duration = Duration::from_secs(2);
/// What is longer is no file of endpoints.
const LONGEST: u64 = 16 << 20;

/// What the thread that watches is told.
enum Told {
    /// A file may have changed.
    Look,
    /// The user wants all to be read again.
    Ask,
}

/// Tells what is new of the endpoints of a run.
#[derive(Debug)]
pub struct Watch {
    updates: mpsc::UnboundedReceiver<Update>,
    told: Sender<Told>,
}

impl Watch {
    /// Watches from now on; what has changed since the fleet was read is new too.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(fleet: Fleet) -> io::Result<Self> {
        let (told, heard) = channel();
        let (sender, updates) = mpsc::unbounded_channel();
        let places = fleet.places();
        let to_thread = told.clone();
        thread::Builder::new()
            .name("endpoints".to_owned())
            .spawn(move || {
                // Without it, files are looked at from time to time all the same.
                let _watcher = watcher(&places, to_thread);
                watch(fleet, &places, &heard, &sender);
            })?;
        // Whatever was edited meanwhile.
        let _ = told.send(Told::Look);
        Ok(Self { updates, told })
    }

    /// Lets all be read again, and whoever rests or is out be tried.
    pub fn ask(&self) {
        let _ = self.told.send(Told::Ask);
    }

    /// What is new, as soon as something is.
    pub async fn next(&mut self) -> Update {
        match self.updates.recv().await {
            Some(update) => update,
            None => std::future::pending().await,
        }
    }
}

fn watcher(places: &[PathBuf], told: Sender<Told>) -> notify::Result<RecommendedWatcher> {
    let names: Vec<_> = places
        .iter()
        .filter_map(|place| place.file_name().map(ToOwned::to_owned))
        .collect();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        let is_ours = |path: &PathBuf| {
            path.file_name()
                .is_some_and(|name| names.iter().any(|n| n == name))
        };
        if let Ok(event) = event
            && is_a_change(event.kind)
            && event.paths.iter().any(is_ours)
        {
            let _ = told.send(Told::Look);
        }
    })?;
    // Editors put another file in the place of the one that is there.
    let mut directories: Vec<&Path> = places.iter().filter_map(|place| directory(place)).collect();
    directories.sort_unstable();
    directories.dedup();
    for directory in directories {
        watcher.watch(directory, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

fn directory(place: &Path) -> Option<&Path> {
    let parent = place.parent()?;
    Some(if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    })
}

/// Reading is none.
fn is_a_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}

fn watch(
    mut fleet: Fleet,
    places: &[PathBuf],
    heard: &Receiver<Told>,
    updates: &mpsc::UnboundedSender<Update>,
) {
    let mut seen = Vec::new();
    loop {
        let mut reason = Reason::Changed;
        match heard.recv_timeout(LOOK_EVERY) {
            Ok(Told::Ask) => reason = Reason::Asked,
            Ok(Told::Look) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        // Many events are of one edit.
        while let Ok(told) = heard.try_recv() {
            if matches!(told, Told::Ask) {
                reason = Reason::Asked;
            }
        }
        if updates.is_closed() {
            return;
        }
        let now = contents(places);
        if now == seen && reason == Reason::Changed {
            continue;
        }
        seen = settled(&fleet, places, now);
        let update = fleet.look_again(reason);
        if !update.is_empty() && updates.send(update).is_err() {
            return;
        }
    }
}

/// What the files hold when nobody writes to them any more.
fn settled(
    fleet: &Fleet,
    places: &[PathBuf],
    mut seen: Vec<Option<Vec<u8>>>,
) -> Vec<Option<Vec<u8>>> {
    let began = Instant::now();
    let mut since = began;
    loop {
        let enough = match fleet.is_being_written() {
            true => SETTLES_HALF_WRITTEN,
            false => SETTLES,
        };
        if since.elapsed() >= enough || began.elapsed() >= SETTLES_AT_LAST {
            return seen;
        }
        thread::sleep(SETTLES);
        let now = contents(places);
        if now != seen {
            (seen, since) = (now, Instant::now());
        }
    }
}

/// What the files hold; nothing of one that is not there, or is no file to be read as a whole.
fn contents(places: &[PathBuf]) -> Vec<Option<Vec<u8>>> {
    let content = |place: &PathBuf| {
        let about = fs::metadata(place).ok()?;
        (about.is_file() && about.len() <= LONGEST).then(|| fs::read(place).ok())?
    };
    places.iter().map(content).collect()
}
