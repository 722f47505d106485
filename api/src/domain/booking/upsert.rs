//! Bulk upsert of bookings by external id.

use std::collections::HashMap;

use async_graphql::{ID, InputObject, MaybeUndefined};
use database::columns::is_any_of;
use entity::{AccountId, BookingId, Id, OpportunityId, Scoped, account, booking, opportunity};
use sea_orm::{QueryFilter, QueryOrder, QuerySelect};

use super::write::{apply, blank, check_day, look_at_goals};
use super::{OPPORTUNITY_LOST, WRITE_FORBIDDEN, is_lost, may_write};
use crate::context::{RequestContext, Viewer};
use crate::domain::account::AccountRefInput;
use crate::domain::opportunity::ARCHIVED;
use crate::domain::upsert::{
    CheckedRow, DuplicateKeys, GivenRow, Lookup, MalformedRows, RowKeys, Upsert, UpsertPayload, check_row, named,
    not_too_many, row_inputs, save, value,
};
use crate::error::{Result, UserErrorCode};
use crate::graphql::scalars::{Date, Decimal};
use crate::write::Write;
use crate::write::external_ids::{self, ExternalIdInput};
use crate::write::validator::Validator;

/// A booking as another system knows it. An omitted field is left unchanged; null clears it.
#[derive(Clone, Debug, Default, InputObject)]
pub struct BookingRowInput {
    /// The id of the booking. The row is matched by it if it is given; the booking then gets the external id of the row.
    pub id: Option<ID>,
    /// The expected version; 0 for one that does not exist. The row fails with STALE_VERSION if the booking has another
    /// version.
    pub if_version: Option<i32>,
    /// Whether to delete the booking, with the rules of deleteBooking; the other values of the row are then ignored. A row whose
    /// booking does not exist is unchanged.
    pub deleted: Option<bool>,
    /// The identifier of the booking in that system: the key of a row without an id.
    pub external_id: MaybeUndefined<ExternalIdInput>,
    /// The account that the revenue comes from. Required for a new booking unless its opportunity determines it; a new
    /// booking needs an account that is not archived.
    pub account: MaybeUndefined<AccountRefInput>,
    /// The amount: negative for a credit note, never 0. Required for a new booking.
    pub amount: MaybeUndefined<Decimal>,
    /// The day on which the amount counts, from 1970-01-01 to today. Required for a new booking, unless its opportunity is
    /// won: then it defaults to the day on which the opportunity was won.
    pub booked_on: MaybeUndefined<Date>,
    /// The purpose of the amount: at most 20,000 characters.
    pub description: MaybeUndefined<String>,
    /// The identifier, in another system, of the opportunity that led to the booking: of the same account and not lost.
    pub opportunity_external_id: MaybeUndefined<ExternalIdInput>,
    /// The email address of the user credited with the sale: a member of the organization, active or not. For a new
    /// booking it defaults to the opportunity's owner, or else to the account's owner.
    pub seller_email: MaybeUndefined<String>,
}

row_inputs!(BookingRowInput);

/// Bookings from another system.
#[derive(Clone, Debug, InputObject)]
pub struct UpsertBookingsInput {
    /// The bookings to write: at most 500.
    pub rows: Vec<GivenRow<BookingRowInput>>,
    /// Whether to only report what would happen, without writing anything.
    #[graphql(default_with = "Some(false)")]
    pub dry_run: Option<bool>,
}

/// The records that the rows of one call refer to.
struct References<'a> {
    viewer: &'a Viewer,
    lookup: Lookup,
    /// The visible accounts of the existing bookings and of the opportunities.
    accounts: HashMap<AccountId, account::Model>,
    /// The opportunities that the rows refer to or that the existing bookings belong to.
    opportunities: HashMap<OpportunityId, opportunity::Model>,
    /// External ids of the opportunities.
    names: HashMap<(String, String), OpportunityId>,
}

/// Resolves `Mutation.upsertBookings`.
pub async fn upsert(ctx: &RequestContext, input: UpsertBookingsInput) -> Result<UpsertPayload> {
    let (rows, malformed) = MalformedRows::separate(input.rows);
    Ok(malformed.report(upsert_rows(ctx, rows, input.dry_run.unwrap_or_default()).await?.commit().await?))
}

