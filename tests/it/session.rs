//! Signing in and out: passwords, sessions and their tokens, invitations.

use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use tests::actors::PASSWORD;
use tests::{Answer, Client, Member, World, on_both_databases};

const SESSION: &str = "session { accessToken refreshToken expiresAt user { id name } }";

/// The client and the refresh token of a session.
struct Session {
    client: Client,
    refresh: String,
}

impl Session {
    #[track_caller]
    fn of(stranger: &Client, answer: &Answer, mutation: &str) -> Self {
        Self {
            client: stranger.with_token(answer.text(&format!("{mutation}.session.accessToken"))),
            refresh: answer.text(&format!("{mutation}.session.refreshToken")).to_owned(),
        }
    }

    async fn is_valid(&self) -> bool {
        let answer = self.client.query("{ me { id } }").await;
        let refused = answer.body.get("errors").is_some();
        assert!(!refused || answer.error_code() == "UNAUTHENTICATED", "{answer}");
        !refused
    }
}

async fn sign_in(world: &World, email: &str, password: &str) -> Answer {
    world.stranger().mutate("signIn", SESSION, json!({"email": email, "password": password})).await
}

async fn signed_in(world: &World, member: &Member) -> Session {
    let answer = sign_in(world, member.email(), PASSWORD).await.done();
    Session::of(&world.stranger(), &answer, "signIn")
}

async fn refresh(world: &World, token: &str) -> Answer {
    world.stranger().mutate("refreshSession", SESSION, json!({"refreshToken": token})).await
}

async fn refreshed(world: &World, token: &str) -> Session {
    let answer = refresh(world, token).await.done();
    Session::of(&world.stranger(), &answer, "refreshSession")
}

/// Changes the stored times of tokens, which no request can.
async fn age(world: &World, statement: &str) {
    let connection = world.server().database().connect().await;
    connection.execute_unprepared(statement).await.unwrap();
    connection.close().await.unwrap();
}

/// A statement that makes tokens eleven seconds older: longer than a used token is accepted again.
const ELEVEN_SECONDS: &str = "update refresh_token set used_at = used_at - 11000000, issued_at = issued_at - 11000000";

fn refused(code: &str, field: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), field.to_owned())]
}

#[on_both_databases]
async fn every_wrong_sign_in_gets_the_same_answer(world: &World) {
    let ann = world.seller("Ann").await;
    let out = world.seller("Out").await;
    let deactivation = json!({"id": out.id()});
    world.admin().mutate("deactivateUser", "user { active }", deactivation).await.done();
    let invited = json!({"name": "Newcomer", "email": world.email_of("Newcomer"), "role": "SELLER"});
    world.admin().mutate("inviteUser", "token", invited).await.done();
    let wrong = sign_in(world, ann.email(), "correct horse battery stable").await;
    assert_eq!(wrong.refusals(), refused("INVALID", "input"));
    for email in
        ["nobody@initech.example", out.email(), &world.email_of("Newcomer"), "no address", "", "a\0b@x.example"]
    {
        assert_eq!(sign_in(world, email, PASSWORD).await.body, wrong.body, "{email}");
    }
    assert_eq!(sign_in(world, ann.email(), "").await.body, wrong.body);
    // Case and surrounding spaces of the address are ignored.
    sign_in(world, &format!(" {} ", ann.email().to_uppercase()), PASSWORD).await.done();
}

#[on_both_databases]
async fn the_password_or_the_id_chooses_among_several_organizations(world: &World) {
    let stranger = world.stranger();
    let email = world.admin().email();
    let found = |name: &str, password: &str| json!({"organizationName": name, "name": "Ada", "email": email, "password": password});
    let other = stranger
        .mutate("signUp", "session { accessToken user { id } }", found("Initrode", "another password entirely"))
        .await
        .done();
    let third =
        stranger.mutate("signUp", "session { accessToken user { id } }", found("Initstitch", PASSWORD)).await.done();
    let organization = async |answer: &Answer| {
        let client = stranger.with_token(answer.text("signUp.session.accessToken"));
        client.query("{ organization { id } }").await.text("organization.id").to_owned()
    };
    let (other_id, third_id) = (organization(&other).await, organization(&third).await);

    let sign_in = async |password: &str, organization: Option<&str>| {
        let input = json!({"email": email, "password": password, "organizationId": organization});
        stranger.mutate("signIn", SESSION, input).await
    };
    let user = |answer: Answer| answer.done().text("signIn.session.user.id").to_owned();
    // With the same password in two organizations, the one that had the address first is chosen.
    assert_eq!(user(sign_in(PASSWORD, None).await), world.admin().id());
    assert_eq!(user(sign_in("another password entirely", None).await), other.text("signUp.session.user.id"));
    assert_eq!(user(sign_in(PASSWORD, Some(&third_id)).await), third.text("signUp.session.user.id"));
    for organization in
        [other_id.as_str(), "organization_01h455vb4pex5vsknk084sn02q", "user_01h455vb4pex5vsknk084sn02q", "x", ""]
    {
        assert_eq!(
            sign_in(PASSWORD, Some(organization)).await.refusals(),
            refused("INVALID", "input"),
            "{organization}"
        );
    }
}

