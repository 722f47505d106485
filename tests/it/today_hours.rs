//! Today where the organization and the user are a day apart: at every hour, what is listed is what acting on it accepts.

use std::collections::{BTreeMap, BTreeSet};

use callshot::internals::StoppedAt;
use serde_json::json;
use tests::actors::Member;
use tests::{Client, Database, Server, Subject as _, World, on_both_databases};

/// The kinds of suggestions with rows of their own.
const KINDS: [&str; 6] =
    ["KEEP_PROMISE", "DO_ACTION", "REVIEW_PLAN", "DECIDE_TARGET", "ASK_FOR_COMMITMENT", "ANSWER_TRIGGER_EVENT"];

/// The subjects of suggestions, by kind.
type Subjects = BTreeMap<&'static str, BTreeSet<String>>;

/// A server whose clock stands an hour of 2 March 2026, UTC, which is Sunday evening in Santiago at the first of them, and
/// Tuesday afternoon in Auckland at the last.
async fn server(database: Database, hour: i64) -> Server {
    let at = callshot::internals::instant("2026-03-02T00:30:00Z").unwrap().plus_seconds(hour * 3600);
    let stop: StoppedAt = at.to_string().parse().unwrap();
    Server::start_with(database, |settings| settings.clock.stop = Some(stop)).await
}

/// The user's and the organization's day, and what is listed of each kind.
async fn listed(who: &Client) -> (String, String, Subjects) {
    let kinds = KINDS.join(", ");
    let document = format!(
        "{{ me {{ today(kinds: [{kinds}], first: 200) {{ on total actions {{ kind subject {{ id }} }} }} }} organization {{ today }} }}"
    );
    let answer = who.query(&document).await;
    let actions = answer.data("me.today.actions").as_array().unwrap();
    assert_eq!(answer.data("me.today.total"), &json!(actions.len()));
    let mut subjects = Subjects::new();
    for action in actions {
        let kind = KINDS.into_iter().find(|kind| action["kind"] == *kind).unwrap();
        subjects.entry(kind).or_default().insert(action["subject"]["id"].as_str().unwrap().to_owned());
    }
    (answer.text("me.today.on").to_owned(), answer.text("organization.today").to_owned(), subjects)
}

/// What waits at one account.
struct Waiting {
    account: String,
    subjects: BTreeMap<&'static str, String>,
}

impl Waiting {
    /// Makes one row of each kind that does not depend on the hour.
    async fn of(ann: &Member, mia: &Member, name: &str) -> Self {
        let account = ann.account(json!({"name": name})).await;
        let stalled = ann.opportunity(&account, json!({"name": "Stalled", "amount": "5"})).await;
        let input = json!({"accountId": account, "kind": "GROWTH", "rationale": "They grow."});
        let target = mia.make("proposeTarget", "target", input).await;
        let plan = json!({"accountId": account, "title": "Win", "startsOn": "2026-01-01", "endsOn": "2026-12-31"});
        let plan = ann.make("createPlan", "plan", plan).await;
        ann.mutate("updatePlan", "plan { id }", json!({"id": plan, "nextReviewOn": "2026-03-02"})).await.done();
        let input = json!({"planId": plan, "title": "Call", "dueOn": "2026-03-03", "assigneeId": ann.id()});
        let answer = ann.mutate("addAction", "plan { actions { id } }", input).await.done();
        let action = answer.text("addAction.plan.actions.0.id").to_owned();
        let subjects = BTreeMap::from([
            ("ASK_FOR_COMMITMENT", stalled),
            ("DECIDE_TARGET", target),
            ("REVIEW_PLAN", plan),
            ("DO_ACTION", action),
        ]);
        Self { account, subjects }
    }

    /// Makes what belongs to the organization's day of the hour.
    async fn complete(&mut self, who: &Client, today: &str) {
        let promise = json!({"accountId": self.account, "what": "A list", "dueOn": today});
        self.subjects.insert("KEEP_PROMISE", who.make("makePromise", "promise", promise).await);
        let event = json!({"accountId": self.account, "kind": "FUNDING", "occurredOn": today});
        self.subjects.insert("ANSWER_TRIGGER_EVENT", who.make("recordTriggerEvent", "triggerEvent", event).await);
    }

