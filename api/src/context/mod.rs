//! One request: who asks, when, and of which application.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use chrono_tz::Tz;
use entity::{AccountId, Columns, Day, Instant, Row, Scoped, SessionId, UserId, account, organization, seat, user};
use sea_orm::sea_query::extension::postgres::PgFunc;
use sea_orm::sea_query::{Cond, Expr, ExprTrait, Func, SelectStatement, SimpleExpr, Value, ValueType};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, QueryFilter, QuerySelect, QueryTrait, Select};

use crate::app::App;
use crate::error::{Error, Result, UserErrorCode};
use crate::values::calendar;
use crate::values::money::{Currency, Money};
use database::columns::{is_any_of, select_columns};
use database::connection::Connections;
use database::sql::Sql;
use graphql_executor::ROWS_BETWEEN_YIELDS;

/// The request that is being answered.
#[derive(Clone)]
pub struct RequestContext {
    /// The application.
    pub app: Arc<App>,
    /// The instant at which the request came in: its one "now".
    pub now: Instant,
    /// The request's id, which the log has too.
    pub request_id: String,
    /// The peer's address, for what slows down guessing.
    pub peer: Option<std::net::IpAddr>,
    viewer: Option<Arc<Viewer>>,
}

impl RequestContext {
    /// A request of somebody, or of nobody yet.
    #[must_use]
    pub fn new(app: Arc<App>, request_id: String, peer: Option<std::net::IpAddr>, viewer: Option<Arc<Viewer>>) -> Self {
        let now = app.clock.now();
        Self { app, now, request_id, peer, viewer }
    }

    /// Who asks.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` where nobody does.
    pub fn viewer(&self) -> Result<&Viewer> {
        self.viewer.as_deref().ok_or(Error::Unauthenticated)
    }

    /// The same request on behalf of somebody: of who has just signed in.
    #[must_use]
    pub fn on_behalf_of(&self, viewer: Arc<Viewer>) -> Self {
        Self { viewer: Some(viewer), ..self.clone() }
    }

    /// The connections for reading.
    #[must_use]
    pub fn reader(&self) -> &Connections {
        self.app.db.reader()
    }

    /// The rows that a statement finds, which selects these columns of their table in the table's order.
    ///
    /// # Errors
    /// The database's.
    pub async fn rows<M: Row>(&self, statement: &SelectStatement, columns: Columns) -> Result<Vec<M>> {
        let found = self.reader().read(|| self.app.db.backend().build(statement)).await?;
        // Ten thousand rows take tens of milliseconds to read: now and then somebody else has a turn on the thread.
        let mut rows = Vec::with_capacity(found.len());
        for (at, row) in found.iter().enumerate() {
            rows.push(M::read(row, columns)?);
            if at % ROWS_BETWEEN_YIELDS == ROWS_BETWEEN_YIELDS - 1 {
                tokio::task::yield_now().await;
            }
        }
        Ok(rows)
    }

    /// What has these ids, of what a selection finds, with these columns: one statement, none where there are no ids.
    ///
    /// # Errors
    /// The database's.
    pub async fn fetch_by_ids<E, I, T>(
        &self,
        select: Select<E>,
        column: E::Column,
        columns: Columns,
        ids: impl IntoIterator<Item = I>,
        id_of: impl Fn(&E::Model) -> I,
    ) -> Result<HashMap<I, T>>
    where
        E: Scoped<Model: Row>,
        I: Ord + Hash + ValueType + Into<Value>,
        T: From<E::Model>,
    {
        let mut ids: Vec<I> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let select = select_columns(select, columns).filter(is_any_of(self.reader(), column, ids)).into_query();
        let rows = self.rows::<E::Model>(&select, columns).await?;
        Ok(rows.into_iter().map(|row| (id_of(&row), T::from(row))).collect())
    }

    /// An amount with the organization's currency.
    #[must_use]
    pub fn money(&self, minor: i64) -> Money {
        // Whoever reads an amount is signed in; a currency without amounts is any.
        let currency = self.viewer.as_deref().map_or(Currency::NONE, |viewer| viewer.currency);
        currency.money(minor)
    }
}

/// Up to how many seats what somebody sees is read seat by seat.
const FEW_SEATS: u64 = 500;

