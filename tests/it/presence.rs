//! Presence: the golden numbers over GraphQL, as it was on a day from what was recorded by then, of one account and of
//! whole lists.

use callshot::internals::StoppedAt;
use serde_json::{Value, json};
use tests::actors::Member;
use tests::queries::count;
use tests::{Client, Database, Server, Subject as _, World, on_both_databases};

/// A world whose clock stands at an instant.
async fn world_at(kind: tests::Kind, at: &str) -> World {
    World::on(later(Database::make_ready(kind).await, at).await).await
}

/// A server on this database whose clock stands at an instant.
async fn later(database: Database, at: &str) -> Server {
    let stop: StoppedAt = at.parse().unwrap();
    Server::start_with(database, |settings| settings.clock.stop = Some(stop)).await
}

/// What an account's presence says on a day; now, where none is given.
async fn presence(who: &Client, account: &str, on: Option<&str>, selection: &str) -> Value {
    let document =
        format!("query($id: ID!, $on: Date) {{ account(by: {{id: $id}}) {{ presence(on: $on) {{ {selection} }} }} }}");
    who.send(&document, json!({"id": account, "on": on})).await.data("account.presence").clone()
}

async fn number(who: &Client, account: &str, on: &str, field: &str) -> f64 {
    presence(who, account, Some(on), field).await[field].as_f64().unwrap()
}

/// Touches as another system had them, recorded when they were made.
async fn import(who: &Client, account: &str, touches: &[Value]) {
    let rows: Vec<Value> = touches
        .iter()
        .map(|touch| {
            let mut row = touch.clone();
            row["externalId"] = json!({"source": "crm", "id": format!("{account} {}", touch["at"])});
            row["account"] = json!({"id": account});
            row
        })
        .collect();
    let answer = who.mutate("upsertTouches", "created results { userErrors { message } }", json!({"rows": rows})).await;
    assert_eq!(answer.data("upsertTouches.created"), &json!(touches.len()), "{:?}", answer.body);
}

/// The last instant of a day of 2017.
fn end_of(day: &str) -> String {
    format!("{day}T23:59:59.999999Z")
}

fn near(found: f64, expected: f64, by: f64) -> bool {
    (found - expected).abs() < by
}

#[on_both_databases]
async fn one_meeting_fades_over_sixty_days(empty: &Database) {
    let world = world_at(empty.kind(), &end_of("2017-06-02")).await;
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    import(&ann, &acme, &[json!({"kind": "MEETING", "at": end_of("2017-04-03")})]).await;
    for (on, expected) in [
        ("2017-04-02", 0.0),
        ("2017-04-03", 0.6321),
        ("2017-04-18", 0.5069),
        ("2017-04-19", 0.4989),
        ("2017-05-03", 0.3935),
        ("2017-06-02", 0.2212),
    ] {
        let found = number(&ann, &acme, on, "presence").await;
        assert!(near(found, expected, 5e-5), "{on}: {found}");
    }
    // Now is the end of the last of these days, and a day to come is what is left then.
    let now = presence(&ann, &acme, None, "on presence").await;
    assert_eq!(now, presence(&ann, &acme, Some("2017-06-02"), "on presence").await);
    assert_eq!(now["on"], "2017-06-02");
    assert!(near(number(&ann, &acme, "2017-07-02", "presence").await, 0.1175, 5e-5));
    // The ends of the calendar are days too.
    for on in ["0001-01-01", "9999-12-31"] {
        let said = presence(&ann, &acme, Some(on), "presence daysUntilAbsent level known value ready").await;
        let nothing = json!({"presence": 0.0, "daysUntilAbsent": 0.0, "level": "UNKNOWN", "known": 0.0, "value": 0.0, "ready": false});
        assert_eq!(said, nothing, "{on}");
    }
    world.finish().await;
}

