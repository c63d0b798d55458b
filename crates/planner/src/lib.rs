//! Plans how to cut a map into blocks that an image model can draw without leaving a seam.
//!
//! A [`Region`] of quadrants goes in, a [`Plan`] comes out: every quadrant in exactly one
//! [`Block`], in an order in which each block finds room on its canvas for the finished
//! neighbours it has to join. The crate does no I/O, reads no clock and draws no random
//! numbers: the same region gives the same plan on every machine.
//!
#![doc = include_str!("../README.md")]

mod adjacency;
mod area;
mod beside;
mod block;
mod followers;
mod grid;
mod improve;
mod item;
mod lattice;
mod lay;
mod layout;
mod noise;
mod owners;
mod pack;
mod packing;
mod parts;
mod pilot;
mod plan;
mod precedence;
mod quadrant;
mod quality;
mod refine;
mod region;
mod square_profile;
mod start;
mod strip_profile;
mod tangles;
mod waves;
mod windows;

pub use adjacency::Adjacency;
pub use beside::plan_beside;
pub use block::{Axis, Block, BlockShape, UnknownShape};
pub use followers::complete_followers;
pub use item::{Item, Status};
pub use owners::Owners;
pub use pilot::{Pilot, Role};
pub use plan::{Plan, plan};
pub use quadrant::{Bounds, BoundsError, Quadrant};
pub use quality::Quality;
pub use region::Region;
