//! What can be seen of a simulated organization from outside: the observations that estimators of its truth rest on.

use std::collections::HashMap;

use chrono::{Datelike, NaiveDate};

use crate::act::{Act, Deed, Outcome};
use crate::numbers::{AccountNumber, Moment, OpportunityNumber, TriggerNumber};
use crate::scenario::Scenario;
use crate::simulation::Simulation;
use crate::trouble::INVITED_WITHIN;

/// The days of a year within which a goal must be agreed to be compared with what was booked.
const AGREED_WITHIN: u32 = 90;
/// The days after which it is known whether a trigger event led to an invitation.
const SETTLED: i64 = 180;

/// The observations of one or more simulations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// Trigger events of at least 180 days ago: whether we were ready, and whether we were invited.
    pub triggers: Vec<(bool, bool)>,
    /// Opportunities that were closed: the day, how many days it took, and whether it was won.
    pub closed: Vec<(NaiveDate, i64, bool)>,
    /// The days that open opportunities have lasted so far.
    pub open: Vec<i64>,
    /// Clients in complete years.
    pub years: Vec<ClientYear>,
}

/// A client in a complete year, with what it booked in the year before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClientYear {
    /// The year.
    pub year: i32,
    /// The number of the seller.
    pub seller: usize,
    /// Booked in the year before, in euros.
    pub before: i64,
    /// Booked in the year, in euros.
    pub booked: i64,
    /// The amount that was agreed on within the first 90 days of the year.
    pub goal: Option<i64>,
    /// Whether a goal was agreed on later.
    pub is_late: bool,
}

impl Observed {
    /// Simulates a scenario and observes it.
    ///
    /// # Errors
    /// What is wrong with the scenario.
    pub fn of(scenario: Scenario) -> Result<Self, String> {
        let simulation = Simulation::of(scenario)?;
        let owners: Vec<usize> = simulation.world().companies.iter().map(|company| company.owner.0).collect();
        let mut seen = Seen::default();
        for act in simulation.flatten() {
            seen.see(scenario, act);
        }
        Ok(seen.observed(scenario, &owners))
    }

    /// Adds the observations of another simulation.
    pub fn extend(&mut self, other: Self) {
        self.triggers.extend(other.triggers);
        self.closed.extend(other.closed);
        self.open.extend(other.open);
        self.years.extend(other.years);
    }
}

/// The acts that matter, as far as they were seen.
#[derive(Default)]
struct Seen {
    opened: HashMap<OpportunityNumber, NaiveDate>,
    closed: Vec<(NaiveDate, i64, bool)>,
    openings: Vec<(AccountNumber, NaiveDate)>,
    triggers: HashMap<TriggerNumber, (AccountNumber, NaiveDate, bool, Option<Outcome>)>,
    accounts: HashMap<OpportunityNumber, AccountNumber>,
    booked: HashMap<(AccountNumber, i32), i64>,
    goals: HashMap<(AccountNumber, i32), Vec<(NaiveDate, i64)>>,
}

impl Seen {
    fn see(&mut self, scenario: Scenario, Act { at, deed, .. }: Act) {
        let day = |at: Moment| scenario.calendar().day_of(at);
        match deed {
            Deed::Open { opportunity, account, .. } => {
                self.opened.insert(opportunity, day(at));
                self.accounts.insert(opportunity, account);
                self.openings.push((account, day(at)));
            }
            Deed::Win { opportunity, closed_on, amount } => {
                self.close(opportunity, closed_on, true);
                if let Some(account) = self.accounts.get(&opportunity) {
                    *self.booked.entry((*account, closed_on.year())).or_default() += amount;
                }
            }
            Deed::Lose { opportunity, closed_on, .. } => self.close(opportunity, closed_on, false),
            Deed::Book(rows) => {
                for row in rows {
                    *self.booked.entry((row.account, row.on.year())).or_default() += row.amount;
                }
            }
            Deed::RecordTrigger { trigger, account, occurred_on, was_ready, .. } => {
                self.triggers.insert(trigger, (account, occurred_on, was_ready, None));
            }
            Deed::ResolveTrigger { trigger, outcome } => {
                if let Some(event) = self.triggers.get_mut(&trigger) {
                    event.3 = Some(outcome);
                }
            }
            Deed::SetGoal { account, year, amount, agree: true } => {
                self.goals.entry((account, year)).or_default().push((day(at), amount));
            }
            _ => {}
        }
    }

    fn close(&mut self, opportunity: OpportunityNumber, on: NaiveDate, won: bool) {
        if let Some(from) = self.opened.remove(&opportunity) {
            self.closed.push((on, (on - from).num_days(), won));
        }
    }

    fn observed(self, scenario: Scenario, owners: &[usize]) -> Observed {
        let today = scenario.last_day();
        let is_invited = |account: AccountNumber, on: NaiveDate, outcome: Option<Outcome>| {
            let within = |day: NaiveDate| (0..=INVITED_WITHIN).contains(&(day - on).num_days());
            self.openings.iter().any(|(of, day)| *of == account && within(*day))
                || matches!(outcome, Some(Outcome::Won | Outcome::CompetedAndLost))
        };
        let settled = self.triggers.values().filter(|(_, on, _, _)| (today - *on).num_days() >= SETTLED);
        let triggers = settled.map(|(account, on, ready, outcome)| (*ready, is_invited(*account, *on, *outcome)));
        let mut years = Vec::new();
        for year in scenario.first_day().year() + 1..today.year() {
            for (number, seller) in owners.iter().enumerate() {
                let key = |year| (AccountNumber(number), year);
                let booked = |year| self.booked.get(&key(year)).copied().unwrap_or_default();
                let agreed = self.goals.get(&key(year)).map_or(&[][..], Vec::as_slice);
                let in_time = |(on, _): &&(NaiveDate, i64)| on.year() < year || on.ordinal() <= AGREED_WITHIN;
                let goal = agreed.iter().rev().find(in_time).map(|(_, amount)| *amount);
                if booked(year - 1) > 0 {
                    years.push(ClientYear {
                        year,
                        seller: *seller,
                        before: booked(year - 1),
                        booked: booked(year),
                        goal,
                        is_late: goal.is_none() && !agreed.is_empty(),
                    });
                }
            }
        }
        let open = self.opened.values().map(|from| (today - *from).num_days()).collect();
        // The order of a map is another one in every run.
        let mut triggers: Vec<(bool, bool)> = triggers.collect();
        triggers.sort_unstable();
        let mut open: Vec<i64> = open;
        open.sort_unstable();
        Observed { triggers, closed: self.closed, open, years }
    }
}
