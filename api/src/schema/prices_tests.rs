//! Prices of documents against the schema itself.

use std::sync::LazyLock;

use async_graphql::parser::parse_query;
use proptest::prelude::*;
use serde_json::json;

use async_graphql::Variables;
use graphql_http::cost::*;
use graphql_http::document;

use super::*;

static PRICES: LazyLock<Prices> = LazyLock::new(prices);

fn whole_price(text: &str, variables: serde_json::Value) -> Price {
    let document = parse_query(text).unwrap();
    let operation = document::operation(&document, None).unwrap();
    PRICES.price(&document, operation, &Variables::from_json(variables), None)
}

fn price_with(text: &str, variables: serde_json::Value) -> u64 {
    whole_price(text, variables).points
}

fn price(text: &str) -> u64 {
    price_with(text, json!({}))
}

#[test]
fn an_object_is_a_point_and_scalars_are_free() {
    assert_eq!(price("{ __typename }"), 1);
    assert_eq!(price("{ me { id name email role } }"), 1);
    assert_eq!(price("{ me { manager { manager { name } } } }"), 3);
    assert_eq!(
        price("{ account(by: {domain: \"a.example\"}) { name potential { amount currency } owner { name } } }"),
        2,
        "an amount is part of the account"
    );
    assert_eq!(price("{ a: me { id } b: me { id } me { id } }"), 3, "whatever it is called");
    // An object has one type at a time: the most expensive fragment counts, and what holds for all types.
    assert_eq!(price("{ node(id: \"x\") { id ... on Account { owner { id } } ... on User { manager { id } } } }"), 2);
    let subject = "{ events(first: 10) { nodes { subject { id ...a ... on Contact { name }
        ... on Touch { contacts { name } account { id } } } } } }
        fragment a on Account { owner { id } contacts(first: 3) { nodes { id } } }";
    assert_eq!(price(subject), 10 * (1 + 1 + (5 + 1)));
    assert_eq!(price("{ accounts(first: 100) { nodes { externalIds { source id } } } }"), 100);
    assert_eq!(price("{ viewer { ... on User { manager { id } } } }"), 2);
}

#[test]
fn a_page_costs_its_size_times_its_items() {
    assert_eq!(price("{ accounts { nodes { name } } }"), 25);
    assert_eq!(price("{ accounts(first: 200) { nodes { name } } }"), 200);
    assert_eq!(price("{ accounts(last: 7) { edges { cursor node { name } } pageInfo { endCursor } } }"), 7);
    assert_eq!(price("{ accounts(first: 7) { edges { cursor } } }"), 7);
    assert_eq!(price("{ accounts(first: 7) { pageInfo { hasNextPage } } }"), 7, "it is read all the same");
    assert_eq!(price("{ accounts(first: 10) { nodes { owner { id } } edges { node { owner { id } } } } }"), 40);
    assert_eq!(price("{ accounts(first: 0) { nodes { name } } }"), 1);
    let book = "{ accounts(orderBy: {field: NAME}, first: 20) { nodes { name owner { name }
        contacts(first: 5) { nodes { name } } touches(first: 5) { nodes { kind } } booked { amount } } } }";
    assert_eq!(price(book), 20 * (1 + 1 + 5 + 5));
    assert_eq!(
        price("{ accounts(first: 200) { nodes { touches(first: 200) { nodes { contacts { name } } } } } }"),
        200 * (1 + 200 * 6)
    );
}

#[test]
fn the_page_size_may_come_with_the_variables() {
    let page = "query($size: Int = 40) { accounts(first: $size) { nodes { name } } }";
    assert_eq!(price(page), 40);
    assert_eq!(price_with(page, json!({"size": 3})), 3);
    assert_eq!(price_with(page, json!({"size": null})), 25);
    assert_eq!(price("query($size: Int) { accounts(first: $size) { nodes { name } } }"), 25);
    assert_eq!(price("{ accounts(first: null) { nodes { name } } }"), 25);
    // What the execution refuses is not read.
    assert_eq!(price("{ accounts(first: 999999) { nodes { name } } }"), 200);
    assert_eq!(price_with(page, json!({"size": -5})), 25);
    assert_eq!(price("{ accounts(first: 3, last: 90) { nodes { name } } }"), 90);
}

