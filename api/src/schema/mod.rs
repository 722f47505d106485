//! The root types of the schema: every query and every mutation.

mod prices;

pub use self::prices::prices;

use async_graphql::{EmptySubscription, ID, InputObject, Schema, SchemaEnv};
use graphql_http::introspection::IntrospectionExtension;

use crate::domain::account::{self, Account, AccountPayload};
use crate::domain::analytics::{self, Analytics};
use crate::domain::booking::{self, Booking, BookingPayload};
use crate::domain::calendar_feed::{self, CalendarFeedPayload};
use crate::domain::contact::{self, Contact, ContactPayload};
use crate::domain::criterion::{self, Criterion, CriterionPayload};
use crate::domain::event::{self, Actor, Event};
use crate::domain::goal::{self, Goal, GoalPayload};
use crate::domain::node::nodes_of;
use crate::domain::opportunity::{self, Opportunity, OpportunityPayload};
use crate::domain::organization::write::OrganizationPayload;
use crate::domain::organization::{self, Organization};
use crate::domain::plan::{self, Plan, PlanPayload};
use crate::domain::promise::{self, ClientPromise, ClientPromisePayload};
use crate::domain::session::{self, SessionPayload, SignOutPayload};
use crate::domain::session::{invitation, password, refresh, sign_in, sign_up};
use crate::domain::targeting::one_on_one::{self, OneOnOne, OneOnOnePayload};
use crate::domain::targeting::target_list::review::{self, TargetListPayload};
use crate::domain::targeting::{self, Target, TargetPayload};
use crate::domain::today::snooze::{self, SuggestedActionPayload};
use crate::domain::touch::{self, Touch, TouchPayload};
use crate::domain::trigger_event::{self, TriggerEvent, TriggerEventPayload};
use crate::domain::upsert::UpsertPayload;
use crate::domain::user::invite::InvitationPayload;
use crate::domain::user::{self, User, UserPayload};
use crate::error::{Error, Result};
use crate::graphql::pagination::Connection;
use crate::graphql::{AnyNode, Batch, FieldContext, object, root_object};

/// The maximum number of ids in one call of `nodes`.
const MAX_NODES: usize = 500;

/// The description of the schema.
pub const DESCRIPTION: &str = "Selling to chosen accounts: accounts, contacts, targets, goals, plans, touches, promises, \
                               opportunities and bookings of one organization, and the figures drawn from them.";

/// The schema with its root types.
pub type ApiSchema = Schema<Query, Mutation, EmptySubscription>;

/// The root type of queries.
#[derive(Debug)]
pub struct Query;

