//! The calendar week: what of the working time is spent on whom, what is blank, and whom to fill it with.

use callshot::internals::StoppedAt;
use serde_json::{Value, json};
use tests::actors::Member;
use tests::queries::count;
use tests::{Database, Server, Subject as _, World, on_both_databases};

/// A world whose clock stands at noon of Monday, 3 April 2017, UTC.
async fn at_noon(database: &Database) -> World {
    let empty = Database::migrated(database.kind()).await;
    let stop: StoppedAt = "2017-04-03T12:00:00Z".parse().unwrap();
    World::on(Server::start_with(empty, |settings| settings.clock.stop = Some(stop)).await).await
}

/// An account that is a target of the seller's, who decides alone, from now on.
async fn target(seller: &Member, fields: Value) -> String {
    let account = seller.account(fields).await;
    let input = json!({"accountId": account, "kind": "GROWTH", "rationale": "They grow."});
    let target = seller.make("proposeTarget", "target", input).await;
    let input = json!({"id": target, "decision": "AGREE"});
    seller.mutate("decideTarget", "target { id }", input).await.done();
    account
}

/// A touch that is to be made; with these fields besides.
async fn planned(who: &Member, account: &str, kind: &str, at: &str, mut fields: Value) -> String {
    fields["accountId"] = json!(account);
    fields["kind"] = json!(kind);
    fields["at"] = json!(at);
    who.make("scheduleTouch", "touch", fields).await
}

/// Queries a user's week as another user.
async fn week(who: &Member, of: &Member, containing: Option<&str>, selection: &str) -> Value {
    let document = format!(
        "query($id: ID!, $on: Date) {{ node(id: $id) {{ ... on User {{ week(containing: $on) {{ {selection} }} }} }} }}"
    );
    who.send(&document, json!({"id": of.id(), "on": containing})).await.data("node.week").clone()
}

const PARTS: &str =
    "startsOn workingMinutes keyPeopleMinutes targetMinutes otherMinutes blankMinutes fillRate blankDays";

