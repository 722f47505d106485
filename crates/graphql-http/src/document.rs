//! What a valid document asks for. All functions are pure.

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, ServerError};
use graphql_document::limits::introspection_price;
use graphql_document::{DocumentError, DocumentErrorKind, cut};

use crate::code::Code;

/// The fields that async-graphql answers.
pub const INTROSPECTION: [&str; 2] = ["__schema", "__type"];

/// Returns an error of a document as clients see it.
#[must_use]
pub fn server_error(error: DocumentError) -> ServerError {
    let DocumentError { kind, message, positions } = error;
    let code = match kind {
        DocumentErrorKind::Syntax => Code::ParseFailed,
        DocumentErrorKind::Validation => Code::ValidationFailed,
        DocumentErrorKind::Limit => Code::LimitExceeded,
    };
    let mut error = code.error(message, None);
    error.locations = positions;
    error
}

/// Returns the operation that a request with the `operationName` `name` executes.
///
/// # Errors
/// `BAD_USER_INPUT` if no operation has the name, or if there are several operations and no name.
pub fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<&'a OperationDefinition, ServerError> {
    let refused = |message: String| Err(Code::BadUserInput.error(message, None));
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Ok(&operation.node),
        (DocumentOperations::Multiple(operations), Some(name)) if operations.contains_key(name) => {
            Ok(&operations[name].node)
        }
        (DocumentOperations::Multiple(operations), None) if operations.len() < 2 => match operations.values().next() {
            Some(operation) => Ok(&operation.node),
            None => refused("The document has no operation.".to_owned()),
        },
        (_, Some(name)) => refused(format!("The document has no operation named {:?}.", cut(name))),
        (_, None) => refused("The document has several operations; `operationName` must name one.".to_owned()),
    }
}

/// Returns the name of the operation that [`operation`] returns; None if it has no name.
#[must_use]
pub fn operation_name<'a>(document: &'a ExecutableDocument, name: Option<&'a str>) -> Option<&'a str> {
    name.or_else(|| document.operations.iter().find_map(|(name, _)| name.map(Name::as_str)))
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
        // A valid document has no cycles.
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

/// Returns the expected number of values in the response to an introspection field of a valid document.
pub(super) fn values(document: &ExecutableDocument, field: &Field) -> u64 {
    introspection_price(field.name.node.as_str(), values_of(document, &field.selection_set))
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

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn the_operation_is_found_by_its_name() {
        let two = parse_query("query a { x } mutation b { x }").unwrap();
        assert!(!writes(operation(&two, Some("a")).unwrap()));
        assert!(writes(operation(&two, Some("b")).unwrap()));
        let code = |result: Result<&OperationDefinition, ServerError>| Code::of(&result.unwrap_err());
        assert_eq!(code(operation(&two, None)), Some(Code::BadUserInput));
        assert_eq!(code(operation(&two, Some("c"))), Some(Code::BadUserInput));
        let unknown = operation(&two, Some(&"c".repeat(10_000))).unwrap_err();
        assert!(unknown.message.len() < 300, "{}", unknown.message);
        let anonymous = parse_query("{ x }").unwrap();
        assert!(operation(&anonymous, None).is_ok());
        assert!(operation(&anonymous, Some("a")).is_err());
        assert!(operation(&parse_query("query a { x }").unwrap(), None).is_ok());
    }

    #[test]
    fn root_fields_are_found_in_fragments() {
        let document =
            parse_query("{ a ...f ... on Query { b } } fragment f on Query { ...g } fragment g on Query { c }")
                .unwrap();
        let operation = operation(&document, None).unwrap();
        for field in ["a", "b", "c"] {
            assert!(selects_any(&document, operation, &[field, "z"]), "{field}");
        }
        assert!(!selects_any(&document, operation, &["z"]));
        assert!(selects_only(&document, operation, &["a", "b", "c"]));
        assert!(!selects_only(&document, operation, &["a", "b"]));
    }
}
