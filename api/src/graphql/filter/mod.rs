//! Filters: input objects that become SQL conditions. A condition never evaluates to unknown: a null column matches `ne` and
//! `not`. A null operand is rejected because its meaning would be ambiguous; `isNull` finds missing values.

mod nesting;

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use database::columns::is_any_of;
use database::sql::uuids_json;
use entity::{Day, Id, Instant, UserId};
use sea_orm::sea_query::{BinOper, Cond, Expr, ExprTrait, LikeExpr, Query, SimpleExpr};
use sea_orm::{ColumnTrait, Condition, DbBackend, Value};

use self::nesting::negated;
pub use self::nesting::{Facts, Filter, Nested, equals, operand, related};
use crate::context::RequestContext;
use crate::error::{Error, Result};
use crate::graphql::scalars::{Date, DateTime, Decimal};
use crate::values::money::Currency;
use crate::values::text::{comparable, fold};

/// The largest nesting depth of `and`, `or` and `not`.
pub const DEEPEST: usize = 8;
/// The largest number of conditions in one filter.
pub const MOST_CONDITIONS: usize = 200;
/// The largest number of values in one `in`.
pub const MOST_VALUES: usize = 500;
/// The largest number of values in one filter. A statement takes 32,766 parameters on SQLite, 65,535 on PostgreSQL.
pub const MOST_OPERANDS: usize = 10_000;
/// The maximum length of a text in a filter, in characters, before and after case folding. Folding may turn one character into
/// 18, and comparing a long pattern with long texts is expensive.
pub const LONGEST_TEXT: usize = 1_000;

/// An operand of a filter, which may be omitted.
type Operand<T> = MaybeUndefined<T>;

fn given<T: Clone>(name: &str, operand: &Operand<T>) -> Result<Option<T>> {
    match operand {
        MaybeUndefined::Undefined => Ok(None),
        MaybeUndefined::Value(value) => Ok(Some(value.clone())),
        MaybeUndefined::Null => Err(Error::BadInput(format!(
            "The operand `{name}` of a filter must not be null. Use `isNull` to find missing values."
        ))),
    }
}

fn not_too_many<T>(values: &[T]) -> Result<()> {
    if values.len() > MOST_VALUES {
        return Err(Error::BadInput(format!("`in` takes at most {MOST_VALUES} values; {} were given.", values.len())));
    }
    Ok(())
}

/// A filter on a text. `eq`, `ne` and `in` compare exactly; `contains` and `startsWith` ignore case. An operand has at most
/// 1,000 characters.
#[derive(Clone, Debug, Default, InputObject)]
pub struct StringFilter {
    /// The text is exactly this.
    pub eq: Operand<String>,
    /// The text is not exactly this, or is null.
    pub ne: Operand<String>,
    /// The text is exactly one of these (at most 500). An empty list matches nothing.
    pub r#in: Operand<Vec<String>>,
    /// The text contains this, ignoring case. `%` and `_` are ordinary characters.
    pub contains: Operand<String>,
    /// The text starts with this, ignoring case.
    pub starts_with: Operand<String>,
    /// Whether the text is null (true) or not null (false).
    pub is_null: Operand<bool>,
}

/// A filter on an integer.
#[derive(Clone, Debug, Default, InputObject)]
pub struct IntFilter {
    /// The number is equal to this.
    pub eq: Operand<i32>,
    /// The number is not equal to this, or is null.
    pub ne: Operand<i32>,
    /// The number is one of these (at most 500). An empty list matches nothing.
    pub r#in: Operand<Vec<i32>>,
    /// The number is greater than this.
    pub gt: Operand<i32>,
    /// The number is greater than or equal to this.
    pub gte: Operand<i32>,
    /// The number is less than this.
    pub lt: Operand<i32>,
    /// The number is less than or equal to this.
    pub lte: Operand<i32>,
    /// Whether the number is null (true) or not null (false).
    pub is_null: Operand<bool>,
}

/// A filter on an amount in the organization's currency.
#[derive(Clone, Debug, Default, InputObject)]
pub struct DecimalFilter {
    /// The amount is equal to this.
    pub eq: Operand<Decimal>,
    /// The amount is greater than this.
    pub gt: Operand<Decimal>,
    /// The amount is greater than or equal to this.
    pub gte: Operand<Decimal>,
    /// The amount is less than this.
    pub lt: Operand<Decimal>,
    /// The amount is less than or equal to this.
    pub lte: Operand<Decimal>,
    /// Whether the amount is null (true) or not null (false).
    pub is_null: Operand<bool>,
}

/// A filter on a calendar day.
#[derive(Clone, Debug, Default, InputObject)]
pub struct DateFilter {
    /// The day is this.
    pub eq: Operand<Date>,
    /// The day is after this.
    pub gt: Operand<Date>,
    /// The day is this or later.
    pub gte: Operand<Date>,
    /// The day is before this.
    pub lt: Operand<Date>,
    /// The day is this or earlier.
    pub lte: Operand<Date>,
    /// Whether the day is null (true) or not null (false).
    pub is_null: Operand<bool>,
}

