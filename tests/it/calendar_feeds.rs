//! Calendar feeds: a private address at which calendar programs read a user's touches.

use calcard::icalendar::{ICalendar, ICalendarComponentType, ICalendarProperty};
use reqwest::StatusCode;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};
use tests::{Member, World, on_both_databases};

const FEED: &str = "{ url userErrors { code message field } }";

/// Returns the path of a user's new address.
async fn feed(who: &Member) -> String {
    let answer = who.query(&format!("mutation {{ createCalendarFeed {FEED} }}")).await.done();
    let url = answer.text("createCalendarFeed.url").to_owned();
    let path = url.strip_prefix("http://127.0.0.1:8000").unwrap();
    let token = path.strip_prefix("/calendar/csc_").and_then(|file| file.strip_suffix(".ics"));
    assert_eq!(token.map(str::len), Some(43), "{url}");
    path.to_owned()
}

async fn get(world: &World, path: &str) -> (StatusCode, String, String) {
    let answer = world.stranger().at(path, reqwest::Method::GET).send().await.unwrap();
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    (answer.status(), kind, answer.text().await.unwrap())
}

/// The events of a calendar as another implementation reads it: UID, what it is called, how it stands, how often it changed.
async fn events(world: &World, path: &str) -> Vec<(String, String, String, i64)> {
    let (status, kind, text) = get(world, path).await;
    assert_eq!((status, kind.as_str()), (StatusCode::OK, "text/calendar; charset=utf-8"), "{text}");
    let calendar = ICalendar::parse(&text).unwrap();
    let events = calendar.components.iter().filter(|part| part.component_type == ICalendarComponentType::VEvent);
    let text = |part: &calcard::icalendar::ICalendarComponent, name: &ICalendarProperty| {
        part.property(name).and_then(|entry| entry.values[0].as_text()).unwrap_or_default().to_owned()
    };
    events
        .map(|part| {
            let sequence = part.property(&ICalendarProperty::Sequence).unwrap().values[0].as_integer().unwrap();
            let status = text(part, &ICalendarProperty::Status).to_uppercase();
            (part.uid().unwrap().to_owned(), text(part, &ICalendarProperty::Summary), status, sequence)
        })
        .collect()
}

async fn planned(who: &Member, account: &str, mut fields: Value) -> String {
    fields["accountId"] = json!(account);
    fields["kind"] = json!("MEETING");
    who.make("scheduleTouch", "touch", fields).await
}

#[on_both_databases]
async fn a_calendar_shows_what_is_planned_moved_and_called_off(world: &World) {
    let ann = world.seller("Ann").await;
    let bob = world.seller("Bob").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let path = feed(&ann).await;
    assert!(events(world, &path).await.is_empty());
    let at = |minutes: i64| world.server().app().clock.now().plus_seconds(minutes * 60).to_string();
    let review =
        planned(&ann, &acme, json!({"at": at(600), "subject": "Review, yearly", "notes": "Ask for the budget"})).await;
    let lunch = planned(&ann, &acme, json!({"at": at(700)})).await;
    // What was only written down afterwards is not in a calendar; nor is what others do.
    ann.touch(&acme, json!({"kind": "CALL", "at": at(-600)})).await;
    planned(&bob, &bob.account(json!({"name": "Globex"})).await, json!({"at": at(600)})).await;
    let event = |id: &str, name: &str, status: &str, sequence: i64| {
        (id.to_owned(), name.to_owned(), status.to_owned(), sequence)
    };
    let expected =
        [event(&review, "Review, yearly (Acme)", "CONFIRMED", 0), event(&lunch, "Meeting (Acme)", "CONFIRMED", 0)];
    assert_eq!(events(world, &path).await, expected);
    assert!(!get(world, &path).await.2.contains("budget"));
    // Moved, called off: the same UID, and a higher sequence.
    ann.mutate("updateTouch", "touch { id }", json!({"id": review, "at": at(650)})).await.done();
    ann.mutate("cancelTouch", "", json!({"id": lunch})).await.done();
    let expected =
        [event(&review, "Review, yearly (Acme)", "CONFIRMED", 1), event(&lunch, "Meeting (Acme)", "CANCELLED", 1)];
    assert_eq!(events(world, &path).await, expected);
    // Off the account, its touches are out of sight.
    world.admin().mutate("updateAccount", "account { id }", json!({"id": acme, "ownerId": bob.id()})).await.done();
    let team = "mutation($input: RemoveTeamMemberInput!) { removeTeamMember(input: $input) { userErrors { code message field } } }";
    world.admin().send(team, json!({"input": {"accountId": acme, "userId": ann.id()}})).await;
    assert!(events(world, &path).await.is_empty());
}

