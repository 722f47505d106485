//! Rights as data: what `viewerCan…` and `awaiting` say is what the mutations accept, for everyone.

use serde_json::{Value, json};
use tests::actors::Member;
use tests::{Answer, World, on_both_databases};

use super::plans::{act, change, full, plan_fields};

/// Everyone who may have to do with an account of Ann's, on whose team Bob is.
struct People {
    ann: Member,
    bob: Member,
    mia: Member,
    all: Vec<Member>,
}

impl People {
    async fn of(world: &World) -> Self {
        let boss = world.manager("Boss").await;
        let mia = world.manager("Mia").under(&boss).await;
        let max = world.manager("Max").await;
        let ann = world.seller("Ann").under(&mia).await;
        let bob = world.seller("Bob").under(&max).await;
        let cid = world.seller("Cid").under(&mia).await;
        let other_admin = world.another_admin("Eve").await;
        let (ann, bob, mia): (Member, Member, Member) = ((*ann).clone(), (*bob).clone(), (*mia).clone());
        let others = [(*boss).clone(), (*max).clone(), (*cid).clone(), (*other_admin).clone()];
        let all = [ann.clone(), bob.clone(), mia.clone()].into_iter().chain(others).collect();
        Self { ann, bob, mia, all }
    }

    /// An account of Ann's with Bob on its team.
    async fn account(&self) -> String {
        let account = self.ann.account(json!({"name": "Acme"})).await;
        let seat = json!({"accountId": account, "userId": self.bob.id(), "role": "TECHNICAL"});
        self.ann.mutate("setTeamMember", "account { id }", seat).await.done();
        account
    }
}

/// Reads fields of a node; null where it is not seen.
async fn read(who: &Member, of: &str, id: &str, selection: &str) -> Value {
    let document = format!("query($id: ID!) {{ node(id: $id) {{ ... on {of} {{ {selection} }} }} }}");
    who.send(&document, json!({"id": id})).await.data("node").clone()
}

/// Whether a field says that the viewer can do something; what is not seen says no.
async fn can(who: &Member, of: &str, id: &str, field: &str) -> bool {
    read(who, of, id, field).await[field].as_bool().unwrap_or_default()
}

/// Whether a mutation was accepted; a refusal is one of rights or of what the node's state allows.
#[track_caller]
fn accepted(answer: &Answer) -> bool {
    let codes: Vec<String> = answer.refusals().into_iter().map(|(code, _)| code).collect();
    assert!(
        codes.iter().all(|code| ["FORBIDDEN", "NOT_FOUND", "CONFLICT"].contains(&code.as_str())),
        "neither accepted nor refused: {answer}"
    );
    codes.is_empty()
}

/// The names of those who wait.
fn names(awaiting: &Value) -> Vec<String> {
    awaiting.as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap().to_owned()).collect()
}

#[on_both_databases]
async fn an_account_is_changed_by_those_who_are_told_that_they_can(world: &World) {
    let people = People::of(world).await;
    let account = people.account().await;
    let mut allowed = Vec::new();
    for who in &people.all {
        let (update, manage) = (
            can(who, "Account", &account, "viewerCanUpdate").await,
            can(who, "Account", &account, "viewerCanManage").await,
        );
        let input = json!({"id": account, "city": who.name()});
        assert_eq!(accepted(&who.mutate("updateAccount", "account { id }", input).await), update, "{}", who.name());
        let seat = json!({"accountId": account, "userId": people.mia.id(), "role": "OTHER"});
        assert_eq!(accepted(&who.mutate("setTeamMember", "account { id }", seat).await), manage, "{}", who.name());
        let owner = json!({"id": account, "ownerId": people.ann.id()});
        assert_eq!(accepted(&who.mutate("updateAccount", "account { id }", owner).await), manage, "{}", who.name());
        if manage {
            allowed.push(who.name());
        }
    }
    assert_eq!(allowed, ["Ann", "Mia", "Boss", "Eve"]);
}

#[on_both_databases]
async fn a_touch_is_changed_by_those_who_are_told_that_they_can(world: &World) {
    let people = People::of(world).await;
    let account = people.account().await;
    for (by, expected) in
        [(&people.ann, &["Ann", "Mia", "Boss", "Eve"][..]), (&people.bob, &["Ann", "Bob", "Mia", "Boss", "Eve"])]
    {
        let touch = by.touch(&account, json!({"kind": "CALL"})).await;
        let mut allowed = Vec::new();
        for who in &people.all {
            let update = can(who, "Touch", &touch, "viewerCanUpdate").await;
            let input = json!({"id": touch, "subject": who.name()});
            assert_eq!(accepted(&who.mutate("updateTouch", "touch { id }", input).await), update, "{}", who.name());
            if update {
                allowed.push(who.name());
            }
        }
        assert_eq!(allowed, expected);
    }
}

