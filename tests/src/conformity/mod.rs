//! Checks that an answer conforms to the schema: the specification's "Response" and "Completing Values", from the
//! outside.
//!
//! The server executes documents with code of its own, so its types do not guarantee that what it writes is what the
//! schema declares. [`check`] compares every answer of the tests with the committed `schema.graphql` for the operation
//! and the variables that were sent.

mod declared;
mod selection;
#[cfg(test)]
mod tests;

use std::fmt;

use async_graphql::parser::types::{BaseType, Type};
use serde_json::{Map, Value};

use declared::{DeclaredSchema, DeclaredType};
use selection::{Content, Expected, ObjectSelection, SelectedField, Selector};

/// A difference between an answer and the schema.
#[derive(Debug, PartialEq, Eq)]
pub struct Violation {
    /// The steps to the value, the last one first.
    path: Vec<String>,
    expected: String,
    found: String,
}

/// Checks the body of an answer to `request`, the JSON of a GraphQL request.
///
/// The check covers the keys of the response, the selected keys of every object in their order, the type and
/// nullability of every value, `__typename`, and the paths of errors. Introspection is not checked.
///
/// # Panics
/// If the answer does not conform, with the path, the declared type and the value.
pub fn check(request: &Value, body: &Value) {
    if let Err(violation) = conforms(DeclaredSchema::committed(), request, body) {
        panic!("the answer does not conform to the schema: {violation}\nrequest: {request:#}\nanswer: {body:#}");
    }
}

fn conforms(schema: &DeclaredSchema, request: &Value, body: &Value) -> Result<(), Violation> {
    check_envelope(body)?;
    let data = &body["data"];
    let errors = body["errors"].as_array().map_or(&[][..], Vec::as_slice);
    if data.is_null() && errors.iter().all(|error| error["path"].is_null()) {
        return Ok(());
    }
    let query = request["query"].as_str().unwrap_or_default();
    let document = graphql_document::parse(query)
        .map_err(|error| Violation::new("no data, for the document is invalid", &error.message))?;
    let name = request["operationName"].as_str();
    let mut operations = document
        .operations
        .iter()
        .filter(|(own_name, _)| name.is_none_or(|name| own_name.is_some_and(|own_name| own_name == name)));
    let (Some((_, operation)), None) = (operations.next(), operations.next()) else {
        return Err(Violation::new("no data, for the request does not choose an operation", data));
    };
    let selector =
        Selector { schema, document: &document, operation: &operation.node, variables: &request["variables"] };
    let root = selector.root()?;
    check_nullable(data, |data| check_object(std::slice::from_ref(&root), data)).map_err(|it| it.at("data"))?;
    for (index, error) in errors.iter().enumerate() {
        let Some(path) = error["path"].as_array() else { continue };
        let at = |violation: Violation| violation.at("path").at(&index.to_string()).at("errors");
        let value =
            locate(&root, path, data).ok_or_else(|| at(Violation::new("a path in the selection", &error["path"])))?;
        // The value is null, or one that contains it.
        check_nullable(value, |value| Err(Violation::new("null, for it has an error", value))).map_err(at)?;
    }
    Ok(())
}

/// Checks the keys around `data`, and the shape of each error.
fn check_envelope(body: &Value) -> Result<(), Violation> {
    let Some(envelope) = body.as_object() else { return Err(Violation::new("an object", body)) };
    if let Some(key) = envelope.keys().find(|key| !["data", "errors", "extensions"].contains(&key.as_str())) {
        return Err(Violation::new("data, errors and extensions", key));
    }
    if let Some(errors) = envelope.get("errors") {
        let list = errors.as_array().filter(|list| !list.is_empty());
        let list = list.ok_or_else(|| Violation::new("a list of at least one error", errors).at("errors"))?;
        if let Some(error) = list.iter().find(|error| !error["message"].is_string()) {
            return Err(Violation::new("an error with a message", error).at("errors"));
        }
        if let Some(error) = list.iter().find(|error| !(error["path"].is_array() || error["path"].is_null())) {
            return Err(Violation::new("an error whose path is a list", error).at("errors"));
        }
        return Ok(());
    }
    check_not_null(&body["data"], "an object, for there are no errors").map_err(|it| it.at("data"))
}

