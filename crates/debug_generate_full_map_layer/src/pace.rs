//! When the files are looked at: once for all who ask, and for a small part of the time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// Those who ask wait so long for a look: another program may hold the database, and what was
/// known a moment ago is better than nothing.
const WAIT_AT_MOST: Duration = Duration::from_secs(2);

/// The least and the most time between two looks.
const REST_AT_LEAST: Duration = Duration::from_millis(250);
const REST_AT_MOST: Duration = Duration::from_secs(10);

/// Looking takes at most this part of the time: on a map of 70,000 blocks it takes a tenth of a
/// second, so it is done every few seconds.
const LOOKING_SHARE: u32 = 25;

/// When one looks.
#[derive(Debug)]
pub(crate) struct Pace {
    state: Mutex<State>,
    rests: Notify,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Looking { since: Instant },
    Resting { until: Instant },
}

/// A look that is under way; it ends when this is dropped, by a panic too.
struct Look {
    pace: Arc<Pace>,
    since: Instant,
}

impl Pace {
    pub(crate) fn new() -> Arc<Self> {
        let state = State::Resting {
            until: Instant::now(),
        };
        Arc::new(Self {
            state: Mutex::new(state),
            rests: Notify::new(),
        })
    }

    /// Has `look` done when one is due, and waits for the look that is under way, if not for long.
    /// It goes on when nobody waits any more.
    pub(crate) async fn ask<F>(self: &Arc<Self>, look: impl FnOnce() -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        // Made before the state is read, so that no end is missed.
        let rests = self.rests.notified();
        let since = {
            let mut state = self.state();
            let now = Instant::now();
            match *state {
                State::Looking { since } => since,
                State::Resting { until } if now < until => return,
                State::Resting { .. } => {
                    *state = State::Looking { since: now };
                    let (under_way, look) = (self.look_since(now), look());
                    tokio::spawn(async move {
                        let _under_way = under_way;
                        look.await;
                    });
                    now
                }
            }
        };
        let _ = timeout_at(since + WAIT_AT_MOST, rests).await;
    }

    fn look_since(self: &Arc<Self>, since: Instant) -> Look {
        let pace = Arc::clone(self);
        Look { pace, since }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        let rest = self.since.elapsed() * LOOKING_SHARE;
        *self.pace.state() = State::Resting {
            until: Instant::now() + rest.clamp(REST_AT_LEAST, REST_AT_MOST),
        };
        self.pace.rests.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn all_who_ask_wait_for_one_look() {
        let pace = Pace::new();
        let looks = Arc::new(AtomicUsize::new(0));
        let ask = || async {
            let counted = Arc::clone(&looks);
            let look = || async move {
                tokio::task::yield_now().await;
                counted.fetch_add(1, Ordering::Relaxed);
            };
            pace.ask(look).await;
            assert_eq!(looks.load(Ordering::Relaxed), 1, "it was waited for");
        };
        tokio::join!(ask(), ask(), ask());
        ask().await;
    }

    #[tokio::test]
    async fn a_look_that_panics_is_not_the_last_one() {
        let pace = Pace::new();
        pace.ask(|| async { panic!("on purpose") }).await;
        let looks = Arc::new(AtomicUsize::new(0));
        while looks.load(Ordering::Relaxed) == 0 {
            let counted = Arc::clone(&looks);
            pace.ask(|| async move {
                counted.fetch_add(1, Ordering::Relaxed);
            })
            .await;
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_look_that_does_not_end_holds_up_nobody_for_long() {
        let pace = Pace::new();
        pace.ask(std::future::pending).await;
        pace.ask(|| async { unreachable!("the first look is under way") })
            .await;
    }
}
