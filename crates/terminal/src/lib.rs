//! What the programs say: to people lines, bars and diagnostics, which wait for no terminal, and to
//! scripts events and a summary. A program is [`parse`]d and [`run`].

mod command_line;
mod events;
mod flags;
mod log;
mod pages;
mod printer;
mod program;
mod summary_file;
mod voice;

pub use command_line::{More, command_line, parse};
pub use flags::{Flags, ProgressKind};
pub use log::show_diagnostics;
pub use printer::{Bar, Printer};
pub use program::{End, FORMAT_VERSION, Program, run, tell_sudden_end};
pub use voice::{
    Loudness, answer, complain, detail, event, failed, is_followed, loudness, note, say,
    shows_progress, warn,
};
