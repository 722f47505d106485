//! The rows that the isolation tests use: one of each type, for the client and for the hidden side.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::Member;
use tests::actors::PASSWORD;
use tests::walk::reference::{Reference, ReferenceKind};
use tests::walk::schema::{Input, Schema};
use uuid::Uuid;

/// One row of each type, all belonging to one member.
pub struct Fixture {
    /// The word that all texts consist of or begin with.
    pub tag: String,
    /// The amount of all rows with an amount.
    pub amount: String,
    /// The ids by node type.
    pub ids: BTreeMap<String, String>,
    /// The id of a scheduled touch.
    pub scheduled: String,
    /// Rows that wait for a decision.
    waiting: Waiting,
    /// The address of the helper, who is on the team of the account.
    pub email: String,
    /// The member who owns the rows.
    member: Member,
    /// The fingerprint of the plan's commitment in force.
    fingerprint: String,
    /// The id of a suggested action of the member's.
    suggestion: String,
}

/// Rows that one party has proposed and the other has not decided yet.
struct Waiting {
    /// An account that is neither a target nor proposed as one.
    untargeted: String,
    /// A target that the manager proposed.
    for_member: String,
    /// A target that the member proposed.
    of_member: String,
    /// A goal that the member proposed.
    goal_of_member: String,
    /// A plan with all six elements, without a commitment.
    draft: String,
    /// An open opportunity without a booking.
    unbooked: String,
}

impl Fixture {
    /// Creates the rows: an account of the member with one row of each kind. The helper, a manager, joins its team and becomes
    /// the member's manager. Rows that only administrators may create are created by `admin`.
    pub async fn make(member: &Member, helper: &Member, admin: &Member, tag: &str, amount: &str) -> Self {
        let (external, name) = (json!([{"source": "crm", "id": tag}]), tag);
        let account = member
            .account(json!({"name": name, "domain": format!("{tag}.example"), "externalIds": external, "city": tag, "potential": amount}))
            .await;
        member.account(json!({"name": name, "parentId": account})).await;
        let seat = json!({"accountId": account, "userId": helper.id(), "role": "TECHNICAL"});
        member.mutate("setTeamMember", "account { id }", seat).await.done();
        let fields =
            json!({"name": name, "email": format!("{tag}@{tag}.example"), "externalIds": external, "title": tag});
        let contact = member.contact(&account, fields).await;
        member.contact(&account, json!({"name": name, "reportsToId": contact})).await;
        let fields = json!({"name": name, "amount": amount, "externalIds": external});
        let opportunity = member.opportunity(&account, fields).await;
        let touch = |at: &str| json!({"kind": "CALL", "contactIds": [contact], "subject": tag, "opportunityId": opportunity, "at": at, "notes": tag});
        let mut made = touch("2020-02-03T10:00:00Z");
        made["externalIds"] = external.clone();
        let made = member.touch(&account, made).await;
        let mut planned = touch("2999-02-03T10:00:00Z");
        planned["accountId"] = json!(account);
        let scheduled = member.make("scheduleTouch", "touch", planned).await;
        let fields = json!({"amount": amount, "bookedOn": "2020-02-04", "description": tag, "externalIds": external,
            "opportunityId": opportunity});
        // The helper owns an account as well.
        helper.account(json!({ "name": name })).await;
        let booking = member.booking(&account, fields).await;
        let line = json!({"id": member.id(), "managerId": helper.id()});
        admin.mutate("updateUser", "user { id }", line).await.done();
        // Criteria have unrelated names, because every member sees them.
        let criterion = admin.make("createCriterion", "criterion", json!({"name": new("criterion")})).await;
        let scores = json!([{"criterionId": criterion, "score": 7, "evidence": tag}]);
        let scores = json!({"accountId": account, "scores": scores});
        member.mutate("assessAccount", "account { id }", scores).await.done();
        let meeting = json!({"sellerId": member.id(), "scheduledFor": "2999-02-03T10:00:00Z",
            "items": [{"accountId": account, "note": tag}]});
        let meeting = member.make("scheduleOneOnOne", "oneOnOne", meeting).await;
        member.mutate("updateOneOnOne", "oneOnOne { id }", json!({"id": meeting, "notes": tag})).await.done();
        let fields = json!({"accountId": account, "kind": "DISSATISFACTION", "occurredOn": "2020-02-03", "description": tag, "contactId": contact});
        let trigger_event = member.make("recordTriggerEvent", "triggerEvent", fields).await;
        let tie = json!({"id": opportunity, "triggerEventId": trigger_event});
        member.mutate("updateOpportunity", "opportunity { id }", tie).await.done();
        let fields =
            json!({"accountId": account, "contactId": contact, "touchId": made, "what": tag, "dueOn": "2999-02-03"});
        let promise = member.make("makePromise", "promise", fields).await;
        let (target, goal) = agreed(member, helper, &account, &meeting, tag, amount).await;
        let signed = signed(member, helper, &account, [&contact, &opportunity], tag).await;
        let for_action = touch_of(&account, &signed["Action"], tag);
        member.make("logTouch", "touch", for_action).await;
        let waiting = Waiting::make(member, helper, tag, amount).await;
        let around = "query($id: ID!) { organization { id } account(by: {id: $id}) { plan { commitment { fingerprint } } history(first: 1) { nodes { id } } } }";
        let around = member.send(around, json!({ "id": account })).await;
        let suggested = member.query("{ me { today(kinds: [FILL_BLANK_DAY]) { actions { id } } } }").await;
        let ids = [
            ("Account", account.as_str()),
            ("Contact", &contact),
            ("Opportunity", &opportunity),
            ("Touch", &made),
            ("Booking", &booking),
            ("User", helper.id()),
            ("Criterion", &criterion),
            ("OneOnOne", &meeting),
            ("Target", &target),
            ("Goal", &goal),
            ("ClientPromise", &promise),
            ("TriggerEvent", &trigger_event),
            ("Organization", around.text("organization.id")),
            ("Event", around.text("account.history.nodes.0.id")),
        ];
        Self {
            tag: tag.to_owned(),
            amount: amount.to_owned(),
            ids: ids.into_iter().map(|(noun, id)| (noun.to_owned(), id.to_owned())).chain(signed).collect(),
            scheduled,
            fingerprint: around.text("account.plan.commitment.fingerprint").to_owned(),
            suggestion: suggested.text("me.today.actions.0.id").to_owned(),
            waiting,
            email: helper.email().to_owned(),
            member: member.clone(),
        }
    }

