//! Targets: who proposes and who agrees, what the list says on which day, and what becomes of it.

use serde_json::{Value, json};
use tests::actors::Member;
use tests::{Answer, World, on_both_databases};

const TARGET: &str = "target { id status version kind source rationale seller { name } proposedBy { name } decidedBy { name } \
    decisionNote closingNote since until oneOnOne { id } goal { amount { amount } status } } overCapacityBy";

async fn propose(who: &Member, account: &str) -> Answer {
    let input = json!({"accountId": account, "kind": "DREAM_CLIENT", "rationale": "They grow."});
    who.mutate("proposeTarget", TARGET, input).await
}

async fn proposed(who: &Member, account: &str) -> String {
    propose(who, account).await.done().text("proposeTarget.target.id").to_owned()
}

async fn agree(who: &Member, target: &str) -> Answer {
    who.mutate("decideTarget", TARGET, json!({"id": target, "decision": "AGREE"})).await
}

async fn withdraw(who: &Member, target: &str) -> Answer {
    who.mutate("withdrawTarget", TARGET, json!({"id": target})).await
}

async fn status(who: &Member, target: &str) -> String {
    let answer =
        who.send("query($id: ID!) { node(id: $id) { ... on Target { status } } }", json!({"id": target})).await;
    answer.text("node.status").to_owned()
}

fn refusal(code: &str, field: &str) -> [(String, String); 1] {
    [(code.to_owned(), field.to_owned())]
}

/// An account of the seller's that is an agreed target.
async fn target_of(seller: &Member, manager: &Member, name: &str) -> (String, String) {
    let account = seller.account(json!({"name": name})).await;
    let target = proposed(seller, &account).await;
    agree(manager, &target).await.done();
    (account, target)
}

#[on_both_databases]
async fn agreement_takes_the_seller_and_a_manager(world: &World) {
    let boss = world.manager("Boss").await;
    let mia = world.manager("Mia").under(&boss).await;
    let ann = world.seller("Ann").under(&mia).await;
    let (bob, max) = (world.seller("Bob").under(&mia).await, world.manager("Max").await);
    let admin = world.admin();
    let account = ann.account(json!({"name": "Acme"})).await;
    for member in [&*bob, &*max] {
        let input = json!({"accountId": account, "userId": member.id(), "role": "OTHER"});
        ann.mutate("setTeamMember", "account { id }", input).await.done();
    }
    let people: [(&str, &Member); 6] =
        [("Ann", &ann), ("Mia", &mia), ("Boss", &boss), ("Bob", &bob), ("Max", &max), ("Ada Admin", admin)];
    // Who proposes, and who then agrees: all pairs.
    for (proposer, by) in people {
        let answer = propose(by, &account).await;
        if ["Bob", "Max"].contains(&proposer) {
            assert_eq!(answer.refusals(), refusal("FORBIDDEN", "input.accountId"), "{proposer}");
            continue;
        }
        let mut target = answer.done().text("proposeTarget.target.id").to_owned();
        for (decider, who) in people {
            let answer = agree(who, &target).await;
            let above = |name: &str| ["Mia", "Boss"].contains(&name);
            let right = (proposer == "Ann" && above(decider)) || (above(proposer) && decider == "Ann");
            let seconds = proposer == "Ada Admin" && (decider == "Ann" || above(decider));
            if right || seconds {
                let expected = if right { "AGREED" } else { "PROPOSED" };
                assert_eq!(answer.done().text("decideTarget.target.status"), expected, "{proposer}, {decider}");
                if right {
                    let input = json!({"id": target, "as": "DROPPED", "note": "The next pair."});
                    ann.mutate("closeTarget", TARGET, input).await.done();
                } else {
                    assert_eq!(withdraw(who, &target).await.done().text("withdrawTarget.target.status"), "WITHDRAWN");
                }
                target = proposed(by, &account).await;
            } else {
                assert_eq!(answer.refusals(), refusal("FORBIDDEN", "input.id"), "{proposer}, {decider}");
                assert_eq!(status(&ann, &target).await, "PROPOSED", "{proposer}, {decider}");
                let input = json!({"id": target, "decision": "DECLINE", "note": "No."});
                let answer = who.mutate("decideTarget", TARGET, input).await;
                assert_eq!(answer.refusals(), refusal("FORBIDDEN", "input.id"), "{proposer}, {decider}");
            }
        }
        withdraw(by, &target).await.done();
    }
    // What neither of the two proposed takes both.
    let target = proposed(admin, &account).await;
    let answer = agree(&ann, &target).await.done();
    assert_eq!(answer.data("decideTarget.target.proposedBy"), &json!({"name": "Ann"}));
    assert_eq!(agree(&ann, &target).await.refusals(), refusal("FORBIDDEN", "input.id"));
    let answer = agree(&boss, &target).await.done();
    assert_eq!(answer.text("decideTarget.target.status"), "AGREED");
    assert_eq!(answer.data("decideTarget.target.decidedBy"), &json!({"name": "Boss"}));
    // Who sees nothing of it finds nothing.
    let eve = world.seller("Eve").await;
    assert_eq!(agree(&eve, &target).await.refusals(), refusal("NOT_FOUND", "input.id"));
    assert_eq!(withdraw(&eve, &target).await.refusals(), refusal("NOT_FOUND", "input.id"));
    assert_eq!(propose(&eve, &account).await.refusals(), refusal("NOT_FOUND", "input.accountId"));
    let elsewhere = world.another_organization("Globex").await;
    let answer =
        elsewhere.admin().query(&format!("{{ node(id: \"{target}\") {{ id }} targets {{ totalCount }} }}")).await;
    assert_eq!(answer.data(""), &json!({"node": null, "targets": {"totalCount": 0}}));
}

