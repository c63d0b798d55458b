//! Reading a command line: colours before anything is said, and the commands that print a text.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Write};
use std::process::exit;

use clap::{Arg, ColorChoice, Command, CommandFactory, FromArgMatches, ValueEnum};
use clap_complete::Shell;
use serde_json::json;

use crate::events::line_of;
use crate::pages::{completions, man_page};
use crate::program::FORMAT_VERSION;
use crate::voice::{choose_colors, complain};

/// A command of one program alone, which prints a text.
#[derive(Debug, Clone, Copy)]
pub struct More {
    /// Its name.
    pub name: &'static str,
    /// What it prints, in a line.
    pub about: &'static str,
    /// The text.
    pub text: fn() -> String,
}

/// Reads the command line. Where it is wrong, or asks for help or another text, the process ends
/// here.
pub fn parse<A: CommandFactory + FromArgMatches>(more: &[More]) -> A {
    let given: Vec<OsString> = std::env::args_os().collect();
    let color = asked(&given, "--color").and_then(|when| ColorChoice::from_str(when, true).ok());
    let color = color.unwrap_or(ColorChoice::Auto);
    choose_colors(color);
    let mut command = command_line::<A>(more).color(color);
    let read = command
        .try_get_matches_from_mut(&given)
        .and_then(|matches| match matches.subcommand() {
            Some(("completions", given)) => {
                let shell = given.get_one("SHELL").copied();
                print(&completions(&mut command, shell.expect("it is required")))
            }
            Some(("man", _)) => print(&man_page(&command)),
            Some((name, _)) => {
                let own = more.iter().find(|more| more.name == name);
                print(&(own.expect("it is one of them").text)())
            }
            None => A::from_arg_matches(&matches).map_err(|error| error.format(&mut command)),
        });
    read.unwrap_or_else(|error| {
        if error.use_stderr() && asked(&given, "--progress").is_some_and(|how| how == "json") {
            tell_refusal(&error);
        }
        error.exit()
    })
}

/// The whole command line of a program.
#[must_use]
pub fn command_line<A: CommandFactory>(more: &[More]) -> Command {
    let shell = Arg::new("SHELL")
        .required(true)
        .value_parser(clap::value_parser!(Shell))
        .help("The shell");
    let completions = Command::new("completions")
        .about("Print a script that completes the command line, for a shell")
        .arg(shell);
    let man = Command::new("man").about("Print the manual page, for man(1) to show");
    let more = more
        .iter()
        .map(|more| Command::new(more.name).about(more.about));
    A::command()
        .subcommands(more)
        .subcommand(completions)
        .subcommand(man)
        .subcommand_negates_reqs(true)
        .args_conflicts_with_subcommands(true)
        .disable_help_subcommand(true)
}

/// The value of a flag, before the command line is read as a whole.
fn asked<'a>(given: &'a [OsString], flag: &str) -> Option<&'a str> {
    let mut given = given.iter().filter_map(|argument| argument.to_str());
    let own = format!("{flag}=");
    let mut value = None;
    while let Some(argument) = given.next().filter(|&argument| argument != "--") {
        if argument == flag {
            value = given.next();
        } else if let Some(joined) = argument.strip_prefix(&own) {
            value = Some(joined);
        }
    }
    value
}

/// Prints a text that is all there is to do, and ends the process.
fn print<T>(text: &str) -> T {
    let mut output = io::stdout().lock();
    match output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
    {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            complain(format_args!("standard output takes nothing: {error}"));
            exit(2)
        }
        _ => exit(0),
    }
}

/// Tells a script that follows why nothing was begun.
fn tell_refusal(error: &clap::Error) {
    let text = error.render().to_string();
    let reason = text.trim_start_matches("error: ").lines().next();
    let line = line_of(
        "ended",
        json!({"version": FORMAT_VERSION, "exit_status": 2, "reason": reason}),
    );
    let _ = io::stdout().write_all(line.as_bytes());
}
