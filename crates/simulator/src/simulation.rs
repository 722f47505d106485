//! A simulation: the state of the organization and its clients, taken from day to day.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::act::{Act, Booked, Deed, Relationship};
use crate::calendar::{Zone, between, is_workday, plus, workday_from};
use crate::listing::{Meeting, Target};
use crate::market::{self, Company, Duty, Person, Staff};
use crate::numbers::{
    AccountNumber, ContactNumber, Moment, OpportunityNumber, StaffNumber, TargetNumber, TouchNumber, count, whole,
};
use crate::opening::Opportunity;
use crate::planning::Plan;
use crate::random::Random;
use crate::readiness::MadeTouch;
use crate::revenue::YearPlan;
use crate::scenario::Scenario;
use crate::touching::SellerDiary;
use crate::trouble::TriggerEvent;
use crate::words::sales::CRITERIA;

/// Who there is in a simulated organization and at its accounts.
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    /// The members; the first is the administrator.
    pub staff: Vec<Staff>,
    /// The companies.
    pub companies: Vec<Company>,
    /// The people who work there.
    pub people: Vec<Person>,
}

/// The state of an account.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// The completed touches, in the order of their days.
    pub touches: Vec<MadeTouch>,
    /// The day of the latest completed touch.
    pub last_touch: Option<NaiveDate>,
    /// The agreed target.
    pub target: Option<TargetNumber>,
    /// Whether a proposal waits.
    pub is_proposed: bool,
    /// The touch that was entered last.
    pub last_logged: Option<TouchNumber>,
    /// Whether the target's first touch is still to be made.
    pub awaits_first_touch: bool,
    /// The open opportunity.
    pub opportunity: Option<OpportunityNumber>,
    /// The day on which an opportunity opens that no trigger event led to.
    pub next_opening: Option<NaiveDate>,
    /// The day of the latest trigger event.
    pub last_trigger: Option<NaiveDate>,
    /// Whether we are invited and the opportunity is not open yet.
    pub is_invited: bool,
    /// The bookings of each year.
    pub booked: BTreeMap<i32, i64>,
    /// What the year is to bring.
    pub year: YearPlan,
    /// The plan that is open.
    pub plan: Option<usize>,
}

impl Account {
    pub(crate) fn is_client(&self) -> bool {
        self.booked.values().any(|booked| *booked > 0)
    }
}

/// The state of a contact.
#[derive(Debug, Default)]
pub(crate) struct Contact {
    /// Whether we have met them.
    pub is_entered: bool,
    /// Answered touches.
    pub answered: u32,
    /// Touches whose value they acknowledged.
    pub acknowledged: u32,
    /// How well they know us, and since when.
    pub relationships: Vec<(Moment, Relationship)>,
}

/// Something that is to happen on a day.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Todo {
    Assess(AccountNumber),
    Propose { seller: StaffNumber, by_manager: bool },
    DecideAlone(TargetNumber),
    Withdraw(TargetNumber),
    HoldMeeting(usize),
    CloseWon(TargetNumber),
    RecordTrigger(usize),
    ResolveTrigger(usize),
    OpenInvited(usize),
    OpenPlanned(AccountNumber),
    Advance(OpportunityNumber, usize),
    Close(OpportunityNumber),
    EnterClose(OpportunityNumber),
    Order(AccountNumber, i32),
    Goal(crate::revenue::GoalStep),
    KeepPromise(crate::numbers::PromiseNumber, StaffNumber),
    Plan(usize, crate::planning::PlanStep),
}

