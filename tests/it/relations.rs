//! One node by its reference, and the relations of nodes: what they hold, who sees it, and how it is read.

use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use tests::actors::{Member, PASSWORD};
use tests::explain::explain;
use tests::queries::count;
use tests::{Client, World, on_both_databases};

use crate::explained::{empty, fill};

/// What a lookup of one node finds.
async fn look_up(who: &Client, field: &str, by: Value) -> Value {
    let kind = if field == "contact" { "ContactRefInput" } else { "OpportunityRefInput" };
    let document = format!("query($by: {kind}!) {{ {field}(by: $by) {{ id }} }}");
    who.send(&document, json!({"by": by})).await.data(field).clone()
}

#[on_both_databases]
async fn a_user_a_contact_and_an_opportunity_are_found_by_their_references(world: &World) {
    let (ann, bob) = (world.seller("Ann").await, world.seller("Bob").await);
    let stranger = world.another_organization("Other").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let names = |id: &str| json!([{"source": "crm", "id": id}]);
    let cleo = ann.contact(&acme, json!({"name": "Cleo", "externalIds": names("c")})).await;
    let deal = ann.opportunity(&acme, json!({"name": "Deal", "externalIds": names("o")})).await;
    for (field, id, name) in [("contact", &cleo, "c"), ("opportunity", &deal, "o")] {
        for by in [json!({"id": id}), json!({"externalId": {"source": "crm", "id": name}})] {
            assert_eq!(look_up(&ann, field, by.clone()).await, json!({"id": id}));
            // Those who do not see the account, and those of another organization, find nothing.
            for who in [&**bob, &***stranger.admin()] {
                assert_eq!(look_up(who, field, by.clone()).await, Value::Null, "{field} {by}");
            }
        }
        for by in [json!({"id": "nonsense"}), json!({"id": acme}), json!({"externalId": {"source": "erp", "id": name}})]
        {
            assert_eq!(look_up(&ann, field, by).await, Value::Null);
        }
        let both = json!({"id": id, "externalId": {"source": "crm", "id": name}});
        let kind = if field == "contact" { "ContactRefInput" } else { "OpportunityRefInput" };
        let document = format!("query($by: {kind}!) {{ {field}(by: $by) {{ id }} }}");
        let answer = ann.send(&document, json!({"by": both})).await;
        assert!(["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"].contains(&answer.error_code()), "{answer}");
    }
    let user = async |who: &Client, id: &str| {
        who.send("query($id: ID!) { user(id: $id) { name } }", json!({"id": id})).await.data("user").clone()
    };
    assert_eq!(user(&ann, bob.id()).await, json!({"name": "Bob"}));
    for (who, id) in [(&***stranger.admin(), bob.id()), (&**ann, "nonsense"), (&**ann, acme.as_str())] {
        assert_eq!(user(who, id).await, Value::Null);
    }
}

