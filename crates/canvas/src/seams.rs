//! How much pictures differ from pixel to pixel, within themselves and across their edges.
//!
//! A *step* is the mean difference of two neighbouring pixels' channels, 0 to 255.

use image::RgbImage;

use crate::{Buffers, Tell, decode, into_opaque};

/// Wider or higher pictures are no quadrants.
const MAX_SIDE_PX: u32 = 16_384;

/// Steps that are being added up.
#[derive(Debug, Clone, Copy, Default)]
pub struct Steps {
    /// Of the differences of single channels.
    total: u64,
    channels: u64,
}

impl Steps {
    /// Counts those of `other`, too.
    pub fn add(&mut self, other: Self) {
        self.total += other.total;
        self.channels += other.channels;
    }

    /// The mean step; not a number when there is none.
    #[must_use]
    pub fn mean(self) -> f64 {
        self.total as f64 / self.channels as f64
    }

    /// Those between all neighbouring pixels of a picture.
    fn inside(picture: &RgbImage) -> Self {
        let mut inside = Self::default();
        let mut before: Option<&[u8]> = None;
        for line in picture.as_raw().chunks_exact(3 * picture.width() as usize) {
            inside.add_between(line, &line[3..]);
            if let Some(before) = before {
                inside.add_between(before, line);
            }
            before = Some(line);
        }
        inside
    }

    fn add_between(&mut self, a: &[u8], b: &[u8]) {
        let differences = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b)));
        self.total += differences.sum::<u64>();
        self.channels += a.len().min(b.len()) as u64;
    }
}

/// The outermost pixels of a picture.
#[derive(Debug, Clone)]
pub struct Rim {
    left: Vec<u8>,
    right: Vec<u8>,
    top: Vec<u8>,
    bottom: Vec<u8>,
}

impl Rim {
    /// The rim of a decoded picture.
    #[must_use]
    pub fn of(picture: &RgbImage) -> Self {
        let samples: &[u8] = picture.as_raw();
        let lines = || samples.chunks_exact(3 * picture.width() as usize);
        Self {
            left: lines().flat_map(|line| &line[..3]).copied().collect(),
            right: lines()
                .flat_map(|line| &line[line.len() - 3..])
                .copied()
                .collect(),
            top: lines().next().unwrap_or_default().to_vec(),
            bottom: lines().next_back().unwrap_or_default().to_vec(),
        }
    }

    /// The rim of an encoded picture, and the steps inside of it.
    ///
    /// # Errors
    /// A line that says what is wrong with the picture.
    pub fn with_inside(encoded: &[u8]) -> Result<(Self, Steps), String> {
        let picture = decode(
            encoded,
            MAX_SIDE_PX,
            Tell::FirstBytes,
            &mut Buffers::default(),
        )?;
        let picture = into_opaque(picture);
        Ok((Self::of(&picture), Steps::inside(&picture)))
    }

    /// The steps from this picture to the one on its right.
    #[must_use]
    pub fn to_the_right(&self, next: &Self) -> Steps {
        let mut steps = Steps::default();
        steps.add_between(&self.right, &next.left);
        steps
    }

    /// The steps from this picture to the one below.
    #[must_use]
    pub fn down(&self, next: &Self) -> Steps {
        let mut steps = Steps::default();
        steps.add_between(&self.bottom, &next.top);
        steps
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    /// A picture whose pixels are grey at these levels.
    fn grey<const WIDTH: usize>(rows: &[[u8; WIDTH]]) -> RgbImage {
        RgbImage::from_fn(WIDTH as u32, rows.len() as u32, |x, y| {
            Rgb([rows[y as usize][x as usize]; 3])
        })
    }

    #[test]
    fn steps_are_counted_between_neighbours_and_nowhere_else() {
        let near = |steps: Steps, mean: f64| (steps.mean() - mean).abs() < 1e-9;
        let picture = grey(&[[10, 20, 40], [10, 10, 90]]);
        let rim = Rim::of(&picture);
        // Along the rows 10, 20, 0 and 80; down the columns 0, 10 and 50.
        assert!(near(Steps::inside(&picture), 170.0 / 7.0));
        let next = Rim::of(&grey(&[[42, 0, 7], [50, 0, 9]]));
        assert!(near(rim.to_the_right(&next), (2.0 + 40.0) / 2.0), "{rim:?}");
        assert!(near(rim.down(&next), (32.0 + 10.0 + 83.0) / 3.0), "{rim:?}");
        assert!(Steps::inside(&grey(&[[1]])).mean().is_nan());
    }
}
