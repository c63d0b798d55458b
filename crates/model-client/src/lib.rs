//! One call to a model server: how it is spoken to, with which keys, how much of an answer is
//! read, and what a failure means.
//!
//! A [`Client`] sends an [`Ask`] to a [`Server`] and brings back what it [`Received`], or a
//! [`Failure`]. The wire protocols are in `protocol`, one module each. Pictures are bytes here:
//! nothing is decoded.

mod body;
mod bytes_shown;
mod client;
mod entries;
mod error;
mod fetch;
mod private;
mod protocol;
mod redact;
mod retry_after;
mod secrets;
mod server;
mod settings;
mod status;
mod wire;

pub use client::Client;
pub use dispatch::{Failure, FailureKind};
pub use entries::{differences, remarks};
pub use error::EndpointError;
pub use protocol::{Ask, Carried, Shapes};
pub use retry_after::retry_after;
pub use secrets::{Credentials, Environment, NotSet, Secrets};
pub use server::Server;
pub use settings::Settings;
pub use status::status_text;
pub use wire::{Called, CameAs, Received};
