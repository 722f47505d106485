//! The health of a plan: the elements that it lacks, and its progress.

use std::collections::{HashMap, HashSet};

use async_graphql::Enum;
use entity::plan_action::{self, ActionStatus};
use entity::plan_objective::{self, Horizon, ObjectiveStatus};
use entity::{Day, PlanId, PlannedRelationshipId, plan, plan_relationship, plan_review};

use super::benchmark::Benchmark;
use super::part::parts_of;
use super::{Plan, relationship};
use crate::error::Result;
use crate::graphql::{Batch, FieldContext, graphql_enum, object};

/// The elements that a plan must have before it can be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum PlanElement {
    /// A summary and a linked opportunity.
    Opportunities,
    /// A planned relationship with a due day, with a contact who is at the account.
    Relationships,
    /// A short-term objective that is not abandoned and has a due day.
    ShortTermObjectives,
    /// A long-term objective that is not abandoned and has a due day.
    LongTermObjectives,
    /// An action with an assignee and a due day, and an open action for each open objective.
    Actions,
    /// A benchmark.
    Benchmarks,
}
graphql_enum! { PlanElement as PlanElement }

impl PlanElement {
    /// Returns the name of the enum value in the schema.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Opportunities => "OPPORTUNITIES",
            Self::Relationships => "RELATIONSHIPS",
            Self::ShortTermObjectives => "SHORT_TERM_OBJECTIVES",
            Self::LongTermObjectives => "LONG_TERM_OBJECTIVES",
            Self::Actions => "ACTIONS",
            Self::Benchmarks => "BENCHMARKS",
        }
    }
}

/// The parts of a plan that decide which elements it has.
#[derive(Clone, Copy, Debug)]
pub struct Elements<'a> {
    /// Whether there is a summary.
    pub summary: bool,
    /// The number of linked opportunities.
    pub opportunities: usize,
    /// The planned relationships.
    pub relationships: &'a [plan_relationship::Model],
    /// Those whose contact is at the account.
    pub at_account: &'a HashSet<PlannedRelationshipId>,
    /// The objectives.
    pub objectives: &'a [plan_objective::Model],
    /// The actions.
    pub actions: &'a [plan_action::Model],
    /// The number of benchmarks.
    pub benchmarks: usize,
}

impl Elements<'_> {
    /// Returns the missing elements, each with a sentence that explains what is missing.
    #[must_use]
    pub fn missing(&self) -> Vec<(PlanElement, String)> {
        let mut missing = Vec::new();
        let mut note = |element: PlanElement, why: Option<String>| missing.extend(why.map(|why| (element, why)));
        note(PlanElement::Opportunities, self.opportunities());
        note(PlanElement::Relationships, self.relationships());
        note(PlanElement::ShortTermObjectives, self.objectives(Horizon::ShortTerm, "short-term"));
        note(PlanElement::LongTermObjectives, self.objectives(Horizon::LongTerm, "long-term"));
        note(PlanElement::Actions, self.actions());
        let none = (self.benchmarks == 0).then(|| "There is no benchmark to measure the plan by.".to_owned());
        note(PlanElement::Benchmarks, none);
        missing
    }

    fn opportunities(&self) -> Option<String> {
        let reason = match (self.summary, self.opportunities > 0) {
            (true, true) => return None,
            (false, true) => "There is no summary of the opportunities within the account.",
            (true, false) => "No opportunity of the account is linked.",
            (false, false) => "There is no summary of the opportunities within the account, and none is linked.",
        };
        Some(reason.to_owned())
    }

    fn relationships(&self) -> Option<String> {
        let mut dated = self.relationships.iter().filter(|planned| planned.due_on.is_some()).peekable();
        let reason = if self.relationships.is_empty() {
            "No relationship is planned."
        } else if dated.peek().is_none() {
            "No planned relationship has a due day."
        } else if !dated.any(|planned| self.at_account.contains(&planned.id)) {
            "No planned relationship with a due day is with a contact who is still at the account."
        } else {
            return None;
        };
        Some(reason.to_owned())
    }

    fn objectives(&self, horizon: Horizon, name: &str) -> Option<String> {
        let mut pursued = self
            .objectives
            .iter()
            .filter(|objective| objective.horizon == horizon && objective.status != ObjectiveStatus::Abandoned)
            .peekable();
        if pursued.peek().is_none() {
            return Some(format!("There is no {name} objective that is not abandoned."));
        }
        let due = pursued.any(|objective| objective.due_on.is_some());
        (!due).then(|| format!("No {name} objective has a due day."))
    }

    fn actions(&self) -> Option<String> {
        if self.actions.is_empty() {
            return Some("There is no action.".to_owned());
        }
        if !self.actions.iter().any(|action| action.assignee_id.is_some() && action.due_on.is_some()) {
            return Some("No action has both an assignee and a due day.".to_owned());
        }
        let idle = self.objectives.iter().filter(|objective| {
            let open = |action: &plan_action::Model| {
                action.objective_id == Some(objective.id) && action.status == ActionStatus::Open
            };
            objective.status == ObjectiveStatus::Open && !self.actions.iter().any(open)
        });
        let idle: Vec<&str> = idle.map(|objective| objective.statement.as_str()).collect();
        let (first, more) = (idle.first()?, idle.len() - 1);
        let first: String = first.chars().take(100).collect();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        Some(format!("No open action serves the open objective \"{first}\"{more}."))
    }
}

