//! Today: what a user ought to do, each suggestion with why and what skipping it costs.
//!
//! | module | holds |
//! |---|---|
//! | here | the types, and how all kinds come together |
//! | [`order`] | the order of suggestions: pure |
//! | [`suggestion_id`] | the ids of suggestions: pure |
//! | [`mod@snooze`] | suggestions that are put off |
//! | [`answer_trigger_event`] | trigger events of their clients |
//! | [`keep_promise`] | promises to clients |
//! | [`fill_blank_day`] | days of next week without a touch with a target |
//! | [`touch_target`] | targets at which we are absent, or soon will be |
//! | [`ask_for_commitment`] | stalled opportunities |
//! | [`decide_target`] | proposals that wait for their decision |
//! | [`do_action`] | their actions in plans |
//! | [`review_plan`] | their plans that are due for review |
//! | [`write_plan`] | targets without a plan |
//! | [`set_goal`] | targets without a goal for the year |
//!
//! A kind is a file: what it finds for all users at once, in a fixed number of statements, and a pure function that makes
//! a suggestion of one of those ([`Finding`]). A new kind is one more file, and a line in [`findings`]. Nothing at an archived
//! account is suggested. Where the day is today, rows count as they stand now, even if their own day has not begun in the
//! user's time zone.

pub mod answer_trigger_event;
pub mod ask_for_commitment;
pub mod decide_target;
pub mod do_action;
pub mod fill_blank_day;
pub mod keep_promise;
pub mod order;
pub mod review_plan;
pub mod set_goal;
pub mod snooze;
pub mod suggestion_id;
pub mod touch_target;
pub mod write_plan;

use std::collections::{BTreeMap, HashMap, HashSet};

use async_graphql::{Enum, InputObject};
use chrono_tz::Tz;
use entity::{AccountId, Day, Id, Instant, Scoped, UserId, opportunity, user};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect, QueryTrait};
use serde_json::Value;
use uuid::Uuid;

use crate::context::RequestContext;
use crate::domain::account::Account;
use crate::domain::targeting::instant_of;
use crate::domain::touch::people::zone_of;
use crate::domain::user::User;
use crate::error::{Error, Result};
use crate::graphql::filter::among_ids;
use crate::graphql::pagination::LONGEST_LIST;
use crate::graphql::scalars::{Date, Json};
use crate::graphql::{AnyId, AnyNode, Batch, FieldContext, graphql_enum, object};
use crate::values::calendar::day_of;
use crate::values::money::Currency;

/// The largest number of suggestions of one list.
const MOST: i32 = 200;
/// The default number of suggestions of a list.
const USUAL: i32 = 20;

/// Days ahead within which something is suggested.
const SOON: i32 = 7;

/// The kind of a suggested action. Suggestions that cost the same to skip come in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SuggestionKind {
    /// A trigger event is unanswered.
    AnswerTriggerEvent,
    /// A promise is due.
    KeepPromise,
    /// We are absent at a target, or soon will be.
    TouchTarget,
    /// An action of a plan is due.
    DoAction,
    /// An opportunity is stalled.
    AskForCommitment,
    /// A proposal waits for a decision.
    DecideTarget,
    /// A plan is due for review.
    ReviewPlan,
    /// A target has no plan.
    WritePlan,
    /// A target has no goal.
    SetGoal,
    /// A day of next week has no touch with a target.
    FillBlankDay,
}

impl SuggestionKind {
    const fn word(self) -> &'static str {
        match self {
            Self::AnswerTriggerEvent => "ANSWER_TRIGGER_EVENT",
            Self::KeepPromise => "KEEP_PROMISE",
            Self::TouchTarget => "TOUCH_TARGET",
            Self::DoAction => "DO_ACTION",
            Self::AskForCommitment => "ASK_FOR_COMMITMENT",
            Self::DecideTarget => "DECIDE_TARGET",
            Self::ReviewPlan => "REVIEW_PLAN",
            Self::WritePlan => "WRITE_PLAN",
            Self::SetGoal => "SET_GOAL",
            Self::FillBlankDay => "FILL_BLANK_DAY",
        }
    }
}

