use serde_json::{Value, json};

use super::conforms;
use super::declared::DeclaredSchema;

const SCHEMA: &str = "
    schema { query: Query mutation: Mutation }
    scalar Date scalar DateTime scalar Decimal scalar JSON
    enum Kind { CALL MEETING }
    interface Node { id: ID! }
    union Party = User | Company
    type User implements Node { id: ID! name: String! boss: User friends: [User!]! party: Party }
    type Company implements Node { id: ID! title: String! size: Int }
    type Query {
        int: Int float: Float string: String boolean: Boolean id: ID
        date: Date instant: DateTime decimal: Decimal json: JSON kind: Kind
        required: Int! user: User me: User! users: [User!]! grid: [[Int!]] node: Node party: Party
    }
    type Mutation { rename: User }
";

/// Checks an answer and returns the violation as it is shown.
fn check_answer(request: &Value, body: &Value) -> Result<(), String> {
    conforms(&DeclaredSchema::parse(SCHEMA), request, body).map_err(|violation| violation.to_string())
}

fn check_data(query: &str, data: Value) -> Result<(), String> {
    check_answer(&json!({ "query": query }), &Value::from_iter([("data", data)]))
}

#[track_caller]
fn assert_conforms(query: &str, data: Value) {
    assert_eq!(check_data(query, data), Ok(()));
}

#[track_caller]
fn assert_violates(query: &str, data: Value, violation: &str) {
    assert_eq!(check_data(query, data), Err(violation.to_owned()));
}

#[test]
fn the_committed_schema_can_be_read() {
    assert!(DeclaredSchema::committed().field_type("Query", "accounts").is_some());
}

#[test]
fn scalars_are_written_as_declared() {
    for (field, good, bad) in [
        ("int", vec![json!(2_147_483_647), json!(-7)], vec![json!(2_147_483_648_i64), json!(1.0), json!("1")]),
        ("float", vec![json!(1.5), json!(2)], vec![json!("1.5"), json!(true)]),
        ("string", vec![json!("")], vec![json!(1), json!(["a"]), json!({})]),
        ("boolean", vec![json!(false)], vec![json!(0), json!("true")]),
        ("id", vec![json!("user_1")], vec![json!(1)]),
        (
            "date",
            vec![json!("2026-02-28")],
            vec![json!("2026-02-30"), json!("2026-2-3"), json!("2026-02-28T00:00:00Z")],
        ),
        (
            "instant",
            vec![json!("2026-02-28T09:30:00Z"), json!("2026-02-28T09:30:00.123456Z")],
            vec![json!("2026-02-28T09:30:00+00:00"), json!("2026-02-28 09:30:00Z"), json!("2026-02-28"), json!(0)],
        ),
        (
            "decimal",
            vec![json!("1234.50"), json!("-3"), json!("0")],
            vec![json!(3), json!("1,5"), json!("1e4"), json!(".5"), json!("5."), json!("")],
        ),
        ("json", vec![json!({"any": ["thing", 1.5]})], vec![]),
        ("kind", vec![json!("CALL")], vec![json!("call"), json!("EMAIL"), json!(0)]),
    ] {
        let query = format!("{{ {field} }}");
        for value in good.into_iter().chain([Value::Null]) {
            assert_conforms(&query, json!({ field: value }));
        }
        for value in bad {
            assert!(check_data(&query, json!({ field: value })).is_err(), "{field}: {value}");
        }
    }
    assert_violates("{ int }", json!({"int": "1"}), "data.int: expected Int, found \"1\"");
    assert_violates("{ kind }", json!({"kind": "EMAIL"}), "data.kind: expected Kind, found \"EMAIL\"");
}

#[test]
fn a_field_that_is_not_null_has_a_value() {
    assert_violates("{ required }", json!({"required": null}), "data.required: expected Int!, found null");
    assert_violates("{ users { id } }", json!({"users": [{"id": null}]}), "data.users.0.id: expected ID!, found null");
    assert_violates("{ users { id } }", json!({"users": [null]}), "data.users.0: expected User!, found null");
}

#[test]
fn lists_are_lists_of_conforming_items() {
    assert_conforms("{ grid }", json!({"grid": [[1, 2], null, []]}));
    assert_violates("{ grid }", json!({"grid": [[1, null]]}), "data.grid.0.1: expected Int!, found null");
    assert_violates("{ grid }", json!({"grid": [1]}), "data.grid.0: expected [Int!], found 1");
    assert_violates("{ users { id } }", json!({"users": {}}), "data.users: expected [User!]!, found {}");
    assert_violates("{ user { id } }", json!({"user": []}), "data.user: expected User, found []");
}

#[test]
fn an_object_has_the_selected_keys_in_the_order_of_the_document() {
    let query = "{ user { key: id name } }";
    assert_conforms(query, json!({"user": {"key": "1", "name": "Ann"}}));
    let expected = "data.user: expected User with the keys key, name, found ";
    assert_violates(query, json!({"user": {"key": "1"}}), &format!("{expected}key"));
    assert_violates(query, json!({"user": {"name": "Ann", "key": "1"}}), &format!("{expected}name, key"));
    let extra = json!({"user": {"key": "1", "name": "Ann", "boss": null}});
    assert_violates(query, extra, &format!("{expected}key, name, boss"));
}

#[test]
fn selections_under_one_key_are_merged() {
    let query =
        "{ user { boss { id } id } ...more user { boss { name } } } fragment more on Query { int user { name } }";
    assert_conforms(query, json!({"user": {"boss": {"id": "1", "name": "Mia"}, "id": "2", "name": "Ann"}, "int": 1}));
}

