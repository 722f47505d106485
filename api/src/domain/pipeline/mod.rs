//! Pipeline sufficiency: whether a seller's open opportunities are more than enough to reach the goals of a year, and when it is
//! too late to open another one.
//!
//! | module | contents |
//! |---|---|
//! | this one | the type and how it is read, for all sellers and days of a request together |
//! | [`sufficiency`] | the arithmetic: pure |
//! | [`deal`] | opportunities as they stood on a day |
//! | [`lag`] | how long it takes from the first touch with a target to an opportunity |

pub mod deal;
pub mod lag;
pub mod sufficiency;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use async_graphql::InputObject;
use entity::{AccountId, Day, Instant, OpportunityId, Scoped, UserId, account, goal, user};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect, QueryTrait};
use statistics::survival::quartiles;

use self::deal::{Deal, PointInTime};
use self::sufficiency::{Pledge, Sufficiency, sufficiency};
use crate::context::RequestContext;
use crate::domain::account::list::check_year;
use crate::domain::goal::progress::Booked;
use crate::domain::goal::{amount_agreed_by, sums_by_day};
use crate::domain::opportunity::{Opportunity, probability_of, stalled};
use crate::domain::reason::{self, Reason};
use crate::domain::targeting::instant_of;
use crate::domain::touch::people::zone_of;
use crate::domain::user::User;
use crate::error::{Error, Result};
use crate::graphql::estimate::{ENOUGH, Estimate};
use crate::graphql::pagination::LONGEST_LIST;
use crate::graphql::quartiles::Percentiles;
use crate::graphql::scalars::Date;
use crate::graphql::series::SeriesArguments;
use crate::graphql::{Batch, FieldContext, object};
use crate::values::calendar;
use crate::values::money::Money;
use database::columns::is_any_of;

/// Accounts or opportunities that one statement names at most.
const CHUNK: usize = 5_000;

/// Arguments of `User.pipeline`.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct PipelineArguments {
    /// The fiscal year, 1 to 9999; by default that of the day.
    pub year: Option<i32>,
    /// The user's day; by default today.
    pub on: Option<Date>,
}

/// A seller's pipeline on a day, against the goals of a fiscal year.
#[derive(Clone, Debug)]
pub struct PipelineSufficiency {
    seller: Arc<user::Model>,
    year: i32,
    days: (Day, Day),
    moment: PointInTime,
    margin: f64,
    goals: usize,
    /// What it holds.
    pub sufficiency: Sufficiency,
    won: i64,
    closed: i64,
    /// The mean amount of the opportunities won in the year before, in minor units.
    mean_won: Option<f64>,
    cycle: Percentiles,
}

