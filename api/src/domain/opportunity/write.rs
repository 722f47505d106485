//! Opening opportunities and changing them.

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::opportunity::Stage as Stored;
use entity::{AccountId, Id, OpportunityId, UserId, account, opportunity};
use uuid::Uuid;

use super::{
    ARCHIVED, BOOKED, NOT_TO_GIVE, OpportunityPayload, Stage, booked, check_days, is_closed, may_change, may_give,
    to_change,
};
use crate::context::{RequestContext, Viewer};
use crate::domain::account::team;
use crate::domain::trigger_event::write::of_account as came_of;
use crate::error::{Result, UserErrorCode};
use crate::graphql::scalars::{Date, Decimal, Json};
use crate::values::text::fold;
use crate::write::Write;
use crate::write::external_ids::ExternalIdInput;
use crate::write::validator::{Amounts, NAME, Validator, same_version};
use database::transaction::Transaction;

/// A new opportunity.
#[derive(Clone, Debug, InputObject)]
pub struct CreateOpportunityInput {
    /// Where; not archived.
    pub account_id: ID,
    /// What it is called: 1 to 200 characters.
    pub name: String,
    /// What it would bring in: 0 or more.
    pub amount: Option<Decimal>,
    /// How far it has come: any but WON and LOST, which takes winOpportunity and loseOpportunity.
    #[graphql(default_with = "Some(Stage::Identified)")]
    pub stage: Option<Stage>,
    /// Percent, 0 to 100; the stage's own where none is given.
    pub probability: Option<i32>,
    /// The day on which it was opened; today in the organization's time zone where none is given.
    pub opened_on: Option<Date>,
    /// The day on which it is expected to close.
    pub expected_close_on: Option<Date>,
    /// Who works on it: an active member; the caller where none is given. Joins the account's team unless they see the
    /// account already. Somebody above or beside the caller takes whoever answers for the account.
    pub owner_id: Option<ID>,
    /// The trigger event of the same account that it came of.
    pub trigger_event_id: Option<ID>,
    /// Other systems' names for it: at most one of each source, 20 in all.
    pub external_ids: Option<Vec<ExternalIdInput>>,
    /// A JSON object of at most 20,000 bytes.
    pub custom_fields: Option<Json<String>>,
}

/// A change of an opportunity. A field left out stays as it is, and null clears it.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateOpportunityInput {
    /// Which one.
    pub id: ID,
    /// What it is called: 1 to 200 characters.
    pub name: MaybeUndefined<String>,
    /// What it would bring in: 0 or more.
    pub amount: MaybeUndefined<Decimal>,
    /// How far it has come: any but WON and LOST. Reopens one that was won or lost, whose closedOn and lossReason are
    /// cleared; CONFLICT while a booking hangs on it.
    pub stage: MaybeUndefined<Stage>,
    /// Percent, 0 to 100; null for the stage's own.
    pub probability: MaybeUndefined<i32>,
    /// The day on which it was opened; not after the day on which it closed.
    pub opened_on: MaybeUndefined<Date>,
    /// The day on which it is expected to close.
    pub expected_close_on: MaybeUndefined<Date>,
    /// Who works on it: an active member, who joins the account's team unless they see the account already.
    pub owner_id: MaybeUndefined<ID>,
    /// The trigger event of the same account that it came of.
    pub trigger_event_id: MaybeUndefined<ID>,
    /// Other systems' names for it, all of them.
    pub external_ids: MaybeUndefined<Vec<ExternalIdInput>>,
    /// A JSON object of at most 20,000 bytes, in place of the present one.
    pub custom_fields: MaybeUndefined<Json<String>>,
    /// Refuses the change with STALE_VERSION where the opportunity is at another version.
    pub if_version: Option<i32>,
}

/// Arguments of `createOpportunity`.
#[derive(Clone, Debug, InputObject)]
pub struct CreateOpportunity {
    /// The new opportunity.
    pub input: CreateOpportunityInput,
}

/// Arguments of `updateOpportunity`.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateOpportunity {
    /// The change.
    pub input: UpdateOpportunityInput,
}

/// What an opportunity may be changed in alike by an input and by a row of an upsert.
pub(super) struct Changes<'a> {
    pub name: &'a MaybeUndefined<String>,
    pub amount: &'a MaybeUndefined<Decimal>,
    pub probability: &'a MaybeUndefined<i32>,
    pub opened_on: &'a MaybeUndefined<Date>,
    pub expected_close_on: &'a MaybeUndefined<Date>,
}

