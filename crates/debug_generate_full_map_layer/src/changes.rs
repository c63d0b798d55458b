//! What has changed, as it is sent to the pages; `assets/live.js` reads it.

use serde::Serialize;

use crate::PlanState;

/// Several items that have changed.
#[derive(Debug, Serialize)]
pub(crate) struct Changes<'a> {
    /// The items as they are now.
    pub(crate) items: Vec<Change<'a>>,
}

/// One item as it is now.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Change<'a> {
    /// Its place in the order of generation.
    item: usize,
    /// The number of its state.
    state: u8,
    has_pictures: bool,
    model: Option<&'a str>,
    started_at_ms: Option<i64>,
    completed_at_ms: Option<i64>,
    message: Option<&'a str>,
}

/// The item at the place `item` of `plan`.
pub(crate) fn change_of(plan: &PlanState, item: usize) -> Change<'_> {
    let last_try = &plan.tries[item];
    Change {
        item,
        state: plan.states[item] as u8,
        has_pictures: plan.has_pictures[item],
        model: plan.model(item),
        started_at_ms: last_try.started_at_ms,
        completed_at_ms: last_try.completed_at_ms,
        message: last_try.error_message.as_deref(),
    }
}
