//! Actions of plans that are due, or will be within a week.

use std::collections::HashMap;

use entity::plan::PlanStatus;
use entity::plan_action::ActionStatus;
use entity::{AccountId, ActionId, Day, PlanId, Scoped, plan, plan_action};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use serde_json::json;

use super::{
    Finding, SOON, SkippingCost, Suggestion, SuggestionContext, SuggestionKind, Today, ago, day_of_user, horizon, most,
    subject,
};
use crate::context::RequestContext;
use crate::domain::account::is_active;
use crate::error::Result;
use database::columns::is_any_of;

/// An action that is due.
pub(super) struct Task {
    day: usize,
    action: ActionId,
    account: AccountId,
    title: String,
    due_on: Day,
    /// Open actions of the plan besides.
    others: i64,
}

/// Finds the open actions of each day's user in plans that are not closed, the longest overdue first: two statements.
pub(super) async fn find(ctx: &RequestContext, days: &[Today]) -> Result<Vec<Box<dyn Finding>>> {
    let viewer = ctx.viewer()?;
    let last = horizon(days);
    // Looked up for each action: of all plans, most are other people's. Without the limit, which is a parameter, PostgreSQL
    // would join them all.
    let plan = plan::Entity::of(viewer.organization.id)
        .filter(Expr::col((plan::Entity, plan::Column::Id)).equals((plan_action::Entity, plan_action::Column::PlanId)))
        .filter(plan::Column::Status.ne(PlanStatus::Closed))
        .select_only()
        .column(plan::Column::Id)
        .limit(1)
        .into_query();
    let rows = viewer
        .rows::<plan_action::Entity>(plan_action::Column::AccountId)
        .filter(plan_action::Column::AssigneeId.is_in(days.iter().map(|today| today.user)))
        .filter(plan_action::Column::Status.eq(ActionStatus::Open))
        .filter(is_active(plan_action::Column::AccountId))
        .filter(plan_action::Column::DueOn.lte(last))
        .filter(Expr::exists(plan))
        .order_by_asc(plan_action::Column::DueOn)
        .order_by_asc(plan_action::Column::Id)
        .limit(most(days))
        .all(ctx.reader())
        .await?;
    let open = open(ctx, rows.iter().map(|row| row.plan_id).collect()).await?;
    let mut found: Vec<Box<dyn Finding>> = Vec::new();
    for row in rows {
        let day = row.assignee_id.and_then(|assignee| day_of_user(days, assignee));
        let (Some(day), Some(due_on)) = (day, row.due_on) else { continue };
        if due_on <= days[day].on.plus(SOON) {
            let others = open.get(&row.plan_id).map_or(0, |open| open - 1);
            let (action, account) = (row.id, row.account_id);
            found.push(Box::new(Task { day, action, account, title: row.title, due_on, others }));
        }
    }
    Ok(found)
}

/// Returns the number of open actions by plan: one statement.
async fn open(ctx: &RequestContext, plans: Vec<PlanId>) -> Result<HashMap<PlanId, i64>> {
    let query = plan_action::Entity::of(ctx.viewer()?.organization.id)
        .filter(is_any_of(ctx.reader(), plan_action::Column::PlanId, plans))
        .filter(plan_action::Column::Status.eq(ActionStatus::Open))
        .select_only()
        .column(plan_action::Column::PlanId)
        .expr(Expr::cust("count(*)"))
        .group_by(plan_action::Column::PlanId)
        .into_query();
    let rows = ctx.reader().query_all(&query).await?;
    rows.iter().map(|row| Ok((PlanId(row.try_get_by_index(0)?), row.try_get_by_index(1)?))).collect()
}

impl Finding for Task {
    fn day(&self) -> usize {
        self.day
    }

    fn account(&self) -> Option<AccountId> {
        Some(self.account)
    }

    fn suggest(&self, context: &SuggestionContext<'_>) -> Suggestion {
        let Self { title, due_on, others, .. } = self;
        let name = context.name;
        let why = if *due_on > context.on {
            format!("“{title}” of the plan for {name} is due on {due_on}.")
        } else {
            format!("“{title}” of the plan for {name} was due {}.", ago(context.on.0 - due_on.0))
        };
        let if_skipped = match others {
            0 => format!("It is the last open action of the plan for {name}: without it the plan comes to a stop."),
            1 => format!("1 other action of the plan for {name} is open as well, and the plan falls behind."),
            others => {
                format!("{others} other actions of the plan for {name} are open as well, and the plan falls behind.")
            }
        };
        Suggestion {
            kind: SuggestionKind::DoAction,
            account: Some(self.account),
            subject: subject(self.action),
            title: title.clone(),
            facts: json!({"daysLate": context.on.0 - due_on.0, "otherOpenActions": others}),
            why,
            if_skipped,
            due_on: Some(*due_on),
            cost: SkippingCost { amount: context.open, days: context.on.0 - due_on.0, ..SkippingCost::default() },
            place: i64::from(due_on.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use entity::Id as _;

    use super::*;
    use crate::domain::today::tests::context;

    #[test]
    fn the_sentences_say_how_late_it_is() {
        let say = |due_on: i32, others: i64| {
            let (action, account) = (ActionId::make(), AccountId::make());
            let title = "Meet the buyer".to_owned();
            Task { day: 0, action, account, title, due_on: Day(due_on), others }.suggest(&context())
        };
        assert_eq!(say(100, 0).why, "“Meet the buyer” of the plan for Acme was due today.");
        assert_eq!(say(95, 0).why, "“Meet the buyer” of the plan for Acme was due 5 days ago.");
        assert_eq!(say(101, 0).why, "“Meet the buyer” of the plan for Acme is due on 1970-04-12.");
        assert!(say(100, 0).if_skipped.starts_with("It is the last open action"));
        assert!(say(100, 1).if_skipped.starts_with("1 other action of the plan for Acme is open"));
        assert!(say(100, 7).if_skipped.starts_with("7 other actions of the plan for Acme are open"));
        assert_eq!((say(95, 0).due_on, say(95, 0).place), (Some(Day(95)), 95));
    }
}
