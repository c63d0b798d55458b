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

use anyhow::{Context, Result, anyhow, bail};
use canvas::as_webp;
use layer::{OverviewFiles, OverviewTile, Pictures};
use tokio::task::JoinSet;

use crate::afar::{Afar, wanted_of};
use crate::overviews::{Pace, Pyramid};
use crate::pictured::made;
use crate::say::PaceLine;
use crate::{PageOptions, PlacedLayer, PlanState, say, write_page};
use written::Written;

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
) -> Result<()> {
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
    let tiles = tiles_of(layer, plan, &afar).await?;
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
    let before = before.filter(|before| before.pyramid == pyramid);
    let done = site
        .write(dir, &name, layer, before.as_ref(), &tiles)
        .await?;
    let descriptor = descriptor(pyramid, format);
    write_page(&dir.join(format!("{name}.dzi")), &descriptor)?;
    write_page(&dir.join("index.html"), &site::page(dir, options)?)?;
    say(format_args!(
        "{}: {} files of {}, {} of them written, {} unchanged; {} removed",
        dir.join("index.html").display(),
        tiles.len(),
        layer.name,
        done.written,
        tiles.len() - done.written,
        done.removed
    ))
}

/// All tiles with something to see, down to one pixel, quadrants among them; each with a number that
/// changes when it does.
async fn tiles_of(
    layer: &PlacedLayer,
    plan: &PlanState,
    afar: &Afar,
) -> Result<HashMap<OverviewTile, u64>> {
    let wanted = wanted_of(layer, plan).await?;
    let pyramid = wanted.pyramid;
    let quadrants = wanted.quadrants.iter();
    let quadrants = quadrants.map(|(&at, &(stamp, _))| (pyramid.tile_of(at), stamp));
    let mut tiles = afar.overviews.tiles().clone();
    tiles.extend(quadrants);
    Ok(tiles)
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

#[derive(Default)]
struct Done {
    written: usize,
    removed: usize,
}

impl Site {
    async fn write(
        &self,
        dir: &Path,
        name: &str,
        layer: &PlacedLayer,
        before: Option<&Written>,
        tiles: &HashMap<OverviewTile, u64>,
    ) -> Result<Done> {
        let extension = self.format.extension();
        let known: HashMap<OverviewTile, u64> = before
            .filter(|before| before.extension == extension)
            .map(|before| before.tiles.iter().copied().collect())
            .unwrap_or_default();
        let is_there = |tile: &OverviewTile, stamp: &u64| {
            known.get(tile) == Some(stamp) && self.path(*tile, extension).is_file()
        };
        let changed = tiles.iter().filter(|(tile, stamp)| !is_there(tile, stamp));
        let mut changed: Vec<OverviewTile> = changed.map(|(&tile, _)| tile).collect();
        changed.sort_unstable();
        let mut written = Written::of(layer, self.pyramid, extension, name);
        // What is about to be written is ours, too, if it should end half way.
        let unsure: HashSet<OverviewTile> = changed.iter().copied().collect();
        let mut all: HashMap<OverviewTile, u64> = known.clone();
        all.extend(tiles);
        let stamp = |(&tile, &stamp)| (tile, if unsure.contains(&tile) { 0 } else { stamp });
        written.tiles = all.iter().map(stamp).collect();
        written.others = before
            .map(|before| before.left(&self.files, extension))
            .unwrap_or_default();
        written.save(dir, name)?;
        self.write_tiles(&layer.name, &changed).await?;
        let gone = known.keys().filter(|tile| !tiles.contains_key(tile));
        let mut removed: Vec<PathBuf> = gone.map(|&tile| self.path(tile, extension)).collect();
        removed.extend(written.others.iter().map(|name| self.files.join(name)));
        for path in &removed {
            remove(path)?;
        }
        written.others.clear();
        written.tiles = tiles.iter().map(|(&tile, &stamp)| (tile, stamp)).collect();
        written.save(dir, name)?;
        Ok(Done {
            written: changed.len(),
            removed: removed.len(),
        })
    }

    fn path(&self, (halvings, column, row): OverviewTile, extension: &str) -> PathBuf {
        let level = self.pyramid.halvings_to_a_pixel() - halvings;
        self.files
            .join(format!("{level}/{column}_{row}.{extension}"))
    }

    async fn write_tiles(&self, layer: &str, tiles: &[OverviewTile]) -> Result<()> {
        let mut line = PaceLine::new(format!("publishing {layer}"));
        let began = Instant::now();
        let mut writing: JoinSet<Result<()>> = JoinSet::new();
        let cores = available_parallelism().map_or(2, NonZero::get);
        for (done, &tile) in tiles.iter().enumerate() {
            if writing.len() >= 2 * cores {
                writing.join_next().await.context("there is one")???;
            }
            let to = self.path(tile, self.format.extension());
            if self.format == Format::Png && self.link(tile, &to)? {
                // Nothing is left to do.
            } else if let Some(bytes) = self.read(tile).await? {
                let format = self.format;
                writing.spawn_blocking(move || put(&to, &bytes, format));
            }
            line.show(Pace {
                done,
                of: tiles.len(),
                elapsed: began.elapsed(),
            });
        }
        while let Some(written) = writing.join_next().await {
            written??;
        }
        line.end();
        Ok(())
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

fn put(to: &Path, bytes: &[u8], format: Format) -> Result<()> {
    make_parent(to)?;
    let webp;
    let bytes = match format {
        Format::Png => bytes,
        Format::Webp => {
            webp = as_webp(bytes)
                .map_err(|reason| anyhow!("cannot write {}: {reason}", to.display()))?;
            &webp
        }
    };
    let beside = to.with_extension("part");
    std::fs::write(&beside, bytes)
        .and_then(|()| std::fs::rename(&beside, to))
        .with_context(|| format!("cannot write {}", to.display()))
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

/// A name for files of what may be called anything.
fn slug(name: &str) -> String {
    let plain = |c: char| {
        if c.is_alphanumeric() {
            c.to_lowercase().to_string()
        } else {
            "-".to_owned()
        }
    };
    let plain: String = name.chars().map(plain).collect();
    let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
    // What a file system takes at most is 255 bytes, and more stands behind it.
    let mut slug: String = words.join("-");
    while slug.len() > 100 {
        slug.pop();
    }
    if slug.is_empty() || slug == "index" {
        "layer".to_owned()
    } else {
        slug
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_after_the_layer_whatever_it_is_called() {
        for (name, expected) in [
            ("Winter", "winter"),
            ("snow / night #2", "snow-night-2"),
            ("../../etc", "etc"),
            ("冬", "冬"),
            ("...", "layer"),
            ("index", "layer"),
        ] {
            assert_eq!(slug(name), expected);
        }
        assert!(slug(&"ü".repeat(300)).len() <= 100);
    }
}
