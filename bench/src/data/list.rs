//! The long target list of one seller: how their accounts were assessed, targets, what is proposed, one-on-ones, a review
//! of the list, goals and bookings.
//!
//! Every fifth account is a good one, and all targets are: so the best of the book are partly targets and partly not.

use std::collections::HashMap;

use uuid::Uuid;

use super::book::{day, list_account};
use super::people::{Person, organization};
use super::random::Random;
use super::{
    BOOKINGS, DAY, Kind, LIST, LIST_ACCOUNTS, LIST_BOOKINGS, LIST_GOALS, LIST_PROPOSALS, LIST_TARGETS, NOW, Row, Table,
    YEAR, id, row, spread, words,
};
use crate::typeid::TypeId;

/// The criteria: name, and weight in thousandths.
const CRITERIA: [(&str, i64); 3] = [("Fit", 3_000), ("Urgency", 2_000), ("Access", 1_500)];
/// When they were made, and all accounts assessed.
const ASSESSED: i64 = NOW - 320 * DAY;
/// When the first target was proposed.
const FIRST: i64 = NOW - 300 * DAY;
/// When the list was reviewed.
const REVIEWED: i64 = NOW - 150 * DAY;
/// From one target's account to the next one's.
const STRIDE: u64 = LIST_ACCOUNTS / LIST_TARGETS;
/// Targets from one one-on-one to the next.
const PER_MEETING: u64 = 20;
/// The fiscal year of the goals.
const FISCAL_YEAR: i64 = 2_026;

/// The number of any account, every second time that of a target.
pub fn any(random: &mut Random) -> u64 {
    if random.percent(50) { STRIDE * random.below(LIST_TARGETS) } else { random.below(LIST_ACCOUNTS) }
}

fn criterion(number: u64) -> Uuid {
    id(Kind::Criterion, number, ASSESSED)
}

fn criteria() -> impl Iterator<Item = Row> {
    (0..).zip(CRITERIA).map(|(number, (name, weight))| {
        row![criterion(number), organization(LIST), name, None::<&str>, weight, ASSESSED, ASSESSED, 1]
    })
}

/// What an account was assessed at by each criterion, from 0 to 10.
fn assessed(account: u64) -> [i64; CRITERIA.len()] {
    let mut random = Random::of(401, account);
    CRITERIA.map(|_| if account.is_multiple_of(5) { 4 + random.up_to(7) } else { random.up_to(9) })
}

/// The score of an account as it is stored: the sum of weight times score.
#[must_use]
pub fn score(account: u64) -> i64 {
    CRITERIA.iter().zip(assessed(account)).map(|((_, weight), score)| weight * score).sum()
}

fn assessments() -> impl Iterator<Item = Row> {
    (0..LIST_ACCOUNTS).flat_map(|number| {
        let mut random = Random::of(402, number);
        let row = |(criterion_number, score): (u64, i64)| {
            let evidence = random.percent(30).then(|| random.one_of(words::NOTE));
            let (account, criterion) = (list_account(number), criterion(criterion_number));
            row![account, criterion, organization(LIST), score, evidence, Person::SELLER.id(), ASSESSED]
        };
        (0..).zip(assessed(number)).map(row).collect::<Vec<_>>()
    })
}

/// When a target was proposed.
fn proposed_at(target: u64) -> i64 {
    spread(target, LIST_TARGETS, FIRST)
}

/// The id of a target.
fn target(number: u64) -> Uuid {
    id(Kind::Target, number, proposed_at(number.min(LIST_TARGETS - 1)))
}

/// When a one-on-one was held: the day after its last target was proposed.
fn held_at(meeting: u64) -> i64 {
    proposed_at(PER_MEETING * (meeting + 1) - 1) + DAY
}

fn meeting(number: u64) -> Uuid {
    id(Kind::OneOnOne, number, held_at(number) - 7 * DAY)
}

/// The one-on-one in which a target was agreed on: every second one's.
const fn agreed_in(target: u64) -> Option<u64> {
    if target.is_multiple_of(2) { Some(target / PER_MEETING) } else { None }
}

/// From when on a target has been on the list.
fn since(target: u64) -> i64 {
    agreed_in(target).map_or_else(|| proposed_at(target) + DAY, held_at)
}

fn meetings() -> impl Iterator<Item = Row> {
    (0..LIST_TARGETS / PER_MEETING).map(|number| {
        let (at, made) = (held_at(number), held_at(number) - 7 * DAY);
        row![
            meeting(number),
            organization(LIST),
            Person::MANAGER.id(),
            Person::SELLER.id(),
            at,
            at,
            Random::of(403, number).one_of(words::NOTE),
            "[]",
            made,
            at,
            2,
        ]
    })
}

