//! Opportunities: when they open, how they advance, and how they end.

use chrono::NaiveDate;

use crate::act::{Deed, OpenStage, Outcome};
use crate::calendar::{plus, workday_from};
use crate::numbers::{AccountNumber, OpportunityNumber, TriggerNumber, real, whole};
use crate::simulation::{Simulation, Todo};
use crate::trouble::INVITED_WITHIN;
use crate::words::sales;

/// An opportunity.
#[derive(Debug)]
pub(crate) struct Opportunity {
    pub account: AccountNumber,
    pub trigger: Option<TriggerNumber>,
    pub amount: i64,
    pub opened_on: NaiveDate,
    pub expected_close_on: NaiveDate,
    pub closes_on: NaiveDate,
    pub is_won: bool,
}

/// The stages after the first one, and the share of the time to the close after which they are reached.
const STAGES: [(OpenStage, f64); 3] =
    [(OpenStage::Qualified, 0.2), (OpenStage::Proposed, 0.5), (OpenStage::Negotiating, 0.8)];

/// Rounds an amount to two or three digits, as people do.
pub(crate) fn rounded(amount: f64) -> i64 {
    let step = match amount {
        amount if amount < 10_000.0 => 100.0,
        amount if amount < 100_000.0 => 500.0,
        _ => 5_000.0,
    };
    whole((amount / step).round().max(1.0) * step)
}

impl Simulation {
    /// Plans the next opportunity that no trigger event leads to.
    pub(crate) fn plan_opening(&mut self, account: AccountNumber, median: f64) {
        let days = self.fate.weibull(self.scenario.truth.lag_shape, median);
        let quiet = self.accounts[account.0].last_trigger.map(|last| plus(last, INVITED_WITHIN + 1));
        let day = plus(self.today, whole(days.ceil()).min(40_000));
        self.plan_opening_on(account, quiet.map_or(day, |quiet| day.max(quiet)));
    }

    /// Plans the next opportunity that no trigger event leads to for a day, or the working day after it.
    pub(crate) fn plan_opening_on(&mut self, account: AccountNumber, day: NaiveDate) {
        let day = workday_from(day.max(plus(self.today, 1)));
        self.accounts[account.0].next_opening = Some(day);
        self.plan(day, Todo::OpenPlanned(account));
    }

    /// Opens an opportunity that was planned, unless the plan was dropped or another one is open.
    pub(crate) fn open_planned(&mut self, account: AccountNumber) {
        let state = &self.accounts[account.0];
        if state.next_opening != Some(self.today) {
            return;
        }
        self.accounts[account.0].next_opening = None;
        if self.accounts[account.0].opportunity.is_none() {
            self.open(account, None);
        }
    }

    pub(crate) fn open(&mut self, account: AccountNumber, trigger: Option<TriggerNumber>) {
        let truth = self.scenario.truth;
        let number = OpportunityNumber(self.opportunities.len());
        let days = whole(self.fate.weibull(truth.cycle_shape, truth.cycle_median).ceil());
        let closes_on = plus(self.today, days);
        let is_won = self.fate.chance(truth.win_rate);
        let (product, median) = self.voice.one_of(sales::PRODUCTS);
        let amount = rounded(self.amount_of(account, median));
        let guess = whole(truth.cycle_median * self.habit.between(0.7, 1.5));
        let expected_close_on = plus(self.today, guess.max(14));
        self.accounts[account.0].opportunity = Some(number);
        self.accounts[account.0].next_opening = None;
        self.opportunities.push(Opportunity {
            account,
            trigger,
            amount,
            opened_on: self.today,
            expected_close_on,
            closes_on,
            is_won,
        });
        let owner = self.owner(account);
        let name = product.to_owned();
        self.enter(owner, Deed::Open { opportunity: number, account, name, amount, expected_close_on, trigger });
        for (step, (_, share)) in STAGES.iter().enumerate() {
            // What is lost is often lost before the last stages.
            let reached = is_won || self.habit.chance(0.75);
            let day = plus(self.today, whole(real(days) * share));
            if reached && day < closes_on && day > self.today {
                self.plan_work(owner, day, Todo::Advance(number, step));
            } else if !reached {
                break;
            }
        }
        self.plan(closes_on, Todo::Close(number));
        self.pursue(account, number);
    }

    /// Advances an opportunity by a step.
    pub(crate) fn advance(&mut self, number: OpportunityNumber, step: usize) {
        let (stage, _) = STAGES[step];
        let opportunity = &mut self.opportunities[number.0];
        let account = opportunity.account;
        if opportunity.closes_on <= self.today || self.accounts[account.0].opportunity != Some(number) {
            return;
        }
        if stage == OpenStage::Proposed {
            opportunity.amount = rounded(real(opportunity.amount) * self.habit.between(0.85, 1.15));
        }
        let due = plus(self.today, self.habit.from_to(10, 45));
        if opportunity.expected_close_on < due {
            opportunity.expected_close_on = due;
        }
        let Opportunity { amount, expected_close_on, .. } = *opportunity;
        let owner = self.owner(account);
        self.enter(owner, Deed::Advance { opportunity: number, stage, amount, expected_close_on });
        self.ask_commitment(account);
        if stage == OpenStage::Proposed {
            self.goal_of_dream(account, amount);
        }
    }

    /// Closes an opportunity, and notes its entry for the next working day.
    pub(crate) fn close(&mut self, number: OpportunityNumber) {
        let Opportunity { account, is_won, .. } = self.opportunities[number.0];
        if is_won {
            self.opportunities[number.0].amount = self.win_of(account, self.opportunities[number.0].amount);
        }
        let owner = self.owner(account);
        if self.works(owner, self.today) {
            self.enter_close(number);
        } else {
            self.plan_work(owner, self.today, Todo::EnterClose(number));
        }
    }

    /// Enters the close of an opportunity.
    pub(crate) fn enter_close(&mut self, number: OpportunityNumber) {
        let Opportunity { account, trigger, amount, closes_on, is_won, .. } = self.opportunities[number.0];
        let owner = self.owner(account);
        let (opportunity, closed_on) = (number, closes_on);
        if is_won {
            self.enter(owner, Deed::Win { opportunity, amount, closed_on });
        } else {
            let reason = self.voice.one_of(sales::LOSSES);
            let reason = reason.replace("{competitor}", self.voice.one_of(sales::COMPETITORS));
            self.enter(owner, Deed::Lose { opportunity, reason, closed_on });
        }
        self.accounts[account.0].opportunity = None;
        if let Some(TriggerNumber(trigger)) = trigger {
            self.triggers[trigger].outcome = Some(if is_won { Outcome::Won } else { Outcome::CompetedAndLost });
            let day = plus(self.today, self.habit.from_to(1, 8));
            self.plan_work(owner, day, Todo::ResolveTrigger(trigger));
        }
        if let Some(target) = self.accounts[account.0].target {
            self.plan_opening(account, self.scenario.truth.lag_median);
            if is_won && self.targets[target.0].is_dream {
                let day = plus(self.today, self.habit.from_to(3, 40));
                self.plan_work(owner, day, Todo::CloseWon(target));
            }
        } else if self.accounts[account.0].is_client() {
            self.plan_opening(account, self.scenario.truth.unasked_median);
        }
    }
}
