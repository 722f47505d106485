//! The organization that an import writes to: the functions that read and write it, with the acting user's rights.

use std::sync::Arc;

pub use async_graphql::MaybeUndefined;
use chrono::{DateTime as Timestamp, Utc};
use entity::{AccountId, ContactId, Id, OrganizationId, Scoped, account, contact, organization, user};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

pub use crate::domain::account::AccountRef;
pub use crate::domain::account::upsert::AccountRow;
pub use crate::domain::booking::upsert::BookingRow;
pub use crate::domain::contact::upsert::ContactRow;
pub use crate::domain::contact::{BuyingRole, RelationshipLevel};
pub use crate::domain::opportunity::Stage;
pub use crate::domain::opportunity::upsert::OpportunityRow;
pub use crate::domain::touch::upsert::TouchRow;
pub use crate::domain::touch::{TouchDirection, TouchKind, TouchStatus, ValueKind};
pub use crate::domain::upsert::{UpsertResult, UpsertStatus};
pub use crate::domain::user::Role;
pub use crate::domain::user::upsert::UserRow;
pub use crate::error::{UserError, UserErrorCode};
pub use crate::graphql::scalars::{Date, DateTime, Decimal, Json};
pub use crate::write::external_ids::ExternalIdInput;

use super::dry::Linked;
use super::records::{self, Hints, Recorded, RowPlan, Run};
use super::revenue::{self, WonBooking};
use crate::app::App;
use crate::context::RequestContext;
use crate::domain::upsert::UpsertPayload;
use crate::error::{Error, Result};
use crate::graphql::FieldContext;
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

/// An account that has a name that was looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedAccount {
    /// The name as it was looked up.
    pub name: String,
    /// How rows refer to the account.
    pub reference: AccountRef,
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

/// A row that an import writes through the upsert of its kind.
pub trait Importable: Linked + Recorded + Clone + Send + Sync + 'static {
    /// Writes at most 500 rows in one transaction, or none in a dry run.
    fn upsert(
        context: &RequestContext,
        rows: Vec<Self>,
        dry_run: bool,
    ) -> impl Future<Output = Result<UpsertPayload>> + Send;
}

macro_rules! importable {
    ($($row:ident: $upsert:path),* $(,)?) => {$(
        impl Importable for $row {
            async fn upsert(context: &RequestContext, rows: Vec<Self>, dry_run: bool) -> Result<UpsertPayload> {
                $upsert(context, rows, dry_run).await
            }
        }
    )*};
}

