//! Writes, and the event feed: every write adds its event in the same transaction.
//!
//! A mutation begins one [`Write`], saves rows through it and commits it. The `Write` sets versions and timestamps, computes
//! the differences (from each noun's [`AuditedRow::snapshot`]) and inserts the events just before the commit, in one
//! statement.
//! Replaying the feed reproduces the rows, because every value of a row is in its events.

mod author;
pub mod event_types;
pub mod external_ids;
mod snapshot;
pub mod validator;

use database::bulk;
use database::columns::is_any_of;
use database::sql::Sql;
use database::transaction::Transaction;
use entity::{AccountId, EventId, Id, Instant, OrganizationId, Scoped, UserId, event, external_id};
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ActiveValue, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait,
    IntoActiveModel, Iterable, ModelTrait, PrimaryKeyToColumn, QueryFilter, Statement,
};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::context::{RequestContext, Viewer};
use crate::error::Result;
use crate::values::money::Currency;

use self::author::Author;
pub use self::author::check_tables;
pub use self::snapshot::{Fact, Snapshot, stored_json};
use self::snapshot::{as_created, as_text};
pub(crate) use self::snapshot::{difference, snapshot};

/// The most events that are written as VALUES. PostgreSQL takes more of them as JSON.
const FEW_EVENTS: usize = 1;

/// A row whose writes add events to the feed.
pub trait AuditedRow:
    ModelTrait<Entity = Self::Table> + IntoActiveModel<Self::Active> + Clone + Send + Sync + 'static
{
    /// The row's table.
    type Table: EntityTrait<Model = Self, ActiveModel = Self::Active> + Scoped;
    /// The table's active model.
    type Active: ActiveModelTrait<Entity = Self::Table> + ActiveModelBehavior + Send;

    /// The noun: the prefix of the row's id and of its event types.
    const NOUN: &'static str;

    /// Returns the row's id.
    fn uuid(&self) -> Uuid;
    /// Returns the account that the row belongs to; None if every member of the organization sees the row.
    fn account(&self) -> Option<AccountId>;
    /// Returns the seller whom the row is about, if it belongs to no account and only the seller and their managers see it;
    /// None otherwise.
    fn about(&self) -> Option<UserId> {
        None
    }
    /// Returns the row's external ids as stored; None for a noun without external ids.
    fn external_ids(&self) -> Option<&str> {
        None
    }
    /// Returns what the event of a change to `after` is called.
    fn change_name(&self, after: &Self) -> &'static str {
        let _ = after;
        "updated"
    }
    /// Returns the row's version: the number of writes so far.
    fn version(&self) -> i32;
    /// Sets the version and the time of the last write.
    fn stamp(&mut self, at: Instant, version: i32);
    /// Returns the row's content: every column except its own id, its version and its timestamps. Never contains a secret.
    fn snapshot(&self, currency: Currency) -> Snapshot;
}

/// Implements the items of [`AuditedRow`] that almost all tables share: the id, the version and `updated_at`. The function
/// after `then` runs on every write.
macro_rules! audited {
    ($table:ident, $id:ident $(, then $follow:path)?) => {
        type Table = $table::Entity;
        type Active = $table::ActiveModel;
        const NOUN: &'static str = $id::PREFIX;

        fn uuid(&self) -> ::uuid::Uuid {
            self.id.uuid()
        }

        fn version(&self) -> i32 {
            self.version
        }

        fn stamp(&mut self, at: ::entity::Instant, version: i32) {
            self.updated_at = at;
            self.version = version;
            $($follow(self);)?
        }
    };
}
pub(crate) use audited;

/// Returns what the event of a change is called that may archive or restore a row.
#[must_use]
pub const fn archiving(before: Option<Instant>, after: Option<Instant>) -> &'static str {
    match (before, after) {
        (None, Some(_)) => "archived",
        (Some(_), None) => "restored",
        _ => "updated",
    }
}

/// A change in progress.
pub struct Write<'a> {
    /// The transaction, for reading the rows to change.
    pub tx: Transaction<'a>,
    /// The time of the change.
    pub at: Instant,
    organization: OrganizationId,
    currency: Currency,
    actor: Option<UserId>,
    author: Author,
    events: Vec<event::ActiveModel>,
    /// Rows that are inserted together with the events.
    last: Vec<bulk::Rows>,
    ctx: &'a RequestContext,
}

impl<'a> Write<'a> {
    /// Begins a write whose author is the caller. No statement is sent until the first row is read or written.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` without a viewer.
    pub fn begin(ctx: &'a RequestContext) -> Result<Self> {
        let viewer = ctx.viewer()?;
        Ok(Self::begin_as(ctx, viewer))
    }

