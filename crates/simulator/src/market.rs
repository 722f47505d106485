//! Who there is: the members of the organization, the companies they sell to, and the people who work there.

use std::collections::HashSet;

use crate::numbers::{AccountNumber, ContactNumber, StaffNumber, count, real, whole};
use crate::random::Random;
use crate::scenario::{ORGANIZATION, Size};
use crate::words::companies::{CITIES, DESCRIPTIONS, INDUSTRIES, Industry, STEMS};
use crate::words::people::{DECISION_MAKERS, FIRST, INFLUENCERS, LAST, OTHERS, STAKEHOLDERS};
use crate::words::slug;

/// A member of the organization.
#[derive(Clone, Debug, PartialEq)]
pub struct Staff {
    /// The name.
    pub name: String,
    /// The first part of the address.
    pub mailbox: String,
    /// The title.
    pub title: &'static str,
    /// The manager.
    pub manager: Option<StaffNumber>,
    /// What they do.
    pub duty: Duty,
    /// The share of touches that go to targets.
    pub(crate) focus: f64,
    /// Touches of a week, relative to the average.
    pub(crate) pace: f64,
    /// The probability of doing something in time.
    pub(crate) diligence: f64,
    /// The probability that a touch of a target gives the client something.
    pub(crate) generosity: f64,
    /// The probability that the client acknowledges that, in an answered touch.
    pub(crate) judgment: f64,
}

/// What a member of the organization does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Administers Callshot, and enters bookings.
    Administration,
    /// Manages sellers.
    Management,
    /// Sells.
    Sales,
    /// Helps sellers with technical questions, without accounts of their own.
    Technology,
}

/// A company that is sold to.
#[derive(Clone, Debug, PartialEq)]
pub struct Company {
    /// The name.
    pub name: String,
    /// The domain, which ends in `.example`.
    pub domain: String,
    /// The industry.
    pub industry: &'static str,
    /// The number of employees.
    pub employees: i64,
    /// The yearly revenue in euros.
    pub revenue: i64,
    /// What they could spend with the organization in a year, in euros.
    pub potential: i64,
    /// The city.
    pub city: &'static str,
    /// The country.
    pub country: &'static str,
    /// The telephone number.
    pub phone: String,
    /// A description.
    pub description: String,
    /// The seller who owns it.
    pub owner: StaffNumber,
    /// The people who work there.
    pub people: Vec<ContactNumber>,
    pub(crate) kind: usize,
}

impl Company {
    pub(crate) fn plant(&self) -> &'static str {
        INDUSTRIES[self.kind].plant
    }
}

/// A person who works at a company.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The title.
    pub title: &'static str,
    /// The department.
    pub department: &'static str,
    /// The first part of the address.
    pub mailbox: String,
    /// The extension of the company's telephone number.
    pub extension: i64,
    /// The part in decisions.
    pub role: Role,
    /// The company.
    pub account: AccountNumber,
}

impl Person {
    pub(crate) fn first_name(&self) -> &str {
        self.name.split(' ').next().unwrap_or(&self.name)
    }
}

/// The part of a person in decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Decides.
    DecisionMaker,
    /// Influences those who decide.
    Influencer,
    /// Is affected by decisions.
    Stakeholder,
    /// Speaks for us.
    Champion,
    /// Works with what was bought.
    EndUser,
}

/// A name that no one else has, with its mailbox.
fn name(random: &mut Random, taken: &mut HashSet<String>) -> (String, String) {
    loop {
        let (first, last) = (random.one_of(FIRST), random.one_of(LAST));
        let mailbox = format!("{}.{}", slug(first), slug(last));
        if taken.insert(mailbox.clone()) {
            return (format!("{first} {last}"), mailbox);
        }
    }
}

/// Returns the members: the administrator, the managers, their sellers, and one engineer for every nine sellers.
pub(crate) fn staff(random: &mut Random, size: Size) -> Vec<Staff> {
    let mut taken = HashSet::new();
    let mut member = |random: &mut Random, duty, title, manager| {
        let (name, mailbox) = name(random, &mut taken);
        Staff {
            name,
            mailbox,
            title,
            manager,
            duty,
            focus: random.between(0.45, 0.9),
            pace: random.between(0.8, 1.2),
            diligence: random.between(0.62, 0.97),
            generosity: random.between(0.32, 0.58),
            judgment: random.between(0.6, 0.9),
        }
    };
    let mut staff = vec![member(random, Duty::Administration, "Sales Operations", None)];
    for _ in 0..size.managers {
        staff.push(member(random, Duty::Management, "Regional Manager", None));
    }
    for seller in 0..size.sellers {
        let title = random.one_of(&["Account Executive", "Senior Account Executive", "Key Account Executive"]);
        staff.push(member(random, Duty::Sales, title, Some(StaffNumber(1 + seller % size.managers))));
    }
    for engineer in 0..size.sellers.div_ceil(9) {
        let manager = StaffNumber(1 + engineer % size.managers);
        staff.push(member(random, Duty::Technology, "Application Engineer", Some(manager)));
    }
    staff
}

/// Returns the companies and the people who work there, shared equally by the sellers.
pub(crate) fn market(random: &mut Random, size: Size) -> (Vec<Company>, Vec<Person>) {
    let mut taken = HashSet::new();
    let mut companies: Vec<Company> = Vec::with_capacity(size.accounts);
    for number in 0..size.accounts {
        let owner = StaffNumber(1 + size.managers + number % size.sellers);
        companies.push(company(random, owner, &mut taken));
    }
    let mut people = Vec::with_capacity(size.contacts);
    for number in 0..size.contacts {
        // Everyone has a first contact; the larger ones get more of the rest.
        let account = if number < size.accounts { number } else { larger(random, &companies) };
        let of = &companies[account];
        let person = person(random, AccountNumber(account), of, &people);
        companies[account].people.push(ContactNumber(people.len()));
        people.push(person);
    }
    (companies, people)
}

