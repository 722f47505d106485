//! Documents are judged as the specification does, within bounded time, and their errors help.

use std::time::{Duration, Instant};

use graphql_document::DocumentErrorKind;
use serde_json::json;
use tests::documents::{Judge, judged_documents};
use tests::{Client, World, on_both_databases};

#[tokio::test]
async fn every_document_gets_the_verdict_of_the_specification() {
    let judge = Judge::new().await;
    let mut count = 0;
    for document in judged_documents() {
        let errors = judge.errors(document.text);
        assert_eq!(errors.is_empty(), document.is_valid, "{}: {errors:?}\n{}", document.title, document.text);
        for (_, message) in errors {
            assert!(message.ends_with(['.', '?']) && message.len() < 500, "{message}");
        }
        count += 1;
    }
    assert!(count > 200, "{count}");
}

/// Returns documents of at most 32 KB that are expensive to validate in a naive way.
fn hostile_documents() -> Vec<(&'static str, String)> {
    let many = |count: usize, part: &dyn Fn(usize) -> String| (0..count).map(part).collect::<String>();
    let repeated = |part: &str, count: usize| part.repeat(count);
    vec![
        ("the same field 5,000 times", format!("{{ {} }}", repeated("me{id}", 2_400))),
        (
            "nested fields that are each selected twice",
            format!("{{ {} }}", {
                let mut inner = "id".to_owned();
                for _ in 0..10 {
                    inner = format!("manager{{{inner}}}manager{{{inner}}}");
                }
                format!("me{{{inner}}}")
            }),
        ),
        (
            "fragments that each select the next one twice",
            format!(
                "{{me{{...f0}}}}{}fragment f12 on User{{id}}",
                many(12, &|number| format!(
                    "fragment f{number} on User{{manager{{...f{0}}}manager{{...f{0}}}}}",
                    number + 1
                ))
            ),
        ),
        (
            "many fragments in one place that select the same",
            format!(
                "{{me{{{}}}}}{}",
                many(500, &|number| format!("...f{number} ")),
                many(500, &|number| format!("fragment f{number} on User{{id manager{{id}}}}"))
            ),
        ),
        (
            "long arguments of the same field",
            format!("{{ {} }}", repeated(&format!("nodes(ids:[{}]){{id}}", repeated("7 ", 2_000)), 8)),
        ),
        (
            "fields that differ under one alias",
            format!("{{ {} }}", many(190, &|number| format!("a:accounts(first:{number}){{totalCount}}"))),
        ),
        ("unknown fields", format!("{{ {} }}", many(4_000, &|number| format!("x{number} ")))),
        (
            "unknown variables",
            format!("{{ nodes(ids: [{}]) {{ id }} }}", many(4_000, &|number| format!("$v{number} "))),
        ),
        (
            "operations with variables that one fragment uses",
            format!(
                "{}fragment f on Query{{nodes(ids:[{}]){{id}}}}",
                many(800, &|number| format!("query q{number}($a:ID!){{...f}}")),
                repeated("$a ", 3_000)
            ),
        ),
        (
            "operations without the variables of their fragment",
            format!(
                "{}fragment f on Query{{nodes(ids:[{}]){{id}}}}",
                many(1_000, &|number| format!("query q{number}{{...f}}")),
                many(1_000, &|number| format!("$v{number} "))
            ),
        ),
        ("the same argument", format!("{{ accounts({}) {{ totalCount }} }}", repeated("first:1 ", 4_000))),
        (
            "the same field of an object",
            format!("{{ accounts(filter: {{{}}}) {{ totalCount }} }}", repeated("a:1 ", 8_000)),
        ),
        ("the same operation", repeated("query a{me{id}}", 2_000)),
        ("the same fragment", format!("{{me{{...a}}}}{}", repeated("fragment a on User{id}", 1_400))),
        (
            "nested objects",
            format!("{{accounts(filter:{}{}){{totalCount}}}}", repeated("{not:", 97), repeated("}", 97)),
        ),
        (
            "a long string of escapes",
            format!("{{accounts(after:\"{}\"){{totalCount}}}}", repeated("\\ud83d\\ude00", 2_700)),
        ),
        (
            "a long block string",
            format!("{{accounts(after:\"\"\"{}\"\"\"){{totalCount}}}}", repeated("\n \\\"\"\"", 5_000)),
        ),
        ("one long line of names", format!("{{me{{{}}}}}", repeated("id ", 4_900))),
        ("empty lines", format!("{{{}me{{id}}}}", repeated("\r\n", 15_000))),
        ("a long name", format!("{{{}}}", repeated("x", 32_000))),
        (
            "unions and interfaces",
            format!(
                "{{node(id:1){{{}}}}}",
                many(100, &|number| {
                    let types = ["Account", "Contact", "User", "Touch", "Booking"];
                    format!("...on Node{{id ...on {}{{id}}}}", types[number % types.len()])
                })
            ),
        ),
    ]
}

