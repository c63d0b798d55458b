//! `init_layer`: plans a layer and writes its directory.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use init_layer::{Args, Summary, init};
use tokio::runtime::Builder;

fn main() -> ExitCode {
    let args = Args::parse();
    sqlite::on_wait(|line| complain(line));
    match make(args) {
        Ok(summary) => match say(&summary) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain(format_args!(
                    "error: the layer is made, but standard output takes nothing: {error}"
                ));
                ExitCode::from(1)
            }
        },
        Err(error) => {
            complain(format_args!("error: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn make(args: Args) -> anyhow::Result<Summary> {
    granted::require(granted::Work::Planning)?;
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start")?.block_on(init(args))
}

/// A reader that has gone, as `head` does, has heard enough.
fn say(text: impl Display) -> io::Result<()> {
    let mut output = io::stdout().lock();
    match write!(output, "{text}").and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// When standard error takes nothing there is nobody to tell.
fn complain(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}
