//! Plans a layer and writes its directory: `layer_config.json`, `progress.db`, `generations/`.

mod args;
mod backup;
mod checks;
mod extend;
mod flat_water;
mod init;
mod planned;
mod progress_line;
mod rebuild;
mod staging;
mod summary;

pub use args::{Args, COMMANDS};
pub use init::{init, owner_of};
pub use summary::Summary;
