//! What validation needs to know of a schema, looked up once: async-graphql's registry keeps types as text.

use std::collections::{HashMap, HashSet};

use async_graphql::Value as ConstValue;
use async_graphql::parser::types::OperationType;
use async_graphql::registry::{MetaField, MetaInputValue, MetaType, MetaTypeName, Registry};
use indexmap::{IndexMap, IndexSet};

/// Returns what a custom scalar would accept in place of a value; None if it accepts the value.
pub type ScalarHint = fn(scalar: &str, value: &ConstValue) -> Option<&'static str>;

/// A schema, as documents are validated against it.
#[derive(Debug)]
pub struct DocumentSchema {
    types: Vec<TypeDefinition>,
    names: HashMap<String, TypeId>,
    pub(crate) directives: IndexMap<String, DirectiveDefinition>,
    query: Option<TypeId>,
    mutation: Option<TypeId>,
    subscription: Option<TypeId>,
    type_name: FieldDefinition,
    pub(crate) hint: ScalarHint,
}

/// The index of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TypeId(usize);

#[derive(Debug)]
pub(crate) struct TypeDefinition {
    pub name: String,
    pub kind: TypeKind,
}

#[derive(Debug)]
pub(crate) enum TypeKind {
    Scalar(Scalar),
    Enum(IndexSet<String>),
    Input {
        fields: IndexMap<String, InputDefinition>,
        is_one_of: bool,
    },
    Composite {
        is_object: bool,
        fields: IndexMap<String, FieldDefinition>,
        /// The object types of its values.
        possible: HashSet<TypeId>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Int,
    Float,
    String,
    Boolean,
    Id,
    Custom,
}

#[derive(Debug)]
pub(crate) struct FieldDefinition {
    pub ty: TypeReference,
    pub arguments: IndexMap<String, InputDefinition>,
}

/// An argument, or a field of an input object.
#[derive(Debug)]
pub(crate) struct InputDefinition {
    pub ty: TypeReference,
    pub has_default: bool,
}

#[derive(Debug)]
pub(crate) struct DirectiveDefinition {
    pub arguments: IndexMap<String, InputDefinition>,
    /// The locations, as the specification writes them.
    pub locations: HashSet<String>,
    pub is_repeatable: bool,
}

/// A type with its lists and non-null marks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TypeReference {
    Named(TypeId),
    List(Box<Self>),
    NonNull(Box<Self>),
}

impl TypeReference {
    /// Returns the type without lists and non-null marks.
    pub fn named(&self) -> TypeId {
        match self {
            Self::Named(id) => *id,
            Self::List(inner) | Self::NonNull(inner) => inner.named(),
        }
    }

    /// Returns the type without its outermost non-null mark.
    pub fn nullable(&self) -> &Self {
        match self {
            Self::NonNull(inner) => inner,
            other => other,
        }
    }

    pub fn is_non_null(&self) -> bool {
        matches!(self, Self::NonNull(_))
    }

    /// Whether every value of this type is also one of `other`.
    pub fn fits(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::NonNull(this), Self::NonNull(other)) | (Self::List(this), Self::List(other)) => this.fits(other),
            (Self::NonNull(this), other) => this.fits(other),
            (Self::Named(this), Self::Named(other)) => this == other,
            _ => false,
        }
    }
}

impl InputDefinition {
    /// Whether a value must be given.
    pub fn is_required(&self) -> bool {
        self.ty.is_non_null() && !self.has_default
    }
}

impl DocumentSchema {
    /// Reads a schema. `hint` describes what custom scalars accept.
    #[must_use]
    pub fn of(registry: &Registry, hint: ScalarHint) -> Self {
        let names: HashMap<String, TypeId> =
            registry.types.keys().enumerate().map(|(number, name)| (name.clone(), TypeId(number))).collect();
        let reader = Reader(&names);
        let types = registry.types.iter().map(|(name, ty)| reader.definition(name, ty)).collect();
        let directives = registry.directives.iter().map(|(name, directive)| {
            let definition = DirectiveDefinition {
                arguments: reader.inputs(&directive.args),
                locations: directive.locations.iter().map(|location| format!("{location:?}")).collect(),
                is_repeatable: directive.is_repeatable,
            };
            (name.clone(), definition)
        });
        let root = |name: Option<&String>| name.and_then(|name| names.get(name)).copied();
        let string = reader.reference("String!");
        Self {
            types,
            directives: directives.collect(),
            query: root(Some(&registry.query_type)),
            mutation: root(registry.mutation_type.as_ref()),
            subscription: root(registry.subscription_type.as_ref()),
            type_name: FieldDefinition {
                ty: string.unwrap_or(TypeReference::Named(TypeId(0))),
                arguments: IndexMap::new(),
            },
            names,
            hint,
        }
    }

    pub(crate) fn get(&self, id: TypeId) -> &TypeDefinition {
        &self.types[id.0]
    }

    pub(crate) fn named(&self, name: &str) -> Option<TypeId> {
        self.names.get(name).copied()
    }

    pub(crate) fn type_names(&self) -> impl Iterator<Item = &str> {
        self.types.iter().map(|ty| ty.name.as_str())
    }

