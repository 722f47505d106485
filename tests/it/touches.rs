//! Touches: logging, scheduling and changing them, who may, and their status.

use callshot::internals::StoppedAt;
use insta::{allow_duplicates, assert_json_snapshot};
use serde_json::{Value, json};
use tests::{Answer, Database, Member, Server, World, on_both_databases};
use tokio::task::JoinSet;

const ALL: &str = "touch { id account { name } contacts { name } user { name } kind status direction at durationMinutes recordedAt \
    subject notes responded value valueAcknowledged commitmentAsked commitmentGiven externalIds { source id } version }";

/// Returns the code and the field of each user error, sorted.
fn refused(answer: &Answer) -> Vec<(String, String)> {
    let mut refusals = answer.refusals();
    refusals.sort();
    refusals
}

fn one(code: &str, field: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), field.to_owned())]
}

async fn with_id(member: &Member, mutation: &str, id: &str) -> Answer {
    member.mutate(mutation, ALL, json!({ "id": id })).await
}

/// Returns a world whose clock stands still at noon of Monday, 3 April 2017, UTC.
async fn at_noon(database: &Database) -> World {
    let empty = Database::migrated(database.kind()).await;
    let stop: StoppedAt = "2017-04-03T12:00:00Z".parse().unwrap();
    World::on(Server::start_with(empty, |settings| settings.clock.stop = Some(stop)).await).await
}

async fn end(world: World) {
    world.into_server().stop().await.remove().await;
}