impl Changes<'_> {
    /// Makes them, checked one by one.
    pub(super) fn apply(&self, check: &mut Validator, viewer: &Viewer, to: &mut opportunity::Model) {
        let Self { name, amount, probability, opened_on, expected_close_on } = self;
        check.change_required("name", name, NAME, &mut to.name);
        check.change_with("amount", amount, &mut to.amount, |check, field, given| {
            check.amount(field, given, viewer.currency, Amounts::NotNegative)
        });
        check.change_with("probability", probability, &mut to.probability, |check, field, given| {
            check.within(field, given, 0, 100)
        });
        match opened_on {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => check.fault(UserErrorCode::Required, "openedOn", "This cannot be cleared."),
            MaybeUndefined::Value(day) => to.opened_on = day.0,
        }
        check.change_with("expectedCloseOn", expected_close_on, &mut to.expected_close_on, |_, _, day| Some(day.0));
        to.name_key = fold(&to.name);
    }
}

/// An opportunity with nothing in it yet, of the caller's and of today.
pub(super) fn blank(ctx: &RequestContext, viewer: &Viewer, account: AccountId) -> opportunity::Model {
    opportunity::Model {
        id: OpportunityId::make(),
        organization_id: viewer.organization.id,
        account_id: account,
        owner_id: viewer.user.id,
        name: String::new(),
        name_key: String::new(),
        amount: None,
        stage: Stored::Identified,
        probability: None,
        opened_on: viewer.day(ctx.now),
        expected_close_on: None,
        closed_on: None,
        loss_reason: None,
        external_ids: "[]".to_owned(),
        custom_fields: "{}".to_owned(),
        created_at: ctx.now,
        updated_at: ctx.now,
        version: 0,
        trigger_event_id: None,
    }
}

/// `createOpportunity`.
pub async fn create(ctx: &RequestContext, arguments: CreateOpportunity) -> Result<OpportunityPayload> {
    let CreateOpportunityInput {
        account_id,
        name,
        amount,
        stage,
        probability,
        opened_on,
        expected_close_on,
        owner_id,
        trigger_event_id,
        external_ids,
        custom_fields,
    } = arguments.input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let account = place(viewer, &write.tx, &mut check, &account_id).await?;
    let mut row = blank(ctx, viewer, account.as_ref().map_or(AccountId(Uuid::nil()), |account| account.id));
    Changes {
        name: &MaybeUndefined::Value(name),
        amount: &amount.map(Some).into(),
        probability: &probability.map(Some).into(),
        opened_on: &opened_on.map(Some).into(),
        expected_close_on: &expected_close_on.map(Some).into(),
    }
    .apply(&mut check, viewer, &mut row);
    row.stage = Stored::from(stage.unwrap_or(Stage::Identified));
    if is_closed(row.stage) {
        check.invalid("stage", CLOSING);
    }
    row.external_ids = check.external_ids("externalIds", external_ids.as_deref().unwrap_or_default());
    if let Some(Json(json)) = &custom_fields {
        row.custom_fields = check.custom_fields("customFields", json);
    }
    if let (Some(id), Some(account)) = (&owner_id, &account)
        && let Some(owner) = new_owner(ctx, &write, &mut check, id, |owner| may_change(viewer, account, owner)).await?
    {
        row.owner_id = owner;
    }
    if let (Some(id), Some(account)) = (&trigger_event_id, &account) {
        row.trigger_event_id = came_of(viewer, &write.tx, &mut check, "triggerEventId", id, account.id).await?;
    }
    let names = external_ids.as_deref().unwrap_or_default();
    check.require_unique(&write, OpportunityId::PREFIX, row.id.uuid(), names, None).await?;
    check.finish()?;
    let row = write.add(row).await?;
    team::join(&mut write, row.organization_id, &[(row.account_id, row.owner_id)]).await?;
    write.commit().await?;
    Ok(OpportunityPayload::of(row))
}

/// Said of WON and LOST where they cannot be given.
const CLOSING: &str = "WON takes winOpportunity, and LOST loseOpportunity.";

