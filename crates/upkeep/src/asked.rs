//! What people's judgements of a layer's blocks ask for.

use std::collections::{HashMap, HashSet};

use layer::{Kept, LayerDir, Verdict};
use planner::{Item, Quadrant};
use progress_db::ProgressDb;

use crate::UpkeepError;

/// What is to be done with a layer's blocks.
#[derive(Debug, Default)]
pub struct Asked {
    /// The blocks that hold these are to be generated again.
    pub again: HashSet<Quadrant>,
    /// What is added to the prompts of items that are.
    pub prompts: HashMap<i64, String>,
    /// Pictures that are to be put in the place of those of a block: where they are, their version.
    pub replaced: Vec<(Kept, Quadrant, u32)>,
}

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
                Verdict::Keep => {}
                Verdict::Redo => {
                    asked.again.insert(at);
                    asked
                        .prompts
                        .extend(judgement.prompt.clone().map(|text| (item.id, text)));
                }
                Verdict::Choose { from, version } => asked.replaced.push((from, at, version)),
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
            replaced: Vec::new(),
        }
    }
}