#[on_both_databases]
async fn three_touches_are_listed_with_what_each_adds(empty: &Database) {
    // Day 0 is 3 April; day 40 is 13 May.
    let world = world_at(empty.kind(), &end_of("2017-05-13")).await;
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let touches = [
        json!({"kind": "MEETING", "at": end_of("2017-04-03")}),
        json!({"kind": "CALL", "responded": true, "at": end_of("2017-04-13")}),
        json!({"kind": "EMAIL", "value": "IDEA", "valueAcknowledged": true, "at": end_of("2017-04-27")}),
        // Neither what is to come nor what was called off counts, and one-way touches not after a month.
        json!({"kind": "MEETING", "status": "CANCELED", "at": end_of("2017-05-01")}),
        json!({"kind": "MEETING", "at": "2017-05-20T10:00:00Z"}),
        json!({"kind": "EMAIL", "at": end_of("2017-04-13").replace("59.9", "58.9")}),
    ];
    import(&ann, &acme, &touches).await;
    let parts = "because { weight decayed touch { kind } }";
    let said = presence(&ann, &acme, None, &format!("presence daysUntilAbsent value {parts}")).await;
    let field = |name: &str| said[name].as_f64().unwrap();
    assert!(near(field("presence"), 0.686_960, 5e-7), "{said}");
    assert!(near(field("daysUntilAbsent"), 22.3398, 5e-5), "{said}");
    assert!(near(field("value"), 2.0 / 3.0 / 4.0, 1e-9), "{said}");
    let because = said["because"].as_array().unwrap();
    let kinds: Vec<&Value> = because.iter().map(|part| &part["touch"]["kind"]).collect();
    assert_eq!(kinds, ["EMAIL", "MEETING", "CALL"]);
    let sum: f64 = because.iter().map(|part| part["decayed"].as_f64().unwrap()).sum();
    assert!(near(sum, 1.161_424, 5e-7), "{sum}");
    let weights: Vec<f64> = because.iter().map(|part| part["weight"].as_f64().unwrap()).collect();
    assert!(weights.iter().zip([0.6, 1.0, 0.7]).all(|(found, expected)| near(*found, expected, 1e-12)), "{said}");
    // The policy decides how fast they fade and what is enough.
    let said = presence(&ann, &acme, None, "because(first: 1) { weight }").await;
    assert_eq!(said["because"].as_array().unwrap().len(), 1);
    for first in [-1, 501] {
        let document = format!(
            "query($id: ID!) {{ account(by: {{id: $id}}) {{ presence {{ because(first: {first}) {{ weight }} }} }} }}"
        );
        assert_eq!(ann.send(&document, json!({"id": acme})).await.error_code(), "BAD_USER_INPUT");
    }
    let policy = json!({"policy": {"presenceHalfLifeDays": 1, "presenceThreshold": 0.95}});
    world.admin().mutate("updateOrganization", "organization { id }", policy).await.done();
    let said = presence(&ann, &acme, None, "presence daysUntilAbsent").await;
    assert!(said["presence"].as_f64().unwrap() < 1e-4, "{said}");
    assert_eq!(said["daysUntilAbsent"], 0.0);
    world.finish().await;
}

#[on_both_databases]
async fn what_is_entered_later_did_not_make_us_present_then(empty: &Database) {
    // Day 0 is 3 April; day 50 is 23 May.
    let world = world_at(empty.kind(), "2017-05-23T12:00:00Z").await;
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    import(&ann, &acme, &[json!({"kind": "CALL", "responded": true, "at": end_of("2017-04-03")})]).await;
    let before = presence(&ann, &acme, Some("2017-05-03"), "presence value because { weight }").await;
    let now = number(&ann, &acme, "2017-05-23", "presence").await;
    // Entered on day 50, for day 20.
    let touch = json!({"kind": "MEETING", "at": "2017-04-23T12:00:00Z", "value": "IDEA"});
    let touch = ann.touch(&acme, touch).await;
    assert_eq!(presence(&ann, &acme, Some("2017-05-03"), "presence value because { weight }").await, before);
    assert!(number(&ann, &acme, "2017-05-23", "presence").await > now);
    assert_eq!(presence(&ann, &acme, None, "because { weight }").await["because"].as_array().unwrap().len(), 2);
    // What is taken back is gone from every day.
    ann.mutate("deleteTouch", "", json!({"id": touch})).await.done();
    assert!(near(number(&ann, &acme, "2017-05-23", "presence").await, now, 1e-12));
    world.finish().await;
}