object! {
    /// Whether a seller's open opportunities are more than enough to reach the goals of a fiscal year, by the end of a day of the
    /// seller's or by now. Goals are the agreed ones of the accounts that the seller owns today, opportunities those that the
    /// seller owns today; of a past day both count with the amounts, stages and expected days that they had then. Accounts that
    /// were archived by then do not count.
    PipelineSufficiency as "PipelineSufficiency" {
        /// The fiscal year.
        year: i32 = plain(|pipeline| pipeline.year);
        /// The seller's day.
        on: Day = plain(|pipeline| pipeline.moment.on);
        /// The sum of the agreed goals of the year.
        goal: Money = plain(|pipeline, ctx| ctx.money(pipeline.sufficiency.goal));
        /// What their accounts booked in the year by the day.
        booked: Money = plain(|pipeline, ctx| ctx.money(pipeline.sufficiency.booked));
        /// What is still to be booked: the sum of what each goal still lacks. What an account books beyond its goal does not make
        /// up for another one.
        remaining: Money = plain(|pipeline, ctx| ctx.money(pipeline.sufficiency.remaining));
        /// The sum of the open opportunities; one without an amount counts 0.
        open: Money = plain(|pipeline, ctx| ctx.money(pipeline.sufficiency.open));
        /// The sum of the open opportunities that are expected to close within the year. One that is overdue may still close in
        /// the current year. One without an expected day does not count.
        closable: Money = plain(|pipeline, ctx| ctx.money(pipeline.sufficiency.closable));
        /// The sum of amount × probability of these.
        weighted: Money = plain(|pipeline, ctx| ctx.money(pipeline.sufficiency.weighted));
        /// closable ÷ remaining; null where nothing remains.
        coverage: Option<f64> = plain(|pipeline| pipeline.sufficiency.coverage());
        /// The probability that what is won of the closable opportunities is at least what remains, if they are won independently
        /// with their probabilities. Exact for up to 20,000 different sums, else to within 0.0005. 1 where nothing remains.
        probability: f64 = plain(|pipeline| pipeline.sufficiency.probability);
        /// Whether the probability is at least 1 − the policy's pipelineMargin.
        enough: bool = plain(|pipeline| pipeline.sufficiency.is_enough(pipeline.margin));
        /// The share of the seller's opportunities closed in the 365 days before that were won, with its Wilson interval;
        /// sufficient from 10.
        winRate: Estimate = plain(|pipeline| pipeline.win_rate());
        /// Days from opening an opportunity until it is won or lost, of those opened in the three years before.
        cycleDays: Percentiles = plain(|pipeline| pipeline.cycle);
        /// The last day on which an opportunity may be opened that closes within the year, if it lasts the median of cycleDays;
        /// null where there is no median.
        lastDayToOpen: Option<Day> = plain(|pipeline| pipeline.last_day_to_open());
        /// That day minus the median of the days from the first touch with a target to an opportunity: the last day on which a
        /// first touch may still lead to a win within the year. Null where either median is missing.
        lastUsefulTouchOn: Option<Day> = batch(last_useful_touches);
        /// Days from the first touch with one of the seller's targets until an opportunity is opened there, of the targets agreed
        /// in the three years before.
        touchToOpportunityDays: Percentiles = batch(lags);
        /// Open opportunities that were opened, or last asked about, at least 14 days before; by id, at most 500.
        stalled: Vec<Opportunity> = batch(stalled_ones);
        /// What the probability rests on: the goals and what remains of them, the closable opportunities, and the margin.
        because: Vec<Reason> = batch(reasons);
        /// The same pipeline against the same year on the days of a line chart.
        series(SeriesArguments): Vec<PipelineSufficiency> = batch(series);
    }
}

impl PipelineSufficiency {
    fn win_rate(&self) -> Estimate {
        Estimate::share(self.won, self.closed, ENOUGH, "opportunities closed in the 365 days before")
    }

    /// Returns the win rate and the mean won amount in minor units, where there are any.
    #[must_use]
    pub fn yield_of_one(&self) -> (Option<f64>, Option<f64>) {
        (self.win_rate().value, self.mean_won)
    }

    /// Returns the number of opportunities behind the win rate.
    #[must_use]
    pub fn closed(&self) -> i32 {
        self.win_rate().n
    }

    /// Returns the last day of the year.
    #[must_use]
    pub fn last_day(&self) -> Day {
        self.days.1
    }

    fn last_day_to_open(&self) -> Option<Day> {
        self.cycle.0.p50.map(|median| before(self.days.1, median))
    }

    fn reasons(&self, shown: &dyn Fn(i64) -> String) -> Vec<Reason> {
        let Sufficiency { goal, booked, remaining, closable, closing, .. } = self.sufficiency;
        let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        let goals = match self.goals {
            0 => "none agreed for this year, so nothing remains".to_owned(),
            number => format!("{} in {number}", shown(goal)),
        };
        vec![
            Reason::number("Goals", count(self.goals), goals),
            Reason::new("Booked by their accounts", shown(booked)),
            Reason::new("Remaining", shown(remaining)),
            Reason::number("Closable within the year", count(closing), format!("{} in {closing}", shown(closable))),
            Reason::number("Margin", self.margin, format!("{} %", self.margin * 100.0))
                .holds(self.sufficiency.is_enough(self.margin)),
        ]
    }
}

/// Returns the day some days before another one.
fn before(day: Day, days: f64) -> Day {
    #[expect(clippy::cast_possible_truncation, reason = "it saturates")]
    let days = days.ceil() as i32;
    day.plus(-days)
}

/// What pipelines of a seller follow from.
#[derive(Debug, Default)]
struct Book {
    deals: Vec<Deal>,
    goals: Vec<AgreedGoal>,
}

/// A goal with its past.
#[derive(Debug)]
struct AgreedGoal {
    year: i32,
    amount: Option<i64>,
    revisions: String,
    archived_at: Option<Instant>,
    booked: BTreeMap<Day, Booked>,
}