#[on_both_databases]
async fn given_values_are_stored_normalized(world: &World) {
    let admin = world.admin();
    let account = admin.account(json!({"name": "Acme"})).await;
    let ann = admin.contact(&account, json!({"name": "Ann"})).await;
    let ben = admin.contact(&account, json!({"name": "Ben"})).await;
    let input = json!({
        "accountId": account, "contactIds": [ben, ann, ben], "kind": "CALL", "direction": "INBOUND", "at": "2017-04-03T11:30:00+02:00",
        "durationMinutes": 15, "subject": " Cafe\u{301} ", "notes": "a\r\nb", "responded": true, "value": "IDEA",
        "valueAcknowledged": true, "commitmentAsked": "A meeting", "commitmentGiven": false,
        "externalIds": [{"source": "sap", "id": "2"}, {"source": "crm", "id": "1"}],
    });
    let answer = admin.mutate("logTouch", ALL, input).await.done();
    let mut touch = answer.data("logTouch.touch").clone();
    let id = touch["id"].take().as_str().unwrap().to_owned();
    assert!(touch["recordedAt"].take().as_str().unwrap() > "2020");
    allow_duplicates! {
        assert_json_snapshot!(touch, @r#"
        {
          "id": null,
          "account": {
            "name": "Acme"
          },
          "contacts": [
            {
              "name": "Ben"
            },
            {
              "name": "Ann"
            }
          ],
          "user": {
            "name": "Ada Admin"
          },
          "kind": "CALL",
          "status": "COMPLETED",
          "direction": "INBOUND",
          "at": "2017-04-03T09:30:00Z",
          "durationMinutes": 15,
          "recordedAt": null,
          "subject": "Café",
          "notes": "a\nb",
          "responded": true,
          "value": "IDEA",
          "valueAcknowledged": true,
          "commitmentAsked": "A meeting",
          "commitmentGiven": false,
          "externalIds": [
            {
              "source": "crm",
              "id": "1"
            },
            {
              "source": "sap",
              "id": "2"
            }
          ],
          "version": 1
        }
        "#);
    }
    // Omitted fields and null get the default.
    let bare =
        json!({"accountId": account, "kind": "OTHER", "direction": null, "responded": null, "valueAcknowledged": null});
    let answer = admin.mutate("logTouch", ALL, bare).await.done();
    let touch = answer.data("logTouch.touch");
    assert_eq!(
        (&touch["direction"], &touch["responded"], &touch["contacts"], &touch["at"]),
        (&json!("OUTBOUND"), &json!(false), &json!([]), &touch["recordedAt"])
    );
    // The node is found by those who may see it.
    let document = format!("{{ node(id: \"{id}\") {{ ... on Touch {{ subject }} }} }}");
    assert_eq!(admin.query(&document).await.text("node.subject"), "Café");
    let elsewhere = world.another_organization("Globex").await;
    assert_eq!(elsewhere.admin().query(&document).await.data("node"), &Value::Null);
}

#[on_both_databases]
async fn all_invalid_fields_are_reported_and_nothing_is_written(world: &World) {
    let admin = world.admin();
    let account = admin.account(json!({"name": "Acme"})).await;
    let other = admin.account(json!({"name": "Other"})).await;
    let zoe = admin.contact(&other, json!({"name": "Zoe"})).await;
    let answer = admin
        .mutate(
            "logTouch",
            "touch { id }",
            json!({
                "accountId": account, "contactIds": [zoe, "contact_", account], "kind": "CALL", "at": "2999-01-01T00:00:00Z",
                "durationMinutes": 0, "subject": "x".repeat(201), "notes": "\u{0}", "valueAcknowledged": true, "commitmentGiven": true,
                "userId": "user_01h455vb4pex5vsknk084sn02q", "opportunityId": zoe,
                "externalIds": [{"source": "a", "id": "1"}, {"source": "a", "id": "2"}],
            }),
        )
        .await;
    let expected = [
        ("INVALID", "input.at"),
        ("INVALID", "input.commitmentGiven"),
        ("INVALID", "input.contactIds.0"),
        ("INVALID", "input.durationMinutes"),
        ("INVALID", "input.externalIds.1.source"),
        ("INVALID", "input.notes"),
        ("INVALID", "input.subject"),
        ("INVALID", "input.valueAcknowledged"),
        ("NOT_FOUND", "input.contactIds.1"),
        ("NOT_FOUND", "input.contactIds.2"),
        ("NOT_FOUND", "input.opportunityId"),
        ("NOT_FOUND", "input.userId"),
    ];
    assert_eq!(refused(&answer), expected.map(|(code, field)| (code.to_owned(), field.to_owned())));
    assert_eq!(admin.query("{ touches { totalCount } }").await.data("touches.totalCount"), &json!(0));

    for minutes in [-5, 100_000] {
        let touch = json!({"accountId": account, "kind": "CALL", "durationMinutes": minutes});
        assert_eq!(refused(&admin.mutate("logTouch", ALL, touch).await), one("INVALID", "input.durationMinutes"));
    }
    let past = json!({"accountId": account, "kind": "CALL", "at": "2017-04-03T09:30:00Z"});
    assert_eq!(refused(&admin.mutate("scheduleTouch", ALL, past).await), one("INVALID", "input.at"));
    let many: Vec<&str> = vec![&zoe; 101];
    let crowd = json!({"accountId": other, "kind": "EVENT", "contactIds": many});
    assert_eq!(refused(&admin.mutate("logTouch", ALL, crowd).await), one("LIMIT_EXCEEDED", "input.contactIds"));

    let named = json!({"accountId": account, "kind": "CALL", "externalIds": [{"source": "crm", "id": "1"}]});
    admin.mutate("logTouch", ALL, named.clone()).await.done();
    assert_eq!(refused(&admin.mutate("logTouch", ALL, named).await), one("TAKEN", "input.externalIds.0"));
    let late = json!({"accountId": other, "kind": "CALL"});
    admin.mutate("archiveAccount", "", json!({ "id": other })).await.done();
    assert_eq!(refused(&admin.mutate("logTouch", ALL, late).await), one("CONFLICT", "input.accountId"));
}

#[on_both_databases]
async fn an_omitted_field_is_kept_and_null_clears_it(world: &World) {
    let admin = world.admin();
    let account = admin.account(json!({"name": "Acme"})).await;
    let other = admin.account(json!({"name": "Other"})).await;
    let ann = admin.contact(&account, json!({"name": "Ann"})).await;
    let ben = admin.contact(&account, json!({"name": "Ben"})).await;
    let zoe = admin.contact(&other, json!({"name": "Zoe"})).await;
    let fields = json!({"kind": "CALL", "contactIds": [ann], "subject": "S", "notes": "N", "value": "HELP", "valueAcknowledged": true});
    let id = admin.touch(&account, fields).await;
    let document = "mutation($id: ID!, $subject: String, $notes: String, $kind: TouchKind) {
        updateTouch(input: {id: $id, subject: $subject, notes: $notes, kind: $kind}) {
            touch { subject notes kind contacts { name } version } userErrors { code field message } } }";
    let answer = admin.send(document, json!({"id": id, "notes": null})).await.done();
    let expected = json!({"subject": "S", "notes": null, "kind": "CALL", "contacts": [{"name": "Ann"}], "version": 2});
    assert_eq!(answer.data("updateTouch.touch"), &expected);
    // An update that changes nothing writes nothing.
    let answer = admin.send(document, json!({"id": id, "subject": "S", "kind": "CALL"})).await.done();
    assert_eq!(answer.data("updateTouch.touch.version"), &json!(2));
    for (change, code, field) in [
        (json!({"kind": null}), "REQUIRED", "input.kind"),
        (json!({"at": null}), "REQUIRED", "input.at"),
        (json!({"at": "2999-01-01T00:00:00Z"}), "INVALID", "input.at"),
        (json!({"value": null}), "INVALID", "input.valueAcknowledged"),
        (json!({"contactIds": [zoe]}), "INVALID", "input.contactIds.0"),
        (json!({"subject": "T", "ifVersion": 1}), "STALE_VERSION", "input.ifVersion"),
        (json!({"id": account}), "NOT_FOUND", "input.id"),
    ] {
        let mut input = json!({ "id": id });
        input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(refused(&admin.mutate("updateTouch", ALL, input).await), one(code, field));
    }
    let answer = admin.mutate("updateTouch", ALL, json!({"id": id, "contactIds": [ben, ann]})).await.done();
    assert_eq!(answer.each("updateTouch.touch.contacts", "name"), ["Ben", "Ann"]);
    // A contact that moved to another account remains at the touches of the old one.
    admin.mutate("updateContact", "contact { id }", json!({"id": ann, "accountId": other})).await.done();
    let answer = admin.mutate("updateTouch", ALL, json!({"id": id, "contactIds": [ann]})).await.done();
    assert_eq!(answer.each("updateTouch.touch.contacts", "name"), ["Ann"]);
    let answer = admin
        .mutate("updateTouch", ALL, json!({"id": id, "contactIds": null, "value": null, "valueAcknowledged": false}))
        .await
        .done();
    assert_eq!(answer.data("updateTouch.touch.contacts"), &json!([]));
}

