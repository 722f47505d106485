//! The rule "Field Selection Merging": fields with one response key must be the same, so that the response has one value for
//! them.
//!
//! The specification compares each pair of fields, which takes time that grows with the square of the number of fields, and
//! with nesting exponentially. Here fields are grouped by response key level by level and compared with the first of their
//! group. The shape of a value must be the same for all fields of a key. Name and arguments must be the same for fields that
//! the same object may have: those on one object type together with those on interfaces and unions. Work is counted, and a
//! document that needs too much is refused.

use std::collections::HashSet;

use indexmap::IndexMap;

use super::Validation;
use crate::ast::{Field, Ident, Literal, Selection, SelectionSet, Value};
use crate::error::{DocumentError, cut};
use crate::schema::{DocumentSchema, FieldDefinition, TypeId, TypeReference};

/// The most fields and values that are visited for one document. A document with the most selections that the default limits
/// allow visits 10,000.
const MAX_WORK: usize = 100_000;

/// A field, and the type that it is selected on.
#[derive(Clone, Copy)]
struct Entry<'d> {
    field: &'d Field<'d>,
    on: TypeId,
    definition: &'d FieldDefinition,
}

/// Selections, and the type that they are made on.
type Sets<'d> = Vec<(&'d SelectionSet<'d>, TypeId)>;

/// Fields by their response keys.
type Groups<'d> = IndexMap<&'d str, Vec<Entry<'d>>>;

/// Why a check ended early.
enum Stop {
    /// There are enough errors.
    Full,
    /// Too many fields were compared.
    TooMuch,
}

struct Merge<'v, 'd> {
    validation: &'v mut Validation<'d>,
    work: usize,
}

impl Validation<'_> {
    /// Checks that all fields with one response key can be merged. The document has no other errors.
    pub(super) fn mergeable_fields(&mut self) {
        let (document, schema) = (self.document, self.schema);
        let mut merge = Merge { validation: self, work: 0 };
        for operation in &document.operations {
            let Some(root) = schema.root(operation.kind) else { continue };
            let sets = vec![(&operation.selections, root)];
            let shapes = merge.same_shapes(&sets);
            // Fields of different shapes would mostly be reported again as different fields.
            let checked = if merge.validation.errors.is_empty() {
                shapes.and_then(|()| merge.same_fields(&sets))
            } else {
                shapes
            };
            match checked {
                Ok(()) => {}
                Err(Stop::Full) => return,
                Err(Stop::TooMuch) => {
                    let message = "The document selects too many fields under the same names, with different fragments or \
                                   arguments.";
                    return merge.validation.errors.push(DocumentError::limit(message));
                }
            }
        }
    }
}

