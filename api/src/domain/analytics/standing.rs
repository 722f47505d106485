//! The standing of accounts, in SQL.

use entity::booking::Column;
use entity::{Scoped, booking};
use sea_orm::sea_query::{Expr, SelectStatement};
use sea_orm::{QuerySelect, QueryTrait};

use crate::context::{RequestContext, Viewer};
use crate::domain::account::Standing;

/// Selects, by account, the number of positive bookings and the sum of the bookings of the current fiscal year.
pub(super) fn sums(ctx: &RequestContext, viewer: &Viewer) -> SelectStatement {
    let (from, to) = viewer.fiscal_days(None, ctx.now);
    let mut query = booking::Entity::of(viewer.organization.id).select_only().column(Column::AccountId).into_query();
    query
        .expr_as(
            Expr::cust(format!(
                "sum(case when booking.booked_on between {} and {} then booking.amount else 0 end)",
                from.0, to.0
            )),
            "booked",
        )
        .expr_as(Expr::cust("count(*) filter (where booking.amount > 0)"), "positive")
        .group_by_col((booking::Entity, Column::AccountId));
    query
}

/// Returns the SQL of an account's standing, by its sums under the alias `standing`; an account without bookings has none. A
/// credit note alone makes no client.
pub(super) fn sql(viewer: &Viewer) -> String {
    let (prospect, client, key) = (Standing::Prospect.word(), Standing::Client.word(), Standing::Key.word());
    let of_client = viewer.organization.key_account_threshold.map_or_else(
        || format!("'{client}'"),
        |threshold| format!("case when standing.booked >= {threshold} then '{key}' else '{client}' end"),
    );
    format!("case when coalesce(standing.positive, 0) = 0 then '{prospect}' else {of_client} end")
}
