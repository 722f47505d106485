//! Users: inviting and changing them, the reporting line, deactivating with a successor, and upserts.

use std::sync::Arc;

use callshot::internals::{MaybeUndefined, RequestContext, Role, UserRowInput, upsert_users};
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use tests::actors::PASSWORD;
use tests::queries::count;
use tests::{Answer, Client, Member, World, on_both_databases};

const ALL: &str =
    "user { id name email role title timeZone manager { id } workingHours { weekday from to } active version }";

async fn update(by: &Client, input: Value) -> Answer {
    by.mutate("updateUser", ALL, input).await
}

async fn deactivate(world: &World, user: &str, successor: Option<&str>) -> Answer {
    world.admin().mutate("deactivateUser", ALL, json!({"id": user, "successorId": successor})).await
}

fn refused(code: &str, field: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), field.to_owned())]
}

async fn names(by: &Client) -> Vec<String> {
    let answer = by.query("{ accounts(orderBy: [{field: NAME}]) { nodes { name } } }").await;
    answer.each("accounts.nodes", "name").into_iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[on_both_databases]
async fn inviting_takes_an_administrator_and_an_unused_address(world: &World) {
    let (admin, mia) = (world.admin(), world.manager("Mia").await);
    let hours = json!([{"weekday": 3, "from": "13:00", "to": "24:00"}, {"weekday": 3, "from": "00:00", "to": "12:00"}]);
    let input = json!({
        "name": " Sam ", "email": "SAM@initech.example", "role": "SELLER", "managerId": mia.id(), "title": "Sales", "timeZone": "Europe/Berlin",
        "workingHours": hours,
    });
    let answer = admin.mutate("inviteUser", ALL, input.clone()).await.done();
    let expected = json!({
        "id": answer.text("inviteUser.user.id"), "name": "Sam", "email": "sam@initech.example", "role": "SELLER", "title": "Sales",
        "timeZone": "Europe/Berlin", "manager": {"id": mia.id()}, "workingHours": [hours[1], hours[0]], "active": true, "version": 1,
    });
    assert_eq!(answer.data("inviteUser.user"), &expected);
    assert_eq!(admin.mutate("inviteUser", ALL, input).await.refusals(), refused("TAKEN", "input.email"));
    for member in [&**mia, &**world.seller("Ann").await] {
        let input = json!({"name": "x", "email": "x@initech.example", "role": "SELLER"});
        assert_eq!(member.mutate("inviteUser", ALL, input).await.refusals(), refused("FORBIDDEN", "input"));
    }
    // The same address in another organization is another user.
    let other = world.another_organization("Initrode").await;
    let input = json!({"name": "Sam", "email": "sam@initech.example", "role": "SELLER", "managerId": mia.id()});
    assert_eq!(
        other.admin().mutate("inviteUser", ALL, input).await.refusals(),
        refused("NOT_FOUND", "input.managerId")
    );
    let input = json!({"name": "Sam", "email": "sam@initech.example", "role": "SELLER"});
    other.admin().mutate("inviteUser", ALL, input).await.done();
}

#[on_both_databases]
async fn all_invalid_fields_of_an_invitation_are_reported(world: &World) {
    let input = json!({
        "name": "\u{7}", "email": "sam", "role": "ADMIN", "managerId": "account_01h455vb4pex5vsknk084sn02q", "title": "x".repeat(201),
        "timeZone": "Berlin",
        "workingHours": [
            {"weekday": 0, "from": "9:00", "to": "24:01"}, {"weekday": 1, "from": "17:00", "to": "09:00"},
            {"weekday": 2, "from": "09:00", "to": "12:00"}, {"weekday": 2, "from": "11:59", "to": "13:00"},
        ],
    });
    let answer = world.admin().mutate("inviteUser", ALL, input).await;
    let mut refusals = answer.refusals();
    refusals.sort();
    let expected = [
        ("INVALID", "input.email"),
        ("INVALID", "input.name"),
        ("INVALID", "input.timeZone"),
        ("INVALID", "input.title"),
        ("INVALID", "input.workingHours.0.from"),
        ("INVALID", "input.workingHours.0.to"),
        ("INVALID", "input.workingHours.0.weekday"),
        ("INVALID", "input.workingHours.1.to"),
        ("INVALID", "input.workingHours.3"),
        ("NOT_FOUND", "input.managerId"),
    ];
    assert_eq!(refusals, expected.map(|(code, field)| (code.to_owned(), field.to_owned())));
    assert_eq!(world.admin().query("{ users { totalCount } }").await.data("users.totalCount"), &json!(1));
}

#[on_both_databases]
async fn users_change_themselves_and_administrators_change_everyone(world: &World) {
    let (admin, ann, ben) = (world.admin(), world.seller("Ann").await, world.seller("Ben").await);
    let own = json!({"id": ann.id(), "name": "Anna", "title": "Sales", "timeZone": "Asia/Tokyo", "workingHours": [], "ifVersion": 1});
    let answer = update(&ann, own).await.done();
    let expected = json!({
        "id": ann.id(), "name": "Anna", "email": ann.email(), "role": "SELLER", "title": "Sales", "timeZone": "Asia/Tokyo", "manager": null,
        "workingHours": [], "active": true, "version": 2,
    });
    assert_eq!(answer.data("updateUser.user"), &expected);
    assert_eq!(ann.query("{ me { name } }").await.text("me.name"), "Anna", "immediately");
    // An unchanged value is accepted. Users cannot change their own role and manager.
    update(&ann, json!({"id": ann.id(), "role": "SELLER", "managerId": null})).await.done();
    let answer = update(&ann, json!({"id": ann.id(), "role": "ADMIN", "managerId": ben.id()})).await;
    assert_eq!(
        answer.refusals(),
        [refused("FORBIDDEN", "input.role"), refused("FORBIDDEN", "input.managerId")].concat()
    );
    assert_eq!(update(&ann, json!({"id": ben.id(), "name": "x"})).await.refusals(), refused("FORBIDDEN", "input.id"));
    let answer = update(admin, json!({"id": ben.id(), "name": "Benno", "role": "MANAGER"})).await.done();
    assert_eq!(answer.text("updateUser.user.role"), "MANAGER");

    for field in ["name", "role", "timeZone", "workingHours"] {
        let answer = update(admin, json!({"id": ben.id(), field: null})).await;
        assert_eq!(answer.refusals(), refused("REQUIRED", &format!("input.{field}")));
    }
    let answer = update(admin, json!({"id": ann.id(), "title": null})).await.done();
    assert_eq!(answer.data("updateUser.user.title"), &Value::Null);
    assert_eq!(
        update(admin, json!({"id": ann.id(), "ifVersion": 1})).await.refusals(),
        refused("STALE_VERSION", "input.ifVersion")
    );
    let other = world.another_organization("Initrode").await;
    for id in [other.admin().id(), "user_01h455vb4pex5vsknk084sn02q", "x", ""] {
        assert_eq!(
            update(admin, json!({"id": id, "name": "x"})).await.refusals(),
            refused("NOT_FOUND", "input.id"),
            "{id}"
        );
    }
}

#[on_both_databases]
async fn a_reporting_line_is_a_tree(world: &World) {
    let admin = world.admin();
    let mia = world.manager("Mia").await;
    let ben = world.manager("Ben").under(&mia).await;
    let ann = world.seller("Ann").under(&ben).await;
    let report = async |user: &Member, to: &Member| update(admin, json!({"id": user.id(), "managerId": to.id()})).await;
    for (user, to) in [(&mia, &mia), (&mia, &ben)] {
        assert_eq!(report(user, to).await.refusals(), refused("INVALID", "input.managerId"));
    }
    assert_eq!(report(&mia, &ann).await.refusals(), refused("INVALID", "input.managerId"));
    // Of two concurrent changes that would form a cycle together, one is rejected.
    let (zoe, yan) = (world.manager("Zoe").await, world.manager("Yan").await);
    let (one, other) = tokio::join!(report(&zoe, &yan), report(&yan, &zoe));
    assert_eq!([one.refusals(), other.refusals()].concat(), refused("INVALID", "input.managerId"));
    let answer = mia.query("{ me { manager { id } reports { totalCount nodes { name reports { nodes { name manager { name } } } } } } }").await;
    let expected = json!({"manager": null, "reports": {"totalCount": 1, "nodes": [
        {"name": "Ben", "reports": {"nodes": [{"name": "Ann", "manager": {"name": "Ben"}}]}},
    ]}});
    assert_eq!(answer.data("me"), &expected);
}

#[on_both_databases]
async fn a_changed_role_or_reporting_line_takes_effect_immediately(world: &World) {
    let admin = world.admin();
    let (mia, ann, ben) = (world.manager("Mia").await, world.seller("Ann").await, world.seller("Ben").await);
    ann.account(json!({"name": "Acme"})).await;
    ben.account(json!({"name": "Globex"})).await;
    assert_eq!(names(&mia).await, [""; 0]);
    update(admin, json!({"id": ann.id(), "managerId": mia.id()})).await.done();
    assert_eq!(names(&mia).await, ["Acme"]);
    update(admin, json!({"id": mia.id(), "role": "SELLER"})).await.done();
    assert_eq!(names(&mia).await, [""; 0]);
    update(admin, json!({"id": mia.id(), "role": "ADMIN"})).await.done();
    assert_eq!(names(&mia).await, ["Acme", "Globex"]);
}

#[on_both_databases]
async fn the_last_active_administrator_cannot_be_demoted(world: &World) {
    let admin = world.admin();
    let conflict = |field: &str| refused("CONFLICT", field);
    assert_eq!(update(admin, json!({"id": admin.id(), "role": "SELLER"})).await.refusals(), conflict("input.role"));
    assert_eq!(deactivate(world, admin.id(), None).await.refusals(), conflict("input.id"));
    // Of two administrators who demote each other concurrently, one remains.
    let second = world.another_admin("Eve").await;
    let (one, other) = tokio::join!(
        update(admin, json!({"id": second.id(), "role": "SELLER"})),
        update(&second, json!({"id": admin.id(), "role": "SELLER"}))
    );
    let refusals: Vec<String> = [one.refusals(), other.refusals()].concat().into_iter().map(|(code, _)| code).collect();
    assert!(refusals == ["CONFLICT"] || refusals == ["FORBIDDEN"], "{refusals:?}");
}

#[on_both_databases]
async fn an_invited_administrator_does_not_count_as_active(world: &World) {
    let admin = world.admin();
    let input = json!({"name": "Iva", "email": world.email_of("Iva"), "role": "ADMIN"});
    admin.mutate("inviteUser", "user { id }", input).await.done();
    let down = json!({"id": admin.id(), "role": "SELLER"});
    assert_eq!(update(admin, down).await.refusals(), refused("CONFLICT", "input.role"));
    let answer = admin.mutate("reissueInvitation", "token", json!({"userId": admin.id()})).await;
    assert_eq!(answer.refusals(), refused("CONFLICT", "input.userId"));
    // Of two administrators who reissue each other's invitation concurrently, one remains.
    let other = world.another_admin("Olga").await;
    let (one, two) = tokio::join!(
        admin.mutate("reissueInvitation", "token", json!({"userId": other.id()})),
        other.mutate("reissueInvitation", "token", json!({"userId": admin.id()})),
    );
    let shut_out = [one, two].iter().filter(|answer| answer.status == 200 && answer.refusals().is_empty()).count();
    assert_eq!(shut_out, 1);
}

/// Data that a user creates while they are being deactivated goes to the successor too.
#[on_both_databases]
async fn rows_created_during_deactivation_go_to_the_successor(world: &World) {
    let (ann, bob) = (world.seller("Ann").await, world.seller("Bob").await);
    let mut making = tokio::task::JoinSet::new();
    for number in 0..10 {
        let ann = ann.clone();
        let input = json!({"name": format!("Account {number}")});
        making.spawn(async move { ann.mutate("createAccount", "account { id }", input).await });
    }
    deactivate(world, ann.id(), Some(bob.id())).await.done();
    while let Some(answer) = making.join_next().await {
        // The mutation succeeds, or is rejected because the user is already deactivated.
        answer.unwrap();
    }
    // Deactivating again hands over what was created last.
    deactivate(world, ann.id(), Some(bob.id())).await.done();
    let document = "query($id: ID!) { accounts(filter: {ownerId: {eq: $id}}) { totalCount } }";
    assert_eq!(world.admin().send(document, json!({"id": ann.id()})).await.data("accounts.totalCount"), &json!(0));
}

#[on_both_databases]
async fn a_deactivated_user_loses_access_immediately_until_reactivated(world: &World) {
    let admin = world.admin();
    let mia = world.manager("Mia").await;
    let ben = world.manager("Ben").under(&mia).await;
    let ann = world.seller("Ann").under(&ben).await;
    ann.account(json!({"name": "Acme"})).await;
    assert_eq!(ben.query("{ me { id } }").await.text("me.id"), ben.id());
    let answer = deactivate(world, ben.id(), None).await.done();
    assert_eq!(answer.data("deactivateUser.user.active"), &json!(false));
    assert_eq!(ben.query("{ me { id } }").await.error_code(), "UNAUTHENTICATED");
    let sign_in = async || {
        let input = json!({"email": ben.email(), "password": PASSWORD});
        world.stranger().mutate("signIn", "session { accessToken }", input).await
    };
    assert_eq!(sign_in().await.refusals(), refused("INVALID", "input"));
    // A manager still sees the accounts of those below a deactivated manager.
    assert_eq!(names(&mia).await, ["Acme"]);
    let answer = admin
        .mutate(
            "updateAccount",
            "account { id }",
            json!({"id": ann.account(json!({"name": "Globex"})).await, "ownerId": ben.id()}),
        )
        .await;
    assert_eq!(answer.refusals(), refused("INVALID", "input.ownerId"));
    // Deactivating again changes nothing.
    let answer = deactivate(world, ben.id(), None).await.done();
    assert_eq!(answer.data("deactivateUser.user.version"), &json!(2));
    assert_eq!(
        ann.mutate("reactivateUser", "user { active version }", json!({"id": ben.id()})).await.refusals(),
        refused("FORBIDDEN", "input.id")
    );
    for _ in 0..2 {
        let answer = admin.mutate("reactivateUser", "user { active version }", json!({"id": ben.id()})).await.done();
        assert_eq!(answer.data("reactivateUser.user"), &json!({"active": true, "version": 3}));
    }
    assert_eq!(
        admin.mutate("reactivateUser", "user { active version }", json!({"id": "x"})).await.refusals(),
        refused("NOT_FOUND", "input.id")
    );
    sign_in().await.done();
    let events = admin
        .query("{ events(filter: {types: [\"user.deactivated\", \"user.reactivated\"]}) { nodes { type changes } } }")
        .await;
    assert_eq!(
        events.each("events.nodes", "changes.active"),
        [&json!({"from": true, "to": false}), &json!({"from": false, "to": true})]
    );
}

#[on_both_databases]
async fn a_successor_takes_over_everything(world: &World) {
    let admin = world.admin();
    let (ann, ben) =
        (world.seller("Ann").await, world.seller("Ben").with(json!({"timeZone": "Pacific/Auckland"})).await);
    let own = ann.account(json!({"name": "Acme"})).await;
    let other = admin.account(json!({"name": "Globex"})).await;
    let open = json!({"name": "Fleet", "ownerId": ann.id(), "openedOn": "2020-01-01"});
    let open = admin.opportunity(&other, open).await;
    let lost = admin.opportunity(&own, json!({"name": "Lost", "ownerId": ann.id(), "openedOn": "2020-01-01"})).await;
    admin
        .mutate(
            "loseOpportunity",
            "opportunity { id }",
            json!({"id": lost, "reason": "price", "closedOn": "2020-02-01"}),
        )
        .await
        .done();
    let planned = json!({"accountId": own, "kind": "CALL", "at": "2999-01-01T09:00:00Z"});
    let planned = ann.make("scheduleTouch", "touch", planned).await;

    assert_eq!(deactivate(world, ann.id(), None).await.refusals(), refused("REQUIRED", "input.successorId"));
    assert_eq!(deactivate(world, ann.id(), Some(ann.id())).await.refusals(), refused("INVALID", "input.successorId"));
    let stranger = world.another_organization("Initrode").await;
    for id in [stranger.admin().id(), "x"] {
        assert_eq!(deactivate(world, ann.id(), Some(id)).await.refusals(), refused("NOT_FOUND", "input.successorId"));
    }
    let input = json!({"id": ann.id(), "successorId": ben.id()});
    assert_eq!(ben.mutate("deactivateUser", ALL, input).await.refusals(), refused("FORBIDDEN", "input"));
    assert_eq!(names(&ben).await, [""; 0]);

    deactivate(world, ann.id(), Some(ben.id())).await.done();
    assert_eq!(names(&ben).await, ["Acme", "Globex"], "the account, and the team of the opportunity's");
    let document =
        "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Account { owner { name } version team { user { name } } }
        ... on Opportunity { owner { name } version } ... on Touch { user { name } version } } }";
    let answer = ben.send(document, json!({"ids": [own, other, open, lost, planned]})).await;
    let expected = json!([
        // The former owner still owns opportunities of the account, so that they stay on its team.
        {"owner": {"name": "Ben"}, "version": 2, "team": [{"user": {"name": "Ann"}}]},
        {"owner": {"name": "Ada Admin"}, "version": answer.data("nodes.1.version"), "team": answer.data("nodes.1.team")},
        {"owner": {"name": "Ben"}, "version": 2},
        {"owner": {"name": "Ann"}, "version": 2},
        {"user": {"name": "Ben"}, "version": 2},
    ]);
    assert_eq!(answer.data("nodes"), &expected);
    assert!(answer.each("nodes.1.team", "user.name").contains(&&json!("Ben")));
    let events = admin.query("{ events(last: 8) { nodes { type } } }").await;
    let events = events.each("events.nodes", "type");
    for kind in ["account.updated", "opportunity.updated", "touch.updated", "account.team_changed", "user.deactivated"]
    {
        assert!(events.contains(&&json!(kind)), "{kind}: {events:?}");
    }
}

