//! Stalled opportunities: open ones that were opened, or last asked about, at least 14 days ago.

use entity::{AccountId, Day, Instant, OpportunityId, UserId};

use crate::context::RequestContext;
use crate::domain::presence::asked::{Ask, rows};
use crate::error::Result;
use crate::values::calendar::DAY;

/// Days after which an opportunity is stalled, since it was opened or a commitment was last asked for.
pub const STALLED_DAYS: i32 = 14;

/// A stalled opportunity.
#[derive(Clone, Debug)]
pub struct Stalled {
    /// Id of the opportunity.
    pub opportunity: OpportunityId,
    /// Id of the account.
    pub account: AccountId,
    /// The name of the opportunity.
    pub name: String,
    /// The amount in minor units of the organization's currency.
    pub amount: Option<i64>,
    /// The day on which the opportunity was opened.
    pub opened_on: Day,
    /// The time of the last request for a commitment.
    pub asked: Option<Instant>,
}

/// Returns the stalled opportunities of each owner at an instant and on the owner's day, each with the index of its
/// owner in `owners`, ordered by id. Where the instant is now, they are open or closed as they stand, whatever the day.
/// None is at an archived account. Does not check visibility. Executes one statement for any number of owners.
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
        ) candidate where (last is null or last <= since)
            and exists (select 1 from account where account.id = candidate.account_id and account.archived_at is null)
        order by number, id"
    );
    let mut found = Vec::new();
    for (index, row) in rows(ctx, &asks, &sql).await? {
        let (opened_on, closed_on): (Day, Option<Day>) = (row.try_get_by_index(5)?, row.try_get_by_index(6)?);
        let (_, at, on) = owners[index];
        let last: Option<Instant> = row.try_get_by_index(7)?;
        let is_open =
            if at == ctx.now { closed_on.is_none() } else { closed_on.is_none_or(|closed_on| closed_on > on) };
        if !is_open || last.is_none() && opened_on > on.plus(-STALLED_DAYS) || at != ctx.now && opened_on > on {
            continue;
        }
        let stalled = Stalled {
            opportunity: row.try_get_by_index(1)?,
            account: row.try_get_by_index(2)?,
            name: row.try_get_by_index(3)?,
            amount: row.try_get_by_index(4)?,
            opened_on,
            asked: last,
        };
        found.push((index, stalled));
    }
    Ok(found)
}
