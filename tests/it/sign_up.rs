//! Signing up: who may, the defaults of a new organization, and concurrent sign-ups.

use callshot::config::SignUp;
use insta::{allow_duplicates, assert_json_snapshot};
use serde_json::{Value, json};
use tests::actors::PASSWORD;
use tests::{Client, Database, Server, World, on_both_databases};

const SESSION: &str = "session { accessToken refreshToken expiresAt user { id name email role timeZone manager { id } \
    workingHours { weekday from to } accounts { totalCount } reports { totalCount } } }";

fn sign_up_input(name: &str) -> Value {
    json!({"organizationName": name, "name": "Ada", "email": "Ada@Example.com", "password": PASSWORD})
}

async fn sign_up(stranger: &Client, name: &str) -> Vec<(String, String)> {
    stranger.mutate("signUp", SESSION, sign_up_input(name)).await.refusals()
}

fn forbidden() -> Vec<(String, String)> {
    vec![("FORBIDDEN".to_owned(), "input".to_owned())]
}

#[on_both_databases]
async fn an_organization_starts_with_an_administrator_and_default_settings(server: &Server) {
    let stranger = server.stranger();
    let answer = stranger.mutate("signUp", SESSION, sign_up_input(" Initech ")).await.done();
    let user = answer.data("signUp.session.user");
    assert_eq!(user["email"], "ada@example.com");
    assert_eq!(user["role"], "ADMIN");
    assert_eq!(user["timeZone"], "UTC");
    assert_eq!(user["workingHours"].as_array().map(Vec::len), Some(5));
    assert_eq!(user["workingHours"][4], json!({"weekday": 5, "from": "09:00", "to": "17:00"}));
    // Fields of the session's user are resolved on behalf of that user.
    assert_eq!(user["accounts"], json!({"totalCount": 0}));

    let ada = stranger.with_token(answer.text("signUp.session.accessToken"));
    let answer = ada
        .query(
            "{ organization { name currency timeZone fiscalYearStartMonth keyAccountThreshold { amount } version policy {
                presenceHalfLifeDays presenceThreshold sellingShare targetShare keyPeoplePerTarget bigBlankMinutes
                pipelineMargin targetBandLow targetBandHigh } }
            viewer { ... on User { name } } me { name } events { nodes { type actor { ... on User { name } } changes } } }",
        )
        .await;
    allow_duplicates! {
        assert_json_snapshot!(answer.data("organization"), @r#"
        {
          "name": "Initech",
          "currency": "USD",
          "timeZone": "UTC",
          "fiscalYearStartMonth": 1,
          "keyAccountThreshold": null,
          "version": 1,
          "policy": {
            "presenceHalfLifeDays": 30.0,
            "presenceThreshold": 0.5,
            "sellingShare": 0.5,
            "targetShare": 0.6,
            "keyPeoplePerTarget": 3,
            "bigBlankMinutes": 120,
            "pipelineMargin": 0.1,
            "targetBandLow": 5.0,
            "targetBandHigh": 20.0
          }
        }
        "#);
    }
    assert_eq!(answer.text("viewer.name"), "Ada");
    assert_eq!(answer.text("me.name"), "Ada");
    assert_eq!(answer.each("events.nodes", "type"), ["organization.created", "user.created"]);
    assert_eq!(answer.each("events.nodes", "actor.name"), ["Ada", "Ada"]);
    let events = answer.data("events").to_string();
    for secret in ["argon2", "csr_", "erasure", PASSWORD] {
        assert!(!events.contains(secret), "{secret}: {events}");
    }
}

#[on_both_databases]
async fn all_invalid_fields_are_reported(server: &Server) {
    let answer = server
        .stranger()
        .mutate(
            "signUp",
            SESSION,
            json!({
                "organizationName": " ", "name": "x".repeat(201), "email": "ada", "password": "eleven char",
                "currency": "DEM", "timeZone": "Mars/Olympus",
            }),
        )
        .await;
    let mut refusals = answer.refusals();
    refusals.sort();
    let expected = [
        ("INVALID", "input.currency"),
        ("INVALID", "input.email"),
        ("INVALID", "input.name"),
        ("INVALID", "input.password"),
        ("INVALID", "input.timeZone"),
        ("REQUIRED", "input.organizationName"),
    ];
    assert_eq!(refusals, expected.map(|(code, field)| (code.to_owned(), field.to_owned())));
    // Omitted fields and null get the default.
    let answer = server
        .stranger()
        .mutate("signUp", SESSION, json!({"currency": null, "timeZone": null, "organizationName": "A", "name": "B", "email": "b@example.com", "password": PASSWORD}))
        .await;
    assert_eq!(answer.done().text("signUp.session.user.timeZone"), "UTC");
}

/// Starts a server with this sign-up policy on a new database of the same kind.
async fn server_with(database: &Database, who: SignUp) -> Server {
    Server::start_with(Database::migrated(database.kind()).await, |settings| settings.access.sign_up = who).await
}

#[on_both_databases]
async fn only_the_first_organization_signs_up_unless_sign_up_is_open(database: &Database) {
    let server = server_with(database, SignUp::First).await;
    assert_eq!(sign_up(&server.stranger(), "Initech").await, []);
    assert_eq!(sign_up(&server.stranger(), "Initrode").await, forbidden());
    server.stop().await.remove().await;

    let server = server_with(database, SignUp::Closed).await;
    assert_eq!(sign_up(&server.stranger(), "Initech").await, forbidden());
    server.stop().await.remove().await;

    let server = server_with(database, SignUp::Open).await;
    assert_eq!(sign_up(&server.stranger(), "Initech").await, []);
    assert_eq!(sign_up(&server.stranger(), "Initrode").await, []);
    server.stop().await.remove().await;
}

#[on_both_databases]
async fn one_of_several_concurrent_sign_ups_is_the_first(database: &Database) {
    let server = server_with(database, SignUp::First).await;
    let strangers = [server.stranger(), server.stranger(), server.stranger()];
    let (one, two, three) =
        tokio::join!(sign_up(&strangers[0], "One"), sign_up(&strangers[1], "Two"), sign_up(&strangers[2], "Three"));
    let refused = [one, two, three].concat();
    assert_eq!(refused, [forbidden(), forbidden()].concat());
    server.stop().await.remove().await;
}

#[on_both_databases]
async fn without_a_token_every_other_field_is_rejected(world: &World) {
    let stranger = world.stranger();
    for document in [
        "{ me { id } }",
        "{ viewer { __typename } }",
        "{ organization { id } }",
        "{ users { nodes { id } } }",
        "mutation { signOut { signedOut } }",
        "mutation { changePassword(input: {current: \"\", new: \"\"}) { userErrors { code } } }",
        "mutation { updateOrganization(input: {name: \"x\"}) { userErrors { code } } }",
        "mutation { inviteUser(input: {name: \"x\", email: \"x@example.com\", role: ADMIN}) { userErrors { code } } }",
        "mutation { updateUser(input: {id: \"x\"}) { userErrors { code } } }",
        "mutation { reissueInvitation(input: {userId: \"x\"}) { userErrors { code } } }",
        "mutation { deactivateUser(input: {id: \"x\"}) { userErrors { code } } }",
        "mutation { reactivateUser(input: {id: \"x\"}) { userErrors { code } } }",
    ] {
        assert_eq!(stranger.query(document).await.error_code(), "UNAUTHENTICATED", "{document}");
        assert_eq!(stranger.with_token("x.y.z").query(document).await.error_code(), "UNAUTHENTICATED", "{document}");
    }
}