/// Checks a value against its declared type.
fn check_value(ty: &Type, content: &Content<'_>, value: &Value) -> Result<(), Violation> {
    if value.is_null() {
        return if ty.nullable { Ok(()) } else { Err(Violation::new(ty, value)) };
    }
    match &ty.base {
        BaseType::List(item_type) => {
            let items = value.as_array().ok_or_else(|| Violation::new(ty, value))?;
            items.iter().enumerate().try_for_each(|(index, item)| {
                check_value(item_type, content, item).map_err(|violation| violation.at(&index.to_string()))
            })
        }
        BaseType::Named(_) => match content {
            Content::Objects(selections) => check_object(selections, value),
            Content::Leaf(DeclaredType::Scalar(scalar)) if scalar.accepts(value) => Ok(()),
            Content::Leaf(DeclaredType::Enum(values)) if value.as_str().is_some_and(|value| values.contains(value)) => {
                Ok(())
            }
            Content::Leaf(_) => Err(Violation::new(ty, value)),
        },
    }
}

/// Checks an object against the selection for its type, which is the one that `__typename` names. Where it was not
/// selected, the object must conform to the selection for one of the possible types.
fn check_object(selections: &[ObjectSelection<'_>], value: &Value) -> Result<(), Violation> {
    let names = || selections.iter().map(|selection| selection.type_name).collect::<Vec<_>>().join(" or ");
    let object = value.as_object().ok_or_else(|| Violation::new(&names(), value))?;
    let mut closest: Option<Violation> = None;
    for selection in selections.iter().filter(|selection| selection.has_type_name(object)) {
        match check_fields(selection, object) {
            Ok(()) => return Ok(()),
            Err(violation) if closest.as_ref().is_none_or(|it| it.path.len() < violation.path.len()) => {
                closest = Some(violation);
            }
            Err(_) => {}
        }
    }
    Err(closest.unwrap_or_else(|| Violation::new(&format!("the `__typename` {}", names()), value)))
}

fn check_fields(selection: &ObjectSelection<'_>, object: &Map<String, Value>) -> Result<(), Violation> {
    let selected = || selection.fields.iter().map(|field| field.key);
    if !object.keys().map(String::as_str).eq(selected()) {
        let keys = selected().collect::<Vec<_>>().join(", ");
        let found = object.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(Violation::new(&format!("{} with the keys {keys}", selection.type_name), &found));
    }
    selection.fields.iter().zip(object.values()).try_for_each(|(field, value)| match &field.expected {
        // `has_type_name` has compared the name, and introspection is not checked.
        Expected::TypeName | Expected::Introspection => Ok(()),
        Expected::Value(ty, content) => check_value(ty, content, value).map_err(|violation| violation.at(field.key)),
    })
}

/// Returns the value at an error's path, or null where a value above it is; None if the path is not in the selection.
fn locate<'value>(root: &ObjectSelection<'_>, path: &[Value], data: &'value Value) -> Option<&'value Value> {
    let (key, rest) = path.split_first()?;
    let key = key.as_str()?;
    let field = root.fields.iter().find(|field| field.key == key)?;
    locate_below(field, rest, &data[key])
}

fn locate_below<'value>(field: &SelectedField<'_>, path: &[Value], value: &'value Value) -> Option<&'value Value> {
    let Expected::Value(ty, content) = &field.expected else { return path.is_empty().then_some(value) };
    let (mut ty, mut path, mut value) = (*ty, path, value);
    while let (BaseType::List(item_type), Some((index, rest))) = (&ty.base, path.split_first()) {
        value = &value[usize::try_from(index.as_u64()?).ok()?];
        (ty, path) = (item_type, rest);
    }
    match content {
        _ if path.is_empty() => Some(value),
        Content::Objects(selections) => selections.iter().find_map(|selection| locate(selection, path, value)),
        Content::Leaf(_) => None,
    }
}

fn check_nullable(value: &Value, check: impl FnOnce(&Value) -> Result<(), Violation>) -> Result<(), Violation> {
    if value.is_null() { Ok(()) } else { check(value) }
}

fn check_not_null(value: &Value, expected: &str) -> Result<(), Violation> {
    if value.is_null() { Err(Violation::new(expected, value)) } else { Ok(()) }
}

impl Violation {
    fn new(expected: &(impl fmt::Display + ?Sized), found: &(impl fmt::Display + ?Sized)) -> Self {
        Self { path: Vec::new(), expected: expected.to_string(), found: found.to_string() }
    }

    /// The same violation, seen from one step further up.
    fn at(mut self, step: &str) -> Self {
        self.path.push(step.to_owned());
        self
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path: Vec<&str> = self.path.iter().rev().map(String::as_str).collect();
        write!(formatter, "{}: expected {}, found {}", path.join("."), self.expected, self.found)
    }
}
