//! Whether one block is of one colour, and what its pictures are then.

use canvas::{
    Buffers, QuadrantSize, as_stored, decode_quadrant, filled, into_opaque, may_be_uniform,
    middle_color, share_of,
};
use image::RgbImage;
use layer::{PngCompression, UniformConfig, UniformMode};
use planner::{Block, Quadrant};

/// The encoded pictures of a block.
pub(super) type Encoded = Vec<(Quadrant, Vec<u8>)>;

/// How blocks are looked at, and their pictures made.
#[derive(Debug)]
pub(super) struct How {
    pub(super) config: UniformConfig,
    pub(super) size: QuadrantSize,
    pub(super) compression: PngCompression,
}

impl How {
    fn decoded(&self, pictures: &Encoded) -> Option<Vec<RgbImage>> {
        let decode = |bytes: &[u8]| decode_quadrant(bytes, self.size, &mut Buffers::default());
        let pictures = pictures.iter();
        pictures
            .map(|(_, bytes)| decode(bytes).ok().map(into_opaque))
            .collect()
    }

    /// Whether a block may be one, by some of its pictures; `None` when one cannot be decoded.
    pub(super) fn may_be(&self, block: Block, pictures: &Encoded) -> Option<bool> {
        let all = block.quadrants().count();
        let decoded = self.decoded(pictures)?;
        let mut decoded = decoded.iter();
        Some(decoded.all(|picture| may_be_uniform(picture, all, &self.config)))
    }

    /// The pictures of a block that needs no model, and how they came to be.
    pub(super) fn look(&self, pictures: &Encoded) -> Result<Option<(Encoded, String)>, String> {
        let UniformConfig {
            mode,
            color,
            tolerance,
            share,
            marked,
            fill,
        } = &self.config;
        let decoded = self.decoded(pictures).ok_or("a picture is damaged")?;
        let color = color.unwrap_or_else(|| middle_color(&decoded));
        let found = share_of(&decoded, color, *tolerance);
        let why = match marked {
            Some(mark) => format!("says {mark}"),
            None if found >= *share => {
                // Cut, and not rounded: what is not all is not told as all.
                let percent = (10_000.0 * found).floor() / 100.0;
                format!("is {color} within {tolerance} in {percent} % of its pixels")
            }
            None => return Ok(None),
        };
        let buffers = &mut Buffers::default();
        let fill = fill.unwrap_or(color);
        let (made, how) = match mode {
            UniformMode::Fill => {
                let one = filled(fill, self.size, self.compression, buffers)?;
                let made = pictures.iter().map(|(at, _)| Ok((*at, one.clone())));
                (made.collect(), format!("filled with {fill}; its source"))
            }
            UniformMode::Copy | UniformMode::Call => {
                let made = pictures.iter().map(|(at, picture)| {
                    let stored = as_stored(picture, self.size, self.compression, buffers)?;
                    Ok((*at, stored))
                });
                (made.collect(), "copied from its source, which".to_owned())
            }
        };
        let made: Result<Encoded, String> = made;
        Ok(Some((made?, format!("{how} {why}"))))
    }
}
