//! The `debug_generate_full_map_layer` program.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use debug_generate_full_map_layer::{Args, complain, run, runtime};

fn main() -> ExitCode {
    let args = Args::parse();
    sqlite::on_wait(|line| complain(line));
    match run_to_the_end(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(format_args!("error: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn run_to_the_end(args: &Args) -> Result<()> {
    let runtime = runtime()?;
    let ran = runtime.block_on(run(args));
    // What is done has been said; a file that is still being read for a client is waited for by
    // nobody.
    runtime.shutdown_background();
    ran
}
