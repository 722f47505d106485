//! Accounts: creating and changing them, who sees them, and how they are listed.

use serde_json::{Value, json};
use tests::queries::count;
use tests::{World, on_both_databases};

const ALL: &str = "account { id name domain industry employees annualRevenue { amount currency } country city phone description \
    potential { amount } parent { id } owner { id } externalIds { source id } customFields archivedAt version }";

#[on_both_databases]
async fn given_values_are_stored_normalized(world: &World) {
    let admin = world.admin();
    let parent = admin.account(json!({"name": "Holding"})).await;
    let answer = admin
        .mutate(
            "createAccount",
            ALL,
            json!({
                "name": "  Cafe\u{301} 👩‍👩‍👧 שלום ", "domain": "https://www.Cafe.example/menu", "industry": "Food", "employees": 12,
                "annualRevenue": "1234567.5", "country": "Polska", "city": "Łódź", "phone": " +48 1 ", "description": "a\r\nb",
                "potential": 100, "parentId": parent, "externalIds": [{"source": "sap", "id": "2"}, {"source": "crm", "id": "1"}],
                "customFields": {"b": 1, "a": [null, "x"]},
            }),
        )
        .await
        .done();
    let account = answer.data("createAccount.account");
    assert_eq!(account["name"], "Café 👩‍👩‍👧 שלום");
    assert_eq!(account["domain"], "cafe.example");
    assert_eq!(account["annualRevenue"], json!({"amount": "1234567.50", "currency": "USD"}));
    assert_eq!(account["potential"], json!({"amount": "100.00"}));
    assert_eq!(account["description"], "a\nb");
    assert_eq!(account["parent"]["id"], json!(parent));
    assert_eq!(account["owner"]["id"], admin.id());
    assert_eq!(account["externalIds"], json!([{"source": "crm", "id": "1"}, {"source": "sap", "id": "2"}]));
    assert_eq!(account["customFields"], json!({"b": 1, "a": [null, "x"]}));
    assert_eq!(account["version"], 1);
}

#[on_both_databases]
async fn all_invalid_fields_are_reported_and_nothing_is_written(world: &World) {
    let admin = world.admin();
    let answer = admin
        .mutate(
            "createAccount",
            "account { id }",
            json!({
                "name": " \u{0}", "domain": "not a domain", "employees": -1, "annualRevenue": "0.001", "potential": "-1",
                "city": "x".repeat(201), "description": "x".repeat(20_001), "parentId": "contact_01h455vb4pex5vsknk084sn02q",
                "ownerId": "user_", "externalIds": [{"source": "a", "id": "1"}, {"source": "a", "id": "2"}], "customFields": [1],
            }),
        )
        .await;
    let mut refusals = answer.refusals();
    refusals.sort();
    let expected = [
        ("INVALID", "input.annualRevenue"),
        ("INVALID", "input.city"),
        ("INVALID", "input.customFields"),
        ("INVALID", "input.description"),
        ("INVALID", "input.domain"),
        ("INVALID", "input.employees"),
        ("INVALID", "input.externalIds.1.source"),
        ("INVALID", "input.name"),
        ("INVALID", "input.potential"),
        ("NOT_FOUND", "input.ownerId"),
        ("NOT_FOUND", "input.parentId"),
    ];
    assert_eq!(refusals, expected.map(|(code, field)| (code.to_owned(), field.to_owned())));
    assert_eq!(answer.data("createAccount.account"), &Value::Null);
    assert_eq!(
        admin.query("{ accounts { totalCount } events { nodes { type } } }").await.data("accounts.totalCount"),
        &json!(0)
    );
}

