//! The touches behind presence and value, read from the index of accounts' touches alone.
//!
//! An account's touches come as one text: for each its age in microseconds, with its shape and its value in the low thirteen
//! bits. The shape has an upper bound of its length; exact lengths, ids and people are read of the few touches alone that may
//! overlap others or crowd a day.
//! Days before now see the superseded versions of touches as well.

use std::collections::HashMap;

use entity::touch::TouchKind;
use entity::{Instant, TouchId};
use uuid::Uuid;

use super::asked::{Ask, rows, texts};
use super::encounter::{self, Detailed};
use super::formula::{Made, ONE_WAY, ONE_WAY_DAYS, PresencePolicy, VALUE_DAYS};
use super::span::{self, Known};
use crate::context::RequestContext;
use crate::domain::touch::people;
use crate::domain::touch::weight::LENGTHS;
use crate::error::Result;
use crate::graphql::ROWS_BETWEEN_YIELDS;
use crate::values::calendar::DAY;

/// Ages are multiplied by this, to leave low bits for shape and value.
const AGE: i64 = 8192;

/// The kinds by their codes in shapes.
const KINDS: [TouchKind; 7] = [
    TouchKind::Call,
    TouchKind::Email,
    TouchKind::Meeting,
    TouchKind::Message,
    TouchKind::Event,
    TouchKind::Mail,
    TouchKind::Other,
];

/// What counts of an account's touches at an instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// The encounters that may count, each as the touch that stands for it.
    pub made: Vec<Made>,
    /// The number of touches of the last 180 days with value for the client.
    pub with_value: u32,
    /// The number of those that the client acknowledged.
    pub acknowledged: u32,
}

/// Whether any of these looks back, so that superseded versions matter.
#[must_use]
pub fn is_past(ctx: &RequestContext, asks: &[Ask], late: i64) -> bool {
    asks.iter().any(|ask| ask.at.0.saturating_add(late) < ctx.now.0)
}

/// Returns SQL that is true where a row of `touch` or `touch_version` is what was known by an instant.
pub(super) fn known_by(table: &str, by: &str) -> String {
    match table {
        "touch" => format!("touch.known_at <= {by}"),
        table => format!("{table}.known_from <= {by} and {table}.known_until > {by}"),
    }
}

/// Returns SQL of the shape of a touch and what became of its value, as one number below [`AGE`].
pub(super) fn low_bits(table: &str) -> String {
    format!(
        "{table}.shape * 4 + case when {table}.value is null then 0 when {table}.value_acknowledged then 3 else 2 end"
    )
}

/// Returns SQL that is true where a touch may count on one of the days between two instants.
pub(super) fn may_count(table: &str, policy: PresencePolicy, first: &str, last: &str) -> String {
    let (reach, value, one_way) = (policy.reach(), VALUE_DAYS * DAY, i64::from(ONE_WAY_DAYS) * DAY);
    let furthest = reach.max(value).max(one_way);
    format!(
        "{table}.organization_id = $2 and {table}.account_id = asked.subject_id
            and {table}.at <= {last} and {table}.at >= {first} - {furthest}
            and {table}.weight > 0 and (
                {table}.weight > {ONE_WAY} and {table}.at >= {first} - {reach}
                or {table}.weight <= {ONE_WAY} and {table}.at > {first} - {one_way}
                or {table}.value is not null and {table}.at > {first} - {value}
            )"
    )
}

fn text(table: &str, policy: PresencePolicy, late: i64) -> String {
    let known = known_by(table, &format!("asked.at + {late}"));
    format!(
        "select string_agg(cast((asked.at - {table}.at) * {AGE} + {} as text), ',')
        from {table} where {} and {known}",
        low_bits(table),
        may_count(table, policy, "asked.at", "asked.at")
    )
}

/// Returns what counts at accounts and instants, in their order: one statement for any number of them, and one more where
/// touches overlap or crowd a day. `late` is how many microseconds after its instant a state may have become known.
///
/// # Errors
/// Database errors.
pub async fn read(ctx: &RequestContext, asks: &[Ask], policy: PresencePolicy, late: i64) -> Result<Vec<Touched>> {
    let is_past = is_past(ctx, asks, late);
    let mut all = if span::is_better(asks) {
        span::touched(ctx, asks, policy, late).await?
    } else {
        each(ctx, asks, policy, late, is_past).await?
    };
    let zone = ctx.viewer()?.zone;
    // Many days of an account may doubt the same touch.
    let mut doubtful: Vec<(usize, usize)> = Vec::new();
    let mut wanted: Vec<Ask> = Vec::new();
    let mut places: HashMap<(Uuid, Instant), usize> = HashMap::new();
    for (place, (touched, ask)) in all.iter_mut().zip(asks).enumerate() {
        for age in encounter::doubtful(&mut touched.made, ask.at, zone) {
            let at = Instant(ask.at.0 - age);
            let found = *places.entry((ask.subject, at)).or_insert(wanted.len());
            if found == wanted.len() {
                wanted.push(Ask { at, ..*ask });
            }
            doubtful.push((place, found));
        }
        if place % ROWS_BETWEEN_YIELDS == ROWS_BETWEEN_YIELDS - 1 {
            tokio::task::yield_now().await;
        }
    }
    let found = details(ctx, &wanted, is_past).await?;
    for doubtful in doubtful.chunk_by(|(place, _), (next, _)| place == next) {
        let place = doubtful[0].0;
        let (at, by) = (asks[place].at, asks[place].at.0.saturating_add(late));
        let mut details = Vec::new();
        for (_, number) in doubtful {
            let age = at.0 - wanted[*number].at.0;
            for (_, one) in found[*number].iter().filter(|(known, _)| known.holds(by)) {
                let made = Made { age, ..one.made };
                if made.may_count(policy) {
                    details.push(Detailed { made, people: one.people.clone() });
                }
            }
        }
        let touches = std::mem::take(&mut all[place].made);
        all[place].made = encounter::encounters(touches, details, at, zone);
    }
    Ok(all)
}

