//! How visible the edges between a layer's blocks are.
//!
//! Where a model has joined its pictures well, the mean step across the edges of blocks is like
//! the one inside of them, and like the one at the same places of the source.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZero;
use std::thread::available_parallelism;

use anyhow::{Result, anyhow, bail};
use canvas::{Rim, Steps};
use layer::{LayerDir, Pictures, Source, SourceLayer};
use planner::{Block, Quadrant, Status};
use progress_db::ProgressDb;
use tokio::task::JoinSet;

/// The steps of a layer's complete blocks.
#[derive(Debug, Clone)]
pub struct Seams {
    /// The edges between two of them, in the order of their blocks.
    pub edges: Vec<Edge>,
    /// How many blocks were looked at.
    pub blocks: usize,
    /// The mean step between neighbouring pixels inside of blocks.
    pub inside: f64,
    /// The same in the source.
    pub source_inside: f64,
}

/// An edge that two blocks share.
#[derive(Debug, Clone, Copy)]
pub struct Edge {
    /// The blocks, the one that is generated first before the other.
    pub blocks: (Block, Block),
    /// The mean step across it.
    pub step: f64,
    /// The mean step at the same place of the source; not a number where that has no pictures.
    pub source_step: f64,
}

impl Seams {
    /// Measures the layer in `layer`, as far as it is complete. Its pictures are read row by row
    /// and each only once.
    ///
    /// # Errors
    /// When the layer or its source cannot be read, or a picture of a complete block is missing
    /// or damaged.
    pub async fn of(layer: &LayerDir) -> Result<Self> {
        let (config, _) = layer.read_config()?;
        let mut db = ProgressDb::open_read_only(&layer.progress_path()).await?;
        let items = db.items().await?;
        db.close().await?;
        let source = Source::open(&layer.generation_dir(&config)).await?;
        let pictures = Pictures::of(layer, config.storage, source.geometry());
        let complete = items.iter().filter(|item| item.status == Status::Complete);
        let complete: Vec<Block> = complete.map(|item| item.block).collect();
        let mut rows: BTreeMap<i32, Vec<(Quadrant, usize)>> = BTreeMap::new();
        for (index, block) in complete.iter().enumerate() {
            for quadrant in block.quadrants() {
                rows.entry(quadrant.y).or_default().push((quadrant, index));
            }
        }
        let mut tally = Tally::default();
        let mut above = HashMap::new();
        for row in rows.values() {
            let this_row = read_row(&pictures, &source, config.source_layer, row).await?;
            tally.add_row(&above, &this_row);
            above = this_row;
        }
        Ok(tally.seams(&complete))
    }

    /// The mean step across all edges, each counted once whatever its length.
    #[must_use]
    pub fn across(&self) -> f64 {
        mean(self.edges.iter().map(|edge| edge.step))
    }

    /// The same at these places of the source.
    #[must_use]
    pub fn source_across(&self) -> f64 {
        let steps = self.edges.iter().map(|edge| edge.source_step);
        mean(steps.filter(|step| step.is_finite()))
    }

    /// The `count` edges that show most, the worst first.
    #[must_use]
    pub fn worst(&self, count: usize) -> Vec<Edge> {
        let mut edges = self.edges.clone();
        edges.sort_by(|a, b| b.step.total_cmp(&a.step));
        edges.truncate(count);
        edges
    }
}

fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = numbers.fold((0.0, 0), |(sum, count), number| (sum + number, count + 1));
    sum / f64::from(count)
}

/// What is kept of a quadrant's pictures.
struct Measured {
    /// Its place in the order of generation.
    block: usize,
    layer: (Rim, Steps),
    source: Option<(Rim, Steps)>,
}

async fn read_row(
    pictures: &Pictures,
    source: &Source,
    source_layer: SourceLayer,
    row: &[(Quadrant, usize)],
) -> Result<HashMap<Quadrant, Measured>> {
    let mut this_row = HashMap::with_capacity(row.len());
    let cores = available_parallelism().map_or(2, NonZero::get);
    for part in row.chunks(2 * cores) {
        let mut reading = JoinSet::new();
        for &(quadrant, block) in part {
            // What a map lacks by now was there when the layer was made; it is not compared.
            let source = source.picture(source_layer, quadrant).await.ok();
            let place = pictures.place_of(quadrant);
            let picture = pictures.read(quadrant).await?;
            reading.spawn_blocking(move || -> Result<_> {
                Ok((
                    quadrant,
                    Measured {
                        block,
                        layer: rim_of(&place, picture)?,
                        source: source.and_then(|bytes| Rim::with_inside(&bytes).ok()),
                    },
                ))
            });
        }
        while let Some(read) = reading.join_next().await {
            let (quadrant, measured) = read??;
            this_row.insert(quadrant, measured);
        }
    }
    Ok(this_row)
}

fn rim_of(place: &str, picture: Option<Vec<u8>>) -> Result<(Rim, Steps)> {
    let Some(bytes) = picture else {
        bail!("{place} is missing; run the layer with --resume to make it again");
    };
    Rim::with_inside(&bytes).map_err(|reason| {
        anyhow!("{place} is damaged; run the layer with --resume to make it again: {reason}")
    })
}

#[derive(Default)]
struct Tally {
    inside: Steps,
    source_inside: Steps,
    /// By the places of both blocks in the order of generation.
    edges: BTreeMap<(usize, usize), (Steps, Steps)>,
}

impl Tally {
    fn add_row(&mut self, above: &HashMap<Quadrant, Measured>, row: &HashMap<Quadrant, Measured>) {
        for (quadrant, measured) in row {
            self.inside.add(measured.layer.1);
            if let Some(source) = &measured.source {
                self.source_inside.add(source.1);
            }
            let left = quadrant.x.checked_sub(1);
            if let Some(left) = left.and_then(|x| row.get(&Quadrant::new(x, quadrant.y))) {
                self.add_border(left, measured, Rim::to_the_right);
            }
            let top = quadrant.y.checked_sub(1);
            if let Some(top) = top.and_then(|y| above.get(&Quadrant::new(quadrant.x, y))) {
                self.add_border(top, measured, Rim::down);
            }
        }
    }

    /// Adds the steps from one quadrant to the next: across an edge of blocks, or inside of one.
    fn add_border(
        &mut self,
        first: &Measured,
        second: &Measured,
        steps: impl Fn(&Rim, &Rim) -> Steps,
    ) {
        let (layer, source) = if first.block == second.block {
            (&mut self.inside, &mut self.source_inside)
        } else {
            let blocks = (first.block.min(second.block), first.block.max(second.block));
            let (layer, source) = self.edges.entry(blocks).or_default();
            (layer, source)
        };
        layer.add(steps(&first.layer.0, &second.layer.0));
        if let (Some(first), Some(second)) = (&first.source, &second.source) {
            source.add(steps(&first.0, &second.0));
        }
    }

    fn seams(self, blocks: &[Block]) -> Seams {
        let edge = |((first, second), (layer, source)): ((usize, usize), (Steps, Steps))| Edge {
            blocks: (blocks[first], blocks[second]),
            step: layer.mean(),
            source_step: source.mean(),
        };
        Seams {
            edges: self.edges.into_iter().map(edge).collect(),
            blocks: blocks.len(),
            inside: self.inside.mean(),
            source_inside: self.source_inside.mean(),
        }
    }
}
