//! Canvases for servers that make pictures of some shapes only.
//!
//! Such a server is sent a picture of a shape that it makes, with the canvas in the middle and the
//! canvas's edge pixels repeated around it, so that nothing is stretched and the model sees no
//! border where the canvas ends. The canvas is cut out of the answer again.

use image::{DynamicImage, RgbImage, RgbaImage};

use crate::sheet::Sheet;

/// What is put around a canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// Nothing.
    None,
    /// What brings it to one of these ratios of width to height.
    Ratios(&'static [(u32, u32)]),
    /// What brings it to the ratio of one of these sizes, the only ones that the server makes.
    Sizes(&'static [(u32, u32)]),
}

impl Frame {
    /// What brings a canvas to a square, which every server makes.
    pub const SQUARE: Self = Self::Ratios(&[(1, 1)]);

    /// Puts the frame around a canvas: of the shapes that would hold it, the one with the least
    /// to fill.
    #[must_use]
    pub fn around(self, sheet: Sheet) -> Sheet {
        let size_px = (sheet.picture.width(), sheet.picture.height());
        let framed_px = self.framed_px(size_px);
        if framed_px == size_px {
            return sheet;
        }
        let at_px = ((framed_px.0 - size_px.0) / 2, (framed_px.1 - size_px.1) / 2);
        let framed = extend(&sheet.picture, framed_px, at_px);
        sheet.within(framed, at_px)
    }

    /// The size of picture to ask the server for when it is sent a framed canvas of `sent_px`.
    #[must_use]
    pub fn answer_px(self, sent_px: (u32, u32)) -> (u32, u32) {
        let Self::Sizes(sizes) = self else {
            return sent_px;
        };
        let of_one_shape = |size: &&(u32, u32)| {
            u64::from(size.0) * u64::from(sent_px.1) == u64::from(size.1) * u64::from(sent_px.0)
        };
        sizes.iter().find(of_one_shape).copied().unwrap_or(sent_px)
    }

    /// The size of the framed canvas: the smallest of exactly one of the shapes.
    fn framed_px(self, (width, height): (u32, u32)) -> (u32, u32) {
        let shapes = match self {
            Self::None => return (width, height),
            Self::Ratios(shapes) | Self::Sizes(shapes) => shapes,
        };
        shapes
            .iter()
            .map(|&(wide, high)| {
                let divisor = greatest_common_divisor(wide, high);
                let (wide, high) = (wide / divisor, high / divisor);
                let scale = width.div_ceil(wide).max(height.div_ceil(high));
                (wide * scale, high * scale)
            })
            .min_by_key(|&(width, height)| u64::from(width) * u64::from(height))
            .unwrap_or((width, height))
    }
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

/// The picture at `at_px` of a larger one of `to_px`, whose other pixels are those of the nearest
/// edge.
fn extend(picture: &DynamicImage, to_px: (u32, u32), at_px: (u32, u32)) -> DynamicImage {
    let (width, height) = to_px;
    let fits = "the bytes are those of the size";
    if picture.color().has_alpha() {
        let bytes = extended::<4>(&picture.to_rgba8(), picture.width(), to_px, at_px);
        DynamicImage::ImageRgba8(RgbaImage::from_raw(width, height, bytes).expect(fits))
    } else {
        let bytes = extended::<3>(&picture.to_rgb8(), picture.width(), to_px, at_px);
        DynamicImage::ImageRgb8(RgbImage::from_raw(width, height, bytes).expect(fits))
    }
}

fn extended<const CHANNELS: usize>(
    bytes: &[u8],
    width: u32,
    to_px: (u32, u32),
    at_px: (u32, u32),
) -> Vec<u8> {
    let (pixels, _) = bytes.as_chunks::<CHANNELS>();
    let rows: Vec<&[[u8; CHANNELS]]> = pixels.chunks_exact(width as usize).collect();
    let (left, top) = (at_px.0 as usize, at_px.1 as usize);
    let right = (to_px.0 - width) as usize - left;
    let mut extended = Vec::with_capacity(to_px.0 as usize * to_px.1 as usize * CHANNELS);
    for y in 0..to_px.1 as usize {
        let row = rows[y.saturating_sub(top).min(rows.len() - 1)];
        extended.extend(row[0].repeat(left));
        extended.extend_from_slice(row.as_flattened());
        extended.extend(row[row.len() - 1].repeat(right));
    }
    extended
}

#[cfg(test)]
mod tests {
    use image::{GenericImageView, Rgba};
    use proptest::prelude::*;

    use super::*;

    const RATIOS: Frame = Frame::Ratios(&[(1, 1), (2, 3), (3, 2), (9, 16), (16, 9), (21, 9)]);
    const SIZES: Frame = Frame::Sizes(&[(1024, 1024), (1536, 1024), (1024, 1536)]);

    #[test]
    fn the_shape_with_the_least_to_fill_is_taken() {
        for (frame, canvas, framed) in [
            (Frame::None, (512, 1024), (512, 1024)),
            (Frame::SQUARE, (1024, 1024), (1024, 1024)),
            (Frame::SQUARE, (512, 1024), (1024, 1024)),
            (RATIOS, (1024, 1024), (1024, 1024)),
            (RATIOS, (512, 1024), (576, 1024)),
            (RATIOS, (1024, 512), (1024, 576)),
            (RATIOS, (700, 300), (700, 300)),
            (SIZES, (512, 1024), (684, 1026)),
            (SIZES, (1024, 512), (1026, 684)),
            (SIZES, (512, 512), (512, 512)),
        ] {
            assert_eq!(frame.framed_px(canvas), framed, "{canvas:?} in {frame:?}");
        }
    }

    #[test]
    fn a_server_of_fixed_sizes_is_asked_for_one_of_them() {
        assert_eq!(SIZES.answer_px((684, 1026)), (1024, 1536));
        assert_eq!(SIZES.answer_px((512, 512)), (1024, 1024));
        assert_eq!(RATIOS.answer_px((576, 1024)), (576, 1024));
    }

    proptest! {
        #[test]
        fn the_canvas_lies_whole_in_its_frame_and_its_edges_go_on_around(
            width in 1_u32..60,
            height in 1_u32..60,
            frame in prop::sample::select(vec![Frame::None, Frame::SQUARE, RATIOS, SIZES]),
            has_alpha: bool,
        ) {
            let pixel = |x: u32, y: u32| Rgba([x as u8, y as u8, 7, if has_alpha { 9 } else { 255 }]);
            let canvas = DynamicImage::ImageRgba8(RgbaImage::from_fn(width, height, pixel));
            let canvas = if has_alpha { canvas } else { canvas.to_rgb8().into() };
            let color = canvas.color();
            let framed = frame.around(Sheet::of(canvas));
            prop_assert_eq!(framed.picture.color(), color);
            let (left, top) = framed.block_at_px;
            prop_assert!(left + width <= framed.picture.width());
            prop_assert!(top + height <= framed.picture.height());
            for (x, y, found) in framed.picture.pixels() {
                let nearest = (
                    x.saturating_sub(left).min(width - 1),
                    y.saturating_sub(top).min(height - 1),
                );
                prop_assert_eq!(found, pixel(nearest.0, nearest.1));
            }
            let asked = frame.answer_px((framed.picture.width(), framed.picture.height()));
            if let Frame::Sizes(sizes) = frame {
                prop_assert!(sizes.contains(&asked));
            }
        }
    }
}
