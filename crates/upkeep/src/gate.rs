//! Whether answers are good enough; and the best of those that are not, kept.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use canvas::{Judgement, Looked, Palette, Sent, Step, Stranger};
use image::RgbImage;
use layer::{AcceptConfig, Check, HowBad, KeptPictures, LayerError};
use planner::{Block, Item, Quadrant};

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
    /// How bad what is kept of an item is, where this run has looked.
    best: HashMap<i64, HowBad>,
    /// The top left quadrants of blocks of which an answer is kept from an earlier run.
    kept_before: HashSet<Quadrant>,
    /// How often each check said no to an endpoint.
    refused: BTreeMap<usize, Vec<(Check, usize)>>,
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

    /// Looks at an answer of `painter` that was brought to its canvas's size. One that is good enough is
    /// what the next ones are compared with; where something is in doubt, after [`Gate::settle`].
    #[must_use]
    pub fn judge(&self, painter: &str, sheet: &Sent, answer: &RgbImage) -> Judgement {
        let judgement = sheet.judge(answer, &self.accept, &self.palette);
        if judgement.in_doubt.is_empty() {
            self.learn_if_good(painter, &judgement);
        }
        judgement
    }

    /// Finds out what was in doubt of an answer: `source_of` gives the source of the neighbour at a
    /// step as canvases show it, where there is one.
    pub fn settle(
        &self,
        painter: &str,
        judgement: &mut Judgement,
        source_of: impl Fn(&Step) -> Option<RgbImage>,
    ) {
        judgement.settle(&self.accept, source_of);
        self.learn_if_good(painter, judgement);
    }

    fn learn_if_good(&self, painter: &str, judgement: &Judgement) {
        if judgement.is_good() {
            self.palette.learn(painter, &judgement.looked);
        }
    }

    /// Learns from a quadrant that `painter` finished before what colours the layer has.
    pub fn learn(&self, painter: &str, source: &RgbImage, finished: &RgbImage) {
        let looked = Looked::of_finished(source, finished);
        self.palette.learn(painter, &looked);
    }

    /// Who draws in other colours than most of the layer has.
    #[must_use]
    pub fn strangers(&self) -> Vec<Stranger> {
        self.palette.strangers()
    }

    /// Keeps the pictures of an answer that is not good enough, unless a better one is kept, and says
    /// what was wrong. What an earlier run has kept stays where it cannot be compared. Reads and writes
    /// files. `endpoint` is who drew it: its number in the run, and its name.
    ///
    /// # Errors
    /// When they cannot be read or written.
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
        let known = state.best.get(&item.id).cloned();
        let was_kept = state.kept_before.contains(&item.block.top_left);
        // Of an item one answer is looked at at a time; others do not wait for the disk.
        drop(state);
        let best = match known {
            None if was_kept => self.kept_before(item.block)?,
            known => known,
        };
        let mut told = format!("not good enough: {judgement}");
        let badness = judgement.badness();
        let best = match best {
            Some(best) if best.badness <= badness => {
                if best.badness < badness {
                    told += &format!("; {}", best.told);
                }
                best
            }
            _ => {
                let told = format!("kept is a better one, of endpoint {name}: {judgement}");
                let best = HowBad { badness, told };
                self.rejected
                    .replace_rejected(item.block, pictures, &best)?;
                best
            }
        };
        self.state().best.insert(item.id, best);
        Ok(told)
    }

    /// How bad what an earlier run has kept of a block is; `None` where it is not whole.
    fn kept_before(&self, block: Block) -> Result<Option<HowBad>, LayerError> {
        let Some(&version) = self.rejected.versions(block)?.last() else {
            return Ok(None);
        };
        if self.rejected.read(block, version)?.is_none() {
            return Ok(None);
        }
        let how_bad = self.rejected.how_bad(block, version)?;
        Ok(Some(how_bad.unwrap_or_else(|| HowBad {
            badness: f64::NEG_INFINITY,
            told: "kept is one of an earlier run, which this cannot be compared with".to_owned(),
        })))
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
