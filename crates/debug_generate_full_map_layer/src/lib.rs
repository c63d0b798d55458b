//! Draws a layer's plan and progress on a map: one HTML page with Leaflet.
//!
//! [`PlacedLayer`] is a layer with its place on the globe, [`PlanState`] its plan at one moment;
//! [`PageOptions::page`] makes the page of both, [`write_page`] puts it on disk, and [`Server`]
//! serves it and tells what has changed. [`Seams`] tells how well the finished blocks are joined.

mod address;
mod afar;
mod args;
mod base_map;
mod boundary;
mod changes;
mod client_stream;
mod columns;
mod compared;
mod connections;
mod desk;
mod followed;
mod frame;
mod health;
mod keeping_up;
mod kept;
mod laid_out;
mod leaflet;
mod looks;
mod overviews;
mod pace;
mod page;
mod page_file;
mod pictured;
mod pilots;
mod placed_layer;
mod plan_state;
mod progress;
mod publish;
mod rejected;
mod run;
mod runtime;
mod say;
mod seams;
mod seams_report;
mod server;
mod the_source;
mod tile_set;
mod turns;
mod varint;
mod watch;

pub use args::Args;
pub use base_map::BaseMap;
pub use boundary::Boundary;
pub use laid_out::lay_out;
pub use leaflet::Leaflet;
pub use page::{Live, PageOptions};
pub use page_file::{pictures_url, write_page};
pub use pictured::Pictured;
pub use placed_layer::PlacedLayer;
pub use plan_state::{ItemState, PlanState};
pub use run::run;
pub use runtime::runtime;
pub use seams::{Edge, Seams};
pub use server::Server;