#[on_both_databases]
async fn the_parts_of_next_week_add_up(database: &Database) {
    let world = at_noon(database).await;
    let ann = world.seller("Ann").with(json!({"timeZone": "Europe/Berlin"})).await;
    let acme = target(&ann, json!({"name": "Acme"})).await;
    let globex = ann.account(json!({"name": "Globex"})).await;
    let jo = ann.contact(&acme, json!({"name": "Jo", "buyingRole": "DECISION_MAKER"})).await;
    let ben = ann.contact(&acme, json!({"name": "Ben", "buyingRole": "GATEKEEPER"})).await;
    let kay = ann.contact(&globex, json!({"name": "Kay", "buyingRole": "DECISION_MAKER"})).await;
    // Monday: from 9 to 10 with Jo, from half past nine to eleven with Ben, from half past ten to twelve at Globex.
    let long = |minutes: i32, who: &str| json!({"durationMinutes": minutes, "contactIds": [who]});
    planned(&ann, &acme, "MEETING", "2017-04-10T07:00:00Z", long(60, &jo)).await;
    planned(&ann, &acme, "CALL", "2017-04-10T07:30:30Z", long(90, &ben)).await;
    planned(&ann, &globex, "CALL", "2017-04-10T08:30:00Z", long(90, &kay)).await;
    // From Tuesday, four in the afternoon, through the night, for a day.
    planned(&ann, &globex, "EVENT", "2017-04-11T14:00:00Z", json!({"durationMinutes": 1440})).await;
    // Thursday: a call of the usual length, and one that is called off. Sunday: after the week's work.
    planned(&ann, &acme, "CALL", "2017-04-13T11:00:00Z", json!({})).await;
    let off = planned(&ann, &acme, "MEETING", "2017-04-13T13:00:00Z", json!({})).await;
    ann.mutate("cancelTouch", "", json!({"id": off})).await.done();
    planned(&ann, &acme, "MEETING", "2017-04-16T08:00:00Z", json!({})).await;

    let selection = format!(
        "{PARTS} user {{ name }} blankSpots {{ from to minutes big }} days {{ on workingMinutes blankMinutes targetTouches touches {{ kind at }} }}"
    );
    let said = week(&ann, &ann, None, &selection).await;
    let expected = json!({"startsOn": "2017-04-10", "workingMinutes": 2400, "keyPeopleMinutes": 60, "targetMinutes": 75,
        "otherMinutes": 540, "blankMinutes": 1725, "fillRate": 135.0 / 2400.0, "blankDays": ["2017-04-11", "2017-04-12", "2017-04-14"],
        "user": {"name": "Ann"},
        "blankSpots": [
            {"from": "2017-04-10T10:00:00Z", "to": "2017-04-10T15:00:00Z", "minutes": 300, "big": true},
            {"from": "2017-04-11T07:00:00Z", "to": "2017-04-11T14:00:00Z", "minutes": 420, "big": true},
            {"from": "2017-04-12T14:00:00Z", "to": "2017-04-12T15:00:00Z", "minutes": 60, "big": false},
            {"from": "2017-04-13T07:00:00Z", "to": "2017-04-13T11:00:00Z", "minutes": 240, "big": true},
            {"from": "2017-04-13T11:15:00Z", "to": "2017-04-13T15:00:00Z", "minutes": 225, "big": true},
            {"from": "2017-04-14T07:00:00Z", "to": "2017-04-14T15:00:00Z", "minutes": 480, "big": true}],
        "days": [
            {"on": "2017-04-10", "workingMinutes": 480, "blankMinutes": 300, "targetTouches": 2, "touches": [
                {"kind": "MEETING", "at": "2017-04-10T07:00:00Z"}, {"kind": "CALL", "at": "2017-04-10T07:30:30Z"},
                {"kind": "CALL", "at": "2017-04-10T08:30:00Z"}]},
            {"on": "2017-04-11", "workingMinutes": 480, "blankMinutes": 420, "targetTouches": 0, "touches": [{"kind": "EVENT", "at": "2017-04-11T14:00:00Z"}]},
            {"on": "2017-04-12", "workingMinutes": 480, "blankMinutes": 60, "targetTouches": 0, "touches": []},
            {"on": "2017-04-13", "workingMinutes": 480, "blankMinutes": 465, "targetTouches": 1, "touches": [{"kind": "CALL", "at": "2017-04-13T11:00:00Z"}]},
            {"on": "2017-04-14", "workingMinutes": 480, "blankMinutes": 480, "targetTouches": 0, "touches": []},
            {"on": "2017-04-15", "workingMinutes": 0, "blankMinutes": 0, "targetTouches": 0, "touches": []},
            {"on": "2017-04-16", "workingMinutes": 0, "blankMinutes": 0, "targetTouches": 1, "touches": [{"kind": "MEETING", "at": "2017-04-16T08:00:00Z"}]}]});
    assert_eq!(said, expected);
    // Next week is the one that contains any of its days, and a policy says what is big.
    assert_eq!(week(&ann, &ann, Some("2017-04-16"), "startsOn").await, json!({"startsOn": "2017-04-10"}));
    let policy = json!({"policy": {"bigBlankMinutes": 300}});
    world.admin().mutate("updateOrganization", "organization { id }", policy).await.done();
    // Who was signed in before is remembered for a moment with the policy of then.
    let said = week(world.admin(), &ann, None, "blankSpots { big }").await;
    assert_eq!(said["blankSpots"], json!([true, true, false, false, false, true].map(|big| json!({"big": big}))));
    world.finish().await;
}