object! {
    /// The queries. Each requires an access token and returns only what its user may see. A field that fails is null, and
    /// the others are answered.
    Query as "Query" Nullable {
        /// The object with this id; null if it does not exist or the caller may not see it.
        node(NodeArguments): Option<AnyNode> = batch(node);
        /// The objects with these ids, at most 500, in the order of the ids. An entry is null if the object does not
        /// exist or the caller may not see it.
        nodes(NodesArguments): Vec<Option<AnyNode>> = batch(nodes);
        /// The caller, as an actor.
        viewer: Actor = batch(user::viewer);
        /// The caller, as a user.
        me: Option<User> = root(user::me);
        /// The caller's organization.
        organization: Organization = root(organization::organization);
        /// The account with this id, domain or identifier in another system; null if it does not exist or the caller
        /// does not see it.
        account(account::AccountArguments): Option<Account> = root(account::account);
        /// The accounts that the caller sees. Archived accounts are included only if the filter asks for them.
        accounts(account::AccountsArguments): Connection<Account> = root(account::accounts);
        /// The member of the caller's organization with this id; null if there is none.
        user(user::OneUser): Option<User> = root(user::one);
        /// The contact with this id or identifier in another system; null if it does not exist or the caller does not
        /// see it.
        contact(contact::OneContactArguments): Option<Contact> = root(contact::one);
        /// The opportunity with this id or identifier in another system; null if it does not exist or the caller does
        /// not see it.
        opportunity(opportunity::OneOpportunityArguments): Option<Opportunity> = root(opportunity::one);
        /// The contacts of all accounts that the caller sees. Archived contacts are included only if the filter asks
        /// for them.
        contacts(contact::ContactsArguments): Connection<Contact> = root(contact::contacts);
        /// The opportunities that the caller sees.
        opportunities(opportunity::OpportunitiesArguments): Connection<Opportunity> = root(opportunity::opportunities);
        /// The bookings that the caller sees.
        bookings(booking::BookingsArguments): Connection<Booking> = root(booking::bookings);
        /// The members of the caller's organization.
        users(user::UsersArguments): Connection<User> = root(user::users);
        /// The criteria by which accounts are assessed, ordered by id. Archived criteria are included only on request.
        criteria(criterion::CriteriaArguments): Vec<Criterion> = root(criterion::criteria);
        /// The targets of accounts that the caller sees, both open and closed.
        targets(targeting::TargetsArguments): Connection<Target> = root(targeting::targets);
        /// The goals of accounts that the caller sees.
        goals(goal::GoalsArguments): Connection<Goal> = root(goal::goals);
        /// The one-on-ones that the caller sees: their own, and those of sellers below them in the reporting line.
        oneOnOnes(one_on_one::list::OneOnOnesArguments): Connection<OneOnOne> = root(one_on_one::list::one_on_ones);
        /// The plans of accounts that the caller sees.
        plans(plan::PlansArguments): Connection<Plan> = root(plan::plans);
        /// The touches that the caller sees: completed, canceled, scheduled and missed.
        touches(touch::TouchesArguments): Connection<Touch> = root(touch::touches);
        /// The promises made to accounts that the caller sees.
        promises(promise::PromisesArguments): Connection<ClientPromise> = root(promise::promises);
        /// The events that made accounts that the caller sees ready to change.
        triggerEvents(trigger_event::TriggerEventsArguments): Connection<TriggerEvent> = root(trigger_event::trigger_events);
        /// Figures over the data that the caller sees, by group.
        analytics: Analytics = root(analytics::analytics);
        /// The changes that the caller sees, in the order in which they were committed. `last` returns the newest ones:
        /// with `filter: {notActorId}`, what others did.
        events(event::EventsArguments): Connection<Event> = root(event::events);
    }
}
root_object!(Query);

/// The root type of mutations.
#[derive(Debug)]
pub struct Mutation;

