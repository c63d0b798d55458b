//! Threads that do nothing but what keeps a core busy, so that waiting for the disk or the network
//! never takes a core's place. Each has something of its own, such as buffers to use again.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::{fmt, io, thread};

use tokio::sync::oneshot;

type Job<S> = Box<dyn FnOnce(&mut S) + Send>;

/// The threads; they end when this is dropped and what they were given is done.
#[derive(Debug)]
pub struct Cores<S> {
    jobs: Arc<Jobs<S>>,
}

/// What is to be done, in the order of its turns.
struct Jobs<S> {
    waiting: Mutex<Waiting<S>>,
    changed: Condvar,
}

struct Waiting<S> {
    /// Done before the others.
    first: VecDeque<Job<S>>,
    others: VecDeque<Job<S>>,
    is_over: bool,
}

impl<S: Default + 'static> Cores<S> {
    /// Starts so many threads.
    ///
    /// # Errors
    /// When the system refuses one.
    pub fn start(count: usize) -> io::Result<Self> {
        let cores = Self {
            jobs: Arc::default(),
        };
        for _ in 0..count {
            let jobs = Arc::clone(&cores.jobs);
            thread::Builder::new()
                .name("cores".to_owned())
                .spawn(move || {
                    step_back();
                    let mut own = S::default();
                    while let Some(job) = jobs.next() {
                        job(&mut own);
                    }
                })?;
        }
        Ok(cores)
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
        let (job, result) = job_of(work);
        self.jobs.waiting().others.push_back(job);
        self.done(result).await
    }

    /// Does a piece of work that somebody outside waits for, before all that nobody does.
    ///
    /// # Errors
    /// What `work` returns.
    ///
    /// # Panics
    /// As `work` does.
    pub async fn run_first<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut S) -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let (job, result) = job_of(work);
        self.jobs.waiting().first.push_back(job);
        self.done(result).await
    }

    async fn done<T>(&self, result: oneshot::Receiver<thread::Result<T>>) -> T {
        self.jobs.changed.notify_one();
        let worked = result.await.expect("every job is done");
        worked.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

/// A piece of work as a job, and where its result comes.
fn job_of<S, T: Send + 'static>(
    work: impl FnOnce(&mut S) -> T + Send + 'static,
) -> (Job<S>, oneshot::Receiver<thread::Result<T>>) {
    let (done, result) = oneshot::channel();
    let job = move |own: &mut S| {
        // Who has been given up does not wait for it any more.
        let _ = done.send(catch_unwind(AssertUnwindSafe(|| work(own))));
    };
    (Box::new(job), result)
}

impl<S> Jobs<S> {
    fn waiting(&self) -> MutexGuard<'_, Waiting<S>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job, as soon as there is one; `None` when no more come.
    fn next(&self) -> Option<Job<S>> {
        let mut waiting = self.waiting();
        loop {
            let next = waiting.first.pop_front();
            if let Some(job) = next.or_else(|| waiting.others.pop_front()) {
                return Some(job);
            }
            if waiting.is_over {
                return None;
            }
            let woken = self.changed.wait(waiting);
            waiting = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<S> Drop for Cores<S> {
    fn drop(&mut self) {
        self.jobs.waiting().is_over = true;
        self.jobs.changed.notify_all();
    }
}

impl<S> Default for Jobs<S> {
    fn default() -> Self {
        Self {
            waiting: Mutex::new(Waiting {
                first: VecDeque::new(),
                others: VecDeque::new(),
                is_over: false,
            }),
            changed: Condvar::new(),
        }
    }
}

impl<S> fmt::Debug for Jobs<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").finish_non_exhaustive()
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

    #[tokio::test]
    async fn what_somebody_waits_for_is_done_before_the_rest() {
        let cores = Cores::<()>::start(1).unwrap();
        let (begin, may_begin) = std::sync::mpsc::channel::<()>();
        let order = Arc::new(Mutex::new(Vec::new()));
        let note = |what| {
            let order = Arc::clone(&order);
            move |_: &mut ()| {
                order.lock().unwrap().push(what);
                Ok(())
            }
        };
        let blocked = cores.run(move |_| may_begin.recv().map_err(|gone| gone.to_string()));
        let (rest, first) = (cores.run(note("rest")), cores.run_first(note("first")));
        let let_go = async {
            tokio::task::yield_now().await;
            begin.send(()).unwrap();
        };
        let done = tokio::join!(blocked, rest, first, let_go);
        assert_eq!((done.0, done.1, done.2), (Ok(()), Ok(()), Ok(())));
        assert_eq!(*order.lock().unwrap(), ["first", "rest"]);
    }
}
