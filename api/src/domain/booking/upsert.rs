//! Bookings from another system, keyed by external id.

use std::collections::HashMap;

use async_graphql::{InputObject, MaybeUndefined};
use entity::{AccountId, BookingId, Id, OpportunityId, Scoped, account, booking, opportunity};
use sea_orm::{QueryFilter, QueryOrder, QuerySelect};

use super::write::{apply, blank, look_at_goals};
use super::{LOST, NOT_TO_WRITE, is_lost, may_write};
use crate::context::{RequestContext, Viewer};
use crate::domain::account::AccountRef;
use crate::domain::opportunity::ARCHIVED;
use crate::domain::upsert::{DuplicateKeys, Lookup, Row, UpsertPayload, check_row, named, not_too_many, save, value};
use crate::error::{Result, UserErrorCode};
use crate::graphql::scalars::{Date, Decimal};
use crate::write::Write;
use crate::write::external_ids::{self, ExternalIdInput};
use crate::write::validator::Validator;
use database::columns::is_any_of;

/// A booking as another system has it. A field left out stays as it is, and null clears it.
#[derive(Clone, Debug, InputObject)]
pub struct BookingRow {
    /// That system's name for it: the key.
    pub external_id: ExternalIdInput,
    /// Whose money it is; not archived for a new booking. May be left out where the opportunity tells it.
    pub account: MaybeUndefined<AccountRef>,
    /// How much: negative for a credit note, never 0. A new booking needs one.
    pub amount: MaybeUndefined<Decimal>,
    /// The day that it counts on; any. A new booking needs one, unless its opportunity is won: then that day.
    pub booked_on: MaybeUndefined<Date>,
    /// What for: up to 20,000 characters.
    pub description: MaybeUndefined<String>,
    /// That system's name for the opportunity that it came of: of the same account, and not lost.
    pub opportunity_external_id: MaybeUndefined<ExternalIdInput>,
    /// The address of whose sale it was: a member, whether still active or not. A new booking without one is the
    /// opportunity's owner's, else the account's.
    pub seller_email: MaybeUndefined<String>,
}

/// Arguments of `upsertBookings`.
#[derive(Clone, Debug, InputObject)]
pub struct UpsertBookings {
    /// At most 500 rows.
    pub rows: Vec<BookingRow>,
    /// Tells what would become of the rows, and writes nothing.
    #[graphql(default_with = "Some(false)")]
    pub dry_run: Option<bool>,
}

/// What the rows of one call meet.
struct Ground<'a> {
    viewer: &'a Viewer,
    lookup: Lookup,
    /// The accounts of the present bookings and of the opportunities, as far as they are seen.
    accounts: HashMap<AccountId, account::Model>,
    /// The opportunities that the rows name or that the present bookings hang on.
    opportunities: HashMap<OpportunityId, opportunity::Model>,
    /// Other systems' names for them.
    names: HashMap<(String, String), OpportunityId>,
}

/// `upsertBookings`.
pub async fn upsert(ctx: &RequestContext, arguments: UpsertBookings) -> Result<UpsertPayload> {
    let UpsertBookings { rows, dry_run } = arguments;
    let dry_run = dry_run.unwrap_or(false);
    not_too_many(rows.len())?;
    let viewer = ctx.viewer()?;
    let organization = viewer.organization.id;
    let mut write = Write::begin(ctx)?;

    // What the rows name, for all of them together.
    let keys: Vec<ExternalIdInput> = rows.iter().map(|row| row.external_id.clone()).collect();
    let known = named(&write.tx, viewer, BookingId::PREFIX, &keys).await?;
    let present: HashMap<BookingId, booking::Model> = booking::Entity::of(organization)
        .filter(is_any_of(&write.tx, booking::Column::Id, known.values().map(|id| BookingId(*id))))
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
    // Locked, so that nobody loses, moves or deletes one meanwhile.
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
    let seen = viewer.accounts().filter(is_any_of(&write.tx, account::Column::Id, of_both)).all(&write.tx).await?;
    let accounts = seen.into_iter().map(|row| (row.id, row)).collect();
    let wanted: Vec<AccountRef> = rows.iter().filter_map(|row| value(&row.account)).collect();
    let lookup = Lookup::of(&write.tx, viewer, &wanted, rows.iter().filter_map(|row| value(&row.seller_email))).await?;
    let ground = Ground { viewer, lookup, accounts, opportunities, names };

    let mut once = DuplicateKeys::default();
    let mut done: Vec<Row<booking::Model>> = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        let mut check = check_row(index);
        let key = check.external_key("externalId", &row.external_id);
        let before = known.get(&key).and_then(|id| present.get(&BookingId(*id)));
        once.note(&mut check, index, "externalId", key.clone());
        done.push(match one(ctx, &ground, &mut check, row, before) {
            Some(mut after) => {
                after.external_ids = external_ids::with(&after.external_ids, key);
                Row::of(check, before.cloned(), after)
            }
            None => Row::failed(check),
        });
    }
    let changed: Vec<(Option<booking::Model>, booking::Model)> = done
        .iter()
        .filter_map(|row| Some((row.before.clone(), row.after.clone()?)))
        .filter(|(before, after)| before.as_ref() != Some(after))
        .collect();
    let payload = save(&mut write, done, dry_run).await?;
    if !dry_run {
        let touched: Vec<&booking::Model> =
            changed.iter().flat_map(|(before, after)| before.iter().chain([after])).collect();
        let written: Vec<BookingId> = changed.iter().map(|(_, after)| after.id).collect();
        look_at_goals(&mut write, viewer, &touched, &written).await?;
    }
    if dry_run {
        write.roll_back().await?;
    } else {
        write.commit().await?;
    }
    Ok(payload)
}

