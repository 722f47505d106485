//! What is simulated: how large an organization, for how long, until when, and by which truth.

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::calendar::{Zone, plus, workday_from};
use crate::numbers::Moment;
use crate::truth::Truth;

/// The name of the organization that is simulated.
pub const ORGANIZATION: &str = "Arvenne Water";

/// How large the organization is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// Managers of sellers.
    pub managers: usize,
    /// Sellers.
    pub sellers: usize,
    /// Accounts, which the sellers share equally.
    pub accounts: usize,
    /// Contacts at those accounts.
    pub contacts: usize,
    /// Touches of a seller in a week without holidays, on average.
    pub touches_a_week: f64,
}

impl Size {
    /// A small organization, filled in a few seconds.
    pub const SMALL: Self = Self { managers: 1, sellers: 4, accounts: 120, contacts: 500, touches_a_week: 20.0 };
    /// The default: 18 sellers with about 60,000 touches in three years.
    pub const DEFAULT: Self = Self { managers: 3, sellers: 18, accounts: 900, contacts: 4_500, touches_a_week: 24.5 };
    /// A large organization.
    pub const LARGE: Self = Self { managers: 8, sellers: 56, accounts: 3_600, contacts: 18_000, touches_a_week: 24.5 };
}

/// What is simulated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scenario {
    /// Where the random numbers begin: another seed is another history.
    pub seed: u64,
    /// How large the organization is.
    pub size: Size,
    /// The years of history until now: 1 to 10.
    pub years: u32,
    /// Where the history ends.
    pub now: Moment,
    /// The time zone in which the days of the organization begin and end.
    pub zone: Tz,
    /// The parameters by which clients behave.
    pub truth: Truth,
}

impl Scenario {
    /// The most years of history.
    pub const MOST_YEARS: u32 = 10;

    /// Checks the size and the years.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what would be right.
    pub fn check(&self) -> Result<(), String> {
        let Size { managers, sellers, accounts, contacts, touches_a_week } = self.size;
        if !(1..=Self::MOST_YEARS).contains(&self.years) {
            return Err(format!("a history has 1 to {} years; {} were asked for", Self::MOST_YEARS, self.years));
        }
        if managers == 0 || sellers < managers {
            return Err(format!("{sellers} sellers cannot report to {managers} managers: each manager needs a seller"));
        }
        if accounts < sellers * 4 || contacts < accounts {
            return Err(format!(
                "{accounts} accounts with {contacts} contacts are too few for {sellers} sellers: each needs 4 accounts, and \
                 each account a contact"
            ));
        }
        if !(1.0..=60.0).contains(&touches_a_week) {
            return Err(format!("a seller makes 1 to 60 touches a week; {touches_a_week} were asked for"));
        }
        Ok(())
    }

    pub(crate) const fn calendar(&self) -> Zone {
        Zone(self.zone)
    }

    /// Returns the day on which the history ends.
    #[must_use]
    pub fn last_day(&self) -> NaiveDate {
        self.calendar().day_of(self.now)
    }

    /// Returns the day on which the history begins: the first working day of its first year.
    #[must_use]
    pub fn first_day(&self) -> NaiveDate {
        let last = self.last_day();
        let first = last.checked_sub_months(chrono::Months::new(12 * self.years)).unwrap_or(last);
        workday_from(plus(first, 1))
    }
}
