//! The size of a document with all fragments expanded. A few hundred bytes of fragments that spread each other twice would
//! expand to millions of selections, which execution and some rules of validation would visit.

use std::collections::HashMap;

use crate::ast::{Document, Field, Selection, SelectionSet};
use crate::error::DocumentError;

/// The largest depth of nested selection sets, including those of fragments.
const MAX_NESTING: u32 = 32;
/// The largest depth of nested lists in an introspection (`fields { type { fields … } }`). Each multiplies the response.
const MAX_INTROSPECTION_LISTS: u32 = 2;
/// The largest expected number of items in the response to an introspection. `GraphiQL` requests about a third of it.
const MAX_INTROSPECTION_PRICE: u64 = 1_000_000;

/// The limits of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentLimits {
    /// The largest length in bytes.
    pub max_bytes: usize,
    /// The largest number of selections, with fragments expanded.
    pub max_selections: u64,
    /// The largest depth of nested fields.
    pub max_depth: u32,
    /// The largest number of aliases.
    pub max_aliases: usize,
    /// The largest number of directives.
    pub max_directives: usize,
}

impl Default for DocumentLimits {
    fn default() -> Self {
        Self { max_bytes: 32_768, max_selections: 5_000, max_depth: 15, max_aliases: 200, max_directives: 100 }
    }
}

/// Returns the expected number of values in the response to a field of an introspection, from the number for its children.
#[must_use]
pub fn introspection_price(field: &str, children: u64) -> u64 {
    // The numbers are typical of a schema with 400 types. `ofType` is null for most types.
    let items = match field {
        "ofType" => return 1 + children / 2,
        "types" => 400,
        "fields" => 12,
        "inputFields" | "enumValues" | "possibleTypes" => 8,
        "directives" => 6,
        "args" => 3,
        _ => 1,
    };
    children.saturating_mul(items).saturating_add(1)
}

/// Checks a document against the limits. Takes time linear in its length.
///
/// # Errors
/// The first limit that is exceeded.
pub(crate) fn check(document: &Document<'_>, limits: &DocumentLimits) -> Result<(), DocumentError> {
    Walk::new(document).document(limits)
}

/// The size of a selection set with all fragments expanded. All sums saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Measure {
    /// The number of fields, fragment spreads and inline fragments.
    selections: u64,
    /// The depth of nested fields.
    depth: u32,
    /// The depth of nested selection sets.
    nesting: u32,
    /// The depth of nested introspection lists. Applies only below `__schema` or `__type`.
    introspection_lists: u32,
    /// The expected number of values in the response.
    price: u64,
}

impl Measure {
    /// Returns the size of two selections of the same set.
    fn combine(self, other: Self) -> Self {
        Self {
            selections: self.selections.saturating_add(other.selections),
            depth: self.depth.max(other.depth),
            nesting: self.nesting.max(other.nesting),
            introspection_lists: self.introspection_lists.max(other.introspection_lists),
            price: self.price.saturating_add(other.price),
        }
    }

    /// Returns the size of a fragment spread or an inline fragment with this selection set.
    fn in_fragment(self) -> Self {
        Self { selections: self.selections.saturating_add(1), nesting: self.nesting + 1, ..self }
    }

    /// Returns the size of a field with this selection set.
    fn in_field(self, field: &Field<'_>) -> Self {
        let is_list = matches!(field.name.text, "fields" | "inputFields" | "interfaces" | "possibleTypes");
        Self {
            selections: self.selections.saturating_add(1),
            depth: self.depth + 1,
            nesting: if field.selections.items.is_empty() { 0 } else { self.nesting + 1 },
            introspection_lists: self.introspection_lists + u32::from(is_list),
            price: introspection_price(field.name.text, self.price),
        }
    }
}

/// The progress of measuring one fragment.
#[derive(Clone, Copy)]
enum Progress {
    Waiting,
    Started,
    Done(Measure),
}

/// A traversal of a document. Measures every definition once, however often it is spread.
struct Walk<'d> {
    document: &'d Document<'d>,
    names: HashMap<&'d str, usize>,
    progress: Vec<Progress>,
    aliases: u64,
    directives: u64,
}