#[on_both_databases]
async fn a_goal_waits_for_those_who_can_agree(world: &World) {
    let people = People::of(world).await;
    let proposers = [(0, vec!["Mia", "Boss"]), (2, vec!["Ann"]), (6, vec!["Ann", "Mia", "Boss"])];
    for (proposer, expected) in proposers {
        for who in &people.all {
            let account = people.account().await;
            let input = json!({"accountId": account, "amount": "1000"});
            let goal = people.all[proposer].make("setGoal", "goal", input).await;
            let seen = read(&people.ann, "Goal", &goal, "awaiting { name } viewerCanAgree").await;
            assert_eq!(names(&seen["awaiting"]), expected);
            let agree = can(who, "Goal", &goal, "viewerCanAgree").await;
            assert_eq!(agree, expected.contains(&who.name()), "{}", who.name());
            assert_eq!(accepted(&super::goals::act(who, "agreeGoal", &goal).await), agree, "{}", who.name());
            if agree && expected.len() < 3 {
                // Nothing waits any more, for anyone.
                let seen = read(who, "Goal", &goal, "awaiting { name } viewerCanAgree").await;
                assert_eq!(seen, json!({"awaiting": [], "viewerCanAgree": false}));
            }
        }
    }
    // A seller without a manager agrees alone.
    let lone = world.seller("Lone").await;
    let account = lone.account(json!({"name": "Initech"})).await;
    let input = json!({"accountId": account, "amount": "1000"});
    let goal = world.admin().make("setGoal", "goal", input).await;
    let seen = read(&lone, "Goal", &goal, "awaiting { name } viewerCanAgree").await;
    assert_eq!(seen, json!({"awaiting": [{"name": "Lone"}], "viewerCanAgree": true}));
    assert!(!can(world.admin(), "Goal", &goal, "viewerCanAgree").await);
}

#[on_both_databases]
async fn a_target_waits_for_those_who_can_decide(world: &World) {
    let people = People::of(world).await;
    let proposers = [(0, vec!["Mia", "Boss"]), (2, vec!["Ann"]), (6, vec!["Ann", "Mia", "Boss"])];
    for (proposer, expected) in proposers {
        for who in &people.all {
            let account = people.account().await;
            let input = json!({"accountId": account, "kind": "GROWTH", "rationale": "They grow."});
            let target = people.all[proposer].make("proposeTarget", "target", input).await;
            let seen = read(&people.ann, "Target", &target, "awaiting { name } viewerCanDecide").await;
            assert_eq!(names(&seen["awaiting"]), expected);
            let decide = can(who, "Target", &target, "viewerCanDecide").await;
            assert_eq!(decide, expected.contains(&who.name()), "{}", who.name());
            let input = json!({"id": target, "decision": "DECLINE", "note": "Not now.", "ifVersion": 1});
            let answer = who.mutate("decideTarget", "target { id }", input).await;
            assert_eq!(accepted(&answer), decide, "{}", who.name());
            if decide {
                let seen = read(who, "Target", &target, "awaiting { name } viewerCanDecide").await;
                assert_eq!(seen, json!({"awaiting": [], "viewerCanDecide": false}));
            }
        }
    }
}

const PLAN: &str = "viewerCanUpdate viewerCanCommit viewerCanCosign";

async fn signable(who: &Member, plan: &str) -> [bool; 3] {
    let seen = read(who, "Plan", plan, PLAN).await;
    ["viewerCanUpdate", "viewerCanCommit", "viewerCanCosign"].map(|field| seen[field].as_bool().unwrap_or_default())
}

