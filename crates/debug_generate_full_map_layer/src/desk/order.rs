//! In which order blocks are judged: those first that are likely not to be good.

use std::collections::HashMap;

use planner::Quadrant;
use serde::Serialize;

use crate::afar::WorstEdge;
use crate::progress::runs_of;
use crate::{ItemState, PlanState};

/// The blocks that can be judged, known by their places in the order of generation.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Order {
    /// Those that are likely not to be good.
    pub(crate) suspects: Vec<Suspect>,
    /// The other complete ones, as runs: the first one and how many.
    pub(crate) rest: Vec<(i64, u32)>,
}

/// A block that is likely not to be good.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Suspect {
    pub(crate) item: u32,
    pub(crate) why: Vec<Why>,
}

/// Why a block is a suspect.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Why {
    /// It failed; its message says of what.
    Failed,
    /// So many answers for it were not good enough before there was one that was.
    NotAccepted(u32),
    /// An edge of it is one of those that show most, and stands out.
    Edge {
        /// The mean step across it, of 255.
        step: f64,
        /// The top left of the block on the other side.
        x: i32,
        y: i32,
    },
}

impl Order {
    /// The order of the blocks of `plan` that failed or are complete. `worst` are the edges that show
    /// most, the worst first.
    pub(crate) fn of(plan: &PlanState, worst: &[WorstEdge]) -> Self {
        let in_state = |wanted| {
            let states = (0u32..).zip(&plan.states);
            states.filter_map(move |(item, &state)| (state == wanted).then_some(item))
        };
        let mut suspects = Suspects::default();
        for item in in_state(ItemState::Failed) {
            suspects.add(item, Why::Failed);
        }
        for item in in_state(ItemState::Complete) {
            let rejected = plan.tries[item as usize].rejected;
            if rejected > 0 {
                suspects.add(item, Why::NotAccepted(rejected));
            }
        }
        let standing_out = worst.iter().filter(|edge| edge.stands_out);
        for &WorstEdge { items, step, .. } in standing_out {
            for (item, other) in [items, (items.1, items.0)] {
                let other = plan.items.get(other as usize);
                let is_complete = plan.states.get(item as usize) == Some(&ItemState::Complete);
                if let Some(other) = other.filter(|_| is_complete) {
                    let Quadrant { x, y } = other.block.top_left;
                    suspects.add(item, Why::Edge { step, x, y });
                }
            }
        }
        let rest = in_state(ItemState::Complete).filter(|item| !suspects.places.contains_key(item));
        Self {
            rest: runs_of(rest.map(i64::from)),
            suspects: suspects.list,
        }
    }
}

/// Suspects, each once, where it was found first.
#[derive(Default)]
struct Suspects {
    list: Vec<Suspect>,
    places: HashMap<u32, usize>,
}

impl Suspects {
    fn add(&mut self, item: u32, why: Why) {
        let next = self.list.len();
        let place = *self.places.entry(item).or_insert(next);
        if place == next {
            let why = Vec::new();
            self.list.push(Suspect { item, why });
        }
        self.list[place].why.push(why);
    }
}

#[cfg(test)]
mod tests {
    use planner::{Block, BlockShape, Item, Status};
    use progress_db::LastTry;

    use super::*;

    /// Blocks in a row, each a letter: `.` pending, `c` complete, `f` failed, `r` running.
    fn row(states: &str) -> PlanState {
        let state = |letter| match letter {
            'c' => ItemState::Complete,
            'f' => ItemState::Failed,
            'r' => ItemState::Running,
            _ => ItemState::Pending,
        };
        let items = (0..).zip(states.chars()).map(|(x, _)| Item {
            id: 1 + i64::from(x),
            step: 3,
            block: Block::new(BlockShape::OneByOne, x, 0),
            status: Status::Pending,
        });
        PlanState {
            items: items.collect(),
            tries: vec![LastTry::default(); states.len()],
            states: states.chars().map(state).collect(),
            ..PlanState::default()
        }
    }

    #[test]
    fn what_failed_comes_first_then_rejected_ones_and_bad_edges_then_the_rest() {
        let mut plan = row("ccfccr.cfc");
        (plan.tries[7].rejected, plan.tries[2].rejected) = (2, 1);
        let edge = |a, b, step| WorstEdge {
            items: (a, b),
            step,
            stands_out: step > 5.0,
        };
        let worst = [
            edge(3, 4, 30.5),
            edge(7, 9, 20.0),
            edge(0, 3, 9.0),
            edge(4, 5, 8.0),
            edge(1, 3, 4.0),
        ];
        let order = Order::of(&plan, &worst);
        let items: Vec<u32> = order.suspects.iter().map(|suspect| suspect.item).collect();
        assert_eq!(items, [2, 8, 7, 3, 4, 9, 0]);
        assert_eq!(order.rest, [(1, 1)]);
        let why = |place: usize| order.suspects[place].why.clone();
        assert_eq!(why(0), [Why::Failed]);
        let to = |x, step| Why::Edge { step, x, y: 0 };
        assert_eq!(why(2), [Why::NotAccepted(2), to(9, 20.0)]);
        assert_eq!(why(3), [to(4, 30.5), to(0, 9.0)]);
    }

    #[test]
    fn a_map_of_forty_thousand_quadrants_is_little_to_send() {
        let plan = row(&"c".repeat(18_000));
        let worst = [WorstEdge {
            items: (17_000, 17_001),
            step: 3.0,
            stands_out: true,
        }];
        let order = Order::of(&plan, &worst);
        assert_eq!(order.suspects.len(), 2);
        assert_eq!(order.rest, [(0, 17_000), (17_002, 998)]);
    }
}
