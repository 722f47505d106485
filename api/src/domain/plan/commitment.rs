//! Commitments: a plan is signed in its exact wording. A commitment shows whether the plan has changed since.

use std::collections::HashMap;

use async_graphql::{ID, InputObject};
use entity::plan::PlanStatus;
use entity::{
    CommitmentId, Id, Instant, UserId, plan_action, plan_benchmark, plan_commitment, plan_objective, plan_relationship,
};
use serde::{Deserialize, Serialize};
use serde_json::Value as JsonValue;

use super::as_of::contents;
use super::change::{Change, is_open};
use super::content::{Difference, canonical, differences, fingerprint, stated};
use super::health::Elements;
use super::part::{items, parts_of};
use super::relationship::at_account;
use super::review::next_after;
use super::{Plan, linked};
use crate::context::RequestContext;
use crate::domain::account::owners;
use crate::domain::user::User;
use crate::error::{Error, Result, UserErrorCode};
use crate::graphql::scalars::Json;
use crate::graphql::{Batch, FieldContext, NodeId, object, payload};
use crate::write::validator::{NOTE, Validator};

/// A commitment to a plan.
#[derive(Clone, Debug)]
pub struct Commitment(pub plan_commitment::Model);

object! {
    /// A written commitment to a plan, bound to the plan's content at the time of signing. It never changes, but
    /// signatures can be added.
    Commitment as "Commitment" Node {
        /// Opaque id, prefixed with the type; ascends with creation time.
        id: NodeId<CommitmentId> = plain(|commitment| NodeId(commitment.0.id));
        /// The commitment that the signers make.
        statement: &str = plain(|commitment| &commitment.0.statement);
        /// The signatures, in the order of signing.
        signatures: Vec<Signature> = batch(async |field: &FieldContext<'_>, of: &[&Commitment]| {
            let lists: Vec<Vec<Signature>> = of.iter().map(|commitment| signatures(&commitment.0.signatures)).collect();
            field.object_lists(&lists.iter().map(Vec::as_slice).collect::<Vec<_>>()).await
        });
        /// The time at which the commitment was made.
        at: Instant = plain(|commitment| commitment.0.at);
        /// The content of the plan as signed, including the statement. Refers to users, contacts and items by id and
        /// excludes progress and derived values.
        plan: Json<&str> = plain(|commitment| Json(commitment.0.content.as_str()));
        /// SHA-256 of the plan as signed (its JSON in the canonical form of RFC 8785), in hexadecimal.
        fingerprint: &str = plain(|commitment| &commitment.0.fingerprint);
        /// Whether the content of the plan has changed since it was signed. Progress does not count as a change:
        /// completing actions, achieving objectives, measuring, answering and reviewing.
        stale: bool = batch(stale);
        /// The differences between the plan as signed and the plan now.
        changes: Vec<PlanChange> = batch(changes);
    }
}

/// The signature of a user.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    user: UserId,
    at: Instant,
}

object! {
    /// The signature of a user.
    Signature as "Signature" {
        /// The user who signed.
        user: User = by_key(|signature| signature.user, User::resolve_required);
        /// The time at which the user signed.
        at: Instant = plain(|signature| signature.at);
    }
}

/// A difference between a plan and what was signed.
#[derive(Clone, Debug)]
pub struct PlanChange(Difference);

object! {
    /// A difference between a plan and what was signed.
    PlanChange as "PlanChange" {
        /// The path of the difference: field names joined by dots, with the id for an item, such as
        /// `actions.action_….dueOn`. The path of the list if only the order of its items differs.
        path: &str = plain(|change| &change.0.path);
        /// The value as signed; null if there was none. For a difference in order, the ids.
        from: Option<Json<String>> = plain(|change| json_unless_null(&change.0.from));
        /// The value now; null if there is none. For a difference in order, the ids.
        to: Option<Json<String>> = plain(|change| json_unless_null(&change.0.to));
    }
}

fn json_unless_null(value: &JsonValue) -> Option<Json<String>> {
    (!value.is_null()).then(|| Json(value.to_string()))
}

/// The stored form of a signature.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signed {
    user_id: String,
    at: String,
}

/// Parses the stored signatures.
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
    /// Loads commitments by id; ids that do not exist or that the viewer cannot see are absent from the result.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the request has no session.
    pub async fn fetch(
        ctx: &RequestContext,
        ids: impl IntoIterator<Item = CommitmentId>,
    ) -> Result<HashMap<CommitmentId, Self>> {
        Ok(items::<plan_commitment::Model>(ctx, ids).await?.into_iter().map(|(id, row)| (id, Self(row))).collect())
    }

    /// Returns the differences between the plan as signed and the plan's content `now`, which takes the commitment's
    /// statement.
    fn differs(&self, now: &JsonValue) -> Vec<Difference> {
        let signed: JsonValue = serde_json::from_str(&self.0.content).unwrap_or_default();
        differences(&signed, &stated(now.clone(), &self.0.statement))
    }
}

