//! What is told before a run of what it is going to take.

use std::fmt::Write as _;
use std::time::Duration;

use dispatch::{
    Asked, Bounds, EarlierCall, Estimate, Estimates, Expected, Outlook, Price, Queue, Turn,
    duration_text, estimate, outlook,
};
use serde_json::{Map, Value, json};

use crate::events::into_map;

/// What the eager order has to save for it to be told.
const WORTH_TELLING: Duration = Duration::from_secs(1);

/// What a run would take.
#[derive(Debug)]
pub struct Forecast {
    /// For people: calls, quadrants, time and cost per step and in all, what that is reckoned with, and
    /// what the eager order would save.
    pub text: String,
    /// For scripts: `expected`, null where nothing is known.
    pub figures: Map<String, Value>,
    /// How many items it would complete, where a limit of calls or of money ends it.
    pub ends_after: Option<usize>,
}

/// What a run would take within `bounds`. What earlier calls of the layer took tells, and without any
/// what is expected of the endpoints. `eager` is when the turn of an item would come in the eager order.
#[must_use]
pub fn forecast(
    queue: &Queue,
    endpoints: &[Asked],
    calls: &[EarlierCall],
    bounds: &Bounds,
    currency: &str,
    eager: Turn,
) -> Forecast {
    let Some(outlook) = outlook(endpoints, calls) else {
        return unknown(queue, endpoints, calls, bounds);
    };
    let estimated = |queue: &Queue, of: &[Expected]| estimate(queue.clone(), of, bounds);
    let estimates = estimated(queue, &outlook.endpoints);
    let all = estimates.all();
    let mut priced = outlook.endpoints.iter();
    let has_prices = priced.all(|endpoint| endpoint.limits.price.is_some());
    let mut text = table(&estimates, has_prices.then_some(currency));
    if !has_prices {
        text += "what it costs is not known: a \"price\" of each endpoint tells\n";
    }
    let by_pixels = outlook.by_pixels.as_deref();
    let by_pixels = by_pixels.map(|of| estimated(queue, of).all());
    let by_pixels = by_pixels.filter(|other| is_told_apart(other, &all));
    if let Some(other) = &by_pixels {
        let cost = match has_prices {
            true => format!(" and {}", other.cost),
            false => String::new(),
        };
        let _ = writeln!(
            text,
            "only blocks of one size were called so far, and others are reckoned to take as long; if their time goes by their pixels, it is {}{cost} in all",
            duration_text(other.takes)
        );
    }
    text += &reckoned_with(&outlook);
    text += &limit_told(&estimates);
    let eager_takes = (queue.turn() == Turn::AfterSteps).then(|| {
        let queue = queue.clone().starting(eager);
        estimated(&queue, &outlook.endpoints).all().takes
    });
    if let Some(takes) = eager_takes
        && let saved = all.takes.saturating_sub(takes)
        && saved >= WORTH_TELLING
    {
        let (takes, saved) = (duration_text(takes), duration_text(saved));
        let _ = writeln!(text, "with \"order\": \"eager\" {takes}, {saved} less");
    }
    let by_pixels = by_pixels.map(|other| {
        let cost = has_prices.then_some(other.cost.units());
        json!({"seconds": other.takes.as_secs_f64(), "cost": cost})
    });
    let figures = json!({
        "expected": {
            "calls": all.calls,
            "quadrants": all.quadrants,
            "seconds": all.takes.as_secs_f64(),
            "seconds_eager": eager_takes.unwrap_or(all.takes).as_secs_f64(),
            "cost": has_prices.then_some(all.cost.units()),
            "by_pixels": by_pixels,
            "only_failed": outlook.only_failed,
            "limit": estimates.limit,
        }
    });
    Forecast {
        text,
        figures: into_map(figures),
        ends_after: estimates.limit.is_some().then_some(estimates.items),
    }
}

/// What is told where it is not known how long a call takes: where the limits end the run, if each
/// takes and costs the most that it may.
fn unknown(queue: &Queue, endpoints: &[Asked], calls: &[EarlierCall], bounds: &Bounds) -> Forecast {
    let slowest = endpoints.iter().map(|asked| {
        let limits = asked.limits.clone();
        let timeout = limits.timeout;
        Expected::alike(limits, timeout)
    });
    let slowest: Vec<Expected> = slowest.collect();
    let estimates = estimate(queue.clone(), &slowest, bounds);
    let mut text = match calls {
        [] => "how long it takes and what it costs is not known yet: try --max-items 8\n",
        _ => {
            "how long it takes and what it costs is not known yet, as no call has brought a picture so far: try --max-items 8\n"
        }
    }
    .to_owned();
    // What a machine costs goes by the time.
    let goes_by_time = |asked: &Asked| matches!(asked.limits.price, Some(Price::PerHour(_)));
    let is_certain =
        bounds.budget.cost.is_none() || estimates.items == 0 || !endpoints.iter().any(goes_by_time);
    text += &match is_certain {
        true => limit_told(&estimates),
        false => limit_told(&estimates).replacen("a limit ends it", "a limit may end it", 1),
    };
    let is_limited = estimates.limit.is_some() && is_certain;
    Forecast {
        text,
        figures: into_map(json!({"expected": null})),
        ends_after: is_limited.then_some(estimates.items),
    }
}

/// What each step and all of them take, with what they cost in a currency where that is known.
fn table(estimates: &Estimates, currency: Option<&str>) -> String {
    let cost_head = currency.map_or_else(String::new, |currency| format!("  {currency:>10}"));
    let mut text = format!("\nexpected  calls  quadrants      time{cost_head}\n");
    let mut row = |name: &str, part: &Estimate| {
        let cost = match currency {
            Some(_) => format!("  {:>10}", part.cost.to_string()),
            None => String::new(),
        };
        let takes = duration_text(part.takes);
        let _ = writeln!(
            text,
            "{name:<8}  {:>5}  {:>9}  {takes:>8}{cost}",
            part.calls, part.quadrants
        );
    };
    for (step, part) in &estimates.steps {
        row(&format!("step {step}"), part);
    }
    row("all", &estimates.all());
    text
}

/// Whether two estimates differ by more than a run differs from what was told of it.
fn is_told_apart(one: &Estimate, other: &Estimate) -> bool {
    let differ = |one: f64, other: f64| (one - other).abs() > 0.05 * other;
    differ(one.takes.as_secs_f64(), other.takes.as_secs_f64())
        || differ(one.cost.units(), other.cost.units())
}

/// Which endpoints are reckoned otherwise than one might think.
fn reckoned_with(outlook: &Outlook) -> String {
    let mut text = String::new();
    for name in &outlook.only_failed {
        let is_left_out = outlook.endpoints.iter().all(|own| own.limits.name != *name);
        let reckoned = if is_left_out {
            "it is reckoned without"
        } else {
            "it is reckoned as if it worked"
        };
        let _ = writeln!(
            text,
            "endpoint {name}: none of its calls has brought a picture so far; {reckoned}"
        );
    }
    for endpoint in outlook.endpoints.iter().filter(|own| own.limits.adapts) {
        let (known, limits) = (endpoint.known_together(), &endpoint.limits);
        if known < limits.slots {
            let _ = writeln!(
                text,
                "endpoint {}: reckoned as if more than {known} at a time brought no more, since more were not seen; up to {} are tried",
                limits.name, limits.slots
            );
        }
    }
    text
}

fn limit_told(estimates: &Estimates) -> String {
    let of = |limit: &String| format!("a limit ends it after {} items: {limit}\n", estimates.items);
    estimates.limit.as_ref().map_or_else(String::new, of)
}
