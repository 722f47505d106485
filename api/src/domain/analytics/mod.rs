//! Analytics: rows counted and summed by group, in the database. They count what the caller may see and nothing else,
//! archived accounts' rows included: what was done and booked there was done and booked.
//!
//! | room | holds |
//! |---|---|
//! | here | the type and its fields |
//! | [`group`] | groups: their keys, their statement, their limits |
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

/// Analytics of what the caller sees.
#[derive(Clone, Copy, Debug)]
pub struct Analytics;

object! {
    /// Figures over all that the caller may see, by group. Days, weeks, months and fiscal years are those of the
    /// organization's time zone. Rows of archived accounts count too. Groups come in the order of their keys' values as
    /// text, those without a value last; more than 10,000 are LIMIT_EXCEEDED.
    Analytics as "Analytics" {
        /// Touches, whatever their status, by groups; without dimensions as one group.
        touches(touches::TouchesArguments): Vec<touches::TouchGroup> = root(touches::touches);
        /// Bookings by groups; without dimensions as one group.
        bookings(bookings::BookingsArguments): Vec<bookings::BookingGroup> = root(bookings::bookings);
        /// Opportunities by groups; without dimensions as one group.
        opportunities(opportunities::OpportunitiesArguments): Vec<opportunities::OpportunityGroup> = root(opportunities::opportunities);
    }
}

/// `Query.analytics`.
///
/// # Errors
/// `UNAUTHENTICATED`.
pub fn analytics(field: &FieldContext<'_>) -> impl Future<Output = Result<Analytics>> + use<> {
    std::future::ready(field.request.viewer().map(|_| Analytics))
}
