//! Plans: strategic plans for accounts, which are signed and then reviewed every month or quarter.
//!
//! | module | contents |
//! |---|---|
//! | this one | the type and how its relations are read |
//! | [`list`] | filters and lists; the plan of an account on a day |
//! | [`mod@write`] | create, update, close, delete |
//! | [`copy`] | copying the items of another plan, without their results |
//! | [`relationship`], [`objective`], [`action`], [`benchmark`], [`question`] | the items, each with its mutations |
//! | [`commitment`], [`review`] | signing and reviewing a plan |
//! | [`health`] | missing elements and progress |
//! | [`content`], [`as_of`] | the content as JSON, from the tables and from the events |
//! | [`change`], [`part`] | what all changes and all items have in common |
//! | [`moved`] | updating plans when accounts change owners, users leave, and opportunities move or are deleted |
//! | [`rank`], [`measure`] | the order of actions and the progress of a benchmark, without I/O |
//!
//! The items have tables of their own, but no versions and no events. Writing an item is a write of the plan, whose
//! event records the item's facts (`action.action_….dueOn`). The events of a plan therefore suffice to reconstruct its
//! content on any day.

pub mod action;
pub mod as_of;
pub mod benchmark;
pub mod change;
pub mod commitment;
pub mod content;
pub mod copy;
pub mod health;
pub mod list;
pub mod measure;
pub mod moved;
pub mod objective;
pub mod part;
pub mod question;
pub mod rank;
pub mod relationship;
pub mod review;
pub mod write;

use std::collections::HashMap;

use async_graphql::Enum;
use entity::plan::{PlanStatus as Stored, ReviewCadence as StoredCadence};
use entity::{AccountId, Columns, Day, Id, Instant, OpportunityId, PlanId, plan};

pub use self::list::{PlansArguments, plans};

use self::action::{Action, ActionsArguments};
use self::as_of::AsOfArguments;
use self::benchmark::Benchmark;
use self::commitment::Commitment;
use self::health::PlanHealth;
use self::objective::{Objective, ObjectivesArguments};
use self::question::Question;
use self::relationship::PlannedRelationship;
use self::review::Review;
use crate::context::RequestContext;
use crate::domain::account::{Account, owners};
use crate::domain::event;
use crate::domain::opportunity::Opportunity;
use crate::domain::user::User;
use crate::error::Result;
use crate::graphql::pagination::{Connection, connection};
use crate::graphql::scalars::Json;
use crate::graphql::{Batch, FieldContext, NodeId, graphql_enum, object, payload};
use crate::values::money::Currency;
use crate::write::{AuditedRow, Snapshot, audited, snapshot, stored_json};

/// A plan.
#[derive(Clone, Debug)]
pub struct Plan(pub plan::Model);

impl From<plan::Model> for Plan {
    fn from(row: plan::Model) -> Self {
        Self(row)
    }
}

/// The status of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::plan::PlanStatus")]
pub enum PlanStatus {
    /// The plan is not signed yet.
    Draft,
    /// Signed, even if it has changed since.
    Committed,
    /// Closed; it can no longer be changed.
    Closed,
}

/// The interval at which a plan is reviewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::plan::ReviewCadence")]
pub enum ReviewCadence {
    /// Every month.
    Monthly,
    /// Every three months.
    Quarterly,
}
graphql_enum! { Stored as PlanStatus, StoredCadence as ReviewCadence }

