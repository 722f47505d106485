//! Scores of accounts, from 0 to 100, computed from their assessments by criteria (docs/figures.md).
//!
//! The account stores the sum of weight times score over the active criteria, as an integer. The score is that sum divided by
//! the total weight of the criteria, which is the same for all accounts. Ordering by the sum is therefore ordering by the
//! score, and a new criterion changes no row.

use std::collections::HashMap;

use entity::{AccountId, CriterionId, Instant, Scoped, account, assessment, criterion, target};
use sea_orm::sea_query::{Cond, Expr, ExprTrait, Query, SimpleExpr};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, QueryFilter, QueryOrder, Statement};

use super::Criterion;
use crate::context::{RequestContext, Viewer};
use crate::domain::account::Account;
use crate::domain::user::User;
use crate::error::{Error, Result};
use crate::graphql::filter::FloatFilter;
use crate::graphql::{Batch, FieldContext, object};
use crate::write::Write;
use crate::write::validator::Validator;

/// What changes of criteria keep to themselves, and assessments share.
pub(super) const TOPIC: &str = "criteria";

/// Thousandths of a weight of 1.
const UNIT: f64 = 1000.0;
/// The largest weight.
const LARGEST: f64 = 1000.0;

/// Converts a stored weight to the weight of the schema.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a weight has 6 digits at most")]
pub fn weight(thousandths: i64) -> f64 {
    thousandths as f64 / UNIT
}

/// A weight as it is stored; None for one that is not above 0, is larger than 1,000 or has more than 3 decimals.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "it is at most a million")]
pub fn thousandths(weight: f64) -> Option<i64> {
    let scaled = weight * UNIT;
    let whole = scaled.round();
    let fits = weight > 0.0 && weight <= LARGEST && whole >= 1.0 && (scaled - whole).abs() < 1e-6;
    fits.then_some(whole as i64)
}

/// Returns the score for a sum of weight times score and a total weight: 0 to 100, and 0 if there are no criteria.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "both are far below 2^53")]
pub fn value(sum: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { (sum * 10) as f64 / whole as f64 }
}

/// Returns the share of the weight that has been assessed; 0 if there are no criteria.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "both are far below 2^53")]
pub fn share(assessed: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { assessed as f64 / whole as f64 }
}

impl Validator {
    /// A weight of a criterion, in thousandths.
    pub(super) fn weight(&mut self, field: &str, given: f64) -> Option<i64> {
        let read = thousandths(given);
        if read.is_none() {
            self.invalid(
                field,
                format!("A weight is above 0, at most {LARGEST}, with up to 3 decimals; {given} was given."),
            );
        }
        read
    }
}

/// The assessment of an account by one criterion.
#[derive(Clone, Debug)]
pub struct Assessment(assessment::Model);

object! {
    /// The assessment of an account by one criterion.
    Assessment as "Assessment" {
        /// The criterion. An archived one keeps its assessments.
        criterion: Criterion = batch(criteria);
        /// The score: 0 to 10.
        score: i32 = plain(|assessment| assessment.0.score);
        /// The evidence for the score; null if none was given.
        evidence: Option<&str> = plain(|assessment| assessment.0.evidence.as_deref());
        /// The user who made the assessment.
        assessedBy: Option<User> = by_key(|assessment| assessment.0.assessed_by_id, User::resolve);
        /// The time of the assessment.
        assessedAt: Instant = plain(|assessment| assessment.0.assessed_at);
    }
}

async fn criteria(field: &FieldContext<'_>, of: &[&Assessment]) -> Result<Batch<Criterion>> {
    let found = Criterion::fetch(field.request, of.iter().map(|assessment| assessment.0.criterion_id)).await?;
    let rows: Vec<Option<&Criterion>> = of.iter().map(|assessment| found.get(&assessment.0.criterion_id)).collect();
    field.required(field.optional_objects(&rows).await?)
}

/// An account's score.
#[derive(Clone, Debug)]
pub struct Score {
    value: f64,
    assessed: f64,
    assessments: Vec<Assessment>,
}

object! {
    /// The score of an account by the organization's criteria.
    Score as "Score" {
        /// 0 to 100: the weighted mean of the active criteria, one not assessed counting 0. 0 where there are none.
        value: f64 = plain(|score| score.value);
        /// Share (0 to 1) of the active criteria's weight that has been assessed.
        assessed: f64 = plain(|score| score.assessed);
        /// The assessments by criterion, including those by archived criteria, which do not count.
        assessments: Vec<Assessment> = batch(assessments);
    }
}

