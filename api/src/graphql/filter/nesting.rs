//! Filters of nouns: the conditions of their own fields, combined by `and`, `or` and `not`.

use async_graphql::MaybeUndefined;
use sea_orm::Condition;
use sea_orm::sea_query::{Cond, Expr, ExprTrait, Func, SimpleExpr};

use super::{DEEPEST, IdFilter, MOST_CONDITIONS, Operand, not_too_many_operands, nothing};
use crate::context::RequestContext;
use crate::error::{Error, Result};

/// Negates a condition. A condition that is unknown counts as false, so that its negation is true.
pub(super) fn negated(condition: Condition) -> SimpleExpr {
    SimpleExpr::from(Func::coalesce([SimpleExpr::from(condition), Expr::cust("false")])).not()
}

/// A filter of one noun: the conditions of its own fields, combined by `and`, `or` and `not`.
pub trait Filter: Sized {
    /// Returns the condition of the filter's own fields, without `and`, `or` and `not`.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for an invalid operand.
    fn own(&self, ctx: &RequestContext) -> Result<Condition>;

    /// Returns the nested filters.
    fn nested(&self) -> Nested<'_, Self>;

    /// Returns the condition of the filter's fields that filter related rows, if any is given. Their conditions are taken
    /// from the same `remaining` ones ([`related`]).
    ///
    /// # Errors
    /// `BAD_USER_INPUT` as [`Self::condition`].
    fn on_related(&self, _ctx: &RequestContext, _remaining: &mut usize) -> Result<Option<Condition>> {
        Ok(None)
    }

    /// Whether one of the filter's own fields, or of the filters on related rows, rests on such facts.
    fn rests_on(&self, _facts: Facts) -> bool {
        false
    }

    /// Whether the filter or a nested one rests on such facts.
    fn needs(&self, facts: Facts) -> bool {
        let Nested { and, or, not } = self.nested();
        let mut nested = and.value().into_iter().chain(or.value()).flatten();
        self.rests_on(facts)
            || nested.any(|filter| filter.needs(facts))
            || not.value().is_some_and(|filter| filter.needs(facts))
    }

    /// Returns the condition of the filter with all nested ones.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for an invalid operand, for nesting deeper than 8 levels, for more than 200 conditions and for more
    /// than 10,000 values.
    fn condition(&self, ctx: &RequestContext) -> Result<Condition> {
        let mut remaining = MOST_CONDITIONS;
        let condition = nested_condition(self, ctx, 0, &mut remaining)?;
        // A filter without nested ones cannot reach the largest number of values.
        if remaining + 1 < MOST_CONDITIONS {
            not_too_many_operands(ctx, &condition)?;
        }
        Ok(condition)
    }
}

/// Facts that are read before the condition of a filter is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facts {
    /// The members, with their reporting lines and time zones.
    Members,
    /// The presence at each account.
    Presences,
}

/// The nested filters of a filter.
pub struct Nested<'a, F> {
    /// Filters that must all match.
    pub and: &'a Operand<Vec<F>>,
    /// Filters of which at least one must match.
    pub or: &'a Operand<Vec<F>>,
    /// A filter that must not match.
    pub not: &'a Operand<Box<F>>,
}

/// Returns an operand of a filter; None if it is omitted.
///
/// # Errors
/// `BAD_USER_INPUT` for null.
pub fn operand<'a, F>(name: &str, operand: &'a Operand<F>) -> Result<Option<&'a F>> {
    match operand {
        MaybeUndefined::Undefined => Ok(None),
        MaybeUndefined::Value(value) => Ok(Some(value)),
        MaybeUndefined::Null => {
            Err(Error::BadInput(format!("The operand `{name}` of a filter must not be null. Omit it instead.")))
        }
    }
}

/// Returns the condition of a filter on related rows, which is part of another filter with `remaining` conditions.
///
/// # Errors
/// `BAD_USER_INPUT` as [`Filter::condition`].
pub fn related<F: Filter>(filter: &F, ctx: &RequestContext, remaining: &mut usize) -> Result<Condition> {
    nested_condition(filter, ctx, 0, remaining)
}

/// Whether a filter asks for one id.
#[must_use]
pub fn equals(filter: &MaybeUndefined<IdFilter>) -> bool {
    filter.value().is_some_and(|filter| filter.eq.is_value())
}

fn nested_condition<F: Filter>(
    filter: &F,
    ctx: &RequestContext,
    depth: usize,
    remaining: &mut usize,
) -> Result<Condition> {
    if depth > DEEPEST {
        return Err(Error::BadInput(format!("`and`, `or` and `not` may nest at most {DEEPEST} levels deep.")));
    }
    *remaining = remaining
        .checked_sub(1)
        .ok_or_else(|| Error::BadInput(format!("A filter may have at most {MOST_CONDITIONS} conditions.")))?;
    let mut all = Cond::all().add(filter.own(ctx)?).add_option(filter.on_related(ctx, remaining)?);
    let Nested { and, or, not } = filter.nested();
    for part in operand("and", and)?.into_iter().flatten() {
        all = all.add(nested_condition(part, ctx, depth + 1, remaining)?);
    }
    if let Some(any) = operand("or", or)? {
        let mut one = Cond::any().add(nothing());
        for part in any {
            one = one.add(nested_condition(part, ctx, depth + 1, remaining)?);
        }
        all = all.add(one);
    }
    if let Some(part) = operand("not", not)? {
        all = all.add(negated(nested_condition(part.as_ref(), ctx, depth + 1, remaining)?));
    }
    Ok(all)
}