/// Writes rows in one transaction, which is to be committed, or none in a dry run.
///
/// # Errors
/// The database's, and a userError of the call where there are too many rows.
pub async fn upsert_rows(ctx: &RequestContext, rows: Vec<BookingRowInput>, dry_run: bool) -> Result<Upsert<'_>> {
    not_too_many(rows.len())?;
    let viewer = ctx.viewer()?;
    let organization = viewer.organization.id;
    let mut write = Write::begin(ctx)?;

    // Load everything that the rows refer to, in one statement per kind.
    let keys: Vec<ExternalIdInput> = rows.iter().filter_map(|row| value(&row.external_id)).collect();
    let known = named(&write.tx, viewer, BookingId::PREFIX, &keys).await?;
    let ids = rows.iter().filter_map(|row| BookingId::parse(row.id.as_ref()?).ok());
    let present: HashMap<BookingId, booking::Model> = booking::Entity::of(organization)
        .filter(is_any_of(&write.tx, booking::Column::Id, known.values().map(|id| BookingId(*id)).chain(ids)))
        .order_by_asc(booking::Column::Id)
        .lock_exclusive()
        .all(&write.tx)
        .await?
        .into_iter()
        .map(|row| (row.id, row))
        .collect();
    let of_rows: Vec<ExternalIdInput> = rows.iter().filter_map(|row| value(&row.opportunity_external_id)).collect();
    let names: HashMap<(String, String), OpportunityId> = named(&write.tx, viewer, OpportunityId::PREFIX, &of_rows)
        .await?
        .into_iter()
        .map(|(name, id)| (name, OpportunityId(id)))
        .collect();
    let ids = names.values().copied().chain(present.values().filter_map(|row| row.opportunity_id));
    // Locked, so that none of them is lost, moved or deleted concurrently.
    let opportunities: HashMap<OpportunityId, opportunity::Model> = opportunity::Entity::of(organization)
        .filter(is_any_of(&write.tx, opportunity::Column::Id, ids))
        .order_by_asc(opportunity::Column::Id)
        .lock_shared()
        .all(&write.tx)
        .await?
        .into_iter()
        .map(|row| (row.id, row))
        .collect();
    let of_both = present.values().map(|row| row.account_id).chain(opportunities.values().map(|row| row.account_id));
    let visible = viewer.accounts().filter(is_any_of(&write.tx, account::Column::Id, of_both)).all(&write.tx).await?;
    let accounts = visible.into_iter().map(|row| (row.id, row)).collect();
    let wanted: Vec<AccountRefInput> = rows.iter().filter_map(|row| value(&row.account)).collect();
    let lookup = Lookup::of(&write.tx, viewer, &wanted, rows.iter().filter_map(|row| value(&row.seller_email))).await?;
    let references = References { viewer, lookup, accounts, opportunities, names };

    let mut seen_keys = DuplicateKeys::default();
    let mut done: Vec<CheckedRow<booking::Model>> = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        let mut check = check_row(index);
        let is_visible = |id| {
            let found: Option<&booking::Model> = present.get(&id);
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
            if let Some(before) = before {
                writable(&references, &mut check, before);
            }
            done.push(CheckedRow::deleting(check, before.cloned()));
            continue;
        }
        done.push(match apply_row(ctx, &references, &mut check, row, before) {
            Some(mut after) => {
                keys.give(&mut check, &mut after.external_ids);
                CheckedRow::of(check, before.cloned(), after)
            }
            None => CheckedRow::failed(check),
        });
    }
    let gone: Vec<booking::Model> = done.iter().filter_map(CheckedRow::deleted).cloned().collect();
    let changed: Vec<(Option<booking::Model>, booking::Model)> = done
        .iter()
        .filter_map(|row| Some((row.before.clone(), row.after.clone()?)))
        .filter(|(before, after)| before.as_ref() != Some(after))
        .collect();
    let payload = save(&mut write, done, dry_run).await?;
    if !dry_run {
        let touched: Vec<&booking::Model> =
            changed.iter().flat_map(|(before, after)| before.iter().chain([after])).chain(&gone).collect();
        let written: Vec<BookingId> = changed.iter().map(|(_, after)| after.id).collect();
        look_at_goals(&mut write, viewer, &touched, &written).await?;
    }
    Upsert::of(write, payload, dry_run).await
}

