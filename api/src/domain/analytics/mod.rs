//! Analytics: rows counted and summed by group, in the database. They cover the rows that the caller can see, including
//! those of archived accounts.
//!
//! | module | contents |
//! |---|---|
//! | this one | the type and its fields |
//! | [`group`] | keys, the statement and limits |
//! | [`bucket`] | days, weeks, months and fiscal periods in SQL |
//! | [`local`] | local days of instants in SQL |
//! | [`dimension`], [`standing`] | what groups are named by; the standing of accounts in SQL |
//! | [`touches`], [`bookings`], [`opportunities`] | one field each |
//! | [`goals`], [`targets`], [`stages`] | goals and targets by group, and the way of opportunities through their stages |
//! | [`goal_effect`], [`presence_effect`], [`lead_times`] | what goals and presence do, and how long things take |
//! | [`forecast`], [`compliance`], [`scorecard`] | weeks to come, reviews, and one line for each seller |

pub mod bookings;
pub mod bucket;
pub mod compliance;
pub mod dimension;
pub mod forecast;
pub mod goal_effect;
pub mod goals;
pub mod group;
pub mod lead_times;
pub mod local;
pub mod opportunities;
pub mod presence_effect;
pub mod scorecard;
pub mod stages;
mod standing;
pub mod targets;
pub mod touches;

use crate::error::Result;
use crate::graphql::{FieldContext, object};

/// The object behind `Query.analytics`. It has no state.
#[derive(Clone, Copy, Debug)]
pub struct Analytics;

object! {
    /// Figures about everything that the caller can see, by group. Includes rows of archived accounts. Days, weeks,
    /// months and fiscal periods are those of the organization's time zone. Groups are ordered by the values of their
    /// keys as text, missing values last. More than 10,000 groups are LIMIT_EXCEEDED.
    Analytics as "Analytics" Nullable {
        /// Touches of any status, by group; one group if groupBy is empty.
        touches(touches::AnalyticsTouchesArguments): Vec<touches::TouchGroup> = root(touches::touches);
        /// Bookings by group; one group if groupBy is empty.
        bookings(bookings::AnalyticsBookingsArguments): Vec<bookings::BookingGroup> = root(bookings::bookings);
        /// Opportunities by group; one group if groupBy is empty.
        opportunities(opportunities::AnalyticsOpportunitiesArguments): Vec<opportunities::OpportunityGroup> = root(opportunities::opportunities);
        /// Agreed goals against what was booked, by group; one group if groupBy is empty.
        goals(goals::AnalyticsGoalsArguments): Option<Vec<goals::GoalGroup>> = root(goals::goals);
        /// The targets that are on the lists now, by group; one group if groupBy is empty. Those of archived accounts are
        /// left out.
        targets(targets::AnalyticsTargetsArguments): Option<Vec<targets::TargetGroup>> = root(targets::targets);
        /// The way of opportunities through the stages, by the history of each: one entry per stage, in their order.
        stages(stages::AnalyticsStagesArguments): Option<Vec<stages::StageFlow>> = root(stages::stages);
        /// What the goals of a fiscal year did: how many were reached, by how much they were exceeded, and whether accounts with a
        /// goal grew more.
        goalEffect(goal_effect::GoalEffectArguments): Option<goal_effect::GoalEffect> = root(goal_effect::goal_effect);
        /// What it does to be ready when a client becomes ready to change: the odds of being invited.
        presenceEffect(presence_effect::PresenceEffectArguments): Option<presence_effect::PresenceEffect> = root(presence_effect::presence_effect);
        /// How long it takes from the first touch with a target to an opportunity, and from there to a win.
        leadTimes(lead_times::LeadTimesArguments): Option<lead_times::LeadTimes> = root(lead_times::lead_times);
        /// The weeks to come of a seller: the opportunities that they can expect, and those that they need. Null unless the caller is
        /// the seller, a manager above them or an administrator.
        pipelineForecast(forecast::PipelineForecastArguments): Option<Vec<forecast::ForecastWeek>> = root(forecast::pipeline_forecast);
        /// Whether plans are reviewed when they are due, and whose target lists were not reviewed.
        reviewCompliance(compliance::ReviewComplianceArguments): Option<compliance::ReviewCompliance> = root(compliance::review_compliance);
        /// One line for each active seller of the caller's reporting line, by name: at most 500. Others who own accounts are
        /// included. Empty for a `reportingTo` that the caller does not see.
        sellers(scorecard::AnalyticsSellersArguments): Option<Vec<scorecard::SellerScorecard>> = root(scorecard::scorecards);
    }
}

/// Resolves `Query.analytics`.
///
/// # Errors
/// `UNAUTHENTICATED` if the request has no session.
pub fn analytics(field: &FieldContext<'_>) -> impl Future<Output = Result<Analytics>> + use<> {
    std::future::ready(field.request.viewer().map(|_| Analytics))
}
