//! The calendar week: what of a seller's working time is spent on whom, and what of it is blank. Blank spots of next week
//! are blank spots of the pipeline later on.
//!
//! | module | holds |
//! |---|---|
//! | here | the types and how they are read, for all users of a request at once |
//! | [`split`] | working time and its parts: pure |
//! | [`suggestion`] | whom to fill the blanks with |

pub mod split;
pub mod suggestion;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_graphql::{Enum, InputObject};
use chrono_tz::Tz;
use entity::contact::BuyingRole;
use entity::touch::TouchStatus as Stored;
use entity::{AccountId, Day, Instant, Scoped, TouchId, UserId, contact, target, touch, touch_contact, user};
use sea_orm::sea_query::{Cond, Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use self::split::{Split, Stretch, TimePart, TimeUse};
use self::suggestion::WeekSuggestionsArguments;
use crate::context::RequestContext;
use crate::domain::targeting::{Target, was_on_list};
use crate::domain::touch::weight::usual_minutes;
use crate::domain::touch::{Touch, TouchStatus};
use crate::domain::user::User;
use crate::domain::user::hours::WorkingHours;
use crate::error::{Error, Result};
use crate::graphql::pagination::LONGEST_LIST;
use crate::graphql::scalars::Date;
use crate::graphql::{Batch, FieldContext, graphql_enum, object};
use crate::values::calendar;

/// Touches that weeks are worked out from at most, for all users of a request together.
const MOST: u64 = 20_000;
/// Minutes of a touch at most: those that began so long before may reach into the week.
const LONGEST: i64 = 1_440;

/// A user's calendar week.
#[derive(Clone, Debug)]
pub struct CalendarWeek {
    user: user::Model,
    starts_on: Day,
    days: Vec<CalendarDay>,
    /// When it begins.
    from: Instant,
    /// When it is over.
    to: Instant,
}

/// A day of a calendar week.
#[derive(Clone, Debug)]
pub struct CalendarDay {
    on: Day,
    split: Split,
    touches: Vec<Touch>,
    target_touches: i32,
    /// All touches of the user's that reach into the week, by time.
    around: Arc<Vec<Touch>>,
}

/// What a stretch of working time is spent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum CalendarPartKind {
    /// Touches with a decision maker, influencer or stakeholder of a target.
    KeyPeople,
    /// Touches with others of a target, or without a named contact.
    Target,
    /// Touches with other accounts.
    Other,
    /// No touch.
    Blank,
}

impl CalendarPartKind {
    const fn of(time_use: Option<TimeUse>) -> Self {
        match time_use {
            Some(TimeUse::KeyPeople) => Self::KeyPeople,
            Some(TimeUse::Target) => Self::Target,
            Some(TimeUse::Other) => Self::Other,
            None => Self::Blank,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::KeyPeople => "KEY_PEOPLE",
            Self::Target => "TARGET",
            Self::Other => "OTHER",
            Self::Blank => "BLANK",
        }
    }
}
graphql_enum! { CalendarPartKind as CalendarPartKind }

/// A stretch of a day's working time.
#[derive(Clone, Debug)]
pub struct CalendarPart {
    part: TimePart,
    around: Arc<Vec<Touch>>,
}

/// Blank working time.
#[derive(Clone, Copy, Debug)]
pub struct BlankSpot {
    stretch: Stretch,
    big: bool,
}

