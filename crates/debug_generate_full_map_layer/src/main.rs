//! The `debug_generate_full_map_layer` program.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use debug_generate_full_map_layer::{Args, run, runtime};
use layer::LayerDir;
use serde_json::{Map, Value};
use terminal::{End, Program, complain, note};

const PROGRAM: Program = Program {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
    summary_lost: 2,
};

fn main() -> ExitCode {
    let args: Args = terminal::parse(&[]);
    sqlite::on_wait(|line| note(line));
    let layer = LayerDir::at(&args.layer_dir);
    let owner_of = |path: &Path| layer.owner_of(path);
    terminal::run(PROGRAM, &args.flags, owner_of, || {
        match run_to_the_end(&args) {
            Ok(figures) => End {
                figures,
                ..End::default()
            },
            Err(error) => {
                complain(format_args!("{error:#}"));
                End::refused(format!("{error:#}"))
            }
        }
    })
}

fn run_to_the_end(args: &Args) -> Result<Map<String, Value>> {
    let runtime = runtime()?;
    let ran = runtime.block_on(run(args));
    // What is done has been said; a file that is still being read for a client is waited for by
    // nobody.
    runtime.shutdown_background();
    let layer = (
        "layer".to_owned(),
        args.layer_dir.display().to_string().into(),
    );
    let figures = match ran? {
        Value::Object(figures) => figures,
        _ => Map::new(),
    };
    Ok([layer].into_iter().chain(figures).collect())
}
