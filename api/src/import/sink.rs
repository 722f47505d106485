//! Where the importer ends and the rules begin: the rows that it hands over, which are those of the schema's five upserts
//! and of members, and the table of functions that take them, each with the acting user's rights.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use async_graphql::MaybeUndefined;
use chrono::Utc;
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
pub use crate::domain::upsert::UpsertStatus;
pub use crate::domain::user::Role;
pub use crate::domain::user::upsert::UserRow;
pub use crate::graphql::scalars::{Date, DateTime, Decimal, Json};
pub use crate::write::external_ids::ExternalIdInput;

use crate::app::App;
use crate::context::RequestContext;
use crate::domain::upsert::UpsertPayload;
use crate::error::{Error, Result};
use crate::graphql::FieldContext;
use database::columns::is_any_of;

/// What the caller can mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserError {
    /// One of the schema's codes, such as `INVALID`.
    pub code: String,
    /// A sentence that says what would be right.
    pub message: String,
    /// The path of the field.
    pub field: Vec<String>,
}

/// What became of one row of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpsertResult {
    /// The row's place in the batch, from 0.
    pub index: usize,
    /// What was done, or would be in a dry run.
    pub status: UpsertStatus,
    /// The id of what was written; none for a failed row, and for what a dry run would make.
    pub id: Option<String>,
    /// Why it failed.
    pub errors: Vec<UserError>,
}

/// A user whom rows may name as owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// As the organization knows them.
    pub name: String,
    /// Lower case.
    pub email: String,
}

/// An account whose name was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedAccount {
    /// The name as it was asked for.
    pub name: String,
    /// How rows may refer to it: by an external id where it has one, else by its domain, else by its id.
    pub reference: AccountRef,
}

/// Somebody of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownContact {
    /// The address, lower case.
    pub email: String,
    /// Who it is.
    pub id: ContactId,
    /// Where they work.
    pub account: AccountId,
}

/// What the importer must know of the organization that it writes to.
#[derive(Debug, Clone)]
pub struct Ground {
    /// The decimals of the organization's currency, 2 for USD.
    pub currency_decimals: u32,
    /// In which a datetime becomes a day, and a day without a time becomes noon.
    pub time_zone: chrono_tz::Tz,
    /// The clock's: touches without a status are made or scheduled by it.
    pub now: chrono::DateTime<Utc>,
    /// The address of whoever acts.
    pub by: String,
}

/// The database went away, or something else that no row can help.
pub type SinkError = Box<dyn std::error::Error + Send + Sync>;
/// What a function of the table answers.
pub type Answer<T> = Pin<Box<dyn Future<Output = Result<T, SinkError>> + Send>>;
/// Writes a batch of at most 500 rows in one transaction (or none, in a dry run) and answers one result a row.
pub type Upsert<Row> = Box<dyn Fn(Vec<Row>, bool) -> Answer<Vec<UpsertResult>> + Send + Sync>;

/// Lets the database notice how much was added.
pub type Settle = Box<dyn Fn() -> Answer<()> + Send + Sync>;

/// Everything the importer can do to an organization, as its acting user.
pub struct Sink {
    /// Read once at the start.
    pub ground: Ground,
    /// By e-mail address.
    pub users: Upsert<UserRow>,
    /// By external id, or by domain.
    pub accounts: Upsert<AccountRow>,
    /// By external id, else by account with address or name.
    pub contacts: Upsert<ContactRow>,
    /// By external id.
    pub opportunities: Upsert<OpportunityRow>,
    /// By external id.
    pub bookings: Upsert<BookingRow>,
    /// By external id.
    pub touches: Upsert<TouchRow>,
    /// All active users of the organization.
    pub people: Box<dyn Fn() -> Answer<Vec<Person>> + Send + Sync>,
    /// The accounts that have one of these names (as compared by the schema's NAME order), one entry an account.
    pub accounts_named: Box<dyn Fn(Vec<String>) -> Answer<Vec<NamedAccount>> + Send + Sync>,
    /// The contacts that have one of these addresses, lower case; neither archived nor erased.
    pub contacts_with: Box<dyn Fn(Vec<String>) -> Answer<Vec<KnownContact>> + Send + Sync>,
    /// To be called from time to time while much is added.
    pub settle: Settle,
}

/// Runs an upsert with the acting user's rights.
macro_rules! upsert {
    ($ctx:ident, |$rows:ident, $dry:ident| $call:expr) => {{
        let ctx = $ctx.clone();
        Box::new(move |$rows, $dry| {
            let ctx = ctx.clone();
            Box::pin(async move {
                let ($ctx, again) = (&ctx, $rows);
                told(
                    FieldContext::attempt(|| {
                        let $rows = again.clone();
                        async move { $call.await }
                    })
                    .await,
                )
            })
        })
    }};
}

