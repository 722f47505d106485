//! Commitments: a plan is signed in its exact wording, and tells ever after whether it is still what was signed.

use std::collections::HashMap;

use async_graphql::{ID, InputObject};
use entity::plan::PlanStatus;
use entity::{
    CommitmentId, Id, Instant, UserId, plan_action, plan_benchmark, plan_commitment, plan_objective, plan_relationship,
};
use serde::{Deserialize, Serialize};
use serde_json::Value as JsonValue;

use super::as_of::contents;
use super::change::Change;
use super::content::{Difference, canonical, differences, fingerprint, stated};
use super::health::Elements;
use super::part::{items, parts_of};
use super::review::next_after;
use super::{Plan, PlanPayload, linked};
use crate::context::RequestContext;
use crate::domain::user::User;
use crate::error::{Error, Result, UserErrorCode};
use crate::graphql::scalars::Json;
use crate::graphql::{Batch, FieldContext, NodeId, object};
use crate::write::validator::{NOTE, Validator, same_version};

/// A commitment to a plan.
#[derive(Clone, Debug)]
pub struct Commitment(pub plan_commitment::Model);

object! {
    /// A written commitment, bound to the plan as it was when signed; it never changes.
    Commitment as "Commitment" Node {
        /// Opaque, prefixed by the type, ascending with time.
        id: NodeId<CommitmentId> = plain(|commitment| NodeId(commitment.0.id));
        /// What was promised.
        statement: &str = plain(|commitment| &commitment.0.statement);
        /// Who signed, in that order.
        signatures: Vec<Signature> = batch(async |field: &FieldContext<'_>, of: &[&Commitment]| {
            let lists: Vec<Vec<Signature>> = of.iter().map(|commitment| signatures(&commitment.0.signatures)).collect();
            field.object_lists(&lists.iter().map(Vec::as_slice).collect::<Vec<_>>()).await
        });
        /// When it was made.
        at: Instant = plain(|commitment| commitment.0.at);
        /// The plan as signed, with the statement: what was meant, by ids, without names of people, progress or anything
        /// derived.
        plan: Json<&str> = plain(|commitment| Json(commitment.0.content.as_str()));
        /// SHA-256 of the plan as signed (its JSON in the canonical form of RFC 8785), in hex.
        fingerprint: &str = plain(|commitment| &commitment.0.fingerprint);
        /// The plan is no longer what was signed. Doing it does not make it so: what is done, achieved, measured, answered or
        /// reviewed is no change.
        stale: bool = batch(stale);
        /// In what the plan differs by now from what was signed.
        changes: Vec<PlanChange> = batch(changes);
    }
}

/// Somebody's signature.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    user: UserId,
    at: Instant,
}

object! {
    /// Somebody's signature.
    Signature as "Signature" {
        /// Who signed.
        user: User = by_key(|signature| signature.user, User::resolve_required);
        /// When.
        at: Instant = plain(|signature| signature.at);
    }
}

/// A place in which a plan differs from what was signed.
#[derive(Clone, Debug)]
pub struct PlanChange(Difference);

object! {
    /// A place in which a plan differs from what was signed.
    PlanChange as "PlanChange" {
        /// Where: names on the way, joined by dots; of an item its id, such as `actions.action_….dueOn`. The list itself
        /// where its items have another order.
        path: &str = plain(|change| &change.0.path);
        /// What was signed there; null where nothing was. Of an order, the ids.
        from: Option<Json<String>> = plain(|change| shown(&change.0.from));
        /// What is there now; null where nothing is. Of an order, the ids.
        to: Option<Json<String>> = plain(|change| shown(&change.0.to));
    }
}

fn shown(value: &JsonValue) -> Option<Json<String>> {
    (!value.is_null()).then(|| Json(value.to_string()))
}

/// A signature as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signed {
    user_id: String,
    at: String,
}

/// The signatures as stored, read.
fn signatures(stored: &str) -> Vec<Signature> {
    let all: Vec<Signed> = serde_json::from_str(stored).unwrap_or_default();
    let read = |signed: Signed| {
        Some(Signature {
            user: UserId::parse(&signed.user_id).ok()?,
            at: crate::graphql::scalars::instant(&signed.at)?,
        })
    };
    all.into_iter().filter_map(read).collect()
}

fn stored(signatures: &[Signature]) -> String {
    let signed = |signature: &Signature| Signed { user_id: signature.user.show(), at: signature.at.to_string() };
    serde_json::to_string(&signatures.iter().map(signed).collect::<Vec<_>>()).unwrap_or_else(|_| "[]".to_owned())
}