#[on_both_databases]
async fn a_scheduled_touch_is_completed_or_canceled_once(database: &Database) {
    let world = at_noon(database).await;
    let admin = world.admin();
    let account = admin.account(json!({"name": "Acme"})).await;
    let plan = async |at: &str| {
        let input =
            json!({"accountId": account, "kind": "MEETING", "at": at, "durationMinutes": 60, "notes": "Agenda"});
        let answer = admin.mutate("scheduleTouch", ALL, input).await.done();
        assert_eq!(answer.text("scheduleTouch.touch.status"), "SCHEDULED");
        answer.text("scheduleTouch.touch.id").to_owned()
    };
    let (soon, canceled, later) =
        (plan("2017-04-03T12:00:00Z").await, plan("2017-04-04T09:00:00Z").await, plan("2017-04-05T09:00:00Z").await);

    let early = json!({"id": later, "at": "2017-04-05T09:00:00Z"});
    assert_eq!(refused(&admin.mutate("completeTouch", ALL, early).await), one("INVALID", "input.at"));
    // A touch that is completed before its time took place now. Omitted fields stay as planned.
    let input = json!({"id": later, "responded": true, "value": "INSIGHT", "durationMinutes": null});
    let answer = admin.mutate("completeTouch", ALL, input).await.done();
    let touch = answer.data("completeTouch.touch");
    assert_eq!(touch["status"], "COMPLETED");
    assert_eq!(touch["at"], "2017-04-03T12:00:00Z");
    assert_eq!(
        (&touch["notes"], &touch["durationMinutes"], &touch["value"]),
        (&json!("Agenda"), &Value::Null, &json!("INSIGHT"))
    );
    let answer = admin.mutate("completeTouch", ALL, json!({"id": soon, "at": "2017-04-03T11:00:00Z"})).await.done();
    assert_eq!(answer.text("completeTouch.touch.at"), "2017-04-03T11:00:00Z");

    assert_eq!(with_id(admin, "cancelTouch", &canceled).await.done().text("cancelTouch.touch.status"), "CANCELED");
    // Canceling again changes nothing.
    assert_eq!(with_id(admin, "cancelTouch", &canceled).await.done().data("cancelTouch.touch.version"), &json!(2));
    assert_eq!(refused(&with_id(admin, "cancelTouch", &soon).await), one("CONFLICT", "input.id"));
    for id in [&soon, &canceled] {
        let again = admin.mutate("completeTouch", ALL, json!({ "id": id })).await;
        assert_eq!(refused(&again), one("CONFLICT", "input.id"));
    }
    let document = format!(
        "{{ account(by: {{id: \"{account}\"}}) {{ lastTouch {{ id }} nextTouch {{ id }} history {{ nodes {{ type }} }} }} }}"
    );
    let answer = admin.query(&document).await;
    assert_eq!(answer.text("account.lastTouch.id"), later);
    assert_eq!(answer.data("account.nextTouch"), &Value::Null);
    let expected = [
        "touch.canceled",
        "touch.completed",
        "touch.completed",
        "touch.created",
        "touch.created",
        "touch.created",
        "account.created",
    ];
    assert_eq!(answer.each("account.history.nodes", "type"), expected);
    end(world).await;
}

