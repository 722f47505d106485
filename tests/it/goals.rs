//! Goals: who sets and agrees to them, what they warn of, how they come along, and what the feed says of it.

use callshot::internals::StoppedAt;
use serde_json::{Value, json};
use tests::actors::Member;
use tests::queries::count;
use tests::{Answer, Database, Server, World, on_both_databases};

const GOAL: &str =
    "goal { id version year status amount { amount } proposedAmount { amount } baseline { amount } warnings
    proposedBy { name } agreedBy { name } revisions { amount { amount } proposedBy { name } agreedBy { name } } }";

fn refusal(code: &str, field: &str) -> [(String, String); 1] {
    [(code.to_owned(), field.to_owned())]
}

async fn set(who: &Member, account: &str, year: i32, amount: &str) -> Answer {
    who.mutate("setGoal", GOAL, json!({"accountId": account, "year": year, "amount": amount})).await
}

pub async fn act(who: &Member, mutation: &str, goal: &str) -> Answer {
    if mutation == "agreeGoal" {
        // Agreeing requires what was read.
        let read = who.send("query($id: ID!) { node(id: $id) { ... on Goal { version } } }", json!({"id": goal})).await;
        let version = read.body.pointer("/data/node/version").cloned().unwrap_or_default();
        return who.mutate("agreeGoal", GOAL, json!({"id": goal, "ifVersion": version})).await;
    }
    who.mutate(mutation, GOAL, json!({"id": goal})).await
}

/// A goal that seller and manager agreed on.
async fn agreed(seller: &Member, manager: &Member, account: &str, year: i32, amount: &str) -> String {
    let goal = set(seller, account, year, amount).await.done().text("setGoal.goal.id").to_owned();
    act(manager, "agreeGoal", &goal).await.done();
    goal
}

/// A world whose clock stands at an instant.
async fn world_at(empty: Server, at: &str) -> World {
    let stop: StoppedAt = at.parse().unwrap();
    World::on(Server::start_with(empty.stop().await, |settings| settings.clock.stop = Some(stop)).await).await
}

