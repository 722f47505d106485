//! Bookings and goals.
//!
//! What a client books in a year is what they booked the year before times e^(growth + effect of a goal + chance). Orders and
//! won opportunities share that sum. A goal is that sum divided by an attainment that is drawn, so that goals are reached and
//! exceeded as the truth says. Which clients get a goal does not depend on how they will do.

use chrono::{Datelike, NaiveDate};

use crate::act::{Booked, Deed};
use crate::calendar::{between, last_day, new_year, plus};
use crate::numbers::{AccountNumber, StaffNumber, count, real, whole};
use crate::opening::rounded;
use crate::simulation::{Simulation, Todo};
use crate::words::sales;

/// What a year is to bring at an account.
#[derive(Clone, Debug, Default)]
pub(crate) struct YearPlan {
    pub year: i32,
    /// What is still to be booked.
    pub left: i64,
    /// The orders still to come, the last of which takes what is left.
    pub orders: i64,
    /// Whether a goal was proposed.
    pub has_goal: bool,
}

/// A step towards the agreement on a goal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GoalStep {
    pub account: AccountNumber,
    pub year: i32,
    /// The amount that this step proposes or agrees to.
    pub amount: i64,
    /// Whether it agrees.
    pub agree: bool,
    /// Whether the manager takes it; otherwise the seller.
    pub by_manager: bool,
}

impl Simulation {
    /// Enters the bookings of the year before the first one and of the first one so far.
    pub(crate) fn begin_bookings(&mut self) {
        let year = self.first.year();
        let mut booked = Vec::new();
        for number in 0..self.accounts.len() {
            if !self.fate.chance(0.47) {
                if self.fate.chance(0.15) {
                    // Former clients.
                    let amount = rounded(self.fate.between(2_000.0, 20_000.0));
                    let on = plus(new_year(year - 1), self.fate.from_to(-300, -20));
                    let description = self.voice.one_of(sales::ORDERS).to_owned();
                    self.accounts[number].booked.insert(on.year(), amount);
                    booked.push(Booked { account: AccountNumber(number), amount, on, description });
                }
                continue;
            }
            let account = AccountNumber(number);
            let before = real(self.world.companies[number].potential) * self.fate.between(0.12, 0.6);
            let total = whole(before).max(2_000);
            let days: Vec<NaiveDate> = self.order_days(year - 1, new_year(year - 1));
            self.share_out(account, total, &days, &mut booked);
            self.accounts[number].booked.insert(year - 1, total);
            let total = self.grown(total, false);
            let days = self.order_days(year, new_year(year));
            let past: Vec<NaiveDate> = days.iter().copied().filter(|day| *day < self.first).collect();
            let share = real(count(past.len())) / real(count(days.len()).max(1));
            let so_far = whole(real(total) * share);
            if so_far > 0 {
                self.share_out(account, so_far, &past, &mut booked);
                self.accounts[number].booked.insert(year, so_far);
            }
            self.plan_year(account, year, total - so_far, &days[past.len()..]);
            self.plan_opening(account, self.scenario.truth.unasked_median);
        }
        booked.sort_by_key(|booked| (booked.on, booked.account));
        self.enter(StaffNumber(0), Deed::Book(booked));
    }

    /// Returns the days of a year on which orders come, in their order.
    fn order_days(&mut self, year: i32, from: NaiveDate) -> Vec<NaiveDate> {
        let last = last_day(year);
        let length = between(from, last);
        let orders = 3 + self.fate.poisson(3.0);
        let mut days: Vec<NaiveDate> =
            (0..orders).map(|_| plus(from, self.fate.from_to(0, length.max(1) - 1))).collect();
        days.sort_unstable();
        days
    }

    /// Splits an amount among days.
    fn share_out(&mut self, account: AccountNumber, total: i64, days: &[NaiveDate], booked: &mut Vec<Booked>) {
        let mut left = total;
        for (place, on) in days.iter().enumerate() {
            let rest = real(count(days.len() - place));
            let amount = if place + 1 == days.len() {
                left
            } else {
                whole(real(left) / rest * self.fate.between(0.6, 1.4)).clamp(0, left)
            };
            if amount > 0 {
                left -= amount;
                let description = self.voice.one_of(sales::ORDERS).to_owned();
                booked.push(Booked { account, amount, on: *on, description });
            }
        }
    }