/// The kind of a suggested action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum SuggestedActionKind {
    /// Touch a target at which we are absent, or will be within a week; unless a touch is scheduled in time.
    TouchTarget,
    /// Keep a promise to a client that is overdue or due within a week.
    KeepPromise,
    /// Do an action of a plan that is assigned to the user and overdue or due within a week.
    DoAction,
    /// Review a plan of the user's whose review is overdue or due within a week.
    ReviewPlan,
    /// Write a plan for a target that has none.
    WritePlan,
    /// Ask for a commitment on an open opportunity that was opened, or last asked about, at least 14 days ago.
    AskForCommitment,
    /// Answer a trigger event of the last 90 days at an account of the user's that is not settled and led to no opportunity.
    AnswerTriggerEvent,
    /// Fill a day of next week without a touch with a target.
    FillBlankDay,
    /// Decide on a target that another user proposed.
    DecideTarget,
    /// Set a goal for a target that has none for the current fiscal year.
    SetGoal,
}
graphql_enum! { SuggestionKind as SuggestedActionKind }

impl SuggestedActionKind {
    /// Whether it is this kind.
    fn is(self, kind: SuggestionKind) -> bool {
        let of = match self {
            Self::TouchTarget => SuggestionKind::TouchTarget,
            Self::KeepPromise => SuggestionKind::KeepPromise,
            Self::DoAction => SuggestionKind::DoAction,
            Self::ReviewPlan => SuggestionKind::ReviewPlan,
            Self::WritePlan => SuggestionKind::WritePlan,
            Self::AskForCommitment => SuggestionKind::AskForCommitment,
            Self::AnswerTriggerEvent => SuggestionKind::AnswerTriggerEvent,
            Self::FillBlankDay => SuggestionKind::FillBlankDay,
            Self::DecideTarget => SuggestionKind::DecideTarget,
            Self::SetGoal => SuggestionKind::SetGoal,
        };
        of == kind
    }
}

/// A suggestion.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// The suggested action.
    pub kind: SuggestionKind,
    /// The account.
    pub account: Option<AccountId>,
    /// What it is about: the prefix of its id, and the id.
    pub subject: (&'static str, Uuid),
    /// What it is about, in a few words.
    pub title: String,
    /// The numbers of the sentences, by name: a JSON object.
    pub facts: Value,
    /// Why.
    pub why: String,
    /// What skipping it costs.
    pub if_skipped: String,
    /// By when.
    pub due_on: Option<Day>,
    /// What skipping it costs, to be compared.
    pub cost: SkippingCost,
    /// Where two of a kind cost the same: lower is more pressing.
    pub place: i64,
}

/// What skipping a suggestion costs: compared one after the other, more is more pressing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SkippingCost {
    /// Whether it comes before everything else of its kind.
    pub urgent: bool,
    /// The open amount behind it, in minor units.
    pub amount: i64,
    /// The presence that is lost within a week.
    pub presence: f64,
    /// Days by which it is late, or has waited.
    pub days: i32,
}

/// A day of a user's.
#[derive(Clone, Copy, Debug)]
pub struct Today {
    /// The user.
    pub user: UserId,
    /// Their time zone.
    pub zone: Tz,
    /// The day.
    pub on: Day,
    /// The instant of the day: its end, or now if it is today.
    pub at: Instant,
    /// Whether the day is today, so that the current state of rows counts.
    pub is_now: bool,
}

impl Today {
    /// Returns the day of a user that is today.
    fn now(ctx: &RequestContext, user: &user::Model) -> Self {
        let zone = zone_of(user);
        Self { user: user.id, zone, on: day_of(ctx.now, zone), at: ctx.now, is_now: true }
    }
}

/// Returns the place of a user's day among the days.
fn day_of_user(days: &[Today], user: UserId) -> Option<usize> {
    days.iter().position(|today| today.user == user)
}

