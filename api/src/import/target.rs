//! The organization that an import writes to: the functions that read and write it, with the acting user's rights.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use async_graphql::MaybeUndefined;
use chrono::{DateTime as Timestamp, Utc};
use entity::{AccountId, ContactId, Id, OrganizationId, Scoped, contact, organization, user};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

pub use crate::domain::account::AccountRefInput;
pub use crate::domain::account::upsert::AccountRowInput;
pub use crate::domain::booking::upsert::BookingRowInput;
pub use crate::domain::contact::upsert::ContactRowInput;
pub use crate::domain::contact::{BuyingRole, RelationshipLevel};
pub use crate::domain::opportunity::Stage;
pub use crate::domain::opportunity::upsert::OpportunityRowInput;
pub use crate::domain::touch::upsert::TouchRowInput;
pub use crate::domain::touch::{TouchDirection, TouchKind, TouchStatus, ValueKind};
pub use crate::domain::upsert::{UpsertResult, UpsertStatus};
pub use crate::domain::user::Role;
pub use crate::domain::user::upsert::UserRowInput;
pub use crate::error::{UserError, UserErrorCode};
pub use crate::graphql::scalars::{Date, DateTime, Decimal, Json};
pub use crate::write::external_ids::ExternalIdInput;

use super::dry::{CreatedKeys, Linked};
use super::nearby::{self, KnownAccount, Names};
use super::records::{self, Hints, Recorded, RowPlan, Run};
use super::revenue::{self, WonBooking};
use crate::app::App;
use crate::context::RequestContext;
use crate::domain::upsert::Upsert;
use crate::error::{Error, Result};
use crate::values::money::Currency;
use crate::write::AuditedRow;
use database::columns::is_any_of;

/// A user that rows may name as owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The address, in lower case.
    pub email: String,
}

/// A contact that has an address that was looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownContact {
    /// The address, in lower case.
    pub email: String,
    /// The contact.
    pub id: ContactId,
    /// The account that they work for.
    pub account: AccountId,
}

/// The settings of the organization that rows are read by.
#[derive(Debug, Clone)]
pub struct OrganizationSettings {
    /// The currency of all amounts.
    pub currency: Currency,
    /// The zone in which an instant becomes a day, and a day without a time becomes noon.
    pub time_zone: chrono_tz::Tz,
    /// The time of the run: touches without a status are made or scheduled by it.
    pub now: Timestamp<Utc>,
    /// The address of the acting user.
    pub by: String,
}

/// A failure that no row can help, such as a database that went away.
pub type TargetError = Box<dyn std::error::Error + Send + Sync>;

/// The number of times that a batch is tried while others change the same rows.
const TRIES: usize = 10;
/// How long a batch is tried while another process does not let SQLite write.
const PATIENCE: Duration = Duration::from_mins(5);

/// A row that an import writes through the upsert of its kind.
pub trait Importable: Linked + Recorded + Clone + Send + Sync + 'static {
    /// Writes at most 500 rows in one transaction, which is to be committed, or none in a dry run.
    fn upsert(
        context: &RequestContext,
        rows: Vec<Self>,
        dry_run: bool,
    ) -> impl Future<Output = Result<Upsert<'_>>> + Send;
    /// Follows a commit.
    ///
    /// # Errors
    /// There is no acting user.
    fn after_commit(_context: &RequestContext) -> Result<()> {
        Ok(())
    }
}

macro_rules! importable {
    ($($row:ident: $upsert:path $(, then $then:path)?);* $(;)?) => {$(
        impl Importable for $row {
            async fn upsert(context: &RequestContext, rows: Vec<Self>, dry_run: bool) -> Result<Upsert<'_>> {
                $upsert(context, rows, dry_run).await
            }
            $(fn after_commit(context: &RequestContext) -> Result<()> {
                $then(context)
            })?
        }
    )*};
}

importable! {
    UserRowInput: crate::domain::user::upsert::upsert_rows, then crate::domain::user::upsert::forget_viewers;
    AccountRowInput: crate::domain::account::upsert::upsert_rows;
    ContactRowInput: crate::domain::contact::upsert::upsert_rows;
    OpportunityRowInput: crate::domain::opportunity::upsert::upsert_rows;
    BookingRowInput: crate::domain::booking::upsert::upsert_rows;
    TouchRowInput: crate::domain::touch::upsert::upsert_rows;
}