impl Commitment {
    /// Commitments by their ids, as far as they are seen.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`; the database's.
    pub async fn fetch(
        ctx: &RequestContext,
        ids: impl IntoIterator<Item = CommitmentId>,
    ) -> Result<HashMap<CommitmentId, Self>> {
        Ok(items::<plan_commitment::Model>(ctx, ids).await?.into_iter().map(|(id, row)| (id, Self(row))).collect())
    }

    /// In what a plan that says this differs from what was signed. The statement is the commitment's own.
    fn differs(&self, now: &JsonValue) -> Vec<Difference> {
        let signed: JsonValue = serde_json::from_str(&self.0.content).unwrap_or_default();
        differences(&signed, &stated(now.clone(), &self.0.statement))
    }
}

/// In what each differs from its plan by now: a number of statements that does not grow with them.
async fn all_differences(field: &FieldContext<'_>, of: &[&Commitment]) -> Result<Vec<Vec<Difference>>> {
    let plans = Plan::fetch(field.request, of.iter().map(|commitment| commitment.0.plan_id)).await?;
    let rows: Vec<&entity::plan::Model> = plans.values().map(|plan| &plan.0).collect();
    let now = contents(field.request.reader(), field.request.viewer()?.organization.id, &rows).await?;
    let differs = |commitment: &&Commitment| {
        now.get(&commitment.0.plan_id).map(|now| commitment.differs(now)).unwrap_or_default()
    };
    Ok(of.iter().map(differs).collect())
}

async fn stale(field: &FieldContext<'_>, of: &[&Commitment]) -> Result<Batch<bool>> {
    let mut answers = Batch::with_capacity(of.len());
    for differences in all_differences(field, of).await? {
        answers.push(field.request, &!differences.is_empty());
    }
    Ok(answers)
}

async fn changes(field: &FieldContext<'_>, of: &[&Commitment]) -> Result<Batch<Vec<PlanChange>>> {
    let lists = all_differences(field, of).await?;
    let lists: Vec<Vec<PlanChange>> =
        lists.into_iter().map(|differences| differences.into_iter().map(PlanChange).collect()).collect();
    field.object_lists(&lists.iter().map(Vec::as_slice).collect::<Vec<_>>()).await
}

/// The commitments of plans, the latest first.
async fn by_plan(field: &FieldContext<'_>, of: &[&Plan]) -> Result<Vec<Vec<Commitment>>> {
    let organization = field.request.viewer()?.organization.id;
    let mut found = parts_of::<plan_commitment::Model, _>(field.request.reader(), organization, &Plan::ids(of)).await?;
    for rows in found.values_mut() {
        rows.sort_by_key(|row| std::cmp::Reverse(row.id));
    }
    let all = |plan: &&Plan| found.get(&plan.0.id).into_iter().flatten().cloned().map(Commitment).collect();
    Ok(of.iter().map(all).collect())
}

pub(super) async fn of_plans(field: &FieldContext<'_>, of: &[&Plan]) -> Result<Batch<Vec<Commitment>>> {
    let lists = by_plan(field, of).await?;
    field.object_lists(&lists.iter().map(Vec::as_slice).collect::<Vec<_>>()).await
}

pub(super) async fn in_force(field: &FieldContext<'_>, of: &[&Plan]) -> Result<Batch<Option<Commitment>>> {
    let lists = by_plan(field, of).await?;
    field.optional_objects(&lists.iter().map(|list| list.first()).collect::<Vec<_>>()).await
}

/// Signing a plan.
#[derive(Clone, Debug, InputObject)]
pub struct CommitPlanInput {
    /// Which one: with all six elements, and not signed as it is.
    pub id: ID,
    /// What is promised: 1 to 20,000 characters.
    pub statement: String,
    /// Refuses to sign with STALE_VERSION where the plan is at another version.
    pub if_version: Option<i32>,
}

/// Arguments of `commitPlan`.
#[derive(Clone, Debug, InputObject)]
pub struct CommitPlan {
    /// The plan, and the statement.
    pub input: CommitPlanInput,
}

/// Arguments of `cosignCommitment`.
#[derive(Clone, Debug, InputObject)]
pub struct CosignCommitment {
    /// Of which plan: with a commitment in force that is not stale.
    pub plan_id: ID,
    /// The fingerprint of the commitment that was read. Refuses with STALE_VERSION where another one is in force by now.
    pub fingerprint: Option<String>,
}

