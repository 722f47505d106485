//! Bulk upserts from another system: what all upserts have in common.
//!
//! Rows are independent: a row that fails reports its errors without affecting the others. What rows refer to is read
//! once for all rows, so 500 rows take as many statements as one.

mod given;
mod keys;

pub(crate) use self::given::row_inputs;
pub use self::given::{GivenRow, MalformedRows, RowInput};
pub use self::keys::{DuplicateKeys, RowKeys, target_of};

use std::collections::HashMap;

use async_graphql::{Enum, MaybeUndefined};
use database::columns::{is_any_of, select_columns};
use database::transaction::Transaction;
use entity::{AccountId, Columns, Id, Scoped, UserId, account, external_id, user};
use sea_orm::sea_query::Cond;
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use uuid::Uuid;

use crate::context::Viewer;
use crate::domain::account::AccountRefInput;
use crate::error::{Error, Result, UserError, UserErrorCode};
use crate::graphql::{AnyId, AnyNode, Batch, FieldContext, MutationPayload, graphql_enum, object};
use crate::write::Write;
use crate::write::external_ids::ExternalIdInput;
use crate::write::validator::Validator;

/// The maximum number of rows in one call.
pub const MOST_ROWS: usize = 500;

/// The outcome of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum UpsertStatus {
    /// A new object was created.
    Created,
    /// An existing object was changed.
    Updated,
    /// An existing object already had the given values.
    Unchanged,
    /// Nothing was written; `userErrors` holds the reasons.
    Failed,
}

impl UpsertStatus {
    /// Returns the name of the value in the schema.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Updated => "UPDATED",
            Self::Unchanged => "UNCHANGED",
            Self::Failed => "FAILED",
        }
    }
}
graphql_enum! { UpsertStatus as UpsertStatus }

/// The outcome of one row.
#[derive(Clone, Debug)]
pub struct UpsertResult {
    /// The position of the row in the call, from 0.
    pub index: usize,
    /// The outcome.
    pub status: UpsertStatus,
    /// The noun and id of the object; `None` if the row failed, or if a dry run would create the object.
    pub id: Option<(&'static str, Uuid)>,
    /// The errors that the caller can fix.
    pub errors: Vec<UserError>,
    /// The version of the existing object before the call; `None` if there was none, or if the row failed.
    pub version_before: Option<i32>,
}

object! {
    /// The outcome of one row.
    UpsertResult as "UpsertResult" {
        /// The position of the row in the call, from 0.
        index: i32 = plain(|result| i32::try_from(result.index).unwrap_or(i32::MAX));
        /// The outcome.
        status: UpsertStatus = plain(|result| result.status);
        /// The id of the object; null if the row failed, or if a dry run would create the object.
        id: Option<AnyId> = plain(|result| result.id.map(|(noun, id)| AnyId(entity::show_id(noun, id))));
        /// The object after the call; null if `id` is null or the row deleted the object.
        node: Option<AnyNode> = batch(nodes);
        /// The errors in the row that the caller can fix; empty unless the row failed.
        userErrors: Vec<UserError> = batch(errors);
    }
}

async fn nodes(field: &FieldContext<'_>, of: &[&UpsertResult]) -> Result<Batch<Option<AnyNode>>> {
    let there: Vec<(usize, (&str, Uuid))> =
        of.iter().enumerate().filter_map(|(at, result)| Some((at, result.id?))).collect();
    let found = crate::domain::node::nodes_of(field, &there.iter().map(|(_, id)| *id).collect::<Vec<_>>()).await?;
    let mut positions = vec![None; of.len()];
    for (position, (row, _)) in there.into_iter().enumerate() {
        positions[row] = Some(position);
    }
    Ok(found.select(positions))
}

async fn errors(field: &FieldContext<'_>, of: &[&UpsertResult]) -> Result<Batch<Vec<UserError>>> {
    field.object_lists(&of.iter().map(|result| result.errors.as_slice()).collect::<Vec<_>>()).await
}

/// The outcome of a bulk upsert.
#[derive(Debug, Default)]
pub struct UpsertPayload {
    /// One result per row, in the order of the rows.
    pub results: Vec<UpsertResult>,
    /// The errors in the call as a whole.
    pub user_errors: Vec<UserError>,
}

impl UpsertPayload {
    /// Returns the number of rows with this outcome.
    #[must_use]
    pub fn count(&self, status: UpsertStatus) -> i32 {
        i32::try_from(self.results.iter().filter(|result| result.status == status).count()).unwrap_or(i32::MAX)
    }
}

impl MutationPayload<Error> for UpsertPayload {
    fn from_error(error: Error) -> Result<Self> {
        error.into_user_errors().map(|user_errors| Self { results: Vec::new(), user_errors })
    }
}

object! {
    /// The outcome of a bulk upsert. Rows are independent: a row that fails reports its errors without affecting the
    /// others.
    UpsertPayload as "UpsertPayload" {
        /// One result per row, in the order of the rows.
        results: Vec<UpsertResult> = batch(results);
        /// The number of rows that created an object.
        created: i32 = plain(|payload| payload.count(UpsertStatus::Created));
        /// The number of rows that changed an existing object.
        updated: i32 = plain(|payload| payload.count(UpsertStatus::Updated));
        /// The number of rows whose object already had the given values.
        unchanged: i32 = plain(|payload| payload.count(UpsertStatus::Unchanged));
        /// The number of rows that failed.
        failed: i32 = plain(|payload| payload.count(UpsertStatus::Failed));
        /// The errors in the call as a whole. With any, no row was written.
        userErrors: Vec<UserError> = batch(whole_errors);
    }
}

async fn results(field: &FieldContext<'_>, of: &[&UpsertPayload]) -> Result<Batch<Vec<UpsertResult>>> {
    field.object_lists(&of.iter().map(|payload| payload.results.as_slice()).collect::<Vec<_>>()).await
}

async fn whole_errors(field: &FieldContext<'_>, of: &[&UpsertPayload]) -> Result<Batch<Vec<UserError>>> {
    field.object_lists(&of.iter().map(|payload| payload.user_errors.as_slice()).collect::<Vec<_>>()).await
}

/// A bulk upsert that is written and not committed yet, so that its caller can add to the transaction.
pub struct Upsert<'a> {
    /// The change in progress; `None` after a dry run, which wrote nothing.
    pub write: Option<Write<'a>>,
    /// The outcome.
    pub payload: UpsertPayload,
}