#[on_both_databases]
async fn known_goes_by_the_contacts_as_they_were_on_the_day(empty: &Database) {
    let world = world_at(empty.kind(), "2017-04-03T12:00:00Z").await;
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let person = |name: &str, role: &str| json!({"name": name, "buyingRole": role});
    let cleo = ann.contact(&acme, person("Cleo", "DECISION_MAKER")).await;
    let ivan = ann.contact(&acme, person("Ivan", "INFLUENCER")).await;
    let stan = ann.contact(&acme, person("Stan", "STAKEHOLDER")).await;
    let touch = json!({"kind": "CALL", "responded": true, "contactIds": [ivan], "at": "2016-06-01T12:00:00Z"});
    ann.touch(&acme, touch).await;
    // An unanswered e-mail makes no contact know us.
    ann.touch(&acme, json!({"kind": "EMAIL", "contactIds": [stan]})).await;
    let email = ann.email().to_owned();
    let update = async |who: &Client, input: Value| {
        who.mutate("updateContact", "contact { id }", input).await.done();
    };

    // A month later Cleo knows us, and Stan has come to influence.
    let server = later(world.into_server().stop().await, "2017-05-03T12:00:00Z").await;
    let ann = server.sign_in(&email).await;
    update(&ann, json!({"id": cleo, "relationship": "KNOWN"})).await;
    update(&ann, json!({"id": stan, "buyingRole": "INFLUENCER", "relationship": "TRUSTED"})).await;
    // Another month later they are gone, each in a way of their own.
    let server = later(server.stop().await, "2017-06-03T12:00:00Z").await;
    let ann = server.sign_in(&email).await;
    ann.mutate("eraseContact", "", json!({"id": cleo})).await.done();
    ann.mutate("archiveContact", "", json!({"id": ivan})).await.done();
    let globex = ann.mutate("createAccount", "account { id }", json!({"name": "Globex"})).await.done();
    let globex = globex.text("createAccount.account.id").to_owned();
    update(&ann, json!({"id": stan, "accountId": globex})).await;
    let server = later(server.stop().await, "2017-07-03T12:00:00Z").await;
    let ann = server.sign_in(&email).await;
    for (on, ninths) in [
        // The call had not been entered.
        ("2017-04-02", 0.0),
        ("2017-04-03", 2.0),
        ("2017-05-02", 2.0),
        ("2017-05-03", 7.0),
        // More than a year after the call.
        ("2017-06-02", 5.0),
        // Who is archived fills no slot from then on, and who works elsewhere does so there.
        ("2017-06-03", 0.0),
        ("2017-06-04", 0.0),
    ] {
        let found = number(&ann, &acme, on, "known").await;
        assert!(near(found, ninths / 9.0, 1e-12), "{on}: {found}");
    }
    assert!(near(number(&ann, &globex, "2017-06-02", "known").await, 0.0, 1e-12));
    assert!(near(number(&ann, &globex, "2017-07-03", "known").await, 2.0 / 9.0, 1e-12));
    ann.mutate("restoreContact", "", json!({"id": ivan})).await.done();
    assert!(near(number(&ann, &acme, "2017-06-15", "known").await, 0.0, 1e-12));
    server.finish().await;
}

#[on_both_databases]
async fn of_the_time_before_an_import_we_know_roles_and_touches(empty: &Database) {
    let world = world_at(empty.kind(), "2017-06-03T12:00:00Z").await;
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let fields = json!({"name": "Cleo", "buyingRole": "DECISION_MAKER", "externalIds": [{"source": "crm", "id": "7"}]});
    ann.contact(&acme, fields).await;
    ann.contact(&acme, json!({"name": "Ivan", "buyingRole": "INFLUENCER", "relationship": "TRUSTED"})).await;
    let touch = json!({"kind": "MEETING", "at": "2017-04-03T12:00:00Z", "contacts": [{"source": "crm", "id": "7"}]});
    import(&ann, &acme, &[touch]).await;
    for (on, ninths) in [("2017-04-02", 0.0), ("2017-04-03", 3.0), ("2017-06-02", 3.0), ("2017-06-03", 5.0)] {
        let found = number(&ann, &acme, on, "known").await;
        assert!(near(found, ninths / 9.0, 1e-12), "{on}: {found}");
    }
    world.finish().await;
}

/// A target of an account of the seller's, agreed.
async fn target(seller: &Member, name: &str) -> (String, String) {
    let account = seller.account(json!({"name": name})).await;
    let input = json!({"accountId": account, "kind": "GROWTH", "rationale": "They grow."});
    let target = seller.make("proposeTarget", "target", input).await;
    seller.mutate("decideTarget", "target { status }", json!({"id": target, "decision": "AGREE"})).await.done();
    (account, target)
}

