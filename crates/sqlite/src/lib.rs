//! How a SQLite file that others write is opened, waited for and recovered, and what its refusals
//! mean.
//!
//! Such a file may be in rollback or in WAL mode, in a directory that cannot be written; another
//! program may be writing to it, may hold it locked, or may have died while it wrote.

mod file_state;
mod link;
mod open;
mod patience;
mod reader;
mod refusal;
mod rows;

pub use file_state::{FileState, can_be_read_without_lock};
pub use link::Link;
pub use open::{attach, create, open_to_write};
pub use patience::{Patience, on_wait};
pub use reader::Reader;
pub use refusal::{Refusal, RefusalKind};
pub use rows::{Query, rows};
