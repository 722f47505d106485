//! Where the importer ends and the rules begin: the rows that it hands over, and the table of functions that take them.
//!
//! The rows are those of the schema's five upserts, field for field, plus [`UserRow`], which only the importer knows.
//! Nothing else of the importer knows how a row is stored; whoever changes the upserts changes this file alone.

use std::{future::Future, pin::Pin};

pub use async_graphql::MaybeUndefined;
use chrono::Utc;

pub use crate::scalar::{Date, DateTime, Decimal, Json};

/// Where a row lives in the system that it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExternalIdInput {
    /// The system, such as `salesforce`.
    pub source: String,
    /// The row's id there.
    pub id: String,
}

/// Which account a row means: exactly one of three ways.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AccountRef {
    /// By our own id.
    Id(String),
    /// By its domain.
    Domain(String),
    /// By its id in another system.
    ExternalId(ExternalIdInput),
}

/// How far an opportunity has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the schema's own words")]
pub enum Stage {
    Identified,
    Qualified,
    Proposed,
    Negotiating,
    Won,
    Lost,
}

/// What kind of touch it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the schema's own words")]
pub enum TouchKind {
    Call,
    Email,
    Meeting,
    Message,
    Event,
    Mail,
    Other,
}

/// Is it to come, or was it made?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the schema's own words")]
pub enum TouchStatus {
    Scheduled,
    Completed,
    Canceled,
}

/// Who sought whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the schema's own words")]
pub enum TouchDirection {
    Outbound,
    Inbound,
}

/// What the client got out of a touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the schema's own words")]
pub enum ValueKind {
    Idea,
    Insight,
    Content,
    Introduction,
    Help,
}

/// A person's part in a purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the schema's own words")]
pub enum BuyingRole {
    DecisionMaker,
    Influencer,
    Stakeholder,
    Champion,
    Gatekeeper,
    EndUser,
    Other,
}

/// How a person sees us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the schema's own words")]
pub enum RelationshipLevel {
    Unknown,
    Known,
    Valued,
    Trusted,
}

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the schema's own words")]
pub enum Role {
    Seller,
    Manager,
    Admin,
}

/// A user to make or to change; the key is the e-mail address. Users made here have no password: they get one by
/// accepting an invitation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UserRow {
    /// The key.
    pub email: String,
    /// Required on creation.
    pub name: MaybeUndefined<String>,
    /// The role where the file itself names one.
    pub role: MaybeUndefined<Role>,
    /// The role on creation where the file names none, so that importing again demotes nobody.
    pub role_on_creation: Option<Role>,
    /// The manager's address; null takes the user out of the line.
    pub manager_email: MaybeUndefined<String>,
    /// The job title.
    pub title: MaybeUndefined<String>,
}

/// The schema's `AccountRow`.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(missing_docs, reason = "the schema's own fields")]
pub struct AccountRow {
    pub external_id: MaybeUndefined<ExternalIdInput>,
    pub name: MaybeUndefined<String>,
    pub domain: MaybeUndefined<String>,
    pub industry: MaybeUndefined<String>,
    pub employees: MaybeUndefined<i32>,
    pub annual_revenue: MaybeUndefined<Decimal>,
    pub country: MaybeUndefined<String>,
    pub city: MaybeUndefined<String>,
    pub phone: MaybeUndefined<String>,
    pub description: MaybeUndefined<String>,
    pub potential: MaybeUndefined<Decimal>,
    pub owner_email: MaybeUndefined<String>,
    pub parent: MaybeUndefined<AccountRef>,
    pub custom_fields: MaybeUndefined<Json<String>>,
}

/// The schema's `ContactRow`.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(missing_docs, reason = "the schema's own fields")]
pub struct ContactRow {
    pub external_id: MaybeUndefined<ExternalIdInput>,
    pub account: MaybeUndefined<AccountRef>,
    pub name: MaybeUndefined<String>,
    pub title: MaybeUndefined<String>,
    pub department: MaybeUndefined<String>,
    pub email: MaybeUndefined<String>,
    pub phone: MaybeUndefined<String>,
    pub buying_role: MaybeUndefined<BuyingRole>,
    pub relationship: MaybeUndefined<RelationshipLevel>,
    pub reports_to: MaybeUndefined<ExternalIdInput>,
    pub do_not_contact: MaybeUndefined<bool>,
    pub custom_fields: MaybeUndefined<Json<String>>,
}