    /// Returns what an account books after a year in which it booked `before`.
    fn grown(&mut self, before: i64, has_goal: bool) -> i64 {
        let truth = self.scenario.truth;
        let effect = if has_goal { truth.goal_effect } else { 0.0 };
        let growth = truth.growth + effect + truth.growth_deviation * self.fate.normal();
        whole(real(before) * growth.exp()).max(50)
    }

    fn plan_year(&mut self, account: AccountNumber, year: i32, left: i64, days: &[NaiveDate]) {
        self.accounts[account.0].year =
            YearPlan { year, left, orders: count(days.len()) + 1, has_goal: self.accounts[account.0].year.has_goal };
        for day in days {
            self.plan(*day, Todo::Order(account, year));
        }
        self.plan(last_day(year), Todo::Order(account, year));
    }

    /// Decides, on the first day of a year, what the year is to bring, and which accounts get a goal.
    pub(crate) fn new_year(&mut self) {
        let year = self.today.year();
        if self.today != new_year(year) {
            return;
        }
        for number in 0..self.accounts.len() {
            let account = AccountNumber(number);
            self.accounts[number].year = YearPlan { year, ..YearPlan::default() };
            let before = self.accounts[number].booked.get(&(year - 1)).copied().unwrap_or_default();
            if before <= 0 {
                continue;
            }
            let grows = self.accounts[number].target.is_some_and(|target| !self.targets[target.0].is_dream);
            let has_goal = self.fate.chance(if grows { 0.85 } else { 0.32 });
            let is_late = !has_goal && self.fate.chance(0.06);
            let total = self.grown(before, has_goal);
            let days = self.order_days(year, self.today);
            self.accounts[number].year.has_goal = has_goal || is_late;
            self.plan_year(account, year, total, &days);
            if has_goal {
                let amount = self.goal_for(total);
                self.negotiate(account, year, amount);
            } else if is_late {
                let amount = rounded(real(total) * self.fate.between(0.7, 1.4));
                let from = plus(self.today, self.habit.from_to(120, 210));
                self.agree_on(account, year, amount, from);
            }
        }
    }

    /// Returns the goal for a year that will bring a sum.
    fn goal_for(&mut self, total: i64) -> i64 {
        let truth = self.scenario.truth;
        let is_reached = self.fate.chance(truth.hit_rate);
        let attainment =
            if is_reached { 1.0 + self.fate.exponential(truth.overshoot) } else { self.fate.between(0.5, 0.99) };
        let goal = real(total) / attainment;
        let step = match goal {
            goal if goal < 2_000.0 => 1.0,
            goal if goal < 20_000.0 => 10.0,
            _ => 100.0,
        };
        // Rounding must not turn a goal that is reached into one that is missed.
        let goal = if is_reached { (goal / step).floor() } else { (goal / step).ceil() } * step;
        whole(goal).max(1)
    }

    /// Plans how seller and manager come to agree on an amount, within the first 90 days of the year.
    fn negotiate(&mut self, account: AccountNumber, year: i32, amount: i64) {
        let from = plus(self.today, self.habit.from_to(6, 38));
        let other = |share: f64| rounded(real(amount) * share).max(1);
        let step = |amount, agree, by_manager| GoalStep { account, year, amount, agree, by_manager };
        let lower = other(self.habit.between(0.8, 0.95));
        let first = other(self.habit.between(0.85, 1.2));
        match self.habit.share() {
            share if share < 0.25 && lower != amount => {
                self.steps(from, &[step(lower, false, false), step(amount, false, true), step(amount, true, false)]);
            }
            share if share < 0.4 && first != amount => {
                self.steps(
                    from,
                    &[
                        step(first, false, false),
                        step(first, true, true),
                        step(amount, false, true),
                        step(amount, true, false),
                    ],
                );
            }
            _ => self.agree_on(account, year, amount, from),
        }
    }

    fn agree_on(&mut self, account: AccountNumber, year: i32, amount: i64, from: NaiveDate) {
        let step = |agree, by_manager| GoalStep { account, year, amount, agree, by_manager };
        self.steps(from, &[step(false, false), step(true, true)]);
    }

