//! Where notices go.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// An address of `http` or `https`. Its user, password, path and query may all be secret, so only its
/// host is ever shown.
#[derive(Clone, PartialEq, Eq)]
pub struct NotifyUrl(Url);

impl NotifyUrl {
    /// The whole address.
    pub(crate) fn whole(&self) -> &Url {
        &self.0
    }
}

impl FromStr for NotifyUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| error.to_string())?;
        let is_http = matches!(url.scheme(), "http" | "https");
        match url.host_str() {
            Some(host) if is_http && !host.is_empty() => Ok(Self(url)),
            _ => Err("it looks like https://hooks.example.com/map".to_owned()),
        }
    }
}

impl fmt::Display for NotifyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/…", self.0.origin().ascii_serialization())
    }
}

impl fmt::Debug for NotifyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_the_host_is_shown() {
        let url: NotifyUrl = "https://me:pass@hooks.example.com:8443/T0/B0/token?key=secret"
            .parse()
            .unwrap();
        assert_eq!(url.to_string(), "https://hooks.example.com:8443/…");
        assert_eq!(format!("{url:?}"), url.to_string());
        for bad in [
            "",
            "hooks.example.com",
            "ftp://host/",
            "http://",
            "file:///tmp/x",
            "mailto:a@b",
        ] {
            assert!(bad.parse::<NotifyUrl>().is_err(), "{bad}");
        }
    }
}
