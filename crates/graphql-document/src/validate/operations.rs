//! Rules about operations and their variables.

use std::collections::{HashMap, HashSet};

use async_graphql::Pos;
use async_graphql::parser::types::OperationType;

use super::{Expected, Usage, Uses, Validation};
use crate::ast::{Literal, Operation, Selection, SelectionSet, Variable, WrittenType};
use crate::error::cut;
use crate::schema::TypeReference;

/// A variable that an operation defines.
struct Defined<'d> {
    definition: &'d Variable<'d>,
    /// None if the type does not exist.
    ty: Option<TypeReference>,
    is_used: bool,
}

impl<'d> Validation<'d> {
    /// Checks an operation, and marks the fragments that it reaches.
    pub(super) fn operation(&mut self, operation: &'d Operation<'d>, of_fragments: &[Uses<'d>], reached: &mut [bool]) {
        let mut uses = Uses::default();
        let location = match operation.kind {
            OperationType::Query => "QUERY",
            OperationType::Mutation => "MUTATION",
            OperationType::Subscription => "SUBSCRIPTION",
        };
        self.unique(operation.variables.iter().map(|variable| variable.name), |name| {
            format!("There are two variables named `${}`.", cut(name))
        });
        let mut variables = HashMap::with_capacity(operation.variables.len());
        for definition in &operation.variables {
            let defined = self.variable_definition(definition);
            variables.entry(definition.name.text).or_insert(defined);
        }
        self.directives(&operation.directives, location, &mut uses);
        let root = self.schema.root(operation.kind);
        self.selection_set(&operation.selections, root, &mut uses);
        if operation.kind == OperationType::Subscription && root.is_some() {
            self.single_root_field(operation);
        }
        let mut own = HashSet::new();
        let mut waiting: Vec<&Uses<'d>> = vec![&uses];
        while let Some(uses) = waiting.pop() {
            if self.is_full() {
                return;
            }
            for usage in &uses.variables {
                self.usage(usage, operation, &mut variables);
            }
            for spread in &uses.spreads {
                if let Some(&number) = self.fragments.get(spread.text)
                    && own.insert(number)
                {
                    reached[number] = true;
                    waiting.push(&of_fragments[number]);
                }
            }
        }
        for definition in &operation.variables {
            if variables.get(definition.name.text).is_some_and(|defined| !defined.is_used) {
                let message = format!("The variable `${}` is not used.", cut(definition.name.text));
                self.error(message, [definition.position]);
            }
        }
    }

    fn variable_definition(&mut self, definition: &'d Variable<'d>) -> Defined<'d> {
        let written = definition.ty.named();
        let ty = match self.known_type(written) {
            Some(id) if self.schema.is_composite(id) => {
                let message = format!(
                    "The variable `${}` must be of a scalar, an enum or an input type; `{}` is none.",
                    cut(definition.name.text),
                    written.text
                );
                self.error(message, [written.position]);
                None
            }
            id => id.map(|id| reference(&definition.ty, &TypeReference::Named(id))),
        };
        let mut uses = Uses::default();
        if let (Some(default), Some(ty)) = (&definition.default, &ty) {
            self.default_value(definition.name.text, default, ty);
        }
        self.directives(&definition.directives, "VARIABLE_DEFINITION", &mut uses);
        Defined { definition, ty, is_used: false }
    }

    /// Checks that a variable is defined, and has a type that fits where it is used.
    fn usage(&mut self, usage: &Usage<'d>, operation: &Operation<'_>, variables: &mut HashMap<&str, Defined<'_>>) {
        let Some(defined) = variables.get_mut(usage.name) else {
            let name = cut(usage.name);
            let message = match operation.name {
                Some(operation) => {
                    format!("The operation `{}` does not define the variable `${name}`.", cut(operation.text))
                }
                None => format!("The operation does not define the variable `${name}`."),
            };
            return self.error(message, [usage.position, operation.position]);
        };
        defined.is_used = true;
        let (Some(given), Expected { ty: Some(expected), has_default, in_one_of }) = (&defined.ty, usage.expected)
        else {
            return;
        };
        let positions: [Pos; 2] = [defined.definition.position, usage.position];
        let has_default = has_default
            || defined.definition.default.as_ref().is_some_and(|default| !matches!(default.literal, Literal::Null));
        let fits = if expected.is_non_null() && !given.is_non_null() {
            has_default && given.fits(expected.nullable())
        } else {
            given.fits(expected)
        };
        if !fits {
            let (given, expected) = (self.schema.show(given), self.schema.show(expected));
            let message =
                format!("The variable `${}` has the type `{given}`; `{expected}` is needed here.", cut(usage.name));
            self.error(message, positions);
        } else if in_one_of && !given.is_non_null() {
            let message = format!(
                "The variable `${}` must not be nullable here: its type must be `{}!`.",
                cut(usage.name),
                self.schema.show(given)
            );
            self.error(message, positions);
        }
    }

    /// Checks that a subscription has exactly one root field, whatever the variables are.
    fn single_root_field(&mut self, operation: &'d Operation<'d>) {
        let mut keys = HashSet::new();
        let mut visited = HashSet::new();
        let mut waiting: Vec<&'d SelectionSet<'d>> = vec![&operation.selections];
        while let Some(set) = waiting.pop() {
            for selection in &set.items {
                if let Some(directive) =
                    selection.directives().iter().find(|directive| matches!(directive.name.text, "skip" | "include"))
                {
                    let message = "The root field of a subscription must not depend on `@skip` or `@include`.";
                    self.error(message, [directive.position]);
                }
                match selection {
                    Selection::Field(field) => {
                        if field.name.text.starts_with("__") {
                            let message = "The root field of a subscription must not be one of the introspection.";
                            self.error(message, [field.position()]);
                        }
                        if keys.insert(field.key()) && keys.len() > 1 {
                            self.error("A subscription must have exactly one root field.", [field.position()]);
                        }
                    }
                    Selection::Inline(inline) => waiting.push(&inline.selections),
                    Selection::Spread(spread) => {
                        if let Some(&number) = self.fragments.get(spread.name.text)
                            && visited.insert(number)
                        {
                            waiting.push(&self.document.fragments[number].selections);
                        }
                    }
                }
            }
        }
    }
}

/// Returns the type that a variable has, with lists and non-null marks around the named type.
fn reference(written: &WrittenType<'_>, named: &TypeReference) -> TypeReference {
    match written {
        WrittenType::Named(_) => named.clone(),
        WrittenType::List(inner) => TypeReference::List(Box::new(reference(inner, named))),
        WrittenType::NonNull(inner) => TypeReference::NonNull(Box::new(reference(inner, named))),
    }
}
