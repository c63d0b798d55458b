//! Preparing the canvas of an item: reading pictures, drawing, encoding.

use std::iter::repeat_n;
use std::sync::Arc;

use bytes::Bytes;
use canvas::{
    Arrangement, Buffers, CanvasForm, Carries, Content, Kind, Outgoing, Picture, Sheet, as_stored,
    decode_quadrant, infill, stitch, stitch_encoded,
};
use cores::Stage;
use dispatch::{CanvasId, PrepareFailure};
use image::DynamicImage;
use layer::CanvasMode;
use planner::{Block, Quadrant};

use super::fault_point::fault_point;
use super::task::{Call, Canvas, Done, Forms, Work};

/// The encoded picture of a quadrant.
type EncodedPicture = (Quadrant, Vec<u8>);

/// The encoded pictures around a block that its infill canvas shows.
#[derive(Debug)]
struct Around {
    arrangement: Arrangement,
    finished: Vec<EncodedPicture>,
    sources: Vec<EncodedPicture>,
}

/// Whether a form has what is around a block.
fn show_surroundings(forms: &[CanvasForm]) -> bool {
    forms.iter().any(|form| form.mode == CanvasMode::Infill)
}

impl Work {
    /// Reads, draws and encodes the canvas of a block. `finished` are the quadrants around it
    /// that an infill canvas shows as finished.
    pub(crate) async fn prepare(
        self: Arc<Self>,
        id: CanvasId,
        block: Block,
        finished: Vec<Quadrant>,
    ) -> Done {
        fault_point("preparing");
        let canvas = self.canvas_of(block, finished, self.roster.forms()).await;
        Done::Prepared { id, canvas }
    }

    /// Draws the canvas of a call in the form of its endpoint, which none of the run's took when it was
    /// drawn.
    pub(crate) async fn redraw(self: &Arc<Self>, call: &Call) -> Result<Content, PrepareFailure> {
        let (block, form) = (call.item.block, call.at.form);
        let canvas = self.canvas_of(block, call.finished.clone(), vec![form]);
        let Outgoing { content, sent } = canvas.await?.in_form(form).expect("it was asked for");
        let _ = call.sent.set(sent);
        Ok(content)
    }

    /// Encodes the canvas of a call once more, which was let go when it was sent.
    pub(crate) async fn encode_again(self: Arc<Self>, call: Call) -> Result<Bytes, String> {
        let content = self.redraw(&call).await.map_err(|failure| match failure {
            PrepareFailure::Item(reason) | PrepareFailure::Source(reason) => reason,
        })?;
        Ok(content.encoded()?.1)
    }

    async fn canvas_of(
        self: &Arc<Self>,
        block: Block,
        finished: Vec<Quadrant>,
        forms: Vec<CanvasForm>,
    ) -> Result<Canvas, PrepareFailure> {
        let quadrants: Vec<Quadrant> = block.quadrants().collect();
        let mut own = Vec::with_capacity(quadrants.len());
        for (quadrant, picture) in self.read_sources(&quadrants).await? {
            own.push((quadrant, picture.map_err(PrepareFailure::Item)?));
        }
        let around = if show_surroundings(&forms) {
            Some(self.read_around(block, &finished).await?)
        } else {
            None
        };
        let this = Arc::clone(self);
        let draw = move |buffers: &mut Buffers| {
            fault_point("drawing");
            let forms = this.draw_canvas(block, &own, (around.as_ref(), &forms), buffers)?;
            Ok(Canvas { forms, finished })
        };
        let drawn = self.cores.run_first(draw).await;
        drawn.map_err(PrepareFailure::Item)
    }

    async fn read_around(
        self: &Arc<Self>,
        block: Block,
        finished: &[Quadrant],
    ) -> Result<Around, PrepareFailure> {
        let is_finished = |quadrant: &Quadrant| finished.contains(quadrant);
        let arrangement = Arrangement::of(block, self.size, |quadrant| is_finished(&quadrant));
        let (finished, others): (Vec<_>, Vec<_>) = arrangement.beside().partition(is_finished);
        let sources = self.read_sources(&others).await?;
        // Beyond the map's outline there is nothing to show.
        let sources = sources.filter_map(|(quadrant, picture)| Some((quadrant, picture.ok()?)));
        let mut pictures = Vec::with_capacity(finished.len());
        for quadrant in finished {
            let picture = self.read_finished(quadrant).await;
            pictures.push((quadrant, picture.map_err(PrepareFailure::Item)?));
        }
        Ok(Around {
            arrangement,
            finished: pictures,
            sources: sources.collect(),
        })
    }

