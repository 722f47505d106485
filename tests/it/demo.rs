//! `callshot demo`: a simulated organization, written through the rules of the product.

use std::collections::BTreeMap;
use std::process::Stdio;

use callshot::demo::{Filled, Filling, TIME_ZONE, fill};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};
use serde_json::json;
use simulator::act::TouchState;
use simulator::{Deed, Moment, Observed, Scenario, Simulation, Size, Truth};
use tests::actors::PASSWORD;
use tests::program::{self, Program};
use tests::{Client, Database, Server, World, on_both_databases};

/// An organization small enough to be filled in a test.
const TINY: Size = Size { managers: 1, sellers: 2, accounts: 24, contacts: 90, touches_a_week: 14.0 };

fn filling(server: &Server, organization: &str) -> Filling {
    let scenario = Scenario {
        seed: 7,
        size: TINY,
        years: 1,
        now: Moment(server.app().clock.now().0),
        zone: TIME_ZONE,
        // More events than clients have in life, so that a few accounts have enough of them.
        truth: Truth { triggers_a_year: 4.0, ..Truth::default() },
    };
    Filling { scenario, organization: organization.to_owned(), password: PASSWORD.to_owned(), shows_progress: false }
}

async fn count(connection: &DatabaseConnection, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    let row = connection.query_one_raw(Statement::from_string(connection.get_database_backend(), sql)).await.unwrap();
    row.unwrap().try_get_by_index(0).unwrap()
}

async fn sign_in(stranger: &Client, email: &str) -> Client {
    let input = json!({ "email": email, "password": PASSWORD });
    let answer = stranger.mutate("signIn", "session { accessToken }", input).await.done();
    stranger.with_token(answer.text("signIn.session.accessToken"))
}

/// The numbers of what a simulation makes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Numbers {
    made: i64,
    planned: i64,
    canceled: i64,
    won: i64,
    lost: i64,
    open: i64,
    triggers: i64,
    promises: i64,
    plans: i64,
    reviews: i64,
}

impl Numbers {
    fn of(scenario: Scenario) -> Self {
        let mut numbers = Self::default();
        let mut touches = BTreeMap::new();
        for act in Simulation::of(scenario).unwrap().flatten() {
            match act.deed {
                Deed::Touches(entries) => touches.extend(entries.iter().map(|entry| (entry.touch, entry.state))),
                Deed::Open { .. } => numbers.open += 1,
                Deed::Win { .. } => numbers.won += 1,
                Deed::Lose { .. } => numbers.lost += 1,
                Deed::RecordTrigger { .. } => numbers.triggers += 1,
                Deed::MakePromise { .. } => numbers.promises += 1,
                Deed::Plan(_, simulator::act::PlanDeed::Create { .. }) => numbers.plans += 1,
                Deed::Plan(_, simulator::act::PlanDeed::Review { .. }) => numbers.reviews += 1,
                _ => {}
            }
        }
        numbers.open -= numbers.won + numbers.lost;
        let of = |wanted| i64::try_from(touches.values().filter(|state| **state == wanted).count()).unwrap();
        (numbers.made, numbers.planned) = (of(TouchState::Made), of(TouchState::Planned));
        numbers.canceled = of(TouchState::Canceled);
        numbers
    }

    async fn stored(connection: &DatabaseConnection) -> Self {
        let touches = async |status: &str| count(connection, &format!("touch WHERE status = '{status}'")).await;
        let opportunities = async |stage: &str| count(connection, &format!("opportunity WHERE {stage}")).await;
        Self {
            made: touches("COMPLETED").await,
            planned: touches("SCHEDULED").await,
            canceled: touches("CANCELED").await,
            won: opportunities("stage = 'WON'").await,
            lost: opportunities("stage = 'LOST'").await,
            open: opportunities("stage NOT IN ('WON', 'LOST')").await,
            triggers: count(connection, "trigger_event").await,
            promises: count(connection, "promise").await,
            plans: count(connection, "plan").await,
            reviews: count(connection, "plan_review").await,
        }
    }
}

#[on_both_databases]
async fn a_filled_database_has_what_was_simulated(empty: &Database) {
    let database = Database::migrated(empty.kind()).await;
    // A Thursday at noon, so that the history is the same in every run.
    let noon = "2026-11-26T12:00:00+01:00".parse().unwrap();
    let server = Server::start_with(database, |settings| settings.clock.stop = Some(noon)).await;
    has_what_was_simulated(&server).await;
    // Checks that the feed replays to the tables.
    server.stop().await.remove().await;
}

