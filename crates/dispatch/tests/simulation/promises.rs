//! What must hold at every event of a run, and at its end.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::time::Duration;

use dispatch::{
    AttemptId, CallEnd, Dispatcher, Ending, EndpointChange, EndpointIndex, EndpointTally, Failure,
    FailureKind, Member, Money, Tally, Turn,
};
use planner::{Quadrant, Status};

use crate::plans::Plan;
use crate::servers::{Outcome, Server};
use crate::spending::Spending;

/// The time between two comparisons.
const BETWEEN_COMPARISONS: Duration = Duration::from_secs(600);
/// No canvas takes longer.
const SLOWEST_CANVAS: Duration = Duration::from_millis(41);
/// What an endpoint may be idle beyond its rests.
const SLACK: Duration = Duration::from_secs(5);

/// What is seen of a run from outside.
#[derive(Debug)]
pub(crate) struct Promises {
    plan: &'static Plan,
    max_concurrent: usize,
    /// The most that it was in this run.
    most_concurrent: usize,
    /// How many calls may be under way however many slots there are.
    most_together: usize,
    /// How many are at endpoints that had more slots when they began.
    surplus: usize,
    max_items: Option<usize>,
    turn: Turn,
    /// Which items may run at all.
    inside: Vec<bool>,
    /// What calls are under way, and what they are for.
    calls: BTreeMap<AttemptId, (usize, EndpointIndex, Edition)>,
    /// Items whose answers are being saved and where they came from, by their calls.
    saving: BTreeMap<AttemptId, (usize, EndpointIndex)>,
    tally: Tally,
    pub status: Vec<Status>,
    begun: Vec<bool>,
    /// Items that may run now, while nothing changes.
    startable: Vec<usize>,
    own: Vec<Own>,
    endpoints: Vec<Watched>,
    pub compared_at: Option<Duration>,
    /// Whether there was something to compare with from the start, and it was answered.
    told_enough: bool,
    failed_in_a_row: usize,
    most_failed_in_a_row: usize,
    pub http_answers: usize,
    /// How long the quickest call took that was answered.
    quickest: Option<Duration>,
    pub storage_failed: bool,
    pub is_signalled: bool,
    spending: Spending,
}

/// What an item has to answer for.
#[derive(Debug, Clone, Default)]
struct Own {
    bad: usize,
    refused: usize,
    rejected: usize,
    poisoned: usize,
    unanswered: usize,
    /// Of these, those at an endpoint that is too slow for its own timeout: no one can tell that
    /// from a block that takes too long.
    late: usize,
    paid: usize,
}

#[derive(Debug, Clone, Default)]
struct Watched {
    tally: EndpointTally,
    under_way: usize,
    minute: VecDeque<Duration>,
    pictures: usize,
    is_out: bool,
    is_gone: bool,
    edition: Edition,
    /// Until when its rests explain that it is idle.
    excused_until: Duration,
    was_away: bool,
    /// Whether there was a reason for being idle when last looked at.
    explained: bool,
    /// Until when it may rest after a failure.
    rests_until: Duration,
    /// Until when it has asked to be left alone.
    asked_until: Duration,
    /// Whether it is called though it asked for that, and nothing has come of it yet.
    one_first: bool,
    slowest: Duration,
}

/// How often an endpoint has become another server, and how often it was given another chance.
type Edition = (u32, u32);

type Promise = Result<(), String>;

impl Promises {
    pub(crate) fn of(
        plan: &'static Plan,
        status: Vec<Status>,
        here: &[bool],
        most_together: Option<usize>,
        max_items: Option<usize>,
        spending: Spending,
        now: Duration,
    ) -> Self {
        let items = plan.items.len();
        let mut promises = Self {
            plan,
            max_concurrent: 0,
            most_concurrent: 0,
            most_together: most_together.unwrap_or(usize::MAX),
            surplus: 0,
            max_items,
            turn: Turn::AfterSteps,
            calls: BTreeMap::new(),
            saving: BTreeMap::new(),
            tally: Tally::default(),
            begun: vec![false; items],
            startable: Vec::new(),
            own: vec![Own::default(); items],
            endpoints: here
                .iter()
                .map(|&is_here| Watched {
                    excused_until: now,
                    is_gone: !is_here,
                    ..Watched::default()
                })
                .collect(),
            compared_at: None,
            told_enough: status.contains(&Status::Complete),
            inside: vec![true; items],
            status,
            failed_in_a_row: 0,
            most_failed_in_a_row: 0,
            http_answers: 0,
            quickest: None,
            storage_failed: false,
            is_signalled: false,
            spending,
        };
        promises.find_startable();
        promises
    }