    /// Returns the id of the fixture's node of a type.
    pub fn id(&self, noun: &str) -> &str {
        self.ids.get(noun).unwrap_or_else(|| panic!("not covered: a fixture has no {noun}; create one in fixture.rs"))
    }

    /// Returns the ids of the member and the helper.
    pub fn people(&self) -> [&str; 2] {
        [self.member.id(), self.id("User")]
    }

    /// Returns the id of the organization as it is stored.
    pub fn organization(&self) -> Uuid {
        entity::split_id(self.id("Organization")).unwrap().1
    }

    /// Returns a value for an input that refers to a row of this fixture.
    pub fn named(&self, place: &Reference, noun: &str) -> Value {
        match place.kind {
            ReferenceKind::Id if place.owner == "SnoozeSuggestedActionInput" => json!(self.suggestion),
            ReferenceKind::Id => json!(self.id(noun)),
            ReferenceKind::ExternalId => json!({"source": "crm", "id": self.tag}),
            ReferenceKind::Domain => json!(format!("{}.example", self.tag)),
            ReferenceKind::Email if place.role().starts_with("contact") => json!(format!("{0}@{0}.example", self.tag)),
            ReferenceKind::Email => json!(self.email),
            ReferenceKind::Text => match (place.role(), place.owner.as_str()) {
                ("email", "UserFilter") => json!(self.email),
                ("email", _) => json!(format!("{0}@{0}.example", self.tag)),
                ("domain", _) => json!(format!("{}.example", self.tag)),
                _ => json!(self.tag),
            },
            ReferenceKind::Cursor | ReferenceKind::EnumValue => panic!("{place} refers to no row of a fixture"),
        }
    }

