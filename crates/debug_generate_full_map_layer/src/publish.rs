//! `--publish`: a site to upload anywhere.
//!
//! Each layer is a Deep Zoom Image, `{name}.dzi` with `{name}_files/{level}/{column}_{row}.png`, whose
//! deepest level is the quadrants' own files. `{name}.json` remembers what was written, so that
//! publishing again writes what has changed and removes what was written and is no more; and
//! `index.html` shows all layers that were published there.

mod site;
mod written;

use std::collections::{HashMap, HashSet};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use canvas::as_webp;
use layer::{OverviewFiles, OverviewTile, Pictures};
use serde_json::{Value, json};
use terminal::warn;
use tokio::task::JoinSet;

use crate::overviews::{Pace, Pyramid};
use crate::pictured::made;
use crate::say::{PaceLine, say};
use crate::{PageOptions, PlacedLayer, PlanState, write_page};
use written::{Written, slug};

/// How pictures are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// As they are.
    Png,
    /// As lossless WebP.
    Webp,
}

impl Format {
    fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Webp => "webp",
        }
    }
}

/// Publishes `layer`, whose plan stands as `plan` says, in `dir`.
///
/// # Errors
/// When something of others is in the way, or pictures cannot be read or written.
pub(crate) async fn publish(
    layer: &PlacedLayer,
    plan: &PlanState,
    options: &PageOptions,
    dir: &Path,
    format: Format,
) -> Result<Value> {
    let size = layer.quadrant;
    if size.width_px != size.height_px {
        bail!(
            "cannot publish {}: tiles of a Deep Zoom Image are square, and its quadrants have {}x{} px",
            layer.dir.path().display(),
            size.width_px,
            size.height_px
        );
    }
    let name = slug(&layer.name);
    let before = Written::read(dir, &name)?;
    site::require_own_index(dir)?;
    require_same_map(layer, dir)?;
    if let Some(before) = &before
        && before.name != layer.name
    {
        bail!(
            "{} holds the layer {:?}, whose files would be named as those of {:?}: publish into another directory, or give one of them another name",
            dir.display(),
            before.name,
            layer.name
        );
    }
    let Some(afar) = made(layer, plan).await? else {
        bail!("nothing can be published without overviews of the layer");
    };
    let tiles = afar.overviews.all_tiles(&afar.wanted);
    if tiles.is_empty() {
        bail!(
            "nothing of {} is finished; run it first, and then publish it",
            layer.dir.path().display()
        );
    }
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let pyramid = *afar.overviews.pyramid();
    let site = Site {
        files: dir.join(format!("{name}_files")),
        pyramid,
        format,
        pictures: layer.pictures.clone(),
        overviews: layer.dir.overviews(),
    };
    let done = site.write(dir, layer, before, &tiles).await?;
    let descriptor = descriptor(pyramid, format);
    write_page(&dir.join(format!("{name}.dzi")), &descriptor)?;
    write_page(&dir.join("index.html"), &site::page(dir, options)?)?;
    say(format_args!(
        "{}: {} files of {}, {} of them written, {} unchanged; {} removed",
        dir.join("index.html").display(),
        done.written + done.unchanged,
        layer.name,
        done.written,
        done.unchanged,
        done.removed
    ))?;
    Ok(json!({
        "site": dir.join("index.html").display().to_string(),
        "files": done.written + done.unchanged,
        "written": done.written,
        "unchanged": done.unchanged,
        "removed": done.removed,
    }))
}

fn require_same_map(layer: &PlacedLayer, dir: &Path) -> Result<()> {
    for other in Written::all(dir)? {
        let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-9;
        if !other.geometry.iter().zip(&layer.six_numbers()).all(near) {
            bail!(
                "{} shows {:?}, which is of another map than {:?}: publish into another directory",
                dir.display(),
                other.name,
                layer.name
            );
        }
    }
    Ok(())
}

/// A layer's files on a site.
struct Site {
    files: PathBuf,
    pyramid: Pyramid,
    format: Format,
    pictures: Arc<Pictures>,
    overviews: OverviewFiles,
}

struct Done {
    written: usize,
    unchanged: usize,
    removed: usize,
}

impl Site {
    async fn write(
        &self,
        dir: &Path,
        layer: &PlacedLayer,
        before: Option<Written>,
        tiles: &HashMap<OverviewTile, u64>,
    ) -> Result<Done> {
        let mut written = Written::of(layer, self.pyramid, self.format.extension());
        let is_like = |before: &&Written| {
            before.pyramid == written.pyramid && before.extension == written.extension
        };
        let known = before.as_ref().filter(is_like);
        let known: HashMap<OverviewTile, u64> = known
            .map(|before| before.tiles.iter().copied().collect())
            .unwrap_or_default();
        let is_there = |tile: OverviewTile, stamp: u64| {
            known.get(&tile) == Some(&stamp) && self.files.join(written.file(tile)).is_file()
        };
        let changed = tiles.iter().map(|(&tile, &stamp)| (tile, stamp));
        let changed = changed.filter(|&(tile, stamp)| !is_there(tile, stamp));
        let mut changed: Vec<OverviewTile> = changed.map(|(tile, _)| tile).collect();
        changed.sort_unstable();
        let unsure: HashSet<OverviewTile> = changed.iter().copied().collect();
        let names: HashSet<String> = tiles.keys().map(|&tile| written.file(tile)).collect();
        // What is about to be written or removed is ours, too, if it should end half way.
        let stamp = |(&tile, &stamp)| (tile, if unsure.contains(&tile) { 0 } else { stamp });
        written.tiles = tiles.iter().map(stamp).collect();
        let ours = before.map(|before| before.files()).unwrap_or_default();
        written.others = ours
            .into_iter()
            .filter(|name| !names.contains(name))
            .collect();
        written.save(dir)?;
        let unreadable = self.write_tiles(&layer.name, &written, &changed).await?;
        let removed = std::mem::take(&mut written.others);
        for name in &removed {
            remove(&self.files.join(name))?;
        }
        let stamps = tiles.iter().map(|(&tile, &stamp)| (tile, stamp));
        written.tiles = stamps
            .filter(|(tile, _)| !unreadable.contains(tile))
            .collect();
        written.save(dir)?;
        Ok(Done {
            written: changed.len() - unreadable.len(),
            unchanged: tiles.len() - changed.len(),
            removed: removed.len(),
        })
    }