#[on_both_databases]
async fn handing_over_costs_the_same_statements_for_any_amount_of_data(world: &World) {
    let (ann, ben, zoe) = (world.seller("Ann").await, world.seller("Ben").await, world.seller("Zoe").await);
    let give = async |to: &Member, accounts: usize| {
        for number in 0..accounts {
            let account = to.account(json!({"name": format!("Account {number}")})).await;
            to.opportunity(&account, json!({"name": "Fleet", "openedOn": "2020-01-01"})).await;
            to.make(
                "scheduleTouch",
                "touch",
                json!({"accountId": account, "kind": "CALL", "at": "2999-01-01T09:00:00Z"}),
            )
            .await;
        }
    };
    give(&ann, 1).await;
    give(&ben, 12).await;
    let (_, few) = count(world.server(), async { deactivate(world, ann.id(), Some(zoe.id())).await.done() }).await;
    let (_, many) = count(world.server(), async { deactivate(world, ben.id(), Some(zoe.id())).await.done() }).await;
    assert_eq!(few, many);
}

#[on_both_databases]
async fn scheduled_touches_are_missed_by_the_user_s_new_time_zone(world: &World) {
    let ann = world.seller("Ann").await;
    let account = ann.account(json!({"name": "Acme"})).await;
    ann.make("scheduleTouch", "touch", json!({"accountId": account, "kind": "CALL", "at": "2999-01-01T09:00:00Z"}))
        .await;
    update(&ann, json!({"id": ann.id(), "timeZone": "Asia/Tokyo"})).await.done();
    let connection = world.server().database().connect().await;
    let statement =
        sea_orm::Statement::from_string(connection.get_database_backend(), "select missed_at, at from touch");
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    let (missed, at): (i64, i64) = (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap());
    connection.close().await.unwrap();
    // Nine in the morning in London is six in the evening in Tokyo.
    assert_eq!(missed - at, 6 * 3_600_000_000);
}