/// How a batch is written.
#[derive(Clone, Copy)]
pub struct BatchOptions<'a> {
    /// The source of the external ids.
    pub source: &'a str,
    /// The run, whose changes are noted; None in a dry run.
    pub run: Option<Run>,
    /// The rows that a dry run would have created so far.
    pub made: &'a CreatedKeys,
}

/// What became of a batch.
pub struct WrittenBatch<M> {
    /// What was decided for each row, and what became of it.
    pub rows: Vec<(RowPlan<M>, UpsertResult)>,
    /// The number of changes of the run so far.
    pub changes: i32,
}

/// The organization that an import writes to, as its acting user.
pub struct ImportTarget {
    /// The acting user's context.
    pub(super) context: RequestContext,
    /// The settings that rows are read by.
    pub settings: OrganizationSettings,
}

impl ImportTarget {
    /// Opens an organization: the only one, or the one of this id or name. The acting user is the member with this
    /// address, or the first active administrator.
    ///
    /// # Errors
    /// A sentence that says what is missing.
    pub async fn open(app: Arc<App>, organization: Option<&str>, by: Option<&str>) -> Result<Self, String> {
        let context = acting(&app, organization, by).await?;
        let viewer = context.viewer().map_err(|_| "no user acts".to_owned())?;
        let settings = OrganizationSettings {
            currency: viewer.currency,
            time_zone: viewer.zone,
            now: context.now.utc().ok_or("the clock is out of range")?,
            by: viewer.user.email.clone(),
        };
        Ok(Self { context, settings })
    }

    /// Writes the rows of a batch with the notes of what was written, in one transaction. It is tried again where others
    /// change the same rows or keep the database busy.
    ///
    /// # Errors
    /// [`TargetError`]; none of the rows was written.
    pub async fn write<R: Importable>(
        &self,
        rows: &[R],
        hints: &[Hints],
        options: BatchOptions<'_>,
    ) -> Result<WrittenBatch<R::Model>, TargetError> {
        patiently(|| self.try_to_write(rows, hints, options)).await
    }

    async fn try_to_write<R: Importable>(
        &self,
        rows: &[R],
        hints: &[Hints],
        options: BatchOptions<'_>,
    ) -> Result<WrittenBatch<R::Model>> {
        let dry_run = options.run.is_none();
        let mut rows = rows.to_vec();
        let mut plans = records::plan(&self.context, &mut rows, hints, options.source).await?;
        R::settle(&self.context, &mut rows, &mut plans, dry_run).await?;
        let mut results: Vec<Option<UpsertResult>> = Vec::with_capacity(rows.len());
        for (plan, hints) in plans.iter_mut().zip(hints) {
            results.push(if hints.deleted {
                Some(self.remove::<R>(plan, options.source, dry_run).await?)
            } else if let Some(reason) = &plan.skipped {
                plan.notes.push(reason.clone());
                Some(unchanged())
            } else {
                None
            });
        }
        let sent: Vec<usize> = (0..rows.len()).filter(|at| results[*at].is_none()).collect();
        let mut changes = options.run.map_or(0, |run| run.changes);
        if !sent.is_empty() {
            let mut given: Vec<R> = sent.iter().map(|at| rows[*at].clone()).collect();
            if dry_run {
                for row in &mut given {
                    row.unlink(options.made);
                }
            }
            let Upsert { write, payload } = R::upsert(&self.context, given, dry_run).await?;
            for result in payload.results {
                // None of the rows may have changed since it was planned.
                let planned = plans[sent[result.index]].before.as_ref().map(AuditedRow::version);
                let is_written = result.status != UpsertStatus::Failed;
                if is_written && planned.is_some() && planned != result.version_before {
                    return Err(Error::TryAgain);
                }
                let at = sent[result.index];
                results[at] = Some(result);
            }
            if let (Some(write), Some(run)) = (write, options.run) {
                let written = results.iter().enumerate().filter(|(at, _)| !hints[*at].deleted);
                let written = written.filter_map(|(at, result)| {
                    let result = result.as_ref()?;
                    let (_, id) = result.id?;
                    Some((&rows[at], &plans[at], &hints[at], id, result.status))
                });
                let written: Vec<_> = written.collect();
                changes = records::save(&self.context, &write, &run, &written).await?;
                write.commit().await?;
                R::after_commit(&self.context)?;
            }
        }
        let rows = plans.into_iter().zip(results).map(|(plan, result)| (plan, result.unwrap_or_else(unchanged)));
        Ok(WrittenBatch { rows: rows.collect(), changes })
    }

