//! Checking that contenders write the same rows: all rows that a request writes, except for their ids and external ids.

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;

use crate::Result;
use crate::client::Client;
use crate::environment::{Database, Engine};
use crate::measure::Contender;

/// Selects the last position in the feed.
const FEED_END: &str = "select coalesce(max(seq), 0) from event";

/// Select the rows written after a position in the feed, each row as text.
const POSTGRES: [&str; 4] = [
    "select 'event ' || (to_jsonb(e) - '{id,seq,subject_id,changes}'::text[])::text
        || (e.changes::jsonb - 'externalIds')::text from event e where seq > $1",
    "select 'touch ' || (to_jsonb(t) - '{id,external_ids}'::text[])::text
        from touch t join event e on e.subject_id = t.id where e.seq > $1",
    "select 'part ' || (to_jsonb(p) - 'touch_id')::text
        from touch_contact p join event e on e.subject_id = p.touch_id where e.seq > $1",
    "select 'name ' || (to_jsonb(n) - '{id,source,subject_id}'::text[])::text
        from external_id n join event e on e.subject_id = n.subject_id where e.seq > $1",
];
const SQLITE: [&str; 4] = [
    "select 'event ' || quote(organization_id) || quote(at) || quote(type) || quote(actor_id) || quote(subject_noun)
        || quote(account_id) || json_remove(changes, '$.externalIds') from event where seq > ?1",
    "select 'touch ' || quote(t.organization_id) || quote(t.account_id) || quote(user_id) || quote(kind) || quote(status)
        || quote(direction) || quote(t.at) || quote(missed_at) || quote(duration_minutes) || quote(recorded_at)
        || quote(subject) || quote(notes) || quote(responded) || quote(value) || quote(value_acknowledged)
        || quote(commitment_asked) || quote(commitment_given) || quote(opportunity_id) || quote(contact_ids)
        || quote(created_at) || quote(updated_at) || quote(version) || quote(weight) || quote(answered) || quote(minutes)
        || quote(known_at) || quote(shape)
        from touch t join event e on e.subject_id = t.id where e.seq > ?1",
    "select 'part ' || quote(contact_id) || quote(p.organization_id) || quote(p.at) || quote(answer_known_at)
        from touch_contact p join event e on e.subject_id = p.touch_id where e.seq > ?1",
    "select 'name ' || quote(n.organization_id) || quote(noun)
        from external_id n join event e on e.subject_id = n.subject_id where e.seq > ?1",
];

impl Database {
    /// Sends one request to each contender, and fails if they write different rows.
    pub async fn check_same_writes(&self, contenders: &[Contender]) -> Result<()> {
        let mut first: Option<(&str, Vec<String>)> = None;
        for contender in contenders.iter().filter(|contender| contender.compared) {
            let before = self.feed_end().await?;
            let (_, answer) = Client::connect(contender.address).await?.fetch((contender.source)(0, 0)).await?;
            if !(contender.accept)(&answer) {
                return Err(format!("{} answered {}", contender.name, String::from_utf8_lossy(&answer)).into());
            }
            let rows = self.written_after(before).await?;
            match &first {
                None => first = Some((&contender.name, rows)),
                Some((other, expected)) if *expected != rows => {
                    let differing = expected.iter().zip(&rows).find(|(one, other)| one != other);
                    return Err(format!(
                        "{other} wrote {} rows and {} wrote {}; the first that differ are {differing:#?}",
                        expected.len(),
                        contender.name,
                        rows.len()
                    )
                    .into());
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Returns the last position in the feed.
    async fn feed_end(&self) -> Result<i64> {
        Ok(match self.engine {
            Engine::Postgres => {
                let mut connection = PgConnection::connect(&self.url).await?;
                sqlx::query_scalar(FEED_END).fetch_one(&mut connection).await?
            }
            Engine::Sqlite => {
                let mut connection = SqliteConnection::connect(&self.url).await?;
                sqlx::query_scalar(FEED_END).fetch_one(&mut connection).await?
            }
        })
    }

    /// Returns the rows written after a position in the feed.
    async fn written_after(&self, position: i64) -> Result<Vec<String>> {
        let mut rows: Vec<String> = Vec::new();
        match self.engine {
            Engine::Postgres => {
                let mut connection = PgConnection::connect(&self.url).await?;
                for sql in POSTGRES {
                    rows.extend(sqlx::query_scalar::<_, String>(sql).bind(position).fetch_all(&mut connection).await?);
                }
            }
            Engine::Sqlite => {
                let mut connection = SqliteConnection::connect(&self.url).await?;
                for sql in SQLITE {
                    rows.extend(sqlx::query_scalar::<_, String>(sql).bind(position).fetch_all(&mut connection).await?);
                }
            }
        }
        rows.sort_unstable();
        Ok(rows)
    }
}
