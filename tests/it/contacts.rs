//! Contacts: creating and changing them, who may, the reporting line, how they are listed, and erasing them. Upserts
//! are in `contacts_upsert.rs`.

use serde_json::{Value, json};
use tests::queries::count;
use tests::replay::{feed, replay};
use tests::{Answer, Client, World, on_both_databases};

const ALL: &str = "contact { id account { id } name title department email phone buyingRole relationship reportsTo { id } doNotContact \
    externalIds { source id } customFields archivedAt erasedAt version }";

fn refusal(code: &str, field: &str) -> (String, String) {
    (code.to_owned(), field.to_owned())
}

/// Sends a mutation that takes only the id: archiving, restoring or erasing.
async fn act_on(who: &Client, mutation: &str, id: &str) -> Answer {
    who.mutate(mutation, ALL, json!({ "id": id })).await
}

async fn read(who: &Client, id: &str) -> Value {
    let fields = ALL.trim_start_matches("contact { ").trim_end_matches(" }");
    let document = format!("query($id: ID!) {{ node(id: $id) {{ ... on Contact {{ {fields} }} }} }}");
    who.send(&document, json!({ "id": id })).await.data("node").clone()
}

#[on_both_databases]
async fn given_values_are_stored_normalized(world: &World) {
    let admin = world.admin();
    let acme = admin.account(json!({"name": "Acme"})).await;
    let boss = admin.contact(&acme, json!({"name": "Boss"})).await;
    let given = json!({
        "accountId": acme, "name": "  Jose\u{301} 👩‍👩‍👧 שלום ", "title": "CEO", "department": "Top", "email": " Jose@Acme.COM ", "phone": " +34 1 ",
        "buyingRole": "DECISION_MAKER", "relationship": "TRUSTED", "reportsToId": boss, "doNotContact": true,
        "externalIds": [{"source": "sap", "id": "2"}, {"source": "crm", "id": "1"}], "customFields": {"b": 1, "a": [null, "x"]},
    });
    let answer = admin.mutate("createContact", ALL, given).await.done();
    let contact = answer.data("createContact.contact");
    let expected = json!({
        "id": contact["id"], "account": {"id": acme}, "name": "José 👩‍👩‍👧 שלום", "title": "CEO", "department": "Top", "email": "jose@acme.com",
        "phone": "+34 1", "buyingRole": "DECISION_MAKER", "relationship": "TRUSTED", "reportsTo": {"id": boss}, "doNotContact": true,
        "externalIds": [{"source": "crm", "id": "1"}, {"source": "sap", "id": "2"}], "customFields": {"b": 1, "a": [null, "x"]},
        "archivedAt": null, "erasedAt": null, "version": 1,
    });
    assert_eq!(contact, &expected);
    // Omitted fields and null get the default. Two contacts may have the same address.
    let given =
        json!({"accountId": acme, "name": "B", "email": "jose@acme.com", "relationship": null, "doNotContact": null});
    let answer = admin.mutate("createContact", ALL, given).await.done();
    assert_eq!(answer.data("createContact.contact.relationship"), "UNKNOWN");
    assert_eq!(answer.data("createContact.contact.doNotContact"), &json!(false));
}

#[on_both_databases]
async fn all_invalid_fields_are_reported_and_nothing_is_written(world: &World) {
    let admin = world.admin();
    let (acme, other) = (admin.account(json!({"name": "Acme"})).await, admin.account(json!({"name": "Other"})).await);
    let elsewhere =
        admin.contact(&other, json!({"name": "Elsewhere", "externalIds": [{"source": "crm", "id": "1"}]})).await;
    let bad = json!({
        "accountId": acme, "name": " \u{0}", "title": "x".repeat(201), "email": "nobody", "phone": "a\u{7f}", "reportsToId": elsewhere,
        "externalIds": [{"source": "crm", "id": "1"}], "customFields": [1],
    });
    let mut refusals = admin.mutate("createContact", "contact { id }", bad).await.refusals();
    refusals.sort();
    let expected = [
        ("INVALID", "input.customFields"),
        ("INVALID", "input.email"),
        ("INVALID", "input.name"),
        ("INVALID", "input.phone"),
        ("INVALID", "input.reportsToId"),
        ("INVALID", "input.title"),
        ("TAKEN", "input.externalIds.0"),
    ];
    assert_eq!(refusals, expected.map(|(code, field)| refusal(code, field)));
    for (account, superior) in [("nonsense", elsewhere.as_str()), (elsewhere.as_str(), "")] {
        let input = json!({"accountId": account, "name": "", "reportsToId": superior});
        let refusals = admin.mutate("createContact", "contact { id }", input).await.refusals();
        assert_eq!(refusals, [refusal("NOT_FOUND", "input.accountId"), refusal("REQUIRED", "input.name")]);
    }
    assert_eq!(admin.query("{ contacts { totalCount } }").await.data("contacts.totalCount"), &json!(1));
}