#[on_both_databases]
async fn past_weeks_go_by_completed_touches_and_the_targets_of_the_time(database: &Database) {
    let world = at_noon(database).await;
    let ann = world.seller("Ann").await;
    let acme = target(&ann, json!({"name": "Acme"})).await;
    ann.touch(&acme, json!({"kind": "MEETING", "at": "2017-03-29T10:00:00Z", "durationMinutes": 45})).await;
    let rows = json!([{"externalId": {"source": "crm", "id": "1"}, "account": {"id": acme}, "kind": "MEETING", "status": "SCHEDULED",
        "at": "2017-03-30T10:00:00Z"}]);
    assert_eq!(
        ann.mutate("upsertTouches", "created", json!({"rows": rows})).await.done().data("upsertTouches.created"),
        &json!(1)
    );
    let said = week(&ann, &ann, Some("2017-03-29"), &format!("{PARTS} days {{ touches {{ status }} }}")).await;
    // It was not missed, and Acme was no target yet.
    assert_eq!(
        (&said["otherMinutes"], &said["blankMinutes"], &said["fillRate"]),
        (&json!(45), &json!(2355), &json!(0.0))
    );
    assert_eq!(said["days"][2]["touches"], json!([{"status": "COMPLETED"}]));
    assert_eq!(said["days"][3]["touches"], json!([]));
    assert_eq!(said["blankDays"].as_array().unwrap().len(), 5);
    // This week: what was done before Acme became a target, and what is still to be done today.
    ann.touch(&acme, json!({"kind": "CALL", "at": "2017-04-03T10:00:00Z"})).await;
    planned(&ann, &acme, "CALL", "2017-04-03T12:00:00Z", json!({})).await;
    let said = week(&ann, &ann, Some("2017-04-03"), PARTS).await;
    assert_eq!((&said["otherMinutes"], &said["targetMinutes"]), (&json!(15), &json!(15)));
    // A target that is closed was one until then.
    let targets = ann.query("{ targets { nodes { id } } }").await;
    let close = json!({"id": targets.text("targets.nodes.0.id"), "as": "WON"});
    ann.mutate("closeTarget", "target { id }", close).await.done();
    let said = week(&ann, &ann, Some("2017-04-03"), PARTS).await;
    assert_eq!((&said["otherMinutes"], &said["targetMinutes"]), (&json!(30), &json!(0)));
    world.finish().await;
}

#[on_both_databases]
async fn clocks_change_and_the_calendar_ends(database: &Database) {
    let world = at_noon(database).await;
    let all_day: Vec<Value> =
        (1..=7).map(|weekday| json!({"weekday": weekday, "from": "00:00", "to": "24:00"})).collect();
    let ann = world.seller("Ann").with(json!({"timeZone": "Europe/Berlin", "workingHours": all_day})).await;
    for (day, minutes) in [
        ("2017-03-22", 7 * 1440 - 60),
        ("2017-10-29", 7 * 1440 + 60),
        ("2017-06-01", 7 * 1440),
        ("9999-12-31", 5 * 1440),
    ] {
        let said = week(&ann, &ann, Some(day), &format!("{PARTS} days {{ on }} blankSpots {{ minutes }}")).await;
        assert_eq!((&said["workingMinutes"], &said["blankMinutes"]), (&json!(minutes), &json!(minutes)), "{day}");
        // Each blank spot is within one day.
        assert_eq!(said["blankSpots"].as_array().unwrap().len(), said["days"].as_array().unwrap().len());
    }
    assert_eq!(week(&ann, &ann, Some("0001-01-01"), "startsOn").await, json!({"startsOn": "0001-01-01"}));
    ann.mutate("updateUser", "user { id }", json!({"id": ann.id(), "workingHours": []})).await.done();
    let said = week(&ann, &ann, None, &format!("{PARTS} blankSpots {{ minutes }}")).await;
    let expected = json!({"startsOn": "2017-04-10", "workingMinutes": 0, "keyPeopleMinutes": 0, "targetMinutes": 0, "otherMinutes": 0,
        "blankMinutes": 0, "fillRate": null, "blankDays": [], "blankSpots": []});
    assert_eq!(said, expected);
    for day in ["10000-01-01", "2017-02-29", "tomorrow"] {
        let document = format!("{{ me {{ week(containing: \"{day}\") {{ startsOn }} }} }}");
        assert!(ann.query(&document).await.body["errors"].is_array(), "{day}");
    }
    world.finish().await;
}