impl<'a> Upsert<'a> {
    /// Returns the upsert with its outcome. A dry run is rolled back.
    pub async fn of(write: Write<'a>, payload: UpsertPayload, dry_run: bool) -> Result<Self> {
        if dry_run {
            write.roll_back().await?;
            return Ok(Self { write: None, payload });
        }
        Ok(Self { write: Some(write), payload })
    }

    /// Commits.
    pub async fn commit(self) -> Result<UpsertPayload> {
        if let Some(write) = self.write {
            write.commit().await?;
        }
        Ok(self.payload)
    }
}

/// Checks that a call does not have too many rows.
///
/// # Errors
/// `LIMIT_EXCEEDED`, as a userError of `input.rows`.
pub fn not_too_many(rows: usize) -> Result<()> {
    if rows > MOST_ROWS {
        return Err(Error::refused(
            UserErrorCode::LimitExceeded,
            &["input", "rows"],
            format!("A call can have at most {MOST_ROWS} rows; {rows} were given."),
        ));
    }
    Ok(())
}

/// Returns the validator of a row.
#[must_use]
pub fn check_row(index: usize) -> Validator {
    Validator::at(&["input", "rows", &index.to_string()])
}

/// Returns the value, or an omitted one if there is none.
pub fn given<T>(value: Option<T>) -> MaybeUndefined<T> {
    value.map_or(MaybeUndefined::Undefined, MaybeUndefined::Value)
}

/// Returns a copy of the value, and `None` if it is null or omitted.
#[must_use]
pub fn value<T: Clone>(given: &MaybeUndefined<T>) -> Option<T> {
    given.as_opt_ref().flatten().cloned()
}

/// The accounts and members that the rows of a call refer to, read once for all rows.
#[derive(Debug, Default)]
pub struct Lookup {
    accounts: HashMap<AccountId, account::Model>,
    by_domain: HashMap<String, AccountId>,
    by_external: HashMap<(String, String), AccountId>,
    users: HashMap<String, user::Model>,
}

