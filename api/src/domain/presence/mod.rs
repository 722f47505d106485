//! Presence: how present, known and valued we are at an account on a day, from what was recorded by then.
//!
//! | module | holds |
//! |---|---|
//! | here | the type, and how it is read for any number of accounts and days together |
//! | [`encounter`] | which touches are one encounter: pure |
//! | `explained` | what known, value and ready rest on |
//! | [`formula`] | the arithmetic of touches: pure |
//! | [`known`] | role slots, and who filled them on a day |
//! | [`made`] | the touches that count, read from an index |
//! | [`asked`] | accounts and instants as a table of a statement |
//! | [`because`] | the touches behind presence, the heaviest first |
//! | [`coverage`] | the contacts who know us today, and those we still need to know |
//! | [`nurture`] | whether a target is being nurtured |
//! | [`span`] | the rows of accounts over a stretch of time, for many days |
//!
//! Both databases find the rows, by set; all arithmetic is done here, so that both agree to the last digit.

pub mod asked;
pub mod because;
pub mod coverage;
pub mod encounter;
mod explained;
pub mod formula;
pub mod known;
pub mod made;
pub mod nurture;
pub mod span;

use std::collections::{HashMap, HashSet};

use async_graphql::Enum;
use entity::{AccountId, Day, Instant, touch};
use sea_orm::{ColumnTrait as _, QueryFilter as _, QuerySelect as _};

pub use self::asked::Ask;
use self::because::{BecauseArguments, PresencePart};
use self::formula::{Level, Made, PresencePolicy};
use self::made::Touched;
use crate::context::RequestContext;
use crate::domain::reason::Reason;
use crate::domain::targeting::{OnArguments, instant_of};
use crate::error::Result;
use crate::graphql::series::SeriesArguments;
use crate::graphql::{Batch, FieldContext, graphql_enum, object};

/// The levels from being unknown to being seen to create value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum PresenceLevel {
    /// No contact in a key role knows us.
    Unknown,
    /// A contact in a key role knows us: known is above 0.
    Known,
    /// Known, and presence has reached the organization's threshold.
    Present,
    /// Known and present, and value is 0.5 or more.
    Valued,
}

impl Level {
    /// Returns its name in the schema.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Known => "KNOWN",
            Self::Present => "PRESENT",
            Self::Valued => "VALUED",
        }
    }
}
graphql_enum! { Level as PresenceLevel }

/// The presence, known and value of the organization at an account at an instant.
#[derive(Clone, Debug)]
#[expect(clippy::struct_field_names, reason = "the type is named after its main figure")]
pub struct Presence {
    ask: Ask,
    on: Day,
    policy: PresencePolicy,
    counting: Vec<Made>,
    /// 0 to 1.
    pub presence: f64,
    /// 0 to 1.
    pub known: f64,
    /// 0 to 1.
    pub value: f64,
}

