//! Lists whose rows belong to accounts, filtered by a condition on the account.

use serde_json::json;
use tests::actors::Member;
use tests::explain::explain;
use tests::{Client, World, on_both_databases};

use crate::explained::{empty, fill};

/// The lists whose rows belong to accounts.
const LISTS: [&str; 9] =
    ["contacts", "opportunities", "bookings", "targets", "goals", "plans", "touches", "promises", "triggerEvents"];

/// An account of an industry with a row of every list.
pub async fn add(who: &Member, name: &str, industry: &str) -> String {
    let account = who.account(json!({"name": name, "industry": industry})).await;
    who.contact(&account, json!({"name": name})).await;
    who.opportunity(&account, json!({"name": name})).await;
    who.booking(&account, json!({"amount": "5", "bookedOn": "2017-01-01"})).await;
    let input = json!({"accountId": account, "kind": "GROWTH", "rationale": "They grow."});
    who.make("proposeTarget", "target", input).await;
    who.mutate("setGoal", "goal { id }", json!({"accountId": account, "amount": "1000"})).await.done();
    let plan = json!({"accountId": account, "title": name, "startsOn": "2017-01-01", "endsOn": "2017-12-31"});
    who.make("createPlan", "plan", plan).await;
    who.touch(&account, json!({"kind": "CALL"})).await;
    who.make("makePromise", "promise", json!({"accountId": account, "what": name, "dueOn": "2999-01-01"})).await;
    let event = json!({"accountId": account, "kind": "FUNDING", "occurredOn": "2017-01-01"});
    who.make("recordTriggerEvent", "triggerEvent", event).await;
    account
}

