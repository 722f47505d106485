//! The floor over SQLite, with the server's settings: a pool of readers and one writer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Decode, Row as _, Sqlite};
use uuid::Uuid;

use super::shape::{
    Account, AccountDetails, Accounts, Amount, Contact, Money, Nodes, OneAccount, Owner, Timestamp, Touch,
};
use super::writes::{Batch, Upserted, director};
use super::{Answer, CONNECTIONS, answer};
use crate::Result;
use crate::data::people::organization;
use crate::data::{CURRENCY, NOW, YEAR};
use crate::typeid::{TypeId, parse};

const ONE_ACCOUNT: &str = "select id, name, domain, industry, employees, city, country, created_at from account
    where id = ?2 and organization_id = ?1";
const ACCOUNT_PAGE: &str = "select id, name, domain, industry, employees, city, country, created_at from account
    where organization_id = ?1 and archived_at is null order by id limit 200";

/// Twenty accounts, each with its owner and its bookings of the year.
const ACCOUNT_DETAILS: &str = "
    select a.id, a.name, a.domain, a.industry, a.employees, a.city, o.id, o.name, (
        select coalesce(sum(amount), 0) from booking
        where organization_id = ?1 and account_id = a.id and booked_on between ?2 and ?3
    )
    from account a cross join member o
    where a.organization_id = ?1 and a.archived_at is null and o.id = a.owner_id
    order by a.name_key, a.id limit 20";

/// A statement that selects five rows of a table for each of the same twenty accounts: the first in the order of an
/// index.
macro_rules! select_five_per_account {
    ($columns:literal, $table:literal, $condition:literal) => {
        concat!(
            "select a.id, ",
            $columns,
            " from (select id from account where organization_id = ?1 and archived_at is null
                order by name_key, id limit 20) a cross join ",
            $table,
            " b
            where b.id in (select id from ",
            $table,
            " where organization_id = ?1 and account_id = a.id ",
            $condition,
            " limit 5)"
        )
    };
}
const CONTACTS: &str =
    select_five_per_account!("b.id, b.name, b.title, b.email", "contact", "and archived_at is null order by id");
const TOUCHES: &str =
    select_five_per_account!("b.id, b.kind, b.at, b.subject, b.responded", "touch", "order by at desc, id desc");

struct Floor {
    read: SqlitePool,
    write: SqlitePool,
    organization: Uuid,
}

/// Creates the router over a database.
pub async fn router(url: &str) -> Result<Router> {
    let options = url
        .parse::<SqliteConnectOptions>()?
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .pragma("temp_store", "memory")
        .pragma("cache_size", "-8000");
    let pool = |connections| SqlitePoolOptions::new().max_connections(connections).test_before_acquire(false);
    let floor = Arc::new(Floor {
        read: pool(CONNECTIONS).connect_with(options.clone().pragma("query_only", "on")).await?,
        write: pool(1).connect_with(options).await?,
        organization: organization(0),
    });
    Ok(Router::new()
        .route("/readyz", get(|| async { "ready" }))
        .route("/q1/{id}", get(account_by_id))
        .route("/q2", get(account_details))
        .route("/q3", get(account_page))
        .route("/w2", post(upsert))
        .with_state(floor))
}

/// Returns a column's value without checking its type, which the statements above determine.
fn at<'r, T: Decode<'r, Sqlite>>(row: &'r SqliteRow, index: usize) -> std::result::Result<T, sqlx::Error> {
    row.try_get_unchecked(index)
}

fn account(row: &SqliteRow) -> std::result::Result<Account<'_>, sqlx::Error> {
    Ok(Account {
        id: TypeId("account", at(row, 0)?),
        name: at(row, 1)?,
        domain: at(row, 2)?,
        industry: at(row, 3)?,
        employees: at(row, 4)?,
        city: at(row, 5)?,
        country: at(row, 6)?,
        created_at: Timestamp(at(row, 7)?),
    })
}

async fn account_by_id(State(floor): State<Arc<Floor>>, Path(id): Path<String>) -> Answer {
    let id = parse(&id).unwrap_or_default();
    let row = sqlx::query(ONE_ACCOUNT).bind(floor.organization).bind(id).fetch_one(&floor.read).await?;
    answer(OneAccount { account: account(&row)? }, 512)
}

async fn account_page(State(floor): State<Arc<Floor>>) -> Answer {
    let rows = sqlx::query(ACCOUNT_PAGE).bind(floor.organization).fetch_all(&floor.read).await?;
    let nodes = rows.iter().map(account).collect::<std::result::Result<_, _>>()?;
    answer(Accounts { accounts: Nodes { nodes } }, 65_536)
}

