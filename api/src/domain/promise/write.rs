//! The mutations `makePromise`, `keepPromise` and `deletePromise`. Any user who can see an account can make promises to
//! it and mark any of its promises as kept. Only the user who made a promise, the account's owner, the owner's managers
//! and admins can delete it.

use async_graphql::{ID, InputObject};
use entity::{Id, PromiseId, Scoped, TouchId, account, promise, touch};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::ClientPromisePayload;
use crate::context::{AccountAccess, RequestContext, Viewer};
use crate::error::{Error, Result, UserErrorCode};
use crate::graphql::node_input;
use crate::graphql::scalars::Date;
use crate::write::Write;
use crate::write::validator::{NOTE, Validator};

/// A new promise.
#[derive(Clone, Debug, InputObject)]
pub struct MakePromiseInput {
    /// Id of the account that the promise was made to; the account must not be archived.
    pub account_id: ID,
    /// Id of the contact that the promise was made to: a contact of the same account.
    pub contact_id: Option<ID>,
    /// Id of the touch in which it was made: a touch of the same account.
    pub touch_id: Option<ID>,
    /// The promise: 1 to 20,000 characters.
    pub what: String,
    /// The day on which it was made: not in the future. Defaults to today in the organization's time zone.
    pub made_on: Option<Date>,
    /// The due day: not before madeOn.
    pub due_on: Date,
}

/// A promise that was kept.
#[derive(Clone, Debug, InputObject)]
pub struct KeepPromiseInput {
    /// Id of the promise.
    pub id: ID,
    /// The day on which it was kept: not in the future and not before madeOn. Defaults to today in the organization's
    /// time zone.
    pub kept_on: Option<Date>,
    /// The expected version. The change fails with STALE_VERSION if the promise has another version.
    pub if_version: Option<i32>,
}

node_input! {
    /// A promise to delete.
    DeletePromiseInput {
        /// The id of the promise.
        id,
        /// The expected version. The change fails with STALE_VERSION if the promise has another version.
        if_version
    }
}

/// Loads the touch that an input refers to, which must belong to the account, and locks it against deletion.
async fn load_touch(
    viewer: &Viewer,
    write: &Write<'_>,
    check: &mut Validator,
    id: &ID,
    account: &account::Model,
) -> Result<Option<TouchId>> {
    let Some(id) = check.id::<TouchId>("touchId", id) else { return Ok(None) };
    let visible = viewer.rows::<touch::Entity>(touch::Column::AccountId).filter(touch::Column::Id.eq(id));
    match visible.lock_shared().one(&write.tx).await? {
        None => check.not_found("touchId", "touch"),
        Some(touch) if touch.account_id != account.id => {
            check.invalid("touchId", format!("This touch does not belong to {}.", account.name));
        }
        Some(_) => return Ok(Some(id)),
    }
    Ok(None)
}

/// Resolves `Mutation.makePromise`.
pub async fn make(ctx: &RequestContext, input: MakePromiseInput) -> Result<ClientPromisePayload> {
    let MakePromiseInput { account_id, contact_id, touch_id, what, made_on, due_on } = input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let account = viewer.account_for(&write.tx, &mut check, "accountId", &account_id).await?;
    if account.as_ref().is_some_and(|account| account.archived_at.is_some()) {
        check.fault(UserErrorCode::Conflict, "accountId", "The account is archived: restore it first.");
    }
    let what = check.required("what", &what, NOTE);
    let made_on = made_on.map_or_else(|| viewer.day(ctx.now), |day| day.0);
    check.has_come("madeOn", made_on, viewer.latest_today(ctx.now));
    check.in_order("dueOn", ("madeOn", made_on), ("dueOn", due_on.0));
    let (mut contact, mut touch) = (None, None);
    if let (Some(id), Some(account)) = (&contact_id, &account) {
        contact = viewer.contact_at(&write.tx, &mut check, "contactId", id, account).await?;
    }
    if let (Some(id), Some(account)) = (&touch_id, &account) {
        touch = load_touch(viewer, &write, &mut check, id, account).await?;
    }
    check.finish()?;
    let Some(account) = account else { return check.fail() };
    let row = promise::Model {
        id: PromiseId::make(),
        organization_id: viewer.organization.id,
        account_id: account.id,
        contact_id: contact,
        touch_id: touch,
        what,
        made_on,
        due_on: due_on.0,
        kept_on: None,
        made_by_id: viewer.user.id,
        created_at: write.at,
        updated_at: write.at,
        version: 0,
    };
    let row = write.add(row).await?;
    write.commit().await?;
    Ok(ClientPromisePayload::of(row))
}

