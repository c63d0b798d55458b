//! The HTTP clients that all calls go through.

use std::time::{Duration, SystemTime};

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
    /// When the system has no entropy or no certificates, or its clock stands before 1970.
    pub fn new() -> Result<Self, EndpointError> {
        require_clock(SystemTime::now())?;
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

/// Without a date no certificate can be checked; rustls would panic.
fn require_clock(now: SystemTime) -> Result<(), EndpointError> {
    match now.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(_) => Ok(()),
        Err(_) => Err(EndpointError::Clock),
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
/// result and starts nothing; 307 and 308, which send the picture again, once, as `wire` does: the
/// client does not have it any more.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_stands_before_1970_is_an_error() {
        let second = Duration::from_secs(1);
        for (now, is_told) in [
            (SystemTime::now(), false),
            (SystemTime::UNIX_EPOCH, false),
            (SystemTime::UNIX_EPOCH - second, true),
            (SystemTime::UNIX_EPOCH - 1_000_000_000 * second, true),
        ] {
            assert_eq!(require_clock(now).is_err(), is_told);
        }
    }
}
