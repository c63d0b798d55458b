//! What `--seams` prints.

use std::path::Path;

use anyhow::Result;

use crate::{Seams, say};

/// How many of the worst edges are listed.
const LISTED: usize = 10;

/// Prints the mean step across the edges of blocks, beside the one inside of blocks and those at
/// the same places of the source, and the worst edges.
pub(crate) fn print(layer_dir: &Path, seams: &Seams) -> Result<()> {
    say(format_args!(
        "{}: {} edges between {} complete blocks",
        layer_dir.display(),
        seams.edges.len(),
        seams.blocks
    ))?;
    say("mean step, of 255   across edges   inside blocks")?;
    for (name, across, inside) in [
        ("layer", seams.across(), seams.inside),
        ("source", seams.source_across(), seams.source_inside),
    ] {
        let (across, inside) = (figure(across), figure(inside));
        say(format_args!("  {name:<16}  {across:>12}   {inside:>13}"))?;
    }
    let worst = seams.worst(LISTED);
    if !worst.is_empty() {
        say("the worst edges, and the same place of the source:")?;
    }
    for edge in worst {
        let (step, source_step) = (figure(edge.step), figure(edge.source_step));
        let (first, second) = edge.blocks;
        say(format_args!(
            "  {step:>7} {source_step:>7}   {first} and {second}"
        ))?;
    }
    Ok(())
}

fn figure(step: f64) -> String {
    if step.is_finite() {
        format!("{step:.2}")
    } else {
        "-".to_owned()
    }
}