#[on_both_databases]
async fn a_list_of_users_costs_the_same_statements_for_any_length(world: &World) {
    let admin = world.admin();
    let document = "{ users(filter: {active: true, role: [SELLER], name: {startsWith: \"a\"}}) { totalCount nodes { name manager { name } \
        reports(first: 2) { totalCount nodes { name } } accounts(first: 2) { totalCount nodes { name } } } } }";
    let ask = || count(world.server(), admin.query(document));
    let mia = world.manager("Mia").await;
    world.seller("Anna").under(&mia).await.account(json!({"name": "Acme"})).await;
    let (few, cost) = ask().await;
    assert_eq!(few.data("users.totalCount"), &json!(1));
    for name in ["Arthur", "Abel", "Ákos", "Alba"] {
        world.seller(name).under(&mia).await.account(json!({"name": "Globex"})).await;
    }
    let (many, cost_of_many) = ask().await;
    assert_eq!(many.data("users.totalCount"), &json!(4));
    assert_eq!(cost, cost_of_many);
    let page = admin.query("{ users(first: 2) { nodes { name } pageInfo { hasNextPage endCursor } } }").await;
    let rest = admin
        .send(
            "query($after: String!) { users(first: 200, after: $after) { nodes { name } } }",
            json!({"after": page.text("users.pageInfo.endCursor")}),
        )
        .await;
    assert_eq!(page.each("users.nodes", "name").len() + rest.each("users.nodes", "name").len(), 7);
}

