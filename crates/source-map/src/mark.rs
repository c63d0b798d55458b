//! What a map says of its quadrants besides their pictures.

use std::fmt;

/// That a quadrant is water, as a column of the table `quadrants` says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// `is_water` is 1.
    IsWater,
    /// `water_type` is this text; where none is given any that is not empty.
    WaterType(Option<String>),
}

impl Mark {
    /// The name of the one column.
    pub const IS_WATER: &str = "is_water";
    /// The name of the other.
    pub const WATER_TYPE: &str = "water_type";

    /// The column.
    #[must_use]
    pub const fn column(&self) -> &'static str {
        match self {
            Self::IsWater => Self::IS_WATER,
            Self::WaterType(_) => Self::WATER_TYPE,
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WaterType(Some(value)) => write!(f, "{} {value:?}", self.column()),
            _ => f.write_str(self.column()),
        }
    }
}
