//! Grouping: dimensions, measures, and the single statement that groups and aggregates.

use std::collections::HashMap;

use entity::{AccountId, Id, UserId, account, user};
use sea_orm::sea_query::{Alias, Cond, Expr, ExprTrait, JoinType, SelectStatement, SimpleExpr};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryResult, QueryTrait, Select};
use uuid::Uuid;

use super::bucket::Bucket;
use super::dimension::AnalyticsDimension;
use super::standing;
use crate::context::{RequestContext, Viewer};
use crate::domain::goal::progress::ratio;
use crate::domain::user::User;
use crate::error::{Error, Result, TOO_LARGE};
use crate::graphql::{AnyNode, Batch, FieldContext, object};

/// The maximum number of groups in the result of a field.
const MAX_GROUPS: usize = 10_000;

/// The largest number of rows that are read to be grouped here rather than by the database.
pub const MOST_ROWS: u64 = 20_000;

/// Returns the rows that were read to be grouped.
///
/// # Errors
/// `LIMIT_EXCEEDED` for more than 20,000.
pub fn not_too_many<T>(rows: Vec<T>, what: &str) -> Result<Vec<T>> {
    if rows.len() as u64 > MOST_ROWS {
        return Err(Error::LimitExceeded(format!("There are more than {MOST_ROWS} {what}: narrow the filter.")));
    }
    Ok(rows)
}

/// Returns the direct manager of each user: one statement.
pub async fn managers(
    ctx: &RequestContext,
    users: impl IntoIterator<Item = UserId>,
) -> Result<HashMap<UserId, Option<UserId>>> {
    Ok(User::fetch(ctx, users).await?.into_iter().map(|(id, user)| (id, user.0.manager_id)).collect())
}

/// One part of a group's key: a dimension, its value as text, and the node that the value identifies.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupKey {
    /// The dimension.
    pub dimension: AnalyticsDimension,
    /// The value; `None` for rows without one.
    pub value: Option<String>,
    /// The prefix and the id of the node that the value identifies.
    pub node: Option<(&'static str, Uuid)>,
}

impl GroupKey {
    /// Returns the part for a user.
    #[must_use]
    pub fn user(dimension: AnalyticsDimension, user: Option<UserId>) -> Self {
        let (value, node) = (user.map(Id::show), user.map(|user| (UserId::PREFIX, user.uuid())));
        Self { dimension, value, node }
    }

    /// Returns the part for a text.
    #[must_use]
    pub fn text(dimension: AnalyticsDimension, value: impl Into<String>) -> Self {
        Self { dimension, value: Some(value.into()), node: None }
    }
}

object! {
    /// One part of a group's key: a dimension and the value that the group's rows share in it.
    GroupKey as "GroupKey" {
        /// The dimension.
        dimension: AnalyticsDimension = plain(|key| key.dimension);
        /// The value as text: an id, an enum value, an industry, a day (2017-04-03), the Monday of a week, a month
        /// (2017-04), a fiscal quarter (2017-Q2) or a fiscal year (2017). Null for rows without a value.
        value: Option<&str> = plain(|key| key.value.as_deref());
        /// The user or the account that the value identifies; null for other dimensions, and if the value is null.
        node: Option<AnyNode> = batch(nodes);
    }
}

async fn nodes(field: &FieldContext<'_>, of: &[&GroupKey]) -> Result<Batch<Option<AnyNode>>> {
    // Fetch and serialize each node once, however many groups refer to it.
    let mut indexes: HashMap<(&str, Uuid), usize> = HashMap::new();
    let mut ids = Vec::new();
    for id in of.iter().filter_map(|key| key.node) {
        indexes.entry(id).or_insert_with(|| {
            ids.push(id);
            ids.len() - 1
        });
    }
    let found = crate::domain::node::nodes_of(field, &ids).await?;
    Ok(found.select(of.iter().map(|key| indexes.get(&key.node?).copied())))
}

/// A group that has a key.
pub trait Grouped: crate::graphql::ObjectType {
    /// Returns the key, one part per dimension.
    fn key(&self) -> &[GroupKey];
}

/// Resolves the field `key` of groups.
pub async fn keys<G: Grouped>(field: &FieldContext<'_>, of: &[&G]) -> Result<Batch<Vec<GroupKey>>> {
    field.object_lists(&of.iter().map(|group| group.key()).collect::<Vec<_>>()).await
}

/// The type of a dimension's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// Text, as stored.
    Text,
    /// Ids with this prefix.
    Ids(&'static str),
    /// Numbers of periods.
    Buckets(Bucket),
}

