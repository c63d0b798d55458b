//! How many calls blocks of one colour save, or would.

use std::fmt;
use std::path::Path;
use std::thread::available_parallelism;

use canvas::QuadrantSize;
use layer::{LayerConfig, Source, UniformConfig, UniformMode};
use planner::Block;
use upkeep::{Found, Uniform, UpkeepError};

/// Of so many blocks the pictures are looked at, spread evenly over the plan: a map of many thousands
/// is still planned in about a second.
const LOOKED_AT: usize = 256;

/// Fewer calls that could be saved are not worth a line: one in so many.
const WORTH_TELLING: usize = 50;

/// The blocks of a plan that need no call, or would need none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FlatWater {
    blocks: usize,
    calls: usize,
    is_exact: bool,
    is_on: bool,
}

impl FlatWater {
    /// Looks at some of `blocks`, or at all where they are few.
    ///
    /// # Errors
    /// When blocks are to be made without a call, and the source cannot be read or does not say what
    /// `config` goes by.
    pub(crate) async fn of(
        config: &LayerConfig,
        source: &Source,
        blocks: &[Block],
    ) -> anyhow::Result<Self> {
        let some = spread(blocks);
        let (looked_at, calls) = (some.len(), blocks.len());
        let is_on = config.uniform.is_on();
        let found = match count(config, source, some).await {
            Err(error) if is_on => return Err(error.into()),
            found => found.unwrap_or(0),
        };
        Ok(Self {
            blocks: (found * calls + looked_at / 2)
                .checked_div(looked_at)
                .unwrap_or(0),
            calls,
            is_exact: looked_at == calls,
            is_on,
        })
    }

    /// The line of the summary, where these blocks are made without a call.
    pub(crate) fn line(&self) -> Option<String> {
        let left = self.calls.saturating_sub(self.blocks);
        self.is_on
            .then(|| format!("{self}, no call; {left} calls are left"))
    }

    const fn about(&self) -> &'static str {
        if self.is_exact { "" } else { "about " }
    }

    /// What could be saved, where that is worth telling; `config` is where to say so.
    pub(crate) fn remark(&self, config: &Path) -> Option<String> {
        let is_much = !self.is_on && WORTH_TELLING * self.blocks > self.calls;
        is_much.then(|| {
            format!(
                "\"uniform\": {{\"mode\": \"copy\"}} in {} would save {}{} of {} calls, for blocks of flat water",
                config.display(),
                self.about(),
                self.blocks,
                self.calls
            )
        })
    }
}

/// As in `about 812 blocks of flat water`.
impl fmt::Display for FlatWater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let about = self.about();
        let ending = if self.blocks == 1 { "" } else { "s" };
        write!(f, "{about}{} block{ending} of flat water", self.blocks)
    }
}

/// How many of `blocks` need no call, or would need none.
async fn count(
    config: &LayerConfig,
    source: &Source,
    blocks: Vec<Block>,
) -> Result<usize, UpkeepError> {
    let mode = match config.uniform.mode {
        UniformMode::Call => UniformMode::Copy,
        mode => mode,
    };
    let uniform = UniformConfig {
        mode,
        ..config.uniform.clone()
    };
    let (width_px, height_px) = source.config().quadrant_size_px();
    let size = QuadrantSize {
        width_px,
        height_px,
    };
    let threads = available_parallelism().map_or(2, std::num::NonZero::get);
    let source = (source, config.source_layer);
    let uniform = Uniform::of(&uniform, source, size, config.png_compression, threads).await?;
    let mut look = uniform.look_at(blocks, |_| Ok(()));
    let mut found = 0;
    while let Some((_, seen)) = look.next().await? {
        found += usize::from(matches!(seen, Found::Uniform(..)));
    }
    Ok(found)
}

/// Some of many blocks: one of each of so many stretches of the plan, each at another place of its
/// stretch, for what lies equally far apart may lie in one column of the map.
fn spread(blocks: &[Block]) -> Vec<Block> {
    let all = blocks.len();
    if all <= LOOKED_AT {
        return blocks.to_vec();
    }
    let chosen = (0..LOOKED_AT).map(|stretch| {
        let (from, to) = (stretch * all / LOOKED_AT, (stretch + 1) * all / LOOKED_AT);
        blocks[from + (stretch * 7919) % (to - from)]
    });
    chosen.collect()
}
