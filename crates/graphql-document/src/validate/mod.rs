//! The rules of the specification's section "Validation", all of them. Each definition is walked once, whatever spreads it: the
//! walk checks what depends on the definition alone and notes the variables and fragments that it uses. Then each operation
//! checks the variables of all fragments that it reaches. Whether fields can be merged is checked last, for documents without
//! other errors.

mod fragments;
mod merge;
mod operations;
mod selections;
mod values;

use std::collections::{HashMap, HashSet};

use async_graphql::Pos;

use crate::ast::{Document, Ident};
use crate::error::{DocumentError, cut};
use crate::schema::{DocumentSchema, TypeId, TypeReference};
use crate::suggestion::did_you_mean;

/// The most errors of one document that are reported. A document can have thousands; a few are enough to fix them.
const MAX_ERRORS: usize = 50;

/// Returns what is invalid in a document: nothing if it is valid.
pub(crate) fn validate(document: &Document<'_>, schema: &DocumentSchema) -> Vec<DocumentError> {
    let mut validation = Validation::new(document, schema);
    validation.run();
    validation.errors
}

/// A validation in progress.
struct Validation<'d> {
    document: &'d Document<'d>,
    schema: &'d DocumentSchema,
    /// The fragments by their names, as indexes.
    fragments: HashMap<&'d str, usize>,
    errors: Vec<DocumentError>,
}

/// What a definition uses.
#[derive(Default)]
struct Uses<'d> {
    variables: Vec<Usage<'d>>,
    /// Whether a variable was noted already, for an equal position.
    noted: HashSet<(&'d str, Expected<'d>)>,
    /// The spreads, in the order of the definition.
    spreads: Vec<Ident<'d>>,
}

/// A variable and where it is used.
struct Usage<'d> {
    name: &'d str,
    position: Pos,
    expected: Expected<'d>,
}

/// What the schema expects in a place where a value is given.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Expected<'d> {
    /// The type; None if it is not known, or inside of a custom scalar.
    ty: Option<&'d TypeReference>,
    /// Whether a default applies if there is no value.
    has_default: bool,
    /// Whether the value is the field of a `@oneOf` input object.
    in_one_of: bool,
}

impl Expected<'_> {
    const UNKNOWN: Self = Self { ty: None, has_default: false, in_one_of: false };
}

impl<'d> Validation<'d> {
    fn new(document: &'d Document<'d>, schema: &'d DocumentSchema) -> Self {
        Self { document, schema, fragments: document.fragments_by_name(), errors: Vec::new() }
    }

    fn run(&mut self) {
        let Document { operations, fragments } = self.document;
        self.unique_definitions();
        let of_fragments: Vec<Uses<'d>> = fragments.iter().map(|fragment| self.fragment(fragment)).collect();
        let mut reached = vec![false; fragments.len()];
        for operation in operations {
            self.operation(operation, &of_fragments, &mut reached);
            if self.is_full() {
                break;
            }
        }
        self.unused_fragments(&reached);
        self.cycles(&of_fragments);
        if self.errors.is_empty() {
            self.mergeable_fields();
        }
    }

    /// Adds an error, unless there are enough.
    fn error(&mut self, message: impl Into<String>, positions: impl IntoIterator<Item = Pos>) {
        if !self.is_full() {
            self.errors.push(DocumentError::validation(message, positions));
        }
    }

    fn is_full(&self) -> bool {
        self.errors.len() >= MAX_ERRORS
    }

    /// Returns the type with a name, and reports a name that the schema does not have.
    fn known_type(&mut self, name: Ident<'_>) -> Option<TypeId> {
        let schema = self.schema;
        let id = schema.named(name.text);
        if id.is_none() {
            let hint = did_you_mean(name.text, schema.type_names().filter(|name| !name.starts_with("__")));
            self.error(format!("There is no type `{}`.{hint}", cut(name.text)), [name.position]);
        }
        id
    }

    /// Reports each name that occurs again.
    fn unique<'n>(&mut self, names: impl ExactSizeIterator<Item = Ident<'n>>, message: impl Fn(&str) -> String) {
        if names.len() < 2 {
            return;
        }
        let mut first = HashMap::with_capacity(names.len());
        for name in names {
            if self.is_full() {
                return;
            }
            match first.get(name.text) {
                Some(position) => self.error(message(name.text), [*position, name.position]),
                None => {
                    first.insert(name.text, name.position);
                }
            }
        }
    }
}
