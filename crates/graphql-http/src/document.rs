//! The check of a document before anything else looks at it. Validating unfolds fragments, so that a few hundred
//! bytes of fragments that spread each other twice would keep a core busy for seconds, and parsing recurses with the
//! brackets: both are bounded here first. Pure functions of the text and the limits.

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

/// Brackets inside brackets. The parser and the readers of input objects recurse with them.
const MAX_BRACKETS: usize = 100;
/// Selection sets inside selection sets, fragments counted as well. async-graphql stops at the same number, with an
/// error that cannot be told from one of syntax, so ours must come first.
const MAX_NESTING: u32 = 32;
/// Lists of the schema inside lists of the schema (`fields { type { fields … } }`): each multiplies the answer.
const MAX_INTROSPECTION_LISTS: u32 = 2;
/// The most items that an introspection may be expected to answer; what `GraphiQL` asks is about a third.
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

/// Why a document is not run.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is longer than it may be; both in bytes.
    #[error("The document is {length} bytes long; at most {limit} are read.")]
    TooLong {
        /// The document's length.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// Brackets or selections nest too deep.
    #[error("The document nests deeper than this server reads ({limit} levels of {what}).")]
    TooDeep {
        /// What is nested.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// There is too much of something.
    #[error("The document has {count} {what}; at most {limit} are allowed.")]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// How many there are, stopping at the largest number there is.
        count: u64,
        /// The limit.
        limit: u64,
    },
    /// It is not GraphQL.
    #[error("{0}")]
    Syntax(#[source] parser::Error),
    /// Two definitions that may not stand beside each other.
    #[error("{0}")]
    Definitions(#[source] parser::Error),
    /// A fragment spreads itself, perhaps by way of others.
    #[error("The fragment {name} spreads itself.")]
    Cycle {
        /// One fragment of the cycle.
        name: String,
        /// Where it is defined.
        position: Pos,
    },
    /// The operation that is to be run is not there, or not named though there are several.
    #[error("{0}")]
    Operation(String),
}

impl Refusal {
    /// The code that clients see.
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

impl From<Refusal> for ServerError {
    fn from(refusal: Refusal) -> Self {
        let code = refusal.code();
        code.mark(match refusal {
            Refusal::Syntax(error) | Refusal::Definitions(error) => error.into(),
            Refusal::Cycle { position, .. } => Self::new(refusal.to_string(), Some(position)),
            other => Self::new(other.to_string(), None),
        })
    }
}

impl From<parser::Error> for Refusal {
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

/// Parses a document and refuses what would cost too much to validate or to run. Takes time linear in the text.
///
/// # Errors
/// Says which limit is passed, or where the syntax breaks. What does not fit the schema is not looked at.
pub fn check(text: &str, limits: &DocumentLimits) -> Result<ExecutableDocument, Refusal> {
    let limit = limits.max_bytes;
    if text.len() > limit {
        return Err(Refusal::TooLong { length: text.len(), limit });
    }
    if bracket_depth(text) > MAX_BRACKETS {
        return Err(Refusal::TooDeep { what: "brackets", limit: MAX_BRACKETS as u64 });
    }
    let document = parse_query(text)?;
    Walk::new(&document).document(limits)?;
    Ok(document)
}

/// The operation of a document that a request with this `operationName` runs.
///
/// # Errors
/// There is none of that name, or several and no name.
pub fn operation<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Result<&'a OperationDefinition, Refusal> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Ok(&operation.node),
        (DocumentOperations::Multiple(operations), Some(name)) if operations.contains_key(name) => {
            Ok(&operations[name].node)
        }
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => operations
            .values()
            .next()
            .map(|operation| &operation.node)
            .ok_or_else(|| Refusal::Operation("The document has no operation.".into())),
        (_, Some(name)) => Err(Refusal::Operation(format!("The document has no operation named {name:?}."))),
        (_, None) => {
            Err(Refusal::Operation("The document has several operations; operationName must name one.".into()))
        }
    }
}

/// The name of the operation that [`operation`] finds; None where it has none.
#[must_use]
pub fn operation_name<'a>(document: &'a ExecutableDocument, name: Option<&'a str>) -> Option<&'a str> {
    name.or_else(|| document.operations.iter().find_map(|(name, _)| name.map(async_graphql::Name::as_str)))
}

/// Whether running an operation may change something.
#[must_use]
pub fn writes(operation: &OperationDefinition) -> bool {
    operation.ty == OperationType::Mutation
}

/// How deep brackets nest, outside of strings and comments. Never less than what the parser will see: where a string
/// does not end, it is read as the parser's grammar falls back to reading it.
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

/// Where the string ends whose opening quote stands before `start`.
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
        // A block that never ends is read as an empty string, and what follows it anew.
        return start + 1;
    }
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            // A string ends with its line at the latest; the parser will say so.
            b'\n' | b'\r' => return at,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// What a selection set amounts to once its fragments are unfolded. All sums stop at the largest number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Measure {
    /// Fields, spreads and inline fragments.
    selections: u64,
    /// Fields inside fields.
    depth: u32,
    /// Selection sets inside selection sets.
    nesting: u32,
    /// Lists of the schema inside lists of the schema; counts where it stands under `__schema` or `__type`.
    introspection_lists: u32,
    /// Values that the answer is expected to hold.
    price: u64,
}

