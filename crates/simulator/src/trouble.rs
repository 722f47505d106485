//! Trigger events: what makes clients ready to change, and whether we are invited then.
//!
//! Whether we are invited depends on readiness alone: on the day before the event, by what was recorded up to two days after
//! it. Nothing else opens an opportunity at the account in the 90 days after an event, so that the
//! opportunities show who was invited.

use chrono::NaiveDate;

use crate::act::{Deed, Outcome, Trigger};
use crate::calendar::{between, plus, workday_from};
use crate::numbers::{AccountNumber, DAY, Moment, TriggerNumber};
use crate::simulation::{Simulation, Todo};
use crate::words::sales;

/// The days after an event in which an opportunity counts as an invitation.
pub(crate) const INVITED_WITHIN: i64 = 90;
/// The least days between two events at an account.
const APART: i64 = 150;

/// A trigger event.
#[derive(Debug)]
pub(crate) struct TriggerEvent {
    pub account: AccountNumber,
    pub occurred_on: NaiveDate,
    pub outcome: Option<Outcome>,
}

impl Simulation {
    /// Lets trigger events strike accounts.
    pub(crate) fn strike(&mut self) {
        let daily = self.scenario.truth.triggers_a_year / 365.25;
        for number in 0..self.accounts.len() {
            let strikes = self.fate.chance(daily);
            let account = &self.accounts[number];
            let recent = account.last_trigger.is_some_and(|last| between(last, self.today) < APART);
            let new = between(self.first, self.today) < 14;
            if !strikes || recent || new || account.opportunity.is_some() {
                continue;
            }
            let next_opening = account.next_opening;
            self.accounts[number].last_trigger = Some(self.today);
            if next_opening.is_some_and(|day| between(self.today, day) <= INVITED_WITHIN) {
                // What was in preparation waits until it is clear who is invited.
                let days = INVITED_WITHIN + self.fate.from_to(1, 30);
                self.plan_opening_on(AccountNumber(number), plus(self.today, days));
            }
            let trigger = self.triggers.len();
            self.triggers.push(TriggerEvent { account: AccountNumber(number), occurred_on: self.today, outcome: None });
            let owner = self.owner(AccountNumber(number));
            let day = plus(self.today, self.habit.from_to(2, 9));
            self.plan_work(owner, day, Todo::RecordTrigger(trigger));
        }
    }

    /// Lets an event become known, and decides whether we are invited.
    pub(crate) fn record_trigger(&mut self, number: usize) {
        let TriggerEvent { account, occurred_on, .. } = self.triggers[number];
        let at = self.zone.end_of(plus(occurred_on, -1));
        let was_ready = self.was_ready(account, at, Moment(at.0 + 2 * DAY));
        let is_invited = self.fate.chance(self.scenario.truth.invited(was_ready));
        let kind = match self.voice.share() {
            share if share < 0.7 => Trigger::Dissatisfaction,
            share if share < 0.8 => Trigger::LeadershipChange,
            share if share < 0.9 => Trigger::ContractEnd,
            _ => Trigger::Expansion,
        };
        let description = sales::trigger(&mut self.voice, kind, self.world.companies[account.0].plant());
        let contact = if self.habit.chance(0.6) { self.someone(account) } else { None };
        let owner = self.owner(account);
        let trigger = TriggerNumber(number);
        let deed = Deed::RecordTrigger { trigger, account, kind, occurred_on, description, contact, was_ready };
        self.enter(owner, deed);
        if is_invited {
            self.accounts[account.0].is_invited = true;
            let latest = plus(occurred_on, INVITED_WITHIN - 4);
            let day = plus(self.today, 1 + self.fate.from_to(1, 55)).min(latest);
            self.plan(workday_from(day), Todo::OpenInvited(number));
        } else {
            self.triggers[number].outcome = match self.habit.share() {
                share if share < 0.82 => Some(Outcome::NotInvited),
                share if share < 0.92 => Some(Outcome::NoChange),
                _ => None,
            };
            let day = plus(occurred_on, self.habit.from_to(INVITED_WITHIN + 2, INVITED_WITHIN + 40));
            self.plan_work(owner, day, Todo::ResolveTrigger(number));
        }
    }

    /// Opens the opportunity to which we were invited.
    pub(crate) fn open_invited(&mut self, number: usize) {
        let account = self.triggers[number].account;
        self.accounts[account.0].is_invited = false;
        self.open(account, Some(TriggerNumber(number)));
    }

    pub(crate) fn resolve_trigger(&mut self, number: usize) {
        if let Some(outcome) = self.triggers[number].outcome {
            let owner = self.owner(self.triggers[number].account);
            self.enter(owner, Deed::ResolveTrigger { trigger: TriggerNumber(number), outcome });
        }
    }
}