impl Sink {
    /// Everything that may be done to an organization: to the only one, or to the one of this id or name; by the member
    /// with this address, or by its first active ADMIN.
    ///
    /// # Errors
    /// A sentence that says what is missing.
    pub async fn open(app: Arc<App>, organization: Option<&str>, by: Option<&str>) -> Result<Self, String> {
        let ctx = acting(app, organization, by).await?;
        let viewer = ctx.viewer().map_err(|_| "nobody acts".to_owned())?;
        let ground = Ground {
            currency_decimals: viewer.currency.decimals,
            time_zone: viewer.zone,
            now: ctx.now.utc().ok_or("the clock is out of range")?,
            by: viewer.user.email.clone(),
        };
        Ok(Self {
            ground,
            users: upsert!(ctx, |rows, dry_run| crate::domain::user::upsert::upsert_users(ctx, rows, dry_run)),
            accounts: upsert!(ctx, |rows, dry_run| crate::domain::account::upsert::upsert(
                ctx,
                crate::domain::account::upsert::UpsertAccounts { rows, dry_run: Some(dry_run) }
            )),
            contacts: upsert!(ctx, |rows, dry_run| crate::domain::contact::upsert::upsert(
                ctx,
                crate::domain::contact::upsert::UpsertContacts { rows, dry_run: Some(dry_run) }
            )),
            opportunities: upsert!(ctx, |rows, dry_run| crate::domain::opportunity::upsert::upsert(
                ctx,
                crate::domain::opportunity::upsert::UpsertOpportunities { rows, dry_run: Some(dry_run) }
            )),
            bookings: upsert!(ctx, |rows, dry_run| crate::domain::booking::upsert::upsert(
                ctx,
                crate::domain::booking::upsert::UpsertBookings { rows, dry_run: Some(dry_run) }
            )),
            touches: upsert!(ctx, |rows, dry_run| crate::domain::touch::upsert::upsert(
                ctx,
                crate::domain::touch::upsert::UpsertTouches { rows, dry_run: Some(dry_run) }
            )),
            people: {
                let ctx = ctx.clone();
                Box::new(move || {
                    let ctx = ctx.clone();
                    Box::pin(async move { people(&ctx).await.map_err(broken) })
                })
            },
            accounts_named: {
                let ctx = ctx.clone();
                Box::new(move |names| {
                    let ctx = ctx.clone();
                    Box::pin(async move { accounts_named(&ctx, names).await.map_err(broken) })
                })
            },
            contacts_with: {
                let ctx = ctx.clone();
                Box::new(move |addresses| {
                    let ctx = ctx.clone();
                    Box::pin(async move { contacts_with(&ctx, addresses).await.map_err(broken) })
                })
            },
            settle: Box::new(move || {
                let ctx = ctx.clone();
                Box::pin(async move {
                    // Slower is all that the import becomes without.
                    if let Err(error) = ctx.app.db.gather_statistics().await {
                        tracing::warn!(%error, "the database's statistics could not be renewed");
                    }
                    Ok(())
                })
            }),
        })
    }
}

/// The request that an import is: by somebody who is not signed in, on the machine of the database itself.
async fn acting(app: Arc<App>, organization: Option<&str>, by: Option<&str>) -> Result<RequestContext, String> {
    let wrong = |error: sea_orm::DbErr| format!("the database could not be read: {error}");
    #[expect(clippy::disallowed_methods, reason = "whoever imports sits at the database and names the organization")]
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
    Ok(RequestContext::new(app, "import".to_owned(), None, Some(Arc::new(viewer))))
}

fn broken(fault: Error) -> SinkError {
    match fault {
        Error::Internal(reference) => format!("something failed; the log has it under {reference}").into(),
        Error::Timeout => "the database took too long".into(),
        Error::TryAgain => "another change was in the way".into(),
        other => format!("{other:?}").into(),
    }
}

fn told(done: Result<UpsertPayload>) -> Result<Vec<UpsertResult>, SinkError> {
    let payload = done.map_err(broken)?;
    if let Some(error) = payload.user_errors.first() {
        return Err(error.message.clone().into());
    }
    Ok(payload.results.into_iter().map(UpsertResult::from).collect())
}

impl From<crate::domain::upsert::UpsertResult> for UpsertResult {
    fn from(result: crate::domain::upsert::UpsertResult) -> Self {
        let errors = result.errors.into_iter().map(|error| UserError {
            code: error.code.word().to_owned(),
            message: error.message,
            field: error.field,
        });
        Self {
            index: result.index,
            status: result.status,
            id: result.id.map(|(noun, id)| entity::show_id(noun, id)),
            errors: errors.collect(),
        }
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