    /// Begins a write whose author is `viewer`, who may differ from the caller.
    #[must_use]
    pub fn begin_as(ctx: &'a RequestContext, viewer: &Viewer) -> Self {
        let write = Self::begin_for(ctx, viewer.organization.id, viewer.currency, Some(viewer.user.id));
        Self { author: Author::of(viewer), ..write }
    }

    /// Begins a write in an organization without a signed-in author, as for a sign-in. `actor` is the user that the events name;
    /// None for the system. The author's session is not checked on commit.
    #[must_use]
    pub fn begin_for(
        ctx: &'a RequestContext,
        organization: OrganizationId,
        currency: Currency,
        actor: Option<UserId>,
    ) -> Self {
        let (tx, author) = (Transaction::of(&ctx.services.db), Author::Unchecked);
        Self { tx, at: ctx.now, organization, currency, actor, author, events: Vec::new(), last: Vec::new(), ctx }
    }

    /// Returns the organization of the write.
    #[must_use]
    pub const fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// Returns the user that the events name as their author; None for the system.
    #[must_use]
    pub const fn actor(&self) -> Option<UserId> {
        self.actor
    }

    /// Adds a new row.
    pub async fn add<R: AuditedRow>(&mut self, row: R) -> Result<R> {
        Ok(self.save(vec![(None, row)]).await?.remove(0))
    }

    /// Changes a row. If nothing differs, writes nothing and keeps the version.
    pub async fn change<R: AuditedRow>(&mut self, before: &R, after: R) -> Result<R> {
        Ok(self.save(vec![(Some(before.clone()), after)]).await?.remove(0))
    }

    /// Adds a new row whose event also records `details`: values of dependent rows that have no version of their own.
    pub async fn add_with<R: AuditedRow>(&mut self, row: R, details: Map<String, Value>) -> Result<R> {
        self.put_with(None, row, "created", details).await
    }

    /// Adds and changes many rows, in a number of statements that does not grow with the number of rows.
    pub async fn save<R: AuditedRow>(&mut self, rows: Vec<(Option<R>, R)>) -> Result<Vec<R>> {
        let mut saved = Vec::with_capacity(rows.len());
        let (mut added, mut changed) = (Vec::new(), Vec::new());
        let mut names = ExternalIdChanges::default();
        for (before, mut after) in rows {
            let new = after.snapshot(self.currency);
            let changes = match &before {
                None => as_created(&new),
                Some(before) => {
                    let changes = difference(&before.snapshot(self.currency), &new);
                    if changes.is_empty() {
                        saved.push(after);
                        continue;
                    }
                    as_text(&changes)
                }
            };
            after.stamp(self.at, before.as_ref().map_or(1, |row| row.version().saturating_add(1)));
            names.note(R::NOUN, before.as_ref(), &after);
            let kind = before.as_ref().map_or("created", |before| before.change_name(&after));
            self.note_row(&after, kind, changes);
            let list = if before.is_some() { &mut changed } else { &mut added };
            list.push(after.clone());
            saved.push(after);
        }
        insert_rows(&self.tx, added, false).await?;
        insert_rows(&self.tx, changed, true).await?;
        names.save(&self.tx, self.organization).await?;
        Ok(saved)
    }

    /// Changes a row together with dependent rows that have no version of their own. Increments the version even if the row
    /// itself is unchanged. The event, named `what`, also records `changes`.
    pub async fn change_with<R: AuditedRow>(
        &mut self,
        before: &R,
        after: R,
        what: &str,
        changes: Map<String, Value>,
    ) -> Result<R> {
        self.put_with(Some(before), after, what, changes).await
    }

    async fn put_with<R: AuditedRow>(
        &mut self,
        before: Option<&R>,
        mut row: R,
        what: &str,
        details: Map<String, Value>,
    ) -> Result<R> {
        let old = before.map(|before| before.snapshot(self.currency)).unwrap_or_default();
        let mut changes = difference(&old, &row.snapshot(self.currency));
        changes.extend(details);
        row.stamp(self.at, before.map_or(1, |before| before.version().saturating_add(1)));
        let mut names = ExternalIdChanges::default();
        names.note(R::NOUN, before, &row);
        insert_rows(&self.tx, vec![row.clone()], before.is_some()).await?;
        names.save(&self.tx, self.organization).await?;
        self.note_row(&row, what, as_text(&changes));
        Ok(row)
    }

