//! The long target list of one seller: assessments of the accounts, targets and proposed targets, one-on-ones, a review of
//! the list, goals and bookings.
//!
//! Every fifth account has high scores, including those of all targets. The best accounts are therefore partly targets and
//! partly not.

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

/// The criteria: names, and weights in thousandths.
const CRITERIA: [(&str, i64); 3] = [("Fit", 3_000), ("Urgency", 2_000), ("Access", 1_500)];
/// When the criteria were created and all accounts assessed.
const ASSESSED: i64 = NOW - 320 * DAY;
/// When the first target was proposed.
const FIRST: i64 = NOW - 300 * DAY;
/// When the list was reviewed.
const REVIEWED: i64 = NOW - 150 * DAY;
/// The distance between the account numbers of consecutive targets.
const STRIDE: u64 = LIST_ACCOUNTS / LIST_TARGETS;
/// The number of targets proposed between two one-on-ones.
const PER_MEETING: u64 = 20;
/// The fiscal year of the goals.
const FISCAL_YEAR: i64 = 2_026;

/// Returns the number of a random account; with a probability of 50%, that of a target.
pub fn random_account(random: &mut Random) -> u64 {
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

/// Returns the scores of an account by each criterion, from 0 to 10.
fn criterion_scores(account: u64) -> [i64; CRITERIA.len()] {
    let mut random = Random::of(401, account);
    CRITERIA.map(|_| if account.is_multiple_of(5) { 4 + random.up_to(7) } else { random.up_to(9) })
}

/// Returns the score of an account as stored: the sum of weight times score.
#[must_use]
pub fn score(account: u64) -> i64 {
    CRITERIA.iter().zip(criterion_scores(account)).map(|((_, weight), score)| weight * score).sum()
}

fn assessments() -> impl Iterator<Item = Row> {
    (0..LIST_ACCOUNTS).flat_map(|number| {
        let mut random = Random::of(402, number);
        let row = |(criterion_number, score): (u64, i64)| {
            let evidence = random.percent(30).then(|| random.one_of(words::NOTE));
            let (account, criterion) = (list_account(number), criterion(criterion_number));
            row![account, criterion, organization(LIST), score, evidence, Person::SELLER.id(), ASSESSED]
        };
        (0..).zip(criterion_scores(number)).map(row).collect::<Vec<_>>()
    })
}

/// Returns when a target was proposed.
fn proposed_at(target: u64) -> i64 {
    spread(target, LIST_TARGETS, FIRST)
}

/// Returns the id of a target.
fn target(number: u64) -> Uuid {
    id(Kind::Target, number, proposed_at(number.min(LIST_TARGETS - 1)))
}

/// Returns when a one-on-one was held: the day after its last target was proposed.
fn held_at(meeting: u64) -> i64 {
    proposed_at(PER_MEETING * (meeting + 1) - 1) + DAY
}

fn meeting(number: u64) -> Uuid {
    id(Kind::OneOnOne, number, held_at(number) - 7 * DAY)
}

/// Returns the number of the one-on-one in which a target was agreed on. Every second target was agreed on in one.
const fn agreed_in(target: u64) -> Option<u64> {
    if target.is_multiple_of(2) { Some(target / PER_MEETING) } else { None }
}

/// Returns when a target joined the list.
fn since(target: u64) -> i64 {
    agreed_in(target).map_or_else(|| proposed_at(target) + DAY, held_at)
}

fn meetings() -> impl Iterator<Item = Row> {
    (0..LIST_TARGETS / PER_MEETING).map(|number| {
        let (at, created) = (held_at(number), held_at(number) - 7 * DAY);
        row![
            meeting(number),
            organization(LIST),
            Person::MANAGER.id(),
            Person::SELLER.id(),
            at,
            at,
            Random::of(403, number).one_of(words::NOTE),
            "[]",
            created,
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
        // The accounts of proposed targets also have high scores, but are not targets yet.
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

/// Generates one review, in which all targets stayed on the list.
fn reviews() -> impl Iterator<Item = Row> {
    let on_list = (0..LIST_TARGETS).filter(|number| since(*number) <= REVIEWED);
    let kept: Vec<String> = on_list.map(|number| format!("\"{}\"", TypeId("target", target(number)).show())).collect();
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

/// A booking: the values that the goals are computed from.
struct Booking {
    id: Uuid,
    account: u64,
    amount: i64,
    at: i64,
    random: Random,
}

impl Booking {
    /// Generates a booking.
    fn of(number: u64) -> Self {
        let mut random = Random::of(405, number);
        let at = spread(number, LIST_BOOKINGS, NOW - 730 * DAY);
        let account = random_account(&mut random);
        let amount =
            if random.percent(3) { -1_000 * (1 + random.up_to(500)) } else { 1_000 * (1 + random.up_to(20_000)) };
        Self { id: id(Kind::Booking, BOOKINGS + number, at), account, amount, at, random }
    }
}

/// Generates the rows of the bookings, with the same columns as those of the large organization.
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

/// Returns the bookings of this fiscal year by account: day, id and amount, in the order in which they count toward goals.
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

/// Returns the booking with which the sum reached `amount`, if the sum of all bookings still does.
fn reached(bookings: &[(i64, Uuid, i64)], amount: i64) -> Option<Uuid> {
    let total: i64 = bookings.iter().map(|(_, _, amount)| amount).sum();
    let mut sum = 0;
    let first = bookings.iter().find(|(_, _, booking_amount)| {
        sum += booking_amount;
        sum >= amount
    });
    first.filter(|_| total >= amount).map(|(_, id, _)| *id)
}

/// Generates the goals of the first targets. Of every five, four are agreed, and one of these four has a new amount
/// awaiting agreement.
fn goals() -> impl Iterator<Item = Row> {
    let booked = booked();
    (0..LIST_GOALS).map(move |number| {
        let mut random = Random::of(406, number);
        let (seller, manager) = (Person::SELLER.id(), Person::MANAGER.id());
        let created = since(number).max((i64::from(YEAR.0) + 4) * DAY);
        let at = created + DAY / 24;
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
            id(Kind::Goal, number, created),
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
            created,
            if agreed.is_some() { at } else { created },
            if agreed.is_some() { 2 } else { 1 },
        ]
    })
}

/// Returns the tables of the target list.
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
    fn each_target_has_its_own_account_and_joined_the_list_after_it_was_proposed() {
        let accounts: HashSet<String> = targets().map(|row| format!("{:?}", row.get(2))).collect();
        assert_eq!(accounts.len(), 210);
        assert!((0..LIST_TARGETS).all(|number| proposed_at(number) < since(number) && since(number) <= NOW));
    }

    #[test]
    fn scores_are_weighted_sums() {
        let scores: Vec<i64> = (0..LIST_ACCOUNTS).map(score).collect();
        // The weights add up to 6.5 and scores are at most 10, so the maximum is 65,000 thousandths.
        assert!(scores.iter().all(|score| (0..=65_000).contains(score)));
        let [fit, urgency, access] = criterion_scores(7);
        assert_eq!(score(7), 3_000 * fit + 2_000 * urgency + 1_500 * access);
        assert!(scores.iter().step_by(5).all(|score| *score >= 4 * 6_500));
    }

    #[test]
    fn a_goal_is_reached_by_the_first_booking_with_which_the_sum_suffices() {
        let [one, two, three] = [1, 2, 3].map(|number| id(Kind::Booking, number, NOW));
        let bookings = [(1, one, 40), (2, two, 60), (3, three, -10)];
        assert_eq!(reached(&bookings, 40), Some(one));
        assert_eq!(reached(&bookings, 90), Some(two));
        // The sum reached the amount, but a later credit note reduced it again.
        assert_eq!(reached(&bookings, 100), None);
        assert_eq!(reached(&[], 1), None);
    }
}