/// The names of the accounts of the rows that match, of each list.
async fn matching(who: &Client, filter: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for list in LISTS {
        let document = format!("{{ {list}(filter: {filter}) {{ nodes {{ account {{ name }} }} totalCount }} }}");
        let answer = who.query(&document).await.answered();
        let names: Vec<String> = answer
            .each(&format!("{list}.nodes"), "account")
            .iter()
            .map(|account| account["name"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(answer.data(&format!("{list}.totalCount")), &json!(names.len()), "{list}");
        found.push(names);
    }
    found
}

#[on_both_databases]
async fn every_list_is_filtered_by_the_account(world: &World) {
    let (ann, bob) = (world.seller("Ann").await, world.seller("Bob").await);
    let steel = add(&ann, "Steel", "Metals").await;
    add(&ann, "Bread", "Food").await;
    add(&bob, "Copper", "Metals").await;
    let all = |names: &[&str]| vec![names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(); LISTS.len()];
    let metals = "{account: {industry: {eq: \"Metals\"}}}";
    assert_eq!(matching(&ann, metals).await, all(&["Steel"]));
    assert_eq!(matching(world.admin(), metals).await, all(&["Steel", "Copper"]));
    let nested = "{account: {not: {or: [{name: {startsWith: \"st\"}}, {industry: {eq: \"Food\"}}]}}}";
    assert_eq!(matching(&ann, nested).await, all(&[]));
    assert_eq!(matching(world.admin(), nested).await, all(&["Copper"]));
    let one = format!("{{account: {{id: {{eq: \"{steel}\"}}}}, updatedAt: {{isNull: false}}}}");
    assert_eq!(matching(&ann, &one).await, all(&["Steel"]));
    assert_eq!(matching(&bob, &one).await, all(&[]));
    // Archived accounts match where they are asked for.
    ann.mutate("archiveAccount", "", json!({"id": steel})).await.done();
    assert_eq!(matching(&ann, metals).await, all(&[]));
    assert_eq!(matching(&ann, "{account: {archived: ONLY}}").await, all(&["Steel"]));
    // Where filters nest, so does this one.
    for list in ["contacts", "opportunities", "touches"] {
        let document = format!(
            "{{ {list}(filter: {{not: {{or: [{{account: {{industry: {{eq: \"Food\"}}}}}}]}}}}) {{ nodes {{ account {{ name }} }} }} }}"
        );
        let answer = ann.query(&document).await;
        assert_eq!(json!(answer.each(&format!("{list}.nodes"), "account")), json!([{"name": "Steel"}]), "{list}");
    }
    for list in LISTS {
        let answer = ann.query(&format!("{{ {list}(filter: {{account: null}}) {{ totalCount }} }}")).await;
        assert_eq!(answer.error_code(), "BAD_USER_INPUT", "{list}");
    }
}

#[on_both_databases]
async fn conditions_on_accounts_count_like_all_others(world: &World) {
    let ann = world.seller("Ann").await;
    let conditions = |count: usize| json!({"or": vec![json!({"name": {"eq": "x"}}); count]});
    let document = "query($filter: ContactFilter) { contacts(filter: $filter) { totalCount } }";
    let filter = |each: usize| json!({"or": [{"account": conditions(each)}, {"account": conditions(each)}]});
    ann.send(document, json!({"filter": filter(95)})).await.answered();
    assert_eq!(ann.send(document, json!({"filter": filter(99)})).await.error_code(), "BAD_USER_INPUT");
    let document = "query($filter: GoalFilter) { goals(filter: $filter) { totalCount } }";
    ann.send(document, json!({"filter": {"account": conditions(199)}})).await.answered();
    let answer = ann.send(document, json!({"filter": {"account": conditions(200)}})).await;
    assert_eq!(answer.error_code(), "BAD_USER_INPUT");
}

#[on_both_databases]
async fn rows_are_found_by_what_they_belong_to(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let names = |id: &str| json!([{"source": "crm", "id": id}]);
    let deal = ann.opportunity(&acme, json!({"name": "Deal"})).await;
    let cleo = ann.contact(&acme, json!({"name": "Cleo"})).await;
    for (opportunity, name) in [(json!(deal), "a"), (json!(null), "b")] {
        let fields = json!({"kind": "CALL", "opportunityId": opportunity, "externalIds": names(name)});
        ann.touch(&acme, fields).await;
        let fields =
            json!({"amount": "5", "bookedOn": "2017-01-01", "opportunityId": opportunity, "externalIds": names(name)});
        ann.booking(&acme, fields).await;
    }
    ann.opportunity(&acme, json!({"name": "Other"})).await;
    for contact in [json!(cleo), json!(null)] {
        let input = json!({"accountId": acme, "contactId": contact, "what": "A list", "dueOn": "2999-01-01"});
        ann.make("makePromise", "promise", input).await;
    }
    let crm = |id: &str| format!("externalId: {{source: \"crm\", id: \"{id}\"}}");
    for (list, filter, count) in [
        ("touches", format!("opportunityId: {{eq: \"{deal}\"}}"), 1),
        ("touches", "opportunityId: {isNull: true}".to_owned(), 1),
        ("touches", format!("not: {{opportunityId: {{eq: \"{deal}\"}}}}"), 1),
        ("touches", crm("b"), 1),
        ("touches", crm("c"), 0),
        ("bookings", format!("opportunityId: {{eq: \"{deal}\"}}"), 1),
        ("bookings", format!("opportunityId: {{ne: \"{deal}\"}}"), 1),
        ("bookings", crm("a"), 1),
        ("bookings", format!("{}, opportunityId: {{isNull: true}}", crm("a")), 0),
        ("opportunities", format!("id: {{eq: \"{deal}\"}}"), 1),
        ("opportunities", format!("id: {{ne: \"{deal}\"}}"), 1),
        ("opportunities", format!("id: {{in: [\"{deal}\", \"nonsense\"]}}"), 1),
        ("promises", format!("contactId: {{eq: \"{cleo}\"}}"), 1),
        ("promises", "contactId: {isNull: true}".to_owned(), 1),
        ("users", format!("id: {{eq: \"{}\"}}", ann.id()), 1),
        ("users", format!("id: {{ne: \"{}\"}}", ann.id()), 1),
    ] {
        let answer = ann.query(&format!("{{ {list}(filter: {{{filter}}}) {{ totalCount }} }}")).await;
        assert_eq!(answer.data(&format!("{list}.totalCount")), &json!(count), "{list} {filter}");
    }
}

#[on_both_databases]
async fn a_filter_by_account_reads_few_rows(world: &World) {
    let seller = world.seller("Ann").await;
    let other = world.seller("Bob").await;
    world.server().database().leave_rows_beside_the_feed();
    let connection = world.server().database().connect().await;
    fill(&connection, &[seller.id().to_owned(), other.id().to_owned()]).await;
    let app = world.server().app();
    app.db.watch();
    let filters: [(&str, u64); 3] = [
        // One account of ten thousand, a twentieth of them with ten rows each at most, and nearly all.
        ("{id: {eq: $account}}", 200),
        ("{industry: {eq: \"I3\"}}", 6_000),
        ("{employees: {gte: 1}}", 400),
    ];
    let account = seller.query("{ accounts(first: 1) { nodes { id } } }").await.text("accounts.nodes.0.id").to_owned();
    for (who, name) in [(&**world.admin(), "admin"), (&*seller, "seller")] {
        for list in LISTS {
            for (filter, most) in filters {
                let filter = filter.replace("$account", &format!("\"{account}\""));
                let _ = app.db.watched();
                who.query(&format!("{{ {list}(filter: {{account: {filter}}}) {{ nodes {{ id }} }} }}"))
                    .await
                    .answered();
                for statement in app.db.watched().iter().filter(|statement| statement.sql.contains("LIMIT")) {
                    let plan = explain(&connection, statement).await;
                    let what = format!("{name}: {list} {filter}");
                    // A seller's fifty accounts besides.
                    let most = most + 200;
                    assert!(
                        plan.rows_read.is_none_or(|read| read <= most),
                        "{what}:\n{}\n{}",
                        statement.sql,
                        plan.text
                    );
                }
            }
        }
    }
    empty(&connection).await;
}
