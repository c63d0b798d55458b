//! What a long run shows: lines, bars and diagnostics, which wait for no terminal.

mod log;
mod printer;

pub use log::show_diagnostics;
pub use printer::{Bar, Printer};
