//! The annual review of a target list: every target on it is named once, kept or dropped with a note.

use async_graphql::{ID, InputObject};
use entity::target::TargetStatus;
use entity::{AccountId, Id, ListReviewId, Scoped, TargetId, UserId, list_review, target, user};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::TargetList;
use crate::context::RequestContext;
use crate::domain::account::is_active;
use crate::error::{Result, UserErrorCode};
use crate::graphql::payload;
use crate::values::money::Currency;
use crate::write::validator::{NOTE, Validator};
use crate::write::{AuditedRow, Snapshot, Write, audited, snapshot, stored_json};

payload! {
    /// A target list, or the errors of the input.
    TargetListPayload as "TargetListPayload" {
        /// The list as it is now; null where there are userErrors.
        targetList(target_list): TargetList,
    }
}

impl AuditedRow for list_review::Model {
    audited!(list_review, ListReviewId);

    fn account(&self) -> Option<AccountId> {
        None
    }

    fn about(&self) -> Option<UserId> {
        Some(self.seller_id)
    }

    fn snapshot(&self, _: Currency) -> Snapshot {
        let Self {
            id: _,
            organization_id: _,
            seller_id,
            reviewed_by_id,
            reviewed_at,
            kept,
            dropped,
            notes,
            updated_at: _,
            version: _,
        } = self;
        snapshot! {
            "sellerId": seller_id,
            "reviewedById": reviewed_by_id,
            "reviewedAt": reviewed_at,
            "kept": stored_json(kept),
            "dropped": stored_json(dropped),
            "notes": notes,
        }
    }
}

/// A review of a seller's list, which names every target on it once.
#[derive(Clone, Debug, InputObject)]
pub struct ReviewTargetListInput {
    /// The id of the seller whose list it is.
    pub seller_id: ID,
    /// The targets that stay.
    pub keep: Vec<ID>,
    /// The targets that go, each with why.
    pub drop: Vec<DropTargetInput>,
    /// Notes of the conversation: up to 20,000 characters.
    pub notes: Option<String>,
}

/// A target that goes.
#[derive(Clone, Debug, InputObject)]
pub struct DropTargetInput {
    /// Which one.
    pub id: ID,
    /// Why: 1 to 20,000 characters.
    pub note: String,
}

/// `reviewTargetList`.
pub async fn review(ctx: &RequestContext, input: ReviewTargetListInput) -> Result<TargetListPayload> {
    let ReviewTargetListInput { seller_id, keep, drop, notes } = input;
    let viewer = ctx.viewer()?;
    let organization = viewer.organization.id;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let id: Option<UserId> = check.id("sellerId", &seller_id);
    let seller = match id {
        // Locked, so that the seller is not deactivated meanwhile; of two reviews at once the second waits for the targets.
        Some(id) => user::Entity::of(organization).filter(user::Column::Id.eq(id)).lock_shared().one(&write.tx).await?,
        None => None,
    };
    if id.is_some() && seller.is_none() {
        check.not_found("sellerId", UserId::PREFIX);
    }
    if let Some(seller) = &seller
        && !viewer.is_above_or_is(seller.id)
    {
        let message = "A target list is reviewed by its seller, their managers, or an administrator.";
        check.fault(UserErrorCode::Forbidden, "sellerId", message);
    }
    check.finish()?;
    let Some(seller) = seller else { return check.fail() };
    let list = target::Entity::of(organization)
        .filter(target::Column::SellerId.eq(seller.id))
        .filter(target::Column::Status.eq(TargetStatus::Agreed))
        .filter(is_active(target::Column::AccountId))
        .order_by_asc(target::Column::Id)
        .lock_exclusive()
        .all(&write.tx)
        .await?;
    let notes = check.optional("notes", notes.as_deref(), NOTE);
    let (kept, dropped) = named(&mut check, &list, &keep, &drop);
    check.finish()?;
    let gone = list.into_iter().filter_map(|before| {
        let (_, note) = dropped.iter().find(|(id, _)| *id == before.id)?;
        let after = target::Model {
            status: TargetStatus::Dropped,
            until: Some(write.at),
            closing_note: Some(note.clone()),
            ..before.clone()
        };
        Some((Some(before), after))
    });
    let gone = gone.collect();
    write.save_as("dropped", gone).await?;
    let row = list_review::Model {
        id: ListReviewId::make(),
        organization_id: organization,
        seller_id: seller.id,
        reviewed_by_id: viewer.user.id,
        reviewed_at: write.at,
        kept: stored(kept.into_iter()),
        dropped: stored(dropped.iter().map(|(id, _)| *id)),
        notes,
        updated_at: write.at,
        version: 0,
    };
    write.add(row).await?;
    write.commit().await?;
    let mut lists = TargetList::of(ctx, vec![(seller, None)]).await?;
    Ok(TargetListPayload { target_list: lists.pop(), ..TargetListPayload::default() })
}

fn stored(ids: impl Iterator<Item = TargetId>) -> String {
    serde_json::to_string(&ids.map(Id::show).collect::<Vec<_>>()).unwrap_or_else(|_| "[]".to_owned())
}

/// What stays and what goes; every target of the list is named once, which the check says otherwise.
fn named(
    check: &mut Validator,
    list: &[target::Model],
    keep: &[ID],
    drop: &[DropTargetInput],
) -> (Vec<TargetId>, Vec<(TargetId, String)>) {
    let mut seen: Vec<TargetId> = Vec::with_capacity(list.len());
    let mut once = |check: &mut Validator, field: &str, id: &ID| -> Option<TargetId> {
        let found = TargetId::parse(id).ok().filter(|id| list.iter().any(|row| row.id == *id));
        match found {
            None => {
                check.fault(UserErrorCode::NotFound, field, "There is no such target on this list.");
                None
            }
            Some(id) if seen.contains(&id) => {
                check.invalid(field, "This target is named before: each is named once.");
                None
            }
            Some(id) => {
                seen.push(id);
                Some(id)
            }
        }
    };
    let kept: Vec<TargetId> =
        keep.iter().enumerate().filter_map(|(at, id)| once(check, &format!("keep.{at}"), id)).collect();
    let mut dropped = Vec::new();
    for (at, DropTargetInput { id, note }) in drop.iter().enumerate() {
        let id = once(check, &format!("drop.{at}.id"), id);
        let note = check.required(&format!("drop.{at}.note"), note, NOTE);
        dropped.extend(id.map(|id| (id, note)));
    }
    let missing: Vec<String> =
        list.iter().filter(|row| !seen.contains(&row.id)).map(|row| row.id.show()).take(20).collect();
    if !missing.is_empty() {
        check.invalid("keep", format!("Every target of the list is named once; not named: {}.", missing.join(", ")));
    }
    (kept, dropped)
}
