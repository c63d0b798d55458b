//! A layer directory: its configuration, its paths, the run lock, and where finished quadrants go.

mod blocking;
mod canvas;
mod config;
mod directory;
mod endpoint;
mod endpoint_url;
mod error;
mod holder;
mod lock;
mod overviews;
mod pictures;
mod reading;
mod seed;
mod shell;
mod source;
mod storage;
mod time;

pub use canvas::{CanvasConfig, CanvasMode, Color};
pub use config::{LayerConfig, PngCompression, read_params};
pub use directory::LayerDir;
pub use endpoint::{EndpointConfig, HeaderSource, ImageFormat, SizePolicy, read_endpoints};
pub use endpoint_url::{EndpointUrl, Filter, Protocol};
pub use error::LayerError;
pub use holder::Holder;
pub use lock::RunLock;
pub use overviews::{OverviewFiles, OverviewLock, OverviewTile};
pub use pictures::{PictureState, Pictures, StagedPicture};
pub use seed::block_seed;
pub use shell::shell_quoted;
pub use source::Source;
pub use source_map::SourceLayer;
pub use storage::Storage;
pub use time::{file_timestamp, timestamp};
