//! Whether contenders write the same: all rows that one request leaves behind, but for ids and names.

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;

use crate::Result;
use crate::client::Client;
use crate::measure::Contender;
use crate::stage::{Base, Database};

/// The feed's end.
const END: &str = "select coalesce(max(seq), 0) from event";

/// What was written after a place of the feed: each row as a text.
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
        from touch t join event e on e.subject_id = t.id where e.seq > ?1",
    "select 'part ' || quote(contact_id) || quote(p.organization_id) || quote(p.at) || quote(answer_known_at)
        from touch_contact p join event e on e.subject_id = p.touch_id where e.seq > ?1",
    "select 'name ' || quote(n.organization_id) || quote(noun)
        from external_id n join event e on e.subject_id = n.subject_id where e.seq > ?1",
];

impl Database {
    /// Lets each contender write once, and refuses where they leave different rows behind.
    pub async fn wrote_the_same(&self, contenders: &[Contender]) -> Result<()> {
        let mut first: Option<(&str, Vec<String>)> = None;
        for contender in contenders.iter().filter(|contender| contender.compared) {
            let before = self.feed_end().await?;
            let (_, answer) = Client::connect(contender.address).await?.ask((contender.source)(0, 0)).await?;
            if !(contender.accept)(&answer) {
                return Err(format!("{} answers {}", contender.name, String::from_utf8_lossy(&answer)).into());
            }
            let rows = self.written_after(before).await?;
            match &first {
                None => first = Some((&contender.name, rows)),
                Some((other, expected)) if *expected != rows => {
                    let differing = expected.iter().zip(&rows).find(|(one, other)| one != other);
                    return Err(format!(
                        "{other} writes {} rows and {} {}; the first that differ are {differing:#?}",
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

    async fn feed_end(&self) -> Result<i64> {
        Ok(match self.base {
            Base::Postgres => {
                let mut connection = PgConnection::connect(&self.url).await?;
                sqlx::query_scalar(END).fetch_one(&mut connection).await?
            }
            Base::Sqlite => {
                let mut connection = SqliteConnection::connect(&self.url).await?;
                sqlx::query_scalar(END).fetch_one(&mut connection).await?
            }
        })
    }

    async fn written_after(&self, place: i64) -> Result<Vec<String>> {
        let mut rows: Vec<String> = Vec::new();
        match self.base {
            Base::Postgres => {
                let mut connection = PgConnection::connect(&self.url).await?;
                for sql in POSTGRES {
                    rows.extend(sqlx::query_scalar::<_, String>(sql).bind(place).fetch_all(&mut connection).await?);
                }
            }
            Base::Sqlite => {
                let mut connection = SqliteConnection::connect(&self.url).await?;
                for sql in SQLITE {
                    rows.extend(sqlx::query_scalar::<_, String>(sql).bind(place).fetch_all(&mut connection).await?);
                }
            }
        }
        rows.sort_unstable();
        Ok(rows)
    }
}