/// The schema's `OpportunityRow`.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the schema's own fields")]
pub struct OpportunityRow {
    pub external_id: ExternalIdInput,
    pub account: MaybeUndefined<AccountRef>,
    pub name: MaybeUndefined<String>,
    pub amount: MaybeUndefined<Decimal>,
    pub stage: MaybeUndefined<Stage>,
    pub probability: MaybeUndefined<i32>,
    pub opened_on: MaybeUndefined<Date>,
    pub expected_close_on: MaybeUndefined<Date>,
    pub closed_on: MaybeUndefined<Date>,
    pub loss_reason: MaybeUndefined<String>,
    pub owner_email: MaybeUndefined<String>,
    pub custom_fields: MaybeUndefined<Json<String>>,
}

/// The schema's `BookingRow`.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the schema's own fields")]
pub struct BookingRow {
    pub external_id: ExternalIdInput,
    pub account: MaybeUndefined<AccountRef>,
    pub amount: MaybeUndefined<Decimal>,
    pub booked_on: MaybeUndefined<Date>,
    pub description: MaybeUndefined<String>,
    pub opportunity_external_id: MaybeUndefined<ExternalIdInput>,
    pub seller_email: MaybeUndefined<String>,
}

/// The schema's `TouchRow`.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the schema's own fields")]
pub struct TouchRow {
    pub external_id: ExternalIdInput,
    pub account: MaybeUndefined<AccountRef>,
    pub contacts: MaybeUndefined<Vec<ExternalIdInput>>,
    pub contact_emails: MaybeUndefined<Vec<String>>,
    pub opportunity: MaybeUndefined<ExternalIdInput>,
    pub user_email: MaybeUndefined<String>,
    pub kind: MaybeUndefined<TouchKind>,
    pub status: MaybeUndefined<TouchStatus>,
    pub direction: MaybeUndefined<TouchDirection>,
    pub at: MaybeUndefined<DateTime>,
    pub duration_minutes: MaybeUndefined<i32>,
    pub subject: MaybeUndefined<String>,
    pub notes: MaybeUndefined<String>,
    pub responded: MaybeUndefined<bool>,
    pub value: MaybeUndefined<ValueKind>,
    pub value_acknowledged: MaybeUndefined<bool>,
    pub recorded_at: MaybeUndefined<DateTime>,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the schema's own words")]
pub enum UpsertStatus {
    Created,
    Updated,
    Unchanged,
    Failed,
}

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

/// What the importer must know of the organization that it writes to.
#[derive(Debug, Clone)]
pub struct Ground {
    /// The decimals of the organization's currency, 2 for USD.
    pub currency_decimals: u32,
    /// In which a datetime becomes a day, and a day without a time becomes noon.
    pub time_zone: chrono_tz::Tz,
    /// The clock's: touches without a status are made or scheduled by it.
    pub now: chrono::DateTime<Utc>,
}

/// The database went away, or something else that no row can help.
pub type SinkError = Box<dyn std::error::Error + Send + Sync>;
/// What a function of the table answers.
pub type Answer<T> = Pin<Box<dyn Future<Output = Result<T, SinkError>> + Send>>;
/// Writes a batch of at most 500 rows in one transaction (or none, in a dry run) and answers one result a row.
pub type Upsert<Row> = Box<dyn Fn(Vec<Row>, bool) -> Answer<Vec<UpsertResult>> + Send + Sync>;

/// Everything the importer can do to an organization, as its acting user.
pub struct Sink {
    /// Read once at the start.
    pub ground: Ground,
    /// By e-mail address.
    pub users: Upsert<UserRow>,
    /// By external id, or by domain.
    pub accounts: Upsert<AccountRow>,
    /// By external id.
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
}
