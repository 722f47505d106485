//! The mutations `createOpportunity` and `updateOpportunity`.

use async_graphql::{ID, InputObject, MaybeUndefined};
use database::transaction::Transaction;
use entity::opportunity::Stage as Stored;
use entity::{AccountId, Id, OpportunityId, UserId, account, opportunity};
use uuid::Uuid;

use super::{
    ARCHIVED, GIVE_FORBIDDEN, HAS_BOOKING, OpportunityPayload, Stage, booked, check_days, is_closed, load_for_change,
    may_change, may_give, probability_of,
};
use crate::context::{RequestContext, Viewer};
use crate::domain::account::team;
use crate::domain::trigger_event::write::of_account as trigger_event_of_account;
use crate::error::{Result, UserErrorCode};
use crate::graphql::scalars::{Date, Decimal, Json};
use crate::values::text::fold;
use crate::write::Write;
use crate::write::external_ids::ExternalIdInput;
use crate::write::validator::{Amounts, NAME, Validator};

/// A new opportunity.
#[derive(Clone, Debug, InputObject)]
pub struct CreateOpportunityInput {
    /// Id of the account, which must not be archived.
    pub account_id: ID,
    /// The name: 1 to 200 characters.
    pub name: String,
    /// The expected revenue: 0 or more.
    pub amount: Option<Decimal>,
    /// The stage: any but WON and LOST, for which there are winOpportunity and loseOpportunity.
    #[graphql(default_with = "Some(Stage::Identified)")]
    pub stage: Option<Stage>,
    /// The probability of winning, in percent (0-100); defaults to that of the stage.
    pub probability: Option<i32>,
    /// The day on which it was opened; defaults to today in the organization's time zone.
    pub opened_on: Option<Date>,
    /// The day on which it is expected to close.
    pub expected_close_on: Option<Date>,
    /// Id of the owner: an active member; defaults to the caller. The owner joins the account's team unless they can
    /// see the account already. Only the account's owner, their managers and admins may name a user who is not below
    /// the caller.
    pub owner_id: Option<ID>,
    /// Id of the trigger event that led to the opportunity: of the same account.
    pub trigger_event_id: Option<ID>,
    /// Identifiers of the opportunity in other systems: at most one per source and 20 in total.
    pub external_ids: Option<Vec<ExternalIdInput>>,
    /// Additional fields: a JSON object of at most 20,000 bytes.
    pub custom_fields: Option<Json<String>>,
}

/// Changes to an opportunity. An omitted field is left unchanged; null clears it.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateOpportunityInput {
    /// Id of the opportunity.
    pub id: ID,
    /// The name: 1 to 200 characters. Cannot be cleared.
    pub name: MaybeUndefined<String>,
    /// The expected revenue: 0 or more.
    pub amount: MaybeUndefined<Decimal>,
    /// The stage: any but WON and LOST. Reopens a won or lost opportunity and clears its closedOn and lossReason:
    /// CONFLICT if it has a booking.
    pub stage: MaybeUndefined<Stage>,
    /// The probability of winning, in percent (0-100); null for the default of the stage. WON is always 100 and LOST 0.
    pub probability: MaybeUndefined<i32>,
    /// The day on which it was opened: not after closedOn. Cannot be cleared.
    pub opened_on: MaybeUndefined<Date>,
    /// The day on which it is expected to close.
    pub expected_close_on: MaybeUndefined<Date>,
    /// Id of the owner: an active member, who joins the account's team unless they can see the account already.
    pub owner_id: MaybeUndefined<ID>,
    /// Id of the trigger event that led to the opportunity: of the same account.
    pub trigger_event_id: MaybeUndefined<ID>,
    /// Identifiers of the opportunity in other systems; replaces all present ones.
    pub external_ids: MaybeUndefined<Vec<ExternalIdInput>>,
    /// Additional fields: a JSON object of at most 20,000 bytes; replaces the present one.
    pub custom_fields: MaybeUndefined<Json<String>>,
    /// Rejects the change with STALE_VERSION unless the opportunity is at this version.
    pub if_version: Option<i32>,
}

/// The changes that `updateOpportunity` and `upsertOpportunities` have in common.
pub(super) struct Changes<'a> {
    pub name: &'a MaybeUndefined<String>,
    pub amount: &'a MaybeUndefined<Decimal>,
    pub probability: &'a MaybeUndefined<i32>,
    pub opened_on: &'a MaybeUndefined<Date>,
    pub expected_close_on: &'a MaybeUndefined<Date>,
}