object! {
    /// The organization's presence at an account at the end of a day, or now, by what was recorded by then. A touch
    /// that is entered or changed later does not change an earlier day.
    Presence as "Presence" {
        /// The organization's day.
        on: Day = plain(|presence| presence.on);
        /// The level reached.
        level: Level = plain(|presence| presence.level());
        /// 0 to 1: 1 − e^(−E), where E is the sum of the weights of the encounters, each halved every half-life of the
        /// organization's policy. A meeting weighs 1, an answered call 0.7, an answered event 0.5, any other answered touch
        /// 0.4, a touch with acknowledged value at least 0.6. Any other touch is one-way and weighs 0.15; only the two latest
        /// of the last 30 days count. A touch is answered when the client responded or started it (INBOUND). Touches of one
        /// kind that overlap, and share a contact or name none, are one encounter, and only the two heaviest encounters of a
        /// day count.
        presence: f64 = plain(|presence| presence.presence);
        /// 0 to 1: the share of known role slots, by weight: a decision maker (3), two influencers (2 each), two
        /// stakeholders (1 each). A slot is known when its contact took part in an answered touch, or when its relationship
        /// was set to KNOWN or better, in the 365 days before. Roles and relationships are those of the day; archived
        /// contacts fill no slot.
        known: f64 = plain(|presence| presence.known);
        /// 0 to 1, over 180 days: of v touches with value, k of them acknowledged, (k + 1) ÷ (v + 2) · min(1, v ÷ 4).
        value: f64 = plain(|presence| presence.value);
        /// Whether presence has reached the organization's threshold and known and value are 0.5 or more.
        ready: bool = plain(|presence| presence.is_ready());
        /// Days until presence falls below the organization's threshold if nothing is done; 0 where it is below.
        daysUntilAbsent: f64 = plain(|presence| presence.days_until_absent());
        /// The touches that count, the heaviest on that day first.
        because(BecauseArguments): Vec<PresencePart> = batch(because::of_presences);
        /// The slots behind `known`, each with its weight: filled by which touch, or by which relationship set by hand.
        knownBecause: Vec<Reason> = batch(explained::known);
        /// The numbers behind `value` and its touches, the latest first; at most 500 lines.
        valueBecause: Vec<Reason> = batch(explained::value);
        /// The three conditions of `ready`, each with whether it holds.
        readyBecause: Vec<Reason> = batch(explained::ready);
        /// The same account on the days of a line chart.
        series(SeriesArguments): Vec<Presence> = batch(series);
    }
}

impl Presence {
    fn of(ask: Ask, on: Day, policy: PresencePolicy, touched: Touched, known: f64) -> Self {
        let counting = formula::counting(touched.made, policy);
        let presence = formula::presence(formula::strength(&counting, policy));
        let value = formula::value(touched.with_value, touched.acknowledged);
        Self { ask, on, policy, counting, presence, known, value }
    }

    pub fn level(&self) -> Level {
        formula::level(self.presence, self.known, self.value, self.policy.threshold)
    }

    /// Whether presence, known and value are all high enough.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        formula::is_ready(self.presence, self.known, self.value, self.policy.threshold)
    }

    /// Whether presence has reached the threshold.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.presence >= self.policy.threshold
    }

    /// Returns the days until presence falls below the threshold if nothing is done.
    #[must_use]
    pub fn days_until_absent(&self) -> f64 {
        formula::days_until_absent(&self.counting, self.policy)
    }

    /// Returns the presence a number of days later if nothing is done.
    #[must_use]
    pub fn in_days(&self, days: f64) -> f64 {
        let later = |touch: &Made| Made { age: touch.age + formula::microseconds(days), ..*touch };
        let counting = formula::counting(self.counting.iter().map(later).collect(), self.policy);
        formula::presence(formula::strength(&counting, self.policy))
    }

    /// Reads presence at accounts and instants, in their order: at most three statements for any number of them. `late` is the
    /// number of microseconds after its instant by which a state may have become known. The caller must see the accounts.
    pub async fn read(ctx: &RequestContext, asks: &[Ask], late: i64) -> Result<Vec<Self>> {
        let known = known::read(ctx, asks, late).await?;
        Self::with(ctx, asks, late, known).await
    }

    /// Reads the same without known, which is 0: at most two statements.
    pub async fn of_touches(ctx: &RequestContext, asks: &[Ask]) -> Result<Vec<Self>> {
        Self::with(ctx, asks, 0, vec![0.0; asks.len()]).await
    }

    async fn with(ctx: &RequestContext, asks: &[Ask], late: i64, known: Vec<f64>) -> Result<Vec<Self>> {
        let viewer = ctx.viewer()?;
        let policy = PresencePolicy::of(&viewer.organization);
        let touched = made::read(ctx, asks, policy, late).await?;
        let all = asks.iter().zip(touched).zip(known);
        Ok(all.map(|((ask, touched), known)| Self::of(*ask, viewer.day(ask.at), policy, touched, known)).collect())
    }
}

/// Fields for which nothing is read.
const OF_ITSELF: [&str; 3] = ["on", "series", "__typename"];
/// Fields that need the touches alone.
const OF_TOUCHES: [&str; 8] =
    ["on", "presence", "value", "daysUntilAbsent", "because", "valueBecause", "series", "__typename"];

