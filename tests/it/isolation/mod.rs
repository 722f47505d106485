//! The walls between tenants, and between colleagues: tried at every place of the schema. What is behind them and what
//! is nowhere must be one and the same, and stay as it was.

#![expect(clippy::panic, reason = "what is not covered is a failed test")]

mod fixture;
mod walk;

use std::collections::BTreeSet;

use fixture::Household;
use serde_json::{Value, json};
use tests::walk::schema::Schema;
use tests::walk::selection::Selections;
use tests::{World, on_both_databases};
use walk::{PUBLIC, Walk, refusals, write};

/// The word that all hidden rows are called by.
const HIDDEN: &str = "zq7hidden";
/// The amount of all hidden rows, which no sum that leaves them out comes near.
const HIDDEN_AMOUNT: &str = "76543210.09";

/// Somebody's household behind the wall.
async fn hidden(world: &World) -> Household {
    let olga = world.seller("Olga").await;
    let erna = world.manager("Erna").await;
    world.seller("Ivan").under(&erna).await;
    Household::make(&olga, &erna, world.admin(), HIDDEN, HIDDEN_AMOUNT).await
}

/// Says what was tried, and that it is not suddenly less.
fn told(who: &str, tried: &BTreeSet<String>, least: usize) {
    println!("{who} tried {} places:\n{}", tried.len(), tried.iter().cloned().collect::<Vec<_>>().join("\n"));
    assert!(tried.len() >= least, "only {} places were tried", tried.len());
}

#[on_both_databases]
async fn a_stranger_learns_and_changes_nothing(world: &World) {
    let hidden = hidden(world).await;
    let elsewhere = world.another_organization("Globex").await;
    let helper = elsewhere.manager("Hank").await;
    let own = Household::make(elsewhere.admin(), &helper, elsewhere.admin(), "ours", "5").await;
    let connection = world.server().database().connect().await;
    let schema = Schema::fetch(elsewhere.admin()).await;
    let mut walk = Walk {
        schema: &schema,
        client: elsewhere.admin(),
        insider: world.admin(),
        own: &own,
        hidden: &hidden,
        seen_by_all: &[],
        connection: &connection,
        tried: BTreeSet::new(),
        selections: Selections::default(),
    };
    walk.everywhere().await;
    told("A stranger", &walk.tried, 400);
}

#[on_both_databases]
async fn a_colleague_without_a_seat_learns_and_changes_nothing(world: &World) {
    let hidden = hidden(world).await;
    let carl = world.seller("Carl").await;
    let dora = world.manager("Dora").await;
    let own = Household::make(&carl, &dora, world.admin(), "ours", "5").await;
    let connection = world.server().database().connect().await;
    let schema = Schema::fetch(&carl).await;
    let mut walk = Walk {
        schema: &schema,
        client: &carl,
        insider: world.admin(),
        own: &own,
        hidden: &hidden,
        seen_by_all: &["User", "Organization", "Criterion"],
        connection: &connection,
        tried: BTreeSet::new(),
        selections: Selections::default(),
    };
    walk.everywhere().await;
    told("A colleague", &walk.tried, 300);
}

#[on_both_databases]
async fn what_is_tried_would_work_with_what_one_sees(world: &World) {
    let schema = Schema::fetch(world.admin()).await;
    let helper = world.manager("Hank").await;
    for mutation in schema.mutations().iter().filter(|mutation| !PUBLIC.contains(&mutation.name.as_str())) {
        // What is done to people is done elsewhere, so that they can go on here; so is what takes a whole list.
        let of_people =
            ["User", "Invitation", "Password", "sign", "TargetList"].iter().any(|part| mutation.name.contains(part));
        let elsewhere = if of_people { Some(world.another_organization(&mutation.name).await) } else { None };
        let (admin, own) = match &elsewhere {
            Some(elsewhere) => {
                let helper = elsewhere.manager("Hank").await;
                (elsewhere.admin(), Household::make(elsewhere.admin(), &helper, elsewhere.admin(), "ours", "5").await)
            }
            None => (world.admin(), Household::make(world.admin(), &helper, world.admin(), &mutation.name, "5").await),
        };
        let arguments = own.arguments(&schema, &mutation.name, &mutation.arguments);
        let selection = Selections::default().all(&schema, schema.named_type(&mutation.of), 1);
        let answer = write(admin, mutation, &selection, arguments).await;
        assert!(
            answer.body.get("errors").is_none() && refusals(&answer).is_empty(),
            "not covered: {} needs arguments of its own in fixture.rs: {answer}",
            mutation.name
        );
    }
}

#[on_both_databases]
async fn a_seller_administers_nothing(world: &World) {
    let carl = world.seller("Carl").await;
    let dora = world.manager("Dora").await;
    let own = Household::make(&carl, &dora, world.admin(), "ours", "5").await;
    let connection = world.server().database().connect().await;
    let before = tests::walk::tables::read(&connection, own.organization()).await;
    let schema = Schema::fetch(&carl).await;
    let mut tried = BTreeSet::new();
    for mutation in schema.mutations().iter().filter(|mutation| mutation.description.contains("or administrators")) {
        let mut arguments = own.arguments(&schema, &mutation.name, &mutation.arguments);
        if mutation.name == "updateUser" {
            // Somebody else's.
            arguments["input"]["name"] = json!("Somebody");
        }
        let answer = write(&carl, mutation, "{ userErrors { code field } }", arguments).await;
        let codes: Vec<String> = refusals(&answer).into_iter().map(|(code, _)| code).collect();
        assert_eq!(codes, ["FORBIDDEN"], "{}: {answer}", mutation.name);
        tried.insert(mutation.name.clone());
    }
    let changed =
        tests::walk::tables::differing(&before, &tests::walk::tables::read(&connection, own.organization()).await);
    assert!(changed.is_empty(), "{changed:?}");
    told("A seller", &tried, 5);
}

#[on_both_databases]
async fn nobody_is_answered_without_a_token(world: &World) {
    let helper = world.manager("Hank").await;
    let own = Household::make(world.admin(), &helper, world.admin(), "ours", "5").await;
    let connection = world.server().database().connect().await;
    let before = tests::walk::tables::read(&connection, own.organization()).await;
    let schema = Schema::fetch(&world.stranger()).await;
    let mut tried = BTreeSet::new();
    let mut selections = Selections::default();
    for field in schema.queries() {
        let arguments = own.arguments(&schema, &field.name, &field.arguments);
        let selection = selections.all(&schema, schema.named_type(&field.of), 1);
        let answer = walk::query(&world.stranger(), field, &selection, arguments).await;
        assert_eq!(answer.error_code(), "UNAUTHENTICATED", "{}", field.name);
        assert!(answer.body["data"].as_object().is_none_or(|data| data.values().all(Value::is_null)), "{answer}");
        tried.insert(field.name.clone());
    }
    for mutation in schema.mutations() {
        let arguments = own.arguments(&schema, &mutation.name, &mutation.arguments);
        let selection = selections.all(&schema, schema.named_type(&mutation.of), 1);
        if PUBLIC.contains(&mutation.name.as_str()) {
            continue;
        }
        let answer = write(&world.stranger(), mutation, &selection, arguments).await;
        assert_eq!(answer.error_code(), "UNAUTHENTICATED", "{}", mutation.name);
        tried.insert(mutation.name.clone());
    }
    let changed =
        tests::walk::tables::differing(&before, &tests::walk::tables::read(&connection, own.organization()).await);
    assert!(changed.is_empty(), "{changed:?}");
    told("Nobody", &tried, 45);
}