/// Reads what counts at each account and instant on its own.
async fn each(
    ctx: &RequestContext,
    asks: &[Ask],
    policy: PresencePolicy,
    late: i64,
    is_past: bool,
) -> Result<Vec<Touched>> {
    let now = text("touch", policy, late);
    let sql = if is_past {
        let then = text("touch_version", policy, late);
        format!("select asked.number, concat_ws(',', ({now}), ({then})) from asked")
    } else {
        format!("select asked.number, ({now}) from asked")
    };
    let mut all = vec![Touched::default(); asks.len()];
    for (count, (place, list)) in texts(ctx, asks, &sql).await?.into_iter().enumerate() {
        all[place] = Touched::parse(&list, policy);
        if count % ROWS_BETWEEN_YIELDS == ROWS_BETWEEN_YIELDS - 1 {
            tokio::task::yield_now().await;
        }
    }
    Ok(all)
}

/// Returns the completed touches of accounts that began at the very instants asked for, each with the time in which it was
/// known so, by id: one statement. Their ages are 0.
pub(super) async fn details(ctx: &RequestContext, asks: &[Ask], is_past: bool) -> Result<Vec<Vec<(Known, Detailed)>>> {
    let select = |table: &str, id: &str, known: &str| {
        format!(
            "select asked.number, {table}.{id}, {table}.weight, {table}.kind, {table}.minutes, {table}.contact_ids, {known}
            from asked cross join {table}
            where {table}.organization_id = $2 and {table}.account_id = asked.subject_id and {table}.at = asked.at
                and {table}.weight > 0"
        )
    };
    let mut sql = select("touch", "id", "touch.known_at, cast(null as bigint)");
    if is_past {
        let then = select("touch_version", "touch_id", "touch_version.known_from, touch_version.known_until");
        sql = format!("{sql} union all {then}");
    }
    let mut all: Vec<Vec<(Known, Detailed)>> = vec![Vec::new(); asks.len()];
    for (place, row) in rows(ctx, asks, &sql).await? {
        let id: TouchId = row.try_get_by_index(1)?;
        let (weight, minutes): (i32, i32) = (row.try_get_by_index(2)?, row.try_get_by_index(4)?);
        let people: String = row.try_get_by_index(5)?;
        let made = Made {
            age: 0,
            weight: weight.unsigned_abs(),
            kind: row.try_get_by_index(3)?,
            minutes: minutes.unsigned_abs(),
            id: Some(id),
        };
        let known = Known { from: row.try_get_by_index(6)?, until: row.try_get_by_index(7)? };
        all[place].push((known, Detailed { made, people: people::read(&people) }));
    }
    for list in &mut all {
        list.sort_unstable_by_key(|(known, one)| (one.made.id, known.from));
    }
    Ok(all)
}

impl Touched {
    fn parse(list: &str, policy: PresencePolicy) -> Self {
        let mut touched = Self::default();
        for number in list.split(',').filter_map(|number| number.parse::<i64>().ok()) {
            touched.add(number.div_euclid(AGE), number.rem_euclid(AGE), policy);
        }
        touched
    }

    /// Adds a touch of an age, in microseconds, with its shape and its value in the low bits.
    pub(super) fn add(&mut self, age: i64, rest: i64, policy: PresencePolicy) {
        let shape = usize::try_from(rest / 4).unwrap_or_default();
        let kind = KINDS.get(shape % 8).copied().unwrap_or(TouchKind::Other);
        let minutes = LENGTHS[shape / 8 % LENGTHS.len()].unsigned_abs();
        let weight = match u32::try_from(shape / 128).unwrap_or_default() {
            1 => ONE_WAY,
            hundreds => hundreds * 100,
        };
        if age < VALUE_DAYS * DAY {
            self.with_value += u32::from(rest & 2 != 0);
            self.acknowledged += u32::from(rest & 3 == 3);
        }
        let made = Made { age, weight, kind, minutes, id: None };
        if made.may_count(policy) {
            self.made.push(made);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: PresencePolicy = PresencePolicy { half_life: 30.0, threshold: 0.5 };

    #[test]
    fn a_text_has_age_shape_and_value() {
        let day = DAY;
        let shape = |kind, weight, minutes| i64::from(crate::domain::touch::weight::shape(kind, weight, minutes)) * 4;
        let (meeting, email) = (shape(TouchKind::Meeting, 1000, 60), shape(TouchKind::Email, 150, 3));
        let list = format!("{},{},{}", day * AGE + meeting, 20 * day * AGE + email + 3, 180 * day * AGE + email + 2);
        let touched = Touched::parse(&list, POLICY);
        let made = |age, weight, kind, minutes| Made { age, weight, kind, minutes, id: None };
        // The last is one-way and too old to count; its value is too old as well.
        let expected = [made(day, 1000, TouchKind::Meeting, 60), made(20 * day, 150, TouchKind::Email, 5)];
        assert_eq!(touched.made, expected);
        assert_eq!((touched.with_value, touched.acknowledged), (1, 1));
        assert_eq!(Touched::parse("", POLICY), Touched::default());
    }

    #[test]
    fn the_largest_age_and_weight_are_one_number() {
        let policy = PresencePolicy { half_life: 365.0, threshold: 0.5 };
        let largest = policy.reach().checked_mul(AGE).and_then(|number| number.checked_add(8191 - 512 * 4));
        let found = Touched::parse(&largest.unwrap().to_string(), policy).made[0];
        assert_eq!((found.age, found.minutes), (policy.reach(), 1_440));
    }
}
