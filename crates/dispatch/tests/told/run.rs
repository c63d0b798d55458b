//! A run whose events the tests make up.

use std::time::Duration;

use dispatch::{
    AttemptId, Budget, CanvasId, Dispatcher, EndpointIndex, EndpointLimits, Event, Failure, Level,
    Limits, Moment, Order, Pool, PrepareFailure, Queue,
};
use planner::{Block, BlockShape, Item, Status};

/// A run of single quadrants, and what it has said and ordered.
pub(crate) struct Run {
    pub(crate) dispatcher: Dispatcher,
    pub(crate) now: Moment,
    pub(crate) said: Vec<(Level, String)>,
    /// Calls that are under way.
    pub(crate) calls: Vec<(AttemptId, CanvasId, EndpointIndex)>,
    /// Canvases that were ordered, all told.
    pub(crate) canvases: Vec<CanvasId>,
    /// Questions whether an endpoint is there, which all say that they are.
    pub(crate) probes: usize,
    /// Whether saving takes time, and what is being saved.
    pub(crate) saves_slowly: bool,
    pub(crate) saving: Vec<AttemptId>,
    /// How canvases for comparisons are drawn.
    pub(crate) draws_comparisons: Drawing,
}

/// How a canvas is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drawing {
    AtOnce,
    /// It cannot be drawn.
    Badly,
    /// It is still being drawn.
    Slowly,
}

impl Run {
    /// Quadrants that do not touch, and endpoints that take one call at a time.
    pub(crate) fn of(items: i32, endpoints: &[&str]) -> Self {
        let columns: Vec<i32> = (0..items).map(|n| 2 * n).collect();
        Self::at(&columns, endpoints, 1)
    }

    /// Quadrants in these columns of one row, and endpoints with as many slots.
    pub(crate) fn at(columns: &[i32], endpoints: &[&str], slots: usize) -> Self {
        let item = |(id, &x)| Item {
            id,
            step: 3,
            block: Block::new(BlockShape::OneByOne, x, 0),
            status: Status::Pending,
        };
        let items = (1..).zip(columns).map(item).collect();
        Self::with(items, endpoints, slots, None)
    }

    /// These items, of which so many are asked for.
    pub(crate) fn with(
        items: Vec<Item>,
        endpoints: &[&str],
        slots: usize,
        max_items: Option<usize>,
    ) -> Self {
        Self::awaiting(items, endpoints, slots, max_items, None)
    }

    /// The same, where endpoints are waited for that come from `place`.
    pub(crate) fn awaiting(
        items: Vec<Item>,
        endpoints: &[&str],
        slots: usize,
        max_items: Option<usize>,
        place: Option<&str>,
    ) -> Self {
        let queue = Queue::of(items);
        let limits = endpoints.iter().map(|&name| EndpointLimits {
            name: name.to_owned(),
            slots,
            adapts: false,
            max_per_minute: None,
            timeout: Duration::from_secs(90),
            price: None,
        });
        let pool = Pool::new(limits, None);
        let limits = Limits {
            max_items,
            max_errors: 2,
            max_not_accepted: 3,
            budget: Budget::default(),
            startup_wait: Duration::from_secs(600),
            awaits_endpoints: place.map(str::to_owned),
            drain: None,
            canvases_at_hand: 64,
            spare_canvases: 2,
        };
        Self {
            dispatcher: Dispatcher::new(queue, pool, limits, None, 0, 1),
            now: Duration::ZERO,
            said: Vec::new(),
            calls: Vec::new(),
            canvases: Vec::new(),
            probes: 0,
            saves_slowly: false,
            saving: Vec::new(),
            draws_comparisons: Drawing::AtOnce,
        }
    }

    /// The same, after its first event.
    pub(crate) fn begun(mut self) -> Self {
        self.tell(Event::Wake);
        self
    }

    /// Tells an event, and does at once what is cheap.
    pub(crate) fn tell(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for order in self.dispatcher.on(event, self.now) {
                match order {
                    Order::Prepare { canvas, .. } => {
                        self.canvases.push(canvas);
                        let drawing = match canvas {
                            CanvasId::Comparison(_) => self.draws_comparisons,
                            CanvasId::Of(_) => Drawing::AtOnce,
                        };
                        let result = match drawing {
                            Drawing::AtOnce => Ok(()),
                            Drawing::Badly => Err(PrepareFailure::Item("it is gone".to_owned())),
                            Drawing::Slowly => continue,
                        };
                        events.push(Event::Prepared { canvas, result });
                    }
                    Order::Call {
                        attempt,
                        canvas,
                        endpoint,
                        ..
                    } => self.calls.push((attempt, canvas, endpoint)),
                    Order::Save { attempt, .. } if self.saves_slowly => self.saving.push(attempt),
                    Order::Save { attempt, .. } => events.push(Event::Saved {
                        attempts: vec![attempt],
                    }),
                    Order::Cancel { attempt } => self.calls.retain(|&(a, ..)| a != attempt),
                    Order::Probe(endpoint) => {
                        self.probes += 1;
                        events.push(Event::Probed {
                            endpoint,
                            result: Ok(()),
                        });
                    }
                    Order::Tell(level, line) => self.said.push((level, line)),
                    _ => {}
                }
            }
        }
    }

    /// The oldest call ends a second after it began.
    pub(crate) fn ends(&mut self, result: Result<(), Failure>) {
        self.ends_nth(0, result);
    }

    /// The call at `index`, in the order in which they began, ends after a second.
    pub(crate) fn ends_nth(&mut self, index: usize, result: Result<(), Failure>) {
        self.now += Duration::from_secs(1);
        let (attempt, ..) = self.calls.remove(index);
        self.tell(Event::Called { attempt, result });
    }

    /// What is being saved for the longest time is saved.
    pub(crate) fn saves(&mut self) {
        let attempts = vec![self.saving.remove(0)];
        self.tell(Event::Saved { attempts });
    }

    /// The items that are being called, and where.
    pub(crate) fn called(&self) -> Vec<(CanvasId, EndpointIndex)> {
        let calls = self.calls.iter();
        calls.map(|&(_, canvas, at)| (canvas, at)).collect()
    }

    /// Sleeps until the dispatcher wants to be woken.
    pub(crate) fn wakes(&mut self) {
        self.now = self.dispatcher.next_wake(self.now).expect("it waits");
        self.tell(Event::Wake);
    }

    /// All calls end in this way, and the run sleeps where there is none, until a comparison is
    /// called.
    pub(crate) fn goes_on_to_a_comparison(&mut self, failure: &Failure) -> CanvasId {
        let end = self.now + Duration::from_secs(1200);
        while self.now < end {
            let mut called = self.called().into_iter();
            if let Some((canvas, _)) =
                called.find(|(canvas, _)| matches!(canvas, CanvasId::Comparison(_)))
            {
                return canvas;
            }
            match self.calls.is_empty() {
                true => self.wakes(),
                false => self.ends(Err(failure.clone())),
            }
        }
        panic!("nothing was compared");
    }

    /// What was said at a level since the last look.
    pub(crate) fn said(&mut self, level: Level) -> Vec<String> {
        let said = std::mem::take(&mut self.said).into_iter();
        said.filter(|&(l, _)| l == level)
            .map(|(_, line)| line)
            .collect()
    }
}
