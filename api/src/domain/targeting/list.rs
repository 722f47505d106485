//! Lists of targets, by id.

use async_graphql::{InputObject, MaybeUndefined};
use entity::{AccountId, Id, Scoped, UserId, target};
use sea_orm::sea_query::{Cond, Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition, QueryFilter, QuerySelect, Select};

use super::{Target, TargetKind, TargetSource, TargetStatus, instant_of, on_list};
use crate::context::RequestContext;
use crate::domain::presence;
use crate::error::Result;
use crate::graphql::FieldContext;
use crate::graphql::filter::{DateTimeFilter, IdFilter, among_ids, operand};
use crate::graphql::pagination::{Connection, Key, Order, PageArguments, VisibleRows};
use crate::graphql::scalars::Date;

/// A filter on targets. Its fields are ANDed.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TargetFilter {
    /// By seller.
    pub seller_id: MaybeUndefined<IdFilter>,
    /// By account.
    pub account_id: MaybeUndefined<IdFilter>,
    /// Of this kind.
    pub kind: MaybeUndefined<TargetKind>,
    /// Stands so; one of these.
    pub status: MaybeUndefined<Vec<TargetStatus>>,
    /// Was this one's idea.
    pub source: MaybeUndefined<TargetSource>,
    /// Was on the list at the end of that day of the organization's, or is now where that is today; whatever became of it
    /// since.
    pub on: MaybeUndefined<Date>,
    /// Its account is one at which we are absent (presence is below the organization's threshold), or is not; at the end of
    /// the day of `on` where that is given, else now.
    pub absent: MaybeUndefined<bool>,
    /// By when it last changed.
    pub updated_at: MaybeUndefined<DateTimeFilter>,
}

impl TargetFilter {
    /// All but how present we are.
    fn condition(&self, ctx: &RequestContext) -> Result<Condition> {
        use target::Column;
        let Self { seller_id, account_id, kind, status, source, on, absent: _, updated_at } = self;
        let mut all = Cond::all();
        if let Some(filter) = operand("sellerId", seller_id)? {
            all = all.add(filter.condition::<_, UserId>(Column::SellerId)?);
        }
        if let Some(filter) = operand("accountId", account_id)? {
            all = all.add(filter.condition::<_, AccountId>(Column::AccountId)?);
        }
        if let Some(kind) = operand("kind", kind)? {
            all = all.add(Column::Kind.eq(target::TargetKind::from(*kind)));
        }
        if let Some(statuses) = operand("status", status)? {
            let any = statuses.iter().fold(Cond::any().add(Expr::cust("1 = 0")), |any, status| {
                any.add(Column::Status.eq(target::TargetStatus::from(*status)))
            });
            all = all.add(any);
        }
        if let Some(source) = operand("source", source)? {
            all = all.add(Column::Source.eq(target::TargetSource::from(*source)));
        }
        if let Some(day) = operand("on", on)? {
            all = all.add(on_list(instant_of(Some(day.0), ctx.now, ctx.viewer()?.zone)));
        }
        if let Some(filter) = operand("updatedAt", updated_at)? {
            all = all.add(filter.condition(Column::UpdatedAt)?);
        }
        Ok(all)
    }

    /// The targets that match, seen or not. How present we are at which account is worked out first, of those alone that
    /// match in all else and are seen: two statements, however many.
    async fn select(&self, ctx: &RequestContext) -> Result<Select<target::Entity>> {
        let viewer = ctx.viewer()?;
        let condition = self.condition(ctx)?;
        let select = target::Entity::of(viewer.organization.id).filter(condition.clone());
        let Some(absent) = operand("absent", &self.absent)? else { return Ok(select) };
        let accounts = viewer.sums::<target::Entity>(target::Column::AccountId).filter(condition);
        let accounts: Vec<AccountId> =
            accounts.select_only().column(target::Column::AccountId).distinct().into_tuple().all(ctx.reader()).await?;
        let at = instant_of(self.on.value().map(|day| day.0), ctx.now, viewer.zone);
        let present = among_ids(ctx, target::Column::AccountId, presence::present(ctx, &accounts, at).await?);
        Ok(select.filter(if *absent { present.not() } else { present }))
    }
}

/// Arguments of `targets`.
#[derive(Clone, Debug, InputObject)]
pub struct TargetsArguments {
    /// Which of them.
    pub filter: Option<TargetFilter>,
    /// Which page.
    #[graphql(flatten)]
    pub page: PageArguments,
}

/// `Query.targets`.
pub async fn targets(field: &FieldContext<'_>, arguments: TargetsArguments) -> Result<Connection<Target>> {
    let TargetsArguments { filter, page } = arguments;
    let filter = filter.unwrap_or_default();
    let equals = |filter: &MaybeUndefined<IdFilter>| filter.value().is_some_and(|filter| filter.eq.is_value());
    let seen = VisibleRows {
        select: filter.select(field.request).await?,
        account: target::Column::AccountId,
        is_selective: equals(&filter.account_id) || equals(&filter.seller_id),
    };
    let by_id = Order::by_id(target::Column::Id, |row: &target::Model| Key::Id(row.id.uuid()));
    seen.page(field, &by_id, &page).await
}