#[on_both_databases]
async fn an_opportunity_has_touches_bookings_contacts_history_and_stages(world: &World) {
    let (ann, bob) = (world.seller("Ann").await, world.seller("Bob").await);
    let (acme, other) = (ann.account(json!({"name": "Acme"})).await, ann.account(json!({"name": "Other"})).await);
    let deal = ann.opportunity(&acme, json!({"name": "Deal", "amount": "500"})).await;
    let person = async |name: &str| ann.contact(&acme, json!({"name": name})).await;
    let (cleo, ivan, left) = (person("Cleo").await, person("Ivan").await, person("Left").await);
    let touch = async |day: i32, fields: Value| {
        let mut input = json!({"kind": "CALL", "at": format!("2017-01-{day:02}T09:00:00Z")});
        input.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        ann.touch(&acme, input).await
    };
    let about = |people: Value| json!({"opportunityId": deal, "contactIds": people});
    let one = touch(3, about(json!([ivan]))).await;
    let two = touch(4, about(json!([cleo, left, ivan]))).await;
    touch(5, json!({"contactIds": [cleo]})).await;
    ann.mutate("archiveContact", "", json!({"id": left})).await.done();
    let canceled = json!({"accountId": acme, "kind": "CALL", "at": "2999-01-01T09:00:00Z", "opportunityId": deal,
        "contactIds": [person("Nobody").await]});
    let canceled = ann.make("scheduleTouch", "touch", canceled).await;
    ann.mutate("cancelTouch", "", json!({"id": canceled})).await.done();
    ann.mutate("updateOpportunity", "opportunity { id }", json!({"id": deal, "stage": "PROPOSED"})).await.done();
    ann.mutate("updateOpportunity", "opportunity { id }", json!({"id": deal, "name": "Big deal"})).await.done();
    ann.mutate("winOpportunity", "opportunity { id }", json!({"id": deal, "book": true})).await.done();
    let selection = "touches(filter: {status: [COMPLETED]}) { nodes { id } totalCount } bookings { nodes { amount { amount } } }
        contacts { name } stages { stage by { ... on User { name } } } history(first: 3) { nodes { type } pageInfo { hasNextPage } }";
    let document = format!("query($id: ID!) {{ opportunity(by: {{id: $id}}) {{ {selection} }} }}");
    let found = ann.send(&document, json!({"id": deal})).await.data("opportunity").clone();
    assert_eq!(found["touches"], json!({"nodes": [{"id": two}, {"id": one}], "totalCount": 2}));
    assert_eq!(found["bookings"], json!({"nodes": [{"amount": {"amount": "500.00"}}]}));
    assert_eq!(found["contacts"], json!([{"name": "Cleo"}, {"name": "Ivan"}]));
    let by = json!({"name": "Ann"});
    let stages =
        json!([{"stage": "IDENTIFIED", "by": by}, {"stage": "PROPOSED", "by": by}, {"stage": "WON", "by": by}]);
    assert_eq!(found["stages"], stages);
    assert_eq!(
        found["history"],
        json!({"nodes": [{"type": "opportunity.won"}, {"type": "opportunity.updated"}, {"type": "opportunity.updated"}],
            "pageInfo": {"hasNextPage": true}})
    );
    // Once it is at another account, those who see that one alone do not see what happened at the first.
    let names = json!([{"source": "crm", "id": "m"}]);
    let moving = ann.opportunity(&acme, json!({"name": "Moving", "externalIds": names})).await;
    let rows = json!([{"externalId": {"source": "crm", "id": "m"}, "account": {"id": other}}]);
    let answer = ann.mutate("upsertOpportunities", "updated failed", json!({"rows": rows})).await;
    assert_eq!(answer.data("upsertOpportunities"), &json!({"updated": 1, "failed": 0, "userErrors": []}));
    let team = json!({"accountId": other, "userId": bob.id(), "role": "TECHNICAL"});
    ann.mutate("setTeamMember", "account { id }", team).await.done();
    let document = "query($id: ID!) { opportunity(by: {id: $id}) { history { nodes { type } } } }";
    for (who, expected) in
        [(&**ann, json!(["opportunity.updated", "opportunity.created"])), (&**bob, json!(["opportunity.updated"]))]
    {
        let answer = who.send(document, json!({"id": moving})).await;
        assert_eq!(json!(answer.each("opportunity.history.nodes", "type")), expected);
    }
}

