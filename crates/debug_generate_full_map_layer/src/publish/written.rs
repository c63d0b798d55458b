//! What was published, as it is remembered on the site.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use layer::OverviewTile;
use serde::{Deserialize, Serialize};

use crate::overviews::Pyramid;
use crate::tile_set::{Place, TileSet};
use crate::{PlacedLayer, write_page};

/// What marks the file as ours.
const KIND: &str = "published layer of debug_generate_full_map_layer";

/// A layer that was published: what a page needs to show it, and its files.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Written {
    kind: String,
    /// The layer's name.
    pub(crate) name: String,
    /// What its files are called by.
    pub(crate) slug: String,
    /// From the grid to the globe.
    pub(crate) geometry: [f64; 6],
    pub(crate) pyramid: Pyramid,
    pub(crate) extension: String,
    /// Its files, each with a number that changes when it does, or 0 while that is not sure.
    pub(crate) tiles: Vec<(OverviewTile, u64)>,
    /// The names of files that are no more and are to be removed.
    pub(crate) others: Vec<String>,
}

impl Written {
    pub(crate) fn of(layer: &PlacedLayer, pyramid: Pyramid, extension: &str) -> Self {
        Self {
            kind: KIND.to_owned(),
            name: layer.name.clone(),
            slug: slug(&layer.name),
            geometry: layer.six_numbers(),
            pyramid,
            extension: extension.to_owned(),
            tiles: Vec::new(),
            others: Vec::new(),
        }
    }

    /// What was published in `dir` under this name.
    ///
    /// # Errors
    /// When something else has one of its names.
    pub(crate) fn read(dir: &Path, slug: &str) -> Result<Option<Self>> {
        let path = place(dir, slug);
        let own = read(&path)?;
        if own.is_none() {
            for taken in [
                path,
                dir.join(format!("{slug}.dzi")),
                dir.join(format!("{slug}_files")),
            ] {
                if taken.symlink_metadata().is_ok() {
                    bail!(
                        "{} is there already and was not published by this program; publish into another directory",
                        taken.display()
                    );
                }
            }
        }
        Ok(own)
    }

    /// All layers that were published in `dir`, by their names.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn all(dir: &Path) -> Result<Vec<Self>> {
        let entries = match std::fs::read_dir(dir) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.with_context(|| format!("cannot read {}", dir.display()))?,
        };
        let mut all = Vec::new();
        for entry in entries {
            let path = entry
                .with_context(|| format!("cannot read {}", dir.display()))?
                .path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
                && path.is_file()
            {
                all.extend(read(&path)?);
            }
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    pub(crate) fn save(&self, dir: &Path) -> Result<()> {
        let text = serde_json::to_string(self).context("plain data")?;
        write_page(&place(dir, &self.slug), &text)
    }

    /// The name of a tile's file, below the directory of its files.
    pub(crate) fn file(&self, (halvings, column, row): OverviewTile) -> String {
        let level = self.pyramid.halvings_to_a_pixel() - halvings;
        format!("{level}/{column}_{row}.{}", self.extension)
    }

    /// The names of all files that were written, or were to be removed.
    pub(crate) fn files(&self) -> Vec<String> {
        let tiles = self.tiles.iter().map(|&(tile, _)| self.file(tile));
        tiles.chain(self.others.iter().cloned()).collect()
    }

    /// What a page asks for.
    pub(crate) fn tile_set(&self) -> TileSet {
        let place = Place::DeepZoom {
            files: format!("{}_files/", self.slug),
            extension: self.extension.clone(),
        };
        let tiles = self.tiles.iter().map(|(tile, stamp)| (tile, stamp));
        TileSet::of(&self.name, place, self.pyramid, 0, tiles)
    }
}

fn place(dir: &Path, slug: &str) -> PathBuf {
    dir.join(format!("{slug}.json"))
}

/// What the file at `path` says; `None` when it is not there or not ours.
fn read(path: &Path) -> Result<Option<Written>> {
    let text = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.with_context(|| format!("cannot read {}", path.display()))?,
    };
    let written: Option<Written> = serde_json::from_slice(&text).ok();
    Ok(written.filter(|written| written.kind == KIND))
}

/// A name for files of what may be called anything.
pub(crate) fn slug(name: &str) -> String {
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