impl AgreedGoal {
    fn pledge(&self, moment: PointInTime) -> Option<Pledge> {
        if self.archived_at.is_some_and(|archived_at| archived_at <= moment.at) {
            return None;
        }
        let goal = if moment.is_now { self.amount } else { amount_agreed_by(&self.revisions, moment.at) }?;
        let counts = |day: &Day| moment.is_now || *day <= moment.on;
        let booked = self.booked.iter().filter(|(day, _)| counts(day)).map(|(_, booked)| booked.sum);
        Some(Pledge { goal, booked: booked.fold(0, i64::saturating_add) })
    }
}

impl Book {
    fn pipeline(&self, wanted: &Wanted, days: (Day, Day), margin: f64) -> PipelineSufficiency {
        let moment = wanted.moment;
        let closed: Vec<bool> = self.deals.iter().filter_map(|deal| deal.closed_before(moment)).collect();
        let won = closed.iter().filter(|won| **won).count();
        let unknown = match closed.len() {
            0 => probability_of(entity::opportunity::Stage::Identified),
            closed => i32::try_from((100 * won).div_euclid(closed)).unwrap_or(100),
        };
        let open: Vec<_> = self.deals.iter().filter_map(|deal| deal.open_on(moment, unknown)).collect();
        let pledges: Vec<Pledge> =
            self.goals.iter().filter(|goal| goal.year == wanted.year).filter_map(|goal| goal.pledge(moment)).collect();
        let cycles: Vec<_> = self.deals.iter().filter_map(|deal| deal.cycle(moment)).collect();
        #[expect(clippy::cast_precision_loss, reason = "an amount has 15 digits at most")]
        let amounts: Vec<f64> =
            self.deals.iter().filter_map(|deal| deal.won_amount(moment)).map(|amount| amount as f64).collect();
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        PipelineSufficiency {
            seller: Arc::clone(&wanted.seller),
            year: wanted.year,
            days,
            moment,
            margin,
            goals: pledges.len(),
            sufficiency: sufficiency(&pledges, &open, days, moment.on),
            won: count(won),
            closed: count(closed.len()),
            mean_won: statistics::interval::mean(&amounts).map(|mean| mean.value),
            cycle: Percentiles(quartiles(&cycles)),
        }
    }
}

/// Whose pipeline, on which day and against which year.
#[derive(Clone, Debug)]
pub struct Wanted {
    seller: Arc<user::Model>,
    year: i32,
    moment: PointInTime,
}

impl Wanted {
    /// Returns what is asked for: by default today, and the fiscal year of the day.
    #[must_use]
    pub fn of(seller: Arc<user::Model>, year: Option<i32>, on: Option<Day>, now: Instant, fiscal_start: u32) -> Self {
        let zone = zone_of(&seller);
        let at = instant_of(on, now, zone);
        let on = on.unwrap_or_else(|| calendar::day_of(now, zone));
        let year = year.unwrap_or_else(|| calendar::fiscal_year(on, fiscal_start));
        Self { seller, year, moment: PointInTime { on, at, is_now: at == now } }
    }
}

/// Returns pipelines, in the order in which they are wanted: three statements for any number of them, and one more if one is of a
/// past day. The caller must be allowed to see them.
///
/// # Errors
/// `UNAUTHENTICATED`; database errors.
pub async fn read(ctx: &RequestContext, wanted: Vec<Wanted>) -> Result<Vec<PipelineSufficiency>> {
    let viewer = ctx.viewer()?;
    let Some(earliest) = wanted.iter().map(|wanted| wanted.moment).min_by_key(|moment| (moment.at, moment.on)) else {
        return Ok(Vec::new());
    };
    let mut sellers: Vec<UserId> = wanted.iter().map(|wanted| wanted.seller.id).collect();
    sellers.sort_unstable();
    sellers.dedup();
    let mut books: HashMap<UserId, Book> = HashMap::new();
    for (seller, deals) in deal::of_owners(ctx, &sellers, earliest).await? {
        books.entry(seller).or_default().deals = deals;
    }
    let years: HashSet<i32> = wanted.iter().map(|wanted| wanted.year).collect();
    for (seller, goal) in goals(ctx, &sellers, years).await? {
        books.entry(seller).or_default().goals.push(goal);
    }
    let (start, margin) = (viewer.fiscal_start(), viewer.organization.pipeline_margin);
    // Very many amounts take tenths of a second.
    let computed = tokio::task::spawn_blocking(move || {
        let nothing = Book::default();
        let pipeline = |wanted: &Wanted| {
            let book = books.get(&wanted.seller.id).unwrap_or(&nothing);
            book.pipeline(wanted, calendar::fiscal_days(wanted.year, start), margin)
        };
        wanted.iter().map(pipeline).collect()
    });
    computed.await.map_err(Error::internal)
}

