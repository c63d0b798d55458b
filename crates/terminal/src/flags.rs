//! What all three programs can be told about what they say.

use std::path::PathBuf;

use clap::{ArgAction, Args, ColorChoice, ValueEnum};

/// What is said, how, and to whom.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "What is said")]
pub struct Flags {
    /// When to use colours; NO_COLOR and CLICOLOR_FORCE are heard too
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    pub color: ColorChoice,

    /// Say nothing but errors, and what was asked for
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say more; twice, all there is. Of diagnostics RUST_LOG decides where it is set, as in
    /// RUST_LOG=debug
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    /// How to tell how far it is
    #[arg(long, value_name = "HOW", default_value = "auto")]
    pub progress: ProgressKind,

    /// Write the final figures to FILE as JSON, however it ends; - is standard output
    #[arg(long, value_name = "FILE", value_parser = clap::value_parser!(PathBuf))]
    pub summary: Option<PathBuf>,

    /// How lines of the log look; json without --log-file: all that is said on standard error, a JSON
    /// object a line
    #[arg(
        long,
        alias = "log_format",
        value_name = "FORMAT",
        default_value = "text"
    )]
    pub log_format: LogFormat,

    /// Add what is said to FILE as well, with the time of each line; also with -q, and with -v more
    #[arg(long, alias = "log_file", value_name = "FILE", value_parser = clap::value_parser!(PathBuf))]
    pub log_file: Option<PathBuf>,
}

/// `--log-format`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: `timestamp`, `level`, `message`, `target`.
    Json,
}

/// `--progress`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ProgressKind {
    /// Bars on a terminal, else a line from time to time.
    #[default]
    Auto,
    /// An event a line on standard output, each a JSON object, and nothing else there.
    Json,
    /// Not at all.
    None,
}

impl Flags {
    /// Whether the final figures go to standard output.
    pub(crate) fn summary_is_output(&self) -> bool {
        self.summary
            .as_ref()
            .is_some_and(|file| file.as_os_str() == "-")
    }

    /// Whether standard output is for a program to read, so that people's text goes elsewhere.
    pub(crate) fn output_is_for_programs(&self) -> bool {
        self.progress == ProgressKind::Json || self.summary_is_output()
    }
}