/// Returns the last day that is near enough for any of the days.
fn horizon(days: &[Today]) -> Day {
    days.iter().map(|today| today.on).max().unwrap_or(Day::FIRST).plus(SOON)
}

/// Returns how many of a kind are read: as many as a list may have, for each day.
const fn most(days: &[Today]) -> u64 {
    LONGEST_LIST * days.len() as u64
}

/// What the text of a suggestion needs.
#[derive(Clone, Copy, Debug)]
pub struct SuggestionContext<'a> {
    /// The account's name.
    pub name: &'a str,
    /// Its stored score: the higher, the better.
    pub score: i64,
    /// The amount of its open opportunities, in minor units.
    pub open: i64,
    /// The day.
    pub on: Day,
    /// The time zone of the user's days.
    pub zone: Tz,
    /// The currency of amounts.
    pub currency: Currency,
}

/// One row that a kind found; it becomes a suggestion once its account is read.
pub trait Finding: Send + Sync {
    /// Returns the place of its day among the days.
    fn day(&self) -> usize;
    /// Returns the account that it is about, where there is one.
    fn account(&self) -> Option<AccountId>;
    /// Returns the suggestion. Pure.
    fn suggest(&self, context: &SuggestionContext<'_>) -> Suggestion;
}

/// Returns what the wanted kinds find for some days: a fixed number of statements, however many days and findings.
async fn findings(
    ctx: &RequestContext,
    days: &[Today],
    users: &[&User],
    wanted: &(dyn Fn(SuggestionKind) -> bool + Sync),
) -> Result<Vec<Box<dyn Finding>>> {
    use SuggestionKind::{
        AnswerTriggerEvent, AskForCommitment, DecideTarget, DoAction, FillBlankDay, KeepPromise, ReviewPlan, SetGoal,
        TouchTarget, WritePlan,
    };
    let mut found: Vec<Box<dyn Finding>> = Vec::new();
    let targets = if [TouchTarget, WritePlan, SetGoal].into_iter().any(wanted) {
        touch_target::listed(ctx, days).await?
    } else {
        Vec::new()
    };
    macro_rules! find {
        ($($kind:ident: $find:expr;)*) => {$(
            if wanted($kind) {
                found.extend($find.await?);
            }
        )*};
    }
    find! {
        AnswerTriggerEvent: answer_trigger_event::find(ctx, days);
        KeepPromise: keep_promise::find(ctx, days);
        TouchTarget: touch_target::find(ctx, days, &targets);
        AskForCommitment: ask_for_commitment::find(ctx, days);
        DecideTarget: decide_target::find(ctx, days);
        DoAction: do_action::find(ctx, days);
        ReviewPlan: review_plan::find(ctx, days);
        WritePlan: write_plan::find(ctx, &targets);
        SetGoal: set_goal::find(ctx, &targets);
        FillBlankDay: fill_blank_day::find(ctx, days, users);
    }
    Ok(found)
}

/// Returns a past day in words, such as `12 days ago`.
fn ago(days: i32) -> String {
    match days {
        i32::MIN..=0 => "today".to_owned(),
        1 => "yesterday".to_owned(),
        days => format!("{days} days ago"),
    }
}

/// Returns a duration in words, such as `12 days`.
fn lasting(days: i32) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
}

/// The largest number of characters of a longer text in a title or a sentence.
const LONGEST: usize = 120;

/// Returns a text cut to its first 120 characters.
fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Returns a decimal number as a JSON number: of the 15 digits that an amount has at most, none is lost.
fn number(decimal: Decimal) -> Value {
    match decimal.to_i64().filter(|whole| decimal == Decimal::from(*whole)) {
        Some(whole) => whole.into(),
        None => decimal.to_f64().into(),
    }
}