/// Returns a request context of a user, to call the application directly.
async fn on_behalf_of(world: &World, member: &Member) -> RequestContext {
    let app = world.server().app();
    let input = json!({"email": member.email(), "password": PASSWORD});
    let answer = world.stranger().mutate("signIn", "session { accessToken }", input).await.done();
    let viewer = app.auth.viewer(&app.db, answer.text("signIn.session.accessToken")).await.unwrap();
    RequestContext::new(Arc::clone(&app.services), "test".to_owned(), None, viewer)
}

fn row(email: &str, name: &str, manager: Option<&str>) -> UserRowInput {
    UserRowInput {
        email: email.to_owned(),
        name: MaybeUndefined::Value(name.to_owned()),
        manager_email: manager.map_or(MaybeUndefined::Null, |email| MaybeUndefined::Value(email.to_owned())),
        ..UserRowInput::default()
    }
}

/// Returns the status of each row, followed by the codes and fields of its errors.
async fn upsert(cx: &RequestContext, rows: &[UserRowInput], dry_run: bool) -> Vec<String> {
    let payload = upsert_users(cx, rows.to_vec(), dry_run).await.unwrap();
    let told = |result: &callshot::internals::UpsertResult| {
        let errors = result.errors.iter().map(|error| format!(" {} {}", error.code.word(), error.field.join(".")));
        format!("{}{}", result.status.word(), errors.collect::<String>())
    };
    payload.results.iter().map(told).collect()
}

