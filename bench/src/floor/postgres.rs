//! The floor over PostgreSQL.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::{Decode, Postgres, Row as _, ValueRef as _};
use uuid::Uuid;

use super::array::Elements;
use super::months::Months;
use super::shape::{
    Account, AccountDetails, Accounts, Amount, Contact, Money, Nodes, OneAccount, Owner, Page, PageInfo, Timestamp,
    Touch, Touches,
};
use super::writes::{Batch, Log, Logged, NewTouch, Upserted, director};
use super::{Answer, CONNECTIONS, answer};
use crate::Result;
use crate::data::people::{Person, organization};
use crate::data::{CURRENCY, NOW, YEAR};
use crate::typeid::{TypeId, parse};

/// A statement that selects the eight fields of accounts.
macro_rules! select_accounts {
    ($rest:literal) => {
        concat!("select id, name, domain, industry, employees, city, country, created_at from account ", $rest)
    };
}

const ONE_ACCOUNT: &str = select_accounts!("where organization_id = $1 and id = $2");
const ACCOUNT_PAGE: &str = select_accounts!("where organization_id = $1 and archived_at is null order by id limit 200");

const ACCOUNT_DETAILS: &str = "
    select a.id, a.name, a.domain, a.industry, a.employees, a.city, a.owner_id,
        (select name from member where id = a.owner_id), b.amount,
        c.id, c.name, c.title, c.email, t.id, t.kind, t.at, t.subject, t.responded
    from (
        select id, name, name_key, domain, industry, employees, city, owner_id from account
        where organization_id = $1 and archived_at is null order by name_key, id limit 20
    ) a
    cross join lateral (
        select coalesce(sum(amount), 0)::bigint amount from booking
        where organization_id = $1 and account_id = a.id and booked_on between $2 and $3
    ) b
    cross join lateral (
        select array_agg(id) id, array_agg(name) as name, array_agg(title) title, array_agg(email) email
        from (
            select id, name, title, email from contact
            where organization_id = $1 and account_id = a.id and archived_at is null order by id limit 5
        ) five
    ) c
    cross join lateral (
        select array_agg(id) id, array_agg(kind) kind, array_agg(at) at, array_agg(subject) subject,
            array_agg(responded) responded
        from (
            select id, kind, at, subject, responded from touch
            where organization_id = $1 and account_id = a.id order by at desc, id desc limit 5
        ) five
    ) t
    order by a.name_key, a.id";

/// A statement that selects the five fields of touches.
macro_rules! select_touches {
    ($rest:literal) => {
        concat!("select id, kind, at, subject, responded from touch where organization_id = $1 ", $rest)
    };
}

const FIRST_PAGE: &str = select_touches!("order by at desc, id desc limit 25");
const PAGE_AFTER: &str = select_touches!("and (at, id) < ($2, $3) order by at desc, id desc limit 25");

/// Touches by user and month. The month of a touch is looked up by its hour in an array, since months begin on the hour.
const MONTHS: &str = "
    select user_id, month, count(*), sum(minutes)::bigint
    from (
        select user_id, ($2::smallint[])[at / 3600000000 - $3] as month,
            coalesce(duration_minutes, case kind when 'CALL' then 15 when 'MEETING' then 60 when 'EVENT' then 120 else 5 end)
                as minutes
        from touch where organization_id = $1 offset 0
    ) line
    group by user_id, month";

