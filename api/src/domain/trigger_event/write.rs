//! The mutations `recordTriggerEvent` and `updateTriggerEvent`, for the account's owner, the owner's managers and
//! admins.

use async_graphql::{ID, InputObject, MaybeUndefined};
use database::transaction::Transaction;
use entity::{Id, TriggerEventId, trigger_event};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use super::{TriggerEventPayload, TriggerKind, TriggerOutcome};
use crate::context::{AccountAccess, RequestContext, Viewer};
use crate::domain::account::team;
use crate::error::{Error, Result, UserErrorCode};
use crate::graphql::scalars::Date;
use crate::write::Write;
use crate::write::validator::{NOTE, Validator};

/// A new trigger event.
#[derive(Clone, Debug, InputObject)]
pub struct RecordTriggerEventInput {
    /// Id of the account at which it happened; the account must not be archived.
    pub account_id: ID,
    /// The kind of event.
    pub kind: TriggerKind,
    /// The day on which it happened: not in the future.
    pub occurred_on: Date,
    /// A description of the event: at most 20,000 characters.
    pub description: Option<String>,
    /// Id of the contact that the event concerns or who reported it: a contact of the account.
    pub contact_id: Option<ID>,
}

/// Changes to a trigger event. An omitted field is left unchanged; null clears it.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateTriggerEventInput {
    /// Id of the trigger event.
    pub id: ID,
    /// The kind of event. Cannot be cleared.
    pub kind: MaybeUndefined<TriggerKind>,
    /// The day on which it happened: not in the future. Cannot be cleared.
    pub occurred_on: MaybeUndefined<Date>,
    /// A description of the event: at most 20,000 characters.
    pub description: MaybeUndefined<String>,
    /// Id of the contact that the event concerns or who reported it: a contact of the account.
    pub contact_id: MaybeUndefined<ID>,
    /// The outcome for us; null reopens the event.
    pub outcome: MaybeUndefined<TriggerOutcome>,
    /// The day on which the outcome was settled: not in the future and not before occurredOn. Defaults to today in the
    /// organization's time zone if only the outcome is given.
    pub resolved_on: MaybeUndefined<Date>,
    /// Rejects the change with STALE_VERSION unless the trigger event is at this version.
    pub if_version: Option<i32>,
}

/// Resolves `Mutation.recordTriggerEvent`.
pub async fn record(ctx: &RequestContext, input: RecordTriggerEventInput) -> Result<TriggerEventPayload> {
    let RecordTriggerEventInput { account_id, kind, occurred_on, description, contact_id } = input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let account = team::responsible_for(ctx, &write, &mut check, "accountId", &account_id).await?;
    if account.as_ref().is_some_and(|account| account.archived_at.is_some()) {
        check.fault(UserErrorCode::Conflict, "accountId", "The account is archived: restore it first.");
    }
    check.has_come("occurredOn", occurred_on.0, viewer.latest_today(ctx.now));
    let description = check.optional("description", description.as_deref(), NOTE);
    let mut contact = None;
    if let (Some(id), Some(account)) = (&contact_id, &account) {
        contact = viewer.contact_at(&write.tx, &mut check, "contactId", id, account).await?;
    }
    check.finish()?;
    let Some(account) = account else { return check.fail() };
    let row = trigger_event::Model {
        id: TriggerEventId::make(),
        organization_id: viewer.organization.id,
        account_id: account.id,
        kind: trigger_event::TriggerKind::from(kind),
        occurred_on: occurred_on.0,
        description,
        contact_id: contact,
        recorded_by_id: Some(viewer.user.id),
        outcome: None,
        resolved_on: None,
        created_at: write.at,
        updated_at: write.at,
        version: 0,
    };
    let row = write.add(row).await?;
    write.commit().await?;
    Ok(TriggerEventPayload::of(row))
}

