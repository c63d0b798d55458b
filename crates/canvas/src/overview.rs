//! Pictures seen from twice as far: each pixel is the mean of the 2x2 that it covers.

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ImageEncoder, RgbImage, RgbaImage};

use crate::{Buffers, Tell, decode};

/// The format has no longer sides.
const MAX_WEBP_SIDE_PX: u32 = 16_383;

/// Four pictures that lie beside each other: top left, top right, bottom left, bottom right; where
/// there is none, nothing is seen.
pub type Four = [Option<Seen>; 4];

/// A picture, opaque or not.
pub type Seen = DynamicImage;

/// An overview that is to be seen from farther still, whose size is `px`; `None` when it is not what
/// it was.
#[must_use]
pub fn decode_overview(bytes: &[u8], px: (u32, u32)) -> Option<DynamicImage> {
    let picture = decode(
        bytes,
        px.0.max(px.1),
        Tell::FirstBytes,
        &mut Buffers::default(),
    )
    .ok()?;
    ((picture.width(), picture.height()) == px).then_some(picture)
}

/// What is seen of four pictures from twice as far: RGB where nothing is see-through, else RGBA;
/// `None` when all are missing.
///
/// The left ones are `left_px` wide and high, all four together `whole_px`; where a picture is
/// missing, the overview is see-through. It is half as wide and high, rounded up: a pixel that
/// hangs over the end is the mean of what there is.
///
/// # Errors
/// A line that says which picture does not have its size.
pub fn overview(
    four: &Four,
    left_px: (u32, u32),
    whole_px: (u32, u32),
) -> Result<Option<DynamicImage>, String> {
    if four.iter().all(Option::is_none) {
        return Ok(None);
    }
    let mut is_solid = true;
    for (place, picture) in four.iter().enumerate() {
        let size = size_at(place, left_px, whole_px);
        match picture {
            Some(picture) if (picture.width(), picture.height()) != size => {
                return Err(format!(
                    "a picture of {}x{} px, where one of {}x{} px belongs",
                    picture.width(),
                    picture.height(),
                    size.0,
                    size.1
                ));
            }
            Some(DynamicImage::ImageRgb8(_)) => {}
            Some(_) => is_solid = false,
            None => is_solid &= size.0 == 0 || size.1 == 0,
        }
    }
    // Pixels whose 2x2 lies in two pictures are rare, and taken from all four put together.
    let together;
    let four = if left_px.0 % 2 == 1 || left_px.1 % 2 == 1 {
        together = [
            Some(put_together(four, left_px, whole_px)),
            None,
            None,
            None,
        ];
        &together
    } else {
        four
    };
    let (width, height) = (whole_px.0.div_ceil(2), whole_px.1.div_ceil(2));
    let channels = if is_solid { 3 } else { 4 };
    let line = channels * width as usize;
    let mut half = vec![0; line * height as usize];
    for (place, picture) in four.iter().enumerate() {
        let (right, down) = corner_of(place, left_px);
        let (right, down) = (right as usize / 2, down as usize / 2);
        let to = half
            .get_mut(down * line + right * channels..)
            .unwrap_or_default();
        match picture {
            Some(DynamicImage::ImageRgb8(picture)) if is_solid => halve_rgb(picture, to, line),
            Some(DynamicImage::ImageRgba8(picture)) => halve_rgba(picture, to, line),
            Some(picture) => halve_rgba(&picture.to_rgba8(), to, line),
            None => {}
        }
    }
    let picture = if is_solid {
        RgbImage::from_raw(width, height, half).map(DynamicImage::from)
    } else {
        RgbaImage::from_raw(width, height, half).map(DynamicImage::from)
    };
    Ok(picture)
}

/// An overview as a PNG, made in a hurry.
///
/// # Errors
/// A line that says why not; only memory can be short.
pub fn encode_overview(picture: &DynamicImage) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(picture.as_bytes().len() / 2);
    // What was averaged has no runs, and of all filters this one suits it best.
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Paeth)
        .write_image(
            picture.as_bytes(),
            picture.width(),
            picture.height(),
            picture.color().into(),
        )
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// A picture as a lossless WebP: the same pixels in fewer bytes.
///
/// # Errors
/// A line that says what is wrong with the picture.
pub fn as_webp(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let picture = decode(
        bytes,
        MAX_WEBP_SIDE_PX,
        Tell::FirstBytes,
        &mut Buffers::default(),
    )?;
    // WebP has 8 bits a channel.
    let picture: DynamicImage = if picture.color().has_alpha() {
        picture.to_rgba8().into()
    } else {
        picture.to_rgb8().into()
    };
    let mut webp = Vec::new();
    WebPEncoder::new_lossless(&mut webp)
        .write_image(
            picture.as_bytes(),
            picture.width(),
            picture.height(),
            picture.color().into(),
        )
        .map_err(|error| error.to_string())?;
    Ok(webp)
}

