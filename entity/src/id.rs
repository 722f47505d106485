//! Typed ids. Stored as UUIDs (version 7, so that they ascend with time), shown as TypeIDs:
//! `account_01h2xcejqtf2nbrexx3vqjhp41`, a type's prefix and the UUID in 26 digits of base 32.

use std::fmt::{Display, Formatter};

use sea_orm::{DbErr, DeriveValueType, TryFromU64};
use uuid::Uuid;

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Why a text is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdError;

/// What all typed ids have in common.
pub trait Id: Copy + Eq + std::hash::Hash + Send + Sync + 'static {
    /// The prefix before the underscore.
    const PREFIX: &'static str;

    /// The id of this UUID.
    fn from_uuid(uuid: Uuid) -> Self;

    /// The UUID below.
    fn uuid(self) -> Uuid;

    /// A new id, above every id that this process made before.
    #[must_use]
    fn make() -> Self {
        Self::from_uuid(Uuid::now_v7())
    }

    /// Reads a TypeID with this type's prefix, and no other.
    ///
    /// # Errors
    /// [`IdError`] for any other prefix, a wrong length, a wrong digit or one that overflows 128 bits.
    fn parse(text: &str) -> Result<Self, IdError> {
        match split(text)? {
            (prefix, uuid) if prefix == Self::PREFIX => Ok(Self::from_uuid(uuid)),
            _ => Err(IdError),
        }
    }

    /// The TypeID.
    fn show(self) -> String {
        show(Self::PREFIX, self.uuid())
    }
}

/// Takes a TypeID of any type apart.
///
/// # Errors
/// [`IdError`] where the text is no TypeID in its one canonical form.
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

/// Puts a TypeID together.
#[must_use]
pub fn show(prefix: &str, uuid: Uuid) -> String {
    let mut text = String::with_capacity(prefix.len() + 27);
    text.push_str(prefix);
    text.push('_');
    text.extend(suffix(uuid).map(char::from));
    text
}

/// The 26 digits of a TypeID.
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

        // SeaORM asks this of every primary key; only databases' own counters would use it.
        impl TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, DbErr> {
                Err(DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    )*};
}

ids! {
    /// Of an organization.
    OrganizationId "organization",
    /// Of a user.
    UserId "user",
    /// Of a session.
    SessionId "session",
    /// Of an account.
    AccountId "account",
    /// Of a contact.
    ContactId "contact",
    /// Of a touch.
    TouchId "touch",
    /// Of an opportunity.
    OpportunityId "opportunity",
    /// Of a booking.
    BookingId "booking",
    /// Of an event.
    EventId "event",
    /// Of a criterion.
    CriterionId "criterion",
    /// Of a target.
    TargetId "target",
    /// Of a review of a target list.
    ListReviewId "listreview",
    /// Of a one-on-one.
    OneOnOneId "oneonone",
    /// Of a goal.
    GoalId "goal",
    /// Of a plan.
    PlanId "plan",
    /// Of a planned relationship.
    PlannedRelationshipId "plannedrelationship",
    /// Of an objective of a plan.
    ObjectiveId "objective",
    /// Of an action of a plan.
    ActionId "action",
    /// Of a benchmark of a plan.
    BenchmarkId "benchmark",
    /// Of a question of a plan.
    QuestionId "question",
    /// Of a commitment to a plan.
    CommitmentId "commitment",
    /// Of a review of a plan.
    ReviewId "review",
    /// Of a promise.
    PromiseId "promise",
    /// Of a trigger event.
    TriggerEventId "triggerevent",
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_specification_s_examples_hold() {
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
    fn anything_else_is_refused() {
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
        fn every_uuid_has_one_text(bits: u128, prefix in "[a-z]{1,12}(_[a-z]{1,5})?") {
            let uuid = Uuid::from_u128(bits);
            let text = show(&prefix, uuid);
            prop_assert_eq!(split(&text), Ok((prefix.as_str(), uuid)));
        }

        #[test]
        fn what_is_read_is_shown_the_same(text in prop_oneof![".{0,60}", "[a-z]{0,8}_[0-9a-zA-Z]{24,28}", "[a-z]{0,3}_[0-9a-hjkmnp-tv-z]{26}"]) {
            if let Ok((prefix, uuid)) = split(&text) {
                prop_assert_eq!(show(prefix, uuid), text);
            }
        }
    }
}