#[on_both_databases]
async fn a_seller_without_a_manager_agrees_alone(world: &World) {
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").await;
    let account = ann.account(json!({"name": "Acme"})).await;
    let target = proposed(&ann, &account).await;
    assert_eq!(agree(&ann, &target).await.done().text("decideTarget.target.status"), "AGREED");
    // A manager who has left does not count.
    let bob = world.seller("Bob").under(&mia).await;
    let other = bob.account(json!({"name": "Globex"})).await;
    let target = proposed(&bob, &other).await;
    assert_eq!(agree(&bob, &target).await.refusals(), refusal("FORBIDDEN", "input.id"));
    world.admin().mutate("deactivateUser", "user { id }", json!({"id": mia.id()})).await.done();
    assert_eq!(agree(&bob, &target).await.done().text("decideTarget.target.status"), "AGREED");
    // For a seller without a manager, an administrator's proposal is theirs alone to decide.
    let third = ann.account(json!({"name": "Third"})).await;
    let target = proposed(world.admin(), &third).await;
    assert_eq!(agree(world.admin(), &target).await.refusals(), refusal("FORBIDDEN", "input.id"));
    let input = json!({"id": target, "decision": "DECLINE", "note": "They are broke."});
    let answer = ann.mutate("decideTarget", TARGET, input).await.done();
    assert_eq!(answer.text("decideTarget.target.decisionNote"), "They are broke.");
}

