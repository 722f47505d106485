//! One-on-ones: the manager's and the seller's meetings, in which candidates become targets.
//!
//! | module | holds |
//! |---|---|
//! | here | the type, who sees one, and how its relations are read |
//! | [`list`] | filters and lists |
//! | [`mod@write`] | scheduling one, changing and holding it |
//!
//! Seen by its two, by everyone above the seller in the line, and by administrators; changed by its two until it was held,
//! and not changed after.

pub mod list;
pub mod write;

use std::collections::HashMap;

use entity::target::TargetStatus;
use entity::{AccountId, Columns, Id, Instant, OneOnOneId, Scoped, UserId, one_on_one, target};
use sea_orm::sea_query::Cond;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, Select};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::context::{RequestContext, Viewer};
use crate::domain::account::Account;
use crate::domain::targeting::Target;
use crate::domain::user::User;
use crate::error::Result;
use crate::graphql::pagination::connection;
use crate::graphql::{Batch, FieldContext, NodeId, object, payload};
use crate::values::money::Currency;
use crate::write::{AuditedRow, Snapshot, audited, snapshot, stored_json};

/// A one-on-one.
#[derive(Clone, Debug)]
pub struct OneOnOne(pub one_on_one::Model);

impl From<one_on_one::Model> for OneOnOne {
    fn from(row: one_on_one::Model) -> Self {
        Self(row)
    }
}

object! {
    /// A meeting of a manager and a seller, in which candidates become targets.
    OneOnOne as "OneOnOne" Node {
        /// Opaque, prefixed by the type, ascending with time.
        id: NodeId<OneOnOneId> = plain(|meeting| NodeId(meeting.0.id));
        /// The manager: a user above the seller when it was scheduled.
        manager: User = by_key(|meeting| meeting.0.manager_id, User::resolve_required);
        /// The other side.
        seller: User = by_key(|meeting| meeting.0.seller_id, User::resolve_required);
        /// The time at which it is to be held.
        scheduledFor: Instant = plain(|meeting| meeting.0.scheduled_for);
        /// The time at which it was held; null until then.
        heldAt: Option<Instant> = plain(|meeting| meeting.0.held_at);
        /// Notes of the conversation.
        notes: Option<&str> = plain(|meeting| meeting.0.notes.as_deref());
        /// The agenda: accounts to talk about, in order; without those out of the caller's sight.
        items: Vec<OneOnOneItem> = batch(items);
        /// The time of creation.
        createdAt: Instant = plain(|meeting| meeting.0.created_at);
        /// The time of the last change.
        updatedAt: Instant = plain(|meeting| meeting.0.updated_at);
        /// Writes so far: 1 on creation.
        version: i32 = plain(|meeting| meeting.0.version);
    }
}
connection!(OneOnOne as "OneOnOne");

/// One item of an agenda.
pub struct OneOnOneItem {
    account: Account,
    note: Option<String>,
    target: Option<Target>,
}

object! {
    /// One account of an agenda.
    OneOnOneItem as "OneOnOneItem" {
        /// The account.
        account: Account = batch(async |field: &FieldContext<'_>, of: &[&OneOnOneItem]| {
            field.objects(&of.iter().map(|item| &item.account).collect::<Vec<_>>()).await
        });
        /// The topic; null if not given.
        note: Option<&str> = plain(|item| item.note.as_deref());
        /// The target that came of it: the one proposed or decided in this one-on-one, else the account's open one.
        target: Option<Target> = batch(async |field: &FieldContext<'_>, of: &[&OneOnOneItem]| {
            field.optional_objects(&of.iter().map(|item| item.target.as_ref()).collect::<Vec<_>>()).await
        });
    }
}

/// An item as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AgendaItem {
    #[serde(rename = "accountId")]
    account: String,
    note: Option<String>,
}

payload! {
    /// A one-on-one, or the errors of the input.
    OneOnOnePayload as "OneOnOnePayload" {
        /// The one-on-one as it is now; null where there are userErrors.
        oneOnOne(one_on_one): OneOnOne,
    }
}

impl AuditedRow for one_on_one::Model {
    audited!(one_on_one, OneOnOneId);

    fn account(&self) -> Option<AccountId> {
        None
    }

    fn about(&self) -> Option<UserId> {
        Some(self.seller_id)
    }

