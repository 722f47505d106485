//! The published schema: the committed file is what the program prints, and everything in it has a description.

use std::path::Path;

use serde_json::Value;
use tests::{Server, World, on_both_databases, program};

/// The variable with which the test writes the file instead of comparing it.
const UPDATE: &str = "UPDATE_SCHEMA";

#[on_both_databases]
async fn the_committed_schema_is_what_the_program_prints(server: &Server) {
    let output = program::run(server.database(), &["schema"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();

    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema.graphql");
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&file, &printed).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = committed.lines().zip(printed.lines()).position(|(old, new)| old != new);
    let line = differs.unwrap_or_else(|| committed.lines().count().min(printed.lines().count()));
    assert!(
        committed == printed,
        "schema.graphql differs from line {} on:\n- {}\n+ {}\nIf that is intended, set {UPDATE}=1, run this test \
         again, and review the difference before committing it.",
        line + 1,
        committed.lines().nth(line).unwrap_or("(its end)"),
        printed.lines().nth(line).unwrap_or("(its end)"),
    );

    // The server publishes the same text.
    let published = server.stranger().at("/schema.graphql", reqwest::Method::GET).send().await.unwrap();
    assert_eq!(published.text().await.unwrap(), printed);
}

/// Adds the names of the items of an introspected list that have no description.
fn without_description(of: &str, list: &Value, names: &mut Vec<String>) {
    for item in list.as_array().into_iter().flatten() {
        let name = format!("{of}.{}", item["name"].as_str().unwrap());
        if item["description"].as_str().is_none_or(|text| text.trim().is_empty()) {
            names.push(name.clone());
        }
        without_description(&name, &item["args"], names);
    }
}

#[on_both_databases]
async fn everything_in_the_schema_has_a_description(world: &World) {
    let answer = world
        .admin()
        .query(
            "{ __schema { types {
                name description
                fields(includeDeprecated: true) { name description args(includeDeprecated: true) { name description } }
                inputFields(includeDeprecated: true) { name description }
                enumValues(includeDeprecated: true) { name description }
            } } }",
        )
        .await;
    let mut names = Vec::new();
    let types = answer.data("__schema.types").as_array().unwrap();
    // The types of the specification are described there.
    for of in types {
        let name = of["name"].as_str().unwrap();
        if name.starts_with("__") || ["ID", "String", "Int", "Float", "Boolean"].contains(&name) {
            continue;
        }
        if of["description"].as_str().is_none_or(|text| text.trim().is_empty()) {
            names.push(name.to_owned());
        }
        for list in ["fields", "inputFields", "enumValues"] {
            without_description(name, &of[list], &mut names);
        }
    }
    assert!(types.len() > 50, "the introspection is incomplete");
    assert!(names.is_empty(), "without a description: {names:#?}");
}
