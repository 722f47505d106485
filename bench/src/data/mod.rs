//! The data: an organization of 50 people with 10,000 accounts and all that hangs off them, small organizations for
//! writers, and one with a seller of a long target list; and, in a database of its own, a sales force with a long history. The
//! same rows in every run and on both databases, and such as the API itself would have written, but that nobody wrote them:
//! the feed has no events of them.
//!
//! | room | holds |
//! |---|---|
//! | here | what there is, and how much of it |
//! | [`people`] | organizations, their members and how they sign in |
//! | [`book`] | accounts, seats, contacts, opportunities and bookings |
//! | [`touches`] | touches and who took part |
//! | [`list`] | criteria, assessments, targets, one-on-ones and goals |
//! | [`plan`] | one full plan |
//! | [`force`] | the sales force: 10,000 targets with a million touches |
//! | [`words`] | names to choose from |
//! | [`random`] | numbers that are the same in every run |
//! | [`load`] | how the rows get into a database |

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

/// Goes up with every change of the rows: prepared databases of another number are not used again.
pub const VERSION: u32 = 5;

/// The instant at which all clocks stand: 2026-07-01T12:00:00Z, in microseconds.
pub const NOW: i64 = 1_782_907_200_000_000;
/// The same, as the server takes it.
pub const CLOCK: &str = "2026-07-01T12:00:00Z";
/// First and last day of the fiscal year in which it stands, in days since 1970.
pub const YEAR: (i32, i32) = (20_454, 20_818);
/// Where everybody lives.
pub const ZONE: Tz = chrono_tz::Europe::Berlin;
/// The currency of all amounts.
pub const CURRENCY: &str = "EUR";
/// A day in microseconds.
pub const DAY: i64 = 86_400_000_000;

/// Members of the large organization.
pub const USERS: u64 = 50;
/// Its accounts.
pub const ACCOUNTS: u64 = 10_000;
/// Its contacts.
pub const CONTACTS: u64 = 50_000;
/// Its touches.
pub const TOUCHES: u64 = 500_000;
/// Its opportunities.
pub const OPPORTUNITIES: u64 = 10_000;
/// Its bookings.
pub const BOOKINGS: u64 = 10_000;

/// Small organizations, beside the large one.
pub const SMALL: u64 = 16;
/// Members of each.
pub const SMALL_USERS: u64 = 16;
/// Accounts of each: one a member.
pub const SMALL_ACCOUNTS: u64 = SMALL_USERS;

/// The number of the organization with the long target list, after the small ones.
pub const LIST: u64 = SMALL + 1;
/// Its members: an administrator, a manager below and a seller below that.
pub const LIST_USERS: u64 = 3;
/// The seller's accounts.
pub const LIST_ACCOUNTS: u64 = 5_000;
/// The seller's targets.
pub const LIST_TARGETS: u64 = 200;
/// What is proposed for the list.
pub const LIST_PROPOSALS: u64 = 10;
/// Goals of the current fiscal year: of the first targets.
pub const LIST_GOALS: u64 = 150;
/// Bookings, half of them of targets.
pub const LIST_BOOKINGS: u64 = 4_000;
/// Touches, half of them of targets.
pub const LIST_TOUCHES: u64 = 6_000;

/// The number of the organization that is the sales force.
pub const FORCE: u64 = LIST + 1;
/// Its sellers, below one manager.
pub const FORCE_SELLERS: u64 = 50;
/// Its accounts that are targets, as many of each seller.
pub const FORCE_TARGETS: u64 = 10_000;
/// Its touches.
pub const FORCE_TOUCHES: u64 = 1_000_000;
/// Those of them that one seller made within a year.
pub const FORCE_YEAR: u64 = 100_000;

/// Which rows a database is filled with. Each set is loaded when one of its questions is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// A large organization, small ones, and one with a long target list.
    Book,
    /// The sales force.
    Force,
}

impl Set {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Book, Self::Force];

    /// Its name, as prepared databases have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Book => "book",
            Self::Force => "force",
        }
    }

    /// Who asks where a question names nobody.
    #[must_use]
    pub const fn asker(self) -> Person {
        match self {
            Self::Book => Person::DIRECTOR,
            Self::Force => force::MANAGER,
        }
    }

    /// All rows, in the order in which tables refer to one another.
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

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// None.
    Null,
    /// A text.
    Text(String),
    /// A number, of 32 or 64 bits.
    Int(i64),
    /// A number with decimals.
    Float(f64),
    /// Yes or no.
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

/// A row, its values in the order of the table's columns.
pub type Row = Vec<Value>;

/// Rows of one table, made as they are needed.
pub struct Table {
    /// The table's name.
    pub name: &'static str,
    /// The columns that its rows have values for.
    pub columns: &'static [&'static str],
    /// The rows.
    pub rows: Box<dyn Iterator<Item = Row> + Send>,
}

/// A row out of values of any kind.
macro_rules! row {
    ($($value:expr),* $(,)?) => { vec![$($crate::data::Value::from($value)),*] };
}
pub(crate) use row;

/// Kinds of rows, as their ids tell them apart.
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

/// The id of a row that was made at an instant: a UUID of version 7, as the API makes them.
#[must_use]
pub fn id(kind: Kind, number: u64, at: i64) -> Uuid {
    let mut random = Random::of(kind as u64 + 1, number);
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&random.next().to_be_bytes());
    bytes[8..].copy_from_slice(&number.to_be_bytes()[6..]);
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(at / 1_000).unwrap_or_default(), &bytes).into_uuid()
}

/// The end of the local day of an instant, from which on a planned touch is missed.
#[must_use]
pub fn end_of_day(at: i64) -> i64 {
    let Some(utc) = chrono::DateTime::from_timestamp_micros(at) else { return at };
    let Some(tomorrow) = utc.with_timezone(&ZONE).date_naive().succ_opt() else { return at };
    let midnight = tomorrow.and_time(chrono::NaiveTime::MIN);
    // Berlin's clocks are put forward at two in the morning: midnight is always there.
    ZONE.from_local_datetime(&midnight).earliest().map_or(at, |at| at.timestamp_micros())
}

/// A row's place among rows that are spread evenly over the time from `since` until now.
#[must_use]
pub fn spread(number: u64, of: u64, since: i64) -> i64 {
    let span = i128::from(NOW - since);
    since + i64::try_from(span * i128::from(number) / i128::from(of.max(1))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_what_it_says() {
        let now = chrono::DateTime::from_timestamp_micros(NOW).unwrap();
        assert_eq!(now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true), CLOCK);
        let day = |day: i32| chrono::NaiveDate::from_num_days_from_ce_opt(day + 719_163).unwrap().to_string();
        assert_eq!((day(YEAR.0), day(YEAR.1)), ("2026-01-01".to_owned(), "2026-12-31".to_owned()));
        // Midnight in Berlin, in summer, is 22:00 of UTC.
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
    fn there_are_as_many_rows_as_promised() {
        let count = |name: &str| {
            let found = Set::Book.tables().into_iter().find(|table| table.name == name).unwrap();
            u64::try_from(found.rows.count()).unwrap()
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
    fn ids_ascend_with_time_and_differ() {
        let made = |number| id(Kind::Touch, number, spread(number, 1_000, NOW - DAY));
        assert!((0..999).all(|number| made(number) < made(number + 1)));
        assert_eq!(made(7).get_version_num(), 7);
        assert_ne!(id(Kind::Account, 1, NOW), id(Kind::Contact, 1, NOW));
    }
}
