//! What a run may spend: `--max-cost` and `--max-calls`, and what is left of the layer's own limits.

use anyhow::bail;
use dispatch::{Bound, Budget, Money};

use super::layer_state::Start;
use crate::args::Args;

/// What a run may spend; `spent` is what all runs have spent before, paid calls and their cost.
#[must_use]
pub(crate) fn budget(args: &Args, start: &Start, spent: (u64, f64)) -> Budget {
    let config = &start.config;
    let (calls, cost) = spent;
    let config_path = start.layer.config_path();
    let in_config =
        |key: &str, most: &str| format!("\"{key}\": {most} in {}", config_path.display());
    let own_calls = args.max_calls.map(|most| Bound {
        most,
        name: format!("--max-calls {most}"),
        lasts: false,
    });
    let layer_calls = config.max_calls.map(|most| Bound {
        most: most.get().saturating_sub(calls),
        name: in_config("max_calls", &most.to_string()) + &format!(" ({calls} before this run)"),
        lasts: true,
    });
    let own_cost = args.max_cost.map(|most| Bound {
        most: Money::of(most),
        name: format!("--max-cost {most}"),
        lasts: false,
    });
    let layer_cost = config.max_cost.map(|most| Bound {
        most: Money::of(most).minus(Money::of(cost)),
        name: in_config("max_cost", &most.to_string())
            + &format!(" ({} spent before this run)", Money::of(cost)),
        lasts: true,
    });
    Budget {
        calls: least(own_calls, layer_calls),
        cost: least(own_cost, layer_cost),
    }
}

/// The limit for which it must be known what calls cost, where there is one.
pub(crate) fn needs_prices(args: &Args, start: &Start) -> Option<&'static str> {
    match (args.max_cost, start.config.max_cost) {
        (Some(_), _) => Some("--max-cost"),
        (None, Some(_)) => Some("\"max_cost\""),
        (None, None) => None,
    }
}

/// Refuses a limit of cost where it is not known what calls cost.
///
/// # Errors
/// Which endpoints have no price.
pub(crate) fn require_prices(args: &Args, start: &Start) -> anyhow::Result<()> {
    let Some(limit) = needs_prices(args, start) else {
        return Ok(());
    };
    let endpoints = start.fleet.endpoints();
    let unpriced = endpoints.iter().filter(|endpoint| endpoint.price.is_none());
    let names: Vec<&str> = unpriced.map(|endpoint| endpoint.name.as_str()).collect();
    if names.is_empty() {
        return Ok(());
    }
    let in_config = |&name: &&str| {
        let mut own = start.config.model_endpoints.iter();
        own.any(|own| own.name == *name)
    };
    let config_path = start.layer.config_path();
    let file = match &args.endpoints_file {
        Some(more) if !names.iter().all(in_config) => more.as_path(),
        _ => config_path.as_path(),
    };
    bail!(
        "{limit} needs to know what calls cost, and there is no \"price\" of endpoint {}; give it one in {}, as {{\"per_call\": 0.04}}, {{\"per_hour\": 1.8}} or, where it is free, {{\"per_call\": 0}}",
        names.join(", "),
        file.display()
    )
}

fn least<T: Ord>(own: Option<Bound<T>>, layer: Option<Bound<T>>) -> Option<Bound<T>> {
    match (own, layer) {
        (Some(own), Some(layer)) if layer.most < own.most => Some(layer),
        (Some(own), _) => Some(own),
        (None, layer) => layer,
    }
}
