//! A seller's target list on a day: the targets on it, how many the book deserves, and how many can be pursued.
//!
//! | module | holds |
//! |---|---|
//! | here | the type and how it is read, for all sellers of a request together |
//! | [`band`] | the number of targets that a book deserves: pure |
//! | [`capacity`] | the number of targets that can be pursued |
//! | [`suggestion`] | the best accounts that are not on it, and those to assess next |
//! | [`review`] | the annual review |

pub mod band;
pub mod capacity;
pub mod review;
pub mod suggestion;

use std::collections::{HashMap, HashSet};

use chrono_tz::Tz;
use entity::target::TargetStatus;
use entity::{AccountId, Columns, Day, FromColumn, Instant, Row, Scoped, UserId, account, list_review, target, user};
use sea_orm::sea_query::{Cond, Expr, Func};
use sea_orm::{ColumnTrait, ConnectionTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use self::band::TargetBand;
use self::capacity::TargetCapacity;
use self::suggestion::{AssessNextArguments, SuggestionsArguments, TargetSuggestion};
use crate::context::RequestContext;
use crate::domain::account::{Account, is_active};
use crate::domain::presence::{Ask, Presence, nurture};
use crate::domain::targeting::{OnArguments, Target, instant_of};
use crate::domain::user::User;
use crate::error::{Error, Result};
use crate::graphql::estimate::{ENOUGH, Estimate, count};
use crate::graphql::pagination::LONGEST_LIST;
use crate::graphql::series::SeriesArguments;
use crate::graphql::{Batch, FieldContext, object};
use crate::values::calendar;
use crate::values::money::Money;
use database::columns::is_any_of;

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
    /// The instant of the day: its end, or now if it is today.
    at: Instant,
    targets: Vec<Target>,
    proposals: Vec<Target>,
    /// Accounts of the book today.
    accounts: i32,
    band: TargetBand,
    moves: Moves,
}

object! {
    /// A seller's target list as it was at the end of a day, or is now, as far as the caller sees the accounts: a seller no
    /// longer sees accounts that went to others, so past lists and their sizes may be shorter for the seller than for a
    /// manager. Targets at archived accounts are not on it. Band, capacity and suggestions are by today's book.
    TargetList as "TargetList" {
        /// The seller.
        seller: User = batch(sellers);
        /// The seller's day.
        on: Day = plain(|list| list.on);
        /// The targets of that day, whatever became of them since; by id, at most 500.
        targets: Vec<Target> = batch(targets);
        /// The proposals that were pending by then, ordered by id, at most 500.
        proposals: Vec<Target> = batch(proposals);
        /// The number of targets that the caller sees.
        size: i32 = plain(|list| list.size());
        /// The sum of the known yearly potential of the targets' accounts.
        potential: Money = batch(potentials);
        /// The number of targets that suits the book.
        band: TargetBand = plain(|list| list.band);
        /// The number of targets that the seller can pursue.
        capacity: TargetCapacity = batch(capacities);
        /// Targets without a touch made in the 90 days before or scheduled in the 90 days after. At most 500.
        unpursued: Vec<Target> = batch(unpursued);
        /// The share of the targets that are ready; null where there are no targets.
        readiness: Option<f64> = batch(readiness);
        /// `readiness` with the number of targets behind it.
        readinessEstimate: Estimate = batch(readiness_estimates);
        /// The share of the targets that were the seller's own idea; null where there are none.
        sellerChosenShare: Option<f64> = plain(|list| list.seller_chosen_share());
        /// The day on which the list was last reviewed.
        lastReviewedOn: Option<Day> = batch(reviewed);
        /// A year after the last review, else after the seller's first target, else after this day.
        reviewDueOn: Day = batch(due);
        /// The best accounts of the seller's book that are neither targets nor proposed and have at least half of the
        /// criteria's weight assessed, the best first. Empty where there are no criteria.
        suggestions(SuggestionsArguments): Vec<TargetSuggestion> = batch(suggestion::of_lists);
        /// Accounts of the seller's book that have less than half of the criteria's weight assessed, highest potential first,
        /// unknown potential last. Empty where there are no criteria.
        assessNext(AssessNextArguments): Vec<Account> = batch(suggestion::assess_next);
        /// Joined and left over the 90 days before, halved, by the mean of the sizes at their start and their end; null where
        /// both are 0. By the targets that the caller sees.
        churn: Option<f64> = plain(|list| list.moves.churn());
        /// `churn` with the number of targets behind it.
        churnEstimate: Estimate = plain(|list| list.moves.estimate());
        /// Targets that joined the list in the 90 days before.
        joined: i32 = plain(|list| count(list.moves.joined));
        /// Targets that left the list in the 90 days before.
        left: i32 = plain(|list| count(list.moves.left));
        /// The same list on the days of a line chart.
        series(SeriesArguments): Vec<TargetList> = batch(series);
    }
}