importable! {
    UserRow: crate::domain::user::upsert::upsert_users,
    AccountRow: crate::domain::account::upsert::upsert_rows,
    ContactRow: crate::domain::contact::upsert::upsert_rows,
    OpportunityRow: crate::domain::opportunity::upsert::upsert_rows,
    BookingRow: crate::domain::booking::upsert::upsert_rows,
    TouchRow: crate::domain::touch::upsert::upsert_rows,
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

    /// Writes rows of one kind, and returns one result for each.
    ///
    /// # Errors
    /// [`TargetError`]; none of the rows was written.
    pub async fn upsert<R: Importable>(&self, rows: Vec<R>, dry_run: bool) -> Result<Vec<UpsertResult>, TargetError> {
        let payload =
            FieldContext::attempt(|| R::upsert(&self.context, rows.clone(), dry_run)).await.map_err(failure)?;
        match payload.user_errors.first() {
            Some(error) => Err(error.message.clone().into()),
            None => Ok(payload.results),
        }
    }

    /// Decides what becomes of the rows of a batch.
    ///
    /// # Errors
    /// [`TargetError`]
    pub async fn plan<R: Importable>(
        &self,
        rows: &mut [R],
        hints: &[Hints],
        source: &str,
        dry_run: bool,
    ) -> Result<Vec<RowPlan<R::Model>>, TargetError> {
        let mut plans = records::plan(&self.context, rows, hints, source).await.map_err(failure)?;
        R::settle(&self.context, rows, &mut plans, dry_run).await.map_err(failure)?;
        Ok(plans)
    }

    /// Takes a row away that was deleted in its source.
    ///
    /// # Errors
    /// [`TargetError`]
    pub async fn remove<R: Importable>(
        &self,
        plan: &mut RowPlan<R::Model>,
        source: &str,
        dry_run: bool,
    ) -> Result<UpsertResult, TargetError> {
        let mut result = UpsertResult { index: 0, status: UpsertStatus::Unchanged, id: None, errors: Vec::new() };
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
        match R::remove(&self.context, before).await {
            Ok(()) => {}
            Err(Error::Refused(errors)) => {
                result.status = UpsertStatus::Failed;
                result.errors = errors;
                plan.notes.pop();
            }
            Err(fault) => return Err(failure(fault)),
        }
        Ok(result)
    }

    /// Starts a run whose changes are recorded.
    ///
    /// # Errors
    /// [`TargetError`]
    pub async fn start_run(&self, kind: &str, source: &str, files: &str) -> Result<Run, TargetError> {
        records::start(&self.context, kind, source, files).await.map_err(failure)
    }

    /// Records what a batch wrote.
    ///
    /// # Errors
    /// [`TargetError`]
    pub async fn record<R: Importable>(
        &self,
        run: &mut Run,
        rows: &[records::WrittenRow<'_, R>],
    ) -> Result<(), TargetError> {
        records::save(&self.context, run, rows).await.map_err(failure)
    }

    /// Returns the bookings of opportunities that are won.
    ///
    /// # Errors
    /// [`TargetError`]
    pub async fn won(&self, rows: &[&OpportunityRow], dry_run: bool) -> Result<Vec<Option<WonBooking>>, TargetError> {
        revenue::of_won(&self.context, rows, dry_run).await.map_err(failure)
    }

    /// Returns all active users of the organization.
    ///
    /// # Errors
    /// [`TargetError`]
    pub async fn people(&self) -> Result<Vec<Person>, TargetError> {
        people(&self.context).await.map_err(failure)
    }

    /// Returns the accounts that have one of these names, compared as the schema's NAME order does.
    ///
    /// # Errors
    /// [`TargetError`]
    pub async fn accounts_named(&self, names: Vec<String>) -> Result<Vec<NamedAccount>, TargetError> {
        accounts_named(&self.context, names).await.map_err(failure)
    }

    /// Returns the contacts that have one of these addresses in lower case, without the archived and the erased.
    ///
    /// # Errors
    /// [`TargetError`]
    pub async fn contacts_with(&self, addresses: Vec<String>) -> Result<Vec<KnownContact>, TargetError> {
        contacts_with(&self.context, addresses).await.map_err(failure)
    }

    /// Returns which of these external ids belong to rows of a noun.
    ///
    /// # Errors
    /// [`TargetError`]
    pub async fn known_ids(&self, noun: &str, source: &str, ids: &[String]) -> Result<Vec<String>, TargetError> {
        let names: Vec<ExternalIdInput> =
            ids.iter().map(|id| ExternalIdInput { source: source.to_owned(), id: id.clone() }).collect();
        let viewer = self.context.viewer().map_err(failure)?;
        let found = crate::domain::upsert::named(self.context.reader(), viewer, noun, &names).await.map_err(failure)?;
        Ok(found.into_keys().map(|(_, id)| id).collect())
    }

    /// Returns the external ids of touches of a source that are still to come and stand as an import left them.
    ///
    /// # Errors
    /// [`TargetError`]
    pub async fn scheduled_touches(&self, source: &str) -> Result<Vec<String>, TargetError> {
        records::scheduled_touches(&self.context, source).await.map_err(failure)
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

/// Turns a fault of a whole batch into a sentence.
pub(super) fn failure(fault: Error) -> TargetError {
    match fault {
        Error::Internal(reference) => format!("an internal error occurred; the log has it under {reference}").into(),
        Error::Timeout => "the database took too long".into(),
        Error::TryAgain => "a concurrent change was in the way".into(),
        other => format!("{other:?}").into(),
    }
}

async fn people(ctx: &RequestContext) -> Result<Vec<Person>> {
    let members =
        user::Entity::of(ctx.viewer()?.organization.id).filter(user::Column::Active.eq(true)).all(ctx.reader()).await?;
    Ok(members.into_iter().map(|member| Person { name: member.name, email: member.email }).collect())
}

async fn contacts_with(ctx: &RequestContext, addresses: Vec<String>) -> Result<Vec<KnownContact>> {
    let rows = ctx
        .viewer()?
        .contacts()
        .filter(is_any_of(ctx.reader(), contact::Column::Email, addresses))
        .filter(contact::Column::ErasedAt.is_null())
        .filter(contact::Column::ArchivedAt.is_null())
        .all(ctx.reader())
        .await?;
    let known = |row: contact::Model| Some(KnownContact { email: row.email?, id: row.id, account: row.account_id });
    Ok(rows.into_iter().filter_map(known).collect())
}

async fn accounts_named(ctx: &RequestContext, names: Vec<String>) -> Result<Vec<NamedAccount>> {
    let viewer = ctx.viewer()?;
    let mut found = Vec::new();
    for chunk in names.chunks(5_000) {
        let keys = chunk.iter().map(|name| crate::values::text::fold(name.trim()));
        let rows =
            viewer.accounts().filter(is_any_of(ctx.reader(), account::Column::NameKey, keys)).all(ctx.reader()).await?;
        for name in chunk {
            let key = crate::values::text::fold(name.trim());
            for row in rows.iter().filter(|row| row.name_key == key) {
                found.push(NamedAccount { name: name.clone(), reference: reference_to(row) });
            }
        }
    }
    Ok(found)
}

fn reference_to(row: &account::Model) -> AccountRef {
    match (crate::write::external_ids::read(&row.external_ids).into_iter().next(), &row.domain) {
        (Some((source, id)), _) => AccountRef::ExternalId(ExternalIdInput { source, id }),
        (None, Some(domain)) => AccountRef::Domain(domain.clone()),
        (None, None) => AccountRef::Id(row.id.show().into()),
    }
}
