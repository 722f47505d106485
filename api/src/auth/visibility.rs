//! The viewer of a request, and the conditions that limit statements to the rows that the viewer sees.

use std::collections::HashSet;

use chrono_tz::Tz;
use database::columns::is_any_of;
use database::sql::Sql;
use entity::{AccountId, Day, Instant, Scoped, SessionId, UserId, account, organization, seat, user};
use sea_orm::sea_query::extension::postgres::PgFunc;
use sea_orm::sea_query::{Cond, Expr, ExprTrait, Func, SelectStatement, SimpleExpr, Value};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, QueryFilter, QuerySelect, QueryTrait, Select};

use crate::error::{Error, Result, UserErrorCode};
use crate::values::calendar;
use crate::values::money::Currency;

/// The largest number of seats for which a viewer's rows are read account by account.
const FEW_SEATS: u64 = 500;

/// The signed-in user who makes the request, with everything that determines what the user sees.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// The user's organization.
    pub organization: organization::Model,
    /// The organization's currency.
    pub currency: Currency,
    /// The organization's time zone.
    pub zone: Tz,
    /// The user.
    pub user: user::Model,
    /// The session they are signed in with; None where they act without one, as in an import.
    pub session: Option<SessionId>,
    /// Whose accounts they see: their own, and a manager those of everyone below in the reporting line too.
    pub reporting_line: Vec<UserId>,
    /// The reporting line as an array; None on SQLite, which has no arrays.
    pub reporting_line_array: Option<Value>,
    /// The number of accounts at which a member of the reporting line has a seat.
    pub seats: u64,
}

impl Viewer {
    /// Whether the viewer sees all data of the organization.
    #[must_use]
    pub fn sees_everything(&self) -> bool {
        self.user.role == user::Role::Admin
    }

    /// Checks that the viewer has the role ADMIN. `field` is the path of the argument that requires it.
    ///
    /// # Errors
    /// [`Error::Refused`] with `FORBIDDEN`.
    pub fn must_administer(&self, field: &[&str]) -> Result<()> {
        if self.user.role == user::Role::Admin {
            return Ok(());
        }
        Err(Error::refused(UserErrorCode::Forbidden, field, "Only an administrator may do this."))
    }

    /// Whether `user` is in the viewer's reporting line, or the viewer has the role ADMIN.
    #[must_use]
    pub fn is_above_or_is(&self, user: UserId) -> bool {
        self.sees_everything() || self.reporting_line.contains(&user)
    }

    /// Returns the condition for rows that only a seller and the seller's managers see, on the column with the seller's id.
    pub fn answers_for<C: ColumnTrait>(&self, seller: C) -> Condition {
        if self.sees_everything() {
            return Cond::all();
        }
        Cond::all().add(self.in_line(seller))
    }

    /// Returns the condition for rows of visible accounts, on the column with the account's id. This is the single definition
    /// of which accounts, and which rows that belong to accounts, a viewer sees.
    pub fn sees<C: ColumnTrait>(&self, account: C) -> Condition {
        if self.sees_everything() {
            return Cond::all();
        }
        if self.sees_few_accounts() {
            return Cond::all().add(account.in_subquery(self.seats_query()));
        }
        let seats = self.seats_at(Expr::col(account.as_column_ref()));
        if (account.entity_name().to_string().as_str(), account.as_str()) == ("account", "id") {
            // A viewer with thousands of accounts sees most of them through their owners, which the account's own row names.
            return Cond::any().add(self.in_line(account::Column::OwnerId)).add(seats);
        }
        Cond::all().add(seats)
    }

    /// Writes the same condition as [`Self::sees`] for the table `account` of an SQL statement.
    pub fn sees_this(&self, sql: &mut Sql) {
        if self.sees_everything() {
            sql.push("true");
            return;
        }
        let of_line = sql.one_of(self.reporting_line.iter().map(|user| user.0));
        sql.push("(account.owner_id ").push(&of_line);
        sql.push(" or exists (select 1 from seat where seat.organization_id = account.organization_id");
        sql.push(" and seat.account_id = account.id and seat.user_id ").push(&of_line).push("))");
    }

    /// Returns which of the accounts, each given with its owner, the viewer does not see. The owner decides most cases; one
    /// statement decides all others.
    pub async fn unseen<C: ConnectionTrait>(
        &self,
        connection: &C,
        accounts: impl IntoIterator<Item = (AccountId, UserId)>,
    ) -> Result<HashSet<AccountId>> {
        if self.sees_everything() {
            return Ok(HashSet::new());
        }
        let other_owners =
            accounts.into_iter().filter(|(_, owner)| !self.reporting_line.contains(owner)).map(|(id, _)| id);
        let mut unseen: HashSet<AccountId> = other_owners.collect();
        if !unseen.is_empty() {
            let mut seats = self.seats_query();
            seats.and_where(is_any_of(connection, seat::Column::AccountId, unseen.iter().copied()));
            for row in connection.query_all(&seats).await? {
                unseen.remove(&AccountId(row.try_get_by_index(0)?));
            }
        }
        Ok(unseen)
    }

    /// Returns the condition that a member of the reporting line has a seat at the account of an expression.
    fn seats_at(&self, account: SimpleExpr) -> SimpleExpr {
        let at = (seat::Entity, seat::Column::AccountId);
        // The offset makes PostgreSQL look up the seats row by row. Without it, it reads all seats before the first row of a
        // page.
        if self.reporting_line_array.is_some() {
            let mut seats = self.seats_query();
            seats.and_where(account.equals(at)).offset(0);
            return Expr::exists(seats);
        }
        // The plus signs exclude both columns from SQLite's choice of an index, so that it uses the index of an account's seats.
        // Otherwise it would search every member of the line, or every account of an enclosing list, for each row.
        let line = self.reporting_line.iter().copied().map(Value::from);
        let mut seats = seat::Entity::of(self.organization.id)
            .select_only()
            .column(seat::Column::AccountId)
            .filter(Expr::cust_with_expr("+?", Expr::col((seat::Entity, seat::Column::UserId))).is_in(line))
            .into_query();
        seats.and_where(Expr::cust_with_expr("+?", account).equals(at));
        Expr::exists(seats)
    }

