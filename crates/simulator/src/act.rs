//! What people of the organization do: the acts of a simulation.

use chrono::NaiveDate;

use crate::numbers::{
    AccountNumber, ActionNumber, BenchmarkNumber, ContactNumber, MeetingNumber, Moment, ObjectiveNumber,
    OpportunityNumber, PlanNumber, PromiseNumber, QuestionNumber, StaffNumber, TargetNumber, TouchNumber,
    TriggerNumber,
};

/// Something that a member of the organization enters.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// When it is entered.
    pub at: Moment,
    /// Who enters it.
    pub by: StaffNumber,
    /// What is entered.
    pub deed: Deed,
}

/// What a member enters. Amounts are whole euros.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// Accounts, as they are in the [`World`](crate::World).
    EnterAccounts(Vec<AccountNumber>),
    /// Contacts, as they are in the [`World`](crate::World).
    EnterContacts(Vec<ContactNumber>),
    /// How well contacts know us.
    SetRelationships(Vec<(ContactNumber, Relationship)>),
    /// A colleague joins the team of an account as its technical expert.
    JoinTeam {
        /// The account.
        account: AccountNumber,
        /// The colleague.
        colleague: StaffNumber,
    },
    /// An assessment of an account, by the [criteria](crate::CRITERIA) in their order.
    Assess {
        /// The account.
        account: AccountNumber,
        /// Scores from 0 to 10.
        scores: Vec<u8>,
    },
    /// Bookings.
    Book(Vec<Booked>),
    /// Touches made, planned, moved and canceled.
    Touches(Vec<TouchEntry>),
    /// The commitment that a client was asked for in a touch.
    AskCommitment {
        /// The touch.
        touch: TouchNumber,
        /// What was asked for.
        asked: String,
        /// Whether it was given; `None` while that is open.
        given: Option<bool>,
    },
    /// A promise to a client.
    MakePromise {
        /// The promise.
        promise: PromiseNumber,
        /// The account.
        account: AccountNumber,
        /// The person it was made to.
        contact: ContactNumber,
        /// The touch in which it was made.
        touch: TouchNumber,
        /// What was promised.
        what: String,
        /// The day by which.
        due_on: NaiveDate,
    },
    /// A promise is kept.
    KeepPromise(PromiseNumber),
    /// A proposal to make an account a target.
    ProposeTarget {
        /// The target.
        target: TargetNumber,
        /// The account.
        account: AccountNumber,
        /// Whether it is to become a client; otherwise it is one and is to grow.
        is_dream: bool,
        /// Why this account.
        rationale: String,
        /// The one-on-one in which it is proposed.
        meeting: Option<MeetingNumber>,
    },
    /// A decision on a proposal.
    DecideTarget {
        /// The target.
        target: TargetNumber,
        /// Whether it is agreed to.
        agree: bool,
        /// A note on the decision.
        note: Option<String>,
        /// The one-on-one in which it is decided.
        meeting: Option<MeetingNumber>,
    },
    /// A proposal is taken back.
    WithdrawTarget(TargetNumber),
    /// A target leaves the list.
    CloseTarget {
        /// The target.
        target: TargetNumber,
        /// Whether it was won; otherwise it is dropped.
        won: bool,
        /// Why.
        note: String,
    },
    /// A review of a seller's target list.
    ReviewList {
        /// The seller.
        seller: StaffNumber,
        /// The targets that stay.
        keep: Vec<TargetNumber>,
        /// The targets that are dropped, and why.
        drop: Vec<(TargetNumber, String)>,
        /// Notes.
        notes: String,
    },
    /// A one-on-one is scheduled.
    ScheduleMeeting {
        /// The one-on-one.
        meeting: MeetingNumber,
        /// The seller.
        seller: StaffNumber,
        /// When it is to be held.
        scheduled_for: Moment,
        /// The accounts to talk about.
        agenda: Vec<(AccountNumber, String)>,
    },
    /// A one-on-one was held.
    HoldMeeting {
        /// The one-on-one.
        meeting: MeetingNumber,
        /// What was said.
        notes: String,
    },
    /// An amount is proposed as the goal of an account, or the amount that waits is agreed to.
    SetGoal {
        /// The account.
        account: AccountNumber,
        /// The year.
        year: i32,
        /// The amount.
        amount: i64,
        /// Whether this agrees to the amount that waits.
        agree: bool,
    },
    /// A trigger event becomes known.
    RecordTrigger {
        /// The event.
        trigger: TriggerNumber,
        /// The account.
        account: AccountNumber,
        /// The kind.
        kind: Trigger,
        /// The day on which it happened.
        occurred_on: NaiveDate,
        /// What happened.
        description: String,
        /// Who mentioned it.
        contact: Option<ContactNumber>,
        /// Whether we were present, known and valued at the account on the day before: part of the truth, not of the entry.
        was_ready: bool,
    },
    /// The outcome of a trigger event.
    ResolveTrigger {
        /// The event.
        trigger: TriggerNumber,
        /// The outcome.
        outcome: Outcome,
    },
    /// An opportunity is opened, on the day of the act.
    Open {
        /// The opportunity.
        opportunity: OpportunityNumber,
        /// The account.
        account: AccountNumber,
        /// The name.
        name: String,
        /// The amount.
        amount: i64,
        /// The day on which it is expected to close.
        expected_close_on: NaiveDate,
        /// The trigger event that led to it.
        trigger: Option<TriggerNumber>,
    },
    /// An opportunity advances.
    Advance {
        /// The opportunity.
        opportunity: OpportunityNumber,
        /// The new stage.
        stage: OpenStage,
        /// The amount.
        amount: i64,
        /// The day on which it is expected to close.
        expected_close_on: NaiveDate,
    },
    /// An opportunity is won and booked.
    Win {
        /// The opportunity.
        opportunity: OpportunityNumber,
        /// The amount.
        amount: i64,
        /// The day of the decision, from which the entry may be some days off.
        closed_on: NaiveDate,
    },
    /// An opportunity is lost.
    Lose {
        /// The opportunity.
        opportunity: OpportunityNumber,
        /// Why.
        reason: String,
        /// The day of the decision, from which the entry may be some days off.
        closed_on: NaiveDate,
    },
    /// Something about a plan.
    Plan(PlanNumber, PlanDeed),
}