impl Values {
    /// Ids of users.
    pub const USERS: Self = Self::Ids(UserId::PREFIX);
    /// Ids of accounts.
    pub const ACCOUNTS: Self = Self::Ids(AccountId::PREFIX);

    fn read(self, dimension: AnalyticsDimension, row: &QueryResult, at: usize) -> Result<GroupKey> {
        let (value, node) = match self {
            Self::Text => (row.try_get_by_index(at)?, None),
            Self::Ids(prefix) => match row.try_get_by_index::<Option<Uuid>>(at)? {
                Some(id) => (Some(entity::show_id(prefix, id)), Some((prefix, id))),
                None => (None, None),
            },
            Self::Buckets(bucket) => {
                (row.try_get_by_index::<Option<i64>>(at)?.map(|number| bucket.label(number)), None)
            }
        };
        Ok(GroupKey { dimension, value, node })
    }
}

/// A statement that groups rows. An inner statement selects each row's keys (`k0`, `k1`, …) and the values to measure;
/// an outer one groups and aggregates them.
pub struct Grouping {
    rows: SelectStatement,
    keys: Vec<(AnalyticsDimension, Values)>,
    measures: Vec<String>,
}

/// A group as read from the database.
pub struct Group {
    /// The key, one part per dimension.
    pub key: Vec<GroupKey>,
    /// The measures, in the order in which they were added.
    pub measures: Vec<i64>,
}

impl Grouping {
    /// Creates a grouping of these rows, without dimensions.
    #[must_use]
    pub fn of<E: EntityTrait>(rows: Select<E>) -> Self {
        let mut rows = rows.into_query();
        rows.clear_selects();
        Self { rows, keys: Vec::new(), measures: Vec::new() }
    }

    /// Adds a dimension.
    pub fn by(&mut self, dimension: AnalyticsDimension, expression: impl Into<SimpleExpr>, values: Values) {
        let expression = expression.into();
        // Days are INTEGER on PostgreSQL and instants BIGINT; cast so that both are read as one type.
        let expression = if matches!(values, Values::Buckets(_)) { expression.cast_as("bigint") } else { expression };
        self.rows.expr_as(expression, Alias::new(format!("k{}", self.keys.len())));
        self.keys.push((dimension, values));
    }

    /// Adds a dimension of periods. `day` is SQL for days since 1970-01-01.
    pub fn by_days(&mut self, dimension: AnalyticsDimension, day: &str, bucket: Bucket) {
        self.by_periods(dimension, bucket.sql(day), bucket);
    }

    /// Adds a dimension of periods. `number` is SQL for the number of the period.
    pub fn by_periods(&mut self, dimension: AnalyticsDimension, number: String, bucket: Bucket) {
        self.by(dimension, Expr::cust(number), Values::Buckets(bucket));
    }

    /// Adds a dimension of the present direct manager of the user in a column.
    pub fn by_manager<C: ColumnTrait>(&mut self, viewer: &Viewer, dimension: AnalyticsDimension, user: C) {
        let person = Alias::new("person");
        let on = Cond::all()
            .add(Expr::col((person.clone(), user::Column::Id)).equals(user.as_column_ref()))
            .add(Expr::col((person.clone(), user::Column::OrganizationId)).eq(viewer.organization.id));
        self.rows.join_as(JoinType::LeftJoin, user::Entity, person.clone(), on);
        self.by(dimension, Expr::col((person, user::Column::ManagerId)), Values::USERS);
    }

    /// Adds a dimension of the industry, as stored, of the account in a column.
    pub fn by_industry<C: ColumnTrait>(&mut self, viewer: &Viewer, dimension: AnalyticsDimension, account: C) {
        let company = Alias::new("company");
        let on = Cond::all()
            .add(Expr::col((company.clone(), account::Column::Id)).equals(account.as_column_ref()))
            .add(Expr::col((company.clone(), account::Column::OrganizationId)).eq(viewer.organization.id));
        self.rows.join_as(JoinType::LeftJoin, account::Entity, company.clone(), on);
        self.by(dimension, Expr::col((company, account::Column::Industry)), Values::Text);
    }

    /// Adds a dimension of the present standing of the account in a column.
    pub fn by_standing<C: ColumnTrait>(
        &mut self,
        ctx: &RequestContext,
        dimension: AnalyticsDimension,
        account: C,
    ) -> Result<()> {
        let viewer = ctx.viewer()?;
        let alias = Alias::new("standing");
        let on = Expr::col((alias.clone(), Alias::new("account_id"))).equals(account.as_column_ref());
        self.rows.join_subquery(JoinType::LeftJoin, standing::sums(ctx, viewer), alias, on);
        self.by(dimension, Expr::cust(standing::sql(viewer)), Values::Text);
        Ok(())
    }

