//! The subjects (mostly accounts) and instants that a figure is computed for, as a table of a statement. One parameter holds any
//! number of them, so that the statement's text stays the same and each row looks up its own range of an index.

use entity::{AccountId, Day, Instant};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};
use uuid::Uuid;

use crate::context::{RequestContext, Viewer};
use crate::domain::targeting::instant_of;
use crate::error::Result;
use crate::values::calendar;

/// The number of texts that are gathered in one row of an answer.
const TOGETHER: usize = 200;

/// One subject at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The id of the account, or of the user.
    pub subject: Uuid,
    /// The instant.
    pub at: Instant,
    /// The start of the range of time that ends there.
    pub since: Instant,
}

impl Ask {
    /// Returns an account at an instant; the range is the organization's day until then.
    #[must_use]
    pub fn at(viewer: &Viewer, account: AccountId, at: Instant) -> Self {
        Self { subject: account.0, at, since: calendar::start_of(viewer.day(at), viewer.zone) }
    }

    /// Returns an account at the end of one of the organization's days, or now where that is today.
    #[must_use]
    pub fn on(viewer: &Viewer, account: AccountId, on: Day, now: Instant) -> Self {
        Self::at(viewer, account, instant_of(Some(on), now, viewer.zone))
    }
}

/// Returns the table `asked(number, subject_id, at, since)` as the start of a statement; numbers begin at 1. Its one parameter is
/// [`parameter`]. A statement joins it with `cross join`, so that SQLite reads it first.
const fn table(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => {
            "with asked as materialized (
                select number, (line ->> 0)::uuid as subject_id, (line ->> 1)::bigint as at, (line ->> 2)::bigint as since
                from json_array_elements($1::json) with ordinality as given(line, number)
            ) "
        }
        _ => {
            "with asked as materialized (
                select key + 1 as number, unhex(value ->> 0) as subject_id, value ->> 1 as at, value ->> 2 as since
                from json_each($1)
            ) "
        }
    }
}

fn parameter(asks: &[Ask]) -> String {
    use std::fmt::Write as _;
    let mut json = String::with_capacity(asks.len() * 72 + 2);
    json.push('[');
    for (place, ask) in asks.iter().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        // Writing into a string does not fail.
        let _ = write!(json, "{comma}[\"{}\",{},{}]", ask.subject.simple(), ask.at.0, ask.since.0);
    }
    json.push(']');
    json
}

/// Returns the rows of a statement over the table `asked`, each with the place of what it was asked for. The statement's first
/// column is the number; its parameter `$2` is the organization. No statement is sent where nothing is asked for.
pub async fn rows(ctx: &RequestContext, asks: &[Ask], sql: &str) -> Result<Vec<(usize, QueryResult)>> {
    if asks.is_empty() {
        return Ok(Vec::new());
    }
    let backend = ctx.services.db.backend();
    let values = [Value::from(parameter(asks)), ctx.viewer()?.organization.id.into()];
    let sql = format!("{}{sql}", table(backend));
    let found = ctx.reader().query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    let mut rows = Vec::with_capacity(found.len());
    for row in found {
        let number: i64 = row.try_get_by_index(0)?;
        let place = usize::try_from(number - 1).unwrap_or(usize::MAX);
        if place < asks.len() {
            rows.push((place, row));
        }
    }
    Ok(rows)
}

/// Returns the texts of a statement over the table `asked` with two columns, the number and a text without semicolons, each with
/// its place. Many come in one row of the answer, because handing over a row takes as long as finding a touch.
pub async fn texts(ctx: &RequestContext, asks: &[Ask], sql: &str) -> Result<Vec<(usize, String)>> {
    // Written once: the statement is put between the table and what gathers it.
    let sql = format!(
        ", found(number, line) as ({sql})
        select min(number), string_agg(cast(number as text) || ':' || line, ';') from found
        where line is not null group by number / {TOGETHER}"
    );
    let mut texts = Vec::with_capacity(asks.len());
    for (_, row) in rows(ctx, asks, &sql).await? {
        let together: String = row.try_get_by_index(1)?;
        texts.extend(together.split(';').filter_map(|one| {
            let (number, text) = one.split_once(':')?;
            let place = number.parse::<usize>().ok()?.checked_sub(1).filter(|place| *place < asks.len())?;
            Some((place, text.to_owned()))
        }));
        tokio::task::yield_now().await;
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_asked_for_is_one_parameter() {
        let ask = |id, at| Ask { subject: Uuid::from_u128(id), at: Instant(at), since: Instant(-1) };
        assert_eq!(parameter(&[]), "[]");
        assert_eq!(
            parameter(&[ask(1, 5), ask(255, -7)]),
            "[[\"00000000000000000000000000000001\",5,-1],[\"000000000000000000000000000000ff\",-7,-1]]"
        );
    }
}