async fn assessments(field: &FieldContext<'_>, of: &[&Score]) -> Result<Batch<Vec<Assessment>>> {
    field.object_lists(&of.iter().map(|score| score.assessments.as_slice()).collect::<Vec<_>>()).await
}

/// Returns the scores of accounts, in the same order.
pub async fn of_accounts(
    field: &FieldContext<'_>,
    of: &[&Account],
) -> Result<Batch<crate::domain::criterion::score::Score>> {
    let organization = field.request.viewer()?.organization.id;
    let active: HashMap<CriterionId, i64> = criterion::Entity::of(organization)
        .filter(criterion::Column::ArchivedAt.is_null())
        .all(field.request.reader())
        .await?
        .into_iter()
        .map(|row| (row.id, row.weight))
        .collect();
    let whole = active.values().sum();
    let mut by_account: HashMap<AccountId, Vec<Assessment>> = HashMap::new();
    if field.selects::<Score>("assessed")? || field.selects::<Score>("assessments")? {
        let rows = assessment::Entity::of(organization)
            .filter(assessment::Column::AccountId.is_in(of.iter().map(|account| account.0.id)))
            .order_by_asc(assessment::Column::CriterionId)
            .all(field.request.reader())
            .await?;
        for row in rows {
            by_account.entry(row.account_id).or_default().push(Assessment(row));
        }
    }
    let scores: Vec<Score> = of
        .iter()
        .map(|account| {
            let assessments = by_account.remove(&account.0.id).unwrap_or_default();
            let assessed = assessments.iter().filter_map(|row| active.get(&row.0.criterion_id)).sum();
            Score { value: value(account.0.score, whole), assessed: share(assessed, whole), assessments }
        })
        .collect();
    field.objects(&scores.iter().collect::<Vec<_>>()).await
}

/// One part of the filter: which way, and up to where.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bound {
    Above,
    From,
    Below,
    UpTo,
}

/// Scores are compared in steps of a hundred-millionth: two that differ are further apart, and one that is given as it was
/// shown is met.
const STEPS: f64 = 1e8;

/// Converts a filter on scores to a condition on the stored sums, so that the index on them is used. The bounds are computed
/// from the total weight of the criteria.
///
/// # Errors
/// `BAD_USER_INPUT` for an operand that is null.
pub fn condition(filter: &FloatFilter, viewer: &Viewer) -> Result<Condition> {
    use crate::graphql::filter::operand;
    let FloatFilter { gt, gte, lt, lte } = filter;
    let mut all = Cond::all();
    for (name, given, bound) in
        [("gt", gt, Bound::Above), ("gte", gte, Bound::From), ("lt", lt, Bound::Below), ("lte", lte, Bound::UpTo)]
    {
        if let Some(score) = operand(name, given)? {
            if !score.is_finite() {
                return Err(Error::BadInput(format!("{name} of score is a number.")));
            }
            all = all.add(bounded(bound, *score, viewer));
        }
    }
    Ok(all)
}

#[expect(clippy::cast_possible_truncation, reason = "it is between -1 and 101 times a hundred million")]
fn bounded(bound: Bound, score: f64, viewer: &Viewer) -> SimpleExpr {
    let steps = (score.clamp(-1.0, 101.0) * STEPS).round() as i64;
    let column = || Expr::col((account::Entity, account::Column::Score));
    // sum · 10 ÷ whole is compared with the score: sum · 10^9 with score · whole · 10^8. Where there are no criteria, all
    // sums are 0 and any weight will do.
    let whole = "coalesce(nullif(cast(sum(criterion.weight) as bigint), 0), 1)";
    let least = steps - 1;
    let most = steps + 1;
    // Whole numbers round towards 0 alike in both databases, so what is below 0 is handled first.
    let (never, always) = (Expr::cust("1 = 0"), Expr::cust("1 = 1"));
    let edge = |text: String| {
        let mut query = Query::select();
        query
            .expr(Expr::cust(text))
            .from(criterion::Entity)
            .and_where(Expr::col((criterion::Entity, criterion::Column::OrganizationId)).eq(viewer.organization.id))
            .and_where(Expr::col((criterion::Entity, criterion::Column::ArchivedAt)).is_null());
        SimpleExpr::SubQuery(None, Box::new(query.into()))
    };
    let at_least = || edge(format!("({least} * {whole} + 999999999) / 1000000000"));
    let at_most = || edge(format!("({most} * {whole}) / 1000000000"));
    match bound {
        Bound::From if least <= 0 => always,
        Bound::From => column().gte(at_least()),
        Bound::Below if least <= 0 => never,
        Bound::Below => column().lt(at_least()),
        Bound::Above if most < 0 => always,
        Bound::Above => column().gt(at_most()),
        Bound::UpTo if most < 0 => never,
        Bound::UpTo => column().lte(at_most()),
    }
}