#[on_both_databases]
async fn an_omitted_field_is_kept_null_clears_it_and_a_stale_write_is_rejected(world: &World) {
    let admin = world.admin();
    let acme = admin.account(json!({"name": "Acme"})).await;
    let id = admin
        .contact(&acme, json!({"name": "Ann", "title": "CEO", "email": "ann@acme.com", "buyingRole": "OTHER"}))
        .await;
    let answer = admin
        .mutate("updateContact", ALL, json!({"id": id, "title": null, "phone": "1", "buyingRole": null}))
        .await
        .done();
    let contact = answer.data("updateContact.contact");
    assert_eq!(
        (&contact["title"], &contact["email"], &contact["buyingRole"]),
        (&Value::Null, &json!("ann@acme.com"), &Value::Null)
    );
    assert_eq!(contact["version"], 2);
    // An update that changes nothing writes nothing.
    let answer = admin.mutate("updateContact", ALL, json!({"id": id, "phone": " 1", "ifVersion": 2})).await.done();
    assert_eq!(answer.data("updateContact.contact.version"), &json!(2));

    let cleared = json!({"id": id, "name": null, "accountId": null, "relationship": null, "doNotContact": null});
    let mut refusals = admin.mutate("updateContact", ALL, cleared).await.refusals();
    refusals.sort();
    assert_eq!(
        refusals,
        ["accountId", "doNotContact", "name", "relationship"]
            .map(|field| refusal("REQUIRED", &format!("input.{field}")))
    );
    let stale = admin.mutate("updateContact", ALL, json!({"id": id, "phone": "2", "ifVersion": 1})).await;
    assert_eq!(stale.refusals(), [refusal("STALE_VERSION", "input.ifVersion")]);
    let (one, other) = tokio::join!(
        admin.mutate("updateContact", ALL, json!({"id": id, "phone": "3", "ifVersion": 2})),
        admin.mutate("updateContact", ALL, json!({"id": id, "phone": "4", "ifVersion": 2})),
    );
    assert_eq!(one.refusals().len() + other.refusals().len(), 1);
}

#[on_both_databases]
async fn those_who_see_the_account_write_its_contacts(world: &World) {
    let mia = world.manager("Mia").await;
    let (ann, bob, cid) = (world.seller("Ann").under(&mia).await, world.seller("Bob").await, world.seller("Cid").await);
    let acme = ann.account(json!({"name": "Acme"})).await;
    ann.mutate("setTeamMember", "account { id }", json!({"accountId": acme, "userId": bob.id(), "role": "TECHNICAL"}))
        .await
        .done();
    let id = bob.contact(&acme, json!({"name": "Zoe"})).await;
    for who in [&**world.admin(), &*mia, &*ann, &*bob] {
        who.mutate("updateContact", "contact { id }", json!({"id": id, "phone": who.name()})).await.done();
        act_on(who, "archiveContact", &id).await.done();
        act_on(who, "restoreContact", &id).await.done();
    }
    // Without access to the account, a colleague gets the same answers as a member of another organization.
    let elsewhere = world.another_organization("Umbrella").await;
    for who in [&*cid, &**elsewhere.admin()] {
        assert_eq!(read(who, &id).await, Value::Null);
        let answer = who
            .send(
                "query($id: ID!) { contacts(filter: {id: {eq: $id}, archived: INCLUDE}) { totalCount } }",
                json!({"id": id}),
            )
            .await;
        assert_eq!(answer.data("contacts.totalCount"), &json!(0));
        let answer = who.mutate("updateContact", "contact { id }", json!({"id": id, "phone": "1"})).await;
        assert_eq!(answer.refusals(), [refusal("NOT_FOUND", "input.id")]);
        let answer = who.mutate("createContact", "contact { id }", json!({"accountId": acme, "name": "A"})).await;
        assert_eq!(answer.refusals(), [refusal("NOT_FOUND", "input.accountId")]);
        for mutation in ["archiveContact", "restoreContact", "eraseContact"] {
            assert_eq!(act_on(who, mutation, &id).await.refusals(), [refusal("NOT_FOUND", "input.id")], "{mutation}");
        }
    }
    assert_eq!(world.stranger().query("{ contacts { totalCount } }").await.error_code(), "UNAUTHENTICATED");
    // Erasing takes those who are responsible for the account.
    assert_eq!(act_on(&bob, "eraseContact", &id).await.refusals(), [refusal("FORBIDDEN", "input.id")]);
    act_on(&mia, "eraseContact", &id).await.done();
}

