//! The strict and the eager order.

/// When the turn of an item comes whose touching predecessors are complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Turn {
    /// When the steps before its own are finished: the strict order.
    #[default]
    AfterSteps,
    /// At once: the eager order, where a canvas shows nothing but its own block.
    AfterTouching,
    /// When also those of earlier steps are complete that lie at its corners: the eager order, where
    /// a canvas shows them. With one there that failed, or waits on a failed one, it is the strict
    /// order's turn that counts: what is not shown then is not shown at all.
    AfterSurrounding,
}

impl Turn {
    /// The turn of the eager order, where canvases show what is around a block or do not.
    #[must_use]
    pub const fn eager(shows_surroundings: bool) -> Self {
        match shows_surroundings {
            true => Self::AfterSurrounding,
            false => Self::AfterTouching,
        }
    }
}
