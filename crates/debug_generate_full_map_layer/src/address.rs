//! Where the server listens, and by which names it may be called.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result, bail};
use tokio::net::TcpListener;

/// So many connections wait at most, in the system's queue, for the server to take them.
const MOST_WAITING: i32 = 1024;

/// The address that `--serve` means: `host:port`, or a port of this machine.
fn full_address(address: &str) -> Result<String> {
    let port = address.strip_prefix(':').unwrap_or(address);
    if port.parse::<u16>().is_ok() {
        return Ok(format!("127.0.0.1:{port}"));
    }
    match address.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
            Ok(address.to_owned())
        }
        _ => bail!(
            "--serve {address:?} is no address; it looks like 127.0.0.1:8765, or 8765 for that port of this machine"
        ),
    }
}

/// Listens at `address`.
///
/// # Errors
/// When it is no address, not one of this machine, or taken.
pub(crate) async fn listen(address: &str) -> Result<TcpListener> {
    let address = full_address(address)?;
    let listener = TcpListener::bind(&address).await.with_context(|| {
        format!(
            "cannot listen on {address}, which --serve names; choose another, as in --serve 127.0.0.1:8766, or port 0 for any that is free"
        )
    })?;
    // The library's own queue is short, and who finds it full tries again only after a second.
    // Where another length is refused it stays as it is.
    let _ = rustix::net::listen(&listener, MOST_WAITING);
    Ok(listener)
}

/// The names that a request's `Host` may have.
///
/// A page of another site can make a browser call a server on its own machine by letting the
/// site's name point there (DNS rebinding); it then calls it by that name. Numbers cannot be
/// made to point elsewhere, so they are accepted.
#[derive(Debug, Clone)]
pub(crate) struct AllowedHosts {
    port: u16,
    names: Vec<String>,
}

impl AllowedHosts {
    /// The names of a server that was told to listen at `address` and does so at `bound`.
    pub(crate) fn of(address: &str, bound: SocketAddr) -> Self {
        let mut names = vec!["localhost".to_owned()];
        if let Some((host, _)) = address.rsplit_once(':') {
            names.push(host.to_ascii_lowercase());
        }
        if !bound.ip().is_loopback() {
            let machine = gethostname::gethostname()
                .to_string_lossy()
                .to_ascii_lowercase();
            names.push(format!("{machine}.local"));
            names.push(machine);
        }
        Self {
            port: bound.port(),
            names,
        }
    }

    /// Whether `host`, the header's value, is one of the server's own names.
    pub(crate) fn allow(&self, host: &str) -> bool {
        // A host without a port means 80; an IPv6 number stands in brackets.
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
            _ => (host, Some(80)),
        };
        let number = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
            .unwrap_or(name);
        let is_known =
            number.parse::<IpAddr>().is_ok() || self.names.contains(&name.to_ascii_lowercase());
        is_known && port == Some(self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_port_or_a_host_with_a_port() {
        assert_eq!(full_address("8080").unwrap(), "127.0.0.1:8080");
        assert_eq!(full_address(":8080").unwrap(), "127.0.0.1:8080");
        assert_eq!(full_address("0.0.0.0:80").unwrap(), "0.0.0.0:80");
        assert_eq!(full_address("[::1]:80").unwrap(), "[::1]:80");
        for bad in ["", "localhost", "host:", "host:x", "99999", "1.2.3.4"] {
            assert!(full_address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_its_own_names_and_numbers_are_allowed() {
        let hosts = AllowedHosts::of("127.0.0.1:8765", "127.0.0.1:8765".parse().unwrap());
        for good in [
            "127.0.0.1:8765",
            "localhost:8765",
            "LOCALHOST:8765",
            "[::1]:8765",
        ] {
            assert!(hosts.allow(good), "{good}");
        }
        for bad in [
            "evil.example:8765",
            "localhost",
            "localhost:80",
            "",
            "127.0.0.1.evil:8765",
        ] {
            assert!(!hosts.allow(bad), "{bad}");
        }
        let named = AllowedHosts::of("maps.example:80", "10.0.0.1:80".parse().unwrap());
        assert!(named.allow("maps.example"));
        assert!(named.allow("10.0.0.1"));
        assert!(!named.allow("evil.example"));
    }
}
