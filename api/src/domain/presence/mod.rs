//! Presence: how present, known and valued we are at an account on a day, from what was recorded by then.
//!
//! | room | holds |
//! |---|---|
//! | here | the type, and how it is read for any number of accounts and days at once |
//! | [`formula`] | the arithmetic of touches: pure |
//! | [`known`] | role slots, and who filled them when |
//! | [`made`] | the touches that count, read by index alone |
//! | [`asked`] | accounts and instants as a table of a statement |
//! | [`because`] | the touches themselves, the heaviest first |
//! | [`coverage`] | who knows us today, and whom we still need to know |
//! | [`nurture`] | is a target being nurtured? |
//!
//! Both databases find the rows, by set; all arithmetic is done here, so that both agree to the last digit.

pub mod asked;
pub mod because;
pub mod coverage;
pub mod formula;
pub mod known;
pub mod made;
pub mod nurture;

use std::collections::HashSet;

use async_graphql::Enum;
use entity::{AccountId, Day, Instant};

pub use self::asked::Ask;
use self::because::{BecauseArguments, PresencePart};
use self::formula::{Level, Made, Policy};
use self::made::Touched;
use crate::context::RequestContext;
use crate::domain::targeting::{OnArguments, instant_of};
use crate::error::Result;
use crate::graphql::{Batch, FieldContext, graphql_enum, object};

/// The ladder from being unknown to being seen as someone who creates value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum PresenceLevel {
    /// Nobody there knows us.
    Unknown,
    /// Somebody in a key role knows us: known is above 0.
    Known,
    /// And we are present: presence has reached the organization's threshold.
    Present,
    /// And they see value in us: value is 0.5 or more.
    Valued,
}

impl Level {
    const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Known => "KNOWN",
            Self::Present => "PRESENT",
            Self::Valued => "VALUED",
        }
    }
}
graphql_enum! { Level as PresenceLevel }

/// How present, known and valued we are at an account at an instant.
#[derive(Clone, Debug)]
pub struct Presence {
    ask: Ask,
    on: Day,
    policy: Policy,
    counting: Vec<Made>,
    /// 0 to 1.
    pub presence: f64,
    /// 0 to 1.
    pub known: f64,
    /// 0 to 1.
    pub value: f64,
}

object! {
    /// How present, known and valued we are at an account at the end of a day, or now: from the touches that were recorded by
    /// then. A touch entered later does not make us have been present.
    Presence as "Presence" {
        /// The organization's day.
        on: Day = plain(|presence| presence.on);
        /// How far up the ladder we are.
        level: Level = plain(|presence| presence.level());
        /// 0 to 1: 1 − e^(−E), E being the touches' weights, each halved every half-life of the organization's policy. A
        /// meeting weighs 1, an answered call 0.7, an event 0.5, anything else that was answered 0.4, what the client
        /// acknowledged as of use at least 0.6; of what nobody answered the two latest of the last 30 days, 0.15 each. Answered is
        /// what they responded to or started (INBOUND).
        presence: f64 = plain(|presence| presence.presence);
        /// 0 to 1: share of the role slots in which somebody knows us, by weight: a decision maker (3), two influencers
        /// (2 each), two stakeholders (1 each). Somebody knows us whose relationship is KNOWN or better, or who took part
        /// in a touch that was answered in the 365 days before. Roles and relationships are those of the day.
        known: f64 = plain(|presence| presence.known);
        /// 0 to 1, over 180 days: of v touches with value, k of them acknowledged, (k + 1) ÷ (v + 2) · min(1, v ÷ 4).
        value: f64 = plain(|presence| presence.value);
        /// Are presence, known and value all at 0.5 or more?
        ready: bool = plain(|presence| presence.is_ready());
        /// Days from then until presence falls below the organization's threshold if nothing is done; 0 where it has.
        daysUntilAbsent: f64 = plain(|presence| presence.days_until_absent());
        /// The touches that count, the heaviest of them on that day first.
        because(BecauseArguments): Vec<PresencePart> = batch(because::of_presences);
    }
}

impl Presence {
    fn of(ask: Ask, on: Day, policy: Policy, touched: Touched, known: f64) -> Self {
        let counting = formula::counting(touched.made, policy);
        let presence = formula::presence(formula::strength(&counting, policy));
        let value = formula::value(touched.with_value, touched.acknowledged);
        Self { ask, on, policy, counting, presence, known, value }
    }