object! {
    /// The mutations. Each field is one transaction. Errors that the caller can fix are returned as `userErrors`; with
    /// any, nothing was written. A field that fails is null, and the others are executed. The arguments of all fields are
    /// checked before the first one is executed.
    Mutation as "Mutation" Nullable {
        /// Creates an organization and its first administrator, and starts a session. Requires no access token.
        signUp(input: sign_up::SignUpInput): SessionPayload = mutation(sign_up::sign_up);
        /// Starts a session with an e-mail address and a password. Requires no access token.
        signIn(input: sign_in::SignInInput): SessionPayload = mutation(sign_in::sign_in);
        /// Exchanges a refresh token for the next tokens of its session. Requires no access token. A refresh token is
        /// valid for one use. If it is presented again, the session ends, unless it was first used in the last 10
        /// seconds and the response was lost.
        refreshSession(input: refresh::RefreshSessionInput): SessionPayload = mutation(refresh::refresh_session);
        /// Accepts an invitation: sets the member's password and starts a session. Requires no access token, only the
        /// token of the invitation.
        acceptInvitation(input: invitation::AcceptInvitationInput): SessionPayload = mutation(invitation::accept);
        /// Ends the caller's session.
        signOut: SignOutPayload = mutation(session::sign_out);
        /// Changes the caller's password and ends their other sessions.
        changePassword(input: password::ChangePasswordInput): UserPayload = mutation(password::change);
        /// Changes the settings of the organization. Only for administrators.
        updateOrganization(input: organization::write::UpdateOrganizationInput): OrganizationPayload = mutation(organization::write::update);
        /// Invites a new member, and returns the token of the invitation to pass on. Only for administrators.
        inviteUser(input: user::invite::InviteUserInput): InvitationPayload = mutation(user::invite::invite);
        /// Invites a member anew who has not accepted or has lost the password. The previous invitation, the password
        /// and all sessions become invalid. Only for administrators.
        reissueInvitation(input: user::invite::ReissueInvitationInput): InvitationPayload = mutation(user::invite::reissue);
        /// Changes a member. Members may change their own name, title, time zone and working hours; administrators may
        /// change every member.
        updateUser(input: user::write::UpdateUserInput): UserPayload = mutation(user::write::update);
        /// Deactivates a member, who can no longer sign in. A successor takes over what they own. Only
        /// for administrators.
        deactivateUser(input: user::deactivate::DeactivateUserInput): UserPayload = mutation(user::deactivate::deactivate);
        /// Reactivates a member, who can sign in again. Only for administrators.
        reactivateUser(input: user::write::ReactivateUserInput): UserPayload = mutation(user::write::reactivate);
        /// Creates and changes members from another system, matched by e-mail address. A new member has no invitation until
        /// `reissueInvitation`. Only for administrators.
        upsertUsers(input: user::upsert::UpsertUsersInput): UpsertPayload = mutation(user::upsert::upsert);
        /// Creates a private URL for the caller's calendar, which is returned only once and replaces a previous one.
        /// Calendar programs read the caller's touches from it as iCalendar without a token: scheduled ones, canceled
        /// ones (as CANCELLED) and completed ones that had been scheduled, starting 30 days ago and at most 2,000.
        /// Subject, account and people are included, notes are not.
        createCalendarFeed: CalendarFeedPayload = mutation(calendar_feed::create);
        /// Revokes the private URL for the caller's calendar. If there is none, nothing changes.
        revokeCalendarFeed: CalendarFeedPayload = mutation(calendar_feed::revoke);
        /// Creates an account.
        createAccount(input: account::write::CreateAccountInput): AccountPayload = mutation(account::write::create);
        /// Changes an account. For the account's owner, their managers and administrators.
        updateAccount(input: account::write::UpdateAccountInput): AccountPayload = mutation(account::write::update);
        /// Archives an account: removes it from lists and keeps everything that belongs to it. For the account's owner,
        /// their managers and administrators.
        archiveAccount(input: account::write::ArchiveAccountInput): AccountPayload = mutation(account::write::archive);
        /// Restores an archived account. For the account's owner, their managers and administrators.
        restoreAccount(input: account::write::RestoreAccountInput): AccountPayload = mutation(account::write::restore);
        /// Adds a user to the team of an account, or changes their role on it. For the account's owner, their managers
        /// and administrators.
        setTeamMember(input: account::team::SetTeamMemberInput): AccountPayload = mutation(account::team::set_team_member);
        /// Removes a user from the team of an account. For the account's owner, their managers and administrators.
        removeTeamMember(input: account::team::RemoveTeamMemberInput): AccountPayload = mutation(account::team::remove_team_member);
        /// Creates a contact at an account. For everyone who sees the account.
        createContact(input: contact::write::CreateContactInput): ContactPayload = mutation(contact::write::create);
        /// Changes a contact, or moves it to another account. For everyone who sees the account; in a move, both
        /// accounts.
        updateContact(input: contact::write::UpdateContactInput): ContactPayload = mutation(contact::write::update);
        /// Archives a contact: removes it from lists and keeps everything that belongs to it. For everyone who sees the
        /// account.
        archiveContact(input: contact::write::ArchiveContactInput): ContactPayload = mutation(contact::write::archive);
        /// Restores an archived contact. An erased contact cannot be restored. For everyone who sees the account.
        restoreContact(input: contact::write::RestoreContactInput): ContactPayload = mutation(contact::write::restore);
        /// Permanently erases all personal data of a contact, including in the event feed. The name becomes "Erased
        /// person"; title, department, e-mail address, telephone number, external ids and custom fields are removed.
        /// The buying role, the relationship and the touches stay, without the person. The notes of touches are free
        /// text and are not changed. Later upserts with the same address or external id fail with CONFLICT. Erasing an
        /// erased contact changes nothing. For the account's owner, their managers and administrators.
        eraseContact(input: contact::write::EraseContactInput): ContactPayload = mutation(contact::erase::erase);
        /// Creates and changes accounts from another system, matched by external id or domain.
        upsertAccounts(input: account::upsert::UpsertAccountsInput): UpsertPayload = mutation(account::upsert::upsert);
        /// Creates and changes contacts from another system, matched by external id, or else by account and e-mail
        /// address or name.
        upsertContacts(input: contact::upsert::UpsertContactsInput): UpsertPayload = mutation(contact::upsert::upsert);
        /// Creates a criterion by which accounts are assessed. Its weight counts in every score immediately. Only
        /// for administrators.
        createCriterion(input: criterion::write::CreateCriterionInput): CriterionPayload = mutation(criterion::write::create);
        /// Changes a criterion. A change of its weight changes every score immediately. Only for administrators.
        updateCriterion(input: criterion::write::UpdateCriterionInput): CriterionPayload = mutation(criterion::write::update);
        /// Archives a criterion, which then no longer counts in scores. Its assessments are kept. Only
        /// for administrators.
        archiveCriterion(input: criterion::write::ArchiveCriterionInput): CriterionPayload = mutation(criterion::write::archive);
        /// Assesses an account by one or more criteria. Either all assessments are saved or none. For the account's
        /// owner, their managers and administrators.
        assessAccount(input: criterion::assess::AssessAccountInput): AccountPayload = mutation(criterion::assess::assess);
        /// Proposes an account as a target of its owner. It becomes a target when both the seller and a manager above
        /// them agree. For the account's owner, their managers and administrators.
        proposeTarget(input: targeting::write::ProposeTargetInput): TargetPayload = mutation(targeting::write::propose);
        /// Agrees to a proposed target or declines it. For the side that did not propose it: the seller or a manager
        /// above them. A seller without a manager decides alone. Fails with CONFLICT if the target is no longer
        /// PROPOSED.
        decideTarget(input: targeting::decide::DecideTargetInput): TargetPayload = mutation(targeting::decide::decide);
        /// Changes an open target. For the account's owner, their managers and administrators.
        updateTarget(input: targeting::write::UpdateTargetInput): TargetPayload = mutation(targeting::write::update);
        /// Withdraws a proposed target. Only for the user who proposed it.
        withdrawTarget(input: targeting::write::WithdrawTargetInput): TargetPayload = mutation(targeting::write::withdraw);
        /// Closes a target: the account was won, or it is dropped for a reason. For the account's owner, their managers
        /// and administrators.
        closeTarget(input: targeting::write::CloseTargetInput): TargetPayload = mutation(targeting::write::close);
        /// Records the annual review of a target list, in which each target is kept or dropped. For the seller, their
        /// managers and administrators.
        reviewTargetList(input: review::ReviewTargetListInput): TargetListPayload = mutation(review::review);
        /// Proposes the amount that an account is to book in a fiscal year, or agrees to the proposed amount if it is
        /// the same. For the account's owner, their managers and administrators. If the owner has no manager, the
        /// amount is agreed immediately.
        setGoal(input: goal::write::SetGoalInput): GoalPayload = mutation(goal::write::set);
        /// Agrees to the proposed amount of a goal. For the side that did not propose it: the account's owner or a
        /// manager above them.
        agreeGoal(input: goal::write::AgreeGoalInput): GoalPayload = mutation(goal::write::agree);
        /// Withdraws the proposed amount of a goal. A previously agreed amount stays in force; a goal that was never
        /// agreed is deleted. Only for the user who proposed the amount.
        withdrawGoal(input: goal::write::WithdrawGoalInput): GoalPayload = mutation(goal::write::withdraw);
        /// Deletes a goal with everything that was agreed. For the account's owner, their managers and administrators.
        removeGoal(input: goal::write::RemoveGoalInput): GoalPayload = mutation(goal::write::remove);
        /// Schedules a one-on-one. For the seller, their managers and administrators.
        scheduleOneOnOne(input: one_on_one::write::ScheduleOneOnOneInput): OneOnOnePayload = mutation(one_on_one::write::schedule);
        /// Changes a one-on-one, or records that it was held. Only for its two participants, and only until it was
        /// held.
        updateOneOnOne(input: one_on_one::write::UpdateOneOnOneInput): OneOnOnePayload = mutation(one_on_one::write::update);
        /// Creates a plan as a draft. For the account's owner, their managers and administrators.
        createPlan(input: plan::write::CreatePlanInput): PlanPayload = mutation(plan::write::create);
        /// Changes a plan. Every change of a plan or one of its items creates a new version of the plan, and fails with
        /// CONFLICT if the plan is closed. For the owners of the account and the plan, their managers and
        /// administrators.
        updatePlan(input: plan::write::UpdatePlanInput): PlanPayload = mutation(plan::write::update);
        /// Signs the plan as it is. Fails with INCOMPLETE while any of the six elements is missing, with one userError
        /// per element, and with CONFLICT if the plan is already signed as it is. If the commitment in force is stale,
        /// a new one is started. For the account's owner, their managers and administrators.
        commitPlan(input: plan::commitment::CommitPlanInput): plan::commitment::CommitmentPayload = mutation(plan::commitment::commit);
        /// Adds the caller's signature to the commitment in force. Fails with CONFLICT if the commitment is stale or
        /// the caller has signed it already. For the account's owner, their managers and administrators.
        cosignCommitment(input: plan::commitment::CosignCommitmentInput): plan::commitment::CommitmentPayload = mutation(plan::commitment::cosign);
        /// Records a review of a plan, with the present state of its actions and benchmarks. For the owners of the
        /// account and the plan, their managers and administrators.
        reviewPlan(input: plan::review::ReviewPlanInput): plan::review::ReviewPayload = mutation(plan::review::review);
        /// Adds a planned relationship with a contact to a plan, or changes it. For the owners of the account and the
        /// plan, their managers and administrators.
        setPlannedRelationship(input: plan::relationship::SetPlannedRelationshipInput): plan::relationship::PlannedRelationshipPayload = mutation(plan::relationship::set);
        /// Removes a planned relationship from its plan. For the owners of the account and the plan, their managers and
        /// administrators.
        removePlannedRelationship(input: plan::relationship::RemovePlannedRelationshipInput): plan::relationship::PlannedRelationshipPayload = mutation(plan::relationship::remove);
        /// Adds an objective to a plan. For the owners of the account and the plan, their managers and administrators.
        addObjective(input: plan::objective::AddObjectiveInput): plan::objective::ObjectivePayload = mutation(plan::objective::add);
        /// Changes an objective, or records that it was achieved. For the owners of the account and the plan, their
        /// managers and administrators.
        updateObjective(input: plan::objective::UpdateObjectiveInput): plan::objective::ObjectivePayload = mutation(plan::objective::update);
        /// Removes an objective from its plan. Its actions stay in the plan without an objective. For the owners of the
        /// account and the plan, their managers and administrators.
        removeObjective(input: plan::objective::RemoveObjectiveInput): plan::objective::ObjectivePayload = mutation(plan::objective::remove);
        /// Adds an action to a plan. For the owners of the account and the plan, their managers and administrators.
        addAction(input: plan::action::AddActionInput): plan::action::ActionPayload = mutation(plan::action::add);
        /// Changes an action, or records that it was done. Its assignee may do the latter. A completed touch with the
        /// id of the action as its actionId also marks the action as done, if the user of the touch or the user who
        /// records it may do so. For the owners of the account and the plan, their managers and administrators.
        updateAction(input: plan::action::UpdateActionInput): plan::action::ActionPayload = mutation(plan::action::update);
        /// Moves an action to another position in its plan. Concurrent moves are applied one after the other. For the
        /// owners of the account and the plan, their managers and administrators.
        moveAction(input: plan::action::MoveActionInput): plan::action::ActionPayload = mutation(plan::action::move_after);
        /// Removes an action from its plan. Its touches stay without an action. For the owners of the account and the
        /// plan, their managers and administrators.
        removeAction(input: plan::action::RemoveActionInput): plan::action::ActionPayload = mutation(plan::action::remove);
        /// Adds a benchmark to a plan. For the owners of the account and the plan, their managers and administrators.
        addBenchmark(input: plan::benchmark::AddBenchmarkInput): plan::benchmark::BenchmarkPayload = mutation(plan::benchmark::add);
        /// Changes a benchmark. For the owners of the account and the plan, their managers and administrators.
        updateBenchmark(input: plan::benchmark::UpdateBenchmarkInput): plan::benchmark::BenchmarkPayload = mutation(plan::benchmark::update);
        /// Removes a benchmark from its plan, with all its measurements. For the owners of the account and the plan,
        /// their managers and administrators.
        removeBenchmark(input: plan::benchmark::RemoveBenchmarkInput): plan::benchmark::BenchmarkPayload = mutation(plan::benchmark::remove);
        /// Records a measurement of a benchmark on a day. For the owners of the account and the plan, their managers
        /// and administrators.
        recordMeasurement(input: plan::benchmark::RecordMeasurementInput): plan::benchmark::MeasurementPayload = mutation(plan::benchmark::record);
        /// Adds a research question about the account to a plan. For the owners of the account and the plan, their
        /// managers and administrators.
        askQuestion(input: plan::question::AskQuestionInput): plan::question::QuestionPayload = mutation(plan::question::ask);
        /// Changes a question, or answers it. Everyone who sees the account may answer. For the owners of the account
        /// and the plan, their managers and administrators.
        updateQuestion(input: plan::question::UpdateQuestionInput): plan::question::QuestionPayload = mutation(plan::question::update);
        /// Removes a question from its plan. For the owners of the account and the plan, their managers and
        /// administrators.
        removeQuestion(input: plan::question::RemoveQuestionInput): plan::question::QuestionPayload = mutation(plan::question::remove);
        /// Closes a plan, which can no longer be changed. Closing a closed plan changes nothing. For the owners of the
        /// account and the plan, their managers and administrators.
        closePlan(input: plan::write::ClosePlanInput): PlanPayload = mutation(plan::write::close);
        /// Deletes a draft that was never signed, and returns its last state. For the owners of the account and the
        /// plan, their managers and administrators.
        deletePlan(input: plan::write::DeletePlanInput): PlanPayload = mutation(plan::write::delete);
        /// Records a completed touch.
        logTouch(input: touch::input::LogTouchInput): TouchPayload = mutation(touch::write::log);
        /// Schedules a touch.
        scheduleTouch(input: touch::input::ScheduleTouchInput): TouchPayload = mutation(touch::write::schedule);
        /// Changes a touch. For the touch's user, the account's owner, their managers and administrators.
        updateTouch(input: touch::input::UpdateTouchInput): TouchPayload = mutation(touch::write::update);
        /// Completes a scheduled touch, even if it counts as missed. Fails with CONFLICT if it is already completed or
        /// canceled. For the touch's user, the account's owner, their managers and administrators.
        completeTouch(input: touch::input::CompleteTouchInput): TouchPayload = mutation(touch::write::complete);
        /// Cancels a scheduled touch. Fails with CONFLICT if it is completed. For the touch's user, the account's
        /// owner, their managers and administrators.
        cancelTouch(input: touch::input::CancelTouchInput): TouchPayload = mutation(touch::write::cancel);
        /// Permanently deletes a touch, and returns its last state. For the touch's user, the account's owner, their
        /// managers and administrators.
        deleteTouch(input: touch::input::DeleteTouchInput): TouchPayload = mutation(touch::write::delete);
        /// Creates and changes touches from another system, matched by external id.
        upsertTouches(input: touch::upsert::UpsertTouchesInput): UpsertPayload = mutation(touch::upsert::upsert);
        /// Records a promise that the caller made to an account. For everyone who sees the account.
        makePromise(input: promise::write::MakePromiseInput): ClientPromisePayload = mutation(promise::write::make);
        /// Records that a promise was kept, regardless of who made it. Fails with CONFLICT if it was already kept. For
        /// everyone who sees the account.
        keepPromise(input: promise::write::KeepPromiseInput): ClientPromisePayload = mutation(promise::write::keep);
        /// Permanently deletes a promise, and returns its last state. For the user who made it, the account's owner,
        /// their managers and administrators.
        deletePromise(input: promise::write::DeletePromiseInput): ClientPromisePayload = mutation(promise::write::delete);
        /// Puts off a suggested action: until that day it is left out of `User.today`. Setting the same day again changes
        /// nothing. For the user whom it is suggested to.
        snoozeSuggestedAction(input: snooze::SnoozeSuggestedActionInput): SuggestedActionPayload = mutation(snooze::snooze);
        /// Creates an opportunity. For everyone who sees the account, if they or a member below them become its owner;
        /// otherwise for the account's owner, their managers and administrators.
        createOpportunity(input: opportunity::write::CreateOpportunityInput): OpportunityPayload = mutation(opportunity::write::create);
        /// Changes an opportunity. For the owners of the opportunity and the account, their managers and
        /// administrators.
        updateOpportunity(input: opportunity::write::UpdateOpportunityInput): OpportunityPayload = mutation(opportunity::write::update);
        /// Closes an open opportunity as won and, by default, records a booking of its amount on the closing day. For
        /// the owners of the opportunity and the account, their managers and administrators.
        winOpportunity(input: opportunity::close::WinOpportunityInput): OpportunityPayload = mutation(opportunity::close::win);
        /// Closes an open opportunity as lost. For the owners of the opportunity and the account, their managers and
        /// administrators.
        loseOpportunity(input: opportunity::close::LoseOpportunityInput): OpportunityPayload = mutation(opportunity::close::lose);
        /// Deletes an opportunity that has no bookings, and keeps its touches. For the owners of the opportunity and
        /// the account, their managers and administrators.
        deleteOpportunity(input: opportunity::close::DeleteOpportunityInput): OpportunityPayload = mutation(opportunity::close::delete);
        /// Creates and changes opportunities from another system, matched by external id.
        upsertOpportunities(input: opportunity::upsert::UpsertOpportunitiesInput): UpsertPayload = mutation(opportunity::upsert::upsert);
        /// Records an event that makes a client ready to change. For the account's owner, their managers and
        /// administrators.
        recordTriggerEvent(input: trigger_event::write::RecordTriggerEventInput): TriggerEventPayload = mutation(trigger_event::write::record);
        /// Changes a trigger event, or records its outcome. For the account's owner, their managers and administrators.
        updateTriggerEvent(input: trigger_event::write::UpdateTriggerEventInput): TriggerEventPayload = mutation(trigger_event::write::update);
        /// Records a booking. For the owners of the account and the opportunity, their managers and administrators.
        recordBooking(input: booking::write::RecordBookingInput): BookingPayload = mutation(booking::write::record);
        /// Changes a booking. For the owners of the account and the opportunity, their managers and administrators.
        updateBooking(input: booking::write::UpdateBookingInput): BookingPayload = mutation(booking::write::update);
        /// Deletes a booking. For the owners of the account and the opportunity, their managers and administrators.
        deleteBooking(input: booking::write::DeleteBookingInput): BookingPayload = mutation(booking::write::delete);
        /// Creates and changes bookings from another system, matched by external id.
        upsertBookings(input: booking::upsert::UpsertBookingsInput): UpsertPayload = mutation(booking::upsert::upsert);
    }
}
root_object!(Mutation);

