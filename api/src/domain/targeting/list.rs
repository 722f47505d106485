//! Filters on targets, their orderings, and lists of them.

use std::collections::{HashMap, HashSet};

use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use entity::{AccountId, Day, Id, Instant, OrganizationId, Scoped, UserId, target, user};
use sea_orm::sea_query::{Cond, Expr};
use sea_orm::{ColumnTrait, Condition, QueryFilter, QuerySelect, QueryTrait, Select};

use super::{Target, TargetKind, TargetSource, TargetStatus, instant_of, on_list};
use crate::context::RequestContext;
use crate::domain::account::list::{at_account, prepare_account};
use crate::domain::account::{AccountFilter, is_active};
use crate::domain::presence;
use crate::error::Result;
use crate::graphql::FieldContext;
use crate::graphql::filter::{self, DateTimeFilter, IdFilter, among_ids, equals, operand};
use crate::graphql::pagination::{Connection, Key, Order, PageArguments, SortKey, VisibleRows, ordering};
use crate::graphql::scalars::Date;
use crate::values::calendar;

/// A filter on targets. Its fields are ANDed.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TargetFilter {
    /// Filters by seller.
    pub seller_id: MaybeUndefined<IdFilter>,
    /// Only targets of this user or of someone below them, at any depth. An unknown id matches nothing.
    pub reporting_to: MaybeUndefined<ID>,
    /// Filters by account.
    pub account_id: MaybeUndefined<IdFilter>,
    /// A condition on the account. Archived accounts match only if its `archived` asks for them.
    pub account: MaybeUndefined<Box<AccountFilter>>,
    /// Only targets of one of these kinds. An empty list matches nothing.
    pub kind: MaybeUndefined<Vec<TargetKind>>,
    /// Only targets with one of these statuses. An empty list matches nothing.
    pub status: MaybeUndefined<Vec<TargetStatus>>,
    /// Only targets that were the idea of one of these. An empty list matches nothing.
    pub source: MaybeUndefined<Vec<TargetSource>>,
    /// Targets that were on the list at the end of this day in the seller's time zone, or now if that is today, whatever
    /// happened to them since.
    pub on: MaybeUndefined<Date>,
    /// Filters by whether the organization is absent at the account: presence is below the threshold at the end of the
    /// seller's day `on`, or now if none is given. An archived account is never absent.
    pub absent: MaybeUndefined<bool>,
    /// Filters by the time of the last change.
    pub updated_at: MaybeUndefined<DateTimeFilter>,
}

impl TargetFilter {
    /// Returns the condition of everything but presence. `days` is the day of `on` in the zones of the sellers.
    fn condition(&self, ctx: &RequestContext, days: &Days) -> Result<Condition> {
        use target::Column;
        let Self { seller_id, reporting_to, account_id, account, kind, status, source, on, absent: _, updated_at } =
            self;
        let mut all = Cond::all();
        if let Some(filter) = operand("sellerId", seller_id)? {
            all = all.add(filter.condition::<_, UserId>(Column::SellerId)?);
        }
        if let Some(user) = operand("reportingTo", reporting_to)? {
            all = all.add(filter::reporting_to(ctx, Column::SellerId, user)?);
        }
        if let Some(filter) = operand("accountId", account_id)? {
            all = all.add(filter.condition::<_, AccountId>(Column::AccountId)?);
        }
        if let Some(kinds) = operand("kind", kind)? {
            all = all.add(Column::Kind.is_in(kinds.iter().map(|&kind| target::TargetKind::from(kind))));
        }
        if let Some(statuses) = operand("status", status)? {
            all = all.add(Column::Status.is_in(statuses.iter().map(|&status| target::TargetStatus::from(status))));
        }
        if let Some(sources) = operand("source", source)? {
            all = all.add(Column::Source.is_in(sources.iter().map(|&source| target::TargetSource::from(source))));
        }
        if operand("on", on)?.is_some() {
            all = all.add(days.on_list(ctx.viewer()?.organization.id));
        }
        all = all.add_option(at_account(ctx, account, Column::AccountId)?);
        if let Some(filter) = operand("updatedAt", updated_at)? {
            all = all.add(filter.condition(Column::UpdatedAt)?);
        }
        Ok(all)
    }

    /// Selects the targets that match, visible or not. Presence is computed first, of the visible ones that match in
    /// everything else: at most three statements.
    pub async fn select(&self, ctx: &RequestContext) -> Result<Select<target::Entity>> {
        let viewer = ctx.viewer()?;
        prepare_account(ctx, &self.account, &self.reporting_to).await?;
        let days = Days::of(ctx, self.on.value().map(|day| day.0)).await?;
        let condition = self.condition(ctx, &days)?;
        let select = target::Entity::of(viewer.organization.id).filter(condition.clone());
        let Some(absent) = operand("absent", &self.absent)? else { return Ok(select) };
        let targets = viewer.sums::<target::Entity>(target::Column::AccountId).filter(condition);
        let targets: Vec<(AccountId, UserId)> = targets
            .filter(is_active(target::Column::AccountId))
            .select_only()
            .columns([target::Column::AccountId, target::Column::SellerId])
            .distinct()
            .into_tuple()
            .all(ctx.reader())
            .await?;
        let asked = targets.iter().map(|(account, seller)| (*account, days.of_seller(*seller)));
        let present = presence::present(ctx, asked.collect::<HashSet<_>>()).await?;
        let matching: Vec<(AccountId, UserId)> = targets
            .into_iter()
            .filter(|(account, seller)| present.contains(&(*account, days.of_seller(*seller))) != *absent)
            .collect();
        // One account may be absent for one seller's day and present for another's.
        let several: HashSet<Instant> = matching.iter().map(|(_, seller)| days.of_seller(*seller)).collect();
        let of_days = several.into_iter().fold(Cond::any().add(Expr::cust("1 = 0")), |any, at| {
            let of_day = matching.iter().filter(|(_, seller)| days.of_seller(*seller) == at);
            let (accounts, sellers): (HashSet<AccountId>, HashSet<UserId>) = of_day.copied().unzip();
            let accounts = Cond::all().add(among_ids(ctx, target::Column::AccountId, accounts));
            any.add(if days.is_one() { accounts } else { accounts.add(target::Column::SellerId.is_in(sellers)) })
        });
        Ok(select.filter(of_days))
    }
}

