//! What becomes of the pictures of a layer's blocks: answers are good enough or rejected; finished
//! pictures are checked, kept, and put back to be generated again; earlier and rejected ones take their
//! place; blocks of one colour are made without a call.

mod asked;
mod error;

mod gate;
mod lacks;
mod redo;
mod replace;
mod uncalled;
mod uniform;
mod upkeep;
mod whole;

pub use asked::{Asked, Choices};
pub use error::UpkeepError;

pub use gate::Gate;
pub use lacks::{Planned, lacks, require_planned_source};
pub use redo::{Followers, Redo};
pub use replace::{InPlace, Replacement};
pub use uncalled::Uncalled;
pub use uniform::{Found, Look, Uniform};
pub use upkeep::Upkeep;
pub use whole::damaged_items;
