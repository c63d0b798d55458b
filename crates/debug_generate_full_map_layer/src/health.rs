//! How a run is doing.

use dispatch::Money;
use layer::RunLock;
use serde::Serialize;

use crate::{PlacedLayer, PlanState};

/// Whether a run is alive, and what its calls came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Health {
    /// Who holds the layer's lock, which ends with its process; rows of the plan outlive it.
    alive: Option<String>,
    endpoints: Vec<Calls>,
    /// What all calls cost, in words; `None` where nothing is known to have cost anything.
    spent: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Calls {
    name: String,
    calls: u64,
    failed: u64,
    mean_s: Option<f64>,
}

impl Health {
    /// How the run of `layer` is doing, whose plan stands as `plan` says.
    pub(crate) fn of(layer: &PlacedLayer, plan: &PlanState) -> Self {
        // One that was called for pilots alone has drawn nothing of what is on the map.
        let own = plan.calls.iter().filter(|of| of.calls > 0);
        let calls = own.map(|of| Calls {
            name: of.endpoint.clone(),
            calls: of.calls,
            failed: of.failed,
            mean_s: of.mean_s,
        });
        let costs = plan.calls.iter().filter_map(|of| of.cost);
        let spent = Money::of(costs.sum());
        Self {
            alive: RunLock::holder(&layer.dir).map(|holder| holder.to_string()),
            endpoints: calls.collect(),
            spent: (spent > Money::ZERO).then(|| format!("{spent} {}", layer.currency)),
        }
    }
}