/// Answers with a presence for each account and instant: no more is read than is selected.
pub async fn answer(field: &FieldContext<'_>, asks: &[Ask]) -> Result<Batch<Presence>> {
    let presences = read_for(field, asks).await?;
    field.objects(&presences.iter().collect::<Vec<_>>()).await
}

async fn read_for(field: &FieldContext<'_>, asks: &[Ask]) -> Result<Vec<Presence>> {
    let fields = field.collected::<Presence>()?;
    if fields.iter().all(|field| OF_ITSELF.contains(&field.name())) {
        let viewer = field.request.viewer()?;
        let policy = PresencePolicy::of(&viewer.organization);
        let of = |ask: &Ask| Presence::of(*ask, viewer.day(ask.at), policy, Touched::default(), 0.0);
        Ok(asks.iter().map(of).collect())
    } else if fields.iter().all(|field| OF_TOUCHES.contains(&field.name())) {
        Presence::of_touches(field.request, asks).await
    } else {
        Presence::read(field.request, asks, 0).await
    }
}

/// Answers `Presence.series`: as many statements as for one day.
async fn series(field: &FieldContext<'_>, of: &[&Presence]) -> Result<Batch<Vec<Presence>>> {
    let arguments: SeriesArguments = field.arguments()?;
    let days = arguments.days(of.len())?;
    let viewer = field.request.viewer()?;
    let asks: Vec<Ask> = of
        .iter()
        .flat_map(|presence| {
            days.iter().map(|day| Ask::on(viewer, AccountId(presence.ask.subject), *day, field.request.now))
        })
        .collect();
    let points = read_for(field, &asks).await?;
    field.object_lists(&points.chunks(days.len()).collect::<Vec<_>>()).await
}

/// Answers `Account.presence`.
pub async fn of_accounts(field: &FieldContext<'_>, of: &[AccountId]) -> Result<Batch<Presence>> {
    let OnArguments { on } = field.arguments()?;
    let viewer = field.request.viewer()?;
    let at = instant_of(on.map(|day| day.0), field.request.now, viewer.zone);
    let asks: Vec<Ask> = of.iter().map(|account| Ask::at(viewer, *account, at)).collect();
    answer(field, &asks).await
}

/// Returns the presence now at all accounts that the viewer sees, where it is not 0: three statements at most.
pub async fn everywhere(ctx: &RequestContext) -> Result<HashMap<AccountId, f64>> {
    let viewer = ctx.viewer()?;
    let reach = PresencePolicy::of(&viewer.organization).reach();
    let touched: Vec<AccountId> = viewer
        .sums::<touch::Entity>(touch::Column::AccountId)
        .filter(touch::Column::At.gte(Instant(ctx.now.0.saturating_sub(reach))))
        .filter(touch::Column::At.lte(ctx.now))
        .filter(touch::Column::Weight.gt(0))
        .select_only()
        .column(touch::Column::AccountId)
        .distinct()
        .into_tuple()
        .all(ctx.reader())
        .await?;
    let asks: Vec<Ask> = touched.into_iter().map(|account| Ask::at(viewer, account, ctx.now)).collect();
    let all = Presence::of_touches(ctx, &asks).await?;
    let found = all.iter().filter(|presence| presence.presence > 0.0);
    Ok(found.map(|presence| (AccountId(presence.ask.subject), presence.presence)).collect())
}

/// Returns those of these accounts and instants at which we are present: one statement, or two.
pub async fn present(
    ctx: &RequestContext,
    of: impl IntoIterator<Item = (AccountId, Instant)>,
) -> Result<HashSet<(AccountId, Instant)>> {
    let viewer = ctx.viewer()?;
    let asks: Vec<Ask> = of.into_iter().map(|(account, at)| Ask::at(viewer, account, at)).collect();
    let all = Presence::of_touches(ctx, &asks).await?;
    let present = all.iter().filter(|presence| presence.is_present());
    Ok(present.map(|presence| (AccountId(presence.ask.subject), presence.ask.at)).collect())
}
