//! A server, and how it is spoken to.

use std::time::Duration;

use layer::{EndpointConfig, Protocol};
use url::Url;

use crate::error::EndpointError;
use crate::protocol::{self, Shapes};
use crate::secrets::Credentials;

/// A server and how it is spoken to.
#[derive(Debug, Clone)]
pub struct Server {
    /// The address that is called.
    pub url: Url,
    /// In which protocol.
    pub protocol: Protocol,
    /// With which keys.
    pub credentials: Credentials,
    /// How long a call may take.
    pub timeout: Duration,
    /// The shapes of pictures that it makes.
    pub shapes: Shapes,
}

impl Server {
    /// The server of an endpoint whose address is `url`, asked for `model`.
    ///
    /// # Errors
    /// [`EndpointError::Key`].
    pub fn of(
        entry: &EndpointConfig,
        url: &Url,
        credentials: Credentials,
        model: Option<&str>,
    ) -> Result<Self, EndpointError> {
        let protocol = entry.protocol().unwrap_or(Protocol::EditB64);
        let url = protocol::target(protocol, url, model);
        let credentials = credentials.with_key(protocol, &url, &entry.name)?;
        Ok(Self {
            credentials,
            timeout: entry.timeout(),
            shapes: protocol::shapes(protocol, model, entry.size_policy),
            url,
            protocol,
        })
    }
}
