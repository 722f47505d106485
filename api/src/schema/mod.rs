//! The roots of the schema: every query and every mutation.

mod prices;

pub use self::prices::prices;

use std::sync::{Arc, OnceLock};

use async_graphql::{EmptySubscription, ID, InputObject, Schema, SchemaEnv};

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
use crate::domain::promise::{self, Promise, PromisePayload};
use crate::domain::session::{self, SessionPayload, SignOutPayload};
use crate::domain::session::{invitation, password, refresh, sign_in, sign_up};
use crate::domain::targeting::one_on_one::{self, OneOnOne, OneOnOnePayload};
use crate::domain::targeting::target_list::review::{self, TargetListPayload};
use crate::domain::targeting::{self, Target, TargetPayload};
use crate::domain::touch::{self, Touch, TouchPayload};
use crate::domain::trigger_event::{self, TriggerEvent, TriggerEventPayload};
use crate::domain::upsert::UpsertPayload;
use crate::domain::user::invite::InvitationPayload;
use crate::domain::user::{self, User, UserPayload};
use crate::error::{Error, Result};
use crate::graphql::pagination::Connection;
use crate::graphql::scalars;
use crate::graphql::{AnyNode, Batch, FieldContext, object, root_object};
use graphql_http::error_codes::ErrorCodeExtension;

/// Ids that `nodes` takes at most.
const MAX_NODES: usize = 500;

/// The schema with its roots.
pub type ApiSchema = Schema<Query, Mutation, EmptySubscription>;

/// The root of queries.
#[derive(Debug)]
pub struct Query;

object! {
    /// What can be asked. Everything needs an access token, and answers with what its user may see.
    Query as "Query" {
        /// Whatever has this id; null where there is no such thing, or none that the caller may see.
        node(NodeArguments): Option<AnyNode> = batch(node);
        /// The same for many ids, in their order; at most 500.
        nodes(NodesArguments): Vec<Option<AnyNode>> = batch(nodes);
        /// The user that is asking.
        viewer: Actor = batch(user::viewer);
        /// The user that is asking, as one.
        me: Option<User> = root(user::me);
        /// The organization of who is asking.
        organization: Organization = root(organization::organization);
        /// One account: by id, by domain, or by another system's name for it.
        account(account::AccountArguments): Option<Account> = root(account::account);
        /// The accounts that the caller sees; archived ones only where the filter says so.
        accounts(account::AccountsArguments): Connection<Account> = root(account::accounts);
        /// The contacts of all accounts that the caller sees; archived ones only where the filter says so.
        contacts(contact::ContactsArguments): Connection<Contact> = root(contact::contacts);
        /// The opportunities that the caller sees.
        opportunities(opportunity::OpportunitiesArguments): Connection<Opportunity> = root(opportunity::opportunities);
        /// The bookings that the caller sees, by id.
        bookings(booking::BookingsArguments): Connection<Booking> = root(booking::bookings);
        /// The organization's members.
        users(user::UsersArguments): Connection<User> = root(user::users);
        /// By what accounts are assessed, by id; archived ones only where asked for.
        criteria(criterion::CriteriaArguments): Vec<Criterion> = root(criterion::criteria);
        /// The targets of accounts that the caller sees: open ones, and those that were.
        targets(targeting::TargetsArguments): Connection<Target> = root(targeting::targets);
        /// The goals of accounts that the caller sees.
        goals(goal::GoalsArguments): Connection<Goal> = root(goal::goals);
        /// The one-on-ones that the caller sees: their own, and those of sellers below them.
        oneOnOnes(one_on_one::list::OneOnOnesArguments): Connection<OneOnOne> = root(one_on_one::list::one_on_ones);
        /// The plans for accounts that the caller sees, by id.
        plans(plan::PlansArguments): Connection<Plan> = root(plan::plans);
        /// The touches that the caller sees: made, called off, to be made and missed.
        touches(touch::TouchesArguments): Connection<Touch> = root(touch::touches);
        /// What was promised to accounts that the caller sees.
        promises(promise::PromisesArguments): Connection<Promise> = root(promise::promises);
        /// What made accounts that the caller sees ready to change.
        triggerEvents(trigger_event::TriggerEventsArguments): Connection<TriggerEvent> = root(trigger_event::trigger_events);
        /// Figures over what the caller sees, by group.
        analytics: Analytics = root(analytics::analytics);
        /// Every change in the order in which it was committed, from after the given cursor.
        events(event::EventsArguments): Connection<Event> = root(event::events);
    }
}
root_object!(Query);