/// What a day's parts say, as `KIND from-to` with the local hours of a zone that is ahead of UTC by this many.
fn bars(day: &Value, ahead: i32) -> Vec<String> {
    let hour = |at: &Value| {
        let (hour, minute) = at.as_str().unwrap()[11..16].split_once(':').unwrap();
        format!("{:02}:{minute}", (hour.parse::<i32>().unwrap() + ahead) % 24)
    };
    let bar =
        |part: &Value| format!("{} {}-{}", part["kind"].as_str().unwrap(), hour(&part["from"]), hour(&part["to"]));
    day["parts"].as_array().unwrap().iter().map(bar).collect()
}

/// The days of a week with their parts, which are checked: in order, apart, and of the day's working time exactly.
async fn parts(who: &Member, containing: &str) -> Vec<Value> {
    let selection = "days { on workingMinutes blankMinutes parts { kind from to minutes touches { subject } } }";
    let week = week(who, who, Some(containing), selection).await;
    let days = week["days"].as_array().unwrap().clone();
    let at = |at: &Value| callshot::internals::instant(at.as_str().unwrap()).unwrap();
    for day in &days {
        let parts = day["parts"].as_array().unwrap();
        let minutes = |part: &Value| part["minutes"].as_i64().unwrap();
        assert_eq!(day["workingMinutes"], parts.iter().map(minutes).sum::<i64>(), "{day}");
        let blank = parts.iter().filter(|part| part["kind"] == "BLANK");
        assert_eq!(day["blankMinutes"], blank.map(minutes).sum::<i64>(), "{day}");
        for part in parts {
            assert_eq!(at(&part["to"]).0 - at(&part["from"]).0, minutes(part) * 60_000_000, "{part}");
        }
        for pair in parts.windows(2) {
            let (one, next) = (&pair[0], &pair[1]);
            assert!(at(&one["to"]) <= at(&next["from"]), "{day}");
            assert!(one["to"] != next["from"] || one["kind"] != next["kind"], "{day}");
        }
    }
    days
}

#[on_both_databases]
async fn a_day_is_shown_as_bars(database: &Database) {
    let world = at_noon(database).await;
    let hours: Vec<Value> = [("09:00", "12:00"), ("13:00", "17:00")]
        .iter()
        .flat_map(|(from, to)| [1, 7].map(|weekday| json!({"weekday": weekday, "from": from, "to": to})))
        .collect();
    let ann = world.seller("Ann").with(json!({"timeZone": "Europe/Berlin", "workingHours": hours})).await;
    let acme = target(&ann, json!({"name": "Acme"})).await;
    let globex = ann.account(json!({"name": "Globex"})).await;
    let jo = ann.contact(&acme, json!({"name": "Jo", "buyingRole": "DECISION_MAKER"})).await;
    let touch = |subject: &str, minutes: i32| json!({"subject": subject, "durationMinutes": minutes});
    let mut with_jo = touch("Jo", 60);
    with_jo["contactIds"] = json!([jo]);
    // Monday: Globex from 8 to 10:30, Acme from 10 to 11, Jo from 10:30 to 11:30, and a call in the lunch break.
    planned(&ann, &globex, "EVENT", "2017-04-10T06:00:00Z", touch("Globex", 150)).await;
    planned(&ann, &acme, "CALL", "2017-04-10T08:00:00Z", touch("Acme", 60)).await;
    planned(&ann, &acme, "MEETING", "2017-04-10T08:30:00Z", with_jo).await;
    planned(&ann, &globex, "CALL", "2017-04-10T10:15:00Z", touch("Lunch", 30)).await;
    let days = parts(&ann, "2017-04-10").await;
    assert_eq!(
        bars(&days[0], 2),
        ["OTHER 09:00-10:00", "TARGET 10:00-10:30", "KEY_PEOPLE 10:30-11:30", "BLANK 11:30-12:00", "BLANK 13:00-17:00"]
    );
    let subjects = |part: &Value| {
        part["touches"].as_array().unwrap().iter().map(|touch| touch["subject"].clone()).collect::<Vec<_>>()
    };
    let of_parts: Vec<Vec<Value>> = days[0]["parts"].as_array().unwrap().iter().map(subjects).collect();
    assert_eq!(of_parts[0], [json!("Globex")]);
    assert_eq!(of_parts[1], [json!("Globex"), json!("Acme")]);
    assert_eq!(of_parts[2], [json!("Acme"), json!("Jo")]);
    assert!(of_parts[3].is_empty() && of_parts[4].is_empty());
    assert_eq!(days[1]["parts"], json!([]));
    world.finish().await;
}

