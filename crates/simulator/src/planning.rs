//! Plans for targets: written, signed by two, reviewed, changed, and closed.

use chrono::NaiveDate;

use crate::act::{Deed, Finding, Measure, PlanDeed, Relationship};
use crate::calendar::{plus, plus_months};
use crate::listing::Standing;
use crate::numbers::{
    AccountNumber, ActionNumber, BenchmarkNumber, ObjectiveNumber, OpportunityNumber, PlanNumber, QuestionNumber,
    StaffNumber, TargetNumber, real,
};
use crate::opening::rounded;
use crate::simulation::{Simulation, Todo};
use crate::words::{plans, sales};

/// A plan.
#[derive(Debug)]
pub(crate) struct Plan {
    pub account: AccountNumber,
    target: TargetNumber,
    seller: StaffNumber,
    state: Progress,
    monthly: bool,
    opportunity: Option<OpportunityNumber>,
    /// Whether it was changed since it was signed.
    is_stale: bool,
    /// Whether the manager has signed it too.
    is_cosigned: bool,
    /// The objectives that are still to be achieved.
    objectives: Vec<ObjectiveNumber>,
    /// The actions that are still to be done, each with the objective that it serves.
    actions: Vec<(ActionNumber, Option<ObjectiveNumber>)>,
    /// The benchmark that is measured by hand, with its latest value.
    benchmark: Option<(BenchmarkNumber, i64)>,
}

/// Where a plan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Intended,
    Draft,
    Signed,
    Closed,
}

/// A step of a plan.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PlanStep {
    Create,
    Link(OpportunityNumber),
    Commit,
    Cosign,
    Review,
    Finish(ActionNumber),
    Achieve(ObjectiveNumber),
    Answer(QuestionNumber, usize),
    End,
}

impl Simulation {
    /// Intends a plan for a target.
    pub(crate) fn plan_plan(&mut self, target: TargetNumber) {
        let crate::listing::Target { account, seller, .. } = self.targets[target.0];
        let number = self.plans.len();
        self.plans.push(Plan {
            account,
            target,
            seller,
            state: Progress::Intended,
            monthly: self.habit.chance(0.4),
            opportunity: None,
            is_stale: false,
            is_cosigned: false,
            objectives: Vec::new(),
            actions: Vec::new(),
            benchmark: None,
        });
        let day = plus(self.today, self.habit.from_to(3, 26));
        self.plan_work(seller, day, Todo::Plan(number, PlanStep::Create));
    }

    fn step_later(&mut self, number: usize, low: i64, high: i64, step: PlanStep) {
        let day = plus(self.today, self.habit.from_to(low, high));
        let who = self.plans[number].seller;
        self.plan_work(who, day, Todo::Plan(number, step));
    }

    fn enter_plan(&mut self, number: usize, deed: PlanDeed) {
        self.enter(self.plans[number].seller, Deed::Plan(PlanNumber(number), deed));
    }

    /// Carries out a step of a plan that is not closed.
    pub(crate) fn work_on_plan(&mut self, number: usize, step: PlanStep) {
        let state = self.plans[number].state;
        if state == Progress::Closed || (state == Progress::Intended) != matches!(step, PlanStep::Create) {
            return;
        }
        match step {
            PlanStep::Create => self.create_plan(number),
            PlanStep::Link(opportunity) => self.link(number, opportunity),
            PlanStep::Commit => self.commit(number),
            PlanStep::Cosign => {
                if !self.plans[number].is_stale && !self.plans[number].is_cosigned {
                    self.plans[number].is_cosigned = true;
                    let manager = self.manager(self.plans[number].seller);
                    self.enter(manager, Deed::Plan(PlanNumber(number), PlanDeed::Cosign));
                }
            }
            PlanStep::Review => self.review_plan(number),
            PlanStep::Finish(action) => {
                self.plans[number].actions.retain(|(open, _)| *open != action);
                let skipped = self.habit.chance(0.1);
                self.enter_plan(number, PlanDeed::Finish { action, skipped });
            }
            PlanStep::Achieve(objective) => {
                self.plans[number].objectives.retain(|open| *open != objective);
                self.enter_plan(number, PlanDeed::Achieve(objective));
            }
            PlanStep::Answer(question, place) => {
                let answer = plans::ANSWERS[place].to_owned();
                self.enter_plan(number, PlanDeed::Answer { question, answer });
            }
            PlanStep::End => {
                let Plan { account, target, .. } = self.plans[number];
                self.close_plan(account);
                if self.targets[target.0].state == Standing::Listed {
                    self.plan_plan(target);
                }
            }
        }
    }