    /// Takes a row away that was deleted in its source.
    async fn remove<R: Importable>(
        &self,
        plan: &mut RowPlan<R::Model>,
        source: &str,
        dry_run: bool,
    ) -> Result<UpsertResult> {
        let mut result = unchanged();
        let Some(before) = &plan.before else {
            plan.notes.push(format!("is deleted in {source}, and not here"));
            return Ok(result);
        };
        result.id = Some((<R::Model as AuditedRow>::NOUN, before.uuid()));
        if records::is_archived(before) {
            plan.notes.push(format!("is deleted in {source}, and archived here"));
            return Ok(result);
        }
        result.status = UpsertStatus::Updated;
        plan.notes.push(format!("is deleted in {source}, and was taken away here too"));
        if dry_run {
            return Ok(result);
        }
        let removed = async { R::remove(&self.context, before).await?.commit().await };
        match removed.await {
            Ok(()) => {}
            Err(Error::Refused(errors)) => {
                result.status = UpsertStatus::Failed;
                result.errors = errors;
                plan.notes.pop();
            }
            Err(fault) => return Err(fault),
        }
        Ok(result)
    }

    /// Creates an account that rows without one go to, or pretends to in a dry run.
    ///
    /// # Errors
    /// [`TargetError`]
    pub async fn make_account(&self, row: AccountRowInput, dry_run: bool) -> Result<UpsertResult, TargetError> {
        let make =
            || async { AccountRowInput::upsert(&self.context, vec![row.clone()], dry_run).await?.commit().await };
        let payload = patiently(make).await?;
        payload.results.into_iter().next().ok_or_else(|| "a row without a result".into())
    }

    /// Starts a run whose changes are recorded.
    ///
    /// # Errors
    /// [`TargetError`]
    pub async fn start_run(&self, kind: &str, source: &str, files: &str) -> Result<Run, TargetError> {
        patiently(|| records::start(&self.context, kind, source, files)).await
    }

    /// Returns the bookings of opportunities that are won.
    ///
    /// # Errors
    /// [`TargetError`]
    pub async fn won(
        &self,
        rows: &[&OpportunityRowInput],
        dry_run: bool,
    ) -> Result<Vec<Option<WonBooking>>, TargetError> {
        patiently(|| revenue::of_won(&self.context, rows, dry_run)).await
    }

    /// Returns all active users of the organization.
    ///
    /// # Errors
    /// [`TargetError`]
    pub async fn people(&self) -> Result<Vec<Person>, TargetError> {
        patiently(|| people(&self.context)).await
    }

    /// Returns the accounts that have one of these names, compared as the schema's NAME order does. The names are given by
    /// the key under which the accounts are returned.
    ///
    /// # Errors
    /// [`TargetError`]
    pub async fn accounts_named(&self, names: &Names) -> Result<HashMap<String, Vec<KnownAccount>>, TargetError> {
        patiently(|| nearby::accounts_named(&self.context, names)).await
    }

    /// Returns the contacts that have one of these addresses in lower case, without the archived and the erased.
    ///
    /// # Errors
    /// [`TargetError`]
    pub async fn contacts_with(&self, addresses: Vec<String>) -> Result<Vec<KnownContact>, TargetError> {
        patiently(|| contacts_with(&self.context, &addresses)).await
    }

    /// Returns the external ids of touches of a source that are still to come and stand as an import left them.
    ///
    /// # Errors
    /// [`TargetError`]
    pub async fn scheduled_touches(&self, source: &str) -> Result<Vec<String>, TargetError> {
        patiently(|| records::scheduled_touches(&self.context, source)).await
    }

    /// Refreshes the statistics that the database plans its queries by. Without them the import only becomes slower.
    pub async fn refresh_statistics(&self) {
        if let Err(error) = self.context.services.db.gather_statistics().await {
            tracing::warn!(%error, "the database's statistics could not be refreshed");
        }
    }
}

