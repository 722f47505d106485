//! A seller's day: what was planned, what comes up, what is planned next, and what is entered of it in the evening.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate};

use crate::act::{Deed, Relationship, TouchEntry, TouchState, TouchWay};
use crate::calendar::{between, new_year, plus};
use crate::market::Staff;
use crate::numbers::{AccountNumber, Moment, PromiseNumber, StaffNumber, TouchNumber, count, real};
use crate::readiness::MadeTouch;
use crate::simulation::{EVENING, MORNING, Simulation, Todo};
use crate::words::sales;

/// The calendar of a seller.
#[derive(Debug, Default)]
pub(crate) struct SellerDiary {
    /// The days of leave, from the first to the last.
    leave: Vec<(NaiveDate, NaiveDate)>,
    /// The minutes of a day that are taken: start and length.
    taken: BTreeMap<NaiveDate, Vec<(i64, i64)>>,
    /// What is planned, by day.
    planned: BTreeMap<NaiveDate, Vec<TouchEntry>>,
    /// What was made and is not entered yet.
    late: Vec<TouchEntry>,
    /// The accounts.
    own: Vec<AccountNumber>,
    /// The quarter in which the target list was last reviewed.
    pub reviewed_quarter: Option<(i32, u32)>,
}

impl SellerDiary {
    /// Whether the seller is on leave.
    pub(crate) fn is_away(&self, day: NaiveDate) -> bool {
        self.leave.iter().any(|(from, to)| (*from..=*to).contains(&day))
    }

    /// Takes some minutes of a day.
    pub(crate) fn block(&mut self, day: NaiveDate, minute: i64, minutes: i64) {
        self.taken.entry(day).or_default().push((minute, minutes));
    }

    fn is_free(&self, day: NaiveDate, minute: i64, minutes: i64) -> bool {
        let taken = self.taken.get(&day).map_or(&[][..], Vec::as_slice);
        taken.iter().all(|(from, length)| minute + minutes <= *from || from + length <= minute)
    }

    fn has_planned(&self, day: NaiveDate, account: AccountNumber) -> bool {
        self.planned.get(&day).is_some_and(|planned| planned.iter().any(|touch| touch.account == account))
    }

    fn plan(&mut self, day: NaiveDate, touch: TouchEntry) {
        self.planned.entry(day).or_default().push(touch);
    }
}

/// The share of touches that are planned ahead.
const PLANNED: f64 = 0.27;
/// The share of planned touches that are made on their day.
const KEPT: f64 = 0.86;

impl Simulation {
    /// Plans the leave of every seller: two weeks in summer, one in spring and one in autumn.
    pub(crate) fn plan_leave(&mut self) {
        for seller in self.sellers() {
            let own = self.own(seller);
            for year in self.first.year()..=self.last_day().year() + 1 {
                for (from, to, weeks) in [(40, 110, 1), (165, 235, 2), (265, 310, 1)] {
                    let day = plus(new_year(year), self.habit.from_to(from, to));
                    let monday = plus(day, -i64::from(day.weekday().num_days_from_monday()));
                    self.diaries[seller.0].leave.push((monday, plus(monday, weeks * 7 - 1)));
                }
            }
            self.diaries[seller.0].own = own;
        }
    }

    /// Lets a seller have a day.
    pub(crate) fn sell(&mut self, seller: StaffNumber) {
        let is_last = self.today == self.last_day();
        // What is entered by then: in the evening, and on the last day whenever that ends.
        let evening = self.zone.at(self.today, EVENING + 2 * i64::try_from(seller.0 % 20).unwrap_or_default());
        let evening = if is_last { evening.min(self.scenario.now) } else { evening };
        let mut entries: Vec<TouchEntry> = std::mem::take(&mut self.diaries[seller.0].late);
        for entry in &mut entries {
            entry.recorded_at = Some(evening);
        }
        let mut met: BTreeSet<AccountNumber> = BTreeSet::new();
        for planned in self.diaries[seller.0].planned.remove(&self.today).unwrap_or_default() {
            met.insert(planned.account);
            if planned.at.plus_minutes(planned.minutes.unwrap_or_default() + 5) <= evening {
                self.keep(seller, planned, &mut entries);
            }
        }
        let staff = &self.world.staff[seller.0];
        let daily = self.scenario.size.touches_a_week / 5.0 * staff.pace;
        let focus = staff.focus;
        for _ in 0..self.habit.poisson(daily * (1.0 - PLANNED)) {
            let Some(account) = self.choose(seller, focus, &met) else { break };
            met.insert(account);
            if let Some(entry) = self.make(seller, account)
                && entry.at.plus_minutes(5) <= evening
            {
                self.note(entry, &mut entries, seller);
            }
        }
        for _ in 0..self.habit.poisson(daily * PLANNED / KEPT) {
            if let Some(account) = self.choose(seller, focus, &BTreeSet::new())
                && let Some(entry) = self.plan_touch(seller, account)
            {
                entries.push(entry);
            }
        }
        if entries.is_empty() || evening < self.zone.at(self.today, MORNING) {
            return;
        }
        entries.sort_by_key(|entry| (entry.at, entry.touch));
        self.meet_people(seller, &mut entries, Moment(evening.0 - 60_000_000));
        self.count_answers(seller, &entries, Moment(evening.0 + 20_000_000));
        self.promise(seller, &entries, Moment(evening.0 + 30_000_000));
        for entry in &entries {
            if entry.state == TouchState::Made {
                self.accounts[entry.account.0].last_logged = Some(entry.touch);
            }
        }
        self.enter_at(seller, evening, Deed::Touches(entries));
    }

