//! Isolation between organizations and between colleagues, tested at every input of the schema that can refer to a row. The
//! responses for a hidden row and for a row that does not exist must be identical, and hidden rows must not change.

#![expect(clippy::panic, reason = "an uncovered input must fail the test")]

mod fixture;
mod walk;

use std::collections::BTreeSet;

use fixture::Fixture;
use serde_json::{Value, json};
use tests::walk::schema::Schema;
use tests::walk::selection::Selections;
use tests::{World, on_both_databases};
use walk::{PUBLIC, Walk, refusals, write};

/// The word that all texts of hidden rows begin with.
const HIDDEN: &str = "zq7hidden";
/// The amount of all hidden rows. Sums that exclude them are never close to it.
const HIDDEN_AMOUNT: &str = "76543210.09";

/// Creates the hidden fixture.
async fn hidden(world: &World) -> Fixture {
    let olga = world.seller("Olga").await;
    let erna = world.manager("Erna").await;
    world.seller("Ivan").under(&erna).await;
    Fixture::make(&olga, &erna, world.admin(), HIDDEN, HIDDEN_AMOUNT).await
}

/// Prints the tested inputs, and checks that there are at least `least` of them.
fn report(who: &str, tried: &BTreeSet<String>, least: usize) {
    println!("{who} tested {} inputs:\n{}", tried.len(), tried.iter().cloned().collect::<Vec<_>>().join("\n"));
    assert!(tried.len() >= least, "only {} inputs were tested", tried.len());
}

#[on_both_databases]
async fn a_stranger_learns_and_changes_nothing(world: &World) {
    let hidden = hidden(world).await;
    let elsewhere = world.another_organization("Globex").await;
    let helper = elsewhere.manager("Hank").await;
    let own = Fixture::make(elsewhere.admin(), &helper, elsewhere.admin(), "ours", "5").await;
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
    report("A stranger", &walk.tried, 400);
}

#[on_both_databases]
async fn a_colleague_without_a_seat_learns_and_changes_nothing(world: &World) {
    let hidden = hidden(world).await;
    let carl = world.seller("Carl").await;
    let dora = world.manager("Dora").await;
    let own = Fixture::make(&carl, &dora, world.admin(), "ours", "5").await;
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
    report("A colleague", &walk.tried, 300);
}

#[on_both_databases]
async fn every_mutation_succeeds_with_visible_rows(world: &World) {
    let schema = Schema::fetch(world.admin()).await;
    let helper = world.manager("Hank").await;
    for mutation in schema.mutations().iter().filter(|mutation| !PUBLIC.contains(&mutation.name.as_str())) {
        // Mutations of users and of whole lists run in an organization of their own, so that they do not affect the others.
        let of_people =
            ["User", "Invitation", "Password", "sign", "TargetList"].iter().any(|part| mutation.name.contains(part));
        let elsewhere = if of_people { Some(world.another_organization(&mutation.name).await) } else { None };
        let (admin, own) = match &elsewhere {
            Some(elsewhere) => {
                let helper = elsewhere.manager("Hank").await;
                (elsewhere.admin(), Fixture::make(elsewhere.admin(), &helper, elsewhere.admin(), "ours", "5").await)
            }
            None => (world.admin(), Fixture::make(world.admin(), &helper, world.admin(), &mutation.name, "5").await),
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
    let own = Fixture::make(&carl, &dora, world.admin(), "ours", "5").await;
    let connection = world.server().database().connect().await;
    let before = tests::walk::tables::read(&connection, own.organization()).await;
    let schema = Schema::fetch(&carl).await;
    let mut tried = BTreeSet::new();
    for mutation in schema.mutations().iter().filter(|mutation| mutation.description.contains("or administrators")) {
        let mut arguments = own.arguments(&schema, &mutation.name, &mutation.arguments);
        if mutation.name == "updateUser" {
            // The input refers to another user.
            arguments["input"]["name"] = json!("Another name");
        }
        let answer = write(&carl, mutation, "{ userErrors { code field } }", arguments).await;
        let codes: Vec<String> = refusals(&answer).into_iter().map(|(code, _)| code).collect();
        assert_eq!(codes, ["FORBIDDEN"], "{}: {answer}", mutation.name);
        tried.insert(mutation.name.clone());
    }
    let changed =
        tests::walk::tables::differing(&before, &tests::walk::tables::read(&connection, own.organization()).await);
    assert!(changed.is_empty(), "{changed:?}");
    report("A seller", &tried, 5);
}

#[on_both_databases]
async fn every_field_but_the_public_ones_requires_a_token(world: &World) {
    let helper = world.manager("Hank").await;
    let own = Fixture::make(world.admin(), &helper, world.admin(), "ours", "5").await;
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
    report("A client without a token", &tried, 45);
}