#[on_both_databases]
async fn many_users_are_upserted_at_once(world: &World) {
    let cx = on_behalf_of(world, world.admin()).await;
    let rows = [
        row("Sam@initech.example", "Sam", Some("max@initech.example")),
        UserRowInput {
            role_on_creation: Some(Role::Manager),
            ..row("max@initech.example", "Max", Some(world.admin().email()))
        },
        UserRowInput {
            title: MaybeUndefined::Value("Sales".to_owned()),
            ..row("tim@initech.example", "Tim", Some("max@initech.example"))
        },
    ];
    assert_eq!(upsert(&cx, &rows, true).await, ["CREATED"; 3]);
    assert_eq!(world.admin().query("{ users { totalCount } }").await.data("users.totalCount"), &json!(1));
    assert_eq!(upsert(&cx, &rows, false).await, ["CREATED"; 3]);
    assert_eq!(upsert(&cx, &rows, false).await, ["UNCHANGED"; 3]);
    let answer = world.admin().query("{ users { nodes { email role title manager { email } active } } }").await;
    let expected = json!([
        {"email": world.admin().email(), "role": "ADMIN", "title": null, "manager": null, "active": true},
        {"email": "sam@initech.example", "role": "SELLER", "title": null, "manager": {"email": "max@initech.example"}, "active": true},
        {"email": "max@initech.example", "role": "MANAGER", "title": null, "manager": {"email": world.admin().email()}, "active": true},
        {"email": "tim@initech.example", "role": "SELLER", "title": "Sales", "manager": {"email": "max@initech.example"}, "active": true},
    ]);
    assert_eq!(answer.data("users.nodes"), &expected);
    // A user without an accepted invitation has no password.
    let input = json!({"email": "sam@initech.example", "password": ""});
    let answer = world.stranger().mutate("signIn", "session { accessToken }", input).await;
    assert_eq!(answer.refusals(), refused("INVALID", "input"));

    // A role on creation changes no existing user. A null manager removes the user from the reporting line.
    let rows = [
        UserRowInput { role_on_creation: Some(Role::Seller), ..row("max@initech.example", "Max", None) },
        UserRowInput {
            role: MaybeUndefined::Value(Role::Manager),
            ..row("tim@initech.example", "Timothy", Some("sam@initech.example"))
        },
    ];
    assert_eq!(upsert(&cx, &rows, false).await, ["UPDATED"; 2]);
    let answer = world.admin().query("{ users(last: 2) { nodes { name role manager { name } } } }").await;
    let expected = json!([
        {"name": "Max", "role": "MANAGER", "manager": null}, {"name": "Timothy", "role": "MANAGER", "manager": {"name": "Sam"}},
    ]);
    assert_eq!(answer.data("users.nodes"), &expected);
}