/// Inserts a touch, its contacts and its event in one statement, which is a transaction by itself. The trigger that
/// orders the feed runs as for any other event.
const LOG: &str = "
    with new_touch as (
        insert into touch (id, organization_id, account_id, user_id, kind, status, direction, at, missed_at,
            duration_minutes, recorded_at, subject, notes, responded, value_acknowledged, contact_ids, external_ids,
            created_at, updated_at, version, weight, answered, minutes, known_at, shape)
        values ($1, $2, $3, $4, $5, 'COMPLETED', $6, $7, $8, $9, $10, $11, $12, $13, false, $14, '[]', $15, $15, 1,
            $19, $20, $21, $10, $22)
    ), new_part as (
        insert into touch_contact (touch_id, contact_id, organization_id, at, answer_known_at)
        select $1, contact, $2, $7, case when $20 then $10 end
        from unnest($16::uuid[]) contact
    )
    insert into event (id, organization_id, at, type, actor_id, subject_noun, subject_id, account_id, changes)
    values ($17, $2, $15, 'touch.created', $4, 'touch', $1, $3, $18)";

/// Inserts many touches with their external ids and events in one statement.
const UPSERT: &str = "
    with given as materialized (
        select * from unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::bigint[], $10::bigint[],
            $11::integer[], $12::bigint[], $13::text[], $14::text[], $15::boolean[], $16::text[], $17::text[], $18::text[],
            $19::text[], $20::integer[], $21::boolean[], $22::integer[], $23::integer[])
        as row (id, event, account, kind, direction, at, missed_at, duration_minutes, recorded_at, subject, notes,
            responded, external_ids, source, name, changes, weight, answered, minutes, shape)
    ), new_touch as (
        insert into touch (id, organization_id, account_id, user_id, kind, status, direction, at, missed_at,
            duration_minutes, recorded_at, subject, notes, responded, value_acknowledged, contact_ids, external_ids,
            created_at, updated_at, version, weight, answered, minutes, known_at, shape)
        select id, $1, account, $2, kind, 'COMPLETED', direction, at, missed_at, duration_minutes, recorded_at, subject,
            notes, responded, false, '[]', external_ids, $3, $3, 1, weight, answered, minutes,
            recorded_at, shape
        from given
    ), new_name as (
        insert into external_id (organization_id, noun, source, id, subject_id)
        select $1, 'touch', source, name, id from given
    )
    insert into event (id, organization_id, at, type, actor_id, subject_noun, subject_id, account_id, changes)
    select event, $1, $3, 'touch.created', $2, 'touch', id, account, changes from given";

struct Floor {
    pool: PgPool,
    organization: Uuid,
    months: Months,
}

/// Creates the router over a database.
pub async fn router(url: &str) -> Result<Router> {
    let options: PgConnectOptions = url.parse()?;
    // Each connection plans a statement once, and no statement runs long enough to gain from JIT compilation.
    let options =
        options.application_name("floor").options([("jit", "off"), ("plan_cache_mode", "force_generic_plan")]);
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .min_connections(CONNECTIONS)
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    let floor = Arc::new(Floor { pool, organization: organization(0), months: Months::of_data() });
    Ok(Router::new()
        .route("/readyz", get(|| async { "ready" }))
        .route("/q1/{id}", get(account_by_id))
        .route("/q2", get(account_details))
        .route("/q3", get(account_page))
        .route("/q4", get(first_page))
        .route("/q4/{at}/{id}", get(page_after))
        .route("/q5", get(months))
        .route("/w1", post(log))
        .route("/w2", post(upsert))
        .with_state(floor))
}

/// Returns a column's value without checking its type, which the statements above determine.
fn at<'r, T: Decode<'r, Postgres>>(row: &'r PgRow, index: usize) -> std::result::Result<T, sqlx::Error> {
    row.try_get_unchecked(index)
}

fn account(row: &PgRow) -> std::result::Result<Account<'_>, sqlx::Error> {
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
    let row = sqlx::query(ONE_ACCOUNT).bind(floor.organization).bind(id).fetch_one(&floor.pool).await?;
    answer(OneAccount { account: account(&row)? }, 512)
}

async fn account_page(State(floor): State<Arc<Floor>>) -> Answer {
    let rows = sqlx::query(ACCOUNT_PAGE).bind(floor.organization).fetch_all(&floor.pool).await?;
    let nodes = rows.iter().map(account).collect::<std::result::Result<_, _>>()?;
    answer(Accounts { accounts: Nodes { nodes } }, 65_536)
}

