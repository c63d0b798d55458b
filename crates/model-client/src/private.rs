//! Which addresses are private: a model's answer must not make us read what is inside the user's
//! network.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;
use url::{Host, Url};

/// What is said of a name or number that leads into a private network.
pub(crate) const PRIVATE: &str = "it is a private address, and not the endpoint's own host";

/// Whether only machines nearby can reach an address: this one, its networks, and those by which
/// clouds tell machines about themselves. Everything that is not meant for the internet counts.
#[must_use]
pub(crate) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => is_private_v6(address),
    }
}

/// <https://www.iana.org/assignments/iana-ipv4-special-registry>
fn is_private_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || first == 0
        || first >= 240
        // Behind the NAT of a carrier.
        || (first == 100 && second & 0xc0 == 64)
        || (first == 192 && second == 0 && third == 0)
        // Benchmarks between networks.
        || (first == 198 && second & 0xfe == 18)
}

/// <https://www.iana.org/assignments/iana-ipv6-special-registry>
fn is_private_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let carried = match segments {
        // An IPv4 address in one of the ways to write it as IPv6: mapped, compatible, translated.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some((high, low))
        }
        // 6to4.
        [0x2002, high, low, ..] => Some((high, low)),
        _ => None,
    };
    if let Some((high, low)) = carried {
        let bits = (u32::from(high) << 16) | u32::from(low);
        return is_private_v4(Ipv4Addr::from_bits(bits));
    }
    // Local to the site is old, and still routed by some; 64:ff9b:1 is translated nearby.
    address.is_loopback()
        || address.is_unique_local()
        || address.is_unicast_link_local()
        || address.is_multicast()
        || segments[0] & 0xffc0 == 0xfec0
        || segments[..3] == [0x64, 0xff9b, 1]
}

/// The addresses of a URL's host; none where it cannot be told.
pub(crate) async fn addresses_of(url: &Url) -> Vec<IpAddr> {
    match url.host() {
        Some(Host::Ipv4(address)) => vec![address.into()],
        Some(Host::Ipv6(address)) => vec![address.into()],
        Some(Host::Domain(name)) => lookup_host((name, 0)).await.map_or_else(
            |_| Vec::new(),
            |found| found.map(|found| found.ip()).collect(),
        ),
        None => Vec::new(),
    }
}

/// Looks names up, and refuses those that lead into a private network: what was looked up before
/// may have changed since. The hosts of proxies are the user's own choice.
#[derive(Debug)]
pub(crate) struct PublicNames {
    proxies: Vec<String>,
}

impl PublicNames {
    pub(crate) fn new() -> Self {
        let variables = ["http_proxy", "https_proxy", "all_proxy"];
        let variables = variables.map(|name| [name.to_owned(), name.to_uppercase()]);
        let proxies = variables.iter().flatten().filter_map(|name| {
            let proxy = std::env::var(name).ok()?;
            let url = Url::parse(&proxy).ok().filter(Url::has_host);
            let url = url.or_else(|| Url::parse(&format!("http://{proxy}")).ok())?;
            url.host_str().map(str::to_lowercase)
        });
        Self {
            proxies: proxies.collect(),
        }
    }
}

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        let is_proxy = self.proxies.contains(&name.to_lowercase());
        Box::pin(async move {
            let found: Vec<SocketAddr> = lookup_host((name, 0)).await?.collect();
            if !is_proxy && found.iter().any(|found| is_private(found.ip())) {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, PRIVATE).into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_of_the_internet_is_private() {
        for address in [
            "127.0.0.1",
            "127.8.9.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "192.0.0.192",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "fec0::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:192.168.0.1",
            "::10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:c0a8:1::1",
        ] {
            assert!(is_private(address.parse().unwrap()), "{address}");
        }
        for address in [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ] {
            assert!(!is_private(address.parse().unwrap()), "{address}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_into_a_private_network_is_not_looked_up() {
        let name = "localhost".parse().unwrap();
        let Err(error) = PublicNames {
            proxies: Vec::new(),
        }
        .resolve(name)
        .await
        else {
            panic!("it is looked up");
        };
        assert_eq!(error.to_string(), PRIVATE);
        let proxies = PublicNames {
            proxies: vec!["localhost".to_owned()],
        };
        assert!(proxies.resolve("localhost".parse().unwrap()).await.is_ok());
    }

    #[tokio::test]
    async fn a_number_is_read_however_it_is_written() {
        for text in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://[::1]/",
            "http://localhost/",
        ] {
            let addresses = addresses_of(&Url::parse(text).unwrap()).await;
            assert!(
                !addresses.is_empty() && addresses.into_iter().all(is_private),
                "{text}"
            );
        }
    }
}
