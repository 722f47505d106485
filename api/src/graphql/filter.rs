//! Filters: input objects that become conditions. They are two-valued: a missing value is `ne` everything and
//! satisfies `not`; an operand that is null is refused, for it would say one thing to one and another to the next.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use entity::{Day, Id, Instant};
use sea_orm::sea_query::{Cond, Expr, ExprTrait, Func, LikeExpr, Query, SimpleExpr};
use sea_orm::{ColumnTrait, Condition, DbBackend, Value};

use crate::context::RequestContext;
use crate::error::{Error, Result};
use crate::graphql::scalars::{Date, DateTime, Decimal};
use crate::values::money::Currency;
use crate::values::text::{comparable, fold};
use database::sql::uuids_json;

/// How deep `and`, `or` and `not` may nest.
pub const DEEPEST: usize = 8;
/// How many conditions one filter may have.
pub const MOST_CONDITIONS: usize = 200;
/// How many values `in` takes.
pub const MOST_VALUES: usize = 500;
/// How many values one filter may have in all. SQLite takes 32,766 a statement, PostgreSQL 65,535.
pub const MOST_OPERANDS: usize = 10_000;
/// How many characters a text has that is looked for. SQLite compares with patterns of up to 50,000 bytes.
pub const LONGEST_TEXT: usize = 1_000;

/// What an operand was: left out, or given.
type Operand<T> = MaybeUndefined<T>;

fn given<T: Clone>(name: &str, operand: &Operand<T>) -> Result<Option<T>> {
    match operand {
        MaybeUndefined::Undefined => Ok(None),
        MaybeUndefined::Value(value) => Ok(Some(value.clone())),
        MaybeUndefined::Null => Err(Error::BadInput(format!(
            "The operand {name} of a filter is null: to ask for missing values, use isNull."
        ))),
    }
}

fn not_too_many<T>(values: &[T]) -> Result<()> {
    if values.len() > MOST_VALUES {
        return Err(Error::BadInput(format!("in takes at most {MOST_VALUES} values; {} were given.", values.len())));
    }
    Ok(())
}

/// A filter on a text: `eq`, `ne` and `in` compare exactly, `contains` and `startsWith` ignore case. A text to compare with
/// has at most 1,000 characters.
#[derive(Clone, Debug, Default, InputObject)]
pub struct StringFilter {
    /// Is exactly this.
    pub eq: Operand<String>,
    /// Is not exactly this, or is missing.
    pub ne: Operand<String>,
    /// Is exactly one of these (at most 500); of none, nothing matches.
    pub r#in: Operand<Vec<String>>,
    /// Has this somewhere in it, whatever the case. `%` and `_` are plain characters.
    pub contains: Operand<String>,
    /// Starts with this, whatever the case.
    pub starts_with: Operand<String>,
    /// Is missing (true), or is there (false).
    pub is_null: Operand<bool>,
}

/// A filter on a whole number.
#[derive(Clone, Debug, Default, InputObject)]
pub struct IntFilter {
    /// Is this.
    pub eq: Operand<i32>,
    /// Is not this, or is missing.
    pub ne: Operand<i32>,
    /// Is one of these (at most 500).
    pub r#in: Operand<Vec<i32>>,
    /// Is above this.
    pub gt: Operand<i32>,
    /// Is this or above.
    pub gte: Operand<i32>,
    /// Is below this.
    pub lt: Operand<i32>,
    /// Is this or below.
    pub lte: Operand<i32>,
    /// Is missing (true), or is there (false).
    pub is_null: Operand<bool>,
}

/// A filter on an amount, in the organization's currency.
#[derive(Clone, Debug, Default, InputObject)]
pub struct DecimalFilter {
    /// Is this.
    pub eq: Operand<Decimal>,
    /// Is above this.
    pub gt: Operand<Decimal>,
    /// Is this or above.
    pub gte: Operand<Decimal>,
    /// Is below this.
    pub lt: Operand<Decimal>,
    /// Is this or below.
    pub lte: Operand<Decimal>,
    /// Is missing (true), or is there (false).
    pub is_null: Operand<bool>,
}

