//! The sales force: one manager, 50 sellers with 200 targets each, and three years of touches with the contacts there.
//!
//! One seller made 100,000 of the touches within the last year. Sellers also have the rows that `today` and `week` are
//! computed from: promises, plans with actions, opportunities, trigger events, proposed targets, and Fridays for which
//! nothing is planned.

use std::collections::HashMap;

use uuid::Uuid;

use super::book::{self, FORCE_FROM, account_row, acquaintance_row, contact_row, day, set_relationship};
use super::people::{Person, organization, user};
use super::random::Random;
use super::touches::Touch;
use super::{
    DAY, FORCE, FORCE_SELLERS, FORCE_TARGETS, FORCE_TOUCHES, FORCE_YEAR, Kind, NOW, Row, Set, Table, Value, YEAR, id,
    row, spread, words,
};

/// The manager of all sellers.
pub const MANAGER: Person = Person { organization: FORCE, number: 1 };
/// A typical seller, who requests `today` and `week`.
pub const SELLER: Person = Person { organization: FORCE, number: FIRST };
/// The seller who made 100,000 touches within a year.
pub const BUSY: Person = Person { organization: FORCE, number: FIRST + FORCE_SELLERS - 1 };
/// The number of the first seller.
const FIRST: u64 = 2;

/// The number of accounts: those of the targets, and two per seller that are proposed as targets.
pub const ACCOUNTS: u64 = FORCE_TARGETS + PROPOSED;
const PROPOSED: u64 = 2 * FORCE_SELLERS;
/// The number of contacts per account: the key people and one other.
const CONTACTS: u64 = ROLES.len() as u64;
const ROLES: [Option<&str>; 5] =
    [Some("DECISION_MAKER"), Some("INFLUENCER"), Some("INFLUENCER"), Some("STAKEHOLDER"), None];
/// The number of opportunities per account.
const OPPORTUNITIES: u64 = 2;
/// The number of actions per plan.
const ACTIONS: u64 = 6;
/// The busy seller works at every tenth account.
const SHARED: u64 = 10;

const MINUTE: i64 = 60_000_000;
/// The time of the first touch.
const BEGUN: i64 = NOW - 1_095 * DAY;
/// The first time at which a target was proposed; the others followed over a year.
const AGREED: i64 = NOW - 730 * DAY;

/// Returns the number of the seller who owns an account.
const fn owner(account: u64) -> u64 {
    FIRST + account % FORCE_SELLERS
}

/// Returns the id of the seller who owns an account.
fn owner_id(account: u64) -> Uuid {
    user(FORCE, owner(account))
}

fn account(number: u64) -> Uuid {
    book::account(FORCE_FROM + number)
}

fn contact(account: u64, nth: u64) -> Uuid {
    book::contact(FORCE_FROM + account + ACCOUNTS * nth)
}

fn accounts() -> impl Iterator<Item = Row> {
    (0..ACCOUNTS)
        .map(|number| account_row(FORCE_FROM + number, FORCE, owner_id(number), Random::of(601, number).up_to(65_000)))
}

/// Generates the owners' seats, and those of the busy seller at shared accounts.
fn seats() -> impl Iterator<Item = Row> {
    let seat = |number: u64, of: u64, owns: bool| {
        row![account(number), user(FORCE, of), organization(FORCE), owns, (!owns).then_some("SELLER"), BEGUN]
    };
    let shared = (0..FORCE_TARGETS).filter(|number| is_shared(*number) && owner(*number) != BUSY.number);
    let owned = (0..ACCOUNTS).map(move |number| seat(number, owner(number), true));
    owned.chain(shared.map(move |number| seat(number, BUSY.number, false)))
}

/// Whether the busy seller works at an account.
const fn is_shared(account: u64) -> bool {
    account % SHARED == SHARED - 1
}

/// Generates the contacts. Half of them have the level `UNKNOWN`, so only touches can show that they know the organization.
fn contacts() -> impl Iterator<Item = Row> {
    (0..CONTACTS).zip(ROLES).flat_map(|(nth, role)| {
        (0..ACCOUNTS).map(move |account| {
            let mut row = contact_row(FORCE_FROM + account + ACCOUNTS * nth, FORCE);
            let level = Random::of(602, account + ACCOUNTS * nth)
                .one_of(&["UNKNOWN", "UNKNOWN", "UNKNOWN", "KNOWN", "VALUED", "TRUSTED"]);
            set_relationship(&mut row, role, level);
            row
        })
    })
}