    /// Does the same as [`Self::change_with`] for many rows that are themselves unchanged.
    pub async fn change_all_with<R: AuditedRow>(
        &mut self,
        rows: Vec<(R, Map<String, Value>)>,
        what: &str,
    ) -> Result<()> {
        let mut saved = Vec::with_capacity(rows.len());
        for (mut row, changes) in rows {
            let version = row.version().saturating_add(1);
            row.stamp(self.at, version);
            self.note_row(&row, what, as_text(&changes));
            saved.push(row);
        }
        insert_rows(&self.tx, saved, true).await
    }

    /// Removes a row.
    pub async fn remove<R: AuditedRow>(&mut self, row: &R) -> Result<()> {
        self.remove_with(row, Map::new()).await
    }

    /// Removes a row whose dependent rows have already been removed. The event also records `details`.
    pub async fn remove_with<R: AuditedRow>(&mut self, row: &R, details: Map<String, Value>) -> Result<()> {
        let mut changes = difference(&row.snapshot(self.currency), &Snapshot::new());
        changes.extend(details);
        if row.external_ids().is_some() {
            external_id::Entity::remove_of(self.organization)
                .filter(external_id::Column::SubjectId.eq(row.uuid()))
                .exec(&self.tx)
                .await?;
        }
        row.clone().delete(&self.tx).await?;
        self.note_row(row, "deleted", as_text(&changes));
        Ok(())
    }

    /// Removes rows whose dependent rows have already been removed, in a number of statements that does not grow with the
    /// number of rows.
    pub async fn remove_all<R: AuditedRow>(&mut self, rows: &[R]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = rows.iter().map(AuditedRow::uuid).collect();
        if rows.iter().any(|row| row.external_ids().is_some()) {
            external_id::Entity::remove_of(self.organization)
                .filter(is_any_of(&self.tx, external_id::Column::SubjectId, ids.clone()))
                .exec(&self.tx)
                .await?;
        }
        let id = <R::Table as EntityTrait>::PrimaryKey::iter().next().map(PrimaryKeyToColumn::into_column);
        if let Some(id) = id {
            R::Table::remove_of(self.organization).filter(is_any_of(&self.tx, id, ids)).exec(&self.tx).await?;
        }
        for row in rows {
            let changes = difference(&row.snapshot(self.currency), &Snapshot::new());
            self.note_row(row, "deleted", as_text(&changes));
        }
        Ok(())
    }

    /// Adds an event other than created, updated and deleted.
    pub fn note(
        &mut self,
        noun: &str,
        what: &str,
        subject: Uuid,
        account: Option<AccountId>,
        changes: &Map<String, Value>,
    ) {
        self.note_text(noun, what, subject, account, as_text(changes));
    }

    fn note_text(&mut self, noun: &str, what: &str, subject: Uuid, account: Option<AccountId>, changes: String) {
        self.events.push(event::ActiveModel {
            seq: ActiveValue::NotSet,
            id: ActiveValue::Set(EventId::make()),
            organization_id: ActiveValue::Set(self.organization),
            at: ActiveValue::Set(self.at),
            kind: ActiveValue::Set(format!("{noun}.{what}")),
            actor_id: ActiveValue::Set(self.actor),
            subject_noun: ActiveValue::Set(noun.to_owned()),
            subject_id: ActiveValue::Set(subject),
            account_id: ActiveValue::Set(account),
            changes: ActiveValue::Set(changes),
            about_id: ActiveValue::Set(None),
        });
    }

    /// Limits the last event to a user and the user's managers.
    pub fn about(&mut self, user: UserId) {
        if let Some(event) = self.events.last_mut() {
            event.about_id = ActiveValue::Set(Some(user));
        }
    }

    fn note_row<R: AuditedRow>(&mut self, row: &R, what: &str, changes: String) {
        self.note_text(R::NOUN, what, row.uuid(), row.account(), changes);
        if let Some(event) = self.events.last_mut() {
            event.about_id = ActiveValue::Set(row.about());
        }
    }

    /// Renames the last event to `what`, for an action that is more specific than "updated".
    pub fn rename_last_event(&mut self, what: &str) {
        self.rename_events_from(self.events.len().saturating_sub(1), what);
    }

    /// Does the same as [`Self::save`] and names the events `what`.
    pub async fn save_as<R: AuditedRow>(&mut self, what: &str, rows: Vec<(Option<R>, R)>) -> Result<Vec<R>> {
        let first = self.events.len();
        let saved = self.save(rows).await?;
        self.rename_events_from(first, what);
        Ok(saved)
    }

