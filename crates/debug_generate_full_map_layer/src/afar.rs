//! A layer seen from afar: its overviews, kept as far as the layer is.

use std::collections::HashMap;

use anyhow::Result;
use planner::Quadrant;
use serde::Serialize;

use crate::overviews::{Overviews, Pace, Pyramid, Shown, Update, Wanted, stamp_of};
use crate::{PlacedLayer, PlanState};

/// How many of the worst edges the page lists.
const LISTED: usize = 100;

/// The overviews of a layer.
#[derive(Debug)]
pub(crate) struct Afar {
    pub(crate) overviews: Overviews,
    /// The finished pictures that are seen in them.
    pub(crate) wanted: Wanted,
    /// The edges that show most, the worst first.
    pub(crate) worst: Vec<WorstEdge>,
}

/// An edge between two blocks that shows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct WorstEdge {
    /// The places of its blocks in the order of generation.
    pub(crate) items: (u32, u32),
    /// The mean step across it, of 255.
    pub(crate) step: f64,
}

impl Afar {
    /// Those of `layer`, of which nothing is read yet.
    pub(crate) fn of(layer: &PlacedLayer, plan: &PlanState) -> Option<Self> {
        let shown = Shown::Layer(layer.pictures.clone());
        let pyramid = Pyramid::of_plan(plan, layer.quadrant);
        let overviews = Overviews::over(layer.dir.overviews(), shown, pyramid);
        let quadrants = HashMap::new();
        (!plan.items.is_empty()).then_some(Self {
            overviews,
            wanted: Wanted { pyramid, quadrants },
            worst: Vec::new(),
        })
    }

    /// Brings them to where `plan` stands.
    ///
    /// # Errors
    /// When they cannot be written, or pictures cannot be listed.
    pub(crate) async fn update(
        &mut self,
        layer: &PlacedLayer,
        plan: &PlanState,
        pace: impl FnMut(Pace),
    ) -> Result<Update> {
        self.wanted = wanted_of(layer, plan).await?;
        let update = self.overviews.update(&self.wanted, pace).await?;
        self.worst = worst_of(&self.overviews, &self.wanted);
        Ok(update)
    }
}

/// The finished pictures of `layer`.
pub(crate) async fn wanted_of(layer: &PlacedLayer, plan: &PlanState) -> Result<Wanted> {
    let stamps: HashMap<Quadrant, u64> = layer.pictures.stamps().await?.into_iter().collect();
    let mut quadrants = HashMap::new();
    for (index, item) in (0u32..).zip(&plan.items) {
        let place = index as usize;
        if !plan.has_pictures[place] {
            continue;
        }
        for quadrant in item.block.quadrants() {
            if let Some(&stamp) = stamps.get(&quadrant) {
                let stamp = stamp_of(stamp, plan.tries[place].completed_at_ms);
                quadrants.insert(quadrant, (stamp, index));
            }
        }
    }
    Ok(Wanted {
        pyramid: Pyramid::of_plan(plan, layer.quadrant),
        quadrants,
    })
}

fn worst_of(overviews: &Overviews, wanted: &Wanted) -> Vec<WorstEdge> {
    // Blocks may share two sides of quadrants, which count alike.
    let mut edges: HashMap<(u32, u32), (u32, u32)> = HashMap::new();
    for (first, second, step) in overviews.steps() {
        let block_of = |quadrant| wanted.quadrants.get(&quadrant).map(|&(_, block)| block);
        if let (Some(a), Some(b)) = (block_of(first), block_of(second)) {
            let (sum, count) = edges.entry((a.min(b), a.max(b))).or_default();
            *sum += u32::from(step);
            *count += 1;
        }
    }
    let mut worst: Vec<WorstEdge> = edges
        .into_iter()
        .map(|(items, (sum, count))| WorstEdge {
            items,
            step: f64::from(sum) / f64::from(count) / 100.0,
        })
        .collect();
    worst.sort_by(|a, b| b.step.total_cmp(&a.step).then(a.items.cmp(&b.items)));
    worst.truncate(LISTED);
    worst
}
