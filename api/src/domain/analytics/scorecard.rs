//! Scorecards: one line for each seller of a reporting line. Only the groups of figures that are selected are read, each for all
//! sellers together.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_graphql::{ID, InputObject};
use entity::plan::PlanStatus;
use entity::{AccountId, Day, Scoped, UserId, plan, promise, user};
use sea_orm::sea_query::{Cond, Expr};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use crate::context::RequestContext;
use crate::domain::account::is_active;
use crate::domain::account::list::check_year;
use crate::domain::focus;
use crate::domain::goal::progress::ratio;
use crate::domain::pipeline::sufficiency::Sufficiency;
use crate::domain::pipeline::{self, Wanted};
use crate::domain::presence::{Ask, Presence};
use crate::domain::targeting::target_list::TargetList;
use crate::domain::targeting::target_list::band::TargetBand;
use crate::domain::touch::people::zone_of;
use crate::domain::user::User;
use crate::domain::week::CalendarWeek;
use crate::error::{Error, Result};
use crate::graphql::estimate::{ENOUGH, Estimate, count};
use crate::graphql::filter;
use crate::graphql::pagination::LONGEST_LIST;
use crate::graphql::{Batch, FieldContext, object};
use crate::values::calendar::{self, day_of};
use crate::values::money::Money;
use database::columns::is_any_of;

/// The figures of one seller.
#[derive(Clone, Debug)]
pub struct SellerScorecard {
    seller: Arc<user::Model>,
    list: Option<TargetList>,
    ready: usize,
    absent: usize,
    committed: usize,
    missing: usize,
    focus: Option<f64>,
    next_week: Option<f64>,
    pipeline: Sufficiency,
    reviews_overdue: i32,
    promises_overdue: i32,
}

object! {
    /// One line about a seller: targets, effort, goals and what is overdue. Targets, plans, reviews and promises are those of now, goals
    /// and effort those of the fiscal year until now.
    SellerScorecard as "SellerScorecard" {
        /// The seller.
        seller: User = batch(sellers);
        /// Targets on the list.
        targets: i32 = plain(|card| count(card.targets()));
        /// How many targets the book deserves.
        band: TargetBand = plain(|card| card.list.as_ref().map_or(NO_BAND, TargetList::band));
        /// The share of the targets that are ready; null without targets.
        readiness: Option<f64> = plain(|card| card.readiness().value);
        /// `readiness` with its Wilson interval and the number of targets; sufficient from 10.
        readinessEstimate: Estimate = plain(|card| card.readiness());
        /// Targets at which we are not present.
        absent: i32 = plain(|card| count(card.absent));
        /// The share of the minutes of the year so far that went to targets; null without any.
        focus: Option<f64> = plain(|card| card.focus);
        /// The share of next week's working time that is planned with targets; null without working time.
        nextWeekFillRate: Option<f64> = plain(|card| card.next_week);
        /// The agreed goals of the year.
        goal: Money = plain(|card, ctx| ctx.money(card.pipeline.goal));
        /// What their accounts booked in the year.
        booked: Money = plain(|card, ctx| ctx.money(card.pipeline.booked));
        /// booked ÷ goal; null without a goal.
        attainment: Option<f64> = plain(|card| card.attainment());
        /// The probability that the goals are reached: as `User.pipeline` has it.
        probability: f64 = plain(|card| card.pipeline.probability);
        /// closable ÷ remaining: as `User.pipeline` has it.
        coverage: Option<f64> = plain(|card| card.pipeline.coverage());
        /// Targets with a plan that someone committed to and that is not over.
        plansCommitted: i32 = plain(|card| count(card.committed));
        /// Targets without a plan, not even a draft.
        plansMissing: i32 = plain(|card| count(card.missing));
        /// Open plans of the seller whose review is overdue.
        reviewsOverdue: i32 = plain(|card| card.reviews_overdue);
        /// Promises of the seller that are overdue.
        promisesOverdue: i32 = plain(|card| card.promises_overdue);
    }
}

