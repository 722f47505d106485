//! The days from the first touch with a target to the first opportunity at its account.

use std::collections::HashMap;

use chrono_tz::Tz;
use entity::{AccountId, Day, Instant, UserId, opportunity, target};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect, QueryTrait, Select};
use statistics::survival::Case;

use super::deal::PointInTime;
use crate::context::RequestContext;
use crate::error::Result;
use crate::values::calendar::day_of;
use database::columns::is_any_of;

/// What became of a target that was touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// When it joined the list.
    pub since: Instant,
    /// When it left.
    pub until: Option<Instant>,
    /// The first completed touch with its account from then on.
    pub first_touch: Instant,
    /// The days on which opportunities were opened at its account, in their order.
    pub openings: Vec<Day>,
}

impl Course {
    /// Returns the case by a moment: from the day of the first touch to the day of the first opportunity from then on. It has not
    /// ended while there is none, and stays so when the target leaves the list. `None` if it was not touched by then.
    #[must_use]
    pub fn case(&self, moment: PointInTime, zone: Tz) -> Option<Case> {
        if self.first_touch > moment.at || self.until.is_some_and(|until| until <= self.first_touch) {
            return None;
        }
        let start = day_of(self.first_touch, zone);
        let end = self.until.filter(|until| *until <= moment.at).map_or(moment.on, |until| day_of(until, zone));
        let lasted = |day: Day| (i64::from(day.0) - i64::from(start.0)).max(0);
        let opening = self.openings.iter().find(|day| **day >= start).filter(|day| moment.is_now || **day <= end);
        Some(match opening {
            Some(day) if self.until.is_none_or(|until| *day <= day_of(until, zone)) => Case::ended(lasted(*day)),
            _ => Case::open(lasted(end)),
        })
    }
}

/// Returns the courses of sellers' targets that joined the list after an instant, by seller: two statements for any number of
/// sellers.
pub async fn of_sellers(
    ctx: &RequestContext,
    sellers: Vec<UserId>,
    since: Instant,
) -> Result<HashMap<UserId, Vec<Course>>> {
    let targets = ctx
        .viewer()?
        .rows::<target::Entity>(target::Column::AccountId)
        .filter(is_any_of(ctx.reader(), target::Column::SellerId, sellers))
        .filter(target::Column::Since.gt(since));
    let mut found: HashMap<UserId, Vec<Course>> = HashMap::new();
    for (seller, course) in courses(ctx, targets).await? {
        found.entry(seller).or_default().push(course);
    }
    Ok(found)
}

/// Returns the courses of targets that were touched, each with its seller: two statements.
pub async fn courses(ctx: &RequestContext, targets: Select<target::Entity>) -> Result<Vec<(UserId, Course)>> {
    use target::Column;
    let mut query = targets
        .filter(Column::Since.is_not_null())
        .select_only()
        .columns([Column::SellerId, Column::AccountId, Column::Since, Column::Until])
        .into_query();
    // Read from the index of an account's touches, no further than the first that was made.
    query.expr(Expr::cust(
        "(select touch.at from touch
            where touch.organization_id = target.organization_id and touch.account_id = target.account_id
                and touch.at >= target.since and touch.weight > 0
            order by touch.at limit 1)",
    ));
    let mut touched: Vec<(UserId, AccountId, Course)> = Vec::new();
    for row in ctx.reader().query_all(&query).await? {
        let first: Option<Instant> = row.try_get_by_index(4)?;
        let Some(first_touch) = first else { continue };
        let course = Course {
            since: row.try_get_by_index(2)?,
            until: row.try_get_by_index(3)?,
            first_touch,
            openings: Vec::new(),
        };
        touched.push((row.try_get_by_index(0)?, row.try_get_by_index(1)?, course));
    }
    let mut openings = openings(ctx, touched.iter().map(|(_, account, _)| *account).collect()).await?;
    for days in openings.values_mut() {
        days.sort_unstable();
    }
    let with_openings = touched.into_iter().map(|(seller, account, course)| {
        let openings = openings.get(&account).cloned().unwrap_or_default();
        (seller, Course { openings, ..course })
    });
    Ok(with_openings.collect())
}

/// Returns the days on which opportunities were opened at accounts: one statement, or none without accounts.
async fn openings(ctx: &RequestContext, mut accounts: Vec<AccountId>) -> Result<HashMap<AccountId, Vec<Day>>> {
    use opportunity::Column;
    accounts.sort_unstable();
    accounts.dedup();
    let mut found: HashMap<AccountId, Vec<Day>> = HashMap::new();
    if accounts.is_empty() {
        return Ok(found);
    }
    let query = ctx
        .viewer()?
        .sums::<opportunity::Entity>(Column::AccountId)
        .filter(is_any_of(ctx.reader(), Column::AccountId, accounts))
        .select_only()
        .columns([Column::AccountId, Column::OpenedOn])
        .into_query();
    for row in ctx.reader().query_all(&query).await? {
        found.entry(row.try_get_by_index(0)?).or_default().push(row.try_get_by_index(1)?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::calendar::DAY;

    fn course(first_touch: i64, openings: &[i32], until: Option<i64>) -> Course {
        Course {
            since: Instant(0),
            until: until.map(|day| Instant(day * DAY)),
            first_touch: Instant(first_touch * DAY + DAY / 2),
            openings: openings.iter().map(|day| Day(*day)).collect(),
        }
    }

    fn case(course: &Course, on: i32) -> Option<Case> {
        let moment = PointInTime { on: Day(on), at: Instant((i64::from(on) + 1) * DAY - 1), is_now: false };
        course.case(moment, chrono_tz::UTC)
    }

    #[test]
    fn a_case_ends_with_the_first_opportunity_after_the_first_touch() {
        let found = course(10, &[5, 40, 60], None);
        assert_eq!(
            [9, 20, 39, 40, 90].map(|on| case(&found, on)),
            [None, Some(Case::open(10)), Some(Case::open(29)), Some(Case::ended(30)), Some(Case::ended(30)),]
        );
        assert_eq!(case(&course(10, &[10], None), 10), Some(Case::ended(0)));
    }

    #[test]
    fn a_target_that_leaves_the_list_is_no_longer_observed() {
        let left = course(10, &[40], Some(30));
        assert_eq!((case(&left, 20), case(&left, 90)), (Some(Case::open(10)), Some(Case::open(20))));
        // It left before it was touched.
        assert_eq!(case(&course(10, &[40], Some(5)), 90), None);
    }
}