#[on_both_databases]
async fn reporting_lines_form_no_cycle(world: &World) {
    let admin = world.admin();
    let acme = admin.account(json!({"name": "Acme"})).await;
    let top = admin.contact(&acme, json!({"name": "Top"})).await;
    let middle = admin.contact(&acme, json!({"name": "Middle", "reportsToId": top})).await;
    let low = admin.contact(&acme, json!({"name": "Low", "reportsToId": middle})).await;
    for superior in [&top, &middle, &low] {
        let answer = admin.mutate("updateContact", "contact { id }", json!({"id": top, "reportsToId": superior})).await;
        assert_eq!(answer.refusals(), [refusal("INVALID", "input.reportsToId")]);
    }
    let (ann, bob) =
        (admin.contact(&acme, json!({"name": "Ann"})).await, admin.contact(&acme, json!({"name": "Bob"})).await);
    let (one, other) = tokio::join!(
        admin.mutate("updateContact", "contact { id }", json!({"id": ann, "reportsToId": bob})),
        admin.mutate("updateContact", "contact { id }", json!({"id": bob, "reportsToId": ann})),
    );
    assert_eq!(one.refusals().len() + other.refusals().len(), 1);
}

#[on_both_databases]
async fn a_contact_that_moves_to_another_account_leaves_the_reporting_line(world: &World) {
    let (ann, bob) = (world.seller("Ann").await, world.seller("Bob").await);
    let (acme, other) = (ann.account(json!({"name": "Acme"})).await, ann.account(json!({"name": "Other"})).await);
    let hidden = bob.account(json!({"name": "Hidden"})).await;
    let top = ann.contact(&acme, json!({"name": "Top"})).await;
    let mover = ann.contact(&acme, json!({"name": "Mover", "reportsToId": top})).await;
    let below = ann.contact(&acme, json!({"name": "Below", "reportsToId": mover})).await;
    let there = ann.contact(&other, json!({"name": "There"})).await;

    let answer = ann.mutate("updateContact", ALL, json!({"id": mover, "accountId": hidden})).await;
    assert_eq!(answer.refusals(), [refusal("NOT_FOUND", "input.accountId")]);
    let answer = ann.mutate("updateContact", ALL, json!({"id": mover, "accountId": other, "reportsToId": top})).await;
    assert_eq!(answer.refusals(), [refusal("INVALID", "input.reportsToId")]);
    let answer = ann.mutate("updateContact", ALL, json!({"id": mover, "accountId": other})).await.done();
    assert_eq!(answer.data("updateContact.contact.account.id"), &json!(other));
    assert_eq!(answer.data("updateContact.contact.reportsTo"), &Value::Null);
    assert_eq!(read(&ann, &below).await["reportsTo"], Value::Null);
    let answer =
        ann.mutate("updateContact", ALL, json!({"id": top, "accountId": other, "reportsToId": there})).await.done();
    assert_eq!(answer.data("updateContact.contact.reportsTo.id"), &json!(there));
}

