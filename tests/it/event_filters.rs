//! Filters on the feed and on histories, notifications, and the titles of a timeline.

use serde_json::{Value, json};
use tests::explain::explain;
use tests::queries::count;
use tests::{Client, World, on_both_databases};

/// The types of the events that match a filter, oldest first.
async fn types(who: &Client, filter: &str) -> Vec<String> {
    let answer = who.query(&format!("{{ events(first: 200, filter: {{{filter}}}) {{ nodes {{ type }} }} }}")).await;
    answer.each("events.nodes", "type").iter().map(|kind| kind.as_str().unwrap().to_owned()).collect()
}

#[on_both_databases]
async fn events_are_filtered_by_subject_account_actor_and_time(world: &World) {
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    let bob = world.seller("Bob").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let cleo = ann.contact(&acme, json!({"name": "Cleo"})).await;
    mia.mutate("updateContact", "contact { id }", json!({"id": cleo, "title": "CEO"})).await.done();
    let globex = bob.account(json!({"name": "Globex"})).await;
    for (filter, expected) in [
        (format!("subjectId: \"{cleo}\""), &["contact.created", "contact.updated"][..]),
        (format!("subjectId: \"{acme}\""), &["account.created"]),
        (format!("accountId: \"{acme}\""), &["account.created", "contact.created", "contact.updated"]),
        (format!("accountId: \"{acme}\", actorId: \"{}\"", mia.id()), &["contact.updated"]),
        (format!("accountId: \"{acme}\", notActorId: \"{}\"", ann.id()), &["contact.updated"]),
        (
            format!("accountId: \"{acme}\", types: [\"account.created\", \"contact.created\"]"),
            &["account.created", "contact.created"],
        ),
        (format!("accountId: \"{acme}\", types: []"), &[]),
        (format!("actorId: \"{}\"", mia.id()), &["contact.updated"]),
        (format!("actorId: \"{}\", at: {{gt: \"2001-01-01T00:00:00Z\"}}", mia.id()), &["contact.updated"]),
        (format!("actorId: \"{}\", at: {{lt: \"2001-01-01T00:00:00Z\"}}", mia.id()), &[]),
        ("subjectId: \"nonsense\"".to_owned(), &[]),
        (format!("accountId: \"{cleo}\""), &[]),
        (format!("actorId: \"{acme}\""), &[]),
        // An id of another type and the same number.
        (format!("subjectId: \"user_{}\"", acme.split_once('_').unwrap().1), &[]),
    ] {
        assert_eq!(types(world.admin(), &filter).await, expected, "{filter}");
    }
    // Nobody finds what they do not see.
    for filter in [
        format!("accountId: \"{globex}\""),
        format!("subjectId: \"{globex}\""),
        format!("actorId: \"{}\", types: [\"account.created\"]", bob.id()),
    ] {
        assert_eq!(types(&ann, &filter).await, Vec::<String>::new(), "{filter}");
        assert_eq!(types(world.admin(), &filter).await, ["account.created"], "{filter}");
    }
    let everything = types(world.admin(), "").await;
    let others = types(world.admin(), "notActorId: \"nonsense\"").await;
    assert_eq!(everything, others);
    for filter in ["subjectId: null", "types: null", "at: {gt: null}", "types: [\"account.create\"]"] {
        let answer = ann.query(&format!("{{ events(filter: {{{filter}}}) {{ nodes {{ id }} }} }}")).await;
        assert_eq!(answer.error_code(), "BAD_USER_INPUT", "{filter}");
    }
    let many = json!({"types": vec!["account.created"; 101]});
    let document = "query($types: [String!]) { events(filter: {types: $types}) { nodes { id } } }";
    assert_eq!(ann.send(document, many).await.error_code(), "BAD_USER_INPUT");
}

#[on_both_databases]
async fn the_newest_events_of_others_are_the_notifications(world: &World) {
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    mia.contact(&acme, json!({"name": "Cleo"})).await;
    let bell = "query($me: ID!, $after: String) { events(last: 2, after: $after, filter: {notActorId: $me}) {
        nodes { title actor { ... on User { name } } } pageInfo { endCursor } } }";
    let read = async |after: Value| ann.send(bell, json!({"me": ann.id(), "after": after})).await.answered();
    let answer = read(Value::Null).await;
    assert_eq!(
        answer.data("events.nodes.1"),
        &json!({"title": "Contact Cleo at Acme created", "actor": {"name": "Mia"}})
    );
    let seen = answer.data("events.pageInfo.endCursor").clone();
    ann.contact(&acme, json!({"name": "Ivan"})).await;
    assert_eq!(read(seen.clone()).await.data("events.nodes"), &json!([]));
    mia.contact(&acme, json!({"name": "Nora"})).await;
    assert_eq!(json!(read(seen).await.each("events.nodes", "title")), json!(["Contact Nora at Acme created"]));
}