#[tokio::test]
async fn hostile_documents_are_judged_in_bounded_time() {
    let judge = Judge::new().await;
    for (what, text) in hostile_documents() {
        assert!(text.len() <= 32_768, "{what}: {}", text.len());
        let begun = Instant::now();
        let errors = judge.errors(&text);
        let took = begun.elapsed();
        println!("{what}: {took:?}, {} errors", errors.len());
        // A debug build on a busy machine; a release build takes less than a tenth.
        assert!(took < Duration::from_secs(2), "{what}: {took:?}");
        assert!(errors.len() <= 50, "{what}: {}", errors.len());
        assert!(errors.iter().all(|(_, message)| message.len() < 600), "{what}: {errors:?}");
    }
}

#[tokio::test]
async fn a_large_document_is_not_parsed() {
    let judge = Judge::new().await;
    for text in [" ".repeat(1_000_000), "{".repeat(1_000_000), "\"".repeat(1_000_000)] {
        let errors = judge.errors(&text);
        assert_eq!(
            errors[0],
            (DocumentErrorKind::Limit, "The document has 1000000 bytes; at most 32768 are allowed.".to_owned())
        );
    }
}

#[on_both_databases]
async fn an_invalid_document_is_answered_with_places_and_suggestions(world: &World) {
    let document = "query($id: ID) {\n  acounts { totalCount }\n  node(id: $id) { id }\n}";
    let answer = world.admin().send(document, json!({"id": "x"})).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.body["errors"],
        json!([
            {
                "message": "`Query` has no field `acounts`. Did you mean `accounts`?",
                "locations": [{"line": 2, "column": 3}],
                "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"},
            },
            {
                "message": "The variable `$id` has the type `ID`; `ID!` is needed here.",
                "locations": [{"line": 1, "column": 7}, {"line": 3, "column": 12}],
                "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"},
            },
        ])
    );
    let answer = world.admin().query("{ me { id }\n  'x' }").await;
    assert_eq!(answer.error_code(), "GRAPHQL_PARSE_FAILED");
    assert_eq!(answer.body["errors"][0]["locations"], json!([{"line": 2, "column": 3}]));
}

#[on_both_databases]
async fn strings_of_every_notation_arrive(world: &World) {
    let admin = world.admin();
    let document = r#"mutation {
        a: createAccount(input: {name: "\ud83d\ude00 A"}) { account { name } }
        b: createAccount(input: {name: "\u{1F600} B"}) { account { name } }
        c: createAccount(input: {name: "😀 C", description: """
            one
              "two" \u0041
        """}) { account { name description } }
    }"#;
    let answer = admin.query(document).await;
    assert_eq!(answer.text("a.account.name"), "😀 A");
    assert_eq!(answer.text("b.account.name"), "😀 B");
    assert_eq!(answer.data("c.account"), &json!({"name": "😀 C", "description": "one\n  \"two\" \\u0041"}));
}

#[on_both_databases]
async fn a_document_with_several_operations_runs_the_one_that_is_named(world: &World) {
    let document = "query A { me { name } } query B($first: Int!) { accounts(first: $first) { totalCount } }";
    for _ in 0..2 {
        let body = json!({"query": document, "operationName": "A"});
        let answer = tests::Answer::to(world.admin().request().json(&body)).await;
        assert_eq!(answer.text("me.name"), "Ada Admin");
        let body = json!({"query": document, "operationName": "B", "variables": {"first": 1}});
        let answer = tests::Answer::to(world.admin().request().json(&body)).await;
        assert_eq!(answer.data("accounts.totalCount"), &json!(0));
        let body = json!({"query": document, "operationName": "C".repeat(5_000)});
        let answer = tests::Answer::to(world.admin().request().json(&body)).await;
        assert_eq!(answer.error_code(), "BAD_USER_INPUT");
        assert!(answer.body["errors"][0]["message"].as_str().unwrap().len() < 300, "{answer}");
    }
}

#[on_both_databases]
async fn introspection_may_be_asked_for_together_with_data(world: &World) {
    let document =
        "query($no: Boolean = false) { me { name } __type(name: \"User\") { name kind @include(if: $no) } ...rest }
        fragment rest on Query { __schema { queryType { name } } }";
    for _ in 0..2 {
        let answer = world.admin().query(document).await;
        assert_eq!(
            answer.data(""),
            &json!({
                "me": {"name": "Ada Admin"},
                "__type": {"name": "User"},
                "__schema": {"queryType": {"name": "Query"}},
            })
        );
    }
}

