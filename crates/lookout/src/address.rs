//! Where metrics are served.

use std::net::TcpListener;
use std::str::FromStr;

use anyhow::Context;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(String);

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_port =
            |text: &str| text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok();
        let port = text.strip_prefix(':').unwrap_or(text);
        if is_port(port) {
            return Ok(Self(format!("127.0.0.1:{port}")));
        }
        let is_host = |host: &str| {
            let inner = host
                .strip_prefix('[')
                .and_then(|host| host.strip_suffix(']'));
            !host.is_empty() && (inner.is_some() || !host.contains([':', '/', '[', ']']))
        };
        match text.rsplit_once(':') {
            Some((host, port)) if is_host(host) && is_port(port) => Ok(Self(text.to_owned())),
            _ => Err(
                "it looks like 127.0.0.1:9464 or [::1]:9464, or 9464 for that port of this machine"
                    .to_owned(),
            ),
        }
    }
}

impl Address {
    /// Listens there.
    ///
    /// # Errors
    /// When it is not one of this machine, or taken.
    pub(crate) fn listen(&self) -> anyhow::Result<TcpListener> {
        let Self(address) = self;
        let listener = TcpListener::bind(address).with_context(|| {
            format!(
                "cannot listen on {address}, which --metrics names; choose another, as in --metrics 127.0.0.1:9465, or port 0 for any that is free"
            )
        })?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_port_or_a_host_with_a_port() {
        for (text, meant) in [
            ("9464", "127.0.0.1:9464"),
            (":9464", "127.0.0.1:9464"),
            ("0", "127.0.0.1:0"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::1]:9464", "[::1]:9464"),
            ("localhost:9464", "localhost:9464"),
        ] {
            assert_eq!(text.parse(), Ok(Address(meant.to_owned())));
        }
        for bad in [
            "",
            ":",
            "localhost",
            "host:",
            "host:x",
            "99999",
            "+80",
            "1.2.3.4",
            "::1:80",
            "http://localhost:80",
            "host:+80",
            "[::1]",
        ] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }
}
