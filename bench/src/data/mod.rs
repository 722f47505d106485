//! The generated data, which is the same in every run and on both databases.
//!
//! One database holds an organization of 50 members with 10,000 accounts and their related rows, small organizations for
//! concurrent writers, and an organization in which a seller has a long target list. The other holds a sales force with a
//! long history. The rows are as the API would have written them, except that the feed has no events about them.
//!
//! | module | contents |
//! |---|---|
//! | [`people`] | organizations, their members and credentials |
//! | [`book`] | accounts, seats, contacts, opportunities and bookings |
//! | [`touches`] | touches and the contacts who took part |
//! | [`list`] | criteria, assessments, targets, one-on-ones and goals |
//! | [`plan`] | one plan with all kinds of items |
//! | [`force`] | the sales force: 10,000 targets with a million touches |
//! | [`words`] | names and texts to choose from |
//! | [`random`] | pseudo-random numbers |
//! | [`load`] | loading the rows into a database |

pub mod book;
pub mod force;
pub mod list;
pub mod load;
pub mod people;
pub mod plan;
pub mod random;
pub mod touches;
pub mod words;

use chrono::TimeZone;
use chrono_tz::Tz;
use uuid::Uuid;

use self::people::Person;
use self::random::Random;

/// The version of the rows. Increment it with every change to them, so that databases prepared before are not reused.
pub const VERSION: u32 = 7;

/// The time at which the servers' clocks are stopped, 2026-07-01T12:00:00Z, in microseconds since 1970.
pub const NOW: i64 = 1_782_907_200_000_000;
/// The same time in the format of the server's `--clock` flag.
pub const CLOCK: &str = "2026-07-01T12:00:00Z";
/// The first and last day of the fiscal year that contains it, in days since 1970.
pub const YEAR: (i32, i32) = (20_454, 20_818);
/// The time zone of all organizations and members.
pub const ZONE: Tz = chrono_tz::Europe::Berlin;
/// The currency of all amounts.
pub const CURRENCY: &str = "EUR";
/// The length of a day in microseconds.
pub const DAY: i64 = 86_400_000_000;

/// The number of members of the large organization.
pub const USERS: u64 = 50;
/// The number of accounts of the large organization.
pub const ACCOUNTS: u64 = 10_000;
/// The number of contacts of the large organization.
pub const CONTACTS: u64 = 50_000;
/// The number of touches of the large organization.
pub const TOUCHES: u64 = 500_000;
/// The number of opportunities of the large organization.
pub const OPPORTUNITIES: u64 = 10_000;
/// The number of bookings of the large organization.
pub const BOOKINGS: u64 = 10_000;

/// The number of small organizations.
pub const SMALL: u64 = 16;
/// The number of members of each small organization.
pub const SMALL_USERS: u64 = 16;
/// The number of accounts of each small organization: one per member.
pub const SMALL_ACCOUNTS: u64 = SMALL_USERS;

/// The number of the organization with the long target list; it follows those of the small ones.
pub const LIST: u64 = SMALL + 1;
/// The number of its members: an administrator, a manager who reports to them, and a seller who reports to the manager.
pub const LIST_USERS: u64 = 3;
/// The number of the seller's accounts.
pub const LIST_ACCOUNTS: u64 = 5_000;
/// The number of the seller's targets.
pub const LIST_TARGETS: u64 = 200;
/// The number of targets that are proposed for the list.
pub const LIST_PROPOSALS: u64 = 10;
/// The number of goals for the current fiscal year, which are those of the first targets.
pub const LIST_GOALS: u64 = 150;
/// The number of bookings, half of them from targets.
pub const LIST_BOOKINGS: u64 = 4_000;
/// The number of touches, half of them at targets.
pub const LIST_TOUCHES: u64 = 6_000;

/// The number of the organization of the sales force.
pub const FORCE: u64 = LIST + 1;
/// The number of its sellers, who report to one manager.
pub const FORCE_SELLERS: u64 = 50;
/// The number of its accounts that are targets, divided evenly among the sellers.
pub const FORCE_TARGETS: u64 = 10_000;
/// The number of its touches.
pub const FORCE_TOUCHES: u64 = 1_000_000;
/// The number of these touches that one seller made within the last year.
pub const FORCE_YEAR: u64 = 100_000;

/// A set of rows that fills a database. It is loaded when one of its questions is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// A large organization, small organizations, and one with a long target list.
    Book,
    /// The sales force.
    Force,
}

impl Set {
    /// All sets.
    pub const ALL: [Self; 2] = [Self::Book, Self::Force];

    /// Returns the set's name, which is part of the names of prepared databases.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Book => "book",
            Self::Force => "force",
        }
    }

    /// Returns the user who sends the requests of questions that do not sign in a user of their own.
    #[must_use]
    pub const fn default_user(self) -> Person {
        match self {
            Self::Book => Person::DIRECTOR,
            Self::Force => force::MANAGER,
        }
    }

    /// Returns all rows. Tables come after those that they refer to.
    #[must_use]
    pub fn tables(self) -> Vec<Table> {
        let mut all = people::tables(self);
        match self {
            Self::Book => {
                all.extend(book::tables());
                all.extend(touches::tables());
                all.extend(list::tables());
                all.extend(plan::tables());
            }
            Self::Force => all.extend(force::tables()),
        }
        all
    }
}