#[on_both_databases]
async fn invalid_rows_of_users_fail_alone(world: &World) {
    let cx = on_behalf_of(world, world.admin()).await;
    let admin = world.admin().email();
    let rows = [
        row("no address", "A", None),
        row("b@initech.example", " ", None),
        row("c@initech.example", "C", Some("nobody@initech.example")),
        row("d@initech.example", "D", Some("c@initech.example")),
        row("e@initech.example", "E", Some("d@initech.example")),
        row("f@initech.example", "F", Some("g@initech.example")),
        row("g@initech.example", "G", Some("f@initech.example")),
        row("h@initech.example", "H", Some("h@initech.example")),
        row("i@initech.example", "I", Some(admin)),
        row("I@initech.example", "Again", None),
        UserRowInput { role: MaybeUndefined::Value(Role::Seller), ..row(admin, "Ada", None) },
        UserRowInput { email: "j@initech.example".to_owned(), ..UserRowInput::default() },
    ];
    let expected = [
        "FAILED INVALID input.rows.0.email",
        "FAILED REQUIRED input.rows.1.name",
        "FAILED NOT_FOUND input.rows.2.managerEmail",
        "FAILED NOT_FOUND input.rows.3.managerEmail",
        "FAILED NOT_FOUND input.rows.4.managerEmail",
        "FAILED NOT_FOUND input.rows.5.managerEmail",
        "FAILED INVALID input.rows.6.managerEmail",
        "FAILED INVALID input.rows.7.managerEmail",
        "CREATED",
        "FAILED CONFLICT input.rows.9.email",
        "FAILED CONFLICT input.rows.10.role",
        "FAILED REQUIRED input.rows.11.name",
    ];
    assert_eq!(upsert(&cx, &rows, true).await, expected);
    assert_eq!(upsert(&cx, &rows, false).await, expected);
    assert_eq!(world.admin().query("{ users { totalCount } }").await.data("users.totalCount"), &json!(2));
    let seller = on_behalf_of(world, &*world.seller("Ann").await).await;
    assert!(upsert_users(&seller, Vec::new(), false).await.is_err());
    assert!(upsert_users(&cx, vec![UserRowInput::default(); 501], false).await.is_err());
}

#[on_both_databases]
async fn many_users_cost_as_many_statements_as_few(world: &World) {
    let cx = on_behalf_of(world, world.admin()).await;
    let rows = |from: usize, to: usize| -> Vec<UserRowInput> {
        (from..to).map(|number| row(&format!("u{number}@initech.example"), "U", Some(world.admin().email()))).collect()
    };
    let (_, few) = count(world.server(), upsert(&cx, &rows(0, 1), false)).await;
    let (_, many) = count(world.server(), upsert(&cx, &rows(1, 500), false)).await;
    assert_eq!(few, many);
}