/// A target with the instant at which it left the list: when it ended, or when its account was archived.
#[derive(Clone, Debug)]
struct Member {
    row: target::Model,
    left: Option<Instant>,
}

impl Member {
    fn of(row: target::Model, archived_at: Option<Instant>) -> Self {
        let left = [row.until, archived_at].into_iter().flatten().min();
        Self { row, left }
    }

    fn is_on_list(&self, at: Instant) -> bool {
        self.row.since.is_some_and(|since| since <= at) && self.left.is_none_or(|left| at < left)
    }

    fn waits(&self, at: Instant) -> bool {
        self.row.status == TargetStatus::Proposed
            && self.row.proposed_at <= at
            && self.left.is_none_or(|left| at < left)
    }
}

/// What joined and left a list in 90 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moves {
    joined: usize,
    left: usize,
    /// The sizes at their start and at their end.
    sizes: (usize, usize),
}

/// Targets, by the mean of two sizes, from which churn is sufficient.
const ENOUGH_TARGETS: i64 = 5;

impl Moves {
    fn of(members: &[Member], start: Instant, end: Instant) -> Self {
        let count = |which: &dyn Fn(&Member) -> bool| members.iter().filter(|member| which(member)).count();
        let within = |at: Option<Instant>| at.is_some_and(|at| start < at && at <= end);
        Self {
            joined: count(&|member| within(member.row.since) && member.left.is_none_or(|left| left > start)),
            left: count(&|member| member.row.since.is_some_and(|since| since <= end) && within(member.left)),
            sizes: (count(&|member| member.is_on_list(start)), count(&|member| member.is_on_list(end))),
        }
    }

    /// Returns joined and left, halved, by the mean size; `None` where both sizes are 0.
    fn churn(&self) -> Option<f64> {
        let whole = self.sizes.0 + self.sizes.1;
        share(self.joined + self.left, whole)
    }

    fn estimate(&self) -> Estimate {
        let mean = i64::try_from(usize::midpoint(self.sizes.0, self.sizes.1)).unwrap_or(i64::MAX);
        Estimate::figure(self.churn(), mean, ENOUGH_TARGETS, "targets, the mean of both ends of the 90 days")
    }
}

impl TargetList {
    /// Returns the targets on the list.
    #[must_use]
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Returns how many targets the book deserves.
    #[must_use]
    pub const fn band(&self) -> TargetBand {
        self.band
    }

    fn size(&self) -> i32 {
        count(self.targets.len())
    }

    fn seller_chosen_share(&self) -> Option<f64> {
        let chosen = self.targets.iter().filter(|row| row.0.source == target::TargetSource::Seller).count();
        share(chosen, self.targets.len())
    }

    /// Returns the lists of sellers, each on a day, in their order: two statements for any number of them. The caller must be
    /// allowed to see them.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`; database errors.
    pub async fn of(ctx: &RequestContext, wanted: Vec<(user::Model, Option<Day>)>) -> Result<Vec<Self>> {
        let viewer = ctx.viewer()?;
        let ids: HashSet<UserId> = wanted.iter().map(|(seller, _)| seller.id).collect();
        let zone_of = |seller: &user::Model| calendar::zone(&seller.time_zone).unwrap_or(chrono_tz::UTC);
        let at_of = |(seller, on): &(user::Model, Option<Day>)| instant_of(*on, ctx.now, zone_of(seller));
        let latest = wanted.iter().map(at_of).max().unwrap_or(ctx.now);
        let earliest = wanted.iter().map(at_of).min().unwrap_or(ctx.now).plus_seconds(-CHURN * DAY);
        let of_seller = members(ctx, &ids, earliest, latest).await?;
        let books = books(ctx, ids.into_iter().collect()).await?;
        let policy = &viewer.organization;
        let list = |wanted: (user::Model, Option<Day>)| {
            let at = at_of(&wanted);
            let (seller, on) = wanted;
            let zone = zone_of(&seller);
            let members = of_seller.get(&seller.id).map_or(&[][..], Vec::as_slice);
            let those = |which: &dyn Fn(&Member) -> bool| -> Vec<Target> {
                members.iter().filter(|member| which(member)).map(|member| Target(member.row.clone())).collect()
            };
            let targets = those(&|member| member.is_on_list(at));
            let accounts = books.get(&seller.id).copied().unwrap_or_default();
            let band = band::band(accounts, count(targets.len()), policy.target_band_low, policy.target_band_high);
            Self {
                zone,
                on: on.unwrap_or_else(|| calendar::day_of(ctx.now, zone)),
                at,
                targets,
                proposals: those(&|member| member.waits(at)),
                accounts,
                band,
                moves: Moves::of(members, at.plus_seconds(-CHURN * DAY), at),
                seller,
            }
        };
        Ok(wanted.into_iter().map(list).collect())
    }
}

