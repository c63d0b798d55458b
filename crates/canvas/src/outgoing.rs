//! A canvas on its way out, and what comes back for it.

use bytes::Bytes;
use image::RgbImage;
use layer::{CanvasMode, Filter, ImageFormat};

use crate::answer::{self, SizeMatch};
use crate::buffers::Buffers;
use crate::builtin;
use crate::bytes_shown::Tell;
use crate::decode::{decode, into_opaque};
use crate::encode::encode_canvas;
use crate::frame::Frame;
use crate::{Join, Sheet};

/// What an endpoint's canvas looks like. Endpoints of one form share their canvases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CanvasForm {
    /// What it holds.
    pub mode: CanvasMode,
    /// How it is encoded; not at all where it stays in the process.
    pub format: Option<ImageFormat>,
    /// What is put around it.
    pub frame: Frame,
}

/// A sheet as an endpoint gets it.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The picture.
    pub content: Content,
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
}

/// The picture of a canvas on its way.
#[derive(Debug, Clone)]
pub enum Content {
    /// Encoded, for a server.
    Encoded(ImageFormat, Bytes),
    /// As it is, for a filter inside the process.
    Pixels(RgbImage),
}

impl Outgoing {
    /// A framed sheet in the form that an endpoint takes.
    ///
    /// # Errors
    /// A line that says why it cannot be encoded.
    pub fn of(sheet: Sheet, form: CanvasForm, buffers: &mut Buffers) -> Result<Self, String> {
        let size_px = (sheet.picture.width(), sheet.picture.height());
        let content = match form.format {
            Some(format) => {
                let bytes = encode_canvas(&sheet.picture, format)?;
                buffers.give_back_picture(sheet.picture);
                Content::Encoded(format, bytes.into())
            }
            None => Content::Pixels(into_opaque(sheet.picture)),
        };
        Ok(Self {
            content,
            block_at_px: sheet.block_at_px,
            joins: sheet.joins,
            answer_px: form.frame.answer_px(size_px),
            frame: form.frame,
            size_px,
        })
    }

    /// Draws the picture anew, with a filter.
    ///
    /// # Errors
    /// When its form is one for servers.
    pub fn filtered(&self, filter: Filter) -> Result<RgbImage, String> {
        let Content::Pixels(picture) = &self.content else {
            return Err("the canvas is encoded".to_owned());
        };
        let mut picture = picture.clone();
        builtin::apply(filter, &mut picture);
        Ok(picture)
    }

    /// The encoded picture.
    ///
    /// # Errors
    /// When its form is one for filters.
    pub fn encoded(&self) -> Result<(ImageFormat, &Bytes), String> {
        match &self.content {
            Content::Encoded(format, bytes) => Ok((*format, bytes)),
            Content::Pixels(_) => Err("the canvas is not encoded".to_owned()),
        }
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