    /// Returns arguments for a mutation of this fixture's rows. Most are derived from the schema alone.
    pub fn arguments(&self, schema: &Schema, mutation: &str, arguments: &[Input]) -> serde_json::Map<String, Value> {
        let key = json!({"source": "crm", "id": new("row")});
        let account = json!({"id": self.id("Account")});
        let input = match mutation {
            "upsertUsers" => json!({"rows": [{"email": format!("{}@new.example", new("new")), "name": "Row"}]}),
            "upsertAccounts" => json!({"rows": [{"externalId": key, "name": "Row"}]}),
            "upsertContacts" => json!({"rows": [{"externalId": key, "account": account, "name": "Row"}]}),
            "upsertTouches" => {
                json!({"rows": [{"externalId": key, "account": account, "kind": "CALL", "at": "2020-02-03T10:00:00Z"}]})
            }
            "upsertOpportunities" => {
                json!({"rows": [{"externalId": key, "account": account, "name": "Row", "openedOn": "2020-02-03"}]})
            }
            "upsertBookings" => {
                json!({"rows": [{"externalId": key, "account": account, "amount": "1", "bookedOn": "2020-02-03"}]})
            }
            "completeTouch" => json!({"id": self.scheduled, "at": "2020-02-05T10:00:00Z"}),
            "cancelTouch" => json!({"id": self.scheduled}),
            "changePassword" => json!({"current": PASSWORD, "new": "another horse entirely"}),
            "signIn" => json!({"email": self.member.email(), "password": PASSWORD}),
            "deactivateUser" => json!({"id": self.id("User"), "successorId": self.member.id()}),
            "assessAccount" => {
                let scores = json!([{"criterionId": self.id("Criterion"), "score": 5}]);
                json!({"accountId": self.id("Account"), "scores": scores})
            }
            "proposeTarget" => {
                json!({"accountId": self.waiting.untargeted, "kind": "GROWTH", "rationale": "They grow."})
            }
            "decideTarget" => json!({"id": self.waiting.for_member, "decision": "AGREE", "ifVersion": 1}),
            "withdrawTarget" => json!({"id": self.waiting.of_member}),
            "closeTarget" => json!({"id": self.id("Target"), "as": "WON"}),
            "reviewTargetList" => {
                json!({"sellerId": self.member.id(), "keep": [self.id("Target")], "drop": []})
            }
            "agreeGoal" => json!({"id": self.id("Goal"), "amount": "7"}),
            "cosignCommitment" => json!({"planId": self.id("Plan"), "fingerprint": self.fingerprint}),
            "withdrawGoal" => json!({"id": self.waiting.goal_of_member}),
            "scheduleOneOnOne" => {
                json!({"sellerId": self.member.id(), "scheduledFor": "2999-02-03T10:00:00Z"})
            }
            "addBenchmark" => {
                json!({"planId": self.id("Plan"), "name": "Visits", "baseline": "0", "target": "1", "dueOn": "2998-01-01"})
            }
            "commitPlan" => json!({"id": self.waiting.draft, "statement": "We will."}),
            "deletePlan" => json!({"id": self.waiting.draft}),
            "makePromise" => {
                json!({"accountId": self.id("Account"), "what": "A price list", "dueOn": "2999-02-03"})
            }
            "loseOpportunity" | "deleteOpportunity" => json!({"id": self.waiting.unbooked}),
            "snoozeSuggestedAction" => json!({"id": self.suggestion, "until": null}),
            "winOpportunity" => json!({"id": self.id("Opportunity"), "amount": "1"}),
            _ => Value::Null,
        };
        let mut made = serde_json::Map::new();
        if !input.is_null() {
            made.insert("input".to_owned(), input);
        }
        for argument in arguments.iter().filter(|argument| argument.is_required()) {
            if !made.contains_key(&argument.name) {
                made.insert(argument.name.clone(), self.make_up(schema, argument, "", mutation));
            }
        }
        made
    }