#[on_both_databases]
async fn bars_add_up_where_the_clock_changes(database: &Database) {
    let world = at_noon(database).await;
    let all_day: Vec<Value> =
        (1..=7).map(|weekday| json!({"weekday": weekday, "from": "00:00", "to": "24:00"})).collect();
    let ann = world.seller("Ann").with(json!({"timeZone": "Europe/Berlin", "workingHours": all_day})).await;
    let globex = ann.account(json!({"name": "Globex"})).await;
    // In the night in which clocks go from 3 to 2: two hours from half past one are over at half past two, shown the second time.
    planned(&ann, &globex, "CALL", "2017-10-28T23:30:00Z", json!({"durationMinutes": 120})).await;
    let days = parts(&ann, "2017-10-29").await;
    let sunday = &days[6];
    assert_eq!(sunday["workingMinutes"], 25 * 60);
    let minutes: Vec<&Value> = sunday["parts"].as_array().unwrap().iter().map(|part| &part["minutes"]).collect();
    assert_eq!(minutes, [&json!(90), &json!(120), &json!(1290)]);
    assert_eq!(sunday["parts"][1]["to"], "2017-10-29T01:30:00Z");
    // From Saturday night into Sunday, a touch is in a part of each day.
    planned(&ann, &globex, "CALL", "2017-10-21T21:30:00Z", json!({"subject": "Late", "durationMinutes": 60})).await;
    let days = parts(&ann, "2017-10-22").await;
    let (saturday, sunday) = (days[5]["parts"].as_array().unwrap(), days[6]["parts"].as_array().unwrap());
    assert_eq!(saturday.last().unwrap()["touches"], json!([{"subject": "Late"}]));
    assert_eq!((&sunday[0]["touches"], &sunday[0]["minutes"]), (&json!([{"subject": "Late"}]), &json!(30)));
    // Clocks that went from 2 to 3.
    let days = parts(&ann, "2017-03-26").await;
    assert_eq!(
        (&days[6]["workingMinutes"], bars(&days[6], 1)),
        (&json!(23 * 60), vec!["BLANK 00:00-23:00".to_owned()])
    );
    parts(&ann, "9999-12-31").await;
    world.finish().await;
}

#[on_both_databases]
async fn a_week_is_for_its_user_and_those_above(world: &World) {
    let boss = world.manager("Boss").await;
    let mia = world.manager("Mia").under(&boss).await;
    let (ann, bob) = (world.seller("Ann").under(&mia).await, world.seller("Bob").under(&mia).await);
    let stranger = world.another_organization("Globex").await;
    for (who, sees) in [(&*ann, true), (&*bob, false), (&*mia, true), (&*boss, true), (&**world.admin(), true)] {
        let said = week(who, &ann, None, "workingMinutes").await;
        assert_eq!(said, if sees { json!({"workingMinutes": 2400}) } else { Value::Null });
    }
    let document = format!("{{ node(id: \"{}\") {{ id }} }}", ann.id());
    assert_eq!(stranger.admin().query(&document).await.data("node"), &Value::Null);
}