/// Makes us present, known and valued at an account.
async fn win_over(who: &Member, account: &str) {
    let people = [("DECISION_MAKER", "KNOWN"), ("INFLUENCER", "VALUED")];
    for (role, level) in people {
        who.contact(account, json!({"name": role, "buyingRole": role, "relationship": level})).await;
    }
    for _ in 0..4 {
        who.touch(account, json!({"kind": "CALL", "responded": true, "value": "IDEA", "valueAcknowledged": true}))
            .await;
    }
}

#[on_both_databases]
async fn lists_tell_who_is_absent_who_is_ready_and_what_is_nurtured(world: &World) {
    let ann = world.seller("Ann").await;
    let (acme, ready) = target(&ann, "Acme").await;
    let (globex, present) = target(&ann, "Globex").await;
    let (_, absent) = target(&ann, "Initrode").await;
    win_over(&ann, &acme).await;
    ann.touch(&globex, json!({"kind": "MEETING"})).await;
    let nurture = "targets { nodes { nurture { pursued daysSinceTouch longestGapDays consistency lastTouch { kind } nextTouch { kind }
        presence { level ready } } } }";
    let answer = ann.query(&format!("{{ {nurture} me {{ targetList {{ readiness unpursued {{ id }} }} }} }}")).await;
    assert_eq!(
        answer.each("targets.nodes", "nurture"),
        [
            &json!({"pursued": true, "daysSinceTouch": 0, "longestGapDays": 0, "consistency": null, "lastTouch": {"kind": "CALL"},
            "nextTouch": null, "presence": {"level": "VALUED", "ready": true}}),
            &json!({"pursued": true, "daysSinceTouch": 0, "longestGapDays": 0, "consistency": null, "lastTouch": {"kind": "MEETING"},
            "nextTouch": null, "presence": {"level": "UNKNOWN", "ready": false}}),
            &json!({"pursued": false, "daysSinceTouch": null, "longestGapDays": 0, "consistency": null, "lastTouch": null,
            "nextTouch": null, "presence": {"level": "UNKNOWN", "ready": false}}),
        ]
    );
    let readiness = answer.data("me.targetList.readiness").as_f64().unwrap();
    assert!(near(readiness, 1.0 / 3.0, 1e-12));
    assert_eq!(answer.data("me.targetList.unpursued"), &json!([{"id": absent}]));

    let found = async |filter: &str| {
        let document = format!("{{ targets(filter: {{{filter}}}) {{ nodes {{ id }} totalCount }} }}");
        let answer = ann.query(&document).await;
        assert_eq!(answer.data("targets.totalCount"), &json!(answer.each("targets.nodes", "id").len()));
        answer.each("targets.nodes", "id").into_iter().cloned().collect::<Vec<_>>()
    };
    assert_eq!(found("absent: true").await, [absent.as_str()]);
    assert_eq!(found("absent: false").await, [ready.as_str(), present.as_str()]);
    assert_eq!(found("absent: false, kind: [DREAM_CLIENT]").await, Vec::<Value>::new());
    assert_eq!(found("absent: true, status: [AGREED]").await, [absent.as_str()]);
    // No target was present yesterday, and none will be in a year.
    let day = |days: i64| world.server().app().clock.now().plus_seconds(days * 86_400).to_string()[..10].to_owned();
    assert_eq!(found(&format!("absent: true, on: \"{}\"", day(365))).await.len(), 3);
    assert_eq!(found(&format!("absent: false, on: \"{}\"", day(-1))).await.len(), 0);
    let answer = ann.query("{ targets(filter: {absent: null}) { nodes { id } } }").await;
    assert_eq!(answer.error_code(), "BAD_USER_INPUT");
    // A colleague sees none of it, an administrator all.
    let bob = world.seller("Bob").await;
    assert_eq!(
        bob.query("{ targets(filter: {absent: true}) { totalCount } }").await.data("targets.totalCount"),
        &json!(0)
    );
    let all = world.admin().query("{ targets(filter: {absent: true}) { totalCount } }").await;
    assert_eq!(all.data("targets.totalCount"), &json!(1));
    // An empty list has no readiness.
    let answer = bob.query("{ me { targetList { readiness } } }").await;
    assert_eq!(answer.data("me.targetList.readiness"), &Value::Null);
}

