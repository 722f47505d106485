//! Adds an event to the feed when bookings reach a goal, with the booking that reached it, and another when they no longer do.
//! This happens in the transaction that changes the bookings or the goal.

use std::collections::{HashMap, HashSet};

use entity::{AccountId, BookingId, Day, Scoped, booking, goal, organization};
use sea_orm::{QueryFilter, QueryOrder, QuerySelect, Select};

use super::sums_by_day;
use crate::error::Result;
use crate::values::calendar::{fiscal_days, fiscal_year};
use crate::write::Write;
use database::columns::is_any_of;

/// The maximum number of accounts in one statement.
const CHUNK: usize = 5_000;

/// Checks the agreed goals of accounts in the years of these days, after bookings (`written`) have changed. The number of
/// statements does not grow with the bookings; it is one if there are no goals.
pub async fn after_bookings(
    write: &mut Write<'_>,
    organization: &organization::Model,
    touched: &[(AccountId, Day)],
    written: &[BookingId],
) -> Result<()> {
    if touched.is_empty() {
        return Ok(());
    }
    let start = organization.fiscal_year_start_month.unsigned_abs();
    let years: HashSet<(AccountId, i32)> =
        touched.iter().map(|(account, day)| (*account, fiscal_year(*day, start))).collect();
    let of_accounts = is_any_of(&write.tx, goal::Column::AccountId, years.iter().map(|(account, _)| *account));
    let goals = agreed(write, goal::Entity::of(organization.id).filter(of_accounts)).await?;
    let goals = goals.into_iter().filter(|goal| years.contains(&(goal.account_id, goal.year))).collect();
    settle(write, organization, goals, written).await
}

/// Looks at all agreed goals, after fiscal years have changed.
pub async fn after_calendar(write: &mut Write<'_>, organization: &organization::Model) -> Result<()> {
    let goals = agreed(write, goal::Entity::of(organization.id)).await?;
    settle(write, organization, goals, &[]).await
}

/// Returns the agreed goals of a selection, locked, so that of two concurrent bookings the second sees the first. The status is
/// not a condition of the statement, because the statement would then skip a goal that is being agreed concurrently.
async fn agreed(write: &Write<'_>, goals: Select<goal::Entity>) -> Result<Vec<goal::Model>> {
    let mut goals = goals.order_by_asc(goal::Column::Id).lock_exclusive().all(&write.tx).await?;
    goals.retain(|goal| goal.agreed_amount.is_some());
    Ok(goals)
}

/// Looks at these goals, which are locked.
pub(super) async fn settle(
    write: &mut Write<'_>,
    organization: &organization::Model,
    goals: Vec<goal::Model>,
    written: &[BookingId],
) -> Result<()> {
    let start = organization.fiscal_year_start_month.unsigned_abs();
    let mut changed = Vec::new();
    for goals in goals.chunks(CHUNK) {
        let days = |goal: &goal::Model| fiscal_days(goal.year, start);
        let from = goals.iter().map(|goal| days(goal).0).min().unwrap_or(Day::FIRST);
        let to = goals.iter().map(|goal| days(goal).1).max().unwrap_or(Day::FIRST);
        let accounts = goals.iter().map(|goal| goal.account_id).collect();
        let sums = sums_by_day(&write.tx, organization.id, accounts, from, to).await?;
        let total = |goal: &goal::Model| -> i64 {
            let (first, last) = days(goal);
            sums.get(&goal.account_id).map_or(0, |sums| sums.range(first..=last).map(|(_, booked)| booked.sum).sum())
        };
        let is_reached = |goal: &goal::Model| goal.agreed_amount.is_some_and(|amount| total(goal) >= amount);
        let turned: Vec<&goal::Model> =
            goals.iter().filter(|goal| is_reached(goal) != goal.reached_by_id.is_some()).collect();
        if turned.is_empty() {
            continue;
        }
        let bookings = bookings(write, organization, &turned, from, to).await?;
        for before in turned {
            let (first, last) = days(before);
            let of_year: Vec<&booking::Model> = bookings.get(&before.account_id).map_or_else(Vec::new, |all| {
                all.iter().filter(|row| (first..=last).contains(&row.booked_on)).collect()
            });
            let by = if is_reached(before) {
                reaching(&of_year, before.agreed_amount.unwrap_or_default(), written)
            } else {
                None
            };
            let what = if by.is_some() { "reached" } else { "unreached" };
            changed.push((what, before.clone(), goal::Model { reached_by_id: by, ..before.clone() }));
        }
    }
    write.save_derived(changed).await
}

/// Returns the bookings of goals' accounts, ordered by day and id.
async fn bookings(
    write: &Write<'_>,
    organization: &organization::Model,
    goals: &[&goal::Model],
    from: Day,
    to: Day,
) -> Result<HashMap<AccountId, Vec<booking::Model>>> {
    let rows = booking::Entity::of(organization.id)
        .filter(is_any_of(&write.tx, booking::Column::AccountId, goals.iter().map(|goal| goal.account_id)))
        .filter(crate::domain::booking::made_between(from, to))
        .order_by_asc(booking::Column::BookedOn)
        .order_by_asc(booking::Column::Id)
        .all(&write.tx)
        .await?;
    let mut found: HashMap<AccountId, Vec<booking::Model>> = HashMap::new();
    for row in rows {
        found.entry(row.account_id).or_default().push(row);
    }
    Ok(found)
}

/// Returns the booking that reached the goal, from the ordered bookings of a year: the one with which the sum reached the goal.
/// If other bookings were just written, such as one for a past day, it is the last of those.
fn reaching(bookings: &[&booking::Model], goal: i64, written: &[BookingId]) -> Option<BookingId> {
    let mut sum = 0_i64;
    let first = bookings.iter().find(|row| {
        sum = sum.saturating_add(row.amount);
        sum >= goal
    });
    let just_now = bookings.iter().rfind(|row| written.contains(&row.id));
    match (first, just_now) {
        (Some(first), _) if written.contains(&first.id) => Some(first.id),
        (_, Some(written)) => Some(written.id),
        (first, None) => first.map(|row| row.id),
    }
}

#[cfg(test)]
mod tests {
    use entity::{Id, Instant, OrganizationId, UserId};

    use super::*;

    fn booking(day: i32, amount: i64) -> booking::Model {
        booking::Model {
            id: BookingId::make(),
            organization_id: OrganizationId::make(),
            account_id: AccountId::make(),
            amount,
            booked_on: Day(day),
            description: None,
            opportunity_id: None,
            seller_id: UserId::make(),
            external_ids: "[]".to_owned(),
            created_at: Instant(0),
            updated_at: Instant(0),
            version: 1,
        }
    }

    #[test]
    fn the_booking_that_did_it_is_named() {
        let rows = [booking(1, 40), booking(2, 30), booking(3, 40), booking(4, 10)];
        let all: Vec<&booking::Model> = rows.iter().collect();
        let by = |written: &[usize]| {
            let written: Vec<BookingId> = written.iter().map(|at| rows[*at].id).collect();
            let id = reaching(&all, 100, &written).unwrap();
            rows.iter().position(|row| row.id == id).unwrap()
        };
        // Agreed on when it was there already; booked last; one of an import; a day long past.
        assert_eq!((by(&[]), by(&[2]), by(&[0, 1, 2, 3]), by(&[0])), (2, 2, 2, 0));
        assert_eq!(reaching(&[], 100, &[]), None);
    }
}
