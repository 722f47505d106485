//! Why we are as present as we are: the touches that count.

use std::collections::HashMap;

use async_graphql::InputObject;
use entity::{Instant, TouchId};

use super::Presence;
use super::asked::{Ask, rows};
use super::formula::Made;
use crate::context::RequestContext;
use crate::domain::touch::Touch;
use crate::error::{Error, Result};
use crate::graphql::pagination::LONGEST_LIST;
use crate::graphql::{Batch, FieldContext, object};

/// Arguments of `because`.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct BecauseArguments {
    /// How many at most: 0 to 500.
    #[graphql(default_with = "Some(10)")]
    pub first: Option<i32>,
}

/// A touch that counts.
#[derive(Clone, Debug)]
pub struct PresencePart {
    touch: Touch,
    weight: f64,
    decayed: f64,
}

object! {
    /// A touch that makes us present.
    PresencePart as "PresencePart" {
        /// The touch, as it is now.
        touch: Touch = batch(touches);
        /// What it weighed when it was made: 0.15 to 1.
        weight: f64 = plain(|part| part.weight);
        /// What is left of that: its part of E.
        decayed: f64 = plain(|part| part.decayed);
    }
}

async fn touches(field: &FieldContext<'_>, of: &[&PresencePart]) -> Result<Batch<Touch>> {
    field.objects(&of.iter().map(|part| &part.touch).collect::<Vec<_>>()).await
}

/// The parts of presences: two statements. Which touches count is known already, but for their ids: only those are looked for
/// that are told.
///
/// # Errors
/// `BAD_USER_INPUT` for a number out of its bounds; the database's.
pub(super) async fn of_presences(field: &FieldContext<'_>, of: &[&Presence]) -> Result<Batch<Vec<PresencePart>>> {
    let BecauseArguments { first } = field.arguments()?;
    let first = first.unwrap_or(10);
    let Some(first) = usize::try_from(first).ok().filter(|first| *first as u64 <= LONGEST_LIST) else {
        return Err(Error::BadInput(format!("first is between 0 and {LONGEST_LIST}; {first} was given.")));
    };
    let heaviest: Vec<Vec<Told>> =
        of.iter().map(|presence| heaviest(&presence.counting, presence.policy.half_life, first)).collect();
    let asks: Vec<Ask> = of
        .iter()
        .zip(&heaviest)
        .flat_map(|(presence, told)| {
            let Ask { subject, at, .. } = presence.ask;
            told.iter().map(move |one| Ask { subject, at: Instant(at.0 - one.made.age), since: at })
        })
        .collect();
    let told: Vec<Told> = heaviest.iter().flatten().copied().collect();
    let ids = ids(field.request, &asks, &told).await?;
    let touches: HashMap<TouchId, Touch> = Touch::fetch(field.request, ids.iter().flatten().copied()).await?;
    let mut ids = ids.iter();
    let mut part = |(presence, one): (&Presence, &Told)| {
        let touch = touches.get(&(*ids.next()?)?)?.clone();
        let made = one.made;
        Some(PresencePart { touch, weight: made.full(), decayed: made.decayed(presence.policy.half_life) })
    };
    let lists: Vec<Vec<PresencePart>> = of
        .iter()
        .zip(&heaviest)
        .map(|(presence, told)| told.iter().filter_map(|one| part((presence, one))).collect())
        .collect();
    field.object_lists(&lists.iter().map(Vec::as_slice).collect::<Vec<_>>()).await
}

/// A touch that is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    made: Made,
    /// Its place among those of the same time and weight, by id.
    nth: usize,
}

/// The heaviest of some touches that count, the latest of them first; of two as heavy, the later one.
fn heaviest(counting: &[Made], half_life: f64, first: usize) -> Vec<Told> {
    let mut told: Vec<Told> = Vec::with_capacity(counting.len());
    for made in counting {
        let nth = told.last().filter(|last| last.made == *made).map_or(0, |last| last.nth + 1);
        told.push(Told { made: *made, nth });
    }
    told.sort_by(|one, other| other.made.decayed(half_life).total_cmp(&one.made.decayed(half_life)));
    told.truncate(first);
    told
}

/// The touches of accounts at instants that are told of, as they were known by the end of each one's stretch: one
/// statement.
async fn ids(ctx: &RequestContext, asks: &[Ask], told: &[Told]) -> Result<Vec<Option<TouchId>>> {
    const SQL: &str = "select asked.number, touch.weight, touch.id from asked cross join touch
        where touch.organization_id = $2 and touch.account_id = asked.subject_id and touch.at = asked.at
            and touch.recorded_at <= asked.since";
    let mut found: Vec<Vec<TouchId>> = vec![Vec::new(); asks.len()];
    for (place, row) in rows(ctx, asks, SQL).await? {
        let weight: i32 = row.try_get_by_index(1)?;
        if weight.unsigned_abs() == told[place].made.weight {
            found[place].push(row.try_get_by_index(2)?);
        }
    }
    let nth = |(mut ids, told): (Vec<TouchId>, &Told)| {
        ids.sort_unstable();
        ids.get(told.nth).copied()
    };
    Ok(found.into_iter().zip(told).map(nth).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::presence::formula::{Policy, counting};
    use crate::values::calendar::DAY;

    #[test]
    fn the_heaviest_comes_first_and_what_does_not_count_not_at_all() {
        let policy = Policy { half_life: 30.0, threshold: 0.5 };
        let made = |days: i64, weight| Made { age: days * DAY, weight };
        let all = [made(40, 1000), made(1, 150), made(2, 150), made(3, 150), made(10, 700), made(5, 0)];
        let counted = counting(all.to_vec(), policy);
        let places = |first| {
            let list = heaviest(&counted, policy.half_life, first);
            list.into_iter().map(|told| all.iter().position(|made| *made == told.made).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(places(10), [4, 0, 1, 2]);
        assert_eq!(places(1), [4]);
        assert!(places(0).is_empty());
    }

    #[test]
    fn touches_alike_are_told_apart() {
        let made = |age, weight| Made { age, weight };
        let list = heaviest(&[made(1, 400), made(1, 1000), made(1, 1000), made(2, 1000)], 30.0, 10);
        let nth: Vec<(u32, usize)> = list.iter().map(|told| (told.made.weight, told.nth)).collect();
        assert_eq!(nth, [(1000, 0), (1000, 1), (1000, 0), (400, 0)]);
    }
}