/// Whether an action is overdue on a day.
#[must_use]
pub fn is_overdue(action: &plan_action::Model, today: Day) -> bool {
    action.status == ActionStatus::Open && action.due_on.is_some_and(|due| due < today)
}

/// The elements that a plan lacks, and its progress.
#[derive(Clone, Debug)]
pub struct PlanHealth {
    missing: Vec<(PlanElement, String)>,
    actions_overdue: i32,
    benchmarks_behind: i32,
    review_overdue: bool,
    days_since_review: Option<i32>,
}

object! {
    /// The elements that a plan lacks and its progress, as of today in the organization's time zone.
    PlanHealth as "PlanHealth" {
        /// The share of the six elements that are present, from 0 to 1.
        completeness: f64 = plain(|health| completeness(health.missing.len()));
        /// The missing elements.
        missing: Vec<PlanElement> = plain(|health| health.missing.iter().map(|(element, _)| *element).collect());
        /// One sentence per missing element that explains what is missing, in the same order.
        missingBecause: Vec<String> = plain(|health| health.missing.iter().map(|(_, why)| why.clone()).collect());
        /// The number of open actions whose due day is over.
        actionsOverdue: i32 = plain(|health| health.actions_overdue);
        /// The number of benchmarks whose latest measurement has not reached the straight line from baseline to target.
        benchmarksBehind: i32 = plain(|health| health.benchmarks_behind);
        /// Whether the day of the next review is over; always false for a closed plan.
        reviewOverdue: bool = plain(|health| health.review_overdue);
        /// The number of days since the latest review; null if there was none.
        daysSinceReview: Option<i32> = plain(|health| health.days_since_review);
    }
}

/// Returns the share of the six elements that a plan has.
#[must_use]
pub fn completeness(missing: usize) -> f64 {
    f64::from(6 - i32::try_from(missing.min(6)).unwrap_or(6)) / 6.0
}

