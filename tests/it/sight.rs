//! Rows that are no longer visible, and references to them: they appear as if they did not exist.

use entity::{Id as _, OrganizationId};
use serde_json::{Value, json};
use tests::{Client, Seller, World, on_both_databases};

#[on_both_databases]
async fn rows_that_are_no_longer_visible_appear_not_to_exist(world: &World) {
    let (olga, carl) = (world.seller("Olga").await, world.seller("Carl").await);
    let hidden = olga.account(json!({"name": "Hidden"})).await;
    let account = carl.account(json!({"name": "Ours"})).await;
    let contact = carl.contact(&account, json!({"name": "Conny"})).await;
    let touch = carl.touch(&account, json!({"kind": "CALL", "contactIds": [contact]})).await;
    // An account and a touch without references, for comparison.
    let alone = carl.account(json!({"name": "Alone"})).await;
    let lonely = carl.touch(&alone, json!({"kind": "CALL"})).await;
    // The administrator moves the account below a hidden one, and the contact to the hidden one.
    let admin = world.admin();
    let up = json!({"id": account, "parentId": hidden});
    admin.mutate("updateAccount", "account { id }", up).await.done();
    let away = json!({"id": contact, "accountId": hidden});
    admin.mutate("updateContact", "contact { id }", away).await.done();

    let ask = |filters: (Value, Value)| {
        let document = "query($accounts: AccountFilter, $touches: TouchFilter) {
            accounts(filter: $accounts, orderBy: {field: NAME}) { totalCount nodes { id parent { id } contacts { totalCount } } }
            touches(filter: $touches) { totalCount nodes { id contacts { id } } }
            analytics { touches(groupBy: [], filter: $touches) { count } } }";
        carl.send(document, json!({"accounts": filters.0, "touches": filters.1}))
    };
    let all = ask((json!({}), json!({}))).await;
    let none = json!({"parent": null, "contacts": {"totalCount": 0}});
    for account in all.each("accounts.nodes", "") {
        assert_eq!(json!({"parent": account["parent"], "contacts": account["contacts"]}), none);
    }
    assert_eq!(all.each("accounts.nodes", "id"), [alone.as_str(), &account]);
    assert!(all.each("touches.nodes", "contacts").iter().all(|contacts| **contacts == json!([])), "{all}");
    assert_eq!(all.data("touches.totalCount"), &json!(2));
    // Filters match neither.
    for (id, found) in [("eq", 0), ("ne", 2), ("in", 0)] {
        let value = |id_of: &str| if id == "in" { json!([id_of]) } else { json!(id_of) };
        let accounts = json!({"parentId": {id: value(&hidden)}});
        let answer = ask((accounts, json!({"contactId": {id: value(&contact)}}))).await;
        assert_eq!(answer.data("accounts.totalCount"), &json!(found), "{id}");
        assert_eq!(answer.data("touches.totalCount"), &json!(found), "{id}");
        assert_eq!(answer.data("analytics.touches.0.count"), &json!(found), "{id}");
    }
    let nothing = json!({"isNull": true});
    let answer = ask((json!({"parentId": nothing}), json!({"contactId": nothing}))).await;
    assert_eq!((answer.data("accounts.totalCount"), answer.data("touches.totalCount")), (&json!(2), &json!(2)));
    let something = json!({"isNull": false});
    let answer = ask((json!({"parentId": something}), json!({"contactId": something}))).await;
    assert_eq!((answer.data("accounts.totalCount"), answer.data("touches.totalCount")), (&json!(0), &json!(0)));
    // The nodes show neither.
    let nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Touch { contacts { id name } }
        ... on Account { parent { id name } } ... on Contact { name } } }";
    let ids = json!([touch, lonely, account, alone, contact]);
    let answer = carl.send(nodes, json!({ "ids": ids })).await;
    let expected = json!([
        {"contacts": []}, {"contacts": []}, {"parent": null}, {"parent": null}, null
    ]);
    assert_eq!(answer.data("nodes"), &expected);
    // The administrator still finds both.
    let document = "query($parent: ID!, $contact: ID!) { accounts(filter: {parentId: {eq: $parent}}) { totalCount }
        touches(filter: {contactId: {eq: $contact}}) { totalCount } }";
    let answer = admin.send(document, json!({"parent": hidden, "contact": contact})).await;
    assert_eq!((answer.data("accounts.totalCount"), answer.data("touches.totalCount")), (&json!(1), &json!(1)));
}