object! {
    /// A strategic plan for an account: opportunities, relationships, short- and long-term objectives, ordered actions,
    /// benchmarks, and a written commitment. It is reviewed every month or quarter.
    Plan as "Plan" Node {
        /// Opaque id, prefixed with the type; ascends with creation time.
        id: NodeId<PlanId> = plain(|plan| NodeId(plan.0.id));
        /// The account that the plan is for.
        account: Account = by_key(|plan| plan.0.account_id, Account::resolve_required);
        /// The user who is responsible for the plan.
        owner: User = by_key(|plan| plan.0.owner_id, User::resolve_required);
        /// The title of the plan.
        title: &str = plain(|plan| &plan.0.title);
        /// The first day of the plan.
        startsOn: Day = plain(|plan| plan.0.starts_on);
        /// The last day of the plan.
        endsOn: Day = plain(|plan| plan.0.ends_on);
        /// The status.
        status: Stored = plain(|plan| plan.0.status);
        /// Our understanding of the opportunities within the account; null if not written yet.
        summary: Option<&str> = plain(|plan| plan.0.summary.as_deref());
        /// The interval at which the plan is reviewed.
        cadence: StoredCadence = plain(|plan| plan.0.cadence);
        /// The day of the next review: a month or a quarter after the latest review or the commitment, clipped to the
        /// end of the month, unless another day was set. Null if no review is due.
        nextReviewOn: Option<Day> = plain(|plan| plan.0.next_review_on);
        /// The opportunities that the plan is about, by id.
        opportunities: Vec<Opportunity> = batch(opportunities);
        /// The relationships to develop, by id. Excludes contacts that moved to an account that the caller cannot see.
        relationships: Vec<PlannedRelationship> = batch(relationship::of_plans);
        /// The objectives, by id.
        objectives(ObjectivesArguments): Vec<Objective> = batch(objective::of_plans);
        /// The actions, in their order.
        actions(ActionsArguments): Vec<Action> = batch(action::of_plans);
        /// The benchmarks, by id.
        benchmarks: Vec<Benchmark> = batch(benchmark::of_plans);
        /// The questions to answer, by id; open and answered ones.
        questions: Vec<Question> = batch(question::of_plans);
        /// The commitment in force, which is the latest; null for a draft.
        commitment: Option<Commitment> = batch(commitment::in_force);
        /// All commitments, latest first.
        commitments: Vec<Commitment> = batch(commitment::of_plans);
        /// The content of the plan at the end of a day, in the form that commitments store; null if the plan did not
        /// exist yet.
        asOf(AsOfArguments): Option<Json<String>> = batch(as_of::of_plans);
        /// The events of the plan and its items, newest first.
        history(event::EventsArguments): Connection<event::Event> = batch(history);
        /// The reviews, latest first.
        reviews: Vec<Review> = batch(review::of_plans);
        /// The elements that the plan lacks, and its progress.
        health: PlanHealth = batch(health::of_plans);
        /// Whether the caller may change the plan and its items: the plan's owner, the account's owner, a manager above
        /// either or an administrator, while it is open.
        viewerCanUpdate: bool = batch(viewer_can_update);
        /// Whether `commitPlan` is open to the caller: the account's owner, a manager above them or an administrator,
        /// while the plan is open and not signed as it is now. It may still lack elements (`health.missing`).
        viewerCanCommit: bool = batch(commitment::viewer_can_commit);
        /// Whether `cosignCommitment` is open to the caller: the account's owner, a manager above them or an
        /// administrator, while the plan is open and signed as it is now by others alone.
        viewerCanCosign: bool = batch(commitment::viewer_can_cosign);
        /// The time of creation.
        createdAt: Instant = plain(|plan| plan.0.created_at);
        /// The time at which it was closed; null while it is open.
        closedAt: Option<Instant> = plain(|plan| plan.0.closed_at);
        /// The time of the last change to the plan or one of its items.
        updatedAt: Instant = plain(|plan| plan.0.updated_at);
        /// Number of writes so far to the plan and its items; 1 after creation.
        version: i32 = plain(|plan| plan.0.version);
    }
}
connection!(Plan as "Plan");

payload! {
    /// The result of a mutation of a plan.
    PlanPayload as "PlanPayload" {
        /// The plan after the change, or as it was before it was deleted; null if there are userErrors.
        plan(plan): Plan,
    }
}

impl PlanPayload {
    fn of(plan: Plan) -> Self {
        Self { plan: Some(plan), ..Self::default() }
    }
}

impl AuditedRow for plan::Model {
    audited!(plan, PlanId);

    fn account(&self) -> Option<AccountId> {
        Some(self.account_id)
    }