    /// Those of a run of a part, where one is given.
    pub(crate) fn alone(mut self, part: Option<&HashSet<Quadrant>>) -> Self {
        if let Some(part) = part {
            self.inside = inside(self.plan, &self.status, part);
            let mut own = self.status.iter().zip(&self.inside);
            self.told_enough = own.any(|(s, inside)| *inside && *s == Status::Complete);
            self.find_startable();
        }
        self
    }

    /// Those of a run whose items start in this turn.
    pub(crate) fn starting(mut self, turn: Turn) -> Self {
        self.turn = turn;
        self.find_startable();
        self
    }

    /// The items that nothing stops from being called now, by the rule itself.
    fn find_startable(&mut self) {
        let is = |item: usize, status| self.status[item] == status;
        let mut held_back = vec![false; self.status.len()];
        for item in 0..self.status.len() {
            held_back[item] = self.plan.before[item]
                .iter()
                .any(|&other| is(other, Status::Error) || held_back[other]);
        }
        let is_open = |item: usize| {
            is(item, Status::InProgress) || (is(item, Status::Pending) && !held_back[item])
        };
        let all = 0..self.status.len();
        let step = all
            .clone()
            .filter(|&i| is_open(i) && self.inside[i])
            .map(|i| self.plan.items[i].step)
            .min();
        let begun = self.begun.iter().filter(|&&begun| begun).count();
        let may_begin = self.max_items.is_none_or(|most| begun < most);
        let is_its_turn = |item: usize| {
            let own = self.plan.items[item].step;
            let mut around = self.plan.around[item].iter();
            let is_there = |&other: &usize| {
                let is_shown = self.plan.items[other].step < own && self.inside[other];
                !is_shown || is(other, Status::Complete)
            };
            Some(own) == step
                || match self.turn {
                    Turn::AfterSteps => false,
                    Turn::AfterTouching => true,
                    Turn::AfterSurrounding => around.all(is_there),
                }
        };
        self.startable = all
            .filter(|&item| {
                is(item, Status::Pending)
                    && self.inside[item]
                    && !held_back[item]
                    && is_its_turn(item)
                    && self.plan.before[item]
                        .iter()
                        .all(|&o| is(o, Status::Complete))
                    && (may_begin || self.begun[item])
            })
            .collect();
    }

    pub(crate) fn set(&mut self, item: usize, status: Status) {
        self.status[item] = status;
        self.find_startable();
    }

    /// A call starts.
    pub(crate) fn on_call(
        &mut self,
        attempt: AttemptId,
        item: usize,
        endpoint: EndpointIndex,
        (server, width): (&Server, usize),
        now: Duration,
    ) -> Promise {
        self.check(self.startable.contains(&item), || {
            let block = self.plan.items[item].block;
            format!("{block} is called, and is {:?}", self.status[item])
        })?;
        let is_under_way = self.calls.values().any(|&(other, ..)| other == item);
        self.check(!is_under_way, || {
            format!("two calls for item {item} at a time")
        })?;
        self.begun[item] = true;
        if let Some(most) = self.max_items {
            let begun = self.begun.iter().filter(|&&begun| begun).count();
            self.check(begun <= most, || format!("{begun} items begun of {most}"))?;
        }
        self.own[item].paid += 1;
        self.set(item, Status::InProgress);
        self.on_any_call(attempt, item, endpoint, (server, width), now)
    }

    /// Whether an item may run at all.
    pub(crate) fn is_inside(&self, item: usize) -> bool {
        self.inside[item]
    }

