//! The origin of a request: the peer of the connection or, if that is a trusted proxy, the address that the proxy names.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};

use crate::config::Network;

/// The header to which each proxy appends the address of its client.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of a connection's peer, stored as an extension of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

impl Peer {
    /// Returns the client's address: the last one, counted from the connection backwards, that is not a trusted proxy. Earlier
    /// addresses in the header are ignored, because any client can send them.
    #[must_use]
    pub fn asker(self, headers: &HeaderMap, proxies: &[Network]) -> IpAddr {
        let trusted = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
        let mut last = self.0;
        if proxies.is_empty() {
            return last;
        }
        let values: Vec<&str> =
            headers.get_all(FORWARDED_FOR).iter().map(|value| value.to_str().unwrap_or("")).collect();
        for named in values.iter().rev().flat_map(|value| value.rsplit(',')) {
            // If a proxy's entry cannot be parsed, the proxy itself counts as the client.
            let (true, Some(address)) = (trusted(last), read(named.trim())) else { break };
            last = address;
        }
        last
    }
}

/// Parses an address with an optional port.
fn read(text: &str) -> Option<IpAddr> {
    let address = text.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))?;
    Some(IpAddr::to_canonical(&address))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn asker(peer: &str, headers: &[&str], proxies: &[&str]) -> String {
        let mut map = HeaderMap::new();
        for header in headers {
            map.append(FORWARDED_FOR, HeaderValue::from_str(header).unwrap());
        }
        let proxies: Vec<Network> = proxies.iter().map(|text| text.parse().unwrap()).collect();
        Peer(peer.parse().unwrap()).asker(&map, &proxies).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        for (peer, headers, proxies, expected) in [
            ("192.0.2.9", &["198.51.100.1"][..], &[][..], "192.0.2.9"),
            ("192.0.2.9", &["198.51.100.1"], &["10.0.0.0/8"], "192.0.2.9"),
            ("10.0.0.1", &["198.51.100.1"], &["10.0.0.0/8"], "198.51.100.1"),
            // The client's own entry is in front of the one that the proxy appended.
            ("10.0.0.1", &["1.2.3.4, 198.51.100.1"], &["10.0.0.0/8"], "198.51.100.1"),
            ("10.0.0.1", &["1.2.3.4", "198.51.100.1, 10.0.0.2"], &["10.0.0.0/8"], "198.51.100.1"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], &["10.0.0.0/8"], "10.0.0.3"),
            ("10.0.0.1", &[], &["10.0.0.1"], "10.0.0.1"),
            ("10.0.0.1", &["unknown, 10.0.0.2"], &["10.0.0.0/8"], "10.0.0.2"),
            ("10.0.0.1", &["unknown"], &["10.0.0.0/8"], "10.0.0.1"),
            ("::ffff:10.0.0.1", &["198.51.100.1:4711"], &["10.0.0.0/8"], "198.51.100.1"),
            ("::1", &["[2001:db8::7]:443"], &["::1"], "2001:db8::7"),
            ("fd00::5", &["2001:db8::7"], &["fd00::/8"], "2001:db8::7"),
        ] {
            assert_eq!(asker(peer, headers, proxies), expected, "{peer} {headers:?} {proxies:?}");
        }
    }

    proptest! {
        /// The header of an untrusted peer is ignored, whatever it contains.
        #[test]
        fn a_header_does_not_change_the_address_of_an_untrusted_peer(header in "[0-9a-f.:, \\[\\]]{0,60}") {
            prop_assert_eq!(asker("192.0.2.9", &[&header], &["10.0.0.0/8", "::1"]), "192.0.2.9");
        }
    }
}
