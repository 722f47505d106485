//! Opportunities from another system, keyed by external id.

use std::collections::HashMap;

use async_graphql::{InputObject, MaybeUndefined};
use entity::opportunity::Stage as Stored;
use entity::{AccountId, Day, Id, OpportunityId, Scoped, UserId, account, opportunity};
use sea_orm::{QueryFilter, QueryOrder, QuerySelect};

use super::write::{Changes, blank, move_to};
use super::{
    ARCHIVED, BOOKED, NOT_TO_CHANGE, NOT_TO_GIVE, Stage, booked, check_days, is_closed, may_change, may_give,
    release_touches,
};
use crate::context::{RequestContext, Viewer};
use crate::domain::account::{AccountRef, team};
use crate::domain::plan;
use crate::domain::upsert::{DuplicateKeys, Lookup, Row, UpsertPayload, check_row, named, not_too_many, save, value};
use crate::error::{Result, UserErrorCode};
use crate::graphql::scalars::{Date, Decimal, Json};
use crate::write::Write;
use crate::write::external_ids::{self, ExternalIdInput};
use crate::write::validator::{NOTE, Validator};
use database::columns::is_any_of;

/// An opportunity as another system has it. A field left out stays as it is, and null clears it.
#[derive(Clone, Debug, InputObject)]
pub struct OpportunityRow {
    /// That system's name for it: the key.
    pub external_id: ExternalIdInput,
    /// Where; a new opportunity needs one, and one that is not archived. Another account moves it there: CONFLICT while
    /// a booking hangs on it, and touches that were about it stay without it.
    pub account: MaybeUndefined<AccountRef>,
    /// What it is called: 1 to 200 characters. A new opportunity needs one.
    pub name: MaybeUndefined<String>,
    /// What it would bring in: 0 or more.
    pub amount: MaybeUndefined<Decimal>,
    /// How far it has come, WON and LOST included; IDENTIFIED where a new one has none. Away from WON, or to LOST, is
    /// CONFLICT while a booking hangs on it.
    pub stage: MaybeUndefined<Stage>,
    /// Percent, 0 to 100; null for the stage's own.
    pub probability: MaybeUndefined<i32>,
    /// The day on which it was opened; of a new one without, today, or the day on which it closed where that was before.
    pub opened_on: MaybeUndefined<Date>,
    /// The day on which it is expected to close.
    pub expected_close_on: MaybeUndefined<Date>,
    /// The day on which it was won or lost, not before openedOn; where this row closes it without one, today. INVALID
    /// for one that is open.
    pub closed_on: MaybeUndefined<Date>,
    /// Why it was lost: up to 20,000 characters. Kept for LOST alone, as other systems keep old reasons.
    pub loss_reason: MaybeUndefined<String>,
    /// The address of the owner: an active member, or of a closed opportunity one who has left. A new one without is the
    /// caller's. Joins the account's team unless they see the account already.
    pub owner_email: MaybeUndefined<String>,
    /// A JSON object, merged by key; null removes a key.
    pub custom_fields: MaybeUndefined<Json<String>>,
}

/// Arguments of `upsertOpportunities`.
#[derive(Clone, Debug, InputObject)]
pub struct UpsertOpportunities {
    /// At most 500 rows.
    pub rows: Vec<OpportunityRow>,
    /// Tells what would become of the rows, and writes nothing.
    #[graphql(default_with = "Some(false)")]
    pub dry_run: Option<bool>,
}

/// What the rows of one call meet.
struct Ground<'a> {
    viewer: &'a Viewer,
    today: Day,
    lookup: Lookup,
    /// The accounts that the present opportunities are of, as far as they are seen.
    accounts: HashMap<AccountId, account::Model>,
    /// Opportunities on which a booking hangs.
    booked: Vec<OpportunityId>,
}

