//! `generate_full_map_layer`: runs a layer's plan on its model endpoints.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use generate_full_map_layer::{Args, Ended, run};

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(format_args!("cannot start: {error}"));
            return ExitCode::from(2);
        }
    };
    let ended = runtime.block_on(run(args));
    // After an interrupt there may be work that nobody waits for any more.
    runtime.shutdown_background();
    match ended {
        Ok(Ended {
            exit_status,
            summary,
            error,
        }) => {
            // A reader that has gone away, or a full disk, does not change how the run ended.
            let _ = std::io::stdout().write_all(summary.as_bytes());
            if let Some(error) = error {
                complain(format_args!("{error}"));
            }
            ExitCode::from(exit_status)
        }
        Err(error) => {
            complain(format_args!("{error:#}"));
            ExitCode::from(2)
        }
    }
}

fn complain(error: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "error: {error}");
}