#[test]
fn what_is_left_out_costs_nothing() {
    let document = "query($no: Boolean!, $yes: Boolean = true) {
        a: me @skip(if: $yes) { id } b: me @include(if: $no) { id } ...f @include(if: $no)
        ... @skip(if: true) { c: me { id } } d: me @include(if: $yes) @skip(if: $no) { id } }
        fragment f on Query { accounts { nodes { id } } }";
    assert_eq!(price_with(document, json!({"no": false})), 1);
    assert_eq!(price_with(document, json!({"no": true})), 1 + 25);
    // A condition that is none is priced as asked: the execution says what is wrong.
    assert_eq!(price("query($x: Boolean) { me @skip(if: $x) { id } }"), 1);
}

#[test]
fn a_fragment_costs_where_it_is_spread() {
    let spread =
        "{ accounts(first: 10) { ...page } } fragment page on AccountConnection { nodes { ...row } totalCount }
        fragment row on Account { owner { id } contacts(first: 2) { ...people } }
        fragment people on ContactConnection { nodes { name } totalCount }";
    assert_eq!(price(spread), 10 * (1 + 1 + 2 + COUNT_OF_ONE) + COUNT_ALL);
    assert_eq!(price("{ ...nobody me { id } }"), 1);
}

/// 60 fragments, each of which spreads the next one twice.
#[test]
fn fragments_of_fragments_are_priced_once_and_sums_stop() {
    let spreading = |number| format!("fragment f{number} on Query {{ ...f{0} ...f{0} }} ", number + 1);
    let mut text: String = (0..60).map(spreading).collect();
    text += "{ ...f0 } fragment f60 on Query { accounts(first: 200) { nodes { contacts(first: 200) { nodes { touches { nodes { id } } } } } } }";
    assert_eq!(price(&text), u64::MAX);
}

#[test]
fn what_reads_more_than_it_answers_is_dearer() {
    assert_eq!(price("{ accounts(first: 1) { totalCount } }"), 1 + COUNT_ALL);
    assert_eq!(price("{ accounts(first: 1) { nodes { contacts(first: 1) { totalCount } } } }"), 1 + 1 + COUNT_OF_ONE);
    assert_eq!(price("{ accounts(first: 5, filter: {name: {contains: \"x\"}}) { nodes { id } } }"), 5 + FILTER_ALL + 1);
    assert_eq!(price("{ accounts(first: 5, filter: {}) { nodes { id } } }"), 5);
    let filtered =
        "query($f: AccountFilter) { accounts(first: 5, filter: {or: [$f, {city: {eq: \"x\"}}]}) { nodes { id } } }";
    let many = json!({"f": {"name": {"in": vec!["x"; 1_000]}}});
    assert_eq!(price_with(filtered, many), 5 + FILTER_ALL + 1_000 + 1);
    assert_eq!(price("{ events(first: 5, filter: {types: [\"a\", \"b\"]}) { nodes { id } } }"), 5 + FILTER_ALL + 2);
    for one in ["subjectId", "accountId"] {
        assert_eq!(price(&format!("{{ events(first: 5, filter: {{{one}: \"a\"}}) {{ nodes {{ id }} }} }}")), 5 + 1);
    }
    assert_eq!(price("{ events(first: 5, filter: {actorId: \"a\"}) { nodes { id } } }"), 5 + FILTER_ALL + 1);
    // Presence is computed for every account, also for a list of one.
    let of_one = "{ account(by: {id: \"a\"}) { contacts(first: 1, filter: {not: {account: {presence: {gte: 0.5}}}}) { nodes { id } } } }";
    assert_eq!(price(of_one), 1 + 1 + FILTER_ALL + 1);
    let given = "query($f: AccountFilter) { accounts(first: 5, filter: $f) { nodes { id } } }";
    let filter = json!({"f": {"id": {"eq": "a"}, "presence": {"lt": 0.5}}});
    assert_eq!(price_with(given, filter), 5 + FILTER_ALL + 2);
    let sums = "{ analytics { touches(groupBy: [USER, MONTH]) { count minutes } } }";
    assert_eq!(price(sums), ANALYTICS + GROUPS);
    let named = "{ analytics { bookings(groupBy: [SELLER]) { key { value node { id } } amount { amount } } } }";
    assert_eq!(price(named), ANALYTICS + GROUPS * (1 + PLAIN_LIST));
    assert_eq!(
        price("{ analytics { a: touches(groupBy: []) { count } b: touches(groupBy: []) { count } } }"),
        2 * (ANALYTICS + GROUPS)
    );
}