/// Loads and locks the promise that an input refers to.
async fn load_locked(viewer: &Viewer, write: &Write<'_>, id: &ID) -> Result<promise::Model> {
    let not_found = || Error::refused(UserErrorCode::NotFound, &["input", "id"], "There is no promise with this id.");
    let id = PromiseId::parse(id).map_err(|_| not_found())?;
    let visible = viewer.rows::<promise::Entity>(promise::Column::AccountId).filter(promise::Column::Id.eq(id));
    visible.lock_exclusive().one(&write.tx).await?.ok_or_else(not_found)
}

/// Resolves `Mutation.keepPromise`.
pub async fn keep(ctx: &RequestContext, input: KeepPromiseInput) -> Result<ClientPromisePayload> {
    let KeepPromiseInput { id, kept_on, if_version } = input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let before = load_locked(viewer, &write, &id).await?;
    check.version(if_version, before.version);
    if let Some(kept_on) = before.kept_on {
        check.fault(UserErrorCode::Conflict, "id", format!("This promise was already kept on {kept_on}."));
    }
    // A promise may have been made on a day that has not begun yet in the organization's time zone; it is not kept
    // before.
    let kept_on = kept_on.map_or_else(|| viewer.day(ctx.now).max(before.made_on), |day| day.0);
    check.has_come("keptOn", kept_on, viewer.latest_today(ctx.now));
    check.in_order("keptOn", ("madeOn", before.made_on), ("keptOn", kept_on));
    check.finish()?;
    let after = promise::Model { kept_on: Some(kept_on), ..before.clone() };
    let after = write.change(&before, after).await?;
    write.rename_last_event("kept");
    write.commit().await?;
    Ok(ClientPromisePayload::of(after))
}

/// Resolves `Mutation.deletePromise`. Returns the promise as it was.
pub async fn delete(ctx: &RequestContext, input: DeletePromiseInput) -> Result<ClientPromisePayload> {
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let row = load_locked(viewer, &write, &input.id).await?;
    let account = viewer.account(&write.tx, row.account_id, false).await?;
    let is_responsible = account.is_some_and(|account| viewer.access(&account) == AccountAccess::Responsible);
    if !is_responsible && row.made_by_id != viewer.user.id {
        let message = "Only the user who made the promise, the account's owner, their managers and admins may do this.";
        return Err(Error::refused(UserErrorCode::Forbidden, &["input", "id"], message));
    }
    check.version(input.if_version, row.version);
    check.finish()?;
    write.remove(&row).await?;
    write.commit().await?;
    Ok(ClientPromisePayload::of(row))
}

/// Clears the touch of promises whose touch is deleted or moves to another account. The promises are kept.
pub async fn release_touches(write: &mut Write<'_>, touches: &[TouchId]) -> Result<()> {
    if touches.is_empty() {
        return Ok(());
    }
    let promises = promise::Entity::of(write.organization())
        .filter(promise::Column::TouchId.is_in(touches.iter().copied()))
        .order_by_asc(promise::Column::Id)
        .lock_exclusive()
        .all(&write.tx)
        .await?;
    let released = promises.into_iter().map(|promise| {
        let after = promise::Model { touch_id: None, ..promise.clone() };
        (Some(promise), after)
    });
    write.save(released.collect()).await?;
    Ok(())
}
