//! `init_layer`: plans a layer and writes its directory.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use init_layer::{Args, init};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    sqlite::on_wait(|line| drop(writeln!(std::io::stderr(), "{line}")));
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