#[on_both_databases]
async fn a_contact_has_a_next_touch_promises_reports_plans_and_a_history(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let cleo = ann.contact(&acme, json!({"name": "Cleo"})).await;
    let report = async |name: &str| ann.contact(&acme, json!({"name": name, "reportsToId": cleo})).await;
    let (_, left) = (report("Ivan").await, report("Left").await);
    ann.mutate("archiveContact", "", json!({"id": left})).await.done();
    let schedule = async |at: &str, people: Value| {
        let input = json!({"accountId": acme, "kind": "CALL", "at": at, "contactIds": people});
        ann.make("scheduleTouch", "touch", input).await
    };
    schedule("2998-01-01T09:00:00Z", json!([])).await;
    let next = schedule("2999-01-01T09:00:00Z", json!([cleo])).await;
    schedule("2999-02-01T09:00:00Z", json!([cleo])).await;
    ann.touch(&acme, json!({"kind": "CALL", "contactIds": [cleo]})).await;
    for (what, due) in [("Later", "2999-02-01"), ("Sooner", "2999-01-01")] {
        let input = json!({"accountId": acme, "contactId": cleo, "what": what, "dueOn": due});
        ann.make("makePromise", "promise", input).await;
    }
    ann.make("makePromise", "promise", json!({"accountId": acme, "what": "To nobody", "dueOn": "2999-01-01"})).await;
    let plan = json!({"accountId": acme, "title": "Win", "startsOn": "2017-01-01", "endsOn": "2017-12-31"});
    let plan = ann.make("createPlan", "plan", plan).await;
    let input = json!({"planId": plan, "contactId": cleo, "desired": "TRUSTED"});
    ann.mutate("setPlannedRelationship", "plan { id }", input).await.done();
    let selection = "nextTouch { id } promises(open: true) { what } kept: promises(open: false) { what }
        directReports { name } plannedRelationships { desired } history { nodes { type } }";
    let document = format!("query($id: ID!) {{ contact(by: {{id: $id}}) {{ {selection} }} }}");
    let read = async || ann.send(&document, json!({"id": cleo})).await.data("contact").clone();
    let expected = json!({"nextTouch": {"id": next}, "promises": [{"what": "Sooner"}, {"what": "Later"}], "kept": [],
        "directReports": [{"name": "Ivan"}], "plannedRelationships": [{"desired": "TRUSTED"}],
        "history": {"nodes": [{"type": "contact.created"}]}});
    assert_eq!(read().await, expected);
    // A closed plan develops nothing any more.
    ann.mutate("closePlan", "", json!({"id": plan})).await.done();
    assert_eq!(read().await["plannedRelationships"], json!([]));
}

#[on_both_databases]
async fn an_account_has_children_and_members(world: &World) {
    let boss = world.manager("Boss").await;
    let mia = world.manager("Mia").under(&boss).await;
    let (ann, bob) = (world.seller("Ann").under(&mia).await, world.seller("Bob").await);
    let kim = world.seller("Kim").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let child = async |who: &Member, name: &str| {
        let account = who.account(json!({"name": name})).await;
        let input = json!({"id": account, "parentId": acme});
        world.admin().mutate("updateAccount", "account { id }", input).await.done();
        account
    };
    child(&ann, "First").await;
    child(&bob, "Bob's").await;
    let archived = child(&ann, "Archived").await;
    ann.mutate("archiveAccount", "", json!({"id": archived})).await.done();
    let document = "query($id: ID!) { account(by: {id: $id}) { children(first: 10) { nodes { name } totalCount } members { name } } }";
    let read = async |who: &Client| who.send(document, json!({"id": acme})).await.data("account").clone();
    let own = read(&ann).await;
    assert_eq!(own["children"], json!({"nodes": [{"name": "First"}], "totalCount": 1}));
    let all = read(world.admin()).await;
    assert_eq!(all["children"], json!({"nodes": [{"name": "First"}, {"name": "Bob's"}], "totalCount": 2}));
    let names = |found: &Value| {
        let mut names: Vec<String> =
            found["members"].as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    let admin = world.admin().name().to_owned();
    let with_admin = |names: &[&str]| {
        let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).chain([admin.clone()]).collect();
        names.sort();
        names
    };
    assert_eq!(names(&own), with_admin(&["Ann", "Boss", "Mia"]));
    let team = json!({"accountId": acme, "userId": kim.id(), "role": "TECHNICAL"});
    ann.mutate("setTeamMember", "account { id }", team).await.done();
    let deactivate = json!({"id": mia.id(), "successorId": boss.id()});
    world.admin().mutate("deactivateUser", "user { id }", deactivate).await.done();
    // The line goes on above someone inactive.
    assert_eq!(names(&read(&ann).await), with_admin(&["Ann", "Boss", "Kim"]));
}

