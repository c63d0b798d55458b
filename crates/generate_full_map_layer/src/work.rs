//! What a run does: the executor of the dispatcher's orders, and the work itself.

pub(crate) mod calls;
pub(crate) mod canvases;
pub(crate) mod coming;
pub(crate) mod executor;
pub(crate) mod fault_point;
mod learning;
pub(crate) mod publish;
pub(crate) mod shutdown;
pub(crate) mod task;
