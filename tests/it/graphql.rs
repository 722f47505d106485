//! Rules of the GraphQL specification that the executor implements itself.

use insta::{allow_duplicates, assert_json_snapshot};
use serde_json::json;
use tests::{World, on_both_databases};

#[on_both_databases]
async fn fields_of_one_name_are_merged_at_every_level(world: &World) {
    let admin = world.admin();
    admin.account(json!({"name": "Acme", "city": "Łódź"})).await;
    let answer = admin
        .query(
            "{ accounts { nodes { name } } ...rest }
             fragment rest on Query { accounts { nodes { city owner { name } ...deeper } } }
             fragment deeper on Account { owner { email } ... on Node { __typename } }",
        )
        .await;
    allow_duplicates! {
        assert_json_snapshot!(answer.data("accounts.nodes.0"), @r#"
        {
          "name": "Acme",
          "city": "Łódź",
          "owner": {
            "name": "Ada Admin",
            "email": "ada@initech.example"
          },
          "__typename": "Account"
        }
        "#);
    }
}

#[on_both_databases]
async fn a_mutation_selected_twice_under_one_key_is_executed_once(world: &World) {
    let admin = world.admin();
    let answer = admin
        .query(
            "mutation { createAccount(input: {name: \"Once\"}) { account { name } }
                        createAccount(input: {name: \"Once\"}) { account { version } } }",
        )
        .await;
    assert_eq!(answer.data("createAccount.account"), &json!({"name": "Once", "version": 1}));
    assert_eq!(admin.query("{ accounts { totalCount } }").await.data("accounts.totalCount"), &json!(1));
}

#[on_both_databases]
async fn skip_and_include_take_variables(world: &World) {
    let admin = world.admin();
    let document = "query($no: Boolean!, $yes: Boolean = true) {
        me { name @skip(if: $yes) email @include(if: $no) role @include(if: $yes) ... @skip(if: $no) { active } }
    }";
    let answer = admin.send(document, json!({"no": false})).await;
    assert_eq!(answer.data("me"), &json!({"role": "ADMIN", "active": true}));
}

#[on_both_databases]
async fn type_names_and_aliases_work_at_every_level(world: &World) {
    let admin = world.admin();
    let id = admin.account(json!({"name": "Acme"})).await;
    let document = "query($id: ID!) { __typename one: node(id: $id) { __typename ... on Account { a: name b: name } }
        accounts { __typename edges { __typename node { __typename } } pageInfo { __typename } } }";
    let answer = admin.send(document, json!({"id": id})).await;
    allow_duplicates! {
        assert_json_snapshot!(answer.data(""), @r#"
        {
          "__typename": "Query",
          "one": {
            "__typename": "Account",
            "a": "Acme",
            "b": "Acme"
          },
          "accounts": {
            "__typename": "AccountConnection",
            "edges": [
              {
                "__typename": "AccountEdge",
                "node": {
                  "__typename": "Account"
                }
              }
            ],
            "pageInfo": {
              "__typename": "PageInfo"
            }
          }
        }
        "#);
    }
}

#[on_both_databases]
async fn a_nullable_field_that_fails_is_null_and_the_others_are_answered(world: &World) {
    let admin = world.admin();
    let id = admin.account(json!({"name": "Acme"})).await;
    let document =
        "query($id: ID!) { me { name } account(by: {id: $id}) { reports: history(first: 999) { nodes { id } } } }";
    let answer = admin.send(document, json!({"id": id})).await;
    assert_eq!(answer.body["data"], json!({"me": {"name": "Ada Admin"}, "account": null}));
    assert_eq!(answer.body["errors"][0]["path"], json!(["account", "reports"]));
    assert_eq!(answer.error_code(), "BAD_USER_INPUT");
    assert!(answer.body["errors"][0]["message"].as_str().unwrap().contains("between 0 and 200"));
}

#[on_both_databases]
async fn nodes_come_in_the_order_of_their_ids(world: &World) {
    let admin = world.admin();
    let acme = admin.account(json!({"name": "Acme"})).await;
    let initech = admin.query("{ organization { id } }").await.text("organization.id").to_owned();
    let stranger = world.another_organization("Globex").await;
    let theirs = stranger.admin().account(json!({"name": "Theirs"})).await;
    let ids =
        json!([acme, theirs, "account_", admin.id(), "nonsense", initech, acme, "webhook_01h455vb4pex5vsknk084sn02q"]);
    let answer = admin.send("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": ids })).await;
    let expected = json!([{"id": acme}, null, null, {"id": admin.id()}, null, {"id": initech}, {"id": acme}, null]);
    assert_eq!(answer.data("nodes"), &expected);
    let many: Vec<&str> = vec![&acme; 501];
    let answer = admin.send("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": many })).await;
    assert_eq!(answer.error_code(), "BAD_USER_INPUT");
}

#[on_both_databases]
async fn without_a_token_every_field_is_rejected(world: &World) {
    for document in
        ["{ me { id } }", "{ organization { id } }", "{ accounts { totalCount } }", "{ node(id: \"x\") { id } }"]
    {
        assert_eq!(world.stranger().query(document).await.error_code(), "UNAUTHENTICATED", "{document}");
    }
    assert_eq!(world.stranger().with_token("nonsense").query("{ me { id } }").await.error_code(), "UNAUTHENTICATED");
}
