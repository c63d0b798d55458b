//! Which answers of a model are good enough to be kept.

mod entry;

pub(crate) use entry::AcceptEntry;

/// What an answer is looked at for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Check {
    /// It is nearly of one colour where the source is not: the share of what the source draws that
    /// the answer does not, 0 to 1.
    Solid,
    /// The input came back: how much it is like the source, 0 to 1.
    Unchanged,
    /// The border around what was to be drawn is still there: the share of its line along the
    /// worst side of a quadrant, 0 to 1.
    BorderLeft,
    /// The drawing lies aside from the source's edges, in pixels.
    Drift,
    /// It is far from the colours that a layer's finished blocks have for a source like this: the
    /// mean distance beyond their own spread, in levels of 0 to 255.
    Color,
    /// There is a step along an edge to a finished neighbour: where it lies between those beside
    /// the edge, 0, and the difference of pixels that are not related, 1; more where the drawing
    /// beside the edge does not follow the source. Or its colours differ along the whole edge, by
    /// 40 levels for 1. What the source has just there counts for neither.
    Seam,
}

impl Check {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Solid,
        Self::Unchanged,
        Self::BorderLeft,
        Self::Drift,
        Self::Color,
        Self::Seam,
    ];

    /// As the configuration names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Solid => "solid",
            Self::Unchanged => "unchanged",
            Self::BorderLeft => "border_left",
            Self::Drift => "drift",
            Self::Color => "color",
            Self::Seam => "seam",
        }
    }

    /// What is accepted where nothing is said.
    const fn default_limit(self) -> f64 {
        match self {
            Self::Solid => 0.8,
            Self::Unchanged => 0.9,
            Self::BorderLeft => 0.2,
            Self::Drift => 1.5,
            Self::Color => 16.0,
            Self::Seam => 0.45,
        }
    }

    /// The largest limit that has a meaning.
    #[must_use]
    pub const fn most(self) -> f64 {
        match self {
            Self::Solid | Self::Unchanged | Self::BorderLeft => 1.0,
            Self::Drift => 8.0,
            Self::Color => 255.0,
            Self::Seam => 10.0,
        }
    }
}

/// The `accept` of a layer's configuration: the limit of each check, above which an answer is not
/// good enough, and `None` where it is off. In the file `false` is off and `true` the default, for
/// one check as for all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AcceptConfig {
    /// See [`Check::Solid`].
    pub solid: Option<f64>,
    /// See [`Check::Unchanged`].
    pub unchanged: Option<f64>,
    /// See [`Check::BorderLeft`].
    pub border_left: Option<f64>,
    /// See [`Check::Drift`].
    pub drift: Option<f64>,
    /// See [`Check::Color`].
    pub color: Option<f64>,
    /// See [`Check::Seam`].
    pub seam: Option<f64>,
    /// How many answers that are not good enough an item gets before it fails; 1 to 20.
    pub tries: u32,
}

const DEFAULT_TRIES: u32 = 3;
const MOST_TRIES: u32 = 20;

impl AcceptConfig {
    /// Everything is accepted.
    pub const OFF: Self = Self {
        solid: None,
        unchanged: None,
        border_left: None,
        drift: None,
        color: None,
        seam: None,
        tries: DEFAULT_TRIES,
    };

    /// Whether anything is looked for.
    #[must_use]
    pub fn is_on(&self) -> bool {
        Check::ALL.iter().any(|&check| self.limit(check).is_some())
    }

    /// The limit of a check that is on.
    #[must_use]
    pub const fn limit(&self, check: Check) -> Option<f64> {
        match check {
            Check::Solid => self.solid,
            Check::Unchanged => self.unchanged,
            Check::BorderLeft => self.border_left,
            Check::Drift => self.drift,
            Check::Color => self.color,
            Check::Seam => self.seam,
        }
    }

    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for AcceptConfig {
    fn default() -> Self {
        let limit = |check: Check| Some(check.default_limit());
        Self {
            solid: limit(Check::Solid),
            unchanged: limit(Check::Unchanged),
            border_left: limit(Check::BorderLeft),
            drift: limit(Check::Drift),
            color: limit(Check::Color),
            seam: limit(Check::Seam),
            tries: DEFAULT_TRIES,
        }
    }
}
