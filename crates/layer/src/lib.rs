//! A layer directory: its configuration, its paths, the run lock, and where finished quadrants go.

mod accept;
mod blocking;
mod canvas;
mod config;
mod directory;
mod endpoint;
mod endpoint_url;
mod error;
mod holder;
mod kept;
mod lock;
mod order;
mod overviews;
mod own_files;
mod pictures;
mod pilot_name;
mod pilot_record;
mod pilots;
mod price;
mod reading;
mod review;
mod schema;
mod seed;
mod selection;
mod shapes;
mod shell;
mod source;
mod storage;
mod time;
mod tried;
mod uniform;
mod versions;

pub use accept::{AcceptConfig, Check};
pub use canvas::{CanvasConfig, CanvasMode, Color};
pub use config::{LayerConfig, PngCompression, read_params};
pub use directory::LayerDir;
pub use endpoint::{
    EndpointConfig, HeaderSource, ImageFormat, MaxConcurrent, SizePolicy, read_coming_endpoints,
    read_endpoints,
};
pub use endpoint_url::{EndpointUrl, Filter, Protocol};
pub use error::LayerError;
pub use holder::Holder;
pub use kept::{HowBad, Kept, KeptPictures};
pub use lock::RunLock;
pub use order::Order;
pub use overviews::{OverviewFiles, OverviewLock, OverviewTile};
pub use pictures::{BlockPictures, PictureState, Pictures, StagedPicture};
pub use pilot_name::PilotName;
pub use pilot_record::{PilotEndpoint, PilotItem, PilotRecord};
pub use price::Price;
pub use review::{Judgement, Review, Verdict};
pub use schema::config_schema;
pub use seed::block_seed;
pub use selection::{Selection, SelectionError};
pub use shell::{shell_quoted, shell_quoted_text};
pub use source::Source;
pub use source_map::{Mark, SourceLayer};
pub use storage::Storage;
pub use time::{file_timestamp, timestamp, timestamp_ms, unix_now};
pub use tried::{Tried, TriedError};
pub use uniform::{UniformConfig, UniformMode};
pub use versions::{Versions, quadrant_named};