    fn snapshot(&self, _: Currency) -> Snapshot {
        let Self {
            id: _,
            organization_id: _,
            manager_id,
            seller_id,
            scheduled_for,
            held_at,
            notes,
            items,
            created_at,
            updated_at: _,
            version: _,
        } = self;
        snapshot! {
            "managerId": manager_id,
            "sellerId": seller_id,
            "scheduledFor": scheduled_for,
            "heldAt": held_at,
            "notes": notes,
            "items": stored_json(items),
            "createdAt": created_at,
        }
    }
}

impl Viewer {
    /// The one-on-ones they see.
    #[must_use]
    pub fn one_on_ones(&self) -> Select<one_on_one::Entity> {
        let seen = Cond::any()
            .add(self.answers_for(one_on_one::Column::SellerId))
            .add(one_on_one::Column::ManagerId.eq(self.user.id));
        one_on_one::Entity::of(self.organization.id).filter(seen)
    }
}

impl OneOnOne {
    /// One-on-ones by their ids, as far as they are seen.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`.
    pub async fn fetch(
        ctx: &RequestContext,
        ids: impl IntoIterator<Item = OneOnOneId>,
    ) -> Result<HashMap<OneOnOneId, Self>> {
        ctx.fetch_by_ids(ctx.viewer()?.one_on_ones(), one_on_one::Column::Id, Columns::ALL, ids, |row| row.id).await
    }
}

async fn items(field: &FieldContext<'_>, of: &[&OneOnOne]) -> Result<Batch<Vec<OneOnOneItem>>> {
    let agendas: Vec<Vec<(AccountId, Option<String>)>> = of.iter().map(|meeting| read(&meeting.0.items)).collect();
    let accounts = Account::fetch(field.request, agendas.iter().flatten().map(|(account, _)| *account)).await?;
    let targets = if field.selects::<OneOnOneItem>("target")? {
        let of_accounts = target::Column::AccountId.is_in(accounts.keys().copied());
        let open = target::Column::Status.is_in([TargetStatus::Proposed, TargetStatus::Agreed]);
        let linked = target::Column::OneOnOneId.is_in(of.iter().map(|meeting| meeting.0.id));
        let rows = field.request.viewer()?.rows::<target::Entity>(target::Column::AccountId);
        let rows = rows.filter(of_accounts).filter(Cond::any().add(open).add(linked));
        rows.order_by_desc(target::Column::Id).all(field.request.reader()).await?
    } else {
        Vec::new()
    };
    let of_item = |meeting: &OneOnOne, account: AccountId| {
        let mut own = targets.iter().filter(|row| row.account_id == account);
        let linked = own.clone().find(|row| row.one_on_one_id == Some(meeting.0.id));
        linked.or_else(|| own.find(|row| matches!(row.status, TargetStatus::Proposed | TargetStatus::Agreed)))
    };
    let lists: Vec<Vec<OneOnOneItem>> = of
        .iter()
        .zip(agendas)
        .map(|(meeting, agenda)| {
            let item = |(id, note): (AccountId, Option<String>)| {
                let account = accounts.get(&id)?.clone();
                Some(OneOnOneItem { account, note, target: of_item(meeting, id).cloned().map(Target) })
            };
            agenda.into_iter().filter_map(item).collect()
        })
        .collect();
    field.object_lists(&lists.iter().map(Vec::as_slice).collect::<Vec<_>>()).await
}

fn read(stored: &str) -> Vec<(AccountId, Option<String>)> {
    let items: Vec<AgendaItem> = serde_json::from_str(stored).unwrap_or_default();
    items.into_iter().filter_map(|item| Some((AccountId::parse(&item.account).ok()?, item.note))).collect()
}

/// The agendas among the changes of an event.
pub(crate) fn agendas(changes: &mut Value) -> impl Iterator<Item = &mut Vec<Value>> {
    let sides = changes.get_mut("items").and_then(Value::as_object_mut);
    sides.into_iter().flat_map(serde_json::Map::values_mut).filter_map(Value::as_array_mut)
}

/// The account that an item of an agenda is about, as the feed has it.
pub(crate) fn account_of(item: &Value) -> Option<AccountId> {
    AccountId::parse(item.get("accountId")?.as_str()?).ok()
}
