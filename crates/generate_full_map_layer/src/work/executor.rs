//! Carries out what the dispatcher orders: each order as a task whose result is the next event.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use canvas::Outgoing;
use dispatch::{AttemptId, CallEnd, CanvasId, Dispatcher, Ending, Event, Level, Money, Order};
use fleet::{Endpoint, Watch};
use layer::{block_seed, unix_now};
use lookout::Lookout;
use planner::Item;
use progress_db::{Bill, Change, Durability};
use report::{Done as ItemDone, Progress, outcome_of};
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::Instant;

use super::shutdown::{Heard, Shutdown};
use super::task::{Answer, Call, Canvas, Done, Work};

/// The dispatcher is asked at least so often.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// A dispatcher and all that it has ordered.
pub(crate) struct Executor {
    pub(super) work: Arc<Work>,
    pub dispatcher: Dispatcher,
    tasks: JoinSet<Done>,
    started: Instant,
    /// Those that are ready; each is let go as it is sent.
    canvases: HashMap<CanvasId, Canvas>,
    /// Canvases on their way.
    preparing: HashMap<CanvasId, AbortHandle>,
    calls: HashMap<AttemptId, InFlight>,
    /// How many answers there were for items that are not complete, in all runs.
    answered: HashMap<i64, u32>,
    /// Calls that were given up, or whose answers could not be saved.
    pub lost: usize,
}

/// A call that is under way, or whose answer is being saved.
struct InFlight {
    call: Call,
    calling: AbortHandle,
    answer: Option<Answer>,
    http_status: Option<u16>,
    /// What the server said that it used.
    usage: Option<String>,
    started: Instant,
}

impl Executor {
    /// An executor of `dispatcher`; `tasks` are those that serve all of the run.
    /// `answered` tells how many answers there were before for items that are not complete.
    pub(crate) fn new(
        work: Arc<Work>,
        dispatcher: Dispatcher,
        tasks: JoinSet<Done>,
        answered: HashMap<i64, u32>,
    ) -> Self {
        Self {
            work,
            dispatcher,
            tasks,
            started: Instant::now(),
            canvases: HashMap::new(),
            preparing: HashMap::new(),
            calls: HashMap::new(),
            answered,
            lost: 0,
        }
    }

    /// Runs until everything is done or the run has to stop. A task that panics ends it at once.
    pub(crate) async fn run(
        &mut self,
        shutdown: &mut Shutdown,
        watch: &mut Watch,
        progress: &mut Progress,
        lookout: &Lookout,
    ) -> Ending {
        self.tell(Event::Wake, progress);
        loop {
            if let Some(ending) = self.dispatcher.ending() {
                return ending;
            }
            let now = self.started.elapsed();
            let wake = self.dispatcher.next_wake(now);
            let wake = wake.map_or(LOOK_EVERY, |at| at.saturating_sub(now).min(LOOK_EVERY));
            tokio::select! {
                biased;
                heard = shutdown.next() => match heard {
                    Heard::End(signal) => self.tell(Event::Signal(signal), progress),
                    Heard::LookAgain => watch.ask(),
                },
                update = watch.next() => self.take_in_endpoints(update, progress),
                () = lookout.asked() => {}
                Some(done) = self.tasks.join_next() => {
                    let mut next = Some(done);
                    while let Some(done) = next {
                        match done {
                            Ok(done) => self.take_in(done, progress),
                            Err(error) if error.is_panic() => return self.give_up(error).await,
                            // It was cancelled, and the dispatcher knows.
                            Err(_) => {}
                        }
                        next = self.tasks.try_join_next();
                    }
                }
                () = tokio::time::sleep(wake) => self.tell(Event::Wake, progress),
            }
            progress.update(&self.dispatcher);
            lookout.look(&self.dispatcher, self.started.elapsed());
        }
    }

    /// All endpoints that there are and were.
    pub(crate) fn endpoints(&self) -> Vec<Arc<Endpoint>> {
        self.work.roster.all()
    }