#[on_both_databases]
async fn invalid_targets_are_refused(world: &World) {
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    let (account, target) = target_of(&ann, &mia, "Acme").await;
    // One open target an account.
    let answer = propose(&ann, &account).await;
    assert_eq!(answer.refusals(), refusal("CONFLICT", "input.accountId"));
    assert!(answer.user_errors()[0].message.contains("AGREED"), "{answer}");
    let input = json!({"accountId": "account_01h455vb4pex5vsknk084sn02q", "kind": "GROWTH", "rationale": " "});
    let answer = ann.mutate("proposeTarget", TARGET, input).await;
    assert_eq!(
        answer.refusals(),
        [("NOT_FOUND", "accountId"), ("REQUIRED", "rationale")]
            .map(|(code, field)| (code.to_owned(), format!("input.{field}")))
    );
    // Nothing is decided twice, and the refusal says what it is.
    for who in [&*mia, &*ann] {
        let answer = agree(who, &target).await;
        assert_eq!(answer.refusals(), refusal("CONFLICT", "input.id"));
        assert!(answer.user_errors()[0].message.contains("AGREED"), "{answer}");
    }
    assert_eq!(withdraw(&ann, &target).await.refusals(), refusal("CONFLICT", "input.id"));
    // Declined and dropped with a note.
    let close = |input: Value| ann.mutate("closeTarget", TARGET, input);
    assert_eq!(close(json!({"id": target, "as": "DROPPED"})).await.refusals(), refusal("REQUIRED", "input.note"));
    assert_eq!(
        close(json!({"id": target, "as": "DROPPED", "note": " "})).await.refusals(),
        refusal("REQUIRED", "input.note")
    );
    let answer = close(json!({"id": target, "as": "WON"})).await.done();
    assert_eq!(answer.text("closeTarget.target.status"), "WON");
    assert_eq!(close(json!({"id": target, "as": "WON"})).await.refusals(), refusal("CONFLICT", "input.id"));
    let update = |input: Value| ann.mutate("updateTarget", TARGET, input);
    assert_eq!(update(json!({"id": target, "kind": "GROWTH"})).await.refusals(), refusal("CONFLICT", "input.id"));
    let again = proposed(&ann, &account).await;
    assert_eq!(
        update(json!({"id": again, "rationale": null})).await.refusals(),
        refusal("REQUIRED", "input.rationale")
    );
    assert_eq!(
        update(json!({"id": again, "kind": "GROWTH", "ifVersion": 9})).await.refusals(),
        refusal("STALE_VERSION", "input.ifVersion")
    );
    let answer = update(json!({"id": again, "kind": "GROWTH", "rationale": "They buy more."})).await.done();
    assert_eq!(
        (answer.text("updateTarget.target.kind"), answer.data("updateTarget.target.version")),
        ("GROWTH", &json!(2))
    );
    let decide = |input: Value| mia.mutate("decideTarget", TARGET, input);
    assert_eq!(decide(json!({"id": again, "decision": "DECLINE"})).await.refusals(), refusal("REQUIRED", "input.note"));
    let input = json!({"id": again, "decision": "DECLINE", "note": "No.", "goalAmount": "5"});
    assert_eq!(decide(input).await.refusals(), refusal("INVALID", "input.goalAmount"));
    for amount in ["0", "-1", "0.001"] {
        let input = json!({"id": again, "decision": "AGREE", "goalAmount": amount});
        assert_eq!(decide(input).await.refusals(), refusal("INVALID", "input.goalAmount"), "{amount}");
    }
    // An archived account is no target.
    ann.mutate("archiveAccount", "account { id }", json!({"id": account})).await.done();
    assert_eq!(decide(json!({"id": again, "decision": "AGREE"})).await.refusals(), refusal("CONFLICT", "input.id"));
    decide(json!({"id": again, "decision": "DECLINE", "note": "It is gone."})).await.done();
    assert_eq!(propose(&ann, &account).await.refusals(), refusal("CONFLICT", "input.accountId"));
    // Agreed, with a goal in the same step.
    let other = ann.account(json!({"name": "Other"})).await;
    let target = proposed(&ann, &other).await;
    let answer = decide(json!({"id": target, "decision": "AGREE", "goalAmount": "5000"})).await.done();
    let goal = json!({"amount": {"amount": "5000.00"}, "status": "PROPOSED"});
    assert_eq!(answer.data("decideTarget.target.goal"), &goal);
}

