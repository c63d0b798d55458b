//! The command line.

use std::path::PathBuf;

use clap::Parser;
use layer::{Tried, Versions};
use planner::Quadrant;

/// Run a layer's plan on its model endpoints until all quadrants are generated.
///
/// Can be stopped at any moment, by Ctrl-C or by a power cut, and started again with the same
/// command: finished quadrants are kept, and no call is made twice but those that were under way.
#[derive(Debug, Clone, Parser)]
#[command(group = clap::ArgGroup::new("again").args(["redo", "redo_file", "redo_flagged"]))]
#[command(group = clap::ArgGroup::new("part").args(["only", "only_file"]))]
#[command(version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Args {
    /// The layer directory, made by init_layer
    #[arg(long, alias = "layer_dir", value_name = "DIR")]
    pub layer_dir: PathBuf,

    /// How many calls may be under way together [default: the sum of the endpoints' slots]
    #[arg(long, alias = "max_concurrent", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_concurrent: Option<u32>,

    /// Take the endpoints in a file too, a JSON list, and follow it: what scripts write into it joins,
    /// changes and leaves the run, which waits when none is left
    #[arg(
        long,
        alias = "endpoints_file",
        value_name = "FILE",
        conflicts_with = "explain"
    )]
    pub endpoints_file: Option<PathBuf>,

    /// First check the pictures of complete items, and make missing or damaged ones again
    #[arg(long)]
    pub resume: bool,

    /// Run items again that failed
    #[arg(long, alias = "retry_errors")]
    pub retry_errors: bool,

    /// Show what would run where; call nothing and change nothing
    #[arg(long, alias = "dry_run")]
    pub dry_run: bool,

    /// Send each endpoint one small canvas and show what comes back; change nothing in the layer
    #[arg(long, alias = "check_endpoints", conflicts_with = "dry_run")]
    pub check_endpoints: bool,

    /// Generate blocks again, and with infill the later ones that joined them: those that hold these
    /// quadrants or rectangles, as in "12,-3 20,5..24,9"; earlier pictures are kept
    #[arg(long, value_name = "QUADRANTS", allow_hyphen_values = true, conflicts_with_all = ["redo_file", "check_endpoints", "explain"])]
    pub redo: Option<String>,

    /// The same, from a file: such a text, or GeoJSON
    #[arg(long, alias = "redo_file", value_name = "FILE", conflicts_with_all = ["check_endpoints", "explain"])]
    pub redo_file: Option<PathBuf>,

    /// Carry out what was judged at the desk (debug_generate_full_map_layer --serve --review) and is in
    /// review.json: generate the flagged blocks again, put chosen pictures in their place
    #[arg(long, alias = "redo_flagged", conflicts_with_all = ["check_endpoints", "explain", "keep", "accept"])]
    pub redo_flagged: bool,

    /// With --redo, leave the later blocks as they are
    #[arg(long, alias = "without_followers", requires = "again")]
    pub without_followers: bool,

    /// With --redo, add a text to the prompt of these blocks alone
    #[arg(long, alias = "redo_prompt", value_name = "TEXT", requires = "again", conflicts_with = "redo_flagged", allow_hyphen_values = true, value_parser = prompt)]
    pub redo_prompt: Option<String>,

    /// Put the earlier pictures of blocks back, as in "12,-3 20,5@2" with a version's number; call
    /// nothing
    #[arg(long, value_name = "QUADRANTS", allow_hyphen_values = true, conflicts_with_all = ["redo", "redo_file", "check_endpoints", "explain", "dry_run", "resume", "retry_errors", "max_items"])]
    pub keep: Option<Versions>,

    /// Take the rejected answers of failed blocks as they are, as in "12,-3 20,5"; call nothing
    #[arg(long, value_name = "QUADRANTS", allow_hyphen_values = true, conflicts_with_all = ["keep", "redo", "redo_file", "check_endpoints", "explain", "dry_run", "resume", "retry_errors", "max_items"])]
    pub accept: Option<Versions>,

    /// Tell how a quadrant came to be: every call, its endpoint, seed and outcome, what it joined
    #[arg(long, value_name = "X,Y", allow_hyphen_values = true, value_parser = layer::quadrant_named, conflicts_with_all = ["dry_run", "check_endpoints"])]
    pub explain: Option<Quadrant>,

    /// Run a part first and alone, with what must precede it: what lies between two corners, in any
    /// order, or quadrants and rectangles as --redo takes them
    #[arg(long, value_name = "X1,Y1,X2,Y2", allow_hyphen_values = true, conflicts_with_all = ["only_file", "check_endpoints", "explain", "keep", "accept"])]
    pub only: Option<String>,

    /// The same, from a file: such a text, or GeoJSON
    #[arg(long, alias = "only_file", value_name = "FILE", conflicts_with_all = ["check_endpoints", "explain", "keep", "accept"])]
    pub only_file: Option<PathBuf>,

    /// Draw the part with other settings than the layer's, into pilots/ beside it, which the page
    /// compares: as in 'model=flux-2, prompt="snow, at night", num_inference_steps=20'
    #[arg(long = "try", value_name = "SETTINGS", requires = "part", allow_hyphen_values = true, conflicts_with_all = ["redo", "redo_file", "redo_flagged", "keep", "accept", "explain", "check_endpoints", "resume", "retry_errors"])]
    pub tried: Option<Tried>,

    /// Stop after so many items
    #[arg(long, alias = "max_items", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_items: Option<u32>,

    /// Spend no more than so much in this run, in the layer's currency: the price of a call is set
    /// aside before it starts
    #[arg(long, alias = "max_cost", value_name = "AMOUNT", value_parser = amount)]
    pub max_cost: Option<f64>,

    /// Pay for no more than so many calls in this run
    #[arg(long, alias = "max_calls", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_calls: Option<u64>,

    /// Stop after so many failed items in a row
    #[arg(long, alias = "max_errors", value_name = "N", default_value = "20", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_errors: u32,

    /// Stop when no endpoint has answered anything so many seconds after the start
    #[arg(long, alias = "startup_wait", value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub startup_wait: f64,

    /// After Ctrl-C, wait so many seconds for calls under way [default: the endpoint's timeout_s]
    #[arg(long, alias = "drain_s", value_name = "SECONDS", value_parser = seconds)]
    pub drain_s: Option<f64>,

    /// Go on although the source map's configuration or layer is not the one that was planned
    #[arg(long, alias = "accept_source_change")]
    pub accept_source_change: bool,

    /// Who may look at it, and who is told of it.
    #[command(flatten)]
    pub lookout: lookout::Flags,

    /// What is said, and how.
    #[command(flatten)]
    pub flags: terminal::Flags,
}