/// The instants of a day in the time zones of the sellers: the end of the day, or now if it is today.
struct Days {
    /// Each instant, with the time zone it is for.
    zones: Vec<(Instant, String)>,
    sellers: HashMap<UserId, Instant>,
    now: Instant,
}

impl Days {
    /// Reads the zones of the members, where a day is given: one statement.
    async fn of(ctx: &RequestContext, on: Option<Day>) -> Result<Self> {
        let mut days = Self { zones: Vec::new(), sellers: HashMap::new(), now: ctx.now };
        let Some(on) = on else { return Ok(days) };
        let members: Vec<(UserId, String)> = user::Entity::of(ctx.viewer()?.organization.id)
            .select_only()
            .columns([user::Column::Id, user::Column::TimeZone])
            .into_tuple()
            .all(ctx.reader())
            .await?;
        for (id, name) in members {
            let at = instant_of(Some(on), ctx.now, calendar::zone(&name).unwrap_or(chrono_tz::UTC));
            if days.zones.iter().all(|(_, zone)| *zone != name) {
                days.zones.push((at, name));
            }
            days.sellers.insert(id, at);
        }
        Ok(days)
    }

    fn of_seller(&self, seller: UserId) -> Instant {
        self.sellers.get(&seller).copied().unwrap_or(self.now)
    }

    fn is_one(&self) -> bool {
        self.zones.iter().all(|(at, _)| *at == self.zones[0].0)
    }

    /// Returns the condition that a target was on its seller's list on the day.
    fn on_list(&self, organization: OrganizationId) -> Condition {
        if let Some((at, _)) = self.zones.first().filter(|_| self.is_one()) {
            return on_list(*at);
        }
        self.zones.iter().fold(Cond::any(), |any, (at, zone)| {
            let there = user::Entity::of(organization).filter(user::Column::TimeZone.eq(zone.as_str()));
            let there = there.select_only().column(user::Column::Id).into_query();
            any.add(on_list(*at).add(target::Column::SellerId.in_subquery(there)))
        })
    }
}

/// A field by which targets can be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TargetOrderField {
    /// The time at which it joined the list; null if it never did.
    Since,
    /// The time at which it was proposed.
    ProposedAt,
    /// The score of the account.
    Score,
    /// The time of the last change.
    UpdatedAt,
}

ordering! {
    /// A sort key of a list of targets.
    TargetOrder by TargetOrderField, sort_key => target::Entity
}

fn sort_key(field: TargetOrderField) -> SortKey<target::Entity> {
    use target::{Column, Model};
    match field {
        TargetOrderField::Since => {
            SortKey::nullable("SINCE", Column::Since, i64::MAX, |row: &Model| row.since.map(|at| at.0))
        }
        TargetOrderField::ProposedAt => {
            SortKey::column("PROPOSED_AT", Column::ProposedAt, |row: &Model| Key::Number(row.proposed_at.0))
        }
        TargetOrderField::Score => SortKey::column("SCORE", Column::Score, |row: &Model| Key::Number(row.score)),
        TargetOrderField::UpdatedAt => {
            SortKey::column("UPDATED_AT", Column::UpdatedAt, |row: &Model| Key::Number(row.updated_at.0))
        }
    }
}

fn order(entries: Option<&[TargetOrder]>) -> Result<Order<target::Entity>> {
    let id = SortKey::column("ID", target::Column::Id, |row: &target::Model| Key::Id(row.id.uuid()));
    Order::by(TargetOrder::keys(entries), id)
}

/// Arguments of `targets`.
#[derive(Clone, Debug, InputObject)]
pub struct TargetsArguments {
    /// Which of them.
    pub filter: Option<TargetFilter>,
    /// The sort keys, most significant first: at most 3. Ordered by id if none is given.
    pub order_by: Option<Vec<TargetOrder>>,
    /// The page to return.
    #[graphql(flatten)]
    pub page: PageArguments,
}

/// Resolves `Query.targets`.
pub async fn targets(field: &FieldContext<'_>, arguments: TargetsArguments) -> Result<Connection<Target>> {
    let TargetsArguments { filter, order_by, page } = arguments;
    let filter = filter.unwrap_or_default();
    let seen = VisibleRows {
        select: filter.select(field.request).await?,
        account: target::Column::AccountId,
        is_selective: equals(&filter.account_id) || equals(&filter.seller_id),
    };
    seen.page(field, &order(order_by.as_deref())?, &page).await
}
