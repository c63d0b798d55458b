//! Pixels: the picture that is sent for a block, and what is cut out of the answer. No file, no
//! network.
//!
//! A [`block`] canvas is the source of the block as it is. An [`infill`] canvas is always 2x2
//! quadrants large and shows, where the block leaves room, the finished neighbours that it has to
//! join; the [`Arrangement`] says what stands where. Either becomes a [`Sheet`], gets a [`Frame`]
//! and a border, and goes out as [`Outgoing`], which also knows what to make of the answer.

mod answer;
mod arrangement;
mod block;
mod border;
mod buffers;
mod builtin;
mod bytes_shown;
mod decode;
mod encode;
mod fill;
mod frame;
#[cfg(test)]
mod golden;
mod infill;
mod judge;
mod match_colors;
mod outgoing;
mod overview;
mod prepare_source;
mod profile;
mod quadrant;
mod rows;
mod seams;
mod sheet;
mod stored;
mod uniform;
mod whole;

pub use answer::SizeMatch;
pub use arrangement::{Arrangement, Place};
pub use block::{stitch, stitch_encoded};
pub use buffers::Buffers;
pub use builtin::apply as apply_filter;
pub use bytes_shown::Tell;
pub use decode::{decode, into_opaque};
pub use encode::encode_quadrant;
pub use frame::Frame;
pub use infill::{Kind, Picture, infill};
pub use judge::{Finding, Judgement, Looked, Palette, Step, Stranger};
pub use match_colors::{Join, match_colors};
pub use outgoing::{CanvasForm, Carries, Content, Drawn, Outgoing, Sent};
pub use overview::{Four, Seen, as_webp, decode_overview, encode_overview, overview};
pub use prepare_source::prepare_source;
pub use quadrant::{QuadrantSize, decode_quadrant};
pub use seams::{Rim, Steps};
pub use sheet::Sheet;
pub use stored::{as_stored, is_as_stored};
pub use uniform::{filled, may_be_uniform, middle_color, share_of};
