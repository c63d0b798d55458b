//! The `generate_full_map_layer` program.
fn main() {}