    /// A call starts that is to compare.
    pub(crate) fn on_comparison(
        &mut self,
        attempt: AttemptId,
        item: usize,
        endpoint: EndpointIndex,
        (server, width): (&Server, usize),
        now: Duration,
    ) -> Promise {
        let at = self.compared_at.replace(now);
        self.check(at.is_none_or(|at| now >= at + BETWEEN_COMPARISONS), || {
            "two comparisons within ten minutes".to_owned()
        })?;
        self.tally.comparisons += 1;
        self.check(self.inside[item], || {
            format!("item {item} outside of the part is called to compare")
        })?;
        let is_complete = self.status[item] == Status::Complete;
        self.check(is_complete || self.max_items.is_some(), || {
            format!(
                "a comparison with item {item}, which is {:?}",
                self.status[item]
            )
        })?;
        self.on_any_call(attempt, item, endpoint, (server, width), now)
    }

    fn on_any_call(
        &mut self,
        attempt: AttemptId,
        item: usize,
        endpoint: EndpointIndex,
        (server, width): (&Server, usize),
        now: Duration,
    ) -> Promise {
        self.check(!self.is_signalled, || {
            format!("item {item} is called after a signal")
        })?;
        let edition = self.endpoints[endpoint].edition;
        let is_of_now =
            |&(_, at, of): &(usize, EndpointIndex, Edition)| (at, of) == (endpoint, edition);
        let is_tried = self.calls.values().any(is_of_now);
        self.check(!(self.endpoints[endpoint].one_first && is_tried), || {
            format!(
                "{} asked to be left alone, and gets a second call",
                server.limits.name
            )
        })?;
        self.calls.insert(attempt, (item, endpoint, edition));
        self.spending.on_call(attempt, endpoint, width)?;
        let all = self.calls.len();
        let of_now = all - self.calls_of_the_past();
        let most = self.max_concurrent + self.surplus;
        let is_right = of_now <= most && all <= self.most_together;
        self.check(is_right, || format!("{all} calls at a time"))?;
        let watched = &mut self.endpoints[endpoint];
        watched.under_way += 1;
        watched.tally.calls += 1;
        watched.excuse(now);
        watched
            .minute
            .retain(|&at| at + Duration::from_secs(60) > now);
        watched.minute.push_back(now);
        let (under_way, minute) = (watched.under_way, watched.minute.len());
        let is_out = watched.is_out || watched.is_gone;
        let limits = &server.limits;
        self.check(under_way <= width && width <= limits.slots, || {
            format!("{under_way} calls to {}", limits.name)
        })?;
        self.check(
            limits.max_per_minute.is_none_or(|most| minute <= most),
            || format!("{minute} calls to {} in a minute", limits.name),
        )?;
        self.check(!is_out, || {
            format!("{} is called, and is out or gone", limits.name)
        })?;
        self.check(now >= self.endpoints[endpoint].asked_until, || {
            format!("{} is called while it asked to be left alone", limits.name)
        })
    }

    /// A call is over: answered, or cancelled.
    pub(crate) fn on_ended(
        &mut self,
        attempt: AttemptId,
        outcome: Option<&Outcome>,
        is_poison: bool,
        took: Duration,
        now: Duration,
    ) {
        let Some((item, endpoint, edition)) = self.calls.remove(&attempt) else {
            return;
        };
        self.spending.on_ended(attempt, outcome, took);
        let watched = &mut self.endpoints[endpoint];
        watched.under_way -= usize::from(edition.0 == watched.edition.0);
        let is_past = watched.is_gone || edition != watched.edition;
        watched.one_first &= is_past;
        watched.excuse(now);
        watched.slowest = watched.slowest.max(took);
        let own = &mut self.own[item];
        match outcome {
            None => {}
            Some(Outcome::Picture | Outcome::Undecodable) => {
                watched.pictures += 1;
                watched.tally.pictures += 1;
                watched.tally.answers += 1;
                watched.tally.busy += took;
                watched.was_away &= is_past;
                self.quickest = Some(self.quickest.map_or(took, |quickest| quickest.min(took)));
                self.http_answers += 1;
                self.saving.insert(attempt, (item, endpoint));
            }
            Some(Outcome::Failed(failure)) => {
                self.http_answers += usize::from(failure.http_status.is_some());
                watched.tally.answers += u64::from(failure.http_status.is_some());
                let is_answer = matches!(
                    failure.kind,
                    FailureKind::BadAnswer | FailureKind::Refused | FailureKind::Rejected
                );
                if !is_past {
                    self.endpoints[endpoint].on_failure(failure, now);
                } else if !is_answer {
                    // It tells nothing of the item, nor of the endpoint as it is.
                    return;
                }
                // A comparison that is not answered tells nothing.
                self.told_enough &= self.status[item] != Status::Complete;
                match failure.kind {
                    FailureKind::BadAnswer => own.bad += 1,
                    FailureKind::Refused => own.refused += 1,
                    FailureKind::Rejected => own.rejected += 1,
                    FailureKind::EndpointOut => {}
                    _ => own.unanswered += 1,
                }
                own.poisoned += usize::from(is_poison);
            }
        }
    }