#[test]
fn what_may_read_whole_lists_is_known_however_little_it_costs() {
    let reads_all = |text: &str| whole_price(text, json!({"f": {"city": {"eq": "x"}}, "no": false})).reads_all;
    for all in [
        "{ touches(first: 1) { totalCount } }",
        "query($f: AccountFilter) { accounts(first: 1, filter: $f) { nodes { id } } }",
        "{ events(first: 1, filter: {types: [\"a\"]}) { nodes { id } } }",
        "{ targets(first: 1, filter: {accountId: {eq: \"a\"}, absent: true}) { nodes { id } } }",
        "{ analytics { touches(groupBy: []) { count } } }",
        "{ ...f } fragment f on Query { me { today { date } } }",
        "{ me { focus { minutes } } }",
        "{ me { targetList { readiness } } }",
    ] {
        assert!(reads_all(all), "{all}");
    }
    for little in [
        "{ me { id } accounts(first: 200) { nodes { contacts { totalCount } touches(filter: {kind: {eq: CALL}}) { nodes { id } } } } }",
        "query($no: Boolean!) { touches(first: 1) { totalCount @include(if: $no) } }",
        "{ accounts(first: 1, filter: {}) { nodes { id presence { state } } } }",
        "mutation { signIn(input: {email: \"a\", password: \"b\"}) { session { accessToken } } }",
        "mutation { createAccount(input: {name: \"x\"}) { account { id } } }",
    ] {
        assert!(!reads_all(little), "{little}");
    }
}

#[test]
fn a_filter_that_names_one_thing_reads_that_alone() {
    let narrow = |filter: &str| {
        let text = format!(
            "query($d: String, $o: StringFilter, $f: AccountFilter, $e: ExternalIdInput, $none: String = null) {{ \
             accounts(first: 1, filter: {filter}) {{ nodes {{ id }} totalCount }} }}"
        );
        let named = json!({"domain": {"eq": "x"}});
        let variables = json!({"d": "x", "o": {"eq": "x"}, "f": named, "e": {"source": "s", "id": "x"}});
        let price = whole_price(&text, variables);
        let operands = price.points - 1 - if price.reads_all { COUNT_ALL + FILTER_ALL } else { COUNT_OF_ONE };
        (!price.reads_all, operands)
    };
    for (filter, operands) in [
        ("{domain: {eq: \"x\"}}", 1),
        ("{domain: {eq: $d}, name: {contains: \"y\"}}", 2),
        ("{domain: $o}", 1),
        ("$f", 1),
        ("{externalId: {source: \"s\", id: \"x\"}}", 2),
        ("{externalId: $e, or: [$f, $f]}", 4),
    ] {
        assert_eq!(narrow(filter), (true, operands), "{filter}");
    }
    for (filter, operands) in [
        ("{name: {eq: \"x\"}}", 1),
        ("{domain: {in: [\"x\", \"y\"]}}", 2),
        ("{domain: {eq: null, contains: \"x\"}}", 1),
        ("{domain: {eq: $none, contains: \"x\"}}", 1),
        ("{or: [$f, $f]}", 2),
        ("{not: {domain: {eq: \"x\"}}}", 1),
    ] {
        assert_eq!(narrow(filter), (false, operands), "{filter}");
    }
}