#[on_both_databases]
async fn nurture_covers_the_time_from_becoming_a_target_until_closing(empty: &Database) {
    let world = world_at(empty.kind(), "2017-01-01T12:00:00Z").await;
    // For a seller in Auckland a day is over before the organization's.
    let ann = world.seller("Ann").with(json!({"timeZone": "Pacific/Auckland"})).await;
    let (acme, id) = target(&ann, "Acme").await;
    let (email, acme_id) = (ann.email().to_owned(), acme.clone());
    let server = later(world.into_server().stop().await, "2017-07-01T11:00:00Z").await;
    let ann = server.sign_in(&email).await;
    // Windows of 30.2 days: touched in the first, the second and the fourth of the five that have elapsed.
    let touches: Vec<Value> = ["2017-01-05", "2017-02-20", "2017-02-25", "2017-04-10", "2017-06-29"]
        .iter()
        .map(|day| json!({"kind": "EMAIL", "at": format!("{day}T12:30:00Z")}))
        .collect();
    import(&ann, &acme_id, &touches).await;
    let nurture =
        "query($id: ID!) { node(id: $id) { ... on Target { nurture { consistency longestGapDays daysSinceTouch } } } }";
    let answer = ann.send(nurture, json!({"id": id})).await;
    let consistency = answer.data("node.nurture.consistency").as_f64().unwrap();
    assert!(near(consistency, 3.0 / 5.0, 1e-12), "{consistency}");
    // From 11 April to 30 June, and from then to 1 July, as Auckland counts.
    assert_eq!(answer.data("node.nurture.longestGapDays"), &json!(80));
    assert_eq!(answer.data("node.nurture.daysSinceTouch"), &json!(1));
    let input = json!({"id": id, "as": "WON"});
    ann.mutate("closeTarget", "target { id }", input).await.done();
    let server = later(server.stop().await, "2018-07-01T11:00:00Z").await;
    let ann = server.sign_in(&email).await;
    let answer = ann.send(nurture, json!({"id": id})).await;
    assert!(near(answer.data("node.nurture.consistency").as_f64().unwrap(), 3.0 / 5.0, 1e-12));
    assert_eq!(answer.data("node.nurture.longestGapDays"), &json!(80));
    assert_eq!(answer.data("node.nurture.daysSinceTouch"), &json!(366));
    // What was never on the list has no gaps.
    let proposed = ann
        .mutate(
            "proposeTarget",
            "target { nurture { consistency longestGapDays pursued } }",
            json!({"accountId": acme, "kind": "GROWTH", "rationale": "They grow."}),
        )
        .await
        .done();
    let nothing = json!({"consistency": null, "longestGapDays": null, "pursued": false});
    assert_eq!(proposed.data("proposeTarget.target.nurture"), &nothing);
    server.finish().await;
}