#[on_both_databases]
async fn two_agree_on_an_amount_and_every_agreed_one_is_kept(world: &World) {
    let boss = world.manager("Boss").await;
    let mia = world.manager("Mia").under(&boss).await;
    let ann = world.seller("Ann").under(&mia).await;
    let bob = world.seller("Bob").under(&mia).await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let input = json!({"accountId": acme, "userId": bob.id(), "role": "OTHER"});
    ann.mutate("setTeamMember", "account { id }", input).await.done();

    let answer = set(&ann, &acme, 2017, "1000").await.done();
    let goal = answer.data("setGoal.goal").clone();
    let id = goal["id"].as_str().unwrap();
    assert_eq!(
        (&goal["status"], &goal["amount"], &goal["proposedAmount"]),
        (&json!("PROPOSED"), &json!({"amount": "1000.00"}), &json!({"amount": "1000.00"}))
    );
    // Not by the same person, not by a colleague or an administrator from elsewhere, not by who sees nothing.
    assert_eq!(act(&ann, "agreeGoal", id).await.refusals(), refusal("FORBIDDEN", "input.id"));
    assert_eq!(act(&bob, "agreeGoal", id).await.refusals(), refusal("FORBIDDEN", "input.id"));
    assert_eq!(act(world.admin(), "agreeGoal", id).await.refusals(), refusal("FORBIDDEN", "input.id"));
    let eve = world.seller("Eve").await;
    for mutation in ["agreeGoal", "withdrawGoal", "removeGoal"] {
        assert_eq!(act(&eve, mutation, id).await.refusals(), refusal("NOT_FOUND", "input.id"));
    }
    assert_eq!(set(&bob, &acme, 2017, "1").await.refusals(), refusal("FORBIDDEN", "input.accountId"));
    for mutation in ["withdrawGoal", "removeGoal"] {
        assert_eq!(act(&bob, mutation, id).await.refusals(), refusal("FORBIDDEN", "input.id"));
    }
    assert_eq!(act(&mia, "withdrawGoal", id).await.refusals(), refusal("FORBIDDEN", "input.id"));
    // Proposing the same again changes nothing; by the other one it is agreeing.
    assert_eq!(set(&ann, &acme, 2017, "1000.00").await.done().data("setGoal.goal.version"), &json!(1));
    let answer = set(&mia, &acme, 2017, "1000").await.done();
    let said = answer.data("setGoal.goal");
    assert_eq!(
        (&said["status"], &said["proposedAmount"], &said["agreedBy"]),
        (&json!("AGREED"), &Value::Null, &json!({"name": "Mia"}))
    );
    assert_eq!(act(&mia, "agreeGoal", id).await.refusals(), refusal("CONFLICT", "input.id"));
    assert_eq!(act(&ann, "withdrawGoal", id).await.refusals(), refusal("CONFLICT", "input.id"));

    // A new amount waits, and the agreed one stands; two managers are one side.
    let answer = set(&boss, &acme, 2017, "1500").await.done();
    let said = answer.data("setGoal.goal");
    assert_eq!(
        (&said["status"], &said["amount"]["amount"], &said["proposedAmount"]["amount"]),
        (&json!("AGREED"), &json!("1000.00"), &json!("1500.00"))
    );
    assert_eq!(act(&mia, "agreeGoal", id).await.refusals(), refusal("FORBIDDEN", "input.id"));
    let answer = act(&boss, "withdrawGoal", id).await.done();
    let said = answer.data("withdrawGoal.goal");
    assert_eq!(
        (&said["amount"]["amount"], &said["proposedAmount"], &said["proposedBy"]["name"]),
        (&json!("1000.00"), &Value::Null, &json!("Ann"))
    );
    set(&boss, &acme, 2017, "1600").await.done();
    // A counter-proposal takes its place.
    set(&ann, &acme, 2017, "1200").await.done();
    let answer = act(&boss, "agreeGoal", id).await.done();
    let revisions = json!([
        {"amount": {"amount": "1200.00"}, "proposedBy": {"name": "Ann"}, "agreedBy": {"name": "Boss"}},
        {"amount": {"amount": "1000.00"}, "proposedBy": {"name": "Ann"}, "agreedBy": {"name": "Mia"}}]);
    assert_eq!(answer.data("agreeGoal.goal.revisions"), &revisions);
    let input = json!({"accountId": acme, "year": 2017, "amount": "5", "ifVersion": 1});
    assert_eq!(ann.mutate("setGoal", GOAL, input).await.refusals(), refusal("STALE_VERSION", "input.ifVersion"));
    let stranger = world.another_organization("Globex").await;
    assert_eq!(
        stranger.admin().query(&format!("{{ node(id: \"{id}\") {{ id }} goals {{ totalCount }} }}")).await.data(""),
        &json!({"node": null, "goals": {"totalCount": 0}})
    );
    assert_eq!(act(&mia, "removeGoal", id).await.done().text("removeGoal.goal.id"), id);
    assert_eq!(ann.query("{ goals { totalCount } }").await.data("goals.totalCount"), &json!(0));
}

#[on_both_databases]
async fn alone_a_goal_is_agreed_at_once_and_what_others_propose_waits(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let answer = set(&ann, &acme, 2017, "1000").await.done();
    let said = answer.data("setGoal.goal");
    assert_eq!(
        (&said["status"], &said["version"], &said["agreedBy"]["name"]),
        (&json!("AGREED"), &json!(1), &json!("Ann"))
    );
    let id = said["id"].as_str().unwrap().to_owned();
    set(world.admin(), &acme, 2017, "2000").await.done();
    assert_eq!(act(&ann, "agreeGoal", &id).await.done().data("agreeGoal.goal.amount.amount"), &json!("2000.00"));
    // Where the seller has a manager, what an administrator from elsewhere proposes takes both.
    let mia = world.manager("Mia").await;
    let bob = world.seller("Bob").under(&mia).await;
    let globex = bob.account(json!({"name": "Globex"})).await;
    let id = set(world.admin(), &globex, 2017, "3000").await.done().text("setGoal.goal.id").to_owned();
    assert_eq!(act(&mia, "agreeGoal", &id).await.done().text("agreeGoal.goal.status"), "PROPOSED");
    assert_eq!(act(&bob, "agreeGoal", &id).await.done().text("agreeGoal.goal.status"), "AGREED");
    // What was never agreed is gone once it is taken back.
    let id = set(&bob, &globex, 2018, "3000").await.done().text("setGoal.goal.id").to_owned();
    act(&bob, "withdrawGoal", &id).await.done();
    assert_eq!(act(&bob, "withdrawGoal", &id).await.refusals(), refusal("NOT_FOUND", "input.id"));
}

