//! Bulk upsert of opportunities by external id.

use std::collections::HashMap;

use async_graphql::{ID, InputObject, MaybeUndefined};
use database::columns::is_any_of;
use entity::opportunity::Stage as Stored;
use entity::{AccountId, Day, Id, OpportunityId, Scoped, UserId, account, opportunity};
use sea_orm::{QueryFilter, QueryOrder, QuerySelect};

use super::close::booking_of;
use super::write::{Changes, blank, move_to};
use super::{
    ARCHIVED, CHANGE_FORBIDDEN, GIVE_FORBIDDEN, HAS_BOOKING, Stage, booked, check_days, is_closed, may_change,
    may_give, release_touches,
};
use crate::context::{RequestContext, Viewer};
use crate::domain::account::{AccountRefInput, team};
use crate::domain::booking::write::look_at_goals;
use crate::domain::plan;
use crate::domain::upsert::{
    CheckedRow, DuplicateKeys, GivenRow, Lookup, MalformedRows, RowKeys, Upsert, UpsertPayload, check_row, named,
    not_too_many, row_inputs, save, value,
};
use crate::error::{Result, UserErrorCode};
use crate::graphql::scalars::{Date, Decimal, Json};
use crate::write::Write;
use crate::write::external_ids::ExternalIdInput;
use crate::write::validator::{NOTE, Validator};

/// An opportunity as another system knows it. An omitted field is left unchanged; null clears it.
#[derive(Clone, Debug, Default, InputObject)]
pub struct OpportunityRowInput {
    /// The id of the opportunity. The row is matched by it if it is given; the opportunity then gets the external id of the row.
    pub id: Option<ID>,
    /// The expected version; 0 for one that does not exist. The row fails with STALE_VERSION if the opportunity has another
    /// version.
    pub if_version: Option<i32>,
    /// Whether to delete the opportunity, with the rules of deleteOpportunity; the other values of the row are then ignored. A row whose
    /// opportunity does not exist is unchanged.
    pub deleted: Option<bool>,
    /// The identifier of the opportunity in that system: the key of a row without an id.
    pub external_id: MaybeUndefined<ExternalIdInput>,
    /// Whether to book the amount on the day of closing, if this row wins the opportunity and it has no booking yet.
    pub book: Option<bool>,
    /// The account. Required for a new opportunity, and then not archived. Another account moves the opportunity there:
    /// CONFLICT if it has a booking; its touches stay at the old account, without the opportunity.
    pub account: MaybeUndefined<AccountRefInput>,
    /// The name: 1 to 200 characters. Required for a new opportunity.
    pub name: MaybeUndefined<String>,
    /// The expected revenue: 0 or more.
    pub amount: MaybeUndefined<Decimal>,
    /// The stage, including WON and LOST; a new opportunity defaults to IDENTIFIED. Moving an opportunity that has a
    /// booking away from WON, or to LOST, is a CONFLICT.
    pub stage: MaybeUndefined<Stage>,
    /// The probability of winning, in percent (0-100); null for the default of the stage. WON is always 100 and LOST 0.
    pub probability: MaybeUndefined<i32>,
    /// The day on which it was opened. For a new opportunity it defaults to today in the organization's time zone, or
    /// to the day of closing if that is earlier.
    pub opened_on: MaybeUndefined<Date>,
    /// The day on which it is expected to close.
    pub expected_close_on: MaybeUndefined<Date>,
    /// The day on which it was won or lost, not before openedOn. Defaults to today if this row closes the opportunity;
    /// INVALID for an open opportunity.
    pub closed_on: MaybeUndefined<Date>,
    /// Why it was lost: at most 20,000 characters. Ignored unless the stage is LOST.
    pub loss_reason: MaybeUndefined<String>,
    /// The email address of the owner: an active member, or for a closed opportunity any member. A new opportunity
    /// defaults to the caller. The owner joins the account's team unless they can see the account already.
    pub owner_email: MaybeUndefined<String>,
    /// A JSON object that is merged key by key; a null value removes the key.
    pub custom_fields: MaybeUndefined<Json<String>>,
}

row_inputs!(OpportunityRowInput);

/// Opportunities from another system.
#[derive(Clone, Debug, InputObject)]
pub struct UpsertOpportunitiesInput {
    /// The opportunities to write: at most 500.
    pub rows: Vec<GivenRow<OpportunityRowInput>>,
    /// Whether to only report what would happen, without writing anything.
    #[graphql(default_with = "Some(false)")]
    pub dry_run: Option<bool>,
}

