//! Reads a generation directory: which quadrants a source map has, their pictures, and their
//! place on the globe.
//!
//! The source is only ever read. A map of 40,000 quadrants is a file of many gigabytes, so
//! nothing here loads more of it than what is asked for.

mod config;
mod error;
mod geo_json;
mod geometry;
mod map;
mod mark;
mod quadrants;
mod source_layer;

pub use config::{GenerationConfig, LatLng};
pub use error::SourceError;
pub use geo_json::{GeoJsonError, GeoShape, geo_shapes};
pub use geometry::Geometry;
pub use map::{Described, open_map};
pub use mark::Mark;
pub use quadrants::QuadrantsDb;
pub use source_layer::SourceLayer;
