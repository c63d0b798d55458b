//! Whether answers are good enough; and the best of those that are not, kept.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use canvas::{Buffers, Judgement, Outgoing, Palette, decode_quadrant};
use dispatch::{EndpointIndex, Failure, FailureKind};
use image::RgbImage;
use layer::{AcceptConfig, Check, KeptPictures, LayerError};
use planner::{Item, Quadrant};

use super::task::{Done, Work};

/// From so many finished quadrants a run learns what colours its layer has.
const LEARNT_FROM: usize = 48;

/// What a run holds against answers.
#[derive(Debug)]
pub(crate) struct Gate {
    accept: AcceptConfig,
    palette: Palette,
    rejected: KeptPictures,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The best answers of this run that were kept, by item.
    best: HashMap<i64, Best>,
    /// The top left quadrants of blocks of which an answer is kept from an earlier run.
    kept_before: HashSet<Quadrant>,
    /// How often each check said no to an endpoint.
    refused: BTreeMap<EndpointIndex, Vec<(Check, usize)>>,
}

#[derive(Debug)]
struct Best {
    badness: f64,
    told: String,
}

impl Gate {
    /// The gate of a layer; `rejected` is where it keeps what does not pass.
    ///
    /// # Errors
    /// When what is kept there cannot be listed.
    pub(crate) fn new(accept: AcceptConfig, rejected: KeptPictures) -> Result<Self, LayerError> {
        let kept_before = rejected.blocks()?.into_iter().collect();
        Ok(Self {
            accept,
            palette: Palette::default(),
            rejected,
            state: Mutex::new(State {
                kept_before,
                ..State::default()
            }),
        })
    }

    /// What canvases are to be remembered for.
    pub(crate) fn looks_for(&self) -> Option<&AcceptConfig> {
        self.accept.is_on().then_some(&self.accept)
    }

    /// Looks at an answer that was brought to its canvas's size. One that is good enough is what the
    /// next ones are compared with.
    pub(crate) fn judge(&self, sheet: &Outgoing, answer: &RgbImage) -> Judgement {
        let judgement = sheet.judge(answer, &self.accept, &self.palette);
        if judgement.is_good() {
            self.palette.learn(&judgement.looked);
        }
        judgement
    }

    /// Keeps the pictures of an answer that is not good enough, unless a better one is kept already,
    /// and says what was wrong. Writes files.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(crate) fn reject(
        &self,
        item: Item,
        endpoint: EndpointIndex,
        endpoint_name: &str,
        judgement: &Judgement,
        pictures: &[(Quadrant, Vec<u8>)],
    ) -> Result<Failure, LayerError> {
        let mut state = self.state();
        let refused = state.refused.entry(endpoint).or_default();
        for finding in &judgement.findings {
            match refused
                .iter_mut()
                .find(|(check, _)| *check == finding.check)
            {
                Some((_, count)) => *count += 1,
                None => refused.push((finding.check, 1)),
            }
        }
        let mut told = format!("not good enough: {judgement}");
        let badness = judgement.badness();
        match state.best.get(&item.id) {
            Some(best) if best.badness < badness => told += &format!("; {}", best.told),
            Some(best) if best.badness == badness => {}
            _ => {
                self.rejected.replace(item.block, pictures)?;
                let told =
                    format!("kept is a better one, of endpoint {endpoint_name}: {judgement}");
                state.best.insert(item.id, Best { badness, told });
            }
        }
        Ok(Failure::new(FailureKind::NotAccepted, told))
    }

    /// Forgets what was kept of a block that is complete now.
    pub(crate) fn forget(&self, item: Item) {
        let mut state = self.state();
        let of_this_run = state.best.remove(&item.id).is_some();
        if state.kept_before.remove(&item.block.top_left) || of_this_run {
            drop(state);
            if let Err(error) = self.rejected.remove(item.block) {
                tracing::warn!("{}: {error}", item.block);
            }
        }
    }

    /// How often each check said no to an endpoint, for people; empty when none did.
    pub(crate) fn told(&self, endpoint: EndpointIndex) -> String {
        let state = self.state();
        let refused = state.refused.get(&endpoint).into_iter().flatten();
        let counts = refused.map(|(check, count)| format!("{} {count}", check.name()));
        counts.collect::<Vec<_>>().join(", ")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
                let (source, finished) = (source.into_rgb8(), finished.into_rgb8());
                this.gate.palette.learn_from(&source, &finished);
                Ok(())
            };
            // One that cannot be decoded teaches nothing; what needs it says so.
            drop(self.cores.run(learn).await);
        }
        Done::Nothing
    }
}
