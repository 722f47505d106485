//! Touches and the contacts who took part.
//!
//! They are distributed over two years, unevenly among the accounts. Most were completed; a few are scheduled or canceled.

use uuid::Uuid;

use super::book::{account, contact, list_account, owner};
use super::people::{Person, organization, user};
use super::random::Random;
use super::{
    ACCOUNTS, DAY, Kind, LIST, LIST_TOUCHES, NOW, Row, TOUCHES, Table, end_of_day, id, list, row, spread, words,
};
use crate::typeid::TypeId;

/// The time of the first touch.
const FIRST: i64 = NOW - 730 * DAY;
const MINUTE: i64 = 60_000_000;

/// A touch: the values on which the rows in both tables must agree.
pub struct Touch {
    /// The touch's number.
    pub number: u64,
    /// The organization's number.
    pub organization: u64,
    /// The user who made it.
    pub user: Uuid,
    /// The account.
    pub account: Uuid,
    /// When the row was created.
    pub created: i64,
    /// When the touch was made or is scheduled.
    pub at: i64,
    /// The status.
    pub status: &'static str,
    /// The contacts who took part.
    pub contacts: Vec<Uuid>,
    /// The opportunity it was about.
    pub opportunity: Option<Uuid>,
    /// The generator for the other values.
    pub random: Random,
}

impl Touch {
    /// Generates a touch of the large organization.
    fn of(number: u64) -> Self {
        let mut random = Random::of(301, number);
        let created = spread(number, TOUCHES, FIRST);
        let any = random.below(ACCOUNTS);
        // 20% of the touches go to the first 10% of the accounts, in addition to their even share.
        let account = if random.percent(20) { any / 10 } else { any };
        let (status, at) = Self::status_and_time(&mut random, created);
        let people = match random.below(10) {
            0 | 1 => 0,
            2 => 2,
            _ => 1,
        };
        let first = random.below(4);
        let contacts = (0..people).map(|nth| contact(account + ACCOUNTS * ((first + nth) % 4))).collect();
        let (user, account) = (user(0, owner(account)), self::account(account));
        Self { number, organization: 0, user, account, created, at, status, contacts, opportunity: None, random }
    }

    /// Generates a touch of the seller with the long target list, without contacts.
    fn of_list(number: u64) -> Self {
        let mut random = Random::of(302, number);
        let created = spread(number, LIST_TOUCHES, FIRST);
        let account = list_account(list::random_account(&mut random));
        let (status, at) = Self::status_and_time(&mut random, created);
        let (number, user) = (TOUCHES + number, Person::SELLER.id());
        let contacts = Vec::new();
        Self { number, organization: LIST, user, account, created, at, status, contacts, opportunity: None, random }
    }

    /// Returns the status and time of a touch whose row was created at `created`.
    fn status_and_time(random: &mut Random, created: i64) -> (&'static str, i64) {
        let late = if random.percent(50) { random.up_to(60) } else { random.up_to(3 * 24 * 60) };
        let (status, at) = match random.below(100) {
            0..96 => ("COMPLETED", created - late * MINUTE),
            96 | 97 => ("CANCELED", created + late * MINUTE),
            _ => ("SCHEDULED", NOW + (60 + random.up_to(30 * 24 * 60)) * MINUTE),
        };
        (status, at.div_euclid(MINUTE) * MINUTE)
    }

    fn id(&self) -> Uuid {
        id(Kind::Touch, self.number, self.created)
    }

    /// Returns the kind, the direction and whether the client responded. Both tables draw these values first, so they
    /// agree.
    fn conversation(&mut self) -> (&'static str, &'static str, bool) {
        let kind = self
            .random
            .one_of(&["CALL", "CALL", "CALL", "EMAIL", "EMAIL", "EMAIL", "MEETING", "MEETING", "MESSAGE", "EVENT"]);
        let direction = if self.random.percent(80) { "OUTBOUND" } else { "INBOUND" };
        (kind, direction, self.status == "COMPLETED" && self.random.percent(45))
    }

