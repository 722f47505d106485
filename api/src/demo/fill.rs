//! Fills a database with a simulation, day by day.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{ID, MaybeUndefined};
use entity::{
    AccountId, ActionId, BenchmarkId, ContactId, CriterionId, GoalId, Id, Instant, ObjectiveId, OneOnOneId,
    OpportunityId, PlanId, PromiseId, QuestionId, TargetId, TouchId, TriggerEventId, UserId,
};
use indicatif::{ProgressBar, ProgressStyle};
use simulator::act::{OpenStage, Outcome, Trigger};
use simulator::{
    AccountNumber, Act, ActionNumber, BenchmarkNumber, CRITERIA, Deed, ObjectiveNumber, QuestionNumber, Simulation,
    StaffNumber, World,
};

use super::{Filled, Filling, UNFINISHED, people, plans, rows};
use crate::app::App;
use crate::context::{RequestContext, Viewer};
use crate::domain::account::team::{self, SetTeamMemberInput, TeamRole};
use crate::domain::criterion::assess::{self, AssessAccountInput, AssessmentInput};
use crate::domain::criterion::write::{self as criterion, CreateCriterionInput};
use crate::domain::goal::write::{self as goal, AgreeGoalInput, SetGoalInput};
use crate::domain::opportunity::Stage;
use crate::domain::opportunity::close::{self as closing, LoseOpportunityInput, WinOpportunityInput};
use crate::domain::opportunity::write::{self as opportunity, CreateOpportunityInput, UpdateOpportunityInput};
use crate::domain::organization::write::{self as organization, UpdateOrganizationInput};
use crate::domain::promise::write::{self as promise, KeepPromiseInput, MakePromiseInput};
use crate::domain::targeting::decide::{self, DecideTargetInput, TargetDecision};
use crate::domain::targeting::one_on_one::write::{
    self as one_on_one, OneOnOneItemInput, ScheduleOneOnOneInput, UpdateOneOnOneInput,
};
use crate::domain::targeting::target_list::review::{self, DropTargetInput, ReviewTargetListInput};
use crate::domain::targeting::write::{
    self as targeting, CloseTargetInput, ProposeTargetInput, TargetClosing, WithdrawTargetInput,
};
use crate::domain::targeting::{TargetKind, TargetSource};
use crate::domain::touch::input::UpdateTouchInput;
use crate::domain::touch::write as touch;
use crate::domain::trigger_event::write::{self as trigger_event, RecordTriggerEventInput, UpdateTriggerEventInput};
use crate::domain::trigger_event::{TriggerKind, TriggerOutcome};
use crate::error::Error;
use crate::graphql::scalars::{Date, DateTime, Decimal};

/// The ids of what was made, by the numbers of the simulation.
#[derive(Default)]
pub(super) struct Made {
    pub accounts: Vec<AccountId>,
    pub contacts: HashMap<usize, ContactId>,
    pub criteria: Vec<CriterionId>,
    pub touches: HashMap<usize, TouchId>,
    targets: HashMap<usize, (TargetId, i32)>,
    meetings: HashMap<usize, OneOnOneId>,
    pub triggers: HashMap<usize, TriggerEventId>,
    pub opportunities: HashMap<usize, OpportunityId>,
    promises: HashMap<usize, PromiseId>,
    goals: HashMap<(AccountNumber, i32), GoalId>,
    pub plans: HashMap<usize, PlanId>,
    pub objectives: HashMap<ObjectiveNumber, ObjectiveId>,
    pub actions: HashMap<ActionNumber, ActionId>,
    pub benchmarks: HashMap<BenchmarkNumber, BenchmarkId>,
    pub questions: HashMap<QuestionNumber, QuestionId>,
    pub bookings: usize,
}

/// A filling in progress.
pub(super) struct Filler<'a> {
    pub app: &'a Arc<App>,
    pub world: &'a World,
    pub viewers: Vec<Arc<Viewer>>,
    pub made: Made,
}

/// Why an act could not be entered.
pub(super) type Stopped = Error;

