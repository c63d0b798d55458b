//! One grid cell, and an inclusive rectangle of them.

use std::fmt;
use std::str::FromStr;

/// One grid cell of the map: x grows to the right, y grows down, both may be negative.
///
/// The order is that of reading: row by row from the top, each row from the left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quadrant {
    /// Column, growing to the right.
    pub x: i32,
    /// Row, growing down.
    pub y: i32,
}

impl Quadrant {
    /// The quadrant in column `x`, row `y`.
    #[must_use]
    pub const fn new(x: i32, y: i32) -> Self {
        Self { x, y }
    }
}

impl Ord for Quadrant {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.y, self.x).cmp(&(other.y, other.x))
    }
}

impl PartialOrd for Quadrant {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Quadrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {})", self.x, self.y)
    }
}

/// An inclusive rectangle of quadrants, never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    min: Quadrant,
    max: Quadrant,
}

impl Bounds {
    /// The rectangle from `min` to `max`, both included.
    ///
    /// # Errors
    /// [`BoundsError::Reversed`] when a minimum is greater than its maximum.
    pub const fn new(min: Quadrant, max: Quadrant) -> Result<Self, BoundsError> {
        if min.x > max.x {
            return Err(BoundsError::Reversed {
                axis: 'x',
                min: min.x,
                max: max.x,
            });
        }
        if min.y > max.y {
            return Err(BoundsError::Reversed {
                axis: 'y',
                min: min.y,
                max: max.y,
            });
        }
        Ok(Self { min, max })
    }

    /// The smallest rectangle that holds all of `quadrants`; `None` when there are none.
    pub fn around(quadrants: impl IntoIterator<Item = Quadrant>) -> Option<Self> {
        quadrants.into_iter().fold(None, |bounds, q| {
            let Self { min, max } = bounds.unwrap_or(Self { min: q, max: q });
            Some(Self {
                min: Quadrant::new(min.x.min(q.x), min.y.min(q.y)),
                max: Quadrant::new(max.x.max(q.x), max.y.max(q.y)),
            })
        })
    }

    /// The top-left quadrant.
    #[must_use]
    pub const fn min(self) -> Quadrant {
        self.min
    }

    /// The bottom-right quadrant.
    #[must_use]
    pub const fn max(self) -> Quadrant {
        self.max
    }

    /// Whether `quadrant` lies inside.
    #[must_use]
    pub const fn contains(self, quadrant: Quadrant) -> bool {
        self.min.x <= quadrant.x
            && quadrant.x <= self.max.x
            && self.min.y <= quadrant.y
            && quadrant.y <= self.max.y
    }
}

/// `min_x,min_y,max_x,max_y`, as on the command line.
impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{},{},{},{}",
            self.min.x, self.min.y, self.max.x, self.max.y
        )
    }
}

impl FromStr for Bounds {
    type Err = BoundsError;

    fn from_str(text: &str) -> Result<Self, BoundsError> {
        let numbers: Vec<&str> = text.split(',').map(str::trim).collect();
        let &[min_x, min_y, max_x, max_y] = numbers.as_slice() else {
            return Err(BoundsError::Count {
                found: numbers.len(),
            });
        };
        let number = |text: &str| {
            text.parse().map_err(|_| BoundsError::Number {
                text: text.to_owned(),
            })
        };
        Self::new(
            Quadrant::new(number(min_x)?, number(min_y)?),
            Quadrant::new(number(max_x)?, number(max_y)?),
        )
    }
}

/// Why a text or a pair of quadrants is not a rectangle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BoundsError {
    /// Not four numbers.
    Count {
        /// How many there were.
        found: usize,
    },
    /// One of the four is not a whole number that fits 32 bits.
    Number {
        /// The text in its place.
        text: String,
    },
    /// A minimum greater than its maximum.
    Reversed {
        /// `x` or `y`.
        axis: char,
        /// The minimum given.
        min: i32,
        /// The maximum given.
        max: i32,
    },
}

impl fmt::Display for BoundsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count { found } => write!(
                f,
                "bounds need four numbers min_x,min_y,max_x,max_y, and here are {found}"
            ),
            Self::Number { text } => write!(
                f,
                "{text:?} in the bounds is not a whole number; they are min_x,min_y,max_x,max_y, as in -10,-10,50,50"
            ),
            Self::Reversed { axis, min, max } => write!(
                f,
                "the bounds are reversed: min_{axis} {min} is greater than max_{axis} {max}; they are min_x,min_y,max_x,max_y"
            ),
        }
    }
}

impl std::error::Error for BoundsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_read_as_they_are_written() {
        for text in ["-10,-10,50,50", "0,0,0,0", "-3,4,-3,5"] {
            assert_eq!(text.parse::<Bounds>().unwrap().to_string(), text);
        }
        assert_eq!(
            " 1, 2 ,3,4".parse::<Bounds>().unwrap().to_string(),
            "1,2,3,4"
        );
    }

    #[test]
    fn bad_bounds_say_what_is_wrong() {
        let error = |text: &str| text.parse::<Bounds>().unwrap_err().to_string();
        assert_eq!(
            error("1,2,3"),
            "bounds need four numbers min_x,min_y,max_x,max_y, and here are 3"
        );
        assert!(error("a,b,c,d").starts_with("\"a\" in the bounds is not a whole number"));
        assert!(
            error("5,5,1,1")
                .starts_with("the bounds are reversed: min_x 5 is greater than max_x 1")
        );
        assert!(error("0,5,1,1").contains("min_y 5"));
        assert!(error("0,0,1,99999999999").contains("99999999999"));
    }

    #[test]
    fn quadrants_are_ordered_as_one_reads() {
        let mut all = [
            Quadrant::new(0, 1),
            Quadrant::new(1, 0),
            Quadrant::new(-1, 1),
            Quadrant::new(0, 0),
        ];
        all.sort();
        assert_eq!(
            all,
            [
                Quadrant::new(0, 0),
                Quadrant::new(1, 0),
                Quadrant::new(-1, 1),
                Quadrant::new(0, 1)
            ]
        );
    }
}