/// The latest commitment of the plan that is being changed, and whether the plan still is what was signed.
async fn latest(change: &Change<'_>) -> Result<Option<(plan_commitment::Model, bool)>> {
    let all = change.parts::<plan_commitment::Model>().await?;
    let Some(last) = all.into_iter().max_by_key(|row| row.id) else { return Ok(None) };
    let now = contents(&change.write.tx, change.plan.organization_id, &[&change.plan]).await?;
    let commitment = Commitment(last);
    let stale = now.get(&change.plan.id).is_none_or(|now| !commitment.differs(now).is_empty());
    Ok(Some((commitment.0, stale)))
}

/// `commitPlan`.
pub async fn commit(ctx: &RequestContext, arguments: CommitPlan) -> Result<PlanPayload> {
    let CommitPlanInput { id, statement, if_version } = arguments.input;
    let path = ["input", "id"];
    let mut check = Validator::input();
    let mut change = Change::of_plan(ctx, &path, &id).await?;
    change.must_answer_for_account(&path)?;
    change.must_be_open(&path)?;
    same_version(if_version, change.before().version)?;
    change.parts_with_room::<plan_commitment::Model>(&path).await?;
    let before = latest(&change).await?;
    if let Some((signed, false)) = &before {
        let message = format!("It was signed as it is at {}: cosignCommitment adds a signature.", signed.at);
        return Err(Error::refused(UserErrorCode::Conflict, &path, message));
    }
    for why in missing(&change).await? {
        check.fault(UserErrorCode::Incomplete, "id", why);
    }
    let statement = check.required("statement", &statement, NOTE);
    check.finish()?;
    let row = plan_commitment::Model {
        id: CommitmentId::make(),
        organization_id: change.plan.organization_id,
        plan_id: change.plan.id,
        account_id: change.plan.account_id,
        signatures: stored(&[Signature { user: change.viewer.user.id, at: change.write.at }]),
        at: change.write.at,
        content: String::new(),
        fingerprint: String::new(),
        statement,
    };
    let mut now = contents(&change.write.tx, change.plan.organization_id, &[&change.plan]).await?;
    let content = canonical(&stated(now.remove(&change.plan.id).unwrap_or_default(), &row.statement));
    let row = plan_commitment::Model { fingerprint: fingerprint(&content), content, ..row };
    change.put(None, row).await?;
    change.plan.status = PlanStatus::Committed;
    change.plan.next_review_on = next_after(&change, before.is_some()).await?;
    change.commit("committed").await
}

/// What the plan that is being changed lacks, a sentence an element.
async fn missing(change: &Change<'_>) -> Result<Vec<String>> {
    let relationships = change.parts::<plan_relationship::Model>().await?;
    let objectives = change.parts::<plan_objective::Model>().await?;
    let actions = change.parts::<plan_action::Model>().await?;
    let elements = Elements {
        summary: change.plan.summary.is_some(),
        opportunities: linked(&change.plan).len(),
        relationships: &relationships,
        objectives: &objectives,
        actions: &actions,
        benchmarks: change.parts::<plan_benchmark::Model>().await?.len(),
    };
    Ok(elements.missing().into_iter().map(|(_, why)| why).collect())
}

/// `cosignCommitment`.
pub async fn cosign(ctx: &RequestContext, arguments: CosignCommitment) -> Result<PlanPayload> {
    let path = ["planId"];
    let mut change = Change::of_plan(ctx, &path, &arguments.plan_id).await?;
    change.must_answer_for_account(&path)?;
    change.must_be_open(&path)?;
    let conflict = |message: String| Err(Error::refused(UserErrorCode::Conflict, &path, message));
    let before = match latest(&change).await? {
        None => return conflict("Nobody has committed to it: commitPlan does.".to_owned()),
        Some((_, true)) => {
            return conflict("The plan is no longer what was signed: commitPlan signs it as it is now.".to_owned());
        }
        Some((before, false)) => before,
    };
    if arguments.fingerprint.is_some_and(|read| read != before.fingerprint) {
        let message = "Another commitment is in force by now: read it again and decide again.";
        return Err(Error::refused(UserErrorCode::StaleVersion, &["fingerprint"], message));
    }
    let mut all = signatures(&before.signatures);
    let who = change.viewer.user.id;
    if let Some(own) = all.iter().find(|signature| signature.user == who) {
        return conflict(format!("You signed it at {}.", own.at));
    }
    all.push(Signature { user: who, at: change.write.at });
    let after = plan_commitment::Model { signatures: stored(&all), ..before.clone() };
    change.put(Some(&before), after).await?;
    change.commit("cosigned").await
}
