//! The touches that presence and value are worked out from, read from the index of accounts' touches alone.
//!
//! A touch comes as one number: its age in microseconds, twelve bits further up than its weight and what became of its
//! value. So an account is one text, however many touches it has.

use super::asked::{Ask, texts};
use super::formula::{Made, ONE_WAY, ONE_WAY_DAYS, Policy, VALUE_DAYS};
use crate::context::RequestContext;
use crate::error::Result;
use crate::values::calendar::DAY;

/// Below this stand weight and value.
const AGE: i64 = 4096;

/// What counts of an account's touches at an instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Those that were made.
    pub made: Vec<Made>,
    /// How many of the last 180 days had value for the client.
    pub with_value: u32,
    /// How many of those the client acknowledged.
    pub acknowledged: u32,
}

/// Which touches may count, in SQL: made by then, and known of by then, or so many microseconds later.
fn counts(policy: Policy, late: i64) -> String {
    let (reach, value, one_way) = (policy.reach(), VALUE_DAYS * DAY, i64::from(ONE_WAY_DAYS) * DAY);
    let furthest = reach.max(value).max(one_way);
    format!(
        "touch.organization_id = $2 and touch.account_id = asked.subject_id
            and touch.at <= asked.at and touch.at >= asked.at - {furthest} and touch.recorded_at <= asked.at + {late}
            and touch.weight > 0 and (
                touch.weight > {ONE_WAY} and touch.at >= asked.at - {reach}
                or touch.weight <= {ONE_WAY} and touch.at > asked.at - {one_way}
                or touch.value is not null and touch.at > asked.at - {value}
            )"
    )
}

/// What counts at accounts and instants, in their order: one statement for any number of them. `late` is for how many
/// microseconds after its instant a touch may have been recorded.
///
/// # Errors
/// The database's.
pub async fn read(ctx: &RequestContext, asks: &[Ask], policy: Policy, late: i64) -> Result<Vec<Touched>> {
    let sql = format!(
        "select asked.number, (
            select string_agg(cast((asked.at - touch.at) * {AGE} + touch.weight * 4 +
                case when touch.value is null then 0 when touch.value_acknowledged then 3 else 2 end as text), ',')
            from touch where {}
        ) from asked",
        counts(policy, late)
    );
    let mut all = vec![Touched::default(); asks.len()];
    for (count, (place, list)) in texts(ctx, asks, &sql).await?.into_iter().enumerate() {
        all[place] = Touched::parse(&list);
        if count % crate::graphql::ROWS_BETWEEN_YIELDS == 0 {
            tokio::task::yield_now().await;
        }
    }
    Ok(all)
}

impl Touched {
    fn parse(list: &str) -> Self {
        let mut touched = Self::default();
        for number in list.split(',').filter_map(|number| number.parse::<i64>().ok()) {
            let (age, rest) = (number.div_euclid(AGE), number.rem_euclid(AGE));
            let made = Made { age, weight: u32::try_from(rest / 4).unwrap_or_default() };
            if age < VALUE_DAYS * DAY {
                touched.with_value += u32::from(rest & 2 != 0);
                touched.acknowledged += u32::from(rest & 3 == 3);
            }
            touched.made.push(made);
        }
        touched
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_holds_age_weight_and_value() {
        let day = DAY;
        let list = format!("{},{},{}", day * AGE + 4000, 179 * day * AGE + 603, 180 * day * AGE + 2 + 600);
        let touched = Touched::parse(&list);
        assert_eq!(
            touched.made,
            [
                Made { age: day, weight: 1000 },
                Made { age: 179 * day, weight: 150 },
                Made { age: 180 * day, weight: 150 }
            ]
        );
        assert_eq!((touched.with_value, touched.acknowledged), (1, 1));
        assert_eq!(Touched::parse(""), Touched::default());
    }

    #[test]
    fn the_largest_age_and_weight_are_one_number() {
        let policy = Policy { half_life: 365.0, threshold: 0.5 };
        let largest = policy.reach().checked_mul(AGE).and_then(|number| number.checked_add(4003));
        assert_eq!(Touched::parse(&largest.unwrap().to_string()).made, [Made { age: policy.reach(), weight: 1000 }]);
    }
}
