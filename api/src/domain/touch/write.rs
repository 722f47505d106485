//! Mutations that log, schedule, update, complete, cancel and delete touches.
//!
//! A user who sees an account may create touches there. A touch may be changed by its user, by the owner of the account, by
//! those above the owner, and by administrators.

use async_graphql::{ID, MaybeUndefined};
use chrono_tz::Tz;
use entity::{
    AccountId, Id, Instant, OpportunityId, OrganizationId, Scoped, TouchId, UserId, account, opportunity, touch, user,
};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use super::input::{
    CancelTouchInput, CompleteTouchInput, DeleteTouchInput, LogTouchInput, ScheduleTouchInput, UpdateTouchInput,
    check_time,
};
use super::people::{self, Parts, zone_of};
use super::version::{self, Versions};
use super::weight::missed_at;
use super::{TouchDirection, TouchKind, TouchPayload, ValueKind};
use crate::context::{RequestContext, Viewer};
use crate::domain::account::team;
use crate::domain::plan::action;
use crate::domain::promise::write as promise;
use crate::domain::upsert::given;
use crate::error::{Error, Result, UserErrorCode};
use crate::write::Write;
use crate::write::external_ids::ExternalIdInput;
use crate::write::validator::{NAME, NOTE, Validator};

/// The maximum length of a touch in minutes: a day.
const LONGEST: i32 = 1_440;

/// The changes of a touch that an input or a row of an upsert may contain.
#[derive(Default)]
pub(super) struct Changes<'a> {
    pub kind: MaybeUndefined<TouchKind>,
    pub direction: MaybeUndefined<TouchDirection>,
    pub duration_minutes: MaybeUndefined<i32>,
    pub subject: Option<&'a MaybeUndefined<String>>,
    pub notes: Option<&'a MaybeUndefined<String>>,
    pub responded: MaybeUndefined<bool>,
    pub value: MaybeUndefined<ValueKind>,
    pub value_acknowledged: MaybeUndefined<bool>,
    pub commitment_asked: Option<&'a MaybeUndefined<String>>,
    pub commitment_given: MaybeUndefined<bool>,
}

impl Changes<'_> {
    /// Checks the changes and applies them.
    pub(super) fn apply(self, check: &mut Validator, to: &mut touch::Model) {
        let Self {
            kind,
            direction,
            duration_minutes,
            subject,
            notes,
            responded,
            value,
            value_acknowledged,
            commitment_asked,
            commitment_given,
        } = self;
        check.change_set("kind", &kind.map_value(touch::TouchKind::from), &mut to.kind);
        check.change_set("direction", &direction.map_value(touch::TouchDirection::from), &mut to.direction);
        check.change_with("durationMinutes", &duration_minutes, &mut to.duration_minutes, |check, field, minutes| {
            check.within(field, minutes, 1, LONGEST)
        });
        for (field, given, most, target) in [
            ("subject", subject, NAME, &mut to.subject),
            ("notes", notes, NOTE, &mut to.notes),
            ("commitmentAsked", commitment_asked, NOTE, &mut to.commitment_asked),
        ] {
            if let Some(given) = given {
                check.change(field, given, most, target);
            }
        }
        check.change_set("responded", &responded, &mut to.responded);
        check.change_with("value", &value, &mut to.value, |_, _, value| Some(value.into()));
        check.change_set("valueAcknowledged", &value_acknowledged, &mut to.value_acknowledged);
        check.change_with("commitmentGiven", &commitment_given, &mut to.commitment_given, |_, _, given| Some(given));
        if to.value_acknowledged && to.value.is_none() {
            check.invalid(
                "valueAcknowledged",
                "Say what the client got out of it (value) where it was of use, or give valueAcknowledged: false.",
            );
        }
        if to.commitment_given.is_some() && to.commitment_asked.is_none() {
            check.invalid(
                "commitmentGiven",
                "Say which commitment was asked for (commitmentAsked), or clear commitmentGiven.",
            );
        }
    }
}

/// Returns an empty touch, created now.
pub(super) fn blank(organization: OrganizationId, user: UserId, now: Instant) -> touch::Model {
    touch::Model {
        id: TouchId::make(),
        organization_id: organization,
        account_id: AccountId(uuid::Uuid::nil()),
        user_id: user,
        kind: touch::TouchKind::Other,
        status: touch::TouchStatus::Completed,
        direction: touch::TouchDirection::Outbound,
        at: now,
        missed_at: now,
        duration_minutes: None,
        recorded_at: now,
        subject: None,
        notes: None,
        responded: false,
        value: None,
        value_acknowledged: false,
        commitment_asked: None,
        commitment_given: None,
        opportunity_id: None,
        action_id: None,
        contact_ids: "[]".to_owned(),
        external_ids: "[]".to_owned(),
        created_at: now,
        updated_at: now,
        version: 0,
        weight: 0,
        answered: false,
        minutes: 0,
        known_at: now,
        shape: 0,
    }
}