    fn rename_events_from(&mut self, first: usize, what: &str) {
        for event in &mut self.events[first..] {
            if let (ActiveValue::Set(kind), ActiveValue::Set(noun)) = (&mut event.kind, &event.subject_noun) {
                *kind = format!("{noun}.{what}");
            }
        }
    }

    /// Saves rows of which only a derived value has changed. Adds an event for each, but changes neither its version nor its
    /// timestamps. A tuple holds the event's name, the row before and the row after.
    pub async fn save_derived<R: AuditedRow>(&mut self, rows: Vec<(&'static str, R, R)>) -> Result<()> {
        let mut changed = Vec::with_capacity(rows.len());
        for (what, before, after) in rows {
            let changes = difference(&before.snapshot(self.currency), &after.snapshot(self.currency));
            self.note_row(&after, what, as_text(&changes));
            changed.push(after);
        }
        insert_rows(&self.tx, changed, true).await
    }

    /// Checks the author now, for a change that may add no event.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` where the author's session has ended or they were deactivated meanwhile; the database's.
    pub async fn check_author(&self) -> Result<()> {
        let mut sql = Sql::new(self.ctx.services.db.backend());
        self.author.write(self.organization, &mut sql, self.ctx.services.db.backend());
        match self.tx.query_one_raw(sql.statement()).await? {
            Some(_) => Ok(()),
            None => Err(author::refusal(self.ctx).await),
        }
    }

    /// Inserts the events and the deferred rows, and commits the transaction.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the author's session has ended or the author has been deactivated since the request began.
    pub async fn commit(self) -> Result<()> {
        self.commit_statement(None::<fn(&mut Sql)>).await.map(drop)
    }

    /// Commits if the selection that `sound` writes returns a row at the time the events and deferred rows are inserted.
    /// Otherwise rolls back and returns false. On PostgreSQL, a write of deferred rows alone is one statement, including checks.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub async fn commit_if(self, sound: impl FnOnce(&mut Sql)) -> Result<bool> {
        self.commit_statement(Some(sound)).await
    }

    async fn commit_statement(mut self, sound: Option<impl FnOnce(&mut Sql)>) -> Result<bool> {
        let (events, last) = (std::mem::take(&mut self.events), std::mem::take(&mut self.last));
        debug_assert!(
            events.iter().all(|event| event.kind.try_as_ref().is_some_and(|kind| event_types::is_type(kind))),
            "an event of an unknown type: {events:?}"
        );
        if events.is_empty() && last.is_empty() && sound.is_none() {
            self.tx.commit().await?;
            return Ok(true);
        }
        let backend = self.ctx.services.db.backend();
        if last.is_empty() && sound.is_none() && events.len() > FEW_EVENTS {
            let (author, organization) = (self.author, self.organization);
            let guard = |sql: &mut Sql| author.write(organization, sql, backend);
            if !bulk::insert_guarded::<event::Entity, _>(&self.tx, events, guard).await? {
                self.tx.rollback().await?;
                return Err(author::refusal(self.ctx).await);
            }
            self.tx.commit().await?;
            return Ok(true);
        }
        let mut sql = Sql::new(backend);
        sql.push("with author as (");
        self.author.write(self.organization, &mut sql, backend);
        sql.push(")");
        let mut times = Some("author");
        if let Some(sound) = sound {
            sql.push(", sound as (");
            sound(&mut sql);
            sql.push(")");
            times = Some("author, sound");
        }
        for (number, rows) in last.into_iter().enumerate() {
            if backend == DbBackend::Postgres {
                sql.push(", part_").push(&number.to_string()).push(" as (");
                rows.write(times, &mut sql);
                sql.push(")");
            } else {
                sql.push(" ");
                rows.write(times.take(), &mut sql);
                let statement = std::mem::replace(&mut sql, Sql::new(backend)).statement();
                // The rest follows where the first rows were written.
                if self.tx.execute_raw(statement).await?.rows_affected() == 0 {
                    return self.undone().await;
                }
            }
        }
        sql.push(" ");
        bulk::Rows::of::<event::Entity>(events).write(times, &mut sql);
        let (ctx, organization, author) = (self.ctx, self.organization, self.author);
        if self.tx.commit_with(sql.statement()).await? {
            return Ok(true);
        }
        author::may_write(ctx, organization, author).await
    }

    /// Rolls back a change whose last rows were not written, and returns false where its author could have written them.
    async fn undone(self) -> Result<bool> {
        let (ctx, organization, author) = (self.ctx, self.organization, self.author);
        self.tx.rollback().await?;
        author::may_write(ctx, organization, author).await
    }