/// A simulation of a scenario: an iterator over its days, each with its acts in the order of time.
#[derive(Debug)]
pub struct Simulation {
    pub(crate) scenario: Scenario,
    pub(crate) zone: Zone,
    pub(crate) world: World,
    pub(crate) first: NaiveDate,
    pub(crate) today: NaiveDate,
    last: NaiveDate,
    agenda: BTreeMap<NaiveDate, Vec<Todo>>,
    acts: Vec<Act>,
    /// The time of the next act.
    clock: Moment,
    /// What happens to clients.
    pub(crate) fate: Random,
    /// What members do.
    pub(crate) habit: Random,
    /// What they write.
    pub(crate) voice: Random,
    pub(crate) accounts: Vec<Account>,
    pub(crate) contacts: Vec<Contact>,
    pub(crate) diaries: Vec<SellerDiary>,
    pub(crate) targets: Vec<Target>,
    pub(crate) meetings: Vec<Meeting>,
    pub(crate) triggers: Vec<TriggerEvent>,
    pub(crate) opportunities: Vec<Opportunity>,
    pub(crate) plans: Vec<Plan>,
    pub(crate) unbooked: Vec<Booked>,
    last_booking: NaiveDate,
    pub(crate) touches: usize,
    pub(crate) promises: usize,
    pub(crate) items: usize,
}

/// The microseconds from one act to the next.
const STEP: i64 = 4_000_000;
/// Minutes after midnight of some times of the day.
pub(crate) const MORNING: i64 = 8 * 60 + 30;
pub(crate) const EVENING: i64 = 17 * 60 + 30;

impl Simulation {
    /// Begins the simulation of a scenario.
    ///
    /// # Errors
    /// What is wrong with the scenario.
    pub fn of(scenario: Scenario) -> Result<Self, String> {
        scenario.check()?;
        let stream = |number| Random::of(scenario.seed, number);
        let mut people = stream(1);
        let staff = market::staff(&mut people, scenario.size);
        let (companies, persons) = market::market(&mut people, scenario.size);
        let (first, last) = (scenario.first_day(), scenario.last_day());
        let mut simulation = Self {
            zone: scenario.calendar(),
            scenario,
            first,
            today: first,
            last,
            agenda: BTreeMap::new(),
            acts: Vec::new(),
            clock: Moment(i64::MIN),
            fate: stream(2),
            habit: stream(3),
            voice: stream(4),
            accounts: companies.iter().map(|_| Account::default()).collect(),
            contacts: persons.iter().map(|_| Contact::default()).collect(),
            diaries: staff.iter().map(|_| SellerDiary::default()).collect(),
            world: World { staff, companies, people: persons },
            targets: Vec::new(),
            meetings: Vec::new(),
            triggers: Vec::new(),
            opportunities: Vec::new(),
            plans: Vec::new(),
            unbooked: Vec::new(),
            last_booking: first,
            touches: 0,
            promises: 0,
            items: 0,
        };
        simulation.begin();
        Ok(simulation)
    }

    /// Returns who there is.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// Returns the day that is simulated next.
    #[must_use]
    pub const fn next_day(&self) -> NaiveDate {
        self.today
    }

    /// Returns the last day.
    #[must_use]
    pub const fn last_day(&self) -> NaiveDate {
        self.last
    }

    /// Returns the sellers.
    pub(crate) fn sellers(&self) -> Vec<StaffNumber> {
        let sells = |(number, staff): (usize, &Staff)| (staff.duty == Duty::Sales).then_some(StaffNumber(number));
        self.world.staff.iter().enumerate().filter_map(sells).collect()
    }

    pub(crate) fn owner(&self, account: AccountNumber) -> StaffNumber {
        self.world.companies[account.0].owner
    }

    pub(crate) fn manager(&self, seller: StaffNumber) -> StaffNumber {
        self.world.staff[seller.0].manager.unwrap_or(StaffNumber(0))
    }

    /// Enters something now.
    pub(crate) fn enter(&mut self, by: StaffNumber, deed: Deed) {
        let at = self.clock;
        self.clock = Moment(at.0 + STEP);
        self.enter_at(by, at, deed);
    }

    /// Sets the clock to a minute of today, unless it is later already.
    pub(crate) fn turn_to(&mut self, minute: i64) {
        self.clock = self.clock.max(self.zone.at(self.today, minute));
    }

    pub(crate) fn enter_at(&mut self, by: StaffNumber, at: Moment, deed: Deed) {
        self.acts.push(Act { at, by, deed });
    }