impl<'d> Walk<'d> {
    fn new(document: &'d Document<'d>) -> Self {
        let progress = vec![Progress::Waiting; document.fragments.len()];
        Self { document, names: document.fragments_by_name(), progress, aliases: 0, directives: 0 }
    }

    /// Checks all definitions of the document against the limits, also fragments that are not executed.
    fn document(&mut self, limits: &DocumentLimits) -> Result<(), DocumentError> {
        let document = self.document;
        let mut spread = Measure::default();
        for number in 0..document.fragments.len() {
            spread = spread.combine(self.fragment(number, 0)?);
        }
        let mut run = Measure::default();
        for operation in &document.operations {
            let on_variables: usize = operation.variables.iter().map(|variable| variable.directives.len()).sum();
            self.directives += (operation.directives.len() + on_variables) as u64;
            run = run.combine(self.selection_set(&operation.selections, 0)?);
        }
        at_most(
            "selections with all fragments expanded",
            spread.selections.max(run.selections),
            limits.max_selections,
        )?;
        at_most("aliases", self.aliases, limits.max_aliases as u64)?;
        at_most("directives", self.directives, limits.max_directives as u64)?;
        if spread.depth.max(run.depth) > limits.max_depth {
            return Err(too_deep("fields", limits.max_depth));
        }
        Ok(())
    }

    /// Measures a fragment that is spread at `level`.
    fn fragment(&mut self, number: usize, level: u32) -> Result<Measure, DocumentError> {
        match self.progress[number] {
            // A cycle, which validation reports.
            Progress::Started => Ok(Measure::default()),
            Progress::Done(measure) => {
                nests_at_most(level.saturating_add(measure.nesting))?;
                Ok(measure)
            }
            Progress::Waiting => {
                self.progress[number] = Progress::Started;
                let fragment = &self.document.fragments[number];
                self.directives += fragment.directives.len() as u64;
                let measure = self.selection_set(&fragment.selections, level)?;
                self.progress[number] = Progress::Done(measure);
                Ok(measure)
            }
        }
    }

    fn selection_set(&mut self, set: &'d SelectionSet<'d>, level: u32) -> Result<Measure, DocumentError> {
        nests_at_most(level)?;
        let mut whole = Measure::default();
        for selection in &set.items {
            self.directives += selection.directives().len() as u64;
            whole = whole.combine(match selection {
                Selection::Field(field) => self.field(field, level)?,
                Selection::Inline(inline) => self.selection_set(&inline.selections, level + 1)?.in_fragment(),
                Selection::Spread(spread) => match self.names.get(spread.name.text) {
                    Some(number) => self.fragment(*number, level + 1)?.in_fragment(),
                    // An undefined fragment costs nothing; validation reports it.
                    None => Measure::default().in_fragment(),
                },
            });
        }
        Ok(whole)
    }

    fn field(&mut self, field: &'d Field<'d>, level: u32) -> Result<Measure, DocumentError> {
        self.aliases += u64::from(field.alias.is_some());
        let children = self.selection_set(&field.selections, level + 1)?;
        if matches!(field.name.text, "__schema" | "__type") {
            at_most(
                "levels of nested introspection lists",
                children.introspection_lists.into(),
                MAX_INTROSPECTION_LISTS.into(),
            )?;
            at_most("expected values in the response to its introspection", children.price, MAX_INTROSPECTION_PRICE)?;
        }
        Ok(children.in_field(field))
    }
}

fn at_most(what: &str, count: u64, limit: u64) -> Result<(), DocumentError> {
    if count <= limit {
        return Ok(());
    }
    Err(DocumentError::limit(format!("The document has {count} {what}; at most {limit} are allowed.")))
}

fn nests_at_most(level: u32) -> Result<(), DocumentError> {
    if level > MAX_NESTING { Err(too_deep("selections", MAX_NESTING)) } else { Ok(()) }
}

fn too_deep(what: &str, limit: u32) -> DocumentError {
    DocumentError::limit(format!("The document nests {what} too deeply; at most {limit} levels are allowed."))
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
