//! What plans say.

/// Summaries of plans.
pub(crate) const SUMMARIES: &[&str] = &[
    "They need a {plant} that does not stop. We want to be the supplier they call first, and then the one they plan with: service \
     at once, the next investment after that.",
    "Water is a cost for them, not yet a topic. We make it one: with a balance, with ideas from {industry}, and with people who \
     answer.",
    "Known in maintenance, unknown in the management. The plan is to be known by all who decide before the contract with the \
     competitor ends.",
];

/// How relationships are to be built.
pub(crate) const APPROACHES: &[&str] = &[
    "Visit a reference plant together.",
    "Monthly call with one idea each; no selling.",
    "Introduce our managing director at the fair.",
    "Report on the savings, in their format.",
];

/// Short-term objectives.
pub(crate) const SHORT: &[&str] = &[
    "The head of maintenance asks us for a second opinion on the {plant}.",
    "A trial of four weeks is agreed.",
    "We have met all five people who decide.",
    "The water balance is in the hands of the management.",
];

/// Long-term objectives.
pub(crate) const LONG: &[&str] = &[
    "Service of every {plant} is ours.",
    "The next investment is planned with us before it is put out to tender.",
    "They are a reference for {industry}.",
];

/// Actions.
pub(crate) const ACTIONS: &[&str] = &[
    "Walk through the {plant} with the shift supervisor",
    "Prepare the water balance",
    "Bring together their quality manager and ours",
    "Calculate the cost of a day of standstill",
    "Invite the plant manager to the reference plant",
    "Find out who signs above 50,000 euros",
    "Send the case study of a company in {industry}",
    "Agree on the dates of the quarterly reviews",
];

/// Questions to find out about.
pub(crate) const QUESTIONS: &[&str] = &[
    "When does the contract with the competitor end?",
    "Who has the last word on investments?",
    "What does a cubic meter of treated water cost them today?",
    "What went wrong the last time they changed suppliers?",
];

/// Answers to those questions, in their order.
pub(crate) const ANSWERS: &[&str] = &[
    "At the end of June next year, with six months' notice.",
    "The managing director, above 50,000 euros together with the owner.",
    "Between 3.10 and 3.40 euros, all included, says the controller.",
    "Two weeks without spare parts. They want a local stock.",
];

/// What is promised with a signature.
pub(crate) const STATEMENTS: &[&str] = &[
    "I will be present at this account every two weeks, keep what I promise, and be the first they call.",
    "I stand for this plan: the actions are in my calendar, and I report on them in every one-on-one.",
    "We will know all who decide by summer, and be ready on the day they are dissatisfied.",
];

/// Notes on reviews of plans.
pub(crate) const REVIEWS: &[&str] = &[
    "Actions are done in time; the management has seen the balance.",
    "Behind: the trial was postponed. New date agreed with the plant manager.",
    "New head of utilities. We begin again there, and keep the rest of the plan.",
    "On track. They asked us about the second site unprompted.",
    "Too few touches in the last month; two visits planned.",
];