/// What a member enters about a plan.
#[derive(Clone, Debug, PartialEq)]
pub enum PlanDeed {
    /// The plan itself.
    Create {
        /// The account.
        account: AccountNumber,
        /// The title.
        title: String,
        /// The summary.
        summary: String,
        /// The first day.
        starts_on: NaiveDate,
        /// The last day.
        ends_on: NaiveDate,
        /// Whether it is reviewed monthly; otherwise quarterly.
        monthly: bool,
    },
    /// The opportunity that the plan pursues.
    Link(OpportunityNumber),
    /// A planned relationship.
    Relationship {
        /// With whom.
        contact: ContactNumber,
        /// What it is to become.
        desired: Relationship,
        /// The day by which.
        by: NaiveDate,
        /// How.
        approach: String,
    },
    /// An objective.
    Objective {
        /// The objective.
        objective: ObjectiveNumber,
        /// Whether it is a long-term one.
        is_long: bool,
        /// What is to be achieved.
        statement: String,
        /// The day by which.
        due_on: NaiveDate,
    },
    /// An action.
    Action {
        /// The action.
        action: ActionNumber,
        /// What is to be done.
        title: String,
        /// The day by which.
        due_on: NaiveDate,
        /// The objective that it serves.
        objective: Option<ObjectiveNumber>,
    },
    /// A benchmark.
    Benchmark {
        /// The benchmark.
        benchmark: BenchmarkNumber,
        /// What is measured.
        measure: Measure,
        /// The value at the start.
        baseline: i64,
        /// The value to reach.
        target: i64,
        /// The day by which.
        due_on: NaiveDate,
    },
    /// A research question.
    Ask {
        /// The question.
        question: QuestionNumber,
        /// What is to be found out.
        text: String,
    },
    /// An answer to a question.
    Answer {
        /// The question.
        question: QuestionNumber,
        /// The answer.
        answer: String,
    },
    /// A signature under the plan as it is.
    Commit {
        /// What is promised.
        statement: String,
    },
    /// A second signature.
    Cosign,
    /// A measurement of a benchmark, on the day of the act.
    Measurement {
        /// The benchmark.
        benchmark: BenchmarkNumber,
        /// The value.
        value: i64,
    },
    /// A review, on the day of the act.
    Review {
        /// What was found.
        finding: Finding,
        /// Notes.
        notes: String,
    },
    /// An action is done, on the day of the act; or skipped.
    Finish {
        /// The action.
        action: ActionNumber,
        /// Whether it is skipped.
        skipped: bool,
    },
    /// An objective is achieved, on the day of the act.
    Achieve(ObjectiveNumber),
    /// The plan is closed.
    Close,
}