    /// Writes tiles, and returns those whose pictures cannot be read, which are told.
    async fn write_tiles(
        &self,
        layer: &str,
        written: &Written,
        tiles: &[OverviewTile],
    ) -> Result<HashSet<OverviewTile>> {
        let mut line = PaceLine::new(format!("publishing {layer}"));
        let began = Instant::now();
        let mut unreadable = HashSet::new();
        let mut writing: JoinSet<Result<Option<OverviewTile>>> = JoinSet::new();
        let cores = available_parallelism().map_or(2, NonZero::get);
        for (done, &tile) in tiles.iter().enumerate() {
            if writing.len() >= 2 * cores {
                unreadable.extend(writing.join_next().await.context("there is one")???);
            }
            let to = self.files.join(written.file(tile));
            if self.format == Format::Webp || !self.link(tile, &to)? {
                let (bytes, format) = (self.read(tile).await?, self.format);
                writing.spawn_blocking(move || put(tile, &to, bytes, format));
            }
            line.show(Pace {
                done,
                of: tiles.len(),
                elapsed: began.elapsed(),
            });
        }
        while let Some(put) = writing.join_next().await {
            unreadable.extend(put??);
        }
        line.end();
        if !unreadable.is_empty() {
            warn(format_args!(
                "{} pictures cannot be read and are left out; run the layer with --resume to make them again",
                unreadable.len()
            ));
        }
        Ok(unreadable)
    }

    /// Makes `to` another name of a tile's file; returns whether that can be done.
    fn link(&self, tile: OverviewTile, to: &Path) -> Result<bool> {
        // A link takes no place that is taken, so it is made beside it.
        let beside = to.with_extension("part");
        remove(&beside)?;
        make_parent(to)?;
        let linked = match self.pyramid.quadrant_at(tile.1, tile.2) {
            _ if tile.0 > 0 => self.overviews.link(tile, &beside),
            Some(quadrant) => self.pictures.link(quadrant, &beside),
            None => false,
        };
        if linked {
            std::fs::rename(&beside, to)
                .with_context(|| format!("cannot write {}", to.display()))?;
            // Nothing is renamed where both are names of one file already.
            remove(&beside)?;
        }
        Ok(linked)
    }

    async fn read(&self, tile: OverviewTile) -> Result<Option<Vec<u8>>> {
        if tile.0 > 0 {
            let files = self.overviews.clone();
            let read = tokio::task::spawn_blocking(move || files.read(tile));
            return Ok(read.await.context("reading was cut short")??);
        }
        let quadrant = self.pyramid.quadrant_at(tile.1, tile.2);
        let quadrant = quadrant.context("a quadrant of the map")?;
        Ok(self.pictures.read_what_is_whole(quadrant).await?)
    }
}

/// Writes a tile; returns it when its picture cannot be read.
fn put(
    tile: OverviewTile,
    to: &Path,
    bytes: Option<Vec<u8>>,
    format: Format,
) -> Result<Option<OverviewTile>> {
    let bytes = match format {
        Format::Png => bytes,
        Format::Webp => bytes.and_then(|bytes| as_webp(&bytes).ok()),
    };
    let Some(bytes) = bytes else {
        // What stood there was of another picture.
        remove(to)?;
        return Ok(Some(tile));
    };
    make_parent(to)?;
    // Always the same name, so that a kill leaves one such file at most, which is written next time.
    let beside = to.with_extension("part");
    std::fs::write(&beside, bytes)
        .and_then(|()| std::fs::rename(&beside, to))
        .with_context(|| format!("cannot write {}", to.display()))?;
    Ok(None)
}

fn make_parent(path: &Path) -> Result<()> {
    let parent = path.parent().unwrap_or(path);
    std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// The description of a Deep Zoom Image
/// (<https://learn.microsoft.com/en-us/previous-versions/windows/silverlight/dotnet-windows-silverlight/cc645077(v=vs.95)>).
fn descriptor(pyramid: Pyramid, format: Format) -> String {
    let (width, height) = pyramid.size_px(0);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Image xmlns=\"http://schemas.microsoft.com/deepzoom/2008\" Format=\"{}\" Overlap=\"0\" TileSize=\"{}\">\n  \
         <Size Width=\"{width}\" Height=\"{height}\"/>\n</Image>\n",
        format.extension(),
        pyramid.tile_width_px
    )
}