/// The root of changes.
#[derive(Debug)]
pub struct Mutation;

object! {
    /// What can be changed. Each field is one transaction; what the caller can mend comes back as userErrors, and with
    /// any of those nothing was written.
    Mutation as "Mutation" {
        /// A new organization, with its first administrator. Needs no token.
        signUp(sign_up::SignUpArguments): SessionPayload = mutation(sign_up::sign_up);
        /// A session for an address and its password. Needs no token.
        signIn(sign_in::SignInArguments): SessionPayload = mutation(sign_in::sign_in);
        /// The next tokens of a session, for its refresh token. Needs no access token. A refresh token is good for one
        /// use; one that comes again ends the session, unless within 10 seconds, for a reply that was lost.
        refreshSession(refresh::RefreshSessionArguments): SessionPayload = mutation(refresh::refresh_session);
        /// Sets the password of whoever was invited, and signs them in. Needs no token but the invitation's.
        acceptInvitation(invitation::AcceptInvitationArguments): SessionPayload = mutation(invitation::accept);
        /// Ends the session that asks.
        signOut: SignOutPayload = mutation(session::sign_out);
        /// Changes the caller's password. Their other sessions end.
        changePassword(password::ChangePasswordArguments): UserPayload = mutation(password::change);
        /// Changes the organization's settings. For administrators.
        updateOrganization(organization::write::UpdateOrganization): OrganizationPayload = mutation(organization::write::update);
        /// A new member, with an invitation to hand over. For administrators.
        inviteUser(user::invite::InviteUser): InvitationPayload = mutation(user::invite::invite);
        /// A new invitation for someone who has not accepted, or lost the password. The old token, the password and all
        /// sessions end. For administrators.
        reissueInvitation(user::invite::ReissueInvitation): InvitationPayload = mutation(user::invite::reissue);
        /// Changes a member. Members change their own name, title, time zone and working hours; administrators everything.
        updateUser(user::write::UpdateUser): UserPayload = mutation(user::write::update);
        /// Lets somebody sign in no more; a successor takes over what they own. For administrators.
        deactivateUser(user::deactivate::DeactivateUser): UserPayload = mutation(user::deactivate::deactivate);
        /// Lets somebody sign in again. For administrators.
        reactivateUser(user::write::ReactivateUser): UserPayload = mutation(user::write::reactivate);
        /// A private address of the caller's calendar, shown once; a new one ends the old. At it calendar programs read the
        /// caller's touches as iCalendar, without a token: those to be made, those called off (as CANCELLED) and those made as
        /// scheduled, from 30 days back on, 2,000 at most; with subject, account and people, without notes.
        createCalendarFeed: CalendarFeedPayload = mutation(calendar_feed::create);
        /// Ends the private address of the caller's calendar; where there is none, nothing changes.
        revokeCalendarFeed: CalendarFeedPayload = mutation(calendar_feed::revoke);
        /// A new account.
        createAccount(account::write::CreateAccount): AccountPayload = mutation(account::write::create);
        /// Changes an account. For its owner, their managers and admins.
        updateAccount(account::write::UpdateAccount): AccountPayload = mutation(account::write::update);
        /// Takes an account out of the lists; everything is kept. For its owner, their managers and admins.
        archiveAccount(account::write::OneAccount): AccountPayload = mutation(account::write::archive);
        /// Puts an archived account back into the lists. For its owner, their managers and admins.
        restoreAccount(account::write::OneAccount): AccountPayload = mutation(account::write::restore);
        /// Puts someone on an account's team, or changes what they do there. For its owner, their managers and admins.
        setTeamMember(account::team::SetTeamMember): AccountPayload = mutation(account::team::set_team_member);
        /// Takes someone off an account's team. For its owner, their managers and admins.
        removeTeamMember(account::team::RemoveTeamMember): AccountPayload = mutation(account::team::remove_team_member);
        /// A new contact at an account. For everyone who sees the account.
        createContact(contact::write::CreateContact): ContactPayload = mutation(contact::write::create);
        /// Changes a contact, or moves it to another account. For everyone who sees the account, and both in a move.
        updateContact(contact::write::UpdateContact): ContactPayload = mutation(contact::write::update);
        /// Takes a contact out of the lists; everything is kept. For everyone who sees the account.
        archiveContact(contact::write::OneContact): ContactPayload = mutation(contact::write::archive);
        /// Puts an archived contact back into the lists; not one that was erased. For everyone who sees the account.
        restoreContact(contact::write::OneContact): ContactPayload = mutation(contact::write::restore);
        /// Removes every personal datum of a contact for good, in the feed too: the name becomes "Erased person"; title,
        /// department, e-mail address, telephone number, external ids and custom fields go. The part in buying, the
        /// relationship and the touches stay, without the person; what people wrote into the notes of touches is theirs to
        /// mend. A later upsert of the same address or external id fails with CONFLICT. Erasing again changes nothing. For
        /// the account's owner, their managers and admins.
        eraseContact(contact::write::OneContact): ContactPayload = mutation(contact::erase::erase);
        /// Many accounts at once, from another system; keyed by externalId, or by domain.
        upsertAccounts(account::upsert::UpsertAccounts): UpsertPayload = mutation(account::upsert::upsert);
        /// Many contacts at once, from another system; keyed by externalId, or by account and e-mail address or name.
        upsertContacts(contact::upsert::UpsertContacts): UpsertPayload = mutation(contact::upsert::upsert);
        /// A new criterion to assess accounts by; every score is divided by its weight too. For administrators.
        createCriterion(criterion::write::CreateCriterion): CriterionPayload = mutation(criterion::write::create);
        /// Changes a criterion; a change of its weight changes every score at once. For administrators.
        updateCriterion(criterion::write::UpdateCriterion): CriterionPayload = mutation(criterion::write::update);
        /// Lets a criterion count no more; its assessments are kept. For administrators.
        archiveCriterion(criterion::write::OneCriterion): CriterionPayload = mutation(criterion::write::archive);
        /// How an account does by criteria: several at once, all or nothing. For its owner, their managers and admins.
        assessAccount(criterion::assess::AssessAccount): AccountPayload = mutation(criterion::assess::assess);
        /// Proposes an account as a target of its owner's. For its owner, their managers and admins. It takes the seller and
        /// somebody above them to agree.
        proposeTarget(targeting::write::ProposeTarget): TargetPayload = mutation(targeting::write::propose);
        /// Agrees to a proposal, or declines it. For the other one of the two; a seller with nobody above decides alone.
        /// CONFLICT where it is decided already.
        decideTarget(targeting::decide::DecideTarget): TargetPayload = mutation(targeting::decide::decide);
        /// Changes an open target. For the account's owner, their managers and admins.
        updateTarget(targeting::write::UpdateTarget): TargetPayload = mutation(targeting::write::update);
        /// Takes a proposal back. For whoever made it.
        withdrawTarget(targeting::write::OneTarget): TargetPayload = mutation(targeting::write::withdraw);
        /// Takes an account off the list: won, or dropped for a reason. For the account's owner, their managers and admins.
        closeTarget(targeting::write::CloseTarget): TargetPayload = mutation(targeting::write::close);
        /// The annual review of a list: what stays, what goes. For the seller, their managers and admins.
        reviewTargetList(review::ReviewTargetList): TargetListPayload = mutation(review::review);
        /// Proposes what an account is to bring in in a fiscal year, or agrees to it where it is the amount that waits. For
        /// the account's owner, their managers and admins; agreed at once where the owner has nobody above.
        setGoal(goal::write::SetGoal): GoalPayload = mutation(goal::write::set);
        /// Agrees to the amount that waits. For the other one of the two.
        agreeGoal(goal::write::AgreeGoal): GoalPayload = mutation(goal::write::agree);
        /// Takes back the amount that waits; the one agreed before stands, and a goal that was never agreed is gone. For
        /// whoever proposed it.
        withdrawGoal(goal::write::OneGoal): GoalPayload = mutation(goal::write::withdraw);
        /// Removes a goal with all that was agreed. For the account's owner, their managers and admins.
        removeGoal(goal::write::OneGoal): GoalPayload = mutation(goal::write::remove);
        /// A one-on-one that is to be held. For the seller, whoever is above them, and admins.
        scheduleOneOnOne(one_on_one::write::ScheduleOneOnOne): OneOnOnePayload = mutation(one_on_one::write::schedule);
        /// Changes a one-on-one, or says that it was held. For its two until it was held, and for nobody after.
        updateOneOnOne(one_on_one::write::UpdateOneOnOne): OneOnOnePayload = mutation(one_on_one::write::update);
        /// A new plan, a draft. For the account's owner, their managers and admins.
        createPlan(plan::write::CreatePlan): PlanPayload = mutation(plan::write::create);
        /// Changes a plan. This and all that follows until closePlan: for the account's owner, the plan's owner, their managers
        /// and admins, where nothing else is said; CONFLICT on a closed plan. Every change of a plan or of an item of it is a
        /// write of the plan.
        updatePlan(plan::write::UpdatePlan): PlanPayload = mutation(plan::write::update);
        /// Signs the plan as it is. Refused with INCOMPLETE, one userError an element, while one of the six is missing, and with
        /// CONFLICT where it is signed as it is. Where the commitment in force is stale this starts a new one. For the account's
        /// owner, their managers and admins.
        commitPlan(plan::commitment::CommitPlan): PlanPayload = mutation(plan::commitment::commit);
        /// Adds one's signature to the commitment in force; refused with CONFLICT once that is stale, and to whoever signed it
        /// already. For the account's owner, their managers and admins.
        cosignCommitment(plan::commitment::CosignCommitment): PlanPayload = mutation(plan::commitment::cosign);
        /// Notes a review, with how actions and benchmarks stand now.
        reviewPlan(plan::review::ReviewPlan): PlanPayload = mutation(plan::review::review);
        /// Plans where somebody is to be taken, or changes that.
        setPlannedRelationship(plan::relationship::SetPlannedRelationship): PlanPayload = mutation(plan::relationship::set);
        /// Takes a planned relationship out of its plan.
        removePlannedRelationship(plan::relationship::RemovePlannedRelationship): PlanPayload = mutation(plan::relationship::remove);
        /// Adds an objective.
        addObjective(plan::objective::AddObjective): PlanPayload = mutation(plan::objective::add);
        /// Changes an objective, or says that it was achieved.
        updateObjective(plan::objective::UpdateObjective): PlanPayload = mutation(plan::objective::update);
        /// Takes an objective out of its plan; actions that were for it stay, for none.
        removeObjective(plan::objective::RemoveObjective): PlanPayload = mutation(plan::objective::remove);
        /// Adds an action.
        addAction(plan::action::AddAction): PlanPayload = mutation(plan::action::add);
        /// Changes an action, or says that it was done; its assignee may do the latter. A touch that was made for an action
        /// (actionId) says so too, where whoever entered it or made it may.
        updateAction(plan::action::UpdateAction): PlanPayload = mutation(plan::action::update);
        /// Puts an action in another place. Of two that are moved at once the second goes where it is told to among what the
        /// first has left.
        moveAction(plan::action::MoveAction): PlanPayload = mutation(plan::action::move_after);
        /// Takes an action out of its plan; touches that were for it stay, for none.
        removeAction(plan::action::RemoveAction): PlanPayload = mutation(plan::action::remove);
        /// Adds a benchmark.
        addBenchmark(plan::benchmark::AddBenchmark): PlanPayload = mutation(plan::benchmark::add);
        /// Changes a benchmark.
        updateBenchmark(plan::benchmark::UpdateBenchmark): PlanPayload = mutation(plan::benchmark::update);
        /// Takes a benchmark out of its plan, with all that it measured.
        removeBenchmark(plan::benchmark::RemoveBenchmark): PlanPayload = mutation(plan::benchmark::remove);
        /// Notes what a benchmark measures on a day.
        recordMeasurement(plan::benchmark::RecordMeasurement): PlanPayload = mutation(plan::benchmark::record);
        /// Asks what is to be found out about the account.
        askQuestion(plan::question::AskQuestion): PlanPayload = mutation(plan::question::ask);
        /// Changes a question, or answers it; everyone who sees the account may do the latter.
        updateQuestion(plan::question::UpdateQuestion): PlanPayload = mutation(plan::question::update);
        /// Takes a question out of its plan.
        removeQuestion(plan::question::RemoveQuestion): PlanPayload = mutation(plan::question::remove);
        /// Ends a plan, which stays as it is from then on. Closing what is closed changes nothing.
        closePlan(plan::write::OnePlan): PlanPayload = mutation(plan::write::close);
        /// Deletes a draft that was never signed, and answers it as it last was.
        deletePlan(plan::write::OnePlan): PlanPayload = mutation(plan::write::delete);
        /// A touch that was made.
        logTouch(touch::input::LogTouch): TouchPayload = mutation(touch::write::log);
        /// A touch that is to be made.
        scheduleTouch(touch::input::ScheduleTouch): TouchPayload = mutation(touch::write::schedule);
        /// Changes a touch. For its user, and for the account's owner, their managers and admins; so are the next three.
        updateTouch(touch::input::UpdateTouch): TouchPayload = mutation(touch::write::update);
        /// A scheduled touch was made, missed or not. CONFLICT where it is completed or called off already.
        completeTouch(touch::input::CompleteTouch): TouchPayload = mutation(touch::write::complete);
        /// Calls a scheduled touch off. CONFLICT where it was made.
        cancelTouch(touch::input::OneTouch): TouchPayload = mutation(touch::write::cancel);
        /// Deletes a touch for good, and answers it as it last was.
        deleteTouch(touch::input::OneTouch): TouchPayload = mutation(touch::write::delete);
        /// Many touches at once, from another system; keyed by externalId.
        upsertTouches(touch::upsert::UpsertTouches): UpsertPayload = mutation(touch::upsert::upsert);
        /// A promise that was made. For everyone who sees the account; it is the caller's.
        makePromise(promise::write::MakePromise): PromisePayload = mutation(promise::write::make);
        /// Says that a promise was kept, whoever made it. For everyone who sees the account. CONFLICT where it was kept already.
        keepPromise(promise::write::KeepPromise): PromisePayload = mutation(promise::write::keep);
        /// Deletes a promise for good, and answers it as it last was. For whoever made it, and for the account's owner, their
        /// managers and admins.
        deletePromise(promise::write::OnePromise): PromisePayload = mutation(promise::write::delete);
        /// A new opportunity. For everyone who sees the account, where they or who reports to them own it; else for the
        /// account's owner, their managers and admins.
        createOpportunity(opportunity::write::CreateOpportunity): OpportunityPayload = mutation(opportunity::write::create);
        /// Changes an opportunity. For its owner, the account's owner, their managers and admins.
        updateOpportunity(opportunity::write::UpdateOpportunity): OpportunityPayload = mutation(opportunity::write::update);
        /// Wins an open opportunity and, unless told not to, books its amount on the day. For its owner, the account's
        /// owner, their managers and admins.
        winOpportunity(opportunity::close::WinOpportunity): OpportunityPayload = mutation(opportunity::close::win);
        /// Loses an open opportunity. For its owner, the account's owner, their managers and admins.
        loseOpportunity(opportunity::close::LoseOpportunity): OpportunityPayload = mutation(opportunity::close::lose);
        /// Deletes an opportunity on which no booking hangs; touches that were about it stay. For its owner, the account's
        /// owner, their managers and admins.
        deleteOpportunity(opportunity::close::OneOpportunity): OpportunityPayload = mutation(opportunity::close::delete);
        /// Many opportunities at once, from another system; keyed by externalId.
        upsertOpportunities(opportunity::upsert::UpsertOpportunities): UpsertPayload = mutation(opportunity::upsert::upsert);
        /// Records what makes a client ready to change. For the account's owner, their managers and admins.
        recordTriggerEvent(trigger_event::write::RecordTriggerEvent): TriggerEventPayload = mutation(trigger_event::write::record);
        /// Changes a trigger event, or says what came of it. For the account's owner, their managers and admins.
        updateTriggerEvent(trigger_event::write::UpdateTriggerEvent): TriggerEventPayload = mutation(trigger_event::write::update);
        /// A new booking. For the account's owner, the opportunity's owner, their managers and admins.
        recordBooking(booking::write::RecordBooking): BookingPayload = mutation(booking::write::record);
        /// Changes a booking. For the account's owner, the opportunity's owner, their managers and admins.
        updateBooking(booking::write::UpdateBooking): BookingPayload = mutation(booking::write::update);
        /// Deletes a booking. For the account's owner, the opportunity's owner, their managers and admins.
        deleteBooking(booking::write::OneBooking): BookingPayload = mutation(booking::write::delete);
        /// Many bookings at once, from another system; keyed by externalId.
        upsertBookings(booking::upsert::UpsertBookings): UpsertPayload = mutation(booking::upsert::upsert);
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
    /// The ids; at most 500.
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
    // An id that is malformed belongs to no node.
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

/// The schema.
#[must_use]
pub fn build(seen: Arc<OnceLock<SchemaEnv>>) -> ApiSchema {
    let codes = ErrorCodeExtension { seen, hint: scalars::instead };
    Schema::build(Query, Mutation, EmptySubscription).extension(codes).finish()
}

/// The schema with what it knows of its types, which async-graphql shows to extensions alone.
pub async fn open() -> (ApiSchema, SchemaEnv) {
    let seen = Arc::new(OnceLock::new());
    let schema = build(Arc::clone(&seen));
    let answer = schema.execute("{ __typename }").await;
    let env = seen.get().cloned();
    (schema, env.unwrap_or_else(|| unreachable!("a schema that was asked was seen: {:?}", answer.errors)))
}
