//! Proposing targets, changing, withdrawing and closing them.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use entity::target::TargetStatus as Stored;
use entity::{Id, Scoped, TargetId, account, target};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect};

use super::{TargetKind, TargetPayload, TargetSource, is_open, stands};
use crate::context::{AccountAccess, RequestContext, Viewer};
use crate::domain::account::team;
use crate::domain::targeting::one_on_one::write::of_decision;
use crate::domain::targeting::target_list;
use crate::error::{Error, Result, UserErrorCode};
use crate::graphql::node_input;
use crate::write::Write;
use crate::write::validator::{NOTE, Validator};
use database::transaction::Transaction;

/// A candidate.
#[derive(Clone, Debug, InputObject)]
pub struct ProposeTargetInput {
    /// The account: not archived, and neither a target nor proposed. The target is its owner's.
    pub account_id: ID,
    /// Whether the account is to be won or grown. Not checked against the account's standing.
    pub kind: TargetKind,
    /// Why this one: 1 to 20,000 characters.
    pub rationale: String,
    /// The role that had the idea.
    #[graphql(default_with = "Some(TargetSource::Seller)")]
    pub source: Option<TargetSource>,
    /// The one-on-one in which it came up: one of the seller's.
    pub one_on_one_id: Option<ID>,
}

/// A change of a target that is open. A field left out stays as it is.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateTargetInput {
    /// Which one: PROPOSED or AGREED.
    pub id: ID,
    /// Whether the account is to be won or grown.
    pub kind: MaybeUndefined<TargetKind>,
    /// Why this one: 1 to 20,000 characters.
    pub rationale: MaybeUndefined<String>,
    /// Refuses the change with STALE_VERSION where the target is at another version.
    pub if_version: Option<i32>,
}

/// The outcome with which a target is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TargetClosing {
    /// The target was won.
    Won,
    /// The target was given up.
    Dropped,
}

/// Taking an account off the list.
#[derive(Clone, Debug, InputObject)]
pub struct CloseTargetInput {
    /// Which one: AGREED.
    pub id: ID,
    /// Won, or given up.
    pub r#as: TargetClosing,
    /// Why: up to 20,000 characters. Required where it is dropped.
    pub note: Option<String>,
    /// The expected version. The change fails with STALE_VERSION if the target has another version.
    pub if_version: Option<i32>,
}

node_input! {
    /// A proposed target to withdraw.
    WithdrawTargetInput {
        /// The id of the target: PROPOSED.
        id,
        /// The expected version. The change fails with STALE_VERSION if the target has another version.
        if_version
    }
}

/// Why an archived account becomes no target.
pub(super) const ARCHIVED: &str = "The account is archived: restore it first.";

/// `proposeTarget`.
pub async fn propose(ctx: &RequestContext, input: ProposeTargetInput) -> Result<TargetPayload> {
    let ProposeTargetInput { account_id, kind, rationale, source, one_on_one_id } = input;
    let viewer = ctx.viewer()?;
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let account = team::responsible_for(ctx, &write, &mut check, "accountId", &account_id).await?;
    let rationale = check.required("rationale", &rationale, NOTE);
    let mut one_on_one = None;
    if let Some(account) = &account {
        if account.archived_at.is_some() {
            check.fault(UserErrorCode::Conflict, "accountId", ARCHIVED);
        }
        if let Some(open) = open_of(&write.tx, viewer, account).await? {
            let message = format!("{} is a target already, or proposed as one. {}", account.name, stands(&open));
            check.fault(UserErrorCode::Conflict, "accountId", message);
        }
        if let Some(id) = &one_on_one_id {
            one_on_one = of_decision(viewer, &write.tx, &mut check, "oneOnOneId", id, account.owner_id).await?;
        }
    }
    check.finish()?;
    let Some(account) = account else { return check.fail() };
    let row = target::Model {
        id: TargetId::make(),
        organization_id: viewer.organization.id,
        account_id: account.id,
        seller_id: account.owner_id,
        kind: kind.into(),
        status: Stored::Proposed,
        source: source.unwrap_or(TargetSource::Seller).into(),
        rationale,
        proposed_by_id: viewer.user.id,
        proposed_at: write.at,
        decided_by_id: None,
        decided_at: None,
        decision_note: None,
        since: None,
        until: None,
        closing_note: None,
        one_on_one_id: one_on_one,
        updated_at: write.at,
        version: 0,
        score: account.score,
    };
    let row = write.add(row).await?;
    write.rename_last_event("proposed");
    let over_capacity_by = target_list::over_capacity_by(ctx, &write.tx, row.seller_id).await?;
    write.commit().await?;
    Ok(TargetPayload { over_capacity_by, ..TargetPayload::of(row) })
}

