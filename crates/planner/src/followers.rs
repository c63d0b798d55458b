//! What was generated in the sight of other items.

use std::collections::{BTreeSet, HashSet};

use crate::{Axis, Item, Owners, Status};

/// The complete items that come later than one of the items `ids` and were drawn in the sight of it,
/// directly or over others; those of `ids` themselves are left out. `items` are all of a plan, in the
/// order of generation; those of `apart` were made without a call before all others, so that nothing
/// leads to them or over them.
///
/// A canvas shows earlier items that it touches, and at its corners, where it has room for them, those
/// of earlier steps and those `apart`. Where canvases show finished neighbours these were drawn to continue what is drawn anew.
#[must_use]
pub fn complete_followers(items: &[Item], ids: &[i64], apart: &HashSet<i64>) -> Vec<i64> {
    if ids.is_empty() {
        return Vec::new();
    }
    let ids: HashSet<i64> = ids.iter().copied().collect();
    let owners = Owners::of(items.iter().map(|item| item.block));
    let mut found: BTreeSet<usize> = BTreeSet::new();
    let mut behind: Vec<usize> = (0..items.len())
        .filter(|&i| ids.contains(&items[i].id))
        .collect();
    while let Some(index) = behind.pop() {
        let item = &items[index];
        for (quadrant, is_corner) in item.block.around() {
            let Some(next) = owners.of_quadrant(quadrant).map(|next| next as usize) else {
                continue;
            };
            let later = &items[next];
            let has_room = [Axis::X, Axis::Y].map(|axis| later.block.shape.has_margin(axis));
            let is_before = item.step < later.step || apart.contains(&item.id);
            let is_shown = !is_corner || (is_before && has_room == [true, true]);
            let is_behind = next > index && is_shown && !apart.contains(&later.id);
            if is_behind && found.insert(next) {
                behind.push(next);
            }
        }
    }
    found
        .into_iter()
        .map(|index| &items[index])
        .filter(|item| item.status == Status::Complete && !ids.contains(&item.id))
        .map(|item| item.id)
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::{Quadrant, Region, plan};

    use super::*;

    #[test]
    fn what_is_drawn_later_in_its_sight_follows_over_any_number_of_items() {
        let region =
            Region::from_quadrants((0..9).flat_map(|y| (0..9).map(move |x| Quadrant::new(x, y))));
        let mut items: Vec<Item> = (1..)
            .zip(plan(&region).blocks)
            .map(|(id, block)| Item {
                id,
                step: block.shape.step(),
                block,
                status: Status::Complete,
            })
            .collect();
        // Of the nine 2x2 the one in the middle: two upright and two lying strips touch it, and
        // four corners touch these.
        let of = |items: &[Item], ids: &[i64]| {
            let ids = complete_followers(items, ids, &HashSet::new());
            let steps = |step| {
                items
                    .iter()
                    .filter(|i| i.step == step && ids.contains(&i.id))
                    .count()
            };
            [steps(1), steps(2), steps(3)]
        };
        assert_eq!(of(&items, &[5]), [0, 4, 4]);
        assert_eq!(of(&items, &[5, items.len() as i64]), [0, 4, 4]);
        assert_eq!(
            of(&items, &[items.len() as i64]),
            [0, 0, 0],
            "nothing comes after the last"
        );
        assert_eq!(of(&items, &[]), [0, 0, 0]);
        let strip = complete_followers(&items, &[5], &HashSet::new())[0];
        items[strip as usize - 1].status = Status::Pending;
        assert_eq!(of(&items, &[5]), [0, 3, 4], "one is pending anyhow");
        let strips = items.iter().filter(|item| item.step == 2);
        let apart = strips.map(|item| item.id).collect();
        let past = complete_followers(&items, &[5], &apart);
        // The four single quadrants at its corners have seen it, too.
        assert_eq!(past.len(), 4);
        let singles = items.iter().filter(|item| item.step == 3);
        assert!(
            past.iter()
                .all(|id| singles.clone().any(|one| one.id == *id))
        );
    }
}