    fn level(&self) -> Level {
        formula::level(self.presence, self.known, self.value, self.policy.threshold)
    }

    /// Are all three high enough for when it matters?
    #[must_use]
    pub fn is_ready(&self) -> bool {
        formula::is_ready(self.presence, self.known, self.value)
    }

    /// Has presence reached the threshold?
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.presence >= self.policy.threshold
    }

    /// Days until presence falls below the threshold if nothing is done.
    #[must_use]
    pub fn days_until_absent(&self) -> f64 {
        formula::days_until_absent(&self.counting, self.policy)
    }

    /// What presence will be so many days later if nothing is done.
    #[must_use]
    pub fn in_days(&self, days: f64) -> f64 {
        let later = |touch: &Made| Made { age: touch.age + formula::microseconds(days), ..*touch };
        let counting = formula::counting(self.counting.iter().map(later).collect(), self.policy);
        formula::presence(formula::strength(&counting, self.policy))
    }

    /// At accounts and instants, in their order: two statements for any number of them. `late` is for how many microseconds
    /// after its instant a touch may have been recorded: 0, but for whoever looks back at a day whose touches were entered
    /// in the days that followed. Who asks must be one who sees the accounts.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`; the database's.
    pub async fn read(ctx: &RequestContext, asks: &[Ask], late: i64) -> Result<Vec<Self>> {
        let known = known::read(ctx, asks, late).await?;
        Self::with(ctx, asks, late, known).await
    }

    /// The same but for how well we are known, which is 0: one statement.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`; the database's.
    pub async fn of_touches(ctx: &RequestContext, asks: &[Ask]) -> Result<Vec<Self>> {
        Self::with(ctx, asks, 0, vec![0.0; asks.len()]).await
    }

    async fn with(ctx: &RequestContext, asks: &[Ask], late: i64, known: Vec<f64>) -> Result<Vec<Self>> {
        let viewer = ctx.viewer()?;
        let policy = Policy::of(&viewer.organization);
        let touched = made::read(ctx, asks, policy, late).await?;
        let all = asks.iter().zip(touched).zip(known);
        Ok(all.map(|((ask, touched), known)| Self::of(*ask, viewer.day(ask.at), policy, touched, known)).collect())
    }
}

/// Fields that need no more than the touches.
const OF_TOUCHES: [&str; 6] = ["on", "presence", "value", "daysUntilAbsent", "because", "__typename"];

/// Answers with a presence for each account and instant: no more is read than is asked for.
///
/// # Errors
/// The database's.
pub async fn answer(field: &FieldContext<'_>, asks: &[Ask]) -> Result<Batch<Presence>> {
    let fields = field.collected::<Presence>()?;
    let presences = if fields.iter().all(|field| OF_TOUCHES.contains(&field.name())) {
        Presence::of_touches(field.request, asks).await?
    } else {
        Presence::read(field.request, asks, 0).await?
    };
    field.objects(&presences.iter().collect::<Vec<_>>()).await
}

/// `Account.presence`.
///
/// # Errors
/// The database's.
pub async fn of_accounts(
    field: &FieldContext<'_>,
    of: &[AccountId],
) -> Result<Batch<crate::domain::presence::Presence>> {
    let OnArguments { on } = field.arguments()?;
    let viewer = field.request.viewer()?;
    let at = instant_of(on.map(|day| day.0), field.request.now, viewer.zone);
    let asks: Vec<Ask> = of.iter().map(|account| Ask::at(viewer, *account, at)).collect();
    answer(field, &asks).await
}

/// Of these accounts those at which we are present at an instant: one statement.
///
/// # Errors
/// The database's.
pub async fn present(ctx: &RequestContext, accounts: &[AccountId], at: Instant) -> Result<HashSet<AccountId>> {
    let viewer = ctx.viewer()?;
    let asks: Vec<Ask> = accounts.iter().map(|account| Ask::at(viewer, *account, at)).collect();
    let all = Presence::of_touches(ctx, &asks).await?;
    Ok(all.iter().filter(|presence| presence.is_present()).map(|presence| AccountId(presence.ask.subject)).collect())
}
