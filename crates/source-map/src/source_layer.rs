//! Which of a map's pictures are meant.

use serde::{Deserialize, Serialize};

/// Which of the two pictures of a quadrant.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum SourceLayer {
    /// The pixel art.
    #[default]
    Generations,
    /// The 3D renders.
    Renders,
}

impl SourceLayer {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Generations, Self::Renders];

    /// The name in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Generations => "generations",
            Self::Renders => "renders",
        }
    }

    /// The column of the table `quadrants`, and what one picture is called.
    #[must_use]
    pub const fn column(self) -> &'static str {
        match self {
            Self::Generations => "generation",
            Self::Renders => "render",
        }
    }
}
