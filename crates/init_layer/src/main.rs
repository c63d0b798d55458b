//! `init_layer`: plans a layer and writes its directory.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use init_layer::{Args, Summary, init, owner_of};
use terminal::{End, Program, complain, note, say};
use tokio::runtime::Builder;

const PROGRAM: Program = Program {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
    summary_lost: 1,
};

fn main() -> ExitCode {
    let args: Args = terminal::parse(&init_layer::COMMANDS);
    sqlite::on_wait(|line| note(line));
    let asked = args.clone();
    let owner_of = |path: &Path| owner_of(&asked, path);
    terminal::run(PROGRAM, &asked.flags, owner_of, || run_to_the_end(args))
}

fn run_to_the_end(args: Args) -> End {
    let summary = match make(args) {
        Ok(summary) => summary,
        Err(error) => {
            complain(format_args!("{error:#}"));
            return End::refused(format!("{error:#}"));
        }
    };
    let mut end = End {
        figures: summary.told(),
        ..End::default()
    };
    if let Err(error) = say(summary.to_string().trim_end()) {
        let reason = format!("the layer is made, but standard output takes nothing: {error}");
        complain(&reason);
        end.exit_status = 1;
        end.reason = Some(reason);
    }
    end
}

fn make(args: Args) -> anyhow::Result<Summary> {
    granted::require(granted::Work::Planning)?;
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start")?.block_on(init(args))
}