#[on_both_databases]
async fn no_contact_is_added_to_an_archived_account(world: &World) {
    let admin = world.admin();
    let (acme, old) = (admin.account(json!({"name": "Acme"})).await, admin.account(json!({"name": "Old"})).await);
    let (ann, bob) =
        (admin.contact(&acme, json!({"name": "Ann"})).await, admin.contact(&old, json!({"name": "Bob"})).await);
    admin.mutate("archiveAccount", "", json!({"id": old})).await.done();
    let answer = admin.mutate("createContact", ALL, json!({"accountId": old, "name": "Cid"})).await;
    assert_eq!(answer.refusals(), [refusal("CONFLICT", "input.accountId")]);
    let answer = admin.mutate("updateContact", ALL, json!({"id": ann, "accountId": old})).await;
    assert_eq!(answer.refusals(), [refusal("CONFLICT", "input.accountId")]);
    // A contact of the archived account can still be changed.
    admin.mutate("updateContact", ALL, json!({"id": bob, "accountId": old, "phone": "1"})).await.done();
}

#[on_both_databases]
async fn archived_contacts_are_left_out_of_lists_until_restored(world: &World) {
    let admin = world.admin();
    let acme = admin.account(json!({"name": "Acme"})).await;
    let id = admin.contact(&acme, json!({"name": "Ann"})).await;
    for _ in 0..2 {
        let answer = act_on(admin, "archiveContact", &id).await.done();
        assert_eq!(answer.data("archiveContact.contact.version"), &json!(2));
    }
    let document = "{ out: contacts { totalCount } only: contacts(filter: {archived: ONLY}) { totalCount } all: contacts(filter: {archived: INCLUDE}) { totalCount }
        accounts { nodes { out: contacts { totalCount } all: contacts(filter: {archived: INCLUDE}) { totalCount nodes { name } } } } }";
    let answer = admin.query(document).await;
    let (zero, one) = (json!({"totalCount": 0}), json!({"totalCount": 1}));
    let below = json!({"nodes": [{"out": zero, "all": {"totalCount": 1, "nodes": [{"name": "Ann"}]}}]});
    assert_eq!(answer.data(""), &json!({"out": zero, "only": one, "all": one, "accounts": below}));
    act_on(admin, "restoreContact", &id).await.done();
    assert_eq!(admin.query(document).await.data("out.totalCount"), &json!(1));
    let answer = admin.query("{ events { nodes { type } } }").await;
    let types = answer.each("events.nodes", "type");
    assert!(
        types.ends_with(&[&json!("contact.created"), &json!("contact.archived"), &json!("contact.restored")]),
        "{types:?}"
    );
}

