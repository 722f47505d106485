//! Hostile and malformed requests are rejected quickly, with a code that gives the reason, and never with an internal
//! error.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRng, TestRunner};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{Answer, Client, World, on_both_databases};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Much longer than any rejection takes, even on a busy machine.
const TIME_LIMIT: Duration = Duration::from_secs(5);

async fn raw(client: &Client, body: impl Into<String>) -> Answer {
    let request = client.request().header("content-type", "application/json");
    Answer::to(request.header("accept", "application/graphql-response+json").body(body.into())).await
}

#[on_both_databases]
async fn requests_beyond_the_limits_are_rejected_quickly(world: &World) {
    let admin = world.admin();
    let repeated = |part: &str, times: usize| part.repeat(times);
    let aliases: Vec<String> = (0..10_000).map(|number| format!("a{number}:__typename")).collect();
    let filter = "query($filter: AccountFilter) { accounts(filter: $filter) { totalCount } }";
    let with = |filter_is: String| format!(r#"{{"query":"{filter}","variables":{{"filter":{filter_is}}}}}"#);
    let query = |document: &str| json!({ "query": document }).to_string();
    let id = admin.id();
    let many = |value: &str, times: usize| vec![value; times].join(",");
    for (what, body, status, code) in [
        ("10,000 aliases", query(&format!("{{ {} }}", aliases.join(" "))), 400, "LIMIT_EXCEEDED"),
        ("300 aliases", query(&format!("{{ {} }}", aliases[..300].join(" "))), 400, "LIMIT_EXCEEDED"),
        (
            "directives",
            query(&format!("{{ __typename {} }}", repeated("@skip(if: false) ", 101))),
            400,
            "LIMIT_EXCEEDED",
        ),
        ("unknown directive", query("{ __typename @nonsense }"), 400, "GRAPHQL_VALIDATION_FAILED"),
        ("5 MB of whitespace", repeated(" ", 5_000_000), 413, "LIMIT_EXCEEDED"),
        (
            "whitespace in a document",
            query(&format!("{{{}__typename }}", repeated("\n", 100_000))),
            400,
            "LIMIT_EXCEEDED",
        ),
        ("30 nots", with(format!("{}{{}}{}", repeated("{\"not\":", 30), repeated("}", 30))), 200, "BAD_USER_INPUT"),
        (
            "10,000 nots",
            with(format!("{}{{}}{}", repeated("{\"not\":", 10_000), repeated("}", 10_000))),
            400,
            "BAD_USER_INPUT",
        ),
        ("10,000 ors", with(format!("{{\"or\":[{}]}}", many("{}", 10_000))), 200, "BAD_USER_INPUT"),
        (
            "an in of 5,000 ids",
            with(format!("{{\"id\":{{\"in\":[{}]}}}}", many(&format!("\"{id}\""), 5_000))),
            200,
            "BAD_USER_INPUT",
        ),
        (
            "an in of 100,000 ids",
            with(format!("{{\"id\":{{\"in\":[{}]}}}}", many(&format!("\"{id}\""), 100_000))),
            413,
            "LIMIT_EXCEEDED",
        ),
        (
            "100,000 numbers in 200 ins",
            with(format!("{{\"or\":[{}]}}", many(&format!("{{\"employees\":{{\"in\":[{}]}}}}", many("1", 500)), 199))),
            400,
            "LIMIT_EXCEEDED",
        ),
        ("nested brackets", query(&format!("{{ accounts(filter: {}", repeated("{not:", 5_000))), 400, "LIMIT_EXCEEDED"),
    ] {
        let begun = Instant::now();
        let answer = raw(admin, body).await;
        assert!(begun.elapsed() < TIME_LIMIT, "{what}: {:?}", begun.elapsed());
        assert!(
            answer.body["data"].as_object().is_none_or(|data| data.values().all(Value::is_null)),
            "{what}: {answer}"
        );
        assert_eq!((answer.status.as_u16(), answer.error_code()), (status, code), "{what}: {answer}");
    }
    let answer = admin.query("{ __typename @skip(if: true) me { id } __typename @include(if: false) }").await;
    assert_eq!(answer.data(""), &json!({"me": {"id": id}}));
}

#[on_both_databases]
async fn invalid_values_are_rejected(world: &World) {
    let admin = world.admin();
    let typed = |of: &str, field: &str, value: &str| {
        format!(r#"{{"query":"query($v: {of}) {{ accounts({field}) {{ totalCount }} }}","variables":{{"v":{value}}}}}"#)
    };
    let document = |text: &str| json!({ "query": text }).to_string();
    for body in [
        typed("Int", "first: $v", "1e400"),
        typed("Int", "first: $v", "1e5"),
        typed("Int", "first: $v", "99999999999999999999"),
        typed("Int", "first: $v", "-0.5"),
        typed("Decimal", "filter: {potential: {eq: $v}}", "1e400"),
        typed("Decimal", "filter: {potential: {eq: $v}}", "\"1e400\""),
        typed("Decimal", "filter: {potential: {eq: $v}}", "\"NaN\""),
        typed("String", "after: $v", "\"\\ud800\""),
        typed("String", "after: $v", "\"\\udc00\\ud800\""),
        typed("String", "after: $v", "\"\\u0000\""),
        typed("DateTime", "filter: {createdAt: {gt: $v}}", "\"9999-99-99T99:99:99Z\""),
        typed("DateTime", "filter: {createdAt: {gt: $v}}", "\"+999999-01-01T00:00:00Z\""),
        r#"{"query":"query($v: AccountFilter!) { accounts(filter: $v) { totalCount } }"}"#.to_owned(),
        r#"{"query":"query($v: AccountFilter!) { accounts(filter: $v) { totalCount } }","variables":{"w":{}}}"#
            .to_owned(),
        r#"{"query":"{ accounts(filter: $v) { totalCount } }","variables":{"v":{}}}"#.to_owned(),
        r#"{"query":"{ \ud800 }"}"#.to_owned(),
        document("{ accounts(first: 1e400) { totalCount } }"),
        document("{ accounts(first: 99999999999999999999999) { totalCount } }"),
        document("{ accounts(filter: {potential: {eq: 1e400}}) { totalCount } }"),
        document("{ accounts(after: \"\\uD800\") { totalCount } }"),
        document("{ accounts(after: \"\\u{110000}\") { totalCount } }"),
    ] {
        let answer = raw(admin, body.clone()).await;
        let code = answer.error_code();
        assert!(
            ["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"].contains(&code),
            "{body}: {answer}"
        );
    }
    // A variable that is not declared is ignored, and NUL is accepted where a text is only compared.
    let body = r#"{"query":"query($v: String) { accounts(filter: {name: {eq: $v}}) { totalCount } }","variables":{"v":"\u0000","w":1e400}}"#;
    let answer = raw(admin, body).await;
    assert!(answer.status.as_u16() < 500 && !answer.to_string().contains("INTERNAL"), "{answer}");
}

#[on_both_databases]
async fn forged_tokens_are_rejected(world: &World) {
    let ann = world.seller("Ann").await;
    let answer = ann.query("{ me { id } }").await;
    assert_eq!(answer.text("me.id"), ann.id());
    let token = ann.request().build().unwrap().headers()["authorization"].to_str().unwrap().replace("Bearer ", "");
    let parts: Vec<&str> = token.split('.').collect();
    let header = |algorithm: &str| {
        data_encoding::BASE64URL_NOPAD.encode(json!({"alg": algorithm, "typ": "JWT"}).to_string().as_bytes())
    };
    for forged in [
        format!("{}.{}.", header("none"), parts[1]),
        format!("{}.{}.{}", header("none"), parts[1], parts[2]),
        format!("{}.{}.{}", header("HS512"), parts[1], parts[2]),
        format!("{}.{}.{}", header("RS256"), parts[1], parts[2]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{token}."),
        "..".to_owned(),
    ] {
        let answer = world.stranger().with_token(&forged).query("{ me { id } }").await;
        assert_eq!((answer.status, answer.error_code()), (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"), "{forged}");
    }
}

#[on_both_databases]
async fn a_request_whose_session_ends_while_it_arrives_is_rejected(world: &World) {
    let ann = world.seller("Ann").await;
    let authorization = ann.request().build().unwrap().headers()["authorization"].to_str().unwrap().to_owned();
    let body = json!({"query": "mutation { createAccount(input: {name: \"Late\"}) { account { id } } }"}).to_string();
    let address = world.server().root().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: callshot\r\nauthorization: {authorization}\r\ncontent-type: application/json\r\n\
         connection: close\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body after it has read the headers, with which the session was still valid.
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(ann.query("mutation { signOut { signedOut } }").await.data("signOut.signedOut"), &json!(true));
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("UNAUTHENTICATED"), "{answer}");
    assert_eq!(world.admin().query("{ accounts { totalCount } }").await.data("accounts.totalCount"), &json!(0));
}

/// Returns filters of all kinds, nested up to the limit and beyond, with operands that are valid, almost valid and
/// invalid.
fn filters() -> impl Strategy<Value = Value> {
    let text = || prop_oneof!["\\PC{0,12}", "[%_\\\\'\"a]{0,6}", Just("\u{0}".to_owned())];
    let id = || {
        prop_oneof![
            "[a-z]{1,7}_[0-9a-hjkmnp-tv-z]{26}",
            "\\PC{0,8}",
            Just("account_01h455vb4pex5vsknk084sn02q".to_owned())
        ]
    };
    let number = || {
        prop_oneof![
            any::<i32>().prop_map(|number| json!(number)),
            Just(Value::Null),
            any::<i64>().prop_map(|number| json!(number))
        ]
    };
    let decimal = || prop_oneof!["-?[0-9]{1,30}(\\.[0-9]{1,10})?", "\\PC{0,5}", Just("1e400".to_owned())];
    let instant = || prop_oneof!["[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z", "\\PC{0,5}"];
    let operand =
        |operator: &'static str, value: BoxedStrategy<Value>| value.prop_map(move |value| json!({ operator: value }));
    let of_text = prop_oneof![
        (prop::sample::select(vec!["eq", "ne", "contains", "startsWith"]), text())
            .prop_map(|(operator, text)| json!({ operator: text })),
        operand("in", prop::collection::vec(text(), 0..40).prop_map(|all| json!(all)).boxed()),
        operand("isNull", any::<bool>().prop_map(|flag| json!(flag)).boxed()),
    ];
    let of_id = prop_oneof![
        (prop::sample::select(vec!["eq", "ne"]), id()).prop_map(|(operator, id)| json!({ operator: id })),
        operand("in", prop::collection::vec(id(), 0..6).prop_map(|all| json!(all)).boxed()),
    ];
    let compared = prop::sample::select(vec!["eq", "gt", "gte", "lt", "lte"]);
    let leaf = prop_oneof![
        (prop::sample::select(vec!["name", "domain", "industry", "country", "city"]), of_text)
            .prop_map(|(field, filter)| json!({ field: filter })),
        (prop::sample::select(vec!["id", "ownerId", "parentId", "teamMemberId"]), of_id)
            .prop_map(|(field, filter)| json!({ field: filter })),
        (compared.clone(), number()).prop_map(|(operator, number)| json!({"employees": { operator: number }})),
        (compared.clone(), decimal()).prop_map(|(operator, number)| json!({"potential": { operator: number }})),
        (prop::sample::select(vec!["gt", "lte"]), instant())
            .prop_map(|(operator, at)| json!({"createdAt": { operator: at }})),
        (text(), text()).prop_map(|(source, id)| json!({"externalId": {"source": source, "id": id}})),
        prop::collection::vec(prop::sample::select(vec!["PROSPECT", "CLIENT", "KEY", "NONE"]), 0..4)
            .prop_map(|all| json!({ "standing": all })),
        Just(json!({})),
    ];
    leaf.prop_recursive(9, 60, 12, |inner| {
        prop_oneof![
            (prop::sample::select(vec!["and", "or"]), prop::collection::vec(inner.clone(), 0..12))
                .prop_map(|(join, all)| json!({ join: all })),
            inner.clone().prop_map(|one| json!({ "not": one })),
            (inner.clone(), inner).prop_map(|(mut one, other)| {
                if let (Value::Object(one), Value::Object(other)) = (&mut one, other) {
                    one.extend(other);
                }
                one
            }),
        ]
    })
}

#[on_both_databases]
async fn random_filters_are_answered_or_rejected(world: &World) {
    let (admin, ann) = (world.admin(), world.seller("Ann").await);
    let parent = ann.account(json!({"name": "100% _Acme_ \\ 'Söhne'", "domain": "acme.example", "employees": 7})).await;
    ann.account(json!({"name": "Łódź", "parentId": parent, "potential": "12.50"})).await;
    let document = "query($filter: AccountFilter) { accounts(filter: $filter) { totalCount nodes { id } } }";
    let config = Config::default();
    // An eighth of proptest's usual number, for each case sends up to four requests. PROPTEST_CASES sets it.
    let cases = config.cases / 8;
    let mut runner = TestRunner::new_with_rng(config.clone(), TestRng::deterministic_rng(config.rng_algorithm));
    let strategy = filters();
    let mut answered = 0;
    for _ in 0..cases {
        let filter = strategy.new_tree(&mut runner).unwrap().current();
        for client in [&**admin, &*ann] {
            let answer = client.send(document, json!({ "filter": filter })).await;
            if answer.body.get("errors").is_none() {
                // A filter and its negation together match every row.
                let count = answer.data("accounts.totalCount").as_u64().unwrap();
                let not = client.send(document, json!({ "filter": {"not": filter} })).await;
                if not.body.get("errors").is_none() {
                    assert_eq!(count + not.data("accounts.totalCount").as_u64().unwrap(), 2, "{filter}");
                }
                answered += 1;
            } else {
                let codes = ["BAD_USER_INPUT", "LIMIT_EXCEEDED"];
                assert!(codes.contains(&answer.error_code()), "{filter}: {answer}");
            }
        }
    }
    assert!(answered > cases / 8, "only {answered} of {cases} filters were good ones");
}

#[on_both_databases]
async fn unknown_event_types_are_rejected(world: &World) {
    let events = async |kind: &str| {
        world
            .admin()
            .send(
                "query($types: [String!]) { events(filter: {types: $types}) { nodes { id } } }",
                json!({"types": [kind]}),
            )
            .await
    };
    for (kind, instead) in
        [("account.creatd", "events of account are created, updated"), ("x", "nouns with events are account, booking")]
    {
        let answer = events(kind).await;
        assert_eq!(answer.error_code(), "BAD_USER_INPUT");
        assert!(answer.body["errors"][0]["message"].as_str().unwrap().contains(instead), "{answer}");
    }
    assert_eq!(events("organization.created").await.each("events.nodes", "id").len(), 1);
}

#[on_both_databases]
async fn an_invalid_date_is_reported_with_its_row(world: &World) {
    let row = |number: u32, day: &str, amount: &str| {
        json!({"externalId": {"source": "crm", "id": number.to_string()},
        "account": {"domain": "acme.example"}, "amount": amount, "bookedOn": day})
    };
    let rows = json!([row(1, "2026-02-28", "1"), row(2, "2026-02-30", "1"), row(3, "2026-02-28", "1,5")]);
    let selection = "results { userErrors { code message field } }";
    let answer = world.admin().mutate("upsertBookings", selection, json!({ "rows": rows })).await.done();
    for (row, field, message) in [
        (0, "account", "There is no account with the domain acme.example."),
        (1, "bookedOn", "\"2026-02-30\" is not a valid Date, which must be a date like"),
        (2, "amount", "\"1,5\" is not a valid Decimal, which must be a string with a number"),
    ] {
        let errors = answer.data(&format!("upsertBookings.results.{row}.userErrors")).as_array().unwrap();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!(errors[0]["field"], json!(["input", "rows", row.to_string(), field]));
        assert!(errors[0]["message"].as_str().unwrap().starts_with(message), "{errors:?}");
    }
}
