//! Scheduling one-on-ones, changing and holding them.

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::{AccountId, Id, OneOnOneId, UserId, account, one_on_one, user};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect};

use super::{AgendaItem, OneOnOne, OneOnOnePayload};
use crate::context::{RequestContext, Viewer};
use crate::domain::account::team::active_member;
use crate::error::{Error, Result, UserErrorCode};
use crate::graphql::scalars::DateTime;
use crate::values::agreement::{Parties, Side};
use crate::write::Write;
use crate::write::validator::{NOTE, Validator};

/// Items of one agenda at most.
const MOST: usize = 200;

/// A new one-on-one.
#[derive(Clone, Debug, InputObject)]
pub struct ScheduleOneOnOneInput {
    /// The seller: an active member.
    pub seller_id: ID,
    /// A user above the seller in the reporting line. By default the caller if they are above the seller, else the nearest one.
    pub manager_id: Option<ID>,
    /// The time at which it is to be held.
    pub scheduled_for: DateTime,
    /// The agenda: at most 200 accounts that the caller sees, each once.
    pub items: Option<Vec<OneOnOneItemInput>>,
}

/// One account of an agenda.
#[derive(Clone, Debug, InputObject)]
pub struct OneOnOneItemInput {
    /// The account.
    pub account_id: ID,
    /// The topic: up to 20,000 characters.
    pub note: Option<String>,
}

/// A change of a one-on-one that was not held yet. A field left out stays as it is, and null clears it.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateOneOnOneInput {
    /// Which one.
    pub id: ID,
    /// The time at which it is to be held.
    pub scheduled_for: MaybeUndefined<DateTime>,
    /// The time at which it was held, not in the future. It cannot be changed after that.
    pub held_at: MaybeUndefined<DateTime>,
    /// Notes of the conversation: up to 20,000 characters.
    pub notes: MaybeUndefined<String>,
    /// The agenda, all of it: at most 200 accounts that the caller sees, each once.
    pub items: MaybeUndefined<Vec<OneOnOneItemInput>>,
    /// Refuses the change with STALE_VERSION where the one-on-one is at another version.
    pub if_version: Option<i32>,
}

impl OneOnOnePayload {
    fn of(row: one_on_one::Model) -> Self {
        Self { one_on_one: Some(OneOnOne(row)), ..Self::default() }
    }
}

/// Resolves `Mutation.scheduleOneOnOne`.
pub async fn schedule(ctx: &RequestContext, input: ScheduleOneOnOneInput) -> Result<OneOnOnePayload> {
    let ScheduleOneOnOneInput { seller_id, manager_id, scheduled_for, items } = input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let seller = active_member(ctx, &write, &mut check, "sellerId", &seller_id).await?;
    let mut manager = None;
    if let Some(seller) = &seller {
        let parties = Parties::of(&write.tx, viewer.organization.id, seller.id).await?;
        if parties.side(viewer.user.id) == Side::Neither && !viewer.sees_everything() {
            let message = "A one-on-one is scheduled by the seller, their managers, or an administrator.";
            check.fault(UserErrorCode::Forbidden, "sellerId", message);
        }
        manager = match &manager_id {
            Some(id) => named_manager(ctx, &write, &mut check, &parties, seller, id).await?,
            None if parties.side(viewer.user.id) == Side::Above => Some(viewer.user.id),
            None => parties.above.first().copied(),
        };
        if manager.is_none() && check.is_clean() {
            let message = format!("{} has no manager: a one-on-one takes two people.", seller.name);
            check.fault(UserErrorCode::Required, "managerId", message);
        }
    }
    let items = agenda(viewer, &write.tx, &mut check, items.as_deref().unwrap_or_default()).await?;
    check.finish()?;
    let (Some(seller), Some(manager_id)) = (seller, manager) else {
        return check.fail();
    };
    let row = one_on_one::Model {
        id: OneOnOneId::make(),
        organization_id: viewer.organization.id,
        manager_id,
        seller_id: seller.id,
        scheduled_for: scheduled_for.0,
        held_at: None,
        notes: None,
        items,
        created_at: ctx.now,
        updated_at: ctx.now,
        version: 0,
    };
    let row = write.add(row).await?;
    write.rename_last_event("scheduled");
    write.commit().await?;
    Ok(OneOnOnePayload::of(row))
}

async fn named_manager(
    ctx: &RequestContext,
    write: &Write<'_>,
    check: &mut Validator,
    parties: &Parties,
    seller: &user::Model,
    id: &ID,
) -> Result<Option<UserId>> {
    let Some(manager) = active_member(ctx, write, check, "managerId", id).await? else { return Ok(None) };
    if parties.side(manager.id) != Side::Above {
        check.invalid("managerId", format!("{} is not above {} in the line.", manager.name, seller.name));
    }
    Ok(Some(manager.id))
}

