//! The arguments and input fields that refer to something, and how a value is put there.

use std::fmt;

use serde_json::{Map, Value};

use super::schema::{Input, Schema, TypeRef};

/// How many levels of an input object that contains itself are walked.
const RECURSIONS: usize = 2;

/// Input objects that say how a value is compared; the input object around them says which.
const OPERATORS: [&str; 2] = ["IdFilter", "StringFilter"];

/// A path in the arguments of a field at which a value refers to something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The names of the argument and of the input fields on the way. Lists have no step.
    pub path: Vec<String>,
    /// How the value refers to something.
    pub kind: ReferenceKind,
    /// The input object that says to what type of thing; empty for an argument.
    pub owner: String,
}

/// How a value refers to something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceKind {
    /// By its id.
    Id,
    /// By its id in another system.
    ExternalId,
    /// By the e-mail address of a user or a contact.
    Email,
    /// By the internet domain of an account.
    Domain,
    /// By a text that it contains.
    Text,
    /// By a position in a list.
    Cursor,
    /// Not at all: a value of an enum, such as the order of a list.
    EnumValue,
}

impl Reference {
    /// Returns the last name of the path that is not an operator.
    #[must_use]
    pub fn role(&self) -> &str {
        let compared = |name: &&String| !matches!(name.as_str(), "eq" | "ne" | "in" | "contains" | "startsWith");
        self.path.iter().rev().find(compared).map_or("", String::as_str)
    }

    /// Returns the types of nodes whose ids are accepted; none if it cannot be derived from the schema's names.
    #[must_use]
    pub fn nouns(&self, schema: &Schema, operation: &str) -> Vec<String> {
        let role = self.role();
        let stem = match role {
            "reportingTo" => "user",
            role => role.strip_suffix("Ids").or_else(|| role.strip_suffix("Id")).unwrap_or_default(),
        };
        let noun = match stem {
            "" => {
                let name = if self.owner.is_empty() { operation } else { &self.owner };
                if matches!(name, "node" | "nodes") {
                    return schema.nodes().to_vec();
                }
                // A field that looks up one node, such as `user`, is named like its type.
                let name = &(name[..1].to_uppercase() + &name[1..]);
                // The id is that of the reviewed thing, and not that of the review.
                let name = name.strip_prefix("Review").unwrap_or(name);
                // The inputs of promises are named without the word that distinguishes their type from a language's own.
                let named = schema.nodes().iter().filter(|noun| name.contains(noun.trim_start_matches("Client")));
                return named.max_by_key(|noun| noun.len()).into_iter().cloned().collect();
            }
            // An event is about a node of any type.
            "subject" => return schema.nodes().to_vec(),
            "owner" | "user" | "seller" | "manager" | "successor" | "teamMember" | "assignee" | "madeBy" | "actor"
            | "notActor" => "User".to_owned(),
            "parent" => "Account".to_owned(),
            "after" => "Action".to_owned(),
            "copyFrom" => "Plan".to_owned(),
            "reportsTo" => "Contact".to_owned(),
            stem => stem[..1].to_uppercase() + &stem[1..],
        };
        schema.nodes().iter().filter(|known| **known == noun).cloned().collect()
    }

    /// Whether the value becomes an identifier of the written row itself, which is unique in an organization.
    #[must_use]
    pub fn is_key(&self) -> bool {
        let is_of_row = self.path.iter().filter(|step| !matches!(step.as_str(), "input" | "rows")).count() == 1;
        match self.kind {
            ReferenceKind::ExternalId => self.role() == "externalIds" || (self.role() == "externalId" && is_of_row),
            ReferenceKind::Domain => is_of_row,
            _ => false,
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.path.join("."))
    }
}

/// Returns all references in some arguments.
#[must_use]
pub fn references(schema: &Schema, arguments: &[Input]) -> Vec<Reference> {
    let mut found = Vec::new();
    for argument in arguments {
        collect(schema, argument, &mut Vec::new(), &mut Vec::new(), &mut found);
    }
    found
}

