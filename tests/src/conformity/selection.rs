//! The fields that an operation selects: fragments spread, `@skip` and `@include` decided, fields of one response key
//! merged.
//!
//! This is the specification's CollectFields written a second time, independent of the server's, which it checks.

use async_graphql::Positioned;
use async_graphql::Value as ConstValue;
use async_graphql::parser::types::{
    BaseType, Directive, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet, Type,
};
use serde_json::{Map, Value};

use super::Violation;
use super::declared::{DeclaredSchema, DeclaredType};

/// The fields that are selected of one object type, in the order of the document.
pub(super) struct ObjectSelection<'a> {
    pub(super) type_name: &'a str,
    pub(super) fields: Vec<SelectedField<'a>>,
}

/// A field under its response key.
pub(super) struct SelectedField<'a> {
    pub(super) key: &'a str,
    pub(super) expected: Expected<'a>,
}

/// What a field's value must be.
pub(super) enum Expected<'a> {
    /// The name of the object's type.
    TypeName,
    /// The answer of `__schema` or `__type`.
    Introspection,
    /// A value of the declared type.
    Value(&'a Type, Content<'a>),
}

/// What the named type of a field is, below its lists.
pub(super) enum Content<'a> {
    /// A scalar or an enum.
    Leaf(&'a DeclaredType),
    /// An object: the selection for each type that it may have.
    Objects(Vec<ObjectSelection<'a>>),
}

/// Finds what an operation selects.
pub(super) struct Selector<'a> {
    pub(super) schema: &'a DeclaredSchema,
    pub(super) document: &'a ExecutableDocument,
    pub(super) operation: &'a OperationDefinition,
    /// The variables of the request: an object, or null.
    pub(super) variables: &'a Value,
}

/// The fields of one response key, before their selections are merged.
struct Group<'a> {
    key: &'a str,
    field: &'a Field,
    sets: Vec<&'a SelectionSet>,
}

/// A document nested more deeply has a cycle of fragments.
const MAX_DEPTH: usize = 100;

impl ObjectSelection<'_> {
    /// Whether each selected `__typename` of an object is the name of this selection's type.
    pub(super) fn has_type_name(&self, object: &Map<String, Value>) -> bool {
        let mut type_names = self.fields.iter().filter(|field| matches!(field.expected, Expected::TypeName));
        type_names.all(|field| object.get(field.key).is_none_or(|name| *name == self.type_name))
    }
}

impl<'a> Selector<'a> {
    /// Returns what the operation selects of its root type.
    pub(super) fn root(&self) -> Result<ObjectSelection<'a>, Violation> {
        let root = match self.operation.ty {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        };
        self.object(root, &[&self.operation.selection_set.node], 0)
    }

    fn object(
        &self,
        type_name: &'a str,
        sets: &[&'a SelectionSet],
        depth: usize,
    ) -> Result<ObjectSelection<'a>, Violation> {
        if depth > MAX_DEPTH {
            return Err(Violation::new("no data, for the document is too deep", type_name));
        }
        let mut groups = Vec::new();
        for set in sets {
            self.collect(type_name, set, depth, &mut groups)?;
        }
        let fields = groups
            .into_iter()
            .map(|group| Ok(SelectedField { key: group.key, expected: self.expected(type_name, &group, depth)? }));
        Ok(ObjectSelection { type_name, fields: fields.collect::<Result<_, Violation>>()? })
    }

    fn expected(&self, type_name: &'a str, group: &Group<'a>, depth: usize) -> Result<Expected<'a>, Violation> {
        let field = group.field.name.node.as_str();
        match field {
            "__typename" => return Ok(Expected::TypeName),
            "__schema" | "__type" if depth == 0 => return Ok(Expected::Introspection),
            _ => {}
        }
        let undeclared = || Violation::new("a declared field", &format!("{type_name}.{field}"));
        let ty = self.schema.field_type(type_name, field).ok_or_else(undeclared)?;
        let name = named_type(ty);
        let content = match self.schema.get(name).ok_or_else(|| Violation::new("a declared type", name))? {
            leaf @ (DeclaredType::Scalar(_) | DeclaredType::Enum(_)) => Content::Leaf(leaf),
            DeclaredType::Object(_) | DeclaredType::Abstract(_) => {
                let objects = self.schema.possible_objects(name).into_iter();
                let selections = objects.map(|object| self.object(object, &group.sets, depth + 1));
                Content::Objects(selections.collect::<Result<_, _>>()?)
            }
        };
        Ok(Expected::Value(ty, content))
    }

    /// Adds the fields that a selection set has for this type.
    fn collect(
        &self,
        type_name: &str,
        set: &'a SelectionSet,
        depth: usize,
        groups: &mut Vec<Group<'a>>,
    ) -> Result<(), Violation> {
        if depth > MAX_DEPTH {
            return Err(Violation::new("no data, for the document is too deep", type_name));
        }
        for selection in &set.items {
            if !self.is_included(selection.node.directives()) {
                continue;
            }
            match &selection.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    let key = field.response_key().node.as_str();
                    let inner = &field.selection_set.node;
                    match groups.iter_mut().find(|group| group.key == key) {
                        Some(group) => group.sets.push(inner),
                        None => groups.push(Group { key, field, sets: vec![inner] }),
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref().map(|condition| &condition.node.on.node);
                    if condition.is_none_or(|condition| self.applies(condition, type_name)) {
                        self.collect(type_name, &fragment.node.selection_set.node, depth + 1, groups)?;
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let fragment = self.document.fragments.get(name);
                    let fragment = &fragment.ok_or_else(|| Violation::new("a fragment of the document", name))?.node;
                    if self.applies(&fragment.type_condition.node.on.node, type_name) {
                        self.collect(type_name, &fragment.selection_set.node, depth + 1, groups)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn applies(&self, condition: &str, type_name: &str) -> bool {
        self.schema.possible_objects(condition).contains(&type_name)
    }

    fn is_included(&self, directives: &[Positioned<Directive>]) -> bool {
        directives.iter().all(|directive| match directive.node.name.node.as_str() {
            "skip" => !self.condition(&directive.node),
            "include" => self.condition(&directive.node),
            _ => true,
        })
    }

    /// Returns the directive's argument `if`, with its variable filled in.
    fn condition(&self, directive: &Directive) -> bool {
        let argument = directive.get_argument("if").map(|argument| argument.node.clone());
        let value = argument.map(|argument| argument.into_const_with(|name| Ok::<_, ()>(self.variable(&name))));
        value == Some(Ok(ConstValue::Boolean(true)))
    }

    fn variable(&self, name: &str) -> ConstValue {
        if let Some(flag) = self.variables[name].as_bool() {
            return ConstValue::Boolean(flag);
        }
        let mut definitions = self.operation.variable_definitions.iter().map(|definition| &definition.node);
        let definition = definitions.find(|definition| definition.name.node == *name);
        definition.and_then(|definition| definition.default_value().cloned()).unwrap_or_default()
    }
}

/// Returns the name of the type below all lists.
fn named_type(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(item_type) => named_type(item_type),
    }
}
