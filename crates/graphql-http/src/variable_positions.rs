//! Checks that an operation uses its variables in positions of their types ("All Variable Usages Are Allowed" in the
//! specification). async-graphql implements the rule but does not apply it, so that a nullable variable could reach the
//! execution of a required argument. Also checks that the directives of `__typename` exist, which async-graphql does not do.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Pos, Positioned, ServerError, Value as Const,
    parser::types::{
        Directive, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet, VariableDefinition,
    },
    registry::{MetaInputValue, MetaType, MetaTypeName, Registry},
};
use async_graphql_value::Value;

use crate::code::Code;

/// Returns one error, `GRAPHQL_VALIDATION_FAILED`, for each variable of an operation that is used in a position of another type.
/// Ignores fields and types that the schema does not have; other rules report them.
#[must_use]
pub fn misplaced(
    registry: &Registry,
    document: &ExecutableDocument,
    operation: &OperationDefinition,
) -> Vec<ServerError> {
    let root = match operation.ty {
        OperationType::Query => Some(registry.query_type.as_str()),
        OperationType::Mutation => registry.mutation_type.as_deref(),
        OperationType::Subscription => registry.subscription_type.as_deref(),
    };
    let variables = operation
        .variable_definitions
        .iter()
        .map(|definition| (definition.node.name.node.as_str(), definition))
        .collect();
    let mut walk = Walk { registry, document, variables, spread: HashSet::new(), errors: Vec::new() };
    walk.directives(&operation.directives);
    walk.selection_set(&operation.selection_set.node, root.and_then(|root| registry.types.get(root)));
    walk.errors
}

struct Walk<'a> {
    registry: &'a Registry,
    document: &'a ExecutableDocument,
    variables: HashMap<&'a str, &'a Positioned<VariableDefinition>>,
    spread: HashSet<&'a str>,
    errors: Vec<ServerError>,
}

/// The position of a value in the document, and what the schema expects there.
#[derive(Clone, Copy)]
struct Usage<'a> {
    /// The expected type.
    ty: &'a str,
    /// Whether a default value applies if there is no value.
    has_default: bool,
    position: Pos,
}

impl<'a> Walk<'a> {
    fn selection_set(&mut self, set: &'a SelectionSet, parent: Option<&'a MetaType>) {
        for selection in &set.items {
            self.directives(selection.node.directives());
            match &selection.node {
                Selection::Field(field) => {
                    if field.node.name.node == "__typename" {
                        self.known_directives(&field.node.directives);
                    }
                    let Some(known) = parent.and_then(|parent| parent.field_by_name(&field.node.name.node)) else {
                        continue;
                    };
                    for (name, value) in &field.node.arguments {
                        self.argument(known.args.get(name.node.as_str()), value);
                    }
                    self.selection_set(&field.node.selection_set.node, self.registry.concrete_type_by_name(&known.ty));
                }
                Selection::InlineFragment(inline) => {
                    let narrowed = inline.node.type_condition.as_ref().map(|condition| condition.node.on.node.as_str());
                    let parent = narrowed.map_or(parent, |name| self.registry.types.get(name));
                    self.selection_set(&inline.node.selection_set.node, parent);
                }
                Selection::FragmentSpread(spread) => {
                    let document = self.document;
                    let Some((name, fragment)) = document.fragments.get_key_value(&spread.node.fragment_name.node)
                    else {
                        continue;
                    };
                    if self.spread.insert(name.as_str()) {
                        self.directives(&fragment.node.directives);
                        let parent = self.registry.types.get(fragment.node.type_condition.node.on.node.as_str());
                        self.selection_set(&fragment.node.selection_set.node, parent);
                    }
                }
            }
        }
    }

    fn directives(&mut self, directives: &'a [Positioned<Directive>]) {
        for directive in directives {
            let known = self.registry.directives.get(directive.node.name.node.as_str());
            for (name, value) in &directive.node.arguments {
                self.argument(known.and_then(|known| known.args.get(name.node.as_str())), value);
            }
        }
    }