#[on_both_databases]
async fn histories_are_filtered_like_the_feed(world: &World) {
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let cleo = ann.contact(&acme, json!({"name": "Cleo"})).await;
    let deal = ann.opportunity(&acme, json!({"name": "Deal"})).await;
    let plan = json!({"accountId": acme, "title": "Win", "startsOn": "2017-01-01", "endsOn": "2017-12-31"});
    let plan = ann.make("createPlan", "plan", plan).await;
    mia.mutate("updateContact", "contact { id }", json!({"id": cleo, "title": "CEO"})).await.done();
    mia.mutate("updateOpportunity", "opportunity { id }", json!({"id": deal, "name": "Big deal"})).await.done();
    mia.mutate("updatePlan", "plan { id }", json!({"id": plan, "title": "Win them"})).await.done();
    let document = "query($acme: ID!, $cleo: ID!, $deal: ID!, $plan: ID!, $filter: EventFilter) {
        account: node(id: $acme) { ... on Account { history(filter: $filter) { nodes { type } } } }
        contact: node(id: $cleo) { ... on Contact { history(filter: $filter) { nodes { type } } } }
        opportunity: node(id: $deal) { ... on Opportunity { history(filter: $filter) { nodes { type } } } }
        plan: node(id: $plan) { ... on Plan { history(filter: $filter) { nodes { type } } } } }";
    let read = async |filter: Value| {
        let variables = json!({"acme": acme, "cleo": cleo, "deal": deal, "plan": plan, "filter": filter});
        let answer = ann.send(document, variables).await.answered();
        let of = |node: &str| json!(answer.each(&format!("{node}.history.nodes"), "type"));
        [of("account"), of("contact"), of("opportunity"), of("plan")]
    };
    let updated = ["plan.updated", "opportunity.updated", "contact.updated"];
    let each = [json!(updated), json!([updated[2]]), json!([updated[1]]), json!([updated[0]])];
    assert_eq!(read(json!({"actorId": mia.id()})).await, each);
    assert_eq!(read(json!({"notActorId": ann.id()})).await, each);
    let none = json!([]);
    assert_eq!(
        read(json!({"types": ["contact.updated"]})).await,
        [each[1].clone(), each[1].clone(), none.clone(), none]
    );
}

#[on_both_databases]
async fn titles_have_the_names_of_their_time(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let cleo = ann.contact(&acme, json!({"name": "Cleo"})).await;
    let call = ann.touch(&acme, json!({"kind": "CALL", "subject": "Renewal", "contactIds": [cleo]})).await;
    ann.mutate("updateAccount", "account { id }", json!({"id": acme, "name": "Acme Ltd", "city": "Łódź"})).await.done();
    ann.mutate("updateContact", "contact { id }", json!({"id": cleo, "phone": "+34 1"})).await.done();
    ann.mutate("updateTouch", "touch { id }", json!({"id": call, "subject": "Renewal of 2018"})).await.done();
    let meeting = json!({"accountId": acme, "kind": "MEETING", "at": "2999-01-01T09:00:00Z"});
    ann.make("scheduleTouch", "touch", meeting).await;
    let deal = ann.opportunity(&acme, json!({"name": "Deal", "amount": "5"})).await;
    ann.mutate("winOpportunity", "opportunity { id }", json!({"id": deal, "book": true})).await.done();
    ann.mutate("setGoal", "goal { id }", json!({"accountId": acme, "year": 2030, "amount": "1000"})).await.done();
    let input = json!({"accountId": acme, "kind": "GROWTH", "rationale": "They grow."});
    ann.make("proposeTarget", "target", input).await;
    let plan = json!({"accountId": acme, "title": "Win them", "startsOn": "2017-01-01", "endsOn": "2017-12-31"});
    let plan = ann.make("createPlan", "plan", plan).await;
    let objective = json!({"planId": plan, "horizon": "SHORT_TERM", "statement": "Meet the CEO."});
    ann.mutate("addObjective", "__typename", objective).await.done();
    ann.make("makePromise", "promise", json!({"accountId": acme, "what": "A price list", "dueOn": "2999-01-01"})).await;
    let event = json!({"accountId": acme, "kind": "LEADERSHIP_CHANGE", "occurredOn": "2017-01-01"});
    ann.make("recordTriggerEvent", "triggerEvent", event).await;
    let document = "query($id: ID!) { account(by: {id: $id}) { history(last: 200) { nodes { title } } } }";
    let answer = ann.send(document, json!({"id": acme})).await.answered();
    let mut titles = answer.each("account.history.nodes", "title");
    titles.reverse();
    let expected = json!([
        "Account Acme created",
        "Contact Cleo at Acme created",
        "Call with Acme created: Renewal",
        "Account Acme Ltd updated: city, name",
        "Contact Cleo at Acme Ltd updated: phone",
        "Call with Acme Ltd updated: subject",
        "Meeting with Acme Ltd created",
        "Opportunity Deal at Acme Ltd created",
        "Opportunity Deal at Acme Ltd won",
        "Booking at Acme Ltd created",
        "Goal 2030 for Acme Ltd agreed",
        "Target at Acme Ltd proposed",
        "Plan Win them for Acme Ltd created",
        "Plan Win them for Acme Ltd objective added",
        "Promise to Acme Ltd created: A price list",
        "Trigger event at Acme Ltd created: leadership change",
    ]);
    assert_eq!(json!(titles), expected);
    // An erased person has no name in any title.
    let erase = "mutation($id: ID!) { eraseContact(input: {id: $id}) { userErrors { message } } }";
    world.admin().send(erase, json!({"id": cleo})).await.done();
    let answer = world.admin().query("{ events(first: 200) { nodes { title } } }").await;
    let titles = answer.each("events.nodes", "title");
    assert!(titles.iter().all(|title| !title.as_str().unwrap().contains("Cleo")), "{titles:?}");
    // The names of accounts that a member does not see are in no title of theirs.
    let bob = world.seller("Bob").await;
    let answer = bob.query("{ events(first: 200) { nodes { title } } }").await;
    let titles = answer.each("events.nodes", "title");
    assert!(titles.iter().all(|title| !title.as_str().unwrap().contains("Acme")), "{titles:?}");
}

