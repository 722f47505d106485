//! Plans whose review is overdue or due within a week.

use entity::plan::{PlanStatus, ReviewCadence};
use entity::{AccountId, Day, PlanId, plan};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use super::{
    Finding, SOON, SkippingCost, Suggestion, SuggestionContext, SuggestionKind, Today, ago, day_of_user, horizon,
    lasting, most, subject,
};
use crate::context::RequestContext;
use crate::domain::account::is_active;
use crate::error::Result;

/// A plan whose review is due.
pub(super) struct Unreviewed {
    day: usize,
    plan: PlanId,
    account: AccountId,
    title: String,
    cadence: ReviewCadence,
    due_on: Day,
}

/// Finds the plans of each day's user that are due for review, the longest overdue first: one statement.
pub(super) async fn find(ctx: &RequestContext, days: &[Today]) -> Result<Vec<Box<dyn Finding>>> {
    let viewer = ctx.viewer()?;
    let last = horizon(days);
    let rows = viewer
        .rows::<plan::Entity>(plan::Column::AccountId)
        .filter(plan::Column::OwnerId.is_in(days.iter().map(|today| today.user)))
        .filter(plan::Column::Status.ne(PlanStatus::Closed))
        .filter(is_active(plan::Column::AccountId))
        .filter(plan::Column::NextReviewOn.lte(last))
        .order_by_asc(plan::Column::NextReviewOn)
        .order_by_asc(plan::Column::Id)
        .limit(most(days))
        .all(ctx.reader())
        .await?;
    let mut found: Vec<Box<dyn Finding>> = Vec::new();
    for row in rows {
        let day = day_of_user(days, row.owner_id);
        let (Some(day), Some(due_on)) = (day, row.next_review_on) else { continue };
        if due_on <= days[day].on.plus(SOON) {
            let plan::Model { id, account_id, title, cadence, .. } = row;
            found.push(Box::new(Unreviewed { day, plan: id, account: account_id, title, cadence, due_on }));
        }
    }
    Ok(found)
}

impl Finding for Unreviewed {
    fn day(&self) -> usize {
        self.day
    }

    fn account(&self) -> Option<AccountId> {
        Some(self.account)
    }

    fn suggest(&self, context: &SuggestionContext<'_>) -> Suggestion {
        let Self { title, due_on, .. } = self;
        let name = context.name;
        let late = context.on.0 - due_on.0;
        let why = if late < 0 {
            format!("The plan “{title}” for {name} is to be reviewed on {due_on}.")
        } else {
            format!("The plan “{title}” for {name} was to be reviewed {}.", ago(late))
        };
        let every = match self.cadence {
            ReviewCadence::Monthly => "month",
            ReviewCadence::Quarterly => "quarter",
        };
        let if_skipped = if late > 0 {
            format!("It is reviewed every {every}; {} late, no one has checked whether it works.", lasting(late))
        } else {
            format!("It is reviewed every {every}; with none on {due_on} no one checks whether it works.")
        };
        Suggestion {
            kind: SuggestionKind::ReviewPlan,
            account: Some(self.account),
            subject: subject(self.plan),
            title: title.clone(),
            facts: json!({"daysLate": late}),
            why,
            if_skipped,
            due_on: Some(*due_on),
            cost: SkippingCost { days: late, ..SkippingCost::default() },
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
        let say = |due_on: i32, cadence| {
            let (plan, account) = (PlanId::make(), AccountId::make());
            Unreviewed { day: 0, plan, account, title: "Win".to_owned(), cadence, due_on: Day(due_on) }
                .suggest(&context())
        };
        let late = say(88, ReviewCadence::Monthly);
        assert_eq!(late.why, "The plan “Win” for Acme was to be reviewed 12 days ago.");
        assert_eq!(late.if_skipped, "It is reviewed every month; 12 days late, no one has checked whether it works.");
        let soon = say(104, ReviewCadence::Quarterly);
        assert_eq!(soon.why, "The plan “Win” for Acme is to be reviewed on 1970-04-15.");
        assert_eq!(
            soon.if_skipped,
            "It is reviewed every quarter; with none on 1970-04-15 no one checks whether it works."
        );
    }
}