/// Arguments of `User.today`.
#[derive(Clone, Debug, InputObject)]
pub struct TodayArguments {
    /// The user's day, as it will look at its end; today, as it looks now, where none is given.
    pub on: Option<Date>,
    /// The largest number of suggestions, 0 to 200.
    #[graphql(default_with = "Some(USUAL)")]
    pub first: Option<i32>,
    /// Only suggestions of these kinds, as many of each as there are. Without it a list has at most 10 of a kind.
    pub kinds: Option<Vec<SuggestedActionKind>>,
    /// Lists the suggestions that are snoozed on the day instead of the others.
    #[graphql(default)]
    pub snoozed: bool,
}

/// A suggestion, as the schema has it.
pub struct SuggestedAction {
    id: String,
    suggestion: Suggestion,
    snoozed_until: Option<Day>,
}

impl SuggestedAction {
    /// Returns a suggestion to a user that is not snoozed.
    fn of(user: UserId, suggestion: Suggestion) -> Self {
        Self { id: suggestion_id::id_of(user, &suggestion), suggestion, snoozed_until: None }
    }
}

object! {
    /// A suggested action, with why, and what skipping it costs.
    SuggestedAction as "SuggestedAction" {
        /// Opaque id, the same for the same suggestion on every day.
        id: AnyId = plain(|action| AnyId(action.id.clone()));
        /// The suggested action.
        kind: SuggestionKind = plain(|action| action.suggestion.kind);
        /// The account; null where it is about none.
        account: Option<Account> = by_key(|action| action.suggestion.account, Account::resolve);
        /// The subject: a target, an opportunity, an action, a plan, a promise or a trigger event; the user, for a
        /// blank day.
        subject: Option<AnyNode> = batch(subjects);
        /// The id of the subject.
        subjectId: AnyId = plain(|action| AnyId(action.suggestion.subject_id()));
        /// The subject in a few words: the promise, the title of the action or the plan, the name of the opportunity,
        /// the blank day; of every other kind the name of the account.
        title: &str = plain(|action| &action.suggestion.title);
        /// Why, in a sentence with the numbers in it.
        why: &str = plain(|action| &action.suggestion.why);
        /// The cost of skipping it, in a sentence.
        ifSkipped: &str = plain(|action| &action.suggestion.if_skipped);
        /// The numbers of the two sentences, not rounded, as an object. Days and minutes are whole numbers, amounts are
        /// in the organization's currency, and null stands for what is unknown. TOUCH_TARGET: presence, threshold,
        /// daysUntilAbsent, presenceInAWeek, daysSinceTouch. KEEP_PROMISE: daysLate (negative before the due day),
        /// daysWaited. DO_ACTION: daysLate, otherOpenActions. REVIEW_PLAN: daysLate. WRITE_PLAN: daysOnList.
        /// ASK_FOR_COMMITMENT: daysSinceOpened, daysSinceAsked, amount. ANSWER_TRIGGER_EVENT: daysAgo, daysItCounts.
        /// FILL_BLANK_DAY: workingMinutes, blankDays, workingDays. DECIDE_TARGET: daysWaited. SET_GOAL: year,
        /// daysOnList, daysLeft.
        facts: Json<String> = plain(|action| Json(action.suggestion.facts.to_string()));
        /// The day by which to do it; null where there is none.
        dueOn: Option<Day> = plain(|action| action.suggestion.due_on);
        /// The day on which it comes back; null unless it is snoozed.
        snoozedUntil: Option<Day> = plain(|action| action.snoozed_until);
    }
}

async fn subjects(field: &FieldContext<'_>, of: &[&SuggestedAction]) -> Result<Batch<Option<AnyNode>>> {
    crate::domain::node::nodes_of(field, &of.iter().map(|action| action.suggestion.subject).collect::<Vec<_>>()).await
}

/// The suggestions of a kind.
#[derive(Clone, Copy, Debug)]
pub struct TodayCount {
    kind: SuggestionKind,
    count: i32,
}

object! {
    /// The number of suggestions of a kind.
    TodayCount as "TodayCount" {
        /// The kind.
        kind: SuggestionKind = plain(|count| count.kind);
        /// The number, however many of them are listed.
        count: i32 = plain(|count| count.count);
    }
}

