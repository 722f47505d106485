//! A seller's target list as it stood on a day: who was on it, how long it ought to be, how long it can be.
//!
//! | room | holds |
//! |---|---|
//! | here | the type and how it is read, for all sellers of a request at once |
//! | [`band`] | how long it ought to be: pure |
//! | [`capacity`] | how long it can be: pure, and the durations behind it |
//! | [`suggestion`] | the best accounts that are not on it |
//! | [`review`] | the annual review |

pub mod band;
pub mod capacity;
pub mod review;
pub mod suggestion;

use std::collections::{HashMap, HashSet};

use chrono_tz::Tz;
use entity::target::TargetStatus;
use entity::{AccountId, Day, Instant, Scoped, UserId, account, list_review, target, user};
use sea_orm::sea_query::{Cond, Expr, Func};
use sea_orm::{ColumnTrait, ConnectionTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use self::band::TargetBand;
use self::capacity::TargetCapacity;
use self::suggestion::{SuggestionsArguments, TargetSuggestion};
use crate::context::RequestContext;
use crate::domain::presence::{Ask, Presence, nurture};
use crate::domain::targeting::{OnArguments, Target, instant_of, was_on_list};
use crate::domain::user::User;
use crate::error::{Error, Result};
use crate::graphql::pagination::LONGEST_LIST;
use crate::graphql::{Batch, FieldContext, object};
use crate::values::calendar;
use crate::values::money::Money;

/// Days over which the list's churn is taken.
const CHURN: i64 = 90;
/// Seconds of a day.
const DAY: i64 = 86_400;

/// A seller's target list on a day.
#[derive(Clone, Debug)]
pub struct TargetList {
    seller: user::Model,
    zone: Tz,
    on: Day,
    /// What the day stands for: its end, or now.
    at: Instant,
    targets: Vec<Target>,
    proposals: Vec<Target>,
    /// Accounts of the book today.
    accounts: i32,
    band: TargetBand,
    churn: Option<f64>,
}

object! {
    /// A seller's target list as it stood at the end of a day, or stands now. Band, capacity and suggestions are by today's
    /// book.
    TargetList as "TargetList" {
        /// Whose.
        seller: User = batch(sellers);
        /// The seller's day.
        on: Day = plain(|list| list.on);
        /// Who was a target then, whatever became of it since; by id, at most 500.
        targets: Vec<Target> = batch(targets);
        /// What was proposed by then and waits for the other one's agreement; by id, at most 500.
        proposals: Vec<Target> = batch(proposals);
        /// How many targets there are.
        size: i32 = plain(|list| list.size());
        /// What the targets' accounts could spend with us in a year, as far as it is known.
        potential: Money = batch(potentials);
        /// How many targets the book deserves.
        band: TargetBand = plain(|list| list.band);
        /// How many targets the seller can pursue.
        capacity: TargetCapacity = batch(capacities);
        /// Targets never or no longer pursued, without a touch made in the 90 days before or scheduled in the 90 days after:
        /// the shots not taken. At most 500.
        unpursued: Vec<Target> = batch(unpursued);
        /// Share of the targets that are ready, at which presence, known and value are all at 0.5 or more; null where there
        /// are no targets.
        readiness: Option<f64> = batch(readiness);
        /// Share of the targets that were the seller's own idea; null where there are none.
        sellerChosenShare: Option<f64> = plain(|list| list.seller_chosen_share());
        /// The day on which the list was last reviewed.
        lastReviewedOn: Option<Day> = batch(reviewed);
        /// A year after the last review, else after the seller's first target, else after this day.
        reviewDueOn: Day = batch(due);
        /// The best accounts of the seller's book that are neither targets nor proposed, the best first.
        suggestions(SuggestionsArguments): Vec<TargetSuggestion> = batch(suggestion::of_lists);
        /// Joined and left over the 90 days before, halved, by the mean of the sizes at their start and their end; null where
        /// both are 0.
        churn: Option<f64> = plain(|list| list.churn);
    }
}

impl TargetList {
    fn size(&self) -> i32 {
        i32::try_from(self.targets.len()).unwrap_or(i32::MAX)
    }

    fn seller_chosen_share(&self) -> Option<f64> {
        let chosen = self.targets.iter().filter(|row| row.0.source == target::TargetSource::Seller).count();
        share(chosen, self.targets.len())
    }

    /// The lists of sellers on a day, in their order: two statements for any number of them. Who asks must be one who may
    /// see them.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`; the database's.
    pub async fn of(ctx: &RequestContext, sellers: Vec<user::Model>, on: Option<Day>) -> Result<Vec<Self>> {
        let viewer = ctx.viewer()?;
        let ids: Vec<UserId> = sellers.iter().map(|seller| seller.id).collect();
        let zone_of = |seller: &user::Model| calendar::zone(&seller.time_zone).unwrap_or(chrono_tz::UTC);
        let at_of = |seller: &user::Model| instant_of(on, ctx.now, zone_of(seller));
        let latest = sellers.iter().map(at_of).max().unwrap_or(ctx.now);
        let earliest = sellers.iter().map(at_of).min().unwrap_or(ctx.now).plus_seconds(-CHURN * DAY);
        let overlapping = Cond::all()
            .add(target::Column::Since.lte(latest))
            .add(Cond::any().add(target::Column::Until.is_null()).add(target::Column::Until.gt(earliest)));
        let rows = viewer
            .rows::<target::Entity>(target::Column::AccountId)
            .filter(target::Column::SellerId.is_in(ids.clone()))
            .filter(Cond::any().add(target::Column::Status.eq(TargetStatus::Proposed)).add(overlapping))
            .order_by_asc(target::Column::Id)
            .all(ctx.reader())
            .await?;
        let mut of_seller: HashMap<UserId, Vec<target::Model>> = HashMap::new();
        for row in rows {
            of_seller.entry(row.seller_id).or_default().push(row);
        }
        let books = books(ctx, ids).await?;
        let policy = &viewer.organization;
        let list = |seller: user::Model| {
            let (zone, at) = (zone_of(&seller), at_of(&seller));
            let rows = of_seller.remove(&seller.id).unwrap_or_default();
            let churn = churn(&rows, at.plus_seconds(-CHURN * DAY), at);
            let targets: Vec<Target> = rows.iter().filter(|row| was_on_list(row, at)).cloned().map(Target).collect();
            let waits = |row: &&target::Model| row.status == TargetStatus::Proposed && row.proposed_at <= at;
            let proposals = rows.iter().filter(waits).cloned().map(Target).collect();
            let accounts = books.get(&seller.id).copied().unwrap_or_default();
            let size = i32::try_from(targets.len()).unwrap_or(i32::MAX);
            let band = band::band(accounts, size, policy.target_band_low, policy.target_band_high);
            let on = on.unwrap_or_else(|| calendar::day_of(ctx.now, zone));
            Self { seller, zone, on, at, targets, proposals, accounts, band, churn }
        };
        Ok(sellers.into_iter().map(list).collect())
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    (whole > 0).then(|| count(part) / count(whole))
}

/// Joined and left between two instants, halved, by the mean of the sizes at both; None where both are 0.
#[must_use]
fn churn(rows: &[target::Model], start: Instant, end: Instant) -> Option<f64> {
    let count = |which: &dyn Fn(&target::Model) -> bool| {
        f64::from(u32::try_from(rows.iter().filter(|row| which(row)).count()).unwrap_or(u32::MAX))
    };
    let within = |at: Option<Instant>| at.is_some_and(|at| start < at && at <= end);
    let joined = count(&|row| within(row.since));
    let left = count(&|row| row.since.is_some_and(|since| since <= end) && within(row.until));
    let mean = f64::midpoint(count(&|row| was_on_list(row, start)), count(&|row| was_on_list(row, end)));
    (mean > 0.0).then(|| f64::midpoint(joined, left) / mean)
}

/// How many accounts sellers own, archived ones left out.
async fn books(ctx: &RequestContext, sellers: Vec<UserId>) -> Result<HashMap<UserId, i32>> {
    let query = account::Entity::of(ctx.viewer()?.organization.id)
        .filter(account::Column::OwnerId.is_in(sellers))
        .filter(account::Column::ArchivedAt.is_null())
        .select_only()
        .column(account::Column::OwnerId)
        .expr(Expr::cust("count(*)"))
        .group_by(account::Column::OwnerId)
        .into_query();
    let mut books = HashMap::new();
    for row in ctx.reader().query_all(&query).await? {
        let count: i64 = row.try_get_by_index(1)?;
        books.insert(row.try_get_by_index(0)?, i32::try_from(count).unwrap_or(i32::MAX));
    }
    Ok(books)
}

/// `User.targetList`: null for whoever is neither the seller, nor above them, nor ADMIN.
///
/// # Errors
/// The database's.
pub async fn of_users(
    field: &FieldContext<'_>,
    of: &[&User],
) -> Result<Batch<Option<crate::domain::targeting::target_list::TargetList>>> {
    let OnArguments { on } = field.arguments()?;
    let viewer = field.request.viewer()?;
    let mut ids = HashSet::new();
    let seen: Vec<user::Model> = of
        .iter()
        .filter(|user| viewer.is_above_or_is(user.0.id) && ids.insert(user.0.id))
        .map(|user| user.0.clone())
        .collect();
    let lists = TargetList::of(field.request, seen, on.map(|day| day.0)).await?;
    let by_seller: HashMap<UserId, &TargetList> = lists.iter().map(|list| (list.seller.id, list)).collect();
    field.optional_objects(&of.iter().map(|user| by_seller.get(&user.0.id).copied()).collect::<Vec<_>>()).await
}

async fn sellers(field: &FieldContext<'_>, of: &[&TargetList]) -> Result<Batch<User>> {
    let users: Vec<User> = of.iter().map(|list| User(list.seller.clone())).collect();
    field.objects(&users.iter().collect::<Vec<_>>()).await
}

/// Answers with lists of targets, none longer than a plain list may be.
async fn plain_lists(field: &FieldContext<'_>, lists: Vec<Vec<&Target>>) -> Result<Batch<Vec<Target>>> {
    if lists.iter().any(|list| list.len() as u64 > LONGEST_LIST) {
        let message = format!("A list has more than {LONGEST_LIST} targets: page through `targets` with a filter.");
        return Err(Error::LimitExceeded(message));
    }
    field.lists_of_references(&lists).await
}

async fn targets(field: &FieldContext<'_>, of: &[&TargetList]) -> Result<Batch<Vec<Target>>> {
    plain_lists(field, of.iter().map(|list| list.targets.iter().collect()).collect()).await
}

async fn proposals(field: &FieldContext<'_>, of: &[&TargetList]) -> Result<Batch<Vec<Target>>> {
    plain_lists(field, of.iter().map(|list| list.proposals.iter().collect()).collect()).await
}

/// Accounts that one statement names at most.
const CHUNK: usize = 5_000;

/// The accounts of the targets of lists, by the instants that the lists stand for: one, unless a past day is asked for in
/// several time zones. None is longer than one statement takes.
fn accounts_by_instant(of: &[&TargetList]) -> Vec<(Instant, Vec<AccountId>)> {
    let mut groups: Vec<(Instant, Vec<AccountId>)> = Vec::new();
    for list in of {
        let accounts = list.targets.iter().map(|target| target.0.account_id);
        match groups.iter_mut().find(|(at, _)| *at == list.at) {
            Some((_, all)) => all.extend(accounts),
            None => groups.push((list.at, accounts.collect())),
        }
    }
    let chunks = groups.iter().flat_map(|(at, all)| all.chunks(CHUNK).map(|chunk| (*at, chunk.to_vec())));
    chunks.collect()
}

async fn potentials(field: &FieldContext<'_>, of: &[&TargetList]) -> Result<Batch<Money>> {
    let organization = field.request.viewer()?.organization.id;
    let mut known: HashMap<AccountId, i64> = HashMap::new();
    for (_, accounts) in accounts_by_instant(of) {
        let query = account::Entity::of(organization)
            .filter(account::Column::Id.is_in(accounts))
            .filter(account::Column::Potential.is_not_null())
            .select_only()
            .column(account::Column::Id)
            .column(account::Column::Potential)
            .into_query();
        for row in field.request.reader().query_all(&query).await? {
            known.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        }
    }
    let sum = |list: &&TargetList| {
        let all = list.targets.iter().filter_map(|target| known.get(&target.0.account_id));
        field.request.money(all.sum())
    };
    let sums: Vec<Money> = of.iter().map(sum).collect();
    field.objects(&sums.iter().collect::<Vec<_>>()).await
}

async fn capacities(field: &FieldContext<'_>, of: &[&TargetList]) -> Result<Batch<TargetCapacity>> {
    let viewer = field.request.viewer()?;
    let ids: Vec<UserId> = of.iter().map(|list| list.seller.id).collect();
    let mut durations =
        capacity::durations(field.request.reader(), viewer.organization.id, ids, field.request.now).await?;
    let all: Vec<TargetCapacity> = of
        .iter()
        .map(|list| {
            let hours = working_minutes(&list.seller);
            let durations = durations.remove(&list.seller.id).unwrap_or_default();
            capacity::capacity(hours, durations, &viewer.organization, list.size())
        })
        .collect();
    field.objects(&all.iter().collect::<Vec<_>>()).await
}

fn working_minutes(seller: &user::Model) -> i32 {
    capacity::working_minutes(&serde_json::from_str::<Vec<_>>(&seller.working_hours).unwrap_or_default())
}

/// By how many a seller's list, with what is proposed for it, is longer than they can pursue; None where it is not.
///
/// # Errors
/// The database's.
pub async fn over_capacity_by<C: ConnectionTrait>(
    ctx: &RequestContext,
    connection: &C,
    seller: UserId,
) -> Result<Option<i32>> {
    let organization = &ctx.viewer()?.organization;
    let open = target::Entity::of(organization.id)
        .filter(target::Column::SellerId.eq(seller))
        .filter(target::Column::Status.is_in([TargetStatus::Proposed, TargetStatus::Agreed]));
    let open = i32::try_from(open.count(connection).await?).unwrap_or(i32::MAX);
    let Some(row) = user::Entity::of(organization.id).filter(user::Column::Id.eq(seller)).one(connection).await? else {
        return Ok(None);
    };
    let mut durations = capacity::durations(connection, organization.id, vec![seller], ctx.now).await?;
    let known = durations.remove(&seller).unwrap_or_default();
    let capacity = capacity::capacity(working_minutes(&row), known, organization, open);
    Ok(Some(capacity.over_by()).filter(|over| *over > 0))
}

/// Each target's account at the instant that its list stands for, list by list.
fn asks(field: &FieldContext<'_>, of: &[&TargetList]) -> Result<Vec<Ask>> {
    let viewer = field.request.viewer()?;
    let ask = |list: &TargetList, target: &Target| Ask::at(viewer, target.0.account_id, list.at);
    Ok(of.iter().flat_map(|list| list.targets.iter().map(|target| ask(list, target))).collect())
}

async fn unpursued(field: &FieldContext<'_>, of: &[&TargetList]) -> Result<Batch<Vec<Target>>> {
    let mut pursued = nurture::pursued(field.request, &asks(field, of)?).await?.into_iter();
    let rest = |list: &&TargetList| -> Vec<usize> {
        (0..list.targets.len()).filter(|_| !pursued.next().unwrap_or_default()).collect()
    };
    let rest: Vec<Vec<usize>> = of.iter().map(rest).collect();
    let lists = of.iter().zip(&rest).map(|(list, places)| places.iter().map(|place| &list.targets[*place]).collect());
    plain_lists(field, lists.collect()).await
}

async fn readiness(field: &FieldContext<'_>, of: &[&TargetList]) -> Result<Batch<Option<f64>>> {
    let mut ready = Presence::read(field.request, &asks(field, of)?, 0).await?.into_iter().map(|one| one.is_ready());
    let mut answers = Batch::with_capacity(of.len());
    for list in of {
        let count = ready.by_ref().take(list.targets.len()).filter(|ready| *ready).count();
        let share = share(count, list.targets.len());
        answers.push(field.request, &share);
    }
    Ok(answers)
}

/// When each seller's list was last reviewed, as far as it matters for these lists.
async fn last_reviews(field: &FieldContext<'_>, of: &[&TargetList]) -> Result<HashMap<(UserId, Instant), Instant>> {
    let organization = field.request.viewer()?.organization.id;
    let latest = of.iter().map(|list| list.at).max().unwrap_or(field.request.now);
    let rows = list_review::Entity::of(organization)
        .filter(list_review::Column::SellerId.is_in(of.iter().map(|list| list.seller.id)))
        .filter(list_review::Column::ReviewedAt.lte(latest))
        .select_only()
        .column(list_review::Column::SellerId)
        .column(list_review::Column::ReviewedAt)
        .into_query();
    let mut all: Vec<(UserId, Instant)> = Vec::new();
    for row in field.request.reader().query_all(&rows).await? {
        all.push((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
    }
    let last = |list: &&TargetList| {
        let own = all.iter().filter(|(seller, at)| *seller == list.seller.id && *at <= list.at);
        Some(((list.seller.id, list.at), own.map(|(_, at)| *at).max()?))
    };
    Ok(of.iter().filter_map(last).collect())
}

async fn reviewed(field: &FieldContext<'_>, of: &[&TargetList]) -> Result<Batch<Option<Day>>> {
    let reviews = last_reviews(field, of).await?;
    let mut answers = Batch::with_capacity(of.len());
    for list in of {
        let day = reviews.get(&(list.seller.id, list.at)).map(|at| calendar::day_of(*at, list.zone));
        answers.push(field.request, &day);
    }
    Ok(answers)
}

async fn due(field: &FieldContext<'_>, of: &[&TargetList]) -> Result<Batch<Day>> {
    let reviews = last_reviews(field, of).await?;
    let firsts = target::Entity::of(field.request.viewer()?.organization.id)
        .filter(target::Column::SellerId.is_in(of.iter().map(|list| list.seller.id)))
        .filter(target::Column::Since.is_not_null())
        .select_only()
        .column(target::Column::SellerId)
        .expr(Expr::expr(Func::min(Expr::col(target::Column::Since))))
        .group_by(target::Column::SellerId)
        .into_query();
    let mut first: HashMap<UserId, Instant> = HashMap::new();
    for row in field.request.reader().query_all(&firsts).await? {
        first.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    }
    let mut answers = Batch::with_capacity(of.len());
    for list in of {
        let from = reviews.get(&(list.seller.id, list.at));
        let from = from.or_else(|| first.get(&list.seller.id).filter(|first| **first <= list.at));
        let from = from.map_or(list.on, |at| calendar::day_of(*at, list.zone));
        answers.push(field.request, &calendar::years_after(from, 1));
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(since: i64, until: Option<i64>) -> target::Model {
        let row = crate::domain::targeting::tests::target(Some(since), until);
        target::Model { id: <entity::TargetId as entity::Id>::make(), ..row }
    }

    #[test]
    fn churn_is_by_the_mean_size() {
        let churn = |rows: &[target::Model]| churn(rows, Instant(100), Instant(200));
        assert_eq!(churn(&[]), None);
        // Nothing moved.
        assert_eq!(churn(&[row(50, None), row(60, None)]), Some(0.0));
        // Two stayed, one joined, one left: one by three.
        let rows = [row(50, None), row(60, None), row(150, None), row(70, Some(150))];
        assert_eq!(churn(&rows), Some(1.0 / 3.0));
        // The whole list is new, or gone.
        assert_eq!(churn(&[row(150, None), row(160, None)]), Some(1.0));
        assert_eq!(churn(&[row(50, Some(150))]), Some(1.0));
        // What came and went in between moved twice.
        assert_eq!(churn(&[row(50, None), row(120, Some(130))]), Some(1.0));
    }
}
