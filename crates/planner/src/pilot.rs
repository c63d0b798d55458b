//! What it takes to generate a part of a plan first and alone.

use std::collections::HashSet;

use crate::{Adjacency, Item, Quadrant, Status};

/// What an item is to a part of its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// It holds a quadrant of the part.
    Asked,
    /// It holds none, but one that does may not start without it.
    Precedes,
    /// The part does without it.
    Outside,
}

/// A part of a plan that is generated alone: the items that hold it, and those that must precede
/// them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pilot {
    roles: Vec<Role>,
}

impl Pilot {
    /// What the quadrants `asked` take of a plan; `items` are all of it, in the order of generation.
    ///
    /// An item may start when every item that touches it and precedes it is complete, so these are
    /// taken along, and what precedes them. What could only run before an item that is complete, has
    /// failed or waits on a failed one helps nobody and stays outside. Otherwise the roles are the
    /// same at the beginning, in the middle and at the end.
    #[must_use]
    pub fn of(items: &[Item], asked: &HashSet<Quadrant>) -> Self {
        let blocks: Vec<_> = items.iter().map(|item| item.block).collect();
        let adjacency = Adjacency::of(&blocks);
        let mut roles = vec![Role::Outside; items.len()];
        for (role, block) in roles.iter_mut().zip(&blocks) {
            if block.quadrants().any(|at| asked.contains(&at)) {
                *role = Role::Asked;
            }
        }
        let is_open = |index: usize| {
            let status = items[index].status;
            matches!(status, Status::Pending | Status::InProgress)
        };
        // Whether it has failed, or waits on one that has.
        let mut is_stuck = vec![false; items.len()];
        for index in 0..items.len() {
            let mut before = adjacency.predecessors(index).iter();
            is_stuck[index] = items[index].status == Status::Error
                || (is_open(index) && before.any(|&other| is_stuck[other as usize]));
        }
        // Whether an item that is still to run waits for it. Followers come later in the order, so
        // one walk from the end meets all of them before it.
        let mut is_waited_for = vec![false; items.len()];
        for index in (0..items.len()).rev() {
            let is_wanted = roles[index] == Role::Asked || is_waited_for[index];
            let is_complete = items[index].status == Status::Complete;
            if roles[index] == Role::Precedes && !is_complete && !is_wanted {
                roles[index] = Role::Outside;
            }
            if roles[index] == Role::Outside {
                continue;
            }
            for &before in adjacency.predecessors(index) {
                let before = before as usize;
                let helps = !is_stuck[index] || is_stuck[before];
                is_waited_for[before] |= is_wanted && is_open(index) && helps;
                if roles[before] == Role::Outside {
                    roles[before] = Role::Precedes;
                }
            }
        }
        Self { roles }
    }

    /// The same, as if nothing of the plan had run yet; what it takes is pending in `items` then.
    #[must_use]
    pub fn afresh(items: &mut [Item], asked: &HashSet<Quadrant>) -> Self {
        let mut fresh = items.to_vec();
        let put_back = |item: &mut Item| item.status = Status::Pending;
        fresh.iter_mut().for_each(put_back);
        let pilot = Self::of(&fresh, asked);
        let own = items.iter_mut().zip(&pilot.roles);
        let own = own.filter(|(_, role)| **role != Role::Outside);
        own.for_each(|(item, _)| put_back(item));
        pilot
    }

    /// The failed ones among `items` that it takes when they are to run again.
    #[must_use]
    pub fn failed(items: &[Item], asked: &HashSet<Quadrant>) -> HashSet<i64> {
        let is_failed = |item: &Item| item.status == Status::Error;
        let mut again = items.to_vec();
        let failed = again.iter_mut().filter(|item| is_failed(item));
        failed.for_each(|item| item.status = Status::Pending);
        let own = Self::of(&again, asked).inside(items);
        let own = own.into_iter().filter(is_failed);
        own.map(|item| item.id).collect()
    }

    /// Those of all `items` that it takes.
    #[must_use]
    pub fn inside(&self, items: &[Item]) -> Vec<Item> {
        let inside = items.iter().zip(&self.roles);
        let inside = inside.filter(|(_, role)| **role != Role::Outside);
        inside.map(|(item, _)| *item).collect()
    }

    /// What an item is to the part, by its place in the order of generation.
    #[must_use]
    pub fn role(&self, index: usize) -> Role {
        self.roles[index]
    }