/// What a review of a plan found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It goes as planned.
    OnTrack,
    /// It does not.
    OffTrack,
    /// The plan was changed.
    Changed,
}

/// What a benchmark measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// What the account booked, in euros.
    Booked,
    /// Contacts who know us.
    ContactsKnown,
    /// Sites with a service contract, counted by hand.
    Sites,
}

/// How well a contact knows us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relationship {
    /// They know us.
    Known,
    /// They value us.
    Valued,
    /// They trust us.
    Trusted,
}

/// The kind of a trigger event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Dissatisfaction with the present supplier.
    Dissatisfaction,
    /// A new decision maker.
    LeadershipChange,
    /// The end of a contract.
    ContractEnd,
    /// A new site.
    Expansion,
}

/// The outcome of a trigger event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// We were invited and won.
    Won,
    /// We were invited and lost.
    CompetedAndLost,
    /// We were not invited.
    NotInvited,
    /// The client changed nothing.
    NoChange,
}

/// The stage of an open opportunity, after IDENTIFIED.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenStage {
    /// There is a need, a budget and a day.
    Qualified,
    /// They have our offer.
    Proposed,
    /// They negotiate.
    Negotiating,
}

/// A booking.
#[derive(Clone, Debug, PartialEq)]
pub struct Booked {
    /// The account.
    pub account: AccountNumber,
    /// The amount; negative for a credit note.
    pub amount: i64,
    /// The day.
    pub on: NaiveDate,
    /// What was booked.
    pub description: String,
}

/// The kind of a touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TouchWay {
    /// A telephone call.
    Call,
    /// An e-mail.
    Email,
    /// A meeting.
    Meeting,
    /// A short message.
    Message,
    /// A conversation at an event.
    Event,
    /// A letter.
    Mail,
}

/// The kind of value that a touch gave the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gift {
    /// An idea.
    Idea,
    /// An insight.
    Insight,
    /// Something to read.
    Content,
    /// An introduction to another person.
    Introduction,
    /// Help.
    Help,
}

/// The state in which a touch is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TouchState {
    /// It is planned.
    Planned,
    /// It was made.
    Made,
    /// It was canceled.
    Canceled,
}

/// A touch as it is entered, or changed if it was entered before.
#[derive(Clone, Debug, PartialEq)]
pub struct TouchEntry {
    /// The touch.
    pub touch: TouchNumber,
    /// Whether it was entered before.
    pub is_change: bool,
    /// The account.
    pub account: AccountNumber,
    /// The people who take or took part.
    pub contacts: Vec<ContactNumber>,
    /// The kind.
    pub way: TouchWay,
    /// The state.
    pub state: TouchState,
    /// Whether the client started it.
    pub inbound: bool,
    /// When it begins or began.
    pub at: Moment,
    /// The minutes it takes or took, where they are entered.
    pub minutes: Option<i64>,
    /// The subject.
    pub subject: String,
    /// Notes.
    pub notes: Option<String>,
    /// Whether the client responded.
    pub responded: bool,
    /// The value that it gave, and whether the client acknowledged it.
    pub gift: Option<(Gift, bool)>,
    /// The opportunity that it is about.
    pub opportunity: Option<OpportunityNumber>,
    /// When it was first recorded, where that is later than it was made.
    pub recorded_at: Option<Moment>,
}
