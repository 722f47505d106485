//! Costs: the limit of one request, and budgets of points that are used up and refilled.

use serde_json::{Value, json};
use tests::{Answer, Client, Database, Server, World, actors::PASSWORD, on_both_databases};

async fn world_with(database: &Database, points: u32, per_second: u32) -> World {
    let own = Database::migrated(database.kind()).await;
    let server = Server::start_with(own, |settings| {
        settings.cost.points = points;
        settings.cost.points_per_second = per_second.try_into().unwrap();
    });
    World::on(server.await).await
}

async fn end(world: World) {
    world.into_server().stop().await.remove().await;
}

fn cost<'a>(answer: &'a Answer, name: &str) -> &'a Value {
    &answer.body["extensions"]["cost"][name]
}

/// A query over all touches, which costs the same however few there are.
const SUMS: &str = "{ analytics { touches(groupBy: [USER]) { count } } }";

#[on_both_databases]
async fn a_request_above_the_limit_does_not_run(world: &World) {
    let admin = world.admin();
    // The session is read with the first request, and remembered.
    admin.query("{ me { id } }").await.answered();
    let document =
        "query($size: Int!) { accounts(first: $size) { nodes { name contacts(first: 100) { nodes { name } } } } }";
    let before = world.server().statements();
    let answer = admin.send(document, json!({"size": 200})).await;
    assert_eq!(answer.error_code(), "LIMIT_EXCEEDED");
    assert_eq!(answer.status, 400);
    let error = &answer.body["errors"][0];
    assert_eq!((&error["extensions"]["requested"], &error["extensions"]["limit"]), (&json!(20_200), &json!(10_000)));
    assert!(error["message"].as_str().unwrap().contains("20200 points; 10000 are allowed"), "{error}");
    assert_eq!(world.server().statements(), before);
    assert_eq!(admin.send(document, json!({"size": 90})).await.data("accounts.nodes"), &json!([]));
}

#[on_both_databases]
async fn every_answer_states_its_cost(database: &Database) {
    let world = world_with(database, 5_000, 1).await;
    let admin = world.admin();
    let answer = admin.query(SUMS).await;
    assert_eq!(cost(&answer, "requested"), &json!(1_050));
    assert_eq!(cost(&answer, "refillPerSecond"), &json!(1));
    // Analytics are not refunded: they read as much for few groups as for many. A few seconds' refill may have come back.
    let left = cost(&answer, "available").as_u64().unwrap();
    assert!((3_950..=4_010).contains(&left), "{answer}");
    // What was not found is refunded, but for one point.
    let empty = admin.query("{ accounts(first: 40) { nodes { owner { name } } } }").await;
    assert_eq!(cost(&empty, "requested"), &json!(80));
    assert!((left - 1..left + 60).contains(&cost(&empty, "available").as_u64().unwrap()), "{empty}");
    let again = admin.query("{ me { id } }").await;
    // That costs one more.
    assert!((left - 2..left + 60).contains(&cost(&again, "available").as_u64().unwrap()), "{again}");
    end(world).await;
}

#[on_both_databases]
async fn a_user_without_points_learns_when_to_try_again(database: &Database) {
    let world = world_with(database, 3_500, 1).await;
    let (ann, bob) = (world.seller("Ann").await, world.seller("Bob").await);
    for _ in 0..3 {
        ann.query(SUMS).await.answered();
    }
    let refused = ann.query(SUMS).await;
    assert_eq!((refused.status.as_u16(), refused.error_code()), (429, "RATE_LIMITED"));
    let seconds: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((400..=750).contains(&seconds), "{seconds}");
    assert_eq!(refused.body["errors"][0]["extensions"]["retryAfter"], json!(seconds));
    assert_eq!(cost(&refused, "requested"), &json!(1_050));
    assert_eq!(seconds + cost(&refused, "available").as_u64().unwrap(), 1_050);
    assert!(refused.body.get("data").is_none(), "{refused}");
    // Others are answered.
    bob.query(SUMS).await.answered();
    // With application/json the status is that of HTTP alone.
    let old = Answer::to(ann.request().json(&json!({"query": SUMS}))).await;
    assert_eq!((old.status.as_u16(), old.error_code()), (200, "RATE_LIMITED"));
    assert!(old.headers.contains_key("retry-after"));
    end(world).await;
}