#[on_both_databases]
async fn an_omitted_field_is_kept_and_null_clears_it(world: &World) {
    let admin = world.admin();
    let id = admin.account(json!({"name": "Acme", "city": "Bonn", "country": "DE", "employees": 5})).await;
    // A variable that is omitted must not clear the field.
    let document = "mutation($id: ID!, $city: String, $country: String) {
        updateAccount(input: {id: $id, city: $city, country: $country}) { account { city country employees version } userErrors { code field message } } }";
    let answer = admin.send(document, json!({"id": id, "country": null})).await.done();
    let expected = json!({"city": "Bonn", "country": null, "employees": 5, "version": 2});
    assert_eq!(answer.data("updateAccount.account"), &expected);
    // An update that changes nothing writes nothing.
    let answer = admin.send(document, json!({"id": id, "city": "Bonn"})).await.done();
    assert_eq!(answer.data("updateAccount.account.version"), &json!(2));
    let answer = admin.mutate("updateAccount", ALL, json!({"id": id, "name": null})).await;
    assert_eq!(answer.refusals(), [("REQUIRED".to_owned(), "input.name".to_owned())]);
}

#[on_both_databases]
async fn a_stale_write_is_rejected_and_of_two_concurrent_writes_one_wins(world: &World) {
    let admin = world.admin();
    let id = admin.account(json!({"name": "Acme"})).await;
    let answer = admin.mutate("updateAccount", ALL, json!({"id": id, "city": "Bonn", "ifVersion": 2})).await;
    assert_eq!(answer.refusals(), [("STALE_VERSION".to_owned(), "input.ifVersion".to_owned())]);
    let change = |city: &str| admin.mutate("updateAccount", ALL, json!({"id": id, "city": city, "ifVersion": 1}));
    let (one, other) = tokio::join!(change("Bonn"), change("Köln"));
    let refused = [one.refusals(), other.refusals()].concat();
    assert_eq!(refused, [("STALE_VERSION".to_owned(), "input.ifVersion".to_owned())]);
}

#[on_both_databases]
async fn a_domain_and_an_external_id_belong_to_one_account(world: &World) {
    let admin = world.admin();
    let make = |name: &str, round: usize| {
        let domain = if round == 0 { "acme.com".to_owned() } else { format!("acme{round}.com") };
        let names = json!([{"source": "erp", "id": name}, {"source": "crm", "id": round.to_string()}]);
        admin.mutate("createAccount", "account { id }", json!({"name": name, "domain": domain, "externalIds": names}))
    };
    // Of two concurrent mutations one succeeds. The errors of the other name every value that is taken, by its path.
    for round in 0..10 {
        let (one, other) = tokio::join!(make(&format!("One {round}"), round), make(&format!("Other {round}"), round));
        let taken = |field: &str| ("TAKEN".to_owned(), field.to_owned());
        let refusals = [one.refusals(), other.refusals()].concat();
        assert_eq!(refusals, [taken("input.domain"), taken("input.externalIds.1")], "round {round}");
    }
    // Thousands of external ids are rejected like any other invalid input.
    let names: Vec<Value> = (0..3000).map(|number| json!({"source": format!("s{number}"), "id": "1"})).collect();
    let many = admin.mutate("createAccount", "account { id }", json!({"name": "Many", "externalIds": names})).await;
    assert_eq!(many.refusals(), [("INVALID".to_owned(), "input.externalIds".to_owned())]);
    // An account may be given its own values again, and not those of another account.
    let id = make("Third", 10).await.text("createAccount.account.id").to_owned();
    for (number, refusals) in [("10", vec![]), ("0", vec![("TAKEN".to_owned(), "input.externalIds.0".to_owned())])] {
        let names = json!([{"source": "crm", "id": number}]);
        let input = json!({"id": id, "domain": "acme10.com", "externalIds": names});
        assert_eq!(admin.mutate("updateAccount", "account { id }", input).await.refusals(), refusals);
    }
    // Another organization may have the same values.
    let elsewhere = world.another_organization("Globex").await;
    elsewhere
        .admin()
        .account(json!({"name": "Acme", "domain": "acme.com", "externalIds": [{"source": "crm", "id": "0"}]}))
        .await;
    for by in ["{domain: \"WWW.acme.com\"}", "{externalId: {source: \"crm\", id: \"0\"}}"] {
        let answer = admin.query(&format!("{{ account(by: {by}) {{ domain }} }}")).await;
        assert_eq!(answer.text("account.domain"), "acme.com");
    }
}