/// Returns the elements of an array column.
fn elements(row: &PgRow, index: usize) -> std::result::Result<Elements<'_>, sqlx::Error> {
    let value = row.try_get_raw(index)?;
    if value.is_null() {
        return Ok(Elements::of(None));
    }
    Ok(Elements::of(value.as_bytes().ok()))
}

fn text(bytes: Option<&[u8]>) -> Option<&str> {
    bytes.and_then(|bytes| std::str::from_utf8(bytes).ok())
}

fn uuid(bytes: Option<&[u8]>) -> Uuid {
    bytes.and_then(|bytes| Uuid::from_slice(bytes).ok()).unwrap_or_default()
}

fn number(bytes: Option<&[u8]>) -> i64 {
    bytes.and_then(|bytes| bytes.try_into().ok()).map_or(0, i64::from_be_bytes)
}

fn details(row: &PgRow) -> std::result::Result<AccountDetails<'_>, sqlx::Error> {
    let (mut names, mut titles, mut emails) = (elements(row, 10)?, elements(row, 11)?, elements(row, 12)?);
    let contacts = elements(row, 9)?.map(|id| Contact {
        id: TypeId("contact", uuid(id)),
        name: text(names.next().flatten()).unwrap_or_default(),
        title: text(titles.next().flatten()),
        email: text(emails.next().flatten()),
    });
    let contacts = Nodes { nodes: contacts.collect() };
    let (mut kinds, mut times) = (elements(row, 14)?, elements(row, 15)?);
    let (mut subjects, mut responses) = (elements(row, 16)?, elements(row, 17)?);
    let touches = elements(row, 13)?.map(|id| Touch {
        id: TypeId("touch", uuid(id)),
        kind: text(kinds.next().flatten()).unwrap_or_default(),
        at: Timestamp(number(times.next().flatten())),
        subject: text(subjects.next().flatten()),
        responded: responses.next().flatten().is_some_and(|bytes| bytes == [1]),
    });
    Ok(AccountDetails {
        id: TypeId("account", at(row, 0)?),
        name: at(row, 1)?,
        domain: at(row, 2)?,
        industry: at(row, 3)?,
        employees: at(row, 4)?,
        city: at(row, 5)?,
        owner: Owner { id: TypeId("user", at(row, 6)?), name: at(row, 7)? },
        booked: Money { amount: Amount(at(row, 8)?), currency: CURRENCY },
        contacts,
        touches: Nodes { nodes: touches.collect() },
    })
}

async fn account_details(State(floor): State<Arc<Floor>>) -> Answer {
    let rows =
        sqlx::query(ACCOUNT_DETAILS).bind(floor.organization).bind(YEAR.0).bind(YEAR.1).fetch_all(&floor.pool).await?;
    let nodes = rows.iter().map(details).collect::<std::result::Result<_, _>>()?;
    answer(Accounts { accounts: Nodes { nodes } }, 40_960)
}

async fn first_page(State(floor): State<Arc<Floor>>) -> Answer {
    page(&sqlx::query(FIRST_PAGE).bind(floor.organization).fetch_all(&floor.pool).await?)
}

async fn page_after(State(floor): State<Arc<Floor>>, Path((at, id)): Path<(i64, Uuid)>) -> Answer {
    page(&sqlx::query(PAGE_AFTER).bind(floor.organization).bind(at).bind(id).fetch_all(&floor.pool).await?)
}

/// Returns a page of touches. Its cursor is the end of the path of the next page.
fn page(rows: &[PgRow]) -> Answer {
    let nodes: Vec<Touch<'_>> = rows.iter().map(touch).collect::<std::result::Result<_, _>>()?;
    let end_cursor = nodes.last().map(|last| format!("{}/{}", last.at.0, last.id.1));
    answer(Touches { touches: Page { nodes, page_info: PageInfo { end_cursor } } }, 4_096)
}