/// Returns one of the companies that have few people so far, for its size.
fn larger(random: &mut Random, companies: &[Company]) -> usize {
    let mut best = random.index(companies.len());
    for _ in 0..3 {
        let other = random.index(companies.len());
        let load = |index: usize| {
            let company = &companies[index];
            real(count(company.people.len())) / (2.0 + real(company.employees).ln())
        };
        if load(other) < load(best) {
            best = other;
        }
    }
    best
}

fn company(random: &mut Random, owner: StaffNumber, taken: &mut HashSet<String>) -> Company {
    let kind = random.index(INDUSTRIES.len());
    let Industry { name: industry, trades, plant, employees, revenue } = INDUSTRIES[kind];
    let (city, country, code) = random.one_of(CITIES);
    let mut tries = 0;
    let (name, domain) = loop {
        let (stem, trade) = (random.one_of(STEMS), random.one_of(trades));
        let name = if tries < 3 { format!("{stem} {trade}") } else { format!("{stem} {trade} {city}") };
        let domain = slug(&name);
        if taken.insert(domain.clone()) {
            break (name, format!("{domain}.example"));
        }
        tries += 1;
        if tries > 60 {
            let domain = format!("{domain}-{}", taken.len());
            taken.insert(domain.clone());
            break (format!("{name} {}", taken.len()), format!("{domain}.example"));
        }
    };
    let employees = whole(employees * (random.normal() * 0.8).exp()).max(8);
    let revenue = whole(real(employees) * revenue * (random.normal() * 0.3).exp()) * 1_000;
    let potential = whole(real(employees).powf(0.7) * 4.2 * (random.normal() * 0.6).exp()).max(5) * 1_000;
    Company {
        name,
        domain,
        industry,
        employees,
        revenue,
        potential,
        city,
        country,
        phone: format!("{code} {}", random.from_to(20_000, 99_999)),
        description: random.one_of(DESCRIPTIONS).replace("{plant}", plant),
        owner,
        people: Vec::new(),
        kind,
    }
}

fn person(random: &mut Random, account: AccountNumber, of: &Company, people: &[Person]) -> Person {
    let has = |role| of.people.iter().filter(|number| people[number.0].role == role).count();
    let role = match of.people.len() {
        0 => Role::DecisionMaker,
        1 | 2 => Role::Influencer,
        3 => Role::Stakeholder,
        4 if has(Role::Stakeholder) < 2 => Role::Stakeholder,
        _ => random.one_of(&[Role::Stakeholder, Role::EndUser, Role::EndUser, Role::Champion, Role::Influencer]),
    };
    let (title, department) = random.one_of(match role {
        Role::DecisionMaker => DECISION_MAKERS,
        Role::Influencer => INFLUENCERS,
        Role::Stakeholder => STAKEHOLDERS,
        Role::Champion | Role::EndUser => OTHERS,
    });
    let mut taken: HashSet<String> = of.people.iter().map(|number| people[number.0].mailbox.clone()).collect();
    let (name, mailbox) = name(random, &mut taken);
    let extension = 10 + count(of.people.len()) * 7 + random.from_to(0, 6);
    Person { name, title, department, mailbox, extension, role, account }
}

impl Staff {
    /// Returns the address in the organization's domain, or in a domain derived from another name of the organization.
    #[must_use]
    pub fn email(&self, organization: &str) -> String {
        let domain = slug(organization);
        let domain = if domain.is_empty() { slug(ORGANIZATION) } else { domain };
        format!("{}@{domain}.example", self.mailbox)
    }
}

impl Person {
    /// Returns the address at a company.
    #[must_use]
    pub fn email(&self, company: &Company) -> String {
        format!("{}@{}", self.mailbox, company.domain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_company_has_a_name_a_domain_and_people_of_its_own() {
        let (companies, people) = market(&mut Random::of(3, 1), Size::LARGE);
        let distinct = |of: fn(&Company) -> &String| companies.iter().map(of).collect::<HashSet<_>>().len();
        assert_eq!(distinct(|company| &company.domain), Size::LARGE.accounts);
        assert_eq!(distinct(|company| &company.name), Size::LARGE.accounts);
        assert_eq!(people.len(), Size::LARGE.contacts);
        for company in &companies {
            assert!(company.domain.ends_with(".example"), "{}", company.domain);
            let addresses: HashSet<String> =
                company.people.iter().map(|number| people[number.0].email(company)).collect();
            assert_eq!(addresses.len(), company.people.len());
            assert_eq!(people[company.people[0].0].role, Role::DecisionMaker);
            assert!(company.people.len() < 20, "{}", company.people.len());
        }
    }

    #[test]
    fn sellers_report_to_managers_and_share_the_accounts() {
        let staff = staff(&mut Random::of(3, 1), Size::DEFAULT);
        assert_eq!(staff.len(), 1 + 3 + 18 + 2);
        for member in &staff {
            let manager = member.manager.map(|manager| staff[manager.0].duty);
            let expected = matches!(member.duty, Duty::Sales | Duty::Technology).then_some(Duty::Management);
            assert_eq!(manager, expected);
            assert!(member.email("Arvenne Water").ends_with("@arvenne-water.example"));
            assert!(member.email("☃").ends_with("@arvenne-water.example"));
        }
    }
}
