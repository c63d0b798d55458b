//! A program from its command line to its exit status.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::bail;
use serde_json::{Map, Value, json};

use crate::events::time_text;
use crate::flags::Flags;
use crate::summary_file::SummaryFile;
use crate::voice::{close_events, complain, event, event_of_sudden_end, open_log, speak_as};

/// The version of what scripts are told. A key that is added does not change it.
pub const FORMAT_VERSION: u64 = 1;

/// Which program this is.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Its exit status when all is done but the file for `--summary`.
    pub summary_lost: u8,
}

/// How a program ends, for who started it.
#[derive(Debug, Clone, Default)]
pub struct End {
    /// The exit status.
    pub exit_status: u8,
    /// Why it is not 0, or why it ended early.
    pub reason: Option<String>,
    /// What it came to.
    pub figures: Map<String, Value>,
}

impl End {
    /// An end before anything was begun.
    #[must_use]
    pub fn refused(reason: String) -> Self {
        Self {
            exit_status: 2,
            reason: Some(reason),
            figures: Map::new(),
        }
    }
}

/// Does the work of a program, which says itself what people read; then writes `--summary` and
/// tells the event `ended`, whatever came of it. `owner_of` says which directory has a file for itself,
/// where one does: nothing is written there.
pub fn run(
    program: Program,
    flags: &Flags,
    owner_of: impl Fn(&Path) -> Option<PathBuf>,
    work: impl FnOnce() -> End,
) -> ExitCode {
    let started = SystemTime::now();
    if let Err(error) = speak_as(flags) {
        complain(format_args!("cannot start: {error}"));
        return ExitCode::from(2);
    }
    let summary = require_free(flags, owner_of)
        .and_then(|()| open_log(flags))
        .and_then(|()| SummaryFile::of(flags));
    let refused = |error: &anyhow::Error| {
        complain(format_args!("{error:#}"));
        End::refused(format!("{error:#}"))
    };
    let (mut end, panic, summary) = match summary {
        Ok(summary) => match catch_unwind(AssertUnwindSafe(work)) {
            Ok(end) => (end, None, summary),
            Err(panic) => (end_of(&*panic), Some(panic), summary),
        },
        Err(error) => (refused(&error), None, SummaryFile::None),
    };
    let ended = SystemTime::now();
    if let Err(error) = summary.write(&told(program, started, ended, &end)) {
        complain(format_args!("{error:#}"));
        if end.exit_status == 0 {
            end.exit_status = program.summary_lost;
        }
        end.reason.get_or_insert(format!("{error:#}"));
    }
    event("ended", told(program, started, ended, &end));
    close_events();
    if let Some(panic) = panic {
        resume_unwind(panic);
    }
    ExitCode::from(end.exit_status)
}

/// Refuses to write a log or a summary into what somebody has for himself.
fn require_free(flags: &Flags, owner_of: impl Fn(&Path) -> Option<PathBuf>) -> anyhow::Result<()> {
    let summary = flags
        .summary
        .as_ref()
        .filter(|path| path.as_os_str() != "-");
    for (flag, path, kind) in [
        ("--log-file", flags.log_file.as_ref(), "a log"),
        ("--summary", summary, "an earlier summary"),
    ] {
        if let Some((path, owner)) = path.and_then(|path| Some((path, owner_of(path)?))) {
            bail!(
                "{flag} {} is something else than {kind}: it is one of the files that {} has for itself; name another file",
                path.display(),
                owner.display()
            );
        }
    }
    Ok(())
}

/// Tells a script that the process ends now, by a signal that was sent twice.
pub fn tell_sudden_end(exit_status: u8, reason: &str) {
    event_of_sudden_end(json!({
        "version": FORMAT_VERSION,
        "exit_status": exit_status,
        "reason": reason,
    }));
}

fn end_of(panic: &(dyn Any + Send)) -> End {
    let said = panic.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
    End {
        exit_status: 101,
        reason: Some(format!(
            "a fault of the program: {}",
            said.unwrap_or("it did not say which")
        )),
        figures: Map::new(),
    }
}

/// The final figures, as `--summary` and the event `ended` tell them.
fn told(program: Program, started: SystemTime, ended: SystemTime, end: &End) -> Value {
    let seconds = ended.duration_since(started).unwrap_or_default();
    let mut told = json!({
        "version": FORMAT_VERSION,
        "program": program.name,
        "program_version": program.version,
        "started_at": time_text(started),
        "ended_at": time_text(ended),
        "seconds": seconds.as_secs_f64(),
        "exit_status": end.exit_status,
        "reason": end.reason,
    });
    if let Value::Object(object) = &mut told {
        object.extend(end.figures.clone());
    }
    told
}
