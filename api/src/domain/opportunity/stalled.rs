//! Open opportunities that stand still: no commitment was asked for in the last 14 days.

use entity::{AccountId, Day, Instant, OpportunityId, UserId};

use crate::context::RequestContext;
use crate::domain::presence::asked::{Ask, rows};
use crate::error::Result;
use crate::values::calendar::DAY;

/// Days without a commitment asked for after which an opportunity stands still.
pub const STALLED_DAYS: i32 = 14;

/// An opportunity that stands still.
#[derive(Clone, Debug)]
pub struct Stalled {
    /// Which one.
    pub opportunity: OpportunityId,
    /// At which account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Its amount, in minor units.
    pub amount: Option<i64>,
    /// When it was opened.
    pub opened_on: Day,
    /// When a commitment was last asked for.
    pub asked: Option<Instant>,
}

/// The opportunities that were open on a day of their owner's, with no commitment asked for in the 14 days before an
/// instant, each with its owner's place, by id; seen or not. One statement for any number of owners.
///
/// # Errors
/// The database's.
pub async fn of_owners(ctx: &RequestContext, owners: &[(UserId, Instant, Day)]) -> Result<Vec<(usize, Stalled)>> {
    let Some(first) = owners.iter().map(|(_, _, on)| on.0).min() else { return Ok(Vec::new()) };
    let asks: Vec<Ask> = owners
        .iter()
        .map(|(owner, at, _)| Ask { subject: owner.0, at: *at, since: Instant(at.0 - i64::from(STALLED_DAYS) * DAY) })
        .collect();
    let sql = format!(
        "select number, id, account_id, name, amount, opened_on, closed_on, last from (
            select asked.number, asked.since, opportunity.*, (
                select max(touch.at) from touch
                where touch.organization_id = $2 and touch.opportunity_id = opportunity.id
                    and touch.status = 'COMPLETED' and touch.commitment_asked is not null and touch.at <= asked.at
            ) as last
            from asked cross join opportunity
            where opportunity.organization_id = $2 and opportunity.owner_id = asked.subject_id
                and (opportunity.closed_on is null or opportunity.closed_on > {first})
        ) candidate where last is null or last <= since order by number, id"
    );
    let mut found = Vec::new();
    for (place, row) in rows(ctx, &asks, &sql).await? {
        let (opened_on, closed_on): (Day, Option<Day>) = (row.try_get_by_index(5)?, row.try_get_by_index(6)?);
        let on = owners[place].2;
        if opened_on > on || closed_on.is_some_and(|closed_on| closed_on <= on) {
            continue;
        }
        let stalled = Stalled {
            opportunity: row.try_get_by_index(1)?,
            account: row.try_get_by_index(2)?,
            name: row.try_get_by_index(3)?,
            amount: row.try_get_by_index(4)?,
            opened_on,
            asked: row.try_get_by_index(7)?,
        };
        found.push((place, stalled));
    }
    Ok(found)
}
