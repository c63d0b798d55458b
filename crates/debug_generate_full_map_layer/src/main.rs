//! The `debug_generate_full_map_layer` program.
fn main() {}