/// A long list in a variable that stands ten thousand times in a filter: counted each time, and looked through once.
#[test]
fn variables_are_looked_through_once() {
    let text = format!(
        "query($f: AccountFilter) {{ accounts(first: 1, filter: {{or: [{}]}}) {{ nodes {{ id }} }} }}",
        "$f ".repeat(10_000)
    );
    let document = parse_query(&text).unwrap();
    let operation = document::operation(&document, None).unwrap();
    let variables = Variables::from_json(json!({"f": {"id": {"in": vec![1; 100_000]}}}));
    assert_eq!(PRICES.price(&document, operation, &variables, None).points, 1 + FILTER_ALL + 10_000 * 100_000);
}

#[test]
fn as_many_nodes_as_ids() {
    assert_eq!(price("{ nodes(ids: [\"a\", \"b\", \"c\"]) { id } }"), 3);
    let nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Account { owner { id } } } }";
    assert_eq!(price_with(nodes, json!({"ids": vec!["a"; 500]})), 1_000);
    assert_eq!(price_with(nodes, json!({"ids": "a"})), 2);
}

#[test]
fn changes_have_a_price_and_rows_too() {
    assert_eq!(
        price("mutation { createAccount(input: {name: \"x\"}) { account { id } userErrors { code } } }"),
        CHANGE + 1
    );
    let rows = json!({"rows": vec![json!({}); 500]});
    let upsert = "mutation($input: UpsertAccountsInput!) { upsertAccounts(input: $input) { created } }";
    assert_eq!(price_with(upsert, json!({"input": rows})), CHANGE + 500 * ROW);
    let upsert = "mutation($rows: [AccountRowInput!]!) { upsertAccounts(input: {rows: $rows}) { created } }";
    assert_eq!(price_with(upsert, rows), CHANGE + 500 * ROW);
    assert_eq!(price_with(upsert, json!({"rows": {}})), CHANGE + ROW);
    assert_eq!(price("mutation { upsertAccounts(input: {rows: [{}, {}]}) { created } }"), CHANGE + 2 * ROW);
    assert_eq!(price("mutation { upsertAccounts(input: {rows: []}) { created } }"), CHANGE);
    assert_eq!(
        price("mutation { signIn(input: {email: \"a\", password: \"b\"}) { session { accessToken } } }"),
        PASSWORD
    );
    assert_eq!(price("mutation { refreshSession(input: {refreshToken: \"b\"}) { session { accessToken } } }"), CHANGE);
}

/// The table names fields that the schema has.
#[test]
fn every_special_price_belongs_to_a_field() {
    let mut registry = Registry::default();
    <Query as OutputType<RequestContext>>::describe(&mut registry);
    <Mutation as OutputType<RequestContext>>::describe(&mut registry);
    let has = |ty: &str, field: &str| registry.types[ty].field_by_name(field).is_some();
    for (ty, field, _) in TABLE.computed {
        assert!(has(ty, field), "{ty}.{field}");
    }
    for mutation in TABLE.passwords {
        assert!(has(TABLE.mutation, mutation), "{mutation}");
    }
    assert!(registry.types[TABLE.aggregates].fields().is_some_and(|fields| fields.len() >= 3));
}

#[test]
fn a_look_at_the_schema_has_its_price() {
    assert_eq!(price("{ __type(name: \"Account\") { name } }"), 1);
    let whole = price(include_str!("../../../crates/graphql-document/src/introspection.graphql"));
    assert!((1_000..10_000).contains(&whole), "{whole}");
}

#[test]
fn what_the_schema_does_not_have_is_left_to_validation() {
    assert_eq!(price("{ nothing { at { all } } me { nothing(first: 3) { x } } ... on Nothing { me { id } } }"), 1);
    assert_eq!(price("subscription { me { id } }"), 1);
}

proptest! {
    /// A larger page never costs less.
    #[test]
    fn prices_grow_with_pages(outer in 0_u32..300, inner in 0_u32..300) {
        let of = |outer: u32, inner: u32| price(&format!(
            "{{ accounts(first: {outer}) {{ nodes {{ id contacts(first: {inner}) {{ nodes {{ id }} totalCount }} }} }} }}"
        ));
        prop_assert!(of(outer, inner) <= of(outer + 1, inner));
        prop_assert!(of(outer, inner) <= of(outer, inner + 1));
    }
}
