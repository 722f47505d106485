//! What writes take in, and the rows that come of it: the same as the server writes, event included.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Broken;
use super::shape::At;
use crate::data::people::{Person, organization};
use crate::data::touches::weighed;
use crate::data::{NOW, end_of_day};
use crate::typeid::{TypeId, parse};

/// A touch that is logged.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Log<'b> {
    /// Of which organization, by number.
    pub organization: u64,
    /// By whom, by number.
    pub user: u64,
    #[serde(borrow)]
    account_id: Cow<'b, str>,
    contact_ids: Vec<Cow<'b, str>>,
    kind: Cow<'b, str>,
    direction: Cow<'b, str>,
    duration_minutes: Option<i32>,
    subject: Option<Cow<'b, str>>,
    notes: Option<Cow<'b, str>>,
    responded: bool,
}

/// Touches from another system.
#[derive(Deserialize)]
pub struct Batch<'b> {
    #[serde(borrow)]
    rows: Vec<BatchRow<'b>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchRow<'b> {
    #[serde(borrow)]
    external_id: External<'b>,
    #[serde(borrow)]
    account: Reference<'b>,
    kind: Cow<'b, str>,
    direction: Cow<'b, str>,
    at: Cow<'b, str>,
    duration_minutes: Option<i32>,
    subject: Option<Cow<'b, str>>,
    notes: Option<Cow<'b, str>>,
    responded: bool,
}

/// Another system's name for a row.
#[derive(Clone, Deserialize, Serialize)]
pub struct External<'b> {
    /// Which system.
    #[serde(borrow)]
    pub source: Cow<'b, str>,
    /// The name there.
    pub id: Cow<'b, str>,
}

#[derive(Deserialize)]
struct Reference<'b> {
    #[serde(borrow)]
    id: Cow<'b, str>,
}

/// A new touch with its event.
pub struct Made<'b> {
    /// Its id.
    pub id: Uuid,
    /// Its event's id.
    pub event: Uuid,
    /// At which account.
    pub account: Uuid,
    /// How.
    pub kind: Cow<'b, str>,
    /// Who started it.
    pub direction: Cow<'b, str>,
    /// When.
    pub at: i64,
    /// The end of that day.
    pub missed_at: i64,
    /// How long.
    pub duration_minutes: Option<i32>,
    /// What about.
    pub subject: Option<Cow<'b, str>>,
    /// What was said.
    pub notes: Option<Cow<'b, str>>,
    /// Did they take part?
    pub responded: bool,
    /// Who.
    pub contacts: Vec<Uuid>,
    /// The same, as stored.
    pub contact_ids: String,
    /// Another system's name for it.
    pub external: Option<External<'b>>,
    /// The same, as stored.
    pub external_ids: String,
    /// What the event says.
    pub changes: String,
}

/// A value that was not there before.
#[derive(Serialize)]
struct New<T> {
    from: (),
    to: T,
}

const fn new<T>(to: T) -> New<T> {
    New { from: (), to }
}

/// What the event of a new touch says, in the order in which the server says it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Changes<'a> {
    account_id: New<TypeId>,
    user_id: New<TypeId>,
    kind: New<&'a str>,
    status: New<&'a str>,
    direction: New<&'a str>,
    at: New<At>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_minutes: Option<New<i32>>,
    recorded_at: New<At>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<New<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<New<&'a str>>,
    responded: New<bool>,
    value_acknowledged: New<bool>,
    contact_ids: New<Vec<TypeId>>,
    external_ids: New<&'a [External<'a>]>,
    created_at: New<At>,
}

impl<'b> Log<'b> {
    /// The rows of it.
    pub fn make(self) -> Result<Made<'b>, Broken> {
        let Self {
            organization,
            user,
            account_id,
            contact_ids,
            kind,
            direction,
            duration_minutes,
            subject,
            notes,
            responded,
        } = self;
        let contacts: Vec<Uuid> = contact_ids.iter().filter_map(|id| parse(id)).collect();
        let shown: Vec<TypeId> = contacts.iter().map(|id| TypeId("contact", *id)).collect();
        let mut made = Made {
            id: Uuid::now_v7(),
            event: Uuid::now_v7(),
            account: parse(&account_id).ok_or_else(|| Broken("no account".to_owned()))?,
            kind,
            direction,
            at: NOW,
            missed_at: end_of_day(NOW),
            duration_minutes,
            subject,
            notes,
            responded,
            contacts,
            contact_ids: serde_json::to_string(&shown)?,
            external: None,
            external_ids: "[]".to_owned(),
            changes: String::new(),
        };
        made.changes = made.changes(Person { organization, number: user }.id())?;
        Ok(made)
    }
}

