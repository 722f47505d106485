//! Rules about fields, their arguments, spreads and directives.

use std::collections::HashMap;

use async_graphql::Pos;
use indexmap::IndexMap;

use super::{Expected, Uses, Validation};
use crate::ast::{Directive, Field, Ident, Selection, SelectionSet, Value};
use crate::error::cut;
use crate::schema::{InputDefinition, TypeId, TypeKind};
use crate::suggestion::did_you_mean;

impl<'d> Validation<'d> {
    /// Checks the selections on a type; `on` is None if the type is not known.
    pub(super) fn selection_set(&mut self, set: &'d SelectionSet<'d>, on: Option<TypeId>, uses: &mut Uses<'d>) {
        for selection in &set.items {
            if self.is_full() {
                return;
            }
            match selection {
                Selection::Field(field) => self.field(field, on, uses),
                Selection::Spread(spread) => {
                    self.directives(&spread.directives, "FRAGMENT_SPREAD", uses);
                    uses.spreads.push(spread.name);
                    if let Some(&number) = self.fragments.get(spread.name.text) {
                        let condition = self.schema.named(self.document.fragments[number].on.text);
                        self.possible(on, condition, spread.position);
                    } else {
                        let fragments = &self.document.fragments;
                        let known = fragments.iter().map(|fragment| fragment.name.text);
                        let hint = did_you_mean(spread.name.text, known);
                        let message = format!("There is no fragment `{}`.{hint}", cut(spread.name.text));
                        self.error(message, [spread.name.position]);
                    }
                }
                Selection::Inline(inline) => {
                    self.directives(&inline.directives, "INLINE_FRAGMENT", uses);
                    let narrowed = match inline.on {
                        None => on,
                        Some(name) => {
                            let narrowed = self.type_condition(name);
                            self.possible(on, narrowed, inline.position);
                            narrowed
                        }
                    };
                    self.selection_set(&inline.selections, narrowed, uses);
                }
            }
        }
    }

    /// Checks that an object of the type `on` may also be of the type of a fragment.
    fn possible(&mut self, on: Option<TypeId>, condition: Option<TypeId>, position: Pos) {
        if let (Some(on), Some(condition)) = (on, condition)
            && !self.schema.overlap(on, condition)
        {
            let (on, condition) = (&self.schema.get(on).name, &self.schema.get(condition).name);
            let message = format!("A fragment on `{condition}` never applies here, where objects are of type `{on}`.");
            self.error(message, [position]);
        }
    }

    fn field(&mut self, field: &'d Field<'d>, on: Option<TypeId>, uses: &mut Uses<'d>) {
        let name = field.name.text;
        let schema = self.schema;
        let known = on.and_then(|on| schema.field(on, name));
        self.directives(&field.directives, "FIELD", uses);
        let owner = || match on {
            Some(on) => format!("`{}.{name}`", schema.get(on).name),
            None => format!("`{}`", cut(name)),
        };
        self.arguments(&field.arguments, known.map(|known| &known.arguments), owner, field.name.position, uses);
        let of = known.map(|known| known.ty.named()).filter(|named| schema.is_composite(*named));
        match (on, known) {
            (Some(on), None) => self.unknown_field(field, on),
            (_, Some(known)) => {
                let (has_fields, selections) = (of.is_some(), &field.selections);
                if has_fields && selections.items.is_empty() {
                    let shown = schema.show(&known.ty);
                    let message =
                        format!("`{name}` is of type `{shown}`: select fields of it, as in `{name} {{ … }}`.");
                    self.error(message, [field.position()]);
                } else if !has_fields && !selections.items.is_empty() {
                    let shown = schema.show(&known.ty);
                    let message = format!("`{name}` is of type `{shown}`, which has no fields to select.");
                    self.error(message, [selections.position]);
                }
            }
            (None, None) => {}
        }
        self.selection_set(&field.selections, of, uses);
    }

    fn unknown_field(&mut self, field: &Field<'_>, on: TypeId) {
        let name = field.name.text;
        let of = self.schema.get(on);
        let TypeKind::Composite { fields, possible, .. } = &of.kind else { return };
        let mut hint = did_you_mean(name, fields.keys().map(String::as_str));
        if hint.is_empty() && !self.schema.is_object(on) {
            let mut having: Vec<&str> = possible
                .iter()
                .filter(|object| self.schema.field(**object, name).is_some())
                .map(|object| self.schema.get(*object).name.as_str())
                .collect();
            having.sort_unstable();
            if let Some(object) = having.first() {
                hint = format!(" Select it in a fragment such as `... on {object} {{ {name} }}`.");
            }
        }
        self.error(format!("`{}` has no field `{}`.{hint}", of.name, cut(name)), [field.position()]);
    }

    /// Checks the arguments of a field or a directive. `known` is None if that is not known.
    fn arguments(
        &mut self,
        given: &'d [(Ident<'d>, Value<'d>)],
        known: Option<&'d IndexMap<String, InputDefinition>>,
        owner: impl Fn() -> String,
        position: Pos,
        uses: &mut Uses<'d>,
    ) {
        self.unique(given.iter().map(|(name, _)| *name), |name| {
            format!("The argument `{}` of {} is given twice.", cut(name), owner())
        });
        for (name, value) in given {
            if self.is_full() {
                return;
            }
            let Some(known) = known else {
                self.inside(value, None, uses);
                continue;
            };
            if let Some(definition) = known.get(name.text) {
                let expected =
                    Expected { ty: Some(&definition.ty), has_default: definition.has_default, in_one_of: false };
                self.value(name.text, value, expected, uses);
            } else {
                let hint = did_you_mean(name.text, known.keys().map(String::as_str));
                self.error(format!("{} has no argument `{}`.{hint}", owner(), cut(name.text)), [name.position]);
                self.inside(value, None, uses);
            }
        }
        if let Some(known) = known {
            self.required(known, given, position, || format!("{} needs the argument", owner()));
        }
    }

    /// Checks the directives in a place of this kind.
    pub(super) fn directives(&mut self, directives: &'d [Directive<'d>], location: &str, uses: &mut Uses<'d>) {
        let schema = self.schema;
        let mut first: HashMap<&str, Pos> = HashMap::new();
        for directive in directives {
            if self.is_full() {
                return;
            }
            let name = directive.name.text;
            let known = schema.directives.get(name);
            match known {
                None => {
                    let hint = did_you_mean(name, schema.directives.keys().map(String::as_str));
                    self.error(format!("There is no directive `@{}`.{hint}", cut(name)), [directive.position]);
                }
                Some(known) => {
                    if !known.locations.contains(location) {
                        let place = location.to_ascii_lowercase().replace('_', " ");
                        let article = if place.starts_with('i') { "an" } else { "a" };
                        let message = format!("The directive `@{name}` is not allowed on {article} {place}.");
                        self.error(message, [directive.position]);
                    }
                    if !known.is_repeatable
                        && let Some(earlier) = first.insert(name, directive.position)
                    {
                        let message = format!("The directive `@{name}` is given twice in the same place.");
                        self.error(message, [earlier, directive.position]);
                    }
                }
            }
            let known = known.map(|known| &known.arguments);
            self.arguments(&directive.arguments, known, || format!("`@{}`", cut(name)), directive.position, uses);
        }
    }
}