#[on_both_databases]
async fn blanks_are_filled_with_the_best_targets_that_are_free(database: &Database) {
    let world = at_noon(database).await;
    let ann = world.seller("Ann").await;
    let criterion = world.admin().make("createCriterion", "criterion", json!({"name": "Fit"})).await;
    for (name, score, potential) in [
        ("Low", 2, json!("9")),
        ("High", 9, Value::Null),
        ("Rich", 5, json!("9")),
        ("Poor", 5, Value::Null),
        ("Busy", 10, Value::Null),
    ] {
        let account = target(&ann, json!({"name": name, "potential": potential})).await;
        let scores = json!({"accountId": account, "scores": [{"criterionId": criterion, "score": score}]});
        ann.mutate("assessAccount", "account { id }", scores).await.done();
        if name == "Busy" {
            planned(&ann, &account, "CALL", "2017-04-12T10:00:00Z", json!({})).await;
        }
    }
    ann.account(json!({"name": "No target"})).await;
    let named = |said: &Value| -> Vec<Value> {
        said["suggestions"].as_array().unwrap().iter().map(|target| target["account"]["name"].clone()).collect()
    };
    let said = week(&ann, &ann, None, "suggestions { account { name } }").await;
    assert_eq!(named(&said), ["High", "Rich", "Poor", "Low"]);
    let said = week(&ann, &ann, Some("2017-04-03"), "suggestions(first: 2) { account { name } }").await;
    assert_eq!(named(&said), ["Busy", "High"]);
    assert_eq!(named(&week(&ann, &ann, None, "suggestions(first: 0) { account { name } }").await), [""; 0]);
    for first in [-1, 201] {
        let document = format!("{{ me {{ week {{ suggestions(first: {first}) {{ id }} }} }} }}");
        assert_eq!(ann.query(&document).await.error_code(), "BAD_USER_INPUT");
    }
    world.finish().await;
}

#[on_both_databases]
async fn whom_a_colleague_touches_in_the_week_is_no_suggestion(database: &Database) {
    let world = at_noon(database).await;
    let (ann, bob) = (world.seller("Ann").await, world.seller("Bob").await);
    let acme = target(&ann, json!({"name": "Acme"})).await;
    let globex = target(&ann, json!({"name": "Globex"})).await;
    for account in [&acme, &globex] {
        let input = json!({"accountId": account, "userId": bob.id(), "role": "TECHNICAL"});
        ann.mutate("setTeamMember", "account { id }", input).await.done();
    }
    planned(&bob, &acme, "CALL", "2017-04-12T10:00:00Z", json!({})).await;
    let off = planned(&bob, &globex, "CALL", "2017-04-12T10:00:00Z", json!({})).await;
    bob.mutate("cancelTouch", "", json!({"id": off})).await.done();

    let said = week(&ann, &ann, None, "suggestions { account { name } }").await;
    assert_eq!(said["suggestions"], json!([{"account": {"name": "Globex"}}]));
    let said = week(&ann, &ann, Some("2017-04-17"), "suggestions { account { name } }").await;
    assert_eq!(said["suggestions"], json!([{"account": {"name": "Acme"}}, {"account": {"name": "Globex"}}]));
    world.finish().await;
}

#[on_both_databases]
async fn weeks_cost_the_same_for_many_users_and_touches(database: &Database) {
    let world = at_noon(database).await;
    let document = "{ users { nodes { week { workingMinutes keyPeopleMinutes blankSpots { minutes } days { touches { kind } } suggestions { account { name } } } } } }";
    let fill = async |name: &str, days: std::ops::Range<u32>| {
        let seller = world.seller(name).await;
        let acme = target(&seller, json!({"name": "Acme"})).await;
        target(&seller, json!({"name": "Globex"})).await;
        let jo = seller.contact(&acme, json!({"name": "Jo", "buyingRole": "STAKEHOLDER"})).await;
        for day in days {
            planned(&seller, &acme, "MEETING", &format!("2017-04-{day}T10:00:00Z"), json!({"contactIds": [jo]})).await;
        }
    };
    fill("Ann", 10..11).await;
    let admin = world.admin();
    admin.query(document).await.answered();
    let (_, few) = count(world.server(), async { admin.query(document).await.answered() }).await;
    fill("Bob", 10..15).await;
    fill("Cid", 10..15).await;
    admin.query(document).await.answered();
    let (answer, many) = count(world.server(), async { admin.query(document).await.answered() }).await;
    assert_eq!(few, many);
    let minutes: Vec<&Value> = answer.each("users.nodes", "week.keyPeopleMinutes");
    assert_eq!(minutes, [&json!(0), &json!(60), &json!(300), &json!(300)]);
    world.finish().await;
}