/// A filter on a day.
#[derive(Clone, Debug, Default, InputObject)]
pub struct DateFilter {
    /// Is this day.
    pub eq: Operand<Date>,
    /// Is after this day.
    pub gt: Operand<Date>,
    /// Is this day or after.
    pub gte: Operand<Date>,
    /// Is before this day.
    pub lt: Operand<Date>,
    /// Is this day or before.
    pub lte: Operand<Date>,
    /// Is missing (true), or is there (false).
    pub is_null: Operand<bool>,
}

/// A filter on an instant.
#[derive(Clone, Debug, Default, InputObject)]
pub struct DateTimeFilter {
    /// Is after this.
    pub gt: Operand<DateTime>,
    /// Is this or after.
    pub gte: Operand<DateTime>,
    /// Is before this.
    pub lt: Operand<DateTime>,
    /// Is this or before.
    pub lte: Operand<DateTime>,
    /// Is missing (true), or is there (false).
    pub is_null: Operand<bool>,
}

/// A filter on a number.
#[derive(Clone, Debug, Default, InputObject)]
pub struct FloatFilter {
    /// Is above this.
    pub gt: Operand<f64>,
    /// Is this or above.
    pub gte: Operand<f64>,
    /// Is below this.
    pub lt: Operand<f64>,
    /// Is this or below.
    pub lte: Operand<f64>,
}

/// A filter on an id. An id that is malformed or that the caller may not see matches nothing.
#[derive(Clone, Debug, Default, InputObject)]
pub struct IdFilter {
    /// Is this.
    pub eq: Operand<ID>,
    /// Is not this, or is missing.
    pub ne: Operand<ID>,
    /// Is one of these (at most 500); of none, nothing matches.
    pub r#in: Operand<Vec<ID>>,
    /// Is missing (true), or is there (false).
    pub is_null: Operand<bool>,
}

/// Archived rows: left out, alone, or with the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum Archived {
    /// Left out.
    #[default]
    Exclude,
    /// Alone.
    Only,
    /// With the rest.
    Include,
}

impl Archived {
    /// As a condition on the column that says when a row was archived.
    pub fn condition<C: ColumnTrait>(self, column: C) -> Condition {
        match self {
            Self::Exclude => Cond::all().add(column.is_null()),
            Self::Only => Cond::all().add(column.is_not_null()),
            Self::Include => Cond::all(),
        }
    }
}

/// Refuses a condition with more values than a statement takes.
fn not_too_many_operands(ctx: &RequestContext, condition: &Condition) -> Result<()> {
    let mut query = Query::select();
    query.expr(Expr::val(1)).cond_where(condition.clone());
    // Conditions are made for the database, and no other one's builder takes them.
    let count = ctx.app.db.backend().build(&query).values.map_or(0, |values| values.0.len());
    if count > MOST_OPERANDS {
        return Err(Error::BadInput(format!("A filter has at most {MOST_OPERANDS} values; {count} were given.")));
    }
    Ok(())
}

fn nothing() -> SimpleExpr {
    Expr::cust("1 = 0")
}

fn any_of<C: ColumnTrait, V: Into<Value>>(column: C, values: Vec<V>) -> SimpleExpr {
    if values.is_empty() { nothing() } else { column.is_in(values) }
}

/// The condition that a column's value is one of any number of ids, of thousands: one parameter on both databases.
pub fn among_ids<C: ColumnTrait, I: Id>(
    ctx: &RequestContext,
    column: C,
    ids: impl IntoIterator<Item = I>,
) -> SimpleExpr {
    let ids = ids.into_iter().map(Id::uuid);
    let name = format!("\"{}\".\"{}\"", column.entity_name(), column.as_str());
    // Read in a query of its own, PostgreSQL makes a hash of them; as an array it would look through all of them, row by row.
    let (text, list) = match ctx.app.db.backend() {
        DbBackend::Postgres => {
            let ids: Vec<String> = ids.map(|id| id.simple().to_string()).collect();
            ("select unnest($1::text::uuid[])", format!("{{{}}}", ids.join(",")))
        }
        _ => ("select unhex(value) from json_each(?)", uuids_json(ids)),
    };
    Expr::cust_with_values(format!("{name} in ({text})"), [list])
}