/// The rows that a new touch refers to.
struct Around {
    account_id: ID,
    contact_ids: Option<Vec<ID>>,
    opportunity_id: Option<ID>,
    action_id: Option<ID>,
    user_id: Option<ID>,
    external_ids: Option<Vec<ExternalIdInput>>,
}

/// Resolves `Mutation.logTouch`, which records a completed touch.
pub async fn log(ctx: &RequestContext, input: LogTouchInput) -> Result<TouchPayload> {
    let LogTouchInput {
        account_id,
        contact_ids,
        kind,
        direction,
        at,
        duration_minutes,
        subject,
        notes,
        responded,
        value,
        value_acknowledged,
        commitment_asked,
        commitment_given,
        opportunity_id,
        action_id,
        user_id,
        external_ids,
    } = input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut touch = blank(viewer.organization.id, viewer.user.id, ctx.now);
    touch.at = at.map_or(ctx.now, |at| at.0);
    Changes {
        kind: MaybeUndefined::Value(kind),
        direction: given(direction),
        duration_minutes: given(duration_minutes),
        subject: Some(&given(subject)),
        notes: Some(&given(notes)),
        responded: given(responded),
        value: given(value),
        value_acknowledged: given(value_acknowledged),
        commitment_asked: Some(&given(commitment_asked)),
        commitment_given: given(commitment_given),
    }
    .apply(&mut check, &mut touch);
    add(ctx, check, touch, Around { account_id, contact_ids, opportunity_id, action_id, user_id, external_ids }).await
}

/// Resolves `Mutation.scheduleTouch`.
pub async fn schedule(ctx: &RequestContext, input: ScheduleTouchInput) -> Result<TouchPayload> {
    let ScheduleTouchInput {
        account_id,
        contact_ids,
        kind,
        at,
        duration_minutes,
        subject,
        notes,
        opportunity_id,
        action_id,
        user_id,
        external_ids,
    } = input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut touch = touch::Model {
        status: touch::TouchStatus::Scheduled,
        at: at.0,
        ..blank(viewer.organization.id, viewer.user.id, ctx.now)
    };
    Changes {
        kind: MaybeUndefined::Value(kind),
        duration_minutes: given(duration_minutes),
        subject: Some(&given(subject)),
        notes: Some(&given(notes)),
        ..Changes::default()
    }
    .apply(&mut check, &mut touch);
    add(ctx, check, touch, Around { account_id, contact_ids, opportunity_id, action_id, user_id, external_ids }).await
}

async fn add(
    ctx: &RequestContext,
    mut check: Validator,
    mut touch: touch::Model,
    around: Around,
) -> Result<TouchPayload> {
    let Around { account_id, contact_ids, opportunity_id, action_id, user_id, external_ids } = around;
    let viewer = ctx.viewer()?;
    check_time(&mut check, "at", touch.status, touch.at, ctx.now);
    let names = external_ids.as_deref().unwrap_or_default();
    touch.external_ids = check.external_ids("externalIds", names);
    let mut write = Write::begin(ctx)?;
    // Rarely needed steps are boxed, because they would enlarge the future of every touch.
    let mut zone = zone_of(&viewer.user);
    if let Some(id) = &user_id
        && let Some(user) = Box::pin(team::active_member(ctx, &write, &mut check, "userId", id)).await?
    {
        check_user(ctx, &mut check, "userId", user.id)?;
        zone = zone_of(&user);
        touch.user_id = user.id;
    }
    touch.missed_at = missed_at(touch.at, zone);
    touch.account_id = AccountId::parse(&account_id).unwrap_or(touch.account_id);
    let given = contact_ids.as_deref().unwrap_or_default();
    let present = people::distinct(given);
    if let Some(id) = &opportunity_id {
        touch.opportunity_id = Box::pin(opportunity_for(ctx, &write, &mut check, id, touch.account_id)).await?;
    }
    if let Some(id) = &action_id {
        touch.action_id = Box::pin(action::for_touch(viewer, &write, &mut check, id, touch.account_id)).await?;
    }
    check.require_unique(&write, TouchId::PREFIX, touch.id.uuid(), names, None).await?;
    // The write itself checks that the account and the contacts exist. Here it is checked together with other errors, and before
    // a user joins the account's team.
    let joins = touch.user_id != viewer.user.id;
    if joins || present.is_none() || !check.is_clean() || touch.account_id.uuid().is_nil() {
        // On the connection of the write itself: holding one connection while waiting for a second may deadlock.
        Box::pin(people::missing(&write.tx, viewer, &mut check, &account_id, given)).await?;
        check.finish()?;
    }
    let present = present.unwrap_or_default();
    touch.contact_ids = people::stored(&present);
    if joins {
        Box::pin(team::join(&mut write, touch.organization_id, &[(touch.account_id, touch.user_id)])).await?;
    }
    if touch.action_id.is_some() {
        write = Box::pin(action::complete_by_touch(viewer, write, &touch)).await?;
    }
    let touch = write.defer_insert(touch);
    let mut parts = Parts::default();
    parts.note(None, &touch);
    parts.save_last(&mut write);
    if write.commit_if(|sql| people::are_there(viewer, touch.account_id, &present, sql)).await? {
        return Ok(touch.into());
    }
    Box::pin(people::missing(ctx.reader(), viewer, &mut check, &account_id, given)).await?;
    if check.is_clean() {
        let message = "The account or one of the contacts was changed at this moment: send it again.";
        check.fault(UserErrorCode::Conflict, "accountId", message);
    }
    check.fail()
}