#[on_both_databases]
async fn coverage_and_kickoff_say_whom_to_get_to_know_and_to_talk_to(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let everything = "query($id: ID!) { account(by: {id: $id}) {
        relationships { contacts known valued trusted coverage needToKnow { name } missingRoles }
        kickoff { needToKnow { name } missingRoles needToTalkTo { name } unassessed { name } } } }";
    let said = ann.send(everything, json!({"id": acme})).await.data("account").clone();
    let roles = json!(["DECISION_MAKER", "INFLUENCER", "STAKEHOLDER"]);
    let empty = json!({"contacts": 0, "known": 0, "valued": 0, "trusted": 0, "coverage": 0.0, "needToKnow": [], "missingRoles": roles});
    assert_eq!(said["relationships"], empty);
    assert_eq!(said["kickoff"], json!({"needToKnow": [], "missingRoles": roles, "needToTalkTo": [], "unassessed": []}));

    let criterion = world.admin().make("createCriterion", "criterion", json!({"name": "Fit"})).await;
    world.admin().make("createCriterion", "criterion", json!({"name": "Size"})).await;
    let scores = json!({"accountId": acme, "scores": [{"criterionId": criterion, "score": 7}]});
    ann.mutate("assessAccount", "account { id }", scores).await.done();
    let person =
        |name: &str, role: Value, level: &str| json!({"name": name, "buyingRole": role, "relationship": level});
    ann.contact(&acme, person("Stan", json!("STAKEHOLDER"), "UNKNOWN")).await;
    let cleo = ann.contact(&acme, person("Cleo", json!("DECISION_MAKER"), "KNOWN")).await;
    let ivan = ann.contact(&acme, person("Ivan", json!("INFLUENCER"), "UNKNOWN")).await;
    let ida = ann.contact(&acme, person("Ida", json!("INFLUENCER"), "VALUED")).await;
    ann.contact(&acme, person("Chad", json!("CHAMPION"), "TRUSTED")).await;
    ann.contact(&acme, person("Nobody", Value::Null, "UNKNOWN")).await;
    let gone = ann.contact(&acme, person("Gone", json!("STAKEHOLDER"), "UNKNOWN")).await;
    ann.mutate("archiveContact", "", json!({"id": gone})).await.done();
    // Ivan answered a call, and Ida asked to be left in peace.
    ann.touch(&acme, json!({"kind": "CALL", "responded": true, "contactIds": [ivan]})).await;
    ann.mutate("updateContact", "contact { id }", json!({"id": ida, "doNotContact": true})).await.done();
    let said = ann.send(everything, json!({"id": acme})).await.data("account").clone();
    let expected = json!({"contacts": 6, "known": 4, "valued": 2, "trusted": 1, "coverage": 7.0 / 9.0,
        "needToKnow": [{"name": "Stan"}], "missingRoles": ["STAKEHOLDER"]});
    assert_eq!(said["relationships"], expected);
    let expected = json!({"needToKnow": [{"name": "Stan"}], "missingRoles": ["STAKEHOLDER"],
        "needToTalkTo": [{"name": "Cleo"}, {"name": "Ivan"}], "unassessed": [{"name": "Size"}]});
    assert_eq!(said["kickoff"], expected);
    assert!(near(presence(&ann, &acme, None, "known").await["known"].as_f64().unwrap(), 7.0 / 9.0, 1e-12));
    // With a touch to come there is no need to think of one.
    let at = world.server().app().clock.now().plus_seconds(86_400).to_string();
    let input = json!({"accountId": acme, "kind": "CALL", "at": at, "contactIds": [cleo]});
    ann.make("scheduleTouch", "touch", input).await;
    let said = ann.send(everything, json!({"id": acme})).await.data("account.kickoff.needToTalkTo").clone();
    assert_eq!(said, json!([{"name": "Ivan"}]));
}

const EVERYTHING: &str = "presence { on level presence known value ready daysUntilAbsent because { weight decayed touch { kind user { name } } } }
    relationships { contacts known coverage needToKnow { name } missingRoles }
    kickoff { needToKnow { name } needToTalkTo { name } missingRoles unassessed { name } }";

#[on_both_databases]
async fn the_statements_do_not_grow_with_the_rows(world: &World) {
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    world.admin().make("createCriterion", "criterion", json!({"name": "Fit"})).await;
    let add = async |number: usize| {
        let account = ann.account(json!({"name": format!("Account {number}")})).await;
        let input = json!({"accountId": account, "kind": "GROWTH", "rationale": "They grow."});
        let target = ann.make("proposeTarget", "target", input).await;
        mia.mutate("decideTarget", "target { status }", json!({"id": target, "decision": "AGREE"})).await.done();
        win_over(&ann, &account).await;
        ann.contact(&account, json!({"name": "Stan", "buyingRole": "STAKEHOLDER"})).await;
    };
    let page = format!(
        "{{ accounts {{ nodes {{ {EVERYTHING} touches {{ nodes {{ onTarget }} }} }} }}
        targets(filter: {{absent: false}}) {{ nodes {{ nurture {{ pursued consistency longestGapDays daysSinceTouch
            lastTouch {{ id }} nextTouch {{ id }} presence {{ level }} }} }} totalCount }}
        users {{ nodes {{ targetList {{ readiness unpursued {{ id }} }} }} }} }}"
    );
    add(0).await;
    let (_, one) = count(world.server(), mia.query(&page)).await;
    for number in 1..4 {
        add(number).await;
    }
    let (answer, four) = count(world.server(), mia.query(&page)).await;
    assert_eq!(answer.data("targets.totalCount"), &json!(4));
    assert_eq!(answer.each("accounts.nodes", "presence").len(), 4);
    assert_eq!(one, four);
}

