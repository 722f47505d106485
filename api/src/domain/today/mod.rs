//! Today: what somebody ought to do, the most pressing first, each with why and what skipping it costs.
//!
//! | room | holds |
//! |---|---|
//! | here | the type, the order, and how all kinds come together |
//! | [`answer_trigger_event`] | what made their clients ready to change |
//! | [`keep_promise`] | what they promised |
//! | [`fill_blank_day`] | days of next week without a touch with a target |
//! | [`touch_target`] | targets at which we are absent, or soon will be |
//! | [`ask_for_commitment`] | open opportunities for which nobody asks for a commitment |
//! | [`decide_target`] | proposals that wait for their word |
//! | [`do_action`] | their actions in plans |
//! | [`review_plan`] | their plans that are to be reviewed |
//! | [`write_plan`] | targets without a plan |
//! | [`set_goal`] | targets without a goal for the year |
//!
//! A kind is a file: what it finds for all users at once, in a fixed number of statements, and a pure function that makes
//! a suggestion of one of those ([`Finding`]). A new kind is a file more, and a line in [`findings`].
//!
//! **The order.** What is due by today comes first, and what has no due day counts as due today; then what is due later,
//! day by day. Of one day the kinds come in the order of [`Kind`], which is that of what skipping costs: a client who may
//! leave somebody, a promise, a target that forgets us, then work on plans and lists. Within a kind each says by itself
//! what is more pressing (the better score, the longer wait). What is still equal comes by id, so that the same rows give
//! the same list every time.
//!
//! **The turns.** Sixty opportunities that stand still would leave room for nothing else. So the list is made in turns, each
//! in the order above: of every kind one turn has the most pressing that are left, at most as many as are its
//! [share](Kind::share). That is three of what clients wait for, two of what the user is to do or to decide, one of what
//! keeps plans, lists and the calendar whole: nineteen in all, so that a list of the usual twenty has all kinds in it.

pub mod answer_trigger_event;
pub mod ask_for_commitment;
pub mod decide_target;
pub mod do_action;
pub mod fill_blank_day;
pub mod keep_promise;
pub mod review_plan;
pub mod set_goal;
pub mod touch_target;
pub mod write_plan;

use std::collections::{HashMap, HashSet};

use async_graphql::{Enum, InputObject};
use chrono_tz::Tz;
use entity::{AccountId, Day, Id, Instant, UserId};
use uuid::Uuid;

use crate::context::RequestContext;
use crate::domain::account::Account;
use crate::domain::targeting::instant_of;
use crate::domain::touch::people::zone_of;
use crate::domain::user::User;
use crate::error::{Error, Result};
use crate::graphql::pagination::LONGEST_LIST;
use crate::graphql::scalars::Date;
use crate::graphql::{AnyNode, Batch, FieldContext, graphql_enum, object};
use crate::values::calendar::day_of;
use crate::values::money::Currency;

/// Suggestions of one list at most.
const MOST: i32 = 200;
/// Suggestions of a list where no number is given.
const USUAL: i32 = 20;

/// Days ahead in which something is near enough to do something about it.
const SOON: i32 = 7;

/// What is suggested. Of what is due on one day they come in this order, turn by turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Something made a client ready to change.
    AnswerTriggerEvent,
    /// We said that we would do something.
    KeepPromise,
    /// A target forgets us.
    TouchTarget,
    /// An action of a plan is due.
    DoAction,
    /// An opportunity does not move.
    AskForCommitment,
    /// A proposal waits.
    DecideTarget,
    /// A plan is to be reviewed.
    ReviewPlan,
    /// A target has no plan.
    WritePlan,
    /// A target has no goal.
    SetGoal,
    /// A day of next week has no touch with a target.
    FillBlankDay,
}

impl Kind {
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

    /// How many suggestions of this kind a turn has at most.
    const fn share(self) -> usize {
        match self {
            Self::AnswerTriggerEvent | Self::KeepPromise | Self::TouchTarget => 3,
            Self::DoAction | Self::AskForCommitment | Self::DecideTarget => 2,
            Self::ReviewPlan | Self::WritePlan | Self::SetGoal | Self::FillBlankDay => 1,
        }
    }
}