    /// Lets what serves the whole run end, when nothing is left to do.
    pub(crate) async fn finish(self) -> Dispatcher {
        let Self {
            work,
            dispatcher,
            mut tasks,
            preparing,
            ..
        } = self;
        for task in preparing.values() {
            task.abort();
        }
        // When the last piece of work is done the publisher and the writer end, one after the
        // other.
        drop(work);
        while tasks.join_next().await.is_some() {}
        dispatcher
    }

    /// Ends a run in which a task panicked: its state is not known, and what is complete is safe.
    async fn give_up(&mut self, error: JoinError) -> Ending {
        self.lost += self.calls.len();
        self.tasks.shutdown().await;
        let panic = error.into_panic();
        let message = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("it did not say why");
        Ending::Early(format!(
            "a part of the program failed ({message}); this is a fault of the program, not of the layer: what is complete is safe, and the same command goes on"
        ))
    }

    fn take_in(&mut self, done: Done, progress: &mut Progress) {
        let event = match done {
            Done::Nothing => return,
            Done::Event(event) => event,
            Done::Prepared { id, canvas } => {
                // One that was discarded meanwhile is not wanted any more.
                if self.preparing.remove(&id).is_none() {
                    return;
                }
                let result = canvas.map(|canvas| drop(self.canvases.insert(id, canvas)));
                Event::Prepared { canvas: id, result }
            }
            Done::Called {
                attempt,
                answer,
                usage,
            } => {
                let Some(in_flight) = self.calls.get_mut(&attempt) else {
                    return;
                };
                in_flight.call.ended_at = unix_now();
                in_flight.usage = usage;
                let result = answer.map(|answer| {
                    in_flight.http_status = answer.http_status();
                    in_flight.answer = Some(answer);
                });
                Event::Called { attempt, result }
            }
        };
        let mut saved = Vec::new();
        if let Event::Saved { attempts } = &event {
            for attempt in attempts {
                if let Some(in_flight) = self.calls.remove(attempt) {
                    self.answered.remove(&in_flight.call.item.id);
                    saved.push(in_flight);
                }
            }
        }
        self.tell(event, progress);
        for InFlight { call, started, .. } in saved {
            let done = ItemDone {
                item: call.item,
                endpoint: call.endpoint,
                seed: call.seed,
                took: started.elapsed(),
            };
            tracing::debug!(
                "{}: complete after {:.2} s",
                call.item.block,
                done.took.as_secs_f64()
            );
            progress.item_complete(&self.dispatcher, &done);
        }
    }

    pub(super) fn tell(&mut self, event: Event, progress: &mut Progress) {
        let orders = self.dispatcher.on(event, self.started.elapsed());
        let mut changes = Vec::new();
        for order in orders {
            self.carry_out(order, &mut changes, progress);
        }
        self.write(changes);
    }