#[on_both_databases]
async fn guessing_passwords_is_throttled(world: &World) {
    let ann = world.seller("Ann").await;
    for _ in 0..10 {
        assert_eq!(
            sign_in(world, "guessed@initech.example", "a wrong password").await.refusals(),
            refused("INVALID", "input")
        );
    }
    let answer = sign_in(world, "guessed@initech.example", "a wrong password").await;
    assert_eq!(answer.error_code(), "RATE_LIMITED");
    let seconds = answer.body["errors"][0]["extensions"]["retryAfter"].as_u64().unwrap();
    assert!((1..=60).contains(&seconds));
    assert_eq!(answer.headers["retry-after"], seconds.to_string());
    // Other users sign in as before.
    sign_in(world, ann.email(), PASSWORD).await.done();
}

#[on_both_databases]
async fn a_reused_refresh_token_ends_the_session(world: &World) {
    let ann = world.seller("Ann").await;
    let first = signed_in(world, &ann).await;
    let second = refreshed(world, &first.refresh).await;
    assert!(first.is_valid().await && second.is_valid().await, "it is one session");
    assert_ne!(first.refresh, second.refresh);
    let third = refreshed(world, &second.refresh).await;
    age(world, ELEVEN_SECONDS).await;
    let again = refresh(world, &first.refresh).await;
    assert_eq!(again.refusals(), refused("INVALID", "input.refreshToken"));
    assert_eq!(again.data("refreshSession.session"), &Value::Null);
    // All tokens of the session are invalid immediately, also the newest. Other sessions are not affected.
    assert!(!first.is_valid().await && !second.is_valid().await && !third.is_valid().await);
    assert_eq!(refresh(world, &third.refresh).await.refusals(), refused("INVALID", "input.refreshToken"));
    assert_eq!(ann.query("{ me { id } }").await.text("me.id"), ann.id());
}

#[on_both_databases]
async fn a_refresh_with_a_lost_response_may_be_repeated(world: &World) {
    let ann = world.seller("Ann").await;
    let first = signed_in(world, &ann).await;
    let lost = refreshed(world, &first.refresh).await;
    let second = refreshed(world, &first.refresh).await;
    assert!(lost.is_valid().await && second.is_valid().await);
    // Concurrent refreshes, as by two windows of one program: both get the same successor, and neither logs the other out.
    let (one, other) = tokio::join!(refresh(world, &second.refresh), refresh(world, &second.refresh));
    let one = Session::of(&world.stranger(), &one.done(), "refreshSession");
    let other = Session::of(&world.stranger(), &other.done(), "refreshSession");
    assert_eq!(one.refresh, other.refresh);
    assert!(one.is_valid().await && other.is_valid().await);
    // Once a new token was used, its response was received: a repeated refresh is now a reuse, however soon.
    refreshed(world, &one.refresh).await;
    assert_eq!(refresh(world, &second.refresh).await.refusals(), refused("INVALID", "input.refreshToken"));
    assert!(!one.is_valid().await);
}

