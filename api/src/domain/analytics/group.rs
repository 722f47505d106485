//! Groups: what they are made by, and the one statement that makes them.

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

/// Groups that one field answers with at most.
const MOST_GROUPS: usize = 10_000;

/// One group's key: which dimension, its value as text, and the node where it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupKey {
    /// The dimension's name in the schema.
    pub dimension: &'static str,
    /// The value; None where there is none.
    pub value: Option<String>,
    /// The node behind the value: its prefix and its id.
    pub node: Option<(&'static str, Uuid)>,
}

object! {
    /// One group's key: which dimension, its value as text, and the node where it is one.
    GroupKey as "GroupKey" {
        /// The dimension.
        dimension: &str = plain(|key| key.dimension);
        /// The value: an id, a word of the schema, an industry, a day (2017-04-03), a week's Monday, a month (2017-04),
        /// a fiscal quarter (2017-Q2) or year (2017). Null where the rows have none.
        value: Option<&str> = plain(|key| key.value.as_deref());
        /// The user or the account whose id the value is.
        node: Option<AnyNode> = batch(nodes);
    }
}

async fn nodes(field: &FieldContext<'_>, of: &[&GroupKey]) -> Result<Batch<Option<AnyNode>>> {
    // Each node is fetched and written once, however many groups it heads.
    let mut places: HashMap<(&str, Uuid), usize> = HashMap::new();
    let mut ids = Vec::new();
    for id in of.iter().filter_map(|key| key.node) {
        places.entry(id).or_insert_with(|| {
            ids.push(id);
            ids.len() - 1
        });
    }
    let found = crate::domain::node::nodes_of(field, &ids).await?;
    Ok(found.select(of.iter().map(|key| places.get(&key.node?).copied())))
}

/// A group with its key.
pub trait Grouped: crate::graphql::ObjectType {
    /// The key, a part for each dimension asked for.
    fn key(&self) -> &[GroupKey];
}

/// Answers the field `key` of groups.
///
/// # Errors
/// The database's.
pub async fn keys<G: Grouped>(field: &FieldContext<'_>, of: &[&G]) -> Result<Batch<Vec<GroupKey>>> {
    field.object_lists(&of.iter().map(|group| group.key()).collect::<Vec<_>>()).await
}

