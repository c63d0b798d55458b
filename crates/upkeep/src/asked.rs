//! What people's judgements of a layer's blocks ask for.

use std::collections::{HashMap, HashSet};

use layer::{Kept, LayerDir, Verdict, Versions};
use planner::{Item, Quadrant, Status};
use progress_db::ProgressDb;

use crate::{Replacement, Upkeep, UpkeepError};

/// What is to be done with a layer's blocks.
#[derive(Debug, Default)]
pub struct Asked {
    /// The blocks that hold these are to be generated again.
    pub again: HashSet<Quadrant>,
    /// What is added to the prompts of items that are.
    pub prompts: HashMap<i64, String>,
    /// Pictures that are to be put in the place of those of a block: where they are, their version.
    pub replaced: Vec<(Kept, Quadrant, u32)>,
    /// The items whose pictures were judged as those to have: that others are drawn anew which they
    /// join does not touch them.
    pub staying: HashSet<i64>,
}

/// Pictures that people chose and that can be put in the place of those that are there.
#[derive(Debug)]
pub struct Choices(Vec<(Kept, Vec<Replacement>)>);

impl Asked {
    /// What the judgements in a layer's `review.json` ask for that are still to be carried out.
    ///
    /// # Errors
    /// [`UpkeepError`] when the judgements or the plan cannot be read.
    pub async fn in_review(layer: &LayerDir) -> Result<Self, UpkeepError> {
        let review = layer.read_review()?;
        let (plan, _) = ProgressDb::snapshot_of(&layer.progress_path(), 1).await?;
        let mut asked = Self::default();
        for (item, last) in plan.items.iter().zip(&plan.tries) {
            let (started, completed) = (last.started_at_ms, last.completed_at_ms);
            let judgement = review.of(item.block);
            let Some(judgement) = judgement.filter(|j| j.is_open(item.status, started, completed))
            else {
                continue;
            };
            let at = item.block.top_left;
            match judgement.verdict {
                Verdict::Keep => {
                    asked.staying.insert(item.id);
                }
                Verdict::Redo => {
                    asked.again.insert(at);
                    asked
                        .prompts
                        .extend(judgement.prompt.clone().map(|text| (item.id, text)));
                }
                Verdict::Choose { from, version } => {
                    asked.staying.insert(item.id);
                    asked.replaced.push((from, at, version));
                }
            }
        }
        Ok(asked)
    }

    /// That the blocks are generated again that hold `again`, with `prompt` added to their prompts.
    #[must_use]
    pub fn of(again: HashSet<Quadrant>, prompt: Option<&str>, items: &[Item]) -> Self {
        let holds = |item: &&Item| item.block.quadrants().any(|at| again.contains(&at));
        let prompts = prompt.map(|text| {
            let named = items.iter().filter(holds);
            named.map(|item| (item.id, text.to_owned())).collect()
        });
        Self {
            prompts: prompts.unwrap_or_default(),
            again,
            ..Self::default()
        }
    }
}

impl Upkeep<'_> {
    /// The pictures that people chose and that can be put in their place. Of others it is told why not.
    /// Changes nothing.
    ///
    /// # Errors
    /// When something cannot be read.
    pub async fn choices(&self, asked: &Asked, items: &[Item]) -> Result<Choices, UpkeepError> {
        let mut choices = Choices(Vec::new());
        for from in [Kept::Candidates, Kept::Rejected] {
            let mut chosen = Vec::new();
            for &(_, at, version) in asked.replaced.iter().filter(|(kept, ..)| *kept == from) {
                let wanted = Versions(vec![(at, Some(version))]);
                match self.replacements(from, &wanted, items).await {
                    Ok(found) => chosen.extend(found),
                    Err(error @ UpkeepError::Nothing { .. }) => (self.warn)(&format!(
                        "what was chosen cannot be put in place: {error}; judge the block again at the desk"
                    )),
                    Err(error) => return Err(error),
                }
            }
            choices.0.push((from, chosen));
        }
        Ok(choices)
    }

    /// Puts the pictures that people chose in the place of those that are there. What cannot be done is
    /// told, and the rest is done. Returns what was done, for people.
    ///
    /// # Errors
    /// When something cannot be read or written.
    pub async fn carry_out_choices(
        &mut self,
        asked: &Asked,
        items: &mut [Item],
    ) -> Result<String, UpkeepError> {
        let choices = self.choices(asked, items).await?;
        let mut told = String::new();
        for (from, chosen) in &choices.0 {
            if !chosen.is_empty() {
                told += &self.replace(*from, chosen, items).await?;
            }
        }
        choices.complete(items);
        Ok(told)
    }
}

impl Choices {
    /// How many blocks get other pictures.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.iter().map(|(_, chosen)| chosen.len()).sum()
    }

    /// Marks those of `items` as complete that are when all is in its place.
    pub fn complete(&self, items: &mut [Item]) {
        let chosen = self.0.iter().flat_map(|(_, chosen)| chosen);
        let complete: HashSet<i64> = chosen.map(|chosen| chosen.item().id).collect();
        let among = items.iter_mut().filter(|item| complete.contains(&item.id));
        among.for_each(|item| item.status = Status::Complete);
    }
}