    /// An answer turned out to be of no use.
    pub(crate) fn on_unusable(
        &mut self,
        attempt: AttemptId,
        endpoint: EndpointIndex,
        is_poison: bool,
        failure: &Failure,
        now: Duration,
    ) {
        let is_picture = failure.kind == FailureKind::NotAccepted;
        self.endpoints[endpoint].tally.not_accepted += u64::from(is_picture);
        if let Some((item, _)) = self.saving.remove(&attempt) {
            self.own[item].bad += 1;
            self.own[item].poisoned += usize::from(is_poison);
        }
        self.endpoints[endpoint].on_failure(failure, now);
    }

    pub(crate) fn on_missed_probe(
        &mut self,
        endpoint: EndpointIndex,
        failure: &Failure,
        now: Duration,
    ) {
        self.endpoints[endpoint].on_failure(failure, now);
    }

    pub(crate) fn on_saved(&mut self, attempt: AttemptId) {
        if let Some((item, endpoint)) = self.saving.remove(&attempt) {
            self.endpoints[endpoint].tally.saved += 1;
            self.tally.items_completed += 1;
            self.tally.quadrants_completed += self.plan.items[item].block.quadrants().count();
            self.set(item, Status::Complete);
            self.failed_in_a_row = 0;
        }
    }

    /// An answer does not come in time that would have come later.
    pub(crate) fn on_late(&mut self, item: usize) {
        self.own[item].late += 1;
    }

    pub(crate) fn on_not_saved(&mut self, attempt: AttemptId) {
        self.saving.remove(&attempt);
    }

    /// An item is put back.
    pub(crate) fn on_put_back(&mut self, item: usize) -> Promise {
        let status = self.status[item];
        self.check(status != Status::Complete, || {
            format!("item {item} is put back, and complete")
        })?;
        self.set(item, Status::Pending);
        Ok(())
    }

    /// An item is given up.
    pub(crate) fn on_fail(
        &mut self,
        item: usize,
        bad_source: bool,
        is_poison: bool,
        fell_ill: bool,
    ) -> Promise {
        let status = self.status[item];
        self.check(status != Status::Complete && self.inside[item], || {
            format!("item {item} fails, and is {status:?} or outside of the part")
        })?;
        let own = &self.own[item];
        let silent = if is_poison { own.unanswered } else { own.late };
        let fault = own.bad + own.refused + silent;
        let is_own = own.rejected > 0 || own.refused >= 2 || fault >= 3;
        self.check(bad_source || is_own || fell_ill, || {
            format!("item {item} is given up for what was not its own: {own:?}")
        })?;
        // With nothing to compare it with, a block that fails is an outage.
        let (paid, can_be_told) = (own.poisoned, self.told_enough && !self.someone_was_away());
        // One that fails alone; several share what they are compared with.
        let others = self.own.iter().filter(|own| own.poisoned > 0).count() - usize::from(paid > 0);
        self.check(
            !is_poison || paid <= 12 + 3 * others || !can_be_told,
            || format!("item {item} cost {paid} calls before it was given up: {own:?}"),
        )?;
        self.tally.items_failed += 1;
        self.failed_in_a_row += 1;
        self.most_failed_in_a_row = self.most_failed_in_a_row.max(self.failed_in_a_row);
        self.begun[item] = true;
        self.set(item, Status::Error);
        Ok(())
    }

    fn someone_was_away(&self) -> bool {
        self.own.iter().any(|own| own.unanswered > own.poisoned)
    }

    /// How many calls are to endpoints that are gone, or other servers by now.
    fn calls_of_the_past(&self) -> usize {
        let is_past = |&&(_, endpoint, edition): &&(usize, EndpointIndex, Edition)| {
            let watched = &self.endpoints[endpoint];
            watched.is_gone || edition.0 != watched.edition.0
        };
        self.calls.values().filter(is_past).count()
    }

