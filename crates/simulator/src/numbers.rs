//! The numbers by which acts refer to what was made before, and conversions of numbers.

macro_rules! numbers {
    ($($(#[doc = $doc:literal])* $name:ident),* $(,)?) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub usize);
    )*};
}

numbers! {
    /// A member of the organization.
    StaffNumber,
    /// An account.
    AccountNumber,
    /// A contact.
    ContactNumber,
    /// A touch.
    TouchNumber,
    /// An opportunity.
    OpportunityNumber,
    /// A target.
    TargetNumber,
    /// A one-on-one.
    MeetingNumber,
    /// A trigger event.
    TriggerNumber,
    /// A promise.
    PromiseNumber,
    /// A plan.
    PlanNumber,
    /// An objective of a plan.
    ObjectiveNumber,
    /// An action of a plan.
    ActionNumber,
    /// A benchmark of a plan.
    BenchmarkNumber,
    /// A question of a plan.
    QuestionNumber,
}

/// An instant, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub i64);

/// Microseconds of a minute.
pub(crate) const MINUTE: i64 = 60_000_000;
/// Microseconds of a day of 24 hours.
pub(crate) const DAY: i64 = 24 * 60 * MINUTE;

impl Moment {
    /// Returns the instant some minutes later.
    pub(crate) const fn plus_minutes(self, minutes: i64) -> Self {
        Self(self.0 + minutes * MINUTE)
    }

    /// Returns the days from an earlier instant to this one.
    pub(crate) fn days_since(self, earlier: Self) -> f64 {
        real(self.0 - earlier.0) / real(DAY)
    }
}

/// Converts a count, which is far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts, amounts and ages in microseconds are below 2^53")]
pub(crate) const fn real(number: i64) -> f64 {
    number as f64
}

/// Converts a length.
pub(crate) fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// Rounds to the nearest whole number.
#[expect(clippy::cast_possible_truncation, reason = "amounts and days of some decades")]
pub(crate) fn whole(number: f64) -> i64 {
    number.round() as i64
}

/// Returns an index below `length` for a share from 0 up to but without 1.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
pub(crate) fn place(share: f64, length: usize) -> usize {
    ((share * real(count(length))) as usize).min(length.saturating_sub(1))
}