/// Returns the targets of sellers that were on their lists between two instants, or are proposed: one statement.
async fn members(
    ctx: &RequestContext,
    sellers: &HashSet<UserId>,
    from: Instant,
    to: Instant,
) -> Result<HashMap<UserId, Vec<Member>>> {
    use target::Column;
    let overlapping = Cond::all()
        .add(Column::Since.lte(to))
        .add(Cond::any().add(Column::Until.is_null()).add(Column::Until.gt(from)));
    let mut query = ctx
        .viewer()?
        .rows::<target::Entity>(Column::AccountId)
        .filter(Column::SellerId.is_in(sellers.iter().copied()))
        .filter(Cond::any().add(Column::Status.eq(TargetStatus::Proposed)).add(overlapping))
        .order_by_asc(Column::Id)
        .into_query();
    query.expr(Expr::cust("(select account.archived_at from account where account.id = target.account_id)"));
    let mut found: HashMap<UserId, Vec<Member>> = HashMap::new();
    for row in ctx.reader().read(|| ctx.services.db.backend().build(&query)).await? {
        let archived_at = FromColumn::at(&row, target::Model::FIELDS.len())?;
        let member = Member::of(target::Model::read(&row, Columns::ALL)?, archived_at);
        found.entry(member.row.seller_id).or_default().push(member);
    }
    Ok(found)
}

async fn series(field: &FieldContext<'_>, of: &[&TargetList]) -> Result<Batch<Vec<TargetList>>> {
    let arguments: SeriesArguments = field.arguments()?;
    let days = arguments.days(of.len())?;
    let wanted = of.iter().flat_map(|list| days.iter().map(|day| (list.seller.clone(), Some(*day))));
    let lists = TargetList::of(field.request, wanted.collect()).await?;
    field.object_lists(&lists.chunks(days.len()).collect::<Vec<_>>()).await
}

fn share(part: usize, whole: usize) -> Option<f64> {
    let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    (whole > 0).then(|| count(part) / count(whole))
}

/// Returns the number of accounts that sellers own, without archived ones.
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

/// Answers `User.targetList`: null for a caller who is neither the seller, nor above them, nor ADMIN.
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
    let wanted = seen.into_iter().map(|seller| (seller, on.map(|day| day.0))).collect();
    let lists = TargetList::of(field.request, wanted).await?;
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

/// The number of accounts that one statement names at most.
const CHUNK: usize = 5_000;

