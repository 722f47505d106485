//! Target lists: proposals, decisions by two, one-on-ones, and reviews.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use crate::act::Deed;
use crate::calendar::{between, plus, quarter_of, workday_from};
use crate::numbers::{AccountNumber, MeetingNumber, StaffNumber, TargetNumber, real};
use crate::simulation::{Simulation, Todo};
use crate::words::sales;

/// A target, from its proposal on.
#[derive(Debug)]
pub(crate) struct Target {
    pub account: AccountNumber,
    pub seller: StaffNumber,
    pub is_dream: bool,
    pub state: Standing,
    /// Since when it is on the list.
    pub since: Option<NaiveDate>,
    /// Whether the manager proposed it, so that the seller decides on it.
    pub by_manager: bool,
}

/// Where a target stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Proposed,
    Listed,
    Closed,
}

/// A one-on-one.
#[derive(Debug)]
pub(crate) struct Meeting {
    pub seller: StaffNumber,
    /// The minute of the day at which it begins.
    pub minute: i64,
}

/// Days between two one-on-ones.
const CYCLE: i64 = 28;

impl Simulation {
    /// Lets sellers choose their first targets, and schedules the first one-on-ones.
    pub(crate) fn begin_lists(&mut self) {
        for seller in self.sellers() {
            let most = (self.book(seller) / 3).max(1);
            let wanted = self.habit.from_to(9, 14).min(most);
            for _ in 0..wanted {
                let day = plus(self.first, self.habit.from_to(1, 9));
                let by_manager = self.habit.chance(0.1);
                self.plan_work(seller, day, Todo::Propose { seller, by_manager });
            }
            let day = plus(self.first, self.habit.from_to(9, 16));
            self.schedule_meeting(seller, day);
        }
    }

    /// Proposes one of the seller's accounts as a target, the larger the likelier.
    pub(crate) fn propose(&mut self, seller: StaffNumber, by_manager: bool) {
        let candidates: Vec<AccountNumber> = self
            .own(seller)
            .into_iter()
            .filter(|account| {
                let state = &self.accounts[account.0];
                state.target.is_none() && !state.is_proposed && !state.is_invited
            })
            .collect();
        let weights: Vec<f64> =
            candidates.iter().map(|account| real(self.world.companies[account.0].potential)).collect();
        let Some(place) = self.habit.weighted(&weights) else { return };
        let account = candidates[place];
        let is_dream = !self.accounts[account.0].is_client();
        let number = TargetNumber(self.targets.len());
        self.accounts[account.0].is_proposed = true;
        self.targets.push(Target { account, seller, is_dream, state: Standing::Proposed, since: None, by_manager });
        let company = &self.world.companies[account.0];
        let text = self.voice.one_of(if is_dream { sales::DREAMS } else { sales::GROWTHS });
        let text = sales::filled(text, &company.industry.to_lowercase(), company.plant());
        let rationale = text.replace("{competitor}", self.voice.one_of(sales::COMPETITORS));
        let by = if by_manager { self.manager(seller) } else { seller };
        self.enter(by, Deed::ProposeTarget { target: number, account, is_dream, rationale, meeting: None });
        if by_manager {
            let day = plus(self.today, self.habit.from_to(1, 6));
            self.plan_work(seller, day, Todo::DecideAlone(number));
        } else if self.habit.chance(0.03) {
            let day = plus(self.today, self.habit.from_to(2, 8));
            self.plan_work(seller, day, Todo::Withdraw(number));
        }
    }

    pub(crate) fn own(&self, seller: StaffNumber) -> Vec<AccountNumber> {
        (0..self.accounts.len()).map(AccountNumber).filter(|account| self.owner(*account) == seller).collect()
    }

    /// Lets the seller decide on a proposal of the manager.
    pub(crate) fn decide_alone(&mut self, target: TargetNumber) {
        let seller = self.targets[target.0].seller;
        self.decide(target, seller, None);
    }

    /// Decides on a proposal.
    fn decide(&mut self, number: TargetNumber, by: StaffNumber, meeting: Option<MeetingNumber>) {
        let Target { account, seller, state, .. } = self.targets[number.0];
        if state != Standing::Proposed {
            return;
        }
        let agree = !self.habit.chance(0.08);
        let text = if agree { sales::AGREED } else { sales::DECLINED };
        let note = (!agree || self.habit.chance(0.5)).then(|| self.voice.one_of(text).to_owned());
        self.enter(by, Deed::DecideTarget { target: number, agree, note, meeting });
        self.accounts[account.0].is_proposed = false;
        if agree {
            let target = &mut self.targets[number.0];
            target.state = Standing::Listed;
            target.since = Some(self.today);
            let state = &mut self.accounts[account.0];
            state.target = Some(number);
            state.awaits_first_touch = true;
            state.next_opening = None;
            if self.habit.chance(0.8) {
                self.plan_plan(number);
            }
        } else {
            self.targets[number.0].state = Standing::Closed;
            self.replace(seller);
        }
    }

    pub(crate) fn withdraw(&mut self, number: TargetNumber) {
        let Target { account, seller, state, .. } = self.targets[number.0];
        if state == Standing::Proposed {
            self.targets[number.0].state = Standing::Closed;
            self.accounts[account.0].is_proposed = false;
            self.enter(seller, Deed::WithdrawTarget(number));
            self.replace(seller);
        }
    }

