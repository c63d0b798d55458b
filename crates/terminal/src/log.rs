//! The log: all that is said, in a file or as JSON on standard error.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::bail;
use tracing::dispatcher::{Dispatch, with_default};
use tracing::level_filters::LevelFilter;
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use crate::flags::{Flags, LogFormat};
use crate::log_file::{LogLines, Sink, open};

static LOG: OnceLock<Log> = OnceLock::new();

/// What is written besides, or in place of, what people read.
#[derive(Debug)]
struct Log {
    lines: LogLines,
    format: LogFormat,
    /// What is written.
    level: LevelFilter,
    /// Whether it is what standard error has, and people's lines with it.
    is_all: bool,
    /// For what is said by other ways than diagnostics.
    said: Dispatch,
}

/// Opens the log that `flags` ask for, if they do; `level` is what people are shown. `complain`
/// hears once that it takes nothing.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn open_log(
    flags: &Flags,
    level: LevelFilter,
    complain: fn(&str),
) -> anyhow::Result<()> {
    let (sink, name, is_all): (Sink, _, _) = match (&flags.log_file, flags.log_format) {
        (Some(path), _) => (Box::new(open(path)?), path.display().to_string(), false),
        (None, LogFormat::Json) => (Box::new(io::stderr()), "standard error".to_owned(), true),
        (None, LogFormat::Text) => return Ok(()),
    };
    if let (Some(log), Some(summary)) = (&flags.log_file, &flags.summary)
        && is_one_file(log, summary)
    {
        bail!(
            "--log-file and --summary are both {}; name another file for one of them",
            log.display()
        );
    }
    let lines = LogLines::start(sink, move |error| {
        complain(&format!("the log in {name} lacks lines: {error}"));
    })?;
    // A file tells what happened also where people want to hear nothing.
    let level = if is_all {
        level
    } else {
        level.max(LevelFilter::INFO)
    };
    let format = flags.log_format;
    let subscriber = Registry::default().with(layer(format, &lines, said_by(&["terminal"], level)));
    // A second program within one process, as in tests, keeps the first one's.
    let _ = LOG.set(Log {
        said: Dispatch::new(subscriber),
        lines,
        format,
        level,
        is_all,
    });
    Ok(())
}

/// Whether two names are of one file that is there.
fn is_one_file(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| fs::metadata(path).map(|about| (about.dev(), about.ino()));
    matches!((id(one), id(other)), (Ok(one), Ok(other)) if one == other)
}

/// Whether the log is all that standard error has, for programs to read.
pub(crate) fn is_all() -> bool {
    LOG.get().is_some_and(|log| log.is_all)
}

/// Writes what is said to people into the log, where there is one.
pub(crate) fn log(level: Level, text: &str) {
    let Some(log) = LOG.get() else { return };
    let text = anstream::adapter::strip_str(text).to_string();
    let text = text.trim_matches('\n');
    with_default(&log.said, || match level {
        Level::ERROR => tracing::error!(target: "terminal", "{text}"),
        Level::WARN => tracing::warn!(target: "terminal", "{text}"),
        Level::INFO => tracing::info!(target: "terminal", "{text}"),
        _ => tracing::debug!(target: "terminal", "{text}"),
    });
}

/// Waits until all of the log is written, but no longer than `patience`.
pub(crate) fn close_log(patience: Duration) {
    if let Some(log) = LOG.get() {
        log.lines.close_within(patience);
    }
}

/// What writes the diagnostics of `crates` into the log, where there is one.
pub(crate) fn diagnostics_layer<S>(crates: &[&str]) -> Option<Box<dyn Layer<S> + Send + Sync>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let log = LOG.get()?;
    Some(layer(log.format, &log.lines, said_by(crates, log.level)))
}

/// The diagnostics of `crates` alone.
pub(crate) fn said_by(crates: &[&str], level: LevelFilter) -> Targets {
    Targets::new().with_targets(crates.iter().map(|&name| (name, level)))
}

fn layer<S>(format: LogFormat, lines: &LogLines, which: Targets) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(Adding(lines.clone()))
        .with_ansi(false);
    match format {
        LogFormat::Json => layer.json().flatten_event(true).with_filter(which).boxed(),
        LogFormat::Text => layer.with_target(false).with_filter(which).boxed(),
    }
}

struct Adding(LogLines);

impl<'a> MakeWriter<'a> for Adding {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line(self.0.clone())
    }
}

struct Line(LogLines);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.add(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