/// The account for a new opportunity, locked.
async fn place(
    viewer: &Viewer,
    tx: &Transaction<'_>,
    check: &mut Validator,
    id: &ID,
) -> Result<Option<account::Model>> {
    let Some(id) = check.id("accountId", id) else { return Ok(None) };
    let account = viewer.account(tx, id, true).await?;
    match &account {
        None => check.not_found("accountId", "account"),
        Some(account) if account.archived_at.is_some() => check.fault(UserErrorCode::Conflict, "accountId", ARCHIVED),
        Some(_) => {}
    }
    Ok(account)
}

/// Whom an input makes the owner, where that is theirs to do.
async fn new_owner(
    ctx: &RequestContext,
    write: &Write<'_>,
    check: &mut Validator,
    id: &ID,
    may: impl FnOnce(UserId) -> bool,
) -> Result<Option<UserId>> {
    let Some(owner) = team::active_member(ctx, write, check, "ownerId", id).await? else { return Ok(None) };
    if !may(owner.id) {
        check.fault(UserErrorCode::Forbidden, "ownerId", NOT_TO_GIVE);
    }
    Ok(Some(owner.id))
}

/// `updateOpportunity`.
pub async fn update(ctx: &RequestContext, arguments: UpdateOpportunity) -> Result<OpportunityPayload> {
    let UpdateOpportunityInput {
        id,
        name,
        amount,
        stage,
        probability,
        opened_on,
        expected_close_on,
        owner_id,
        trigger_event_id,
        external_ids,
        custom_fields,
        if_version,
    } = arguments.input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let (before, account) = to_change(viewer, &write.tx, &["input", "id"], &id).await?;
    same_version(if_version, before.version)?;
    let mut after = before.clone();
    match stage {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => check.fault(UserErrorCode::Required, "stage", "This cannot be cleared."),
        MaybeUndefined::Value(stage) => {
            let stage = Stored::from(stage);
            if stage != before.stage && is_closed(stage) {
                check.invalid("stage", CLOSING);
            } else if stage != before.stage
                && is_closed(before.stage)
                && !booked(&write.tx, viewer, vec![before.id]).await?.is_empty()
            {
                check.fault(UserErrorCode::Conflict, "stage", BOOKED);
            }
            move_to(&mut after, stage);
        }
    }
    Changes {
        name: &name,
        amount: &amount,
        probability: &probability,
        opened_on: &opened_on,
        expected_close_on: &expected_close_on,
    }
    .apply(&mut check, viewer, &mut after);
    check_days(&mut check, "openedOn", &after);
    match &trigger_event_id {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => after.trigger_event_id = None,
        MaybeUndefined::Value(id) => {
            let account = before.account_id;
            after.trigger_event_id = came_of(viewer, &write.tx, &mut check, "triggerEventId", id, account).await?;
        }
    }
    match &external_ids {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => after.external_ids = "[]".to_owned(),
        MaybeUndefined::Value(all) => after.external_ids = check.external_ids("externalIds", all),
    }
    match &custom_fields {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => after.custom_fields = "{}".to_owned(),
        MaybeUndefined::Value(Json(json)) => after.custom_fields = check.custom_fields("customFields", json),
    }
    match &owner_id {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => check.fault(UserErrorCode::Required, "ownerId", "Every opportunity has an owner."),
        // The present one may be somebody who has left.
        MaybeUndefined::Value(id) if UserId::parse(id) == Ok(before.owner_id) => {}
        MaybeUndefined::Value(id) => {
            if let Some(owner) =
                new_owner(ctx, &write, &mut check, id, |owner| may_give(viewer, &account, owner)).await?
            {
                after.owner_id = owner;
            }
        }
    }
    let names = external_ids.value().map_or(&[][..], Vec::as_slice);
    check.require_unique(&write, OpportunityId::PREFIX, after.id.uuid(), names, None).await?;
    check.finish()?;
    let after = write.change(&before, after).await?;
    if after.owner_id != before.owner_id {
        team::hold(&write, after.organization_id, [after.account_id]).await?;
        team::join(&mut write, after.organization_id, &[(after.account_id, after.owner_id)]).await?;
    }
    write.commit().await?;
    Ok(OpportunityPayload::of(after))
}

/// Moves to another stage. What closes, and what is opened again, leaves behind when and why it was closed, and the
/// probability that was given: its new stage has its own.
pub(super) fn move_to(row: &mut opportunity::Model, stage: Stored) {
    if stage != row.stage && (is_closed(stage) || is_closed(row.stage)) {
        row.closed_on = None;
        row.loss_reason = None;
        row.probability = None;
    }
    row.stage = stage;
}
