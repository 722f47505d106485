//! Which fields a document asks of a type, with fragments spread, `@skip` and `@include` decided and fields of one
//! name merged, as the specification's CollectFields and MergeSelectionSets have it.

use std::sync::Mutex;

use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field as AstField, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::registry::Registry;
use async_graphql::{Name, Positioned, ServerError, Value as ConstValue, Variables};
use async_graphql_value::Value as AstValue;

use super::object::{ObjectType, Resolver};
use crate::error::{Error, Result};

/// What is to be answered.
pub struct Operation<'a> {
    /// The document, whose fragments the operation may spread. It is valid.
    pub document: &'a ExecutableDocument,
    /// Which of the document's operations.
    pub definition: &'a OperationDefinition,
    /// The values of its variables, which are of the types that it declares.
    pub variables: &'a Variables,
    /// The schema.
    pub registry: &'a Registry,
    /// What went wrong on the way.
    pub(super) errors: Mutex<Vec<ServerError>>,
}

impl<'a> Operation<'a> {
    /// An operation of a document.
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

/// The operation that is being answered.
#[derive(Clone, Copy)]
pub struct Document<'a>(pub(super) &'a Operation<'a>);

/// A field that is asked for under one response key, with all selections made under that key.
pub struct CollectedField<'a> {
    /// The name in the answer.
    pub key: &'a str,
    /// The field as first written.
    pub field: &'a Positioned<AstField>,
    /// What is selected of it.
    pub sets: Vec<&'a SelectionSet>,
}

impl CollectedField<'_> {
    /// The field's name.
    pub fn name(&self) -> &str {
        self.field.node.name.node.as_str()
    }
}

/// The fields asked of one type, found in its table once for all its rows.
pub struct SelectionPlan<'a> {
    pub(super) steps: Vec<PlannedField<'a>>,
}

pub(super) struct PlannedField<'a> {
    /// `"key":`, ready to be written.
    pub label: Vec<u8>,
    /// Which of the type's fields; None for `__typename`, and for introspection on the root.
    pub index: Option<usize>,
    pub chosen: CollectedField<'a>,
    /// For a plain field that is an object: the fields asked of that.
    pub inner: Option<SelectionPlan<'a>>,
}

