//! What an endpoint allows, and what a call to it costs.

use std::time::Duration;

use crate::{Money, Price};

/// What the dispatcher knows of an endpoint from the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointLimits {
    /// Its name, for messages.
    pub name: String,
    /// How many calls it serves at a time, at most where it adapts.
    pub slots: usize,
    /// Whether it is to be found out how many of its slots are worth using.
    pub adapts: bool,
    /// How many calls a minute it is given at most.
    pub max_per_minute: Option<usize>,
    /// How long a call may take.
    pub timeout: Duration,
    /// What it costs, where that is known.
    pub price: Option<Price>,
}

/// What a call costs and how long it may take, as it was when the call began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(super) price: Option<Price>,
    /// Among how many calls at a time an hour's price is shared.
    pub(super) shared_by: usize,
    pub(crate) timeout: Duration,
}

impl Terms {
    /// What a call costs that took so long, where that is known; one that takes as long as it may
    /// costs the most.
    pub(crate) fn cost_of(&self, took: Duration) -> Option<Money> {
        let took = took.min(self.timeout);
        Some(self.price?.of_call(took, self.shared_by))
    }
}