#[on_both_databases]
async fn titles_take_one_statement_and_filters_use_the_indexes(world: &World) {
    let ann = world.seller("Ann").await;
    let document =
        "{ events(last: 50) { nodes { title } } accounts { nodes { history(first: 10) { nodes { title } } } } }";
    let acme = ann.account(json!({"name": "Acme"})).await;
    // The first request of a session also reads who the viewer is.
    world.admin().query(document).await.answered();
    let (answer, few) = count(world.server(), world.admin().query(document)).await;
    answer.answered();
    for name in ["Globex", "Hooli", "Umbrella"] {
        let account = ann.account(json!({"name": name})).await;
        ann.contact(&account, json!({"name": name})).await;
        ann.touch(&account, json!({"kind": "CALL"})).await;
    }
    let (answer, many) = count(world.server(), world.admin().query(document)).await;
    answer.answered();
    assert_eq!(few, many);

    world.server().database().leave_rows_beside_the_feed();
    let connection = world.server().database().connect().await;
    fill(&connection).await;
    let app = world.server().app();
    app.db.watch();
    let title = "nodes { id title }";
    for list in [
        format!("events(first: 25, filter: {{accountId: \"{acme}\"}}) {{ {title} }}"),
        format!("events(first: 25, filter: {{subjectId: \"{acme}\"}}) {{ {title} }}"),
        format!("events(last: 25, filter: {{notActorId: \"{}\"}}) {{ {title} }}", ann.id()),
        format!("events(last: 25, filter: {{actorId: \"{}\"}}) {{ {title} }}", ann.id()),
        format!("events(last: 25, filter: {{at: {{gte: \"1970-01-02T00:00:00Z\"}}}}) {{ {title} }}"),
    ] {
        let _ = app.db.watched();
        world.admin().query(&format!("{{ {list} }}")).await.answered();
        for statement in app.db.watched().iter().filter(|statement| statement.sql.contains("event")) {
            let plan = explain(&connection, statement).await;
            assert!(plan.rows_read.is_none_or(|read| read <= 200), "{list}:\n{}\n{}", statement.sql, plan.text);
        }
    }
    sea_orm::ConnectionTrait::execute_unprepared(&connection, "delete from event where type = 'account.assessed'")
        .await
        .unwrap();
}

/// Adds 50,000 events of nobody, about no account.
async fn fill(connection: &sea_orm::DatabaseConnection) {
    use sea_orm::ConnectionTrait as _;
    let (series, id) = match connection.get_database_backend() {
        sea_orm::DbBackend::Postgres => {
            ("generate_series(1, 50000) as s(i)", "('00000000-0000-7000-8000-' || lpad(to_hex(s.i), 12, '0'))::uuid")
        }
        _ => (
            "(with recursive s(i) as (select 1 union all select i + 1 from s where i < 50000) select i from s) as s",
            "unhex('0000000000007000' || '8000' || printf('%012x', s.i))",
        ),
    };
    for statement in [
        format!(
            "insert into event (id, organization_id, at, type, subject_noun, subject_id, changes)
            select {id}, (select id from organization), cast(s.i as bigint) * 1000000000, 'account.assessed', 'account', {id}, '{{}}' from {series}"
        ),
        "analyze".to_owned(),
    ] {
        connection.execute_unprepared(&statement).await.unwrap();
    }
}