/// Returns an agenda in stored form.
async fn agenda<C: ConnectionTrait>(
    viewer: &Viewer,
    connection: &C,
    check: &mut Validator,
    given: &[OneOnOneItemInput],
) -> Result<String> {
    if given.len() > MOST {
        let message = format!("An agenda has at most {MOST} items; {} were given.", given.len());
        check.fault(UserErrorCode::LimitExceeded, "items", message);
        return Ok("[]".to_owned());
    }
    let wanted: Vec<AccountId> = given.iter().filter_map(|item| AccountId::parse(&item.account_id).ok()).collect();
    let seen: Vec<AccountId> = if wanted.is_empty() {
        Vec::new()
    } else {
        let accounts = viewer.accounts().filter(account::Column::Id.is_in(wanted)).all(connection).await?;
        accounts.into_iter().map(|row| row.id).collect()
    };
    let mut items: Vec<AgendaItem> = Vec::with_capacity(given.len());
    for (at, OneOnOneItemInput { account_id, note }) in given.iter().enumerate() {
        let field = format!("items.{at}.accountId");
        let note = check.optional(&format!("items.{at}.note"), note.as_deref(), NOTE);
        let Some(id) = check.id::<AccountId>(&field, account_id) else { continue };
        if !seen.contains(&id) {
            check.not_found(&field, AccountId::PREFIX);
        } else if items.iter().any(|item| item.account == id.show()) {
            check.invalid(&field, "This account is on the agenda before.");
        } else {
            items.push(AgendaItem { account: id.show(), note });
        }
    }
    Ok(serde_json::to_string(&items).unwrap_or_else(|_| "[]".to_owned()))
}

/// Resolves `Mutation.updateOneOnOne`.
pub async fn update(ctx: &RequestContext, input: UpdateOneOnOneInput) -> Result<OneOnOnePayload> {
    let UpdateOneOnOneInput { id, scheduled_for, held_at, notes, items, if_version } = input;
    let viewer = ctx.viewer()?;
    let path = ["input", "id"];
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let not_found = || Error::refused(UserErrorCode::NotFound, &path, "There is no one-on-one with this id.");
    let id = OneOnOneId::parse(&id).map_err(|_| not_found())?;
    let select = viewer.one_on_ones().filter(one_on_one::Column::Id.eq(id));
    let before = select.lock_exclusive().one(&write.tx).await?.ok_or_else(not_found)?;
    if ![before.seller_id, before.manager_id].contains(&viewer.user.id) {
        return Err(Error::refused(UserErrorCode::Forbidden, &path, "Only its two may change a one-on-one."));
    }
    if let Some(at) = before.held_at {
        let message = format!("It was held at {at} and stays as it is: a correction is a new one-on-one.");
        return Err(Error::refused(UserErrorCode::Conflict, &path, message));
    }
    check.version(if_version, before.version);
    let mut after = before.clone();
    match scheduled_for {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => check.fault(UserErrorCode::Required, "scheduledFor", "This cannot be cleared."),
        MaybeUndefined::Value(at) => after.scheduled_for = at.0,
    }
    if let MaybeUndefined::Value(DateTime(at)) = held_at {
        if at > ctx.now {
            check.invalid("heldAt", format!("heldAt ({at}) is still to come: it is {} now.", ctx.now));
        }
        after.held_at = Some(at);
    }
    check.change("notes", &notes, NOTE, &mut after.notes);
    match &items {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => after.items = "[]".to_owned(),
        MaybeUndefined::Value(items) => after.items = agenda(viewer, &write.tx, &mut check, items).await?,
    }
    check.finish()?;
    let after = write.change(&before, after).await?;
    if after.held_at.is_some() {
        write.rename_last_event("held");
    }
    write.commit().await?;
    Ok(OneOnOnePayload::of(after))
}

/// Returns the one-on-one that an input names for a decision. The caller must see it, and it must be with this seller.
pub(crate) async fn of_decision<C: ConnectionTrait>(
    viewer: &Viewer,
    connection: &C,
    check: &mut Validator,
    field: &str,
    id: &ID,
    seller: UserId,
) -> Result<Option<OneOnOneId>> {
    let found = match OneOnOneId::parse(id) {
        Ok(id) => viewer.one_on_ones().filter(one_on_one::Column::Id.eq(id)).one(connection).await?,
        Err(_) => None,
    };
    match &found {
        None => check.not_found(field, "one-on-one"),
        Some(row) if row.seller_id != seller => {
            check.invalid(field, "This one-on-one is with another seller than the target's.");
        }
        Some(_) => {}
    }
    Ok(found.map(|row| row.id))
}
