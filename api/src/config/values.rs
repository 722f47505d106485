//! The kinds of values that settings take.

use std::{fmt, net::IpAddr, path::Path, str::FromStr, time::Duration};

/// A text that is hidden in logs and help.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Returns the text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() { Err("must not be empty".to_owned()) } else { Ok(Self(text.to_owned())) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("…")
    }
}

/// The address of a database: `sqlite://FILE`, `postgres://…` or `postgresql://…`. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// Returns the whole address, including the password.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the file of an `SQLite` database; None for `PostgreSQL` and for a database in memory.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        let rest = self.0.strip_prefix("sqlite:")?;
        let path = rest.strip_prefix("//").unwrap_or(rest);
        let (path, parameters) = path.split_once('?').unwrap_or((path, ""));
        let in_memory = path.is_empty() || path == ":memory:" || parameters.split('&').any(|one| one == "mode=memory");
        (!in_memory).then(|| Path::new(path))
    }
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must begin with sqlite://, postgres:// or postgresql://".to_owned())
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Parameters may hold a password too, so they are not shown at all.
        let shown = self.0.split('?').next().unwrap_or_default();
        match shown.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?))) {
            Some((scheme, (login, host))) => {
                let user = login.split(':').next().unwrap_or_default();
                write!(formatter, "{scheme}://{user}@{host}")
            }
            None => formatter.write_str(shown),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Where clients reach the server: `https://crm.example.com`, perhaps with a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// Returns the address without a trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim().trim_end_matches('/');
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        match rest {
            Some(rest)
                if !rest.is_empty()
                    && rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#@\\\"<>".contains(&byte)) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err("must be like https://crm.example.com, without a query".to_owned()),
        }
    }
}

/// An origin as browsers send it (`https://app.example.com`), or `*` for any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Returns the origin as it is written in the header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the value allows any origin.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.0 == "*"
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let sound = |host: &str| {
            !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@\\".contains(&byte))
        };
        if text == "*" || host.is_some_and(sound) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err("must be * or like https://app.example.com, with no path".to_owned())
        }
    }
}

/// A single address (`10.0.0.7`) or all addresses of a network (`10.0.0.0/8`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// Whether an address is part of the network.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits() ^ other.to_bits()).checked_shr(32 - self.prefix).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (own.to_bits() ^ other.to_bits()).checked_shr(128 - self.prefix).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || "must be an address, or a network such as 10.0.0.0/8".to_owned();
        let (address, prefix) =
            text.trim().split_once('/').map_or((text.trim(), None), |(left, right)| (left, Some(right)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(longest), str::parse).map_err(|_| wrong())?;
        if prefix > longest { Err(wrong()) } else { Ok(Self { address, prefix }) }
    }
}

/// The largest time of a setting. It is larger than any sensible value and prevents overflow in sums with instants.
const LONGEST: Duration = Duration::from_hours(24);

/// Parses a duration above zero: a number of seconds, or a number with a unit (`250ms`, `10s`, `2m`).
pub(super) fn parse_time(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u64 =
        digits.trim().parse().map_err(|_| "must be a whole number with ms, s or m, such as 10s".to_owned())?;
    let time = match &text[digits.len()..] {
        "ms" => Duration::from_millis(number),
        "s" | "" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.saturating_mul(60)),
        unit => return Err(format!("{unit} is no unit; write ms, s or m, such as 10s")),
    };
    if time.is_zero() || time > LONGEST { Err("must be above 0 and at most a day".to_owned()) } else { Ok(time) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        let url: DatabaseUrl = "postgres://ann:p@ss:word@db/callshot?password=hush".parse().unwrap();
        assert_eq!(url.to_string(), "postgres://ann@db/callshot");
        assert_eq!(format!("{url:?}"), url.to_string());
        assert_eq!(format!("{:?}", Secret("hush".to_owned())), "…");
        assert_eq!(url.file(), None);
        assert_eq!("sqlite::memory:".parse::<DatabaseUrl>().unwrap().file(), None);
    }

    #[test]
    fn a_network_has_its_addresses() {
        let has = |network: &str, address: &str| network.parse::<Network>().unwrap().contains(address.parse().unwrap());
        assert!(has("10.0.0.0/8", "10.255.0.1") && !has("10.0.0.0/8", "11.0.0.1"));
        assert!(has("10.0.0.7", "10.0.0.7") && !has("10.0.0.7", "10.0.0.6"));
        assert!(has("10.0.0.0/8", "::ffff:10.1.1.1") && !has("10.0.0.0/8", "::1"));
        assert!(has("fd00::/8", "fd12::1") && !has("fd00::/8", "fe80::1"));
        assert!(has("0.0.0.0/0", "192.0.2.1") && has("::/0", "::1") && !has("0.0.0.0/0", "::1"));
        for wrong in ["", "x", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "::/129", "10.0.0"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn reading_a_time_never_panics(text in "\\PC{0,12}") {
            let _ = parse_time(&text);
        }
    }
}
