//! What the schema's names mean for the price of a request.

use async_graphql::registry::Registry;
use graphql_http::cost::{PriceTable, Prices};

use super::{Mutation, Query};
use crate::context::RequestContext;
use crate::graphql::OutputType;
use crate::graphql::pagination::page::{DEFAULT_PAGE, LARGEST_PAGE};

const TABLE: PriceTable = PriceTable {
    query: "Query",
    mutation: "Mutation",
    computed: &[
        ("Account", "presence", 1),
        ("Account", "relationships", 1),
        ("Account", "kickoff", 1),
        ("TriggerEvent", "presence", 1),
        ("Target", "nurture", 2),
        ("CalendarWeek", "suggestions", 20),
        ("Plan", "asOf", 5),
        ("TargetList", "readiness", 20),
        ("TargetList", "readinessEstimate", 20),
        ("TargetList", "assessNext", 10),
        ("TargetList", "series", 50),
        ("Presence", "series", 50),
        ("GoalProgress", "series", 5),
        ("Focus", "series", 50),
        ("TargetList", "unpursued", 10),
        ("TargetList", "suggestions", 10),
        ("PipelineSufficiency", "series", 50),
        ("PipelineSufficiency", "lastUsefulTouchOn", 20),
        ("PipelineSufficiency", "touchToOpportunityDays", 20),
        ("User", "focus", 50),
        ("User", "pipeline", 20),
        ("User", "today", 20),
        ("User", "week", 20),
    ],
    aggregates: "Analytics",
    filters: &["filter"],
    // As `externalId` does.
    selective: &["id", "domain", "email", "accountId", "contactId", "subjectId"],
    computed_operands: &["presence", "absent"],
    passwords: &["signUp", "signIn", "acceptInvitation", "changePassword"],
    default_page: DEFAULT_PAGE.unsigned_abs() as u64,
    max_page: LARGEST_PAGE.unsigned_abs() as u64,
};

/// Returns the prices of the schema.
#[must_use]
pub fn prices() -> Prices {
    let mut registry = Registry::default();
    <Query as OutputType<RequestContext>>::describe(&mut registry);
    <Mutation as OutputType<RequestContext>>::describe(&mut registry);
    Prices::of(&registry, TABLE)
}

#[cfg(test)]
#[path = "prices_tests.rs"]
mod tests;