    /// Notes something for a day, or for tomorrow if that day has begun.
    pub(crate) fn plan(&mut self, day: NaiveDate, todo: Todo) {
        let day = day.max(plus(self.today, 1));
        self.agenda.entry(day).or_default().push(todo);
    }

    /// Notes something for the first day from `day` on which someone works.
    pub(crate) fn plan_work(&mut self, who: StaffNumber, day: NaiveDate, todo: Todo) {
        let day = self.working_day(who, day.max(plus(self.today, 1)));
        self.plan(day, todo);
    }

    /// Returns the day itself, or the first one after it on which someone works.
    pub(crate) fn working_day(&self, who: StaffNumber, from: NaiveDate) -> NaiveDate {
        from.iter_days().find(|day| self.works(who, *day)).unwrap_or(from)
    }

    /// Whether someone works on a day.
    pub(crate) fn works(&self, who: StaffNumber, day: NaiveDate) -> bool {
        is_workday(day) && !self.diaries[who.0].is_away(day)
    }

    /// Enters what there is on the first day: accounts, contacts, and the bookings before.
    fn begin(&mut self) {
        self.plan_leave();
        let admin = StaffNumber(0);
        let everyone: Vec<AccountNumber> = (0..self.accounts.len()).map(AccountNumber).collect();
        self.turn_to(7 * 60);
        self.enter(admin, Deed::EnterAccounts(everyone.clone()));
        let mut met = Vec::new();
        for company in &self.world.companies {
            for (place, contact) in company.people.iter().enumerate() {
                if place == 0 || self.habit.chance(0.72) {
                    self.contacts[contact.0].is_entered = true;
                    met.push(*contact);
                }
            }
        }
        self.enter(admin, Deed::EnterContacts(met));
        self.begin_bookings();
        for account in everyone {
            let owner = self.owner(account);
            let wanted = if self.accounts[account.0].is_client() { 0.85 } else { 0.6 };
            if self.habit.chance(wanted) {
                let day = plus(self.first, self.habit.from_to(0, 24));
                self.plan_work(owner, day, Todo::Assess(account));
            }
        }
        self.begin_lists();
        self.begin_teams();
    }

    /// Lets the engineers join the teams of some accounts.
    fn begin_teams(&mut self) {
        let engineers: Vec<usize> = self
            .world
            .staff
            .iter()
            .enumerate()
            .filter_map(|(number, staff)| (staff.duty == Duty::Technology).then_some(number))
            .collect();
        for number in 0..self.accounts.len() {
            if self.habit.chance(0.08) {
                let account = AccountNumber(number);
                let colleague = StaffNumber(self.habit.one_of(&engineers));
                let owner = self.owner(account);
                self.enter(owner, Deed::JoinTeam { account, colleague });
            }
        }
    }

    /// Lets a day pass, and returns its acts in the order of time.
    fn pass(&mut self) -> Vec<Act> {
        self.new_year();
        self.strike();
        let todos = self.agenda.remove(&self.today).unwrap_or_default();
        let mut todos: Vec<(i64, Todo)> = todos.into_iter().map(|todo| (self.minute_of(&todo), todo)).collect();
        todos.sort_by_key(|(minute, _)| *minute);
        for (minute, todo) in todos {
            self.turn_to(minute);
            self.carry_out(todo);
        }
        if is_workday(self.today) {
            for seller in self.sellers() {
                if self.works(seller, self.today) {
                    self.sell(seller);
                }
            }
            self.enter_bookings();
        }
        let mut acts = std::mem::take(&mut self.acts);
        acts.sort_by_key(|act| act.at);
        acts.retain(|act| act.at <= self.scenario.now);
        acts
    }

    /// Enters the bookings of the week, on its last working day.
    fn enter_bookings(&mut self) {
        let tomorrow = workday_from(plus(self.today, 1));
        let ends_week = between(self.today, tomorrow) > 1 || self.today == self.last;
        if !ends_week && between(self.last_booking, self.today) < 7 || self.unbooked.is_empty() {
            return;
        }
        self.last_booking = self.today;
        let mut booked = std::mem::take(&mut self.unbooked);
        booked.sort_by_key(|booked| (booked.on, booked.account));
        let minute = if self.today == self.last { 7 * 60 + 45 } else { EVENING };
        self.enter_at(StaffNumber(0), self.zone.at(self.today, minute), Deed::Book(booked));
    }

