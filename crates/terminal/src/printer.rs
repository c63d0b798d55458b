//! The one place that prints while a run goes on: a thread of its own, so that a terminal that is
//! not read holds up nothing else.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anstyle::AnsiColor;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing::Level;

use crate::log::{is_all, log};
use crate::voice::{Loudness, colors_errors, is_for_programs, loudness, shows_progress};

/// So many lines wait for a reader; more are counted and let go.
const MOST_WAITING: usize = 10_000;
/// How long the last lines may take at the end.
const PATIENCE: Duration = Duration::from_secs(2);

/// Hands lines and bars to the thread that prints.
#[derive(Debug, Clone)]
pub struct Printer {
    shared: Arc<Shared>,
    is_terminal: bool,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: VecDeque<(Stream, Vec<u8>)>,
    /// Lines that found no room.
    let_go: usize,
    bars: Option<Vec<Bar>>,
    is_closed: bool,
    is_done: bool,
}

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
        let shared = Arc::new(Shared::default());
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let is_terminal = !bars.is_hidden() && shows_progress();
        let own = Arc::clone(&shared);
        thread::Builder::new()
            .name("printer".to_owned())
            .spawn(move || own.print_all(&bars))?;
        Ok(Self {
            shared,
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
        if !self.is_terminal {
            return;
        }
        self.shared.lock().bars = Some(bars);
        self.shared.changed.notify_all();
    }

    /// Takes the bars away, and waits a moment until all is printed.
    pub fn close(&self) {
        let mut waiting = self.shared.lock();
        waiting.bars = Some(Vec::new());
        waiting.is_closed = true;
        self.shared.changed.notify_all();
        let until = Instant::now() + PATIENCE;
        while !waiting.is_done && Instant::now() < until {
            let patience = until.saturating_duration_since(Instant::now());
            let woken = self.shared.changed.wait_timeout(waiting, patience);
            waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn add(&self, stream: Stream, bytes: Vec<u8>) {
        let mut waiting = self.shared.lock();
        if waiting.lines.len() < MOST_WAITING {
            waiting.lines.push_back((stream, bytes));
        } else {
            waiting.let_go += 1;
        }
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn print_all(&self, terminal: &MultiProgress) {
        let mut drawn: Vec<ProgressBar> = Vec::new();
        loop {
            let mut waiting = self.lock();
            while waiting.lines.is_empty() && waiting.bars.is_none() && !waiting.is_closed {
                let woken = self.changed.wait(waiting);
                waiting = woken.unwrap_or_else(PoisonError::into_inner);
            }
            let mut lines: Vec<_> = waiting.lines.drain(..).collect();
            let bars = waiting.bars.take();
            if std::mem::take(&mut waiting.let_go) > 0 {
                let line = b"some lines were not printed: nobody read them\n".to_vec();
                lines.push((Stream::Error, line));
            }
            if lines.is_empty() && bars.is_none() && waiting.is_closed {
                waiting.is_done = true;
                self.changed.notify_all();
                return;
            }
            drop(waiting);
            if !lines.is_empty() {
                terminal.suspend(|| write_all(&lines));
            }
            if let Some(bars) = bars {
                draw(terminal, &mut drawn, &bars);
            }
        }
    }
}

fn write_all(lines: &[(Stream, Vec<u8>)]) {
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