impl<'d> Merge<'_, 'd> {
    fn schema(&self) -> &'d DocumentSchema {
        self.validation.schema
    }

    fn count(&mut self, work: usize) -> Result<(), Stop> {
        self.work += work;
        if self.work > MAX_WORK { Err(Stop::TooMuch) } else { Ok(()) }
    }

    fn error(&mut self, message: String, one: &Entry<'_>, other: &Entry<'_>) -> Result<(), Stop> {
        self.validation.error(message, [one.field.position(), other.field.position()]);
        if self.validation.is_full() { Err(Stop::Full) } else { Ok(()) }
    }

    /// Returns the fields of selection sets by their response keys, with fragments expanded.
    fn collect(&mut self, sets: &Sets<'d>) -> Result<Groups<'d>, Stop> {
        let (mut groups, mut spread) = (Groups::new(), HashSet::new());
        for (set, on) in sets {
            self.collect_set(set, *on, &mut groups, &mut spread)?;
        }
        Ok(groups)
    }

    fn collect_set(
        &mut self,
        set: &'d SelectionSet<'d>,
        on: TypeId,
        groups: &mut Groups<'d>,
        spread: &mut HashSet<usize>,
    ) -> Result<(), Stop> {
        let schema = self.schema();
        self.count(set.items.len())?;
        for selection in &set.items {
            match selection {
                Selection::Field(field) => {
                    if let Some(definition) = schema.field(on, field.name.text) {
                        groups.entry(field.key()).or_default().push(Entry { field, on, definition });
                    }
                }
                Selection::Inline(inline) => {
                    let narrowed = inline.on.and_then(|name| schema.named(name.text)).unwrap_or(on);
                    self.collect_set(&inline.selections, narrowed, groups, spread)?;
                }
                Selection::Spread(name) => {
                    let Some(&number) = self.validation.fragments.get(name.name.text) else { continue };
                    let fragment = &self.validation.document.fragments[number];
                    if spread.insert(number)
                        && let Some(narrowed) = schema.named(fragment.on.text)
                    {
                        self.collect_set(&fragment.selections, narrowed, groups, spread)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Checks that all fields with one key have values of the same shape.
    fn same_shapes(&mut self, sets: &Sets<'d>) -> Result<(), Stop> {
        let schema = self.schema();
        for (key, group) in self.collect(sets)? {
            if let [first, others @ ..] = &group[..] {
                for other in others {
                    let (one, two) = (&first.definition.ty, &other.definition.ty);
                    if !same_shape(schema, one, two) {
                        let message = format!(
                            "`{}` would be of type `{}` and of type `{}`: give one of the two fields another alias.",
                            cut(key),
                            schema.show(one),
                            schema.show(two)
                        );
                        self.error(message, first, other)?;
                    }
                }
            }
            let below = below(&group);
            if !below.is_empty() {
                self.same_shapes(&below)?;
            }
        }
        Ok(())
    }

    /// Checks that fields with one key, as far as one object may have them, are the same field with the same arguments.
    fn same_fields(&mut self, sets: &Sets<'d>) -> Result<(), Stop> {
        let schema = self.schema();
        for (key, group) in self.collect(sets)? {
            let (on_objects, on_others): (Vec<_>, Vec<_>) =
                group.into_iter().partition(|entry| schema.is_object(entry.on));
            let mut by_object: IndexMap<TypeId, Vec<Entry<'d>>> = IndexMap::new();
            for entry in on_objects {
                by_object.entry(entry.on).or_default().push(entry);
            }
            if by_object.is_empty() {
                self.same_group(key, &on_others)?;
            }
            for (_, mut group) in by_object {
                group.extend_from_slice(&on_others);
                self.same_group(key, &group)?;
            }
        }
        Ok(())
    }

    fn same_group(&mut self, key: &str, group: &[Entry<'d>]) -> Result<(), Stop> {
        self.count(group.len())?;
        let [first, others @ ..] = group else { return Ok(()) };
        for other in others {
            let (one, two) = (first.field, other.field);
            if std::ptr::eq(one, two) {
                continue;
            }
            if one.name.text != two.name.text {
                let message = format!(
                    "`{}` would stand for the fields `{}` and `{}`: give one of them another alias.",
                    cut(key),
                    cut(one.name.text),
                    cut(two.name.text)
                );
                self.error(message, first, other)?;
            } else if !self.same_members(&one.arguments, &two.arguments)? {
                let message = format!(
                    "`{}` is selected twice with different arguments: give one of the two another alias.",
                    cut(key)
                );
                self.error(message, first, other)?;
            }
        }
        let below = below(group);
        if below.is_empty() { Ok(()) } else { self.same_fields(&below) }
    }

    /// Whether arguments, or the fields of an input object, are the same in any order. Their names are unique.
    fn same_members(&mut self, one: &[(Ident<'_>, Value<'_>)], other: &[(Ident<'_>, Value<'_>)]) -> Result<bool, Stop> {
        if one.len() != other.len() {
            return Ok(false);
        }
        if one.is_empty() {
            return Ok(true);
        }
        self.count(one.len())?;
        let by_name = |members: &[(Ident<'_>, Value<'_>)]| {
            let mut order: Vec<usize> = (0..members.len()).collect();
            order.sort_unstable_by_key(|index| members[*index].0.text);
            order
        };
        let (order, other_order) = (by_name(one), by_name(other));
        for (index, other_index) in order.into_iter().zip(other_order) {
            let ((name, value), (other_name, other_value)) = (&one[index], &other[other_index]);
            if name.text != other_name.text || !self.same_value(value, other_value)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn same_value(&mut self, one: &Value<'_>, other: &Value<'_>) -> Result<bool, Stop> {
        self.count(1)?;
        Ok(match (&one.literal, &other.literal) {
            (Literal::Null, Literal::Null) => true,
            (Literal::Boolean(one), Literal::Boolean(other)) => one == other,
            (Literal::Variable(one), Literal::Variable(other))
            | (Literal::Enum(one), Literal::Enum(other))
            | (Literal::Int(one), Literal::Int(other))
            | (Literal::Float(one), Literal::Float(other)) => one == other,
            (Literal::String { text, is_block }, Literal::String { text: other, is_block: other_is_block }) => {
                text == other && is_block == other_is_block
            }
            (Literal::List(one), Literal::List(other)) => {
                if one.len() != other.len() {
                    return Ok(false);
                }
                for (one, other) in one.iter().zip(other) {
                    if !self.same_value(one, other)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Literal::Object(one), Literal::Object(other)) => self.same_members(one, other)?,
            _ => false,
        })
    }
}

/// Returns what is selected of the values of fields.
fn below<'d>(group: &[Entry<'d>]) -> Sets<'d> {
    let selecting = group.iter().filter(|entry| !entry.field.selections.items.is_empty());
    selecting.map(|entry| (&entry.field.selections, entry.definition.ty.named())).collect()
}

/// Whether values of two types look the same in a response: both objects, or both of the same scalar or enum, in the same lists.
fn same_shape(schema: &DocumentSchema, one: &TypeReference, other: &TypeReference) -> bool {
    match (one, other) {
        (TypeReference::NonNull(one), TypeReference::NonNull(other))
        | (TypeReference::List(one), TypeReference::List(other)) => same_shape(schema, one, other),
        (TypeReference::Named(one), TypeReference::Named(other)) => {
            one == other || (schema.is_composite(*one) && schema.is_composite(*other))
        }
        _ => false,
    }
}