    /// Makes a column available to measures. A column that no measure uses costs nothing.
    pub fn give<C: ColumnTrait>(&mut self, column: C) {
        self.rows.expr_as(column.into_expr(), Alias::new(column.as_str()));
    }

    /// Makes the value of an SQL expression available to measures under a name.
    pub fn give_as(&mut self, sql: String, name: &'static str) {
        self.rows.expr_as(Expr::cust(sql), Alias::new(name));
    }

    /// Adds a measure: SQL for a whole number over the values made available; null counts as 0. If it is not `wanted`,
    /// the measure is 0 and costs nothing.
    pub fn measure(&mut self, wanted: bool, sql: impl Into<String>) {
        self.measures.push(if wanted { sql.into() } else { "0".to_owned() });
    }

    /// Adds two measures, from which [`sum`] computes the sum of amounts.
    pub fn measure_sum(&mut self, wanted: bool, amount: &str) {
        self.measure(wanted, format!("sum({amount} / {PART})"));
        self.measure(wanted, format!("sum({amount} % {PART})"));
    }

    /// Returns the median of a value by group, for the groups that have one: its SQL is over the values made available, and null
    /// does not count. Executes a statement of its own.
    pub async fn medians(&self, ctx: &RequestContext, value: &str) -> Result<HashMap<Vec<GroupKey>, f64>> {
        let mut statement = ctx.services.db.backend().build(&self.rows);
        let names: Vec<String> = (0..self.keys.len()).map(|number| format!("k{number}")).collect();
        let (mut keys, mut within, mut grouped) = (names.join(", "), String::new(), String::new());
        if !names.is_empty() {
            within = format!("partition by {keys} ");
            grouped = format!(" group by {keys}");
            keys.push_str(", ");
        }
        // The middle value of each group, or the two in the middle.
        statement.sql = format!(
            "select {keys}cast(sum(measured) as bigint), count(*) from (
                select {keys}measured, row_number() over ({within}order by measured) as place,
                    count(*) over ({}) as size
                from (select {keys}{value} as measured from ({}) as line where {value} is not null) as valued
            ) as ranked where place in ((size + 1) / 2, (size + 2) / 2){grouped} limit {}",
            within.trim_end(),
            statement.sql,
            MAX_GROUPS + 1
        );
        let mut medians = HashMap::new();
        for row in ctx.reader().query_all_raw(statement).await? {
            let (sum, count): (Option<i64>, i64) =
                (row.try_get_by_index(self.keys.len())?, row.try_get_by_index(self.keys.len() + 1)?);
            if let Some(sum) = sum {
                medians.insert(self.key(&row)?, ratio(sum, count));
            }
        }
        Ok(medians)
    }

    /// Reads the key of a group, which is in the first columns of its row.
    fn key(&self, row: &QueryResult) -> Result<Vec<GroupKey>> {
        self.keys.iter().enumerate().map(|(at, (dimension, values))| values.read(*dimension, row, at)).collect()
    }

    /// Executes the statement. The groups are ordered by the values of their keys as text, missing values last. Without
    /// dimensions there is exactly one group.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` for more than 10,000 groups.
    pub async fn run(self, ctx: &RequestContext) -> Result<Vec<Group>> {
        let backend = ctx.services.db.backend();
        let mut statement = backend.build(&self.rows);
        let keys: Vec<String> = (0..self.keys.len()).map(|number| format!("k{number}")).collect();
        let measures: Vec<String> =
            self.measures.iter().map(|measure| format!("cast(coalesce({measure}, 0) as bigint)")).collect();
        let columns: Vec<&str> = keys.iter().chain(&measures).map(String::as_str).collect();
        // PostgreSQL estimates the number of distinct values of an expression from the columns in it: half a million
        // instants where there are a hundred months. It would then sort the rows on disk. `offset 0` keeps the planner
        // from flattening the inner statement, so that it has no statistics about its columns and chooses to hash.
        // Without periods this is left out, because it would prevent parallel workers.
        let has_periods = self.keys.iter().any(|(_, values)| matches!(values, Values::Buckets(_)));
        let fence = if has_periods && backend == DbBackend::Postgres { " offset 0" } else { "" };
        let grouped = if keys.is_empty() { String::new() } else { format!(" group by {}", keys.join(", ")) };
        statement.sql = format!(
            "select {} from ({}{fence}) as line{grouped} limit {}",
            columns.join(", "),
            statement.sql,
            MAX_GROUPS + 1
        );
        let rows = ctx.reader().query_all_raw(statement).await?;
        if rows.len() > MAX_GROUPS {
            return Err(too_many());
        }
        let mut groups = Vec::with_capacity(rows.len());
        for row in &rows {
            let key = self.key(row)?;
            let measures =
                (0..measures.len()).map(|at| Ok(row.try_get_by_index(self.keys.len() + at)?)).collect::<Result<_>>()?;
            groups.push(Group { key, measures });
        }
        groups.sort_by(|one, other| order(&one.key).cmp(order(&other.key)));
        Ok(groups)
    }
}