#[on_both_databases]
async fn parents_form_no_cycle(world: &World) {
    let admin = world.admin();
    let top = admin.account(json!({"name": "Top"})).await;
    let middle = admin.account(json!({"name": "Middle", "parentId": top})).await;
    let bottom = admin.account(json!({"name": "Bottom", "parentId": middle})).await;
    for parent in [&top, &middle, &bottom] {
        let answer = admin.mutate("updateAccount", ALL, json!({"id": top, "parentId": parent})).await;
        assert_eq!(answer.refusals(), [("INVALID".to_owned(), "input.parentId".to_owned())]);
    }
    // Of two concurrent changes that would form a cycle together, one is rejected.
    let (a, b) = (admin.account(json!({"name": "A"})).await, admin.account(json!({"name": "B"})).await);
    let (one, other) = tokio::join!(
        admin.mutate("updateAccount", ALL, json!({"id": a, "parentId": b})),
        admin.mutate("updateAccount", ALL, json!({"id": b, "parentId": a}))
    );
    assert_eq!([one.refusals(), other.refusals()].concat(), [("INVALID".to_owned(), "input.parentId".to_owned())]);
}

#[on_both_databases]
async fn visibility_follows_owner_team_and_reporting_line(world: &World) {
    let mia = world.manager("Mia").await;
    let (ann, bob) = (world.seller("Ann").under(&mia).await, world.seller("Bob").await);
    let acme = ann.account(json!({"name": "Acme"})).await;
    let sees = async |who: &tests::actors::Member| {
        let answer = who
            .send("query($id: ID!) { account(by: {id: $id}) { name } accounts { totalCount } }", json!({"id": acme}))
            .await;
        (answer.data("account").is_object(), answer.data("accounts.totalCount").clone())
    };
    assert_eq!(sees(&ann).await, (true, json!(1)));
    assert_eq!(sees(&mia).await, (true, json!(1)));
    assert_eq!(sees(world.admin()).await, (true, json!(1)));
    assert_eq!(sees(&bob).await, (false, json!(0)));

    ann.mutate("setTeamMember", "account { id }", json!({"accountId": acme, "userId": bob.id(), "role": "TECHNICAL"}))
        .await
        .done();
    assert_eq!(sees(&bob).await, (true, json!(1)));
    // A team member reads the account and does not change it.
    for (mutation, input) in [
        ("updateAccount", json!({"id": acme, "city": "Bonn"})),
        ("setTeamMember", json!({"accountId": acme, "userId": mia.id(), "role": "OTHER"})),
        ("removeTeamMember", json!({"accountId": acme, "userId": bob.id()})),
    ] {
        assert_eq!(bob.mutate(mutation, "account { id }", input).await.refusals()[0].0, "FORBIDDEN", "{mutation}");
    }
    ann.mutate("removeTeamMember", "account { id }", json!({"accountId": acme, "userId": bob.id()})).await.done();
    assert_eq!(sees(&bob).await, (false, json!(0)));
    // An account that is not visible is not found.
    let answer = bob.mutate("updateAccount", "account { id }", json!({"id": acme, "city": "Bonn"})).await;
    assert_eq!(answer.refusals(), [("NOT_FOUND".to_owned(), "input.id".to_owned())]);
}

#[on_both_databases]
async fn a_new_owner_sees_the_account_and_the_old_one_does_not(world: &World) {
    let (ann, bob) = (world.seller("Ann").await, world.seller("Bob").await);
    let acme = ann.account(json!({"name": "Acme"})).await;
    ann.mutate("updateAccount", "account { id }", json!({"id": acme, "ownerId": bob.id()})).await.done();
    assert_eq!(ann.query("{ accounts { totalCount } }").await.data("accounts.totalCount"), &json!(0));
    assert_eq!(bob.query("{ accounts { totalCount } }").await.data("accounts.totalCount"), &json!(1));
    // Only a manager above a user creates accounts for them.
    let answer = ann.mutate("createAccount", "account { id }", json!({"name": "B", "ownerId": bob.id()})).await;
    assert_eq!(answer.refusals(), [("FORBIDDEN".to_owned(), "input.ownerId".to_owned())]);
}

