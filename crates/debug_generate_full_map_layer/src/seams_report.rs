//! What `--seams` prints.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use crate::say::answer;
use crate::{Edge, Seams};

/// How many of the worst edges are listed.
const LISTED: usize = 10;

/// Prints the mean step across the edges of blocks, beside the one inside of blocks and those at
/// the same places of the source, and the worst edges.
pub(crate) fn print(layer_dir: &Path, seams: &Seams) -> Result<Value> {
    answer(format_args!(
        "{}: {} edges between {} complete blocks",
        layer_dir.display(),
        seams.edges.len(),
        seams.blocks
    ))?;
    answer("mean step, of 255   across edges   inside blocks")?;
    for (name, across, inside) in [
        ("layer", seams.across(), seams.inside),
        ("source", seams.source_across(), seams.source_inside),
    ] {
        let (across, inside) = (figure(across), figure(inside));
        answer(format_args!("  {name:<16}  {across:>12}   {inside:>13}"))?;
    }
    let worst = seams.worst(LISTED);
    if !worst.is_empty() {
        answer("the worst edges, and the same place of the source:")?;
    }
    for edge in worst {
        let (step, source_step) = (figure(edge.step), figure(edge.source_step));
        let (first, second) = edge.blocks;
        answer(format_args!(
            "  {step:>7} {source_step:>7}   {first} and {second}"
        ))?;
    }
    let edge = |edge: &Edge| {
        json!({
            "blocks": [edge.blocks.0.to_string(), edge.blocks.1.to_string()],
            "step": edge.step,
            "source_step": edge.source_step,
        })
    };
    Ok(json!({
        "edges": seams.edges.len(),
        "blocks": seams.blocks,
        "mean_step": {
            "across": seams.across(), "inside": seams.inside,
            "source_across": seams.source_across(), "source_inside": seams.source_inside,
        },
        "worst": seams.worst(LISTED).iter().map(edge).collect::<Vec<_>>(),
    }))
}

fn figure(step: f64) -> String {
    if step.is_finite() {
        format!("{step:.2}")
    } else {
        "-".to_owned()
    }
}