    /// The source pictures of `quadrants`, or why one cannot be had.
    async fn read_sources<'a>(
        &self,
        quadrants: &'a [Quadrant],
    ) -> Result<impl Iterator<Item = (Quadrant, Result<Vec<u8>, String>)> + use<'a>, PrepareFailure>
    {
        let pictures = self.source.pictures(self.source_layer, quadrants).await;
        let pictures = pictures.map_err(|error| PrepareFailure::Source(error.to_string()))?;
        let pictures = pictures
            .into_iter()
            .map(|picture| picture.map_err(|error| error.to_string()));
        Ok(quadrants.iter().copied().zip(pictures))
    }

    async fn read_finished(&self, quadrant: Quadrant) -> Result<Vec<u8>, String> {
        match self.pictures_with(quadrant).read(quadrant).await {
            Ok(Some(picture)) => Ok(picture),
            Ok(None) => Err(self.unusable(quadrant, "missing")),
            Err(error) => Err(self.unusable(quadrant, &format!("unreadable ({error})"))),
        }
    }

    /// Says that a finished picture which the block has to join is of no use.
    fn unusable(&self, quadrant: Quadrant, what: &str) -> String {
        format!(
            "{}, the finished picture of quadrant {quadrant} that this block has to join, is {what}; run again with --resume --retry-errors to make it and this block again",
            self.pictures_with(quadrant).place_of(quadrant)
        )
    }

    fn draw_canvas(
        &self,
        block: Block,
        own: &[EncodedPicture],
        (around, forms): (Option<&Around>, &[CanvasForm]),
        buffers: &mut Buffers,
    ) -> Result<Forms, String> {
        let mut outgoing = Vec::with_capacity(1);
        for mode in [CanvasMode::Block, CanvasMode::Infill] {
            let of_mode = forms.iter().filter(|form| form.mode == mode);
            let mut forms: Vec<CanvasForm> = of_mode.copied().collect();
            if let Some(copied) = forms
                .extract_if(.., |form| form.carries == Carries::Quadrants)
                .next()
            {
                outgoing.push((copied, self.copy(own, buffers)?));
            }
            if forms.is_empty() {
                continue;
            }
            let sheet = match (mode, around) {
                (CanvasMode::Infill, Some(around)) => self.draw_infill(own, around, buffers)?,
                _ => self.stitch(block, own, buffers)?,
            };
            for (sheet, form) in repeat_n(sheet, forms.len()).zip(forms) {
                let looks_for = self.gate.looks_for();
                let encode = || Outgoing::of(sheet, form, &self.canvas, looks_for, buffers);
                let sheet = self.cpu_time.of(Stage::EncodeCanvas, encode)?;
                outgoing.push((form, sheet));
            }
        }
        Ok(outgoing)
    }

    fn copy(&self, own: &[EncodedPicture], buffers: &mut Buffers) -> Result<Outgoing, String> {
        let stored = own.iter().map(|(quadrant, picture)| {
            let store = || as_stored(picture, self.size, self.compression, buffers);
            let stored = self.cpu_time.of(Stage::DecodeSource, store);
            Ok((
                *quadrant,
                stored.map_err(|reason| self.bad_source(*quadrant, &reason))?,
            ))
        });
        let stored = stored.collect::<Result<_, String>>()?;
        Ok(Outgoing::of_quadrants(stored))
    }

    fn bad_source(&self, quadrant: Quadrant, reason: &str) -> String {
        format!(
            "the {} of quadrant {quadrant} in {} is {reason}",
            self.source_layer.column(),
            self.source.place().display()
        )
    }

    fn stitch(
        &self,
        block: Block,
        own: &[EncodedPicture],
        buffers: &mut Buffers,
    ) -> Result<Sheet, String> {
        let pictures = own.iter().map(|(place, picture)| (*place, &**picture));
        let decode = || stitch_encoded(block, self.size, pictures, buffers);
        if let Some(sheet) = self.cpu_time.of(Stage::DecodeSource, decode) {
            return Ok(sheet);
        }
        let sources = self.decode_sources(own, buffers)?;
        let draw = || stitch(block, self.size, &sources, buffers);
        let sheet = self.cpu_time.of(Stage::EncodeCanvas, draw);
        for (_, source) in sources {
            buffers.give_back_picture(source);
        }
        Ok(sheet)
    }

    fn decode_sources(
        &self,
        own: &[EncodedPicture],
        buffers: &mut Buffers,
    ) -> Result<Vec<(Quadrant, DynamicImage)>, String> {
        let decoded = own.iter().map(|(quadrant, picture)| {
            let decode = || decode_quadrant(picture, self.size, buffers);
            let decoded = self.cpu_time.of(Stage::DecodeSource, decode);
            Ok((
                *quadrant,
                decoded.map_err(|reason| self.bad_source(*quadrant, &reason))?,
            ))
        });
        decoded.collect()
    }

    fn draw_infill(
        &self,
        own: &[EncodedPicture],
        around: &Around,
        buffers: &mut Buffers,
    ) -> Result<Sheet, String> {
        let sources = self.decode_sources(own, buffers)?;
        let mut decode = |quadrant: Quadrant, encoded: &[u8]| {
            let decode = || decode_quadrant(encoded, self.size, buffers);
            let decoded = self.cpu_time.of(Stage::DecodeSource, decode);
            decoded.map(|decoded| (quadrant, decoded))
        };
        let mut decoded: Vec<(Kind, (Quadrant, DynamicImage))> = Vec::with_capacity(9);
        decoded.extend(sources.into_iter().map(|source| (Kind::Source, source)));
        for (quadrant, encoded) in &around.finished {
            let finished =
                decode(*quadrant, encoded).map_err(|reason| self.unusable(*quadrant, &reason))?;
            decoded.push((Kind::Finished, finished));
        }
        // One that is of no use fails its own item, and is no reason to fail this one.
        let beside = around.sources.iter();
        let beside = beside.filter_map(|(quadrant, encoded)| decode(*quadrant, encoded).ok());
        decoded.extend(beside.map(|source| (Kind::Source, source)));
        let draw = || {
            let pictures = decoded.into_iter();
            let pictures =
                pictures.map(|(kind, (at, picture))| Picture::of(at, kind, picture, buffers));
            infill(&around.arrangement, &self.canvas, pictures.collect())
        };
        Ok(self.cpu_time.of(Stage::EncodeCanvas, draw))
    }
}
