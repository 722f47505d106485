//! Bookings: amounts of revenue, each counted on one day.
//!
//! | module | contents |
//! |---|---|
//! | this one | the type, its rules, and how its relations are read |
//! | [`list`] | filters and lists |
//! | [`mod@write`] | record, update, delete |
//! | [`upsert`] | bulk upsert by external id |
//!
//! A booking may be written by the account's owner, the owner's managers and admins, and by the owner of its
//! opportunity and that owner's managers. It is never dated in the future, nor before 1970.

pub mod list;
pub mod upsert;
pub mod write;

use std::collections::HashMap;

use entity::opportunity::Stage;
use entity::{AccountId, BookingId, Columns, Day, Id, account, booking, opportunity};
use sea_orm::sea_query::{Expr, ExprTrait, SimpleExpr};

pub use self::list::{BookingFilter, BookingsArguments, bookings, of_accounts};

use crate::context::{AccountAccess, RequestContext, Viewer};
use crate::domain::account::Account;
use crate::domain::opportunity::Opportunity;
use crate::domain::user::User;
use crate::error::Result;
use crate::graphql::pagination::connection;
use crate::graphql::{NodeId, object, payload};
use crate::values::money::{Currency, Money};
use crate::write::external_ids::{ExternalId, shown};
use crate::write::{AuditedRow, Snapshot, audited, snapshot, stored_json};

/// A booking.
#[derive(Clone, Debug)]
pub struct Booking(pub booking::Model);

impl From<booking::Model> for Booking {
    fn from(row: booking::Model) -> Self {
        Self(row)
    }
}

object! {
    /// An amount of revenue that counts on one day.
    Booking as "Booking" Node {
        /// Opaque id, prefixed with the type; ascends with creation time.
        id: NodeId<BookingId> = plain(|booking| NodeId(booking.0.id));
        /// The account that the revenue comes from.
        account: Account = by_key(|booking| booking.0.account_id, Account::resolve_required);
        /// The amount: negative for a credit note, never 0.
        amount: Money = plain(|booking, ctx| ctx.money(booking.0.amount));
        /// The day on which the amount counts; never in the future.
        bookedOn: entity::Day = plain(|booking| booking.0.booked_on);
        /// The purpose of the amount; null if not given.
        description: Option<&str> = plain(|booking| booking.0.description.as_deref());
        /// The opportunity that led to the booking, always of the same account; null if there is none.
        opportunity: Option<Opportunity> = by_key(|booking| booking.0.opportunity_id, Opportunity::resolve);
        /// The user credited with the sale. Defaults to the opportunity's owner, or to the account's owner at the time
        /// of recording.
        seller: User = by_key(|booking| booking.0.seller_id, User::resolve_required);
        /// Identifiers of the booking in other systems.
        externalIds: Vec<ExternalId> = plain(|booking| shown(&booking.0.external_ids));
        /// The time of creation.
        createdAt: entity::Instant = plain(|booking| booking.0.created_at);
        /// The time of the last change.
        updatedAt: entity::Instant = plain(|booking| booking.0.updated_at);
        /// Number of writes so far; 1 after creation.
        version: i32 = plain(|booking| booking.0.version);
    }
}
connection!(Booking as "Booking");

payload! {
    /// The result of recording, updating or deleting a booking.
    BookingPayload as "BookingPayload" {
        /// The booking after the change, or as it was before it was deleted; null if there are userErrors.
        booking(booking): Booking,
    }
}

impl BookingPayload {
    fn of(booking: booking::Model) -> Self {
        Self { booking: Some(Booking(booking)), ..Self::default() }
    }
}

impl AuditedRow for booking::Model {
    audited!(booking, BookingId);

    fn account(&self) -> Option<AccountId> {
        Some(self.account_id)
    }

    fn external_ids(&self) -> Option<&str> {
        Some(&self.external_ids)
    }

    fn snapshot(&self, currency: Currency) -> Snapshot {
        let Self {
            id: _,
            organization_id: _,
            account_id,
            amount,
            booked_on,
            description,
            opportunity_id,
            seller_id,
            external_ids,
            created_at,
            updated_at: _,
            version: _,
        } = self;
        snapshot! {
            "accountId": account_id,
            "amount": currency.decimal(*amount),
            "bookedOn": booked_on,
            "description": description,
            "opportunityId": opportunity_id,
            "sellerId": seller_id,
            "externalIds": stored_json(external_ids),
            "createdAt": created_at,
        }
    }
}

/// Returns the condition that a booking counts on a day from `from` to `to`, both included, for queries that also
/// restrict the accounts. Adding 0 hides the column from the index on days, so that the planner uses the index on
/// accounts: a generic plan over days would read all of the organization's bookings in the period.
pub fn made_between(from: Day, to: Day) -> SimpleExpr {
    Expr::cust("(\"booking\".\"booked_on\" + 0)").between(from, to)
}

impl Booking {
    /// Loads bookings by id; ids that do not exist or that the viewer cannot see are absent from the result.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the request has no session.
    pub async fn fetch(
        ctx: &RequestContext,
        ids: impl IntoIterator<Item = BookingId>,
    ) -> Result<HashMap<BookingId, Self>> {
        ctx.fetch_by_ids(
            ctx.viewer()?.rows::<booking::Entity>(booking::Column::AccountId),
            booking::Column::Id,
            Columns::ALL,
            ids,
            |row| row.id,
        )
        .await
    }
}

/// Whether the viewer may write a booking of `account` that belongs to `opportunity`, or to none.
#[must_use]
pub fn may_write(viewer: &Viewer, account: &account::Model, opportunity: Option<&opportunity::Model>) -> bool {
    viewer.access(account) == AccountAccess::Responsible
        || opportunity.is_some_and(|row| viewer.is_above_or_is(row.owner_id))
}

const WRITE_FORBIDDEN: &str =
    "Only the account's owner, the opportunity's owner, their managers and admins may do this.";

/// The error message for a booking on a lost opportunity.
const OPPORTUNITY_LOST: &str = "This opportunity is lost: nothing can be booked on it.";

/// Whether the opportunity is lost.
fn is_lost(opportunity: &opportunity::Model) -> bool {
    opportunity.stage == Stage::Lost
}
