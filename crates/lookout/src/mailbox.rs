//! The notices for one receiver: in their order, each until it is received or refused.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::NotifyUrl;
use crate::notice::Notice;
use crate::reply::{Follows, pause};

/// So many notices wait; of more only the last of all is kept.
const MOST_WAITING: usize = 1000;
/// How long it is waited for an answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
const CONNECTS_WITHIN: Duration = Duration::from_secs(5);
/// The pause between two tries when the run has ended.
const LAST_PAUSE: Duration = Duration::from_secs(1);
/// How many redirects are followed.
const MOST_REDIRECTS: usize = 5;

/// Notices for one receiver.
#[derive(Debug)]
pub(crate) struct Mailbox {
    to: NotifyUrl,
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    notices: VecDeque<Arc<Notice>>,
    /// Events whose notices were not received and are not sent again.
    lost: Vec<&'static str>,
    /// What went wrong last.
    trouble: Option<String>,
    is_closing: bool,
}

/// What all notices go through.
///
/// # Errors
/// When the system has no certificates.
pub(crate) fn client() -> reqwest::Result<Client> {
    Client::builder()
        .user_agent(concat!(
            "generate_full_map_layer/",
            env!("CARGO_PKG_VERSION")
        ))
        .connect_timeout(CONNECTS_WITHIN)
        .timeout(ANSWERS_WITHIN)
        .pool_idle_timeout(Duration::from_secs(4))
        .redirect(Policy::custom(|attempt| {
            // Only what sends the notice itself again, and to who was named.
            let sends_again = matches!(
                attempt.status(),
                StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
            );
            let first = attempt.previous().first();
            let same = first.is_some_and(|first| first.origin() == attempt.url().origin());
            if sends_again && same && attempt.previous().len() <= MOST_REDIRECTS {
                attempt.follow()
            } else {
                attempt.stop()
            }
        }))
        .build()
}

impl Mailbox {
    pub(crate) fn new(to: NotifyUrl) -> Self {
        Self {
            to,
            waiting: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Adds a notice; waits for nothing.
    pub(crate) fn add(&self, notice: Arc<Notice>) {
        let mut waiting = self.lock();
        if waiting.notices.len() < MOST_WAITING || notice.is_last() {
            waiting.notices.push_back(notice);
        } else {
            waiting.lost.push(notice.event);
        }
        drop(waiting);
        self.changed.notify_one();
    }

    /// No more notices come, and there is little time left.
    pub(crate) fn close(&self) {
        self.lock().is_closing = true;
        self.changed.notify_one();
    }

    /// What was not received, for people; `None` when all was.
    pub(crate) fn not_received(&self) -> Option<String> {
        let waiting = self.lock();
        let left = waiting.notices.iter().map(|notice| notice.event);
        let events: Vec<&str> = waiting.lost.iter().copied().chain(left).collect();
        let last = events.last()?;
        let which = match events.len() {
            1 => format!("the notice \"{last}\" was"),
            more => format!("{more} notices, of which the last is \"{last}\", were"),
        };
        let why = waiting.trouble.as_deref();
        Some(format!(
            "{which} not received by --notify {}: {}",
            self.to,
            why.unwrap_or("there was no time left")
        ))
    }

    /// Sends notices until the last one is gone.
    pub(crate) async fn deliver(self: Arc<Self>, client: Client) {
        let (mut tries, mut was_told) = (0, false);
        while let Some(notice) = self.next().await {
            tries += 1;
            let again = match self.post(&client, &notice).await {
                Follows::Received => None,
                Follows::Again(trouble, asked) => Some((trouble, Some(pause(tries, asked)))),
                Follows::Never(trouble) => Some((trouble, None)),
            };
            let Some((trouble, pause)) = again else {
                self.lock().notices.pop_front();
                tries = 0;
                continue;
            };
            if !was_told {
                was_told = true;
                let next = match pause {
                    Some(_) => "it is sent again until the run has ended",
                    None => "it is not sent again",
                };
                tracing::warn!(
                    "a notice was not received by --notify {}: {trouble}; {next}",
                    self.to
                );
            }
            self.lock().trouble = Some(trouble);
            match pause {
                Some(pause) => self.rest(pause).await,
                None => {
                    tries = 0;
                    let mut waiting = self.lock();
                    waiting.notices.pop_front();
                    waiting.lost.push(notice.event);
                }
            }
        }
    }

    /// The first notice that waits; `None` after the last.
    async fn next(&self) -> Option<Arc<Notice>> {
        loop {
            let (first, is_closing) = {
                let waiting = self.lock();
                (waiting.notices.front().cloned(), waiting.is_closing)
            };
            if first.is_some() || is_closing {
                return first;
            }
            self.changed.notified().await;
        }
    }

    /// Waits, but not long when the run ends or has ended.
    async fn rest(&self, pause: Duration) {
        let until_closing = async {
            while !self.lock().is_closing {
                self.changed.notified().await;
            }
        };
        if self.lock().is_closing {
            return sleep(LAST_PAUSE.min(pause)).await;
        }
        tokio::select! {
            () = sleep(pause) => {}
            () = until_closing => {}
        }
    }

    async fn post(&self, client: &Client, notice: &Notice) -> Follows {
        let request = client
            .post(self.to.whole().clone())
            .header(CONTENT_TYPE, "application/json")
            .header("idempotency-key", &notice.id)
            .body(notice.json.clone());
        match request.send().await {
            // Whatever it says besides is not read.
            Ok(answer) => {
                let asked = model_client::retry_after(answer.headers(), b"");
                Follows::from_answer(answer.status(), asked)
            }
            Err(error) => Follows::from_error(error),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
