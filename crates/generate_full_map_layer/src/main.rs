//! `generate_full_map_layer`: runs a layer's plan on its model endpoints.

use std::panic::resume_unwind;
use std::path::Path;
use std::process::ExitCode;

use generate_full_map_layer::{Args, Ended, run, runtime};
use layer::LayerDir;
use lookout::Lookout;
use terminal::{End, Program, answer, complain, say};

const PROGRAM: Program = Program {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
    summary_lost: 2,
};

fn main() -> ExitCode {
    let args: Args = terminal::parse(&[]);
    let lookout = Lookout::begin(&args.lookout, &args.layer_dir);
    let layer = LayerDir::at(&args.layer_dir);
    let owner_of = |path: &Path| layer.owner_of(path);
    terminal::run(PROGRAM, &args.flags.clone(), owner_of, || {
        run_to_the_end(args, lookout)
    })
}

fn run_to_the_end(args: Args, lookout: anyhow::Result<Lookout>) -> End {
    let only_tells = args.dry_run || args.check_endpoints || args.explain.is_some();
    let ended = lookout.and_then(|lookout| {
        let runtime = runtime()?;
        // On a worker, where what it waits for need not wake another thread.
        let ended = runtime.block_on(runtime.spawn(run(args, lookout)));
        // After an interrupt there may be work that nobody waits for any more.
        runtime.shutdown_background();
        ended.unwrap_or_else(|panic| resume_unwind(panic.into_panic()))
    });
    let Ended {
        mut exit_status,
        summary,
        error,
        reason,
        mut figures,
    } = match ended {
        Ok(ended) => ended,
        Err(error) => {
            complain(format_args!("{error:#}"));
            return End::refused(format!("{error:#}"));
        }
    };
    let summary = summary.strip_suffix('\n').unwrap_or(&summary);
    if only_tells || figures.is_empty() {
        figures.insert("text".to_owned(), summary.into());
    }
    let said = if only_tells {
        answer(summary)
    } else {
        say(summary)
    };
    // Of a run the database tells how it ended.
    if let Err(error) = said {
        complain(format_args!("standard output takes nothing: {error}"));
        if only_tells {
            exit_status = 2;
        }
    }
    if let Some(error) = &error {
        complain(error);
    }
    End {
        exit_status,
        reason: error.or(reason),
        figures,
    }
}
