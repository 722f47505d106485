//! The days from the first touch with a target to the first opportunity at its account.

use std::collections::HashMap;

use chrono_tz::Tz;
use entity::{AccountId, Day, Instant, UserId, opportunity, target};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect, QueryTrait};
use statistics::survival::Case;

use super::CHUNK;
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

/// The time, in SQL, of the first completed touch with a target's account since it joined the list. It is read from the index of
/// an account's touches, no further than that touch.
pub const FIRST_TOUCH: &str = "(select touch.at from touch
        where touch.organization_id = target.organization_id and touch.account_id = target.account_id
            and touch.at >= target.since and touch.weight > 0
        order by touch.at limit 1)";

/// Returns the courses of sellers' targets that joined the list after an instant and were touched, by seller: two statements for
/// any number of sellers.
pub async fn of_sellers(
    ctx: &RequestContext,
    sellers: Vec<UserId>,
    since: Instant,
) -> Result<HashMap<UserId, Vec<Course>>> {
    use target::Column;
    let mut query = ctx
        .viewer()?
        .rows::<target::Entity>(Column::AccountId)
        .filter(is_any_of(ctx.reader(), Column::SellerId, sellers))
        .filter(Column::Since.gt(since))
        .select_only()
        .columns([Column::SellerId, Column::AccountId, Column::Since, Column::Until])
        .into_query();
    query.expr(Expr::cust(FIRST_TOUCH));
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
    let openings = openings(ctx, touched.iter().map(|(_, account, _)| *account).collect()).await?;
    let mut found: HashMap<UserId, Vec<Course>> = HashMap::new();
    for (seller, account, course) in touched {
        let openings = openings.get(&account).cloned().unwrap_or_default();
        found.entry(seller).or_default().push(Course { openings, ..course });
    }
    Ok(found)
}

/// Returns the days on which opportunities were opened at accounts, in their order: one statement for every 5,000 accounts.
async fn openings(ctx: &RequestContext, mut accounts: Vec<AccountId>) -> Result<HashMap<AccountId, Vec<Day>>> {
    use opportunity::Column;
    accounts.sort_unstable();
    accounts.dedup();
    let mut found: HashMap<AccountId, Vec<Day>> = HashMap::new();
    for accounts in accounts.chunks(CHUNK) {
        let query = ctx
            .viewer()?
            .sums::<opportunity::Entity>(Column::AccountId)
            .filter(is_any_of(ctx.reader(), Column::AccountId, accounts.iter().copied()))
            .select_only()
            .columns([Column::AccountId, Column::OpenedOn])
            .into_query();
        for row in ctx.reader().query_all(&query).await? {
            found.entry(row.try_get_by_index(0)?).or_default().push(row.try_get_by_index(1)?);
        }
    }
    for days in found.values_mut() {
        days.sort_unstable();
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