#[on_both_databases]
async fn archived_accounts_are_left_out_of_lists_until_restored(world: &World) {
    let admin = world.admin();
    let id = admin.account(json!({"name": "Acme"})).await;
    for _ in 0..2 {
        let answer = admin.mutate("archiveAccount", "account { archivedAt version }", json!({"id": id})).await.done();
        assert_eq!(answer.data("archiveAccount.account.version"), &json!(2));
    }
    let document = "{ out: accounts { totalCount } only: accounts(filter: {archived: ONLY}) { totalCount } all: accounts(filter: {archived: INCLUDE}) { totalCount } }";
    let answer = admin.query(document).await;
    assert_eq!(
        answer.data(""),
        &json!({"out": {"totalCount": 0}, "only": {"totalCount": 1}, "all": {"totalCount": 1}})
    );
    admin.mutate("restoreAccount", "account { id }", json!({"id": id})).await.done();
    assert_eq!(admin.query(document).await.data("out.totalCount"), &json!(1));
    let types = admin.query("{ events { nodes { type } } }").await;
    let types = types.each("events.nodes", "type");
    assert!(
        types.ends_with(&[&json!("account.created"), &json!("account.archived"), &json!("account.restored")]),
        "{types:?}"
    );
}

#[on_both_databases]
async fn pages_contain_every_row_once_in_every_order(world: &World) {
    let admin = world.admin();
    for number in 0..23 {
        // Some keys are equal, and some are missing.
        let mut fields = json!({"name": format!("n{}", number % 4)});
        if number % 3 != 0 {
            fields["potential"] = json!((number % 2).to_string());
        }
        admin.account(fields).await;
    }
    let orders = [
        "[]",
        "[{field: NAME}]",
        "[{field: NAME, direction: DESC}]",
        "[{field: POTENTIAL}]",
        "[{field: POTENTIAL, direction: DESC}]",
        "[{field: EMPLOYEES}]",
        "[{field: SCORE, direction: DESC}]",
        "[{field: CREATED_AT, direction: DESC}]",
        "[{field: POTENTIAL}, {field: NAME}]",
        "[{field: POTENTIAL, direction: DESC}, {field: NAME}]",
        "[{field: NAME, direction: DESC}, {field: POTENTIAL}, {field: UPDATED_AT, direction: DESC}]",
    ];
    for order in orders {
        let whole = admin
            .query(&format!("{{ accounts(orderBy: {order}, first: 200) {{ nodes {{ id potential {{ amount }} }} }} }}"))
            .await;
        let whole: Vec<String> =
            whole.each("accounts.nodes", "id").into_iter().map(|id| id.as_str().unwrap().to_owned()).collect();
        assert_eq!(whole.len(), 23);
        for (size, cursor, info, end) in
            [("first", "after", "hasNextPage", "endCursor"), ("last", "before", "hasPreviousPage", "startCursor")]
        {
            let mut read = Vec::new();
            let mut at = String::new();
            loop {
                let answer = admin
                    .query(&format!(
                        "{{ accounts(orderBy: {order}, {size}: 4 {at}) {{ edges {{ node {{ id }} cursor }} pageInfo {{ {info} {end} }} }} }}"
                    ))
                    .await;
                let page: Vec<String> = answer
                    .each("accounts.edges", "node.id")
                    .into_iter()
                    .map(|id| id.as_str().unwrap().to_owned())
                    .collect();
                let edges = answer.each("accounts.edges", "cursor");
                let outer = if size == "first" { edges.last() } else { edges.first() };
                assert_eq!(outer, Some(&answer.data(&format!("accounts.pageInfo.{end}"))));
                if size == "first" {
                    read.extend(page);
                } else {
                    read.splice(0..0, page);
                }
                if answer.data(&format!("accounts.pageInfo.{info}")) == &json!(false) {
                    break;
                }
                at = format!(", {cursor}: {}", answer.data(&format!("accounts.pageInfo.{end}")));
            }
            assert_eq!(read, whole, "{order} by {size}");
        }
    }
    // Nulls come last in ascending order, and first in descending order.
    let answer = admin.query("{ a: accounts(orderBy: {field: POTENTIAL}, last: 1) { nodes { potential { amount } } } d: accounts(orderBy: {field: POTENTIAL, direction: DESC}, first: 1) { nodes { potential { amount } } } }").await;
    assert_eq!(answer.data("a.nodes.0.potential"), &Value::Null);
    assert_eq!(answer.data("d.nodes.0.potential"), &Value::Null);
}