fn null<C: ColumnTrait>(column: C, is_null: bool) -> SimpleExpr {
    if is_null { column.is_null() } else { column.is_not_null() }
}

fn unlike<C: ColumnTrait, V: Into<Value>>(column: C, value: V) -> Cond {
    Cond::any().add(column.ne(value)).add(column.is_null())
}

/// A pattern for LIKE that matches the text itself, whatever characters it has.
fn plain(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

impl StringFilter {
    /// As a condition on a column and on its folded form.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for an operand that is null.
    pub fn condition<C: ColumnTrait>(&self, column: C, folded: C) -> Result<Condition> {
        let Self { eq, ne, r#in, contains, starts_with, is_null } = self;
        let text = |name: &str, operand: &Operand<String>| -> Result<Option<String>> {
            let Some(text) = given(name, operand)? else { return Ok(None) };
            if text.chars().nth(LONGEST_TEXT).is_some() {
                let message = format!("The operand {name} of a filter has at most {LONGEST_TEXT} characters.");
                return Err(Error::BadInput(message));
            }
            Ok(Some(comparable(&text).into_owned()))
        };
        let mut all = Cond::all();
        if let Some(text) = text("eq", eq)? {
            all = all.add(exactly(column, folded, text));
        }
        if let Some(text) = text("ne", ne)? {
            all = all.add(unlike(column, text));
        }
        if let Some(texts) = given("in", r#in)? {
            not_too_many(&texts)?;
            all = all.add(any_of(column, texts.iter().map(|text| comparable(text).into_owned()).collect()));
        }
        if let Some(text) = text("contains", contains)? {
            all = all.add(folded.like(LikeExpr::new(format!("%{}%", plain(&fold(&text)))).escape('\\')));
        }
        if let Some(text) = text("startsWith", starts_with)? {
            all = all.add(prefix(folded, &fold(&text)));
        }
        if let Some(flag) = given("isNull", is_null)? {
            all = all.add(null(column, flag));
        }
        Ok(all)
    }
}

/// Exactly the text: found by its folded form, which is what is indexed.
fn exactly<C: ColumnTrait>(column: C, folded: C, text: String) -> Cond {
    Cond::all().add(folded.eq(fold(&text))).add(column.eq(text))
}

/// Starts with the text: a stretch of the index, from the text to the next one of its length.
fn prefix<C: ColumnTrait>(folded: C, text: &str) -> Cond {
    let mut all = Cond::all().add(folded.gte(text));
    let mut end: Vec<char> = text.chars().collect();
    while let Some(last) = end.pop() {
        // The next character by code point; surrogates are no characters.
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(last as u32 + 1) };
        if let Some(next) = next {
            end.push(next);
            all = all.add(folded.lt(end.into_iter().collect::<String>()));
            break;
        }
    }
    all
}

macro_rules! compared {
    ($(#[$doc:meta])* $filter:ident: $given:ty => $stored:ty, |$value:ident $(, $context:ident: $context_type:ty)?| $convert:expr; $($name:ident $label:literal $method:ident),*) => {
        impl $filter {
            /// As a condition on a column.
            ///
            /// # Errors
            /// `BAD_USER_INPUT` for an operand that is null.
            pub fn condition<C: ColumnTrait>(&self, column: C $(, $context: $context_type)?) -> Result<Condition> {
                let convert = |$value: $given| -> $stored { $convert };
                let mut all = Cond::all();
                $(if let Some(value) = given($label, &self.$name)? {
                    all = all.add(column.$method(convert(value)));
                })*
                if let Some(flag) = given("isNull", &self.is_null)? {
                    all = all.add(null(column, flag));
                }
                Ok(all)
            }
        }
    };
}

compared!(DateFilter: Date => Day, |value| value.0; eq "eq" eq, gt "gt" gt, gte "gte" gte, lt "lt" lt, lte "lte" lte);
compared!(DateTimeFilter: DateTime => Instant, |value| value.0; gt "gt" gt, gte "gte" gte, lt "lt" lt, lte "lte" lte);

impl IntFilter {
    /// As a condition on a column.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for an operand that is null.
    pub fn condition<C: ColumnTrait>(&self, column: C) -> Result<Condition> {
        let Self { eq, ne, r#in, gt, gte, lt, lte, is_null } = self;
        let mut all = Cond::all();
        if let Some(value) = given("eq", eq)? {
            all = all.add(column.eq(value));
        }
        if let Some(value) = given("ne", ne)? {
            all = all.add(unlike(column, value));
        }
        if let Some(values) = given("in", r#in)? {
            not_too_many(&values)?;
            all = all.add(any_of(column, values));
        }
        if let Some(value) = given("gt", gt)? {
            all = all.add(column.gt(value));
        }
        if let Some(value) = given("gte", gte)? {
            all = all.add(column.gte(value));
        }
        if let Some(value) = given("lt", lt)? {
            all = all.add(column.lt(value));
        }
        if let Some(value) = given("lte", lte)? {
            all = all.add(column.lte(value));
        }
        if let Some(flag) = given("isNull", is_null)? {
            all = all.add(null(column, flag));
        }
        Ok(all)
    }
}

impl DecimalFilter {
    /// As a condition on a column of minor units. Operands between two minor units compare as the numbers they are.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for an operand that is null.
    pub fn condition<C: ColumnTrait>(&self, column: C, currency: Currency) -> Result<Condition> {
        let Self { eq, gt, gte, lt, lte, is_null } = self;
        // Whole minor units at or below the number, and whether the number is whole itself; clipped to what is stored.
        let floor = |value: Decimal| {
            let scaled = value.0.checked_mul(rust_decimal::Decimal::from(10_i64.pow(currency.decimals)));
            let scaled = scaled.unwrap_or(if value.0.is_sign_negative() {
                rust_decimal::Decimal::MIN
            } else {
                rust_decimal::Decimal::MAX
            });
            let floor = scaled.floor();
            let bound = if floor.is_sign_negative() { i64::MIN } else { i64::MAX };
            (i64::try_from(floor).unwrap_or(bound), floor == scaled)
        };
        let mut all = Cond::all();
        if let Some(value) = given("eq", eq)? {
            let (minor, whole) = floor(value);
            all = if whole { all.add(column.eq(minor)) } else { all.add(nothing()) };
        }
        if let Some(value) = given("gt", gt)? {
            all = all.add(column.gt(floor(value).0));
        }
        if let Some(value) = given("gte", gte)? {
            let (minor, whole) = floor(value);
            all = if whole { all.add(column.gte(minor)) } else { all.add(column.gt(minor)) };
        }
        if let Some(value) = given("lt", lt)? {
            let (minor, whole) = floor(value);
            all = if whole { all.add(column.lt(minor)) } else { all.add(column.lte(minor)) };
        }
        if let Some(value) = given("lte", lte)? {
            all = all.add(column.lte(floor(value).0));
        }
        if let Some(flag) = given("isNull", is_null)? {
            all = all.add(null(column, flag));
        }
        Ok(all)
    }
}

impl IdFilter {
    /// As a condition on a column of ids of one type.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for an operand that is null.
    pub fn condition<C: ColumnTrait, I: Id + Into<Value>>(&self, column: C) -> Result<Condition> {
        self.condition_by::<I>(|ids| any_of(column, ids), |is_null| null(column, is_null))
    }

    /// As a condition on whatever is related to ids: `any` says how one of them matches.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for an operand that is null.
    pub fn condition_by<I: Id>(
        &self,
        any: impl Fn(Vec<I>) -> SimpleExpr,
        null: impl Fn(bool) -> SimpleExpr,
    ) -> Result<Condition> {
        let Self { eq, ne, r#in, is_null } = self;
        let mut all = Cond::all();
        if let Some(id) = given("eq", eq)? {
            all = all.add(any(I::parse(&id).into_iter().collect()));
        }
        if let Some(id) = given("ne", ne)?
            && let Ok(id) = I::parse(&id)
        {
            all = all.add(negated(Cond::all().add(any(vec![id]))));
        }
        if let Some(ids) = given("in", r#in)? {
            not_too_many(&ids)?;
            all = all.add(any(ids.iter().filter_map(|id| I::parse(id).ok()).collect()));
        }
        if let Some(flag) = given("isNull", is_null)? {
            all = all.add(null(flag));
        }
        Ok(all)
    }
}

/// What does not match, missing values included.
fn negated(condition: Condition) -> SimpleExpr {
    SimpleExpr::from(Func::coalesce([SimpleExpr::from(condition), Expr::cust("false")])).not()
}

/// A filter of one noun: its own fields, and how they nest.
pub trait Filter: Sized {
    /// The condition of its own fields, without `and`, `or` and `not`.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for an operand that is null.
    fn own(&self, ctx: &RequestContext) -> Result<Condition>;

    /// `and`, `or` and `not`.
    fn nested(&self) -> Nested<'_, Self>;

    /// The whole condition.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for an operand that is null, for nesting deeper than 8, for more than 200 conditions and for more
    /// than 10,000 values in all.
    fn condition(&self, ctx: &RequestContext) -> Result<Condition> {
        let mut left = MOST_CONDITIONS;
        let condition = whole(self, ctx, 0, &mut left)?;
        // What is nested in nothing cannot have so many.
        if left + 1 < MOST_CONDITIONS {
            not_too_many_operands(ctx, &condition)?;
        }
        Ok(condition)
    }
}

/// How a filter nests.
pub struct Nested<'a, F> {
    /// All of these.
    pub and: &'a Operand<Vec<F>>,
    /// One of these.
    pub or: &'a Operand<Vec<F>>,
    /// Not this.
    pub not: &'a Operand<Box<F>>,
}

/// A part of a filter: left out, or given; null is refused.
///
/// # Errors
/// `BAD_USER_INPUT` for null.
pub fn operand<'a, F>(name: &str, operand: &'a Operand<F>) -> Result<Option<&'a F>> {
    match operand {
        MaybeUndefined::Undefined => Ok(None),
        MaybeUndefined::Value(value) => Ok(Some(value)),
        MaybeUndefined::Null => {
            Err(Error::BadInput(format!("The operand {name} of a filter is null: leave it out instead.")))
        }
    }
}

fn whole<F: Filter>(filter: &F, ctx: &RequestContext, depth: usize, left: &mut usize) -> Result<Condition> {
    if depth > DEEPEST {
        return Err(Error::BadInput(format!("and, or and not nest at most {DEEPEST} deep.")));
    }
    *left =
        left.checked_sub(1).ok_or_else(|| Error::BadInput(format!("A filter has at most {MOST_CONDITIONS} parts.")))?;
    let mut all = Cond::all().add(filter.own(ctx)?);
    let Nested { and, or, not } = filter.nested();
    for part in operand("and", and)?.into_iter().flatten() {
        all = all.add(whole(part, ctx, depth + 1, left)?);
    }
    if let Some(any) = operand("or", or)? {
        let mut one = Cond::any().add(nothing());
        for part in any {
            one = one.add(whole(part, ctx, depth + 1, left)?);
        }
        all = all.add(one);
    }
    if let Some(part) = operand("not", not)? {
        all = all.add(negated(whole(part.as_ref(), ctx, depth + 1, left)?));
    }
    Ok(all)
}