#[on_both_databases]
async fn a_meeting_that_two_log_is_one_and_unanswered_webinars_are_one_way(empty: &Database) {
    let world = world_at(empty.kind(), "2017-04-03T12:00:00Z").await;
    let (ann, bob) = (world.seller("Ann").await, world.seller("Bob").await);
    let (acme, globex) = (ann.account(json!({"name": "Acme"})).await, ann.account(json!({"name": "Globex"})).await);
    let seat = json!({"accountId": acme, "userId": bob.id(), "role": "OTHER"});
    ann.mutate("setTeamMember", "account { id }", seat).await.done();
    let cleo = ann.contact(&acme, json!({"name": "Cleo"})).await;
    let meeting = json!({"kind": "MEETING", "at": "2017-04-03T11:00:00Z", "contactIds": [cleo]});
    ann.touch(&acme, meeting.clone()).await;
    let alone = presence(&ann, &acme, None, "presence daysUntilAbsent").await;
    let two = "presence daysUntilAbsent because { weight }";
    bob.touch(&acme, json!({"kind": "MEETING", "at": "2017-04-03T11:10:00Z", "contactIds": [cleo]})).await;
    bob.touch(&acme, json!({"kind": "MEETING", "at": "2017-04-03T11:20:00Z"})).await;
    let said = presence(&ann, &acme, None, two).await;
    assert_eq!((&said["presence"], &said["daysUntilAbsent"]), (&alone["presence"], &alone["daysUntilAbsent"]));
    assert_eq!(said["because"].as_array().unwrap().len(), 1);
    assert!(near(said["daysUntilAbsent"].as_f64().unwrap(), 15.8630 - 1.0 / 24.0, 1e-3), "{said}");
    for day in 1..4 {
        ann.touch(&globex, json!({"kind": "EVENT", "at": format!("2017-04-0{day}T09:00:00Z")})).await;
    }
    assert!(presence(&ann, &globex, None, "presence").await["presence"].as_f64().unwrap() < 0.26);
    // Of one day the two heaviest count.
    for (hour, kind) in [(8, "CALL"), (9, "EMAIL"), (10, "MESSAGE")] {
        let touch = json!({"kind": kind, "responded": true, "at": format!("2017-04-02T{hour:02}:00:00Z")});
        ann.touch(&acme, touch).await;
    }
    let said = presence(&ann, &acme, None, two).await;
    let weights: Vec<f64> =
        said["because"].as_array().unwrap().iter().map(|part| part["weight"].as_f64().unwrap()).collect();
    assert_eq!(weights, [1.0, 0.7, 0.4]);
    world.finish().await;
}

#[on_both_databases]
async fn a_relationship_set_by_hand_lapses_after_a_year(empty: &Database) {
    let world = world_at(empty.kind(), "2017-04-03T12:00:00Z").await;
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let person = json!({"name": "Cleo", "buyingRole": "DECISION_MAKER", "relationship": "KNOWN"});
    let cleo = ann.contact(&acme, person).await;
    let email = ann.email().to_owned();
    let server = later(world.into_server().stop().await, "2018-06-01T12:00:00Z").await;
    let ann = server.sign_in(&email).await;
    for (on, third) in [("2017-04-03", 1.0), ("2018-04-02", 1.0), ("2018-04-03", 0.0), ("2018-06-01", 0.0)] {
        assert!(near(number(&ann, &acme, on, "known").await, third / 3.0, 1e-12), "{on}");
    }
    let known = "query($id: ID!) { account(by: {id: $id}) { relationships { known coverage needToKnow { name } } } }";
    let said = ann.send(known, json!({"id": acme})).await.data("account.relationships").clone();
    assert_eq!(said, json!({"known": 0, "coverage": 0.0, "needToKnow": [{"name": "Cleo"}]}));
    // Another part in buying sets nothing, another relationship does.
    ann.mutate("updateContact", "contact { id }", json!({"id": cleo, "title": "CEO"})).await.done();
    assert!(near(number(&ann, &acme, "2018-06-01", "known").await, 0.0, 1e-12));
    ann.mutate("updateContact", "contact { id }", json!({"id": cleo, "relationship": "VALUED"})).await.done();
    assert!(near(number(&ann, &acme, "2018-06-01", "known").await, 1.0 / 3.0, 1e-12));
    server.finish().await;
}

