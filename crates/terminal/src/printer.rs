//! The one place that prints while a run goes on: a thread of its own, so that a terminal that is
//! not read holds up nothing else.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anstyle::AnsiColor;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing::Level;

use crate::log::{is_all, log};
use crate::voice::{Loudness, colors_errors, is_for_programs, loudness, shows_progress};
use crate::waiting::Waiting;

/// How long the last lines may take at the end.
const PATIENCE: Duration = Duration::from_secs(2);

/// Hands lines and bars to the thread that prints.
#[derive(Debug, Clone)]
pub struct Printer {
    waiting: Arc<Output>,
    is_terminal: bool,
}

/// Lines, and where each goes; the bars.
type Output = Waiting<(Stream, Vec<u8>), Vec<Bar>>;

#[derive(Debug, Clone, Copy)]
enum Stream {
    Output,
    Error,
}

/// One bar, as it is to look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bar {
    /// What stands before it.
    pub label: String,
    /// How much is done.
    pub done: u64,
    /// Of how much.
    pub of: u64,
    /// What stands behind it.
    pub text: String,
}

impl Printer {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system refuses one.
    pub fn start() -> io::Result<Self> {
        let waiting = Arc::new(Waiting::default());
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let is_terminal = !bars.is_hidden() && shows_progress();
        let own = Arc::clone(&waiting);
        thread::Builder::new()
            .name("printer".to_owned())
            .spawn(move || print_all(&own, &bars))?;
        Ok(Self {
            waiting,
            is_terminal,
        })
    }

    /// Whether somebody looks at bars.
    pub const fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Prints a line on standard output, or where that is a script's on standard error; with `-q`
    /// nowhere. The log has it too.
    pub fn say(&self, line: &str) {
        log(Level::INFO, line);
        if loudness() > Loudness::Quiet && !is_all() {
            let stream = if is_for_programs() {
                Stream::Error
            } else {
                Stream::Output
            };
            self.add(stream, format!("{line}\n").into_bytes());
        }
    }

    /// Prints a line that tells how far it is, where people are told.
    pub fn say_how_far(&self, line: &str) {
        if shows_progress() {
            self.say(line);
        } else {
            log(Level::INFO, line);
        }
    }

    /// Prints bytes on standard error.
    pub fn diagnose(&self, bytes: &[u8]) {
        self.add(Stream::Error, bytes.to_vec());
    }

    /// Shows these bars from now on, where people are told how far it is.
    pub fn show(&self, bars: Vec<Bar>) {
        if self.is_terminal {
            self.waiting.show(bars);
        }
    }

    /// Takes the bars away, and waits a moment until all is printed.
    pub fn close(&self) {
        self.waiting.show(Vec::new());
        self.waiting.close_within(PATIENCE);
    }

    fn add(&self, stream: Stream, bytes: Vec<u8>) {
        self.waiting.add((stream, bytes));
    }
}

fn print_all(waiting: &Output, terminal: &MultiProgress) {
    let mut drawn: Vec<ProgressBar> = Vec::new();
    while let Some(batch) = waiting.next() {
        let mut lines = batch.lines;
        if batch.let_go > 0 {
            let line = b"some lines were not printed: nobody read them\n".to_vec();
            lines.push_back((Stream::Error, line));
        }
        if !lines.is_empty() {
            terminal.suspend(|| write_all(&lines));
        }
        if let Some(bars) = batch.shown {
            draw(terminal, &mut drawn, &bars);
        }
    }
}

fn write_all(lines: &VecDeque<(Stream, Vec<u8>)>) {
    for (stream, line) in lines {
        // A reader that has gone away, or a log on a full disk, is no reason to end a run.
        let _ = match stream {
            Stream::Output => io::stdout().write_all(line),
            Stream::Error => io::stderr().write_all(line),
        };
    }
    let _ = io::stdout().flush();
}

fn draw(terminal: &MultiProgress, drawn: &mut Vec<ProgressBar>, bars: &[Bar]) {
    for gone in drawn.drain(bars.len().min(drawn.len())..) {
        gone.finish_and_clear();
        terminal.remove(&gone);
    }
    // The text is cut where the terminal ends.
    let color = match colors_errors() {
        true => AnsiColor::Green.on_default(),
        false => anstyle::Style::new(),
    };
    let template = format!("{{prefix:>8}} {color}{{bar:24}}{color:#} {{wide_msg}}");
    let style = ProgressStyle::with_template(&template)
        .expect("the template is right")
        .progress_chars("━╸─");
    while drawn.len() < bars.len() {
        let bar = terminal.add(ProgressBar::new(0));
        bar.set_style(style.clone());
        drawn.push(bar);
    }
    for (bar, state) in drawn.iter().zip(bars) {
        bar.set_length(state.of);
        bar.set_prefix(state.label.clone());
        bar.set_message(state.text.clone());
        bar.set_position(state.done);
    }
}