#[on_both_databases]
async fn invalid_goals_are_refused(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    for amount in ["0", "-1", "0.001", "9999999999999999"] {
        assert_eq!(set(&ann, &acme, 2017, amount).await.refusals(), refusal("INVALID", "input.amount"), "{amount}");
    }
    for amount in ["10%", "", "1e3", "ten"] {
        assert_eq!(set(&ann, &acme, 2017, amount).await.error_code(), "BAD_USER_INPUT", "{amount}");
    }
    for year in [0, -1, 10_000, 99_999] {
        assert_eq!(set(&ann, &acme, year, "5").await.refusals(), refusal("INVALID", "input.year"), "{year}");
        let document = format!("query($id: ID!) {{ account(by: {{id: $id}}) {{ goal(year: {year}) {{ id }} }} }}");
        assert_eq!(ann.send(&document, json!({"id": acme})).await.error_code(), "BAD_USER_INPUT");
    }
    for year in [1, 9999] {
        let answer = set(&ann, &acme, year, "5").await.done();
        let id = answer.text("setGoal.goal.id");
        let document = format!(
            "{{ node(id: \"{id}\") {{ ... on Goal {{ baseline {{ amount }} warnings progress {{ pace }} early: progress(on: \"0001-01-01\") {{ expected {{ amount }} }} late: progress(on: \"9999-12-31\") {{ pace }} }} }} }}"
        );
        assert_eq!(ann.query(&document).await.data("node.baseline.amount"), &json!("0.00"));
    }
    ann.mutate("archiveAccount", "account { id }", json!({"id": acme})).await.done();
    assert_eq!(set(&ann, &acme, 2017, "5").await.refusals(), refusal("CONFLICT", "input.accountId"));
    // Amounts are stored: the currency stays.
    let answer = world.admin().mutate("updateOrganization", "organization { id }", json!({"currency": "EUR"})).await;
    assert_eq!(answer.refusals(), refusal("CONFLICT", "input.currency"));
}