impl Changes<'_> {
    /// Checks and applies the changes.
    pub(super) fn apply(&self, check: &mut Validator, viewer: &Viewer, to: &mut opportunity::Model) {
        let Self { name, amount, probability, opened_on, expected_close_on } = self;
        check.change_required("name", name, NAME, &mut to.name);
        check.change_with("amount", amount, &mut to.amount, |check, field, given| {
            check.amount(field, given, viewer.currency, Amounts::NotNegative)
        });
        check.change_with("probability", probability, &mut to.probability, |check, field, given| {
            check.within(field, given, 0, 100)
        });
        if is_closed(to.stage) {
            let fixed = probability_of(to.stage);
            if probability.value().is_some_and(|given| *given != fixed) {
                let stage = to.stage.word();
                check.invalid("probability", format!("The probability of {stage} is always {fixed}: leave it out."));
            }
            to.probability = None;
        }
        match opened_on {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => check.fault(UserErrorCode::Required, "openedOn", "This cannot be cleared."),
            MaybeUndefined::Value(day) => to.opened_on = day.0,
        }
        check.change_with("expectedCloseOn", expected_close_on, &mut to.expected_close_on, |_, _, day| Some(day.0));
        to.name_key = fold(&to.name);
    }
}

/// Returns an unsaved opportunity that is owned by the viewer and opened today.
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

/// Resolves `Mutation.createOpportunity`.
pub async fn create(ctx: &RequestContext, input: CreateOpportunityInput) -> Result<OpportunityPayload> {
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
    } = input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let account = lock_account(viewer, &write.tx, &mut check, &account_id).await?;
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
        check.invalid("stage", CLOSING_STAGE);
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
        row.trigger_event_id =
            trigger_event_of_account(viewer, &write.tx, &mut check, "triggerEventId", id, account.id).await?;
    }
    let names = external_ids.as_deref().unwrap_or_default();
    check.require_unique(&write, OpportunityId::PREFIX, row.id.uuid(), names, None).await?;
    check.finish()?;
    let row = write.add(row).await?;
    team::join(&mut write, row.organization_id, &[(row.account_id, row.owner_id)]).await?;
    write.commit().await?;
    Ok(OpportunityPayload::of(row))
}

/// The error message for WON and LOST where they are not allowed.
const CLOSING_STAGE: &str = "Use winOpportunity for WON, and loseOpportunity for LOST.";

/// Loads and locks the account of a new opportunity.
async fn lock_account(
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

/// Loads the member that an input names as the owner, and notes an error unless `may` allows it.
async fn new_owner(
    ctx: &RequestContext,
    write: &Write<'_>,
    check: &mut Validator,
    id: &ID,
    may: impl FnOnce(UserId) -> bool,
) -> Result<Option<UserId>> {
    let Some(owner) = team::active_member(ctx, write, check, "ownerId", id).await? else { return Ok(None) };
    if !may(owner.id) {
        check.fault(UserErrorCode::Forbidden, "ownerId", GIVE_FORBIDDEN);
    }
    Ok(Some(owner.id))
}

/// Resolves `Mutation.updateOpportunity`.
pub async fn update(ctx: &RequestContext, input: UpdateOpportunityInput) -> Result<OpportunityPayload> {
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
    } = input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let (before, account) = load_for_change(viewer, &write.tx, &["input", "id"], &id).await?;
    check.version(if_version, before.version);
    let mut after = before.clone();
    match stage {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => check.fault(UserErrorCode::Required, "stage", "This cannot be cleared."),
        MaybeUndefined::Value(stage) => {
            let stage = Stored::from(stage);
            if stage != before.stage && is_closed(stage) {
                check.invalid("stage", CLOSING_STAGE);
            } else if stage != before.stage
                && is_closed(before.stage)
                && !booked(&write.tx, viewer, vec![before.id]).await?.is_empty()
            {
                check.fault(UserErrorCode::Conflict, "stage", HAS_BOOKING);
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
            after.trigger_event_id =
                trigger_event_of_account(viewer, &write.tx, &mut check, "triggerEventId", id, account).await?;
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
        MaybeUndefined::Null => check.fault(UserErrorCode::Required, "ownerId", "An opportunity must have an owner."),
        // The present owner may have left and may still be repeated.
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

/// Moves the opportunity to another stage. Closing and reopening clear the day of closing, the reason for losing and
/// the given probability, so that the default of the new stage applies.
pub(super) fn move_to(row: &mut opportunity::Model, stage: Stored) {
    if stage != row.stage && (is_closed(stage) || is_closed(row.stage)) {
        row.closed_on = None;
        row.loss_reason = None;
        row.probability = None;
    }
    row.stage = stage;
}