#[on_both_databases]
async fn a_touch_is_missed_when_its_user_s_day_has_ended(database: &Database) {
    let world = at_noon(database).await;
    let admin = world.admin();
    let account = admin.account(json!({"name": "Acme"})).await;
    let east = world.seller("Eve East").with(json!({"timeZone": "Pacific/Auckland"})).await;
    let west = world.seller("Wim West").with(json!({"timeZone": "America/Los_Angeles"})).await;
    // At noon UTC it is midnight in Auckland and five in the morning in Los Angeles.
    let row = |id: &str, at: &str, user: &Member| {
        json!({
            "externalId": {"source": "crm", "id": id}, "account": {"id": account}, "kind": "CALL", "status": "SCHEDULED", "at": at, "userEmail": user.email(),
        })
    };
    let rows = [
        row("east, earlier today", "2017-04-03T11:59:00Z", &east),
        row("west, earlier today", "2017-04-03T11:59:00Z", &west),
        row("west, yesterday", "2017-04-03T06:59:59Z", &west),
        row("east, to come", "2017-04-03T13:00:00Z", &east),
    ];
    let selection = "results { id userErrors { code field message } }";
    let answer = admin.mutate("upsertTouches", selection, json!({ "rows": rows })).await.done();
    let ids: Vec<&str> = (0..4).map(|at| answer.text(&format!("upsertTouches.results.{at}.id"))).collect();
    let standing = async |statuses: &str| {
        let document = format!("{{ touches(filter: {{status: {statuses}}}) {{ nodes {{ id status }} totalCount }} }}");
        let answer = admin.query(&document).await;
        let found: Vec<String> =
            answer.each("touches.nodes", "id").iter().map(|id| id.as_str().unwrap().to_owned()).collect();
        assert_eq!(answer.data("touches.totalCount"), &json!(found.len()));
        for status in answer.each("touches.nodes", "status") {
            assert!(statuses.contains(status.as_str().unwrap()), "{status} among {statuses}");
        }
        found
    };
    assert_eq!(standing("[MISSED]").await, [ids[0], ids[2]]);
    assert_eq!(standing("[SCHEDULED]").await, [ids[1], ids[3]]);
    assert_eq!(standing("[SCHEDULED, MISSED]").await.len(), 4);
    assert!(standing("[COMPLETED, CANCELED]").await.is_empty());
    assert!(standing("[]").await.is_empty());
    // The next touch is a scheduled one, also if its time today has passed.
    let document = format!("{{ account(by: {{id: \"{account}\"}}) {{ lastTouch {{ id }} nextTouch {{ id }} }} }}");
    let answer = admin.query(&document).await;
    assert_eq!((answer.data("account.lastTouch"), answer.text("account.nextTouch.id")), (&Value::Null, ids[3]));

    // A missed touch can be given a new time in the future, and none in the past.
    let past = json!({"id": ids[0], "at": "2017-04-03T11:00:00Z"});
    assert_eq!(refused(&east.mutate("updateTouch", ALL, past).await), one("INVALID", "input.at"));
    let revived = json!({"id": ids[0], "at": "2017-04-10T11:00:00Z"});
    assert_eq!(east.mutate("updateTouch", ALL, revived).await.done().text("updateTouch.touch.status"), "SCHEDULED");
    assert_eq!(
        west.mutate("completeTouch", ALL, json!({"id": ids[2]})).await.done().text("completeTouch.touch.at"),
        "2017-04-03T06:59:59Z"
    );
    assert!(standing("[MISSED]").await.is_empty());
    end(world).await;
}

