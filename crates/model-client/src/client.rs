//! The HTTP clients that all calls go through.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::redirect::Policy;

use crate::error::EndpointError;
use crate::private::PublicNames;

/// How many redirects of one call are followed. Modal answers a call that takes long with one
/// every 150 s.
const MAX_REDIRECTS: usize = 20;

/// What all calls go through.
#[derive(Debug, Clone)]
pub struct Client {
    /// For what the user has named.
    pub(crate) any: reqwest::Client,
    /// For what an answer has named: it goes to no private address.
    pub(crate) public: reqwest::Client,
}

impl Client {
    /// A client.
    ///
    /// # Errors
    /// When the system has no entropy or no certificates.
    pub fn new() -> Result<Self, EndpointError> {
        let failed = |error: reqwest::Error| EndpointError::Client(error.to_string());
        Ok(Self {
            any: builder().build().map_err(failed)?,
            public: builder()
                .dns_resolver(PublicNames::new())
                .build()
                .map_err(failed)?,
        })
    }
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!(
            "generate_full_map_layer/",
            env!("CARGO_PKG_VERSION")
        ))
        .connect_timeout(Duration::from_secs(15))
        // Load balancers drop connections that are silent for long, and servers close idle ones,
        // some after 5 s: a connection that is about to be closed must not be used.
        .tcp_keepalive(Duration::from_secs(30))
        .pool_idle_timeout(Duration::from_secs(4))
        .redirect(redirects())
}

/// Redirects within one origin are followed: 301, 302 and 303 with a GET, which asks for the
/// result and starts nothing; 307 and 308, which send the picture again, once.
fn redirects() -> Policy {
    Policy::custom(|attempt| {
        let first = attempt.previous().first();
        let same_origin = first.is_some_and(|first| first.origin() == attempt.url().origin());
        let sends_again = matches!(
            attempt.status(),
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
        );
        let limit = if sends_again { 1 } else { MAX_REDIRECTS };
        if same_origin && attempt.previous().len() <= limit {
            attempt.follow()
        } else {
            attempt.stop()
        }
    })
}