fn targets() -> impl Iterator<Item = Row> {
    (0..LIST_TARGETS + LIST_PROPOSALS).map(|number| {
        let mut random = Random::of(404, number);
        let (seller, manager) = (Person::SELLER.id(), Person::MANAGER.id());
        let agreed = number < LIST_TARGETS;
        // What is only proposed are good accounts, too, but next to those of targets.
        let account = if agreed { STRIDE * number } else { STRIDE * (number - LIST_TARGETS) + 5 };
        let source = random.one_of(&["SELLER", "SELLER", "SELLER", "MANAGEMENT", "MARKETING"]);
        let (proposed_by, decided_by) = if source == "SELLER" { (seller, manager) } else { (manager, seller) };
        let proposed_at = proposed_at(number.min(LIST_TARGETS - 1));
        let since = agreed.then(|| since(number));
        row![
            target(number),
            organization(LIST),
            list_account(account),
            seller,
            random.one_of(&["DREAM_CLIENT", "GROWTH"]),
            if agreed { "AGREED" } else { "PROPOSED" },
            source,
            random.one_of(words::NOTE),
            proposed_by,
            proposed_at,
            agreed.then_some(decided_by),
            since,
            (agreed && random.percent(20)).then(|| random.one_of(words::NOTE)),
            since,
            None::<i64>,
            None::<&str>,
            agreed_in(number).filter(|_| agreed).map(meeting),
            since.unwrap_or(proposed_at),
            if agreed { 2 } else { 1 },
        ]
    })
}

/// One review, at which everything stayed that was on the list.
fn reviews() -> impl Iterator<Item = Row> {
    let there = (0..LIST_TARGETS).filter(|number| since(*number) <= REVIEWED);
    let kept: Vec<String> = there.map(|number| format!("\"{}\"", TypeId("target", target(number)).show())).collect();
    let kept = format!("[{}]", kept.join(","));
    std::iter::once(row![
        id(Kind::ListReview, 0, REVIEWED),
        organization(LIST),
        Person::SELLER.id(),
        Person::MANAGER.id(),
        REVIEWED,
        kept,
        "[]",
        None::<&str>,
        REVIEWED,
        1,
    ])
}

/// A booking, as far as goals are told from it.
struct Booking {
    id: Uuid,
    account: u64,
    amount: i64,
    at: i64,
    random: Random,
}

impl Booking {
    fn of(number: u64) -> Self {
        let mut random = Random::of(405, number);
        let at = spread(number, LIST_BOOKINGS, NOW - 730 * DAY);
        let account = any(&mut random);
        let amount =
            if random.percent(3) { -1_000 * (1 + random.up_to(500)) } else { 1_000 * (1 + random.up_to(20_000)) };
        Self { id: id(Kind::Booking, BOOKINGS + number, at), account, amount, at, random }
    }
}

/// The bookings, as the others' rows are.
pub fn bookings() -> impl Iterator<Item = Row> {
    (0..LIST_BOOKINGS).map(Booking::of).map(|Booking { id, account, amount, at, mut random }| {
        row![
            id,
            organization(LIST),
            list_account(account),
            amount,
            day(at),
            random.percent(50).then(|| random.one_of(words::SUBJECT)),
            Person::SELLER.id(),
            "[]",
            at,
            at,
            1,
        ]
    })
}

/// Bookings of this fiscal year by account: day, id and amount, in the order in which goals are reached by them.
fn booked() -> HashMap<u64, Vec<(i64, Uuid, i64)>> {
    let mut all: HashMap<u64, Vec<(i64, Uuid, i64)>> = HashMap::new();
    for Booking { id, account, amount, at, random: _ } in (0..LIST_BOOKINGS).map(Booking::of) {
        if day(at) >= i64::from(YEAR.0) {
            all.entry(account).or_default().push((day(at), id, amount));
        }
    }
    for bookings in all.values_mut() {
        bookings.sort_unstable();
    }
    all
}

/// The booking that reached an amount, where all of them together do.
fn reached(bookings: &[(i64, Uuid, i64)], amount: i64) -> Option<Uuid> {
    let total: i64 = bookings.iter().map(|(_, _, amount)| amount).sum();
    let mut sum = 0;
    let first = bookings.iter().find(|(_, _, amount_of_one)| {
        sum += amount_of_one;
        sum >= amount
    });
    first.filter(|_| total >= amount).map(|(_, id, _)| *id)
}