/// Fills the database of an application.
///
/// # Errors
/// A sentence that says where it stopped.
pub async fn fill(app: &Arc<App>, filling: &Filling) -> Result<Filled, String> {
    let mut simulation = Simulation::of(filling.scenario)?;
    let world = simulation.world().clone();
    let first = simulation.next_day();
    let days = (simulation.last_day() - first).num_days() + 1;
    let progress = if filling.shows_progress { progress_bar(days.unsigned_abs()) } else { ProgressBar::hidden() };
    let mut filled = Filled { staff: world.staff.clone(), ..Filled::default() };
    // Before anyone works on the first day.
    let begun = first.and_hms_opt(4, 0, 0).map_or(Instant(0), |at| Instant(at.and_utc().timestamp_micros()));
    let viewers = people::employ(app, filling, &world, begun).await.map_err(|error| stopped("the members", &error))?;
    let mut filler = Filler { app, world: &world, viewers, made: Made::default() };
    filler.create_criteria(begun.plus_seconds(60)).await.map_err(|error| stopped("the criteria", &error))?;
    for acts in &mut simulation {
        for act in acts {
            let (at, by) = (instant(act.at), act.by);
            filled.acts += 1;
            let what = || format!("an entry of {} at {at}", world.staff[by.0].name);
            filler.enter(act).await.map_err(|error| stopped(&what(), &error))?;
        }
        progress.inc(1);
    }
    filled.touches = filler.made.touches.len();
    filler
        .finish(&filling.organization, Instant(filling.scenario.now.0))
        .await
        .map_err(|error| stopped("the name", &error))?;
    if let Err(error) = app.db.gather_statistics().await {
        tracing::warn!(%error, "the database's statistics could not be refreshed");
    }
    progress.finish_and_clear();
    Ok(filled)
}

fn progress_bar(days: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{bar:40} {percent:>3} %, {elapsed}").unwrap_or(ProgressStyle::default_bar());
    ProgressBar::new(days).with_style(style)
}

/// Returns a sentence about an act that could not be entered.
fn stopped(what: &str, error: &Stopped) -> String {
    let why = match error {
        Error::Refused(errors) => errors
            .iter()
            .map(|error| format!("{}: {}", error.field.join("."), error.message))
            .collect::<Vec<_>>()
            .join("; "),
        Error::Internal(reference) => format!("an internal error, which the log has under {reference}"),
        Error::Timeout => "the database took too long".to_owned(),
        other => format!("{other:?}"),
    };
    format!(
        "the demo stopped half-way, at {what}: {why}. What is there by now is an organization whose name ends in \
         “{UNFINISHED}”; begin again with an empty database, or under another name (--organization NAME)"
    )
}

pub(super) fn date(day: chrono::NaiveDate) -> Date {
    Date(entity::Day::from_date(day).unwrap_or_default())
}

pub(super) fn money(euros: i64) -> Decimal {
    Decimal(euros.into())
}

pub(super) const fn instant(moment: simulator::Moment) -> Instant {
    Instant(moment.0)
}

/// Returns the error of something that the simulation refers to and that was not made.
pub(super) fn missing(what: &str) -> Error {
    Error::BadInput(format!("the simulation refers to {what} before it was made"))
}

pub(super) fn id(of: impl Id) -> ID {
    ID(of.show())
}