    fn snapshot(&self, _: Currency) -> Snapshot {
        let Self {
            id: _,
            organization_id: _,
            account_id,
            owner_id,
            title,
            starts_on,
            ends_on,
            status,
            summary,
            cadence,
            next_review_on,
            opportunity_ids,
            created_at,
            closed_at,
            updated_at: _,
            version: _,
        } = self;
        snapshot! {
            "accountId": account_id,
            "ownerId": owner_id,
            "title": title,
            "startsOn": starts_on,
            "endsOn": ends_on,
            "status": status.word(),
            "summary": summary,
            "cadence": cadence.word(),
            "nextReviewOn": next_review_on,
            "opportunityIds": stored_json(opportunity_ids),
            "createdAt": created_at,
            "closedAt": closed_at,
        }
    }
}

/// Parses the opportunities that a plan is about.
#[must_use]
pub fn linked(plan: &plan::Model) -> Vec<OpportunityId> {
    let ids: Vec<&str> = serde_json::from_str(&plan.opportunity_ids).unwrap_or_default();
    ids.into_iter().filter_map(|id| OpportunityId::parse(id).ok()).collect()
}

/// Returns the stored form of a plan's opportunities: ascending and without duplicates.
#[must_use]
pub fn stored_links(mut ids: Vec<OpportunityId>) -> String {
    ids.sort_unstable();
    ids.dedup();
    serde_json::to_string(&ids.into_iter().map(Id::show).collect::<Vec<_>>()).unwrap_or_else(|_| "[]".to_owned())
}

impl Plan {
    /// Loads plans by id; ids that do not exist or that the viewer cannot see are absent from the result.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the request has no session.
    pub async fn fetch(ctx: &RequestContext, ids: impl IntoIterator<Item = PlanId>) -> Result<HashMap<PlanId, Self>> {
        ctx.fetch_by_ids(
            ctx.viewer()?.rows::<plan::Entity>(plan::Column::AccountId),
            plan::Column::Id,
            Columns::ALL,
            ids,
            |row| row.id,
        )
        .await
    }

    fn opportunities(&self) -> Vec<OpportunityId> {
        linked(&self.0)
    }

    /// Returns the ids of plans without duplicates.
    fn ids(of: &[&Self]) -> Vec<PlanId> {
        let mut ids: Vec<PlanId> = of.iter().map(|plan| plan.0.id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

async fn opportunities(field: &FieldContext<'_>, of: &[&Plan]) -> Result<Batch<Vec<Opportunity>>> {
    let links: Vec<Vec<OpportunityId>> = of.iter().map(|plan| plan.opportunities()).collect();
    let found = Opportunity::fetch(field.request, links.iter().flatten().copied()).await?;
    let lists: Vec<Vec<&Opportunity>> =
        links.iter().map(|ids| ids.iter().filter_map(|id| found.get(id)).collect()).collect();
    field.lists_of_references(&lists).await
}

async fn viewer_can_update(field: &FieldContext<'_>, of: &[&Plan]) -> Result<Batch<bool>> {
    let viewer = field.request.viewer()?;
    let owners = owners(field.request, of.iter().map(|plan| plan.0.account_id)).await?;
    let can = |plan: &&Plan| {
        let owner = owners.get(&plan.0.account_id);
        change::is_open(&plan.0) && owner.is_some_and(|owner| change::may_write(viewer, *owner, &plan.0))
    };
    Ok(Batch::from_values(field.request, of.iter().map(can)))
}

async fn history(field: &FieldContext<'_>, of: &[&Plan]) -> Result<Batch<Connection<event::Event>>> {
    let ids: Vec<PlanId> = of.iter().map(|plan| plan.0.id).collect();
    let pages = event::history_of_plans(field, &ids).await?;
    field.objects(&pages.iter().collect::<Vec<_>>()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opportunities_are_stored_once_and_ascending() {
        let (one, two) = (OpportunityId::make(), OpportunityId::make());
        let text = stored_links(vec![two, one, two]);
        assert_eq!(text, format!("[\"{one}\",\"{two}\"]"));
        assert_eq!(stored_links(Vec::new()), "[]");
    }
}