fn touch(row: &PgRow) -> std::result::Result<Touch<'_>, sqlx::Error> {
    Ok(Touch {
        id: TypeId("touch", at(row, 0)?),
        kind: at(row, 1)?,
        at: Timestamp(at(row, 2)?),
        subject: at(row, 3)?,
        responded: at(row, 4)?,
    })
}

async fn months(State(floor): State<Arc<Floor>>) -> Answer {
    let Floor { pool, organization, months } = &*floor;
    let query = sqlx::query(MONTHS).bind(organization).bind(&months.by_hour).bind(months.first_hour);
    let rows = query.fetch_all(pool).await?;
    let mut groups = Vec::with_capacity(rows.len());
    for row in &rows {
        groups.push((at(row, 0)?, at(row, 1)?, at(row, 2)?, at(row, 3)?));
    }
    answer(Months::groups(groups), 256 * 1024)
}

async fn log(State(floor): State<Arc<Floor>>, body: Bytes) -> Answer {
    let log: Log<'_> = serde_json::from_slice(&body)?;
    let of = organization(log.organization);
    let user = Person { organization: log.organization, number: log.user }.id();
    let touch = log.into_touch()?;
    let (weight, answered, minutes, shape) = touch.derived_columns();
    sqlx::query(LOG)
        .bind(touch.id)
        .bind(of)
        .bind(touch.account)
        .bind(user)
        .bind(&*touch.kind)
        .bind(&*touch.direction)
        .bind(touch.at)
        .bind(touch.missed_at)
        .bind(touch.duration_minutes)
        .bind(touch.recorded_at())
        .bind(touch.subject.as_deref())
        .bind(touch.notes.as_deref())
        .bind(touch.responded)
        .bind(&touch.contact_ids)
        .bind(NOW)
        .bind(&touch.contacts)
        .bind(touch.event)
        .bind(&touch.changes)
        .bind(weight)
        .bind(answered)
        .bind(minutes)
        .bind(shape)
        .execute(&floor.pool)
        .await?;
    answer(Logged::of(&touch), 256)
}

async fn upsert(State(floor): State<Arc<Floor>>, body: Bytes) -> Answer {
    let (organization, user) = director();
    let batch: Batch<'_> = serde_json::from_slice(&body)?;
    let rows = batch.into_touches(user)?;
    macro_rules! column {
        (|$row:ident| $value:expr) => {
            rows.iter().map(|$row: &NewTouch<'_>| $value).collect::<Vec<_>>()
        };
    }
    sqlx::query(UPSERT)
        .bind(organization)
        .bind(user)
        .bind(NOW)
        .bind(column!(|row| row.id))
        .bind(column!(|row| row.event))
        .bind(column!(|row| row.account))
        .bind(column!(|row| &*row.kind))
        .bind(column!(|row| &*row.direction))
        .bind(column!(|row| row.at))
        .bind(column!(|row| row.missed_at))
        .bind(column!(|row| row.duration_minutes))
        .bind(column!(|row| row.recorded_at()))
        .bind(column!(|row| row.subject.as_deref()))
        .bind(column!(|row| row.notes.as_deref()))
        .bind(column!(|row| row.responded))
        .bind(column!(|row| row.external_ids.as_str()))
        .bind(column!(|row| row.external.as_ref().map(|external| &*external.source)))
        .bind(column!(|row| row.external.as_ref().map(|external| &*external.id)))
        .bind(column!(|row| row.changes.as_str()))
        .bind(column!(|row| row.derived_columns().0))
        .bind(column!(|row| row.derived_columns().1))
        .bind(column!(|row| row.derived_columns().2))
        .bind(column!(|row| row.derived_columns().3))
        .execute(&floor.pool)
        .await?;
    answer(Upserted::of(rows.len()), 128)
}
