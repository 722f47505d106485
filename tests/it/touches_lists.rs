//! Lists of touches: all that are visible, an account's, a contact's.

use serde_json::{Value, json};
use tests::queries::count;
use tests::{Member, World, on_both_databases};

#[on_both_databases]
async fn lists_are_filtered_and_ordered(world: &World) {
    let admin = world.admin();
    let seller = world.seller("Sam Seller").await;
    let acme = seller.account(json!({"name": "Acme"})).await;
    let other = admin.account(json!({"name": "Other"})).await;
    let ann = seller.contact(&acme, json!({"name": "Ann"})).await;
    let at = |day: &str| format!("2017-04-{day}T09:00:00Z");
    let made = async |by: &Member, account: &str, fields: Value| by.touch(account, fields).await;
    let a = made(&seller, &acme, json!({"kind": "CALL", "at": at("03"), "contactIds": [ann], "value": "IDEA"})).await;
    let b = made(&seller, &acme, json!({"kind": "MEETING", "at": at("01"), "responded": true})).await;
    let c = made(admin, &acme, json!({"kind": "EMAIL", "at": at("02"), "contactIds": [ann]})).await;
    let d = made(admin, &other, json!({"kind": "CALL", "at": at("04")})).await;
    let filtered = async |member: &Member, arguments: &str| {
        let answer = member.query(&format!("{{ touches({arguments}) {{ nodes {{ id }} totalCount }} }}")).await;
        let names = answer.each("touches.nodes", "id").into_iter().map(|id| match id.as_str().unwrap() {
            id if id == a => 'a',
            id if id == b => 'b',
            id if id == c => 'c',
            id if id == d => 'd',
            _ => '?',
        });
        let names: String = names.collect();
        assert_eq!(answer.data("touches.totalCount"), &json!(names.len()), "{arguments}");
        names
    };
    for (filter, expected) in [
        ("{}".to_owned(), "abcd"),
        (format!("{{accountId: {{eq: \"{acme}\"}}}}"), "abc"),
        (format!("{{contactId: {{eq: \"{ann}\"}}}}"), "ac"),
        (format!("{{contactId: {{ne: \"{ann}\"}}}}"), "bd"),
        (format!("{{contactId: {{in: [\"{ann}\", \"x\"]}}}}"), "ac"),
        ("{contactId: {in: []}}".to_owned(), ""),
        ("{contactId: {isNull: true}}".to_owned(), "bd"),
        ("{contactId: {isNull: false}}".to_owned(), "ac"),
        (format!("{{userId: {{eq: \"{}\"}}}}", seller.id()), "ab"),
        (format!("{{at: {{gt: \"{}\", lte: \"{}\"}}}}", at("01"), at("03")), "ac"),
        ("{kind: [CALL, MEETING]}".to_owned(), "abd"),
        ("{kind: []}".to_owned(), ""),
        ("{value: [IDEA]}".to_owned(), "a"),
        ("{not: {value: [IDEA]}}".to_owned(), "bcd"),
        ("{value: []}".to_owned(), ""),
        ("{responded: true}".to_owned(), "b"),
        ("{responded: false, status: [COMPLETED]}".to_owned(), "acd"),
        ("{updatedAt: {gt: \"2020-01-01T00:00:00Z\"}}".to_owned(), "abcd"),
        ("{or: [{kind: [EMAIL]}, {responded: true}]}".to_owned(), "bc"),
        ("{and: [{kind: [CALL]}], not: {value: [IDEA]}}".to_owned(), "d"),
    ] {
        assert_eq!(filtered(admin, &format!("filter: {filter}")).await, expected, "{filter}");
    }
    assert_eq!(filtered(admin, "orderBy: {field: AT}").await, "bcad");
    assert_eq!(filtered(admin, "orderBy: [{field: AT, direction: DESC}]").await, "dacb");
    assert_eq!(filtered(admin, "orderBy: [{field: CREATED_AT, direction: DESC}, {field: UPDATED_AT}]").await, "dcba");
    assert_eq!(filtered(&seller, "orderBy: []").await, "abc");
    for wrong in
        ["filter: {kind: null}", "filter: {responded: null}", "orderBy: [{field: AT}, {field: AT}]", "first: 201"]
    {
        let answer = admin.query(&format!("{{ touches({wrong}) {{ totalCount }} }}")).await;
        assert_eq!(answer.error_code(), "BAD_USER_INPUT", "{wrong}");
    }

    // The touches of an account and of a contact come newest first.
    let document = format!(
        "{{ account(by: {{id: \"{acme}\"}}) {{ touches {{ nodes {{ id }} totalCount }} calls: touches(filter: {{kind: [CALL]}}) {{ nodes {{ id }} }}
            oldest: touches(orderBy: {{field: AT}}, first: 1) {{ nodes {{ id }} }} lastTouch {{ id }} contacts {{ nodes {{ lastTouch {{ id }}
            touches(first: 1) {{ nodes {{ id }} totalCount pageInfo {{ hasNextPage endCursor }} }} }} }} }} }}"
    );
    let answer = admin.query(&document).await;
    assert_eq!(answer.each("account.touches.nodes", "id"), [&a, &c, &b]);
    assert_eq!(answer.data("account.touches.totalCount"), &json!(3));
    assert_eq!(answer.each("account.calls.nodes", "id"), [&a]);
    assert_eq!(answer.each("account.oldest.nodes", "id"), [&b]);
    assert_eq!(answer.text("account.lastTouch.id"), a);
    let person = "account.contacts.nodes.0";
    assert_eq!(answer.text(&format!("{person}.lastTouch.id")), a);
    assert_eq!(answer.each(&format!("{person}.touches.nodes"), "id"), [&a]);
    assert_eq!(answer.data(&format!("{person}.touches.totalCount")), &json!(2));
    assert_eq!(answer.data(&format!("{person}.touches.pageInfo.hasNextPage")), &json!(true));
    let cursor = answer.data(&format!("{person}.touches.pageInfo.endCursor"));
    let rest = format!(
        "{{ node(id: \"{ann}\") {{ ... on Contact {{ touches(after: {cursor}) {{ nodes {{ id }} }} back: touches(last: 1) {{ nodes {{ id }} }} }} }} }}"
    );
    let answer = admin.query(&rest).await;
    assert_eq!(
        (answer.each("node.touches.nodes", "id"), answer.each("node.back.nodes", "id")),
        (vec![&json!(c)], vec![&json!(c)])
    );

    // The touches of a contact that moved are visible only to those who see their accounts.
    admin.mutate("updateContact", "contact { id }", json!({"id": ann, "accountId": other})).await.done();
    let outsider = world.seller("Ole Outside").await;
    let invite = json!({"accountId": other, "userId": outsider.id(), "role": "SELLER"});
    admin.mutate("setTeamMember", "account { id }", invite).await.done();
    let document = format!(
        "{{ node(id: \"{ann}\") {{ ... on Contact {{ lastTouch {{ id }} touches {{ totalCount nodes {{ id }} }} }} }} }}"
    );
    let nothing = json!({"lastTouch": null, "touches": {"totalCount": 0, "nodes": []}});
    assert_eq!(outsider.query(&document).await.data("node"), &nothing);
    assert_eq!(admin.query(&document).await.data("node.touches.totalCount"), &json!(2));
    assert_eq!(
        seller
            .query(&format!("{{ node(id: \"{a}\") {{ ... on Touch {{ contacts {{ id }} }} }} }}"))
            .await
            .data("node.contacts"),
        &json!([])
    );
}

