//! Whom to fill the blanks of a week with.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use async_graphql::InputObject;
use entity::target::TargetStatus;
use entity::{AccountId, TargetId, UserId, account, target};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect, QueryTrait};

use super::CalendarWeek;
use crate::domain::presence::{Ask, Presence, asked::rows};
use crate::domain::targeting::Target;
use crate::error::{Error, Result};
use crate::graphql::{Batch, FieldContext};

/// Suggestions of one week at most.
const MOST: i32 = 200;
/// Suggestions where no number is given.
const USUAL: i32 = 10;

/// Arguments of `CalendarWeek.suggestions`.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct WeekSuggestionsArguments {
    /// The maximum number of suggestions: 0 to 200.
    #[graphql(default_with = "Some(USUAL)")]
    pub first: Option<i32>,
}

/// A target that might be touched.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Candidate {
    target: TargetId,
    account: AccountId,
    /// Days until we are absent there; 0 where we are.
    left: f64,
    /// The account's score: comparable within an organization.
    score: i64,
    potential: Option<i64>,
}

/// Puts candidates into their order: who falls absent soonest first, then the best score, then the highest potential,
/// unknown ones last, then by id.
fn put_in_order(candidates: &mut [Candidate]) {
    let rest = |one: &Candidate| (Reverse(one.score), Reverse(one.potential), one.target);
    candidates.sort_unstable_by(|one, other| one.left.total_cmp(&other.left).then_with(|| rest(one).cmp(&rest(other))));
}

/// `CalendarWeek.suggestions`: four statements for all weeks.
///
/// # Errors
/// `BAD_USER_INPUT` for a number out of its bounds; the database's.
pub(super) async fn of_weeks(field: &FieldContext<'_>, of: &[&CalendarWeek]) -> Result<Batch<Vec<Target>>> {
    let WeekSuggestionsArguments { first } = field.arguments()?;
    let first = first.unwrap_or(USUAL);
    if !(0..=MOST).contains(&first) {
        return Err(Error::BadInput(format!("first is between 0 and {MOST}; {first} was given.")));
    }
    let users: Vec<UserId> = of.iter().map(|week| week.user.id).collect();
    let held = if first == 0 { HashMap::new() } else { held_by(field, users).await? };
    let mut free = free_in(field, of, &held).await?;
    let chosen: Vec<Vec<TargetId>> = free
        .iter_mut()
        .map(|free| {
            put_in_order(free);
            free.iter().take(usize::try_from(first).unwrap_or_default()).map(|one| one.target).collect()
        })
        .collect();
    let found = Target::fetch(field.request, chosen.iter().flatten().copied()).await?;
    let lists: Vec<Vec<&Target>> =
        chosen.iter().map(|ids| ids.iter().filter_map(|id| found.get(id)).collect()).collect();
    field.lists_of_references(&lists).await
}

/// Returns, of each week, those targets of its user's at whose accounts no user has made or scheduled a touch in it: one
/// statement.
async fn free_in(
    field: &FieldContext<'_>,
    of: &[&CalendarWeek],
    held: &HashMap<UserId, Vec<Candidate>>,
) -> Result<Vec<Vec<Candidate>>> {
    let all: Vec<(usize, Candidate)> = of
        .iter()
        .enumerate()
        .flat_map(|(place, week)| held.get(&week.user.id).into_iter().flatten().map(move |one| (place, *one)))
        .collect();
    let asks: Vec<Ask> = all
        .iter()
        .map(|(place, one)| Ask { subject: one.account.0, at: of[*place].to, since: of[*place].from })
        .collect();
    let sql = format!(
        "select asked.number from asked where exists (
            select 1 from touch
            where touch.organization_id = $2 and touch.account_id = asked.subject_id
                and touch.at >= asked.since and touch.at < asked.at
                and (touch.status = 'COMPLETED' or touch.status = 'SCHEDULED' and touch.missed_at > {})
        )",
        field.request.now.0
    );
    let touched: HashSet<usize> = rows(field.request, &asks, &sql).await?.into_iter().map(|(place, _)| place).collect();
    let mut free = vec![Vec::new(); of.len()];
    for (_, (week, one)) in all.into_iter().enumerate().filter(|(place, _)| !touched.contains(place)) {
        free[week].push(one);
    }
    Ok(free)
}

/// The targets that users have today, with what decides their order.
async fn held_by(field: &FieldContext<'_>, users: Vec<UserId>) -> Result<HashMap<UserId, Vec<Candidate>>> {
    let viewer = field.request.viewer()?;
    let of_account =
        Expr::col((account::Entity, account::Column::Id)).equals((target::Entity, target::Column::AccountId));
    let mut query = viewer
        .rows::<target::Entity>(target::Column::AccountId)
        .filter(target::Column::SellerId.is_in(users))
        .filter(target::Column::Status.eq(TargetStatus::Agreed))
        .filter(account::Column::ArchivedAt.is_null())
        .select_only()
        .column(target::Column::SellerId)
        .column(target::Column::Id)
        .column(target::Column::AccountId)
        .into_query();
    query
        .column((account::Entity, account::Column::Score))
        .column((account::Entity, account::Column::Potential))
        .inner_join(account::Entity, of_account);
    let mut candidates: Vec<(UserId, Candidate)> = Vec::new();
    for row in field.request.reader().query_all(&query).await? {
        let candidate = Candidate {
            target: TargetId(row.try_get_by_index(1)?),
            account: AccountId(row.try_get_by_index(2)?),
            left: 0.0,
            score: row.try_get_by_index(3)?,
            potential: row.try_get_by_index(4)?,
        };
        candidates.push((UserId(row.try_get_by_index(0)?), candidate));
    }
    let asks: Vec<Ask> = candidates.iter().map(|(_, one)| Ask::at(viewer, one.account, field.request.now)).collect();
    let presences = Presence::of_touches(field.request, &asks).await?;
    let mut held: HashMap<UserId, Vec<Candidate>> = HashMap::new();
    for ((user, candidate), presence) in candidates.into_iter().zip(presences) {
        held.entry(user).or_default().push(Candidate { left: presence.days_until_absent(), ..candidate });
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    use entity::Id;

    use super::*;

    #[test]
    fn who_falls_absent_comes_first_then_the_best_score_and_unknown_potential_last() {
        let in_days = |left, score, potential| {
            let (target, account) = (TargetId::make(), AccountId::make());
            Candidate { target, account, left, score, potential }
        };
        let one = |score, potential| in_days(2.0, score, potential);
        let expected = [
            in_days(1.5, 10, None),
            one(90, None),
            one(80, Some(5)),
            one(80, Some(0)),
            one(80, None),
            one(80, None),
            one(0, Some(9)),
        ];
        let mut given = expected;
        given.rotate_left(3);
        given.swap(0, 5);
        put_in_order(&mut given);
        assert_eq!(given, expected);
    }
}
