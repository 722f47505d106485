//! The fields that a document selects of a type: fragments are spread, `@skip` and `@include` are applied, and fields with
//! one response key are merged, as CollectFields and MergeSelectionSets of the specification do.

use std::fmt;
use std::sync::Mutex;

use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field as AstField, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::registry::Registry;
use async_graphql::{Name, Positioned, ServerError, Value as ConstValue, Variables};
use async_graphql_value::Value as AstValue;
use indexmap::IndexMap;

use crate::context::ExecutionContext;
use crate::execute::write_row;
use crate::json::write_string;
use crate::object::{ObjectType, Resolver};

/// An operation to execute.
pub struct Operation<'a> {
    /// The document, whose fragments the operation may spread. It is valid.
    pub document: &'a ExecutableDocument,
    /// The operation in the document.
    pub definition: &'a OperationDefinition,
    /// The values of its variables, which are of the declared types.
    pub variables: &'a Variables,
    /// The schema.
    pub registry: &'a Registry,
    /// Errors of nullable fields so far.
    pub(crate) errors: Mutex<Vec<ServerError>>,
}

impl<'a> Operation<'a> {
    /// Creates an operation of a valid document.
    #[must_use]
    pub fn new(
        document: &'a ExecutableDocument,
        definition: &'a OperationDefinition,
        variables: &'a Variables,
        registry: &'a Registry,
    ) -> Self {
        Self { document, definition, variables, registry, errors: Mutex::default() }
    }
}

/// The operation that is being executed.
#[derive(Clone, Copy)]
pub struct Document<'a>(pub(crate) &'a Operation<'a>);

/// A field that is selected under one response key, with all selections made under that key.
pub struct CollectedField<'a> {
    /// The response key.
    pub key: &'a str,
    /// The field where it is first selected.
    pub field: &'a Positioned<AstField>,
    /// The selection sets of the field.
    pub selections: Vec<&'a SelectionSet>,
}

impl CollectedField<'_> {
    /// Returns the field's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.field.node.name.node.as_str()
    }
}

/// Returns the selection sets of the fields named `name`.
#[must_use]
pub fn selections_of<'a>(fields: &[CollectedField<'a>], name: &str) -> Vec<&'a SelectionSet> {
    fields.iter().filter(|field| field.name() == name).flat_map(|field| field.selections.iter().copied()).collect()
}

/// The fields selected of one type, looked up once for all rows.
pub struct SelectionPlan<'a> {
    pub(crate) fields: Vec<PlannedField<'a>>,
}

pub(crate) struct PlannedField<'a> {
    /// `"key":`, ready to be written.
    pub label: Vec<u8>,
    /// The index among the type's fields; None for `__typename` and for introspection on the root.
    pub index: Option<usize>,
    pub collected: CollectedField<'a>,
    /// The selection of a plain field that is an object.
    pub inner: Option<SelectionPlan<'a>>,
}

impl SelectionPlan<'_> {
    /// Writes an object whose fields are all plain; null without a plan.
    #[doc(hidden)]
    pub fn write_object<C: ExecutionContext, T: ObjectType<C>>(
        plan: Option<&Self>,
        object: &T,
        request: &C,
        out: &mut Vec<u8>,
    ) {
        match plan {
            Some(plan) => write_row(object, request, plan, &[], 0, out),
            None => out.extend_from_slice(b"null"),
        }
    }
}

/// A selection that cannot be executed. The validation of the document prevents most of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSelection(pub String);

impl fmt::Display for InvalidSelection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for InvalidSelection {}