/// What a dimension's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// Texts as stored.
    Text,
    /// Ids with this prefix.
    Ids(&'static str),
    /// Stretches of days.
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

/// Names of the dimensions asked for.
///
/// # Errors
/// `BAD_USER_INPUT` where one is named twice.
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

/// Rows that are to be grouped: an inner statement gives each row's keys (`k0`, `k1` …) and what is measured, under
/// names of its own; an outer one groups them.
pub struct Grouping {
    rows: SelectStatement,
    keys: Vec<(&'static str, Values)>,
    measures: Vec<String>,
}

/// A group as the database gives it: its key, and its measures in the order they were asked for.
pub struct Group {
    /// The key.
    pub key: Vec<GroupKey>,
    /// The measures.
    pub measures: Vec<i64>,
}

impl Grouping {
    /// Of these rows.
    #[must_use]
    pub fn of<E: EntityTrait>(rows: Select<E>) -> Self {
        let mut rows = rows.into_query();
        rows.clear_selects();
        Self { rows, keys: Vec::new(), measures: Vec::new() }
    }

    /// One dimension more.
    pub fn by(&mut self, dimension: &'static str, expression: impl Into<SimpleExpr>, values: Values) {
        let expression = expression.into();
        // Days are INTEGER on PostgreSQL, instants BIGINT: read as one.
        let expression = if matches!(values, Values::Buckets(_)) { expression.cast_as("bigint") } else { expression };
        self.rows.expr_as(expression, Alias::new(format!("k{}", self.keys.len())));
        self.keys.push((dimension, values));
    }

    /// By stretches of days; `day` is SQL for days since 1970.
    pub fn by_days(&mut self, dimension: &'static str, day: &str, bucket: Bucket) {
        self.by_stretches(dimension, bucket.sql(day), bucket);
    }

    /// By stretches of days, of which `number` is SQL for the number.
    pub fn by_stretches(&mut self, dimension: &'static str, number: String, bucket: Bucket) {
        self.by(dimension, Expr::cust(number), Values::Buckets(bucket));
    }

    /// By the direct manager today of the user whom a column names.
    pub fn by_manager<C: ColumnTrait>(&mut self, viewer: &Viewer, dimension: &'static str, user: C) {
        let person = Alias::new("person");
        let on = Cond::all()
            .add(Expr::col((person.clone(), user::Column::Id)).equals(user.as_column_ref()))
            .add(Expr::col((person.clone(), user::Column::OrganizationId)).eq(viewer.organization.id));
        self.rows.join_as(JoinType::LeftJoin, user::Entity, person.clone(), on);
        self.by(dimension, Expr::col((person, user::Column::ManagerId)), Values::USERS);
    }

    /// By the industry of the account that a column names, as stored.
    pub fn by_industry<C: ColumnTrait>(&mut self, viewer: &Viewer, dimension: &'static str, account: C) {
        let company = Alias::new("company");
        let on = Cond::all()
            .add(Expr::col((company.clone(), account::Column::Id)).equals(account.as_column_ref()))
            .add(Expr::col((company.clone(), account::Column::OrganizationId)).eq(viewer.organization.id));
        self.rows.join_as(JoinType::LeftJoin, account::Entity, company.clone(), on);
        self.by(dimension, Expr::col((company, account::Column::Industry)), Values::Text);
    }

    /// By a derived table's column; the table is joined by its first column, an account's id.
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

    /// Gives the outer statement a column to measure. What no measure uses, costs nothing.
    pub fn give<C: ColumnTrait>(&mut self, column: C) {
        self.rows.expr_as(column.into_expr(), Alias::new(column.as_str()));
    }

    /// Gives the outer statement the value of some SQL to measure, under a name.
    pub fn give_as(&mut self, sql: String, name: &'static str) {
        self.rows.expr_as(Expr::cust(sql), Alias::new(name));
    }

    /// One measure more: SQL over what the outer statement was given, a whole number; null is 0. One that is not wanted
    /// is 0 and costs nothing.
    pub fn measure(&mut self, wanted: bool, sql: impl Into<String>) {
        self.measures.push(if wanted { sql.into() } else { "0".to_owned() });
    }

    /// Two measures more, of which [`sum`] makes the sum of amounts.
    pub fn measure_sum(&mut self, wanted: bool, amount: &str) {
        self.measure(wanted, format!("sum({amount} / {PART})"));
        self.measure(wanted, format!("sum({amount} % {PART})"));
    }

    /// Makes the groups, with one statement. In the order of the keys' values as text, those without one last. Without
    /// dimensions exactly one group.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` for more than 10,000 groups; the database's.
    pub async fn run(self, ctx: &RequestContext) -> Result<Vec<Group>> {
        let backend = ctx.app.db.backend();
        let mut statement = backend.build(&self.rows);
        let keys: Vec<String> = (0..self.keys.len()).map(|number| format!("k{number}")).collect();
        let measures: Vec<String> =
            self.measures.iter().map(|measure| format!("cast(coalesce({measure}, 0) as bigint)")).collect();
        let columns: Vec<&str> = keys.iter().chain(&measures).map(String::as_str).collect();
        // PostgreSQL thinks that an expression has as many values as the columns in it, half a million instants where
        // there are a hundred months, and sorts the rows on disk. `offset 0` keeps the inner statement apart: of its
        // columns nothing is known, and a hash is guessed to do. Without stretches of days it only stands in the way
        // of workers that would each count a part.
        let stretches = self.keys.iter().any(|(_, values)| matches!(values, Values::Buckets(_)));
        let fence = if stretches && backend == DbBackend::Postgres { " offset 0" } else { "" };
        let grouped = if keys.is_empty() { String::new() } else { format!(" group by {}", keys.join(", ")) };
        statement.sql = format!(
            "select {} from ({}{fence}) as line{grouped} limit {}",
            columns.join(", "),
            statement.sql,
            MOST_GROUPS + 1
        );
        let rows = ctx.reader().query_all_raw(statement).await?;
        if rows.len() > MOST_GROUPS {
            return Err(Error::LimitExceeded(format!(
                "There are more than {MOST_GROUPS} groups. Narrow the filter, or group by less."
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

/// What groups are ordered by.
fn order(key: &[GroupKey]) -> impl Iterator<Item = (bool, Option<&str>)> {
    key.iter().map(|part| (part.value.is_none(), part.value.as_deref()))
}

/// Amounts are summed in two parts, whole millions and what is left: ten thousand of the largest together are beyond
/// what SQLite adds up.
const PART: i64 = 1_000_000;

/// The sum out of its two measures.
#[must_use]
pub fn sum(high: i64, low: i64) -> i128 {
    i128::from(high) * i128::from(PART) + i128::from(low)
}

/// A sum as an amount.
///
/// # Errors
/// `LIMIT_EXCEEDED` beyond 18 digits.
pub fn amount(sum: i128) -> Result<i64> {
    i64::try_from(sum).map_err(|_| Error::LimitExceeded(TOO_LARGE.to_owned()))
}

/// A count as the schema has it.
///
/// # Errors
/// `LIMIT_EXCEEDED` beyond 2,147,483,647.
pub fn int(count: i64) -> Result<i32> {
    i32::try_from(count).map_err(|_| {
        Error::LimitExceeded("A figure is above 2147483647. Narrow the filter, or group by more.".to_owned())
    })
}

/// A quotient rounded to a whole number, halves to the even one. The divisor is above 0.
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
    fn halves_go_to_the_even_one() {
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
    fn sums_of_two_parts_are_exact() {
        for parts in [[999_999_999_999_999_i64, -1], [-999_999_999_999_999, 7], [-1, -1], [i64::MAX, i64::MIN]] {
            let high: i64 = parts.iter().map(|part| part / PART).sum();
            let low: i64 = parts.iter().map(|part| part % PART).sum();
            assert_eq!(sum(high, low), parts.iter().map(|part| i128::from(*part)).sum());
        }
        assert!(amount(i128::from(i64::MAX) + 1).is_err());
    }

    #[test]
    fn nothing_comes_last() {
        let key = |value: Option<&str>| GroupKey { dimension: "INDUSTRY", value: value.map(str::to_owned), node: None };
        let mut keys = [vec![key(None)], vec![key(Some("b"))], vec![key(Some("a"))]];
        keys.sort_by(|one, other| order(one).cmp(order(other)));
        assert_eq!(keys.map(|key| key[0].value.clone()), [Some("a".to_owned()), Some("b".to_owned()), None]);
    }
}