    /// Returns a value for a required input.
    pub fn make_up(&self, schema: &Schema, input: &Input, owner: &str, operation: &str) -> Value {
        let of = schema.named_type(&input.of);
        let value = match of.name.as_str() {
            "ID" => {
                let place =
                    Reference { path: vec![input.name.clone()], kind: ReferenceKind::Id, owner: owner.to_owned() };
                let nouns = place.nouns(schema, operation);
                let noun = nouns
                    .first()
                    .unwrap_or_else(|| panic!("not covered: whose ids does {owner}.{place} of {operation} take?"));
                json!(self.id(noun))
            }
            "ExternalIdInput" => json!({"source": "crm", "id": new("key")}),
            "String" => json!(match input.name.as_str() {
                "email" => format!("{}@new.example", new("new")),
                "timeZone" => "UTC".to_owned(),
                "from" => "09:00".to_owned(),
                "to" => "17:00".to_owned(),
                _ => "Some text".to_owned(),
            }),
            "Int" => json!(1),
            "Float" => json!(1.5),
            "Boolean" => json!(false),
            "Decimal" => json!("1"),
            "Date" => json!("2020-02-03"),
            "DateTime" => json!("2999-02-03T10:00:00Z"),
            "JSON" => json!({}),
            "AccountRefInput" => json!({"id": self.id("Account")}),
            "ContactRefInput" => json!({"id": self.id("Contact")}),
            "OpportunityRefInput" => json!({"id": self.id("Opportunity")}),
            _ if of.kind == "ENUM" => json!(of.values[0]),
            _ if of.kind == "INPUT_OBJECT" && !of.one_of => {
                let fields = of.inputs.iter().filter(|field| field.is_required());
                fields.map(|field| (field.name.clone(), self.make_up(schema, field, &of.name, operation))).collect()
            }
            other => panic!(
                "not covered: a value of {other} for {owner}.{} of {operation}; make one up in fixture.rs",
                input.name
            ),
        };
        if matches!(input.of.optional(), tests::walk::schema::TypeRef::List(_)) { json!([value]) } else { value }
    }
}

impl Waiting {
    async fn make(member: &Member, manager: &Member, tag: &str, amount: &str) -> Self {
        let mut accounts = Vec::new();
        for name in ["untargeted", "for the member", "of the member"] {
            accounts.push(member.account(json!({"name": format!("{tag} {name}")})).await);
        }
        let propose = |who: &Member, account: &str| {
            let (who, input) = (who.clone(), json!({"accountId": account, "kind": "GROWTH", "rationale": tag}));
            async move { who.make("proposeTarget", "target", input).await }
        };
        let goal = json!({"accountId": accounts[2], "amount": amount});
        Self {
            for_member: propose(manager, &accounts[1]).await,
            of_member: propose(member, &accounts[2]).await,
            goal_of_member: member.make("setGoal", "goal", goal).await,
            draft: draft(member, &accounts[0], tag).await,
            unbooked: member.opportunity(&accounts[0], json!({ "name": tag })).await,
            untargeted: accounts.swap_remove(0),
        }
    }
}

/// Creates a target and a goal of an account on which member and manager agreed in a one-on-one, and reviews the target list.
/// Another amount for the goal, proposed by the manager, remains undecided.
async fn agreed(
    member: &Member,
    manager: &Member,
    account: &str,
    meeting: &str,
    tag: &str,
    amount: &str,
) -> (String, String) {
    let input = json!({"accountId": account, "kind": "GROWTH", "rationale": tag, "oneOnOneId": meeting});
    let target = member.make("proposeTarget", "target", input).await;
    let input = json!({"id": target, "decision": "AGREE", "note": tag, "oneOnOneId": meeting, "goalAmount": amount});
    let answer = manager.mutate("decideTarget", "target { goal { id } }", input).await.done();
    let goal = answer.text("decideTarget.target.goal.id").to_owned();
    member.mutate("agreeGoal", "goal { id }", json!({"id": goal, "ifVersion": 1})).await.done();
    manager.mutate("setGoal", "goal { id }", json!({"accountId": account, "amount": "7"})).await.done();
    // The same member may have targets of another fixture. Those of archived accounts are not on the list.
    let list = "query($id: ID!) { node(id: $id) { ... on User { targetList { targets { id } } } } }";
    let list = manager.send(list, json!({"id": member.id()})).await;
    let review =
        json!({"sellerId": member.id(), "keep": list.each("node.targetList.targets", "id"), "drop": [], "notes": tag});
    manager.mutate("reviewTargetList", "targetList { size }", review).await.done();
    (target, goal)
}

/// Returns the input of a call that is logged for an action.
fn touch_of(account: &str, action: &str, tag: &str) -> Value {
    json!({"accountId": account, "kind": "CALL", "subject": tag, "actionId": action, "at": "2021-02-03T10:00:00Z"})
}

