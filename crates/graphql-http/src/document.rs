//! The check of a document before anything else reads it. Validation expands fragments, so that a few hundred bytes of
//! fragments that spread each other twice would keep a core busy for seconds. Parsing recurses with nested brackets. Both are
//! bounded here first. All functions are pure: they depend only on the text and the limits.

use std::borrow::Cow;
use std::collections::HashMap;

use async_graphql::{
    Pos, Positioned, ServerError,
    parser::{
        self, parse_query,
        types::{
            DocumentOperations, ExecutableDocument, Field, FragmentDefinition, OperationDefinition, OperationType,
            Selection, SelectionSet,
        },
    },
};

use crate::code::Code;
use crate::cut;

/// The largest depth of nested brackets. The parser and the readers of input objects recurse with them.
const MAX_BRACKETS: usize = 100;
/// The largest depth of nested selection sets, including those of fragments. async-graphql has the same limit but reports it
/// like a syntax error, so this check must come first.
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

/// The reason why a document is rejected.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The document is too long.
    #[error("The document has {length} bytes; at most {limit} are allowed.")]
    TooLong {
        /// The length of the document in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Brackets, selections or fields nest too deeply.
    #[error("The document nests {what} too deeply; at most {limit} levels are allowed.")]
    TooDeep {
        /// The nested elements, in the plural.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The document has too many elements of one kind.
    #[error("The document has {count} {what}; at most {limit} are allowed.")]
    TooMany {
        /// The counted elements, in the plural.
        what: &'static str,
        /// The number of elements, saturated at the largest integer.
        count: u64,
        /// The limit.
        limit: u64,
    },
    /// The document is not valid GraphQL syntax.
    #[error("{0}")]
    Syntax(#[source] parser::Error),
    /// Two definitions conflict, for example because they have the same name.
    #[error("{0}")]
    Definitions(#[source] parser::Error),
    /// A fragment spreads itself, directly or through other fragments.
    #[error("The fragment {name} must not spread itself, directly or through other fragments.")]
    Cycle {
        /// One fragment of the cycle.
        name: String,
        /// The position of its definition.
        position: Pos,
    },
    /// The requested operation does not exist, or none is named although there are several.
    #[error("{0}")]
    Operation(String),
}

impl DocumentError {
    /// Returns the error code for clients.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::TooLong { .. } | Self::TooDeep { .. } | Self::TooMany { .. } => Code::LimitExceeded,
            Self::Syntax(_) => Code::ParseFailed,
            Self::Definitions(_) | Self::Cycle { .. } => Code::ValidationFailed,
            Self::Operation(_) => Code::BadUserInput,
        }
    }
}

impl From<DocumentError> for ServerError {
    fn from(refusal: DocumentError) -> Self {
        let code = refusal.code();
        code.mark(match refusal {
            DocumentError::Syntax(error) | DocumentError::Definitions(error) => {
                let mut error: Self = error.into();
                if let Cow::Owned(message) = cut(&error.message) {
                    error.message = message;
                }
                error
            }
            DocumentError::Cycle { position, .. } => Self::new(refusal.to_string(), Some(position)),
            other => Self::new(other.to_string(), None),
        })
    }
}

impl From<parser::Error> for DocumentError {
    fn from(error: parser::Error) -> Self {
        match error {
            parser::Error::MultipleOperations { .. }
            | parser::Error::OperationDuplicated { .. }
            | parser::Error::FragmentDuplicated { .. } => Self::Definitions(error),
            parser::Error::RecursionLimitExceeded => Self::TooDeep { what: "selections", limit: MAX_NESTING.into() },
            other => Self::Syntax(other),
        }
    }
}

/// Parses a document and rejects one that would be too expensive to validate or to execute. Takes time linear in the length of
/// the text.
///
/// # Errors
/// A [`DocumentError`] for a syntax error and for an exceeded limit. The document is not checked against the schema.
pub fn check(text: &str, limits: &DocumentLimits) -> Result<ExecutableDocument, DocumentError> {
    let limit = limits.max_bytes;
    if text.len() > limit {
        return Err(DocumentError::TooLong { length: text.len(), limit });
    }
    if bracket_depth(text) > MAX_BRACKETS {
        return Err(DocumentError::TooDeep { what: "brackets", limit: MAX_BRACKETS as u64 });
    }
    let document = parse_query(text)?;
    Walk::new(&document).document(limits)?;
    Ok(document)
}

/// Returns the operation that a request with the `operationName` `name` executes.
///
/// # Errors
/// [`DocumentError::Operation`] if no operation has the name, or if there are several operations and no name.
pub fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<&'a OperationDefinition, DocumentError> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Ok(&operation.node),
        (DocumentOperations::Multiple(operations), Some(name)) if operations.contains_key(name) => {
            Ok(&operations[name].node)
        }
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => operations
            .values()
            .next()
            .map(|operation| &operation.node)
            .ok_or_else(|| DocumentError::Operation("The document has no operation.".into())),
        (_, Some(name)) => {
            Err(DocumentError::Operation(format!("The document has no operation named {:?}.", cut(name))))
        }
        (_, None) => {
            Err(DocumentError::Operation("The document has several operations; `operationName` must name one.".into()))
        }
    }
}

