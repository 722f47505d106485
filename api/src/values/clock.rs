//! The one clock. "Today" and every recorded time come from here, so that a test or a demonstration can stop
//! the time. Tokens do not: their life is counted in real time.

use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};
use entity::Instant;

/// Where the application learns what time it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    stopped_at: Option<Instant>,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub const fn real() -> Self {
        Self { stopped_at: None }
    }

    /// A clock that always says `instant`.
    #[must_use]
    pub const fn stopped_at(instant: Instant) -> Self {
        Self { stopped_at: Some(instant) }
    }

    /// The clock that the settings ask for; one that stands still says so in the log.
    #[must_use]
    pub fn from_setting(stop: Option<Stop>) -> Self {
        let Some(stop) = stop else {
            return Self::real();
        };
        tracing::warn!(
            clock = %stop,
            "CALLSHOT_CLOCK IS SET: THE CLOCK STANDS STILL. Every recorded time will be this one. \
             This is for tests and demonstrations only."
        );
        Self::stopped_at(stop.0)
    }

    /// What time it is, in microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.stopped_at.unwrap_or_else(|| Instant(real_now().timestamp_micros()))
    }

    /// Whether the time stands still.
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        self.stopped_at.is_some()
    }
}

/// The machine's time. Everything but this clock and the tokens' life asks [`Clock::now`].
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
fn real_now() -> DateTime<Utc> {
    Utc::now()
}

/// An instant written in RFC 3339 with its offset, such as `2017-12-31T12:00:00Z`, at which the clock is to stop.
/// Fractions finer than a microsecond are cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop(pub Instant);

impl FromStr for Stop {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        DateTime::parse_from_rfc3339(text)
            .map(|time| Self(Instant(time.timestamp_micros())))
            .map_err(|error| format!("{error}; write it like 2017-12-31T12:00:00Z"))
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match DateTime::from_timestamp_micros(self.0.0) {
            Some(time) => formatter.write_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            None => write!(formatter, "{} µs", self.0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_clock_stands_still() {
        let stop: Stop = "2017-12-31T13:00:00.5+01:00".parse().unwrap();
        let clock = Clock::from_setting(Some(stop));
        assert_eq!(clock.now(), Instant(1_514_721_600_500_000));
        assert_eq!(clock.now(), clock.now());
        assert!(clock.is_stopped());
        assert_eq!(stop.to_string(), "2017-12-31T12:00:00.500Z");
    }

    #[test]
    fn the_real_clock_runs() {
        let clock = Clock::from_setting(None);
        let before = real_now().timestamp_micros();
        let now = clock.now().0;
        assert!(before <= now && now <= real_now().timestamp_micros());
        assert!(!clock.is_stopped());
    }

    #[test]
    fn a_time_without_an_offset_is_refused() {
        for text in ["2017-12-31T12:00:00", "2017-02-30T12:00:00Z", "yesterday", ""] {
            assert!(text.parse::<Stop>().is_err(), "{text}");
        }
    }
}
