//! Places in arguments that name something, and how a value is put there.

use std::fmt;

use serde_json::{Map, Value};

use super::schema::{Input, Of, Schema};

/// How often one input object may stand inside itself: once, so that what is nested is tried as well.
const RECURSIONS: usize = 2;

/// Input objects that say how something is compared, and not what.
const OPERATORS: [&str; 2] = ["IdFilter", "StringFilter"];

/// A place in the arguments of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The names on the way, lists left out.
    pub path: Vec<String>,
    /// What can be named there.
    pub names: Names,
    /// The input object that says what is named; the empty text for an argument.
    pub owner: String,
}

/// What is named at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Something by its id.
    Id,
    /// Something by what another system calls it.
    ExternalId,
    /// A person by an e-mail address.
    Email,
    /// An account by its internet domain.
    Domain,
    /// Anything by a text that it has.
    Text,
    /// A place in a list.
    Cursor,
    /// Nothing: a word of the schema, such as what a list is ordered by.
    Word,
}

impl Place {
    /// The name that says what is named: the last, or where it is an operator the one before it.
    ///
    /// # Panics
    /// Never: a place has a name.
    #[must_use]
    pub fn role(&self) -> &str {
        let compared = |name: &&String| !matches!(name.as_str(), "eq" | "ne" | "in" | "contains" | "startsWith");
        self.path.iter().rev().find(compared).map_or("", String::as_str)
    }

    /// The types of nodes whose ids belong here; none where the schema does not say.
    #[must_use]
    pub fn nouns(&self, schema: &Schema, operation: &str) -> Vec<String> {
        let role = self.role();
        let stem = role.strip_suffix("Ids").or_else(|| role.strip_suffix("Id")).unwrap_or_default();
        let noun = match stem {
            "" => {
                let said = if self.owner.is_empty() { operation } else { &self.owner };
                if matches!(said, "node" | "nodes") {
                    return schema.nodes().to_vec();
                }
                // What is reviewed is named, and not the review.
                let said = said.strip_prefix("Review").unwrap_or(said);
                let named = schema.nodes().iter().filter(|noun| said.contains(noun.as_str()));
                return named.max_by_key(|noun| noun.len()).into_iter().cloned().collect();
            }
            "owner" | "user" | "seller" | "manager" | "successor" | "teamMember" | "assignee" | "madeBy" => {
                "User".to_owned()
            }
            "parent" => "Account".to_owned(),
            "after" => "Action".to_owned(),
            "copyFrom" => "Plan".to_owned(),
            "reportsTo" => "Contact".to_owned(),
            stem => stem[..1].to_uppercase() + &stem[1..],
        };
        schema.nodes().iter().filter(|known| **known == noun).cloned().collect()
    }

    /// Whether what is given here is what the row itself is to be known by, of which there is one in an organization.
    #[must_use]
    pub fn is_key(&self) -> bool {
        match self.names {
            Names::ExternalId => self.role() == "externalIds" || (self.role() == "externalId" && self.path.len() == 2),
            Names::Domain => self.path.len() == 2,
            _ => false,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.path.join("."))
    }
}

/// All places in some arguments.
#[must_use]
pub fn places(schema: &Schema, arguments: &[Input]) -> Vec<Place> {
    let mut found = Vec::new();
    for argument in arguments {
        collect(schema, argument, &mut Vec::new(), &mut Vec::new(), &mut found);
    }
    found
}

fn collect(schema: &Schema, input: &Input, path: &mut Vec<String>, within: &mut Vec<String>, found: &mut Vec<Place>) {
    path.push(input.name.clone());
    let of = schema.below(&input.of);
    let says = within.iter().rev().find(|name| !OPERATORS.contains(&name.as_str()));
    let owner = says.cloned().unwrap_or_default();
    let names = match (of.name.as_str(), of.kind.as_str()) {
        ("ID", _) => Some(Names::Id),
        ("ExternalIdInput", _) => Some(Names::ExternalId),
        ("String", _) => text_names(&input.name, within.last().map_or("", String::as_str)),
        (_, "ENUM") => Some(Names::Word),
        _ => None,
    };
    if let Some(names) = names {
        found.push(Place { path: path.clone(), names, owner });
    } else if within.iter().filter(|name| **name == of.name).count() < RECURSIONS {
        within.push(of.name.clone());
        for field in &of.inputs {
            collect(schema, field, path, within, found);
        }
        within.pop();
    }
    path.pop();
}

/// What a text names, where it names something that is there already.
fn text_names(name: &str, owner: &str) -> Option<Names> {
    match name {
        "after" | "before" => Some(Names::Cursor),
        "domain" => Some(Names::Domain),
        _ if name.ends_with("Email") || name.ends_with("Emails") => Some(Names::Email),
        _ if owner == "StringFilter" => Some(Names::Text),
        _ => None,
    }
}

/// Puts a value into arguments at a place; what is missing on the way is filled in by `make`, which is asked for the
/// value of an input that must be given.
///
/// # Panics
/// Where there is no such place.
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
    let (first, rest) = path.split_first().unwrap_or_else(|| panic!("a place has a name"));
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
    of: &Of,
    old: Value,
    rest: &[String],
    value: &Value,
    make: &dyn Fn(&Input, &str) -> Value,
) -> Value {
    match of.optional() {
        Of::List(item) => {
            let first = old.as_array().and_then(|items| items.first().cloned()).unwrap_or(Value::Null);
            Value::Array(vec![inside(schema, item, first, rest, value, make)])
        }
        _ if rest.is_empty() => value.clone(),
        of => {
            let of = schema.below(of);
            let mut object = match old {
                Value::Object(object) if !of.one_of => object,
                _ => Map::new(),
            };
            fields(schema, &of.inputs, &of.name, &mut object, rest, value, make);
            Value::Object(object)
        }
    }
}