#[on_both_databases]
async fn a_touch_was_recorded_when_it_was_first_recorded(database: &Database) {
    let world = at_noon(database).await;
    let admin = world.admin();
    let account = admin.account(json!({"name": "Acme"})).await;
    let row = json!({
        "externalId": {"source": "crm", "id": "1"}, "account": {"id": account}, "kind": "EMAIL", "at": "2017-03-01T09:00:00Z", "recordedAt": "2017-03-02T09:00:00Z",
    });
    let answer = admin
        .mutate("upsertTouches", "results { id userErrors { code field message } }", json!({"rows": [row]}))
        .await
        .done();
    let id = answer.text("upsertTouches.results.0.id").to_owned();
    let recorded = async |change: Value| {
        let mut input = json!({ "id": id });
        input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        admin.mutate("updateTouch", ALL, input).await.done().text("updateTouch.touch.recordedAt").to_owned()
    };
    assert_eq!(recorded(json!({"notes": "More"})).await, "2017-03-02T09:00:00Z");
    assert_eq!(recorded(json!({"kind": "CALL"})).await, "2017-03-02T09:00:00Z");
    assert_eq!(recorded(json!({"responded": true})).await, "2017-03-02T09:00:00Z");
    end(world).await;
}

#[on_both_databases]
async fn a_touch_is_changed_by_its_user_and_those_responsible_for_the_account(world: &World) {
    let manager = world.manager("Max Manager").await;
    let owner = world.seller("Olga Owner").under(&manager).await;
    let mate = world.seller("Tom Team").under(&manager).await;
    let other = world.seller("Otto Other").await;
    let account = owner.account(json!({"name": "Acme"})).await;
    owner
        .mutate(
            "setTeamMember",
            "account { id }",
            json!({"accountId": account, "userId": mate.id(), "role": "TECHNICAL"}),
        )
        .await
        .done();
    let fields = || json!({"kind": "CALL", "subject": "S"});
    let (owners, mates) = (owner.touch(&account, fields()).await, mate.touch(&account, fields()).await);

    // Without access to the account, a touch is not found.
    let elsewhere = world.another_organization("Globex").await;
    for stranger in [&**elsewhere.admin(), &*other] {
        let log = json!({"accountId": account, "kind": "CALL"});
        assert_eq!(refused(&stranger.mutate("logTouch", ALL, log).await), one("NOT_FOUND", "input.accountId"));
        for mutation in ["updateTouch", "completeTouch"] {
            let answer = stranger.mutate(mutation, ALL, json!({ "id": owners })).await;
            assert_eq!(refused(&answer), one("NOT_FOUND", "input.id"));
        }
        for mutation in ["cancelTouch", "deleteTouch"] {
            assert_eq!(refused(&with_id(stranger, mutation, &owners).await), one("NOT_FOUND", "input.id"));
        }
        assert_eq!(stranger.query("{ touches { totalCount } }").await.data("touches.totalCount"), &json!(0));
    }
    // Team members read all touches and change their own.
    assert_eq!(mate.query("{ touches { totalCount } }").await.data("touches.totalCount"), &json!(2));
    for mutation in ["updateTouch", "completeTouch"] {
        assert_eq!(refused(&mate.mutate(mutation, ALL, json!({ "id": owners })).await), one("FORBIDDEN", "input.id"));
    }
    for mutation in ["cancelTouch", "deleteTouch"] {
        assert_eq!(refused(&with_id(&mate, mutation, &owners).await), one("FORBIDDEN", "input.id"));
    }
    mate.mutate("updateTouch", ALL, json!({"id": mates, "notes": "mine"})).await.done();
    for member in [&*owner, &*manager, world.admin()] {
        member.mutate("updateTouch", ALL, json!({"id": mates, "notes": member.name()})).await.done();
    }
    // A manager above a user logs touches for them. The user then sees the account.
    let of = |user: &Member| json!({"accountId": account, "kind": "MEETING", "userId": user.id()});
    for (member, user) in [(&*owner, &*mate), (&*mate, &*owner), (&*manager, &*other)] {
        assert_eq!(refused(&member.mutate("logTouch", ALL, of(user)).await), one("FORBIDDEN", "input.userId"));
    }
    let team = async || {
        let document =
            format!("{{ account(by: {{id: \"{account}\"}}) {{ team {{ user {{ name }} role }} version }} }}");
        let answer = owner.query(&document).await;
        (answer.data("account.team").as_array().unwrap().len(), answer.data("account.version").clone())
    };
    manager.mutate("logTouch", ALL, of(&mate)).await.done();
    manager.mutate("logTouch", ALL, of(&manager)).await.done();
    assert_eq!(team().await, (1, json!(2)));
    world.admin().mutate("logTouch", ALL, of(&other)).await.done();
    assert_eq!(team().await, (2, json!(3)));
    assert_eq!(other.query("{ touches { totalCount } }").await.data("touches.totalCount"), &json!(5));
}

