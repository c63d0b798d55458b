//! `generate_full_map_layer`: runs a layer's plan on its model endpoints.

use std::process::ExitCode;

use clap::Parser;
use generate_full_map_layer::{Args, Ended, run};

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(Ended {
            exit_status,
            summary,
            error,
        }) => {
            print!("{summary}");
            if let Some(error) = error {
                eprintln!("error: {error}");
            }
            ExitCode::from(exit_status)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