    /// Returns the row in `touch`.
    pub fn row(mut self) -> Row {
        let (id, (kind, direction, responded)) = (self.id(), self.conversation());
        let Self { number: _, organization: of, user, account, created, at, status, contacts, opportunity, random } =
            &mut self;
        let completed = *status == "COMPLETED";
        let value = (completed && random.percent(25))
            .then(|| random.one_of(&["IDEA", "INSIGHT", "CONTENT", "INTRODUCTION", "HELP"]));
        let duration = random.percent(60).then(|| 5 * (1 + random.up_to(24)));
        let subject = random.one_of(words::SUBJECT);
        let notes = random.percent(40).then(|| random.one_of(words::NOTE));
        let acknowledged = value.is_some() && random.percent(40);
        let in_minutes = duration.and_then(|minutes| i32::try_from(minutes).ok());
        let (weight, answered, minutes) = derived_columns(kind, direction, responded, acknowledged, in_minutes);
        let contact_ids: Vec<String> =
            contacts.iter().map(|contact| format!("\"{}\"", TypeId("contact", *contact).show())).collect();
        row![
            id,
            organization(*of),
            *account,
            *user,
            kind,
            *status,
            direction,
            *at,
            end_of_day(*at),
            duration,
            *created,
            subject,
            notes,
            responded,
            value,
            acknowledged,
            format!("[{}]", contact_ids.join(",")),
            "[]",
            *created,
            *created,
            1,
            *opportunity,
            (opportunity.is_some() && random.percent(50)).then(|| random.one_of(words::SUBJECT)),
            if completed { weight } else { 0 },
            completed && answered,
            minutes,
            *created,
            shape(kind, if completed { weight } else { 0 }, minutes),
        ]
    }

    /// Returns the rows in `touch_contact`.
    pub fn contact_rows(mut self) -> impl Iterator<Item = Row> {
        let (kind, direction, responded) = self.conversation();
        let answered = self.status == "COMPLETED" && (responded || direction == "INBOUND" || kind == "MEETING");
        let (id, of, at, known_at) =
            (self.id(), organization(self.organization), self.at, answered.then_some(self.created));
        self.contacts.into_iter().map(move |contact| row![id, contact, of, at, known_at])
    }
}

/// Returns kind, weight and length as the server packs them into one number.
pub fn shape(kind: &str, weight: i32, minutes: i32) -> i32 {
    const LENGTHS: [i32; 16] = [5, 10, 15, 20, 30, 45, 60, 75, 90, 120, 150, 180, 240, 360, 720, 1_440];
    const KINDS: [&str; 7] = ["CALL", "EMAIL", "MEETING", "MESSAGE", "EVENT", "MAIL", "OTHER"];
    let place = |found: Option<usize>| found.and_then(|place| i32::try_from(place).ok()).unwrap_or_default();
    let length = LENGTHS.iter().position(|bound| minutes <= *bound).or(Some(LENGTHS.len() - 1));
    weight / 100 * 128 + place(length) * 8 + place(KINDS.iter().position(|one| *one == kind))
}

/// Returns the derived columns of a completed touch: the weight in thousandths, whether the touch was answered, and the
/// minutes to count.
pub fn derived_columns(
    kind: &str,
    direction: &str,
    responded: bool,
    acknowledged: bool,
    duration: Option<i32>,
) -> (i32, bool, i32) {
    let two_way = responded || direction == "INBOUND";
    let weight = match kind {
        "MEETING" => 1000,
        "CALL" if two_way => 700,
        _ if acknowledged => 600,
        "EVENT" if two_way => 500,
        "CALL" => 150,
        _ if two_way => 400,
        _ => 150,
    };
    let usual = match kind {
        "MEETING" => 60,
        "EVENT" => 120,
        "CALL" => 15,
        _ => 5,
    };
    (weight, two_way || kind == "MEETING", duration.unwrap_or(usual))
}

/// Returns the tables of touches and their contacts.
pub fn tables() -> Vec<Table> {
    let all = (0..TOUCHES).map(Touch::of).chain((0..LIST_TOUCHES).map(Touch::of_list));
    vec![
        Table {
            name: "touch",
            columns: &[
                "id",
                "organization_id",
                "account_id",
                "user_id",
                "kind",
                "status",
                "direction",
                "at",
                "missed_at",
                "duration_minutes",
                "recorded_at",
                "subject",
                "notes",
                "responded",
                "value",
                "value_acknowledged",
                "contact_ids",
                "external_ids",
                "created_at",
                "updated_at",
                "version",
                "opportunity_id",
                "commitment_asked",
                "weight",
                "answered",
                "minutes",
                "known_at",
                "shape",
            ],
            rows: Box::new(all.map(Touch::row)),
        },
        Table {
            name: "touch_contact",
            columns: &["touch_id", "contact_id", "organization_id", "at", "answer_known_at"],
            rows: Box::new((0..TOUCHES).map(Touch::of).flat_map(Touch::contact_rows)),
        },
    ]
}