/// Who asks, with all that decides what they see.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// Their organization.
    pub organization: organization::Model,
    /// Its currency.
    pub currency: Currency,
    /// Its time zone.
    pub zone: Tz,
    /// They themselves.
    pub user: user::Model,
    /// The session they are signed in with.
    pub session: SessionId,
    /// Whose accounts they see: their own, and a manager those of everyone below in the reporting line too.
    pub reporting_line: Vec<UserId>,
    /// The same as an array; None on a database that has none.
    pub reporting_line_array: Option<Value>,
    /// At how many accounts somebody of the line has a seat.
    pub seats: u64,
}

impl Viewer {
    /// Do they see everything of the organization?
    #[must_use]
    pub fn sees_everything(&self) -> bool {
        self.user.role == user::Role::Admin
    }

    /// Refuses whoever is not ADMIN. `field` is the path of the argument that asks for it.
    ///
    /// # Errors
    /// [`Error::Refused`] with `FORBIDDEN`.
    pub fn must_administer(&self, field: &[&str]) -> Result<()> {
        if self.user.role == user::Role::Admin {
            return Ok(());
        }
        Err(Error::refused(UserErrorCode::Forbidden, field, "Only an administrator may do this."))
    }

    /// Is this one of them, or of those below them in the line; or are they ADMIN?
    #[must_use]
    pub fn is_above_or_is(&self, user: UserId) -> bool {
        self.sees_everything() || self.reporting_line.contains(&user)
    }

    /// What is between a seller and their line, on a column that names the seller: their own, and that of those below.
    pub fn answers_for<C: ColumnTrait>(&self, seller: C) -> Condition {
        if self.sees_everything() {
            return Cond::all();
        }
        Cond::all().add(self.in_line(seller))
    }

    /// The one place that decides which accounts are seen, and with them all that hangs off accounts: a condition on a
    /// column that names an account.
    pub fn sees<C: ColumnTrait>(&self, account: C) -> Condition {
        if self.sees_everything() {
            return Cond::all();
        }
        if self.sees_few_accounts() {
            return Cond::all().add(account.in_subquery(self.seats_query()));
        }
        let seats = self.seats_at(Expr::col(account.as_column_ref()));
        if (account.entity_name().to_string().as_str(), account.as_str()) == ("account", "id") {
            // Who sees thousands owns most of them, or is above who does, which the account's own row tells.
            return Cond::any().add(self.in_line(account::Column::OwnerId)).add(seats);
        }
        Cond::all().add(seats)
    }

    /// The same of the one account that a statement which is written out has in its table `account`.
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

    /// The same for accounts that were found by their ids, each with its owner: which of them are not seen? The owner
    /// tells it of most, and one statement of all the rest.
    ///
    /// # Errors
    /// The database's.
    pub async fn unseen<C: ConnectionTrait>(
        &self,
        connection: &C,
        accounts: impl IntoIterator<Item = (AccountId, UserId)>,
    ) -> Result<HashSet<AccountId>> {
        if self.sees_everything() {
            return Ok(HashSet::new());
        }
        let not_theirs =
            accounts.into_iter().filter(|(_, owner)| !self.reporting_line.contains(owner)).map(|(id, _)| id);
        let mut unseen: HashSet<AccountId> = not_theirs.collect();
        if !unseen.is_empty() {
            let mut seats = self.seats_query();
            seats.and_where(is_any_of(connection, seat::Column::AccountId, unseen.iter().copied()));
            for row in connection.query_all(&seats).await? {
                unseen.remove(&AccountId(row.try_get_by_index(0)?));
            }
        }
        Ok(unseen)
    }

    /// Has somebody of the line a seat at the account that an expression names?
    fn seats_at(&self, account: SimpleExpr) -> SimpleExpr {
        let at = (seat::Entity, seat::Column::AccountId);
        // Looked up row by row. PostgreSQL would rather read all seats before the first row of a page.
        if self.reporting_line_array.is_some() {
            let mut seats = self.seats_query();
            seats.and_where(account.equals(at)).offset(0);
            return Expr::exists(seats);
        }
        // SQLite would go for each row through all of the line, and through a list of accounts that the rows are among: the
        // plus signs keep both out of its choice of an index, which is then that of the account's seats.
        let line = self.reporting_line.iter().copied().map(Value::from);
        let mut seats = seat::Entity::of(self.organization.id)
            .select_only()
            .column(seat::Column::AccountId)
            .filter(Expr::cust_with_expr("+?", Expr::col((seat::Entity, seat::Column::UserId))).is_in(line))
            .into_query();
        seats.and_where(Expr::cust_with_expr("+?", account).equals(at));
        Expr::exists(seats)
    }