#[on_both_databases]
async fn without_a_token_an_address_has_its_points(database: &Database) {
    let own = Database::migrated(database.kind()).await;
    let server = Server::start_with(own, |settings| {
        settings.cost.points = 1_000;
        settings.cost.points_per_second = 1.try_into().unwrap();
        settings.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let stranger = server.stranger();
    // A sign-in costs 500 points; a request that is refused for want of a token costs none.
    let document = "mutation { signIn(input: {email: \"a@b.example\", password: \"x\"}) { userErrors { code } } }";
    let ask = async |through: &[&str]| {
        let mut request = stranger.request().header("accept", "application/graphql-response+json");
        for address in through {
            request = request.header("x-forwarded-for", *address);
        }
        let answer = Answer::to(request.json(&json!({ "query": document }))).await;
        answer.body.get("errors").map_or("answered".to_owned(), |_| answer.error_code().to_owned())
    };
    for address in ["192.0.2.1", "192.0.2.2"] {
        assert_eq!(ask(&[address]).await, "answered");
        assert_eq!(ask(&[address]).await, "answered");
        assert_eq!(ask(&[address]).await, "RATE_LIMITED");
    }
    // What the client itself put there is not trusted.
    assert_eq!(ask(&["192.0.2.3, 192.0.2.2"]).await, "RATE_LIMITED");
    assert_eq!(ask(&["192.0.2.2", "192.0.2.3"]).await, "answered");
    server.stop().await.remove().await;
}

#[on_both_databases]
async fn honest_requests_are_not_overpriced(database: &Database) {
    let world = world_with(database, 50_000, 1).await;
    let admin = world.admin();
    let requested = async |document: &str| cost(&admin.query(document).await.answered(), "requested").as_u64().unwrap();
    // An object is of one type: of fragments on different types, the most expensive counts.
    let events = |fragments: &str| format!("{{ events(first: 10) {{ nodes {{ subject {{ id {fragments} }} }} }} }}");
    let account = "... on Account { owner { id } contacts(first: 5) { nodes { id } } }";
    let touch = "... on Touch { account { id owner { id } } }";
    let nothing = requested(&events("")).await;
    let (of_account, of_touch) = (requested(&events(account)).await, requested(&events(touch)).await);
    assert!(nothing < of_touch && of_touch < of_account, "{nothing} {of_touch} {of_account}");
    assert_eq!(requested(&events(&format!("{account} {touch}"))).await, of_account);
    // External ids lie in the row.
    assert_eq!(requested("{ accounts(first: 100) { nodes { name externalIds { source id } } } }").await, 100);
    // A page of users has no more items than the organization has users.
    let few = requested("{ users(first: 200) { nodes { accounts(first: 200) { nodes { id } } } } }").await;
    assert!(few < 1_000, "{few}");
    // A document that is refused costs no more than its bytes, and what was not found is refunded.
    let left = async || cost(&admin.query("{ me { id } }").await, "available").as_u64().unwrap();
    let before = left().await;
    let invalid = admin.query("{ accounts(first: 200) { nodes { noSuchField } } }").await;
    assert_eq!(invalid.error_code(), "GRAPHQL_VALIDATION_FAILED");
    admin.query("{ accounts(first: 200) { nodes { name owner { name } } } }").await.answered();
    let spent = before.saturating_sub(left().await);
    assert!(spent <= 5, "{spent}");
    end(world).await;
}

async fn refresh(client: &Client, token: &str) -> Answer {
    client.mutate("refreshSession", "session { refreshToken }", json!({"refreshToken": token})).await
}

#[on_both_databases]
async fn guessing_passwords_does_not_block_refreshes_and_invitations(world: &World) {
    let stranger = world.stranger();
    let session = json!({"email": world.admin().email(), "password": PASSWORD});
    let signed_in = stranger.mutate("signIn", "session { refreshToken }", session).await.done();
    let invitation = json!({"name": "Sam", "email": "sam@initech.example", "role": "SELLER"});
    let invited = world.admin().mutate("inviteUser", "token", invitation).await.done();

    // An invalid token has an allowance of its own: after ten failures, its address has forty left.
    let dead = "csr_00000000000000000000000000000000000000000000";
    for _ in 0..10 {
        assert_eq!(
            refresh(&stranger, dead).await.refusals(),
            [("INVALID".to_owned(), "input.refreshToken".to_owned())]
        );
    }
    let slowed = refresh(&stranger, dead).await;
    assert_eq!(slowed.error_code(), "RATE_LIMITED");
    assert!(slowed.headers.contains_key("retry-after"));
    let accept = async |token: &str| {
        stranger
            .mutate("acceptInvitation", "session { refreshToken }", json!({"token": token, "password": "short"}))
            .await
    };
    for _ in 0..10 {
        assert_eq!(accept("csi_nonsense").await.refusals()[0].0, "INVALID");
    }
    assert_eq!(accept("csi_nonsense").await.error_code(), "RATE_LIMITED");
    // A client with a valid token may submit an invalid password any number of times.
    let token = invited.text("inviteUser.token");
    for _ in 0..60 {
        assert_eq!(accept(token).await.refusals(), [("INVALID".to_owned(), "input.password".to_owned())]);
    }
    // An address that guesses passwords until it is refused does not affect refreshes from the same office.
    // Some of its allowance is refilled in the meantime.
    let mut guesses = 0;
    loop {
        let guess = json!({"email": format!("{guesses}@initech.example"), "password": PASSWORD, "organizationId": "x"});
        let answer = stranger.mutate("signIn", "session { refreshToken }", guess).await;
        if answer.body.get("errors").is_some() {
            assert_eq!(answer.error_code(), "RATE_LIMITED");
            break;
        }
        assert_eq!(answer.refusals()[0].0, "INVALID");
        guesses += 1;
        assert!(guesses < 500, "nobody is slowed");
    }
    assert!(guesses >= 50, "{guesses}");
    refresh(&stranger, signed_in.text("signIn.session.refreshToken")).await.done();
    let accepted = json!({"token": token, "password": PASSWORD});
    stranger.mutate("acceptInvitation", "session { refreshToken }", accepted).await.done();
}