#[on_both_databases]
async fn an_invitation_is_accepted_at_a_time(world: &World) {
    let admin = world.admin();
    let document = "query($id: ID!) { user(id: $id) { acceptedAt } }";
    let accepted = async |id: &str| admin.send(document, json!({"id": id})).await.data("user.acceptedAt").clone();
    assert!(accepted(admin.id()).await.is_string());
    let input = json!({"name": "Zoe", "email": world.email_of("Zoe"), "role": "SELLER"});
    let answer = admin.mutate("inviteUser", "user { id } token", input).await.done();
    let (zoe, token) = (answer.text("inviteUser.user.id").to_owned(), answer.text("inviteUser.token").to_owned());
    assert_eq!(accepted(&zoe).await, Value::Null);
    let accept = async |token: &str| {
        let input = json!({"token": token, "password": PASSWORD});
        let answer = world.stranger().mutate("acceptInvitation", "session { accessToken }", input).await.done();
        world.stranger().with_token(answer.text("acceptInvitation.session.accessToken"))
    };
    let client = accept(&token).await;
    let first = accepted(&zoe).await;
    assert!(first.is_string());
    // A new password accepts nothing, and a new invitation is pending again.
    let change = json!({"current": PASSWORD, "new": "another password of Zoe"});
    client.mutate("changePassword", "user { id }", change).await.done();
    assert_eq!(accepted(&zoe).await, first);
    let answer = admin.mutate("reissueInvitation", "token", json!({"userId": zoe})).await.done();
    assert_eq!(accepted(&zoe).await, Value::Null);
    accept(answer.text("reissueInvitation.token")).await;
    let again = accepted(&zoe).await;
    assert!(again.is_string() && again != first);
}

/// A selection of every relation, for a page of opportunities, contacts, accounts and users.
const RELATIONS: [&str; 4] = [
    "opportunities(first: 25) { nodes { touches(first: 5) { nodes { id } } bookings(first: 5) { nodes { id } } contacts { id }
        history(first: 5) { nodes { id } } stages { stage at by { ... on User { id } } } } }",
    "contacts(first: 25) { nodes { nextTouch { id } promises { id } directReports { id } plannedRelationships { id }
        history(first: 5) { nodes { id } } } }",
    "accounts(first: 25) { nodes { children(first: 5) { nodes { id } } members { id } } }",
    "users(first: 25) { nodes { acceptedAt } }",
];

#[on_both_databases]
async fn relations_take_as_many_statements_for_any_number_of_nodes(world: &World) {
    let ann = world.seller("Ann").await;
    let add = async |name: &str| {
        let account = ann.account(json!({"name": name})).await;
        let child = ann.account(json!({"name": format!("{name}'s child"), "parentId": account})).await;
        for account in [account, child] {
            let boss = ann.contact(&account, json!({"name": "Boss"})).await;
            let person = ann.contact(&account, json!({"name": "Person", "reportsToId": boss})).await;
            let deal = ann.opportunity(&account, json!({"name": "Deal", "amount": "5"})).await;
            let people = json!([boss, person]);
            ann.touch(&account, json!({"kind": "CALL", "opportunityId": deal, "contactIds": people})).await;
            let input =
                json!({"accountId": account, "kind": "CALL", "at": "2999-01-01T09:00:00Z", "contactIds": people});
            ann.make("scheduleTouch", "touch", input).await;
            let input = json!({"accountId": account, "contactId": boss, "what": "A list", "dueOn": "2999-01-01"});
            ann.make("makePromise", "promise", input).await;
            let plan = json!({"accountId": account, "title": "Win", "startsOn": "2017-01-01", "endsOn": "2017-12-31"});
            let plan = ann.make("createPlan", "plan", plan).await;
            let input = json!({"planId": plan, "contactId": boss, "desired": "TRUSTED"});
            ann.mutate("setPlannedRelationship", "plan { id }", input).await.done();
            ann.mutate("winOpportunity", "opportunity { id }", json!({"id": deal, "book": true})).await.done();
        }
    };
    add("Acme").await;
    let mut one = Vec::new();
    for document in RELATIONS {
        let (answer, statements) = count(world.server(), ann.query(&format!("{{ {document} }}"))).await;
        answer.answered();
        one.push(statements);
    }
    for name in ["Globex", "Hooli", "Umbrella"] {
        add(name).await;
    }
    let mut many = Vec::new();
    for document in RELATIONS {
        let (answer, statements) = count(world.server(), ann.query(&format!("{{ {document} }}"))).await;
        answer.answered();
        many.push(statements);
    }
    assert_eq!(one, many);
}