/// A filter on an instant.
#[derive(Clone, Debug, Default, InputObject)]
pub struct DateTimeFilter {
    /// The instant is after this.
    pub gt: Operand<DateTime>,
    /// The instant is this or later.
    pub gte: Operand<DateTime>,
    /// The instant is before this.
    pub lt: Operand<DateTime>,
    /// The instant is this or earlier.
    pub lte: Operand<DateTime>,
    /// Whether the instant is null (true) or not null (false).
    pub is_null: Operand<bool>,
}

/// A filter on a number.
#[derive(Clone, Debug, Default, InputObject)]
pub struct FloatFilter {
    /// The number is greater than this.
    pub gt: Operand<f64>,
    /// The number is greater than or equal to this.
    pub gte: Operand<f64>,
    /// The number is less than this.
    pub lt: Operand<f64>,
    /// The number is less than or equal to this.
    pub lte: Operand<f64>,
}

/// A filter on an id. A malformed id, or one that the caller may not see, matches nothing.
#[derive(Clone, Debug, Default, InputObject)]
pub struct IdFilter {
    /// The id is this.
    pub eq: Operand<ID>,
    /// The id is not this, or is null.
    pub ne: Operand<ID>,
    /// The id is one of these (at most 500). An empty list matches nothing.
    pub r#in: Operand<Vec<ID>>,
    /// Whether the id is null (true) or not null (false).
    pub is_null: Operand<bool>,
}

/// Whether a list has archived records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum Archived {
    /// Only records that are not archived.
    #[default]
    Exclude,
    /// Only archived records.
    Only,
    /// Both archived and other records.
    Include,
}

impl Archived {
    /// Returns the condition on the column with the time at which a row was archived.
    pub fn condition<C: ColumnTrait>(self, column: C) -> Condition {
        match self {
            Self::Exclude => Cond::all().add(column.is_null()),
            Self::Only => Cond::all().add(column.is_not_null()),
            Self::Include => Cond::all(),
        }
    }
}

/// Checks that a condition has no more values than a statement takes.
///
/// # Errors
/// `BAD_USER_INPUT` if it has.
pub fn not_too_many_operands(ctx: &RequestContext, condition: &Condition) -> Result<()> {
    let mut query = Query::select();
    query.expr(Expr::val(1)).cond_where(condition.clone());
    // The condition may contain expressions that only the builder of this database accepts.
    let count = ctx.services.db.backend().build(&query).values.map_or(0, |values| values.0.len());
    if count > MOST_OPERANDS {
        return Err(Error::BadInput(format!("A filter may have at most {MOST_OPERANDS} values; {count} were given.")));
    }
    Ok(())
}

fn nothing() -> SimpleExpr {
    Expr::cust("1 = 0")
}

fn any_of<C: ColumnTrait, V: Into<Value>>(column: C, values: Vec<V>) -> SimpleExpr {
    if values.is_empty() { nothing() } else { column.is_in(values) }
}

/// Returns the condition that a column is one of `ids`. Binds one parameter on both databases, so that there may be thousands.
pub fn among_ids<C: ColumnTrait, I: Id>(
    ctx: &RequestContext,
    column: C,
    ids: impl IntoIterator<Item = I>,
) -> SimpleExpr {
    let ids = ids.into_iter().map(Id::uuid);
    let name = format!("\"{}\".\"{}\"", column.entity_name(), column.as_str());
    // PostgreSQL hashes the result of a subquery, but compares each row with every element of an array.
    let (text, list) = match ctx.services.db.backend() {
        DbBackend::Postgres => {
            let ids: Vec<String> = ids.map(|id| id.simple().to_string()).collect();
            ("select unnest($1::text::uuid[])", format!("{{{}}}", ids.join(",")))
        }
        _ => ("select unhex(value) from json_each(?)", uuids_json(ids)),
    };
    Expr::cust_with_values(format!("{name} in ({text})"), [list])
}

/// Returns the condition that a column is the id of a user or of someone below them in the reporting line, at any depth. An id
/// that is malformed or of no member of the organization matches nothing. The line is written into the statement, so that the
/// database knows how many rows it has.
///
/// # Errors
/// An internal error if the members were not read before ([`Facts::Members`]).
pub fn reporting_to<C: ColumnTrait>(ctx: &RequestContext, column: C, user: &ID) -> Result<SimpleExpr> {
    let Ok(user) = UserId::parse(user) else { return Ok(nothing()) };
    Ok(match ctx.line_of(user)?.as_slice() {
        [] => nothing(),
        [alone] => column.eq(*alone),
        line => is_any_of(ctx.reader(), column, line.iter().copied()),
    })
}

fn null<C: ColumnTrait>(column: C, is_null: bool) -> SimpleExpr {
    if is_null { column.is_null() } else { column.is_not_null() }
}

fn unlike<C: ColumnTrait, V: Into<Value>>(column: C, value: V) -> Cond {
    Cond::any().add(column.ne(value)).add(column.is_null())
}