/// The size of the one of four that stands at `place`.
fn size_at(place: usize, left_px: (u32, u32), whole_px: (u32, u32)) -> (u32, u32) {
    let along = |is_second: bool, first: u32, whole: u32| {
        if is_second {
            whole.saturating_sub(first)
        } else {
            first.min(whole)
        }
    };
    (
        along(place % 2 == 1, left_px.0, whole_px.0),
        along(place >= 2, left_px.1, whole_px.1),
    )
}

/// Where the one of four that stands at `place` begins.
fn corner_of(place: usize, left_px: (u32, u32)) -> (u32, u32) {
    let right = if place % 2 == 1 { left_px.0 } else { 0 };
    let down = if place >= 2 { left_px.1 } else { 0 };
    (right, down)
}

fn put_together(four: &Four, left_px: (u32, u32), whole_px: (u32, u32)) -> DynamicImage {
    let mut whole = RgbaImage::new(whole_px.0, whole_px.1);
    for (place, picture) in four.iter().enumerate() {
        let Some(picture) = picture else { continue };
        let (right, down) = corner_of(place, left_px);
        image::imageops::replace(&mut whole, &picture.to_rgba8(), right.into(), down.into());
    }
    let is_solid = whole.pixels().all(|pixel| pixel[3] == 255);
    let whole = DynamicImage::from(whole);
    if is_solid {
        whole.to_rgb8().into()
    } else {
        whole
    }
}

/// The rows of a picture by twos, each with the place of what is made of them; the last one is its
/// own second where their number is odd.
fn twos<'a>(
    samples: &'a [u8],
    own_line: usize,
    to: &'a mut [u8],
    line: usize,
) -> impl Iterator<Item = (&'a [u8], &'a [u8], &'a mut [u8])> {
    let rows = samples.chunks(2 * own_line).zip(to.chunks_mut(line));
    rows.map(move |(both, to)| {
        let (first, second) = both.split_at(own_line);
        (first, if second.is_empty() { first } else { second }, to)
    })
}

fn halve_rgb(picture: &RgbImage, to: &mut [u8], line: usize) {
    let own_line = 3 * picture.width() as usize;
    if own_line == 0 {
        return;
    }
    let mut sums = vec![0_u16; own_line];
    for (first, second, to) in twos(picture.as_raw(), own_line, to, line) {
        for ((sum, &a), &b) in sums.iter_mut().zip(first).zip(second) {
            *sum = u16::from(a) + u16::from(b);
        }
        let twos = sums.chunks_exact(6);
        // The pixel that hangs over the end is its own neighbour.
        if let [red, green, blue] = *twos.remainder() {
            let last = [red, green, blue].map(|sum| sum.div_ceil(2) as u8);
            to[own_line / 6 * 3..][..3].copy_from_slice(&last);
        }
        for (two, to) in twos.zip(to.chunks_exact_mut(3)) {
            to[0] = ((two[0] + two[3] + 2) / 4) as u8;
            to[1] = ((two[1] + two[4] + 2) / 4) as u8;
            to[2] = ((two[2] + two[5] + 2) / 4) as u8;
        }
    }
}