/// The band where it was not selected.
const NO_BAND: TargetBand = TargetBand {
    accounts: 0,
    low: 1,
    high: 1,
    position: crate::domain::targeting::target_list::band::BandPosition::Below,
};

async fn sellers(field: &FieldContext<'_>, of: &[&SellerScorecard]) -> Result<Batch<User>> {
    let users: Vec<User> = of.iter().map(|card| User(card.seller.as_ref().clone())).collect();
    field.objects(&users.iter().collect::<Vec<_>>()).await
}

impl SellerScorecard {
    fn of(seller: user::Model) -> Self {
        Self {
            seller: Arc::new(seller),
            list: None,
            ready: 0,
            absent: 0,
            committed: 0,
            missing: 0,
            focus: None,
            next_week: None,
            pipeline: Sufficiency::default(),
            reviews_overdue: 0,
            promises_overdue: 0,
        }
    }

    fn targets(&self) -> usize {
        self.list.as_ref().map_or(0, |list| list.targets().len())
    }

    fn readiness(&self) -> Estimate {
        Estimate::share(i64::from(count(self.ready)), i64::from(count(self.targets())), ENOUGH, "targets")
    }

    fn attainment(&self) -> Option<f64> {
        let Sufficiency { goal, booked, .. } = self.pipeline;
        (goal > 0).then(|| ratio(booked, goal))
    }
}

/// Arguments of `analytics.sellers`.
#[derive(Clone, Debug, InputObject)]
pub struct AnalyticsSellersArguments {
    /// The fiscal year of goals, bookings, probability and focus, 1 to 9999; the current one by default.
    pub year: Option<i32>,
    /// Only this user and everyone below them in the reporting line.
    pub reporting_to: Option<ID>,
}

/// Resolves `Analytics.sellers`: a fixed number of statements, at most nineteen.
///
/// # Errors
/// `BAD_USER_INPUT` for a year out of the calendar; `LIMIT_EXCEEDED` for more than 500 sellers.
pub async fn scorecards(
    field: &FieldContext<'_>,
    arguments: AnalyticsSellersArguments,
) -> Result<Option<Vec<SellerScorecard>>> {
    let AnalyticsSellersArguments { year, reporting_to } = arguments;
    check_year(year)?;
    let ctx = field.request;
    let mut cards: Vec<SellerScorecard> =
        members(ctx, reporting_to.as_ref()).await?.into_iter().map(SellerScorecard::of).collect();
    if cards.is_empty() {
        return Ok(Some(cards));
    }
    let collected = field.collected::<SellerScorecard>()?;
    let selects = |names: &[&str]| collected.iter().any(|field| names.contains(&field.name()));
    let presence = selects(&["readiness", "readinessEstimate", "absent"]);
    let plans = selects(&["plansCommitted", "plansMissing"]);
    if presence || plans || selects(&["targets", "band"]) {
        let wanted = cards.iter().map(|card| (card.seller.as_ref().clone(), None)).collect();
        for (card, list) in cards.iter_mut().zip(TargetList::of(ctx, wanted).await?) {
            card.list = Some(list);
        }
    }
    if presence {
        add_presence(ctx, &mut cards, selects(&["readiness", "readinessEstimate"])).await?;
    }
    if plans {
        add_plans(ctx, &mut cards).await?;
    }
    if selects(&["focus"]) {
        add_focus(ctx, &mut cards, year).await?;
    }
    if selects(&["nextWeekFillRate"]) {
        let users = cards.iter().map(|card| card.seller.as_ref().clone()).collect();
        for (card, week) in cards.iter_mut().zip(CalendarWeek::of(ctx, users, None).await?) {
            card.next_week = week.fill_rate();
        }
    }
    if selects(&["goal", "booked", "attainment", "probability", "coverage"]) {
        let start = ctx.viewer()?.fiscal_start();
        let wanted =
            cards.iter().map(|card| Wanted::of(Arc::clone(&card.seller), year, None, ctx.now, start)).collect();
        for (card, pipeline) in cards.iter_mut().zip(pipeline::read(ctx, wanted).await?) {
            card.pipeline = pipeline.sufficiency;
        }
    }
    if selects(&["reviewsOverdue"]) {
        let overdue = reviews_overdue(ctx, &cards).await?;
        for card in &mut cards {
            card.reviews_overdue = overdue.get(&card.seller.id).copied().unwrap_or_default();
        }
    }
    if selects(&["promisesOverdue"]) {
        let overdue = promises_overdue(ctx, &cards).await?;
        for card in &mut cards {
            card.promises_overdue = overdue.get(&card.seller.id).copied().unwrap_or_default();
        }
    }
    Ok(Some(cards))
}