/// Generates the relationship history of the contacts. Every fifth had the level `UNKNOWN` for the first year.
fn acquaintances() -> impl Iterator<Item = Row> {
    (0..).zip(contacts()).flat_map(|(number, contact): (u64, Row)| {
        let mut first = acquaintance_row(&contact);
        if !number.is_multiple_of(5) {
            return vec![first];
        }
        let mut later = first.clone();
        let ([_, since, .., relationship, _, is_set], [.., is_first, _]) = (&mut first[..], &mut later[..]) else {
            unreachable!("an acquaintance has more columns")
        };
        (*relationship, *is_set, *is_first) = ("UNKNOWN".into(), false.into(), false.into());
        if let Value::Int(since) = since {
            *since -= 365 * DAY;
        }
        vec![first, later]
    })
}

/// Generates a touch. The last [`FORCE_YEAR`] touches are the busy seller's.
fn touch(number: u64) -> Touch {
    let mut random = Random::of(603, number);
    let others = FORCE_TOUCHES - FORCE_YEAR;
    let (created, to, user) = if number < others {
        let any = random.below(FORCE_TARGETS);
        // 20% of the touches go to the first 10% of the accounts, in addition to their even share.
        let to = if random.percent(20) { any / 10 } else { any };
        (spread(number, others, BEGUN), to, owner_id(to))
    } else {
        let to = random.below(FORCE_TARGETS / SHARED) * SHARED + SHARED - 1;
        (spread(number - others, FORCE_YEAR, NOW - 364 * DAY), to, BUSY.id())
    };
    let (status, at) = match random.below(1_000) {
        0..975 => {
            let most = if random.percent(50) { 60 } else { 2 * 24 * 60 };
            ("COMPLETED", created - random.up_to(most) * MINUTE)
        }
        975..995 => ("CANCELED", created),
        _ => ("SCHEDULED", future_time(&mut random)),
    };
    let people = match random.below(10) {
        0 | 1 => 0,
        2 => 2,
        _ => 1,
    };
    let first = random.below(CONTACTS);
    let contacts = (0..people).map(|nth| contact(to, (first + nth) % CONTACTS)).collect();
    let opportunity = random.percent(30).then(|| opportunity(to, random.below(OPPORTUNITIES)));
    let at = at.div_euclid(MINUTE) * MINUTE;
    Touch {
        number,
        organization: FORCE,
        user,
        account: account(to),
        created,
        at,
        status,
        contacts,
        opportunity,
        random,
    }
}

/// Returns a time during working hours of the next 30 days, but not on a Friday. [`NOW`] is a Wednesday, so Fridays are 2,
/// 9, 16, … days ahead.
fn future_time(random: &mut Random) -> i64 {
    let days = 1 + random.up_to(30);
    let days = if days % 7 == 2 { days + 3 } else { days };
    NOW + days * DAY + (random.up_to(8 * 12) - 4 * 12) * 5 * MINUTE
}

/// Returns when an opportunity was opened.
fn opened(account: u64, nth: u64) -> i64 {
    NOW - (1 + Random::of(604, account + ACCOUNTS * nth).up_to(700)) * DAY
}

fn opportunity(account: u64, nth: u64) -> Uuid {
    id(Kind::Opportunity, account + ACCOUNTS * nth, opened(account, nth))
}

fn opportunities() -> impl Iterator<Item = Row> {
    (0..OPPORTUNITIES).flat_map(|nth| {
        (0..FORCE_TARGETS).map(move |of| {
            let mut random = Random::of(605, of + ACCOUNTS * nth);
            let (at, closed) = (opened(of, nth), random.percent(60));
            let stage = random.one_of(if closed { &["WON", "LOST"] } else { &["IDENTIFIED", "QUALIFIED"] });
            let (name, length) = (random.one_of(words::SUBJECT), 10 + random.up_to(200));
            row![
                opportunity(of, nth),
                organization(FORCE),
                account(of),
                owner_id(of),
                name,
                name.to_lowercase(),
                random.percent(90).then_some(100_000 * (1 + random.up_to(2_000))),
                stage,
                None::<i64>,
                day(at),
                (!closed).then_some(day(at) + length),
                closed.then_some((day(at) + length).min(day(NOW))),
                None::<&str>,
                "[]",
                "{}",
                at,
                at,
                1,
            ]
        })
    })
}

/// Returns when a target was proposed.
fn proposed(number: u64) -> i64 {
    if number < FORCE_TARGETS { AGREED + (number % 365).cast_signed() * DAY } else { NOW - 5 * DAY }
}