impl Lookup {
    /// Looks up accounts by references and members by e-mail addresses. Accounts that the viewer does not see are left
    /// out.
    pub async fn of<'r>(
        connection: &Transaction<'_>,
        viewer: &Viewer,
        accounts: impl IntoIterator<Item = &'r AccountRefInput>,
        emails: impl IntoIterator<Item = String>,
    ) -> Result<Self> {
        let (mut ids, mut domains, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for reference in accounts {
            match reference {
                AccountRefInput::Id(id) => ids.extend(AccountId::parse(id)),
                AccountRefInput::Domain(domain) => domains.extend(crate::values::text::domain(domain)),
                AccountRefInput::ExternalId(external) => names.push(external.clone()),
            }
        }
        let external = named(connection, viewer, AccountId::PREFIX, &names).await?;
        ids.extend(external.values().map(|id| AccountId(*id)));
        let mut lookup = Self::default();
        if !ids.is_empty() || !domains.is_empty() {
            let any = Cond::any().add(is_any_of(connection, account::Column::Id, ids)).add(is_any_of(
                connection,
                account::Column::Domain,
                domains,
            ));
            let named =
                select_columns(account::Entity::of(viewer.organization.id).filter(any), Columns::ALL).into_query();
            let rows: Vec<account::Model> = connection.rows(&named, Columns::ALL).await?;
            let unseen = viewer.unseen(connection, rows.iter().map(|account| (account.id, account.owner_id))).await?;
            for row in rows.into_iter().filter(|row| !unseen.contains(&row.id)) {
                if let Some(domain) = &row.domain {
                    lookup.by_domain.insert(domain.clone(), row.id);
                }
                lookup.accounts.insert(row.id, row);
            }
        }
        lookup.by_external = external.into_iter().map(|(name, id)| (name, AccountId(id))).collect();
        let emails: Vec<String> =
            emails.into_iter().filter_map(|email| crate::values::text::email(&email).ok()).collect();
        if !emails.is_empty() {
            // The lock waits for a deactivation in progress, so that an inactive user does not become an owner.
            let found = user::Entity::of(viewer.organization.id)
                .filter(is_any_of(connection, user::Column::Email, emails))
                .order_by_asc(user::Column::Id)
                .lock_shared()
                .all(connection)
                .await?;
            lookup.users = found.into_iter().map(|user| (user.email.clone(), user)).collect();
        }
        Ok(lookup)
    }

    /// Returns the account of a reference, and notes a fault in the row if there is none.
    pub fn account(&self, check: &mut Validator, field: &str, reference: &AccountRefInput) -> Option<&account::Model> {
        let (found, what) = match reference {
            AccountRefInput::Id(id) => (AccountId::parse(id).ok(), "this id".to_owned()),
            AccountRefInput::Domain(domain) => (
                crate::values::text::domain(domain).ok().and_then(|domain| self.by_domain.get(&domain).copied()),
                format!("the domain {domain}"),
            ),
            AccountRefInput::ExternalId(external) => {
                let known = crate::write::external_ids::key(external).and_then(|key| self.by_external.get(&key));
                (known.copied(), format!("the external id {} of {}", external.id, external.source))
            }
        };
        let found = found.and_then(|id| self.accounts.get(&id));
        if found.is_none() {
            check.fault(UserErrorCode::NotFound, field, format!("There is no account with {what}."));
        }
        found
    }

    /// Returns the active member with an e-mail address, and notes a fault in the row if there is none.
    pub fn user(&self, check: &mut Validator, field: &str, email: &str) -> Option<&user::Model> {
        let found = crate::values::text::email(email).ok().and_then(|email| self.users.get(&email));
        match found {
            None => check.fault(UserErrorCode::NotFound, field, format!("There is no user with the address {email}.")),
            Some(user) if !user.active => {
                check.invalid(field, format!("{} is inactive: choose an active user.", user.email));
                return None;
            }
            Some(_) => {}
        }
        found
    }

    /// Returns the id of the member with an e-mail address, without noting a fault.
    #[must_use]
    pub fn user_id(&self, email: &str) -> Option<UserId> {
        self.users.get(&crate::values::text::email(email).ok()?).map(|user| user.id)
    }
}

