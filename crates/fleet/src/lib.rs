//! The endpoints of a layer: ready to be called, and checked.

mod call;
mod check;
mod endpoint;

pub use call::{call_server, decode_answer};
pub use check::{Checks, Given, check};
pub use endpoint::{Endpoint, Speaks};
