//! Where a request comes from: the connection's other end, or, where that is a proxy of ours, whoever the proxy names.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};

use crate::config::Network;

/// Each proxy adds the address that it was asked from, at the end.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The other end of a connection: an extension of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

impl Peer {
    /// Who asks: the first address that is none of our proxies', going back from the connection. What stands before it in
    /// the header is hearsay: anybody can send that.
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
            // A proxy that names nobody we can read is as far as we know.
            let (true, Some(address)) = (trusted(last), read(named.trim())) else { break };
            last = address;
        }
        last
    }
}

/// An address, perhaps with a port.
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
    fn only_our_proxies_are_believed() {
        for (peer, headers, proxies, expected) in [
            ("192.0.2.9", &["198.51.100.1"][..], &[][..], "192.0.2.9"),
            ("192.0.2.9", &["198.51.100.1"], &["10.0.0.0/8"], "192.0.2.9"),
            ("10.0.0.1", &["198.51.100.1"], &["10.0.0.0/8"], "198.51.100.1"),
            // What a client made up stands before what the proxy added.
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
        /// Nobody from elsewhere is believed, whatever they send.
        #[test]
        fn no_header_moves_a_stranger(header in "[0-9a-f.:, \\[\\]]{0,60}") {
            prop_assert_eq!(asker("192.0.2.9", &[&header], &["10.0.0.0/8", "::1"]), "192.0.2.9");
        }
    }
}
