//! One row of the plan.

use std::fmt;
use std::str::FromStr;

use crate::Block;

/// How far an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// To be generated.
    Pending,
    /// A call for it is under way, or its answer is being saved; or the run died then.
    InProgress,
    /// Its pictures are whole and durable.
    Complete,
    /// It failed and is tried again only when asked for.
    Error,
}

impl Status {
    /// The name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Complete => "complete",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Status {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        [Self::Pending, Self::InProgress, Self::Complete, Self::Error]
            .into_iter()
            .find(|status| status.name() == name)
            .ok_or(())
    }
}

/// A block of the plan and its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// The row's id.
    pub id: i64,
    /// 1, 2 or 3.
    pub step: u8,
    /// Its quadrants.
    pub block: Block,
    /// How far it is.
    pub status: Status,
}