/// Returns the ids of the rows of a noun that have these external ids, by source and external id, in one statement.
pub async fn named<C: ConnectionTrait>(
    connection: &C,
    viewer: &Viewer,
    noun: &str,
    names: &[ExternalIdInput],
) -> Result<HashMap<(String, String), Uuid>> {
    let mut by_source: HashMap<String, Vec<String>> = HashMap::new();
    for (source, id) in names.iter().filter_map(crate::write::external_ids::key) {
        by_source.entry(source).or_default().push(id);
    }
    if by_source.is_empty() {
        return Ok(HashMap::new());
    }
    let mut any = Cond::any();
    for (source, ids) in by_source {
        any = any.add(Cond::all().add(external_id::Column::Source.eq(source)).add(is_any_of(
            connection,
            external_id::Column::Id,
            ids,
        )));
    }
    let found = external_id::Entity::of(viewer.organization.id)
        .filter(external_id::Column::Noun.eq(noun))
        .filter(any)
        .all(connection)
        .await?;
    Ok(found.into_iter().map(|row| ((row.source, row.id), row.subject_id)).collect())
}

/// A row in progress: the existing object, the object to be written, and the errors.
pub struct CheckedRow<R> {
    /// The existing object; `None` if the row creates one.
    pub before: Option<R>,
    /// The object to be written; `None` if the row failed, or deletes the object.
    pub after: Option<R>,
    /// The errors of the row.
    pub errors: Vec<UserError>,
}

impl<R> CheckedRow<R> {
    /// Returns the row with the outcome of its check.
    pub fn of(check: Validator, before: Option<R>, after: R) -> Self {
        if check.is_clean() {
            Self { before, after: Some(after), errors: Vec::new() }
        } else {
            Self { before: None, after: None, errors: check.into_errors() }
        }
    }

    /// Returns a row that deletes its object, if there is one.
    pub fn deleting(check: Validator, before: Option<R>) -> Self {
        if check.is_clean() { Self { before, after: None, errors: Vec::new() } } else { Self::failed(check) }
    }

    /// Returns the object that the row deletes.
    pub fn deleted(&self) -> Option<&R> {
        self.before.as_ref().filter(|_| self.after.is_none())
    }

    /// Returns a row that failed before its object was determined.
    pub fn failed(check: Validator) -> Self {
        Self { before: None, after: None, errors: check.into_errors() }
    }
}

/// Saves and deletes what the valid rows say, and returns the outcome of each row. In a dry run, a new object has no id.
pub async fn save<R: crate::write::AuditedRow + PartialEq>(
    write: &mut Write<'_>,
    rows: Vec<CheckedRow<R>>,
    dry_run: bool,
) -> Result<UpsertPayload> {
    let mut results = Vec::with_capacity(rows.len());
    let (mut good, mut deleted) = (Vec::new(), Vec::new());
    for (index, row) in rows.into_iter().enumerate() {
        let Some(after) = row.after else {
            let (status, gone) = match row.before {
                Some(gone) => (UpsertStatus::Updated, Some(gone)),
                None if row.errors.is_empty() => (UpsertStatus::Unchanged, None),
                None => (UpsertStatus::Failed, None),
            };
            let id = gone.as_ref().map(|gone| (R::NOUN, gone.uuid()));
            let version_before = gone.as_ref().map(crate::write::AuditedRow::version);
            results.push(UpsertResult { index, status, id, errors: row.errors, version_before });
            deleted.extend(gone);
            continue;
        };
        let id = Some((R::NOUN, after.uuid()));
        let status = match &row.before {
            None => UpsertStatus::Created,
            Some(before) if *before == after => UpsertStatus::Unchanged,
            Some(_) => UpsertStatus::Updated,
        };
        let id = if dry_run && status == UpsertStatus::Created { None } else { id };
        let version_before = row.before.as_ref().map(crate::write::AuditedRow::version);
        results.push(UpsertResult { index, status, id, errors: Vec::new(), version_before });
        if status != UpsertStatus::Unchanged {
            good.push((row.before, after));
        }
    }
    if !dry_run {
        write.save(good).await?;
        write.remove_all(&deleted).await?;
    }
    Ok(UpsertPayload { results, user_errors: Vec::new() })
}