/// Rejects a user of a touch who is not below the caller.
pub(super) fn check_user(ctx: &RequestContext, check: &mut Validator, field: &str, user: UserId) -> Result<()> {
    if !ctx.viewer()?.is_above_or_is(user) {
        check.fault(UserErrorCode::Forbidden, field, "Only their manager or an admin enters touches for another user.");
    }
    Ok(())
}

/// Returns the opportunity of an input, which must belong to the touch's account.
async fn opportunity_for(
    ctx: &RequestContext,
    write: &Write<'_>,
    check: &mut Validator,
    id: &ID,
    account: AccountId,
) -> Result<Option<OpportunityId>> {
    let Some(id) = check.id::<OpportunityId>("opportunityId", id) else { return Ok(None) };
    let seen = ctx.viewer()?.rows::<opportunity::Entity>(opportunity::Column::AccountId);
    // Locked, so that it is not deleted or moved in the meantime.
    match seen.filter(opportunity::Column::Id.eq(id)).lock_shared().one(&write.tx).await? {
        None => check.not_found("opportunityId", "opportunity"),
        // An error of the account itself has been reported already.
        Some(found) if found.account_id != account && !account.uuid().is_nil() => {
            check.invalid("opportunityId", format!("{} is an opportunity of another account.", found.name));
        }
        Some(_) => return Ok(Some(id)),
    }
    Ok(None)
}

/// Returns the touch of an input, locked, with its account; rejects callers who may not change it.
async fn changeable(
    ctx: &RequestContext,
    write: &Write<'_>,
    path: &[&str],
    id: &ID,
) -> Result<(touch::Model, account::Model)> {
    let viewer = ctx.viewer()?;
    let gone = || Error::refused(UserErrorCode::NotFound, path, "There is no touch with this id.");
    let id = TouchId::parse(id).map_err(|_| gone())?;
    let seen = viewer.rows::<touch::Entity>(touch::Column::AccountId).filter(touch::Column::Id.eq(id));
    let touch = seen.lock_exclusive().one(&write.tx).await?.ok_or_else(gone)?;
    let account = viewer.account(&write.tx, touch.account_id, false).await?.ok_or_else(gone)?;
    if !may_change(viewer, touch.user_id, account.owner_id) {
        return Err(Error::refused(UserErrorCode::Forbidden, path, FORBIDDEN));
    }
    Ok((touch, account))
}

/// The message of the error for a touch that the caller may not change.
pub(super) const FORBIDDEN: &str = "Only the touch's user, the account's owner, their managers and admins may do this.";

/// Whether the viewer may change a touch: it is their own, or they are responsible for its account.
pub(super) fn may_change(viewer: &Viewer, user: UserId, owner: UserId) -> bool {
    user == viewer.user.id || viewer.is_responsible_for(owner)
}

/// Returns the time zone of a touch's user.
async fn users_zone(ctx: &RequestContext, write: &Write<'_>, touch: &touch::Model) -> Result<Tz> {
    let viewer = ctx.viewer()?;
    if touch.user_id == viewer.user.id {
        return Ok(zone_of(&viewer.user));
    }
    let user =
        user::Entity::of(touch.organization_id).filter(user::Column::Id.eq(touch.user_id)).one(&write.tx).await?;
    Ok(user.as_ref().map_or(Tz::UTC, zone_of))
}

