//! `init_layer`: plans a layer and writes its directory.

use std::process::ExitCode;

use clap::Parser;
use init_layer::{Args, init};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match init(Args::parse()).await {
        Ok(summary) => {
            print!("{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