#[on_both_databases]
async fn pages_and_filters_return_the_matching_contacts(world: &World) {
    let admin = world.admin();
    let (acme, other) = (admin.account(json!({"name": "Acme"})).await, admin.account(json!({"name": "Other"})).await);
    for number in 0..9 {
        // Some names are equal.
        let mut fields = json!({"name": format!("N{}", number % 2), "email": format!("e{}@acme.com", number % 3)});
        if number % 3 == 0 {
            fields["title"] = json!(if number == 3 { "Straße" } else { "Boss" });
            fields["buyingRole"] = json!("CHAMPION");
            fields["relationship"] = json!("VALUED");
            fields["externalIds"] = json!([{"source": "crm", "id": number.to_string()}]);
        }
        admin.contact(if number < 6 { &acme } else { &other }, fields).await;
    }
    for order in [
        "[]",
        "[{field: NAME}]",
        "[{field: NAME, direction: DESC}, {field: CREATED_AT}]",
        "[{field: UPDATED_AT, direction: DESC}]",
    ] {
        let whole = admin.query(&format!("{{ contacts(orderBy: {order}) {{ nodes {{ id }} }} }}")).await;
        let mut read = Vec::new();
        let mut after = String::new();
        loop {
            let page = admin.query(&format!("{{ contacts(orderBy: {order}, first: 2 {after}) {{ nodes {{ id }} pageInfo {{ hasNextPage endCursor }} }} }}")).await;
            read.extend(page.each("contacts.nodes", "id").into_iter().cloned());
            if page.data("contacts.pageInfo.hasNextPage") == &json!(false) {
                break;
            }
            after = format!(", after: {}", page.data("contacts.pageInfo.endCursor"));
        }
        assert_eq!(read.iter().collect::<Vec<_>>(), whole.each("contacts.nodes", "id"), "{order}");
        assert_eq!(read.len(), 9);
    }
    for (filter, expected) in [
        ("{name: {eq: \"N0\"}}", 5),
        ("{name: {startsWith: \"n1\"}}", 4),
        ("{email: {eq: \"e1@acme.com\"}}", 3),
        ("{title: {contains: \"STRASSE\"}}", 1),
        ("{title: {ne: \"Boss\"}}", 7),
        ("{not: {title: {eq: \"Boss\"}}}", 7),
        ("{title: {isNull: true}}", 6),
        ("{buyingRole: [CHAMPION]}", 3),
        ("{not: {buyingRole: [CHAMPION]}}", 6),
        ("{buyingRole: []}", 0),
        ("{relationship: [UNKNOWN]}", 6),
        ("{relationship: [UNKNOWN, VALUED]}", 9),
        ("{not: {relationship: []}}", 9),
        ("{externalId: {source: \"crm\", id: \"3\"}}", 1),
        ("{externalId: {source: \"erp\", id: \"3\"}}", 0),
        ("{accountId: {in: [\"nonsense\"]}}", 0),
        ("{or: [{relationship: [VALUED]}, {email: {eq: \"e1@acme.com\"}}]}", 6),
        ("{updatedAt: {gt: \"2000-01-01T00:00:00Z\"}}", 9),
    ] {
        let answer = admin.query(&format!("{{ contacts(filter: {filter}) {{ totalCount }} }}")).await;
        assert_eq!(answer.data("contacts.totalCount"), &json!(expected), "{filter}");
    }
    let answer = admin
        .send("query($id: ID!) { contacts(filter: {accountId: {eq: $id}}) { totalCount } }", json!({"id": acme}))
        .await;
    assert_eq!(answer.data("contacts.totalCount"), &json!(6));
    for arguments in [
        "filter: {archived: null}",
        "filter: {buyingRole: null}",
        "orderBy: [{field: NAME}, {field: NAME}]",
        "first: 201",
    ] {
        assert_eq!(
            admin.query(&format!("{{ contacts({arguments}) {{ totalCount }} }}")).await.error_code(),
            "BAD_USER_INPUT",
            "{arguments}"
        );
    }
}

#[on_both_databases]
async fn a_list_costs_the_same_statements_for_any_length(world: &World) {
    let admin = world.admin();
    let document = "{ contacts(first: 200) { totalCount nodes { name account { name } reportsTo { name } externalIds { id } } }
        accounts(first: 200) { nodes { contacts(first: 3, orderBy: {field: NAME}) { totalCount nodes { name reportsTo { name } } } } } }";
    let acme = admin.account(json!({"name": "Acme"})).await;
    let top = admin.contact(&acme, json!({"name": "Top"})).await;
    admin.contact(&acme, json!({"name": "Low", "reportsToId": top})).await;
    let (_, few) = count(world.server(), admin.query(document)).await;
    for number in 0..12 {
        let account = admin.account(json!({"name": format!("a{number}")})).await;
        admin.contact(&account, json!({"name": format!("a{number}")})).await;
        admin.contact(&acme, json!({"name": format!("n{number}"), "reportsToId": top})).await;
    }
    let (answer, many) = count(world.server(), admin.query(document)).await;
    assert_eq!(answer.data("contacts.totalCount"), &json!(26));
    assert_eq!(answer.data("accounts.nodes.0.contacts.totalCount"), &json!(14));
    assert_eq!(answer.each("accounts.nodes.0.contacts.nodes", "name").len(), 3);
    assert!(many <= few, "{many} statements for 26 contacts, {few} for two");
}