    /// An endpoint is not what it was.
    pub(crate) fn on_change(
        &mut self,
        endpoint: EndpointIndex,
        change: &EndpointChange,
        now: Duration,
    ) {
        let watched = &mut self.endpoints[endpoint];
        match change {
            EndpointChange::Here(limits) => {
                self.spending.on_limits(endpoint, limits);
                if std::mem::take(&mut watched.is_gone) {
                    watched.excused_until = now;
                }
                return;
            }
            EndpointChange::Gone => {
                watched.is_gone = true;
                return;
            }
            EndpointChange::Replaced => {
                watched.edition.0 += 1;
                watched.under_way = 0;
                watched.slowest = Duration::ZERO;
                watched.asked_until = now;
                watched.one_first = false;
            }
            EndpointChange::TriedNow => {
                watched.one_first |= watched.asked_until > now;
                watched.asked_until = now;
            }
            EndpointChange::TriedAgain => {}
        }
        watched.edition.1 += 1;
        watched.is_out = false;
        watched.was_away = false;
        watched.rests_until = watched.asked_until;
        watched.excused_until = watched.asked_until.max(now);
    }

    /// How many slots each endpoint has now; no more than `most_together` are used.
    pub(crate) fn on_slots(&mut self, slots: &[usize]) {
        let own = self.endpoints.iter().zip(slots);
        let own = own.filter(|(watched, _)| !watched.is_gone);
        // Where there were more of them, what is under way ends as it is.
        self.surplus = own
            .map(|(watched, &slots)| watched.under_way.saturating_sub(slots))
            .sum();
        let slots: usize = slots.iter().sum();
        self.max_concurrent = slots.min(self.most_together);
        self.most_concurrent = self.most_concurrent.max(self.max_concurrent);
    }

    /// The time until an event is explained as it was at the last one.
    pub(crate) fn before_event(&mut self, now: Duration) {
        for watched in &mut self.endpoints {
            if watched.explained {
                watched.excused_until = watched.excused_until.max(now);
            }
        }
    }

    /// What holds at every event: nobody is idle without a reason, and memory is bounded.
    pub(crate) fn at_event(
        &mut self,
        dispatcher: &Dispatcher,
        servers: &[Server],
        (at_hand, spare): (usize, usize),
        now: Duration,
    ) -> Promise {
        for watched in &mut self.endpoints {
            watched.explained = false;
        }
        let pool = dispatcher.pool();
        let counts = (pool.max_concurrent(), pool.calls_under_way());
        let is_stopping = dispatcher.is_stopping() || self.storage_failed;
        let are_right = counts == (self.max_concurrent, self.calls.len());
        self.check(is_stopping || are_right, || {
            format!("it counts {counts:?} calls, at most and under way")
        })?;
        let held = dispatcher.held();
        self.check(is_stopping || held >= self.calls.len(), || {
            format!("it says that it holds {held} things")
        })?;
        // Canvases are drawn as fast as they are used: for what may run, for what failed before, for
        // what comes next; and some cannot be drawn.
        let used = self.quickest.map_or(0, |quickest| {
            let both_drawn = 2.0 * SLOWEST_CANVAS.as_secs_f64();
            let used = both_drawn * self.most_concurrent as f64 / quickest.as_secs_f64();
            used.ceil() as usize
        });
        let depth = at_hand.max(used).min(self.most_concurrent) + spare;
        let calls = self.calls.len() + self.saving.len();
        self.check(held <= calls + 4 * depth + 8, || {
            format!("{held} things are held with {calls} calls, and {depth} canvases to be at hand")
        })?;
        are_counted(dispatcher)?;
        let past = self.calls_of_the_past();
        let is_full = self.calls.len() >= self.most_together
            || self.calls.len() - past >= self.max_concurrent
            || self.calls.len() + self.saving.len() >= 2 * self.max_concurrent + past;
        if self.startable.is_empty() || is_full || dispatcher.is_stopping() {
            self.excuse_all(now);
            return Ok(());
        }
        // One that has not failed yet may go anywhere.
        let fresh = self.startable.iter().any(|&item| {
            let own = &self.own[item];
            own.bad + own.unanswered + own.refused == 0
        });
        // Those in doubt wait for what is under way, or for the next comparison.
        let compares = self
            .compared_at
            .map_or(Duration::ZERO, |at| at + BETWEEN_COMPARISONS);
        let is_limited = |(watched, server): (&Watched, &Server)| {
            let most = server.limits.max_per_minute.unwrap_or(usize::MAX);
            let recent = watched
                .minute
                .iter()
                .filter(|&&at| at + Duration::from_secs(60) > now);
            !watched.is_out
                && !watched.is_gone
                && (recent.count() >= most || now < watched.rests_until)
        };
        let waits_for_limit = self.endpoints.iter().zip(servers).any(is_limited);
        if !fresh && (!self.calls.is_empty() || now < compares || waits_for_limit) {
            self.excuse_all(now);
        }
        let slots = |index: usize| pool.members().get(index).map_or(0, Member::width);
        let here = (0..servers.len()).filter(|&index| !self.endpoints[index].is_gone);
        let slots: usize = here.map(slots).sum();
        let is_last = self.startable.len() <= 8 * slots;
        for (index, server) in servers.iter().enumerate() {
            let watched = &self.endpoints[index];
            let slots = match watched.was_away || watched.one_first {
                true => 1,
                false if server.limits.adapts => pool.members().get(index).map_or(0, Member::width),
                false => server.limits.slots,
            };
            let is_out = watched.is_out || watched.is_gone;
            if watched.under_way >= slots || is_out || !self.spending.affords(index) {
                self.endpoints[index].excuse(now);
                continue;
            }
            let mut wait = SLACK;
            if server.limits.max_per_minute.is_some() {
                wait += Duration::from_secs(60);
            }
            if is_last {
                // Others may be surely sooner.
                wait += watched.slowest;
            }
            let (excused, name) = (watched.excused_until, &server.limits.name);
            self.check(now <= excused + wait, || {
                format!(
                    "{name} is idle since {excused:.1?}, and items {:?} may start",
                    self.startable
                )
            })?;
        }
        Ok(())
    }