/// Saves a change of one touch, together with its versions and the rows of its contacts.
async fn save(
    ctx: &RequestContext,
    write: &mut Write<'_>,
    before: &touch::Model,
    mut after: touch::Model,
) -> Result<touch::Model> {
    if after.at != before.at {
        after.missed_at = missed_at(after.at, users_zone(ctx, write, &after).await?);
    }
    after.known_at = version::known_at(before, &after, write.at);
    let after = write.change(before, after).await?;
    let (mut parts, mut versions) = (Parts::default(), Versions::default());
    parts.note(Some(before), &after);
    parts.save(write).await?;
    versions.note(before, &after);
    versions.save(write).await?;
    Ok(after)
}

/// Resolves `Mutation.updateTouch`.
pub async fn update(ctx: &RequestContext, input: UpdateTouchInput) -> Result<TouchPayload> {
    let UpdateTouchInput {
        id,
        contact_ids,
        kind,
        direction,
        at,
        duration_minutes,
        subject,
        notes,
        responded,
        value,
        value_acknowledged,
        commitment_asked,
        commitment_given,
        opportunity_id,
        action_id,
        if_version,
    } = input;
    let mut write = Write::begin(ctx)?;
    let (before, account) = changeable(ctx, &write, &["input", "id"], &id).await?;
    let mut check = Validator::input();
    check.version(if_version, before.version);
    let mut after = before.clone();
    check.change_set("at", &at.map_value(|at| at.0), &mut after.at);
    if after.at != before.at {
        check_time(&mut check, "at", after.status, after.at, ctx.now);
    }
    Changes {
        kind,
        direction,
        duration_minutes,
        subject: Some(&subject),
        notes: Some(&notes),
        responded,
        value,
        value_acknowledged,
        commitment_asked: Some(&commitment_asked),
        commitment_given,
    }
    .apply(&mut check, &mut after);
    match &contact_ids {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => after.contact_ids = "[]".to_owned(),
        MaybeUndefined::Value(ids) => {
            after.contact_ids =
                people::named(&write.tx, ctx.viewer()?, &mut check, "contactIds", ids, &account, &before.contact_ids)
                    .await?;
        }
    }
    match &opportunity_id {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => after.opportunity_id = None,
        MaybeUndefined::Value(id) => {
            after.opportunity_id = opportunity_for(ctx, &write, &mut check, id, before.account_id).await?;
        }
    }
    match &action_id {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => after.action_id = None,
        MaybeUndefined::Value(id) => {
            after.action_id = action::for_touch(ctx.viewer()?, &write, &mut check, id, before.account_id).await?;
        }
    }
    check.finish()?;
    let after = save(ctx, &mut write, &before, after).await?;
    if after.action_id != before.action_id {
        write = action::complete_by_touch(ctx.viewer()?, write, &after).await?;
    }
    write.commit().await?;
    Ok(after.into())
}

/// Resolves `Mutation.completeTouch`, for a scheduled or missed touch.
pub async fn complete(ctx: &RequestContext, input: CompleteTouchInput) -> Result<TouchPayload> {
    let CompleteTouchInput {
        id,
        at,
        duration_minutes,
        notes,
        responded,
        value,
        value_acknowledged,
        commitment_asked,
        commitment_given,
        if_version,
    } = input;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let (before, _) = changeable(ctx, &write, &["input", "id"], &id).await?;
    check.version(if_version, before.version);
    if let Some(why) = match before.status {
        touch::TouchStatus::Scheduled => None,
        touch::TouchStatus::Completed => Some("This touch is completed already: updateTouch changes it."),
        touch::TouchStatus::Canceled => Some("This touch was called off: log the one that was made."),
    } {
        check.fault(UserErrorCode::Conflict, "id", why);
        return check.fail();
    }
    let at = at.map_or(before.at.min(ctx.now), |at| at.0);
    let mut after = touch::Model { status: touch::TouchStatus::Completed, at, ..before.clone() };
    check_time(&mut check, "at", after.status, at, ctx.now);
    Changes {
        duration_minutes,
        notes: Some(&notes),
        responded: given(responded),
        value,
        value_acknowledged: given(value_acknowledged),
        commitment_asked: Some(&commitment_asked),
        commitment_given,
        ..Changes::default()
    }
    .apply(&mut check, &mut after);
    check.finish()?;
    let after = save(ctx, &mut write, &before, after).await?;
    write.rename_last_event("completed");
    let write = action::complete_by_touch(ctx.viewer()?, write, &after).await?;
    write.commit().await?;
    Ok(after.into())
}

