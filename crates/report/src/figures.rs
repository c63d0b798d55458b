//! What a run came to, in figures: for people the summary is made of them, for scripts they are told
//! as they are.

use std::path::Path;
use std::time::Duration;

use dispatch::{Dispatcher, EndpointIndex, EndpointTally, Money, Queue, StepCounts, Tally};
use serde_json::{Map, Value, json};

use crate::events::{counts_told, extend, into_map};
use crate::pilot_told::PilotTold;

/// What the dispatcher does not know.
pub struct Besides<'a> {
    /// How long the run took.
    pub elapsed: Duration,
    /// Where its processor time went.
    pub cpu_time: &'a dyn std::fmt::Display,
    /// The same in seconds.
    pub cpu_seconds: Vec<(&'static str, f64)>,
    /// Answers of another size than their canvas.
    pub resized: usize,
    /// Those of them with another aspect ratio, which are not counted as resized.
    pub stretched: usize,
    /// How often which checks an endpoint's pictures did not pass.
    pub refused: &'a dyn Fn(EndpointIndex) -> Vec<(&'static str, usize)>,
    /// Who draws in other colours than most of the layer has, for people.
    pub strangers: Vec<String>,
    /// The currency of prices.
    pub currency: &'a str,
    /// Calls that were given up, or whose answers could not be saved.
    pub lost: usize,
    /// The command that goes on, where something is left to do.
    pub goes_on: Option<&'a str>,
    /// The pilot that was made beside the layer, where one was.
    pub pilot: Option<&'a PilotTold>,
}

/// What a run came to.
pub struct Figures<'a> {
    pub(crate) dispatcher: &'a Dispatcher,
    pub(crate) besides: &'a Besides<'a>,
    pub(crate) endpoints: Vec<EndpointFigures<'a>>,
}

pub(crate) struct EndpointFigures<'a> {
    pub(crate) name: &'a str,
    pub(crate) tally: EndpointTally,
    pub(crate) refused: Vec<(&'static str, usize)>,
    pub(crate) out: Option<&'a str>,
    pub(crate) is_gone: bool,
    /// How many calls at a time have turned out to be worth it.
    pub(crate) settled_on: Option<usize>,
    pub(crate) has_price: bool,
}

impl EndpointFigures<'_> {
    /// How long a call took that brought a picture.
    pub(crate) fn mean_call(&self) -> Option<Duration> {
        match u32::try_from(self.tally.pictures) {
            Ok(pictures @ 1..) => Some(self.tally.busy / pictures),
            _ => None,
        }
    }

    pub(crate) fn wasted(&self) -> u64 {
        self.tally.calls - self.tally.saved
    }

    fn told(&self) -> Value {
        let refused = self.refused.iter();
        let refused = refused.map(|&(check, count)| (check.to_owned(), count.into()));
        json!({
            "endpoint": self.name,
            "calls": self.tally.calls,
            "saved": self.tally.saved,
            "wasted": self.wasted(),
            "rejected": self.tally.not_accepted,
            "rejected_for": Map::from_iter(refused),
            "mean_call_s": self.mean_call().map(|mean| mean.as_secs_f64()),
            "out": self.out,
            "gone": self.is_gone,
            "settled_on": self.settled_on,
            "cost": self.has_price.then_some(self.tally.cost.units()),
        })
    }
}

impl<'a> Figures<'a> {
    /// The figures of a run that has ended.
    #[must_use]
    pub fn of(dispatcher: &'a Dispatcher, besides: &'a Besides<'a>) -> Self {
        let members = dispatcher.pool().members().iter().enumerate();
        let endpoints = members.map(|(endpoint, member)| EndpointFigures {
            name: member.name(),
            tally: member.tally(),
            refused: (besides.refused)(endpoint),
            out: member.out().filter(|_| !member.is_gone()),
            is_gone: member.is_gone(),
            settled_on: member.settled_on(),
            has_price: member.has_price(),
        });
        Self {
            dispatcher,
            besides,
            endpoints: endpoints.collect(),
        }
    }

    pub(crate) fn tally(&self) -> Tally {
        self.dispatcher.tally()
    }

    pub(crate) fn all(&self) -> StepCounts {
        self.dispatcher.queue().totals()
    }

    /// The sum of a figure over all endpoints.
    pub(crate) fn sum(&self, figure: impl Fn(&EndpointFigures<'_>) -> u64) -> u64 {
        self.endpoints.iter().map(figure).sum()
    }

    /// Whether anything cost something.
    pub(crate) fn has_costs(&self) -> bool {
        self.tally().cost > Money::ZERO
    }

    /// How many calls saved nothing.
    pub(crate) fn wasted(&self) -> u64 {
        self.endpoints.iter().map(EndpointFigures::wasted).sum()
    }

    pub(crate) fn quadrants_per_s(&self) -> f64 {
        let seconds = self.besides.elapsed.as_secs_f64().max(1e-3);
        self.tally().quadrants_completed as f64 / seconds
    }

    /// How many calls were made, how many of them are paid for, and what they cost.
    pub(crate) fn calls(&self) -> (u64, u64, f64) {
        let (tally, calls) = (self.tally(), self.sum(|endpoint| endpoint.tally.calls));
        (calls, tally.calls_paid, tally.cost.units())
    }

    pub(crate) fn queue(&self) -> &Queue {
        self.dispatcher.queue()
    }

    /// All of it, for scripts.
    #[must_use]
    pub fn told(&self, layer: &Path) -> Map<String, Value> {
        let tally = self.tally();
        let besides = self.besides;
        let cpu = besides.cpu_seconds.iter();
        let cpu = cpu.map(|&(name, seconds)| (name.replace(' ', "_"), seconds.into()));
        let mut told = Value::Object(counts_told(layer, self.dispatcher.queue()));
        let endpoints = self.endpoints.iter().map(EndpointFigures::told);
        let mut run = json!({
            "endpoints": endpoints.collect::<Vec<_>>(),
            "run": {
                "seconds": besides.elapsed.as_secs_f64(),
                "items_complete": tally.items_completed,
                "items_failed": tally.items_failed,
                "quadrants_complete": tally.quadrants_completed,
                "quadrants_per_s": self.quadrants_per_s(),
                "calls": self.sum(|endpoint| endpoint.tally.calls),
                "saved": self.sum(|endpoint| endpoint.tally.saved),
                "wasted": self.wasted(),
                "rejected": self.sum(|endpoint| endpoint.tally.not_accepted),
                "comparisons": tally.comparisons,
                "calls_paid": tally.calls_paid,
                "cost": tally.cost.units(),
                "currency": besides.currency,
                "given_up": besides.lost,
                "resized": besides.resized + besides.stretched,
                "stretched": besides.stretched,
                "processor_s": Map::from_iter(cpu),
            },
            "goes_on": besides.goes_on,
        });
        if let Some(pilot) = besides.pilot {
            run["pilot"] = pilot.place.as_str().into();
        }
        extend(&mut told, into_map(run));
        into_map(told)
    }
}