/// Returns the name of the operation that [`operation`] returns; None if it has no name.
#[must_use]
pub fn operation_name<'a>(document: &'a ExecutableDocument, name: Option<&'a str>) -> Option<&'a str> {
    name.or_else(|| document.operations.iter().find_map(|(name, _)| name.map(async_graphql::Name::as_str)))
}

/// Whether all fields that an operation selects at its root, also by way of fragments, are among these.
#[must_use]
pub fn selects_only(document: &ExecutableDocument, operation: &OperationDefinition, fields: &[&str]) -> bool {
    set_selects_only(document, &operation.selection_set.node, fields)
}

/// Whether an operation selects one of these fields at its root, also by way of fragments.
#[must_use]
pub fn selects_any(document: &ExecutableDocument, operation: &OperationDefinition, fields: &[&str]) -> bool {
    set_selects_any(document, &operation.selection_set.node, fields)
}

fn set_selects_any(document: &ExecutableDocument, set: &SelectionSet, fields: &[&str]) -> bool {
    set.items.iter().any(|selection| match &selection.node {
        Selection::Field(field) => fields.contains(&field.node.name.node.as_str()),
        Selection::InlineFragment(inline) => set_selects_any(document, &inline.node.selection_set.node, fields),
        Selection::FragmentSpread(spread) => document
            .fragments
            .get(&spread.node.fragment_name.node)
            .is_some_and(|fragment| set_selects_any(document, &fragment.node.selection_set.node, fields)),
    })
}

fn set_selects_only(document: &ExecutableDocument, set: &SelectionSet, fields: &[&str]) -> bool {
    set.items.iter().all(|selection| match &selection.node {
        Selection::Field(field) => fields.contains(&field.node.name.node.as_str()),
        Selection::InlineFragment(inline) => set_selects_only(document, &inline.node.selection_set.node, fields),
        // A checked document has no cycles.
        Selection::FragmentSpread(spread) => document
            .fragments
            .get(&spread.node.fragment_name.node)
            .is_some_and(|fragment| set_selects_only(document, &fragment.node.selection_set.node, fields)),
    })
}

/// Whether running an operation may change something.
#[must_use]
pub fn writes(operation: &OperationDefinition) -> bool {
    operation.ty == OperationType::Mutation
}

/// Returns the depth of nested brackets outside of strings and comments. Never less than the depth that the parser sees: an
/// unterminated string is read like the parser's grammar reads it.
fn bracket_depth(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut deepest, mut at) = (0_usize, 0, 0);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' | b'(' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            b'#' => {
                at += bytes[at..].iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(bytes.len() - at);
            }
            b'"' => at = after_string(bytes, at),
            _ => {}
        }
    }
    deepest
}

/// Returns the end of the string whose opening quote is right before `start`.
fn after_string(bytes: &[u8], start: usize) -> usize {
    if bytes[start..].starts_with(b"\"\"") {
        let mut at = start + 2;
        while at < bytes.len() {
            match &bytes[at..] {
                [b'\\', b'"', b'"', b'"', ..] => at += 4,
                [b'"', b'"', b'"', ..] => return at + 3,
                _ => at += 1,
            }
        }
        // The parser reads an unterminated block string as an empty string and continues after it.
        return start + 1;
    }
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            // A string must end on its line; the parser reports that it does not.
            b'\n' | b'\r' => return at,
            _ => at += 1,
        }
    }
    bytes.len()
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
    fn in_field(self, field: &Field) -> Self {
        let leaf = field.selection_set.node.items.is_empty();
        let price = price(field, self.price);
        Self {
            selections: self.selections.saturating_add(1),
            depth: self.depth + 1,
            nesting: if leaf { 0 } else { self.nesting + 1 },
            introspection_lists: self.introspection_lists + u32::from(is_schema_list(field.name.node.as_str())),
            price,
        }
    }
}