    /// Chooses an account to touch: a target with the probability of the seller's focus, those not met for long first.
    fn choose(&mut self, seller: StaffNumber, focus: f64, met: &BTreeSet<AccountNumber>) -> Option<AccountNumber> {
        let to_target = self.habit.chance(focus);
        let own = &self.diaries[seller.0].own;
        let weight = |account: &AccountNumber| {
            let state = &self.accounts[account.0];
            let days = real(state.last_touch.map_or(60, |day| between(day, self.today)).clamp(0, 60));
            match (state.target, to_target) {
                _ if met.contains(account) => 0.0,
                (Some(_), true) => (days + 0.5).powf(1.3) * if state.opportunity.is_some() { 1.8 } else { 1.0 },
                (None, false) => {
                    let known = if state.is_client() { 3.0 } else { 1.0 };
                    if days < 3.0 { 0.0 } else { known * if state.opportunity.is_some() { 6.0 } else { 1.0 } }
                }
                _ => 0.0,
            }
        };
        let weights: Vec<f64> = own.iter().map(weight).collect();
        self.habit.weighted(&weights).map(|place| self.diaries[seller.0].own[place])
    }

    /// Finds free minutes today between the morning and the evening.
    fn slot(&mut self, seller: StaffNumber, day: NaiveDate, minutes: i64, step: i64) -> Option<i64> {
        let last = (EVENING - minutes) / step;
        for _ in 0..8 {
            let minute = self.habit.from_to(MORNING.div_euclid(step) + 1, last) * step;
            if self.diaries[seller.0].is_free(day, minute, minutes) {
                self.diaries[seller.0].block(day, minute, minutes);
                return Some(minute);
            }
        }
        None
    }

    /// Makes a touch that was not planned.
    fn make(&mut self, seller: StaffNumber, account: AccountNumber) -> Option<TouchEntry> {
        let way = match self.habit.share() {
            share if share < 0.45 => TouchWay::Call,
            share if share < 0.81 => TouchWay::Email,
            share if share < 0.91 => TouchWay::Message,
            share if share < 0.94 => TouchWay::Event,
            share if share < 0.97 => TouchWay::Mail,
            _ => TouchWay::Meeting,
        };
        let minutes = self.length(way);
        let minute = self.slot(seller, self.today, minutes, 5)?;
        let at = self.zone.at(self.today, minute);
        let entry = self.new_touch(account, way, at, minutes);
        let is_timed = matches!(way, TouchWay::Meeting | TouchWay::Event) || self.habit.chance(0.45);
        let entry = TouchEntry { state: TouchState::Made, minutes: is_timed.then_some(minutes), ..entry };
        Some(self.happen(seller, entry))
    }

    /// Returns a touch that is planned with people at an account.
    fn new_touch(&mut self, account: AccountNumber, way: TouchWay, at: Moment, minutes: i64) -> TouchEntry {
        let wanted = self.size_of_group(way);
        let contacts = self.some(account, wanted);
        let company = &self.world.companies[account.0];
        let subject = sales::subject(&mut self.voice, way, company.industry, company.plant());
        let touch = TouchNumber(self.touches);
        self.touches += 1;
        TouchEntry {
            touch,
            is_change: false,
            account,
            contacts,
            way,
            state: TouchState::Planned,
            inbound: false,
            at,
            minutes: Some(minutes),
            subject,
            notes: None,
            responded: false,
            gift: None,
            opportunity: None,
            recorded_at: None,
        }
    }

    fn length(&mut self, way: TouchWay) -> i64 {
        match way {
            TouchWay::Meeting => self.habit.one_of(&[30, 45, 60, 60, 90, 120]),
            TouchWay::Call => self.habit.one_of(&[5, 10, 10, 15, 20, 30]),
            TouchWay::Event => self.habit.one_of(&[60, 120, 180]),
            TouchWay::Email | TouchWay::Message | TouchWay::Mail => self.habit.one_of(&[5, 5, 10]),
        }
    }