    /// Plans steps a week or so apart.
    fn steps(&mut self, from: NaiveDate, steps: &[GoalStep]) {
        let mut day = from;
        for step in steps {
            self.plan(crate::calendar::workday_from(day), Todo::Goal(*step));
            day = plus(crate::calendar::workday_from(day), self.habit.from_to(2, 11));
        }
    }

    pub(crate) fn goal(&mut self, step: GoalStep) {
        let GoalStep { account, year, amount, agree, by_manager } = step;
        let seller = self.owner(account);
        let by = if by_manager { self.manager(seller) } else { seller };
        self.enter(by, Deed::SetGoal { account, year, amount, agree });
    }

    /// Sets a goal for a dream client who has an offer, after the months in which goals are usually agreed.
    pub(crate) fn goal_of_dream(&mut self, account: AccountNumber, amount: i64) {
        let state = &self.accounts[account.0];
        let dreams = state.target.is_some_and(|target| self.targets[target.0].is_dream);
        if !dreams || state.year.has_goal || state.is_client() || self.today.ordinal() < 120 {
            return;
        }
        let year = self.today.year();
        self.accounts[account.0].year.has_goal = true;
        let day = plus(self.today, self.habit.from_to(1, 10));
        if plus(day, 15).year() == year {
            let share = self.habit.between(0.6, 1.1);
            self.agree_on(account, year, rounded(real(amount) * share), day);
        }
    }

    /// Returns the amount of a new opportunity around the median of what is offered: no more than a part of a client's year.
    pub(crate) fn amount_of(&mut self, account: AccountNumber, median: f64) -> f64 {
        let amount = median * (self.fate.normal() * 0.4).exp();
        let state = &self.accounts[account.0];
        let year = self.today.year();
        let size = state.booked.get(&(year - 1)).copied().unwrap_or_default().max(state.year.left);
        if size > 0 { amount.min(real(size) * 0.3).max(1_000.0) } else { amount }
    }

    /// Books a won opportunity, and returns the amount that the account's year has left for it.
    pub(crate) fn win_of(&mut self, account: AccountNumber, amount: i64) -> i64 {
        let year = self.today.year();
        let before = self.accounts[account.0].booked.get(&(year - 1)).copied().unwrap_or_default();
        let state = &mut self.accounts[account.0];
        let amount = if before > 0 { amount.min(state.year.left.max(100)) } else { amount };
        *state.booked.entry(year).or_default() += amount;
        state.year.left = (state.year.left - amount).max(0);
        if before <= 0 && state.year.orders == 0 {
            // A new client orders a little more in the same year.
            let from = plus(self.today, 20);
            if between(from, last_day(year)) > 10 {
                let extra = whole(real(amount) * self.fate.between(0.05, 0.3));
                let days = self.order_days(year, from);
                self.plan_year(account, year, extra, &days);
            }
        }
        amount
    }

    /// Lets an order come.
    pub(crate) fn order(&mut self, account: AccountNumber, year: i32) {
        let state = &self.accounts[account.0];
        let YearPlan { year: of, left, orders, .. } = state.year;
        if of != year {
            return;
        }
        // An open opportunity needs its part of the year, if it is won.
        let kept = state.opportunity.map_or(0, |number| self.opportunities[number.0].amount);
        let free = (left - kept).max(0);
        let amount = if self.today == last_day(year) {
            left
        } else {
            whole(real(free) / real(orders.max(1)) * self.fate.between(0.6, 1.4)).clamp(0, free)
        };
        let state = &mut self.accounts[account.0];
        state.year.orders -= 1;
        if amount <= 0 {
            return;
        }
        state.year.left -= amount;
        *state.booked.entry(year).or_default() += amount;
        let description = self.voice.one_of(sales::ORDERS).to_owned();
        // A few are billed too high, and corrected by a credit note.
        let surplus = if self.habit.chance(0.02) { whole(real(amount) * 0.1) } else { 0 };
        self.unbooked.push(Booked { account, amount: amount + surplus, on: self.today, description });
        if surplus > 0 {
            let description = "Credit note: quantity corrected".to_owned();
            self.unbooked.push(Booked { account, amount: -surplus, on: self.today, description });
        }
    }
}
