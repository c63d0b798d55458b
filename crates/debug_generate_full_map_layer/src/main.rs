//! The `debug_generate_full_map_layer` program.

use std::process::ExitCode;

use clap::Parser;
use debug_generate_full_map_layer::{Args, complain, run, runtime};

fn main() -> ExitCode {
    let args = Args::parse();
    sqlite::on_wait(|line| complain(line));
    match runtime().and_then(|runtime| runtime.block_on(run(&args))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(format_args!("error: {error:#}"));
            ExitCode::from(2)
        }
    }
}