#[on_both_databases]
async fn a_cursor_remains_valid_while_rows_change(world: &World) {
    let admin = world.admin();
    let mut ids = Vec::new();
    for name in ["a", "c", "e", "g"] {
        ids.push(admin.account(json!({"name": name})).await);
    }
    let first =
        admin.query("{ accounts(orderBy: {field: NAME}, first: 2) { nodes { name } pageInfo { endCursor } } }").await;
    let cursor = first.data("accounts.pageInfo.endCursor");
    // The cursor's own row is archived, and rows are added before and after it.
    admin.mutate("archiveAccount", "", json!({"id": ids[1]})).await.done();
    for name in ["b", "d"] {
        admin.account(json!({"name": name})).await;
    }
    let rest =
        admin.query(&format!("{{ accounts(orderBy: {{field: NAME}}, after: {cursor}) {{ nodes {{ name }} }} }}")).await;
    assert_eq!(rest.each("accounts.nodes", "name"), ["d", "e", "g"]);
}

#[on_both_databases]
async fn invalid_page_arguments_are_rejected(world: &World) {
    let admin = world.admin();
    admin.account(json!({"name": "a"})).await;
    let cursor = admin
        .query("{ accounts(orderBy: {field: NAME}) { edges { cursor } } }")
        .await
        .text("accounts.edges.0.cursor")
        .to_owned();
    for arguments in [
        "first: 1, last: 1".to_owned(),
        "first: -1".to_owned(),
        "last: 201".to_owned(),
        "after: \"nonsense\"".to_owned(),
        "after: \"\"".to_owned(),
        format!("after: \"{}\"", &cursor[1..]),
        format!("after: \"{cursor}\""),
        format!("orderBy: {{field: NAME, direction: DESC}}, before: \"{cursor}\""),
        "orderBy: [{field: NAME}, {field: NAME}]".to_owned(),
        "orderBy: [{field: NAME}, {field: POTENTIAL}, {field: EMPLOYEES}, {field: CREATED_AT}]".to_owned(),
        "filter: {name: {eq: null}}".to_owned(),
        "filter: {not: null}".to_owned(),
    ] {
        let answer = admin.query(&format!("{{ accounts({arguments}) {{ totalCount }} }}")).await;
        assert_eq!(answer.error_code(), "BAD_USER_INPUT", "{arguments}");
    }
    let empty = admin.query("{ accounts(first: 0) { nodes { id } pageInfo { hasNextPage startCursor } } }").await;
    assert_eq!(empty.data("accounts"), &json!({"nodes": [], "pageInfo": {"hasNextPage": true, "startCursor": null}}));
}