    /// Notes that the seller looks for another target.
    fn replace(&mut self, seller: StaffNumber) {
        let day = plus(self.today, self.habit.from_to(4, 40));
        let by_manager = self.habit.chance(0.15);
        self.plan_work(seller, day, Todo::Propose { seller, by_manager });
    }

    /// Takes a target that was won off the list.
    pub(crate) fn close_won(&mut self, number: TargetNumber) {
        let Target { account, seller, state, .. } = self.targets[number.0];
        if state != Standing::Listed {
            return;
        }
        let note = format!("{} is a client now.", self.world.companies[account.0].name);
        self.enter(seller, Deed::CloseTarget { target: number, won: true, note });
        self.leave_list(number);
    }

    /// Ends the pursuit of a target that left the list.
    fn leave_list(&mut self, number: TargetNumber) {
        let Target { account, seller, .. } = self.targets[number.0];
        self.targets[number.0].state = Standing::Closed;
        let state = &mut self.accounts[account.0];
        state.target = None;
        state.awaits_first_touch = false;
        state.next_opening = None;
        if state.is_client() && state.opportunity.is_none() {
            self.plan_opening(account, self.scenario.truth.unasked_median);
        }
        self.close_plan(account);
        self.replace(seller);
    }

    /// Returns the seller's targets.
    pub(crate) fn listed(&self, seller: StaffNumber) -> Vec<TargetNumber> {
        let of = |(number, target): (usize, &Target)| {
            (target.seller == seller && target.state == Standing::Listed).then_some(TargetNumber(number))
        };
        self.targets.iter().enumerate().filter_map(of).collect()
    }

    /// Schedules a one-on-one from some day on, on which both work.
    fn schedule_meeting(&mut self, seller: StaffNumber, from: NaiveDate) {
        let day = self.working_day(seller, from.max(plus(self.today, 1)));
        let number = self.meetings.len();
        let hour = self.habit.from_to(9, 15);
        self.meetings.push(Meeting { seller, minute: hour * 60 });
        self.diaries[seller.0].block(day, hour * 60, 60);
        let mut agenda = BTreeSet::new();
        let listed = self.listed(seller);
        let proposed =
            self.targets.iter().filter(|target| target.seller == seller && target.state == Standing::Proposed);
        agenda.extend(proposed.map(|target| target.account));
        for _ in 0..if listed.is_empty() { 0 } else { 2 } {
            let target = self.habit.one_of(&listed);
            agenda.insert(self.targets[target.0].account);
        }
        let agenda = agenda.into_iter().map(|account| (account, self.voice.one_of(sales::AGENDA).to_owned())).collect();
        let scheduled_for = self.zone.at(day, hour * 60);
        let deed = Deed::ScheduleMeeting { meeting: MeetingNumber(number), seller, scheduled_for, agenda };
        self.enter(self.manager(seller), deed);
        self.plan(day, Todo::HoldMeeting(number));
    }

    /// Holds a one-on-one, in which the manager decides on what waits; or misses it.
    pub(crate) fn hold_meeting(&mut self, number: usize) {
        let seller = self.meetings[number].seller;
        let manager = self.manager(seller);
        if self.habit.chance(0.07) {
            // It falls through, and another one follows in a week.
            let day = plus(self.today, 7);
            self.schedule_meeting(seller, day);
            return;
        }
        let meeting = MeetingNumber(number);
        let waiting: Vec<TargetNumber> = (0..self.targets.len())
            .map(TargetNumber)
            .filter(|target| {
                let target = &self.targets[target.0];
                target.seller == seller && target.state == Standing::Proposed
            })
            .collect();
        for target in waiting {
            // What the manager proposed, the seller decides on; see `propose`.
            if self.habit.chance(0.85) && !self.targets[target.0].by_manager {
                self.decide(target, manager, Some(meeting));
            }
        }
        let quarter = quarter_of(self.today);
        if self.diaries[seller.0].reviewed_quarter != Some(quarter) && between(self.first, self.today) > 80 {
            let diligence = self.world.staff[seller.0].diligence;
            self.diaries[seller.0].reviewed_quarter = Some(quarter);
            if self.habit.chance(diligence) {
                self.review_list(seller, manager);
            }
        }
        let notes = self.voice.one_of(sales::ONE_ON_ONES).to_owned();
        self.enter(manager, Deed::HoldMeeting { meeting, notes });
        let day = workday_from(plus(self.today, CYCLE + self.habit.from_to(-3, 3)));
        self.schedule_meeting(seller, day);
    }

    /// Reviews a list: what has led to nothing in a long time is dropped.
    fn review_list(&mut self, seller: StaffNumber, by: StaffNumber) {
        let (mut keep, mut drop) = (Vec::new(), Vec::new());
        for target in self.listed(seller) {
            let Target { account, since, .. } = self.targets[target.0];
            let state = &self.accounts[account.0];
            let old = since.is_some_and(|since| between(since, self.today) > 270);
            let hopeless = old && state.opportunity.is_none() && !state.is_invited;
            if hopeless && self.habit.chance(0.22) {
                drop.push((target, self.voice.one_of(sales::DROPPED).to_owned()));
            } else {
                keep.push(target);
            }
        }
        let notes = self.voice.one_of(sales::LIST_REVIEWS).to_owned();
        let dropped: Vec<TargetNumber> = drop.iter().map(|(target, _)| *target).collect();
        self.enter(by, Deed::ReviewList { seller, keep, drop, notes });
        for target in dropped {
            self.leave_list(target);
        }
    }
}
