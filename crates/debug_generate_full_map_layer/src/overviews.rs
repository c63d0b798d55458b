//! The map from afar: overviews of its pictures, kept beside them, of which only what has changed
//! is made again.
//!
//! Each tile is remembered with a number for the pictures that it shows. A tile whose number is
//! another one now, or that is not there, is made from the four below it. What is remembered is
//! written after the tiles, so that a kill at any moment costs no more than making some again.

mod borders;
mod made;
mod pyramid;
mod shown;
mod twig;
mod wanted;
mod work;

use std::collections::{HashMap, HashSet};
use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use canvas::Rim;
use layer::{OverviewFiles, OverviewTile};
use planner::Quadrant;
use tokio::task::JoinSet;

use made::Made;
pub(crate) use pyramid::Pyramid;
use pyramid::below;
pub(crate) use shown::Shown;
use twig::Twig;
pub(crate) use wanted::{Wanted, stamp_of};
use work::{Row, Work};

/// How often what was made is remembered while more is made.
const REMEMBER_EVERY: Duration = Duration::from_secs(10);

/// The overviews of a map's pictures.
#[derive(Debug)]
pub(crate) struct Overviews {
    files: OverviewFiles,
    shown: Shown,
    made: Made,
}

/// What making them came to.
#[derive(Debug, Default)]
pub(crate) struct Update {
    /// How many tiles were made.
    pub(crate) made: usize,
    /// How many tiles were taken away.
    pub(crate) removed: usize,
    /// The pictures that could not be read, and why.
    pub(crate) damaged: Vec<(Quadrant, String)>,
}

/// How far making them is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) done: usize,
    pub(crate) of: usize,
    pub(crate) elapsed: Duration,
}

impl Overviews {
    /// Those in `files` of the pictures `shown`; nothing is read yet.
    pub(crate) fn over(files: OverviewFiles, shown: Shown, pyramid: Pyramid) -> Self {
        Self {
            files,
            shown,
            made: Made::nothing(pyramid),
        }
    }

    /// The tiles that there are, each with a number that changes when what it shows does.
    pub(crate) fn tiles(&self) -> &HashMap<OverviewTile, u64> {
        &self.made.tiles
    }

    /// The same, and the quadrants that are `wanted`, which are the tiles of the map itself.
    pub(crate) fn all_tiles(&self, wanted: &Wanted) -> HashMap<OverviewTile, u64> {
        let mut tiles = self.made.tiles.clone();
        let quadrants = wanted.quadrants.iter();
        tiles.extend(quadrants.map(|(&at, &(stamp, _))| (wanted.pyramid.tile_of(at), stamp)));
        tiles
    }

    /// Where they are.
    pub(crate) fn files(&self) -> &OverviewFiles {
        &self.files
    }

    pub(crate) fn pyramid(&self) -> &Pyramid {
        &self.made.pyramid
    }