object! {
    /// The working time of a week, split into four parts that add up to it exactly. Touches that are scheduled or completed
    /// count, of what is past those completed alone; one without a duration takes what is usual for its kind: a meeting 60
    /// minutes, an event 120, a call 15, others 5. Touches are clipped to the working time, and where they overlap, time
    /// counts once: with key people before others of targets before other accounts.
    CalendarWeek as "CalendarWeek" {
        /// Whose.
        user: User = batch(users);
        /// The Monday, in the user's time zone.
        startsOn: Day = plain(|week| week.starts_on);
        /// The seven days from Monday on; fewer where the calendar ends.
        days: Vec<CalendarDay> = batch(days);
        /// The user's working hours of the week. What a clock change leaves out of them moves to its end; of what it shows
        /// twice, a start is the first and an end the second.
        workingMinutes: i32 = plain(|week| week.sum(|day| day.working));
        /// Minutes with a decision maker, influencer or stakeholder of an account that was the user's agreed target when the
        /// touch began.
        keyPeopleMinutes: i32 = plain(|week| week.sum(|day| day.key_people));
        /// Minutes with others of such targets, or without a named contact.
        targetMinutes: i32 = plain(|week| week.sum(|day| day.target));
        /// Minutes with other accounts.
        otherMinutes: i32 = plain(|week| week.sum(|day| day.other));
        /// Minutes without a touch.
        blankMinutes: i32 = plain(|week| week.sum(|day| day.blank));
        /// (keyPeopleMinutes + targetMinutes) ÷ workingMinutes; null where there is no working time.
        fillRate: Option<f64> = plain(|week| week.fill_rate());
        /// The blank stretches, in order: each as long as it can be within one day.
        blankSpots: Vec<BlankSpot> = batch(blank_spots);
        /// Working days on which no touch with a target begins.
        blankDays: Vec<Day> = plain(|week| week.blank_days());
        /// Whom to fill the blanks with: the user's targets of today whose accounts have no touch in the week, those that
        /// fall absent soonest first, then those with the best score, then by potential.
        suggestions(WeekSuggestionsArguments): Vec<Target> = batch(suggestion::of_weeks);
    }
}

object! {
    /// A day of a calendar week.
    CalendarDay as "CalendarDay" {
        /// The day, in the user's time zone.
        on: Day = plain(|day| day.on);
        /// Working minutes.
        workingMinutes: i32 = plain(|day| whole(day.split.working));
        /// Working minutes without a touch.
        blankMinutes: i32 = plain(|day| whole(day.split.blank));
        /// The touches that begin on it, in working time or not: scheduled or completed ones by their time, at most 500.
        touches: Vec<Touch> = batch(touches);
        /// The number of those at the user's agreed targets.
        targetTouches: i32 = plain(|day| day.target_touches);
        /// The working time in order, stretch by stretch: each as long as it can be. Their minutes add up to
        /// workingMinutes exactly.
        parts: Vec<CalendarPart> = batch(parts);
    }
}

object! {
    /// A stretch of a day's working time that is spent on one thing. The parts of a day do not overlap, and leave no gap but
    /// those between working hours.
    CalendarPart as "CalendarPart" {
        /// What it is spent on. Where touches overlap, key people of targets count before others of targets, and these
        /// before other accounts.
        kind: CalendarPartKind = plain(|part| CalendarPartKind::of(part.part.time_use));
        /// The start.
        from: Instant = plain(|part| split::instant_of(part.part.stretch.from));
        /// The end.
        to: Instant = plain(|part| split::instant_of(part.part.stretch.to));
        /// The length in minutes: at least 1.
        minutes: i32 = plain(|part| whole(part.part.stretch.minutes()));
        /// The touches that take place in it or in a piece of it, by their time, at most 500, including those that another
        /// one outranks.
        touches: Vec<Touch> = batch(touches_of_parts);
    }
}

object! {
    /// A stretch of working time without a touch.
    BlankSpot as "BlankSpot" {
        /// The start of the interval.
        from: Instant = plain(|spot| split::instant_of(spot.stretch.from));
        /// The end of the interval.
        to: Instant = plain(|spot| split::instant_of(spot.stretch.to));
        /// The length in minutes.
        minutes: i32 = plain(|spot| whole(spot.stretch.minutes()));
        /// Is it as long as the organization's policy calls big (bigBlankMinutes)?
        big: bool = plain(|spot| spot.big);
    }
}

fn whole(minutes: i64) -> i32 {
    i32::try_from(minutes).unwrap_or(i32::MAX)
}

impl CalendarWeek {
    fn sum(&self, part: fn(&Split) -> i64) -> i32 {
        whole(self.days.iter().map(|day| part(&day.split)).sum())
    }

    /// Returns the share of the working time with targets; `None` without working time.
    #[must_use]
    pub fn fill_rate(&self) -> Option<f64> {
        let working = self.sum(|day| day.working);
        let filled = self.sum(|day| day.key_people + day.target);
        (working > 0).then(|| f64::from(filled) / f64::from(working))
    }

    fn blank_days(&self) -> Vec<Day> {
        let blank = self.days.iter().filter(|day| day.split.working > 0 && day.target_touches == 0);
        blank.map(|day| day.on).collect()
    }