    /// Adds a new row at the end of the change: it is inserted together with the events, on PostgreSQL in the same statement,
    /// so that nothing can read it earlier.
    pub fn defer_insert<R: AuditedRow>(&mut self, mut row: R) -> R {
        let changes = as_created(&row.snapshot(self.currency));
        row.stamp(self.at, 1);
        let mut names = ExternalIdChanges::default();
        names.note(R::NOUN, None, &row);
        self.note_row(&row, "created", changes);
        self.defer_insert_rows::<R::Table>(vec![row.clone().into_active_model().reset_all()]);
        self.defer_insert_rows::<external_id::Entity>(names.rows(self.organization));
        row
    }

    /// Adds rows without events at the end of the change.
    pub fn defer_insert_rows<E: EntityTrait>(&mut self, rows: Vec<E::ActiveModel>) {
        if !rows.is_empty() {
            self.last.push(bulk::Rows::of::<E>(rows));
        }
    }

    /// Takes a shared advisory lock on `topic` within the organization. Waits for [exclusive](Self::lock_exclusive) holders
    /// only. Does nothing on SQLite, which has one writer at a time.
    pub async fn lock_shared(&self, topic: &str) -> Result<()> {
        self.lock("pg_advisory_xact_lock_shared", &format!("{}:{topic}", self.organization.show())).await
    }

    /// Takes an exclusive advisory lock on `topic` within the organization, for conflicts that row locks cannot prevent, such
    /// as two changes that form a cycle only together. Does nothing on SQLite.
    pub async fn lock_exclusive(&self, topic: &str) -> Result<()> {
        self.lock_key(&format!("{}:{topic}", self.organization.show())).await
    }

    /// Takes an exclusive advisory lock on `topic` across all organizations, for signing up, which has no organization yet.
    pub async fn lock_exclusive_globally(&self, topic: &str) -> Result<()> {
        self.lock_key(topic).await
    }

    async fn lock_key(&self, key: &str) -> Result<()> {
        self.lock("pg_advisory_xact_lock", key).await
    }

    async fn lock(&self, function: &str, key: &str) -> Result<()> {
        // SQLite has one writer at a time.
        if self.ctx.services.db.backend() == DbBackend::Postgres {
            let sql = format!("select {function}(hashtextextended($1, 0))");
            self.tx.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, [key.into()])).await?;
        }
        Ok(())
    }

    /// Rolls the change back.
    pub async fn roll_back(self) -> Result<()> {
        Ok(self.tx.rollback().await?)
    }
}

async fn insert_rows<R: AuditedRow>(tx: &Transaction<'_>, rows: Vec<R>, exist: bool) -> Result<()> {
    let rows = rows.into_iter().map(|row| row.into_active_model().reset_all()).collect();
    Ok(bulk::insert::<R::Table, _>(tx, rows, exist).await?)
}

/// The changes to the table of external ids that one save makes.
#[derive(Default)]
struct ExternalIdChanges {
    /// The rows whose stored external ids are removed.
    removed: Vec<Uuid>,
    /// The external ids to insert: noun, row, source, id.
    added: Vec<(String, Uuid, String, String)>,
}

impl ExternalIdChanges {
    fn note<R: AuditedRow>(&mut self, noun: &str, before: Option<&R>, after: &R) {
        let old = before.and_then(AuditedRow::external_ids);
        let new = after.external_ids();
        if old == new {
            return;
        }
        if old.is_some_and(|old| old != "[]") {
            self.removed.push(after.uuid());
        }
        for (source, id) in crate::write::external_ids::read(new.unwrap_or("[]")) {
            self.added.push((noun.to_owned(), after.uuid(), source, id));
        }
    }

    async fn save(mut self, tx: &Transaction<'_>, organization: OrganizationId) -> Result<()> {
        if !self.removed.is_empty() {
            external_id::Entity::remove_of(organization)
                .filter(is_any_of(tx, external_id::Column::SubjectId, std::mem::take(&mut self.removed)))
                .exec(tx)
                .await?;
        }
        Ok(bulk::insert::<external_id::Entity, _>(tx, self.rows(organization), false).await?)
    }

    /// Returns the rows to insert.
    fn rows(self, organization: OrganizationId) -> Vec<external_id::ActiveModel> {
        let row = |(noun, subject_id, source, id)| {
            external_id::Model { organization_id: organization, noun, source, id, subject_id }
                .into_active_model()
                .reset_all()
        };
        self.added.into_iter().map(row).collect()
    }
}
