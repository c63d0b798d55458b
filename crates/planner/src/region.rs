//! The quadrants that exist.

use crate::{Bounds, Quadrant};

/// The set of quadrants that exist in a source within some bounds; holes and islands are normal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Region {
    /// Sorted, without duplicates.
    quadrants: Vec<Quadrant>,
}

impl Region {
    /// The region of `quadrants`, in any order; a repeated one counts once.
    pub fn from_quadrants(quadrants: impl IntoIterator<Item = Quadrant>) -> Self {
        let mut quadrants: Vec<Quadrant> = quadrants.into_iter().collect();
        quadrants.sort_unstable();
        quadrants.dedup();
        Self { quadrants }
    }

    /// The number of quadrants.
    #[must_use]
    pub fn len(&self) -> usize {
        self.quadrants.len()
    }

    /// Whether there is no quadrant at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.quadrants.is_empty()
    }

    /// Whether `quadrant` is one of the region.
    #[must_use]
    pub fn contains(&self, quadrant: Quadrant) -> bool {
        self.quadrants.binary_search(&quadrant).is_ok()
    }

    /// The quadrants, row by row from the top.
    #[must_use]
    pub fn quadrants(&self) -> &[Quadrant] {
        &self.quadrants
    }

    /// The smallest rectangle around the region; `None` when it is empty.
    #[must_use]
    pub fn bounds(&self) -> Option<Bounds> {
        Bounds::around(self.quadrants.iter().copied())
    }

    /// Whether every quadrant within `bounds`, a rectangle around the region, is one of it.
    #[must_use]
    pub fn fills(&self, bounds: Bounds) -> bool {
        let length = |min: i32, max: i32| (i64::from(max) - i64::from(min) + 1) as u128;
        let (min, max) = (bounds.min(), bounds.max());
        self.len() as u128 == length(min.x, max.x) * length(min.y, max.y)
    }
}
