//! The command line.

use clap::CommandFactory;

use generate_full_map_layer::Args;

#[test]
fn every_long_flag_is_accepted_with_underscores() {
    for argument in Args::command().get_arguments() {
        let Some(long) = argument.get_long().filter(|long| long.contains('-')) else {
            continue;
        };
        let aliases = argument.get_all_aliases().unwrap_or_default();
        assert!(
            aliases.contains(&long.replace('-', "_").as_str()),
            "--{long}"
        );
    }
}

#[test]
fn the_command_is_well_formed() {
    Args::command().debug_assert();
}