/// What is suggested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum SuggestedActionKind {
    /// Touch a target at which we are absent, or will be within a week; unless a touch is scheduled in time.
    TouchTarget,
    /// Keep a promise to a client that is due within a week, or long since.
    KeepPromise,
    /// Do an action of a plan that is theirs and due within a week, or long since.
    DoAction,
    /// Review a plan of theirs within a week, or at last.
    ReviewPlan,
    /// Write a plan for a target that has none.
    WritePlan,
    /// Ask for a commitment on an open opportunity for which nobody has in the last 14 days.
    AskForCommitment,
    /// Answer what made a client of theirs ready to change in the last 90 days, while it is not settled and no opportunity
    /// came of it.
    AnswerTriggerEvent,
    /// Fill a day of next week without a touch with a target.
    FillBlankDay,
    /// Decide on a target that somebody else proposed.
    DecideTarget,
    /// Set a goal for a target that has none for the current fiscal year.
    SetGoal,
}
graphql_enum! { Kind as SuggestedActionKind }

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// What.
    pub kind: Kind,
    /// At which account.
    pub account: Option<AccountId>,
    /// Of what: the prefix of its id, and the id.
    pub subject: (&'static str, Uuid),
    /// Why.
    pub why: String,
    /// What skipping it costs.
    pub if_skipped: String,
    /// By when.
    pub due_on: Option<Day>,
    /// Within its kind, of one day: lower is more pressing.
    pub place: i64,
}

/// Somebody's day.
#[derive(Clone, Copy, Debug)]
pub struct Today {
    /// Whose.
    pub user: UserId,
    /// Their time zone.
    pub zone: Tz,
    /// The day.
    pub on: Day,
    /// What it stands for: its end, or now.
    pub at: Instant,
}

/// Whose day a user's is, by its place among the days.
fn day_of_user(days: &[Today], user: UserId) -> Option<usize> {
    days.iter().position(|today| today.user == user)
}

/// The last day that is near enough for any of the days.
fn horizon(days: &[Today]) -> Day {
    days.iter().map(|today| today.on).max().unwrap_or(Day::FIRST).plus(SOON)
}

/// As many of a kind as are looked at: as long as a list may be, for each day.
const fn most(days: &[Today]) -> u64 {
    LONGEST_LIST * days.len() as u64
}

/// What a suggestion is told with.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The account's name.
    pub name: &'a str,
    /// Its stored score: the higher, the better.
    pub score: i64,
    /// The day.
    pub on: Day,
    /// Whose days they are.
    pub zone: Tz,
    /// What amounts are in.
    pub currency: Currency,
}

/// One thing that a kind found, to be told of once its account is read.
pub trait Finding: Send + Sync {
    /// Whose day it belongs to, by its place among the days.
    fn day(&self) -> usize;
    /// The account that it is about, where it is about one.
    fn account(&self) -> Option<AccountId>;
    /// What is to be done about it. Pure.
    fn suggest(&self, told: &Told<'_>) -> Suggestion;
}

/// What all kinds find for some days: a fixed number of statements, however many days and findings.
async fn findings(ctx: &RequestContext, days: &[Today], users: &[&User]) -> Result<Vec<Box<dyn Finding>>> {
    let targets = touch_target::listed(ctx, days).await?;
    let mut found: Vec<Box<dyn Finding>> = Vec::new();
    found.extend(answer_trigger_event::find(ctx, days).await?);
    found.extend(keep_promise::find(ctx, days).await?);
    found.extend(touch_target::find(ctx, days, &targets).await?);
    found.extend(ask_for_commitment::find(ctx, days).await?);
    found.extend(decide_target::find(ctx, days).await?);
    found.extend(do_action::find(ctx, days).await?);
    found.extend(review_plan::find(ctx, days).await?);
    found.extend(write_plan::find(ctx, &targets).await?);
    found.extend(set_goal::find(ctx, &targets).await?);
    found.extend(fill_blank_day::find(ctx, days, users).await?);
    Ok(found)
}

/// The most pressing of some suggestions, turn by turn, in their order (see above).
#[must_use]
pub fn most_pressing(mut suggestions: Vec<Suggestion>, on: Day, first: usize) -> Vec<Suggestion> {
    suggestions.sort_by_key(|one| {
        let due = one.due_on.map_or(on, |due| due.max(on));
        (due, one.kind, one.place, one.subject)
    });
    let mut before: HashMap<Kind, usize> = HashMap::new();
    let turn = |one: Suggestion| {
        let count = before.entry(one.kind).or_default();
        *count += 1;
        ((*count - 1) / one.kind.share(), one)
    };
    let mut turns: Vec<(usize, Suggestion)> = suggestions.into_iter().map(turn).collect();
    // Within a turn all stay in their order.
    turns.sort_by_key(|(turn, _)| *turn);
    turns.into_iter().take(first).map(|(_, one)| one).collect()
}

/// `12 days ago`, in words.
fn ago(days: i32) -> String {
    match days {
        i32::MIN..=0 => "today".to_owned(),
        1 => "yesterday".to_owned(),
        days => format!("{days} days ago"),
    }
}

/// `12 days`, in words.
fn lasting(days: i32) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
}