#[on_both_databases]
async fn of_two_managers_who_decide_at_once_one_wins(world: &World) {
    let boss = world.manager("Boss").await;
    let mia = world.manager("Mia").under(&boss).await;
    let ann = world.seller("Ann").under(&mia).await;
    for name in ["One", "Two", "Three"] {
        let target = proposed(&ann, &ann.account(json!({"name": name})).await).await;
        let decline = json!({"id": target, "decision": "DECLINE", "note": "No."});
        let (one, other) = tokio::join!(agree(&boss, &target), mia.mutate("decideTarget", TARGET, decline));
        // The other one has also read an earlier version, unless they read it after the first decision.
        let (one, other) = (one.refusals(), other.refusals());
        assert!(one.is_empty() != other.is_empty(), "{one:?} {other:?}");
        assert!([one, other].concat().ends_with(&refusal("CONFLICT", "input.id")));
    }
    // Of two proposals at once too.
    let account = ann.account(json!({"name": "Four"})).await;
    let (one, other) = tokio::join!(propose(&ann, &account), propose(&mia, &account));
    assert_eq!([one.refusals(), other.refusals()].concat(), refusal("CONFLICT", "input.accountId"));
}

#[on_both_databases]
async fn a_new_owner_gets_the_target_as_a_proposal(world: &World) {
    let mia = world.manager("Mia").await;
    let (ann, bob) = (world.seller("Ann").under(&mia).await, world.seller("Bob").under(&mia).await);
    let (account, target) = target_of(&ann, &mia, "Acme").await;
    let waiting = ann.account(json!({"name": "Waiting"})).await;
    let waits = proposed(&ann, &waiting).await;
    mia.mutate("updateAccount", "account { id }", json!({"id": account, "ownerId": bob.id()})).await.done();
    // What changes nothing moves nothing.
    mia.mutate("updateAccount", "account { id }", json!({"id": account, "ownerId": bob.id()})).await.done();
    let list = async |who: &Member, filter: &str| {
        let document = format!(
            "{{ targets(filter: {{{filter}}}) {{ nodes {{ id status kind rationale since until seller {{ name }} proposedBy {{ name }} }} }} }}"
        );
        who.query(&document).await.data("targets.nodes").clone()
    };
    let rows = list(&bob, &format!("accountId: {{eq: \"{account}\"}}")).await;
    assert_eq!((&rows[0]["id"], &rows[0]["status"]), (&json!(target), &json!("MOVED")));
    assert!(
        rows[0]["since"].is_string() && rows[0]["until"].is_string() && rows.as_array().unwrap().len() == 2,
        "{rows}"
    );
    let mut moved = rows[1].clone();
    let id = moved.as_object_mut().unwrap().remove("id").unwrap();
    let expected = json!({"status": "PROPOSED", "kind": "DREAM_CLIENT", "rationale": "They grow.", "since": null, "until": null,
        "seller": {"name": "Bob"}, "proposedBy": {"name": "Mia"}});
    assert_eq!(moved, expected);
    assert_eq!(agree(&bob, id.as_str().unwrap()).await.done().text("decideTarget.target.status"), "AGREED");
    assert_eq!(list(&ann, "status: [AGREED]").await, json!([]));

    // By a program too, and where a user leaves: the administrator's move takes both.
    let row = json!({"externalId": {"source": "crm", "id": "1"}, "name": "Third", "ownerEmail": world.email_of("Ann")});
    let answer = world.admin().mutate("upsertAccounts", "failed results { id }", json!({"rows": [row]})).await.done();
    let third = answer.text("upsertAccounts.results.0.id").to_owned();
    let old = proposed(&ann, &third).await;
    let row = json!({"externalId": {"source": "crm", "id": "1"}, "ownerEmail": world.email_of("Bob")});
    world.admin().mutate("upsertAccounts", "failed results { id }", json!({"rows": [row]})).await.done();
    assert_eq!(status(&bob, &old).await, "MOVED");
    let input = json!({"id": ann.id(), "successorId": bob.id()});
    world.admin().mutate("deactivateUser", "user { id }", input).await.done();
    assert_eq!(status(&bob, &waits).await, "MOVED");
    let open = list(&bob, "status: [PROPOSED]").await;
    let of: Vec<&Value> = open.as_array().unwrap().iter().map(|row| &row["proposedBy"]["name"]).collect();
    assert_eq!(of, ["Ada Admin", "Ada Admin"]);
    let id = open[0]["id"].as_str().unwrap();
    assert_eq!(agree(&bob, id).await.done().text("decideTarget.target.status"), "PROPOSED");
    assert_eq!(agree(&mia, id).await.done().text("decideTarget.target.status"), "AGREED");
    let types = world
        .admin()
        .query("{ events(filter: {types: [\"target.moved\", \"target.proposed\"]}, first: 100) { nodes { type } } }")
        .await;
    assert_eq!(types.each("events.nodes", "type").iter().filter(|kind| **kind == "target.moved").count(), 3);
}

