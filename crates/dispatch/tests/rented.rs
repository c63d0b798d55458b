//! Rented machines that vanish: half of them every hour of made-up time, with all that they were at, and
//! each comes back after a while under another address.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use dispatch::{
    AttemptId, Budget, CallEnd, CanvasId, Dispatcher, Ending, EndpointChange, EndpointIndex,
    EndpointLimits, Event, Failure, FailureKind, Limits, Moment, Order, Pool, Queue,
};
use planner::{Block, BlockShape, Item, Status};

const MACHINES: usize = 16;
const SLOTS: usize = 2;
const HOUR: Duration = Duration::from_secs(3600);
const TIMEOUT: Duration = Duration::from_secs(600);
/// What is edited is known to a run after so long at most.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// Numbers from a seed: xorshift.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn between(&mut self, from: Duration, to: Duration) -> Duration {
        let span = (to - from).as_micros() as u64;
        from + Duration::from_micros(self.below(span.max(1)))
    }
}

/// A machine: which one it is of those that came under its name, and since when it is there.
#[derive(Debug, Clone, Copy)]
struct Machine {
    number: u32,
    /// Which of them the run calls: the address that it was told.
    known: u32,
    since: Option<Moment>,
    under_way: usize,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happens {
    Prepared(u32),
    Ends(AttemptId),
    Saved(AttemptId),
    Vanishes(EndpointIndex),
    ComesBack(EndpointIndex),
    /// The run is told where it is now.
    IsTold(EndpointIndex),
}

/// A call: of which item, where, to which machine there, and whether that takes it along.
#[derive(Debug, Clone, Copy)]
struct Call {
    item: u32,
    at: EndpointIndex,
    /// Among those that came under its name, where it was there when the call began.
    machine: Option<u32>,
    is_cut: bool,
    ends_at: Moment,
    is_over: bool,
}

struct World {
    chance: Chance,
    now: Moment,
    machines: Vec<Machine>,
    agenda: BinaryHeap<Reverse<(Moment, u64, Happens)>>,
    turn: u64,
    calls: BTreeMap<AttemptId, Call>,
    saved: Vec<u32>,
    /// Slots that were there, and those of them that were in use, in seconds.
    there: f64,
    used: f64,
    vanished: usize,
}

impl World {
    fn plan(&mut self, after: Duration, what: Happens) {
        self.turn += 1;
        self.agenda
            .push(Reverse((self.now + after, self.turn, what)));
    }

    /// Goes on to `at`; counts what is used meanwhile.
    fn pass(&mut self, at: Moment) {
        let seconds = (at - self.now).as_secs_f64();
        for machine in self
            .machines
            .iter()
            .filter(|machine| machine.since.is_some())
        {
            self.there += SLOTS as f64 * seconds;
            self.used += machine.under_way as f64 * seconds;
        }
        self.now = at;
    }

    /// Half of all machines vanish within an hour.
    fn fate(&mut self, at: EndpointIndex) {
        let lives = self.chance.between(Duration::ZERO, 2 * HOUR);
        self.plan(lives.max(Duration::from_secs(60)), Happens::Vanishes(at));
    }

    fn vanish(&mut self, at: EndpointIndex) {
        self.vanished += 1;
        self.machines[at].since = None;
        self.machines[at].under_way = 0;
        // Half of them take connections along, the others fall silent.
        let is_silent = self.chance.below(2) == 0;
        let number = self.machines[at].number;
        let mut cut = Vec::new();
        for (&attempt, call) in &mut self.calls {
            if call.at == at && call.machine == Some(number) && !call.is_over {
                let after = if is_silent {
                    TIMEOUT
                } else {
                    Duration::from_millis(5)
                };
                (call.is_cut, call.ends_at) = (true, self.now + after);
                cut.push((attempt, after));
            }
        }
        for (attempt, after) in cut {
            self.plan(after, Happens::Ends(attempt));
        }
        let away = self.chance.between(HOUR / 20, HOUR / 3);
        self.plan(away, Happens::ComesBack(at));
    }

    fn call(&mut self, attempt: AttemptId, item: u32, at: EndpointIndex) {
        let machine = &mut self.machines[at];
        let is_there = machine.since.is_some() && machine.known == machine.number;
        let number = machine.number;
        if is_there {
            machine.under_way += 1;
            assert!(machine.under_way <= SLOTS, "{} calls", machine.under_way);
        }
        let takes = match is_there {
            true => self
                .chance
                .between(Duration::from_secs(12), Duration::from_secs(18)),
            false => Duration::from_millis(20),
        };
        let call = Call {
            item,
            at,
            machine: is_there.then_some(number),
            is_cut: false,
            ends_at: self.now + takes,
            is_over: false,
        };
        self.calls.insert(attempt, call);
        self.plan(takes, Happens::Ends(attempt));
    }

