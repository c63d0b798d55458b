//! A canvas on its way out, and what comes back for it.

use bytes::Bytes;
use image::RgbImage;
use layer::{AcceptConfig, CanvasConfig, CanvasMode, Filter, ImageFormat};
use planner::Quadrant;

use crate::answer::{self, SizeMatch};
use crate::buffers::Buffers;
use crate::builtin;
use crate::bytes_shown::Tell;
use crate::decode::{decode, into_opaque};
use crate::encode::encode_canvas;
use crate::frame::Frame;
use crate::judge::{Expected, Judgement, Palette};
use crate::{Join, QuadrantSize, Sheet};

/// What an endpoint's canvas looks like. Endpoints of one form share their canvases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CanvasForm {
    /// What it holds.
    pub mode: CanvasMode,
    /// As what it is handed over.
    pub carries: Carries,
    /// What is put around it.
    pub frame: Frame,
}

/// As what an endpoint gets its canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    /// One encoded picture, for a server.
    Encoded(ImageFormat),
    /// Its pixels, for a filter inside the process.
    Pixels,
    /// The pictures of its quadrants as they are to be stored, for who draws nothing.
    Quadrants,
}

/// What was drawn inside the process.
#[derive(Debug)]
pub enum Drawn {
    /// A picture of the canvas's size.
    Picture(RgbImage),
    /// The quadrants as they are to be stored.
    Quadrants(Vec<(Quadrant, Vec<u8>)>),
}

/// A sheet as an endpoint gets it. Its picture is let go when it is sent; the rest is kept for the
/// answer.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The picture.
    pub content: Content,
    /// The rest.
    pub sent: Sent,
}

/// What is kept of a sheet until its answer is cut up: kilobytes, where its picture has megabytes.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The top-left pixel of the block in it.
    pub block_at_px: (u32, u32),
    /// Where the answer's colours are matched to those of finished neighbours.
    pub joins: Vec<Join>,
    /// The size of picture that is asked for.
    pub answer_px: (u32, u32),
    /// What was put around the canvas.
    frame: Frame,
    /// The size of the picture.
    size_px: (u32, u32),
    /// What an answer is judged by; `None` where none is.
    expected: Option<Box<Expected>>,
}

/// The picture of a canvas on its way.
#[derive(Debug, Clone)]
pub enum Content {
    /// Encoded, for a server.
    Encoded(ImageFormat, Bytes),
    /// As it is, for a filter inside the process.
    Pixels(RgbImage),
    /// The quadrants as they are to be stored.
    Quadrants(Vec<(Quadrant, Vec<u8>)>),
}

impl Outgoing {
    /// A sheet in the form that an endpoint takes, with a border as `config` has it. Where it is
    /// for a server, what an answer is judged by as `accept` has it is remembered.
    ///
    /// # Errors
    /// A line that says why it cannot be encoded.
    pub fn of(
        sheet: Sheet,
        form: CanvasForm,
        config: &CanvasConfig,
        accept: Option<&AcceptConfig>,
        buffers: &mut Buffers,
    ) -> Result<Self, String> {
        // A frame repeats the canvas's edge, so the border comes after it.
        let sheet = form.frame.around(sheet);
        let is_judged = matches!(form.carries, Carries::Encoded(_));
        let accept = accept.filter(|accept| is_judged && accept.is_on());
        let expected = accept.map(|accept| Box::new(Expected::of(&sheet, config, accept)));
        let sheet = sheet.with_border(config.border_px, config.border_color);
        let size_px = (sheet.picture.width(), sheet.picture.height());
        let content = match form.carries {
            Carries::Encoded(format) => {
                let bytes = encode_canvas(&sheet.picture, format)?;
                buffers.give_back_picture(sheet.picture);
                Content::Encoded(format, bytes.into())
            }
            _ => Content::Pixels(into_opaque(sheet.picture)),
        };
        let sent = Sent {
            block_at_px: sheet.block_at_px,
            joins: sheet.joins,
            answer_px: form.frame.answer_px(size_px),
            frame: form.frame,
            size_px,
            expected,
        };
        Ok(Self { content, sent })
    }

    /// The pictures of a block's quadrants, to be stored as they are.
    #[must_use]
    pub fn of_quadrants(quadrants: Vec<(Quadrant, Vec<u8>)>) -> Self {
        let sent = Sent {
            block_at_px: (0, 0),
            joins: Vec::new(),
            answer_px: (0, 0),
            frame: Frame::None,
            size_px: (0, 0),
            expected: None,
        };
        Self {
            content: Content::Quadrants(quadrants),
            sent,
        }
    }
}

impl Content {
    /// Draws the picture anew, with a filter.
    ///
    /// # Errors
    /// When its form is one for servers.
    pub fn filtered(self, filter: Filter) -> Result<Drawn, String> {
        match self {
            Self::Encoded(..) => Err("the canvas is encoded".to_owned()),
            Self::Quadrants(quadrants) => Ok(Drawn::Quadrants(quadrants)),
            Self::Pixels(mut picture) => {
                builtin::apply(filter, &mut picture);
                Ok(Drawn::Picture(picture))
            }
        }
    }

    /// The encoded picture.
    ///
    /// # Errors
    /// When its form is one for filters.
    pub fn encoded(self) -> Result<(ImageFormat, Bytes), String> {
        match self {
            Self::Encoded(format, bytes) => Ok((format, bytes)),
            _ => Err("the canvas is not encoded".to_owned()),
        }
    }
}

impl Sent {
    /// Whether an answer as large as this is a picture of one quadrant and nothing else, in the
    /// colours in which it came.
    #[must_use]
    pub fn is_of_one_quadrant(&self, size: QuadrantSize) -> bool {
        self.size_px == (size.width_px, size.height_px)
            && self.frame == Frame::None
            && self.joins.is_empty()
    }

    /// Decodes an answer.
    ///
    /// # Errors
    /// A line that says what came instead of a picture.
    pub fn decode_answer(
        &self,
        picture: &[u8],
        tell: Tell,
        buffers: &mut Buffers,
    ) -> Result<RgbImage, String> {
        // A model that answers larger than it was asked is believed up to four times.
        let (width, height) = self.size_px;
        let longest_side = 4 * width.max(height).max(1024);
        let decoded = decode(picture, longest_side, tell, buffers)?;
        Ok(into_opaque(decoded))
    }

    /// Whether an answer is good enough: one that was brought to size, before its colours are
    /// matched. Where nothing was remembered it is.
    #[must_use]
    pub fn judge(&self, answer: &RgbImage, accept: &AcceptConfig, palette: &Palette) -> Judgement {
        match &self.expected {
            Some(expected) if answer.dimensions() == self.size_px => {
                expected.judge(answer, accept, palette)
            }
            _ => Judgement::default(),
        }
    }

    /// Brings an answer to the size of what was sent.
    ///
    /// # Errors
    /// A line that says so when it is too small to be a picture of the canvas.
    pub fn bring_to_size(&self, answer: RgbImage) -> Result<(RgbImage, SizeMatch), String> {
        let (width, height) = self.size_px;
        let (answer, size_match) = answer::bring_to_size(answer, width, height)?;
        let size_match = match size_match {
            // Who is sent a shape answers in its own size of that shape.
            SizeMatch::Resized if self.frame != Frame::None => SizeMatch::Exact,
            other => other,
        };
        Ok((answer, size_match))
    }
}