/// The records that the rows of one call refer to.
struct References<'a> {
    viewer: &'a Viewer,
    today: Day,
    lookup: Lookup,
    /// The visible accounts of the existing opportunities.
    accounts: HashMap<AccountId, account::Model>,
    /// The existing opportunities that have a booking.
    booked: Vec<OpportunityId>,
}

/// Resolves `Mutation.upsertOpportunities`.
pub async fn upsert(ctx: &RequestContext, input: UpsertOpportunitiesInput) -> Result<UpsertPayload> {
    let (rows, malformed) = MalformedRows::separate(input.rows);
    Ok(malformed.report(upsert_rows(ctx, rows, input.dry_run.unwrap_or_default()).await?.commit().await?))
}

/// Writes rows in one transaction, which is to be committed, or none in a dry run.
///
/// # Errors
/// The database's, and a userError of the call where there are too many rows.
pub async fn upsert_rows(ctx: &RequestContext, rows: Vec<OpportunityRowInput>, dry_run: bool) -> Result<Upsert<'_>> {
    not_too_many(rows.len())?;
    let viewer = ctx.viewer()?;
    let mut write = Write::begin(ctx)?;

    // Load everything that the rows refer to, in one statement per kind.
    let names: Vec<ExternalIdInput> = rows.iter().filter_map(|row| value(&row.external_id)).collect();
    let known = named(&write.tx, viewer, OpportunityId::PREFIX, &names).await?;
    let by_id = rows.iter().filter_map(|row| OpportunityId::parse(row.id.as_ref()?).ok());
    let ids: Vec<OpportunityId> = known.values().map(|id| OpportunityId(*id)).chain(by_id).collect();
    let present: HashMap<OpportunityId, opportunity::Model> = opportunity::Entity::of(viewer.organization.id)
        .filter(is_any_of(&write.tx, opportunity::Column::Id, ids.clone()))
        .order_by_asc(opportunity::Column::Id)
        .lock_exclusive()
        .all(&write.tx)
        .await?
        .into_iter()
        .map(|row| (row.id, row))
        .collect();
    let of_present = is_any_of(&write.tx, account::Column::Id, present.values().map(|row| row.account_id));
    let accounts =
        viewer.accounts().filter(of_present).all(&write.tx).await?.into_iter().map(|row| (row.id, row)).collect();
    let wanted: Vec<AccountRefInput> = rows.iter().filter_map(|row| value(&row.account)).collect();
    let lookup = Lookup::of(&write.tx, viewer, &wanted, rows.iter().filter_map(|row| value(&row.owner_email))).await?;
    let booked = booked(&write.tx, viewer, ids).await?;
    let references = References { viewer, today: viewer.day(ctx.now), lookup, accounts, booked };

    let mut seen_keys = DuplicateKeys::default();
    let mut to_book: Vec<OpportunityId> = Vec::new();
    let mut done: Vec<CheckedRow<opportunity::Model>> = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        let mut check = check_row(index);
        let is_visible = |id| {
            let found: Option<&opportunity::Model> = present.get(&id);
            found.is_some_and(|row| references.accounts.contains_key(&row.account_id))
        };
        let keys = RowKeys { id: row.id.as_ref(), external_id: row.external_id.value() };
        let Some(found) = keys.find(&mut check, &mut seen_keys, index, &known, is_visible) else {
            done.push(CheckedRow::failed(check));
            continue;
        };
        let before = found.and_then(|id| present.get(&id));
        check.version(row.if_version, before.map_or(0, |before| before.version));
        if row.deleted == Some(true) {
            if let Some(before) = before.filter(|before| changeable(&references, &mut check, before).is_some())
                && references.booked.contains(&before.id)
            {
                check.fault(UserErrorCode::Conflict, "deleted", HAS_BOOKING);
            }
            done.push(CheckedRow::deleting(check, before.cloned()));
            continue;
        }
        let Some(mut after) = apply_row(ctx, &references, &mut check, row, before) else {
            done.push(CheckedRow::failed(check));
            continue;
        };
        keys.give(&mut check, &mut after.external_ids);
        let wins = after.stage == Stored::Won && before.is_none_or(|before| before.stage != Stored::Won);
        if row.book == Some(true) && wins && !references.booked.contains(&after.id) {
            check_bookable(ctx, viewer, &mut check, &after);
            to_book.push(after.id);
        }
        done.push(CheckedRow::of(check, before.cloned(), after));
    }
    let gone: Vec<&opportunity::Model> = done.iter().filter_map(CheckedRow::deleted).collect();
    let (gone, of_gone): (Vec<OpportunityId>, Vec<AccountId>) =
        gone.into_iter().map(|row| (row.id, row.account_id)).unzip();
    let won: Vec<opportunity::Model> =
        done.iter().filter_map(|row| row.after.clone()).filter(|after| to_book.contains(&after.id)).collect();

    let (owners, moved) = consequences(&done);
    let left: Vec<AccountId> = done
        .iter()
        .filter(|row| row.after.as_ref().is_some_and(|after| moved.contains(&after.id)))
        .filter_map(|row| row.before.as_ref().map(|before| before.account_id))
        .collect();
    if !dry_run {
        release_touches(&mut write, &gone).await?;
        plan::moved::release_opportunities(&mut write, &of_gone, &gone).await?;
    }
    let payload = save(&mut write, done, dry_run).await?;
    if !dry_run {
        book(ctx, viewer, &mut write, &won).await?;
        release_touches(&mut write, &moved).await?;
        plan::moved::release_opportunities(&mut write, &left, &moved).await?;
        team::hold(&write, viewer.organization.id, owners.iter().map(|(account, _)| *account)).await?;
        team::join(&mut write, viewer.organization.id, &owners).await?;
    }
    Upsert::of(write, payload, dry_run).await
}

