//! What a run that goes on learns from what is finished.

use std::sync::Arc;

use canvas::{Buffers, decode_quadrant, prepare_source};
use image::DynamicImage;
use layer::{CanvasMode, Check};
use planner::Quadrant;

use super::task::{Done, Work};

/// From so many finished quadrants a run learns what colours its layer has.
const LEARNT_FROM: usize = 48;

impl Work {
    /// Learns from some of the finished quadrants what colours the layer has.
    pub(crate) async fn learn_colors(self: Arc<Self>, complete: Vec<Quadrant>) -> Done {
        let looks_for = self.gate.looks_for();
        if looks_for.is_none_or(|accept| accept.limit(Check::Color).is_none()) {
            return Done::Nothing;
        }
        let step = complete.len().div_ceil(LEARNT_FROM).max(1);
        for quadrant in complete.into_iter().step_by(step) {
            let source = self.source.picture(self.source_layer, quadrant).await;
            let finished = self.pictures.read_what_is_whole(quadrant).await;
            let (Ok(source), Ok(Some(finished))) = (source, finished) else {
                continue;
            };
            let this = Arc::clone(&self);
            let learn = move |buffers: &mut Buffers| {
                let mut decode = |bytes: &[u8]| decode_quadrant(bytes, this.size, buffers);
                let (source, finished) = (decode(&source)?, decode(&finished)?);
                let mut source = source.into_rgba8();
                if this.canvas.mode == CanvasMode::Infill {
                    prepare_source(&mut source, quadrant, &this.canvas);
                }
                let source = DynamicImage::from(source).into_rgb8();
                this.gate.learn(&source, &finished.into_rgb8());
                Ok(())
            };
            // One that cannot be decoded teaches nothing; what needs it says so.
            drop(self.cores.run(learn).await);
        }
        Done::Nothing
    }
}
