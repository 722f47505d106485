//! Typed ids, stored as UUIDs and shown as TypeIDs.
//!
//! The UUIDs are of version 7, so they ascend with time. A TypeID such as `account_01h2xcejqtf2nbrexx3vqjhp41` consists of
//! the type's prefix and the UUID in 26 base-32 digits.

use std::fmt::{Display, Formatter};

use sea_orm::{DbErr, DeriveValueType, TryFromU64};
use uuid::Uuid;

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The error for text that is not a valid id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdError;

/// A typed id.
pub trait Id: Copy + Eq + std::hash::Hash + Send + Sync + 'static {
    /// The type's prefix, which precedes the underscore in a TypeID.
    const PREFIX: &'static str;

    /// Creates an id from a UUID.
    fn from_uuid(uuid: Uuid) -> Self;

    /// Returns the underlying UUID.
    fn uuid(self) -> Uuid;

    /// Creates a new id, greater than every id that this process created before.
    #[must_use]
    fn make() -> Self {
        Self::from_uuid(Uuid::now_v7())
    }

    /// Parses a TypeID with this type's prefix.
    ///
    /// # Errors
    /// Returns [`IdError`] if the prefix differs, the length or a digit is invalid, or the value exceeds 128 bits.
    fn parse(text: &str) -> Result<Self, IdError> {
        match split(text)? {
            (prefix, uuid) if prefix == Self::PREFIX => Ok(Self::from_uuid(uuid)),
            _ => Err(IdError),
        }
    }

    /// Formats the id as a TypeID.
    fn show(self) -> String {
        show(Self::PREFIX, self.uuid())
    }
}

/// Splits a TypeID of any type into its prefix and UUID.
///
/// # Errors
/// Returns [`IdError`] if the text is not a TypeID in canonical form.
pub fn split(text: &str) -> Result<(&str, Uuid), IdError> {
    let (prefix, suffix) = text.rsplit_once('_').ok_or(IdError)?;
    let suffix = suffix.as_bytes();
    if suffix.len() != 26 || suffix[0] > b'7' {
        return Err(IdError);
    }
    let mut bits = 0_u128;
    for digit in suffix {
        let value = DIGITS.iter().position(|known| known == digit).ok_or(IdError)?;
        bits = (bits << 5) | value as u128;
    }
    Ok((prefix, Uuid::from_u128(bits)))
}

/// Formats a prefix and a UUID as a TypeID.
#[must_use]
pub fn show(prefix: &str, uuid: Uuid) -> String {
    let mut text = String::with_capacity(prefix.len() + 27);
    text.push_str(prefix);
    text.push('_');
    text.extend(suffix(uuid).map(char::from));
    text
}

/// Returns the 26 digits of a UUID's TypeID.
#[must_use]
pub fn suffix(uuid: Uuid) -> [u8; 26] {
    let mut bits = uuid.as_u128();
    let mut digits = [0; 26];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[bits as usize & 31];
        bits >>= 5;
    }
    digits
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
        pub struct $name(pub Uuid);

        impl Id for $name {
            const PREFIX: &'static str = $prefix;
            fn from_uuid(uuid: Uuid) -> Self { Self(uuid) }
            fn uuid(self) -> Uuid { self.0 }
        }

        impl crate::ColumnDefault for $name {
            fn blank() -> Self {
                Self(Uuid::nil())
            }
        }

        crate::row::stored_as! { $name: Uuid, $name }

        impl Display for $name {
            fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
                out.write_str(&self.show())
            }
        }

        // SeaORM requires this of every primary key; it is used only for auto-incremented keys.
        impl TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, DbErr> {
                Err(DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    )*};
}

ids! {
    /// The id of an organization.
    OrganizationId "organization",
    /// The id of a user.
    UserId "user",
    /// The id of a session.
    SessionId "session",
    /// The id of an account.
    AccountId "account",
    /// The id of a contact.
    ContactId "contact",
    /// The id of a touch.
    TouchId "touch",
    /// The id of an opportunity.
    OpportunityId "opportunity",
    /// The id of a booking.
    BookingId "booking",
    /// The id of an event.
    EventId "event",
    /// The id of a criterion.
    CriterionId "criterion",
    /// The id of a target.
    TargetId "target",
    /// The id of a review of a target list.
    ListReviewId "listreview",
    /// The id of a one-on-one.
    OneOnOneId "oneonone",
    /// The id of a goal.
    GoalId "goal",
    /// The id of a plan.
    PlanId "plan",
    /// The id of a planned relationship.
    PlannedRelationshipId "plannedrelationship",
    /// The id of an objective of a plan.
    ObjectiveId "objective",
    /// The id of an action of a plan.
    ActionId "action",
    /// The id of a benchmark of a plan.
    BenchmarkId "benchmark",
    /// The id of a question of a plan.
    QuestionId "question",
    /// The id of a commitment to a plan.
    CommitmentId "commitment",
    /// The id of a review of a plan.
    ReviewId "review",
    /// The id of a promise.
    PromiseId "promise",
    /// The id of a snooze.
    SnoozeId "snooze",
    /// The id of a trigger event.
    TriggerEventId "triggerevent",
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_examples_of_the_specification_parse_and_format() {
        // From the TypeID specification's list of valid ids.
        for (text, uuid) in [
            ("prefix_01h455vb4pex5vsknk084sn02q", "01890a5d-ac96-774b-bcce-b302099a8057"),
            ("prefix_0123456789abcdefghjkmnpqrs", "0110c853-1d09-52d8-d73e-1194e95b5f19"),
            ("prefix_7zzzzzzzzzzzzzzzzzzzzzzzzz", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
            ("prefix_00000000000000000000000000", "00000000-0000-0000-0000-000000000000"),
        ] {
            let uuid: Uuid = uuid.parse().unwrap();
            assert_eq!(split(text), Ok(("prefix", uuid)));
            assert_eq!(show("prefix", uuid), text);
        }
    }

    #[test]
    fn malformed_ids_and_other_prefixes_are_rejected() {
        for text in [
            "",
            "account",
            "account_",
            "_",
            "account_01h455vb4pex5vsknk084sn02",
            "account_01h455vb4pex5vsknk084sn02qq",
            "account_81h455vb4pex5vsknk084sn02q",
            "account_01H455VB4PEX5VSKNK084SN02Q",
            "account_01h455vb4pex5vsknk084sn02u",
            "contact_01h455vb4pex5vsknk084sn02q",
            "account_01h455vb4pex5vsknk084sn0ü",
        ] {
            assert_eq!(AccountId::parse(text), Err(IdError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_uuid_formats_to_text_that_parses_back(bits: u128, prefix in "[a-z]{1,12}(_[a-z]{1,5})?") {
            let uuid = Uuid::from_u128(bits);
            let text = show(&prefix, uuid);
            prop_assert_eq!(split(&text), Ok((prefix.as_str(), uuid)));
        }

        #[test]
        fn text_that_parses_formats_to_the_same_text(text in prop_oneof![".{0,60}", "[a-z]{0,8}_[0-9a-zA-Z]{24,28}", "[a-z]{0,3}_[0-9a-hjkmnp-tv-z]{26}"]) {
            if let Ok((prefix, uuid)) = split(&text) {
                prop_assert_eq!(show(prefix, uuid), text);
            }
        }
    }
}