impl<'a> Document<'a> {
    /// What the operation asks of its root type.
    pub fn root_set(self) -> &'a SelectionSet {
        &self.0.definition.selection_set.node
    }

    /// Notes a fault of one nullable field, whose place is null.
    pub fn note(self, fault: ServerError) {
        if let Ok(mut errors) = self.0.errors.lock() {
            errors.push(fault);
        }
    }

    /// The fields asked of a type, in the order of the document.
    pub fn collect(self, type_name: &str, sets: &[&'a SelectionSet]) -> Result<Vec<CollectedField<'a>>> {
        let mut found = Vec::new();
        for set in sets {
            self.add(type_name, set, &mut found)?;
        }
        Ok(found)
    }

    fn add(self, type_name: &str, set: &'a SelectionSet, found: &mut Vec<CollectedField<'a>>) -> Result<()> {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    if !self.included(&field.node.directives)? {
                        continue;
                    }
                    let key = field.node.response_key().node.as_str();
                    let inner = &field.node.selection_set.node;
                    match found.iter_mut().find(|chosen| chosen.key == key) {
                        Some(chosen) => chosen.sets.push(inner),
                        None => found.push(CollectedField { key, field, sets: vec![inner] }),
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let on = fragment.node.type_condition.as_ref().map(|on| &on.node.on.node);
                    if self.included(&fragment.node.directives)? && self.applies(type_name, on) {
                        self.add(type_name, &fragment.node.selection_set.node, found)?;
                    }
                }
                Selection::FragmentSpread(spread) => {
                    if !self.included(&spread.node.directives)? {
                        continue;
                    }
                    let name = &spread.node.fragment_name.node;
                    let fragment = self
                        .0
                        .document
                        .fragments
                        .get(name)
                        .ok_or_else(|| Error::BadInput(format!("There is no fragment named {name}.")))?;
                    if self.applies(type_name, Some(&fragment.node.type_condition.node.on.node)) {
                        self.add(type_name, &fragment.node.selection_set.node, found)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn applies(self, type_name: &str, condition: Option<&Name>) -> bool {
        let Some(condition) = condition.map(Name::as_str) else { return true };
        condition == type_name
            || self.0.registry.implements.get(type_name).is_some_and(|all| all.contains(condition))
            || self.0.registry.types.get(condition).is_some_and(|ty| ty.is_possible_type(type_name))
    }

    fn included(self, directives: &'a [Positioned<Directive>]) -> Result<bool> {
        for directive in directives {
            let wanted = match directive.node.name.node.as_str() {
                "skip" => false,
                "include" => true,
                _ => continue,
            };
            let condition = match directive.node.get_argument("if") {
                Some(value) => self.value(&value.node)?,
                None => None,
            };
            match condition {
                Some(ConstValue::Boolean(given)) if given == wanted => {}
                Some(ConstValue::Boolean(_)) => return Ok(false),
                _ => return Err(Error::BadInput("The argument `if` of a directive must be true or false.".to_owned())),
            }
        }
        Ok(true)
    }

    /// A value of the document with its variables put in; None where it is a variable that was left out.
    pub fn value(self, value: &AstValue) -> Result<Option<ConstValue>> {
        Ok(Some(match value {
            AstValue::Variable(name) => return Ok(self.variable(name)),
            AstValue::Null => ConstValue::Null,
            AstValue::Number(number) => ConstValue::Number(number.clone()),
            AstValue::String(text) => ConstValue::String(text.clone()),
            AstValue::Boolean(flag) => ConstValue::Boolean(*flag),
            AstValue::Binary(bytes) => ConstValue::Binary(bytes.clone()),
            AstValue::Enum(name) => ConstValue::Enum(name.clone()),
            AstValue::List(items) => ConstValue::List(
                items.iter().map(|item| Ok(self.value(item)?.unwrap_or_default())).collect::<Result<_>>()?,
            ),
            AstValue::Object(fields) => {
                let mut object = indexmap::IndexMap::with_capacity(fields.len());
                for (name, item) in fields {
                    // A field whose variable was left out is left out too: an update must not erase it.
                    if let Some(item) = self.value(item)? {
                        object.insert(name.clone(), item);
                    }
                }
                ConstValue::Object(object)
            }
        }))
    }

    fn variable(self, name: &Name) -> Option<ConstValue> {
        self.0.variables.get(name).cloned().or_else(|| {
            let definitions = &self.0.definition.variable_definitions;
            let definition = definitions.iter().find(|definition| definition.node.name.node == *name)?;
            definition.node.default_value.as_ref().map(|default| default.node.clone())
        })
    }

    /// Finds the fields asked of a type in its table.
    pub fn plan<T: ObjectType>(self, sets: &[&'a SelectionSet]) -> Result<SelectionPlan<'a>> {
        self.plan_of::<T>(self.collect(T::NAME, sets)?)
    }

    fn plan_of<T: ObjectType>(self, all: Vec<CollectedField<'a>>) -> Result<SelectionPlan<'a>> {
        let mut steps = Vec::with_capacity(all.len());
        for chosen in all {
            let name = chosen.name();
            let index = T::FIELDS.iter().position(|field| field.name == name);
            if index.is_none() && !name.starts_with("__") {
                return Err(Error::BadInput(format!("{} has no field {name}.", T::NAME)));
            }
            let inner = match index.map(|index| &T::FIELDS[index].answer) {
                Some(Resolver::Plain { plan, .. }) => plan(self, &chosen)?,
                _ => None,
            };
            let mut label = Vec::with_capacity(chosen.key.len() + 3);
            super::write_text(chosen.key, &mut label);
            label.push(b':');
            steps.push(PlannedField { label, index, chosen, inner });
        }
        Ok(SelectionPlan { steps })
    }
}
