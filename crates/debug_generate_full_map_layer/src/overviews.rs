//! The map from afar: overviews of its pictures, kept beside them, of which only what has changed
//! is made again.
//!
//! Each tile is remembered with a number for the pictures that it shows. A tile whose number is
//! another one now, or that is not there, is made from the four below it. What is remembered is
//! written after the tiles, so that a kill at any moment costs no more than making some again.

mod made;
mod pyramid;
mod shown;
mod twig;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use canvas::{Buffers, Rim, decode_quadrant, into_opaque};
use layer::{OverviewFiles, OverviewTile};
use planner::Quadrant;
use tokio::task::JoinSet;

pub(crate) use made::mixed;
use made::{Borders, Made};
pub(crate) use pyramid::Pyramid;
use pyramid::{above, below};
pub(crate) use shown::Shown;
use twig::Twig;

/// How often what was made is remembered while more is made.
const REMEMBER_EVERY: Duration = Duration::from_secs(10);

/// The overviews of a map's pictures.
#[derive(Debug)]
pub(crate) struct Overviews {
    files: OverviewFiles,
    shown: Shown,
    made: Made,
}

/// What is to be seen.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) pyramid: Pyramid,
    /// The quadrants whose pictures are to be seen, each with a number that changes when its
    /// picture does, and with the block that it belongs to.
    pub(crate) quadrants: HashMap<Quadrant, (u64, u32)>,
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

    /// Measures the steps across the sides of the quadrants whose pictures have changed, once the
    /// rims on both sides are known.
    async fn measure(
        &mut self,
        row: &Row,
        rims: &mut HashMap<Quadrant, Rim>,
        wanted: &Wanted,
        work: &Work,
    ) -> Result<()> {
        let pyramid = self.made.pyramid;
        // What lies above the row touches it; what lies higher does not.
        let first = 4 * row.place;
        rims.retain(|quadrant, _| pyramid.tile_of(*quadrant).2 + 1 >= first);
        let nearest: Vec<OverviewTile> = row.tiles().filter(|tile| tile.0 == 1).collect();
        let quadrants = nearest.iter().flat_map(|&tile| below(tile));
        let quadrants = quadrants.filter_map(|(_, column, row)| pyramid.quadrant_at(column, row));
        for at in quadrants {
            let Some(&(stamp, block)) = wanted.quadrants.get(&at) else {
                continue;
            };
            let known = self.made.borders.get(&at).copied().unwrap_or_default();
            if known.stamp == stamp {
                continue;
            }
            self.made.borders.insert(
                at,
                Borders {
                    stamp,
                    ..Borders::default()
                },
            );
            for (dx, dy) in [(1, 0), (0, 1), (-1, 0), (0, -1)] {
                let (Some(x), Some(y)) = (at.x.checked_add(dx), at.y.checked_add(dy)) else {
                    continue;
                };
                let next = Quadrant::new(x, y);
                match wanted.quadrants.get(&next) {
                    Some(&(_, other)) if other != block => {}
                    _ => continue,
                }
                // The row below comes later, and looks up to this one.
                let its_tile = above(pyramid.tile_of(next));
                if its_tile.2 / 2 > row.place
                    && work.is_left(its_tile)
                    && self.is_stale(next, wanted)
                {
                    continue;
                }
                for quadrant in [at, next] {
                    if let Entry::Vacant(place) = rims.entry(quadrant)
                        && let Some(rim) = self.rim_of(quadrant).await?
                    {
                        place.insert(rim);
                    }
                }
                let (Some(own), Some(its)) = (rims.get(&at), rims.get(&next)) else {
                    continue;
                };
                let steps = match (dx, dy) {
                    (1, _) => own.to_the_right(its),
                    (-1, _) => its.to_the_right(own),
                    (_, 1) => own.down(its),
                    _ => its.down(own),
                };
                let step = Some((steps.mean() * 100.0).round() as u16);
                let holder = if dx + dy > 0 { at } else { next };
                let holder = self.made.borders.entry(holder).or_default();
                if dx == 0 {
                    holder.down = step;
                } else {
                    holder.right = step;
                }
            }
        }
        Ok(())
    }

    fn is_stale(&self, quadrant: Quadrant, wanted: &Wanted) -> bool {
        let stamp = wanted.quadrants.get(&quadrant).map(|&(stamp, _)| stamp);
        stamp
            != self
                .made
                .borders
                .get(&quadrant)
                .map(|borders| borders.stamp)
    }

    async fn rim_of(&self, quadrant: Quadrant) -> Result<Option<Rim>> {
        let Some(bytes) = self.shown.read(quadrant).await? else {
            return Ok(None);
        };
        let tile = self.made.pyramid.tile();
        let read = tokio::task::spawn_blocking(move || {
            let picture = decode_quadrant(&bytes, tile, &mut Buffers::default()).ok()?;
            Some(Rim::of(&into_opaque(picture)))
        });
        read.await.context("reading a picture was cut short")
    }
}