#[on_both_databases]
async fn an_erased_contact_is_removed_from_the_row_and_from_the_feed(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let boss = ann.contact(&acme, json!({"name": "Boss"})).await;
    let secret = json!({
        "name": "Zoe Secret", "title": "Secret job", "department": "Secret room", "email": "zoe@secret.example", "phone": "555-secret",
        "buyingRole": "CHAMPION", "relationship": "KNOWN", "reportsToId": boss, "externalIds": [{"source": "crm", "id": "secret-1"}],
        "customFields": {"secret": true},
    });
    let id = ann.contact(&acme, secret).await;
    for change in [
        json!({"name": "Zoe Secretary", "email": "zoe2@secret.example", "relationship": "TRUSTED"}),
        json!({"title": null, "customFields": {"secret": 2}, "externalIds": [{"source": "crm", "id": "secret-2"}]}),
        json!({"email": null}),
    ] {
        let mut input = change;
        input["id"] = json!(id);
        ann.mutate("updateContact", "contact { id }", input).await.done();
    }
    let answer = act_on(&ann, "eraseContact", &id).await.done();
    let contact = answer.data("eraseContact.contact").clone();
    for (field, value) in [
        ("name", json!("Erased person")),
        ("title", Value::Null),
        ("department", Value::Null),
        ("email", Value::Null),
        ("phone", Value::Null),
        ("buyingRole", json!("CHAMPION")),
        ("relationship", json!("TRUSTED")),
        ("reportsTo", json!({"id": boss})),
        ("externalIds", json!([])),
        ("customFields", json!({})),
        ("version", json!(5)),
    ] {
        assert_eq!(contact[field], value, "{field}");
    }
    assert!(contact["archivedAt"].is_string() && contact["archivedAt"] == contact["erasedAt"]);
    // Erasing again changes nothing, and no mutation writes personal data into the row again.
    assert_eq!(act_on(&ann, "eraseContact", &id).await.done().data("eraseContact.contact"), &contact);
    act_on(&ann, "archiveContact", &id).await.done();
    assert_eq!(act_on(&ann, "restoreContact", &id).await.refusals(), [refusal("CONFLICT", "input.id")]);
    let answer = ann.mutate("updateContact", "contact { id }", json!({"id": id, "name": "Zoe"})).await;
    assert_eq!(answer.refusals(), [refusal("CONFLICT", "input.id")]);

    let answer = ann.query("{ events { nodes { type subjectId changes } } }").await;
    let feed_text = answer.data("events.nodes").to_string();
    assert!(!feed_text.to_lowercase().contains("secret"), "{feed_text}");
    let ours: Vec<&Value> = answer
        .data("events.nodes")
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["subjectId"] == json!(id))
        .collect();
    let types: Vec<&Value> = ours.iter().map(|event| &event["type"]).collect();
    assert_eq!(types, ["contact.created", "contact.updated", "contact.updated", "contact.updated", "contact.erased"]);
    assert_eq!(ours[0]["changes"]["name"], json!({"from": null, "to": "Erased person"}));
    assert_eq!(ours[1]["changes"]["relationship"], json!({"from": "KNOWN", "to": "TRUSTED"}));
    assert_eq!(
        ours[1]["changes"].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["relationship", "relationshipSetAt"]
    );
    assert_eq!(ours[2]["changes"], json!({}));
    let found = ann
        .query(
            "{ contacts(filter: {archived: INCLUDE, externalId: {source: \"crm\", id: \"secret-2\"}}) { totalCount } }",
        )
        .await;
    assert_eq!(found.data("contacts.totalCount"), &json!(0));
    // The feed replays to the current fields.
    let connection = world.server().database().connect().await;
    let facts = replay(&feed(&connection).await).unwrap();
    connection.close().await.unwrap();
    let facts = facts.values().find(|facts| facts.contains_key("erasedAt")).unwrap();
    let expected = [
        "accountId",
        "archivedAt",
        "buyingRole",
        "createdAt",
        "customFields",
        "doNotContact",
        "erasedAt",
        "externalIds",
        "name",
        "relationship",
        "relationshipSetAt",
        "reportsToId",
    ];
    assert_eq!(facts.keys().collect::<Vec<_>>(), expected);
    assert_eq!(
        (&facts["name"], &facts["externalIds"], &facts["customFields"]),
        (&json!("Erased person"), &json!([]), &json!({}))
    );
    assert_eq!(
        (&facts["relationship"], &facts["erasedAt"], &facts["reportsToId"]),
        (&json!("TRUSTED"), &contact["erasedAt"], &json!(boss))
    );
    // The account's history shows the same events.
    let history = ann.query("{ accounts { nodes { history { nodes { changes } } } } }").await;
    assert!(!history.body.to_string().to_lowercase().contains("secret"));
}