/// What becomes of one row; None where nothing can, which the check then says.
fn one(
    ctx: &RequestContext,
    ground: &Ground<'_>,
    check: &mut Validator,
    row: &BookingRow,
    before: Option<&booking::Model>,
) -> Option<booking::Model> {
    let BookingRow { external_id: _, account, amount, booked_on, description, opportunity_external_id, seller_email } =
        row;
    let viewer = ground.viewer;
    let present = match before {
        Some(before) => match ground.accounts.get(&before.account_id) {
            None => {
                check.fault(UserErrorCode::Taken, "externalId", "Another booking has this key.");
                return None;
            }
            Some(account) if !may_write(viewer, account, of_booking(ground, before)) => {
                check.fault(UserErrorCode::Forbidden, "", NOT_TO_WRITE);
                return None;
            }
            account => account,
        },
        None => None,
    };
    let opportunity = opportunity_of(ground, check, opportunity_external_id, before);
    let place = place(ground, check, account, present, opportunity);
    let mut after = before.cloned().unwrap_or_else(|| {
        let account = place.map_or(AccountId(uuid::Uuid::nil()), |place| place.id);
        let seller =
            opportunity.map(|row| row.owner_id).or(place.map(|place| place.owner_id)).unwrap_or(viewer.user.id);
        let won_on = opportunity.and_then(|row| row.closed_on);
        blank(ctx, viewer, account, seller, won_on.unwrap_or(viewer.day(ctx.now)))
    });
    if before.is_none() {
        if amount.is_undefined() {
            check.fault(UserErrorCode::Required, "amount", "A new booking needs an amount.");
        }
        if booked_on.is_undefined() && opportunity.and_then(|row| row.closed_on).is_none() {
            check.fault(UserErrorCode::Required, "bookedOn", "A new booking needs a day.");
        }
    }
    apply(check, viewer, &mut after, *amount, *booked_on, description);
    match seller_email {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => check.fault(UserErrorCode::Required, "sellerEmail", "Every booking has a seller."),
        MaybeUndefined::Value(email) => match ground.lookup.user_id(email) {
            Some(user) => after.seller_id = user,
            None => check.fault(
                UserErrorCode::NotFound,
                "sellerEmail",
                format!("There is no user with the address {email}."),
            ),
        },
    }
    after.opportunity_id = opportunity.map(|row| row.id);
    if let Some(place) = place {
        after.account_id = place.id;
        if check.is_clean() && !may_write(viewer, place, opportunity) {
            check.fault(UserErrorCode::Forbidden, "", NOT_TO_WRITE);
        }
    }
    Some(after)
}

fn of_booking<'g>(ground: &'g Ground<'_>, booking: &booking::Model) -> Option<&'g opportunity::Model> {
    ground.opportunities.get(&booking.opportunity_id?)
}

/// The opportunity that a row's booking is to hang on.
fn opportunity_of<'g>(
    ground: &'g Ground<'_>,
    check: &mut Validator,
    given: &MaybeUndefined<ExternalIdInput>,
    before: Option<&booking::Model>,
) -> Option<&'g opportunity::Model> {
    match given {
        MaybeUndefined::Undefined => before.and_then(|before| of_booking(ground, before)),
        MaybeUndefined::Null => None,
        MaybeUndefined::Value(name) => {
            let id = external_ids::key(name).and_then(|key| ground.names.get(&key));
            let found = id
                .and_then(|id| ground.opportunities.get(id))
                .filter(|row| ground.accounts.contains_key(&row.account_id));
            match found {
                None => {
                    let message =
                        format!("There is no opportunity with the external id {} of {}.", name.id, name.source);
                    check.fault(UserErrorCode::NotFound, "opportunityExternalId", message);
                }
                Some(row) if is_lost(row) => check.fault(UserErrorCode::Conflict, "opportunityExternalId", LOST),
                Some(_) => {}
            }
            found
        }
    }
}

/// The account that a row's booking is to be of: as given, else the opportunity's, else as it was.
fn place<'g>(
    ground: &'g Ground<'_>,
    check: &mut Validator,
    given: &MaybeUndefined<AccountRef>,
    present: Option<&'g account::Model>,
    opportunity: Option<&opportunity::Model>,
) -> Option<&'g account::Model> {
    let told = opportunity.and_then(|row| ground.accounts.get(&row.account_id));
    let place = match given {
        MaybeUndefined::Value(reference) => Some(ground.lookup.account(check, "account", reference)?),
        MaybeUndefined::Undefined => told.or(present),
        MaybeUndefined::Null => {
            check.fault(UserErrorCode::Required, "account", "Every booking has an account.");
            return None;
        }
    };
    let Some(place) = place else {
        if check.is_clean() {
            check.fault(
                UserErrorCode::Required,
                "account",
                "A new booking needs an account, or an opportunity that tells it.",
            );
        }
        return None;
    };
    if told.is_some_and(|told| told.id != place.id) {
        check.invalid("account", "The opportunity that the booking hangs on is of another account.");
    }
    if place.archived_at.is_some() && present.is_none_or(|present| present.id != place.id) {
        check.fault(UserErrorCode::Conflict, "account", ARCHIVED);
    }
    Some(place)
}