fn seconds(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|seconds: &f64| (0.0..=1e9).contains(seconds))
        .ok_or_else(|| format!("{text:?} is not a number of seconds"))
}

fn amount(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|amount: &f64| (0.0..=1e9).contains(amount))
        .ok_or_else(|| format!("{text:?} is not an amount of money"))
}

fn prompt(text: &str) -> Result<String, String> {
    let is_text = |letter: char| letter == '\n' || !letter.is_control();
    if text.trim().is_empty() || !text.chars().all(is_text) {
        return Err("it must be a text without control characters".to_owned());
    }
    Ok(text.to_owned())
}

const EXAMPLES: &str = "Examples:
  generate_full_map_layer --layer-dir layers/snow --dry-run          see what would run where
  generate_full_map_layer --layer-dir layers/snow --check-endpoints  ask each endpoint once
  generate_full_map_layer --layer-dir layers/snow --max-items 4      try a few items first
  generate_full_map_layer --layer-dir layers/snow --only 0,0,5,5     a pilot: this part first
  generate_full_map_layer --layer-dir layers/snow --only 0,0,5,5 --try 'prompt=snow, at night'
                                                                     the same, other settings
  generate_full_map_layer --layer-dir layers/snow --max-cost 25      spend no more than that
  generate_full_map_layer --layer-dir layers/snow                    run, or go on after a stop
  generate_full_map_layer --layer-dir layers/snow --endpoints-file fleet.json
                                                                     with machines that come and go
  generate_full_map_layer --layer-dir layers/snow --resume           check finished pictures first
  generate_full_map_layer --layer-dir layers/snow --retry-errors     run failed items again
  generate_full_map_layer --layer-dir layers/snow --redo 12,-3 --dry-run
                                                                     tell how many calls that is
  generate_full_map_layer --layer-dir layers/snow --redo \"12,-3 20,5..24,9\"
                                                                     generate blocks again
  generate_full_map_layer --layer-dir layers/snow --redo-flagged     carry out what was judged
  generate_full_map_layer --layer-dir layers/snow --keep 12,-3       the earlier pictures back
  generate_full_map_layer --layer-dir layers/snow --accept 12,-3     take a rejected answer as it is
  generate_full_map_layer --layer-dir layers/snow --explain 12,-3    tell how a quadrant came to be
  generate_full_map_layer --layer-dir layers/snow --progress json --summary run.json
                                                                     for a script: events, figures
  generate_full_map_layer --layer-dir layers/snow --metrics 9464 --notify https://hooks.example.com/map
                                                                     watched from afar

Exit status: 0 all complete, or the part that was asked for is done; 1 some items failed or wait on
failed ones; 2 could not run; 3 stopped early with work left, or --check-endpoints found an endpoint
that does not work; 129, 130 and 143 interrupted.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_well_formed_and_flags_may_have_underscores() {
        fixtures::programs::require_command_line(terminal::command_line::<Args>(&[]));
    }
}