/// Returns the active sellers of the caller's reporting line, and those others there who own an account, by name: one statement, and
/// one more for a reporting line.
async fn members(ctx: &RequestContext, reporting_to: Option<&ID>) -> Result<Vec<user::Model>> {
    use user::Column;
    let viewer = ctx.viewer()?;
    let organization = viewer.organization.id;
    let mut select = user::Entity::of(organization)
        .filter(Column::Active.eq(true))
        .filter(viewer.answers_for(Column::Id))
        .filter(Cond::any().add(Column::Role.eq(user::Role::Seller)).add(Expr::cust(
            "exists (select 1 from account where account.organization_id = member.organization_id
                and account.owner_id = member.id and account.archived_at is null)",
        )));
    if let Some(id) = reporting_to {
        ctx.read_members().await?;
        select = select.filter(filter::reporting_to(ctx, Column::Id, id)?);
    }
    let rows =
        select.order_by_asc(Column::NameKey).order_by_asc(Column::Id).limit(LONGEST_LIST + 1).all(ctx.reader()).await?;
    if rows.len() as u64 > LONGEST_LIST {
        let message = format!("There are more than {LONGEST_LIST} sellers: ask for fewer by `reportingTo`.");
        return Err(Error::LimitExceeded(message));
    }
    Ok(rows)
}

/// Adds at how many targets we are ready, and absent: at most four statements.
async fn add_presence(ctx: &RequestContext, cards: &mut [SellerScorecard], with_known: bool) -> Result<()> {
    let viewer = ctx.viewer()?;
    let accounts = |card: &SellerScorecard| -> Vec<AccountId> {
        card.list.iter().flat_map(|list| list.targets().iter().map(|target| target.0.account_id)).collect()
    };
    let asks: Vec<Ask> = cards.iter().flat_map(accounts).map(|account| Ask::at(viewer, account, ctx.now)).collect();
    let presences =
        if with_known { Presence::read(ctx, &asks, 0).await? } else { Presence::of_touches(ctx, &asks).await? };
    let mut rest = presences.as_slice();
    for card in cards {
        let (own, others) = rest.split_at(card.targets().min(rest.len()));
        card.ready = own.iter().filter(|presence| presence.is_ready()).count();
        card.absent = own.iter().filter(|presence| !presence.is_present()).count();
        rest = others;
    }
    Ok(())
}

/// Adds how many targets have a plan: one statement.
async fn add_plans(ctx: &RequestContext, cards: &mut [SellerScorecard]) -> Result<()> {
    let viewer = ctx.viewer()?;
    let today = viewer.day(ctx.now);
    let query = viewer
        .sums::<plan::Entity>(plan::Column::AccountId)
        .filter(plan::Column::Status.ne(PlanStatus::Closed))
        .filter(plan::Column::EndsOn.gte(today))
        .select_only()
        .columns([plan::Column::AccountId, plan::Column::Status])
        .into_query();
    let (mut planned, mut committed) = (HashSet::new(), HashSet::new());
    for row in ctx.reader().query_all(&query).await? {
        let (account, status): (AccountId, PlanStatus) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        planned.insert(account);
        if status == PlanStatus::Committed {
            committed.insert(account);
        }
    }
    for card in cards {
        let Some(list) = &card.list else { continue };
        let having = |accounts: &HashSet<AccountId>| {
            list.targets().iter().filter(|target| accounts.contains(&target.0.account_id)).count()
        };
        let (with_plan, with_commitment) = (having(&planned), having(&committed));
        card.committed = with_commitment;
        card.missing = list.targets().len() - with_plan;
    }
    Ok(())
}