    fn excuse_all(&mut self, now: Duration) {
        for watched in &mut self.endpoints {
            watched.excuse(now);
        }
    }

    /// What holds when a run has ended by itself.
    pub(crate) fn at_end(
        &self,
        dispatcher: &Dispatcher,
        ending: &Ending,
        max_errors: usize,
        startup: bool,
    ) -> Promise {
        let tally = dispatcher.tally();
        self.spending.check(tally)?;
        let expected = Tally {
            calls_paid: tally.calls_paid,
            cost: tally.cost,
            ..self.tally
        };
        self.check(tally == expected, || {
            format!("it counts {tally:?}, and it was {expected:?}")
        })?;
        for (member, watched) in dispatcher.pool().members().iter().zip(&self.endpoints) {
            let tally = EndpointTally {
                cost: Money::ZERO,
                ..member.tally()
            };
            self.check(tally == watched.tally, || {
                format!(
                    "{} counts {tally:?}, not {:?}",
                    member.name(),
                    watched.tally
                )
            })?;
        }
        let own = self.status.iter().zip(&self.inside);
        let own = own.filter(|&(_, inside)| *inside);
        let of = |status| own.clone().filter(|&(s, _)| *s == status).count();
        let is_left = |watched: &Watched| !watched.is_out && !watched.is_gone;
        let all_out = !self.endpoints.iter().any(is_left);
        let mut left = (0..self.endpoints.len()).filter(|&at| is_left(&self.endpoints[at]));
        let is_spent = left.all(|at| !self.spending.affords(at));
        let is_owed = !self.startable.is_empty();
        let is_right = match ending {
            Ending::Done => of(Status::Error) == 0 && !is_owed,
            Ending::Unfinished => of(Status::Error) > 0 && !is_owed,
            Ending::Early(_) => {
                all_out
                    || self.storage_failed
                    || is_spent
                    || self.most_failed_in_a_row >= max_errors
                    || (startup && self.http_answers == 0)
            }
            Ending::Signal(_) => self.is_signalled,
        };
        self.check(is_right, || {
            format!(
                "it ended with {ending:?}; {} may start, {} failed",
                self.startable.len(),
                of(Status::Error)
            )
        })?;
        let complete = of(Status::Complete);
        let all = self.max_items.is_some() || complete == own.clone().count();
        self.check(*ending != Ending::Done || all, || {
            format!("done with {complete} complete")
        })?;
        self.check(self.calls.is_empty(), || {
            "it ended with calls under way".to_owned()
        })
    }

