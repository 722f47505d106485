//! Grouping: dimensions, measures, and the single statement that groups and aggregates.

use std::collections::HashMap;

use async_graphql::resolver_utils::EnumType;
use entity::{AccountId, Id, UserId, account, user};
use sea_orm::sea_query::{Alias, Cond, Expr, ExprTrait, JoinType, SelectStatement, SimpleExpr};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryResult, QueryTrait, Select};
use uuid::Uuid;

use super::bucket::Bucket;
use crate::context::{RequestContext, Viewer};
use crate::error::{Error, Result, TOO_LARGE};
use crate::graphql::{AnyNode, Batch, FieldContext, object};

/// The maximum number of groups in the result of a field.
const MAX_GROUPS: usize = 10_000;

/// One part of a group's key: a dimension, its value as text, and the node that the value identifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupKey {
    /// The name of the dimension in the schema.
    pub dimension: &'static str,
    /// The value; `None` for rows without one.
    pub value: Option<String>,
    /// The prefix and the id of the node that the value identifies.
    pub node: Option<(&'static str, Uuid)>,
}

object! {
    /// One part of a group's key: a dimension and the value that the group's rows share in it.
    GroupKey as "GroupKey" {
        /// The name of the dimension.
        dimension: &str = plain(|key| key.dimension);
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

    fn read(self, dimension: &'static str, row: &QueryResult, at: usize) -> Result<GroupKey> {
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

/// Returns the schema names of the dimensions.
///
/// # Errors
/// `BAD_USER_INPUT` if a dimension is repeated.
pub fn names<D: EnumType + PartialEq>(group_by: &[D]) -> Result<Vec<&'static str>> {
    let mut names = Vec::with_capacity(group_by.len());
    for dimension in group_by {
        let name = D::items().iter().find(|item| item.value == *dimension).map_or("", |item| item.name);
        if names.contains(&name) {
            return Err(Error::BadInput(format!("groupBy names {name} twice; name each dimension once.")));
        }
        names.push(name);
    }
    Ok(names)
}

/// A statement that groups rows. An inner statement selects each row's keys (`k0`, `k1`, …) and the values to measure;
/// an outer one groups and aggregates them.
pub struct Grouping {
    rows: SelectStatement,
    keys: Vec<(&'static str, Values)>,
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
    pub fn by(&mut self, dimension: &'static str, expression: impl Into<SimpleExpr>, values: Values) {
        let expression = expression.into();
        // Days are INTEGER on PostgreSQL and instants BIGINT; cast so that both are read as one type.
        let expression = if matches!(values, Values::Buckets(_)) { expression.cast_as("bigint") } else { expression };
        self.rows.expr_as(expression, Alias::new(format!("k{}", self.keys.len())));
        self.keys.push((dimension, values));
    }

    /// Adds a dimension of periods. `day` is SQL for days since 1970-01-01.
    pub fn by_days(&mut self, dimension: &'static str, day: &str, bucket: Bucket) {
        self.by_periods(dimension, bucket.sql(day), bucket);
    }

    /// Adds a dimension of periods. `number` is SQL for the number of the period.
    pub fn by_periods(&mut self, dimension: &'static str, number: String, bucket: Bucket) {
        self.by(dimension, Expr::cust(number), Values::Buckets(bucket));
    }

    /// Adds a dimension of the present direct manager of the user in a column.
    pub fn by_manager<C: ColumnTrait>(&mut self, viewer: &Viewer, dimension: &'static str, user: C) {
        let person = Alias::new("person");
        let on = Cond::all()
            .add(Expr::col((person.clone(), user::Column::Id)).equals(user.as_column_ref()))
            .add(Expr::col((person.clone(), user::Column::OrganizationId)).eq(viewer.organization.id));
        self.rows.join_as(JoinType::LeftJoin, user::Entity, person.clone(), on);
        self.by(dimension, Expr::col((person, user::Column::ManagerId)), Values::USERS);
    }

    /// Adds a dimension of the industry, as stored, of the account in a column.
    pub fn by_industry<C: ColumnTrait>(&mut self, viewer: &Viewer, dimension: &'static str, account: C) {
        let company = Alias::new("company");
        let on = Cond::all()
            .add(Expr::col((company.clone(), account::Column::Id)).equals(account.as_column_ref()))
            .add(Expr::col((company.clone(), account::Column::OrganizationId)).eq(viewer.organization.id));
        self.rows.join_as(JoinType::LeftJoin, account::Entity, company.clone(), on);
        self.by(dimension, Expr::col((company, account::Column::Industry)), Values::Text);
    }

    /// Adds a dimension of an expression over a derived table, which is joined by its first column, an account's id.
    pub fn by_joined<C: ColumnTrait>(
        &mut self,
        dimension: &'static str,
        table: SelectStatement,
        alias: &'static str,
        account: C,
        expression: SimpleExpr,
    ) {
        let on = Expr::col((Alias::new(alias), Alias::new("account_id"))).equals(account.as_column_ref());
        self.rows.join_subquery(JoinType::LeftJoin, table, Alias::new(alias), on);
        self.by(dimension, expression, Values::Text);
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
            return Err(Error::LimitExceeded(format!(
                "There are more than {MAX_GROUPS} groups. Narrow the filter, or group by fewer dimensions."
            )));
        }
        let mut groups = Vec::with_capacity(rows.len());
        for row in &rows {
            let key = self
                .keys
                .iter()
                .enumerate()
                .map(|(at, (dimension, values))| values.read(dimension, row, at))
                .collect::<Result<_>>()?;
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
        let key = |value: Option<&str>| GroupKey { dimension: "INDUSTRY", value: value.map(str::to_owned), node: None };
        let mut keys = [vec![key(None)], vec![key(Some("b"))], vec![key(Some("a"))]];
        keys.sort_by(|one, other| order(one).cmp(order(other)));
        assert_eq!(keys.map(|key| key[0].value.clone()), [Some("a".to_owned()), Some("b".to_owned()), None]);
    }
}
