//! What the table `metadata` holds.

/// The keys of the table `metadata`, which is other tools' too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetadataKey {
    /// The version of the tables.
    SchemaVersion,
    /// The version of the program that made the plan.
    ProgramVersion,
    /// When it was made, RFC 3339.
    CreatedAt,
    /// The part of the map that was planned.
    Bounds,
    /// Whether the user asked for just this part: 0 or 1.
    BoundsGiven,
    /// How many quadrants were planned.
    Quadrants,
    /// Hash of the source's configuration.
    SourceConfigHash,
    /// `generations` or `renders`.
    SourceLayer,
}

impl MetadataKey {
    /// The key in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SchemaVersion => "schema_version",
            Self::ProgramVersion => "program_version",
            Self::CreatedAt => "created_at",
            Self::Bounds => "bounds",
            Self::BoundsGiven => "bounds_given",
            Self::Quadrants => "quadrants",
            Self::SourceConfigHash => "source_config_hash",
            Self::SourceLayer => "source_layer",
        }
    }
}