#[on_both_databases]
async fn lists_of_targets_are_filtered_and_seen_by_account(world: &World) {
    let mia = world.manager("Mia").await;
    let (ann, bob) = (world.seller("Ann").under(&mia).await, world.seller("Bob").await);
    let (account, target) = target_of(&ann, &mia, "Acme").await;
    let marketing = ann.account(json!({"name": "Brand"})).await;
    let input = json!({"accountId": marketing, "kind": "GROWTH", "rationale": "A campaign.", "source": "MARKETING"});
    mia.mutate("proposeTarget", TARGET, input).await.done();
    target_of(&bob, &bob, "Bob's").await;
    let today = world.server().app().clock.now().utc().unwrap().date_naive();
    let long_ago = "2001-01-01";
    for (filter, admin, manager) in [
        (String::new(), 3, 2),
        (format!("sellerId: {{eq: \"{}\"}}", ann.id()), 2, 2),
        (format!("accountId: {{in: [\"{account}\"]}}"), 1, 1),
        ("kind: [GROWTH]".to_owned(), 1, 1),
        ("kind: [GROWTH, DREAM_CLIENT]".to_owned(), 3, 2),
        ("kind: []".to_owned(), 0, 0),
        ("status: [AGREED]".to_owned(), 2, 1),
        ("status: [PROPOSED, DROPPED]".to_owned(), 1, 1),
        ("status: []".to_owned(), 0, 0),
        ("source: [MARKETING]".to_owned(), 1, 1),
        ("source: []".to_owned(), 0, 0),
        (format!("on: \"{today}\""), 2, 1),
        (format!("on: \"{long_ago}\""), 0, 0),
        ("updatedAt: {gt: \"2001-01-01T00:00:00Z\"}".to_owned(), 3, 2),
    ] {
        for (who, expected) in [(&**world.admin(), admin), (&*mia, manager)] {
            let document = format!("{{ targets(filter: {{{filter}}}) {{ totalCount nodes {{ id }} }} }}");
            let answer = who.query(&document).await;
            assert_eq!(answer.data("targets.totalCount"), &json!(expected), "{filter}");
            assert_eq!(answer.each("targets.nodes", "id").len(), expected, "{filter}");
        }
    }
    assert_eq!(mia.query("{ targets(filter: {kind: null}) { totalCount } }").await.error_code(), "BAD_USER_INPUT");
    // An account says which target it is, and lists of accounts know.
    let document = format!(
        "{{ is: accounts(filter: {{isTarget: true}}) {{ nodes {{ name target {{ id }} before: target(on: \"{long_ago}\") {{ id }} }} }}
           not: accounts(filter: {{isTarget: false}}) {{ nodes {{ name target {{ id }} }} }} }}"
    );
    let answer = mia.query(&document).await;
    let expected = json!({"is": {"nodes": [{"name": "Acme", "target": {"id": target}, "before": null}]},
        "not": {"nodes": [{"name": "Brand", "target": null}]}});
    assert_eq!(answer.data(""), &expected);
}