/// Relates the rows of [`fill`] to each other.
const RELATE: [&str; 8] = [
    "update touch set opportunity_id = (
        select opportunity.id from opportunity
        where opportunity.organization_id = touch.organization_id and opportunity.account_id = touch.account_id limit 1
    )",
    "update booking set opportunity_id = (
        select opportunity.id from opportunity
        where opportunity.organization_id = booking.organization_id and opportunity.account_id = booking.account_id limit 1
    )",
    "insert into touch_contact (touch_id, contact_id, organization_id, at, answer_known_at)
        select touch.id, (
            select contact.id from contact
            where contact.organization_id = touch.organization_id and contact.account_id = touch.account_id
            order by contact.id limit 1
        ), touch.organization_id, touch.at, touch.known_at from touch",
    "update contact set reports_to_id = (
        select other.id from contact as other
        where other.organization_id = contact.organization_id and other.account_id = contact.account_id
            and other.id <> contact.id
        order by other.id limit 1
    )",
    "update promise set contact_id = (
        select contact.id from contact
        where contact.organization_id = promise.organization_id and contact.account_id = promise.account_id
        order by contact.id limit 1
    )",
    "insert into plan_relationship (id, organization_id, plan_id, account_id, contact_id, desired, started_at)
        select plan.id, plan.organization_id, plan.id, plan.account_id, (
            select contact.id from contact
            where contact.organization_id = plan.organization_id and contact.account_id = plan.account_id
            order by contact.id limit 1
        ), 'VALUED', 'UNKNOWN' from plan",
    "update account set parent_id = (select first.id from account as first order by first.id limit 1)
        where employees < 10 and id <> (select first.id from account as first order by first.id limit 1)",
    "insert into event (id, organization_id, at, type, subject_noun, subject_id, account_id, changes)
        select id, organization_id, 0, 'opportunity.created', 'opportunity', id, account_id, '{\"stage\":{\"from\":null,\"to\":\"WON\"}}'
        from opportunity",
];

#[on_both_databases]
async fn relations_are_read_by_their_indexes(world: &World) {
    let seller = world.seller("Ann").await;
    let other = world.seller("Bob").await;
    world.server().database().leave_rows_beside_the_feed();
    let connection = world.server().database().connect().await;
    fill(&connection, &[seller.id().to_owned(), other.id().to_owned()]).await;
    for statement in RELATE {
        connection.execute_unprepared(statement).await.unwrap();
    }
    connection.execute_unprepared("analyze").await.unwrap();
    let app = world.server().app();
    app.db.watch();
    let large = [
        "account",
        "contact",
        "touch",
        "opportunity",
        "booking",
        "plan",
        "promise",
        "touch_contact",
        "plan_relationship",
        "event",
        "seat",
    ];
    for (who, name) in [(&**world.admin(), "admin"), (&*seller, "seller")] {
        for document in RELATIONS {
            let _ = app.db.watched();
            who.query(&format!("{{ {document} }}")).await.answered();
            for statement in &app.db.watched() {
                let plan = explain(&connection, statement).await;
                let scans: Vec<&String> =
                    plan.full_scans.iter().filter(|table| large.contains(&table.as_str())).collect();
                assert!(scans.is_empty(), "{name} reads {scans:?} from end to end:\n{}\n{}", statement.sql, plan.text);
                // 25 nodes with at most ten rows each; some are read twice, and a seller's fifty accounts besides.
                let most = 1_000;
                assert!(plan.rows_read.is_none_or(|read| read <= most), "{name}:\n{}\n{}", statement.sql, plan.text);
            }
        }
    }
    for statement in [
        "delete from event where subject_noun = 'opportunity'",
        "delete from plan_relationship",
        "delete from touch_contact",
        "update contact set reports_to_id = null",
        "update account set parent_id = null",
        "update booking set opportunity_id = null",
        "update touch set opportunity_id = null",
    ] {
        connection.execute_unprepared(statement).await.unwrap();
    }
    empty(&connection).await;
}
