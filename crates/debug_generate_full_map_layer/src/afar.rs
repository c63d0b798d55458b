//! A layer seen from afar: its overviews, kept as far as the layer is.

use std::collections::HashMap;
use std::ops::RangeInclusive;

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
    /// Whether it stands out among all edges of the layer, or shows whatever the others do.
    #[serde(skip)]
    pub(crate) stands_out: bool,
}

/// A mean step that is smaller is seen by nobody; one that is larger by everybody. Edges within
/// pictures are mostly in between: those of pixel art have steps of 6 or 7.
const SEEN_BY: RangeInclusive<f64> = 4.0..=16.0;
/// How much larger than half of all edges one is that stands out.
const STANDS_OUT: f64 = 2.0;

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
    let edges = edges
        .into_iter()
        .map(|(items, (sum, count))| (items, f64::from(sum) / f64::from(count) / 100.0));
    listed(edges.collect())
}

/// The edges that show most, the worst first, of all of a layer and the steps across them.
fn listed(mut edges: Vec<((u32, u32), f64)>) -> Vec<WorstEdge> {
    edges.sort_by(|(a, one), (b, other)| other.total_cmp(one).then(a.cmp(b)));
    let usual = edges.get(edges.len() / 2).map_or(0.0, |&(_, step)| step);
    let least = (STANDS_OUT * usual).clamp(*SEEN_BY.start(), *SEEN_BY.end());
    edges.truncate(LISTED);
    let listed = edges.into_iter().map(|(items, step)| WorstEdge {
        items,
        step,
        stands_out: step >= least,
    });
    listed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of these steps are of edges that stand out.
    fn standing_out(steps: &[f64]) -> usize {
        let edges = (0..)
            .zip(steps)
            .map(|(item, &step)| ((item, item + 1), step));
        let listed = listed(edges.collect());
        assert!(listed.is_sorted_by(|a, b| a.step >= b.step));
        assert!(listed.is_sorted_by_key(|edge| !edge.stands_out));
        listed.iter().filter(|edge| edge.stands_out).count()
    }

    #[test]
    fn an_edge_stands_out_among_all_or_shows_whatever_the_others_do() {
        assert_eq!(standing_out(&[]), 0);
        assert_eq!(standing_out(&[0.0; 200]), 0, "a map without seams has none");
        assert_eq!(standing_out(&[3.3; 80]), 0, "nobody sees these");
        assert_eq!(standing_out(&[7.0; 300]), 0, "it is the map that is so");
        let mut steps = vec![7.0; 300];
        (steps[20], steps[100], steps[200]) = (15.0, 13.9, 40.0);
        assert_eq!(standing_out(&steps), 2);
        assert_eq!(standing_out(&[30.0; 300]), LISTED, "all are bad");
        assert_eq!(standing_out(&[18.0]), 1);
        assert_eq!(standing_out(&[5.0, 0.5, 0.5]), 1);
    }
}