/// Adds the focus of the year so far: two statements. A year that has not begun has none.
async fn add_focus(ctx: &RequestContext, cards: &mut [SellerScorecard], year: Option<i32>) -> Result<()> {
    let start = ctx.viewer()?.fiscal_start();
    let days = |seller: &user::Model| {
        let today = day_of(ctx.now, zone_of(seller));
        let (first, last) = calendar::fiscal_days(year.unwrap_or_else(|| calendar::fiscal_year(today, start)), start);
        (first, last.min(today))
    };
    let wanted: Vec<focus::UserDays> = cards
        .iter()
        .map(|card| (Arc::clone(&card.seller), days(&card.seller)))
        .filter(|(_, (first, last))| first <= last)
        .collect();
    let found = focus::read(ctx, &wanted).await?;
    let shares: HashMap<UserId, Option<f64>> =
        wanted.iter().zip(&found).map(|((seller, _), focus)| (seller.id, focus.minutes_share())).collect();
    for card in cards {
        card.focus = shares.get(&card.seller.id).copied().flatten();
    }
    Ok(())
}

fn ids(cards: &[SellerScorecard]) -> impl Iterator<Item = UserId> {
    cards.iter().map(|card| card.seller.id)
}

/// Returns the number of open plans of each seller whose review is overdue: one statement.
async fn reviews_overdue(ctx: &RequestContext, cards: &[SellerScorecard]) -> Result<HashMap<UserId, i32>> {
    use plan::Column;
    let viewer = ctx.viewer()?;
    let today: Day = viewer.day(ctx.now);
    let query = viewer
        .sums::<plan::Entity>(Column::AccountId)
        .filter(is_any_of(ctx.reader(), Column::OwnerId, ids(cards)))
        .filter(Column::Status.ne(PlanStatus::Closed))
        .filter(Column::NextReviewOn.lt(today))
        .filter(is_active(Column::AccountId))
        .select_only()
        .column(Column::OwnerId)
        .expr(Expr::cust("count(*)"))
        .group_by(Column::OwnerId)
        .into_query();
    counts(ctx, &query).await
}

/// Returns the number of overdue promises that each seller made: one statement.
async fn promises_overdue(ctx: &RequestContext, cards: &[SellerScorecard]) -> Result<HashMap<UserId, i32>> {
    use promise::Column;
    let viewer = ctx.viewer()?;
    let query = viewer
        .sums::<promise::Entity>(Column::AccountId)
        .filter(is_any_of(ctx.reader(), Column::MadeById, ids(cards)))
        .filter(Column::KeptOn.is_null())
        .filter(Column::DueOn.lt(viewer.day(ctx.now)))
        .filter(is_active(Column::AccountId))
        .select_only()
        .column(Column::MadeById)
        .expr(Expr::cust("count(*)"))
        .group_by(Column::MadeById)
        .into_query();
    counts(ctx, &query).await
}

async fn counts(ctx: &RequestContext, query: &sea_orm::sea_query::SelectStatement) -> Result<HashMap<UserId, i32>> {
    let mut found = HashMap::new();
    for row in ctx.reader().query_all(query).await? {
        let number: i64 = row.try_get_by_index(1)?;
        found.insert(row.try_get_by_index(0)?, i32::try_from(number).unwrap_or(i32::MAX));
    }
    Ok(found)
}