impl Wanted {
    /// All tiles that show some of the quadrants, each with a number for what it shows.
    fn tiles(&self) -> HashMap<OverviewTile, u64> {
        let stamps = self
            .quadrants
            .iter()
            .map(|(&at, &(stamp, _))| (self.pyramid.tile_of(at), stamp));
        let mut level: HashMap<OverviewTile, u64> = stamps.collect();
        let mut tiles = HashMap::new();
        for _ in 0..self.pyramid.halvings_to_a_pixel() {
            let above: HashSet<OverviewTile> = level.keys().map(|&tile| above(tile)).collect();
            let of = |tile: OverviewTile| {
                let (width, height) = self.pyramid.tile_px(tile);
                let parts = below(tile).map(|part| level.get(&part).copied().unwrap_or(0));
                mixed(
                    [u64::from(width), u64::from(height)]
                        .into_iter()
                        .chain(parts),
                )
            };
            level = above.into_iter().map(|tile| (tile, of(tile))).collect();
            tiles.extend(&level);
        }
        tiles
    }
}

/// The tiles that are to be made, row by row: near ones with those right above them, and then level
/// by level.
struct Work {
    rows: BTreeMap<(u32, u32), BTreeMap<OverviewTile, Vec<OverviewTile>>>,
    left: HashSet<OverviewTile>,
}

/// Tiles that are made together.
struct Row {
    /// The level of its roots, and their row.
    level: u32,
    place: u32,
    /// Tiles by what they hang on.
    twigs: Vec<(OverviewTile, Vec<OverviewTile>)>,
}

/// The level of the roots of what is nearest.
const NEAR_ROOTS: u32 = 2;

impl Work {
    fn of(made: &Made, wanted: &Wanted, tiles: &HashMap<OverviewTile, u64>) -> Self {
        let is_made = |tile: &OverviewTile, stamp: &u64| made.tiles.get(tile) == Some(stamp);
        let mut left: HashSet<OverviewTile> = tiles
            .iter()
            .filter(|(tile, stamp)| !is_made(tile, stamp))
            .map(|(&tile, _)| tile)
            .collect();
        // Tiles that are there, and whose quadrants' sides were not measured.
        let is_measured =
            |at: &Quadrant, stamp: u64| made.borders.get(at).map(|b| b.stamp) == Some(stamp);
        let unmeasured = wanted.quadrants.iter();
        let unmeasured = unmeasured.filter(|(at, (stamp, _))| !is_measured(at, *stamp));
        let nearest = unmeasured.map(|(&at, _)| above(wanted.pyramid.tile_of(at)));
        left.extend(nearest.filter(|tile| tiles.contains_key(tile)));
        let mut rows: BTreeMap<_, BTreeMap<_, Vec<_>>> = BTreeMap::new();
        for &tile in &left {
            let root = if tile.0 < NEAR_ROOTS {
                above(tile)
            } else {
                tile
            };
            let twigs = rows.entry((root.0, root.2)).or_default();
            twigs.entry(root).or_default().push(tile);
        }
        Self { rows, left }
    }

    fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn len(&self) -> usize {
        self.left.len()
    }

    fn is_left(&self, tile: OverviewTile) -> bool {
        self.left.contains(&tile)
    }

    fn next_row(&mut self) -> Option<Row> {
        let ((level, place), twigs) = self.rows.pop_first()?;
        Some(Row {
            level,
            place,
            twigs: twigs.into_iter().collect(),
        })
    }
}

impl Row {
    fn tiles(&self) -> impl Iterator<Item = OverviewTile> + '_ {
        self.twigs.iter().flat_map(|(_, tiles)| tiles).copied()
    }

    /// Whether it shows quadrants.
    fn is_near(&self) -> bool {
        self.level == NEAR_ROOTS
    }
}

/// A number for a picture and for when its block was finished.
pub(crate) fn stamp_of(picture: u64, completed_at_ms: Option<i64>) -> u64 {
    mixed([picture, completed_at_ms.unwrap_or(0).cast_unsigned()])
}

fn cores() -> usize {
    available_parallelism().map_or(2, NonZero::get)
}
