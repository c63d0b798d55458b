//! Completions for shells, and the manual page.

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

/// What the help says of exit statuses begins so.
const EXIT_STATUS: &str = "\nExit status: ";

/// The script that completes the command line in `shell`.
pub(crate) fn completions(command: &mut Command, shell: Shell) -> String {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, command, name, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The manual page, for section 1.
pub(crate) fn man_page(command: &Command) -> String {
    let page = Man::new(command.clone());
    let mut text = Vec::new();
    let written = page
        .render_title(&mut text)
        .and_then(|()| page.render_name_section(&mut text))
        .and_then(|()| page.render_synopsis_section(&mut text))
        .and_then(|()| page.render_description_section(&mut text))
        .and_then(|()| page.render_options_section(&mut text))
        .and_then(|()| own_sections(command).to_writer(&mut text))
        .and_then(|()| page.render_version_section(&mut text));
    written.expect("memory takes everything");
    String::from_utf8_lossy(&text).into_owned()
}

/// The commands, which have no pages of their own; and the examples, line by line.
fn own_sections(command: &Command) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["COMMANDS"]);
    for own in command.get_subcommands() {
        roff.control("TP", []);
        let arguments = own
            .get_positionals()
            .map(|arg| format!(" {}", arg.get_id()));
        let name = format!("{}{}", own.get_name(), arguments.collect::<String>());
        roff.text([bold(name)]);
        let about = own.get_about().map(ToString::to_string);
        roff.text([roman(about.unwrap_or_default())]);
    }
    let help = command.get_after_help().map(ToString::to_string);
    let help = help.unwrap_or_default();
    let (examples, statuses) = help.split_once(EXIT_STATUS).unwrap_or((&help, ""));
    roff.control("SH", ["EXAMPLES"]);
    roff.control("nf", []);
    for line in examples.trim_start_matches("Examples:").trim().lines() {
        roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
    }
    roff.control("fi", []);
    if !statuses.is_empty() {
        roff.control("SH", ["EXIT STATUS"]);
        roff.text([roman(statuses.replace('\n', " "))]);
    }
    roff
}