    /// Returns the type that an operation starts from; None if the schema has no such operations.
    pub(crate) fn root(&self, operation: OperationType) -> Option<TypeId> {
        match operation {
            OperationType::Query => self.query,
            OperationType::Mutation => self.mutation,
            OperationType::Subscription => self.subscription,
        }
    }

    /// Returns a field of a type, also `__typename`.
    pub(crate) fn field(&self, of: TypeId, name: &str) -> Option<&FieldDefinition> {
        match &self.get(of).kind {
            TypeKind::Composite { .. } if name == "__typename" => Some(&self.type_name),
            TypeKind::Composite { fields, .. } => fields.get(name),
            _ => None,
        }
    }

    pub(crate) fn is_composite(&self, id: TypeId) -> bool {
        matches!(self.get(id).kind, TypeKind::Composite { .. })
    }

    pub(crate) fn is_object(&self, id: TypeId) -> bool {
        matches!(self.get(id).kind, TypeKind::Composite { is_object: true, .. })
    }

    /// Whether an object may have both types.
    pub(crate) fn overlap(&self, one: TypeId, other: TypeId) -> bool {
        match (&self.get(one).kind, &self.get(other).kind) {
            (TypeKind::Composite { possible: one, .. }, TypeKind::Composite { possible: other, .. }) => {
                !one.is_disjoint(other)
            }
            _ => true,
        }
    }

    /// Returns a type as a document writes it.
    pub(crate) fn show(&self, ty: &TypeReference) -> String {
        match ty {
            TypeReference::Named(id) => self.get(*id).name.clone(),
            TypeReference::List(inner) => format!("[{}]", self.show(inner)),
            TypeReference::NonNull(inner) => format!("{}!", self.show(inner)),
        }
    }
}

/// Reads definitions of the registry, where types are named.
struct Reader<'r>(&'r HashMap<String, TypeId>);

impl Reader<'_> {
    fn definition(&self, name: &str, ty: &MetaType) -> TypeDefinition {
        let kind = match ty {
            MetaType::Scalar { .. } => TypeKind::Scalar(match name {
                "Int" => Scalar::Int,
                "Float" => Scalar::Float,
                "String" => Scalar::String,
                "Boolean" => Scalar::Boolean,
                "ID" => Scalar::Id,
                _ => Scalar::Custom,
            }),
            MetaType::Enum { enum_values, .. } => TypeKind::Enum(enum_values.keys().cloned().collect()),
            MetaType::InputObject { input_fields, oneof, .. } => {
                TypeKind::Input { fields: self.inputs(input_fields), is_one_of: *oneof }
            }
            MetaType::Object { fields, .. } => self.composite(true, Some(fields), &[name.to_owned()]),
            MetaType::Interface { fields, possible_types, .. } => self.composite(false, Some(fields), possible_types),
            MetaType::Union { possible_types, .. } => self.composite(false, None, possible_types),
        };
        TypeDefinition { name: name.to_owned(), kind }
    }

    fn composite<'n>(
        &self,
        is_object: bool,
        fields: Option<&IndexMap<String, MetaField>>,
        possible: impl IntoIterator<Item = &'n String>,
    ) -> TypeKind {
        let fields = fields.into_iter().flatten().filter_map(|(name, field)| {
            let ty = self.reference(&field.ty)?;
            Some((name.clone(), FieldDefinition { ty, arguments: self.inputs(&field.args) }))
        });
        let possible = possible.into_iter().filter_map(|name| self.0.get(name).copied());
        TypeKind::Composite { is_object, fields: fields.collect(), possible: possible.collect() }
    }

    fn inputs(&self, inputs: &IndexMap<String, MetaInputValue>) -> IndexMap<String, InputDefinition> {
        let definitions = inputs.iter().filter_map(|(name, input)| {
            let definition =
                InputDefinition { ty: self.reference(&input.ty)?, has_default: input.default_value.is_some() };
            Some((name.clone(), definition))
        });
        definitions.collect()
    }

    /// Parses a type such as `[Name!]!`. None if it is not in the registry.
    fn reference(&self, text: &str) -> Option<TypeReference> {
        Some(match MetaTypeName::create(text) {
            MetaTypeName::Named(name) => TypeReference::Named(*self.0.get(name)?),
            MetaTypeName::List(inner) => TypeReference::List(Box::new(self.reference(inner)?)),
            MetaTypeName::NonNull(inner) => TypeReference::NonNull(Box::new(self.reference(inner)?)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_non_null_type_fits_a_nullable_one_but_not_the_reverse() {
        let names: HashMap<String, TypeId> = [("Int".to_owned(), TypeId(0)), ("ID".to_owned(), TypeId(1))].into();
        let read = |text: &str| Reader(&names).reference(text).unwrap();
        let fits = |given: &str, expected: &str| read(given).fits(&read(expected));
        for (given, expected) in
            [("Int", "Int"), ("Int!", "Int"), ("Int!", "Int!"), ("[Int!]!", "[Int]"), ("[[Int!]]!", "[[Int]]")]
        {
            assert!(fits(given, expected), "{given} {expected}");
        }
        for (given, expected) in [
            ("Int", "Int!"),
            ("Int", "ID"),
            ("Int", "[Int]"),
            ("[Int]", "Int"),
            ("[Int]!", "[Int!]"),
            ("[Int]", "[Int]!"),
        ] {
            assert!(!fits(given, expected), "{given} {expected}");
        }
    }
}