/// Generates the targets, and those that the manager has proposed.
fn targets() -> impl Iterator<Item = Row> {
    (0..ACCOUNTS).map(|number| {
        let mut random = Random::of(606, number);
        let (at, agreed) = (proposed(number), number < FORCE_TARGETS);
        let since = agreed.then_some(at + DAY);
        row![
            id(Kind::Target, number, at),
            organization(FORCE),
            account(number),
            owner_id(number),
            random.one_of(&["DREAM_CLIENT", "GROWTH"]),
            if agreed { "AGREED" } else { "PROPOSED" },
            "MANAGEMENT",
            random.one_of(words::NOTE),
            MANAGER.id(),
            at,
            agreed.then(|| owner_id(number)),
            since,
            None::<&str>,
            since,
            None::<i64>,
            None::<&str>,
            None::<Uuid>,
            since.unwrap_or(at),
            if agreed { 2 } else { 1 },
        ]
    })
}

/// Generates the goals for this fiscal year, which 70% of the targets have.
fn goals() -> impl Iterator<Item = Row> {
    (0..FORCE_TARGETS).filter(|number| number / FORCE_SELLERS % 10 < 7).map(|number| {
        let at = i64::from(YEAR.0 + 4) * DAY;
        row![
            id(Kind::Goal, number, at),
            organization(FORCE),
            account(number),
            2_026,
            1_000_000 * (1 + Random::of(607, number).up_to(50)),
            None::<i64>,
            owner_id(number),
            MANAGER.id(),
            at,
            "[]",
            None::<Uuid>,
            at,
            at,
            2,
        ]
    })
}

/// Returns the numbers of the targets with a plan: every second one of each seller.
fn planned() -> impl Iterator<Item = u64> {
    (0..FORCE_TARGETS).filter(|number| (number / FORCE_SELLERS).is_multiple_of(2))
}

fn plan(of: u64) -> Uuid {
    id(Kind::Plan, of, NOW - 150 * DAY)
}

/// Generates plans for the fiscal year. Their next reviews are due within a period of four months that began 15 days ago.
fn plans() -> impl Iterator<Item = Row> {
    planned().map(|of| {
        let at = NOW - 150 * DAY;
        row![
            plan(of),
            organization(FORCE),
            account(of),
            owner_id(of),
            "Grow them into a key account",
            YEAR.0,
            YEAR.1,
            "DRAFT",
            words::NOTE[0],
            "QUARTERLY",
            day(NOW) - 15 + Random::of(608, of).up_to(120),
            "[]",
            at,
            at,
            1,
        ]
    })
}

/// Generates the actions of plans. Every second one is done.
fn actions() -> impl Iterator<Item = Row> {
    planned().flat_map(|of| {
        (0..ACTIONS).map(move |nth| {
            let mut random = Random::of(609, of * ACTIONS + nth);
            let due_on = day(NOW) - 10 + random.up_to(150);
            let done = nth.is_multiple_of(2);
            row![
                id(Kind::PlanAction, of * ACTIONS + nth, NOW - 150 * DAY),
                organization(FORCE),
                plan(of),
                account(of),
                format!("A{}", char::from(b'A' + u8::try_from(nth).unwrap_or_default())),
                random.one_of(words::SUBJECT),
                due_on,
                owner_id(of),
                None::<Uuid>,
                contact(of, nth % CONTACTS),
                if done { "DONE" } else { "OPEN" },
                done.then_some(due_on),
            ]
        })
    })
}

/// Generates the promises: two kept ones per account, and at every eighth account of a seller an open one that is due
/// around now.
fn promises() -> impl Iterator<Item = Row> {
    (0..3_u64).flat_map(|nth| {
        (0..FORCE_TARGETS).filter(move |of| nth < 2 || (of / FORCE_SELLERS).is_multiple_of(8)).map(move |of| {
            let mut random = Random::of(610, of * 3 + nth);
            let (open, days) = (nth == 2, random.up_to(700));
            let created = if open { NOW - 10 * DAY } else { NOW - (30 + days) * DAY };
            row![
                id(Kind::Promise, of * 3 + nth, created),
                organization(FORCE),
                account(of),
                contact(of, nth),
                random.one_of(words::SUBJECT),
                day(created),
                day(created) + 5 + random.up_to(14),
                (!open).then(|| day(created) + 5),
                owner_id(of),
                created,
                created,
                1,
            ]
        })
    })
}

