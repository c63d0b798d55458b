//! What is told before a run of what it is going to take.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use dispatch::{Estimate, Expected, Price, Queue, Turn, duration_text, estimate};
use progress_db::EndpointCalls;
use serde_json::{Map, Value, json};

use crate::events::into_map;

/// What the eager order has to save for it to be told.
const WORTH_TELLING: Duration = Duration::from_secs(1);

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

/// What a run would take.
#[derive(Debug)]
pub struct Forecast {
    /// For people: calls, quadrants, time and cost per step and in all, and what the eager order would
    /// save.
    pub text: String,
    /// For scripts: `expected`, null where nothing is known.
    pub figures: Map<String, Value>,
}

/// What a run would take. What earlier calls of the layer took tells, and without any what is expected
/// of the endpoints. `eager` is when the turn of an item would come in the eager order.
#[must_use]
pub fn forecast(
    queue: &Queue,
    endpoints: &[Member<'_>],
    calls: &[EndpointCalls],
    max_items: Option<usize>,
    currency: &str,
    eager: Turn,
) -> Forecast {
    let Some(expected) = expected(endpoints, calls) else {
        return Forecast {
            text: "how long it takes and what it costs is not known yet: try --max-items 8\n"
                .to_owned(),
            figures: into_map(json!({"expected": null})),
        };
    };
    let steps = estimate(queue.clone(), &expected, max_items);
    let has_prices = endpoints.iter().all(|endpoint| endpoint.price.is_some());
    let cost_head = if has_prices {
        format!("  {currency:>10}")
    } else {
        String::new()
    };
    let mut text = format!("\nexpected  calls  quadrants      time{cost_head}\n");
    let mut row = |name: &str, part: &Estimate| {
        let cost = if has_prices {
            format!("  {:>10}", part.cost.to_string())
        } else {
            String::new()
        };
        let takes = duration_text(part.takes);
        let _ = writeln!(
            text,
            "{name:<8}  {:>5.0}  {:>9}  {takes:>8}{cost}",
            part.calls, part.quadrants
        );
    };
    for (step, part) in &steps {
        row(&format!("step {step}"), part);
    }
    let all = all_of(&steps);
    row("all", &all);
    if !has_prices {
        text += "what it costs is not known: a \"price\" of each endpoint tells\n";
    }
    let eager_takes = (queue.turn() == Turn::AfterSteps).then(|| {
        let queue = queue.clone().starting(eager);
        all_of(&estimate(queue, &expected, max_items)).takes
    });
    if let Some(takes) = eager_takes
        && let saved = all.takes.saturating_sub(takes)
        && saved >= WORTH_TELLING
    {
        let (takes, saved) = (duration_text(takes), duration_text(saved));
        let _ = writeln!(text, "with \"order\": \"eager\" {takes}, {saved} less");
    }
    let figures = json!({
        "expected": {
            "calls": all.calls,
            "quadrants": all.quadrants,
            "seconds": all.takes.as_secs_f64(),
            "seconds_eager": eager_takes.unwrap_or(all.takes).as_secs_f64(),
            "cost": has_prices.then_some(all.cost.units()),
        }
    });
    Forecast {
        text,
        figures: into_map(figures),
    }
}

/// What all steps take together.
fn all_of(steps: &BTreeMap<u8, Estimate>) -> Estimate {
    let mut all = Estimate::default();
    for part in steps.values() {
        all.calls += part.calls;
        all.quadrants += part.quadrants;
        all.takes += part.takes;
        all.cost = all.cost.plus(part.cost);
    }
    all
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