/// Returns the owners that are to join their accounts' teams, and the opportunities that moved to another account.
fn consequences(done: &[CheckedRow<opportunity::Model>]) -> (Vec<(AccountId, UserId)>, Vec<OpportunityId>) {
    let (mut owners, mut moved) = (Vec::new(), Vec::new());
    for row in done {
        let Some(after) = &row.after else { continue };
        let went = row.before.as_ref().is_some_and(|before| before.account_id != after.account_id);
        if went {
            moved.push(after.id);
        }
        if went || row.before.as_ref().is_none_or(|before| before.owner_id != after.owner_id) {
            owners.push((after.account_id, after.owner_id));
        }
    }
    (owners, moved)
}

/// Returns the opportunity that results from one row, or `None` if there cannot be one; the reason is then noted in
/// `check`.
fn apply_row(
    ctx: &RequestContext,
    references: &References<'_>,
    check: &mut Validator,
    row: &OpportunityRowInput,
    before: Option<&opportunity::Model>,
) -> Option<opportunity::Model> {
    let OpportunityRowInput {
        id: _,
        if_version: _,
        deleted: _,
        book: _,
        external_id: _,
        account,
        name,
        amount,
        stage,
        probability,
        opened_on,
        expected_close_on,
        closed_on,
        loss_reason,
        owner_email,
        custom_fields,
    } = row;
    let viewer = references.viewer;
    let is_booked = before.is_some_and(|before| references.booked.contains(&before.id));
    let present = match before {
        Some(before) => Some(changeable(references, check, before)?),
        None => None,
    };
    let target = target_account(references, check, account, present);
    let mut after = match (before, target) {
        (Some(before), _) => before.clone(),
        (None, Some(target)) => blank(ctx, viewer, target.id),
        // The account is at fault; a placeholder lets the rest of the row be checked too.
        (None, None) => blank(ctx, viewer, AccountId(uuid::Uuid::nil())),
    };
    if before.is_none() && !name.is_value() {
        check.fault(UserErrorCode::Required, "name", "A new opportunity needs a name.");
    }
    stage_of(check, &mut after, before, *stage, is_booked);
    let changes = Changes { name, amount, probability, opened_on, expected_close_on };
    changes.apply(check, viewer, &mut after);
    close(references.today, check, &mut after, before, *closed_on, loss_reason);
    if before.is_none() && opened_on.is_undefined() {
        after.opened_on = after.closed_on.map_or(references.today, |closed| closed.min(references.today));
    }
    check_days(check, if closed_on.is_value() { "closedOn" } else { "openedOn" }, &after);
    check.merge_custom_fields("customFields", custom_fields, &mut after.custom_fields);
    owner(references, check, &mut after, owner_email);
    if let Some(target) = target {
        let moves = before.is_some_and(|before| before.account_id != target.id);
        if moves && is_booked {
            check.fault(UserErrorCode::Conflict, "account", HAS_BOOKING);
        }
        let is_allowed = match before {
            Some(before) if !moves => before.owner_id == after.owner_id || may_give(viewer, target, after.owner_id),
            _ => may_change(viewer, target, after.owner_id),
        };
        if !is_allowed {
            check.fault(UserErrorCode::Forbidden, if moves { "account" } else { "ownerEmail" }, GIVE_FORBIDDEN);
        }
        after.account_id = target.id;
        if moves {
            // Trigger events stay at the old account.
            after.trigger_event_id = None;
        }
    }
    Some(after)
}

