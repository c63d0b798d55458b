//! What a program says to people, and to a script: one voice for all of the process.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use serde_json::Value;
use tracing::level_filters::LevelFilter;

use crate::events::Events;
use crate::flags::{Flags, ProgressKind};

static VOICE: OnceLock<Voice> = OnceLock::new();

/// What the command line asks for; without one, as in tests, what it asks for by default.
#[derive(Debug, Default)]
struct Voice {
    is_quiet: bool,
    verbosity: u8,
    shows_progress: bool,
    /// Whether standard output is a script's.
    is_for_programs: bool,
    events: Option<Events>,
}

/// How much is said: errors always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loudness {
    /// Errors, and what was asked for.
    Quiet,
    /// What happens.
    Plain,
    /// With `-v`: details.
    Detailed,
    /// With `-vv`: all there is.
    Everything,
}

/// What failed, in a text for [`say`].
const FAILED: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// Speaks as `flags` ask for, from now on.
///
/// # Errors
/// When the system refuses a thread.
pub(crate) fn speak_as(flags: &Flags) -> io::Result<()> {
    choose_colors(flags.color);
    let events = match flags.progress {
        ProgressKind::Json => Some(Events::start()?),
        ProgressKind::Auto | ProgressKind::None => None,
    };
    // A second program within one process, as in tests, keeps the first one's.
    let _ = VOICE.set(Voice {
        is_quiet: flags.quiet,
        verbosity: flags.verbose,
        shows_progress: flags.progress == ProgressKind::Auto && !flags.quiet,
        is_for_programs: flags.output_is_for_programs(),
        events,
    });
    Ok(())
}

/// Colours as the command line says, for what clap prints too.
pub(crate) fn choose_colors(choice: clap::ColorChoice) {
    let choice = match choice {
        clap::ColorChoice::Auto => ColorChoice::Auto,
        clap::ColorChoice::Always => ColorChoice::Always,
        clap::ColorChoice::Never => ColorChoice::Never,
    };
    choice.write_global();
}

fn voice() -> &'static Voice {
    static DEFAULT: Voice = Voice {
        is_quiet: false,
        verbosity: 0,
        shows_progress: true,
        is_for_programs: false,
        events: None,
    };
    VOICE.get().unwrap_or(&DEFAULT)
}

/// How much is said.
pub fn loudness() -> Loudness {
    match voice() {
        Voice { is_quiet: true, .. } => Loudness::Quiet,
        Voice { verbosity: 0, .. } => Loudness::Plain,
        Voice { verbosity: 1, .. } => Loudness::Detailed,
        Voice { .. } => Loudness::Everything,
    }
}

/// Which diagnostics are shown: `RUST_LOG` says, or else `-q` and `-v`.
pub(crate) fn diagnostics() -> LevelFilter {
    let asked = std::env::var("RUST_LOG").ok();
    let asked = asked.and_then(|level| level.parse().ok());
    asked.unwrap_or(match loudness() {
        Loudness::Quiet => LevelFilter::ERROR,
        Loudness::Plain => LevelFilter::INFO,
        Loudness::Detailed => LevelFilter::DEBUG,
        Loudness::Everything => LevelFilter::TRACE,
    })
}

/// Whether people are told how far it is.
pub fn shows_progress() -> bool {
    voice().shows_progress
}

/// Whether standard output is a script's, and nothing for people may be there.
pub(crate) fn is_for_programs() -> bool {
    voice().is_for_programs
}

/// Whether standard error shows colours.
pub(crate) fn colors_errors() -> bool {
    AutoStream::choice(&io::stderr()) != ColorChoice::Never
}

/// Says `text` and a line's end on standard output, unless nothing is to be said. A reader that has
/// gone, as `head` does, has heard enough.
///
/// # Errors
/// When standard output takes no more for another reason, a full disk for one.
pub fn say(text: impl Display) -> io::Result<()> {
    if loudness() == Loudness::Quiet {
        return Ok(());
    }
    answer(text)
}

/// Says what was asked for: the same, also when nothing else is to be said.
///
/// # Errors
/// As for [`say`].
pub fn answer(text: impl Display) -> io::Result<()> {
    if voice().is_for_programs {
        write_error(&format!("{text}\n"));
        return Ok(());
    }
    let text = format!("{text}\n");
    let mut output = io::stdout().lock();
    let written = match AutoStream::choice(&output) {
        ColorChoice::Never => write!(output, "{}", anstream::adapter::strip_str(&text)),
        _ => output.write_all(text.as_bytes()),
    };
    match written.and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// Says on standard error what happens, unless nothing is to be said.
pub fn note(text: impl Display) {
    if diagnostics() >= LevelFilter::INFO {
        write_error(&format!("{text}\n"));
    }
}

/// Says a detail on standard error, with `-v`.
pub fn detail(text: impl Display) {
    if diagnostics() >= LevelFilter::DEBUG {
        write_error(&format!("{text}\n"));
    }
}

/// Warns on standard error, unless nothing is to be said.
pub fn warn(text: impl Display) {
    if diagnostics() >= LevelFilter::WARN {
        write_error(&format!("{WARNING}warning:{WARNING:#} {text}\n"));
    }
}

/// Says on standard error what went wrong.
pub fn complain(text: impl Display) {
    write_error(&format!("{FAILED}error:{FAILED:#} {text}\n"));
}

/// A text that tells of a failure, in colour where there are colours.
pub fn failed(text: impl Display) -> String {
    format!("{FAILED}{text}{FAILED:#}")
}

/// When standard error takes nothing there is nobody to tell.
fn write_error(text: &str) {
    let mut errors = io::stderr().lock();
    let _ = match AutoStream::choice(&errors) {
        ColorChoice::Never => write!(errors, "{}", anstream::adapter::strip_str(text)),
        _ => errors.write_all(text.as_bytes()),
    };
}

/// Whether a script follows.
pub fn is_followed() -> bool {
    voice().events.is_some()
}

/// Tells an event, with `fields`, an object, to the script that follows; waits for no reader.
pub fn event(name: &str, fields: Value) {
    if let Some(events) = &voice().events {
        events.tell(name, fields);
    }
}

/// Waits a moment until what was told is read.
pub(crate) fn close_events() {
    if let Some(events) = &voice().events {
        events.close();
    }
}

/// Tells that the process ends at once, and in the middle of its work.
pub(crate) fn event_of_sudden_end(fields: Value) {
    if let Some(events) = &voice().events {
        events.tell("ended", fields);
        events.close_within(Duration::from_millis(300));
    }
}