/// Resolves `Plan.health` in a fixed number of statements.
pub async fn of_plans(field: &FieldContext<'_>, of: &[&Plan]) -> Result<Batch<PlanHealth>> {
    let viewer = field.request.viewer()?;
    let (connection, organization) = (field.request.reader(), viewer.organization.id);
    let today = viewer.day(field.request.now);
    let plans: Vec<PlanId> = of.iter().map(|plan| plan.0.id).collect();
    let relationships = parts_of::<plan_relationship::Model, _>(connection, organization, &plans).await?;
    let objectives = parts_of::<plan_objective::Model, _>(connection, organization, &plans).await?;
    let actions = parts_of::<plan_action::Model, _>(connection, organization, &plans).await?;
    let at_account = relationship::at_account(connection, organization, relationships.values().flatten()).await?;
    let reviews = parts_of::<plan_review::Model, _>(connection, organization, &plans).await?;
    let rows: Vec<&plan::Model> = of.iter().map(|plan| &plan.0).collect();
    let benchmarks = Benchmark::of_plans(connection, viewer, field.request.now, &rows).await?;
    let health = |plan: &&Plan| {
        let benchmarks = benchmarks.get(&plan.0.id).map_or(&[][..], Vec::as_slice);
        let actions = list(&actions, plan.0.id);
        let elements = Elements {
            summary: plan.0.summary.is_some(),
            opportunities: plan.opportunities().len(),
            relationships: list(&relationships, plan.0.id),
            at_account: &at_account,
            objectives: list(&objectives, plan.0.id),
            actions,
            benchmarks: benchmarks.len(),
        };
        let reviewed = list(&reviews, plan.0.id).iter().map(|review| review.reviewed_on).max();
        let closed = plan.0.status == plan::PlanStatus::Closed;
        PlanHealth {
            missing: elements.missing(),
            actions_overdue: count(actions.iter().filter(|action| is_overdue(action, today))),
            benchmarks_behind: count(benchmarks.iter().filter(|benchmark| benchmark.on_track() == Some(false))),
            review_overdue: !closed && plan.0.next_review_on.is_some_and(|due| due < today),
            days_since_review: reviewed.map(|day| today.0 - day.0),
        }
    };
    let all: Vec<PlanHealth> = of.iter().map(health).collect();
    field.objects(&all.iter().collect::<Vec<_>>()).await
}

fn list<P>(all: &HashMap<PlanId, Vec<P>>, plan: PlanId) -> &[P] {
    all.get(&plan).map_or(&[], Vec::as_slice)
}

