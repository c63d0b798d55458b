//! How many items are in each state.

/// How many items of a step are in each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StepCounts {
    /// Pending, and not held back by a failed item.
    pub pending: usize,
    /// Pending, and waiting on a failed item.
    pub held_back: usize,
    /// Taken and not yet put back, complete or failed.
    pub taken: usize,
    /// Done.
    pub complete: usize,
    /// Failed.
    pub failed: usize,
}

impl StepCounts {
    /// All items of the step.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.pending + self.held_back + self.taken + self.complete + self.failed
    }

    /// Whether nothing of the step is under way or could still run.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.pending == 0 && self.taken == 0
    }
}