/// What an account's sum is by now.
const SUM: &str = "coalesce((
        select cast(sum(criterion.weight * assessment.score) as bigint)
        from assessment join criterion on criterion.id = assessment.criterion_id
        where assessment.account_id = account.id and criterion.archived_at is null
    ), 0)";

/// Recomputes the scores of all accounts with an assessment by a criterion that was archived or whose weight has changed, and
/// those of their targets.
/// Concurrent assessments wait until the transaction has ended.
pub(super) async fn of_criterion_changed(write: &Write<'_>, criterion: CriterionId) -> Result<()> {
    let sql = format!(
        "update account set score = {SUM} where organization_id = $1 and id in (
            select account_id from assessment where organization_id = $1 and criterion_id = $2
        )"
    );
    let of_targets =
        "update target set score = (select account.score from account where account.id = target.account_id)
        where organization_id = $1 and account_id in (
            select account_id from assessment where organization_id = $1 and criterion_id = $2
        )";
    for sql in [sql.as_str(), of_targets] {
        let values = [write.organization().into(), criterion.into()];
        write.tx.execute_raw(Statement::from_sql_and_values(write.tx.get_database_backend(), sql, values)).await?;
    }
    Ok(())
}

/// Gives the targets of an account its new score.
pub(super) async fn of_account_changed(write: &Write<'_>, account: &account::Model) -> Result<()> {
    target::Entity::change_of(write.organization())
        .col_expr(target::Column::Score, Expr::val(account.score))
        .filter(target::Column::AccountId.eq(account.id))
        .filter(target::Column::Score.ne(account.score))
        .exec(&write.tx)
        .await?;
    Ok(())
}

/// Returns the sum of an account, computed from its assessments in the transaction.
pub(super) async fn sum_of(ctx: &RequestContext, write: &Write<'_>, account: AccountId) -> Result<i64> {
    let sql = format!("select {SUM} from account where organization_id = $1 and id = $2");
    let values = [write.organization().into(), account.into()];
    let row = write.tx.query_one_raw(Statement::from_sql_and_values(ctx.services.db.backend(), sql, values)).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default())
}

/// Removes an account's assessments by some criteria.
pub(super) async fn take_back(write: &Write<'_>, account: AccountId, criteria: Vec<CriterionId>) -> Result<()> {
    if criteria.is_empty() {
        return Ok(());
    }
    assessment::Entity::remove_of(write.organization())
        .filter(assessment::Column::AccountId.eq(account))
        .filter(assessment::Column::CriterionId.is_in(criteria))
        .exec(&write.tx)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn weights_are_thousandths() {
        for (weight, stored) in
            [(1.0, 1000), (0.001, 1), (2.5, 2500), (1000.0, 1_000_000), (0.1 + 0.2, 300), (1.001, 1001)]
        {
            assert_eq!(thousandths(weight), Some(stored), "{weight}");
            assert!((super::weight(stored) - weight).abs() < 1e-9);
        }
        for weight in
            [0.0, -1.0, -0.0, 0.0004, 0.0015, 1.0001, 1000.001, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX]
        {
            assert_eq!(thousandths(weight), None, "{weight}");
        }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "these are exact")]
    fn scores_are_weighted_means() {
        // 8 of 10 at weight 3, 5 of 10 at weight 1, one of weight 1 not assessed.
        assert_eq!(value(3000 * 8 + 1000 * 5, 5000), 58.0);
        assert_eq!(share(4000, 5000), 0.8);
        assert_eq!((value(0, 0), share(0, 0)), (0.0, 0.0));
        assert_eq!(value(10_000, 1000), 100.0);
    }

    proptest! {
        #[test]
        fn scores_stay_between_0_and_100(parts in prop::collection::vec((1_i64..=1_000_000, 0_i64..=10, any::<bool>()), 0..100)) {
            let whole = parts.iter().map(|(weight, _, _)| weight).sum();
            let sum = parts.iter().filter(|(_, _, assessed)| *assessed).map(|(weight, score, _)| weight * score).sum();
            let assessed = parts.iter().filter(|(_, _, assessed)| *assessed).map(|(weight, _, _)| weight).sum();
            prop_assert!((0.0..=100.0).contains(&value(sum, whole)));
            prop_assert!((0.0..=1.0).contains(&share(assessed, whole)));
            prop_assert!(value(sum, whole) <= 100.0 * share(assessed, whole) + 1e-9);
        }
    }
}