/// The open target of an account.
async fn open_of(tx: &Transaction<'_>, viewer: &Viewer, account: &account::Model) -> Result<Option<target::Model>> {
    let open = target::Entity::of(viewer.organization.id)
        .filter(target::Column::AccountId.eq(account.id))
        .filter(target::Column::Status.is_in([Stored::Proposed, Stored::Agreed]));
    Ok(open.one(tx).await?)
}

/// A target that an input names to be changed, with its account: both locked, the account first, as whatever changes an
/// account and then its targets does.
pub(super) async fn to_change<C: ConnectionTrait>(
    viewer: &Viewer,
    connection: &C,
    path: &[&str],
    id: &ID,
) -> Result<(target::Model, account::Model)> {
    let not_found = || Error::refused(UserErrorCode::NotFound, path, "There is no target with this id.");
    let id = TargetId::parse(id).map_err(|_| not_found())?;
    let select = viewer.rows::<target::Entity>(target::Column::AccountId).filter(target::Column::Id.eq(id));
    let found = select.clone().one(connection).await?.ok_or_else(not_found)?;
    let account = viewer.account(connection, found.account_id, true).await?.ok_or_else(not_found)?;
    let row = select.lock_exclusive().one(connection).await?.ok_or_else(not_found)?;
    Ok((row, account))
}

fn must_answer_for(viewer: &Viewer, path: &[&str], account: &account::Model) -> Result<()> {
    if viewer.access(account) == AccountAccess::Responsible {
        return Ok(());
    }
    let message = "Only the account's owner, their managers and admins may do this.";
    Err(Error::refused(UserErrorCode::Forbidden, path, message))
}

/// `updateTarget`.
pub async fn update(ctx: &RequestContext, input: UpdateTargetInput) -> Result<TargetPayload> {
    let UpdateTargetInput { id, kind, rationale, if_version } = input;
    let viewer = ctx.viewer()?;
    let path = ["input", "id"];
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let (before, account) = to_change(viewer, &write.tx, &path, &id).await?;
    must_answer_for(viewer, &path, &account)?;
    check.version(if_version, before.version);
    if !is_open(before.status) {
        check.fault(UserErrorCode::Conflict, "id", format!("{} It stays as it is.", stands(&before)));
    }
    let mut after = before.clone();
    let mut given = TargetKind::from(before.kind);
    check.change_set("kind", &kind, &mut given);
    after.kind = given.into();
    check.change_required("rationale", &rationale, NOTE, &mut after.rationale);
    check.finish()?;
    let after = write.change(&before, after).await?;
    write.commit().await?;
    Ok(TargetPayload::of(after))
}

/// `withdrawTarget`: the proposer takes the proposal back.
pub async fn withdraw(ctx: &RequestContext, input: WithdrawTargetInput) -> Result<TargetPayload> {
    let viewer = ctx.viewer()?;
    let path = ["input", "id"];
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let (before, _) = to_change(viewer, &write.tx, &path, &input.id).await?;
    if before.proposed_by_id != viewer.user.id {
        let message = "Only its proposer takes a proposal back; the other side may decline it.";
        return Err(Error::refused(UserErrorCode::Forbidden, &path, message));
    }
    check.version(input.if_version, before.version);
    if before.status != Stored::Proposed {
        check.fault(UserErrorCode::Conflict, "id", format!("{} Only what waits can be taken back.", stands(&before)));
    }
    check.finish()?;
    let after = target::Model { status: Stored::Withdrawn, ..before.clone() };
    let after = write.change(&before, after).await?;
    write.rename_last_event("withdrawn");
    write.commit().await?;
    Ok(TargetPayload::of(after))
}

/// `closeTarget`.
pub async fn close(ctx: &RequestContext, input: CloseTargetInput) -> Result<TargetPayload> {
    let CloseTargetInput { id, r#as, note, if_version } = input;
    let viewer = ctx.viewer()?;
    let path = ["input", "id"];
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let (before, account) = to_change(viewer, &write.tx, &path, &id).await?;
    must_answer_for(viewer, &path, &account)?;
    check.version(if_version, before.version);
    if before.status != Stored::Agreed {
        let message = format!("{} Only what is on the list can be taken off it.", stands(&before));
        check.fault(UserErrorCode::Conflict, "id", message);
    }
    let was_clean = check.is_clean();
    let note = check.optional("note", note.as_deref(), NOTE);
    if r#as == TargetClosing::Dropped && note.is_none() && check.is_clean() == was_clean {
        check.fault(UserErrorCode::Required, "note", "Why is it given up? A target is dropped with a note.");
    }
    check.finish()?;
    let (status, what) = match r#as {
        TargetClosing::Won => (Stored::Won, "won"),
        TargetClosing::Dropped => (Stored::Dropped, "dropped"),
    };
    let after = target::Model { status, until: Some(write.at), closing_note: note, ..before.clone() };
    let after = write.change(&before, after).await?;
    write.rename_last_event(what);
    write.commit().await?;
    Ok(TargetPayload::of(after))
}
