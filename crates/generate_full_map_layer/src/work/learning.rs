//! What a run that goes on learns from what is finished.

use std::collections::HashMap;
use std::sync::Arc;

use canvas::{Buffers, Judgement, decode_quadrant, prepare_source};
use cores::Stage;
use image::{DynamicImage, RgbImage};
use layer::{CanvasMode, Check};
use planner::{Block, Quadrant};

use super::task::{Done, Work};

/// From so many finished quadrants a run learns what colours its layer has.
const LEARNT_FROM: usize = 48;

impl Work {
    /// Learns from some of the finished quadrants what colours the layer has. With each goes the name
    /// of who drew it.
    pub(crate) async fn learn_colors(self: Arc<Self>, complete: Vec<(Quadrant, String)>) -> Done {
        let looks_for = self.gate.looks_for();
        if looks_for.is_none_or(|accept| accept.limit(Check::Color).is_none()) {
            return Done::Nothing;
        }
        let step = complete.len().div_ceil(LEARNT_FROM).max(1);
        for (quadrant, painter) in complete.into_iter().step_by(step) {
            let source = self.source.picture(self.source_layer, quadrant).await;
            let finished = self.pictures.read_what_is_whole(quadrant).await;
            let (Ok(source), Ok(Some(finished))) = (source, finished) else {
                continue;
            };
            let this = Arc::clone(&self);
            let learn = move |buffers: &mut Buffers| {
                let source = this.shown(quadrant, &source, this.canvas.mode, buffers)?;
                let finished = decode_quadrant(&finished, this.size, buffers)?;
                this.gate.learn(&painter, &source, &finished.into_rgb8());
                Ok(())
            };
            // One that cannot be decoded teaches nothing; what needs it says so.
            drop(self.cores.run(learn).await);
        }
        Done::Nothing
    }

    /// Finds out what was in doubt of an answer of `painter`: whether the source is like it. Where
    /// that cannot be read nothing is held against the answer.
    pub(crate) async fn settle(
        self: &Arc<Self>,
        painter: String,
        block: Block,
        mut judgement: Judgement,
    ) -> Judgement {
        let mut sources = Vec::with_capacity(judgement.in_doubt.len());
        for step in &judgement.in_doubt {
            let neighbour = step.neighbour(block);
            let source = self.source.picture(self.source_layer, neighbour).await;
            sources.extend(source.map(|source| (neighbour, source)));
        }
        let this = Arc::clone(self);
        let settle = move |buffers: &mut Buffers| {
            let settle = || {
                let shown = sources.iter().filter_map(|(neighbour, source)| {
                    let shown = this.shown(*neighbour, source, CanvasMode::Infill, buffers);
                    Some((*neighbour, shown.ok()?))
                });
                let shown: HashMap<Quadrant, RgbImage> = shown.collect();
                this.gate.settle(&painter, &mut judgement, |step| {
                    shown.get(&step.neighbour(block)).cloned()
                });
            };
            this.cpu_time.of(Stage::Judge, settle);
            Ok(judgement)
        };
        self.cores.run(settle).await.expect("it cannot fail")
    }

    /// A source picture as canvases show it.
    fn shown(
        &self,
        quadrant: Quadrant,
        source: &[u8],
        mode: CanvasMode,
        buffers: &mut Buffers,
    ) -> Result<RgbImage, String> {
        let mut source = decode_quadrant(source, self.size, buffers)?.into_rgba8();
        if mode == CanvasMode::Infill {
            prepare_source(&mut source, quadrant, &self.canvas);
        }
        Ok(DynamicImage::from(source).into_rgb8())
    }
}