/// Returns the goals of the accounts that sellers own in some years, each with its seller and what its account booked: two
/// statements.
async fn goals(ctx: &RequestContext, sellers: &[UserId], years: HashSet<i32>) -> Result<Vec<(UserId, AgreedGoal)>> {
    use goal::Column;
    let viewer = ctx.viewer()?;
    let start = viewer.fiscal_start();
    // A join would be searched from the goals on SQLite, each for all sellers.
    let owned = account::Entity::of(viewer.organization.id)
        .filter(is_any_of(ctx.reader(), account::Column::OwnerId, sellers.iter().copied()))
        .select_only()
        .column(account::Column::Id)
        .into_query();
    let (first, last) = (years.iter().min(), years.iter().max());
    let days = first
        .zip(last)
        .map(|(first, last)| (calendar::fiscal_days(*first, start).0, calendar::fiscal_days(*last, start).1));
    let mut query = viewer
        .rows::<goal::Entity>(Column::AccountId)
        .filter(Column::Year.is_in(years))
        .filter(Column::AccountId.in_subquery(owned))
        .select_only()
        .columns([Column::AccountId, Column::Year, Column::AgreedAmount, Column::Revisions])
        .into_query();
    for column in ["owner_id", "archived_at"] {
        query.expr(Expr::cust(format!("(select account.{column} from account where account.id = goal.account_id)")));
    }
    let mut found: Vec<(AccountId, UserId, AgreedGoal)> = Vec::new();
    for row in ctx.reader().query_all(&query).await? {
        let goal = AgreedGoal {
            year: row.try_get_by_index(1)?,
            amount: row.try_get_by_index(2)?,
            revisions: row.try_get_by_index(3)?,
            archived_at: row.try_get_by_index(5)?,
            booked: BTreeMap::new(),
        };
        found.push((row.try_get_by_index(0)?, row.try_get_by_index(4)?, goal));
    }
    if let Some((first, last)) = days {
        let accounts: HashSet<AccountId> = found.iter().map(|(account, _, _)| *account).collect();
        let accounts: Vec<AccountId> = accounts.into_iter().collect();
        let mut sums = HashMap::new();
        for accounts in accounts.chunks(CHUNK) {
            sums.extend(sums_by_day(ctx.reader(), viewer.organization.id, accounts.to_vec(), first, last).await?);
        }
        for (account, _, goal) in &mut found {
            let (first, last) = calendar::fiscal_days(goal.year, start);
            if let Some(by_day) = sums.get(account) {
                goal.booked = by_day.range(first..=last).map(|(day, booked)| (*day, *booked)).collect();
            }
        }
    }
    Ok(found.into_iter().map(|(_, seller, goal)| (seller, goal)).collect())
}

/// Answers `User.pipeline`: null for a caller who is neither the user, nor above them, nor ADMIN.
///
/// # Errors
/// `BAD_USER_INPUT` for a year out of the calendar.
pub async fn of_users(
    field: &FieldContext<'_>,
    of: &[&User],
) -> Result<Batch<Option<crate::domain::pipeline::PipelineSufficiency>>> {
    let PipelineArguments { year, on } = field.arguments()?;
    check_year(year)?;
    let viewer = field.request.viewer()?;
    let mut ids = HashSet::new();
    let seen = of.iter().filter(|user| viewer.is_above_or_is(user.0.id) && ids.insert(user.0.id));
    let wanted = seen
        .map(|user| {
            let seller = Arc::new(user.0.clone());
            Wanted::of(seller, year, on.map(|day| day.0), field.request.now, viewer.fiscal_start())
        })
        .collect();
    let pipelines = read(field.request, wanted).await?;
    let by_seller: HashMap<UserId, &PipelineSufficiency> =
        pipelines.iter().map(|pipeline| (pipeline.seller.id, pipeline)).collect();
    field.optional_objects(&of.iter().map(|user| by_seller.get(&user.0.id).copied()).collect::<Vec<_>>()).await
}