/// Returns the expected number of values in the response to a field of the introspection, from the number for its children.
fn price(field: &Field, children: u64) -> u64 {
    // The numbers are typical of a schema with 400 types. `ofType` is null for most types.
    let items = match field.name.node.as_str() {
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

/// Returns the expected number of values in the response to an introspection field of a checked document.
pub(super) fn values(document: &ExecutableDocument, field: &Field) -> u64 {
    price(field, values_of(document, &field.selection_set))
}

fn values_of(document: &ExecutableDocument, set: &Positioned<SelectionSet>) -> u64 {
    let values = set.node.items.iter().map(|selection| match &selection.node {
        Selection::Field(field) => values(document, &field.node),
        Selection::InlineFragment(inline) => values_of(document, &inline.node.selection_set),
        Selection::FragmentSpread(spread) => document
            .fragments
            .get(&spread.node.fragment_name.node)
            .map_or(0, |fragment| values_of(document, &fragment.node.selection_set)),
    });
    values.fold(0, u64::saturating_add)
}

fn is_schema_list(name: &str) -> bool {
    matches!(name, "fields" | "inputFields" | "interfaces" | "possibleTypes")
}

/// The progress of measuring one fragment.
#[derive(Clone, Copy)]
enum Progress {
    Started,
    Done(Measure),
}

/// A traversal of a document. Measures every definition once, however often it is spread.
struct Walk<'a> {
    document: &'a ExecutableDocument,
    fragments: HashMap<&'a str, Progress>,
    aliases: u64,
    directives: u64,
}

impl<'a> Walk<'a> {
    fn new(document: &'a ExecutableDocument) -> Self {
        Self { document, fragments: HashMap::new(), aliases: 0, directives: 0 }
    }

    /// Checks all definitions of the document against the limits. Validation also expands fragments that are not executed.
    fn document(&mut self, limits: &DocumentLimits) -> Result<(), DocumentError> {
        let document = self.document;
        let mut fragments: Vec<_> = document.fragments.iter().collect();
        fragments.sort_by_key(|(_, fragment)| fragment.pos);
        let mut spread = Measure::default();
        for (name, fragment) in fragments {
            spread = spread.combine(self.fragment(name.as_str(), fragment, 0)?);
        }
        let mut run = Measure::default();
        for (_, operation) in document.operations.iter() {
            self.directives += operation.node.directives.len() as u64;
            self.directives += operation
                .node
                .variable_definitions
                .iter()
                .map(|variable| variable.node.directives.len() as u64)
                .sum::<u64>();
            run = run.combine(self.selection_set(&operation.node.selection_set, 0)?);
        }
        at_most(
            "selections with all fragments expanded",
            spread.selections.max(run.selections),
            limits.max_selections,
        )?;
        at_most("aliases", self.aliases, limits.max_aliases as u64)?;
        at_most("directives", self.directives, limits.max_directives as u64)?;
        if spread.depth.max(run.depth) > limits.max_depth {
            return Err(DocumentError::TooDeep { what: "fields", limit: limits.max_depth.into() });
        }
        Ok(())
    }

    /// Measures a fragment that is spread at `level`.
    fn fragment(
        &mut self,
        name: &'a str,
        fragment: &'a Positioned<FragmentDefinition>,
        level: u32,
    ) -> Result<Measure, DocumentError> {
        match self.fragments.get(name) {
            Some(Progress::Started) => {
                return Err(DocumentError::Cycle { name: name.to_owned(), position: fragment.pos });
            }
            Some(Progress::Done(measure)) => {
                nests_at_most(level.saturating_add(measure.nesting))?;
                return Ok(*measure);
            }
            None => {}
        }
        self.fragments.insert(name, Progress::Started);
        self.directives += fragment.node.directives.len() as u64;
        let measure = self.selection_set(&fragment.node.selection_set, level)?;
        self.fragments.insert(name, Progress::Done(measure));
        Ok(measure)
    }

    fn selection_set(&mut self, set: &'a Positioned<SelectionSet>, level: u32) -> Result<Measure, DocumentError> {
        nests_at_most(level)?;
        let mut whole = Measure::default();
        for selection in &set.node.items {
            self.directives += selection.node.directives().len() as u64;
            whole = whole.combine(match &selection.node {
                Selection::Field(field) => self.field(&field.node, level)?,
                Selection::InlineFragment(inline) => {
                    self.selection_set(&inline.node.selection_set, level + 1)?.in_fragment()
                }
                Selection::FragmentSpread(spread) => {
                    let document = self.document;
                    // An undefined fragment costs nothing; validation reports it.
                    match document.fragments.get_key_value(&spread.node.fragment_name.node) {
                        Some((name, fragment)) => self.fragment(name.as_str(), fragment, level + 1)?.in_fragment(),
                        None => Measure::default().in_fragment(),
                    }
                }
            });
        }
        Ok(whole)
    }

    fn field(&mut self, field: &'a Field, level: u32) -> Result<Measure, DocumentError> {
        self.aliases += u64::from(field.alias.is_some());
        let children = self.selection_set(&field.selection_set, level + 1)?;
        if matches!(field.name.node.as_str(), "__schema" | "__type") {
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

fn at_most(what: &'static str, count: u64, limit: u64) -> Result<(), DocumentError> {
    if count > limit { Err(DocumentError::TooMany { what, count, limit }) } else { Ok(()) }
}

fn nests_at_most(level: u32) -> Result<(), DocumentError> {
    if level > MAX_NESTING {
        Err(DocumentError::TooDeep { what: "selections", limit: MAX_NESTING.into() })
    } else {
        Ok(())
    }
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