    /// Returns the minute of the day at which something is done.
    fn minute_of(&mut self, todo: &Todo) -> i64 {
        match todo {
            Todo::HoldMeeting(meeting) => self.meetings[*meeting].minute + 10,
            _ => self.habit.from_to(MORNING, EVENING - 60),
        }
    }

    fn carry_out(&mut self, todo: Todo) {
        match todo {
            Todo::Assess(account) => self.assess(account),
            Todo::Propose { seller, by_manager } => self.propose(seller, by_manager),
            Todo::DecideAlone(target) => self.decide_alone(target),
            Todo::Withdraw(target) => self.withdraw(target),
            Todo::HoldMeeting(meeting) => self.hold_meeting(meeting),
            Todo::CloseWon(target) => self.close_won(target),
            Todo::RecordTrigger(trigger) => self.record_trigger(trigger),
            Todo::ResolveTrigger(trigger) => self.resolve_trigger(trigger),
            Todo::OpenInvited(trigger) => self.open_invited(trigger),
            Todo::OpenPlanned(account) => self.open_planned(account),
            Todo::Advance(opportunity, step) => self.advance(opportunity, step),
            Todo::Close(opportunity) => self.close(opportunity),
            Todo::EnterClose(opportunity) => self.enter_close(opportunity),
            Todo::Order(account, year) => self.order(account, year),
            Todo::Goal(step) => self.goal(step),
            Todo::KeepPromise(promise, who) => {
                self.enter(who, Deed::KeepPromise(promise));
            }
            Todo::Plan(plan, step) => self.work_on_plan(plan, step),
        }
    }

    fn assess(&mut self, account: AccountNumber) {
        let leaning = self.habit.between(2.5, 8.5);
        let scores = CRITERIA
            .iter()
            .map(|_| {
                let score = whole(leaning + self.habit.normal() * 2.0).clamp(0, 10);
                u8::try_from(score).unwrap_or_default()
            })
            .collect();
        let owner = self.owner(account);
        self.enter(owner, Deed::Assess { account, scores });
        // Half of the accounts are assessed again after about a year.
        if self.habit.chance(0.5) {
            let day = plus(self.today, self.habit.from_to(300, 450));
            self.plan_work(owner, day, Todo::Assess(account));
        }
    }

    /// Returns someone at an account whom we have met, the more important the likelier.
    pub(crate) fn someone(&mut self, account: AccountNumber) -> Option<ContactNumber> {
        let people = &self.world.companies[account.0].people;
        let met: Vec<ContactNumber> =
            people.iter().copied().filter(|contact| self.contacts[contact.0].is_entered).collect();
        let weight = |contact: &ContactNumber| match self.world.people[contact.0].role {
            market::Role::DecisionMaker => 3.0,
            market::Role::Influencer => 2.0,
            market::Role::Stakeholder => 1.2,
            market::Role::Champion | market::Role::EndUser => 0.8,
        };
        let weights: Vec<f64> = met.iter().map(weight).collect();
        self.habit.weighted(&weights).map(|place| met[place])
    }

    /// Returns distinct people at an account.
    pub(crate) fn some(&mut self, account: AccountNumber, wanted: usize) -> Vec<ContactNumber> {
        let mut people = BTreeSet::new();
        for _ in 0..wanted {
            people.extend(self.someone(account));
        }
        people.into_iter().collect()
    }

    /// Returns the number of accounts of a seller.
    pub(crate) fn book(&self, seller: StaffNumber) -> i64 {
        count(self.world.companies.iter().filter(|company| company.owner == seller).count())
    }
}

impl Iterator for Simulation {
    type Item = Vec<Act>;

    fn next(&mut self) -> Option<Vec<Act>> {
        if self.today > self.last {
            return None;
        }
        let acts = self.pass();
        self.today = plus(self.today, 1);
        Some(acts)
    }
}
