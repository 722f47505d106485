//! Bookings: revenue, on a day.
//!
//! | room | holds |
//! |---|---|
//! | here | the type, its rules, and how its relations are read |
//! | [`list`] | filters and lists |
//! | [`mod@write`] | record, update, delete |
//! | [`upsert`] | many at once, from another system |
//!
//! Who may write one: whoever answers for its account, and the owner of its opportunity with everyone above them. Any
//! day will do, past or to come: revenue is booked when it is, and some is agreed ahead.

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
    /// Revenue, on a day.
    Booking as "Booking" Node {
        /// Opaque, prefixed by the type, ascending with time.
        id: NodeId<BookingId> = plain(|booking| NodeId(booking.0.id));
        /// Whose money it is.
        account: Account = by_key(|booking| booking.0.account_id, Account::resolve_required);
        /// How much; negative for a credit note, never 0.
        amount: Money = plain(|booking, ctx| ctx.money(booking.0.amount));
        /// The day that it counts on.
        bookedOn: entity::Day = plain(|booking| booking.0.booked_on);
        /// What for.
        description: Option<&str> = plain(|booking| booking.0.description.as_deref());
        /// The opportunity that it came of, of the same account.
        opportunity: Option<Opportunity> = by_key(|booking| booking.0.opportunity_id, Opportunity::resolve);
        /// Whose sale it was: the opportunity's owner, else the account's owner when it was recorded, unless another was
        /// named.
        seller: User = by_key(|booking| booking.0.seller_id, User::resolve_required);
        /// Other systems' names for it.
        externalIds: Vec<ExternalId> = plain(|booking| shown(&booking.0.external_ids));
        /// When it was entered.
        createdAt: entity::Instant = plain(|booking| booking.0.created_at);
        /// When it last changed.
        updatedAt: entity::Instant = plain(|booking| booking.0.updated_at);
        /// Writes so far: 1 on creation.
        version: i32 = plain(|booking| booking.0.version);
    }
}
connection!(Booking as "Booking");

payload! {
    /// A booking, or what is to be mended.
    BookingPayload as "BookingPayload" {
        /// The booking as it is now, or as it last was where it was deleted; null where there are userErrors.
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

/// The condition that a booking of accounts that are named besides was made on one of these days (both included). Told so
/// that the accounts' index is used: planned for any two days, all of the organization's bookings of these days would be
/// read.
pub fn made_between(from: Day, to: Day) -> SimpleExpr {
    Expr::cust("(\"booking\".\"booked_on\" + 0)").between(from, to)
}

impl Booking {
    /// Bookings by their ids, as far as they are seen.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`; the database's.
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

/// May they write a booking of this account that hangs on this opportunity, or on none?
#[must_use]
pub fn may_write(viewer: &Viewer, account: &account::Model, opportunity: Option<&opportunity::Model>) -> bool {
    viewer.access(account) == AccountAccess::Responsible
        || opportunity.is_some_and(|row| viewer.is_above_or_is(row.owner_id))
}

const NOT_TO_WRITE: &str = "Only the account's owner, the opportunity's owner, their managers and admins may do this.";

/// Why nothing can be booked on an opportunity that was lost.
const LOST: &str = "This opportunity was lost: nothing can be booked on it.";

/// Was it lost?
fn is_lost(opportunity: &opportunity::Model) -> bool {
    opportunity.stage == Stage::Lost
}