    /// Returns a text about the account of a plan.
    fn text(&mut self, number: usize, of: &[&'static str]) -> String {
        let company = &self.world.companies[self.plans[number].account.0];
        sales::filled(self.voice.one_of(of), &company.industry.to_lowercase(), company.plant())
    }

    fn next_item(&mut self) -> usize {
        self.items += 1;
        self.items - 1
    }

    fn create_plan(&mut self, number: usize) {
        let Plan { account, target, .. } = self.plans[number];
        if self.targets[target.0].state != Standing::Listed || self.accounts[account.0].plan.is_some() {
            self.plans[number].state = Progress::Closed;
            return;
        }
        let starts_on = self.today;
        let ends_on = plus(plus_months(starts_on, 12), -1);
        let title = format!(
            "{}: {}",
            self.world.companies[account.0].name,
            if self.targets[target.0].is_dream { "from prospect to client" } else { "from client to key account" }
        );
        let summary = self.text(number, plans::SUMMARIES);
        let plan = &mut self.plans[number];
        plan.state = Progress::Draft;
        let monthly = plan.monthly;
        self.accounts[account.0].plan = Some(number);
        self.enter_plan(number, PlanDeed::Create { account, title, summary, starts_on, ends_on, monthly });
        for contact in self.some(account, 2) {
            let desired = self.habit.one_of(&[Relationship::Known, Relationship::Valued, Relationship::Trusted]);
            let by = plus(starts_on, self.habit.from_to(60, 240));
            let approach = self.text(number, plans::APPROACHES);
            self.enter_plan(number, PlanDeed::Relationship { contact, desired, by, approach });
        }
        let mut objectives = Vec::new();
        for (is_long, texts, days) in [(false, plans::SHORT, (60, 150)), (true, plans::LONG, (240, 360))] {
            let objective = ObjectiveNumber(self.next_item());
            let due_on = plus(starts_on, self.habit.from_to(days.0, days.1));
            let statement = self.text(number, texts);
            self.enter_plan(number, PlanDeed::Objective { objective, is_long, statement, due_on });
            objectives.push(objective);
        }
        self.plans[number].objectives = objectives.clone();
        if self.habit.chance(0.55) {
            self.step_later(number, 60, 200, PlanStep::Achieve(objectives[0]));
        }
        // Both objectives have an action of their own.
        for place in 0..3 {
            self.add_action(number, objectives.get(place).copied());
        }
        self.add_benchmark(number, ends_on);
        for _ in 0..self.habit.index(3) {
            let place = self.voice.index(plans::QUESTIONS.len());
            let question = QuestionNumber(self.next_item());
            let text = plans::QUESTIONS[place].to_owned();
            self.enter_plan(number, PlanDeed::Ask { question, text });
            if self.habit.chance(0.6) {
                self.step_later(number, 10, 120, PlanStep::Answer(question, place));
            }
        }
        self.plan(plus(ends_on, 1), Todo::Plan(number, PlanStep::End));
        if let Some(opportunity) = self.accounts[account.0].opportunity {
            self.step_later(number, 1, 7, PlanStep::Link(opportunity));
        }
    }

    fn add_action(&mut self, number: usize, objective: Option<ObjectiveNumber>) {
        let action = ActionNumber(self.next_item());
        let days = self.habit.from_to(14, 110);
        let due_on = plus(self.today, days);
        let title = self.text(number, plans::ACTIONS);
        self.plans[number].actions.push((action, objective));
        self.enter_plan(number, PlanDeed::Action { action, title, due_on, objective });
        let diligence = self.world.staff[self.plans[number].seller.0].diligence;
        if self.habit.chance(diligence) {
            self.step_later(number, (days - 12).max(1), days + 4, PlanStep::Finish(action));
        } else if self.habit.chance(0.7) {
            self.step_later(number, days + 5, days + 50, PlanStep::Finish(action));
        }
    }

    fn add_benchmark(&mut self, number: usize, due_on: NaiveDate) {
        let account = self.plans[number].account;
        let benchmark = BenchmarkNumber(self.next_item());
        let potential = real(self.world.companies[account.0].potential);
        let measure = self.habit.one_of(&[Measure::Booked, Measure::ContactsKnown, Measure::Sites]);
        let (baseline, target) = match measure {
            Measure::Booked => (0, rounded(potential * self.habit.between(0.2, 0.8))),
            Measure::ContactsKnown => (1, self.habit.from_to(4, 6)),
            Measure::Sites => (0, self.habit.from_to(2, 4)),
        };
        if measure == Measure::Sites {
            self.plans[number].benchmark = Some((benchmark, 0));
        }
        self.enter_plan(number, PlanDeed::Benchmark { benchmark, measure, baseline, target, due_on });
    }

    /// Lets the plan of an account pursue an opportunity that was opened.
    pub(crate) fn pursue(&mut self, account: AccountNumber, opportunity: OpportunityNumber) {
        if let Some(number) = self.accounts[account.0].plan {
            self.step_later(number, 1, 9, PlanStep::Link(opportunity));
        }
    }

    fn link(&mut self, number: usize, opportunity: OpportunityNumber) {
        let plan = &mut self.plans[number];
        if self.accounts[plan.account.0].opportunity != Some(opportunity) || plan.opportunity == Some(opportunity) {
            return;
        }
        plan.opportunity = Some(opportunity);
        plan.is_stale = true;
        let is_signed = plan.state == Progress::Signed;
        self.enter_plan(number, PlanDeed::Link(opportunity));
        if !is_signed || self.habit.chance(0.6) {
            self.step_later(number, 1, 6, PlanStep::Commit);
        }
    }

    fn commit(&mut self, number: usize) {
        let is_first = self.plans[number].state == Progress::Draft;
        if !self.plans[number].is_stale {
            return;
        }
        // A plan is complete if every objective that is open has an action that is.
        for objective in self.plans[number].objectives.clone() {
            if !self.plans[number].actions.iter().any(|(_, serves)| *serves == Some(objective)) {
                self.add_action(number, Some(objective));
            }
        }
        let statement = self.voice.one_of(plans::STATEMENTS).to_owned();
        self.enter_plan(number, PlanDeed::Commit { statement });
        let plan = &mut self.plans[number];
        plan.is_stale = false;
        plan.is_cosigned = false;
        plan.state = Progress::Signed;
        if self.habit.chance(0.85) {
            self.step_later(number, 2, 12, PlanStep::Cosign);
        }
        if is_first {
            self.plan_review(number);
        }
    }

    /// Plans the next review: in time, late, or not before the one after it.
    fn plan_review(&mut self, number: usize) {
        let Plan { seller, monthly, .. } = self.plans[number];
        let months = if monthly { 1 } else { 3 };
        let due = plus_months(self.today, months);
        let diligence = self.world.staff[seller.0].diligence;
        let day = if self.habit.chance(diligence) {
            plus(due, -self.habit.from_to(0, 6))
        } else if self.habit.chance(0.7) {
            plus(due, self.habit.from_to(4, 25))
        } else {
            plus_months(due, months)
        };
        self.plan_work(seller, day, Todo::Plan(number, PlanStep::Review));
    }

    fn review_plan(&mut self, number: usize) {
        if let Some((benchmark, value)) = self.plans[number].benchmark {
            let value = value + i64::from(self.habit.chance(0.2));
            self.plans[number].benchmark = Some((benchmark, value));
            self.enter_plan(number, PlanDeed::Measurement { benchmark, value });
        }
        let finding = match self.habit.share() {
            share if share < 0.55 => Finding::OnTrack,
            share if share < 0.8 => Finding::OffTrack,
            _ => Finding::Changed,
        };
        let notes = self.text(number, plans::REVIEWS);
        self.enter_plan(number, PlanDeed::Review { finding, notes });
        if finding == Finding::Changed {
            self.add_action(number, None);
            self.plans[number].is_stale = true;
            if self.habit.chance(0.55) {
                self.step_later(number, 1, 8, PlanStep::Commit);
            }
        }
        self.plan_review(number);
    }

    /// Closes the plan of an account, if there is one that is open.
    pub(crate) fn close_plan(&mut self, account: AccountNumber) {
        let Some(number) = self.accounts[account.0].plan.take() else { return };
        self.plans[number].state = Progress::Closed;
        self.enter_plan(number, PlanDeed::Close);
    }
}
