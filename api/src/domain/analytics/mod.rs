//! Analytics: rows counted and summed by group, in the database. They cover the rows that the caller can see, including
//! those of archived accounts.
//!
//! | module | contents |
//! |---|---|
//! | this one | the type and its fields |
//! | [`group`] | keys, the statement and limits |
//! | [`bucket`] | days, weeks, months and fiscal periods in SQL |
//! | [`local`] | local days of instants in SQL |
//! | [`touches`], [`bookings`], [`opportunities`] | one field each |

pub mod bookings;
pub mod bucket;
pub mod group;
pub mod local;
pub mod opportunities;
pub mod touches;

use crate::error::Result;
use crate::graphql::{FieldContext, object};

/// The object behind `Query.analytics`. It has no state.
#[derive(Clone, Copy, Debug)]
pub struct Analytics;

object! {
    /// Figures about everything that the caller can see, by group. Includes rows of archived accounts. Days, weeks,
    /// months and fiscal periods are those of the organization's time zone. Groups are ordered by the values of their
    /// keys as text, missing values last. More than 10,000 groups are LIMIT_EXCEEDED.
    Analytics as "Analytics" {
        /// Touches of any status, by group; one group if groupBy is empty.
        touches(touches::AnalyticsTouchesArguments): Vec<touches::TouchGroup> = root(touches::touches);
        /// Bookings by group; one group if groupBy is empty.
        bookings(bookings::AnalyticsBookingsArguments): Vec<bookings::BookingGroup> = root(bookings::bookings);
        /// Opportunities by group; one group if groupBy is empty.
        opportunities(opportunities::AnalyticsOpportunitiesArguments): Vec<opportunities::OpportunityGroup> = root(opportunities::opportunities);
    }
}

/// Resolves `Query.analytics`.
///
/// # Errors
/// `UNAUTHENTICATED` if the request has no session.
pub fn analytics(field: &FieldContext<'_>) -> impl Future<Output = Result<Analytics>> + use<> {
    std::future::ready(field.request.viewer().map(|_| Analytics))
}