#[on_both_databases]
async fn contacts_of_the_same_touches_have_their_own_pages(world: &World) {
    let admin = world.admin();
    let account = admin.account(json!({"name": "Acme"})).await;
    let ann = admin.contact(&account, json!({"name": "Ann"})).await;
    let ben = admin.contact(&account, json!({"name": "Ben"})).await;
    // All touches have the same time, so that only the id orders them.
    let mut all = Vec::new();
    for number in 0..5 {
        let people = if number == 4 { json!([ben]) } else { json!([ann, ben]) };
        let fields = json!({"kind": "MEETING", "at": "2017-04-03T09:00:00Z", "contactIds": people});
        all.push(admin.touch(&account, fields).await);
    }
    all.reverse();
    let pages = async |parent: &str, on: &str| {
        let (mut read, mut after) = (Vec::new(), String::new());
        loop {
            let document = format!(
                "{{ node(id: \"{parent}\") {{ ... on {on} {{ touches(first: 2 {after}) {{ nodes {{ id }} totalCount pageInfo {{ hasNextPage endCursor }} }} }} }} }}"
            );
            let answer = admin.query(&document).await;
            read.extend(answer.each("node.touches.nodes", "id").iter().map(|id| id.as_str().unwrap().to_owned()));
            if answer.data("node.touches.pageInfo.hasNextPage") == &json!(false) {
                assert_eq!(answer.data("node.touches.totalCount"), &json!(read.len()));
                return read;
            }
            after = format!(", after: {}", answer.data("node.touches.pageInfo.endCursor"));
        }
    };
    assert_eq!(pages(&account, "Account").await, all);
    assert_eq!(pages(&ben, "Contact").await, all);
    assert_eq!(pages(&ann, "Contact").await, all[1..]);
    let both = admin
        .query("{ contacts(orderBy: {field: NAME}) { nodes { touches(first: 3) { nodes { id } } lastTouch { id } } } }")
        .await;
    assert_eq!(both.each("contacts.nodes.0.touches.nodes", "id"), all[1..4].iter().collect::<Vec<_>>());
    assert_eq!(both.each("contacts.nodes.1.touches.nodes", "id"), all[..3].iter().collect::<Vec<_>>());
    assert_eq!(
        (both.text("contacts.nodes.0.lastTouch.id"), both.text("contacts.nodes.1.lastTouch.id")),
        (&*all[1], &*all[0])
    );
}