/// Escapes a text for LIKE, so that the pattern matches exactly this text.
fn plain(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

impl StringFilter {
    /// Returns the condition on a column and on the column with its folded form.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for a null operand, for one of more than 1,000 characters, and for an `in` of more than 500 values.
    pub fn condition<C: ColumnTrait>(&self, column: C, folded: C) -> Result<Condition> {
        let Self { eq, ne, r#in, contains, starts_with, is_null } = self;
        let text = |name: &str, operand: &Operand<String>| -> Result<Option<String>> {
            let Some(text) = given(name, operand)? else { return Ok(None) };
            if text.chars().nth(LONGEST_TEXT).is_some() {
                let message = format!("The operand `{name}` of a filter may have at most {LONGEST_TEXT} characters.");
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
            let pattern = plain(&folded_pattern("contains", &text)?);
            all = all.add(folded.like(LikeExpr::new(format!("%{pattern}%")).escape('\\')));
        }
        if let Some(text) = text("startsWith", starts_with)? {
            all = all.add(prefix(folded, &folded_pattern("startsWith", &text)?));
        }
        if let Some(flag) = given("isNull", is_null)? {
            all = all.add(null(column, flag));
        }
        Ok(all)
    }
}

/// Returns the folded form of a pattern.
///
/// # Errors
/// `BAD_USER_INPUT` where the folded form is too long.
fn folded_pattern(name: &str, text: &str) -> Result<String> {
    let folded = fold(text);
    let length = folded.chars().count();
    if length > LONGEST_TEXT {
        let message = format!(
            "The operand {name} of a filter has at most {LONGEST_TEXT} characters once case and compatibility forms are \
             folded; this one has {length}."
        );
        return Err(Error::BadInput(message));
    }
    Ok(folded)
}

/// Returns the condition that a column equals a text exactly. The condition on the folded form is added because only that form
/// is indexed.
fn exactly<C: ColumnTrait>(column: C, folded: C, text: String) -> Cond {
    Cond::all().add(folded.eq(fold(&text))).add(column.eq(text))
}

/// Returns the condition that a column starts with the text, as a range of the index: from the text up to the next text of the
/// same length.
fn prefix<C: ColumnTrait>(folded: C, text: &str) -> Cond {
    let mut all = Cond::all().add(folded.gte(text));
    let mut end: Vec<char> = text.chars().collect();
    while let Some(last) = end.pop() {
        // The next code point, skipping the surrogates.
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
            /// Returns the condition on a column.
            ///
            /// # Errors
            /// `BAD_USER_INPUT` for a null operand.
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

impl DateTimeFilter {
    /// Returns the condition on an expression with an instant.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for a null operand.
    pub fn condition_of(&self, at: &SimpleExpr) -> Result<Condition> {
        let Self { gt, gte, lt, lte, is_null } = self;
        let mut all = Cond::all();
        for (label, operand, compare) in [
            ("gt", gt, BinOper::GreaterThan),
            ("gte", gte, BinOper::GreaterThanOrEqual),
            ("lt", lt, BinOper::SmallerThan),
            ("lte", lte, BinOper::SmallerThanOrEqual),
        ] {
            if let Some(value) = given(label, operand)? {
                all = all.add(at.clone().binary(compare, Expr::val(value.0)));
            }
        }
        if let Some(flag) = given("isNull", is_null)? {
            all = all.add(if flag { at.clone().is_null() } else { at.clone().is_not_null() });
        }
        Ok(all)
    }
}

impl IntFilter {
    /// Returns the condition on a column.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for a null operand and for an `in` of more than 500 values.
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
    /// Returns the condition on a column of minor units. An operand with a fraction of a minor unit is compared exactly.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for a null operand.
    pub fn condition<C: ColumnTrait>(&self, column: C, currency: Currency) -> Result<Condition> {
        let Self { eq, gt, gte, lt, lte, is_null } = self;
        // The number rounded down to minor units and clamped to the range of the column, and whether rounding was exact.
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

impl FloatFilter {
    /// Whether a number matches.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for a null operand.
    pub fn matches(&self, number: f64) -> Result<bool> {
        let Self { gt, gte, lt, lte } = self;
        Ok(given("gt", gt)?.is_none_or(|bound| number > bound)
            && given("gte", gte)?.is_none_or(|bound| number >= bound)
            && given("lt", lt)?.is_none_or(|bound| number < bound)
            && given("lte", lte)?.is_none_or(|bound| number <= bound))
    }
}

impl IdFilter {
    /// Returns the condition on a column with ids of one type.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for a null operand and for an `in` of more than 500 values.
    pub fn condition<C: ColumnTrait, I: Id + Into<Value>>(&self, column: C) -> Result<Condition> {
        self.condition_by::<I>(|ids| any_of(column, ids), |is_null| null(column, is_null))
    }

    /// Returns a condition built from `any`, the condition that one of the ids matches, and `null`, the condition that the id
    /// is null or not.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for a null operand and for an `in` of more than 500 values.
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