    /// Reports unknown directives. async-graphql checks the directives of all other fields.
    fn known_directives(&mut self, directives: &[Positioned<Directive>]) {
        for directive in directives {
            let name = directive.node.name.node.as_str();
            if !self.registry.directives.contains_key(name) {
                let message = format!("Unknown directive \"{name}\"");
                self.errors.push(Code::ValidationFailed.error(message, Some(directive.pos)));
            }
        }
    }

    fn argument(&mut self, known: Option<&'a MetaInputValue>, value: &'a Positioned<Value>) {
        if let Some(known) = known {
            self.value(
                &value.node,
                Usage { ty: &known.ty, has_default: known.default_value.is_some(), position: value.pos },
            );
        }
    }

    fn value(&mut self, value: &'a Value, usage: Usage<'a>) {
        let ty = usage.ty.strip_suffix('!').unwrap_or(usage.ty);
        match value {
            Value::Variable(name) => self.variable(name, usage),
            Value::List(items) => {
                if let MetaTypeName::List(inner) = MetaTypeName::create(ty) {
                    for item in items {
                        self.value(item, Usage { ty: inner, has_default: false, ..usage });
                    }
                }
            }
            Value::Object(fields) => {
                // The type may be a list, because a single object is coerced to a list of one.
                let Some(MetaType::InputObject { input_fields, oneof, .. }) = self.registry.concrete_type_by_name(ty)
                else {
                    return;
                };
                for (name, value) in fields {
                    let Some(known) = input_fields.get(name.as_str()) else {
                        continue;
                    };
                    let usage = Usage { ty: &known.ty, has_default: known.default_value.is_some(), ..usage };
                    if let (true, Value::Variable(name)) = (*oneof, value) {
                        self.not_nullable(name, usage);
                    }
                    self.value(value, usage);
                }
            }
            _ => {}
        }
    }

    fn variable(&mut self, name: &str, usage: Usage<'_>) {
        let Some(definition) = self.variables.get(name) else {
            return;
        };
        let given = definition.node.var_type.node.to_string();
        if self.registry.concrete_type_by_name(&given).is_none() {
            return;
        }
        let has_default = definition.node.default_value.as_ref().is_some_and(|default| default.node != Const::Null);
        let allowed = match usage.ty.strip_suffix('!') {
            Some(nullable) if !given.ends_with('!') => (has_default || usage.has_default) && fits(&given, nullable),
            _ => fits(&given, usage.ty),
        };
        if !allowed {
            self.error(name, usage, &format!("has the type {given}, but {} is expected", usage.ty));
        }
    }

    /// Checks that a variable is not nullable, as the single field of a `@oneOf` input object must not be.
    fn not_nullable(&mut self, name: &str, usage: Usage<'_>) {
        if self.variables.get(name).is_some_and(|definition| definition.node.var_type.node.nullable) {
            self.error(name, usage, "is nullable, but a non-null type is expected");
        }
    }

    fn error(&mut self, name: &str, usage: Usage<'_>, what: &str) {
        let mut error = Code::ValidationFailed.error(format!("Variable ${name} {what}."), None);
        error.locations =
            self.variables.get(name).map(|definition| definition.pos).into_iter().chain([usage.position]).collect();
        self.errors.push(error);
    }
}

/// Whether every value of the type `given` is also a value of the type `expected`.
fn fits(given: &str, expected: &str) -> bool {
    match (MetaTypeName::create(given), MetaTypeName::create(expected)) {
        (MetaTypeName::NonNull(given), MetaTypeName::NonNull(expected))
        | (MetaTypeName::List(given), MetaTypeName::List(expected)) => fits(given, expected),
        (MetaTypeName::NonNull(given), _) => fits(given, expected),
        (MetaTypeName::Named(given), MetaTypeName::Named(expected)) => given == expected,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_non_null_type_fits_a_nullable_one_but_not_the_reverse() {
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