fn collect(
    schema: &Schema,
    input: &Input,
    path: &mut Vec<String>,
    within: &mut Vec<String>,
    found: &mut Vec<Reference>,
) {
    path.push(input.name.clone());
    let of = schema.named_type(&input.of);
    let owner = within.iter().rev().find(|name| !OPERATORS.contains(&name.as_str())).cloned().unwrap_or_default();
    let kind = match (of.name.as_str(), of.kind.as_str()) {
        ("ID", _) => Some(ReferenceKind::Id),
        ("ExternalIdInput", _) => Some(ReferenceKind::ExternalId),
        ("String", _) => text_kind(&input.name, within.last().map_or("", String::as_str)),
        (_, "ENUM") => Some(ReferenceKind::EnumValue),
        _ => None,
    };
    if let Some(kind) = kind {
        found.push(Reference { path: path.clone(), kind, owner });
    } else if within.iter().filter(|name| **name == of.name).count() < recursions(&of.name, within) {
        within.push(of.name.clone());
        for field in &of.inputs {
            collect(schema, field, path, within, found);
        }
        within.pop();
    }
    path.pop();
}

/// Returns how many levels of an input object are walked. The filter of accounts is part of most filters: there one level
/// of it is walked, and none below `and`, `or` and `not`, since all of them are read by the same code.
fn recursions(of: &str, within: &[String]) -> usize {
    let around = within.iter().filter(|name| name.ends_with("Filter") && *name != "AccountFilter").count();
    match (of, around) {
        ("AccountFilter", 1) => 1,
        ("AccountFilter", 2..) => 0,
        _ => RECURSIONS,
    }
}

/// Returns how a text refers to something; None if it does not.
fn text_kind(name: &str, owner: &str) -> Option<ReferenceKind> {
    match name {
        "after" | "before" => Some(ReferenceKind::Cursor),
        "domain" => Some(ReferenceKind::Domain),
        _ if name.ends_with("Email") || name.ends_with("Emails") => Some(ReferenceKind::Email),
        _ if owner == "StringFilter" => Some(ReferenceKind::Text),
        _ => None,
    }
}

/// Puts a value into arguments at a path. `make` returns the values of required inputs that are missing on the way.
///
/// # Panics
/// If there is no such path.
pub fn put(
    schema: &Schema,
    arguments: &[Input],
    into: &mut Map<String, Value>,
    path: &[String],
    value: &Value,
    make: &dyn Fn(&Input, &str) -> Value,
) {
    fields(schema, arguments, "", into, path, value, make);
}

fn fields(
    schema: &Schema,
    inputs: &[Input],
    owner: &str,
    into: &mut Map<String, Value>,
    path: &[String],
    value: &Value,
    make: &dyn Fn(&Input, &str) -> Value,
) {
    let (first, rest) = path.split_first().unwrap_or_else(|| panic!("a path has a step"));
    let input = inputs.iter().find(|input| input.name == *first).unwrap_or_else(|| panic!("no {first} in {owner}"));
    for other in inputs.iter().filter(|other| other.is_required() && other.name != *first) {
        if !into.contains_key(&other.name) {
            into.insert(other.name.clone(), make(other, owner));
        }
    }
    let old = into.remove(first).unwrap_or(Value::Null);
    into.insert(first.clone(), inside(schema, &input.of, old, rest, value, make));
}

fn inside(
    schema: &Schema,
    of: &TypeRef,
    old: Value,
    rest: &[String],
    value: &Value,
    make: &dyn Fn(&Input, &str) -> Value,
) -> Value {
    match of.optional() {
        TypeRef::List(item) => {
            let first = old.as_array().and_then(|items| items.first().cloned()).unwrap_or(Value::Null);
            Value::Array(vec![inside(schema, item, first, rest, value, make)])
        }
        _ if rest.is_empty() => value.clone(),
        of => {
            let of = schema.named_type(of);
            let mut object = match old {
                Value::Object(object) if !of.one_of => object,
                _ => Map::new(),
            };
            fields(schema, &of.inputs, &of.name, &mut object, rest, value, make);
            Value::Object(object)
        }
    }
}