/// Returns the sort key of a group.
fn order(key: &[GroupKey]) -> impl Iterator<Item = (bool, Option<&str>)> {
    key.iter().map(|part| (part.value.is_none(), part.value.as_deref()))
}

/// Returns the groups of figures that were added up here, in their order.
///
/// # Errors
/// `LIMIT_EXCEEDED` for more than 10,000 groups.
pub fn ordered<F>(groups: HashMap<Vec<GroupKey>, F>) -> Result<Vec<(Vec<GroupKey>, F)>> {
    if groups.len() > MAX_GROUPS {
        return Err(too_many());
    }
    let mut groups: Vec<(Vec<GroupKey>, F)> = groups.into_iter().collect();
    groups.sort_by(|one, other| order(&one.0).cmp(order(&other.0)));
    Ok(groups)
}

fn too_many() -> Error {
    Error::LimitExceeded(format!(
        "There are more than {MAX_GROUPS} groups. Narrow the filter, or group by fewer dimensions."
    ))
}

/// Amounts are summed in two parts, whole millions and the remainder: the sum of ten thousand of the largest amounts
/// would overflow the integers of SQLite.
const PART: i64 = 1_000_000;

/// Combines the two measures of a sum.
#[must_use]
pub fn sum(high: i64, low: i64) -> i128 {
    i128::from(high) * i128::from(PART) + i128::from(low)
}

/// Converts a sum to an amount.
///
/// # Errors
/// `LIMIT_EXCEEDED` if it does not fit into 64 bits.
pub fn amount(sum: i128) -> Result<i64> {
    i64::try_from(sum).map_err(|_| Error::LimitExceeded(TOO_LARGE.to_owned()))
}

/// Converts a count to an `Int` of the schema.
///
/// # Errors
/// `LIMIT_EXCEEDED` above 2,147,483,647.
pub fn int(count: i64) -> Result<i32> {
    i32::try_from(count).map_err(|_| {
        Error::LimitExceeded("A figure is above 2147483647. Narrow the filter, or group by more dimensions.".to_owned())
    })
}

/// Divides and rounds to a whole number, halves to the even one. The divisor must be positive.
#[must_use]
pub fn rounded(dividend: i128, divisor: i128) -> i128 {
    let (whole, rest) = (dividend.div_euclid(divisor), dividend.rem_euclid(divisor));
    match (rest * 2).cmp(&divisor) {
        std::cmp::Ordering::Less => whole,
        std::cmp::Ordering::Greater => whole + 1,
        std::cmp::Ordering::Equal => whole + whole.rem_euclid(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_to_even() {
        for (sum, expected) in [
            (50, 0),
            (51, 1),
            (149, 1),
            (150, 2),
            (250, 2),
            (251, 3),
            (-50, 0),
            (-51, -1),
            (-150, -2),
            (0, 0),
            (100, 1),
        ] {
            assert_eq!(rounded(sum, 100), expected, "{sum} / 100");
        }
    }

    #[test]
    fn sums_of_two_measures_are_exact() {
        for parts in [[999_999_999_999_999_i64, -1], [-999_999_999_999_999, 7], [-1, -1], [i64::MAX, i64::MIN]] {
            let high: i64 = parts.iter().map(|part| part / PART).sum();
            let low: i64 = parts.iter().map(|part| part % PART).sum();
            assert_eq!(sum(high, low), parts.iter().map(|part| i128::from(*part)).sum());
        }
        assert!(amount(i128::from(i64::MAX) + 1).is_err());
    }

    #[test]
    fn groups_without_a_value_come_last() {
        let key = |value: Option<&str>| GroupKey {
            dimension: AnalyticsDimension::Industry,
            value: value.map(str::to_owned),
            node: None,
        };
        let mut keys = [vec![key(None)], vec![key(Some("b"))], vec![key(Some("a"))]];
        keys.sort_by(|one, other| order(one).cmp(order(other)));
        assert_eq!(keys.map(|key| key[0].value.clone()), [Some("a".to_owned()), Some("b".to_owned()), None]);
    }
}
