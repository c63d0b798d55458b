//! What is told before a run of what it is going to take.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use dispatch::{Estimate, Expected, Price, Queue, duration_text, estimate};
use progress_db::EndpointCalls;

/// An endpoint as a layer's configuration has it.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// Its name.
    pub name: &'a str,
    /// How many calls it serves at a time.
    pub slots: usize,
    /// What it costs, where that is known.
    pub price: Option<Price>,
    /// How long a call is expected to take.
    pub expected: Option<Duration>,
}

/// What a run would take, for people: calls, quadrants, time and cost per step and in all. What
/// earlier calls of the layer took tells, and without any what is expected of the endpoints.
#[must_use]
pub fn forecast(
    queue: &Queue,
    endpoints: &[Member<'_>],
    calls: &[EndpointCalls],
    max_items: Option<usize>,
    currency: &str,
) -> String {
    let Some(expected) = expected(endpoints, calls) else {
        return "how long it takes and what it costs is not known yet: try --max-items 8\n"
            .to_owned();
    };
    let quadrants = quadrants(queue, max_items);
    let steps = estimate(queue.clone(), &expected, max_items);
    let has_prices = endpoints.iter().all(|endpoint| endpoint.price.is_some());
    let cost_head = if has_prices {
        format!("  {currency:>10}")
    } else {
        String::new()
    };
    let mut text = format!("\nexpected  calls  quadrants      time{cost_head}\n");
    let mut row = |name: &str, part: &Estimate, quadrants: usize| {
        let cost = if has_prices {
            format!("  {:>10}", part.cost.to_string())
        } else {
            String::new()
        };
        let takes = duration_text(part.takes);
        let _ = writeln!(
            text,
            "{name:<8}  {:>5.0}  {quadrants:>9}  {takes:>8}{cost}",
            part.calls
        );
    };
    let mut all = Estimate::default();
    for (step, part) in &steps {
        row(
            &format!("step {step}"),
            part,
            quadrants.get(step).copied().unwrap_or(0),
        );
        all.calls += part.calls;
        all.takes += part.takes;
        all.cost = all.cost.plus(part.cost);
    }
    row("all", &all, quadrants.values().sum());
    if !has_prices {
        text += "what it costs is not known: a \"price\" of each endpoint tells\n";
    }
    text
}

/// How many quadrants the items have that would run, by step.
fn quadrants(queue: &Queue, max_items: Option<usize>) -> BTreeMap<u8, usize> {
    let mut quadrants = BTreeMap::new();
    for handle in queue.upcoming().take(max_items.unwrap_or(usize::MAX)) {
        let item = queue.item(handle);
        *quadrants.entry(item.step).or_default() += item.block.quadrants().count();
    }
    quadrants
}

/// What is expected of each endpoint; `None` where nothing is known of any.
fn expected(endpoints: &[Member<'_>], calls: &[EndpointCalls]) -> Option<Vec<Expected>> {
    let of = |endpoint: &Member<'_>| {
        let own = calls.iter().find(|calls| calls.endpoint == endpoint.name);
        let mean = own.and_then(|own| own.mean_s).map(Duration::from_secs_f64);
        (mean.or(endpoint.expected), own)
    };
    let known: Vec<Duration> = endpoints
        .iter()
        .filter_map(|endpoint| of(endpoint).0)
        .collect();
    let (count, all) = (
        u32::try_from(known.len()).ok()?,
        known.iter().sum::<Duration>(),
    );
    // One that has not been called yet is thought of as the others are.
    let others = all.checked_div(count)?;
    let expected = endpoints.iter().map(|endpoint| {
        let (takes, own) = of(endpoint);
        let calls_per_item = own.filter(|own| own.saved > 0).map_or(1.0, |own| {
            // What was turned away took no time and costs nothing.
            own.paid.max(own.saved) as f64 / own.saved as f64
        });
        Expected {
            slots: endpoint.slots,
            takes: takes.unwrap_or(others),
            calls_per_item,
            price: endpoint.price,
        }
    });
    Some(expected.collect())
}