/// Returns each commitment's differences from its plan, in a fixed number of statements.
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

/// Returns the commitments of plans, latest first.
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

payload! {
    /// The result of a mutation of a commitment.
    CommitmentPayload as "CommitmentPayload" {
        /// The commitment after the change; null if there are userErrors.
        commitment(commitment): Commitment,
        /// The plan after the change; null if there are userErrors.
        plan(plan): Plan,
    }
}

impl CommitmentPayload {
    fn of(row: plan_commitment::Model, plan: Plan) -> Self {
        Self { commitment: Some(Commitment(row)), plan: Some(plan), ..Self::default() }
    }
}

/// A commitment to a plan.
#[derive(Clone, Debug, InputObject)]
pub struct CommitPlanInput {
    /// Id of the plan: it must have all six elements, and must have changed since it was last signed.
    pub id: ID,
    /// The signer's commitment: 1 to 20,000 characters.
    pub statement: String,
    /// Rejects the commitment with STALE_VERSION unless the plan is at this version.
    pub if_version: Option<i32>,
}

/// A further signature of a commitment.
#[derive(Clone, Debug, InputObject)]
pub struct CosignCommitmentInput {
    /// Id of the plan: it must have a commitment in force that is not stale.
    pub plan_id: ID,
    /// The fingerprint of the commitment that the signer has read: required. Rejects the signature with STALE_VERSION if
    /// another commitment is in force.
    pub fingerprint: Option<String>,
    /// The expected version. The change fails with STALE_VERSION if the plan has another version.
    pub if_version: Option<i32>,
}

/// Returns the latest commitment of the plan that is being changed, and whether the commitment is stale.
async fn latest(change: &Change<'_>) -> Result<Option<(plan_commitment::Model, bool)>> {
    let all = change.parts::<plan_commitment::Model>().await?;
    let Some(last) = all.into_iter().max_by_key(|row| row.id) else { return Ok(None) };
    let now = contents(&change.write.tx, change.plan.organization_id, &[&change.plan]).await?;
    let commitment = Commitment(last);
    let stale = now.get(&change.plan.id).is_none_or(|now| !commitment.differs(now).is_empty());
    Ok(Some((commitment.0, stale)))
}

/// Returns the signature of a user.
fn signature_of(commitment: &plan_commitment::Model, who: UserId) -> Option<Signature> {
    signatures(&commitment.signatures).into_iter().find(|signature| signature.user == who)
}

/// Whether a plan can be committed to anew, by its latest commitment and whether that is stale: there is none, or the plan
/// has changed since.
fn is_to_commit(latest: Option<(&plan_commitment::Model, bool)>) -> bool {
    latest.is_none_or(|(_, stale)| stale)
}

/// Whether a user can add a signature to the latest commitment: it is not stale, and they have not signed it.
fn is_to_cosign(latest: Option<(&plan_commitment::Model, bool)>, who: UserId) -> bool {
    latest.is_some_and(|(signed, stale)| !stale && signature_of(signed, who).is_none())
}

/// What the viewer may sign of a plan.
struct Signing {
    commit: bool,
    cosign: bool,
}

/// Returns what the viewer may sign of each plan, in a fixed number of statements.
async fn signing(field: &FieldContext<'_>, of: &[&Plan]) -> Result<Vec<Signing>> {
    let viewer = field.request.viewer()?;
    let owners = owners(field.request, of.iter().map(|plan| plan.0.account_id)).await?;
    let latest: Vec<Option<Commitment>> =
        by_plan(field, of).await?.into_iter().map(|list| list.into_iter().next()).collect();
    let mut differences = all_differences(field, &latest.iter().flatten().collect::<Vec<_>>()).await?.into_iter();
    let signing = |(plan, latest): (&&Plan, &Option<Commitment>)| {
        let latest =
            latest.as_ref().map(|commitment| (&commitment.0, differences.next().is_none_or(|all| !all.is_empty())));
        let may = owners.get(&plan.0.account_id).is_some_and(|owner| viewer.is_responsible_for(*owner));
        let may = may && is_open(&plan.0);
        Signing { commit: may && is_to_commit(latest), cosign: may && is_to_cosign(latest, viewer.user.id) }
    };
    Ok(of.iter().zip(&latest).map(signing).collect())
}