async fn series(field: &FieldContext<'_>, of: &[&PipelineSufficiency]) -> Result<Batch<Vec<PipelineSufficiency>>> {
    let arguments: SeriesArguments = field.arguments()?;
    let days = arguments.days(of.len())?;
    let viewer = field.request.viewer()?;
    let point = |pipeline: &PipelineSufficiency, day: Day| {
        let seller = Arc::clone(&pipeline.seller);
        Wanted::of(seller, Some(pipeline.year), Some(day), field.request.now, viewer.fiscal_start())
    };
    let wanted = of.iter().flat_map(|pipeline| days.iter().map(|day| point(pipeline, *day))).collect();
    let points = read(field.request, wanted).await?;
    field.object_lists(&points.chunks(days.len()).collect::<Vec<_>>()).await
}

async fn reasons(field: &FieldContext<'_>, of: &[&PipelineSufficiency]) -> Result<Batch<Vec<Reason>>> {
    let currency = field.request.viewer()?.currency;
    let shown = |minor: i64| format!("{} {}", currency.decimal(minor), currency.code());
    reason::answer(field, &of.iter().map(|pipeline| pipeline.reasons(&shown)).collect::<Vec<_>>()).await
}

/// Returns how long it takes from the first touch with a seller's target to an opportunity, for each pipeline: two statements for
/// any number of them.
async fn lags_of(ctx: &RequestContext, of: &[&PipelineSufficiency]) -> Result<Vec<Percentiles>> {
    let mut sellers: Vec<UserId> = of.iter().map(|pipeline| pipeline.seller.id).collect();
    sellers.sort_unstable();
    sellers.dedup();
    let earliest = of.iter().map(|pipeline| pipeline.moment.at).min().unwrap_or(ctx.now);
    let since = Instant(earliest.0 - i64::from(deal::CYCLE_DAYS) * calendar::DAY);
    let courses = lag::of_sellers(ctx, sellers, since).await?;
    let percentiles = |pipeline: &&PipelineSufficiency| {
        let (seller, moment) = (&pipeline.seller, pipeline.moment);
        let since = Instant(moment.at.0 - i64::from(deal::CYCLE_DAYS) * calendar::DAY);
        let own = courses.get(&seller.id).map_or(&[][..], Vec::as_slice);
        let zone = zone_of(seller);
        let cases: Vec<_> =
            own.iter().filter(|course| course.since > since).filter_map(|course| course.case(moment, zone)).collect();
        Percentiles(quartiles(&cases))
    };
    Ok(of.iter().map(percentiles).collect())
}

async fn lags(field: &FieldContext<'_>, of: &[&PipelineSufficiency]) -> Result<Batch<Percentiles>> {
    let lags = lags_of(field.request, of).await?;
    field.objects(&lags.iter().collect::<Vec<_>>()).await
}

async fn last_useful_touches(field: &FieldContext<'_>, of: &[&PipelineSufficiency]) -> Result<Batch<Option<Day>>> {
    let mut answers = Batch::with_capacity(of.len());
    for (pipeline, lag) in of.iter().zip(lags_of(field.request, of).await?) {
        let day = pipeline.last_day_to_open().zip(lag.0.p50).map(|(day, median)| before(day, median));
        answers.push(field.request, &day);
    }
    Ok(answers)
}

/// Answers with the stalled opportunities that the caller sees: two statements for any number of pipelines.
async fn stalled_ones(field: &FieldContext<'_>, of: &[&PipelineSufficiency]) -> Result<Batch<Vec<Opportunity>>> {
    let owners: Vec<(UserId, Instant, Day)> =
        of.iter().map(|pipeline| (pipeline.seller.id, pipeline.moment.at, pipeline.moment.on)).collect();
    let mut lists: Vec<Vec<OpportunityId>> = vec![Vec::new(); of.len()];
    for (place, stalled) in stalled::of_owners(field.request, &owners).await? {
        lists[place].push(stalled.opportunity);
    }
    let found = Opportunity::fetch(field.request, lists.iter().flatten().copied()).await?;
    let lists: Vec<Vec<&Opportunity>> =
        lists.iter().map(|ids| ids.iter().filter_map(|id| found.get(id)).collect()).collect();
    if lists.iter().any(|list| list.len() as u64 > LONGEST_LIST) {
        let message =
            format!("More than {LONGEST_LIST} opportunities are stalled: page through `opportunities` with a filter.");
        return Err(Error::LimitExceeded(message));
    }
    field.lists_of_references(&lists).await
}