/// Colours count by their opacity, so that what is see-through has none.
fn halve_rgba(picture: &RgbaImage, to: &mut [u8], line: usize) {
    let own_line = 4 * picture.width() as usize;
    if own_line == 0 {
        return;
    }
    for (first, second, to) in twos(picture.as_raw(), own_line, to, line) {
        let fours = first.chunks(8).zip(second.chunks(8));
        for ((a, b), to) in fours.zip(to.chunks_exact_mut(4)) {
            let pixels = [&a[..4], &a[a.len() - 4..], &b[..4], &b[b.len() - 4..]];
            let alpha: u32 = pixels.iter().map(|pixel| u32::from(pixel[3])).sum();
            if alpha == 0 {
                continue;
            }
            for channel in 0..3 {
                let weighed = |pixel: &&[u8]| u32::from(pixel[channel]) * u32::from(pixel[3]);
                let sum: u32 = pixels.iter().map(weighed).sum();
                to[channel] = ((sum + alpha / 2) / alpha) as u8;
            }
            to[3] = ((alpha + 2) / 4) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, Rgba};

    use super::*;

    fn plain(width: u32, height: u32, level: u8) -> Option<DynamicImage> {
        Some(RgbImage::from_pixel(width, height, Rgb([level; 3])).into())
    }

    fn of(four: &Four, left_px: (u32, u32), whole_px: (u32, u32)) -> DynamicImage {
        overview(four, left_px, whole_px).unwrap().unwrap()
    }

    #[test]
    fn each_pixel_is_the_mean_of_those_that_it_covers() {
        let picture = RgbImage::from_fn(4, 4, |x, y| {
            Rgb([(x * 10) as u8, (y * 20) as u8, (x + y) as u8])
        });
        let four = [
            Some(picture.into()),
            plain(4, 4, 7),
            plain(4, 4, 8),
            plain(4, 4, 9),
        ];
        let half = of(&four, (4, 4), (8, 8));
        let half = half.as_rgb8().unwrap();
        assert_eq!(half.dimensions(), (4, 4));
        assert_eq!(half.as_raw()[..9], [5, 10, 1, 25, 10, 3, 7, 7, 7]);
        assert_eq!((half[(0, 3)].0, half[(3, 3)].0), ([8; 3], [9; 3]));
    }

    #[test]
    fn what_is_missing_is_see_through_and_tints_nothing() {
        let half = of(&[plain(2, 2, 200), None, None, None], (2, 2), (4, 4));
        let expected = [[200, 200, 200, 255], [0; 4], [0; 4], [0; 4]].concat();
        assert_eq!(*half.as_rgba8().unwrap().as_raw(), expected);
        // Once more: a quarter of the pixel is there, in its own colour.
        let again = of(&[Some(half), None, None, None], (2, 2), (2, 2));
        assert_eq!(again.as_bytes(), [200, 200, 200, 64]);
        let nothing = overview(&[None, None, None, None], (2, 2), (4, 4));
        assert!(nothing.unwrap().is_none());
    }

    #[test]
    fn odd_sizes_end_with_the_mean_of_what_there_is() {
        let see_through = || Some(RgbaImage::from_pixel(1, 1, Rgba([70, 70, 70, 255])).into());
        for corner in [plain(1, 1, 70), see_through()] {
            let four = [plain(2, 2, 10), plain(1, 2, 30), plain(2, 1, 50), corner];
            let half = of(&four, (2, 2), (3, 3));
            assert_eq!((half.width(), half.height()), (2, 2));
            let reds: Vec<u8> = half.to_rgb8().pixels().map(|pixel| pixel[0]).collect();
            assert_eq!(reds, [10, 30, 50, 70]);
        }
    }

    #[test]
    fn pixels_of_two_pictures_are_mixed_where_these_are_odd() {
        let four = [
            plain(3, 3, 0),
            plain(3, 3, 100),
            plain(3, 3, 0),
            plain(3, 3, 100),
        ];
        let half = of(&four, (3, 3), (6, 6));
        let reds: Vec<u8> = half
            .as_rgb8()
            .unwrap()
            .pixels()
            .map(|pixel| pixel[0])
            .collect();
        assert_eq!(reds[..3], [0, 50, 100]);
    }

    #[test]
    fn a_webp_has_the_same_pixels() {
        let picture = RgbImage::from_fn(9, 5, |x, y| Rgb([(x * 20) as u8, (y * 40) as u8, 77]));
        let see_through = RgbaImage::from_fn(9, 5, |x, _| Rgba([9, 8, 7, (x * 25) as u8]));
        for picture in [DynamicImage::from(picture), see_through.into()] {
            let webp = as_webp(&encode_overview(&picture).unwrap()).unwrap();
            assert_eq!(&webp[8..12], b"WEBP");
            assert_eq!(image::load_from_memory(&webp).unwrap(), picture);
        }
        assert!(as_webp(b"no picture").is_err());
    }

    #[test]
    fn a_picture_of_another_size_is_refused() {
        let four = [plain(3, 2, 1), None, None, None];
        let refused = overview(&four, (2, 2), (4, 4)).unwrap_err();
        assert!(
            refused.contains("3x2 px") && refused.contains("2x2 px"),
            "{refused}"
        );
    }
}