#[on_both_databases]
async fn warnings_and_progress_go_by_the_bookings_own_days(empty: &Server) {
    let kind = empty.database().kind();
    let world = world_at(Server::start(Database::migrated(kind).await).await, "2018-03-01T12:00:00Z").await;
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    for (day, amount) in [
        ("2016-12-31", "500"),
        ("2017-01-01", "100"),
        ("2017-06-30", "150"),
        ("2017-07-01", "700"),
        ("2017-08-01", "-800"),
        ("2018-01-01", "9"),
    ] {
        ann.booking(&acme, json!({"bookedOn": day, "amount": amount})).await;
    }
    let organization = async |fields: Value| {
        world.admin().mutate("updateOrganization", "organization { id }", fields).await.done();
    };
    organization(json!({"keyAccountThreshold": "900"})).await;
    let warnings =
        async |amount: &str| set(&ann, &acme, 2017, amount).await.done().data("setGoal.goal.warnings").clone();
    assert_eq!(warnings("500").await, json!(["NOT_ABOVE_BASELINE", "BELOW_KEY_THRESHOLD"]));
    assert_eq!(warnings("501").await, json!(["BELOW_KEY_THRESHOLD"]));
    assert_eq!(warnings("900").await, json!([]));
    organization(json!({"keyAccountThreshold": null})).await;
    assert_eq!(warnings("501").await, json!([]));
    assert_eq!(warnings("730").await, json!([]));
    let answer = ann
        .query(
            "{ accounts { nodes { goals { year } goal(year: 2017) { year baseline { amount }
                now: progress(on: \"2017-06-30\") { on booked { amount } remaining { amount } attainment expected { amount } projected { amount } pace reachedOn }
                before: progress(on: \"2016-06-30\") { booked { amount } projected { amount } compression pace }
                reached: progress(on: \"2017-07-31\") { booked { amount } pace reachedOn remaining { amount } }
                lost: progress(on: \"2017-08-01\") { booked { amount } pace reachedOn }
                over: progress(on: \"2018-03-01\") { booked { amount } expected { amount } projected { amount } compression pace } } } } }",
        )
        .await;
    let goal = answer.data("accounts.nodes.0.goal");
    assert_eq!((&goal["year"], &goal["baseline"]["amount"]), (&json!(2017), &json!("500.00")));
    // 181 of 365 days.
    let now = json!({"on": "2017-06-30", "booked": {"amount": "250.00"}, "remaining": {"amount": "480.00"}, "attainment": 250.0 / 730.0,
        "expected": {"amount": "362.00"}, "projected": null, "pace": "BEHIND", "reachedOn": null});
    assert_eq!(goal["now"], now);
    assert_eq!(
        goal["before"],
        json!({"booked": {"amount": "0.00"}, "projected": null, "compression": 1.0, "pace": "NOT_STARTED"})
    );
    assert_eq!(
        goal["reached"],
        json!({"booked": {"amount": "950.00"}, "pace": "REACHED", "reachedOn": "2017-07-01", "remaining": {"amount": "0.00"}})
    );
    assert_eq!(goal["lost"], json!({"booked": {"amount": "150.00"}, "pace": "BEHIND", "reachedOn": null}));
    assert_eq!(
        goal["over"],
        json!({"booked": {"amount": "150.00"}, "expected": {"amount": "730.00"}, "projected": {"amount": "150.00"}, "compression": null, "pace": "MISSED"})
    );
    assert_eq!(answer.data("accounts.nodes.0.goals"), &json!([{"year": 2017}]));

    // A fiscal year from March on: the leap day is the last of 2015's.
    organization(json!({"fiscalYearStartMonth": 3})).await;
    ann.booking(&acme, json!({"bookedOn": "2016-02-29", "amount": "40"})).await;
    let answer = set(&ann, &acme, 2015, "3660").await.done();
    let id = answer.text("setGoal.goal.id");
    let document = format!(
        "{{ node(id: \"{id}\") {{ ... on Goal {{ last: progress(on: \"2016-02-29\") {{ booked {{ amount }} expected {{ amount }} pace }} before: progress(on: \"2016-02-28\") {{ booked {{ amount }} expected {{ amount }} pace }} }} }} }}"
    );
    let answer = ann.query(&document).await;
    assert_eq!(
        answer.data("node.last"),
        &json!({"booked": {"amount": "40.00"}, "expected": {"amount": "3660.00"}, "pace": "MISSED"})
    );
    assert_eq!(
        answer.data("node.before"),
        &json!({"booked": {"amount": "0.00"}, "expected": {"amount": "3650.00"}, "pace": "BEHIND"})
    );
    tests::Subject::finish(world).await;
}

/// What the feed says of goals reached and no longer, with the booking that did it.
async fn reached_events(who: &Member) -> Vec<(String, Value)> {
    let document =
        "{ events(filter: {types: [\"goal.reached\", \"goal.unreached\"]}, first: 200) { nodes { type changes } } }";
    let answer = who.query(document).await;
    let row = |row: &Value| {
        let change = &row["changes"]["reachedById"];
        let booking = if change["to"].is_null() { &change["from"] } else { &change["to"] };
        (row["type"].as_str().unwrap().to_owned(), booking.clone())
    };
    answer.data("events.nodes").as_array().unwrap().iter().map(row).collect()
}

#[on_both_databases]
async fn the_feed_says_once_that_a_goal_is_reached_and_by_what(world: &World) {
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let goal = agreed(&ann, &mia, &acme, 2017, "100").await;
    let mut expected: Vec<(String, Value)> = Vec::new();
    let reached = |booking: &str| ("goal.reached".to_owned(), json!(booking));
    let unreached = |booking: &str| ("goal.unreached".to_owned(), json!(booking));
    let one = ann.booking(&acme, json!({"amount": "60", "bookedOn": "2017-03-01"})).await;
    ann.booking(&acme, json!({"amount": "500", "bookedOn": "2018-03-01"})).await;
    assert_eq!(reached_events(&ann).await, expected);
    let two = ann.booking(&acme, json!({"amount": "40", "bookedOn": "2017-02-01"})).await;
    expected.push(reached(&two));
    assert_eq!(reached_events(&ann).await, expected);
    // Once.
    let three = ann.booking(&acme, json!({"amount": "10", "bookedOn": "2017-12-31"})).await;
    assert_eq!(reached_events(&ann).await, expected);
    // A credit note takes it back, deleting that reaches it again; and so on.
    let credit = ann.booking(&acme, json!({"amount": "-20", "bookedOn": "2017-06-01"})).await;
    expected.push(unreached(&two));
    assert_eq!(reached_events(&ann).await, expected);
    ann.mutate("deleteBooking", "booking { id }", json!({"id": credit})).await.done();
    expected.push(reached(&one));
    assert_eq!(reached_events(&ann).await, expected);
    ann.mutate("updateBooking", "booking { id }", json!({"id": three, "bookedOn": "2018-01-01"})).await.done();
    assert_eq!(reached_events(&ann).await, expected);
    ann.mutate("updateBooking", "booking { id }", json!({"id": one, "amount": "59.99"})).await.done();
    expected.push(unreached(&one));
    ann.mutate("updateBooking", "booking { id }", json!({"id": three, "bookedOn": "2017-01-01"})).await.done();
    expected.push(reached(&three));
    assert_eq!(reached_events(&ann).await, expected);
    // What is only proposed counts for nothing; what is agreed may undo it, and do it.
    set(&ann, &acme, 2017, "1000").await.done();
    assert_eq!(reached_events(&ann).await, expected);
    let answer = act(&mia, "agreeGoal", &goal).await.done();
    let version = answer.data("agreeGoal.goal.version").clone();
    expected.push(unreached(&three));
    assert_eq!(reached_events(&ann).await, expected);
    // A won opportunity books. What is derived writes no version.
    let chance = ann.opportunity(&acme, json!({"name": "More", "amount": "900"})).await;
    let answer = ann.mutate("winOpportunity", "booking { id bookedOn }", json!({"id": chance})).await.done();
    let booking = answer.text("winOpportunity.booking.id").to_owned();
    ann.mutate("updateBooking", "booking { id }", json!({"id": booking, "bookedOn": "2017-07-01"})).await.done();
    expected.push(reached(&booking));
    assert_eq!(reached_events(&mia).await, expected);
    let answer = ann.query(&format!("{{ node(id: \"{goal}\") {{ ... on Goal {{ version }} }} }}")).await;
    assert_eq!(answer.data("node.version"), &version);
    let eve = world.seller("Eve").await;
    assert_eq!(reached_events(&eve).await, []);
}

#[on_both_databases]
async fn a_bulk_of_bookings_reaches_goals_at_a_fixed_cost(world: &World) {
    let ann = world.seller("Ann").await;
    let admin = world.admin();
    let mut accounts = Vec::new();
    for number in 0..20 {
        let account = ann.account(json!({"name": format!("n{number}")})).await;
        set(&ann, &account, 2017, "100").await.done();
        accounts.push(account);
    }
    let rows = |range: std::ops::Range<usize>, amount: &str| -> Value {
        range
            .flat_map(|at| {
                let account = &accounts[at];
                (0..2).map(move |part| {
                    json!({"externalId": {"source": "erp", "id": format!("{at}-{part}")}, "account": {"id": account},
                        "amount": amount, "bookedOn": format!("2017-0{}-01", part + 1)})
                })
            })
            .collect()
    };
    admin
        .mutate("upsertBookings", "failed created updated", json!({"rows": rows(0..20, "60"), "dryRun": true}))
        .await
        .done();
    assert_eq!(reached_events(admin).await.len(), 0);
    let mut costs = Vec::new();
    for range in [0..2, 2..20] {
        let (answer, cost) = count(
            world.server(),
            admin.mutate("upsertBookings", "failed created updated", json!({"rows": rows(range, "60")})),
        )
        .await;
        assert_eq!(answer.done().data("upsertBookings.failed"), &json!(0));
        costs.push(cost);
    }
    assert_eq!(costs[0], costs[1]);
    // Each once, by the second of its bookings.
    let bookings =
        admin.query("{ bookings(first: 200, filter: {bookedOn: {eq: \"2017-02-01\"}}) { nodes { id } } }").await;
    let mut by: Vec<Value> = reached_events(admin)
        .await
        .into_iter()
        .map(|(kind, booking)| {
            assert_eq!(kind, "goal.reached");
            booking
        })
        .collect();
    let mut expected: Vec<Value> = bookings.each("bookings.nodes", "id").into_iter().cloned().collect();
    by.sort_by_key(ToString::to_string);
    expected.sort_by_key(ToString::to_string);
    assert_eq!(by, expected);
    // The same again says nothing; less takes all of them back.
    admin.mutate("upsertBookings", "failed created updated", json!({"rows": rows(0..20, "60")})).await.done();
    assert_eq!(reached_events(admin).await.len(), 20);
    admin.mutate("upsertBookings", "failed created updated", json!({"rows": rows(0..20, "49.99")})).await.done();
    let kinds: Vec<String> = reached_events(admin).await.into_iter().map(|(kind, _)| kind).skip(20).collect();
    assert_eq!(kinds, vec!["goal.unreached"; 20]);
    // Another fiscal year has other bookings in it: from February on, only the second counts.
    admin.mutate("upsertBookings", "failed created updated", json!({"rows": rows(0..1, "100")})).await.done();
    admin.mutate("updateOrganization", "organization { id }", json!({"fiscalYearStartMonth": 3})).await.done();
    let last = reached_events(admin).await.pop().unwrap();
    assert_eq!(last.0, "goal.unreached");
}

#[on_both_databases]
async fn two_bookings_that_reach_a_goal_together_make_one_event(world: &World) {
    let ann = world.seller("Ann").await;
    for name in ["One", "Two", "Three"] {
        let account = ann.account(json!({"name": name})).await;
        set(&ann, &account, 2017, "100").await.done();
        let book = || ann.booking(&account, json!({"amount": "60", "bookedOn": "2017-03-01"}));
        tokio::join!(book(), book());
    }
    assert_eq!(reached_events(&ann).await.len(), 3);
}

#[on_both_databases]
async fn what_is_agreed_to_is_what_was_read(world: &World) {
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    let answer = set(&ann, &acme, 2017, "65000").await.done();
    let read = answer.data("setGoal.goal").clone();
    set(&ann, &acme, 2017, "20000").await.done();
    let stale = mia
        .mutate("agreeGoal", "goal { amount { amount } }", json!({"id": read["id"], "ifVersion": read["version"]}))
        .await;
    assert_eq!(stale.refusals(), refusal("STALE_VERSION", "input.ifVersion"));
    let unread = mia.mutate("agreeGoal", "goal { amount { amount } }", json!({"id": read["id"]})).await;
    assert_eq!(unread.refusals(), refusal("REQUIRED", "input.amount"));
    let stale =
        mia.mutate("agreeGoal", "goal { amount { amount } }", json!({"id": read["id"], "amount": "65000"})).await;
    assert_eq!(stale.refusals(), refusal("STALE_VERSION", "input.amount"));
    let agreed =
        mia.mutate("agreeGoal", "goal { amount { amount } }", json!({"id": read["id"], "ifVersion": 2})).await.done();
    assert_eq!(agreed.text("agreeGoal.goal.amount.amount"), "20000.00");
    set(&ann, &acme, 2017, "30000").await.done();
    let agreed = mia
        .mutate("agreeGoal", "goal { amount { amount } }", json!({"id": read["id"], "amount": "30000.00"}))
        .await
        .done();
    assert_eq!(agreed.text("agreeGoal.goal.amount.amount"), "30000.00");
}

#[on_both_databases]
async fn in_a_race_no_other_amount_is_agreed_to(world: &World) {
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    for round in 1..=15 {
        let account = ann.account(json!({"name": format!("Account {round}")})).await;
        let goal = set(&ann, &account, 2017, "100").await.done().text("setGoal.goal.id").to_owned();
        let (agreed, other) = tokio::join!(
            mia.mutate("agreeGoal", "goal { amount { amount } }", json!({"id": goal, "amount": "100"})),
            set(&ann, &account, 2017, "999")
        );
        other.done();
        match agreed.refusals().as_slice() {
            [] => assert_eq!(agreed.text("agreeGoal.goal.amount.amount"), "100.00"),
            refusals => assert_eq!(refusals, refusal("STALE_VERSION", "input.amount")),
        }
    }
}

/// Amounts are bounded, and their sums are not.
#[on_both_databases]
async fn a_sum_out_of_bounds_is_an_error(world: &World) {
    let admin = world.admin();
    let acme = admin.account(json!({"name": "Acme"})).await;
    for call in 0..20 {
        let row = |number: usize| {
            json!({"externalId": {"source": "erp", "id": format!("{call} {number}")},
            "account": {"id": acme}, "amount": "9999999999999.99", "bookedOn": "2017-01-01"})
        };
        let rows: Vec<Value> = (0..500).map(row).collect();
        assert_eq!(
            admin.mutate("upsertBookings", "failed", json!({"rows": rows})).await.data("upsertBookings.failed"),
            &json!(0)
        );
    }
    for document in [
        "{ accounts { nodes { booked(year: 2017) { amount } } } }",
        "{ analytics { bookings(groupBy: []) { amount { amount } } } }",
    ] {
        assert_eq!(admin.query(document).await.error_code(), "LIMIT_EXCEEDED", "{document}");
    }
    let answer = admin.mutate("setGoal", GOAL, json!({"accountId": acme, "year": 2018, "amount": "1"})).await;
    assert_eq!(answer.error_code(), "LIMIT_EXCEEDED");
}

#[on_both_databases]
async fn what_is_booked_while_a_goal_is_agreed_to_reaches_it(empty: &Database) {
    let world = world_at(Server::start(Database::migrated(empty.kind()).await).await, "2017-06-30T12:00:00Z").await;
    let mia = world.manager("Mia").await;
    let ann = world.seller("Ann").under(&mia).await;
    for round in 1..=10 {
        let account = ann.account(json!({"name": format!("Account {round}")})).await;
        let goal = set(&ann, &account, 2017, "100").await.done().text("setGoal.goal.id").to_owned();
        let (agreeing, _) = tokio::join!(
            act(&mia, "agreeGoal", &goal),
            ann.booking(&account, json!({"amount": "100", "bookedOn": "2017-03-01"}))
        );
        agreeing.done();
        assert_eq!(reached_events(world.admin()).await.len(), round);
    }
    // The same where the goal comes with the decision on a target.
    let eve = world.seller("Eve").await;
    for round in 11..=20 {
        let account = eve.account(json!({"name": format!("Account {round}")})).await;
        let input = json!({"accountId": account, "kind": "GROWTH", "rationale": "They grow."});
        let target = eve.make("proposeTarget", "target", input).await;
        let input = json!({"id": target, "decision": "AGREE", "goalAmount": "100"});
        let (deciding, _) = tokio::join!(
            eve.mutate("decideTarget", "target { status }", input),
            eve.booking(&account, json!({"amount": "100", "bookedOn": "2017-03-01"}))
        );
        deciding.done();
        assert_eq!(reached_events(world.admin()).await.len(), round);
    }
    world.into_server().stop().await.remove().await;
}

#[on_both_databases]
async fn goals_are_listed_by_account_owner_year_and_status(world: &World) {
    let mia = world.manager("Mia").await;
    let (ann, bob) = (world.seller("Ann").under(&mia).await, world.seller("Bob").await);
    let acme = ann.account(json!({"name": "Acme"})).await;
    agreed(&ann, &mia, &acme, 2017, "100").await;
    set(&ann, &acme, 2018, "200").await.done();
    set(&bob, &bob.account(json!({"name": "Bob's"})).await, 2017, "300").await.done();
    for (filter, admin, manager) in [
        (String::new(), 3, 2),
        (format!("accountId: {{eq: \"{acme}\"}}"), 2, 2),
        (format!("ownerId: {{eq: \"{}\"}}", ann.id()), 2, 2),
        (format!("ownerId: {{ne: \"{}\"}}", ann.id()), 1, 0),
        ("year: {eq: 2017}".to_owned(), 2, 1),
        ("year: {gt: 2017}".to_owned(), 1, 1),
        ("status: [AGREED]".to_owned(), 2, 1),
        ("status: [PROPOSED]".to_owned(), 1, 1),
        ("status: [PROPOSED, AGREED]".to_owned(), 3, 2),
        ("status: []".to_owned(), 0, 0),
        ("updatedAt: {lt: \"2001-01-01T00:00:00Z\"}".to_owned(), 0, 0),
    ] {
        for (who, expected) in [(&**world.admin(), admin), (&*mia, manager)] {
            let answer = who.query(&format!("{{ goals(filter: {{{filter}}}) {{ totalCount nodes {{ id }} }} }}")).await;
            assert_eq!(answer.data("goals.totalCount"), &json!(expected), "{filter}");
            assert_eq!(answer.each("goals.nodes", "id").len(), expected, "{filter}");
        }
    }
    assert_eq!(mia.query("{ goals(filter: {status: null}) { totalCount } }").await.error_code(), "BAD_USER_INPUT");
}