/// What to do on a day.
pub struct TodayList {
    on: Day,
    actions: Vec<SuggestedAction>,
    counts: Vec<TodayCount>,
    snoozed: i32,
}

object! {
    /// The actions suggested to a user for a day.
    TodayList as "Today" {
        /// The user's day.
        on: Day = plain(|today| today.on);
        /// The suggested actions, the most pressing first: what is overdue or due on the day, then what is due within 7
        /// days. Each part goes through the kinds in turn, so that none crowds out the others, by what skipping costs:
        /// the open amount at the account, then the presence that is lost within a week, then the days by which it is
        /// late.
        actions: Vec<SuggestedAction> = batch(actions);
        /// The number of all suggestions, however many of them are listed. Snoozed ones do not count.
        total: i32 = plain(|today| today.counts.iter().map(|count| count.count).sum());
        /// The number of suggestions of each kind that has any. Snoozed ones do not count.
        counts: Vec<TodayCount> = plain(|today| today.counts.clone());
        /// The number of suggestions that are left out because they are snoozed on the day.
        snoozed: i32 = plain(|today| today.snoozed);
    }
}

async fn actions(field: &FieldContext<'_>, of: &[&TodayList]) -> Result<Batch<Vec<SuggestedAction>>> {
    field.object_lists(&of.iter().map(|today| today.actions.as_slice()).collect::<Vec<_>>()).await
}

/// Answers `User.today`: null for a caller who is neither the user, nor above them, nor ADMIN.
///
/// # Errors
/// `BAD_USER_INPUT` for a number out of its bounds; database errors.
pub async fn of_users(field: &FieldContext<'_>, of: &[&User]) -> Result<Batch<Option<TodayList>>> {
    let TodayArguments { on, first, kinds, snoozed } = field.arguments()?;
    let first = first.unwrap_or(USUAL);
    let Some(first) = usize::try_from(first).ok().filter(|_| first <= MOST) else {
        return Err(Error::BadInput(format!("first is between 0 and {MOST}; {first} was given.")));
    };
    let ctx = field.request;
    let viewer = ctx.viewer()?;
    let mut ids = HashSet::new();
    let days: Vec<Today> = of
        .iter()
        .filter(|user| viewer.is_above_or_is(user.0.id) && ids.insert(user.0.id))
        .map(|user| {
            let now = Today::now(ctx, &user.0);
            let at = instant_of(on.map(|day| day.0), ctx.now, now.zone);
            Today { on: on.map_or(now.on, |day| day.0), at, is_now: at == ctx.now, ..now }
        })
        .collect();
    let wanted = |one: SuggestionKind| kinds.as_ref().is_none_or(|kinds| kinds.iter().any(|kind| kind.is(one)));
    let found = if days.is_empty() { Vec::new() } else { findings(ctx, &days, of, &wanted).await? };
    let suggestions = suggestions(ctx, &days, &found).await?;
    let until = snooze::of_days(ctx, &days).await?;
    let lists: Vec<TodayList> = suggestions
        .into_iter()
        .zip(&days)
        .zip(&until)
        .map(|((list, today), until)| {
            // Most users have snoozed nothing.
            let is_awake =
                |one: &Suggestion| until.is_empty() || !until.contains_key(&suggestion_id::id_of(today.user, one));
            let (awake, asleep): (Vec<_>, Vec<_>) = list.into_iter().partition(is_awake);
            let mut by_kind: BTreeMap<SuggestionKind, i32> = BTreeMap::new();
            for one in &awake {
                *by_kind.entry(one.kind).or_default() += 1;
            }
            let count = i32::try_from(asleep.len()).unwrap_or(i32::MAX);
            let listed = if snoozed { asleep } else { awake };
            let actions = order::most_pressing(listed, today.on, kinds.is_none()).into_iter().take(first);
            let action = |one| {
                let action = SuggestedAction::of(today.user, one);
                SuggestedAction { snoozed_until: until.get(&action.id).copied(), ..action }
            };
            TodayList {
                on: today.on,
                actions: actions.map(action).collect(),
                counts: by_kind.into_iter().map(|(kind, count)| TodayCount { kind, count }).collect(),
                snoozed: count,
            }
        })
        .collect();
    let places: HashMap<UserId, usize> = days.iter().enumerate().map(|(place, today)| (today.user, place)).collect();
    field
        .optional_objects(&of.iter().map(|user| places.get(&user.0.id).map(|place| &lists[*place])).collect::<Vec<_>>())
        .await
}

