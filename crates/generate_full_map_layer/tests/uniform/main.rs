//! Blocks of one colour: copied or filled without a call, seen by all others.

mod again;
#[path = "../infilling/mod.rs"]
mod infilling;
mod made;
mod named;
mod pixels;
mod seen;
mod support;