#[on_both_databases]
async fn a_manager_s_filters_nest(world: &World) {
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let eve = ann.contact(&acme, json!({"name": "Eve"})).await;
    ann.touch(&acme, json!({"kind": "CALL", "contactIds": [eve]})).await;
    let with = json!({"contactId": {"eq": eve}});
    for (filter, count) in [(json!({"and": [with]}), 1), (json!({"or": [with]}), 1), (json!({"not": with}), 0)] {
        let document = "query($filter: TouchFilter) { touches(filter: $filter) { totalCount }
            analytics { touches(groupBy: [], filter: $filter) { count } } }";
        let answer = mia.send(document, json!({"filter": filter})).await;
        assert_eq!(answer.data("touches.totalCount"), &json!(count), "{filter}");
    }
    let answer = mia.query("{ accounts(filter: {not: {parentId: {isNull: true}}}) { totalCount } }").await;
    assert_eq!(answer.data("accounts.totalCount"), &json!(0));
}

#[on_both_databases]
async fn the_feed_does_not_show_accounts_that_are_not_visible(world: &World) {
    let (ann, bob) = (world.seller("Ann").await, world.seller("Bob").await);
    let (acme, globex) = (ann.account(json!({"name": "Acme"})).await, bob.account(json!({"name": "Globex"})).await);
    let admin = world.admin();
    let eve = admin.contact(&globex, json!({"name": "Eve"})).await;
    admin.mutate("updateContact", "contact { id }", json!({"id": eve, "accountId": acme})).await.done();
    admin.mutate("updateAccount", "account { id }", json!({"id": acme, "parentId": globex})).await.done();
    let changes = async |who: &Client| {
        let document = "{ events(filter: {types: [\"contact.updated\", \"account.updated\"]}) { nodes { changes } } }";
        let answer = who.query(document).await;
        answer.each("events.nodes", "changes").into_iter().cloned().collect::<Vec<Value>>()
    };
    let expected = |globex: Value| {
        vec![json!({"accountId": {"from": globex, "to": acme}}), json!({"parentId": {"from": null, "to": globex}})]
    };
    assert_eq!(changes(admin).await, expected(json!(globex)));
    assert_eq!(changes(&ann).await, expected(Value::Null));
}

#[on_both_databases]
async fn an_invalid_id_is_no_team_member(world: &World) {
    let admin = world.admin();
    let account = admin.account(json!({"name": "Acme"})).await;
    let elsewhere = world.another_organization("Globex").await;
    let mut messages = Vec::new();
    for user in ["nonsense", elsewhere.admin().id(), &account] {
        let input = json!({"accountId": account, "userId": user});
        let answer = admin.mutate("removeTeamMember", "account { id }", input).await;
        assert_eq!(answer.refusals(), [("NOT_FOUND".to_owned(), "input.userId".to_owned())]);
        messages.push(answer.user_errors()[0].message.clone());
    }
    messages.dedup();
    assert_eq!(messages.len(), 1, "{messages:?}");
}

/// Figures of a user who sees many accounts are computed by another statement than those of one who sees few.
#[on_both_databases]
async fn figures_are_the_same_with_many_and_few_seats(world: &World) {
    let (ann, bob) = (world.seller("Ann").await, world.seller("Bob").await);
    let upsert = async |mutation: &str, rows: Vec<Value>| {
        for rows in rows.chunks(500) {
            let answer = world.admin().mutate(mutation, "created", json!({"rows": rows})).await;
            assert_eq!(answer.data(&format!("{mutation}.created")), &json!(rows.len()));
        }
    };
    let name = |number: usize, owner: &Seller| json!({"source": "crm", "id": format!("{} {number}", owner.name())});
    let row = |number: usize, owner: &Seller| json!({"externalId": name(number, owner), "name": "Acme", "ownerEmail": owner.email()});
    let rows = (0..501).map(|number| row(number, &ann)).chain([row(0, &bob)]).collect();
    upsert("upsertAccounts", rows).await;
    let touches =
        [(0, &ann, "2017-01-31"), (500, &ann, "2017-02-01"), (500, &ann, "2017-02-02"), (0, &bob, "2017-02-01")];
    let touch = |(place, (number, owner, on)): (usize, (usize, &Seller, &str))| {
        json!({"externalId": {"source": "crm", "id": place.to_string()}, "kind": "CALL", "at": format!("{on}T12:00:00Z"),
            "account": {"externalId": name(number, owner)}})
    };
    upsert("upsertTouches", touches.into_iter().enumerate().map(touch).collect()).await;
    let organization = world.admin().query("{ organization { id } }").await.text("organization.id").to_owned();
    world.server().app().forget(OrganizationId::parse(&organization).unwrap());

    let document = "{ analytics { touches(groupBy: [MONTH]) { key { value } count } } }";
    for (who, expected) in [(&**world.admin(), vec![1, 3]), (&*ann, vec![1, 2]), (&*bob, vec![1])] {
        let counts =
            who.query(document).await.each("analytics.touches", "count").into_iter().cloned().collect::<Vec<_>>();
        assert_eq!(json!(counts), json!(expected), "{}", who.name());
    }
}
