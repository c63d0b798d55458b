//! The plan at one moment, as the map shows it.

use std::collections::HashSet;

use dispatch::Queue;
use planner::Quadrant;
use planner::{Item, Status};
use progress_db::{EndpointCalls, LastTry, Snapshot};

/// How far an item is; a pending one that waits on a failed one is told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ItemState {
    /// To be generated.
    Pending = 0,
    /// A call for it is under way.
    Running = 1,
    /// Its pictures are there.
    Complete = 2,
    /// It failed.
    Failed = 3,
    /// Pending, and it cannot start before a failed one that it touches, directly or over
    /// others, is made.
    Waiting = 4,
}

impl ItemState {
    /// All of them, each at its number.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Running,
        Self::Complete,
        Self::Failed,
        Self::Waiting,
    ];
}

/// The items in the order of generation, and what is known of each.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlanState {
    /// The items; their own status knows nothing of waiting.
    pub items: Vec<Item>,
    /// How far each of `items` is.
    pub states: Vec<ItemState>,
    /// The last try of each of `items`.
    pub tries: Vec<LastTry>,
    /// The endpoints' names.
    pub models: Vec<String>,
    /// What the calls of each endpoint came to, in all runs.
    pub calls: Vec<EndpointCalls>,
    /// Whether each of `items` is complete and all its pictures are there.
    pub has_pictures: Vec<bool>,
}

impl PlanState {
    /// The state that `snapshot` tells of, its messages cut after `message_chars` characters.
    /// `pictures` are the quadrants that have one.
    #[must_use]
    pub fn of(snapshot: Snapshot, message_chars: usize, pictures: &HashSet<Quadrant>) -> Self {
        let Snapshot {
            items,
            mut tries,
            models,
            calls,
        } = snapshot;
        for message in tries.iter_mut().filter_map(|t| t.error_message.as_mut()) {
            if let Some((end, _)) = message.char_indices().nth(message_chars) {
                *message = format!("{}…", &message[..end]).into();
            }
        }
        let has_pictures = |item: &Item| {
            item.status == Status::Complete && item.block.quadrants().all(|q| pictures.contains(&q))
        };
        Self {
            states: states_of(&items),
            has_pictures: items.iter().map(has_pictures).collect(),
            items,
            tries,
            models,
            calls,
        }
    }

    /// The endpoint of the last try of an item.
    #[must_use]
    pub fn model(&self, index: usize) -> Option<&str> {
        let model = self.tries[index].model?;
        self.models.get(model as usize).map(String::as_str)
    }

    /// Whether an item is complete and some of its pictures are gone.
    pub(crate) fn misses_pictures(&self, index: usize) -> bool {
        self.states[index] == ItemState::Complete && !self.has_pictures[index]
    }

    /// Whether an item is as far as in `other`, a look at the same plan.
    pub(crate) fn is_as_far_as(&self, other: &Self, index: usize) -> bool {
        let told = |plan: &Self| (plan.states[index], plan.has_pictures[index]);
        let (ours, theirs) = (&self.tries[index], &other.tries[index]);
        told(self) == told(other)
            && self.model(index) == other.model(index)
            && ours.started_at_ms == theirs.started_at_ms
            && ours.completed_at_ms == theirs.completed_at_ms
            && ours.error_message == theirs.error_message
    }

    /// How many items are in `state`.
    #[must_use]
    pub fn count(&self, state: ItemState) -> usize {
        self.states.iter().filter(|&&s| s == state).count()
    }
}

fn states_of(items: &[Item]) -> Vec<ItemState> {
    // The neighbours of 70,000 blocks take longer to find than all the rest; without a failed
    // item nothing waits on one.
    let failed = items.iter().any(|item| item.status == Status::Error);
    let queue = failed.then(|| Queue::of(items.to_vec()));
    (0u32..)
        .zip(items)
        .map(|(handle, item)| match item.status {
            Status::InProgress => ItemState::Running,
            Status::Complete => ItemState::Complete,
            Status::Error => ItemState::Failed,
            Status::Pending if queue.as_ref().is_some_and(|q| q.is_held_back(handle)) => {
                ItemState::Waiting
            }
            Status::Pending => ItemState::Pending,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use planner::{Region, plan};

    use super::*;

    fn snapshot(width: i32, height: i32) -> Snapshot {
        let region = Region::from_quadrants(
            (0..height).flat_map(|y| (0..width).map(move |x| Quadrant::new(x, y))),
        );
        let items: Vec<Item> = (1..)
            .zip(plan(&region).blocks)
            .map(|(id, block)| Item {
                id,
                step: block.shape.step(),
                block,
                status: Status::Pending,
            })
            .collect();
        Snapshot {
            tries: vec![LastTry::default(); items.len()],
            items,
            models: Vec::new(),
            calls: Vec::new(),
        }
    }

    #[test]
    fn what_touches_a_failed_item_waits_and_nothing_else() {
        let mut snapshot = snapshot(5, 5);
        snapshot.items[0].status = Status::Error;
        let failed = snapshot.items[0].block;
        let state = PlanState::of(snapshot, 200, &HashSet::new());
        assert_eq!(state.count(ItemState::Failed), 1);
        for (item, &shown) in state.items.iter().zip(&state.states).skip(1) {
            if item.block.shared_edge(failed).is_some() {
                assert_eq!(shown, ItemState::Waiting, "{}", item.block);
            }
        }
        // The 2x2 at the far corner of 5x5 touches nothing that waits before it.
        assert_eq!(state.states[3], ItemState::Pending);
    }

    #[test]
    fn an_item_has_pictures_when_it_is_complete_and_all_are_there() {
        let mut snapshot = snapshot(5, 2);
        for item in &mut snapshot.items[..2] {
            item.status = Status::Complete;
        }
        let (first, second) = (snapshot.items[0].block, snapshot.items[1].block);
        let pictures = first
            .quadrants()
            .chain(second.quadrants().skip(1))
            .collect();
        let has_pictures = |snapshot| PlanState::of(snapshot, 200, &pictures).has_pictures;
        assert_eq!(has_pictures(snapshot.clone())[..2], [true, false]);
        snapshot.items[0].status = Status::Pending;
        assert!(
            !has_pictures(snapshot)[0],
            "an old picture is not the item's"
        );
    }

    #[test]
    fn a_message_is_cut_between_characters() {
        let mut snapshot = snapshot(2, 2);
        snapshot.tries[0].error_message = Some("äöü".into());
        let message = |chars| {
            PlanState::of(snapshot.clone(), chars, &HashSet::new()).tries[0]
                .error_message
                .clone()
        };
        assert_eq!(message(2).as_deref(), Some("äö…"));
        assert_eq!(message(3).as_deref(), Some("äöü"));
    }
}
