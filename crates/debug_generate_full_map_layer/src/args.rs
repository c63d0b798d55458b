//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Where `--serve` without a value listens: this machine only.
const DEFAULT_ADDRESS: &str = "127.0.0.1:8765";

/// Draws the plan and the progress of a layer on a map, as one HTML page; or measures how well its
/// finished blocks are joined.
#[derive(Debug, Clone, Parser)]
#[command(version, after_help = EXAMPLES)]
pub struct Args {
    /// The layer, as made by init_layer
    #[arg(long, alias = "layer_dir", value_name = "DIR")]
    pub layer_dir: PathBuf,

    /// The page to write [default: DIR/debug_map.html; none with --serve]
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Serve the page, which follows the progress while a run goes on, until Ctrl-C.
    /// ADDR is host:port, or a port of this machine
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = DEFAULT_ADDRESS)]
    pub serve: Option<String>,

    /// With --serve: the page becomes a place to judge the blocks, for who has the address that is
    /// printed, on this machine alone. generate_full_map_layer --redo-flagged carries it out
    #[arg(long, requires = "serve")]
    pub review: bool,

    /// Put Leaflet's own files, from this directory, into the page, so that it needs no network
    #[arg(long, alias = "leaflet_dir", value_name = "DIR")]
    pub leaflet_dir: Option<PathBuf>,

    /// Base map tiles, an address with {z}, {x} and {y}; "none" for none [default: CARTO's,
    /// switched off at first in a page with --leaflet-dir]
    #[arg(long, value_name = "URL")]
    pub tiles: Option<String>,

    /// Draw the lines and outlines of a GeoJSON file
    #[arg(long, value_name = "FILE")]
    pub boundary: Option<PathBuf>,

    /// Compare the layer with the pictures that it is made from, or with another LAYER of the same
    /// map: the page gets a curtain between the two
    #[arg(long, value_name = "LAYER", num_args = 0..=1, default_missing_value = crate::compared::SOURCE)]
    pub compare: Option<String>,

    /// Write a site to upload anywhere: a page to look at the pictures, and each layer that is
    /// published there as a Deep Zoom Image. Again, it writes what has changed
    #[arg(long, value_name = "DIR", conflicts_with_all = ["output", "serve", "compare"])]
    pub publish: Option<PathBuf>,

    /// Publish pictures as lossless WebP: the same pixels in fewer bytes, which takes longer
    #[arg(long, requires = "publish")]
    pub webp: bool,

    /// Draw nothing; tell how visible the edges between the layer's finished blocks are: the mean
    /// step from pixel to pixel across them, inside of blocks and at the same places of the source
    #[arg(long, conflicts_with_all = ["output", "serve", "leaflet_dir", "tiles", "boundary", "compare", "publish"])]
    pub seams: bool,

    /// What is said, and how.
    #[command(flatten)]
    pub flags: terminal::Flags,
}

const EXAMPLES: &str = "\
Examples:
  Write layers/snow/debug_map.html:
    debug_generate_full_map_layer --layer-dir layers/snow

  Watch a run in the browser, at http://127.0.0.1:8765/:
    debug_generate_full_map_layer --layer-dir layers/snow --serve

  Judge the blocks, those first that are likely not to be good, and do again what was flagged:
    debug_generate_full_map_layer --layer-dir layers/snow --serve --review
    generate_full_map_layer --layer-dir layers/snow --redo-flagged

  One file that opens without a network (after npm install leaflet@1.9.4):
    debug_generate_full_map_layer --layer-dir layers/snow --output snow.html \\
      --leaflet-dir node_modules/leaflet

  Other tiles, and the outline of the city:
    debug_generate_full_map_layer --layer-dir layers/snow \\
      --tiles 'https://tile.example.org/{z}/{x}/{y}.png' --boundary city.geojson

  Look at it beside the map that it was made from:
    debug_generate_full_map_layer --layer-dir layers/snow --compare

  A site of two layers with a curtain between them:
    debug_generate_full_map_layer --layer-dir layers/snow --publish site
    debug_generate_full_map_layer --layer-dir layers/night --publish site

  How well a model has joined what it drew to what was there:
    debug_generate_full_map_layer --layer-dir layers/snow --seams

  For a script, events on standard output and what was written in a file:
    debug_generate_full_map_layer --layer-dir layers/snow --progress json --summary map.json

Exit status: 0 done, 2 an error.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_well_formed_and_flags_may_have_underscores() {
        fixtures::programs::require_command_line(terminal::command_line::<Args>(&[]));
    }

    #[test]
    fn serve_listens_on_this_machine_unless_told_otherwise() {
        let serve = |args: &[&str]| {
            let args = ["map", "--layer_dir", "layers/snow"].iter().chain(args);
            Args::try_parse_from(args).unwrap().serve
        };
        assert_eq!(serve(&[]), None);
        assert_eq!(serve(&["--serve"]).as_deref(), Some("127.0.0.1:8765"));
        assert_eq!(serve(&["--serve", "8080"]).as_deref(), Some("8080"));
        assert_eq!(
            serve(&["--serve", "--tiles", "none"]).as_deref(),
            Some("127.0.0.1:8765")
        );
    }
}