/// Returns the account of an existing opportunity, or `None` if the viewer may not change the opportunity; the reason is
/// then noted in `check`.
fn changeable<'g>(
    references: &'g References<'_>,
    check: &mut Validator,
    before: &opportunity::Model,
) -> Option<&'g account::Model> {
    match references.accounts.get(&before.account_id) {
        None => check.fault(UserErrorCode::Taken, "externalId", "Another opportunity already has this external id."),
        Some(account) if !may_change(references.viewer, account, before.owner_id) => {
            check.fault(UserErrorCode::Forbidden, "", CHANGE_FORBIDDEN);
        }
        account => return account,
    }
    None
}

/// Checks that the amount of an opportunity that is won can be booked on the day of closing.
fn check_bookable(ctx: &RequestContext, viewer: &Viewer, check: &mut Validator, won: &opportunity::Model) {
    match won.amount {
        None => check.fault(UserErrorCode::Required, "amount", "There is no amount to book: give one, or omit book."),
        Some(0) => check.invalid("amount", "A booking must not be 0: give another amount, or omit book."),
        Some(_) => {}
    }
    if let Some(day) = won.closed_on {
        check.has_come("closedOn", day, viewer.latest_today(ctx.now));
    }
}

/// Books the amounts of opportunities that were won.
async fn book(ctx: &RequestContext, viewer: &Viewer, write: &mut Write<'_>, won: &[opportunity::Model]) -> Result<()> {
    let bookings = won.iter().filter_map(|row| Some((None, booking_of(ctx, viewer, row, row.amount?, row.closed_on?))));
    let bookings = write.save(bookings.collect()).await?;
    let written: Vec<_> = bookings.iter().map(|row| row.id).collect();
    look_at_goals(write, viewer, &bookings.iter().collect::<Vec<_>>(), &written).await
}

/// Returns the account of the row's opportunity.
fn target_account<'g>(
    references: &'g References<'_>,
    check: &mut Validator,
    given: &MaybeUndefined<AccountRefInput>,
    present: Option<&'g account::Model>,
) -> Option<&'g account::Model> {
    match (given, present) {
        (MaybeUndefined::Value(reference), _) => {
            let account = references.lookup.account(check, "account", reference)?;
            if account.archived_at.is_some() && present.is_none_or(|present| present.id != account.id) {
                check.fault(UserErrorCode::Conflict, "account", ARCHIVED);
            }
            Some(account)
        }
        (MaybeUndefined::Undefined, Some(present)) => Some(present),
        (MaybeUndefined::Undefined, None) => {
            check.fault(UserErrorCode::Required, "account", "A new opportunity needs an account.");
            None
        }
        (MaybeUndefined::Null, _) => {
            check.fault(UserErrorCode::Required, "account", "An opportunity must have an account.");
            None
        }
    }
}

/// Moves the row's opportunity to the given stage.
fn stage_of(
    check: &mut Validator,
    after: &mut opportunity::Model,
    before: Option<&opportunity::Model>,
    given: MaybeUndefined<Stage>,
    is_booked: bool,
) {
    match given {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => check.fault(UserErrorCode::Required, "stage", "This cannot be cleared."),
        MaybeUndefined::Value(stage) => {
            let stage = Stored::from(stage);
            let away = before.is_some_and(|before| before.stage == Stored::Won && stage != Stored::Won);
            if is_booked && (away || stage == Stored::Lost) {
                check.fault(UserErrorCode::Conflict, "stage", HAS_BOOKING);
            }
            move_to(after, stage);
        }
    }
}

/// Sets the day of closing and the reason for losing.
fn close(
    today: Day,
    check: &mut Validator,
    after: &mut opportunity::Model,
    before: Option<&opportunity::Model>,
    closed_on: MaybeUndefined<Date>,
    loss_reason: &MaybeUndefined<String>,
) {
    let is_closed = is_closed(after.stage);
    let closes = is_closed && before.is_none_or(|before| before.stage != after.stage);
    match closed_on {
        MaybeUndefined::Value(day) if is_closed => after.closed_on = Some(day.0),
        MaybeUndefined::Value(_) => {
            let stage = after.stage.word();
            check.invalid("closedOn", format!("closedOn requires a won or lost opportunity; this one is {stage}."));
        }
        MaybeUndefined::Null if is_closed => {
            check.fault(UserErrorCode::Required, "closedOn", "A won or lost opportunity must have a closedOn.");
        }
        MaybeUndefined::Undefined if closes => after.closed_on = Some(today),
        MaybeUndefined::Undefined | MaybeUndefined::Null => {}
    }
    check.change("lossReason", loss_reason, NOTE, &mut after.loss_reason);
    if after.stage != Stored::Lost {
        after.loss_reason = None;
    }
}