    /// How many days have working time, and those of them on which no touch with a target begins, with their working minutes.
    pub fn working_and_blank_days(&self) -> (usize, Vec<(Day, i32)>) {
        let working: Vec<&CalendarDay> = self.days.iter().filter(|day| day.split.working > 0).collect();
        let blank = working.iter().filter(|day| day.target_touches == 0);
        (working.len(), blank.map(|day| (day.on, whole(day.split.working))).collect())
    }

    /// The weeks of users, in their order, that contain a day; next week where none is given. Three statements for any
    /// number of them. Who asks must be one who may see them.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`; `LIMIT_EXCEEDED` where there are too many touches; the database's.
    pub async fn of(ctx: &RequestContext, users: Vec<user::Model>, containing: Option<Day>) -> Result<Vec<Self>> {
        let frames: Vec<Frame> = users.into_iter().map(|user| Frame::of(user, containing, ctx.now)).collect();
        let ids: Vec<UserId> = frames.iter().map(|frame| frame.user.id).collect();
        let (Some(from), Some(to)) =
            (frames.iter().map(|frame| frame.from).min(), frames.iter().map(|frame| frame.to).max())
        else {
            return Ok(Vec::new());
        };
        let touches = touches_of(ctx, ids.clone(), from, to).await?;
        let targets = targets_of(ctx, ids, from, to).await?;
        let on_target = |touch: &touch::Model| {
            let held = targets.get(&(touch.user_id, touch.account_id));
            held.is_some_and(|held| held.iter().any(|target| was_on_list(target, touch.at)))
        };
        let aimed: HashSet<TouchId> = touches.iter().filter(|touch| on_target(touch)).map(|touch| touch.id).collect();
        let key = with_key_people(ctx, aimed.iter().copied().collect()).await?;
        let mut of_user: HashMap<UserId, Vec<(touch::Model, TimeUse)>> = HashMap::new();
        for touch in touches {
            let part = match (aimed.contains(&touch.id), key.contains(&touch.id)) {
                (true, true) => TimeUse::KeyPeople,
                (true, false) => TimeUse::Target,
                (false, _) => TimeUse::Other,
            };
            of_user.entry(touch.user_id).or_default().push((touch, part));
        }
        let week = |frame: Frame| {
            let touches = of_user.remove(&frame.user.id).unwrap_or_default();
            frame.week(touches)
        };
        Ok(frames.into_iter().map(week).collect())
    }
}

/// Whose week, and when it is.
struct Frame {
    user: user::Model,
    zone: Tz,
    starts_on: Day,
    from: Instant,
    to: Instant,
}

impl Frame {
    fn of(user: user::Model, containing: Option<Day>, now: Instant) -> Self {
        let zone = calendar::zone(&user.time_zone).unwrap_or(Tz::UTC);
        let day = containing.unwrap_or_else(|| calendar::day_of(now, zone).plus(7));
        let starts_on = calendar::monday(day);
        let (from, to) = (calendar::start_of(starts_on, zone), calendar::end_of(starts_on.plus(6), zone));
        Self { user, zone, starts_on, from, to }
    }

    /// The week, with the user's touches by time; those that do not reach into it do no harm.
    fn week(self, touches: Vec<(touch::Model, TimeUse)>) -> CalendarWeek {
        let Self { user, zone, starts_on, from, to } = self;
        let hours: Vec<WorkingHours> = serde_json::from_str(&user.working_hours).unwrap_or_default();
        let busy: Vec<(Stretch, TimeUse)> = touches.iter().map(|(touch, part)| (stretch_of(touch), *part)).collect();
        let mut of_day: HashMap<Day, (Vec<Touch>, i32)> = HashMap::new();
        for (touch, part) in touches.iter().filter(|(touch, _)| from <= touch.at && touch.at < to) {
            let (all, with_targets) = of_day.entry(calendar::day_of(touch.at, zone)).or_default();
            *with_targets += i32::from(*part > TimeUse::Other);
            all.push(Touch(touch.clone()));
        }
        let around = Arc::new(touches.into_iter().map(|(touch, _)| Touch(touch)).collect::<Vec<_>>());
        let day = |on: Day| {
            let (touches, target_touches) = of_day.remove(&on).unwrap_or_default();
            let split = split::split(&split::working_time(&hours, on, zone), &busy);
            CalendarDay { on, split, touches, target_touches, around: Arc::clone(&around) }
        };
        let days = split::days_of(starts_on).into_iter().map(day).collect();
        CalendarWeek { user, starts_on, days, from, to }
    }
}