#[on_both_databases]
async fn setting_the_same_relationship_again_renews_it(empty: &Database) {
    let world = world_at(empty.kind(), "2017-04-03T12:00:00Z").await;
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let person = json!({"name": "Cleo", "buyingRole": "DECISION_MAKER", "relationship": "KNOWN",
        "externalIds": [{"source": "crm", "id": "cleo"}]});
    let cleo = ann.contact(&acme, person).await;
    let email = ann.email().to_owned();
    let server = later(world.into_server().stop().await, "2018-06-01T12:00:00Z").await;
    let ann = server.sign_in(&email).await;
    // An import that repeats what is there confirms nothing.
    let rows = json!([{"externalId": {"source": "crm", "id": "cleo"}, "relationship": "KNOWN"}]);
    assert_eq!(
        ann.mutate("upsertContacts", "unchanged failed", json!({"rows": rows})).await.data("upsertContacts"),
        &json!({"unchanged": 1, "failed": 0, "userErrors": []})
    );
    assert!(near(number(&ann, &acme, "2018-06-01", "known").await, 0.0, 1e-12));
    let again = json!({"id": cleo, "relationship": "KNOWN"});
    for _ in 0..2 {
        // The second one, on the same day, writes nothing.
        let answer = ann.mutate("updateContact", "contact { version relationshipSetAt }", again.clone()).await.done();
        let expected = json!({"version": 2, "relationshipSetAt": "2018-06-01T12:00:00Z"});
        assert_eq!(answer.data("updateContact.contact"), &expected);
    }
    for (on, third) in [("2018-04-02", 1.0), ("2018-04-03", 0.0), ("2018-05-31", 0.0), ("2018-06-01", 1.0)] {
        assert!(near(number(&ann, &acme, on, "known").await, third / 3.0, 1e-12), "{on}");
    }
    let said = presence(&ann, &acme, None, "knownBecause { text }").await;
    assert_eq!(said["knownBecause"][0]["text"], "Cleo, set to KNOWN on 2018-06-01");
    server.finish().await;
}

#[on_both_databases]
async fn every_part_of_presence_says_what_it_rests_on(empty: &Database) {
    let world = world_at(empty.kind(), "2017-04-03T12:00:00Z").await;
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let person = |name: &str, role: &str, level: &str| json!({"name": name, "buyingRole": role, "relationship": level});
    let cleo = ann.contact(&acme, person("Cleo", "DECISION_MAKER", "VALUED")).await;
    let ivan = ann.contact(&acme, person("Ivan", "INFLUENCER", "UNKNOWN")).await;
    let touch = json!({"kind": "CALL", "responded": true, "contactIds": [ivan], "value": "IDEA", "valueAcknowledged": true,
        "at": "2017-04-03T11:00:00Z"});
    let touch = ann.touch(&acme, touch).await;
    let lines = "label text value holds subject { id }";
    let selection =
        format!("known knownBecause {{ {lines} }} valueBecause {{ {lines} }} readyBecause {{ label holds }}");
    let said = presence(&ann, &acme, None, &selection).await;
    let line = |label: &str, text: &str, value: f64, holds: bool, subject: Option<&str>| json!({"label": label, "text": text, "value": value, "holds": holds, "subject": subject.map(|id| json!({"id": id}))});
    let known = json!([
        line("Decision maker", "Cleo, set to VALUED on 2017-04-03", 3.0, true, Some(&cleo)),
        line("Influencer 1", "Ivan, who answered on 2017-04-03", 2.0, true, Some(&touch)),
        line("Influencer 2", "Not known", 2.0, false, None),
        line("Stakeholder 1", "Not known", 1.0, false, None),
        line("Stakeholder 2", "Not known", 1.0, false, None),
    ]);
    assert_eq!(said["knownBecause"], known);
    assert_eq!(said["valueBecause"][2]["text"], "IDEA on 2017-04-03, acknowledged");
    assert_eq!(said["valueBecause"][2]["subject"], json!({"id": touch}));
    let ready = json!([{"label": "Presence", "holds": true}, {"label": "Known", "holds": true}, {"label": "Value", "holds": false}]);
    assert_eq!(said["readyBecause"], ready);
    world.finish().await;
}