/// Returns the booking that results from one row, or `None` if there cannot be one; the reason is then noted in
/// `check`.
fn apply_row(
    ctx: &RequestContext,
    references: &References<'_>,
    check: &mut Validator,
    row: &BookingRowInput,
    before: Option<&booking::Model>,
) -> Option<booking::Model> {
    let BookingRowInput {
        id: _,
        if_version: _,
        deleted: _,
        external_id: _,
        account,
        amount,
        booked_on,
        description,
        opportunity_external_id,
        seller_email,
    } = row;
    let viewer = references.viewer;
    let present = match before {
        Some(before) => Some(writable(references, check, before)?),
        None => None,
    };
    let opportunity = opportunity_of(references, check, opportunity_external_id, before);
    let target = target_account(references, check, account, present, opportunity);
    let mut after = before.cloned().unwrap_or_else(|| {
        let account = target.map_or(AccountId(uuid::Uuid::nil()), |target| target.id);
        let seller =
            opportunity.map(|row| row.owner_id).or(target.map(|target| target.owner_id)).unwrap_or(viewer.user.id);
        let won_on = opportunity.and_then(|row| row.closed_on);
        blank(ctx, viewer, account, seller, won_on.unwrap_or(viewer.day(ctx.now)))
    });
    if before.is_none() {
        if amount.is_undefined() {
            check.fault(UserErrorCode::Required, "amount", "A new booking needs an amount.");
        }
        if booked_on.is_undefined() && opportunity.and_then(|row| row.closed_on).is_none() {
            check.fault(UserErrorCode::Required, "bookedOn", "A new booking needs a bookedOn.");
        }
    }
    apply(check, viewer, &mut after, *amount, *booked_on, description);
    if before.is_none_or(|before| before.booked_on != after.booked_on) {
        check_day(ctx, viewer, check, after.booked_on);
    }
    match seller_email {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => check.fault(UserErrorCode::Required, "sellerEmail", "A booking must have a seller."),
        MaybeUndefined::Value(email) => match references.lookup.user_id(email) {
            Some(user) => after.seller_id = user,
            None => check.fault(
                UserErrorCode::NotFound,
                "sellerEmail",
                format!("There is no user with the email address {email}."),
            ),
        },
    }
    after.opportunity_id = opportunity.map(|row| row.id);
    if let Some(target) = target {
        after.account_id = target.id;
        if check.is_clean() && !may_write(viewer, target, opportunity) {
            check.fault(UserErrorCode::Forbidden, "", WRITE_FORBIDDEN);
        }
    }
    Some(after)
}

/// Returns the account of an existing booking, or `None` if the viewer may not change the booking; the reason is then noted
/// in `check`.
fn writable<'g>(
    references: &'g References<'_>,
    check: &mut Validator,
    before: &booking::Model,
) -> Option<&'g account::Model> {
    match references.accounts.get(&before.account_id) {
        None => check.fault(UserErrorCode::Taken, "externalId", "Another booking already has this external id."),
        Some(account) if !may_write(references.viewer, account, of_booking(references, before)) => {
            check.fault(UserErrorCode::Forbidden, "", WRITE_FORBIDDEN);
        }
        account => return account,
    }
    None
}

fn of_booking<'g>(references: &'g References<'_>, booking: &booking::Model) -> Option<&'g opportunity::Model> {
    references.opportunities.get(&booking.opportunity_id?)
}

/// Returns the opportunity that the row's booking is to belong to.
fn opportunity_of<'g>(
    references: &'g References<'_>,
    check: &mut Validator,
    given: &MaybeUndefined<ExternalIdInput>,
    before: Option<&booking::Model>,
) -> Option<&'g opportunity::Model> {
    match given {
        MaybeUndefined::Undefined => before.and_then(|before| of_booking(references, before)),
        MaybeUndefined::Null => None,
        MaybeUndefined::Value(name) => {
            let id = external_ids::key(name).and_then(|key| references.names.get(&key));
            let found = id
                .and_then(|id| references.opportunities.get(id))
                .filter(|row| references.accounts.contains_key(&row.account_id));
            match found {
                None => {
                    let message =
                        format!("There is no opportunity with the external id {} in {}.", name.id, name.source);
                    check.fault(UserErrorCode::NotFound, "opportunityExternalId", message);
                }
                Some(row) if is_lost(row) => {
                    check.fault(UserErrorCode::Conflict, "opportunityExternalId", OPPORTUNITY_LOST);
                }
                Some(_) => {}
            }
            found
        }
    }
}

/// Returns the account of the row's booking: the given one, or else the opportunity's, or else the present one.
fn target_account<'g>(
    references: &'g References<'_>,
    check: &mut Validator,
    given: &MaybeUndefined<AccountRefInput>,
    present: Option<&'g account::Model>,
    opportunity: Option<&opportunity::Model>,
) -> Option<&'g account::Model> {
    let implied = opportunity.and_then(|row| references.accounts.get(&row.account_id));
    let target = match given {
        MaybeUndefined::Value(reference) => Some(references.lookup.account(check, "account", reference)?),
        MaybeUndefined::Undefined => implied.or(present),
        MaybeUndefined::Null => {
            check.fault(UserErrorCode::Required, "account", "A booking must have an account.");
            return None;
        }
    };
    let Some(target) = target else {
        if check.is_clean() {
            check.fault(
                UserErrorCode::Required,
                "account",
                "A new booking needs an account, or an opportunity that determines it.",
            );
        }
        return None;
    };
    if implied.is_some_and(|implied| implied.id != target.id) {
        check.invalid("account", "The opportunity of the booking belongs to another account.");
    }
    if target.archived_at.is_some() && present.is_none_or(|present| present.id != target.id) {
        check.fault(UserErrorCode::Conflict, "account", ARCHIVED);
    }
    Some(target)
}