/// How long a touch takes.
fn stretch_of(touch: &touch::Model) -> Stretch {
    let minutes = touch.duration_minutes.unwrap_or_else(|| usual_minutes(touch.kind));
    let from = split::minute_of(touch.at);
    Stretch { from, to: from + i64::from(minutes) }
}

/// What users made or are to make between two instants, or began before and may still be at, by time.
async fn touches_of(ctx: &RequestContext, users: Vec<UserId>, from: Instant, to: Instant) -> Result<Vec<touch::Model>> {
    use touch::Column;
    let rows = ctx
        .viewer()?
        .rows::<touch::Entity>(Column::AccountId)
        .filter(Column::UserId.is_in(users))
        .filter(Column::At.gt(from.plus_seconds(-60 * LONGEST)))
        .filter(Column::At.lt(to))
        .filter(Column::Status.is_in([Stored::Scheduled, Stored::Completed]))
        .order_by_asc(Column::At)
        .order_by_asc(Column::Id)
        .limit(MOST + 1)
        .all(ctx.reader())
        .await?;
    if rows.len() as u64 > MOST {
        let message = format!("These weeks have more than {MOST} touches together: ask for those of fewer users.");
        return Err(Error::LimitExceeded(message));
    }
    let stands = |touch: &touch::Model| TouchStatus::of(touch, ctx.now) != TouchStatus::Missed;
    Ok(rows.into_iter().filter(stands).collect())
}

/// The targets that users had between two instants, by user and account.
async fn targets_of(
    ctx: &RequestContext,
    users: Vec<UserId>,
    from: Instant,
    to: Instant,
) -> Result<HashMap<(UserId, AccountId), Vec<target::Model>>> {
    use target::Column;
    let began = from.plus_seconds(-60 * LONGEST);
    let rows = ctx
        .viewer()?
        .rows::<target::Entity>(Column::AccountId)
        .filter(Column::SellerId.is_in(users))
        .filter(Column::Since.lt(to))
        .filter(Cond::any().add(Column::Until.is_null()).add(Column::Until.gt(began)))
        .all(ctx.reader())
        .await?;
    let mut found: HashMap<(UserId, AccountId), Vec<target::Model>> = HashMap::new();
    for row in rows {
        found.entry((row.seller_id, row.account_id)).or_default().push(row);
    }
    Ok(found)
}

/// Which of these touches a decision maker, an influencer or a stakeholder takes part in.
async fn with_key_people(ctx: &RequestContext, touches: Vec<TouchId>) -> Result<HashSet<TouchId>> {
    if touches.is_empty() {
        return Ok(HashSet::new());
    }
    let viewer = ctx.viewer()?;
    let key = [BuyingRole::DecisionMaker, BuyingRole::Influencer, BuyingRole::Stakeholder];
    let person = Expr::col((contact::Entity, contact::Column::Id))
        .equals((touch_contact::Entity, touch_contact::Column::ContactId));
    let mut query = touch_contact::Entity::of(viewer.organization.id)
        .filter(touch_contact::Column::TouchId.is_in(touches))
        .filter(contact::Column::BuyingRole.is_in(key))
        .filter(viewer.sees(contact::Column::AccountId))
        .select_only()
        .column(touch_contact::Column::TouchId)
        .into_query();
    query.inner_join(contact::Entity, person);
    let rows = ctx.reader().query_all(&query).await?;
    rows.into_iter().map(|row| Ok(TouchId(row.try_get_by_index(0)?))).collect()
}

/// Arguments of `User.week`.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct WeekArguments {
    /// Any day of the week, in the user's time zone; one of next week where none is given.
    pub containing: Option<Date>,
}

