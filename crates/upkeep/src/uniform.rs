//! Blocks of one colour, which need no model: which they are, and their pictures.

mod how;

use std::collections::{HashMap, HashSet};
use std::panic::resume_unwind;
use std::sync::Arc;

use canvas::QuadrantSize;
use layer::{LayerError, PngCompression, Source, SourceLayer, UniformConfig};
use planner::{Block, Quadrant};
use tokio::task::JoinSet;

use crate::UpkeepError;
use how::{Encoded, How};

/// Of so many blocks the source is asked in one go what it says of them.
const ASKED_TOGETHER: usize = 64;

/// What is looked for in a layer's source.
#[derive(Debug)]
pub struct Uniform<'a> {
    source: &'a Source,
    source_layer: SourceLayer,
    threads: usize,
    how: Arc<How>,
}

/// What was found of a block.
#[derive(Debug)]
pub enum Found<T> {
    /// It needs no model: what was made of its pictures, and how they came to be, for people.
    Uniform(T, String),
    /// It is one for a model.
    Other,
    /// A picture of its source is missing or damaged.
    Unusable,
}

/// What a look at one quadrant, or at all of them, ended with.
enum Seen<T> {
    /// Its first quadrant may be of one: the others have to be looked at, too.
    May(usize, Block),
    All(usize, Found<T>),
}

/// A look at many blocks, which ends when [`Self::next`] has nothing more to tell.
pub struct Look<'a, T, M> {
    uniform: &'a Uniform<'a>,
    blocks: Vec<Block>,
    next: usize,
    /// Those of the next blocks that the source names, as far as it was asked.
    named: Vec<bool>,
    tasks: JoinSet<Result<Seen<T>, LayerError>>,
    make: M,
}