/// `upsertOpportunities`.
pub async fn upsert(ctx: &RequestContext, arguments: UpsertOpportunities) -> Result<UpsertPayload> {
    let UpsertOpportunities { rows, dry_run } = arguments;
    let dry_run = dry_run.unwrap_or(false);
    not_too_many(rows.len())?;
    let viewer = ctx.viewer()?;
    let mut write = Write::begin(ctx)?;

    // What the rows name, for all of them together.
    let names: Vec<ExternalIdInput> = rows.iter().map(|row| row.external_id.clone()).collect();
    let known = named(&write.tx, viewer, OpportunityId::PREFIX, &names).await?;
    let ids: Vec<OpportunityId> = known.values().map(|id| OpportunityId(*id)).collect();
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
    let wanted: Vec<AccountRef> = rows.iter().filter_map(|row| value(&row.account)).collect();
    let lookup = Lookup::of(&write.tx, viewer, &wanted, rows.iter().filter_map(|row| value(&row.owner_email))).await?;
    let booked = booked(&write.tx, viewer, ids).await?;
    let ground = Ground { viewer, today: viewer.day(ctx.now), lookup, accounts, booked };

    let mut once = DuplicateKeys::default();
    let mut done: Vec<Row<opportunity::Model>> = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        let mut check = check_row(index);
        let key = check.external_key("externalId", &row.external_id);
        let before = known.get(&key).and_then(|id| present.get(&OpportunityId(*id)));
        once.note(&mut check, index, "externalId", key.clone());
        let after = one(ctx, &ground, &mut check, row, before).map(|mut after| {
            after.external_ids = external_ids::with(&after.external_ids, key);
            after
        });
        done.push(match after {
            Some(after) => Row::of(check, before.cloned(), after),
            None => Row::failed(check),
        });
    }

    let (owners, moved) = consequences(&done);
    let left: Vec<AccountId> = done
        .iter()
        .filter(|row| row.after.as_ref().is_some_and(|after| moved.contains(&after.id)))
        .filter_map(|row| row.before.as_ref().map(|before| before.account_id))
        .collect();
    let payload = save(&mut write, done, dry_run).await?;
    if dry_run {
        write.roll_back().await?;
    } else {
        release_touches(&mut write, &moved).await?;
        plan::moved::release_opportunities(&mut write, &left, &moved).await?;
        team::hold(&write, viewer.organization.id, owners.iter().map(|(account, _)| *account)).await?;
        team::join(&mut write, viewer.organization.id, &owners).await?;
        write.commit().await?;
    }
    Ok(payload)
}

/// Who is to join which account's team, and which opportunities went to another account.
fn consequences(done: &[Row<opportunity::Model>]) -> (Vec<(AccountId, UserId)>, Vec<OpportunityId>) {
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

/// What becomes of one row; None where nothing can, which the check then says.
fn one(
    ctx: &RequestContext,
    ground: &Ground<'_>,
    check: &mut Validator,
    row: &OpportunityRow,
    before: Option<&opportunity::Model>,
) -> Option<opportunity::Model> {
    let OpportunityRow {
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
    let viewer = ground.viewer;
    let is_booked = before.is_some_and(|before| ground.booked.contains(&before.id));
    let present = match before {
        Some(before) => match ground.accounts.get(&before.account_id) {
            None => {
                check.fault(UserErrorCode::Taken, "externalId", "Another opportunity has this key.");
                return None;
            }
            Some(account) if !may_change(viewer, account, before.owner_id) => {
                check.fault(UserErrorCode::Forbidden, "", NOT_TO_CHANGE);
                return None;
            }
            account => account,
        },
        None => None,
    };
    let place = place(ground, check, account, present);
    let mut after = match (before, place) {
        (Some(before), _) => before.clone(),
        (None, Some(place)) => blank(ctx, viewer, place.id),
        // The rest of the row is checked all the same.
        (None, None) => blank(ctx, viewer, AccountId(uuid::Uuid::nil())),
    };
    if before.is_none() && !name.is_value() {
        check.fault(UserErrorCode::Required, "name", "A new opportunity needs a name.");
    }
    stage_of(check, &mut after, before, *stage, is_booked);
    let changes = Changes { name, amount, probability, opened_on, expected_close_on };
    changes.apply(check, viewer, &mut after);
    close(ground.today, check, &mut after, before, *closed_on, loss_reason);
    if before.is_none() && opened_on.is_undefined() {
        after.opened_on = after.closed_on.map_or(ground.today, |closed| closed.min(ground.today));
    }
    check_days(check, if closed_on.is_value() { "closedOn" } else { "openedOn" }, &after);
    check.merge_custom_fields("customFields", custom_fields, &mut after.custom_fields);
    owner(ground, check, &mut after, owner_email);
    if let Some(place) = place {
        let moves = before.is_some_and(|before| before.account_id != place.id);
        if moves && is_booked {
            check.fault(UserErrorCode::Conflict, "account", BOOKED);
        }
        let theirs = match before {
            Some(before) if !moves => before.owner_id == after.owner_id || may_give(viewer, place, after.owner_id),
            _ => may_change(viewer, place, after.owner_id),
        };
        if !theirs {
            check.fault(UserErrorCode::Forbidden, if moves { "account" } else { "ownerEmail" }, NOT_TO_GIVE);
        }
        after.account_id = place.id;
        if moves {
            // What happened at the old account stays there.
            after.trigger_event_id = None;
        }
    }
    Some(after)
}

/// The account that a row's opportunity is to be of.
fn place<'g>(
    ground: &'g Ground<'_>,
    check: &mut Validator,
    given: &MaybeUndefined<AccountRef>,
    present: Option<&'g account::Model>,
) -> Option<&'g account::Model> {
    match (given, present) {
        (MaybeUndefined::Value(reference), _) => {
            let account = ground.lookup.account(check, "account", reference)?;
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
            check.fault(UserErrorCode::Required, "account", "Every opportunity has an account.");
            None
        }
    }
}

