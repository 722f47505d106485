//! The schema, read from the server by introspection.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::client::Client;

/// All types of a schema by name.
#[derive(Debug)]
pub struct Schema {
    types: BTreeMap<String, Type>,
}

/// A type of any kind. Members that its kind does not have are empty.
#[derive(Debug)]
pub struct Type {
    /// Its name.
    pub name: String,
    /// Its kind: `OBJECT`, `INPUT_OBJECT`, `ENUM` …
    pub kind: String,
    /// The fields of an object or an interface.
    pub fields: Vec<Field>,
    /// The fields of an input object.
    pub inputs: Vec<Input>,
    /// The values of an enum.
    pub values: Vec<String>,
    /// The objects that implement an interface or are members of a union.
    pub members: Vec<String>,
    /// Whether it is an input object that takes exactly one of its fields.
    pub one_of: bool,
}

/// A field of an object or an interface.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// Its arguments.
    pub arguments: Vec<Input>,
    /// Its type.
    pub of: TypeRef,
}

/// An argument, or a field of an input object.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its type.
    pub of: TypeRef,
    /// Whether it has a default value.
    pub has_default: bool,
}

/// A reference to a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeRef {
    /// A named type.
    Named(String),
    /// A list.
    List(Box<TypeRef>),
    /// A type that is not null.
    Required(Box<TypeRef>),
}

const INTROSPECTION: &str = "{ __schema { types {
    name kind isOneOf
    fields(includeDeprecated: true) { name description type { ...of } args(includeDeprecated: true) { name defaultValue type { ...of } } }
    inputFields(includeDeprecated: true) { name defaultValue type { ...of } }
    enumValues(includeDeprecated: true) { name }
    possibleTypes { name }
} } }
fragment of on __Type { name kind ofType { name kind ofType { name kind ofType { name kind ofType { name kind } } } } }";

impl Schema {
    /// Reads the schema from the server.
    ///
    /// # Panics
    /// If introspection fails.
    pub async fn fetch(client: &Client) -> Self {
        let answer = client.query(INTROSPECTION).await;
        let types = list(answer.data("__schema.types")).iter().map(Type::read);
        Self { types: types.map(|of| (of.name.clone(), of)).collect() }
    }

    /// Returns the type of a name.
    ///
    /// # Panics
    /// If there is none of that name.
    #[must_use]
    pub fn named(&self, name: &str) -> &Type {
        self.types.get(name).unwrap_or_else(|| panic!("the schema has no type {name}"))
    }

    /// Returns the named type below lists and non-null types.
    #[must_use]
    pub fn named_type(&self, of: &TypeRef) -> &Type {
        self.named(of.name())
    }

    /// Returns the fields of `Query`.
    #[must_use]
    pub fn queries(&self) -> &[Field] {
        &self.named("Query").fields
    }

    /// Returns the fields of `Mutation`.
    #[must_use]
    pub fn mutations(&self) -> &[Field] {
        &self.named("Mutation").fields
    }

    /// Returns the objects of the API, without those of introspection.
    pub fn objects(&self) -> impl Iterator<Item = &Type> {
        self.types.values().filter(|of| of.kind == "OBJECT" && !of.name.starts_with("__"))
    }

    /// Returns the names of the objects that implement `Node`.
    #[must_use]
    pub fn nodes(&self) -> &[String] {
        &self.named("Node").members
    }
}

impl Type {
    fn read(json: &Value) -> Self {
        Self {
            name: text(json, "name"),
            kind: text(json, "kind"),
            fields: list(&json["fields"]).iter().map(Field::read).collect(),
            inputs: list(&json["inputFields"]).iter().map(Input::read).collect(),
            values: list(&json["enumValues"]).iter().map(|value| text(value, "name")).collect(),
            members: list(&json["possibleTypes"]).iter().map(|member| text(member, "name")).collect(),
            one_of: json["isOneOf"] == true,
        }
    }

    /// Whether it has fields that can be selected.
    #[must_use]
    pub fn is_composite(&self) -> bool {
        matches!(self.kind.as_str(), "OBJECT" | "INTERFACE" | "UNION")
    }

    /// Whether it is a connection.
    #[must_use]
    pub fn is_connection(&self) -> bool {
        self.name.ends_with("Connection") && self.fields.iter().any(|field| field.name == "pageInfo")
    }
}

impl Field {
    fn read(json: &Value) -> Self {
        Self {
            name: text(json, "name"),
            description: json["description"].as_str().unwrap_or_default().to_owned(),
            arguments: list(&json["args"]).iter().map(Input::read).collect(),
            of: TypeRef::read(&json["type"]),
        }
    }

    /// Whether it has a required argument.
    #[must_use]
    pub fn needs_arguments(&self) -> bool {
        self.arguments.iter().any(Input::is_required)
    }
}

impl Input {
    fn read(json: &Value) -> Self {
        Self {
            name: text(json, "name"),
            of: TypeRef::read(&json["type"]),
            has_default: json["defaultValue"].is_string(),
        }
    }

    /// Whether a value must be given.
    #[must_use]
    pub fn is_required(&self) -> bool {
        matches!(self.of, TypeRef::Required(_)) && !self.has_default
    }
}

impl TypeRef {
    fn read(json: &Value) -> Self {
        match json["kind"].as_str() {
            Some("NON_NULL") => Self::Required(Box::new(Self::read(&json["ofType"]))),
            Some("LIST") => Self::List(Box::new(Self::read(&json["ofType"]))),
            _ => Self::Named(text(json, "name")),
        }
    }

    /// Returns the name below lists and non-null types.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::List(of) | Self::Required(of) => of.name(),
        }
    }

    /// Returns the nullable type.
    #[must_use]
    pub fn optional(&self) -> &Self {
        match self {
            Self::Required(of) => of,
            of => of,
        }
    }
}

impl fmt::Display for TypeRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => formatter.write_str(name),
            Self::List(of) => write!(formatter, "[{of}]"),
            Self::Required(of) => write!(formatter, "{of}!"),
        }
    }
}

fn text(json: &Value, name: &str) -> String {
    json[name].as_str().unwrap_or_else(|| panic!("no {name} in {json}")).to_owned()
}

fn list(json: &Value) -> &[Value] {
    json.as_array().map_or(&[], Vec::as_slice)
}