/// Adds an item to a list of a plan and returns its id.
async fn add(member: &Member, mutation: &str, list: &str, input: Value) -> String {
    let answer = member.mutate(mutation, &format!("plan {{ {list} {{ id }} }}"), input).await.done();
    let all = answer.each(&format!("{mutation}.plan.{list}"), "id");
    all.last().unwrap().as_str().unwrap().to_owned()
}

/// Creates a plan with all six elements, and returns the ids of the plan and its items by type.
async fn written(
    member: &Member,
    account: &str,
    [contact, opportunity]: [&str; 2],
    tag: &str,
) -> BTreeMap<String, String> {
    let input =
        json!({"accountId": account, "title": tag, "startsOn": "2021-01-01", "endsOn": "2998-12-31", "summary": tag});
    let plan = member.make("createPlan", "plan", input).await;
    let link = json!({"id": plan, "opportunityIds": [opportunity]});
    member.mutate("updatePlan", "plan { id }", link).await.done();
    let due = "2998-01-01";
    let input = json!({"planId": plan, "contactId": contact, "desired": "TRUSTED", "by": due, "ownerId": member.id(), "approach": tag});
    let relationship = add(member, "setPlannedRelationship", "relationships", input).await;
    let mut ids = BTreeMap::new();
    for horizon in ["LONG_TERM", "SHORT_TERM"] {
        let input = json!({"planId": plan, "horizon": horizon, "statement": tag, "dueOn": due});
        let objective = add(member, "addObjective", "objectives", input).await;
        let input = json!({"planId": plan, "title": tag, "dueOn": due, "assigneeId": member.id(), "objectiveId": objective,
            "contactId": contact});
        ids.insert("Action".to_owned(), add(member, "addAction", "actions", input).await);
        ids.insert("Objective".to_owned(), objective);
    }
    let input = json!({"planId": plan, "name": tag, "unit": tag, "baseline": "0", "target": "10", "dueOn": due});
    let benchmark = add(member, "addBenchmark", "benchmarks", input).await;
    let input = json!({"benchmarkId": benchmark, "value": "5", "measuredOn": "2021-02-03", "note": tag});
    member.mutate("recordMeasurement", "plan { id }", input).await.done();
    let input = json!({"planId": plan, "question": tag, "assigneeId": member.id(), "contactId": contact});
    let question = add(member, "askQuestion", "questions", input).await;
    for (noun, id) in
        [("Plan", plan), ("PlannedRelationship", relationship), ("Benchmark", benchmark), ("Question", question)]
    {
        ids.insert(noun.to_owned(), id);
    }
    ids
}

/// Creates a plan that the manager has committed to and reviewed.
async fn signed(
    member: &Member,
    manager: &Member,
    account: &str,
    around: [&str; 2],
    tag: &str,
) -> BTreeMap<String, String> {
    let mut ids = written(member, account, around, tag).await;
    let input = json!({"id": ids["Plan"], "statement": tag});
    let answer = manager.mutate("commitPlan", "plan { commitment { id } }", input).await.done();
    ids.insert("Commitment".to_owned(), answer.text("commitPlan.plan.commitment.id").to_owned());
    let input = json!({"id": ids["Plan"], "outcome": "ON_TRACK", "notes": tag});
    let answer = manager.mutate("reviewPlan", "plan { reviews { id } }", input).await.done();
    ids.insert("Review".to_owned(), answer.text("reviewPlan.plan.reviews.0.id").to_owned());
    ids
}

/// Creates a plan with all six elements, without a commitment.
async fn draft(member: &Member, account: &str, tag: &str) -> String {
    let contact = member.contact(account, json!({"name": tag})).await;
    let opportunity = member.opportunity(account, json!({"name": tag})).await;
    written(member, account, [&contact, &opportunity], tag).await["Plan"].clone()
}

/// Returns a value of the same form that refers to no row.
pub fn nowhere(value: &Value, tag: &str) -> Value {
    let twin = |text: &str| match entity::split_id(text) {
        Ok((noun, _)) => entity::show_id(noun, Uuid::now_v7()),
        Err(_) => text.replace(tag, &format!("{}x", &tag[..tag.len() - 1])),
    };
    match value {
        Value::String(text) => json!(twin(text)),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), nowhere(value, tag))).collect(),
        other => panic!("{other} names nothing"),
    }
}

fn new(what: &str) -> String {
    format!("{what}-{}", Uuid::now_v7().simple())
}