/// A value in a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A null.
    Null,
    /// Text.
    Text(String),
    /// An integer of 32 or 64 bits.
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// A Boolean.
    Bool(bool),
    /// A UUID.
    Id(Uuid),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Int(number.into())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<Uuid> for Value {
    fn from(id: Uuid) -> Self {
        Self::Id(id)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row: its values in the order of the table's columns.
pub type Row = Vec<Value>;

/// The rows of one table, generated lazily.
pub struct Table {
    /// The table's name.
    pub name: &'static str,
    /// The columns for which the rows have values.
    pub columns: &'static [&'static str],
    /// The rows.
    pub rows: Box<dyn Iterator<Item = Row> + Send>,
}

/// Creates a row from values of any type that converts to [`Value`].
macro_rules! row {
    ($($value:expr),* $(,)?) => { vec![$($crate::data::Value::from($value)),*] };
}
pub(crate) use row;

/// The kinds of rows. The ids of different kinds differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An organization.
    Organization,
    /// A member.
    User,
    /// An account.
    Account,
    /// A contact.
    Contact,
    /// A touch.
    Touch,
    /// An opportunity.
    Opportunity,
    /// A booking.
    Booking,
    /// A criterion.
    Criterion,
    /// A target.
    Target,
    /// A review of a target list.
    ListReview,
    /// A one-on-one.
    OneOnOne,
    /// A goal.
    Goal,
    /// A plan.
    Plan,
    /// A planned relationship.
    PlanRelationship,
    /// An objective of a plan.
    PlanObjective,
    /// An action of a plan.
    PlanAction,
    /// A benchmark of a plan.
    PlanBenchmark,
    /// A question of a plan.
    PlanQuestion,
    /// A review of a plan.
    PlanReview,
    /// A promise.
    Promise,
    /// A trigger event.
    TriggerEvent,
}

/// Returns the id of a row that was created at `at`: a UUID of version 7, as the API would create it.
#[must_use]
pub fn id(kind: Kind, number: u64, at: i64) -> Uuid {
    let mut random = Random::of(kind as u64 + 1, number);
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&random.next().to_be_bytes());
    bytes[8..].copy_from_slice(&number.to_be_bytes()[6..]);
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(at / 1_000).unwrap_or_default(), &bytes).into_uuid()
}

/// Returns the end of the local day of an instant, after which a scheduled touch counts as missed.
#[must_use]
pub fn end_of_day(at: i64) -> i64 {
    let Some(utc) = chrono::DateTime::from_timestamp_micros(at) else { return at };
    let Some(tomorrow) = utc.with_timezone(&ZONE).date_naive().succ_opt() else { return at };
    let midnight = tomorrow.and_time(chrono::NaiveTime::MIN);
    // Midnight always exists, since clocks in Berlin change at two or three in the morning.
    ZONE.from_local_datetime(&midnight).earliest().map_or(at, |at| at.timestamp_micros())
}

/// Returns the time of row `number` of `of` rows that are distributed evenly between `since` and [`NOW`].
#[must_use]
pub fn spread(number: u64, of: u64, since: i64) -> i64 {
    let span = i128::from(NOW - since);
    since + i64::try_from(span * i128::from(number) / i128::from(of.max(1))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_and_the_fiscal_year_are_the_documented_ones() {
        let now = chrono::DateTime::from_timestamp_micros(NOW).unwrap();
        assert_eq!(now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true), CLOCK);
        let day = |day: i32| chrono::NaiveDate::from_num_days_from_ce_opt(day + 719_163).unwrap().to_string();
        assert_eq!((day(YEAR.0), day(YEAR.1)), ("2026-01-01".to_owned(), "2026-12-31".to_owned()));
        // In summer, midnight in Berlin is 22:00 UTC.
        assert_eq!(end_of_day(NOW), NOW + 10 * 3_600_000_000);
    }

    #[test]
    fn every_row_has_a_value_for_every_column() {
        for table in Set::ALL.into_iter().flat_map(Set::tables) {
            let row = { table.rows }.next().unwrap();
            assert_eq!(row.len(), table.columns.len(), "{}", table.name);
        }
    }

    #[test]
    fn tables_have_the_documented_numbers_of_rows() {
        let count = |name: &str| {
            let table = Set::Book.tables().into_iter().find(|table| table.name == name).unwrap();
            u64::try_from(table.rows.count()).unwrap()
        };
        assert_eq!(count("member"), USERS + SMALL * SMALL_USERS + LIST_USERS);
        assert_eq!(count("account"), ACCOUNTS + SMALL * SMALL_ACCOUNTS + LIST_ACCOUNTS);
        assert_eq!(count("contact"), CONTACTS + SMALL * SMALL_ACCOUNTS);
        assert_eq!(count("opportunity"), OPPORTUNITIES);
        assert_eq!(count("booking"), BOOKINGS + LIST_BOOKINGS);
        assert_eq!(count("touch"), TOUCHES + LIST_TOUCHES);
        assert_eq!(count("target"), LIST_TARGETS + LIST_PROPOSALS);
        assert_eq!(count("goal"), LIST_GOALS);
        assert_eq!(count("plan_action"), plan::ACTIONS);
        assert_eq!(count("plan_measurement"), plan::BENCHMARKS * plan::MEASUREMENTS);
    }

    #[test]
    fn ids_ascend_with_time_and_differ_between_kinds() {
        let touch_id = |number| id(Kind::Touch, number, spread(number, 1_000, NOW - DAY));
        assert!((0..999).all(|number| touch_id(number) < touch_id(number + 1)));
        assert_eq!(touch_id(7).get_version_num(), 7);
        assert_ne!(id(Kind::Account, 1, NOW), id(Kind::Contact, 1, NOW));
    }
}