#[on_both_databases]
async fn a_variable_that_is_null_where_a_default_applies_is_named(world: &World) {
    let admin = world.admin();
    let document =
        "query($direction: Direction) { accounts(orderBy: {field: NAME, direction: $direction}) { totalCount } }";
    assert_eq!(admin.send(document, json!({})).await.data("accounts.totalCount"), &json!(0));
    let answer = admin.send(document, json!({"direction": null})).await;
    assert_eq!(answer.error_code(), "BAD_USER_INPUT");
    assert_eq!(
        answer.body["errors"][0]["message"],
        "`accounts` needs a value for `$direction`, which is null: give one, or leave it out."
    );
    // Other variables may be null.
    let document = "query($first: Int, $order: Direction = DESC, $second: Direction, $after: String) {
        accounts(first: $first, orderBy: [{field: NAME, direction: $order}, {field: SCORE, direction: $second}], after: $after) {
            totalCount } }";
    let nulls = json!({"first": null, "after": null});
    assert_eq!(admin.send(document, nulls).await.data("accounts.totalCount"), &json!(0));
    for (variables, at_fault) in [
        (json!({"first": null, "after": null, "order": null}), "order"),
        (json!({"first": null, "after": null, "second": null}), "second"),
        (json!({"first": null, "order": null, "second": null}), "order"),
    ] {
        let answer = admin.send(document, variables).await;
        let expected = format!("`accounts` needs a value for `${at_fault}`, which is null: give one, or leave it out.");
        assert_eq!(answer.body["errors"][0]["message"], expected);
    }
}

/// Sends a request and returns the answer as text, in which numbers keep their digits.
async fn text(client: &Client, body: String) -> String {
    let request = client.request().header("content-type", "application/json").body(body);
    request.send().await.unwrap().text().await.unwrap()
}

#[on_both_databases]
async fn custom_fields_keep_every_digit(world: &World) {
    let admin = world.admin();
    let document =
        "mutation($input: CreateAccountInput!) { createAccount(input: $input) { account { id customFields } } }";
    let given = r#"{"rate": 1.50, "large": 12345678901234567890123, "list": [0.1000000000000000055, -0.0, 7]}"#;
    let kept = given.replace(": ", ":").replace(", ", ",");
    let body = format!(
        r#"{{"query": {}, "variables": {{"input": {{"name": "A", "externalIds": [{{"source": "crm", "id": "1"}}], "customFields": {given}}}}}}}"#,
        json!(document)
    );
    let answer = text(admin, body).await;
    assert!(answer.contains(&format!("\"customFields\":{kept}")), "{answer}");
    let id =
        serde_json::from_str::<serde_json::Value>(&answer).unwrap()["data"]["createAccount"]["account"]["id"].clone();
    // In a literal, next to a variable.
    let document = "mutation($rate: JSON) { createAccount(input: {name: \"B\", customFields: {rate: 2.50, given: $rate}}) { account { customFields } } }";
    let body = format!(r#"{{"query": {}, "variables": {{"rate": 3.00}}}}"#, json!(document));
    let answer = text(admin, body).await;
    assert!(answer.contains(r#""customFields":{"rate":2.50,"given":3.00}"#), "{answer}");
    // A row of an upsert merges its fields with those that are there.
    let row = r#"{"externalId": {"source": "crm", "id": "1"}, "customFields": {"rate": 1.5, "new": 1e2}}"#;
    let document = "mutation($input: UpsertAccountsInput!) { upsertAccounts(input: $input) { results { status } } }";
    let body = format!(r#"{{"query": {}, "variables": {{"input": {{"rows": [{row}]}}}}}}"#, json!(document));
    let answer = text(admin, body).await;
    assert!(answer.contains("UPDATED"), "{answer}");
    let merged = kept.replace("1.50", "1.5").replace("7]}", "7],\"new\":1e2}");
    let body = json!({"query": format!("{{ node(id: {id}) {{ ... on Account {{ customFields }} }} }}")}).to_string();
    let answer = text(admin, body).await;
    assert!(answer.contains(&format!("\"customFields\":{merged}")), "{answer}");
    // The feed has the same numbers.
    let body = json!({"query": "{ events(first: 50) { nodes { type changes } } }"}).to_string();
    let answer = text(admin, body).await;
    for change in
        [format!("\"customFields\":{{\"from\":null,\"to\":{kept}}}"), format!("\"from\":{kept},\"to\":{merged}")]
    {
        assert!(answer.contains(&change), "{change}: {answer}");
    }
}
