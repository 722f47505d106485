//! The sales force: one manager, fifty sellers with two hundred targets each, and three years of touches with the people
//! there; one of the sellers made a hundred thousand of them within the last year. And what a seller has to do today:
//! promises, plans with actions, opportunities, trigger events, proposals, and Fridays for which nothing is planned.

use std::collections::HashMap;

use uuid::Uuid;

use super::book::{self, FORCE_FROM, account_row, acquaintance_row, contact_row, day};
use super::people::{Person, organization, user};
use super::random::Random;
use super::touches::Touch;
use super::{
    DAY, FORCE, FORCE_SELLERS, FORCE_TARGETS, FORCE_TOUCHES, FORCE_YEAR, Kind, NOW, Row, Set, Table, Value, YEAR, id,
    row, spread, words,
};

/// The manager of all sellers.
pub const MANAGER: Person = Person { organization: FORCE, number: 1 };
/// A seller like the others, whose day is asked for.
pub const SELLER: Person = Person { organization: FORCE, number: FIRST };
/// Who made a hundred thousand touches within a year.
pub const BUSY: Person = Person { organization: FORCE, number: FIRST + FORCE_SELLERS - 1 };
/// The first seller.
const FIRST: u64 = 2;

/// All accounts: the targets', and two a seller that are proposed.
pub const ACCOUNTS: u64 = FORCE_TARGETS + PROPOSED;
const PROPOSED: u64 = 2 * FORCE_SELLERS;
/// Contacts of an account: the key people, and somebody besides.
const CONTACTS: u64 = ROLES.len() as u64;
const ROLES: [Option<&str>; 5] =
    [Some("DECISION_MAKER"), Some("INFLUENCER"), Some("INFLUENCER"), Some("STAKEHOLDER"), None];
/// Opportunities of an account.
const OPPORTUNITIES: u64 = 2;
/// Actions of a plan.
const ACTIONS: u64 = 6;
/// At how many accounts the busy seller is: every tenth.
const SHARED: u64 = 10;

const MINUTE: i64 = 60_000_000;
/// The first touch.
const BEGUN: i64 = NOW - 1_095 * DAY;
/// When the targets were agreed on: over a year, two years ago.
const AGREED: i64 = NOW - 730 * DAY;

/// The number of who owns an account.
const fn owner(account: u64) -> u64 {
    FIRST + account % FORCE_SELLERS
}

/// The id of who owns an account.
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

/// The owners' seats, and the busy seller's at the accounts that they share.
fn seats() -> impl Iterator<Item = Row> {
    let seat = |number: u64, of: u64, owns: bool| {
        row![account(number), user(FORCE, of), organization(FORCE), owns, (!owns).then_some("SELLER"), BEGUN]
    };
    let shared = (0..FORCE_TARGETS).filter(|number| is_shared(*number) && owner(*number) != BUSY.number);
    let owned = (0..ACCOUNTS).map(move |number| seat(number, owner(number), true));
    owned.chain(shared.map(move |number| seat(number, BUSY.number, false)))
}

/// Is the busy seller at this account?
const fn is_shared(account: u64) -> bool {
    account % SHARED == SHARED - 1
}

/// Half of the people do not know us but by touches.
fn contacts() -> impl Iterator<Item = Row> {
    (0..CONTACTS).zip(ROLES).flat_map(|(nth, role)| {
        (0..ACCOUNTS).map(move |account| {
            let mut row = contact_row(FORCE_FROM + account + ACCOUNTS * nth, FORCE);
            let level = Random::of(602, account + ACCOUNTS * nth)
                .one_of(&["UNKNOWN", "UNKNOWN", "UNKNOWN", "KNOWN", "VALUED", "TRUSTED"]);
            let [.., buying_role, relationship, _, _, _, _, _, _] = &mut row[..] else {
                unreachable!("a contact has more columns")
            };
            (*buying_role, *relationship) = (role.into(), level.into());
            row
        })
    })
}

/// How contacts stood: every fifth did not know us for the first year.
fn acquaintances() -> impl Iterator<Item = Row> {
    (0..).zip(contacts()).flat_map(|(number, contact): (u64, Row)| {
        let mut first = acquaintance_row(&contact);
        if !number.is_multiple_of(5) {
            return vec![first];
        }
        let mut later = first.clone();
        if let [_, since, _, _, _, relationship, _] = &mut first[..] {
            *relationship = "UNKNOWN".into();
            if let Value::Int(since) = since {
                *since -= 365 * DAY;
            }
        }
        if let Some(is_first) = later.last_mut() {
            *is_first = false.into();
        }
        vec![first, later]
    })
}