#[on_both_databases]
async fn a_token_that_is_not_valid_does_not_keep_a_client_out(world: &World) {
    let ann = world.seller("Ann").await;
    let session = signed_in(world, &ann).await;
    for token in ["", "null", "eyJhbGciOiJIUzI1NiJ9.e30.AAAA", "one two"] {
        let client = world.stranger().with_token(token);
        let input = json!({"email": ann.email(), "password": PASSWORD});
        client.mutate("signIn", SESSION, input).await.done();
        client.query("{ __typename __schema { queryType { name } } }").await.answered();
        // Fields that need a token say so, also beside one that does not.
        assert_eq!(client.query("{ __typename me { id } }").await.error_code(), "UNAUTHENTICATED", "{token}");
        let spread = "query { ...Own } fragment Own on Query { me { id } }";
        assert_eq!(client.query(spread).await.error_code(), "UNAUTHENTICATED", "{token}");
    }
    // A token whose session has ended is no better.
    session.client.query("mutation { signOut { signedOut } }").await.answered();
    let other = signed_in(world, &ann).await;
    let refresh = json!({"refreshToken": other.refresh});
    session.client.mutate("refreshSession", SESSION, refresh).await.done();
}

#[on_both_databases]
async fn a_changed_password_ends_the_calendar_feed(world: &World) {
    let ann = world.seller("Ann").await;
    let create = "mutation { createCalendarFeed { url userErrors { message } } }";
    let feed = ann.query(create).await.text("createCalendarFeed.url").to_owned();
    let path = feed[feed.find("/calendar/").unwrap()..].to_owned();
    let read = async || world.stranger().at(&path, reqwest::Method::GET).send().await.unwrap().status().as_u16();
    assert_eq!(read().await, 200);
    let input = json!({"current": PASSWORD, "new": "an even better password"});
    ann.mutate("changePassword", "user { id }", input).await.done();
    assert_eq!(read().await, 404);
}