    fn size_of_group(&mut self, way: TouchWay) -> usize {
        let most = if matches!(way, TouchWay::Meeting | TouchWay::Event) { 3 } else { 1 };
        1 + self.habit.index(most)
    }

    /// Decides how a touch that is made goes, and keeps what readiness rests on.
    fn happen(&mut self, seller: StaffNumber, mut entry: TouchEntry) -> TouchEntry {
        let account = entry.account;
        let is_client = self.accounts[account.0].is_client();
        let knows = entry.contacts.first().is_some_and(|contact| self.contacts[contact.0].answered > 0);
        let base = match entry.way {
            TouchWay::Meeting => 1.0,
            TouchWay::Call => 0.5,
            TouchWay::Email => 0.32,
            TouchWay::Message => 0.38,
            TouchWay::Event => 0.8,
            TouchWay::Mail => 0.06,
        };
        let chance = base + if is_client { 0.1 } else { 0.0 } + if knows { 0.1 } else { 0.0 };
        entry.inbound = matches!(entry.way, TouchWay::Call | TouchWay::Email | TouchWay::Message)
            && self.habit.chance(if is_client { 0.1 } else { 0.03 });
        entry.responded = self.habit.chance(chance) && !entry.contacts.is_empty() || entry.way == TouchWay::Meeting;
        let answered = entry.responded || entry.inbound;
        let is_target = self.accounts[account.0].target.is_some();
        let Staff { generosity, judgment, .. } = self.world.staff[seller.0];
        let generosity = if is_target { generosity } else { 0.16 } * if answered { 1.0 } else { 0.25 };
        if self.habit.chance(generosity) {
            entry.gift = Some((self.habit.one_of(sales::GIFTS), answered && self.habit.chance(judgment)));
        }
        let noted = match entry.way {
            TouchWay::Meeting => 0.75,
            TouchWay::Call => 0.45,
            _ => 0.1,
        };
        if self.voice.chance(noted) {
            let company = &self.world.companies[account.0];
            let first = entry.contacts.first().map_or("They", |contact| self.world.people[contact.0].first_name());
            entry.notes = Some(sales::notes(&mut self.voice, answered, first, company.industry, company.plant()));
        }
        let open = self.accounts[account.0].opportunity;
        entry.opportunity =
            open.filter(|number| self.opportunities[number.0].opened_on < self.today && self.habit.chance(0.6));
        entry
    }

    /// Notes a touch that was made: for this evening, or for another day.
    fn note(&mut self, entry: TouchEntry, entries: &mut Vec<TouchEntry>, seller: StaffNumber) {
        let account = entry.account;
        let is_late = !entry.is_change && self.habit.chance(0.04);
        // The next working day's evening, within a minute or two.
        let recorded_at =
            if is_late { self.zone.at(self.working_day(seller, plus(self.today, 1)), EVENING) } else { entry.at };
        let state = &mut self.accounts[account.0];
        state.touches.push(MadeTouch {
            at: entry.at,
            recorded_at,
            way: entry.way,
            answered: entry.responded || entry.inbound,
            gift: entry.gift.map(|(_, acknowledged)| acknowledged),
            contacts: entry.contacts.clone(),
        });
        state.last_touch = Some(self.today);
        if is_late {
            self.diaries[seller.0].late.push(entry);
        } else {
            entries.push(entry);
        }
        if self.accounts[account.0].awaits_first_touch {
            self.accounts[account.0].awaits_first_touch = false;
            self.plan_opening(account, self.scenario.truth.lag_median);
        }
    }

    /// Plans a touch for one of the next two weeks.
    fn plan_touch(&mut self, seller: StaffNumber, account: AccountNumber) -> Option<TouchEntry> {
        let from = plus(self.today, self.habit.from_to(2, 13));
        let day = self.working_day(seller, from);
        let way = if self.habit.chance(0.75) { TouchWay::Meeting } else { TouchWay::Call };
        let minutes = self.length(way);
        if self.diaries[seller.0].has_planned(day, account) {
            return None;
        }
        let minute = self.slot(seller, day, minutes, 30)?;
        let entry = self.new_touch(account, way, self.zone.at(day, minute), minutes);
        self.diaries[seller.0].plan(day, entry.clone());
        Some(entry)
    }