    fn carry_out(&mut self, order: Order, changes: &mut Vec<Change>, progress: &mut Progress) {
        match order {
            Order::Prepare { canvas, finished } => {
                let block = self.item(canvas).block;
                tracing::trace!("{block}: its canvas is drawn");
                let work = Arc::clone(&self.work);
                let task = self.tasks.spawn(work.prepare(canvas, block, finished));
                self.preparing.insert(canvas, task);
            }
            Order::Discard(canvas) => {
                self.canvases.remove(&canvas);
                if let Some(task) = self.preparing.remove(&canvas) {
                    task.abort();
                }
            }
            Order::Call {
                attempt,
                canvas,
                endpoint,
                aside,
            } => {
                // What was decided before is written before what follows from it.
                self.write(std::mem::take(changes));
                let item = self.item(canvas);
                let answered = self.answered.get(&item.id).copied().unwrap_or(0);
                let ready = self.canvases.remove(&canvas).expect("it is ready");
                let finished = ready.finished.clone();
                let at = self.work.roster.at(endpoint);
                let (content, sent) = match ready.in_form(at.form) {
                    Some(Outgoing { content, sent }) => (Some(content), OnceLock::from(sent)),
                    None => (None, OnceLock::new()),
                };
                let call = Call {
                    attempt,
                    id: canvas,
                    item,
                    endpoint,
                    at,
                    sent: Arc::new(sent),
                    finished,
                    aside: aside.map(Money::units),
                    ended_at: 0.0,
                    seed: block_seed(self.work.seed, item.block, answered),
                };
                tracing::debug!(
                    "{}: endpoint {} is called, with the seed {}",
                    item.block,
                    call.at.name,
                    call.seed
                );
                let work = Arc::clone(&self.work);
                let calling = self.tasks.spawn(work.call(call.clone(), content));
                let in_flight = InFlight {
                    call,
                    calling,
                    answer: None,
                    http_status: None,
                    usage: None,
                    started: Instant::now(),
                };
                self.calls.insert(attempt, in_flight);
            }
            Order::Save { attempt, cost } => {
                let in_flight = self.calls.get_mut(&attempt).expect("it was answered");
                let answer = in_flight.answer.take().expect("it was answered");
                let bill = bill(true, cost, in_flight.usage.clone());
                let work = Arc::clone(&self.work);
                self.tasks
                    .spawn(work.save(in_flight.call.clone(), answer, bill));
            }
            Order::Cancel { attempt } => {
                if let Some(in_flight) = self.calls.get(&attempt) {
                    in_flight.calling.abort();
                }
            }
            Order::Close {
                attempt,
                end,
                http_status,
                message,
                paid,
                cost,
            } => {
                let in_flight = self.calls.remove(&attempt);
                if let Some(InFlight { call, .. }) = &in_flight
                    && matches!(end, CallEnd::BadAnswer | CallEnd::NotAccepted)
                    && matches!(call.id, CanvasId::Of(_))
                {
                    *self.answered.entry(call.item.id).or_default() += 1;
                }
                if let Some(InFlight { call, .. }) = &in_flight {
                    let outcome = outcome_of(end).name();
                    progress.call_wasted(
                        &self.dispatcher,
                        (call.item, call.endpoint),
                        outcome,
                        message.as_deref(),
                    );
                }
                let (answered, usage) = in_flight
                    .map(|in_flight| (in_flight.http_status, in_flight.usage))
                    .unwrap_or_default();
                self.lost += usize::from(matches!(end, CallEnd::Interrupted | CallEnd::NotSaved));
                changes.push(Change::AttemptEnded {
                    attempt,
                    outcome: outcome_of(end),
                    http_status: http_status.or(answered),
                    message,
                    bill: bill(paid, cost, usage),
                    at: unix_now(),
                });
            }
            Order::PutBack(handle) => changes.push(Change::PutBack {
                item: self.item(CanvasId::Of(handle)).id,
            }),
            Order::Fail { handle, message } => {
                let item = self.item(CanvasId::Of(handle));
                progress.item_failed(&self.dispatcher, item, &message);
                changes.push(Change::Fail {
                    item: item.id,
                    message,
                });
            }
            Order::Probe(endpoint) => {
                self.tasks.spawn(Arc::clone(&self.work).probe(endpoint));
            }
            Order::Tell(Level::Plain, line) => progress.say(&line),
            Order::Tell(Level::Detail, line) => tracing::debug!("{line}"),
            Order::Tell(Level::Warning, line) => tracing::warn!("{line}"),
            Order::Tell(Level::Error, line) => tracing::error!("{line}"),
        }
    }

    fn item(&self, canvas: CanvasId) -> Item {
        *self.dispatcher.queue().item(canvas.handle())
    }

    /// Writes changes; what goes wrong is told as an event.
    pub(super) fn write(&mut self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let committed = self.work.recorder.submit(changes, Durability::Process);
        self.tasks.spawn(async move {
            match committed.await {
                Ok(Err(error)) => Done::Event(Event::StorageFailed {
                    attempts: Vec::new(),
                    message: error.to_string(),
                }),
                Ok(Ok(())) | Err(_) => Done::Nothing,
            }
        });
    }
}

fn bill(paid: bool, cost: Option<Money>, usage: Option<String>) -> Bill {
    Bill {
        paid,
        cost: cost.map(Money::units),
        usage,
    }
}