/// Returns the suggestions of each day: what was found at accounts that the caller sees and that are not archived.
async fn suggestions(ctx: &RequestContext, days: &[Today], found: &[Box<dyn Finding>]) -> Result<Vec<Vec<Suggestion>>> {
    let viewer = ctx.viewer()?;
    let accounts = Account::fetch(ctx, found.iter().filter_map(|finding| finding.account())).await?;
    let open = open_amounts(ctx, accounts.keys().copied().collect()).await?;
    let mut suggestions: Vec<Vec<Suggestion>> = vec![Vec::new(); days.len()];
    for finding in found {
        let (name, score, open) = match finding.account().map(|id| (id, accounts.get(&id))) {
            Some((id, Some(account))) if account.0.archived_at.is_none() => {
                (account.0.name.as_str(), account.0.score, open.get(&id).copied().unwrap_or_default())
            }
            Some(_) => continue,
            None => ("", 0, 0),
        };
        let Today { on, zone, .. } = days[finding.day()];
        let context = SuggestionContext { name, score, open, on, zone, currency: viewer.currency };
        suggestions[finding.day()].push(finding.suggest(&context));
    }
    Ok(suggestions)
}

/// Returns the amount of the open opportunities of accounts: one statement.
async fn open_amounts(ctx: &RequestContext, accounts: Vec<AccountId>) -> Result<HashMap<AccountId, i64>> {
    use opportunity::Column;
    let mut amounts = HashMap::new();
    if accounts.is_empty() {
        return Ok(amounts);
    }
    let query = opportunity::Entity::of(ctx.viewer()?.organization.id)
        .filter(among_ids(ctx, Column::AccountId, accounts))
        .filter(Column::ClosedOn.is_null())
        .filter(Column::Amount.is_not_null())
        .select_only()
        .column(Column::AccountId)
        .expr(Expr::cust("cast(sum(opportunity.amount) as bigint)"))
        .group_by(Column::AccountId)
        .into_query();
    for row in ctx.reader().query_all(&query).await? {
        amounts.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    }
    Ok(amounts)
}

impl Suggestion {
    /// Returns the id of its subject.
    fn subject_id(&self) -> String {
        entity::show_id(self.subject.0, self.subject.1)
    }
}

/// Returns the subject of a suggestion.
fn subject<I: Id>(id: I) -> (&'static str, Uuid) {
    (I::PREFIX, id.uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Acme, with a score of 70 and an open amount of 5 euros, on day 100 of 1970.
    pub(super) fn context() -> SuggestionContext<'static> {
        let currency = Currency::of("EUR").unwrap();
        SuggestionContext { name: "Acme", score: 70, open: 500, on: Day(100), zone: chrono_tz::UTC, currency }
    }

    #[test]
    fn amounts_keep_their_digits() {
        let said = |text: &str| number(text.parse().unwrap()).to_string();
        assert_eq!([said("12000.00"), said("0.10"), said("-7")], ["12000", "0.1", "-7"]);
        assert_eq!([said("9999999999999.99"), said("999999999999999")], ["9999999999999.99", "999999999999999"]);
    }

    #[test]
    fn days_are_said_in_words() {
        assert_eq!([0, 1, 2].map(ago), ["today", "yesterday", "2 days ago"]);
        assert_eq!([0, 1, 2].map(lasting), ["0 days", "1 day", "2 days"]);
    }
}