/// Arguments of `User.today`.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct TodayArguments {
    /// The user's day, as it will look at its end; today, as it looks now, where none is given.
    pub on: Option<Date>,
    /// How many at most: 0 to 200.
    #[graphql(default_with = "Some(USUAL)")]
    pub first: Option<i32>,
}

/// Something to do, as the schema has it.
pub struct SuggestedAction(Suggestion);

object! {
    /// Something to do, with why, and what skipping it costs.
    SuggestedAction as "SuggestedAction" {
        /// What.
        kind: Kind = plain(|action| action.0.kind);
        /// At which account; null where it is about none.
        account: Option<Account> = by_key(|action| action.0.account, Account::resolve);
        /// What it is about: a target, an opportunity, an action, a plan, a promise, a trigger event; the user, for a blank day.
        subject: Option<AnyNode> = batch(subjects);
        /// Why, in a sentence with the numbers in it.
        why: &str = plain(|action| &action.0.why);
        /// What skipping it costs, in a sentence.
        ifSkipped: &str = plain(|action| &action.0.if_skipped);
        /// By when; null where no day is the last.
        dueOn: Option<Day> = plain(|action| action.0.due_on);
    }
}

async fn subjects(field: &FieldContext<'_>, of: &[&SuggestedAction]) -> Result<Batch<Option<AnyNode>>> {
    crate::domain::node::nodes_of(field, &of.iter().map(|action| action.0.subject).collect::<Vec<_>>()).await
}

/// `User.today`: null for whoever is neither the user, nor above them, nor ADMIN.
///
/// # Errors
/// `BAD_USER_INPUT` for a number out of its bounds; the database's.
pub async fn of_users(
    field: &FieldContext<'_>,
    of: &[&User],
) -> Result<Batch<Option<Vec<crate::domain::today::SuggestedAction>>>> {
    let TodayArguments { on, first } = field.arguments()?;
    let first = first.unwrap_or(USUAL);
    let Some(first) = usize::try_from(first).ok().filter(|_| first <= MOST) else {
        return Err(Error::BadInput(format!("first is between 0 and {MOST}; {first} was given.")));
    };
    let viewer = field.request.viewer()?;
    let mut ids = HashSet::new();
    let days: Vec<Today> = of
        .iter()
        .filter(|user| viewer.is_above_or_is(user.0.id) && ids.insert(user.0.id))
        .map(|user| {
            let zone = zone_of(&user.0);
            let at = instant_of(on.map(|day| day.0), field.request.now, zone);
            Today { user: user.0.id, zone, on: on.map_or_else(|| day_of(at, zone), |day| day.0), at }
        })
        .collect();
    let found = if days.is_empty() { Vec::new() } else { findings(field.request, &days, of).await? };
    let accounts = Account::fetch(field.request, found.iter().filter_map(|finding| finding.account())).await?;
    let mut suggestions: Vec<Vec<Suggestion>> = vec![Vec::new(); days.len()];
    for finding in &found {
        // What hangs off an account that the caller does not see is not told.
        let (name, score) = match finding.account().map(|account| accounts.get(&account)) {
            Some(Some(account)) => (account.0.name.as_str(), account.0.score),
            Some(None) => continue,
            None => ("", 0),
        };
        let Today { on, zone, .. } = days[finding.day()];
        let told = Told { name, score, on, zone, currency: viewer.currency };
        suggestions[finding.day()].push(finding.suggest(&told));
    }
    let lists: Vec<Vec<SuggestedAction>> = suggestions
        .into_iter()
        .zip(&days)
        .map(|(list, today)| most_pressing(list, today.on, first).into_iter().map(SuggestedAction).collect())
        .collect();
    let answered = field.object_lists(&lists.iter().map(Vec::as_slice).collect::<Vec<_>>()).await?;
    let places: HashMap<UserId, usize> = days.iter().enumerate().map(|(place, today)| (today.user, place)).collect();
    Ok(answered.nullable().select(of.iter().map(|user| places.get(&user.0.id).copied())))
}

