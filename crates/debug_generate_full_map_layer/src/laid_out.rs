//! The pictures of a page that is a file: a browser shows files and no database.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result};
use layer::{LayerDir, Pictures};
use planner::Quadrant;

use crate::overviews::Shown;
use crate::page_file::write_whole;
use crate::{PlacedLayer, PlanState};

/// Where the pictures of the layer are as files. Those of a database are written out: all the first
/// time, and then those that have changed. Returns how many were written, too.
///
/// # Errors
/// When a picture cannot be read or written.
pub async fn lay_out(layer: &PlacedLayer, plan: &PlanState) -> Result<(PathBuf, usize)> {
    if let Pictures::Files(dir) = &*layer.pictures {
        return Ok((dir.pictures_dir(), 0));
    }
    let dir = layer.dir.map_pictures_dir();
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let mut written = 0;
    for (index, item) in plan.items.iter().enumerate() {
        if !plan.has_pictures[index] {
            continue;
        }
        let made = plan.tries[index].completed_at_ms;
        for quadrant in item.block.quadrants() {
            let path = dir.join(LayerDir::picture_name(quadrant));
            if is_newer(&path, made) {
                continue;
            }
            // One that cannot be read is told by a run, and missing on the page.
            if let Some(bytes) = layer.pictures.read_what_is_whole(quadrant).await? {
                write_whole(&path, &bytes)?;
                written += 1;
            }
        }
    }
    Ok((dir, written))
}

/// Where the pictures of a source are as files, whose own are in a database: written to `dir`, as far
/// as they are not there in the same size. Returns how many were written, too.
///
/// # Errors
/// When they cannot be read or written.
pub(crate) async fn lay_out_source(
    shown: &Shown,
    wanted: &HashMap<Quadrant, (u64, u32)>,
    dir: &Path,
) -> Result<(PathBuf, usize)> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let mut written = 0;
    for (&quadrant, &(bytes, _)) in wanted {
        let path = dir.join(LayerDir::picture_name(quadrant));
        // What tells a picture of a database from an earlier one is its size.
        if std::fs::metadata(&path).is_ok_and(|file| file.len() == bytes) {
            continue;
        }
        if let Some(bytes) = shown.read(quadrant).await? {
            write_whole(&path, &bytes)?;
            written += 1;
        }
    }
    Ok((dir.to_owned(), written))
}

/// Whether there is a file that was written after `made_at_ms`.
fn is_newer(path: &Path, made_at_ms: Option<i64>) -> bool {
    let made_at_ms = u64::try_from(made_at_ms.unwrap_or(0)).unwrap_or(0);
    let written = std::fs::metadata(path).and_then(|file| file.modified());
    let written = written
        .ok()
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    written.is_some_and(|written| written > Duration::from_millis(made_at_ms))
}