fn count<T>(items: impl Iterator<Item = T>) -> i32 {
    i32::try_from(items.count()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use entity::contact::RelationshipLevel;
    use entity::{AccountId, ActionId, ContactId, Id, ObjectiveId, OrganizationId, UserId};

    use super::*;

    fn relationship(due_on: Option<Day>) -> plan_relationship::Model {
        plan_relationship::Model {
            id: PlannedRelationshipId::make(),
            organization_id: OrganizationId::make(),
            plan_id: PlanId::make(),
            account_id: AccountId::make(),
            contact_id: ContactId::make(),
            desired: RelationshipLevel::Trusted,
            started_at: RelationshipLevel::Unknown,
            due_on,
            owner_id: None,
            approach: None,
        }
    }

    fn objective(horizon: Horizon, due_on: Option<Day>, status: ObjectiveStatus) -> plan_objective::Model {
        plan_objective::Model {
            id: ObjectiveId::make(),
            organization_id: OrganizationId::make(),
            plan_id: PlanId::make(),
            account_id: AccountId::make(),
            horizon,
            statement: "Be known".to_owned(),
            due_on,
            status,
            achieved_on: None,
        }
    }

    fn action(towards: Option<&plan_objective::Model>, status: ActionStatus) -> plan_action::Model {
        plan_action::Model {
            id: ActionId::make(),
            organization_id: OrganizationId::make(),
            plan_id: PlanId::make(),
            account_id: AccountId::make(),
            rank: "V".to_owned(),
            title: "Call".to_owned(),
            due_on: Some(Day(5)),
            assignee_id: Some(UserId::make()),
            objective_id: towards.map(|objective| objective.id),
            contact_id: None,
            status,
            completed_on: None,
        }
    }

    fn missing(elements: &Elements<'_>) -> Vec<PlanElement> {
        elements.missing().into_iter().map(|(element, _)| element).collect()
    }

    #[test]
    fn an_empty_plan_lacks_all_six_elements_and_a_complete_one_none() {
        use PlanElement::{Actions, Benchmarks, LongTermObjectives, Opportunities, Relationships, ShortTermObjectives};
        let none = Elements {
            summary: false,
            opportunities: 0,
            relationships: &[],
            at_account: &HashSet::new(),
            objectives: &[],
            actions: &[],
            benchmarks: 0,
        };
        let all = [Opportunities, Relationships, ShortTermObjectives, LongTermObjectives, Actions, Benchmarks];
        assert_eq!(missing(&none), all);
        assert!(completeness(6).abs() < 1e-9);

        let objectives = [Horizon::ShortTerm, Horizon::LongTerm]
            .map(|horizon| objective(horizon, Some(Day(9)), ObjectiveStatus::Open));
        let actions =
            [action(Some(&objectives[0]), ActionStatus::Open), action(Some(&objectives[1]), ActionStatus::Open)];
        let relationships = [relationship(None), relationship(Some(Day(3)))];
        let at_account: HashSet<PlannedRelationshipId> = relationships.iter().map(|planned| planned.id).collect();
        let full = Elements {
            summary: true,
            opportunities: 1,
            relationships: &relationships,
            at_account: &at_account,
            objectives: &objectives,
            actions: &actions,
            benchmarks: 1,
        };
        assert_eq!(missing(&full), []);
        assert!((completeness(0) - 1.0).abs() < 1e-9);

        assert_eq!(missing(&Elements { summary: false, ..full }), [Opportunities]);
        assert_eq!(missing(&Elements { opportunities: 0, ..full }), [Opportunities]);
        assert_eq!(missing(&Elements { relationships: &relationships[..1], ..full }), [Relationships]);
        let first = HashSet::from([relationships[0].id]);
        assert_eq!(missing(&Elements { at_account: &first, ..full }), [Relationships]);
        assert_eq!(missing(&Elements { objectives: &objectives[..1], ..full }), [LongTermObjectives]);
        // An open objective needs an open action; an achieved one does not.
        assert_eq!(missing(&Elements { actions: &actions[..1], ..full }), [Actions]);
        let done = [action(Some(&objectives[0]), ActionStatus::Open), action(Some(&objectives[1]), ActionStatus::Done)];
        assert_eq!(missing(&Elements { actions: &done, ..full }), [Actions]);
        let achieved = [
            objectives[0].clone(),
            plan_objective::Model { status: ObjectiveStatus::Achieved, ..objectives[1].clone() },
        ];
        assert_eq!(missing(&Elements { objectives: &achieved, actions: &done, ..full }), []);
        let abandoned = [
            objectives[0].clone(),
            plan_objective::Model { status: ObjectiveStatus::Abandoned, ..objectives[1].clone() },
        ];
        assert_eq!(missing(&Elements { objectives: &abandoned, ..full }), [LongTermObjectives]);
        let undated = [objectives[0].clone(), plan_objective::Model { due_on: None, ..objectives[1].clone() }];
        assert_eq!(missing(&Elements { objectives: &undated, ..full }), [LongTermObjectives]);
        let unassigned = actions.clone().map(|action| plan_action::Model { assignee_id: None, ..action });
        assert_eq!(missing(&Elements { actions: &unassigned, ..full }), [Actions]);
        assert_eq!(missing(&Elements { benchmarks: 0, ..full }), [Benchmarks]);
    }

    #[test]
    fn every_missing_element_has_an_explanation() {
        let none = Elements {
            summary: false,
            opportunities: 0,
            relationships: &[],
            at_account: &HashSet::new(),
            objectives: &[],
            actions: &[],
            benchmarks: 0,
        };
        for (element, why) in none.missing() {
            assert!(why.ends_with('.') && why.len() > 15, "{element:?}: {why}");
        }
        let idle = [
            objective(Horizon::ShortTerm, None, ObjectiveStatus::Open),
            objective(Horizon::ShortTerm, None, ObjectiveStatus::Open),
        ];
        let actions = [action(None, ActionStatus::Open)];
        let why = Elements { objectives: &idle, actions: &actions, ..none }.actions();
        assert_eq!(why.as_deref(), Some("No open action serves the open objective \"Be known\" and 1 more."));
    }

    #[test]
    fn an_action_is_overdue_once_its_due_day_is_over() {
        let open = action(None, ActionStatus::Open);
        assert!(!is_overdue(&open, Day(5)) && is_overdue(&open, Day(6)));
        assert!(!is_overdue(&plan_action::Model { due_on: None, ..open }, Day(6)));
        assert!(!is_overdue(&action(None, ActionStatus::Done), Day(6)));
    }
}