#[on_both_databases]
async fn a_deleted_touch_is_returned_and_not_found_afterwards(world: &World) {
    let admin = world.admin();
    let account = admin.account(json!({"name": "Acme"})).await;
    let ann = admin.contact(&account, json!({"name": "Ann"})).await;
    let fields = || json!({"kind": "CALL", "contactIds": [ann], "externalIds": [{"source": "crm", "id": "1"}]});
    let id = admin.touch(&account, fields()).await;
    let answer = with_id(admin, "deleteTouch", &id).await.done();
    assert_eq!(answer.text("deleteTouch.touch.id"), id);
    assert_eq!(answer.each("deleteTouch.touch.contacts", "name"), ["Ann"]);
    assert_eq!(refused(&with_id(admin, "deleteTouch", &id).await), one("NOT_FOUND", "input.id"));
    let document = format!(
        "{{ node(id: \"{ann}\") {{ ... on Contact {{ lastTouch {{ id }} touches {{ totalCount nodes {{ id }} }} }} }}
            account(by: {{id: \"{account}\"}}) {{ history(first: 1) {{ nodes {{ type subject {{ id }} subjectId changes }} }} }} }}"
    );
    let answer = admin.query(&document).await;
    assert_eq!(answer.data("node"), &json!({"lastTouch": null, "touches": {"totalCount": 0, "nodes": []}}));
    let event = answer.data("account.history.nodes.0");
    assert_eq!(
        (&event["type"], &event["subject"], &event["subjectId"]),
        (&json!("touch.deleted"), &Value::Null, &json!(id))
    );
    assert_eq!(event["changes"]["contactIds"], json!({"from": [ann], "to": null}));
    // Its external id can be used again.
    admin.touch(&account, fields()).await;
}

/// Two organizations change data at the same time on two connections.
#[on_both_databases]
async fn a_touch_that_needs_lookups_takes_one_connection(database: &Database) {
    let empty = Database::migrated(database.kind()).await;
    let server = Server::start_with(empty, |settings| {
        settings.database.database_connections = 2.try_into().unwrap();
    });
    let world = World::on(server.await).await;
    let other = world.another_organization("Globex").await;
    let mut logging = JoinSet::new();
    for (organization, admin) in [(&*world, world.admin()), (&other, other.admin())] {
        let ann = organization.seller("Ann").await;
        let account = ann.account(json!({"name": "Acme"})).await;
        let opportunity = ann.opportunity(&account, json!({"name": "Cars"})).await;
        for _ in 0..20 {
            let input = json!({"accountId": account, "kind": "CALL", "userId": ann.id(), "opportunityId": opportunity});
            let admin = admin.clone();
            logging.spawn(async move { admin.mutate("logTouch", "touch { id }", input).await });
        }
    }
    while let Some(answer) = logging.join_next().await {
        answer.unwrap().done();
    }
    end(world).await;
}

#[on_both_databases]
async fn a_touch_is_about_an_opportunity_of_its_own_account(world: &World) {
    let admin = world.admin();
    let account = admin.account(json!({"name": "Acme"})).await;
    let other = admin.account(json!({"name": "Other"})).await;
    let deal = admin.opportunity(&account, json!({"name": "Deal"})).await;
    let theirs = admin.opportunity(&other, json!({"name": "Theirs"})).await;
    let about = |deal: &str| json!({"accountId": account, "kind": "CALL", "opportunityId": deal});
    assert_eq!(refused(&admin.mutate("logTouch", ALL, about(&theirs)).await), one("INVALID", "input.opportunityId"));
    let with = "touch { id opportunity { name } }";
    let answer = admin.mutate("logTouch", with, about(&deal)).await.done();
    assert_eq!(answer.text("logTouch.touch.opportunity.name"), "Deal");
    let id = answer.text("logTouch.touch.id").to_owned();
    let moved = admin.mutate("updateTouch", with, json!({"id": id, "opportunityId": theirs})).await;
    assert_eq!(refused(&moved), one("INVALID", "input.opportunityId"));
    let cleared = admin.mutate("updateTouch", with, json!({"id": id, "opportunityId": null})).await.done();
    assert_eq!(cleared.data("updateTouch.touch.opportunity"), &Value::Null);
}