#[on_both_databases]
async fn an_address_that_does_not_hold_is_one_and_the_same(world: &World) {
    let ann = world.seller("Ann").await;
    let bob = world.seller("Bob").await;
    let old = feed(&ann).await;
    let path = feed(&ann).await;
    let bobs = feed(&bob).await;
    assert!(events(world, &path).await.is_empty());
    let revoke = format!("mutation {{ revokeCalendarFeed {FEED} }}");
    for _ in 0..2 {
        let answer = ann.query(&revoke).await.done();
        assert_eq!(answer.data("revokeCalendarFeed.url"), &Value::Null);
    }
    world.admin().mutate("deactivateUser", "user { id }", json!({"id": bob.id()})).await.done();
    let expected = get(world, "/calendar/nonsense.ics").await;
    assert_eq!(expected.0, StatusCode::NOT_FOUND);
    let unknown = format!("/calendar/csc_{}.ics", "A".repeat(43));
    for wrong in [
        &old,
        &path,
        &bobs,
        &unknown,
        "/calendar/.ics",
        "/calendar/%ff.ics",
        "/calendar/csc_",
        &path.replace(".ics", ""),
    ] {
        assert_eq!(get(world, wrong).await, expected, "{wrong}");
    }
    // The feed says that addresses came and went, to those concerned, and never which.
    let answer = ann.query("{ events(filter: {types: [\"user.calendar_feed_created\", \"user.calendar_feed_revoked\"]}) { nodes { type changes } } }").await;
    assert_eq!(answer.each("events.nodes", "type").len(), 3);
    let carl = world.seller("Carl").await;
    let answer = carl.query("{ events(filter: {types: [\"user.calendar_feed_created\"]}) { nodes { type } } }").await;
    assert!(answer.each("events.nodes", "type").is_empty());
}

#[on_both_databases]
async fn no_token_is_stored_and_guessing_is_slowed_down(world: &World) {
    let ann = world.seller("Ann").await;
    let path = feed(&ann).await;
    let token = path.trim_start_matches("/calendar/").trim_end_matches(".ics").to_owned();
    let connection = world.server().database().connect().await;
    let statement = Statement::from_string(connection.get_database_backend(), "select digest from calendar_feed");
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    let digest: Vec<u8> = row.try_get_by_index(0).unwrap();
    assert!(digest.len() == 32 && !token.as_bytes().windows(32).any(|part| part == digest));

    let mut refused = None;
    for number in 0..60 {
        let guess =
            world.stranger().at(&format!("/calendar/guess-{number}.ics"), reqwest::Method::GET).send().await.unwrap();
        if guess.status() == StatusCode::TOO_MANY_REQUESTS {
            refused = Some((number, guess.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap()));
            break;
        }
        assert_eq!(guess.status(), StatusCode::NOT_FOUND);
    }
    let (number, seconds) = refused.unwrap();
    assert!((40..60).contains(&number) && (1..=12).contains(&seconds), "{number} {seconds}");
}

#[on_both_databases]
async fn a_calendar_costs_the_same_for_many_touches(world: &World) {
    let ann = world.seller("Ann").await;
    let path = feed(&ann).await;
    let fill = async |name: &str, touches: i64| {
        let acme = ann.account(json!({"name": name})).await;
        let jo = ann.contact(&acme, json!({"name": "Jo"})).await;
        for hour in 0..touches {
            let at = world.server().app().clock.now().plus_seconds(hour * 3600 + 60).to_string();
            planned(&ann, &acme, json!({"at": at, "contactIds": [jo]})).await;
        }
    };
    fill("Acme", 1).await;
    let (one, few) = tests::queries::count(world.server(), events(world, &path)).await;
    fill("Globex", 9).await;
    let (all, many) = tests::queries::count(world.server(), events(world, &path)).await;
    assert_eq!((one.len(), all.len(), few), (1, 10, many));
}

#[on_both_databases]
async fn an_archived_account_has_nothing_in_a_calendar(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let path = feed(&ann).await;
    let at = world.server().app().clock.now().plus_seconds(36_000).to_string();
    planned(&ann, &acme, json!({"at": at})).await;
    for (mutation, many) in [("archiveAccount", 0), ("restoreAccount", 1)] {
        ann.mutate(mutation, "", json!({"id": acme})).await.done();
        assert_eq!(events(world, &path).await.len(), many, "{mutation}");
    }
}
