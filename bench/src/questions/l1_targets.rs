//! The target list of a seller with every field: 200 targets among 5,000 accounts, requested by the manager.

use futures_util::FutureExt as _;
use serde_json::json;

use super::{Context, Question, always};
use crate::Result;
use crate::client::Request;
use crate::data::Set;
use crate::data::people::Person;
use crate::environment::Engine;
use crate::measure::{Contender, has_data};
use crate::typeid::TypeId;

const DOCUMENT: &str = "query List($id: ID!) { node(id: $id) { ... on User { targetList {
    size on sellerChosenShare readiness lastReviewedOn reviewDueOn churn
    seller { id name email role title timeZone workingHours { weekday from to } active createdAt updatedAt version }
    potential { amount currency }
    band { accounts low high position }
    capacity { workingMinutesPerWeek minutesPerTouch defaulted touchesPerWeek touchesNeededPerTarget
        limit used free overBy utilization }
    targets { ...target } proposals { ...target } unpursued { ...target }
    suggestions { rankPercent account { id name domain industry employees city potential { amount currency } }
        score { value assessed assessments { score criterion { name } } } } } } } }
fragment target on Target { id kind status source rationale proposedAt decidedAt decisionNote since until closingNote
    updatedAt version
    account { id name domain industry employees city potential { amount currency } }
    seller { id name } proposedBy { id name } decidedBy { id name }
    oneOnOne { id scheduledFor heldAt }
    goal { id year status amount { amount currency } progress { booked { amount currency } attainment pace } } }";

async fn contenders(context: &Context<'_>) -> Result<Vec<Contender>> {
    let manager = context.database.sign_in(Person::MANAGER).await?;
    let seller = TypeId("user", Person::SELLER.id()).show();
    let request = Request::graphql(&manager.text, DOCUMENT, &json!({ "id": seller }));
    Ok(vec![Contender { accept: is_whole, ..context.server(always(request)) }])
}

/// Whether the answer has all targets and no errors.
fn is_whole(body: &[u8]) -> bool {
    let has = |text: &[u8]| body.windows(text.len()).any(|window| window == text);
    has_data(body) && body.ends_with(b"}}}") && has(b"\"size\":200") && has(b"\"accounts\":5000")
}

/// Returns the question for a database engine.
pub fn question(engine: Engine) -> Question {
    Question {
        name: "L1",
        title: "`targetList` of a seller with 5,000 accounts and 200 targets, every field",
        engine,
        set: Set::Book,
        connections: &[1],
        rows: 0,
        same_answers: false,
        peer: false,
        contenders: |context| contenders(context).boxed(),
    }
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn an_answer_with_errors_or_missing_targets_is_rejected() {
        let list =
            |size: u32| format!("{{\"data\":{{\"node\":{{\"targetList\":{{\"size\":{size},\"accounts\":5000}}}}}}");
        let whole = |text: String| is_whole(text.as_bytes());
        assert!(whole(list(200) + "}"));
        assert!(!whole(list(199) + "}"));
        assert!(!whole(list(200) + ",\"errors\":[{\"message\":\"Failed.\"}]}"));
    }
}