impl<'a> Document<'a> {
    /// Returns the operation's selection of its root type.
    pub(crate) fn root_selection(self) -> &'a SelectionSet {
        &self.0.definition.selection_set.node
    }

    /// Adds the error of a nullable field, whose value is null.
    pub(crate) fn report(self, error: ServerError) {
        if let Ok(mut errors) = self.0.errors.lock() {
            errors.push(error);
        }
    }

    /// Returns the fields selected of a type, in the order of the document.
    ///
    /// # Errors
    /// A fragment that does not exist, or a condition that is no boolean.
    pub fn collect(
        self,
        type_name: &str,
        selections: &[&'a SelectionSet],
    ) -> Result<Vec<CollectedField<'a>>, InvalidSelection> {
        let mut collected = Vec::new();
        for set in selections {
            self.collect_into(type_name, set, &mut collected)?;
        }
        Ok(collected)
    }

    fn collect_into(
        self,
        type_name: &str,
        set: &'a SelectionSet,
        collected: &mut Vec<CollectedField<'a>>,
    ) -> Result<(), InvalidSelection> {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    if !self.is_included(&field.node.directives)? {
                        continue;
                    }
                    let key = field.node.response_key().node.as_str();
                    let inner = &field.node.selection_set.node;
                    match collected.iter_mut().find(|other| other.key == key) {
                        Some(other) => other.selections.push(inner),
                        None => collected.push(CollectedField { key, field, selections: vec![inner] }),
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref().map(|condition| &condition.node.on.node);
                    if self.is_included(&fragment.node.directives)? && self.applies(type_name, condition) {
                        self.collect_into(type_name, &fragment.node.selection_set.node, collected)?;
                    }
                }
                Selection::FragmentSpread(spread) => {
                    if !self.is_included(&spread.node.directives)? {
                        continue;
                    }
                    let name = &spread.node.fragment_name.node;
                    let missing = || InvalidSelection(format!("There is no fragment named {name}."));
                    let fragment = self.0.document.fragments.get(name).ok_or_else(missing)?;
                    if self.applies(type_name, Some(&fragment.node.type_condition.node.on.node)) {
                        self.collect_into(type_name, &fragment.node.selection_set.node, collected)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether a fragment with this type condition applies to a type.
    fn applies(self, type_name: &str, condition: Option<&Name>) -> bool {
        let Some(condition) = condition.map(Name::as_str) else { return true };
        condition == type_name
            || self.0.registry.implements.get(type_name).is_some_and(|all| all.contains(condition))
            || self.0.registry.types.get(condition).is_some_and(|ty| ty.is_possible_type(type_name))
    }

    /// Whether `@skip` and `@include` keep a selection.
    fn is_included(self, directives: &'a [Positioned<Directive>]) -> Result<bool, InvalidSelection> {
        for directive in directives {
            let wanted = match directive.node.name.node.as_str() {
                "skip" => false,
                "include" => true,
                _ => continue,
            };
            match directive.node.get_argument("if").and_then(|value| self.value(&value.node)) {
                Some(ConstValue::Boolean(given)) if given == wanted => {}
                Some(ConstValue::Boolean(_)) => return Ok(false),
                _ => {
                    let message = "The argument `if` of a directive must be true or false.".to_owned();
                    return Err(InvalidSelection(message));
                }
            }
        }
        Ok(true)
    }

    /// Returns a value of the document with its variables filled in; None for a variable that was left out.
    pub(crate) fn value(self, value: &AstValue) -> Option<ConstValue> {
        Some(match value {
            AstValue::Variable(name) => return self.variable(name).cloned(),
            AstValue::Null => ConstValue::Null,
            AstValue::Number(number) => ConstValue::Number(number.clone()),
            AstValue::String(text) => ConstValue::String(text.clone()),
            AstValue::Boolean(flag) => ConstValue::Boolean(*flag),
            AstValue::Binary(bytes) => ConstValue::Binary(bytes.clone()),
            AstValue::Enum(name) => ConstValue::Enum(name.clone()),
            AstValue::List(items) => {
                ConstValue::List(items.iter().map(|item| self.value(item).unwrap_or_default()).collect())
            }
            AstValue::Object(fields) => {
                let mut object = IndexMap::with_capacity(fields.len());
                for (name, item) in fields {
                    // A field whose variable was left out is left out too: an update must not erase it.
                    if let Some(item) = self.value(item) {
                        object.insert(name.clone(), item);
                    }
                }
                ConstValue::Object(object)
            }
        })
    }

    /// Returns the value of a variable, or its default; None if it was left out.
    pub(crate) fn variable(self, name: &Name) -> Option<&'a ConstValue> {
        self.0.variables.get(name).or_else(|| {
            let definitions = &self.0.definition.variable_definitions;
            let definition = definitions.iter().find(|definition| definition.node.name.node == *name)?;
            definition.node.default_value.as_ref().map(|default| &default.node)
        })
    }

    /// Looks up the fields that are selected of a type.
    ///
    /// # Errors
    /// As [`Self::collect`]; a field that the type does not have.
    pub fn plan<C: ExecutionContext, T: ObjectType<C>>(
        self,
        selections: &[&'a SelectionSet],
    ) -> Result<SelectionPlan<'a>, InvalidSelection> {
        let collected = self.collect(T::NAME, selections)?;
        let mut fields = Vec::with_capacity(collected.len());
        for collected in collected {
            let name = collected.name();
            let index = T::FIELDS.iter().position(|field| field.name == name);
            if index.is_none() && !name.starts_with("__") {
                return Err(InvalidSelection(format!("{} has no field {name}.", T::NAME)));
            }
            let inner = match index.map(|index| &T::FIELDS[index].resolver) {
                Some(Resolver::Plain { plan, .. }) => plan(self, &collected)?,
                _ => None,
            };
            let mut label = Vec::with_capacity(collected.key.len() + 3);
            write_string(collected.key, &mut label);
            label.push(b':');
            fields.push(PlannedField { label, index, collected, inner });
        }
        Ok(SelectionPlan { fields })
    }
}
