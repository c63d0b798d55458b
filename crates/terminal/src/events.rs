//! What a script follows: an event a line on standard output, each a JSON object.

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

/// So many events wait for a reader; more are counted and let go.
const MOST_WAITING: usize = 200_000;
/// How long a reader may take none of the last lines, at the end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Hands events to a thread of their own, so that a reader that does not read holds up nothing.
#[derive(Debug)]
pub(crate) struct Events {
    queue: Mutex<Queue>,
    waiting: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Queue {
    /// `None` after the end.
    lines: Option<Sender<String>>,
    /// Hears of each line that is written, and is closed after the last.
    written: Receiver<()>,
    lost: usize,
}

impl Events {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system refuses one.
    pub(crate) fn start() -> io::Result<Self> {
        let (lines, incoming) = mpsc::channel::<String>();
        let (done, written) = mpsc::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let own = Arc::clone(&waiting);
        let write = move || {
            for line in incoming {
                // A reader that has gone away is no reason to end a run.
                let mut output = io::stdout().lock();
                let _ = output
                    .write_all(line.as_bytes())
                    .and_then(|()| output.flush());
                drop(output);
                own.fetch_sub(1, Ordering::Relaxed);
                let _ = done.send(());
            }
        };
        thread::Builder::new()
            .name("events".to_owned())
            .spawn(write)?;
        Ok(Self {
            queue: Mutex::new(Queue {
                lines: Some(lines),
                written,
                lost: 0,
            }),
            waiting,
        })
    }

    /// Tells an event: `fields` is an object.
    pub(crate) fn tell(&self, event: &str, fields: Value) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        // So that what was heard of does not pile up.
        while queue.written.try_recv().is_ok() {}
        let Some(lines) = &queue.lines else { return };
        if event != "ended" && self.waiting.load(Ordering::Relaxed) >= MOST_WAITING {
            queue.lost += 1;
            return;
        }
        let send = |line| {
            self.waiting.fetch_add(1, Ordering::Relaxed);
            let _ = lines.send(line);
        };
        if queue.lost > 0 {
            send(line_of("lost", serde_json::json!({"events": queue.lost})));
        }
        send(line_of(event, fields));
        queue.lost = 0;
    }

    /// Waits until all is written, or nobody reads; what is told from now on is heard by nobody.
    pub(crate) fn close(&self) {
        self.close_within(PATIENCE);
    }

    /// The same, for who waits no longer than this for each line.
    pub(crate) fn close_within(&self, patience: Duration) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.lines = None;
        loop {
            match queue.written.recv_timeout(patience) {
                Ok(()) => {}
                Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => return,
            }
        }
    }
}

/// A whole line: the event's name, when it was, and what else there is to tell.
pub(crate) fn line_of(event: &str, fields: Value) -> String {
    let mut object = Map::new();
    object.insert("event".to_owned(), event.into());
    object.insert("at".to_owned(), time_text(SystemTime::now()).into());
    if let Value::Object(fields) = fields {
        object.extend(fields);
    }
    format!("{}\n", Value::Object(object))
}

/// A moment, RFC 3339 in UTC with milliseconds.
#[must_use]
pub fn time_text(at: SystemTime) -> String {
    humantime::format_rfc3339_millis(at).to_string()
}