    /// Returns the condition that a column with a user's id is in the reporting line.
    fn in_line<C: ColumnTrait>(&self, column: C) -> SimpleExpr {
        match (self.reporting_line.as_slice(), &self.reporting_line_array) {
            (&[alone], _) => column.eq(alone),
            // A single array parameter: PostgreSQL would take longer to parse and plan fifty parameters than to execute the
            // statement.
            (_, Some(array)) => Expr::col(column.as_column_ref()).eq(PgFunc::any(Expr::val(array.clone()))),
            (line, None) => column.is_in(line.iter().copied()),
        }
    }

    /// Selects the accounts at which a member of the reporting line has a seat.
    pub fn seats_query(&self) -> SelectStatement {
        seat::Entity::of(self.organization.id)
            .filter(self.in_line(seat::Column::UserId))
            .select_only()
            .column(seat::Column::AccountId)
            .into_query()
    }

    /// Selects the rows of a table that belong to visible accounts. `account` is the column with the account's id.
    #[must_use]
    pub fn rows<E: Scoped>(&self, account: E::Column) -> Select<E> {
        E::of(self.organization.id).filter(self.sees(account))
    }

    /// Selects the same rows as [`Self::rows`] for an aggregate. All rows are read, so the visible accounts are determined up
    /// front and not row by row.
    #[must_use]
    pub fn sums<E: Scoped>(&self, account: E::Column) -> Select<E> {
        let rows = E::of(self.organization.id);
        if self.sees_everything() {
            return rows;
        }
        let visible = account.in_subquery(self.seats_query());
        if self.sees_few_accounts() {
            return rows.filter(visible);
        }
        // A generic plan of PostgreSQL expects about thirty seats and would look up the rows of each. Inside a function call,
        // the condition can only be evaluated row by row, against a hash table of all seats that is built once.
        let seen = |seats: SimpleExpr| Expr::expr(Func::coalesce([seats, Expr::cust("false")]));
        // A viewer with a seat at every account, such as the head of sales, is detected once instead of for each row.
        let mut unseen = account::Entity::of(self.organization.id).into_query();
        unseen
            .clear_selects()
            .expr(Expr::cust("1"))
            .and_where(seen(account::Column::Id.in_subquery(self.seats_query())).not());
        rows.filter(Cond::any().add(Expr::exists(unseen).not()).add(seen(visible)))
    }

    /// Selects the visible accounts.
    #[must_use]
    pub fn accounts(&self) -> Select<account::Entity> {
        self.rows(account::Column::Id)
    }

    /// Whether the viewer sees so few accounts that their rows are best read account by account. With more accounts it is
    /// faster to scan the index of an ordering and skip the other rows.
    #[must_use]
    pub const fn sees_few_accounts(&self) -> bool {
        self.seats <= FEW_SEATS
    }

    /// Returns the day of an instant in the organization's time zone.
    #[must_use]
    pub fn day(&self, at: Instant) -> Day {
        calendar::day_of(at, self.zone)
    }

    /// Returns the month (1-12) in which the organization's fiscal years start.
    #[must_use]
    pub fn fiscal_start(&self) -> u32 {
        self.organization.fiscal_year_start_month.unsigned_abs()
    }

    /// Returns the fiscal year of an instant.
    #[must_use]
    pub fn fiscal_year(&self, at: Instant) -> i32 {
        calendar::fiscal_year(self.day(at), self.fiscal_start())
    }

    /// Returns the first and the last day of a fiscal year; of the current one if `year` is None.
    #[must_use]
    pub fn fiscal_days(&self, year: Option<i32>, now: Instant) -> (Day, Day) {
        let start = self.fiscal_start();
        calendar::fiscal_days(year.unwrap_or_else(|| calendar::fiscal_year(self.day(now), start)), start)
    }
}

/// The viewer's rights on a visible account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountAccess {
    /// The viewer is the owner, a manager above the owner, or has the role ADMIN.
    Responsible,
    /// The viewer is on the account's team, or a manager above a member of the team.
    Team,
}

impl Viewer {
    /// Whether the viewer is responsible for an account of this owner: the owner, a manager above them, or ADMIN.
    #[must_use]
    pub fn is_responsible_for(&self, owner: UserId) -> bool {
        self.is_above_or_is(owner)
    }

    /// Returns the viewer's rights on an account that the viewer sees.
    #[must_use]
    pub fn access(&self, account: &account::Model) -> AccountAccess {
        if self.is_responsible_for(account.owner_id) { AccountAccess::Responsible } else { AccountAccess::Team }
    }

    /// Returns a visible account; None if there is none with this id. With `lock`, locks the row for a change.
    pub async fn account<C: sea_orm::ConnectionTrait>(
        &self,
        connection: &C,
        id: AccountId,
        lock: bool,
    ) -> Result<Option<account::Model>> {
        if lock {
            return Ok(self.accounts().filter(account::Column::Id.eq(id)).lock_exclusive().one(connection).await?);
        }
        let found =
            account::Entity::of(self.organization.id).filter(account::Column::Id.eq(id)).one(connection).await?;
        let unseen = self.unseen(connection, found.iter().map(|account| (account.id, account.owner_id))).await?;
        Ok(found.filter(|account| !unseen.contains(&account.id)))
    }
}