#[on_both_databases]
async fn a_session_lasts_thirty_days_from_its_last_refresh(world: &World) {
    let ann = world.seller("Ann").await;
    let days = |days: i64| {
        format!(
            "update refresh_token set issued_at = issued_at - {0}, expires_at = expires_at - {0}",
            days * 86_400_000_000
        )
    };
    let first = signed_in(world, &ann).await;
    age(world, &days(29)).await;
    let second = refreshed(world, &first.refresh).await;
    age(world, &days(29)).await;
    let third = refreshed(world, &second.refresh).await;
    age(world, &days(30)).await;
    assert_eq!(refresh(world, &third.refresh).await.refusals(), refused("INVALID", "input.refreshToken"));
    for token in
        ["", "csr_", "csi_AAAA", "csr_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "\0", "x".repeat(10_000).as_str()]
    {
        assert_eq!(refresh(world, token).await.refusals(), refused("INVALID", "input.refreshToken"), "{token}");
    }
}

#[on_both_databases]
async fn signing_out_ends_one_session_immediately(world: &World) {
    let ann = world.seller("Ann").await;
    let (here, there) = (signed_in(world, &ann).await, signed_in(world, &ann).await);
    assert!(here.is_valid().await, "and is remembered");
    let answer = here.client.query("mutation { signOut { signedOut userErrors { code } } }").await.done();
    assert_eq!(answer.data("signOut.signedOut"), &json!(true));
    assert!(!here.is_valid().await && there.is_valid().await);
    assert_eq!(refresh(world, &here.refresh).await.refusals(), refused("INVALID", "input.refreshToken"));
    refreshed(world, &there.refresh).await;
}

#[on_both_databases]
async fn a_changed_password_ends_the_other_sessions(world: &World) {
    const NEXT: &str = "an even better password";
    let ann = world.seller("Ann").await;
    let (here, there) = (signed_in(world, &ann).await, signed_in(world, &ann).await);
    let change = async |current: &str, new: &str| {
        here.client.mutate("changePassword", "user { id }", json!({"current": current, "new": new})).await
    };
    let mut refusals = change("wrong", "short").await.refusals();
    refusals.sort();
    assert_eq!(refusals, [refused("INVALID", "input.current"), refused("INVALID", "input.new")].concat());
    assert!(there.is_valid().await);
    assert_eq!(change(PASSWORD, NEXT).await.done().text("changePassword.user.id"), ann.id());
    assert!(here.is_valid().await && !there.is_valid().await);
    assert_eq!(refresh(world, &there.refresh).await.refusals(), refused("INVALID", "input.refreshToken"));
    refreshed(world, &here.refresh).await;
    assert_eq!(sign_in(world, ann.email(), PASSWORD).await.refusals(), refused("INVALID", "input"));
    sign_in(world, ann.email(), NEXT).await.done();
    // Of two concurrent changes, the second one to run has the wrong current password.
    let (one, other) = tokio::join!(change(NEXT, "one password of many"), change(NEXT, "another of the same"));
    assert_eq!([one.refusals(), other.refusals()].concat(), refused("INVALID", "input.current"));
}

async fn invite(world: &World, name: &str) -> Answer {
    let input = json!({"name": name, "email": world.email_of(name), "role": "SELLER"});
    world.admin().mutate("inviteUser", "token user { id name }", input).await.done()
}

async fn accept(world: &World, input: Value) -> Answer {
    world.stranger().mutate("acceptInvitation", SESSION, input).await
}

#[on_both_databases]
async fn an_invitation_can_be_accepted_once_within_seven_days(world: &World) {
    let invited = invite(world, "Sam").await;
    let token = invited.text("inviteUser.token");
    let mut refusals = accept(world, json!({"token": "csi_x", "password": "short", "name": " "})).await.refusals();
    refusals.sort();
    let expected = [("INVALID", "input.password"), ("INVALID", "input.token"), ("REQUIRED", "input.name")];
    assert_eq!(refusals, expected.map(|(code, field)| (code.to_owned(), field.to_owned())));
    let answer = accept(world, json!({"token": token, "password": PASSWORD, "name": "Samira"})).await.done();
    assert_eq!(
        answer.data("acceptInvitation.session.user"),
        &json!({"id": invited.text("inviteUser.user.id"), "name": "Samira"})
    );
    let again = accept(world, json!({"token": token, "password": PASSWORD})).await;
    assert_eq!(again.refusals(), refused("INVALID", "input.token"));
    let events =
        world.admin().query("{ events(last: 2) { nodes { type changes actor { ... on User { name } } } } }").await;
    assert_eq!(events.each("events.nodes", "type"), ["user.created", "user.updated"]);
    assert_eq!(events.data("events.nodes.1.changes"), &json!({"name": {"from": "Sam", "to": "Samira"}}));
    assert_eq!(events.text("events.nodes.1.actor.name"), "Samira");
    assert!(!events.body.to_string().contains("csi_"));

    let late = invite(world, "Tim").await;
    age(world, "update credential set invitation_expires_at = invitation_expires_at - 604800000000").await;
    let late = accept(world, json!({"token": late.text("inviteUser.token"), "password": PASSWORD})).await;
    assert_eq!(late.refusals(), refused("INVALID", "input.token"));
}

#[on_both_databases]
async fn one_of_two_concurrent_acceptances_sets_the_password(world: &World) {
    let invited = invite(world, "Sam").await;
    let token = invited.text("inviteUser.token");
    let with = |password: &str| accept(world, json!({"token": token, "password": password}));
    let (one, other) = tokio::join!(with("one password of many"), with("another of the same"));
    assert_eq!([one.refusals(), other.refusals()].concat(), refused("INVALID", "input.token"));
}

#[on_both_databases]
async fn a_reissued_invitation_replaces_a_lost_password(world: &World) {
    let ann = world.seller("Ann").await;
    let lost = signed_in(world, &ann).await;
    assert!(lost.is_valid().await);
    let reissue =
        async |by: &Client, id: &str| by.mutate("reissueInvitation", "token user { id }", json!({"userId": id})).await;
    let first = reissue(world.admin(), ann.id()).await.done();
    assert_eq!(first.text("reissueInvitation.user.id"), ann.id());
    // Sessions and the password are invalid immediately.
    assert!(!lost.is_valid().await);
    assert_eq!(refresh(world, &lost.refresh).await.refusals(), refused("INVALID", "input.refreshToken"));
    assert_eq!(sign_in(world, ann.email(), PASSWORD).await.refusals(), refused("INVALID", "input"));
    let second = reissue(world.admin(), ann.id()).await.done();
    let with = async |answer: &Answer| {
        let token = answer.text("reissueInvitation.token").to_owned();
        accept(world, json!({"token": token, "password": PASSWORD})).await
    };
    assert_eq!(with(&first).await.refusals(), refused("INVALID", "input.token"));
    with(&second).await.done();
    sign_in(world, ann.email(), PASSWORD).await.done();

    let ann = signed_in(world, &ann).await;
    assert_eq!(reissue(&ann.client, world.admin().id()).await.refusals(), refused("FORBIDDEN", "input.userId"));
    for id in ["user_01h455vb4pex5vsknk084sn02q", "x", world.another_organization("Initrode").await.admin().id()] {
        assert_eq!(reissue(world.admin(), id).await.refusals(), refused("NOT_FOUND", "input.userId"), "{id}");
    }
}