#[on_both_databases]
async fn filters_never_evaluate_to_unknown(world: &World) {
    let admin = world.admin();
    admin.account(json!({"name": "Straße 100% _x", "industry": "Food", "employees": 5, "potential": "10.00", "domain": "a.com"})).await;
    admin.account(json!({"name": "STRASSE 100y zx", "industry": "Metal"})).await;
    admin.account(json!({"name": "Ångström", "employees": 7, "potential": "10.01"})).await;
    let filtered = async |filter: &str| {
        let answer = admin
            .query(&format!(
                "{{ accounts(filter: {filter}, orderBy: {{field: CREATED_AT}}) {{ nodes {{ name }} totalCount }} }}"
            ))
            .await;
        let names: String = answer
            .each("accounts.nodes", "name")
            .into_iter()
            .map(|name| name.as_str().unwrap().chars().next().unwrap())
            .collect();
        assert_eq!(answer.data("accounts.totalCount"), &json!(names.chars().count()), "{filter}");
        (names.replace("SS", "1 2"), answer.data("accounts.totalCount").as_i64().unwrap())
    };
    for (filter, expected) in [
        ("{}", 3),
        ("{name: {contains: \"strasse\"}}", 2),
        ("{name: {contains: \"0% _\"}}", 1),
        ("{name: {startsWith: \"STRASSE 100\"}}", 2),
        ("{name: {startsWith: \"\"}}", 3),
        ("{name: {contains: \"a\u{30a}NGSTR\"}}", 1),
        ("{name: {eq: \"ångström\"}}", 0),
        ("{name: {in: []}}", 0),
        ("{name: {in: [\"Ångström\", \"x\"]}}", 1),
        ("{industry: {ne: \"Food\"}}", 2),
        ("{industry: {isNull: true}}", 1),
        ("{not: {industry: {eq: \"Food\"}}}", 2),
        ("{not: {industry: {contains: \"o\"}}}", 2),
        ("{not: {employees: {gt: 5}}}", 2),
        ("{employees: {gte: 5, lt: 7}}", 1),
        ("{employees: {in: [5, 7]}}", 2),
        ("{or: []}", 0),
        ("{and: []}", 3),
        ("{or: [{employees: {eq: 5}}, {industry: {eq: \"Metal\"}}]}", 2),
        ("{potential: {gt: \"10\"}}", 1),
        ("{potential: {gte: \"10.001\"}}", 1),
        ("{potential: {lt: \"10.001\"}}", 1),
        ("{potential: {eq: \"10.001\"}}", 0),
        ("{potential: {lte: \"99999999999999999999\"}}", 2),
        ("{domain: {startsWith: \"A.\"}}", 1),
        ("{id: {in: [\"nonsense\"]}}", 0),
        ("{id: {ne: \"nonsense\"}}", 3),
        ("{standing: [PROSPECT]}", 3),
        ("{standing: [KEY, CLIENT]}", 0),
        ("{standing: []}", 0),
        ("{createdAt: {gt: \"2000-01-01T00:00:00Z\"}, updatedAt: {gt: \"2000-01-01T00:00:00Z\"}}", 3),
    ] {
        assert_eq!(filtered(filter).await.1, expected, "{filter}");
    }
}

#[on_both_databases]
async fn a_list_costs_the_same_statements_for_any_length(world: &World) {
    let admin = world.admin();
    let document = "{ accounts(first: 200) { totalCount nodes { name parent { name } owner { name manager { name } accounts(first: 2) { totalCount nodes { name } } }
        standing team { user { name } } booked { amount } history(first: 3) { nodes { type actor { ... on User { name } } subject { id } account { name } } } } } }";
    let parent = admin.account(json!({"name": "Holding"})).await;
    let (_, few) = count(world.server(), admin.query(document)).await;
    for number in 0..30 {
        admin.account(json!({"name": format!("a{number}"), "parentId": parent})).await;
    }
    let (answer, many) = count(world.server(), admin.query(document)).await;
    assert_eq!(answer.data("accounts.totalCount"), &json!(31));
    // One more for the parents, which the only account of the first list did not have.
    assert!(many <= few + 1, "{many} statements for 31 accounts, {few} for one");
}

#[on_both_databases]
async fn a_text_operand_has_at_most_a_thousand_characters(world: &World) {
    let admin = world.admin();
    admin.account(json!({"name": "Åland"})).await;
    let document = "query($filter: AccountFilter) { accounts(filter: $filter) { totalCount } }";
    for operand in ["eq", "ne", "contains", "startsWith"] {
        let found = |text: String| admin.send(document, json!({"filter": {"name": {operand: text}}}));
        let expected = usize::from(operand == "ne");
        assert_eq!(found("𝄞".repeat(1_000)).await.data("accounts.totalCount"), &json!(expected), "{operand}");
        assert_eq!(found("a".repeat(1_001)).await.error_code(), "BAD_USER_INPUT", "{operand}");
    }
}
