//! The application's clock.
//!
//! The current day and every recorded time come from this clock, so that a test or a demonstration can stop it. Only the
//! lifetime of tokens is measured in real time.

use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};
use entity::Instant;

/// The source of the current time: the machine's clock or a stopped clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    stopped_at: Option<Instant>,
}

impl Clock {
    /// Creates a clock that follows the machine's clock.
    #[must_use]
    pub const fn real() -> Self {
        Self { stopped_at: None }
    }

    /// Creates a clock that always returns `instant`.
    #[must_use]
    pub const fn stopped_at(instant: Instant) -> Self {
        Self { stopped_at: Some(instant) }
    }

    /// Creates the clock that the settings specify, and logs a warning if it is stopped.
    #[must_use]
    pub fn from_setting(stop: Option<StoppedAt>) -> Self {
        let Some(stop) = stop else {
            return Self::real();
        };
        tracing::warn!(
            clock = %stop,
            "CALLSHOT_CLOCK IS SET: THE CLOCK IS STOPPED. Every recorded time will be this one. \
             This setting is only for tests and demonstrations."
        );
        Self::stopped_at(stop.0)
    }

    /// Returns the current time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.stopped_at.unwrap_or_else(|| Instant(real_now().timestamp_micros()))
    }

    /// Whether the clock is stopped.
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        self.stopped_at.is_some()
    }
}

/// Returns the machine's time. All code except this clock and the lifetime of tokens uses [`Clock::now`].
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
fn real_now() -> DateTime<Utc> {
    Utc::now()
}

/// The instant at which the clock is stopped, parsed from RFC 3339 with an offset, such as `2017-12-31T12:00:00Z`. Digits
/// beyond microseconds are truncated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoppedAt(pub Instant);

impl FromStr for StoppedAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        DateTime::parse_from_rfc3339(text)
            .map(|time| Self(Instant(time.timestamp_micros())))
            .map_err(|_| "must be a time with an offset like 2017-12-31T12:00:00Z".to_owned())
    }
}

impl std::fmt::Display for StoppedAt {
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
    fn a_stopped_clock_always_returns_the_same_instant() {
        let stop: StoppedAt = "2017-12-31T13:00:00.5+01:00".parse().unwrap();
        let clock = Clock::from_setting(Some(stop));
        assert_eq!(clock.now(), Instant(1_514_721_600_500_000));
        assert_eq!(clock.now(), clock.now());
        assert!(clock.is_stopped());
        assert_eq!(stop.to_string(), "2017-12-31T12:00:00.500Z");
    }

    #[test]
    fn the_real_clock_follows_the_machine_s_clock() {
        let clock = Clock::from_setting(None);
        let before = real_now().timestamp_micros();
        let now = clock.now().0;
        assert!(before <= now && now <= real_now().timestamp_micros());
        assert!(!clock.is_stopped());
    }

    #[test]
    fn a_time_without_an_offset_is_rejected() {
        for text in ["2017-12-31T12:00:00", "2017-02-30T12:00:00Z", "yesterday", ""] {
            assert!(text.parse::<StoppedAt>().is_err(), "{text}");
        }
    }
}