#[on_both_databases]
async fn lists_cost_the_same_statements_for_any_length(world: &World) {
    let admin = world.admin();
    let document = "{ touches(first: 200) { totalCount nodes { subject status account { name } user { name } contacts { name } } }
        accounts { nodes { lastTouch { subject user { name } } nextTouch { subject } touches(first: 3) { totalCount nodes { contacts { name } } } } }
        contacts { nodes { lastTouch { subject account { name } } touches(first: 3) { totalCount nodes { user { name } } } } } }";
    let grow = async |number: usize| {
        let account = admin.account(json!({"name": format!("a{number}")})).await;
        let ann = admin.contact(&account, json!({"name": "Ann"})).await;
        for _ in 0..3 {
            admin.touch(&account, json!({"kind": "CALL", "contactIds": [ann]})).await;
        }
        let next = json!({"accountId": account, "kind": "CALL", "at": "2999-01-01T00:00:00Z", "contactIds": [ann]});
        admin.mutate("scheduleTouch", "touch { id }", next).await.done();
    };
    grow(0).await;
    let (_, few) = count(world.server(), admin.query(document)).await;
    for number in 1..8 {
        grow(number).await;
    }
    let (answer, many) = count(world.server(), admin.query(document)).await;
    assert_eq!(answer.data("touches.totalCount"), &json!(32));
    assert_eq!(answer.data("contacts.nodes.7.touches.totalCount"), &json!(4));
    assert_eq!((few, many), (many, few));
}

#[on_both_databases]
async fn pages_are_the_same_for_those_who_see_few_and_all_accounts(world: &World) {
    let admin = world.admin();
    let seller = world.seller("Sam Seller").await;
    let hidden = admin.account(json!({"name": "Hidden"})).await;
    for number in 0..3 {
        let account = seller.account(json!({"name": format!("a{number}")})).await;
        for day in ["03", "03", "04"] {
            let at = format!("2017-04-{day}T09:00:00Z");
            admin.touch(&hidden, json!({"kind": "CALL", "at": at})).await;
            seller.touch(&account, json!({"kind": "CALL", "at": at})).await;
        }
    }
    let orders = [
        "[]",
        "[{field: AT}]",
        "[{field: AT, direction: DESC}]",
        "[{field: AT}, {field: CREATED_AT, direction: DESC}]",
        "[{field: UPDATED_AT, direction: DESC}]",
    ];
    for order in orders {
        let seen = format!("filter: {{userId: {{eq: \"{}\"}}}}, orderBy: {order}", seller.id());
        let whole = admin.query(&format!("{{ touches({seen}) {{ nodes {{ id }} }} }}")).await;
        let whole = whole.each("touches.nodes", "id").into_iter().cloned().collect::<Vec<Value>>();
        assert_eq!(whole.len(), 9);
        for (size, cursor, info, end) in
            [("first", "after", "hasNextPage", "endCursor"), ("last", "before", "hasPreviousPage", "startCursor")]
        {
            let (mut read, mut at) = (Vec::new(), String::new());
            loop {
                let page = format!(
                    "{{ touches(orderBy: {order}, {size}: 2 {at}) {{ nodes {{ id }} totalCount pageInfo {{ {info} {end} }} }} }}"
                );
                let answer = seller.query(&page).await;
                assert_eq!(answer.data("touches.totalCount"), &json!(9));
                let page: Vec<Value> = answer.each("touches.nodes", "id").into_iter().cloned().collect();
                let place = if size == "first" { read.len() } else { 0 };
                read.splice(place..place, page);
                if answer.data(&format!("touches.pageInfo.{info}")) == &json!(false) {
                    break;
                }
                at = format!(", {cursor}: {}", answer.data(&format!("touches.pageInfo.{end}")));
            }
            assert_eq!(read, whole, "{order} by {size}");
        }
    }
}