    fn check(&self, holds: bool, broken: impl FnOnce() -> String) -> Promise {
        if holds { Ok(()) } else { Err(broken()) }
    }
}

/// Each call that was made is on its way or over, and those that are over are counted as what they
/// came to.
fn are_counted(dispatcher: &Dispatcher) -> Promise {
    let on_the_way = dispatcher.in_flight();
    let (mut made, mut over) = (0, 0);
    for member in dispatcher.pool().members() {
        let (tally, ends) = (member.tally(), member.ends());
        made += tally.calls;
        over += ends.each().map(|(_, ended)| ended.calls).sum::<u64>();
        let of = |end| {
            let mut ends = ends.each();
            ends.find(|&(other, _)| other == end)
                .map(|(_, ended)| ended)
        };
        let (saved, unaccepted) = (of(None), of(Some(CallEnd::NotAccepted)));
        let are_same = saved.is_some_and(|saved| saved.calls == tally.saved)
            && unaccepted.is_some_and(|ended| ended.calls == tally.not_accepted)
            && saved.is_some_and(|saved| saved.took <= tally.busy);
        if !are_same {
            return Err(format!("{}: {tally:?}, and {ends:?}", member.name()));
        }
    }
    let flying = (on_the_way.calls + on_the_way.being_saved) as u64;
    let under_way = dispatcher.pool().calls_under_way();
    if made != over + flying || on_the_way.calls != under_way {
        return Err(format!(
            "{made} calls were made, {over} are over, {under_way} under way: {on_the_way:?}"
        ));
    }
    Ok(())
}

/// Which items may run of a part, by the rule itself: those that hold it, and what
/// these wait for.
fn inside(plan: &Plan, status: &[Status], part: &HashSet<Quadrant>) -> Vec<bool> {
    let is_asked = |item: usize| {
        let mut quadrants = plan.items[item].block.quadrants();
        quadrants.any(|quadrant| part.contains(&quadrant))
    };
    let mut inside: Vec<bool> = (0..status.len()).map(is_asked).collect();
    // What waits on a failed one cannot be helped.
    let mut is_stuck = vec![false; status.len()];
    for item in 0..status.len() {
        let waits = status[item] != Status::Complete
            && plan.before[item].iter().any(|&other| is_stuck[other]);
        is_stuck[item] = status[item] == Status::Error || waits;
    }
    // What is complete is of it too, for as far as it precedes: that may be called to compare.
    let is_open = |item: usize| matches!(status[item], Status::Pending | Status::InProgress);
    let mut waiting: Vec<usize> = (0..status.len()).filter(|&item| inside[item]).collect();
    while let Some(item) = waiting.pop() {
        for &other in &plan.before[item] {
            let helps = !is_stuck[item] || is_stuck[other];
            let is_of_it = (is_open(item) && helps) || status[other] == Status::Complete;
            if is_of_it && !std::mem::replace(&mut inside[other], true) {
                waiting.push(other);
            }
        }
    }
    inside
}

impl Watched {
    /// It is idle for a reason, now and until the next event.
    fn excuse(&mut self, now: Duration) {
        self.explained = true;
        self.excused_until = self.excused_until.max(now);
    }

    fn on_failure(&mut self, failure: &Failure, now: Duration) {
        let rest = match failure.kind {
            FailureKind::Away {
                retry_after: Some(asked),
            } => {
                self.was_away = true;
                let asked = asked.max(Duration::from_millis(500));
                self.asked_until = self.asked_until.max(now + asked);
                asked
            }
            FailureKind::Away { .. } | FailureKind::BrokeOff => {
                self.was_away = true;
                Duration::from_secs(300)
            }
            FailureKind::Missing if self.pictures > 0 => {
                self.was_away = true;
                Duration::from_secs(300)
            }
            FailureKind::BadAnswer | FailureKind::Refused => Duration::from_secs(2),
            FailureKind::Rejected | FailureKind::NotAccepted => Duration::ZERO,
            FailureKind::Missing | FailureKind::EndpointOut => {
                self.is_out = true;
                Duration::ZERO
            }
        };
        self.rests_until = self.rests_until.max(now + rest);
        self.excused_until = self.excused_until.max(now + rest);
    }
}
