//! Who may look at a run, and who is told of it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use dispatch::{Dispatcher, Moment};
use serde_json::Value;
use terminal::{Listener, Printer, event};
use tokio::runtime::{Builder, Handle};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use crate::mailbox::{Mailbox, client};
use crate::notice::Notice;
use crate::pages::Pages;
use crate::seen::Seen;
use crate::serving::serve;
use crate::snapshot::Snapshot;
use crate::{Address, Flags};

/// So long the process waits at its end until all notices are received.
const LAST_NOTICES: Duration = Duration::from_secs(10);

/// Looks at a run for those who are far away.
#[derive(Debug, Clone)]
pub struct Lookout {
    pages: Option<Arc<Pages>>,
    /// Where pages are served, and what runs that.
    metrics: Option<(Address, Handle)>,
    seen: Arc<Mutex<Seen>>,
    posts: Option<Arc<Posts>>,
}

/// Who is told.
#[derive(Debug)]
struct Posts {
    mailboxes: Vec<Arc<Mailbox>>,
    layer: Mutex<String>,
    directory: PathBuf,
    run: u64,
    next: AtomicU64,
}

impl Lookout {
    /// Begins to listen to what is told of the layer in `layer_dir`, where `flags` ask for it.
    ///
    /// # Errors
    /// When the system refuses a thread or has no certificates.
    pub fn begin(flags: &Flags, layer_dir: &Path) -> anyhow::Result<Self> {
        let mut lookout = Self {
            pages: None,
            metrics: None,
            seen: Arc::default(),
            posts: None,
        };
        if flags.metrics.is_none() && flags.notify.is_empty() {
            return Ok(lookout);
        }
        let directory = std::path::absolute(layer_dir).unwrap_or_else(|_| layer_dir.to_owned());
        let name = directory.file_name().unwrap_or(directory.as_os_str());
        let name = name.to_string_lossy().into_owned();
        let handle = start_thread().context("cannot start")?;
        if let Some(address) = &flags.metrics {
            lookout.pages = Some(Arc::new(Pages::new(&name)));
            lookout.metrics = Some((address.clone(), handle.clone()));
        }
        if !flags.notify.is_empty() {
            let client = client().context("notices cannot be posted")?;
            let mailboxes = flags.notify.iter().cloned();
            let posts = Arc::new(Posts {
                mailboxes: mailboxes.map(|url| Arc::new(Mailbox::new(url))).collect(),
                layer: Mutex::new(name),
                directory,
                run: fastrand::u64(..),
                next: AtomicU64::new(1),
            });
            lookout.posts = Some(Arc::clone(&posts));
            posts.listen(&handle, &client);
        }
        Ok(lookout)
    }

    /// Serves metrics, where that is asked for, and says where.
    ///
    /// # Errors
    /// When the address is not one of this machine, or taken.
    pub fn serve(&self, printer: &Printer) -> anyhow::Result<()> {
        let (Some((address, handle)), Some(pages)) = (&self.metrics, &self.pages) else {
            return Ok(());
        };
        let listener = address.listen()?;
        let bound = listener.local_addr().context("cannot tell the address")?;
        printer.say(&format!("metrics: http://{bound}/metrics"));
        if !bound.ip().is_loopback() {
            tracing::warn!("whoever can reach {bound} can see the run's metrics");
        }
        handle.spawn(serve(listener, Arc::clone(pages)));
        Ok(())
    }

    /// A run of the layer with this name begins, and comes by from now on.
    pub fn run_begins(&self, layer: &str, currency: &str) {
        if let Some(pages) = &self.pages {
            pages.begins(layer, currency);
        }
        if let Some(posts) = &self.posts {
            layer.clone_into(&mut lock(&posts.layer));
        }
    }

    /// Returns when somebody asks for metrics, so that the run comes by.
    pub async fn asked(&self) {
        match &self.pages {
            Some(pages) => pages.asked().await,
            None => std::future::pending().await,
        }
    }

    /// The run comes by.
    pub fn look(&self, dispatcher: &Dispatcher, now: Moment) {
        if self.pages.is_none() && !terminal::is_followed() {
            return;
        }
        let mut seen = lock(&self.seen);
        for (name, fields) in seen.look(dispatcher, now) {
            event(name, fields);
        }
        if let Some(pages) = &self.pages
            && pages.take_asked()
        {
            pages.show(Snapshot::of(dispatcher, seen.is_stalled(), now));
        }
    }

    /// The run is at its end, and comes by for the last time.
    pub fn run_ends(&self, dispatcher: &Dispatcher, now: Moment) {
        self.look(dispatcher, now);
        if let Some(pages) = &self.pages {
            pages.show(Snapshot::of(dispatcher, false, now));
            pages.ends();
        }
    }
}

impl Posts {
    fn listen(self: Arc<Self>, handle: &Handle, client: &reqwest::Client) {
        let mailboxes = self.mailboxes.iter();
        let deliveries =
            mailboxes.map(|mailbox| handle.spawn(Arc::clone(mailbox).deliver(client.clone())));
        let deliveries = Mutex::new(Some(deliveries.collect::<Vec<_>>()));
        let (hearing, handle) = (Arc::clone(&self), handle.clone());
        terminal::listen(Listener {
            hear: Box::new(move |event, fields| hearing.hear(event, fields)),
            close: Box::new(move || {
                let deliveries = lock(&deliveries).take().unwrap_or_default();
                self.close(&handle, deliveries);
            }),
        });
    }

    fn hear(&self, event: &str, fields: &Value) {
        // Held until the notice is in its place: their numbers are their order.
        let layer = lock(&self.layer);
        let number = self.next.load(Ordering::Relaxed);
        let id = format!("{:016x}-{number}", self.run);
        let Some(notice) = Notice::of(event, fields, id, (&layer, &self.directory)) else {
            return;
        };
        self.next.fetch_add(1, Ordering::Relaxed);
        let notice = Arc::new(notice);
        for mailbox in &self.mailboxes {
            mailbox.add(Arc::clone(&notice));
        }
    }

    /// Waits until all is received, a moment at most, or until the user wants to wait no longer.
    fn close(&self, handle: &Handle, deliveries: Vec<tokio::task::JoinHandle<()>>) {
        let (done, is_done) = mpsc::channel::<()>();
        for mailbox in &self.mailboxes {
            mailbox.close();
        }
        handle.spawn(async move {
            let all = async {
                for delivery in deliveries {
                    let _ = delivery.await;
                }
            };
            tokio::select! {
                () = all => {}
                () = sleep(LAST_NOTICES) => {}
                () = signalled() => {}
            }
            drop(done);
        });
        let _ = is_done.recv();
        for mailbox in &self.mailboxes {
            if let Some(told) = mailbox.not_received() {
                terminal::warn(told);
            }
        }
    }
}

/// A signal that asks the process to end; a terminal that closes does not hurry it.
async fn signalled() {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
    let [Ok(mut interrupt), Ok(mut terminate)] = kinds.map(signal) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// A thread of its own, with a runtime that lives as long as the process.
fn start_thread() -> std::io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name("lookout".to_owned())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))?;
    Ok(handle)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
