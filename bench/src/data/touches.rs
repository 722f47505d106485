//! Touches and who took part.
//!
//! They are spread over two years; some accounts see many more of them than others. Most were made, a few are to come,
//! some were called off.

use uuid::Uuid;

use super::book::{account, contact, list_account, owner};
use super::people::{Person, organization, user};
use super::random::Random;
use super::{
    ACCOUNTS, DAY, Kind, LIST, LIST_TOUCHES, NOW, Row, TOUCHES, Table, end_of_day, id, list, row, spread, words,
};
use crate::typeid::TypeId;

/// The first touch.
const FIRST: i64 = NOW - 730 * DAY;
const MINUTE: i64 = 60_000_000;

/// What both tables must tell alike of a touch.
pub struct Touch {
    /// Its number.
    pub number: u64,
    /// The number of its organization.
    pub organization: u64,
    /// Who made it.
    pub user: Uuid,
    /// At which account.
    pub account: Uuid,
    /// When its row was made.
    pub made: i64,
    /// When it was.
    pub at: i64,
    /// Where it stands.
    pub status: &'static str,
    /// Who took part; the first four contacts of an account are known by number.
    pub contacts: Vec<Uuid>,
    /// For which opportunity.
    pub opportunity: Option<Uuid>,
    /// What the rest of it is made from.
    pub random: Random,
}

impl Touch {
    fn of(number: u64) -> Self {
        let mut random = Random::of(301, number);
        let made = spread(number, TOUCHES, FIRST);
        let any = random.below(ACCOUNTS);
        // One touch in five goes to the tenth of the accounts that is called on most.
        let account = if random.percent(20) { any / 10 } else { any };
        let (status, at) = Self::when(&mut random, made);
        let people = match random.below(10) {
            0 | 1 => 0,
            2 => 2,
            _ => 1,
        };
        let first = random.below(4);
        let contacts = (0..people).map(|nth| contact(account + ACCOUNTS * ((first + nth) % 4))).collect();
        let (user, account) = (user(0, owner(account)), self::account(account));
        Self { number, organization: 0, user, account, made, at, status, contacts, opportunity: None, random }
    }

    /// One of the seller with the long target list, with nobody in particular.
    fn of_list(number: u64) -> Self {
        let mut random = Random::of(302, number);
        let made = spread(number, LIST_TOUCHES, FIRST);
        let account = list_account(list::any(&mut random));
        let (status, at) = Self::when(&mut random, made);
        let (number, user) = (TOUCHES + number, Person::SELLER.id());
        let contacts = Vec::new();
        Self { number, organization: LIST, user, account, made, at, status, contacts, opportunity: None, random }
    }

    /// What became of one, and when that was or will be.
    fn when(random: &mut Random, made: i64) -> (&'static str, i64) {
        let late = if random.percent(50) { random.up_to(60) } else { random.up_to(3 * 24 * 60) };
        let (status, at) = match random.below(100) {
            0..96 => ("COMPLETED", made - late * MINUTE),
            96 | 97 => ("CANCELED", made + late * MINUTE),
            _ => ("SCHEDULED", NOW + (60 + random.up_to(30 * 24 * 60)) * MINUTE),
        };
        (status, at.div_euclid(MINUTE) * MINUTE)
    }

    fn id(&self) -> Uuid {
        id(Kind::Touch, self.number, self.made)
    }

    /// Its kind and direction, and whether somebody responded: drawn before all else.
    fn talk(&mut self) -> (&'static str, &'static str, bool) {
        let kind = self
            .random
            .one_of(&["CALL", "CALL", "CALL", "EMAIL", "EMAIL", "EMAIL", "MEETING", "MEETING", "MESSAGE", "EVENT"]);
        let direction = if self.random.percent(80) { "OUTBOUND" } else { "INBOUND" };
        (kind, direction, self.status == "COMPLETED" && self.random.percent(45))
    }

    /// Its row.
    pub fn row(mut self) -> Row {
        let (id, (kind, direction, responded)) = (self.id(), self.talk());
        let Self { number: _, organization: of, user, account, made, at, status, contacts, opportunity, random } =
            &mut self;
        let completed = *status == "COMPLETED";
        let value = (completed && random.percent(25))
            .then(|| random.one_of(&["IDEA", "INSIGHT", "CONTENT", "INTRODUCTION", "HELP"]));
        let duration = random.percent(60).then(|| 5 * (1 + random.up_to(24)));
        let subject = random.one_of(words::SUBJECT);
        let notes = random.percent(40).then(|| random.one_of(words::NOTE));
        let acknowledged = value.is_some() && random.percent(40);
        let in_minutes = duration.and_then(|minutes| i32::try_from(minutes).ok());
        let (weight, answered, minutes) = weighed(kind, direction, responded, acknowledged, in_minutes);
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
            *made,
            subject,
            notes,
            responded,
            value,
            acknowledged,
            format!("[{}]", contact_ids.join(",")),
            "[]",
            *made,
            *made,
            1,
            *opportunity,
            (opportunity.is_some() && random.percent(50)).then(|| random.one_of(words::SUBJECT)),
            if completed { weight } else { 0 },
            completed && answered,
            minutes,
        ]
    }

    /// The rows of who took part.
    pub fn parts(mut self) -> impl Iterator<Item = Row> {
        let (kind, direction, responded) = self.talk();
        let answered = self.status == "COMPLETED" && (responded || direction == "INBOUND" || kind == "MEETING");
        let (id, of, at, known_at) =
            (self.id(), organization(self.organization), self.at, answered.then_some(self.made));
        self.contacts.into_iter().map(move |contact| row![id, contact, of, at, known_at])
    }
}

/// What a touch that was made weighs, in thousandths, whether it was answered, and the minutes it counts.
pub fn weighed(
    kind: &str,
    direction: &str,
    responded: bool,
    acknowledged: bool,
    duration: Option<i32>,
) -> (i32, bool, i32) {
    let talked = responded || direction == "INBOUND";
    let weight = match kind {
        "MEETING" => 1000,
        "CALL" if talked => 700,
        _ if acknowledged => 600,
        "EVENT" => 500,
        "CALL" => 150,
        _ if talked => 400,
        _ => 150,
    };
    let usual = match kind {
        "MEETING" => 60,
        "EVENT" => 120,
        "CALL" => 15,
        _ => 5,
    };
    (weight, talked || kind == "MEETING", duration.unwrap_or(usual))
}

/// The rows.
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
            ],
            rows: Box::new(all.map(Touch::row)),
        },
        Table {
            name: "touch_contact",
            columns: &["touch_id", "contact_id", "organization_id", "at", "answer_known_at"],
            rows: Box::new((0..TOUCHES).map(Touch::of).flat_map(Touch::parts)),
        },
    ]
}
