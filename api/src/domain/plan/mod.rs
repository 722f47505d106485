//! Plans: what is to become of an account, how, and by when; signed, and reviewed every month or quarter.
//!
//! | room | holds |
//! |---|---|
//! | here | the type and how its relations are read |
//! | [`list`] | filters and lists; the plan of an account on a day |
//! | [`mod@write`] | create, update, close, delete |
//! | [`copy`] | the items of another plan, without their results |
//! | [`relationship`], [`objective`], [`action`], [`benchmark`], [`question`] | the items, each with its changes |
//! | [`commitment`], [`review`] | signing a plan, and reviewing it |
//! | [`health`] | what it lacks, and how it does |
//! | [`content`], [`as_of`] | what it says: as JSON, by its rows and by the feed |
//! | [`change`], [`part`] | what all changes and all items have in common |
//! | [`moved`] | what becomes of plans when accounts, people and opportunities go elsewhere |
//! | [`rank`], [`measure`] | the order of actions, and how far a benchmark has come: pure |
//!
//! The items have tables of their own, and no version and no events: a write to one is a write of the plan, with the
//! item's facts in the plan's event (`action.action_….dueOn`). So a plan's events alone tell what it said on any day.

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

pub use self::list::{PlanFilter, PlansArguments, plans};

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
use crate::domain::account::Account;
use crate::domain::event;
use crate::domain::opportunity::Opportunity;
use crate::domain::user::User;
use crate::error::Result;
use crate::graphql::pagination::{Connection, PageArguments, connection};
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

/// Where a plan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::plan::PlanStatus")]
pub enum PlanStatus {
    /// Not signed yet.
    Draft,
    /// Signed, whether or not it was changed since.
    Committed,
    /// Over: it stays as it is.
    Closed,
}

/// How often a plan is reviewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::plan::ReviewCadence")]
pub enum ReviewCadence {
    /// Every month.
    Monthly,
    /// Every quarter of a year.
    Quarterly,
}
graphql_enum! { Stored as PlanStatus, StoredCadence as ReviewCadence }

object! {
    /// A strategic plan for an account: opportunities, relationships, short- and long-term objectives, ordered actions,
    /// benchmarks, and a written commitment; reviewed every month or quarter.
    Plan as "Plan" Node {
        /// Opaque, prefixed by the type, ascending with time.
        id: NodeId<PlanId> = plain(|plan| NodeId(plan.0.id));
        /// For which account.
        account: Account = by_key(|plan| plan.0.account_id, Account::resolve_required);
        /// Who answers for it.
        owner: User = by_key(|plan| plan.0.owner_id, User::resolve_required);
        /// What it is called.
        title: &str = plain(|plan| &plan.0.title);
        /// Its first day.
        startsOn: Day = plain(|plan| plan.0.starts_on);
        /// Its last day.
        endsOn: Day = plain(|plan| plan.0.ends_on);
        /// Where it stands.
        status: Stored = plain(|plan| plan.0.status);
        /// What we understand of the opportunities within the account.
        summary: Option<&str> = plain(|plan| plan.0.summary.as_deref());
        /// How often it is reviewed.
        cadence: StoredCadence = plain(|plan| plan.0.cadence);
        /// When it is to be reviewed next: a month or a quarter after the last review (or the commitment), clipped to the
        /// month's end, unless another day was set. Null until then.
        nextReviewOn: Option<Day> = plain(|plan| plan.0.next_review_on);
        /// The opportunities that it is about, by id.
        opportunities: Vec<Opportunity> = batch(opportunities);
        /// Who is to be taken where, by id; without people who went to an account out of the caller's sight.
        relationships: Vec<PlannedRelationship> = batch(relationship::of_plans);
        /// What is to be achieved, by id.
        objectives(ObjectivesArguments): Vec<Objective> = batch(objective::of_plans);
        /// What is to be done, in the order in which it is to be.
        actions(ActionsArguments): Vec<Action> = batch(action::of_plans);
        /// By what it is measured, by id.
        benchmarks: Vec<Benchmark> = batch(benchmark::of_plans);
        /// What is to be found out, by id; open and answered.
        questions: Vec<Question> = batch(question::of_plans);
        /// The commitment in force, which is the latest; null on a draft.
        commitment: Option<Commitment> = batch(commitment::in_force);
        /// All commitments, the latest first.
        commitments: Vec<Commitment> = batch(commitment::of_plans);
        /// The content, as a commitment keeps it, as it stood at the end of a day; null before the plan was made.
        asOf(AsOfArguments): Option<Json<String>> = batch(as_of::of_plans);
        /// What happened to it and to its items, the newest first.
        history(PageArguments): Connection<event::Event> = batch(history);
        /// Its reviews, the latest first.
        reviews: Vec<Review> = batch(review::of_plans);
        /// What it lacks, and how it does.
        health: PlanHealth = batch(health::of_plans);
        /// When it was made.
        createdAt: Instant = plain(|plan| plan.0.created_at);
        /// When it was closed; null while it is open.
        closedAt: Option<Instant> = plain(|plan| plan.0.closed_at);
        /// When it or one of its items last changed.
        updatedAt: Instant = plain(|plan| plan.0.updated_at);
        /// Writes so far, of it and of its items: 1 on creation.
        version: i32 = plain(|plan| plan.0.version);
    }
}
connection!(Plan as "Plan");

payload! {
    /// A plan, or what is to be mended.
    PlanPayload as "PlanPayload" {
        /// The plan as it is now, or as it last was where it was deleted; null where there are userErrors.
        plan(plan): Plan,
    }
}

impl PlanPayload {
    fn of(row: plan::Model) -> Self {
        Self { plan: Some(Plan(row)), ..Self::default() }
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

/// The opportunities that a plan is about.
#[must_use]
pub fn linked(plan: &plan::Model) -> Vec<OpportunityId> {
    let ids: Vec<&str> = serde_json::from_str(&plan.opportunity_ids).unwrap_or_default();
    ids.into_iter().filter_map(|id| OpportunityId::parse(id).ok()).collect()
}

/// The same as they are stored: ascending, each once.
#[must_use]
pub fn stored_links(mut ids: Vec<OpportunityId>) -> String {
    ids.sort_unstable();
    ids.dedup();
    serde_json::to_string(&ids.into_iter().map(Id::show).collect::<Vec<_>>()).unwrap_or_else(|_| "[]".to_owned())
}

impl Plan {
    /// Plans by their ids, as far as they are seen.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`; the database's.
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

    /// The ids of plans, each once.
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
