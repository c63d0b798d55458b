//! What the programs say: to people lines, bars and diagnostics, which wait for no terminal, and to
//! scripts events and a summary. A program is [`parse`]d and [`run`].

mod command_line;
mod diagnostics;
mod events;
mod flags;
mod log;
mod log_file;
mod pages;
mod printer;
mod program;
mod summary_file;
mod voice;
mod waiting;

pub use command_line::{More, command_line, parse};
pub use diagnostics::show_diagnostics;
pub use events::time_text;
pub use flags::{Flags, LogFormat, ProgressKind};
pub use printer::{Bar, Printer};
pub use program::{End, FORMAT_VERSION, Program, run, tell_sudden_end};
pub use voice::{
    Listener, Loudness, answer, complain, detail, event, failed, is_followed, listen, loudness,
    note, say, shows_progress, warn,
};