/// Resolves `Mutation.cancelTouch`. Canceling a canceled touch changes nothing.
pub async fn cancel(ctx: &RequestContext, input: CancelTouchInput) -> Result<TouchPayload> {
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let (before, _) = changeable(ctx, &write, &["input", "id"], &input.id).await?;
    check.version(input.if_version, before.version);
    if before.status == touch::TouchStatus::Completed {
        check.fault(UserErrorCode::Conflict, "id", "This touch was made: delete it if it was not.");
    }
    check.finish()?;
    if before.status == touch::TouchStatus::Canceled {
        write.roll_back().await?;
        return Ok(before.into());
    }
    let after = touch::Model { status: touch::TouchStatus::Canceled, ..before.clone() };
    let after = write.change(&before, after).await?;
    write.rename_last_event("canceled");
    write.commit().await?;
    Ok(after.into())
}

/// Resolves `Mutation.deleteTouch`, which returns the touch as it last was.
pub async fn delete(ctx: &RequestContext, input: DeleteTouchInput) -> Result<TouchPayload> {
    let (write, touch) = begin_delete(ctx, input).await?;
    write.commit().await?;
    Ok(touch.into())
}

/// Deletes a touch, and returns it with the change, which is to be committed.
///
/// # Errors
/// As `Mutation.deleteTouch`.
pub async fn begin_delete(ctx: &RequestContext, input: DeleteTouchInput) -> Result<(Write<'_>, touch::Model)> {
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let (touch, _) = changeable(ctx, &write, &["input", "id"], &input.id).await?;
    check.version(input.if_version, touch.version);
    check.finish()?;
    people::forget(&write, vec![touch.id]).await?;
    version::forget(&write, vec![touch.id]).await?;
    promise::release_touches(&mut write, &[touch.id]).await?;
    write.remove(&touch).await?;
    Ok((write, touch))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Returns an empty touch.
    pub(crate) fn touch() -> touch::Model {
        blank(OrganizationId::make(), UserId::make(), Instant(0))
    }

    fn faults(changes: Changes<'_>) -> Vec<String> {
        let mut check = Validator::input();
        changes.apply(&mut check, &mut touch());
        check.into_errors().into_iter().map(|error| error.field.join(".")).collect()
    }

    #[test]
    fn a_touch_takes_a_minute_to_a_day() {
        let lasting =
            |minutes| faults(Changes { duration_minutes: MaybeUndefined::Value(minutes), ..Changes::default() });
        for minutes in [1, 60, 1_440] {
            assert!(lasting(minutes).is_empty(), "{minutes}");
        }
        for minutes in [0, -5, 1_441, 100_000, i32::MIN] {
            assert_eq!(lasting(minutes), ["input.durationMinutes"], "{minutes}");
        }
    }

    #[test]
    fn what_was_of_use_and_what_was_promised_is_said() {
        let yes = MaybeUndefined::Value(true);
        assert_eq!(faults(Changes { value_acknowledged: yes, ..Changes::default() }), ["input.valueAcknowledged"]);
        assert!(
            faults(Changes {
                value_acknowledged: yes,
                value: MaybeUndefined::Value(ValueKind::Idea),
                ..Changes::default()
            })
            .is_empty()
        );
        assert_eq!(faults(Changes { commitment_given: yes, ..Changes::default() }), ["input.commitmentGiven"]);
        let asked = MaybeUndefined::Value("A meeting with the board".to_owned());
        assert!(
            faults(Changes { commitment_given: yes, commitment_asked: Some(&asked), ..Changes::default() }).is_empty()
        );
    }

    #[test]
    fn what_was_made_is_past_and_what_is_to_be_made_to_come() {
        use touch::TouchStatus::{Canceled, Completed, Scheduled};
        let now = Instant(0);
        for (status, minutes, fine) in [
            (Completed, 4, true),
            (Completed, 6, false),
            (Completed, -1_000_000, true),
            (Scheduled, -4, true),
            (Scheduled, -6, false),
            (Scheduled, 1_000_000, true),
            (Canceled, 6, true),
            (Canceled, -6, true),
        ] {
            let mut check = Validator::input();
            check_time(&mut check, "at", status, now.plus_seconds(minutes * 60), now);
            assert_eq!(check.is_clean(), fine, "{status:?} in {minutes} minutes");
        }
    }
}