/// Sets the owner of the row's opportunity.
fn owner(
    references: &References<'_>,
    check: &mut Validator,
    after: &mut opportunity::Model,
    given: &MaybeUndefined<String>,
) {
    match given {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => {
            check.fault(UserErrorCode::Required, "ownerEmail", "An opportunity must have an owner.");
        }
        MaybeUndefined::Value(email) => match references.lookup.user_id(email) {
            // A closed opportunity stays credited to an owner who has left; the present owner may be repeated.
            Some(user) if is_closed(after.stage) || user == after.owner_id => after.owner_id = user,
            _ => {
                if let Some(user) = references.lookup.user(check, "ownerEmail", email) {
                    after.owner_id = user.id;
                }
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(stage: Stored, closed_on: Option<Day>) -> opportunity::Model {
        opportunity::Model {
            id: OpportunityId::make(),
            organization_id: entity::OrganizationId::make(),
            account_id: AccountId::make(),
            owner_id: UserId::make(),
            name: "Cars".to_owned(),
            name_key: "cars".to_owned(),
            amount: None,
            stage,
            probability: Some(40),
            opened_on: Day(10),
            expected_close_on: None,
            closed_on,
            loss_reason: None,
            external_ids: "[]".to_owned(),
            custom_fields: "{}".to_owned(),
            created_at: entity::Instant(0),
            updated_at: entity::Instant(0),
            version: 1,
            trigger_event_id: None,
        }
    }

    fn stage(to: Stage) -> MaybeUndefined<Stage> {
        MaybeUndefined::Value(to)
    }

    #[test]
    fn closing_without_a_day_uses_today_and_a_repeat_keeps_the_day() {
        let open = row(Stored::Proposed, None);
        let mut after = open.clone();
        let mut check = check_row(0);
        stage_of(&mut check, &mut after, Some(&open), stage(Stage::Won), false);
        close(Day(20), &mut check, &mut after, Some(&open), MaybeUndefined::Undefined, &MaybeUndefined::Undefined);
        assert_eq!((after.closed_on, after.probability), (Some(Day(20)), None));
        let won = after.clone();
        stage_of(&mut check, &mut after, Some(&won), stage(Stage::Won), true);
        close(Day(30), &mut check, &mut after, Some(&won), MaybeUndefined::Undefined, &MaybeUndefined::Undefined);
        assert_eq!(after, won);
        assert!(check.is_clean());
    }

    #[test]
    fn an_opportunity_with_a_booking_stays_won() {
        let won = row(Stored::Won, Some(Day(20)));
        for to in [Stage::Identified, Stage::Lost] {
            let mut check = check_row(0);
            stage_of(&mut check, &mut won.clone(), Some(&won), stage(to), true);
            assert_eq!(check.into_errors()[0].code, UserErrorCode::Conflict);
        }
        // An open opportunity with a booking can move between open stages and be won.
        let open = row(Stored::Proposed, None);
        for (to, clean) in [(Stage::Qualified, true), (Stage::Won, true), (Stage::Lost, false)] {
            let mut check = check_row(0);
            stage_of(&mut check, &mut open.clone(), Some(&open), stage(to), true);
            assert_eq!(check.is_clean(), clean, "{to:?}");
        }
    }

    #[test]
    fn only_closed_opportunities_have_a_day_of_closing_and_only_lost_ones_a_reason() {
        let day = MaybeUndefined::Value(Date(Day(15)));
        let reason = MaybeUndefined::Value("Price".to_owned());
        for (at, clean, kept) in
            [(Stored::Won, true, None), (Stored::Lost, true, Some("Price".to_owned())), (Stored::Proposed, false, None)]
        {
            let (mut after, mut check) = (row(at, None), check_row(0));
            close(Day(20), &mut check, &mut after, None, day, &reason);
            assert_eq!((check.is_clean(), after.loss_reason), (clean, kept), "{at:?}");
        }
    }

    #[test]
    fn reopening_clears_the_day_of_closing() {
        let lost = row(Stored::Lost, Some(Day(20)));
        let (mut after, mut check) = (lost.clone(), check_row(0));
        stage_of(&mut check, &mut after, Some(&lost), stage(Stage::Qualified), false);
        close(Day(30), &mut check, &mut after, Some(&lost), MaybeUndefined::Undefined, &MaybeUndefined::Undefined);
        assert_eq!((after.closed_on, after.stage, check.is_clean()), (None, Stored::Qualified, true));
    }
}