    /// Does a column name somebody of the line?
    fn in_line<C: ColumnTrait>(&self, column: C) -> SimpleExpr {
        match (self.reporting_line.as_slice(), &self.reporting_line_array) {
            (&[alone], _) => column.eq(alone),
            // One parameter, however many there are: PostgreSQL reads and plans fifty of them longer than it looks for
            // what they say.
            (_, Some(array)) => Expr::col(column.as_column_ref()).eq(PgFunc::any(Expr::val(array.clone()))),
            (line, None) => column.is_in(line.iter().copied()),
        }
    }

    /// The accounts at which somebody of the line has a seat.
    pub fn seats_query(&self) -> SelectStatement {
        seat::Entity::of(self.organization.id)
            .filter(self.in_line(seat::Column::UserId))
            .select_only()
            .column(seat::Column::AccountId)
            .into_query()
    }

    /// The rows of a table that hang off accounts they see.
    #[must_use]
    pub fn rows<E: Scoped>(&self, account: E::Column) -> Select<E> {
        E::of(self.organization.id).filter(self.sees(account))
    }

    /// The same rows, to be summed up: all of them are read, so their accounts are best looked for at once.
    #[must_use]
    pub fn sums<E: Scoped>(&self, account: E::Column) -> Select<E> {
        let rows = E::of(self.organization.id);
        if self.sees_everything() {
            return rows;
        }
        let theirs = account.in_subquery(self.seats_query());
        if self.sees_few_accounts() {
            return rows.filter(theirs);
        }
        // Planned for any line, PostgreSQL expects some thirty seats and would look up each one's rows. What stands in a
        // function can only be asked row by row, of a table of all seats that is made once.
        let seen = |seats: SimpleExpr| Expr::expr(Func::coalesce([seats, Expr::cust("false")]));
        // Whoever has a seat everywhere, as the head of all sellers has, is asked once and not for each row.
        let mut unseen = account::Entity::of(self.organization.id).into_query();
        unseen
            .clear_selects()
            .expr(Expr::cust("1"))
            .and_where(seen(account::Column::Id.in_subquery(self.seats_query())).not());
        rows.filter(Cond::any().add(Expr::exists(unseen).not()).add(seen(theirs)))
    }

    /// The accounts they see.
    #[must_use]
    pub fn accounts(&self) -> Select<account::Entity> {
        self.rows(account::Column::Id)
    }

    /// Is what they see a small part of the whole, so that it is best read account by account? Above, walking an
    /// ordering's index and leaving out the rest is quicker.
    #[must_use]
    pub const fn sees_few_accounts(&self) -> bool {
        self.seats <= FEW_SEATS
    }

    /// The organization's day of an instant.
    #[must_use]
    pub fn day(&self, at: Instant) -> Day {
        calendar::day_of(at, self.zone)
    }

    /// The month in which fiscal years start.
    #[must_use]
    pub fn fiscal_start(&self) -> u32 {
        self.organization.fiscal_year_start_month.unsigned_abs()
    }

    /// The fiscal year of an instant.
    #[must_use]
    pub fn fiscal_year(&self, at: Instant) -> i32 {
        calendar::fiscal_year(self.day(at), self.fiscal_start())
    }

    /// First and last day of a fiscal year; of the current one where none is given.
    #[must_use]
    pub fn fiscal_days(&self, year: Option<i32>, now: Instant) -> (Day, Day) {
        let start = self.fiscal_start();
        calendar::fiscal_days(year.unwrap_or_else(|| calendar::fiscal_year(self.day(now), start)), start)
    }
}

/// A seat at an account, as far as rights are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountAccess {
    /// The owner, someone above the owner, or ADMIN.
    Responsible,
    /// On the team, or above someone who is.
    Team,
}

impl Viewer {
    /// What they are at an account that they see.
    #[must_use]
    pub fn access(&self, account: &account::Model) -> AccountAccess {
        if self.is_above_or_is(account.owner_id) { AccountAccess::Responsible } else { AccountAccess::Team }
    }

    /// One account that they see, locked for a change where `lock`.
    ///
    /// # Errors
    /// The database's.
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
