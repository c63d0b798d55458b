//! Decides what runs next, where, and what a failure means; does nothing itself.

mod queue;

pub use queue::{Handle, Queue, StepCounts};
