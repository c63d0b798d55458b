//! What is done to the blocks of a layer without a call: finished pictures are checked, kept, and put
//! back to be generated again; earlier ones, and answers that were not good enough, take their place.

mod error;
mod redo;
mod replace;
mod upkeep;
mod whole;

pub use error::UpkeepError;
pub use redo::{Followers, Redo};
pub use replace::{Kept, Replacement};
pub use upkeep::Upkeep;
pub use whole::damaged_items;