    /// How a call ends, unless it has ended or has still to run into its timeout.
    fn ended(&mut self, attempt: AttemptId) -> Option<Result<(), Failure>> {
        let call = self.calls.get_mut(&attempt)?;
        if call.is_over {
            return None;
        }
        let Call {
            at,
            machine,
            is_cut,
            ends_at,
            ..
        } = *call;
        let Some(number) = machine else {
            call.is_over = true;
            return Some(Err(Failure::away("cannot connect")));
        };
        if !is_cut {
            call.is_over = true;
            self.machines[at].under_way -= 1;
            return Some(Ok(()));
        }
        // The end that was planned while the machine was there is none.
        if self.now < ends_at {
            return None;
        }
        call.is_over = true;
        let message = format!("machine {number} is gone");
        Some(Err(Failure::new(FailureKind::BrokeOff, message)))
    }
}

fn dispatcher(items: u32) -> Dispatcher {
    let item = |n: u32| Item {
        id: i64::from(n) + 1,
        step: 3,
        block: Block::new(
            BlockShape::OneByOne,
            2 * (n % 1000) as i32,
            2 * (n / 1000) as i32,
        ),
        status: Status::Pending,
    };
    let limits = (0..MACHINES).map(|number| EndpointLimits {
        name: format!("m{number}"),
        slots: SLOTS,
        adapts: false,
        max_per_minute: None,
        timeout: TIMEOUT,
        price: None,
    });
    let limits_of_run = Limits {
        max_items: None,
        max_errors: 1,
        max_not_accepted: 3,
        budget: Budget::default(),
        startup_wait: Duration::from_secs(60),
        awaits_endpoints: Some("fleet.json".to_owned()),
        drain: None,
        canvases_at_hand: 4,
        spare_canvases: 3,
    };
    let queue = Queue::of((0..items).map(item).collect());
    Dispatcher::new(queue, Pool::new(limits, None), limits_of_run, None, 0, 7)
}

/// A run of so many items; the share of the machines' time that it used, and how many vanished.
fn run(items: u32, seed: u64) -> (f64, usize) {
    let mut dispatcher = dispatcher(items);
    let machine = Machine {
        number: 0,
        known: 0,
        since: Some(Moment::ZERO),
        under_way: 0,
    };
    let mut world = World {
        chance: Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
        now: Moment::ZERO,
        machines: vec![machine; MACHINES],
        agenda: BinaryHeap::new(),
        turn: 0,
        calls: BTreeMap::new(),
        saved: vec![0; items as usize],
        there: 0.0,
        used: 0.0,
        vanished: 0,
    };
    (0..MACHINES).for_each(|at| world.fate(at));
    let mut event = Some(Event::Wake);
    // The last items leave machines without work, which is no waste of the run's.
    let (mut there, mut used) = (0.0, 0.0);
    loop {
        if let Some(event) = event.take() {
            for order in dispatcher.on(event, world.now) {
                match order {
                    Order::Prepare { canvas, .. } => {
                        world.plan(Duration::from_millis(1), Happens::Prepared(canvas.handle()));
                    }
                    Order::Call {
                        attempt,
                        canvas,
                        endpoint,
                        ..
                    } => {
                        world.call(attempt, canvas.handle(), endpoint);
                    }
                    Order::Save { attempt, .. } => {
                        world.plan(Duration::from_millis(30), Happens::Saved(attempt));
                    }
                    Order::Close { end, .. } => {
                        assert!(matches!(end, CallEnd::Away | CallEnd::Compared), "{end:?}");
                    }
                    Order::Fail { message, .. } => panic!("an item is given up: {message}"),
                    Order::Discard(_) | Order::PutBack(_) => {}
                    Order::Cancel { .. } | Order::Probe(_) | Order::Tell(..) => {}
                }
            }
        }
        if let Some(ending) = dispatcher.ending() {
            assert_eq!(ending, Ending::Done);
            break;
        }
        let left = dispatcher.queue().totals().pending;
        if left > 2 * MACHINES * SLOTS {
            (there, used) = (world.there, world.used);
        }
        let wake = dispatcher.next_wake(world.now);
        let next = world.agenda.peek().map(|Reverse((at, ..))| *at);
        if let Some(wake) = wake.filter(|&wake| next.is_none_or(|next| wake < next)) {
            world.pass(wake);
            event = Some(Event::Wake);
            continue;
        }
        let Reverse((at, _, what)) = world.agenda.pop().expect("something happens");
        world.pass(at);
        event = match what {
            Happens::Prepared(handle) => Some(Event::Prepared {
                canvas: CanvasId::Of(handle),
                result: Ok(()),
            }),
            Happens::Ends(attempt) => {
                let ended = world.ended(attempt);
                ended.map(|result| Event::Called { attempt, result })
            }
            Happens::Saved(attempt) => {
                world.saved[world.calls[&attempt].item as usize] += 1;
                Some(Event::Saved {
                    attempts: vec![attempt],
                })
            }
            Happens::Vanishes(at) => {
                world.vanish(at);
                None
            }
            Happens::ComesBack(at) => {
                let now = world.now;
                let machine = &mut world.machines[at];
                (machine.number, machine.since) = (machine.number + 1, Some(now));
                world.fate(at);
                let read = world.chance.between(Duration::ZERO, READ_WITHIN);
                world.plan(read, Happens::IsTold(at));
                None
            }
            Happens::IsTold(at) => {
                world.machines[at].known = world.machines[at].number;
                Some(Event::Endpoints(vec![(at, EndpointChange::Replaced)]))
            }
        };
    }
    assert!(
        world.saved.iter().all(|&times| times == 1),
        "an item is lost or saved twice"
    );
    (used / there, world.vanished)
}

#[test]
fn machines_that_vanish_lose_nothing_and_the_time_that_they_are_there_is_used() {
    for seed in 1..4 {
        let (share, vanished) = run(12_000, seed);
        assert!(vanished >= MACHINES / 2, "only {vanished} vanished");
        assert!(share >= 0.95, "seed {seed}: {share:.4} of the time is used");
    }
}