/// Goals of the first targets: of five, four are agreed, and to one of these another amount is proposed.
fn goals() -> impl Iterator<Item = Row> {
    let booked = booked();
    (0..LIST_GOALS).map(move |number| {
        let mut random = Random::of(406, number);
        let (seller, manager) = (Person::SELLER.id(), Person::MANAGER.id());
        let made = since(number).max((i64::from(YEAR.0) + 4) * DAY);
        let at = made + DAY / 24;
        let agreed = (number % 5 < 4).then(|| 1_000_000 * (1 + random.up_to(50)));
        let waiting = (number % 5 >= 3).then(|| 1_000_000 * (1 + random.up_to(50)));
        let revisions = agreed.map_or_else(
            || "[]".to_owned(),
            |amount| {
                let text =
                    "[{\"amount\":AMOUNT,\"proposed_by\":\"SELLER\",\"agreed_by\":\"MANAGER\",\"agreed_at\":AT}]";
                text.replace("AMOUNT", &amount.to_string())
                    .replace("SELLER", &seller.to_string())
                    .replace("MANAGER", &manager.to_string())
                    .replace("AT", &at.to_string())
            },
        );
        let bookings = booked.get(&(STRIDE * number)).map_or(&[][..], Vec::as_slice);
        row![
            id(Kind::Goal, number, made),
            organization(LIST),
            list_account(STRIDE * number),
            FISCAL_YEAR,
            agreed,
            waiting,
            seller,
            agreed.map(|_| manager),
            agreed.map(|_| at),
            revisions,
            agreed.and_then(|amount| reached(bookings, amount)),
            made,
            if agreed.is_some() { at } else { made },
            if agreed.is_some() { 2 } else { 1 },
        ]
    })
}

/// The rows.
pub fn tables() -> Vec<Table> {
    vec![
        Table {
            name: "criterion",
            columns: &["id", "organization_id", "name", "description", "weight", "created_at", "updated_at", "version"],
            rows: Box::new(criteria()),
        },
        Table {
            name: "assessment",
            columns: &[
                "account_id",
                "criterion_id",
                "organization_id",
                "score",
                "evidence",
                "assessed_by_id",
                "assessed_at",
            ],
            rows: Box::new(assessments()),
        },
        Table {
            name: "one_on_one",
            columns: &[
                "id",
                "organization_id",
                "manager_id",
                "seller_id",
                "scheduled_for",
                "held_at",
                "notes",
                "items",
                "created_at",
                "updated_at",
                "version",
            ],
            rows: Box::new(meetings()),
        },
        Table {
            name: "target",
            columns: &[
                "id",
                "organization_id",
                "account_id",
                "seller_id",
                "kind",
                "status",
                "source",
                "rationale",
                "proposed_by_id",
                "proposed_at",
                "decided_by_id",
                "decided_at",
                "decision_note",
                "since",
                "until",
                "closing_note",
                "one_on_one_id",
                "updated_at",
                "version",
            ],
            rows: Box::new(targets()),
        },
        Table {
            name: "list_review",
            columns: &[
                "id",
                "organization_id",
                "seller_id",
                "reviewed_by_id",
                "reviewed_at",
                "kept",
                "dropped",
                "notes",
                "updated_at",
                "version",
            ],
            rows: Box::new(reviews()),
        },
        Table {
            name: "goal",
            columns: &[
                "id",
                "organization_id",
                "account_id",
                "year",
                "agreed_amount",
                "waiting_amount",
                "proposed_by_id",
                "agreed_by_id",
                "agreed_at",
                "revisions",
                "reached_by_id",
                "created_at",
                "updated_at",
                "version",
            ],
            rows: Box::new(goals()),
        },
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn targets_have_an_account_each_and_came_in_time() {
        let accounts: HashSet<String> = targets().map(|row| format!("{:?}", row.get(2))).collect();
        assert_eq!(accounts.len(), 210);
        assert!((0..LIST_TARGETS).all(|number| proposed_at(number) < since(number) && since(number) <= NOW));
    }

    #[test]
    fn scores_are_weighted_sums() {
        let scores: Vec<i64> = (0..LIST_ACCOUNTS).map(score).collect();
        // Weights of 6.5 in all, at most 10 by each: up to 65,000 thousandths.
        assert!(scores.iter().all(|score| (0..=65_000).contains(score)));
        let [fit, urgency, access] = assessed(7);
        assert_eq!(score(7), 3_000 * fit + 2_000 * urgency + 1_500 * access);
        assert!(scores.iter().step_by(5).all(|score| *score >= 4 * 6_500));
    }

    #[test]
    fn a_goal_is_reached_by_the_first_booking_that_makes_it_up() {
        let [one, two, three] = [1, 2, 3].map(|number| id(Kind::Booking, number, NOW));
        let bookings = [(1, one, 40), (2, two, 60), (3, three, -10)];
        assert_eq!(reached(&bookings, 40), Some(one));
        assert_eq!(reached(&bookings, 90), Some(two));
        // It was there, and is no longer.
        assert_eq!(reached(&bookings, 100), None);
        assert_eq!(reached(&[], 1), None);
    }
}
