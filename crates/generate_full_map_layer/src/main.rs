//! `generate_full_map_layer`: runs a layer's plan on its model endpoints.

use std::io::{ErrorKind, Write};
use std::panic::resume_unwind;
use std::process::ExitCode;

use clap::Parser;
use generate_full_map_layer::{Args, Ended, run, runtime};

fn main() -> ExitCode {
    let args = Args::parse();
    let only_tells = args.dry_run || args.check_endpoints || args.explain.is_some();
    let ended = runtime().and_then(|runtime| {
        // On a worker, where what it waits for need not wake another thread.
        let ended = runtime.block_on(runtime.spawn(run(args)));
        // After an interrupt there may be work that nobody waits for any more.
        runtime.shutdown_background();
        ended.unwrap_or_else(|panic| resume_unwind(panic.into_panic()))
    });
    match ended {
        Ok(Ended {
            mut exit_status,
            summary,
            error,
        }) => {
            // A reader that has gone away, as `head` does, has heard enough. Of a run the database
            // tells how it ended.
            if let Err(error) = std::io::stdout().write_all(summary.as_bytes())
                && error.kind() != ErrorKind::BrokenPipe
            {
                complain(format_args!("standard output takes nothing: {error}"));
                if only_tells {
                    exit_status = 2;
                }
            }
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
