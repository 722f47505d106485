//! Promises: commitments of ours to a client, each with a due day.
//!
//! | module | contents |
//! |---|---|
//! | this one | the type and how it is read |
//! | [`list`] | filters and lists; the promises of an account and of a touch |
//! | [`mod@write`] | make, keep, delete; detaching promises from deleted touches |
//!
//! A promise is overdue once its due day is over in the organization's time zone.

pub mod list;
pub mod write;

use std::collections::HashMap;

use entity::{AccountId, Columns, Day, Id, Instant, PromiseId, promise};

pub use self::list::{ClientPromiseFilter, PromisesArguments, promises};

use crate::context::{RequestContext, Viewer};
use crate::domain::account::Account;
use crate::domain::contact::Contact;
use crate::domain::touch::{Touch, people};
use crate::domain::user::User;
use crate::error::Result;
use crate::graphql::pagination::connection;
use crate::graphql::{Batch, FieldContext, NodeId, ReadColumns as _, object, payload};
use crate::values::calendar;
use crate::values::money::Currency;
use crate::write::{AuditedRow, Snapshot, audited, snapshot};

/// A promise.
#[derive(Clone, Debug)]
pub struct ClientPromise(pub promise::Model);

impl From<promise::Model> for ClientPromise {
    fn from(row: promise::Model) -> Self {
        Self(row)
    }
}

object! {
    /// Something that we promised to do for a client.
    ClientPromise as "ClientPromise" Node {
        /// Opaque id, prefixed with the type; ascends with creation time.
        id: NodeId<PromiseId> = plain(|promise| NodeId(promise.0.id));
        /// The account that the promise was made to.
        account: Account = by_key(|promise| promise.0.account_id, Account::resolve_required);
        /// The contact that the promise was made to; null if none was given or the caller can no longer see the
        /// contact.
        contact: Option<Contact> = by_key(|promise| promise.0.contact_id, Contact::resolve);
        /// The touch in which it was made; null if none was given, or if the touch was deleted or moved to another
        /// account.
        touch: Option<Touch> = by_key(|promise| promise.0.touch_id, touches);
        /// The promise.
        what: &str = plain(|promise| &promise.0.what);
        /// The day on which it was made.
        madeOn: Day = plain(|promise| promise.0.made_on);
        /// The due day: the last day on which it can be kept in time.
        dueOn: Day = plain(|promise| promise.0.due_on);
        /// The day on which it was kept; null while it is open.
        keptOn: Option<Day> = plain(|promise| promise.0.kept_on);
        /// The user who made the promise, or the successor if that user was deactivated while it was open.
        madeBy: User = by_key(|promise| promise.0.made_by_id, User::resolve_required);
        /// Whether the promise is open and its due day is over in the organization's time zone.
        overdue: bool = batch(overdues);
        /// The time of creation.
        createdAt: Instant = plain(|promise| promise.0.created_at);
        /// The time of the last change.
        updatedAt: Instant = plain(|promise| promise.0.updated_at);
        /// Number of writes so far; 1 after creation.
        version: i32 = plain(|promise| promise.0.version);
    }
}
connection!(ClientPromise as "ClientPromise");

payload! {
    /// The result of making, keeping or deleting a promise.
    ClientPromisePayload as "ClientPromisePayload" {
        /// The promise after the change, or as it was before it was deleted; null if there are userErrors.
        promise(promise): ClientPromise,
    }
}

impl ClientPromisePayload {
    fn of(row: promise::Model) -> Self {
        Self { promise: Some(ClientPromise(row)), ..Self::default() }
    }
}

impl AuditedRow for promise::Model {
    audited!(promise, PromiseId);

    fn account(&self) -> Option<AccountId> {
        Some(self.account_id)
    }

    fn snapshot(&self, _: Currency) -> Snapshot {
        let Self {
            id: _,
            organization_id: _,
            account_id,
            contact_id,
            touch_id,
            what,
            made_on,
            due_on,
            kept_on,
            made_by_id,
            created_at,
            updated_at: _,
            version: _,
        } = self;
        snapshot! {
            "accountId": account_id,
            "contactId": contact_id,
            "touchId": touch_id,
            "what": what,
            "madeOn": made_on,
            "dueOn": due_on,
            "keptOn": kept_on,
            "madeById": made_by_id,
            "createdAt": created_at,
        }
    }
}

/// Whether a promise is open and its due day is before `today`.
#[must_use]
pub fn is_overdue(promise: &promise::Model, today: Day) -> bool {
    promise.kept_on.is_none() && promise.due_on < today
}

impl Viewer {
    /// Returns the latest day that is accepted for something that has happened: today in the organization's time zone
    /// or in the user's, whichever is later.
    #[must_use]
    pub fn latest_today(&self, now: Instant) -> Day {
        self.day(now).max(calendar::day_of(now, people::zone_of(&self.user)))
    }
}

impl ClientPromise {
    /// Loads promises by id; ids that do not exist or that the viewer cannot see are absent from the result.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the request has no session.
    pub async fn fetch(
        ctx: &RequestContext,
        ids: impl IntoIterator<Item = PromiseId>,
    ) -> Result<HashMap<PromiseId, Self>> {
        let visible = ctx.viewer()?.rows::<promise::Entity>(promise::Column::AccountId);
        ctx.fetch_by_ids(visible, promise::Column::Id, Columns::ALL, ids, |row| row.id).await
    }
}

async fn touches(field: &FieldContext<'_>, ids: &[Option<entity::TouchId>]) -> Result<Batch<Option<Touch>>> {
    let found = Touch::fetch(field.request, ids.iter().copied().flatten()).await?;
    field.found(ids, &found).await
}

#[expect(clippy::unused_async, reason = "field resolvers are async")]
async fn overdues(field: &FieldContext<'_>, of: &[&ClientPromise]) -> Result<Batch<bool>> {
    let today = field.request.viewer()?.day(field.request.now);
    let mut answers = Batch::with_capacity(of.len());
    for promise in of {
        answers.push(field.request, &is_overdue(&promise.0, today));
    }
    Ok(answers)
}

#[cfg(test)]
pub(crate) mod tests {
    use entity::{OrganizationId, UserId};

    use super::*;

    /// Returns a promise that was made on day 10 and is due on day 20.
    fn promise(kept_on: Option<i32>) -> promise::Model {
        promise::Model {
            id: PromiseId::make(),
            organization_id: OrganizationId::make(),
            account_id: AccountId::make(),
            contact_id: None,
            touch_id: None,
            what: "A price list".to_owned(),
            made_on: Day(10),
            due_on: Day(20),
            kept_on: kept_on.map(Day),
            made_by_id: UserId::make(),
            created_at: Instant(0),
            updated_at: Instant(0),
            version: 1,
        }
    }

    #[test]
    fn a_promise_is_overdue_once_its_day_is_over() {
        let on = |kept_on, today| is_overdue(&promise(kept_on), Day(today));
        assert_eq!([10, 20, 21].map(|today| on(None, today)), [false, false, true]);
        // Kept promises are not overdue, even if they were kept late.
        assert!(!on(Some(19), 21) && !on(Some(30), 31));
    }
}
