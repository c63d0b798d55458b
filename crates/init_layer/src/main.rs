//! The `init_layer` program.
fn main() {}