/// Generates trigger events of the last four months at every twentieth account of a seller. A third of them have an
/// outcome.
fn trigger_events() -> impl Iterator<Item = Row> {
    (0..FORCE_TARGETS).filter(|of| (of / FORCE_SELLERS).is_multiple_of(20)).map(|of| {
        let mut random = Random::of(611, of);
        let (on, settled) = (day(NOW) - random.up_to(120), random.percent(33));
        row![
            id(Kind::TriggerEvent, of, on * DAY),
            organization(FORCE),
            account(of),
            random.one_of(&["DISSATISFACTION", "LEADERSHIP_CHANGE", "CONTRACT_END", "FUNDING", "EXPANSION"]),
            on,
            random.one_of(words::NOTE),
            owner_id(of),
            settled.then_some("WON"),
            settled.then_some(day(NOW)),
            on * DAY,
            on * DAY,
            1,
        ]
    })
}

/// Returns the tables of the sales force. Tables that are also in [`Set::Book`] have the same columns.
pub fn tables() -> Vec<Table> {
    let columns: HashMap<_, _> = Set::Book.tables().into_iter().map(|table| (table.name, table.columns)).collect();
    let table = |name: &'static str, rows: Box<dyn Iterator<Item = Row> + Send>| Table {
        name,
        columns: columns.get(name).copied().unwrap_or_default(),
        rows,
    };
    vec![
        table("account", Box::new(accounts())),
        table("seat", Box::new(seats())),
        table("contact", Box::new(contacts())),
        table("acquaintance", Box::new(acquaintances())),
        table("opportunity", Box::new(opportunities())),
        table("touch", Box::new((0..FORCE_TOUCHES).map(touch).map(Touch::row))),
        table("touch_contact", Box::new((0..FORCE_TOUCHES).map(touch).flat_map(Touch::contact_rows))),
        table("target", Box::new(targets())),
        table("goal", Box::new(goals())),
        table("plan", Box::new(plans())),
        table("plan_action", Box::new(actions())),
        Table {
            name: "promise",
            columns: &[
                "id",
                "organization_id",
                "account_id",
                "contact_id",
                "what",
                "made_on",
                "due_on",
                "kept_on",
                "made_by_id",
                "created_at",
                "updated_at",
                "version",
            ],
            rows: Box::new(promises()),
        },
        Table {
            name: "trigger_event",
            columns: &[
                "id",
                "organization_id",
                "account_id",
                "kind",
                "occurred_on",
                "description",
                "recorded_by_id",
                "outcome",
                "resolved_on",
                "created_at",
                "updated_at",
                "version",
            ],
            rows: Box::new(trigger_events()),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seller_has_the_same_number_of_targets() {
        for seller in 0..FORCE_SELLERS {
            let own = (0..FORCE_TARGETS).filter(|number| owner(*number) == FIRST + seller).count();
            assert_eq!(u64::try_from(own), Ok(FORCE_TARGETS / FORCE_SELLERS));
        }
        assert_eq!(targets().count() as u64, ACCOUNTS);
    }

    #[test]
    fn the_touches_of_the_busy_seller_are_within_one_year() {
        let touches =
            || (0..FORCE_TOUCHES).map(touch).filter(|touch| touch.user == BUSY.id() && touch.status == "COMPLETED");
        let within_year = touches().filter(|touch| touch.at > NOW - 366 * DAY).count() as u64;
        assert!(within_year * 100 > FORCE_YEAR * 97, "{within_year}");
        assert!(touches().all(|touch| touch.at <= NOW));
    }

    #[test]
    fn every_fifth_contact_has_an_earlier_row_in_which_nothing_is_known() {
        let rows: Vec<Row> = acquaintances().take(6).collect();
        let [earlier, later] = [&rows[0], &rows[1]];
        assert_eq!((&earlier[0], &earlier[2..5]), (&later[0], &later[2..5]));
        assert_eq!(earlier[5..], row!["UNKNOWN", true, false][..]);
        assert_eq!(later[6], Value::Bool(false));
        assert!(matches!((&earlier[1], &later[1]), (Value::Int(one), Value::Int(other)) if other - one == 365 * DAY));
        assert!(rows[2][0] != rows[1][0] && rows[2][6] == Value::Bool(true));
    }

    #[test]
    fn nothing_is_planned_for_fridays() {
        let mut random = Random::of(1, 1);
        let weekday = |at: i64| (day(at) + 3).rem_euclid(7);
        assert_eq!(weekday(NOW), 2);
        assert!((0..500).map(|_| future_time(&mut random)).all(|at| at > NOW && weekday(at) != 4));
    }
}