impl<'b> Batch<'b> {
    /// The rows of it.
    pub fn make(self, user: Uuid) -> Result<Vec<Made<'b>>, Broken> {
        self.rows.into_iter().map(|row| row.make(user)).collect()
    }
}

impl<'b> BatchRow<'b> {
    fn make(self, user: Uuid) -> Result<Made<'b>, Broken> {
        let Self { external_id, account, kind, direction, at, duration_minutes, subject, notes, responded } = self;
        let at = chrono::DateTime::parse_from_rfc3339(&at)?.timestamp_micros();
        let mut made = Made {
            id: Uuid::now_v7(),
            event: Uuid::now_v7(),
            account: parse(&account.id).ok_or_else(|| Broken("no account".to_owned()))?,
            kind,
            direction,
            at,
            missed_at: end_of_day(at),
            duration_minutes,
            subject,
            notes,
            responded,
            contacts: Vec::new(),
            contact_ids: "[]".to_owned(),
            external_ids: serde_json::to_string(&[&external_id])?,
            external: Some(external_id),
            changes: String::new(),
        };
        made.changes = made.changes(user)?;
        Ok(made)
    }
}

impl Made<'_> {
    /// When we learned of it.
    pub fn recorded_at(&self) -> i64 {
        self.at.min(NOW)
    }

    /// What it weighs, whether it was answered, and the minutes it counts.
    pub fn weighed(&self) -> (i32, bool, i32) {
        weighed(&self.kind, &self.direction, self.responded, false, self.duration_minutes)
    }

    fn changes(&self, user: Uuid) -> Result<String, Broken> {
        Ok(serde_json::to_string(&Changes {
            account_id: new(TypeId("account", self.account)),
            user_id: new(TypeId("user", user)),
            kind: new(&self.kind),
            status: new("COMPLETED"),
            direction: new(&self.direction),
            at: new(At(self.at)),
            duration_minutes: self.duration_minutes.map(new),
            recorded_at: new(At(self.recorded_at())),
            subject: self.subject.as_deref().map(new),
            notes: self.notes.as_deref().map(new),
            responded: new(self.responded),
            value_acknowledged: new(false),
            contact_ids: new(self.contacts.iter().map(|id| TypeId("contact", *id)).collect()),
            external_ids: new(self.external.as_slice()),
            created_at: new(At(NOW)),
        })?)
    }
}

/// Whose touches a batch is: the director's.
pub fn director() -> (Uuid, Uuid) {
    (organization(Person::DIRECTOR.organization), Person::DIRECTOR.id())
}

/// `{ logTouch { touch { … } userErrors { … } } }`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Logged<'r> {
    log_touch: LogPayload<'r>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogPayload<'r> {
    touch: LoggedTouch<'r>,
    user_errors: [(); 0],
}

#[derive(Serialize)]
struct LoggedTouch<'r> {
    id: TypeId,
    kind: &'r str,
    at: At,
    subject: Option<&'r str>,
    version: i32,
}

impl<'r> Logged<'r> {
    /// The answer for a touch.
    pub fn of(made: &'r Made<'_>) -> Self {
        let touch = LoggedTouch {
            id: TypeId("touch", made.id),
            kind: &made.kind,
            at: At(made.at),
            subject: made.subject.as_deref(),
            version: 1,
        };
        Self { log_touch: LogPayload { touch, user_errors: [] } }
    }
}

/// `{ upsertTouches { created failed userErrors { … } } }`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Upserted {
    upsert_touches: UpsertPayload,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UpsertPayload {
    created: usize,
    failed: usize,
    user_errors: [(); 0],
}

impl Upserted {
    /// The answer for so many rows.
    pub const fn of(created: usize) -> Self {
        Self { upsert_touches: UpsertPayload { created, failed: 0, user_errors: [] } }
    }
}