/// Answers `User.week`: null for a caller who is neither the user, nor above them, nor ADMIN.
///
/// # Errors
/// As [`CalendarWeek::of`].
pub async fn of_users(
    field: &FieldContext<'_>,
    of: &[&User],
) -> Result<Batch<Option<crate::domain::week::CalendarWeek>>> {
    let WeekArguments { containing } = field.arguments()?;
    let viewer = field.request.viewer()?;
    let mut ids = HashSet::new();
    let seen = of.iter().filter(|user| viewer.is_above_or_is(user.0.id) && ids.insert(user.0.id));
    let seen: Vec<user::Model> = seen.map(|user| user.0.clone()).collect();
    let weeks = CalendarWeek::of(field.request, seen, containing.map(|day| day.0)).await?;
    let by_user: HashMap<UserId, &CalendarWeek> = weeks.iter().map(|week| (week.user.id, week)).collect();
    field.optional_objects(&of.iter().map(|user| by_user.get(&user.0.id).copied()).collect::<Vec<_>>()).await
}

async fn users(field: &FieldContext<'_>, of: &[&CalendarWeek]) -> Result<Batch<User>> {
    let users: Vec<User> = of.iter().map(|week| User(week.user.clone())).collect();
    field.objects(&users.iter().collect::<Vec<_>>()).await
}

async fn days(field: &FieldContext<'_>, of: &[&CalendarWeek]) -> Result<Batch<Vec<CalendarDay>>> {
    field.object_lists(&of.iter().map(|week| week.days.as_slice()).collect::<Vec<_>>()).await
}

async fn blank_spots(field: &FieldContext<'_>, of: &[&CalendarWeek]) -> Result<Batch<Vec<BlankSpot>>> {
    let big = i64::from(field.request.viewer()?.organization.big_blank_minutes);
    let spot = |stretch: Stretch| BlankSpot { stretch, big: stretch.minutes() >= big };
    let spots_of =
        |week: &&CalendarWeek| week.days.iter().flat_map(|day| day.split.blanks()).map(spot).collect::<Vec<_>>();
    let lists: Vec<Vec<BlankSpot>> = of.iter().map(spots_of).collect();
    field.object_lists(&lists.iter().map(Vec::as_slice).collect::<Vec<_>>()).await
}

async fn touches(field: &FieldContext<'_>, of: &[&CalendarDay]) -> Result<Batch<Vec<Touch>>> {
    if of.iter().any(|day| day.touches.len() as u64 > LONGEST_LIST) {
        let message = format!("A day has more than {LONGEST_LIST} touches: page through `touches` with a filter.");
        return Err(Error::LimitExceeded(message));
    }
    field.object_lists(&of.iter().map(|day| day.touches.as_slice()).collect::<Vec<_>>()).await
}

async fn parts(field: &FieldContext<'_>, of: &[&CalendarDay]) -> Result<Batch<Vec<CalendarPart>>> {
    let part_of = |day: &&CalendarDay| {
        let part = |part: &TimePart| CalendarPart { part: *part, around: Arc::clone(&day.around) };
        day.split.parts.iter().map(part).collect::<Vec<_>>()
    };
    let lists: Vec<Vec<CalendarPart>> = of.iter().map(part_of).collect();
    field.object_lists(&lists.iter().map(Vec::as_slice).collect::<Vec<_>>()).await
}

impl CalendarPart {
    /// Returns the touches that take place in it, by their time.
    fn touches(&self) -> impl Iterator<Item = &Touch> {
        let Stretch { from, to } = self.part.stretch;
        // None is longer than a day.
        let begin = |minute: i64| self.around.partition_point(|touch| split::minute_of(touch.0.at) < minute);
        let near = self.around.get(begin(from - LONGEST)..begin(to)).unwrap_or_default();
        near.iter().filter(move |touch| stretch_of(&touch.0).to > from)
    }
}

async fn touches_of_parts(field: &FieldContext<'_>, of: &[&CalendarPart]) -> Result<Batch<Vec<Touch>>> {
    let most = usize::try_from(LONGEST_LIST).unwrap_or(usize::MAX);
    let lists: Vec<Vec<&Touch>> = of.iter().map(|part| part.touches().take(most + 1).collect()).collect();
    if lists.iter().any(|list| list.len() > most) || lists.iter().map(|list| list.len() as u64).sum::<u64>() > MOST {
        let message = format!("A stretch has more than {LONGEST_LIST} touches: page through `touches` with a filter.");
        return Err(Error::LimitExceeded(message));
    }
    field.lists_of_references(&lists).await
}