async fn has_what_was_simulated(server: &Server) {
    let filling = filling(server, "Arvenne Water");
    let Filled { acts, touches, staff } = fill(server.app(), &filling).await.unwrap();
    assert!(acts > 1_000 && touches > 800, "{acts} acts, {touches} touches");
    let connection = server.database().connect().await;
    assert_eq!(Numbers::stored(&connection).await, Numbers::of(filling.scenario));
    for table in ["goal", "target", "one_on_one", "list_review", "plan_commitment", "assessment"] {
        assert!(count(&connection, table).await > 0, "{table}");
    }
    connection.close().await.unwrap();

    // Everyone signs in with the password, and sees what they should.
    let email = |place: usize| staff[place].email("Arvenne Water");
    let question = "{
        me { name role manager { name } today { actions { kind } } week { blankMinutes } }
        organization { name }
        accounts { totalCount }
        touches { totalCount }
    }";
    let mut seen = Vec::new();
    for place in [0, 1, 2, 3] {
        let answer = sign_in(&server.stranger(), &email(place)).await.query(question).await;
        assert_eq!(answer.text("me.name"), staff[place].name);
        assert_eq!(answer.text("organization.name"), "Arvenne Water");
        seen.push((answer.text("me.role").to_owned(), answer.data("accounts.totalCount").as_i64().unwrap()));
        if place > 1 {
            assert!(!answer.data("me.today.actions").as_array().unwrap().is_empty());
        }
    }
    let expected = [("ADMIN", 24), ("MANAGER", 24), ("SELLER", 12), ("SELLER", 12)];
    assert_eq!(seen, expected.map(|(role, accounts)| (role.to_owned(), accounts)));
    // The product finds the same events, and judges by what was recorded then whether we were ready, as the simulation did.
    let admin = sign_in(&server.stranger(), &email(0)).await;
    let mut found = [(0, 0); 2];
    for kind in ["DISSATISFACTION", "LEADERSHIP_CHANGE", "CONTRACT_END", "EXPANSION"] {
        let question = format!(
            "{{ analytics {{ presenceEffect(range: {{from: \"2000-01-01\", to: \"2100-01-01\"}}, kind: {kind}) {{
                ready {{ events invited }} notReady {{ events invited }}
            }} }} }}"
        );
        let answer = admin.query(&question).await;
        for (place, arm) in ["ready", "notReady"].into_iter().enumerate() {
            let number = |name: &str| answer.data(&format!("analytics.presenceEffect.{arm}.{name}")).as_u64().unwrap();
            found[place] = (found[place].0 + number("events"), found[place].1 + number("invited"));
        }
    }
    let observed = Observed::of(filling.scenario).unwrap();
    let expected = [true, false].map(|ready| {
        let of = || observed.triggers.iter().filter(|(was_ready, _)| *was_ready == ready);
        (of().count() as u64, of().filter(|(_, invited)| *invited).count() as u64)
    });
    assert_eq!(found, expected);
    assert!(expected.iter().all(|(events, invited)| *events > 0 && *invited > 0), "{expected:?}");
    // No session of the filling is left open.
    let connection = server.database().connect().await;
    assert_eq!(count(&connection, "session WHERE ended_at IS NULL").await, 5);
    connection.close().await.unwrap();
}

#[on_both_databases]
async fn a_demo_beside_other_organizations_is_one_of_its_own(world: &World) {
    world.admin().account(json!({ "name": "Acme" })).await;
    fill(world.server().app(), &filling(world.server(), "Beside")).await.unwrap();
    let answer = world.admin().query("{ accounts { totalCount } organization { name } }").await;
    assert_eq!(answer.data("accounts.totalCount"), &json!(1));
    assert_eq!(answer.text("organization.name"), "Initech");
}

/// Runs `callshot demo`, and returns its exit code and what it said.
async fn demo(database: &Database, arguments: &[&str]) -> (Option<i32>, String) {
    let arguments = [&["demo"], arguments].concat();
    let output = program::run(database, &arguments).await;
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[on_both_databases]
async fn what_cannot_be_is_refused_before_anything_is_written(database: &Database) {
    for (arguments, code, expected) in [
        (&["--years", "0"][..], 1, "a history has 1 to 10 years; 0 were asked for"),
        (&["--years", "200"], 1, "a history has 1 to 10 years; 200 were asked for"),
        (&["--years", "-1"], 2, "unexpected argument"),
        (&["--size", "huge"], 2, "possible values: small, default, large"),
        (&["--seed", "x"], 2, "invalid digit found in string"),
        (&["--organization", " "], 1, "--organization takes a name of 1 to 150 characters; it has 0"),
        (&["--password", "short"], 1, "--password: A password has 12 to 128 characters"),
    ] {
        let (found, said) = demo(database, arguments).await;
        assert_eq!(found, Some(code), "{arguments:?}: {said}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    let (code, said) = demo(database, &["--truth"]).await;
    assert_eq!(code, Some(0));
    assert!(said.contains("odds ratio of being invited") && said.contains("4.00"), "{said}");
    let connection = database.connect().await;
    assert_eq!(count(&connection, "organization").await, 0);
    connection.close().await.unwrap();
}

#[on_both_databases]
async fn a_database_with_data_is_refused(database: &Database) {
    let serving = Program::serve(database, &[]).await;
    let input =
        json!({"organizationName": "Initech", "name": "Ada", "email": "ada@initech.example", "password": PASSWORD});
    serving.stranger().mutate("signUp", "session { accessToken }", input).await.done();
    let (code, said) = demo(database, &[]).await;
    assert_eq!(code, Some(1));
    assert!(said.contains("the database has data already: the organization “Initech”"), "{said}");
    assert!(said.contains("--organization NAME"), "{said}");
    let (code, said) = demo(database, &["--organization", "Initech"]).await;
    assert_eq!(code, Some(1));
    assert!(said.contains("there is an organization “Initech” already"), "{said}");
    serving.terminate().await;
    assert!(serving.ended().await.0.success());
}

#[on_both_databases]
async fn a_demo_that_was_killed_says_what_to_do_when_run_again(database: &Database) {
    let mut filling = program::command(database, &["demo", "--size", "small"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let connection = database.connect().await;
    while count(&connection, "touch").await == 0 {
        assert!(filling.try_wait().unwrap().is_none(), "the demo ended before it was killed");
        tokio::task::yield_now().await;
    }
    filling.kill().await.unwrap();
    for arguments in [&[][..], &["--organization", "Arvenne Water"]] {
        let (code, said) = demo(database, arguments).await;
        assert_eq!(code, Some(1));
        assert!(said.contains("unfinished"), "{said}");
        assert!(said.contains("--organization"), "{said}");
    }
    connection.close().await.unwrap();
}
