//! The schema as the server tells it.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::client::Client;

/// All types by their names, and the roots.
#[derive(Debug)]
pub struct Schema {
    types: BTreeMap<String, Type>,
}

/// A type of any kind; what its kind does not have is empty.
#[derive(Debug)]
pub struct Type {
    /// Its name.
    pub name: String,
    /// What it is: `OBJECT`, `INPUT_OBJECT`, `ENUM` …
    pub kind: String,
    /// The fields of an object or an interface.
    pub fields: Vec<Field>,
    /// The fields of an input object.
    pub inputs: Vec<Input>,
    /// The words of an enum.
    pub words: Vec<String>,
    /// The objects that stand behind an interface or a union.
    pub members: Vec<String>,
    /// Whether an input object takes exactly one of its fields.
    pub one_of: bool,
}

/// A field of an object.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it says of itself.
    pub description: String,
    /// What it takes.
    pub arguments: Vec<Input>,
    /// What it answers.
    pub of: Of,
}

/// An argument, or a field of an input object.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// What it takes.
    pub of: Of,
    /// Whether it has a value where none is given.
    pub has_default: bool,
}

/// A type where it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// A type by its name.
    Named(String),
    /// A list of them.
    List(Box<Of>),
    /// Never null.
    Required(Box<Of>),
}

const QUESTION: &str = "{ __schema { types {
    name kind isOneOf
    fields(includeDeprecated: true) { name description type { ...of } args(includeDeprecated: true) { name defaultValue type { ...of } } }
    inputFields(includeDeprecated: true) { name defaultValue type { ...of } }
    enumValues(includeDeprecated: true) { name }
    possibleTypes { name }
} } }
fragment of on __Type { name kind ofType { name kind ofType { name kind ofType { name kind ofType { name kind } } } } }";

impl Schema {
    /// Asks the server.
    ///
    /// # Panics
    /// Where it does not tell.
    pub async fn ask(client: &Client) -> Self {
        let answer = client.query(QUESTION).await;
        let types = list(answer.data("__schema.types")).iter().map(Type::read);
        Self { types: types.map(|of| (of.name.clone(), of)).collect() }
    }

    /// A type by its name.
    ///
    /// # Panics
    /// Where there is none of that name.
    #[must_use]
    pub fn named(&self, name: &str) -> &Type {
        self.types.get(name).unwrap_or_else(|| panic!("the schema has no type {name}"))
    }

    /// The type below lists and exclamation marks.
    #[must_use]
    pub fn below(&self, of: &Of) -> &Type {
        self.named(of.name())
    }

    /// The fields of the root for reading.
    #[must_use]
    pub fn queries(&self) -> &[Field] {
        &self.named("Query").fields
    }

    /// The fields of the root for writing.
    #[must_use]
    pub fn mutations(&self) -> &[Field] {
        &self.named("Mutation").fields
    }

    /// The objects of this API, without introspection's own.
    pub fn objects(&self) -> impl Iterator<Item = &Type> {
        self.types.values().filter(|of| of.kind == "OBJECT" && !of.name.starts_with("__"))
    }

    /// The objects that have an id of their own.
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
            words: list(&json["enumValues"]).iter().map(|word| text(word, "name")).collect(),
            members: list(&json["possibleTypes"]).iter().map(|member| text(member, "name")).collect(),
            one_of: json["isOneOf"] == true,
        }
    }

    /// Whether it has fields to be selected.
    #[must_use]
    pub fn is_composite(&self) -> bool {
        matches!(self.kind.as_str(), "OBJECT" | "INTERFACE" | "UNION")
    }

    /// Whether it is a page of a list.
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
            of: Of::read(&json["type"]),
        }
    }

    /// Whether it cannot be asked for without arguments.
    #[must_use]
    pub fn needs_arguments(&self) -> bool {
        self.arguments.iter().any(Input::is_required)
    }
}

impl Input {
    fn read(json: &Value) -> Self {
        Self { name: text(json, "name"), of: Of::read(&json["type"]), has_default: json["defaultValue"].is_string() }
    }

    /// Whether it must be given.
    #[must_use]
    pub fn is_required(&self) -> bool {
        matches!(self.of, Of::Required(_)) && !self.has_default
    }
}

impl Of {
    fn read(json: &Value) -> Self {
        match json["kind"].as_str() {
            Some("NON_NULL") => Self::Required(Box::new(Self::read(&json["ofType"]))),
            Some("LIST") => Self::List(Box::new(Self::read(&json["ofType"]))),
            _ => Self::Named(text(json, "name")),
        }
    }

    /// The name below lists and exclamation marks.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::List(of) | Self::Required(of) => of.name(),
        }
    }

    /// The same, where it may be null.
    #[must_use]
    pub fn optional(&self) -> &Self {
        match self {
            Self::Required(of) => of,
            of => of,
        }
    }
}

impl fmt::Display for Of {
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