/// A subject of suggestions.
fn subject<I: Id>(id: I) -> (&'static str, Uuid) {
    (I::PREFIX, id.uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Told of Acme, with a score of 70, on day 100 of 1970, in euros.
    pub(super) fn told() -> Told<'static> {
        let currency = Currency::of("EUR").unwrap();
        Told { name: "Acme", score: 70, on: Day(100), zone: chrono_tz::UTC, currency }
    }

    fn suggestion(kind: Kind, due_on: Option<i32>, place: i64, id: u128) -> Suggestion {
        let subject = ("target", Uuid::from_u128(id));
        Suggestion {
            kind,
            account: None,
            subject,
            why: String::new(),
            if_skipped: String::new(),
            due_on: due_on.map(Day),
            place,
        }
    }

    #[test]
    fn what_is_due_comes_by_kind_and_what_is_due_later_by_day() {
        use Kind::{AskForCommitment, DecideTarget, KeepPromise, SetGoal, TouchTarget};
        let expected = [
            suggestion(KeepPromise, Some(100), 0, 1),
            suggestion(TouchTarget, Some(100), -5, 9),
            suggestion(TouchTarget, Some(90), -4, 2),
            suggestion(AskForCommitment, Some(50), 0, 1),
            suggestion(DecideTarget, None, 0, 1),
            suggestion(SetGoal, None, 0, 1),
            suggestion(TouchTarget, Some(101), -9, 1),
            suggestion(KeepPromise, Some(102), 0, 2),
        ];
        // In whatever order they were found.
        for turn in 0..expected.len() {
            let mut found = expected.to_vec();
            found.rotate_left(turn);
            found.swap(0, turn);
            assert_eq!(most_pressing(found, Day(100), 100), expected);
        }
        assert_eq!(most_pressing(expected.to_vec(), Day(100), 2), expected[..2]);
    }

    #[test]
    fn no_kind_crowds_out_the_others() {
        use Kind::{AskForCommitment, FillBlankDay, KeepPromise, SetGoal, TouchTarget};
        let many = |kind, due_on, count: u128| (0..count).map(move |id| suggestion(kind, due_on, 0, id));
        let found: Vec<Suggestion> = many(AskForCommitment, Some(50), 60)
            .chain(many(TouchTarget, Some(100), 7))
            .chain(many(SetGoal, None, 2))
            .chain(many(KeepPromise, Some(103), 1))
            .chain(many(FillBlankDay, Some(107), 1))
            .collect();
        let listed = most_pressing(found.clone(), Day(100), 100);
        let kinds: Vec<(Kind, usize)> =
            listed.chunk_by(|one, next| one.kind == next.kind).map(|chunk| (chunk[0].kind, chunk.len())).collect();
        let expected = [
            (TouchTarget, 3),
            (AskForCommitment, 2),
            (SetGoal, 1),
            (KeepPromise, 1),
            (FillBlankDay, 1),
            (TouchTarget, 3),
            (AskForCommitment, 2),
            (SetGoal, 1),
            (TouchTarget, 1),
            (AskForCommitment, 56),
        ];
        assert_eq!(kinds, expected);
        // A shorter list is the start of a longer one.
        assert_eq!(most_pressing(found, Day(100), 7), listed[..7]);
    }

    #[test]
    fn one_turn_fits_into_the_usual_list() {
        use Kind::*;
        let all = [
            AnswerTriggerEvent,
            KeepPromise,
            TouchTarget,
            DoAction,
            AskForCommitment,
            DecideTarget,
            ReviewPlan,
            WritePlan,
            SetGoal,
            FillBlankDay,
        ];
        assert!(all.map(Kind::share).iter().sum::<usize>() < usize::try_from(USUAL).unwrap());
    }

    #[test]
    fn days_are_said_in_words() {
        assert_eq!([0, 1, 2].map(ago), ["today", "yesterday", "2 days ago"]);
        assert_eq!([0, 1, 2].map(lasting), ["0 days", "1 day", "2 days"]);
    }
}