async fn potentials(field: &FieldContext<'_>, of: &[&TargetList]) -> Result<Batch<Money>> {
    let organization = field.request.viewer()?.organization.id;
    // A series has the same accounts on many days.
    let accounts: HashSet<AccountId> =
        of.iter().flat_map(|list| list.targets.iter().map(|target| target.0.account_id)).collect();
    let accounts: Vec<AccountId> = accounts.into_iter().collect();
    let mut known: HashMap<AccountId, i64> = HashMap::new();
    for accounts in accounts.chunks(CHUNK) {
        let query = account::Entity::of(organization)
            .filter(is_any_of(field.request.reader(), account::Column::Id, accounts.iter().copied()))
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
    let efforts = capacity::efforts(field.request.reader(), viewer.organization.id, ids, field.request.now).await?;
    let all: Vec<TargetCapacity> = of
        .iter()
        .map(|list| {
            let effort = efforts.get(&list.seller.id).copied().unwrap_or_default();
            capacity::capacity(working_minutes(&list.seller), effort, &viewer.organization, list.size())
        })
        .collect();
    field.objects(&all.iter().collect::<Vec<_>>()).await
}

fn working_minutes(seller: &user::Model) -> i32 {
    capacity::working_minutes(&serde_json::from_str::<Vec<_>>(&seller.working_hours).unwrap_or_default())
}

/// Returns by how many targets a seller's list, including proposals, exceeds the number that the seller can pursue; None if it
/// does not.
pub async fn over_capacity_by<C: ConnectionTrait>(
    ctx: &RequestContext,
    connection: &C,
    seller: UserId,
) -> Result<Option<i32>> {
    let organization = &ctx.viewer()?.organization;
    let open = target::Entity::of(organization.id)
        .filter(target::Column::SellerId.eq(seller))
        .filter(target::Column::Status.is_in([TargetStatus::Proposed, TargetStatus::Agreed]))
        .filter(is_active(target::Column::AccountId));
    let open = i32::try_from(open.count(connection).await?).unwrap_or(i32::MAX);
    let Some(row) = user::Entity::of(organization.id).filter(user::Column::Id.eq(seller)).one(connection).await? else {
        return Ok(None);
    };
    let efforts = capacity::efforts(connection, organization.id, vec![seller], ctx.now).await?;
    let effort = efforts.get(&seller).copied().unwrap_or_default();
    let capacity = capacity::capacity(working_minutes(&row), effort, organization, open);
    Ok(Some(capacity.over_by()).filter(|over| *over > 0))
}

/// Returns each target's account with the instant of its list, list by list.
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

/// Returns the number of ready targets of each list: two statements for any number of them.
async fn ready(field: &FieldContext<'_>, of: &[&TargetList]) -> Result<Vec<usize>> {
    let mut ready = Presence::read(field.request, &asks(field, of)?, 0).await?.into_iter().map(|one| one.is_ready());
    Ok(of.iter().map(|list| ready.by_ref().take(list.targets.len()).filter(|ready| *ready).count()).collect())
}

async fn readiness(field: &FieldContext<'_>, of: &[&TargetList]) -> Result<Batch<Option<f64>>> {
    let mut answers = Batch::with_capacity(of.len());
    for (list, ready) in of.iter().zip(ready(field, of).await?) {
        let share = share(ready, list.targets.len());
        answers.push(field.request, &share);
    }
    Ok(answers)
}

async fn readiness_estimates(field: &FieldContext<'_>, of: &[&TargetList]) -> Result<Batch<Estimate>> {
    let of_list = |(list, ready): (&&TargetList, usize)| {
        Estimate::share(i64::from(count(ready)), i64::from(list.size()), ENOUGH, "targets")
    };
    let estimates: Vec<Estimate> = of.iter().zip(ready(field, of).await?).map(of_list).collect();
    field.objects(&estimates.iter().collect::<Vec<_>>()).await
}

/// Returns the time of the last review of each seller's list before the instant of the list.
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

    fn row(since: i64, until: Option<i64>) -> Member {
        archived(since, until, None)
    }

    fn archived(since: i64, until: Option<i64>, archived_at: Option<i64>) -> Member {
        let row = crate::domain::targeting::tests::target(Some(since), until);
        let row = target::Model { id: <entity::TargetId as entity::Id>::make(), ..row };
        Member::of(row, archived_at.map(Instant))
    }

    #[test]
    fn churn_is_by_the_mean_size() {
        let churn = |members: &[Member]| Moves::of(members, Instant(100), Instant(200)).churn();
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
        let found = Moves::of(&rows, Instant(100), Instant(200));
        assert_eq!((found.joined, found.left, found.sizes), (1, 1, (3, 3)));
    }

    #[test]
    fn a_target_leaves_the_list_when_its_account_is_archived() {
        let gone = archived(50, None, Some(150));
        assert_eq!([149, 150].map(|at| gone.is_on_list(Instant(at))), [true, false]);
        assert_eq!(Moves::of(&[gone, row(50, None)], Instant(100), Instant(200)).left, 1);
        assert!(!archived(50, Some(120), Some(150)).is_on_list(Instant(130)));
        // Archived before it joined: it was never on the list.
        assert_eq!(Moves::of(&[archived(150, None, Some(90))], Instant(100), Instant(200)).joined, 0);
    }
}
