//! What people are told of a pilot that tries other settings beside a layer.

use std::fmt;

use dispatch::StepCounts;

/// A pilot beside a layer, for people.
pub struct PilotTold {
    /// Its directory.
    pub place: String,
    /// The command that shows it.
    pub look: String,
}

impl PilotTold {
    /// Says where it is and how far it came.
    pub(crate) fn write(&self, all: StepCounts, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, look) = (&self.place, &self.look);
        writeln!(
            f,
            "The pilot is in {place}: {} of its {} blocks; plan and pictures of the layer are as they were.",
            all.complete,
            all.total()
        )?;
        if all.complete < all.total() {
            let of_rest = "The same command makes another pilot, from its first block on.";
            writeln!(f, "{of_rest}")?;
        }
        writeln!(f, "To compare it:\n  {look}")
    }
}