#[test]
fn directives_decide_with_variables_and_their_defaults() {
    let query = "query($yes: Boolean!, $no: Boolean = false) {
        int @skip(if: $yes) float @include(if: $yes) string @include(if: $no)
        ... @skip(if: $no) { id } ...part @include(if: false)
    } fragment part on Query { boolean }";
    let request = json!({"query": query, "variables": {"yes": true}});
    assert_eq!(check_answer(&request, &json!({"data": {"float": 1, "id": "1"}})), Ok(()));
    assert!(check_answer(&request, &json!({"data": {"int": 1, "float": 1, "id": "1"}})).is_err());
    let request = json!({"query": query, "variables": {"yes": true, "no": true}});
    assert_eq!(check_answer(&request, &json!({"data": {"float": 1, "string": "a"}})), Ok(()));
}

#[test]
fn an_object_behind_an_interface_or_a_union_is_of_one_of_its_types() {
    let query = "{ node { id ... on User { name } ... on Company { size } } }";
    assert_conforms(query, json!({"node": {"id": "1", "name": "Ann"}}));
    assert_conforms(query, json!({"node": {"id": "1", "size": 3}}));
    assert_violates(query, json!({"node": {"id": "1", "size": "3"}}), "data.node.size: expected Int, found \"3\"");
    assert!(check_data(query, json!({"node": {"id": "1"}})).is_err());
    assert_conforms("{ party { ... on Node { id } } }", json!({"party": {"id": "1"}}));
    assert_conforms("{ party { ... on Company { id } } }", json!({"party": {}}));
}

#[test]
fn the_type_name_is_the_one_that_the_fields_belong_to() {
    let query = "{ party { type: __typename ... on User { name } ... on Company { title } } }";
    assert_conforms(query, json!({"party": {"type": "User", "name": "Ann"}}));
    assert!(check_data(query, json!({"party": {"type": "Company", "name": "Ann"}})).is_err());
    assert_violates(
        "{ __typename user { __typename } }",
        json!({"__typename": "Query", "user": {"__typename": "Person"}}),
        "data.user: expected the `__typename` User, found {\"__typename\":\"Person\"}",
    );
}

#[test]
fn introspection_is_not_checked() {
    assert_conforms("{ __schema { types { name } } int }", json!({"__schema": {"types": "any"}, "int": 1}));
}

#[test]
fn an_operation_is_chosen_by_its_name() {
    let query = "query A { int } mutation B { rename { id } }";
    let request = json!({"query": query, "operationName": "B"});
    assert_eq!(check_answer(&request, &json!({"data": {"rename": null}})), Ok(()));
    assert!(check_answer(&request, &json!({"data": {"int": 1}})).is_err());
    assert!(check_answer(&json!({ "query": query }), &json!({"data": {"int": 1}})).is_err());
    assert_conforms("query Only { int }", json!({"int": 1}));
}

#[test]
fn a_response_has_data_or_errors_and_nothing_else() {
    let request = json!({"query": "{ int }"});
    for (body, conforms) in [
        (json!({"errors": [{"message": "It failed."}]}), true),
        (json!({"data": null, "errors": [{"message": "It failed."}], "extensions": {}}), true),
        (json!({}), false),
        (json!({"data": null}), false),
        (json!({"data": {"int": 1}, "errors": []}), false),
        (json!({"data": {"int": 1}, "errors": [{}]}), false),
        (json!({"data": {"int": 1}, "errors": [{"message": "It failed.", "path": "int"}]}), false),
        (json!({"data": {"int": 1}, "status": "ok"}), false),
        (json!([]), false),
    ] {
        assert_eq!(check_answer(&request, &body).is_ok(), conforms, "{body}");
    }
    assert!(check_answer(&json!({"query": "{ int"}), &json!({"data": {"int": 1}})).is_err());
}

#[test]
fn the_path_of_an_error_leads_to_a_null() {
    let request = json!({"query": "{ user { boss { name } } users { boss { id } } }"});
    let answer = |path: Value, boss: Value| {
        let data = json!({"user": null, "users": [{"boss": {"id": "1"}}, {"boss": boss}]});
        check_answer(&request, &json!({"data": data, "errors": [{"message": "It failed.", "path": path}]}))
    };
    assert_eq!(answer(json!(["users", 1, "boss"]), Value::Null), Ok(()));
    assert_eq!(answer(json!(["users", 1, "boss", "id"]), Value::Null), Ok(()));
    assert_eq!(answer(json!(["user", "boss", "name"]), Value::Null), Ok(()));
    for path in [json!([]), json!(["int"]), json!(["users", "boss"]), json!(["users", 1, "name"]), json!(["user", 0])] {
        let violation = format!("errors.0.path: expected a path in the selection, found {path}");
        assert_eq!(answer(path, Value::Null), Err(violation));
    }
    assert_eq!(
        answer(json!(["users", 0, "boss", "id"]), Value::Null),
        Err("errors.0.path: expected null, for it has an error, found \"1\"".to_owned())
    );
}

#[test]
fn a_cycle_of_fragments_has_no_answer() {
    for query in ["{ ...a } fragment a on Query { ...a }", "{ me { ...a } } fragment a on User { boss { ...a } }"] {
        assert!(check_data(query, json!({"me": {"boss": null}})).is_err(), "{query}");
    }
}