impl<'a> Uniform<'a> {
    /// What `config` asks for, in `source`; `threads` is how many there are to look with.
    ///
    /// # Errors
    /// When the source does not say of its quadrants what `config` goes by.
    pub async fn of(
        config: &UniformConfig,
        (source, source_layer): (&'a Source, SourceLayer),
        size: QuadrantSize,
        compression: PngCompression,
        threads: usize,
    ) -> Result<Self, UpkeepError> {
        if let Some(mark) = &config.marked {
            let says = source.require_mark(mark).await;
            says.map_err(LayerError::from)?;
        }
        let config = config.clone();
        let how = How {
            config,
            size,
            compression,
        };
        Ok(Self {
            source,
            source_layer,
            threads,
            how: Arc::new(how),
        })
    }

    /// Looks at `blocks`. Of each that needs no model `make` is given the pictures, on a thread of its
    /// own. No more are in memory than there are threads for.
    pub fn look_at<T, M>(&'a self, blocks: Vec<Block>, make: M) -> Look<'a, T, M>
    where
        T: Send + 'static,
        M: Fn(Vec<(Quadrant, Vec<u8>)>) -> Result<T, LayerError> + Clone + Send + 'static,
    {
        Look {
            uniform: self,
            blocks,
            next: 0,
            named: Vec::new(),
            tasks: JoinSet::new(),
            make,
        }
    }

    /// Numbers that change when the source's pictures do, to remember by what was decided; none where
    /// nothing can be remembered.
    pub(crate) async fn stamps(&self) -> Option<HashMap<Quadrant, u64>> {
        // What a map says of its quadrants can change without a trace.
        if self.how.config.marked.is_some() {
            return None;
        }
        let stamps = self.source.stamps(self.source_layer).await.ok()?;
        Some(stamps.into_iter().collect())
    }

    /// What it is remembered under that a block is none.
    pub(crate) fn remembered_under(
        &self,
        block: Block,
        stamps: &HashMap<Quadrant, u64>,
    ) -> Option<String> {
        let mut text = format!(
            "{} {}",
            self.how.config.looks_for(),
            self.source_layer.name()
        );
        for quadrant in block.quadrants() {
            text += &format!(" {}", stamps.get(&quadrant)?);
        }
        Some(text)
    }

    async fn pictures(&self, quadrants: &[Quadrant]) -> Result<Option<Encoded>, LayerError> {
        let pictures = self.source.pictures(self.source_layer, quadrants).await?;
        let pictures = quadrants.iter().copied().zip(pictures);
        let pictures = pictures.map(|(at, picture)| picture.map(|picture| (at, picture)));
        // Of one that cannot be had the item says so when its turn comes.
        Ok(pictures.collect::<Result<_, _>>().ok())
    }
}

impl<T, M> Look<'_, T, M>
where
    T: Send + 'static,
    M: Fn(Vec<(Quadrant, Vec<u8>)>) -> Result<T, LayerError> + Clone + Send + 'static,
{
    /// What was found of the next block, in no order: its index among those that are looked at.
    ///
    /// # Errors
    /// When the source as a whole cannot be read, or its pictures cannot be made.
    pub async fn next(&mut self) -> Result<Option<(usize, Found<T>)>, UpkeepError> {
        loop {
            while self.tasks.len() < 2 * self.uniform.threads && self.next < self.blocks.len() {
                let (index, block) = (self.next, self.blocks[self.next]);
                if self.uniform.how.config.marked.is_some() {
                    let is_named = self.is_named().await?;
                    self.next += 1;
                    if !is_named {
                        return Ok(Some((index, Found::Other)));
                    }
                    self.look_at_all(index, block).await?;
                    continue;
                }
                self.next += 1;
                let first = self.uniform.pictures(&[block.top_left]).await?;
                let how = Arc::clone(&self.uniform.how);
                self.tasks.spawn_blocking(move || {
                    let may = first.and_then(|pictures| how.may_be(block, &pictures));
                    Ok(match may {
                        Some(true) => Seen::May(index, block),
                        Some(false) => Seen::All(index, Found::Other),
                        None => Seen::All(index, Found::Unusable),
                    })
                });
            }
            let Some(seen) = self.tasks.join_next().await else {
                return Ok(None);
            };
            match seen.unwrap_or_else(|error| resume_unwind(error.into_panic()))? {
                Seen::May(index, block) => self.look_at_all(index, block).await?,
                Seen::All(index, found) => return Ok(Some((index, found))),
            }
        }
    }

    async fn look_at_all(&mut self, index: usize, block: Block) -> Result<(), UpkeepError> {
        let quadrants: Vec<Quadrant> = block.quadrants().collect();
        let pictures = self.uniform.pictures(&quadrants).await?;
        let (how, make) = (Arc::clone(&self.uniform.how), self.make.clone());
        self.tasks.spawn_blocking(move || {
            let found = match pictures.map(|pictures| how.look(&pictures)) {
                Some(Ok(Some((pictures, told)))) => Found::Uniform(make(pictures)?, told),
                Some(Ok(None)) => Found::Other,
                Some(Err(_)) | None => Found::Unusable,
            };
            Ok(Seen::All(index, found))
        });
        Ok(())
    }

    /// Whether the source names all quadrants of the next block.
    async fn is_named(&mut self) -> Result<bool, LayerError> {
        if self.named.is_empty() {
            let uniform = self.uniform;
            let some = &self.blocks[self.next..];
            let some = &some[..some.len().min(ASKED_TOGETHER)];
            let quadrants: Vec<Quadrant> = some.iter().flat_map(|b| b.quadrants()).collect();
            let mark = uniform.how.config.marked.as_ref();
            let mark = mark.expect("it is asked for what there is");
            let named = uniform.source.marked(mark, &quadrants).await?;
            let named: HashSet<Quadrant> = named.into_iter().collect();
            let is_named = |block: &Block| block.quadrants().all(|at| named.contains(&at));
            self.named = some.iter().rev().map(is_named).collect();
        }
        Ok(self.named.pop().expect("there is a next block"))
    }
}