#[on_both_databases]
async fn a_plan_is_written_and_signed_by_those_who_are_told_that_they_can(world: &World) {
    let people = People::of(world).await;
    let account = people.account().await;
    // Bob owns the plan, and so may write it and not sign it.
    let (plan, _) = full(&people.ann, &account, json!({"ownerId": people.bob.id()})).await;
    let commit = json!({"id": plan, "statement": "We will."});
    let mut committers = Vec::new();
    for (number, who) in people.all.iter().enumerate() {
        let [update, commits, cosigns] = signable(who, &plan).await;
        let input = json!({"id": plan, "title": format!("Plan {number}")});
        assert_eq!(accepted(&change(who, "updatePlan", input).await), update, "{}", who.name());
        assert_eq!(accepted(&act(who, "cosignCommitment", &plan).await), cosigns, "{}", who.name());
        assert!(!cosigns, "{}: there is nothing to sign", who.name());
        assert_eq!(update, ["Ann", "Bob", "Mia", "Boss", "Max", "Eve"].contains(&who.name()), "{}", who.name());
        // Each change above made the commitment stale, so that it can be committed to anew.
        assert_eq!(accepted(&change(who, "commitPlan", commit.clone()).await), commits, "{}", who.name());
        if commits {
            committers.push(who.name());
            assert_eq!(signable(who, &plan).await, [true, false, false], "{}", who.name());
            assert!(!accepted(&change(who, "commitPlan", commit.clone()).await));
            assert!(!accepted(&act(who, "cosignCommitment", &plan).await));
            // Stale for the next one.
            let input = json!({"id": plan, "title": format!("Plan of {}", who.name())});
            change(who, "updatePlan", input).await.done();
        }
    }
    assert_eq!(committers, ["Ann", "Mia", "Boss", "Eve"]);
    // As it was signed by Ann, the others add their signatures.
    change(&people.ann, "commitPlan", commit.clone()).await.done();
    let mut cosigners = Vec::new();
    for who in &people.all {
        let [_, commits, cosigns] = signable(who, &plan).await;
        assert!(!commits, "{}", who.name());
        assert_eq!(accepted(&act(who, "cosignCommitment", &plan).await), cosigns, "{}", who.name());
        if cosigns {
            cosigners.push(who.name());
            assert_eq!(signable(who, &plan).await, [true, false, false], "{}", who.name());
        }
    }
    assert_eq!(cosigners, ["Mia", "Boss", "Eve"]);
    // A closed plan is changed by no one.
    act(&people.ann, "closePlan", &plan).await.done();
    for who in &people.all {
        assert_eq!(signable(who, &plan).await, [false; 3], "{}", who.name());
        let input = json!({"id": plan, "title": "Another"});
        assert!(!accepted(&change(who, "updatePlan", input).await), "{}", who.name());
        assert!(!accepted(&change(who, "commitPlan", commit.clone()).await), "{}", who.name());
    }
    // What a plan lacks is no matter of rights.
    let draft = super::plans::plan(&people.ann, &account, json!({"title": "Next"})).await;
    assert_eq!(signable(&people.ann, &draft).await, [true, true, false]);
    let lacks = plan_fields(&people.ann, &draft, "health { missing }").await;
    assert_eq!(lacks["health"]["missing"].as_array().unwrap().len(), 6);
}

#[on_both_databases]
async fn rights_cost_a_fixed_number_of_statements(world: &World) {
    let people = People::of(world).await;
    let document = "{ accounts { nodes { viewerCanUpdate viewerCanManage goals { awaiting { name } viewerCanAgree }
        plans { nodes { viewerCanUpdate viewerCanCommit viewerCanCosign } } touches { nodes { viewerCanUpdate } } } }
        targets { nodes { awaiting { name } viewerCanDecide } } }";
    let add = async || {
        let account = people.account().await;
        people.ann.make("setGoal", "goal", json!({"accountId": account, "amount": "1000"})).await;
        let input = json!({"accountId": account, "kind": "GROWTH", "rationale": "They grow."});
        people.ann.make("proposeTarget", "target", input).await;
        people.ann.touch(&account, json!({"kind": "CALL"})).await;
        let (plan, _) = full(&people.ann, &account, json!({})).await;
        change(&people.ann, "commitPlan", json!({"id": plan, "statement": "We will."})).await.done();
    };
    add().await;
    people.mia.query(document).await.answered();
    let (_, one) = tests::queries::count(world.server(), people.mia.query(document)).await;
    add().await;
    add().await;
    people.mia.query(document).await.answered();
    let (answer, three) = tests::queries::count(world.server(), people.mia.query(document)).await;
    assert_eq!(answer.each("accounts.nodes", "plans.nodes.0.viewerCanCosign"), [&json!(true); 3]);
    assert_eq!(answer.each("targets.nodes", "viewerCanDecide"), [&json!(true); 3]);
    assert_eq!(one, three);
}
