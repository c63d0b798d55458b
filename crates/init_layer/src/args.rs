//! The command line.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, ValueEnum};
use layer::SourceLayer;
use planner::Bounds;
use terminal::More;

/// Plan how to regenerate a map through an image model, and write a layer directory.
///
/// Reads which quadrants a source map has, cuts them into 2x2, 1x2, 2x1 and 1x1 blocks in three
/// steps so that no seam forms, and writes layer_config.json, progress.db and generations/.
/// Nothing is written when anything is wrong, and an existing layer is never touched.
#[derive(Debug, Clone, Parser)]
#[command(version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Args {
    /// The layer's name
    #[arg(long, required_unless_present_any = ["rebuild", "extend"])]
    pub name: Option<String>,

    /// The source map, a directory with quadrants.db; or another layer
    #[arg(
        long,
        alias = "generation_dir",
        value_name = "DIR",
        required_unless_present_any = ["rebuild", "extend"]
    )]
    pub generation_dir: Option<PathBuf>,

    /// Which of the map's pictures to regenerate
    #[arg(
        long,
        alias = "source_layer",
        value_name = "LAYER",
        default_value = "generations",
        value_parser = source_layer()
    )]
    pub source_layer: SourceLayer,

    /// The part of the map, inclusive: min_x,min_y,max_x,max_y [default: all of it]
    #[arg(long, value_name = "BOUNDS", allow_hyphen_values = true)]
    pub bounds: Option<Bounds>,

    /// A JSON list of model endpoints, as in [{"name": "a", "url": "http://localhost:8000/"}]
    #[arg(long, alias = "model_endpoints", value_name = "FILE")]
    pub model_endpoints: Option<PathBuf>,

    /// What to ask the model for
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub prompt: Option<String>,

    /// A JSON object of further parameters for the model, as in {"num_inference_steps": 20}
    #[arg(long, alias = "generation_params", value_name = "FILE")]
    pub generation_params: Option<PathBuf>,

    /// What the model sees: the block alone, or with the finished neighbours that it has to join
    #[arg(long, value_name = "MODE", default_value = "block")]
    pub canvas: CanvasArg,

    /// What is done with blocks whose source is of one colour, as flat water is: a model draws them, or
    /// they are copied, or filled with their colour, without a call
    #[arg(long, value_name = "MODE", default_value = "call")]
    pub uniform: UniformArg,

    /// Where finished pictures go: a file each, or all into one quadrants.db, which tools for maps read
    #[arg(long, value_name = "STORAGE", default_value = "files")]
    pub storage: StorageArg,

    /// Make the layer from what is finished of another layer, though that is not all
    #[arg(long)]
    pub partial: bool,

    /// Where to write the layer [default: layers/<NAME>]
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,

    /// Start an existing layer over; what was there is kept as <output>.bak-<time>
    #[arg(long, conflicts_with = "rebuild")]
    pub force: bool,

    /// Plan for an existing layer what its source has got since: new blocks, which join what is there
    #[arg(long, conflicts_with_all = ["rebuild", "force", "generation_dir", "model_endpoints", "prompt", "generation_params", "canvas", "uniform", "storage"])]
    pub extend: bool,

    /// Make a new progress.db for an existing layer from its configuration, marking complete what
    /// is there; the old one is kept. For a progress.db that is damaged or lost
    #[arg(long, conflicts_with_all = ["generation_dir", "bounds", "model_endpoints", "prompt", "generation_params", "canvas", "uniform", "storage"])]
    pub rebuild: bool,

    /// What is said, and how.
    #[command(flatten)]
    pub flags: terminal::Flags,
}

/// Reads `--source-layer`.
fn source_layer() -> impl TypedValueParser<Value = SourceLayer> {
    let named = |name: &String| {
        SourceLayer::ALL
            .into_iter()
            .find(|layer| layer.name() == name)
    };
    PossibleValuesParser::new(SourceLayer::ALL.map(SourceLayer::name))
        .map(move |name| named(&name).expect("one of the possible values"))
}

/// `--storage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StorageArg {
    /// generations/{x}_{y}.png, a file for each quadrant.
    Files,
    /// quadrants.db, one database as source maps have it.
    Sqlite,
}

/// `--uniform`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum UniformArg {
    /// A model draws them.
    Call,
    /// Their source as it is.
    Copy,
    /// One colour.
    Fill,
}

/// `--canvas`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CanvasArg {
    /// The source of the block as it is.
    Block,
    /// The block and what is finished around it, so that the model can join them without a seam.
    Infill,
}

/// The commands that this program has and the others have not.
pub const COMMANDS: [More; 1] = [More {
    name: "schema",
    about: "Print the JSON schema of layer_config.json, which new layers have beside it",
    text: layer::config_schema,
}];

const EXAMPLES: &str = r#"Examples:
  init_layer --name snow --generation-dir generations/nyc --model-endpoints model_endpoints.json
  init_layer --name night --generation-dir generations/nyc --source-layer renders \
    --bounds "-10,-10,50,50" --prompt "The same city at night, windows lit" --output layers/night
  init_layer --name snow --generation-dir generations/nyc --force     start the layer over
  init_layer --name night --generation-dir layers/snow --storage sqlite   a layer made from a layer
  init_layer --extend --output layers/snow                            when the map has grown
  init_layer --rebuild --output layers/snow                           after a damaged progress.db
  init_layer --name snow --generation-dir generations/nyc -q --summary plan.json   for a script
  init_layer schema > layers/old/layer_config.schema.json             for editors, where it is missing

Exit status: 0 the layer is made; 1 it is, and what it is could not be said; 2 it is not, and
nothing was changed."#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_well_formed_and_flags_may_have_underscores() {
        fixtures::programs::require_command_line(terminal::command_line::<Args>(&COMMANDS));
    }

    #[test]
    fn bounds_may_begin_with_a_minus() {
        for bounds in [
            vec!["--bounds", "-10,-10,50,50"],
            vec!["--bounds=-10,-10,50,50"],
        ] {
            let args = ["init_layer", "--name", "a", "--generation_dir", "b"]
                .into_iter()
                .chain(bounds);
            assert_eq!(
                Args::parse_from(args).bounds.unwrap().to_string(),
                "-10,-10,50,50"
            );
        }
    }
}
