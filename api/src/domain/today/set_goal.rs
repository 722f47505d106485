//! Targets without a goal for the fiscal year.

use std::collections::HashSet;

use entity::{AccountId, Day, Instant, Scoped, TargetId, goal};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect, QueryTrait};
use serde_json::json;

use super::touch_target::Listed;
use super::{Finding, SkippingCost, Suggestion, SuggestionContext, SuggestionKind, lasting, subject};
use crate::context::RequestContext;
use crate::error::Result;
use crate::graphql::filter::among_ids;
use crate::values::calendar::day_of;

/// A target without a goal for the year.
pub(super) struct Goalless {
    day: usize,
    target: TargetId,
    account: AccountId,
    since: Instant,
    year: i32,
    /// Days left of the year, the day itself included.
    left: i32,
}

/// Finds those of the targets that have no goal: one statement.
pub(super) async fn find(ctx: &RequestContext, targets: &[Listed]) -> Result<Vec<Box<dyn Finding>>> {
    let viewer = ctx.viewer()?;
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    let years: HashSet<i32> = targets.iter().map(|listed| viewer.fiscal_year(listed.at)).collect();
    let accounts: HashSet<AccountId> = targets.iter().map(|listed| listed.target.account_id).collect();
    let query = goal::Entity::of(viewer.organization.id)
        .filter(among_ids(ctx, goal::Column::AccountId, accounts))
        .filter(goal::Column::Year.is_in(years))
        .select_only()
        .column(goal::Column::AccountId)
        .column(goal::Column::Year)
        .into_query();
    let mut there: HashSet<(AccountId, i32)> = HashSet::new();
    for row in ctx.reader().query_all(&query).await? {
        there.insert((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
    }
    let goalless = |listed: &Listed| {
        let year = viewer.fiscal_year(listed.at);
        let last: Day = viewer.fiscal_days(Some(year), ctx.now).1;
        let row = &listed.target;
        let since = row.since.filter(|_| !there.contains(&(row.account_id, year)))?;
        Some(Box::new(Goalless {
            day: listed.day,
            target: row.id,
            account: row.account_id,
            since,
            year,
            left: last.0 - viewer.day(listed.at).0 + 1,
        }) as Box<dyn Finding>)
    };
    Ok(targets.iter().filter_map(goalless).collect())
}

impl Finding for Goalless {
    fn day(&self) -> usize {
        self.day
    }

    fn account(&self) -> Option<AccountId> {
        Some(self.account)
    }

    fn suggest(&self, context: &SuggestionContext<'_>) -> Suggestion {
        let (name, year) = (context.name, self.year);
        let since = day_of(self.since, context.zone);
        let days = context.on.0 - since.0;
        Suggestion {
            kind: SuggestionKind::SetGoal,
            account: Some(self.account),
            subject: subject(self.target),
            title: name.to_owned(),
            facts: json!({"year": year, "daysOnList": days.max(0), "daysLeft": self.left}),
            why: format!("{name} has been a target since {since} and has no goal for {year}."),
            if_skipped: format!(
                "{} of the fiscal year are left, and without an amount it is unknown whether {name} is behind.",
                lasting(self.left)
            ),
            due_on: None,
            cost: SkippingCost { days, ..SkippingCost::default() },
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
    fn the_sentences_say_since_when_and_how_long() {
        let since = Instant(4 * DAY);
        let goalless =
            Goalless { day: 0, target: TargetId::make(), account: AccountId::make(), since, year: 1970, left: 265 };
        let said = goalless.suggest(&context());
        assert_eq!(said.why, "Acme has been a target since 1970-01-05 and has no goal for 1970.");
        assert!(said.if_skipped.starts_with("265 days of the fiscal year are left"), "{}", said.if_skipped);
        assert_eq!((said.due_on, said.place), (None, -70));
    }
}