async fn account_details(State(floor): State<Arc<Floor>>) -> Answer {
    let mut connection = floor.read.acquire().await?;
    let accounts = sqlx::query(ACCOUNT_DETAILS)
        .bind(floor.organization)
        .bind(YEAR.0)
        .bind(YEAR.1)
        .fetch_all(&mut *connection)
        .await?;
    let contacts = sqlx::query(CONTACTS).bind(floor.organization).fetch_all(&mut *connection).await?;
    let touches = sqlx::query(TOUCHES).bind(floor.organization).fetch_all(&mut *connection).await?;
    drop(connection);

    let mut contacts_of: HashMap<Uuid, Vec<Contact<'_>>> = HashMap::with_capacity(accounts.len());
    for row in &contacts {
        let contact =
            Contact { id: TypeId("contact", at(row, 1)?), name: at(row, 2)?, title: at(row, 3)?, email: at(row, 4)? };
        contacts_of.entry(at(row, 0)?).or_default().push(contact);
    }
    let mut touches_of: HashMap<Uuid, Vec<Touch<'_>>> = HashMap::with_capacity(accounts.len());
    for row in &touches {
        let touch = Touch {
            id: TypeId("touch", at(row, 1)?),
            kind: at(row, 2)?,
            at: Timestamp(at(row, 3)?),
            subject: at(row, 4)?,
            responded: at(row, 5)?,
        };
        touches_of.entry(at(row, 0)?).or_default().push(touch);
    }
    let mut nodes = Vec::with_capacity(accounts.len());
    for row in &accounts {
        let id: Uuid = at(row, 0)?;
        let mut contacts = contacts_of.remove(&id).unwrap_or_default();
        contacts.sort_unstable_by_key(|contact| contact.id.1);
        let mut touches = touches_of.remove(&id).unwrap_or_default();
        touches.sort_unstable_by_key(|touch| std::cmp::Reverse((touch.at.0, touch.id.1)));
        nodes.push(AccountDetails {
            id: TypeId("account", id),
            name: at(row, 1)?,
            domain: at(row, 2)?,
            industry: at(row, 3)?,
            employees: at(row, 4)?,
            city: at(row, 5)?,
            owner: Owner { id: TypeId("user", at(row, 6)?), name: at(row, 7)? },
            booked: Money { amount: Amount(at(row, 8)?), currency: CURRENCY },
            contacts: Nodes { nodes: contacts },
            touches: Nodes { nodes: touches },
        });
    }
    answer(Accounts { accounts: Nodes { nodes } }, 40_960)
}

/// The number of rows per INSERT. Full chunks have the same text, so it is prepared once.
const ROWS_PER_INSERT: usize = 100;

/// Returns the placeholders of a VALUES list.
fn values(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    vec![row; rows].join(", ")
}

async fn upsert(State(floor): State<Arc<Floor>>, body: Bytes) -> Answer {
    let (organization, user) = director();
    let batch: Batch<'_> = serde_json::from_slice(&body)?;
    let rows = batch.into_touches(user)?;
    let mut transaction = floor.write.begin_with("begin immediate").await?;
    for chunk in rows.chunks(ROWS_PER_INSERT) {
        let sql = format!(
            "insert into touch (id, organization_id, account_id, user_id, kind, status, direction, at, missed_at,
                duration_minutes, recorded_at, subject, notes, responded, value_acknowledged, contact_ids, external_ids,
                created_at, updated_at, version, weight, answered, minutes, known_at, shape) values {}",
            values(chunk.len(), 25)
        );
        let mut insert = sqlx::query(AssertSqlSafe(sql));
        for row in chunk {
            let (weight, answered, minutes, shape) = row.derived_columns();
            insert = insert
                .bind(row.id)
                .bind(organization)
                .bind(row.account)
                .bind(user)
                .bind(&*row.kind)
                .bind("COMPLETED")
                .bind(&*row.direction)
                .bind(row.at)
                .bind(row.missed_at)
                .bind(row.duration_minutes)
                .bind(row.recorded_at())
                .bind(row.subject.as_deref())
                .bind(row.notes.as_deref())
                .bind(row.responded)
                .bind(false)
                .bind(row.contact_ids.as_str())
                .bind(row.external_ids.as_str())
                .bind(NOW)
                .bind(NOW)
                .bind(1)
                .bind(weight)
                .bind(answered)
                .bind(minutes)
                .bind(row.recorded_at())
                .bind(shape);
        }
        insert.execute(&mut *transaction).await?;
        let sql = format!(
            "insert into external_id (organization_id, noun, source, id, subject_id) values {}",
            values(chunk.len(), 5)
        );
        let mut insert = sqlx::query(AssertSqlSafe(sql));
        for row in chunk {
            insert = insert
                .bind(organization)
                .bind("touch")
                .bind(row.external.as_ref().map(|external| &*external.source))
                .bind(row.external.as_ref().map(|external| &*external.id))
                .bind(row.id);
        }
        insert.execute(&mut *transaction).await?;
        let sql = format!(
            "insert into event (id, organization_id, at, type, actor_id, subject_noun, subject_id, account_id, changes)
             values {}",
            values(chunk.len(), 9)
        );
        let mut insert = sqlx::query(AssertSqlSafe(sql));
        for row in chunk {
            insert = insert
                .bind(row.event)
                .bind(organization)
                .bind(NOW)
                .bind("touch.created")
                .bind(user)
                .bind("touch")
                .bind(row.id)
                .bind(row.account)
                .bind(row.changes.as_str());
        }
        insert.execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    answer(Upserted::of(rows.len()), 128)
}

#[cfg(test)]
mod tests {
    #[test]
    fn placeholders_are_listed_by_row() {
        assert_eq!(super::values(2, 3), "(?, ?, ?), (?, ?, ?)");
    }
}