    /// Lets a planned touch take place, fall through, or be put off.
    fn keep(&mut self, seller: StaffNumber, planned: TouchEntry, entries: &mut Vec<TouchEntry>) {
        let minutes = planned.minutes.unwrap_or_default();
        let entry = TouchEntry { is_change: true, state: TouchState::Made, ..planned };
        match self.habit.share() {
            share if share < KEPT => {
                let entry = self.happen(seller, entry);
                self.note(entry, entries, seller);
            }
            share if share < 0.92 => entries.push(TouchEntry { state: TouchState::Canceled, ..entry }),
            share if share < 0.97 => {
                let from = plus(self.today, self.habit.from_to(3, 10));
                let day = self.working_day(seller, from);
                let again = self.diaries[seller.0].has_planned(day, entry.account);
                if let Some(minute) = self.slot(seller, day, minutes, 30).filter(|_| !again) {
                    let at = self.zone.at(day, minute);
                    let entry = TouchEntry { state: TouchState::Planned, at, ..entry };
                    self.diaries[seller.0].plan(day, entry.clone());
                    entries.push(entry);
                }
            }
            // Missed, and nothing was entered.
            _ => {}
        }
    }

    /// Lets sellers get to know more people in meetings.
    fn meet_people(&mut self, seller: StaffNumber, entries: &mut [TouchEntry], at: Moment) {
        let mut met = Vec::new();
        for entry in entries.iter_mut() {
            let is_met = entry.state == TouchState::Made && (entry.responded || entry.inbound);
            if !is_met || !self.habit.chance(0.06) {
                continue;
            }
            let people = &self.world.companies[entry.account.0].people;
            let new = people.iter().find(|contact| !self.contacts[contact.0].is_entered).copied();
            if let Some(contact) = new {
                self.contacts[contact.0].is_entered = true;
                entry.contacts.push(contact);
                met.push(contact);
                let made = self.accounts[entry.account.0].touches.iter_mut().rfind(|made| made.at == entry.at);
                if let Some(made) = made {
                    made.contacts.push(contact);
                }
            }
        }
        if !met.is_empty() {
            self.enter_at(seller, at, Deed::EnterContacts(met));
        }
    }

    /// Counts answers, and enters who knows us better since.
    fn count_answers(&mut self, seller: StaffNumber, entries: &[TouchEntry], at: Moment) {
        let mut better = Vec::new();
        for entry in entries {
            if entry.state != TouchState::Made || !(entry.responded || entry.inbound) {
                continue;
            }
            for number in &entry.contacts {
                let contact = &mut self.contacts[number.0];
                contact.answered += 1;
                contact.acknowledged += u32::from(entry.gift.is_some_and(|(_, acknowledged)| acknowledged));
                let level = match (contact.answered, contact.acknowledged) {
                    (8.., 4..) => Relationship::Trusted,
                    (4.., 2..) => Relationship::Valued,
                    (2.., _) => Relationship::Known,
                    _ => continue,
                };
                if contact.relationships.last().is_none_or(|(_, before)| *before < level) {
                    contact.relationships.push((at, level));
                    better.retain(|(other, _)| other != number);
                    better.push((*number, level));
                }
            }
        }
        if !better.is_empty() {
            self.enter_at(seller, at, Deed::SetRelationships(better));
        }
    }

    /// Makes promises in some of the touches, which are kept in time, late, or not at all.
    fn promise(&mut self, seller: StaffNumber, entries: &[TouchEntry], at: Moment) {
        let diligence = self.world.staff[seller.0].diligence;
        for (place, entry) in entries.iter().enumerate() {
            let (Some(contact), true) = (entry.contacts.first().copied(), entry.state == TouchState::Made) else {
                continue;
            };
            if !entry.responded || entry.recorded_at.is_some() || !self.habit.chance(0.035) {
                continue;
            }
            let promise = PromiseNumber(self.promises);
            self.promises += 1;
            let days = self.habit.from_to(4, 18);
            let due_on = plus(self.today, days);
            let what = self.voice.one_of(sales::PROMISES).to_owned();
            let at = Moment(at.0 + count(place) * 1_000_000);
            let TouchEntry { account, touch, .. } = *entry;
            self.enter_at(seller, at, Deed::MakePromise { promise, account, contact, touch, what, due_on });
            let is_kept = self.habit.chance(0.95);
            let late =
                if self.habit.chance(diligence) { -self.habit.from_to(0, days - 1) } else { self.habit.from_to(1, 15) };
            if is_kept {
                self.plan_work(seller, plus(due_on, late), Todo::KeepPromise(promise, seller));
            }
        }
    }

    /// Enters the commitment that was asked for in the latest touch.
    pub(crate) fn ask_commitment(&mut self, account: AccountNumber) {
        let Some(touch) = self.accounts[account.0].last_logged.take() else { return };
        let asked = self.voice.one_of(sales::COMMITMENTS).replace("{plant}", self.world.companies[account.0].plant());
        let given = match self.habit.share() {
            share if share < 0.6 => Some(true),
            share if share < 0.75 => Some(false),
            _ => None,
        };
        self.enter(self.owner(account), Deed::AskCommitment { touch, asked, given });
    }
}
