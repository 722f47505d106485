//! Targets without a plan.

use std::collections::{HashMap, HashSet};

use entity::plan::PlanStatus;
use entity::{AccountId, Day, Instant, Scoped, TargetId, plan};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect, QueryTrait};
use serde_json::json;

use super::touch_target::Listed;
use super::{Finding, SkippingCost, Suggestion, SuggestionContext, SuggestionKind, lasting, subject};
use crate::context::RequestContext;
use crate::error::Result;
use crate::graphql::filter::among_ids;
use crate::values::calendar::day_of;

/// A target without a plan.
pub(super) struct Planless {
    day: usize,
    target: TargetId,
    account: AccountId,
    since: Instant,
}

/// Finds those of the targets without an open plan on their day, or one that begins later: one statement.
pub(super) async fn find(ctx: &RequestContext, targets: &[Listed]) -> Result<Vec<Box<dyn Finding>>> {
    let viewer = ctx.viewer()?;
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    let accounts: HashSet<AccountId> = targets.iter().map(|listed| listed.target.account_id).collect();
    let query = plan::Entity::of(viewer.organization.id)
        .filter(among_ids(ctx, plan::Column::AccountId, accounts))
        .filter(plan::Column::Status.ne(PlanStatus::Closed))
        .select_only()
        .column(plan::Column::AccountId)
        .column(plan::Column::EndsOn)
        .into_query();
    let mut until: HashMap<AccountId, Day> = HashMap::new();
    for row in ctx.reader().query_all(&query).await? {
        let ends_on: Day = row.try_get_by_index(1)?;
        let latest = until.entry(AccountId(row.try_get_by_index(0)?)).or_insert(ends_on);
        *latest = ends_on.max(*latest);
    }
    let planless = |listed: &Listed| {
        let row = &listed.target;
        let planned = until.get(&row.account_id).is_some_and(|until| *until >= viewer.day(listed.at));
        let since = row.since.filter(|_| !planned)?;
        Some(Box::new(Planless { day: listed.day, target: row.id, account: row.account_id, since }) as Box<dyn Finding>)
    };
    Ok(targets.iter().filter_map(planless).collect())
}

impl Finding for Planless {
    fn day(&self) -> usize {
        self.day
    }

    fn account(&self) -> Option<AccountId> {
        Some(self.account)
    }

    fn suggest(&self, context: &SuggestionContext<'_>) -> Suggestion {
        let since = day_of(self.since, context.zone);
        let name = context.name;
        Suggestion {
            kind: SuggestionKind::WritePlan,
            account: Some(self.account),
            subject: subject(self.target),
            title: name.to_owned(),
            facts: json!({"daysOnList": (context.on.0 - since.0).max(0)}),
            why: format!("{name} has been a target since {since} and has no plan."),
            if_skipped: format!(
                "After {} it is still not written down what is to be done at {name}, by whom and by when.",
                lasting((context.on.0 - since.0).max(0))
            ),
            due_on: None,
            cost: SkippingCost { days: context.on.0 - day_of(self.since, context.zone).0, ..SkippingCost::default() },
            // The better the account, the more pressing.
            place: -context.score,
        }
    }
}

#[cfg(test)]
mod tests {
    use entity::Id as _;

    use super::*;
    use crate::domain::today::tests::context;
    use crate::values::calendar::DAY;

    #[test]
    fn the_sentences_say_since_when() {
        let since = Instant(88 * DAY);
        let planless = Planless { day: 0, target: TargetId::make(), account: AccountId::make(), since };
        let said = planless.suggest(&context());
        assert_eq!(said.why, "Acme has been a target since 1970-03-30 and has no plan.");
        assert!(said.if_skipped.starts_with("After 12 days it is still not written down"), "{}", said.if_skipped);
        assert_eq!((said.due_on, said.place), (None, -70));
    }
}
