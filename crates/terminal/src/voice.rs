//! What a program says to people, and to a script: one voice for all of the process.

use std::fmt::{self, Display};
use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use serde_json::Value;
use tracing::Level;
use tracing::level_filters::LevelFilter;

use crate::events::Events;
use crate::flags::{Flags, ProgressKind};
use crate::log::{self, log};

/// How long the log's last lines may take at the end.
const PATIENCE: Duration = Duration::from_secs(2);
/// The same of all that is told when the process ends in the middle of its work.
const SUDDEN: Duration = Duration::from_millis(300);

static VOICE: OnceLock<Voice> = OnceLock::new();
static LISTENER: OnceLock<Listener> = OnceLock::new();

type Hear = dyn Fn(&str, &Value) + Send + Sync;

/// Who hears each event, besides a script.
pub struct Listener {
    /// Hears an event's name and its fields, and holds up nothing.
    pub hear: Box<Hear>,
    /// Has heard the last one, and may take a moment.
    pub close: Box<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

/// Lets `listener` hear each event from now on.
pub fn listen(listener: Listener) {
    // A second program within one process, as in tests, keeps the first one's.
    let _ = LISTENER.set(listener);
}

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

/// Whether people are told how far it is, with bars or a line that is written over.
pub fn shows_progress() -> bool {
    voice().shows_progress && !log::is_all()
}

/// Opens the log that `flags` ask for, if they do.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn open_log(flags: &Flags) -> anyhow::Result<()> {
    log::open_log(flags, diagnostics(), |text| {
        if diagnostics() >= LevelFilter::WARN {
            write_error(&format!("{WARNING}warning:{WARNING:#} {text}\n"));
        }
    })
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
    let text = text.to_string();
    log(Level::INFO, &text);
    if loudness() == Loudness::Quiet || log::is_all() {
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
        if log::is_all() {
            log(Level::INFO, &text.to_string());
        } else {
            write_error(&format!("{text}\n"));
        }
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
    tell_people(Level::INFO, "", &text.to_string());
}

/// Says a detail on standard error, with `-v`.
pub fn detail(text: impl Display) {
    tell_people(Level::DEBUG, "", &text.to_string());
}

/// Warns on standard error, unless nothing is to be said.
pub fn warn(text: impl Display) {
    let warning = format!("{WARNING}warning:{WARNING:#} ");
    tell_people(Level::WARN, &warning, &text.to_string());
}

/// Says on standard error what went wrong.
pub fn complain(text: impl Display) {
    let error = format!("{FAILED}error:{FAILED:#} ");
    tell_people(Level::ERROR, &error, &text.to_string());
}

/// A line on standard error, begun with `head`, and in the log.
fn tell_people(level: Level, head: &str, text: &str) {
    log(level, text);
    // Of an error nothing can ask not to hear.
    let is_told = level == Level::ERROR || diagnostics() >= level;
    if is_told && !log::is_all() {
        write_error(&format!("{head}{text}\n"));
    }
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

/// Whether a script follows, or anybody else.
pub fn is_followed() -> bool {
    voice().events.is_some() || LISTENER.get().is_some()
}

/// Tells an event, with `fields`, an object, to the script that follows and to who listens; waits
/// for no reader.
pub fn event(name: &str, fields: Value) {
    if let Some(listener) = LISTENER.get() {
        (listener.hear)(name, &fields);
    }
    if let Some(events) = &voice().events {
        events.tell(name, fields);
    }
}

/// Waits a moment until what was told is read.
pub(crate) fn close_events() {
    if let Some(events) = &voice().events {
        events.close();
    }
    if let Some(listener) = LISTENER.get() {
        (listener.close)();
    }
    log::close_log(PATIENCE);
}

/// Tells that the process ends at once, and in the middle of its work.
pub(crate) fn event_of_sudden_end(fields: Value) {
    if let Some(events) = &voice().events {
        events.tell("ended", fields);
        events.close_within(SUDDEN);
    }
    log::close_log(SUDDEN);
}