impl Filler<'_> {
    /// Returns the context of a request of a member at an instant.
    pub fn context(&self, by: StaffNumber, at: Instant) -> RequestContext {
        people::context(self.app, Some(Arc::clone(&self.viewers[by.0])), at)
    }

    pub fn user(&self, staff: StaffNumber) -> UserId {
        self.viewers[staff.0].user.id
    }

    pub fn account(&self, number: AccountNumber) -> Result<ID, Stopped> {
        self.made.accounts.get(number.0).map(|account| id(*account)).ok_or_else(|| missing("an account"))
    }

    fn find<N: Copy>(&self, of: fn(&Made) -> &HashMap<usize, N>, number: usize, what: &str) -> Result<N, Stopped> {
        of(&self.made).get(&number).copied().ok_or_else(|| missing(what))
    }

    pub fn contact(&self, number: usize) -> Result<ID, Stopped> {
        Ok(id(self.find(|made| &made.contacts, number, "a contact")?))
    }

    pub fn opportunity(&self, number: usize) -> Result<ID, Stopped> {
        Ok(id(self.find(|made| &made.opportunities, number, "an opportunity")?))
    }

    fn touch(&self, number: usize) -> Result<ID, Stopped> {
        Ok(id(self.find(|made| &made.touches, number, "a touch")?))
    }

    fn target(&self, number: usize) -> Result<(ID, i32), Stopped> {
        let (target, version) = self.find(|made| &made.targets, number, "a target")?;
        Ok((id(target), version))
    }

    fn meeting(&self, number: usize) -> Result<ID, Stopped> {
        Ok(id(self.find(|made| &made.meetings, number, "a one-on-one")?))
    }

    fn trigger(&self, number: usize) -> Result<ID, Stopped> {
        Ok(id(self.find(|made| &made.triggers, number, "a trigger event")?))
    }

    /// Enters an act.
    async fn enter(&mut self, Act { at, by, deed }: Act) -> Result<(), Stopped> {
        let ctx = &self.context(by, instant(at));
        match deed {
            Deed::EnterAccounts(accounts) => {
                rows::enter_accounts(self, ctx, &accounts).await?;
                self.viewers = people::viewers(self.app, &self.viewers).await?;
            }
            Deed::EnterContacts(contacts) => rows::enter_contacts(self, ctx, &contacts).await?,
            Deed::SetRelationships(better) => rows::set_relationships(ctx, &better).await?,
            Deed::Book(booked) => rows::book(self, ctx, &booked).await?,
            Deed::Touches(entries) => rows::enter_touches(self, ctx, &entries).await?,
            Deed::JoinTeam { account, colleague } => {
                let (account_id, user_id) = (self.account(account)?, id(self.user(colleague)));
                let input = SetTeamMemberInput { account_id, user_id, role: TeamRole::Technical, if_version: None };
                team::set_team_member(ctx, input).await?;
            }
            Deed::Assess { account, scores } => self.assess(ctx, account, &scores).await?,
            Deed::AskCommitment { touch, asked, given } => {
                let given = given.map_or(MaybeUndefined::Null, MaybeUndefined::Value);
                let input = UpdateTouchInput {
                    commitment_asked: MaybeUndefined::Value(asked),
                    commitment_given: given,
                    ..unchanged_touch(self.touch(touch.0)?)
                };
                touch::update(ctx, input).await?;
            }
            Deed::MakePromise { promise, account, contact, touch, what, due_on } => {
                let input = MakePromiseInput {
                    account_id: self.account(account)?,
                    contact_id: Some(self.contact(contact.0)?),
                    touch_id: Some(self.touch(touch.0)?),
                    what,
                    made_on: None,
                    due_on: date(due_on),
                };
                let made = promise::make(ctx, input).await?.promise.ok_or_else(|| missing("a promise"))?;
                self.made.promises.insert(promise.0, made.0.id);
            }
            Deed::KeepPromise(promise) => {
                let promise = self.find(|made| &made.promises, promise.0, "a promise")?;
                promise::keep(ctx, KeepPromiseInput { id: id(promise), kept_on: None, if_version: None }).await?;
            }
            Deed::RecordTrigger { trigger, account, kind, occurred_on, description, contact, was_ready: _ } => {
                let input = RecordTriggerEventInput {
                    account_id: self.account(account)?,
                    kind: kind_of(kind),
                    occurred_on: date(occurred_on),
                    description: Some(description),
                    contact_id: contact.map(|contact| self.contact(contact.0)).transpose()?,
                };
                let made = trigger_event::record(ctx, input).await?.trigger_event;
                self.made.triggers.insert(trigger.0, made.ok_or_else(|| missing("a trigger event"))?.0.id);
            }
            Deed::ResolveTrigger { trigger, outcome } => {
                let input = UpdateTriggerEventInput {
                    id: self.trigger(trigger.0)?,
                    kind: MaybeUndefined::Undefined,
                    occurred_on: MaybeUndefined::Undefined,
                    description: MaybeUndefined::Undefined,
                    contact_id: MaybeUndefined::Undefined,
                    outcome: MaybeUndefined::Value(outcome_of(outcome)),
                    resolved_on: MaybeUndefined::Undefined,
                    if_version: None,
                };
                trigger_event::update(ctx, input).await?;
            }
            Deed::SetGoal { account, year, amount, agree } => self.set_goal(ctx, account, year, amount, agree).await?,
            Deed::Plan(plan, deed) => plans::enter(self, ctx, plan, deed).await?,
            deed @ (Deed::Open { .. } | Deed::Advance { .. } | Deed::Win { .. } | Deed::Lose { .. }) => {
                self.sell(ctx, deed).await?;
            }
            deed => self.aim(ctx, deed).await?,
        }
        Ok(())
    }

    async fn assess(&self, ctx: &RequestContext, account: AccountNumber, scores: &[u8]) -> Result<(), Stopped> {
        let score = |(criterion, score): (&CriterionId, &u8)| AssessmentInput {
            criterion_id: id(*criterion),
            score: MaybeUndefined::Value(i32::from(*score)),
            evidence: MaybeUndefined::Undefined,
        };
        let scores = self.made.criteria.iter().zip(scores).map(score).collect();
        assess::assess(ctx, AssessAccountInput { account_id: self.account(account)?, scores }).await.map(drop)
    }

    async fn set_goal(
        &mut self,
        ctx: &RequestContext,
        account: AccountNumber,
        year: i32,
        amount: i64,
        agree: bool,
    ) -> Result<(), Stopped> {
        let amount = money(amount);
        if agree {
            let goal = self.made.goals.get(&(account, year)).copied().ok_or_else(|| missing("a goal"))?;
            goal::agree(ctx, AgreeGoalInput { id: id(goal), amount: Some(amount), if_version: None }).await?;
            return Ok(());
        }
        let input = SetGoalInput { account_id: self.account(account)?, year: Some(year), amount, if_version: None };
        let made = goal::set(ctx, input).await?.goal.ok_or_else(|| missing("a goal"))?;
        self.made.goals.insert((account, year), made.0.id);
        Ok(())
    }

    /// Enters what becomes of opportunities.
    async fn sell(&mut self, ctx: &RequestContext, deed: Deed) -> Result<(), Stopped> {
        match deed {
            Deed::Open { opportunity, account, name, amount, expected_close_on, trigger } => {
                let input = CreateOpportunityInput {
                    account_id: self.account(account)?,
                    name,
                    amount: Some(money(amount)),
                    stage: None,
                    probability: None,
                    opened_on: None,
                    expected_close_on: Some(date(expected_close_on)),
                    owner_id: None,
                    trigger_event_id: trigger.map(|trigger| self.trigger(trigger.0)).transpose()?,
                    external_ids: Some(vec![rows::external("opportunity", opportunity.0)]),
                    custom_fields: None,
                };
                let made = opportunity::create(ctx, input).await?.opportunity;
                self.made.opportunities.insert(opportunity.0, made.ok_or_else(|| missing("an opportunity"))?.0.id);
            }
            Deed::Advance { opportunity, stage, amount, expected_close_on } => {
                let stage = match stage {
                    OpenStage::Qualified => Stage::Qualified,
                    OpenStage::Proposed => Stage::Proposed,
                    OpenStage::Negotiating => Stage::Negotiating,
                };
                let input = UpdateOpportunityInput {
                    id: self.opportunity(opportunity.0)?,
                    name: MaybeUndefined::Undefined,
                    amount: MaybeUndefined::Value(money(amount)),
                    stage: MaybeUndefined::Value(stage),
                    probability: MaybeUndefined::Undefined,
                    opened_on: MaybeUndefined::Undefined,
                    expected_close_on: MaybeUndefined::Value(date(expected_close_on)),
                    owner_id: MaybeUndefined::Undefined,
                    trigger_event_id: MaybeUndefined::Undefined,
                    external_ids: MaybeUndefined::Undefined,
                    custom_fields: MaybeUndefined::Undefined,
                    if_version: None,
                };
                opportunity::update(ctx, input).await?;
            }
            Deed::Win { opportunity, amount, closed_on } => {
                let input = WinOpportunityInput {
                    id: self.opportunity(opportunity.0)?,
                    closed_on: Some(date(closed_on)),
                    amount: Some(money(amount)),
                    book: Some(true),
                    if_version: None,
                };
                closing::win(ctx, input).await?;
            }
            Deed::Lose { opportunity, reason, closed_on } => {
                let input = LoseOpportunityInput {
                    id: self.opportunity(opportunity.0)?,
                    closed_on: Some(date(closed_on)),
                    reason: Some(reason),
                    if_version: None,
                };
                closing::lose(ctx, input).await?;
            }
            other => return Err(missing(&format!("{other:?}"))),
        }
        Ok(())
    }

    /// Enters what becomes of targets, and one-on-ones.
    async fn aim(&mut self, ctx: &RequestContext, deed: Deed) -> Result<(), Stopped> {
        match deed {
            Deed::ProposeTarget { target, account, is_dream, rationale, meeting } => {
                let is_seller = self.user(self.world.companies[account.0].owner) == ctx.viewer()?.user.id;
                let input = ProposeTargetInput {
                    account_id: self.account(account)?,
                    kind: if is_dream { TargetKind::DreamClient } else { TargetKind::Growth },
                    rationale,
                    source: Some(if is_seller { TargetSource::Seller } else { TargetSource::Management }),
                    one_on_one_id: meeting.map(|meeting| self.meeting(meeting.0)).transpose()?,
                };
                let made = targeting::propose(ctx, input).await?.target.ok_or_else(|| missing("a target"))?;
                self.made.targets.insert(target.0, (made.0.id, made.0.version));
            }
            Deed::DecideTarget { target, agree, note, meeting } => {
                let (target_id, version) = self.target(target.0)?;
                let input = DecideTargetInput {
                    id: target_id,
                    decision: if agree { TargetDecision::Agree } else { TargetDecision::Decline },
                    note,
                    one_on_one_id: meeting.map(|meeting| self.meeting(meeting.0)).transpose()?,
                    goal_amount: None,
                    if_version: Some(version),
                };
                decide::decide(ctx, input).await?;
            }
            Deed::WithdrawTarget(target) => {
                let input = WithdrawTargetInput { id: self.target(target.0)?.0, if_version: None };
                targeting::withdraw(ctx, input).await?;
            }
            Deed::CloseTarget { target, won, note } => {
                let r#as = if won { TargetClosing::Won } else { TargetClosing::Dropped };
                let id = self.target(target.0)?.0;
                targeting::close(ctx, CloseTargetInput { id, r#as, note: Some(note), if_version: None }).await?;
            }
            Deed::ReviewList { seller, keep, drop, notes } => {
                let keep = keep.iter().map(|target| Ok(self.target(target.0)?.0)).collect::<Result<_, Stopped>>()?;
                let drop =
                    drop.into_iter().map(|(target, note)| Ok(DropTargetInput { id: self.target(target.0)?.0, note }));
                let drop = drop.collect::<Result<_, Stopped>>()?;
                let input = ReviewTargetListInput { seller_id: id(self.user(seller)), keep, drop, notes: Some(notes) };
                review::review(ctx, input).await?;
            }
            Deed::ScheduleMeeting { meeting, seller, scheduled_for, agenda } => {
                let item =
                    |(account, note)| Ok(OneOnOneItemInput { account_id: self.account(account)?, note: Some(note) });
                let items = agenda.into_iter().map(item).collect::<Result<_, Stopped>>()?;
                let input = ScheduleOneOnOneInput {
                    seller_id: id(self.user(seller)),
                    manager_id: None,
                    scheduled_for: DateTime(instant(scheduled_for)),
                    items: Some(items),
                };
                let made = one_on_one::schedule(ctx, input).await?.one_on_one;
                self.made.meetings.insert(meeting.0, made.ok_or_else(|| missing("a one-on-one"))?.0.id);
            }
            Deed::HoldMeeting { meeting, notes } => {
                let input = UpdateOneOnOneInput {
                    id: self.meeting(meeting.0)?,
                    scheduled_for: MaybeUndefined::Undefined,
                    held_at: MaybeUndefined::Value(DateTime(ctx.now)),
                    notes: MaybeUndefined::Value(notes),
                    items: MaybeUndefined::Undefined,
                    if_version: None,
                };
                one_on_one::update(ctx, input).await?;
            }
            other => return Err(missing(&format!("{other:?}"))),
        }
        Ok(())
    }

    /// Creates the criteria by which accounts are assessed.
    async fn create_criteria(&mut self, at: Instant) -> Result<(), Stopped> {
        let ctx = self.context(StaffNumber(0), at);
        for (name, description, weight) in CRITERIA {
            let (name, description) = ((*name).to_owned(), Some((*description).to_owned()));
            let made = criterion::create(&ctx, CreateCriterionInput { name, description, weight: *weight }).await?;
            self.made.criteria.push(made.criterion.ok_or_else(|| missing("a criterion"))?.0.id);
        }
        Ok(())
    }

    /// Gives the organization its name, which says that it is complete.
    async fn finish(&self, name: &str, at: Instant) -> Result<(), Stopped> {
        let ctx = self.context(StaffNumber(0), at);
        let input =
            UpdateOrganizationInput { name: MaybeUndefined::Value(name.to_owned()), ..unchanged_organization() };
        organization::update(&ctx, input).await.map(drop)
    }
}

pub(super) fn unchanged_organization() -> UpdateOrganizationInput {
    UpdateOrganizationInput {
        name: MaybeUndefined::Undefined,
        currency: MaybeUndefined::Undefined,
        time_zone: MaybeUndefined::Undefined,
        fiscal_year_start_month: MaybeUndefined::Undefined,
        key_account_threshold: MaybeUndefined::Undefined,
        policy: MaybeUndefined::Undefined,
        if_version: None,
    }
}

fn unchanged_touch(id: ID) -> UpdateTouchInput {
    UpdateTouchInput {
        id,
        contact_ids: MaybeUndefined::Undefined,
        kind: MaybeUndefined::Undefined,
        direction: MaybeUndefined::Undefined,
        at: MaybeUndefined::Undefined,
        duration_minutes: MaybeUndefined::Undefined,
        subject: MaybeUndefined::Undefined,
        notes: MaybeUndefined::Undefined,
        responded: MaybeUndefined::Undefined,
        value: MaybeUndefined::Undefined,
        value_acknowledged: MaybeUndefined::Undefined,
        commitment_asked: MaybeUndefined::Undefined,
        commitment_given: MaybeUndefined::Undefined,
        opportunity_id: MaybeUndefined::Undefined,
        action_id: MaybeUndefined::Undefined,
        if_version: None,
    }
}

const fn kind_of(kind: Trigger) -> TriggerKind {
    match kind {
        Trigger::Dissatisfaction => TriggerKind::Dissatisfaction,
        Trigger::LeadershipChange => TriggerKind::LeadershipChange,
        Trigger::ContractEnd => TriggerKind::ContractEnd,
        Trigger::Expansion => TriggerKind::Expansion,
    }
}

const fn outcome_of(outcome: Outcome) -> TriggerOutcome {
    match outcome {
        Outcome::Won => TriggerOutcome::Won,
        Outcome::CompetedAndLost => TriggerOutcome::CompetedAndLost,
        Outcome::NotInvited => TriggerOutcome::NotInvited,
        Outcome::NoChange => TriggerOutcome::NoChange,
    }
}
