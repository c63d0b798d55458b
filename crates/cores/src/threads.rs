//! Threads that do nothing but what keeps a core busy, so that waiting for the disk or the network
//! never takes a core's place. Each has something of its own, such as buffers to use again.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::{io, thread};

use tokio::sync::oneshot;

type Job<S> = Box<dyn FnOnce(&mut S) + Send>;

/// The threads; they end when this is dropped and what they were given is done.
#[derive(Debug)]
pub struct Cores<S> {
    jobs: mpsc::Sender<Job<S>>,
}

impl<S: Default + 'static> Cores<S> {
    /// Starts so many threads.
    ///
    /// # Errors
    /// When the system refuses one.
    pub fn start(count: usize) -> io::Result<Self> {
        let (jobs, incoming) = mpsc::channel::<Job<S>>();
        let incoming = Arc::new(Mutex::new(incoming));
        for _ in 0..count {
            let incoming = Arc::clone(&incoming);
            thread::Builder::new()
                .name("cores".to_owned())
                .spawn(move || {
                    step_back();
                    let mut own = S::default();
                    loop {
                        let next = incoming
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .recv();
                        let Ok(job) = next else {
                            break;
                        };
                        job(&mut own);
                    }
                })?;
        }
        Ok(Self { jobs })
    }

    /// Does a piece of work, when its turn comes.
    ///
    /// # Errors
    /// What `work` returns.
    ///
    /// # Panics
    /// As `work` does.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut S) -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let (done, result) = oneshot::channel();
        let job = move |own: &mut S| {
            // Who has been given up does not wait for it any more.
            let _ = done.send(catch_unwind(AssertUnwindSafe(|| work(own))));
        };
        self.jobs
            .send(Box::new(job))
            .expect("the threads live as long as this");
        let worked = result.await.expect("every job is done");
        worked.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

/// How many cores the machine has.
#[must_use]
pub fn count() -> usize {
    thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// How much nicer these threads are than the rest: where cores are short, an endpoint that has
/// answered gets its next call before its answer is decoded.
const NICER: i32 = 5;

#[cfg(target_os = "linux")]
fn step_back() {
    use rustix::process::{getpriority_process, setpriority_process};
    // On Linux a thread has a priority of its own (sched(7)). Without it all is well, and a
    // little slower.
    let this = Some(rustix::thread::gettid());
    let _ = getpriority_process(this).and_then(|now| setpriority_process(this, now + NICER));
}

#[cfg(not(target_os = "linux"))]
fn step_back() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_done_no_wider_than_the_machine_and_a_panic_ends_who_waits() {
        let cores = Cores::<()>::start(2).unwrap();
        let name = |_: &mut ()| Ok(thread::current().id());
        let mut threads = std::collections::HashSet::new();
        for _ in 0..20 {
            threads.insert(cores.run(name).await.unwrap());
        }
        assert!(threads.len() <= 2);
        let cores = std::sync::Arc::new(cores);
        for _ in 0..5 {
            let own = std::sync::Arc::clone(&cores);
            let panics = tokio::spawn(async move { own.run::<()>(|_| panic!("planted")).await });
            assert!(panics.await.unwrap_err().is_panic());
        }
        assert_eq!(cores.run(|_| Ok(7)).await, Ok(7));
    }
}