/// Moves a row's opportunity to the stage given.
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
                check.fault(UserErrorCode::Conflict, "stage", BOOKED);
            }
            move_to(after, stage);
        }
    }
}

/// When and why a row's opportunity ended, where it did.
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
            check.invalid(
                "closedOn",
                format!("Only a won or lost opportunity has a day of closing; this one is {stage}."),
            );
        }
        MaybeUndefined::Null if is_closed => {
            check.fault(UserErrorCode::Required, "closedOn", "A won or lost opportunity has a day of closing.");
        }
        MaybeUndefined::Undefined if closes => after.closed_on = Some(today),
        MaybeUndefined::Undefined | MaybeUndefined::Null => {}
    }
    check.change("lossReason", loss_reason, NOTE, &mut after.loss_reason);
    if after.stage != Stored::Lost {
        after.loss_reason = None;
    }
}

/// Who is to own a row's opportunity.
fn owner(ground: &Ground<'_>, check: &mut Validator, after: &mut opportunity::Model, given: &MaybeUndefined<String>) {
    match given {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => check.fault(UserErrorCode::Required, "ownerEmail", "Every opportunity has an owner."),
        MaybeUndefined::Value(email) => match ground.lookup.user_id(email) {
            // Who closed it did so, even where they have left since; and who has it, has it.
            Some(user) if is_closed(after.stage) || user == after.owner_id => after.owner_id = user,
            _ => {
                if let Some(user) = ground.lookup.user(check, "ownerEmail", email) {
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
    fn what_closes_without_a_day_closes_today_and_keeps_that_day() {
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
    fn what_is_booked_stays_won() {
        let won = row(Stored::Won, Some(Day(20)));
        for to in [Stage::Identified, Stage::Lost] {
            let mut check = check_row(0);
            stage_of(&mut check, &mut won.clone(), Some(&won), stage(to), true);
            assert_eq!(check.into_errors()[0].code, UserErrorCode::Conflict);
        }
        // Open ones move among the open stages, and may be won.
        let open = row(Stored::Proposed, None);
        for (to, clean) in [(Stage::Qualified, true), (Stage::Won, true), (Stage::Lost, false)] {
            let mut check = check_row(0);
            stage_of(&mut check, &mut open.clone(), Some(&open), stage(to), true);
            assert_eq!(check.is_clean(), clean, "{to:?}");
        }
    }

    #[test]
    fn only_what_is_closed_has_a_day_of_closing_and_only_what_is_lost_a_reason() {
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
    fn another_system_s_old_day_of_closing_goes_when_it_opens_again() {
        let lost = row(Stored::Lost, Some(Day(20)));
        let (mut after, mut check) = (lost.clone(), check_row(0));
        stage_of(&mut check, &mut after, Some(&lost), stage(Stage::Qualified), false);
        close(Day(30), &mut check, &mut after, Some(&lost), MaybeUndefined::Undefined, &MaybeUndefined::Undefined);
        assert_eq!((after.closed_on, after.stage, check.is_clean()), (None, Stored::Qualified, true));
    }
}