/// Resolves `Plan.viewerCanCommit`.
pub(super) async fn viewer_can_commit(field: &FieldContext<'_>, of: &[&Plan]) -> Result<Batch<bool>> {
    Ok(Batch::from_values(field.request, signing(field, of).await?.into_iter().map(|signing| signing.commit)))
}

/// Resolves `Plan.viewerCanCosign`.
pub(super) async fn viewer_can_cosign(field: &FieldContext<'_>, of: &[&Plan]) -> Result<Batch<bool>> {
    Ok(Batch::from_values(field.request, signing(field, of).await?.into_iter().map(|signing| signing.cosign)))
}

/// Resolves `Mutation.commitPlan`.
pub async fn commit(ctx: &RequestContext, input: CommitPlanInput) -> Result<CommitmentPayload> {
    let CommitPlanInput { id, statement, if_version } = input;
    let path = ["input", "id"];
    let mut check = Validator::input();
    let mut change = Change::of_plan(ctx, &path, &id).await?;
    change.must_answer_for_account(&path)?;
    change.must_be_open(&path)?;
    change.must_be_at(&mut check, if_version);
    change.parts_with_room::<plan_commitment::Model>(&path).await?;
    let before = latest(&change).await?;
    if let Some((signed, _)) = before.as_ref().filter(|(signed, stale)| !is_to_commit(Some((signed, *stale)))) {
        let message = format!(
            "The plan has not changed since it was signed at {}: use cosignCommitment to add a signature.",
            signed.at
        );
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
    change.put(None, row.clone()).await?;
    change.plan.status = PlanStatus::Committed;
    change.plan.next_review_on = next_after(&change, before.is_some()).await?;
    Ok(CommitmentPayload::of(row, change.commit("committed").await?))
}

/// Returns one sentence for each element that the plan lacks.
async fn missing(change: &Change<'_>) -> Result<Vec<String>> {
    let relationships = change.parts::<plan_relationship::Model>().await?;
    let objectives = change.parts::<plan_objective::Model>().await?;
    let actions = change.parts::<plan_action::Model>().await?;
    let elements = Elements {
        summary: change.plan.summary.is_some(),
        opportunities: linked(&change.plan).len(),
        relationships: &relationships,
        at_account: &at_account(&change.write.tx, change.plan.organization_id, &relationships).await?,
        objectives: &objectives,
        actions: &actions,
        benchmarks: change.parts::<plan_benchmark::Model>().await?.len(),
    };
    Ok(elements.missing().into_iter().map(|(_, why)| why).collect())
}

/// Resolves `Mutation.cosignCommitment`.
pub async fn cosign(ctx: &RequestContext, input: CosignCommitmentInput) -> Result<CommitmentPayload> {
    let CosignCommitmentInput { plan_id, fingerprint, if_version } = input;
    let path = ["input", "planId"];
    let mut check = Validator::input();
    let mut change = Change::of_plan(ctx, &path, &plan_id).await?;
    change.must_answer_for_account(&path)?;
    change.must_be_open(&path)?;
    change.must_be_at(&mut check, if_version);
    let who = change.viewer.user.id;
    let latest = latest(&change).await?;
    let Some((before, _)) = latest.as_ref().filter(|(signed, stale)| is_to_cosign(Some((signed, *stale)), who)) else {
        let message = match &latest {
            None => "The plan has no commitment: use commitPlan.".to_owned(),
            Some((_, true)) => {
                "The plan has changed since it was signed: use commitPlan to sign it as it is now.".to_owned()
            }
            Some((signed, false)) => {
                let at = signature_of(signed, who).map_or(signed.at, |own| own.at);
                format!("You already signed it at {at}.")
            }
        };
        check.fault(UserErrorCode::Conflict, "planId", message);
        return check.fail();
    };
    match fingerprint {
        None => {
            let message = "Signing requires what was read: give the commitment's fingerprint.";
            check.fault(UserErrorCode::Required, "fingerprint", message);
        }
        Some(read) if read != before.fingerprint => {
            let message = "Another commitment is in force by now: read it again and decide again.";
            check.fault(UserErrorCode::StaleVersion, "fingerprint", message);
        }
        Some(_) => {}
    }
    check.finish()?;
    let mut all = signatures(&before.signatures);
    all.push(Signature { user: who, at: change.write.at });
    let after = plan_commitment::Model { signatures: stored(&all), ..before.clone() };
    change.put(Some(before), after.clone()).await?;
    Ok(CommitmentPayload::of(after, change.commit("cosigned").await?))
}
