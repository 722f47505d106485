//! Deciding on a proposal: the other one of the two agrees, or declines with a note.

use std::collections::HashMap;

use async_graphql::{Enum, ID, InputObject};
use entity::target::TargetStatus as Stored;
use entity::{UserId, target};

use super::write::{ARCHIVED, to_change};
use super::{Target, TargetPayload, stands};
use crate::context::RequestContext;
use crate::domain::goal;
use crate::domain::targeting::one_on_one::write::of_decision;
use crate::domain::targeting::target_list;
use crate::domain::user::User;
use crate::error::{Error, Result, UserErrorCode};
use crate::graphql::scalars::Decimal;
use crate::graphql::{Batch, FieldContext};
use crate::values::agreement::{Consent, Parties, Side};
use crate::write::Write;
use crate::write::validator::{Amounts, NOTE, Validator};

/// The decision about a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TargetDecision {
    /// Agree to the proposal: the account becomes a target.
    Agree,
    /// Decline the proposal.
    Decline,
}

/// A decision on a proposal.
#[derive(Clone, Debug, InputObject)]
pub struct DecideTargetInput {
    /// Which one: PROPOSED.
    pub id: ID,
    /// Whether the target goes on the list.
    pub decision: TargetDecision,
    /// Why: up to 20,000 characters. Required where it is declined.
    pub note: Option<String>,
    /// The one-on-one in which it was decided: one of the seller's.
    pub one_on_one_id: Option<ID>,
    /// Proposes this goal, above 0, for the current fiscal year in the same step; agrees to it where it is what waits.
    pub goal_amount: Option<Decimal>,
    /// The version that was read: required. Refused with STALE_VERSION where the target has another version by now.
    pub if_version: Option<i32>,
}

/// Whether a target waits for a user's decision.
#[must_use]
pub fn awaits(target: &target::Model, parties: &Parties, who: UserId) -> bool {
    target.status == Stored::Proposed && parties.awaits(target.proposed_by_id, who)
}

/// Returns the parties of targets that wait for a decision, by seller: one statement.
async fn parties(ctx: &RequestContext, of: &[&Target]) -> Result<HashMap<UserId, Parties>> {
    let waiting = of.iter().filter(|target| target.0.status == Stored::Proposed);
    Parties::of_sellers(ctx.reader(), ctx.viewer()?.organization.id, waiting.map(|target| target.0.seller_id)).await
}

/// Resolves `Target.awaiting`.
pub(super) async fn awaiting(field: &FieldContext<'_>, of: &[&Target]) -> Result<Batch<Vec<User>>> {
    let parties = parties(field.request, of).await?;
    let awaited = |target: &&Target| match parties.get(&target.0.seller_id) {
        Some(parties) if target.0.status == Stored::Proposed => parties.awaited(target.0.proposed_by_id),
        _ => Vec::new(),
    };
    User::lists(field, &of.iter().map(awaited).collect::<Vec<_>>()).await
}

/// Resolves `Target.viewerCanDecide`.
pub(super) async fn viewer_can_decide(field: &FieldContext<'_>, of: &[&Target]) -> Result<Batch<bool>> {
    let (parties, who) = (parties(field.request, of).await?, field.request.viewer()?.user.id);
    let can =
        |target: &&Target| parties.get(&target.0.seller_id).is_some_and(|parties| awaits(&target.0, parties, who));
    Ok(Batch::from_values(field.request, of.iter().map(can)))
}

/// `decideTarget`.
pub async fn decide(ctx: &RequestContext, input: DecideTargetInput) -> Result<TargetPayload> {
    let DecideTargetInput { id, decision, note, one_on_one_id, goal_amount, if_version } = input;
    let viewer = ctx.viewer()?;
    let path = ["input", "id"];
    let mut check = Validator::input();
    let mut write = Write::begin(ctx)?;
    let (before, account) = to_change(viewer, &write.tx, &path, &id).await?;
    let parties = Parties::of(&write.tx, viewer.organization.id, before.seller_id).await?;
    if parties.side(viewer.user.id) == Side::Neither {
        let message = "Only the seller and their managers decide on a target.";
        return Err(Error::refused(UserErrorCode::Forbidden, &path, message));
    }
    if before.status != Stored::Proposed {
        check.version(if_version, before.version);
        check.fault(UserErrorCode::Conflict, "id", format!("{} Only what waits can be decided on.", stands(&before)));
        return check.fail();
    }
    let consent = parties.consent(before.proposed_by_id, viewer.user.id);
    if !awaits(&before, &parties, viewer.user.id) {
        let message = "It takes two: the seller and one of their managers. This is your own side's proposal, and the other \
                       one decides; its proposer may take it back.";
        return Err(Error::refused(UserErrorCode::Forbidden, &path, message));
    }
    if if_version.is_none() {
        check.fault(
            UserErrorCode::Required,
            "ifVersion",
            "A decision requires what was read: give the target's version.",
        );
    }
    check.version(if_version, before.version);
    let mut after = before.clone();
    let was_clean = check.is_clean();
    after.decision_note = check.optional("note", note.as_deref(), NOTE);
    let lacks_note = after.decision_note.is_none() && check.is_clean() == was_clean;
    if let Some(id) = &one_on_one_id {
        after.one_on_one_id = of_decision(viewer, &write.tx, &mut check, "oneOnOneId", id, before.seller_id).await?;
    }
    let what = match (decision, consent) {
        (TargetDecision::Decline, _) => {
            if lacks_note {
                check.fault(UserErrorCode::Required, "note", "Why not? A target is declined with a note.");
            }
            decided(&mut after, viewer.user.id, write.at);
            after.status = Stored::Declined;
            "declined"
        }
        (TargetDecision::Agree, _) if account.archived_at.is_some() => {
            check.fault(UserErrorCode::Conflict, "id", ARCHIVED);
            "updated"
        }
        (TargetDecision::Agree, Consent::Agreed) => {
            decided(&mut after, viewer.user.id, write.at);
            after.status = Stored::Agreed;
            after.since = Some(write.at);
            "agreed"
        }
        (TargetDecision::Agree, _) => {
            after.proposed_by_id = viewer.user.id;
            "seconded"
        }
    };
    let goal_amount = match goal_amount {
        Some(_) if decision == TargetDecision::Decline => {
            check.invalid("goalAmount", "What is declined has no goal.");
            None
        }
        Some(amount) => check.amount("goalAmount", amount, viewer.currency, Amounts::Positive),
        None => None,
    };
    check.finish()?;
    let after = write.change(&before, after).await?;
    write.rename_last_event(what);
    if let Some(amount) = goal_amount {
        let year = viewer.fiscal_year(ctx.now);
        let present = goal::write::of_year(&write, account.id, year).await?;
        goal::write::propose(&mut write, viewer, &account, year, amount, present).await?;
    }
    let over_capacity_by = match decision {
        TargetDecision::Agree => target_list::over_capacity_by(ctx, &write.tx, after.seller_id).await?,
        TargetDecision::Decline => None,
    };
    write.commit().await?;
    Ok(TargetPayload { over_capacity_by, ..TargetPayload::of(after) })
}

fn decided(target: &mut target::Model, by: entity::UserId, at: entity::Instant) {
    target.decided_by_id = Some(by);
    target.decided_at = Some(at);
}