impl Measure {
    /// Two selections side by side.
    fn beside(self, other: Self) -> Self {
        Self {
            selections: self.selections.saturating_add(other.selections),
            depth: self.depth.max(other.depth),
            nesting: self.nesting.max(other.nesting),
            introspection_lists: self.introspection_lists.max(other.introspection_lists),
            price: self.price.saturating_add(other.price),
        }
    }

    /// One selection that holds these, and is not a field.
    fn inside(self) -> Self {
        Self { selections: self.selections.saturating_add(1), nesting: self.nesting + 1, ..self }
    }

    /// A field that holds these.
    fn inside_field(self, field: &Field) -> Self {
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

/// What a field's answer is expected to hold, its children's being known: the one place where sizes of pages count.
fn price(field: &Field, children: u64) -> u64 {
    // The figures are those of a schema of some 400 types. Types nest in wrappers, of which most are never there.
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

/// How many values of the schema a field of a checked document is expected to answer with.
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

/// Where the measuring of one fragment stands.
#[derive(Clone, Copy)]
enum Progress {
    Begun,
    Done(Measure),
}

/// One walk over a document: every definition is measured once, however often it is spread.
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

    /// Holds all that the document defines against the limits: what validation unfolds is not only what is run.
    fn document(&mut self, limits: &DocumentLimits) -> Result<(), Refusal> {
        let document = self.document;
        let mut fragments: Vec<_> = document.fragments.iter().collect();
        fragments.sort_by_key(|(_, fragment)| fragment.pos);
        let mut spread = Measure::default();
        for (name, fragment) in fragments {
            spread = spread.beside(self.fragment(name.as_str(), fragment, 0)?);
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
            run = run.beside(self.selection_set(&operation.node.selection_set, 0)?);
        }
        at_most(
            "selections once its fragments are unfolded",
            spread.selections.max(run.selections),
            limits.max_selections,
        )?;
        at_most("aliases", self.aliases, limits.max_aliases as u64)?;
        at_most("directives", self.directives, limits.max_directives as u64)?;
        if spread.depth.max(run.depth) > limits.max_depth {
            return Err(Refusal::TooDeep { what: "fields", limit: limits.max_depth.into() });
        }
        Ok(())
    }

    /// Measures a fragment that is spread at `level`.
    fn fragment(
        &mut self,
        name: &'a str,
        fragment: &'a Positioned<FragmentDefinition>,
        level: u32,
    ) -> Result<Measure, Refusal> {
        match self.fragments.get(name) {
            Some(Progress::Begun) => {
                return Err(Refusal::Cycle { name: name.to_owned(), position: fragment.pos });
            }
            Some(Progress::Done(measure)) => {
                nests_at_most(level.saturating_add(measure.nesting))?;
                return Ok(*measure);
            }
            None => {}
        }
        self.fragments.insert(name, Progress::Begun);
        self.directives += fragment.node.directives.len() as u64;
        let measure = self.selection_set(&fragment.node.selection_set, level)?;
        self.fragments.insert(name, Progress::Done(measure));
        Ok(measure)
    }

    fn selection_set(&mut self, set: &'a Positioned<SelectionSet>, level: u32) -> Result<Measure, Refusal> {
        nests_at_most(level)?;
        let mut whole = Measure::default();
        for selection in &set.node.items {
            self.directives += selection.node.directives().len() as u64;
            whole = whole.beside(match &selection.node {
                Selection::Field(field) => self.field(&field.node, level)?,
                Selection::InlineFragment(inline) => {
                    self.selection_set(&inline.node.selection_set, level + 1)?.inside()
                }
                Selection::FragmentSpread(spread) => {
                    let document = self.document;
                    // A fragment that nobody defined costs nothing; validation says that it is missing.
                    match document.fragments.get_key_value(&spread.node.fragment_name.node) {
                        Some((name, fragment)) => self.fragment(name.as_str(), fragment, level + 1)?.inside(),
                        None => Measure::default().inside(),
                    }
                }
            });
        }
        Ok(whole)
    }

    fn field(&mut self, field: &'a Field, level: u32) -> Result<Measure, Refusal> {
        self.aliases += u64::from(field.alias.is_some());
        let children = self.selection_set(&field.selection_set, level + 1)?;
        if matches!(field.name.node.as_str(), "__schema" | "__type") {
            at_most(
                "lists of the schema inside each other",
                children.introspection_lists.into(),
                MAX_INTROSPECTION_LISTS.into(),
            )?;
            at_most("values of the schema to answer", children.price, MAX_INTROSPECTION_PRICE)?;
        }
        Ok(children.inside_field(field))
    }
}

fn at_most(what: &'static str, count: u64, limit: u64) -> Result<(), Refusal> {
    if count > limit { Err(Refusal::TooMany { what, count, limit }) } else { Ok(()) }
}

fn nests_at_most(level: u32) -> Result<(), Refusal> {
    if level > MAX_NESTING { Err(Refusal::TooDeep { what: "selections", limit: MAX_NESTING.into() }) } else { Ok(()) }
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
