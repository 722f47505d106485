//! Filters that several lists share: by the reporting line, by the touches of accounts and contacts, by presence, by local days.

use serde_json::json;
use tests::actors::Member;
use tests::explain::explain;
use tests::{Client, World, on_both_databases};

use crate::account_filters::add;
use crate::explained::{empty, fill};

/// The lists that are filtered by the reporting line, each with the selection of the user.
const OF_LINES: [(&str, &str, &str); 9] = [
    ("accounts", "owner { name }", "owner.name"),
    ("opportunities", "owner { name }", "owner.name"),
    ("bookings", "seller { name }", "seller.name"),
    ("targets", "seller { name }", "seller.name"),
    ("goals", "account { owner { name } }", "account.owner.name"),
    ("plans", "owner { name }", "owner.name"),
    ("touches", "user { name }", "user.name"),
    ("promises", "madeBy { name }", "madeBy.name"),
    ("users", "name", "name"),
];

/// The values of a field in the rows of a list that match a filter, sorted.
async fn matching(who: &Client, list: &str, filter: &str, selection: &str, path: &str) -> Vec<String> {
    let document = format!("{{ {list}(filter: {{{filter}}}, first: 200) {{ nodes {{ {selection} }} totalCount }} }}");
    let answer = who.query(&document).await.answered();
    let mut found: Vec<String> = answer
        .each(&format!("{list}.nodes"), path)
        .into_iter()
        .map(|value| value.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(answer.data(&format!("{list}.totalCount")), &json!(found.len()), "{document}");
    found.sort();
    found
}

#[on_both_databases]
async fn lists_are_filtered_by_everyone_below_a_member(world: &World) {
    let boss = world.manager("Boss").await;
    let mia = world.manager("Mia").under(&boss).await;
    let (ann, bob) = (world.seller("Ann").under(&mia).await, world.seller("Bob").await);
    for (who, name) in [(&*boss, "B"), (&*mia, "M"), (&*ann, "A"), (&*bob, "O")] {
        add(who, name, "Steel").await;
    }
    let other = world.another_organization("Other").await;
    let stranger = other.admin().id().to_owned();
    for (list, selection, path) in OF_LINES {
        for (id, expected) in [
            (boss.id(), &["Ann", "Boss", "Mia"][..]),
            (mia.id(), &["Ann", "Mia"]),
            (ann.id(), &["Ann"]),
            (stranger.as_str(), &[]),
            ("nonsense", &[]),
            ("user_01h455vb4pex5vsknk084sn02q", &[]),
        ] {
            let filter = format!("reportingTo: \"{id}\"");
            assert_eq!(matching(world.admin(), list, &filter, selection, path).await, expected, "{list} {filter}");
        }
        // A member sees of them what they see without the filter.
        let seen: &[&str] = if list == "users" { &["Ann", "Boss", "Mia"] } else { &["Ann"] };
        let filter = format!("reportingTo: \"{}\"", boss.id());
        assert_eq!(matching(&ann, list, &filter, selection, path).await, seen, "{list}");
        let answer = ann.query(&format!("{{ {list}(filter: {{reportingTo: null}}) {{ totalCount }} }}")).await;
        assert_eq!(answer.error_code(), "BAD_USER_INPUT", "{list}");
    }
    for list in ["accounts", "opportunities", "bookings", "touches", "users"] {
        let (_, selection, path) = OF_LINES.into_iter().find(|(name, _, _)| *name == list).unwrap();
        let filter = format!("not: {{reportingTo: \"{}\"}}", boss.id());
        let mut expected = vec!["Bob"];
        if list == "users" {
            expected.push(world.admin().name());
            expected.sort_unstable();
        }
        assert_eq!(matching(world.admin(), list, &filter, selection, path).await, expected, "{list}");
    }
    // The line goes on below someone inactive.
    let deactivate = json!({"id": mia.id(), "successorId": bob.id()});
    world.admin().mutate("deactivateUser", "user { id }", deactivate).await.done();
    let filter = format!("reportingTo: \"{}\", active: true", boss.id());
    assert_eq!(matching(world.admin(), "users", &filter, "name", "name").await, ["Ann", "Boss"]);
}

#[on_both_databases]
async fn accounts_and_contacts_are_filtered_by_their_touches(world: &World) {
    let (ann, bob) = (world.seller("Ann").await, world.seller("Bob").await);
    let account = async |name: &str| ann.account(json!({"name": name})).await;
    let (old, new, never) = (account("Old").await, account("New").await, account("Never").await);
    let person = async |account: &str, name: &str| ann.contact(account, json!({"name": name})).await;
    let (cleo, ivan) = (person(&old, "Cleo").await, person(&new, "Ivan").await);
    person(&never, "Nora").await;
    ann.touch(&old, json!({"kind": "CALL", "at": "2017-01-01T12:00:00Z", "contactIds": [cleo]})).await;
    ann.touch(&new, json!({"kind": "CALL", "at": "2016-01-01T12:00:00Z", "contactIds": [ivan]})).await;
    ann.touch(&new, json!({"kind": "CALL", "at": "2018-01-01T12:00:00Z", "contactIds": [ivan]})).await;
    let schedule = async |account: &str, at: &str| {
        ann.make("scheduleTouch", "touch", json!({"accountId": account, "kind": "CALL", "at": at})).await
    };
    schedule(&never, "2999-01-01T12:00:00Z").await;
    schedule(&old, "2999-06-01T12:00:00Z").await;
    schedule(&old, "2998-01-01T12:00:00Z").await;
    for (list, filter, expected) in [
        ("accounts", "lastTouchAt: {lt: \"2017-06-01T00:00:00Z\"}", &["Old"][..]),
        ("accounts", "lastTouchAt: {lte: \"2017-01-01T12:00:00Z\"}", &["Old"]),
        ("accounts", "lastTouchAt: {gt: \"2017-01-01T12:00:00Z\"}", &["New"]),
        ("accounts", "lastTouchAt: {gte: \"2017-01-01T12:00:00Z\"}", &["New", "Old"]),
        ("accounts", "lastTouchAt: {isNull: true}", &["Never"]),
        ("accounts", "lastTouchAt: {isNull: false}", &["New", "Old"]),
        ("accounts", "not: {lastTouchAt: {gte: \"2017-06-01T00:00:00Z\"}}", &["Never", "Old"]),
        ("accounts", "nextTouchAt: {lt: \"2998-06-01T00:00:00Z\"}", &["Old"]),
        ("accounts", "nextTouchAt: {gt: \"2998-06-01T00:00:00Z\"}", &["Never"]),
        ("accounts", "nextTouchAt: {isNull: true}", &["New"]),
        ("contacts", "lastTouchAt: {lt: \"2017-06-01T00:00:00Z\"}", &["Cleo"]),
        ("contacts", "lastTouchAt: {gte: \"2018-01-01T12:00:00Z\"}", &["Ivan"]),
        ("contacts", "lastTouchAt: {isNull: true}", &["Nora"]),
        ("contacts", "account: {lastTouchAt: {isNull: true}}", &["Nora"]),
        ("contacts", "account: {nextTouchAt: {isNull: false}}", &["Cleo", "Nora"]),
        ("touches", "account: {lastTouchAt: {gt: \"2017-06-01T00:00:00Z\"}}", &["New", "New"]),
    ] {
        let (selection, path) = if list == "touches" { ("account { name }", "account.name") } else { ("name", "name") };
        for who in [&**ann, &**world.admin()] {
            assert_eq!(matching(who, list, filter, selection, path).await, expected, "{list} {filter}");
        }
    }
    // A touch at an account that a member does not see is none for them.
    let moved = bob.account(json!({"name": "Bob's"})).await;
    let input = json!({"id": ivan, "accountId": moved});
    world.admin().mutate("updateContact", "contact { id }", input).await.done();
    let filter = "lastTouchAt: {isNull: false}";
    assert_eq!(matching(&bob, "contacts", filter, "name", "name").await, Vec::<String>::new());
    assert_eq!(matching(&bob, "contacts", "lastTouchAt: {isNull: true}", "name", "name").await, ["Ivan"]);
    assert_eq!(matching(world.admin(), "contacts", filter, "name", "name").await, ["Cleo", "Ivan"]);
}

#[on_both_databases]
async fn accounts_are_filtered_by_presence(world: &World) {
    let (ann, bob) = (world.seller("Ann").await, world.seller("Bob").await);
    let now = world.server().app().clock.now().utc().unwrap();
    let days_ago = |days: i64| (now - chrono::TimeDelta::days(days)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    for (who, name, days) in
        [(&ann, "Present", Some(1)), (&ann, "Fading", Some(90)), (&ann, "Absent", None), (&bob, "Bob's", Some(1))]
    {
        let account = who.account(json!({"name": name})).await;
        who.contact(&account, json!({"name": name})).await;
        if let Some(days) = days {
            who.touch(&account, json!({"kind": "MEETING", "at": days_ago(days)})).await;
        }
    }
    for (filter, expected) in [
        ("presence: {gte: 0.5}", &["Present"][..]),
        ("presence: {lt: 0.5}", &["Absent", "Fading"]),
        ("presence: {gt: 0}", &["Fading", "Present"]),
        ("presence: {lte: 0}", &["Absent"]),
        ("presence: {gt: 0, lt: 0.5}", &["Fading"]),
        ("presence: {gte: 0}", &["Absent", "Fading", "Present"]),
        ("presence: {gt: 1}", &[]),
        ("not: {presence: {gte: 0.5}}", &["Absent", "Fading"]),
        ("or: [{presence: {gte: 0.5}}, {name: {eq: \"Absent\"}}]", &["Absent", "Present"]),
    ] {
        assert_eq!(matching(&ann, "accounts", filter, "name", "name").await, expected, "{filter}");
        let account = format!("account: {{{filter}}}");
        assert_eq!(matching(&ann, "contacts", &account, "name", "name").await, expected, "{account}");
    }
    // What a list of rows at accounts is filtered by, others are as well.
    let account = "account: {presence: {gte: 0.5}}";
    assert_eq!(
        matching(world.admin(), "touches", account, "account { name }", "account.name").await,
        ["Bob's", "Present"]
    );
    for list in ["opportunities", "bookings", "targets", "goals", "plans", "promises", "triggerEvents"] {
        let none: Vec<String> = Vec::new();
        assert_eq!(matching(&ann, list, account, "id", "id").await, none, "{list}");
    }
    let analytics = "{ analytics { touches(groupBy: [], filter: {account: {presence: {gte: 0.5}}}) { count } } }";
    assert_eq!(ann.query(analytics).await.data("analytics.touches.0.count"), &json!(1));
    let owned = "{ me { accounts(filter: {presence: {gte: 0.5}}) { nodes { name } } } }";
    assert_eq!(json!(ann.query(owned).await.each("me.accounts.nodes", "name")), json!(["Present"]));
    let answer = ann.query("{ accounts(filter: {presence: {gte: null}}) { totalCount } }").await;
    assert_eq!(answer.error_code(), "BAD_USER_INPUT");
}

#[on_both_databases]
async fn touches_are_filtered_by_local_days(world: &World) {
    let (ann, bob) = (world.seller("Ann").await, world.seller("Bob").await);
    let move_to = async |member: &Member, zone: &str| {
        let input = json!({"id": member.id(), "timeZone": zone});
        world.admin().mutate("updateUser", "user { id }", input).await.done();
    };
    let day = |range: &str| format!("on: {{{range}}}");
    let subjects = async |filter: String| matching(world.admin(), "touches", &filter, "subject", "subject").await;
    for (who, name) in [(&ann, "Ann"), (&bob, "Bob")] {
        let account = who.account(json!({"name": name})).await;
        for (time, at) in
            [("late", "2017-03-01T23:30:00Z"), ("noon", "2017-03-02T12:00:00Z"), ("early", "2017-03-03T00:00:00Z")]
        {
            let fields = json!({"kind": "CALL", "at": at, "subject": format!("{name} {time}")});
            who.touch(&account, fields).await;
        }
    }
    // In one zone.
    let second = "from: \"2017-03-02\", to: \"2017-03-02\"";
    assert_eq!(subjects(day(second)).await, ["Ann noon", "Bob noon"]);
    move_to(&ann, "Europe/Madrid").await;
    move_to(&bob, "America/New_York").await;
    assert_eq!(subjects(day(second)).await, ["Ann late", "Ann noon", "Bob early", "Bob noon"]);
    assert_eq!(subjects(day("from: \"2017-03-01\", to: \"2017-03-01\"")).await, ["Bob late"]);
    assert_eq!(subjects(day("from: \"2017-03-03\", to: \"2017-03-09\"")).await, ["Ann early"]);
    assert_eq!(subjects(format!("not: {{{}}}", day(second))).await, ["Ann early", "Bob late"]);
    let answer = ann
        .query(&format!(
            "{{ touches(filter: {{{}}}) {{ totalCount }} }}",
            day("from: \"2017-03-02\", to: \"2017-03-01\"")
        ))
        .await;
    assert_eq!(answer.error_code(), "BAD_USER_INPUT");
    let analytics = format!("{{ analytics {{ touches(groupBy: [], filter: {{{}}}) {{ count }} }} }}", day(second));
    assert_eq!(world.admin().query(&analytics).await.data("analytics.touches.0.count"), &json!(4));
}

#[on_both_databases]
async fn members_are_filtered_by_pending_invitations(world: &World) {
    let admin = world.admin();
    world.seller("Ann").await;
    let input = json!({"name": "Zoe", "email": world.email_of("Zoe"), "role": "SELLER"});
    admin.mutate("inviteUser", "user { id }", input).await.done();
    let names = async |filter: &str| matching(admin, "users", filter, "name", "name").await;
    assert_eq!(names("invited: true").await, ["Zoe"]);
    assert!(!names("invited: false").await.contains(&"Zoe".to_owned()));
    let both = names("or: [{invited: true}, {and: [{role: [SELLER]}, {not: {name: {startsWith: \"z\"}}}]}]").await;
    assert_eq!(both, ["Ann", "Zoe"]);
    assert_eq!(names("or: []").await, Vec::<String>::new());
    assert_eq!(names("role: []").await, Vec::<String>::new());
    assert_eq!(names("role: [SELLER, MANAGER]").await, ["Ann", "Zoe"]);
}

#[on_both_databases]
async fn accounts_are_filtered_by_revenue_and_by_when_they_were_archived(world: &World) {
    let ann = world.seller("Ann").await;
    let rich = ann.account(json!({"name": "Rich", "annualRevenue": "1000"})).await;
    ann.account(json!({"name": "Poor", "annualRevenue": "10"})).await;
    ann.account(json!({"name": "Unknown"})).await;
    let names = async |filter: &str| matching(&ann, "accounts", filter, "name", "name").await;
    assert_eq!(names("annualRevenue: {gt: \"10\"}").await, ["Rich"]);
    assert_eq!(names("annualRevenue: {lte: \"10\"}").await, ["Poor"]);
    assert_eq!(names("annualRevenue: {isNull: true}").await, ["Unknown"]);
    let archive = world.server().app().clock.now().utc().unwrap();
    let archive_account = "mutation($id: ID!) { archiveAccount(input: {id: $id}) { userErrors { message } } }";
    ann.send(archive_account, json!({"id": rich})).await.done();
    let before = archive - chrono::TimeDelta::seconds(60);
    let since = format!("archivedAt: {{gt: \"{}\"}}", before.format("%Y-%m-%dT%H:%M:%SZ"));
    assert_eq!(names(&since).await, Vec::<String>::new());
    assert_eq!(names(&format!("{since}, archived: INCLUDE")).await, ["Rich"]);
    assert_eq!(names("archivedAt: {isNull: true}, archived: INCLUDE").await, ["Poor", "Unknown"]);
}

#[on_both_databases]
async fn bookings_are_filtered_by_nested_conditions(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    for (amount, day) in [("1", "2017-01-01"), ("2", "2017-02-01"), ("3", "2017-03-01")] {
        ann.booking(&acme, json!({"amount": amount, "bookedOn": day, "description": amount})).await;
    }
    let found = async |filter: &str| matching(&ann, "bookings", filter, "description", "description").await;
    assert_eq!(found("or: [{amount: {eq: \"1\"}}, {bookedOn: {gte: \"2017-03-01\"}}]").await, ["1", "3"]);
    assert_eq!(found("not: {amount: {eq: \"1\"}}").await, ["2", "3"]);
    assert_eq!(found("and: [{amount: {gt: \"1\"}}, {amount: {lt: \"3\"}}]").await, ["2"]);
    assert_eq!(found("or: []").await, Vec::<String>::new());
    assert_eq!(found("not: {opportunityId: {isNull: false}}").await, ["1", "2", "3"]);
}

#[on_both_databases]
async fn the_filters_read_few_rows(world: &World) {
    let seller = world.seller("Ann").await;
    let other = world.seller("Bob").await;
    world.server().database().leave_rows_beside_the_feed();
    let connection = world.server().database().connect().await;
    fill(&connection, &[seller.id().to_owned(), other.id().to_owned()]).await;
    let app = world.server().app();
    app.db.watch();
    // About half of the accounts were last touched before this.
    let median = "1972-12-16T00:00:00Z";
    let mut lists: Vec<(String, u64)> = Vec::new();
    for (list, _, _) in OF_LINES {
        for who in [&seller, &other] {
            // Everything of one of them at most.
            lists.push((format!("{list}(filter: {{reportingTo: \"{}\"}})", who.id()), 6_000));
        }
    }
    for filter in [
        format!("lastTouchAt: {{lt: \"{median}\"}}"),
        format!("lastTouchAt: {{gte: \"{median}\"}}"),
        "lastTouchAt: {isNull: false}".to_owned(),
        "nextTouchAt: {isNull: true}".to_owned(),
        "annualRevenue: {isNull: true}".to_owned(),
        "archivedAt: {isNull: true}".to_owned(),
    ] {
        lists.push((format!("accounts(filter: {{{filter}}})"), 1_000));
        lists.push((format!("contacts(filter: {{account: {{{filter}}}}})"), 2_000));
    }
    lists.push(("contacts(filter: {lastTouchAt: {isNull: true}})".to_owned(), 1_000));
    lists.push(("touches(filter: {on: {from: \"1970-01-02\", to: \"1970-01-02\"}})".to_owned(), 6_000));
    lists.push(("users(filter: {invited: true})".to_owned(), 100));
    for (who, name) in [(&**world.admin(), "admin"), (&*seller, "seller")] {
        for (list, most) in &lists {
            let _ = app.db.watched();
            who.query(&format!("{{ {list} {{ nodes {{ id }} }} }}")).await.answered();
            for statement in app.db.watched().iter().filter(|statement| statement.sql.contains("LIMIT")) {
                let plan = explain(&connection, statement).await;
                // A seller's fifty accounts besides.
                assert!(
                    plan.rows_read.is_none_or(|read| read <= most + 200),
                    "{name}: {list}:\n{}\n{}",
                    statement.sql,
                    plan.text
                );
                let large = ["account", "contact", "touch", "opportunity", "booking", "touch_contact"];
                // SQLite lists the matching accounts first, which is a scan where most of them match. PostgreSQL counts rows,
                // and scans tables without any.
                if list.contains("account: {") || plan.rows_read.is_some() {
                    continue;
                }
                let scans: Vec<&String> =
                    plan.full_scans.iter().filter(|table| large.contains(&table.as_str())).collect();
                assert!(scans.is_empty(), "{name}: {list} reads {scans:?} from end to end:\n{}", plan.text);
            }
        }
    }
    empty(&connection).await;
}