    /// The steps from quadrants to their neighbours in other blocks, in hundredths.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (Quadrant, Quadrant, u16)> + '_ {
        self.made.borders.iter().flat_map(|(&at, borders)| {
            let right = borders.right.zip(at.x.checked_add(1));
            let down = borders.down.zip(at.y.checked_add(1));
            let right = right.map(|(step, x)| (at, Quadrant::new(x, at.y), step));
            let down = down.map(|(step, y)| (at, Quadrant::new(at.x, y), step));
            right.into_iter().chain(down)
        })
    }

    /// Brings them to what is wanted, and tells `pace` how far that is.
    ///
    /// # Errors
    /// When they cannot be written, or the place of the pictures cannot be read.
    pub(crate) async fn update(
        &mut self,
        wanted: &Wanted,
        mut pace: impl FnMut(Pace),
    ) -> Result<Update> {
        if wanted.quadrants.is_empty() && !self.files.dir().exists() {
            return Ok(Update::default());
        }
        let files = self.files.clone();
        let pyramid = wanted.pyramid;
        let known = tokio::task::spawn_blocking(move || -> Result<_> {
            let lock = files.lock()?;
            let there: HashSet<OverviewTile> = files.tiles(&lock)?.into_iter().collect();
            let made = files
                .remembered()?
                .and_then(|text| Made::read(&text, pyramid));
            Ok((lock, there, made))
        });
        let (_lock, there, made) = known
            .await
            .context("reading the overviews was cut short")??;
        self.made = made.unwrap_or_else(|| Made::nothing(pyramid));
        self.made.tiles.retain(|tile, _| there.contains(tile));
        let mut update = Update::default();
        let tiles = wanted.tiles();
        let is_as_before = there.iter().all(|tile| tiles.contains_key(tile));
        for tile in there.iter().filter(|tile| !tiles.contains_key(tile)) {
            self.files.remove(*tile)?;
            self.made.tiles.remove(tile);
            update.removed += 1;
        }
        let mut work = Work::of(&self.made, wanted, &tiles);
        if work.is_empty() && is_as_before {
            return Ok(update);
        }
        let borders = &mut self.made.borders;
        borders.retain(|quadrant, _| wanted.quadrants.contains_key(quadrant));
        let mut unremembered = Vec::new();
        let mut remembered_at = Instant::now();
        let (of, began) = (work.len(), Instant::now());
        let mut rims = HashMap::new();
        while let Some(row) = work.next_row() {
            let read = self.make_row(&row, wanted, &mut update).await?;
            if row.is_near() {
                rims.extend(read);
                self.measure(&row, &mut rims, wanted, &work).await?;
            }
            for tile in row.tiles() {
                // Where all pictures are damaged there is no tile.
                if self.files.path(tile).exists() {
                    self.made.tiles.insert(tile, tiles[&tile]);
                }
                update.made += 1;
                unremembered.push(tile);
            }
            pace(Pace {
                done: update.made,
                of,
                elapsed: began.elapsed(),
            });
            if remembered_at.elapsed() > REMEMBER_EVERY {
                self.remember(&mut unremembered).await?;
                remembered_at = Instant::now();
            }
        }
        self.remember(&mut unremembered).await?;
        Ok(update)
    }

    async fn remember(&self, written: &mut Vec<OverviewTile>) -> Result<()> {
        let (files, text, written) = (
            self.files.clone(),
            self.made.text(),
            std::mem::take(written),
        );
        tokio::task::spawn_blocking(move || files.remember(&text, &written))
            .await
            .context("writing was cut short")??;
        Ok(())
    }

    /// Makes the tiles of a row, and returns the rims of the quadrants that were read for them.
    async fn make_row(
        &self,
        row: &Row,
        wanted: &Wanted,
        update: &mut Update,
    ) -> Result<HashMap<Quadrant, Rim>> {
        let mut rims = HashMap::new();
        let mut take = |twig: Twig| {
            rims.extend(twig.rims);
            update.damaged.extend(twig.damaged);
        };
        let mut making: JoinSet<Result<Twig>> = JoinSet::new();
        for (root, tiles) in &row.twigs {
            if making.len() >= 2 * cores() {
                let made = making.join_next().await.context("there is one")?;
                take(made??);
            }
            let pictures = self.pictures_of(tiles, wanted).await?;
            let (files, pyramid, there) =
                (self.files.clone(), self.made.pyramid, self.there(tiles));
            let (root, tiles) = (*root, tiles.clone());
            making.spawn_blocking(move || {
                let mut twig = Twig::new(files, pyramid, tiles, there, pictures);
                twig.make(root)?;
                Ok(twig)
            });
        }
        while let Some(made) = making.join_next().await {
            take(made??);
        }
        Ok(rims)
    }

    /// The encoded pictures of the quadrants that `tiles` show.
    async fn pictures_of(
        &self,
        tiles: &[OverviewTile],
        wanted: &Wanted,
    ) -> Result<HashMap<Quadrant, Vec<u8>>> {
        let mut pictures = HashMap::new();
        let nearest = tiles.iter().filter(|tile| tile.0 == 1);
        for (_, column, row) in nearest.flat_map(|&tile| below(tile)) {
            let quadrant = self.made.pyramid.quadrant_at(column, row);
            let quadrant = quadrant.filter(|quadrant| wanted.quadrants.contains_key(quadrant));
            if let Some(quadrant) = quadrant
                && let Some(bytes) = self.shown.read(quadrant).await?
            {
                pictures.insert(quadrant, bytes);
            }
        }
        Ok(pictures)
    }

    /// The tiles below `tiles` that are there and are as they should be.
    fn there(&self, tiles: &[OverviewTile]) -> HashSet<OverviewTile> {
        let farther = tiles.iter().filter(|tile| tile.0 > 1);
        let below = farther.flat_map(|&tile| below(tile));
        below
            .filter(|tile| self.made.tiles.contains_key(tile))
            .collect()
    }
}

fn cores() -> usize {
    available_parallelism().map_or(2, NonZero::get)
}
