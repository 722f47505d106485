//! Targets on the lists, by group.

use std::collections::HashMap;

use async_graphql::{Enum, InputObject};
use entity::target;
use entity::target::{Column, TargetStatus};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::dimension::{AnalyticsDimension, dimensions};
use super::group::{self, GroupKey, Grouped};
use crate::context::RequestContext;
use crate::domain::account::is_active;
use crate::domain::presence::{Ask, Presence};
use crate::domain::targeting::list::TargetFilter;
use crate::error::Result;
use crate::graphql::estimate::count;
use crate::graphql::{FieldContext, object};

/// The dimensions that targets can be grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TargetDimension {
    /// The seller.
    Seller,
    /// The present direct manager of the seller; no value if the seller has none.
    Manager,
    /// Whether the account is to be won or grown.
    Kind,
    /// The level of presence at the account now.
    Level,
}

/// Targets of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroup {
    key: Vec<GroupKey>,
    sums: Sums,
}

/// What the targets of a group add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    count: usize,
    ready: usize,
    absent: usize,
}

object! {
    /// Figures about one group of targets.
    TargetGroup as "TargetGroup" {
        /// The values that the targets of the group share: one part per dimension, in the order of groupBy.
        key: Vec<GroupKey> = batch(group::keys);
        /// The number of targets.
        count: i32 = plain(|group| count(group.sums.count));
        /// The number of targets that are ready: present, known and valued enough.
        ready: i32 = plain(|group| count(group.sums.ready));
        /// The number of targets at which we are not present.
        absent: i32 = plain(|group| count(group.sums.absent));
    }
}

impl Grouped for TargetGroup {
    fn key(&self) -> &[GroupKey] {
        &self.key
    }
}

/// Arguments of `analytics.targets`.
#[derive(Clone, Debug, InputObject)]
pub struct AnalyticsTargetsArguments {
    /// The dimensions to group by, each at most once. An empty list returns exactly one group, with zeros if there are no
    /// targets.
    pub group_by: Vec<TargetDimension>,
    /// Only targets that match this filter. Targets that are not on a list now do not count.
    pub filter: Option<TargetFilter>,
}

/// Resolves `Analytics.targets`: a fixed number of statements.
///
/// # Errors
/// `BAD_USER_INPUT` for a repeated dimension or an invalid filter; `LIMIT_EXCEEDED` for more than 20,000 targets.
pub async fn targets(
    field: &FieldContext<'_>,
    arguments: AnalyticsTargetsArguments,
) -> Result<Option<Vec<TargetGroup>>> {
    let AnalyticsTargetsArguments { group_by, filter } = arguments;
    let ctx = field.request;
    let dimensions = dimensions(&group_by)?;
    let targets = on_lists(ctx, &filter.unwrap_or_default()).await?;
    let presence_counts = group_by.contains(&TargetDimension::Level)
        || field.selects::<TargetGroup>("ready")?
        || field.selects::<TargetGroup>("absent")?;
    let presences: Vec<Option<Presence>> = if presence_counts {
        let viewer = ctx.viewer()?;
        let asks: Vec<Ask> = targets.iter().map(|target| Ask::at(viewer, target.account_id, ctx.now)).collect();
        Presence::read(ctx, &asks, 0).await?.into_iter().map(Some).collect()
    } else {
        targets.iter().map(|_| None).collect()
    };
    let by_manager = group_by.contains(&TargetDimension::Manager);
    let managers = group::managers(ctx, targets.iter().map(|target| target.seller_id).filter(|_| by_manager)).await?;
    let mut groups: HashMap<Vec<GroupKey>, Sums> = HashMap::new();
    if group_by.is_empty() {
        groups.insert(Vec::new(), Sums::default());
    }
    for (target, presence) in targets.iter().zip(&presences) {
        let part = |(by, dimension): (&TargetDimension, &AnalyticsDimension)| match by {
            TargetDimension::Seller => GroupKey::user(*dimension, Some(target.seller_id)),
            TargetDimension::Manager => GroupKey::user(*dimension, managers.get(&target.seller_id).copied().flatten()),
            TargetDimension::Kind => GroupKey::text(*dimension, target.kind.word()),
            TargetDimension::Level => {
                let level = presence.as_ref().map(|presence| presence.level().word());
                GroupKey { dimension: *dimension, value: level.map(str::to_owned), node: None }
            }
        };
        let key = group_by.iter().zip(&dimensions).map(part).collect();
        let sums = groups.entry(key).or_default();
        sums.count += 1;
        sums.ready += usize::from(presence.as_ref().is_some_and(Presence::is_ready));
        sums.absent += usize::from(presence.as_ref().is_some_and(|presence| !presence.is_present()));
    }
    Ok(Some(group::ordered(groups)?.into_iter().map(|(key, sums)| TargetGroup { key, sums }).collect()))
}

/// Reads the targets that are on the lists now, that the caller sees and that match.
async fn on_lists(ctx: &RequestContext, filter: &TargetFilter) -> Result<Vec<target::Model>> {
    let rows = filter
        .select(ctx)
        .await?
        .filter(ctx.viewer()?.sees(Column::AccountId))
        .filter(Column::Status.eq(TargetStatus::Agreed))
        .filter(is_active(Column::AccountId))
        .order_by_asc(Column::Id)
        .limit(group::MOST_ROWS + 1)
        .all(ctx.reader())
        .await?;
    group::not_too_many(rows, "targets")
}
