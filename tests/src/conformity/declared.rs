//! The types that a schema document declares.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use async_graphql::Name;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{Type, TypeKind, TypeSystemDefinition};
use async_graphql::{Positioned, parser::types::FieldDefinition};
use chrono::{DateTime, NaiveDate};
use serde_json::Value;

/// All types that can be answered, by name.
pub(super) struct DeclaredSchema {
    types: HashMap<String, DeclaredType>,
}

/// A type of an answer.
pub(super) enum DeclaredType {
    Scalar(Scalar),
    /// The values of an enum.
    Enum(HashSet<String>),
    /// The types of an object's fields.
    Object(HashMap<String, Type>),
    /// The objects that implement an interface or are members of a union.
    Abstract(Vec<String>),
}

/// A scalar, whose name says how it is written.
#[derive(Clone, Copy)]
pub(super) enum Scalar {
    Boolean,
    Date,
    DateTime,
    Decimal,
    Float,
    Id,
    Int,
    Json,
    String,
}

/// Returns a document without the schema's own definition if that has a description, which the parser does not know.
fn without_description(document: &str) -> &str {
    let described = document.rsplit_once("\n\"\"\"\nschema {").map_or("", |(types, _)| types);
    described.rsplit_once("\n\"\"\"\n").map_or(document, |(types, _)| types)
}

impl DeclaredSchema {
    /// Returns the committed schema.
    pub(super) fn committed() -> &'static Self {
        static SCHEMA: OnceLock<DeclaredSchema> = OnceLock::new();
        SCHEMA.get_or_init(|| Self::parse(include_str!("../../../schema.graphql")))
    }

    /// Reads a schema document.
    ///
    /// # Panics
    /// If it is invalid, or declares a scalar that [`Scalar`] does not know.
    pub(super) fn parse(document: &str) -> Self {
        let document = parse_schema(without_description(document)).expect("a valid schema");
        let definitions: Vec<_> = document
            .definitions
            .into_iter()
            .filter_map(|definition| match definition {
                TypeSystemDefinition::Type(definition) => Some(definition.node),
                _ => None,
            })
            .collect();
        let implementors = |interface: &Name| {
            let implementing = definitions.iter().filter(|definition| match &definition.kind {
                TypeKind::Object(object) => object.implements.iter().any(|name| name.node == *interface),
                _ => false,
            });
            implementing.map(|definition| definition.name.node.to_string()).collect()
        };
        let built_in = ["Boolean", "Float", "ID", "Int", "String"];
        let mut types: HashMap<String, DeclaredType> =
            built_in.into_iter().map(|name| (name.to_owned(), DeclaredType::Scalar(Scalar::named(name)))).collect();
        for definition in &definitions {
            let name = &definition.name.node;
            let declared = match &definition.kind {
                TypeKind::Scalar => DeclaredType::Scalar(Scalar::named(name)),
                TypeKind::Enum(declared) => {
                    DeclaredType::Enum(declared.values.iter().map(|value| value.node.value.to_string()).collect())
                }
                TypeKind::Object(object) => DeclaredType::Object(field_types(&object.fields)),
                TypeKind::Interface(_) => DeclaredType::Abstract(implementors(name)),
                TypeKind::Union(union) => {
                    DeclaredType::Abstract(union.members.iter().map(|member| member.node.to_string()).collect())
                }
                TypeKind::InputObject(_) => continue,
            };
            types.insert(name.to_string(), declared);
        }
        Self { types }
    }

    /// Returns the type of this name.
    pub(super) fn get(&self, name: &str) -> Option<&DeclaredType> {
        self.types.get(name)
    }

    /// Returns the names of the objects that a value of the type `name` may be.
    pub(super) fn possible_objects<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        match self.types.get(name) {
            Some(DeclaredType::Abstract(objects)) => objects.iter().map(String::as_str).collect(),
            _ => vec![name],
        }
    }

    /// Returns the declared type of an object's field.
    pub(super) fn field_type(&self, object: &str, field: &str) -> Option<&Type> {
        match self.types.get(object)? {
            DeclaredType::Object(fields) => fields.get(field),
            _ => None,
        }
    }
}

fn field_types(fields: &[Positioned<FieldDefinition>]) -> HashMap<String, Type> {
    fields.iter().map(|field| (field.node.name.node.to_string(), field.node.ty.node.clone())).collect()
}

impl Scalar {
    fn named(name: &str) -> Self {
        match name {
            "Boolean" => Self::Boolean,
            "Date" => Self::Date,
            "DateTime" => Self::DateTime,
            "Decimal" => Self::Decimal,
            "Float" => Self::Float,
            "ID" => Self::Id,
            "Int" => Self::Int,
            "JSON" => Self::Json,
            "String" => Self::String,
            _ => panic!("the conformity check does not know how the scalar {name} is written"),
        }
    }

    /// Whether a value is written as this scalar is.
    pub(super) fn accepts(self, value: &Value) -> bool {
        match self {
            Self::Boolean => value.is_boolean(),
            Self::Date => value.as_str().is_some_and(is_date),
            Self::DateTime => value.as_str().is_some_and(is_utc_instant),
            Self::Decimal => value.as_str().is_some_and(is_decimal),
            Self::Float => value.is_number(),
            Self::Id | Self::String => value.is_string(),
            Self::Int => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
            Self::Json => true,
        }
    }
}

fn is_date(text: &str) -> bool {
    // chrono also reads a month of one digit.
    NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok_and(|date| date.format("%Y-%m-%d").to_string() == text)
}

fn is_utc_instant(text: &str) -> bool {
    // chrono also reads a space in place of the T, and small letters.
    text.ends_with('Z') && text.as_bytes().get(10) == Some(&b'T') && DateTime::parse_from_rfc3339(text).is_ok()
}

fn is_decimal(text: &str) -> bool {
    let digits = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    match unsigned.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(unsigned),
    }
}
