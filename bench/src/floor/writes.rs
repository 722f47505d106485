//! The input of writes and the rows they produce, which equal the server's, including events.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::FloorError;
use super::shape::Timestamp;
use crate::data::people::{Person, organization};
use crate::data::touches::{derived_columns, shape};
use crate::data::{NOW, end_of_day};
use crate::typeid::{TypeId, parse};

/// The input for logging a touch.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Log<'b> {
    /// The number of the organization.
    pub organization: u64,
    /// The number of the user.
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

/// The input for upserting touches from another system.
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

/// The id of a row in another system.
#[derive(Clone, Deserialize, Serialize)]
pub struct External<'b> {
    /// The other system.
    #[serde(borrow)]
    pub source: Cow<'b, str>,
    /// The id in that system.
    pub id: Cow<'b, str>,
}

#[derive(Deserialize)]
struct Reference<'b> {
    #[serde(borrow)]
    id: Cow<'b, str>,
}

/// A new touch with its event.
pub struct NewTouch<'b> {
    /// The touch's id.
    pub id: Uuid,
    /// The event's id.
    pub event: Uuid,
    /// The account.
    pub account: Uuid,
    /// The kind.
    pub kind: Cow<'b, str>,
    /// The direction.
    pub direction: Cow<'b, str>,
    /// The time, in microseconds since 1970.
    pub at: i64,
    /// The end of that day in the user's time zone.
    pub missed_at: i64,
    /// The duration in minutes.
    pub duration_minutes: Option<i32>,
    /// The subject.
    pub subject: Option<Cow<'b, str>>,
    /// The notes.
    pub notes: Option<Cow<'b, str>>,
    /// Whether the client responded.
    pub responded: bool,
    /// The contacts who took part.
    pub contacts: Vec<Uuid>,
    /// The contacts' ids as stored: a JSON array.
    pub contact_ids: String,
    /// The external id.
    pub external: Option<External<'b>>,
    /// The external ids as stored: a JSON array.
    pub external_ids: String,
    /// The changes in the event, as JSON.
    pub changes: String,
}

/// The change of a field in the event of a created row: from null to a value.
#[derive(Serialize)]
struct New<T> {
    from: (),
    to: T,
}

const fn new<T>(to: T) -> New<T> {
    New { from: (), to }
}

/// The changes in the event of a created touch, in the server's order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Changes<'a> {
    account_id: New<TypeId>,
    user_id: New<TypeId>,
    kind: New<&'a str>,
    status: New<&'a str>,
    direction: New<&'a str>,
    at: New<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_minutes: Option<New<i32>>,
    recorded_at: New<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<New<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<New<&'a str>>,
    responded: New<bool>,
    value_acknowledged: New<bool>,
    contact_ids: New<Vec<TypeId>>,
    external_ids: New<&'a [External<'a>]>,
    created_at: New<Timestamp>,
}

impl<'b> Log<'b> {
    /// Creates the touch to insert.
    pub fn into_touch(self) -> Result<NewTouch<'b>, FloorError> {
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
        let type_ids: Vec<TypeId> = contacts.iter().map(|id| TypeId("contact", *id)).collect();
        let mut touch = NewTouch {
            id: Uuid::now_v7(),
            event: Uuid::now_v7(),
            account: parse(&account_id).ok_or_else(|| FloorError("the account's id is not a TypeID".to_owned()))?,
            kind,
            direction,
            at: NOW,
            missed_at: end_of_day(NOW),
            duration_minutes,
            subject,
            notes,
            responded,
            contacts,
            contact_ids: serde_json::to_string(&type_ids)?,
            external: None,
            external_ids: "[]".to_owned(),
            changes: String::new(),
        };
        touch.changes = touch.changes(Person { organization, number: user }.id())?;
        Ok(touch)
    }
}

impl<'b> Batch<'b> {
    /// Creates the touches to insert.
    pub fn into_touches(self, user: Uuid) -> Result<Vec<NewTouch<'b>>, FloorError> {
        self.rows.into_iter().map(|row| row.into_touch(user)).collect()
    }
}

impl<'b> BatchRow<'b> {
    fn into_touch(self, user: Uuid) -> Result<NewTouch<'b>, FloorError> {
        let Self { external_id, account, kind, direction, at, duration_minutes, subject, notes, responded } = self;
        let at = chrono::DateTime::parse_from_rfc3339(&at)?.timestamp_micros();
        let mut touch = NewTouch {
            id: Uuid::now_v7(),
            event: Uuid::now_v7(),
            account: parse(&account.id).ok_or_else(|| FloorError("the account's id is not a TypeID".to_owned()))?,
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
        touch.changes = touch.changes(user)?;
        Ok(touch)
    }
}

impl NewTouch<'_> {
    /// Returns when the organization learned of the touch.
    pub fn recorded_at(&self) -> i64 {
        self.at.min(NOW)
    }

    /// Returns the derived columns: the weight, whether the touch was answered, the minutes to count, and the three that
    /// presence needs as one number.
    pub fn derived_columns(&self) -> (i32, bool, i32, i32) {
        let (weight, answered, minutes) =
            derived_columns(&self.kind, &self.direction, self.responded, false, self.duration_minutes);
        (weight, answered, minutes, shape(&self.kind, weight, minutes))
    }

    fn changes(&self, user: Uuid) -> Result<String, FloorError> {
        Ok(serde_json::to_string(&Changes {
            account_id: new(TypeId("account", self.account)),
            user_id: new(TypeId("user", user)),
            kind: new(&self.kind),
            status: new("COMPLETED"),
            direction: new(&self.direction),
            at: new(Timestamp(self.at)),
            duration_minutes: self.duration_minutes.map(new),
            recorded_at: new(Timestamp(self.recorded_at())),
            subject: self.subject.as_deref().map(new),
            notes: self.notes.as_deref().map(new),
            responded: new(self.responded),
            value_acknowledged: new(false),
            contact_ids: new(self.contacts.iter().map(|id| TypeId("contact", *id)).collect()),
            external_ids: new(self.external.as_slice()),
            created_at: new(Timestamp(NOW)),
        })?)
    }
}

/// Returns the ids of the director's organization and of the director, who makes the touches of a batch.
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
    at: Timestamp,
    subject: Option<&'r str>,
    version: i32,
}

impl<'r> Logged<'r> {
    /// Creates the response for a logged touch.
    pub fn of(new: &'r NewTouch<'_>) -> Self {
        let touch = LoggedTouch {
            id: TypeId("touch", new.id),
            kind: &new.kind,
            at: Timestamp(new.at),
            subject: new.subject.as_deref(),
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
    /// Creates the response for a number of created rows.
    pub const fn of(created: usize) -> Self {
        Self { upsert_touches: UpsertPayload { created, failed: 0, user_errors: [] } }
    }
}