/// Arguments of `node`.
#[derive(Clone, Debug, InputObject)]
pub struct NodeArguments {
    /// The id.
    pub id: ID,
}

/// Arguments of `nodes`.
#[derive(Clone, Debug, InputObject)]
pub struct NodesArguments {
    /// The ids: at most 500.
    pub ids: Vec<ID>,
}

async fn node(field: &FieldContext<'_>, _: &[&Query]) -> Result<Batch<Option<AnyNode>>> {
    let NodeArguments { id } = field.arguments()?;
    field.request.viewer()?;
    match entity::split_id(&id) {
        Ok(id) => nodes_of(field, &[id]).await,
        Err(_) => Ok(Batch::all_null(1)),
    }
}

async fn nodes(field: &FieldContext<'_>, _: &[&Query]) -> Result<Batch<Vec<Option<AnyNode>>>> {
    let NodesArguments { ids } = field.arguments()?;
    field.request.viewer()?;
    if ids.len() > MAX_NODES {
        return Err(Error::BadInput(format!("`ids` takes at most {MAX_NODES} ids; {} were given.", ids.len())));
    }
    // A malformed id belongs to no object.
    let mut well_formed = Vec::with_capacity(ids.len());
    let mut positions = Vec::with_capacity(ids.len());
    for id in &ids {
        positions.push(entity::split_id(id).ok().map(|id| {
            well_formed.push(id);
            well_formed.len() - 1
        }));
    }
    let found = nodes_of(field, &well_formed).await?;
    Ok(found.select(positions).into_single_list())
}

/// Builds the schema, with the extension that gives access to its registry.
#[must_use]
pub fn build() -> (ApiSchema, IntrospectionExtension) {
    let introspection = IntrospectionExtension::new(DESCRIPTION);
    (Schema::build(Query, Mutation, EmptySubscription).extension(introspection.clone()).finish(), introspection)
}

/// Builds the schema and returns it with its environment, which contains the registry of its types.
pub async fn open() -> (ApiSchema, SchemaEnv) {
    let (schema, introspection) = build();
    let env = introspection.environment(&schema).await;
    (schema, env)
}
