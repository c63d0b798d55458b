//! Whether answers are good enough; and the best of those that are not, kept.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use canvas::{Judgement, Palette, Sent};
use image::RgbImage;
use layer::{AcceptConfig, Check, KeptPictures, LayerError};
use planner::{Item, Quadrant};

/// What a run holds against answers.
#[derive(Debug)]
pub struct Gate {
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
    refused: BTreeMap<usize, Vec<(Check, usize)>>,
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
    pub fn new(accept: AcceptConfig, rejected: KeptPictures) -> Result<Self, LayerError> {
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

    /// What answers are looked at for, if for anything.
    #[must_use]
    pub fn looks_for(&self) -> Option<&AcceptConfig> {
        self.accept.is_on().then_some(&self.accept)
    }

    /// Looks at an answer that was brought to its canvas's size. One that is good enough is what the
    /// next ones are compared with.
    #[must_use]
    pub fn judge(&self, sheet: &Sent, answer: &RgbImage) -> Judgement {
        let judgement = sheet.judge(answer, &self.accept, &self.palette);
        if judgement.is_good() {
            self.palette.learn(&judgement.looked);
        }
        judgement
    }

    /// Learns from a finished quadrant what colours the layer has.
    pub fn learn(&self, source: &RgbImage, finished: &RgbImage) {
        self.palette.learn_from(source, finished);
    }

    /// Keeps the pictures of an answer that is not good enough, unless a better one of this run is,
    /// and says what was wrong. Writes files. `endpoint` is who drew it: its number in the run, and its
    /// name.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn reject(
        &self,
        item: Item,
        (endpoint, name): (usize, &str),
        judgement: &Judgement,
        pictures: &[(Quadrant, Vec<u8>)],
    ) -> Result<String, LayerError> {
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
                // Of an item one answer is looked at at a time; others do not wait for the disk.
                drop(state);
                self.rejected.replace(item.block, pictures)?;
                let told = format!("kept is a better one, of endpoint {name}: {judgement}");
                self.state().best.insert(item.id, Best { badness, told });
            }
        }
        Ok(told)
    }

    /// Whether an answer is kept of a block.
    #[must_use]
    pub fn keeps_of(&self, item: Item) -> bool {
        let state = self.state();
        state.best.contains_key(&item.id) || state.kept_before.contains(&item.block.top_left)
    }

    /// Removes what is kept of a block that is complete now. Writes to the disk.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn forget(&self, item: Item) -> Result<(), LayerError> {
        let mut state = self.state();
        state.best.remove(&item.id);
        state.kept_before.remove(&item.block.top_left);
        drop(state);
        self.rejected.remove(item.block)
    }

    /// How often each check said no to an endpoint: those that did, by their names.
    #[must_use]
    pub fn refused(&self, endpoint: usize) -> Vec<(&'static str, usize)> {
        let state = self.state();
        let refused = state.refused.get(&endpoint).into_iter().flatten();
        refused
            .map(|&(check, count)| (check.name(), count))
            .collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