/// A touch; the last ones are the busy seller's.
fn touch(number: u64) -> Touch {
    let mut random = Random::of(603, number);
    let others = FORCE_TOUCHES - FORCE_YEAR;
    let (made, to, user) = if number < others {
        let any = random.below(FORCE_TARGETS);
        // One touch in five goes to the tenth of the accounts that is called on most.
        let to = if random.percent(20) { any / 10 } else { any };
        (spread(number, others, BEGUN), to, owner_id(to))
    } else {
        let to = random.below(FORCE_TARGETS / SHARED) * SHARED + SHARED - 1;
        (spread(number - others, FORCE_YEAR, NOW - 364 * DAY), to, BUSY.id())
    };
    let (status, at) = match random.below(1_000) {
        0..975 => {
            let most = if random.percent(50) { 60 } else { 2 * 24 * 60 };
            ("COMPLETED", made - random.up_to(most) * MINUTE)
        }
        975..995 => ("CANCELED", made),
        _ => ("SCHEDULED", to_come(&mut random)),
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
    Touch { number, organization: FORCE, user, account: account(to), made, at, status, contacts, opportunity, random }
}

/// A time of the next thirty days at which there is work. Nobody plans anything for Fridays: they are the second day after
/// now, and every seventh from there.
fn to_come(random: &mut Random) -> i64 {
    let days = 1 + random.up_to(30);
    let days = if days % 7 == 2 { days + 3 } else { days };
    NOW + days * DAY + (random.up_to(8 * 12) - 4 * 12) * 5 * MINUTE
}

/// When an opportunity was opened.
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

/// When a target was proposed.
fn proposed(number: u64) -> i64 {
    if number < FORCE_TARGETS { AGREED + (number % 365).cast_signed() * DAY } else { NOW - 5 * DAY }
}

/// The targets, and what the manager proposes besides.
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

/// Goals of this fiscal year: of seven in ten targets.
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

/// The targets with a plan: every second one of each seller.
fn planned() -> impl Iterator<Item = u64> {
    (0..FORCE_TARGETS).filter(|number| (number / FORCE_SELLERS).is_multiple_of(2))
}

fn plan(of: u64) -> Uuid {
    id(Kind::Plan, of, NOW - 150 * DAY)
}

/// Plans of the year, to be reviewed in turn over four months, of which half are over.
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

/// Actions, of which every second one is done.
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

/// Two promises an account that were kept, and one at every eighth that is open, due around now.
fn promises() -> impl Iterator<Item = Row> {
    (0..3_u64).flat_map(|nth| {
        (0..FORCE_TARGETS).filter(move |of| nth < 2 || (of / FORCE_SELLERS).is_multiple_of(8)).map(move |of| {
            let mut random = Random::of(610, of * 3 + nth);
            let (open, days) = (nth == 2, random.up_to(700));
            let made = if open { NOW - 10 * DAY } else { NOW - (30 + days) * DAY };
            row![
                id(Kind::Promise, of * 3 + nth, made),
                organization(FORCE),
                account(of),
                contact(of, nth),
                random.one_of(words::SUBJECT),
                day(made),
                day(made) + 5 + random.up_to(14),
                (!open).then(|| day(made) + 5),
                owner_id(of),
                made,
                made,
                1,
            ]
        })
    })
}

/// Trigger events at every twentieth account of a seller within the last four months, of which a third is settled.
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

/// The rows; those of tables that the book has too have its columns.
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
        table("touch_contact", Box::new((0..FORCE_TOUCHES).map(touch).flat_map(Touch::parts))),
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
    fn every_seller_has_as_many_targets() {
        for seller in 0..FORCE_SELLERS {
            let own = (0..FORCE_TARGETS).filter(|number| owner(*number) == FIRST + seller).count();
            assert_eq!(u64::try_from(own), Ok(FORCE_TARGETS / FORCE_SELLERS));
        }
        assert_eq!(targets().count() as u64, ACCOUNTS);
    }

    #[test]
    fn the_busy_seller_s_touches_are_of_one_year() {
        let all =
            || (0..FORCE_TOUCHES).map(touch).filter(|touch| touch.user == BUSY.id() && touch.status == "COMPLETED");
        let of_year = all().filter(|touch| touch.at > NOW - 366 * DAY).count() as u64;
        assert!(of_year * 100 > FORCE_YEAR * 97, "{of_year}");
        assert!(all().all(|touch| touch.at <= NOW));
    }

    #[test]
    fn nothing_is_planned_for_fridays() {
        let mut random = Random::of(1, 1);
        let weekday = |at: i64| (day(at) + 3).rem_euclid(7);
        assert_eq!(weekday(NOW), 2);
        assert!((0..500).map(|_| to_come(&mut random)).all(|at| at > NOW && weekday(at) != 4));
    }
}
