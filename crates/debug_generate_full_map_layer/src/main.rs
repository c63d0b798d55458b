//! The `debug_generate_full_map_layer` program.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use debug_generate_full_map_layer::{Args, run};

#[tokio::main]
async fn main() -> ExitCode {
    sqlite::on_wait(|line| drop(writeln!(std::io::stderr(), "{line}")));
    match run(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