/// Resolves `Mutation.updateTriggerEvent`.
pub async fn update(ctx: &RequestContext, input: UpdateTriggerEventInput) -> Result<TriggerEventPayload> {
    let UpdateTriggerEventInput { id, kind, occurred_on, description, contact_id, outcome, resolved_on, if_version } =
        input;
    let viewer = ctx.viewer()?;
    let mut write = Write::begin(ctx)?;
    let path = ["input", "id"];
    let not_found = || Error::refused(UserErrorCode::NotFound, &path, "There is no trigger event with this id.");
    let id = TriggerEventId::parse(&id).map_err(|_| not_found())?;
    let visible =
        viewer.rows::<trigger_event::Entity>(trigger_event::Column::AccountId).filter(trigger_event::Column::Id.eq(id));
    let before = visible.lock_exclusive().one(&write.tx).await?.ok_or_else(not_found)?;
    let account = viewer.account(&write.tx, before.account_id, false).await?.ok_or_else(not_found)?;
    if viewer.access(&account) != AccountAccess::Responsible {
        let message = "Only the account's owner, their managers and admins may do this.";
        return Err(Error::refused(UserErrorCode::Forbidden, &path, message));
    }
    let mut check = Validator::input();
    check.version(if_version, before.version);
    let mut after = before.clone();
    check.change_set("kind", &kind.map_value(trigger_event::TriggerKind::from), &mut after.kind);
    check.change_set("occurredOn", &occurred_on.map_value(|day| day.0), &mut after.occurred_on);
    check.change("description", &description, NOTE, &mut after.description);
    match &contact_id {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => after.contact_id = None,
        MaybeUndefined::Value(id) => {
            after.contact_id = viewer.contact_at(&write.tx, &mut check, "contactId", id, &account).await?;
        }
    }
    apply_outcome(ctx, viewer, &mut check, outcome, resolved_on, &mut after);
    let today = viewer.latest_today(ctx.now);
    if after.occurred_on != before.occurred_on {
        check.has_come("occurredOn", after.occurred_on, today);
    }
    if let Some(resolved) = after.resolved_on {
        let field = if resolved_on.is_value() || !occurred_on.is_value() { "resolvedOn" } else { "occurredOn" };
        if after.resolved_on != before.resolved_on {
            check.has_come("resolvedOn", resolved, today);
        }
        check.in_order(field, ("occurredOn", after.occurred_on), ("resolvedOn", resolved));
    }
    check.finish()?;
    let after = write.change(&before, after).await?;
    if before.outcome.is_none() && after.outcome.is_some() {
        write.rename_last_event("resolved");
    }
    write.commit().await?;
    Ok(TriggerEventPayload::of(after))
}

/// Applies the outcome and the day on which it was settled: either both are set or neither is.
fn apply_outcome(
    ctx: &RequestContext,
    viewer: &Viewer,
    check: &mut Validator,
    outcome: MaybeUndefined<TriggerOutcome>,
    resolved_on: MaybeUndefined<Date>,
    to: &mut trigger_event::Model,
) {
    check.change_with("outcome", &outcome, &mut to.outcome, |_, _, outcome| Some(outcome.into()));
    check.change_with("resolvedOn", &resolved_on, &mut to.resolved_on, |_, _, day| Some(day.0));
    match (to.outcome, to.resolved_on) {
        (Some(_), None) if resolved_on.is_null() => {
            check.fault(
                UserErrorCode::Required,
                "resolvedOn",
                "resolvedOn cannot be cleared without the outcome: clear both.",
            );
        }
        (Some(_), None) => to.resolved_on = Some(viewer.day(ctx.now).max(to.occurred_on)),
        (None, Some(_)) if resolved_on.is_value() => {
            check.fault(UserErrorCode::Required, "outcome", "resolvedOn requires an outcome: give both.");
        }
        (None, Some(_)) => to.resolved_on = None,
        _ => {}
    }
}

/// Loads the trigger event that an input names for an opportunity. It must be visible and of the given account;
/// otherwise the error is noted in `check`.
pub async fn of_account(
    viewer: &Viewer,
    tx: &Transaction<'_>,
    check: &mut Validator,
    field: &str,
    id: &ID,
    account: entity::AccountId,
) -> Result<Option<TriggerEventId>> {
    let found = match TriggerEventId::parse(id) {
        Ok(id) => {
            let visible = viewer.rows::<trigger_event::Entity>(trigger_event::Column::AccountId);
            visible.filter(trigger_event::Column::Id.eq(id)).one(tx).await?
        }
        Err(_) => None,
    };
    match found {
        None => check.not_found(field, "trigger event"),
        Some(row) if row.account_id != account => {
            check.invalid(field, "This trigger event belongs to another account.");
        }
        Some(row) => return Ok(Some(row.id)),
    }
    Ok(None)
}