/// Returns the context of an import, which runs beside the database without signing in.
async fn acting(app: &App, organization: Option<&str>, by: Option<&str>) -> Result<RequestContext, String> {
    let wrong = |error: sea_orm::DbErr| format!("the database could not be read: {error}");
    #[expect(
        clippy::disallowed_methods,
        reason = "an import runs beside the database, and its caller names the organization"
    )]
    let organizations = organization::Entity::find().all(app.db.reader()).await.map_err(wrong)?;
    let mut named = organizations
        .into_iter()
        .filter(|row| organization.is_none_or(|name| row.name == name || OrganizationId::parse(name) == Ok(row.id)));
    let organization = match (named.next(), named.next()) {
        (Some(one), None) => one,
        (Some(_), Some(_)) => return Err("there are several organizations: name one with --organization".to_owned()),
        (None, _) => {
            return Err(match organization {
                Some(name) => format!("there is no organization “{name}”"),
                None => "there is no organization yet: sign up first".to_owned(),
            });
        }
    };
    let mut members = user::Entity::of(organization.id).filter(user::Column::Active.eq(true));
    members = match by {
        Some(email) => members.filter(user::Column::Email.eq(email.trim().to_lowercase())),
        None => members.filter(user::Column::Role.eq(user::Role::Admin)),
    };
    let member = members.order_by_asc(user::Column::Id).one(app.db.reader()).await.map_err(wrong)?;
    let member = member.ok_or_else(|| match by {
        Some(email) => format!("no active member has the address {email}"),
        None => "the organization has no active administrator".to_owned(),
    })?;
    let viewer = crate::auth::viewer::with_reporting_line(app.db.reader(), organization, member, None)
        .await
        .map_err(|_| "the database could not be read".to_owned())?;
    Ok(RequestContext::new(Arc::clone(&app.services), "import".to_owned(), None, Some(Arc::new(viewer))))
}

fn unchanged() -> UpsertResult {
    UpsertResult { index: 0, status: UpsertStatus::Unchanged, id: None, errors: Vec::new(), version_before: None }
}

/// Does what may be in the way of others again, until it succeeds or enough time has passed. Each attempt is a transaction that
/// finds what an earlier one wrote, so that none is made twice.
pub(super) async fn patiently<T, F: Future<Output = Result<T>>>(attempt: impl Fn() -> F) -> Result<T, TargetError> {
    let begun = Instant::now();
    let mut tries = 0;
    loop {
        tries += 1;
        match attempt().await {
            Err(Error::TryAgain | Error::OutcomeUnknown) if tries < TRIES => {}
            // SQLite gives no turns to the processes that wait for each other.
            Err(Error::Timeout) if begun.elapsed() < PATIENCE => {}
            done => return done.map_err(failure),
        }
    }
}

/// Turns a fault of a whole batch into a sentence.
pub(super) fn failure(fault: Error) -> TargetError {
    match fault {
        Error::Internal(reference) => format!("an internal error occurred; the log has it under {reference}").into(),
        Error::Timeout => "the database took too long".into(),
        Error::TryAgain => "a concurrent change was in the way".into(),
        Error::Refused(errors) => super::report::format_errors(&errors, &[]).into(),
        other => format!("{other:?}").into(),
    }
}

async fn people(ctx: &RequestContext) -> Result<Vec<Person>> {
    let members =
        user::Entity::of(ctx.viewer()?.organization.id).filter(user::Column::Active.eq(true)).all(ctx.reader()).await?;
    Ok(members.into_iter().map(|member| Person { name: member.name, email: member.email }).collect())
}

async fn contacts_with(ctx: &RequestContext, addresses: &[String]) -> Result<Vec<KnownContact>> {
    let rows = ctx
        .viewer()?
        .contacts()
        .filter(is_any_of(ctx.reader(), contact::Column::Email, addresses.iter().cloned()))
        .filter(contact::Column::ErasedAt.is_null())
        .filter(contact::Column::ArchivedAt.is_null())
        .all(ctx.reader())
        .await?;
    let known = |row: contact::Model| Some(KnownContact { email: row.email?, id: row.id, account: row.account_id });
    Ok(rows.into_iter().filter_map(known).collect())
}