    /// Acts on what waits, by the mutation that the suggestion asks for.
    async fn act(&self, who: &Client, kind: &str) {
        let id = self.subjects[kind].as_str();
        match kind {
            "KEEP_PROMISE" => {
                who.mutate("keepPromise", "promise { keptOn }", json!({"id": id})).await.done();
            }
            "DO_ACTION" => {
                let input = json!({"id": id, "status": "DONE"});
                who.mutate("updateAction", "plan { id }", input).await.done();
            }
            "REVIEW_PLAN" => {
                let input = json!({"id": id, "outcome": "ON_TRACK"});
                who.mutate("reviewPlan", "plan { nextReviewOn }", input).await.done();
            }
            "DECIDE_TARGET" => {
                let input = json!({"id": id, "decision": "AGREE"});
                who.mutate("decideTarget", "target { status }", input).await.done();
            }
            "ASK_FOR_COMMITMENT" => {
                // It is won on the organization's day, which may not have begun for the user.
                who.mutate("winOpportunity", "opportunity { closedOn }", json!({"id": id})).await.done();
            }
            _ => {
                let input = json!({"accountId": self.account, "name": "Answer", "triggerEventId": id});
                who.make("createOpportunity", "opportunity", input).await;
            }
        }
    }
}

#[on_both_databases]
async fn what_is_listed_is_what_acting_on_it_accepts_at_every_hour(empty: &Database) {
    let world = World::on(server(Database::make_ready(empty.kind()).await, -24 * 20).await).await;
    // A day apart for most of the day.
    let zone = json!({"timeZone": "Pacific/Auckland"});
    world.admin().mutate("updateOrganization", "organization { id }", zone).await.done();
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").with(json!({"timeZone": "America/Santiago"})).under(&mia).await;
    let mut waiting = Vec::new();
    for hour in 0..24 {
        waiting.push(Waiting::of(&ann, &mia, &format!("Account {hour}")).await);
    }
    let mut archived = Waiting::of(&ann, &mia, "Archived").await;
    archived.complete(&ann, "2026-02-10").await;
    ann.mutate("archiveAccount", "", json!({"id": archived.account})).await.done();
    let email = ann.email().to_owned();
    let mut database = world.into_server().stop().await;
    let mut apart = 0;
    for hour in 0..24 {
        let running = server(database, i64::try_from(hour).unwrap()).await;
        let ann = running.sign_in(&email).await;
        let (own, organization, _) = listed(&ann).await;
        apart += i32::from(own != organization);
        waiting[hour].complete(&ann, &organization).await;
        // What waits still: of this hour and those to come, and nothing at the archived account.
        let mut expected = Subjects::new();
        for one in &waiting[hour..] {
            for (kind, subject) in &one.subjects {
                expected.entry(kind).or_default().insert(subject.clone());
            }
        }
        assert_eq!(listed(&ann).await.2, expected, "{hour}");
        for kind in KINDS {
            waiting[hour].act(&ann, kind).await;
            let left = expected.get_mut(kind).unwrap();
            left.remove(&waiting[hour].subjects[kind]);
            if left.is_empty() {
                expected.remove(kind);
            }
            assert_eq!(listed(&ann).await.2, expected, "{hour} {kind}");
        }
        // What is not listed at the archived account is not accepted either.
        let agree = json!({"id": archived.subjects["DECIDE_TARGET"], "decision": "AGREE"});
        let answer = json!({"accountId": archived.account, "name": "Answer",
            "triggerEventId": archived.subjects["ANSWER_TRIGGER_EVENT"]});
        for (mutation, node, input) in
            [("decideTarget", "target { id }", agree), ("createOpportunity", "opportunity { id }", answer)]
        {
            let refused = ann.mutate(mutation, node, input).await;
            assert!(refused.refusals().iter().any(|(code, _)| code == "CONFLICT"), "{hour} {mutation}: {refused}");
        }
        database = running.stop().await;
    }
    assert!(apart >= 12, "{apart} hours on different days");
    database.remove().await;
}