    /// What each item is to the part, in the order of generation.
    #[must_use]
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// How many items have a role.
    #[must_use]
    pub fn count(&self, role: Role) -> usize {
        self.roles.iter().filter(|&&other| other == role).count()
    }
}

#[cfg(test)]
mod tests {
    use crate::{Block, BlockShape};

    use super::*;

    /// A 2x2, the strips right of it and below it, and the corner between these.
    fn items() -> Vec<Item> {
        let blocks = [
            Block::new(BlockShape::TwoByTwo, 0, 0),
            Block::new(BlockShape::OneByTwo, 2, 0),
            Block::new(BlockShape::TwoByOne, 0, 2),
            Block::new(BlockShape::OneByOne, 2, 2),
        ];
        let item = |(id, block): (i64, Block)| Item {
            id,
            step: block.shape.step(),
            block,
            status: Status::Pending,
        };
        (1..).zip(blocks).map(item).collect()
    }

    fn roles(items: &[Item], asked: &[(i32, i32)]) -> Vec<Role> {
        let asked = asked.iter().map(|&(x, y)| Quadrant::new(x, y)).collect();
        Pilot::of(items, &asked).roles().to_vec()
    }

    #[test]
    fn what_must_precede_is_taken_along_over_any_number_of_items() {
        use Role::{Asked, Outside, Precedes};
        let mut items = items();
        let corner = [Precedes, Precedes, Precedes, Asked];
        assert_eq!(roles(&items, &[(2, 2)]), corner);
        assert_eq!(
            roles(&items, &[(2, 1)]),
            [Precedes, Asked, Outside, Outside]
        );
        assert_eq!(roles(&items, &[(1, 1)]), [Asked, Outside, Outside, Outside]);
        assert_eq!(roles(&items, &[(9, 9)]), [Outside; 4]);
        for done in 0..4 {
            items[done].status = Status::Complete;
            assert_eq!(roles(&items, &[(2, 2)]), corner, "with {done} complete");
        }
    }

    #[test]
    fn what_runs_afresh_takes_all_that_precedes_it_whatever_is_complete() {
        use Status::{Complete, Error, Pending};
        let asked = |at: &[(i32, i32)]| at.iter().map(|&(x, y)| Quadrant::new(x, y)).collect();
        for status in [Pending, Complete, Error] {
            let mut items = items();
            items.iter_mut().for_each(|item| item.status = status);
            let pilot = Pilot::afresh(&mut items, &asked(&[(2, 1)]));
            let ids: Vec<i64> = pilot.inside(&items).iter().map(|item| item.id).collect();
            assert_eq!(ids, [1, 2]);
            let statuses = items.iter().map(|item| item.status).collect::<Vec<_>>();
            assert_eq!(statuses, [Pending, Pending, status, status]);
        }
        let mut items = items();
        (items[0].status, items[3].status) = (Error, Error);
        assert_eq!(Pilot::failed(&items, &asked(&[(2, 1)])), HashSet::from([1]));
        assert_eq!(
            Pilot::failed(&items, &asked(&[(2, 2)])),
            HashSet::from([1, 4])
        );
    }

    #[test]
    fn what_helps_nobody_stays_outside() {
        use Role::{Asked, Outside, Precedes};
        let mut items = items();
        for end in [Status::Complete, Status::Error] {
            items[1].status = end;
            items[2].status = end;
            let expected = [Outside, Precedes, Precedes, Asked];
            assert_eq!(roles(&items, &[(2, 2)]), expected, "{end}");
            assert_eq!(roles(&items, &[(2, 2), (0, 0)])[0], Asked);
        }
        items[2].status = Status::Pending;
        let stuck = [Outside, Precedes, Outside, Asked];
        assert_eq!(
            roles(&items, &[(2, 2)]),
            stuck,
            "a failed one holds it back"
        );
        items[1].status = Status::Complete;
        let waits = [Precedes, Precedes, Precedes, Asked];
        assert_eq!(roles(&items, &[(2, 2)]), waits, "one waits for it");
        items[3].status = Status::Complete;
        assert_eq!(roles(&items, &[(2, 2)])[..3], [Outside, Precedes, Outside]);
        items[2].status = Status::Error;
        assert_eq!(roles(&items, &[(2, 2)])[2], Outside, "it is complete");
    }
}
