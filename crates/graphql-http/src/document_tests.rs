use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// The introspection query of `GraphiQL`'s client library, with all options enabled.
const INTROSPECTION: &str = include_str!("introspection.graphql");

fn checked(text: &str) -> Result<ExecutableDocument, DocumentError> {
    check(text, &DocumentLimits::default())
}

fn code(text: &str) -> Option<Code> {
    checked(text).err().map(|refusal| refusal.code())
}

/// Returns a document with fragments that each spread the next one `times` times; the last one has one field.
fn bomb(fragments: usize, times: usize) -> String {
    let body = |number: usize| {
        if number < fragments { format!("...f{} ", number + 1).repeat(times) } else { "__typename ".to_owned() }
    };
    let definitions = (0..=fragments).map(|number| format!("fragment f{number} on Query {{ {}}}", body(number)));
    std::iter::once("{ ...f0 }".to_owned()).chain(definitions).collect::<Vec<_>>().join(" ")
}

fn nested(levels: usize) -> String {
    format!("{}b{}", "{ a ".repeat(levels - 1) + "{ ", " }".repeat(levels))
}

#[test]
fn the_introspection_of_graphiql_passes() {
    let document = checked(INTROSPECTION).unwrap();
    assert!(!writes(operation(&document, Some("IntrospectionQuery")).unwrap()));
}

#[test]
fn a_fragment_bomb_is_rejected_within_a_second() {
    for text in [bomb(25, 2), bomb(30, 30), bomb(4, 1_500)] {
        let start = Instant::now();
        assert_eq!(code(&text), Some(Code::LimitExceeded));
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    }
    let unused = bomb(25, 2).replace("{ ...f0 }", "{ __typename }");
    assert_eq!(code(&unused), Some(Code::LimitExceeded));
}

#[test]
fn a_fragment_that_spreads_itself_is_rejected() {
    for text in [
        "{ ...a } fragment a on Query { ...a }",
        "{ ...a } fragment a on Query { x { ...b } } fragment b on Query { ... on Query { ...a } }",
        "{ x } fragment a on Query { ...b } fragment b on Query { ...a }",
    ] {
        assert_eq!(code(text), Some(Code::ValidationFailed), "{text}");
    }
}

#[test]
fn a_long_chain_of_fragments_is_rejected() {
    assert_eq!(code(&bomb(900, 1)), Some(Code::LimitExceeded));
    assert!(checked(&bomb(20, 1)).is_ok());
}

#[test]
fn nesting_does_not_overflow_the_stack() {
    for bracket in ["{", "[", "(", "{a", "{a(b:{c:["] {
        assert_eq!(code(&bracket.repeat(32_768 / bracket.len())), Some(Code::LimitExceeded), "{bracket}");
    }
    assert_eq!(
        code(&format!("query($a:{}Int{}){{a}}", "[".repeat(9_000), "]".repeat(9_000))),
        Some(Code::LimitExceeded)
    );
    assert_eq!(code(&format!("{{a(b:{}{})}}", "[".repeat(99), "]".repeat(99))), Some(Code::LimitExceeded));
    assert!(checked(&format!("{{a(b:{}{})}}", "[".repeat(98), "]".repeat(98))).is_ok());
}

#[test]
fn an_unterminated_string_does_not_hide_brackets() {
    let brackets = "[".repeat(9_000);
    for text in
        [format!("{{a(b:[\"\"\" x\" {brackets}"), format!("{{a(b:[\"\" {brackets}"), format!("{{a(b:[\"x\n{brackets}")]
    {
        assert_eq!(code(&text), Some(Code::LimitExceeded));
    }
}

#[test]
fn brackets_in_strings_and_comments_do_not_count() {
    let brackets = "([{".repeat(500);
    for text in [
        format!("{{a(b:\"{brackets} \\\" {brackets}\")}}"),
        format!("{{a(b:\"\"\"{brackets}\n\\\"\"\" {brackets}\"\"\")}}"),
        format!("# {brackets}\n{{a}}"),
    ] {
        assert!(checked(&text).is_ok(), "{:?}", checked(&text).err());
    }
}

#[test]
fn each_limit_is_exact() {
    assert!(checked(&nested(15)).is_ok());
    assert_eq!(code(&nested(16)), Some(Code::LimitExceeded));
    let fields = |count: usize, field: &str| format!("{{ {}}}", format!("{field} ").repeat(count));
    assert!(checked(&fields(200, "a:b")).is_ok());
    assert_eq!(code(&fields(201, "a:b")), Some(Code::LimitExceeded));
    assert!(checked(&fields(100, "a@b")).is_ok());
    assert_eq!(code(&fields(101, "a@b")), Some(Code::LimitExceeded));
    assert!(checked(&fields(5_000, "a")).is_ok());
    assert_eq!(code(&fields(5_001, "a")), Some(Code::LimitExceeded));
    assert!(checked(&format!("{{a}}{}", " ".repeat(32_765))).is_ok());
    assert_eq!(code(&format!("{{a}}{}", " ".repeat(32_766))), Some(Code::LimitExceeded));
}

#[test]
fn nested_lists_of_an_introspection_are_limited() {
    let two = "{ __schema { types { fields { type { fields { name } } } } } }";
    assert!(checked(two).is_ok());
    let three = "{ __schema { types { ...t } } } fragment t on __Type { fields { type { fields { type { inputFields { name } } } } } }";
    assert_eq!(code(three), Some(Code::LimitExceeded));
    let wide = (0..60)
        .map(|number| format!("a{number}: types {{ fields {{ type {{ fields {{ name }} }} }} }}"))
        .collect::<Vec<_>>()
        .join(" ");
    assert_eq!(code(&format!("{{ __schema {{ {wide} }} }}")), Some(Code::LimitExceeded));
    // Outside of an introspection, these are ordinary names.
    assert!(
        checked("{ fields { fields { fields { fields { types { types { types { types { a } } } } } } } } }").is_ok()
    );
}

#[test]
fn a_syntax_error_has_a_location() {
    let error = ServerError::from(checked("{ a(").unwrap_err());
    assert_eq!(Code::of(&error), Some(Code::ParseFailed));
    assert_eq!(error.locations.len(), 1);
    for text in ["", "}", "{", "fragment a on B { c }", "query", "{ a(b: 01x) }", "\u{0}"] {
        assert_eq!(code(text), Some(Code::ParseFailed), "{text:?}");
    }
    for text in [
        "{ a } { b }",
        "query a { a } query a { b }",
        "{ a } query b { b }",
        "{ a } fragment a on B { c } fragment a on B { c }",
    ] {
        assert_eq!(code(text), Some(Code::ValidationFailed), "{text:?}");
    }
}

#[test]
fn the_operation_is_found_by_its_name() {
    let two = checked("query a { x } mutation b { x }").unwrap();
    assert!(!writes(operation(&two, Some("a")).unwrap()));
    assert!(writes(operation(&two, Some("b")).unwrap()));
    assert_eq!(operation(&two, None).unwrap_err().code(), Code::BadUserInput);
    assert_eq!(operation(&two, Some("c")).unwrap_err().code(), Code::BadUserInput);
    let anonymous = checked("{ x }").unwrap();
    assert!(operation(&anonymous, None).is_ok());
    assert!(operation(&anonymous, Some("a")).is_err());
    assert!(operation(&checked("query a { x }").unwrap(), None).is_ok());
}

/// Counts the selections by expanding every fragment.
fn expanded(document: &ExecutableDocument, set: &SelectionSet) -> u64 {
    set.items
        .iter()
        .map(|selection| match &selection.node {
            Selection::Field(field) => 1 + expanded(document, &field.node.selection_set.node),
            Selection::InlineFragment(inline) => 1 + expanded(document, &inline.node.selection_set.node),
            Selection::FragmentSpread(spread) => {
                1 + document
                    .fragments
                    .get(&spread.node.fragment_name.node)
                    .map_or(0, |fragment| expanded(document, &fragment.node.selection_set.node))
            }
        })
        .sum()
}

/// Returns selection sets that spread only fragments numbered above `own`, so that there are no cycles.
fn selections(own: usize) -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("a".to_owned()),
        Just("b: c".to_owned()),
        (own + 1..5).prop_map(|number| format!("...f{number}"))
    ];
    let one = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("d {{ {} }}", parts.join(" "))),
            prop::collection::vec(inner, 1..4).prop_map(|parts| format!("... {{ {} }}", parts.join(" "))),
        ]
    });
    prop::collection::vec(one, 1..4).prop_map(|parts| parts.join(" "))
}

proptest! {
    #[test]
    fn the_check_never_panics_on_text(text in "\\PC{0,200}") {
        let _ = checked(&text);
    }

    #[test]
    fn the_check_never_panics_on_brackets_and_quotes(text in "[\\[\\]{}()\"\\\\#a:. \\n$@!=]{0,300}") {
        let _ = checked(&text);
    }

    #[test]
    fn the_measured_selections_equal_the_expanded_ones(
        parts in (selections(0), selections(1), selections(2), selections(3), Just("x".to_owned())),
    ) {
        let (f0, f1, f2, f3, f4) = parts;
        let text = format!(
            "{{ {f0} }} fragment f1 on Q {{ {f1} }} fragment f2 on Q {{ {f2} }} fragment f3 on Q {{ {f3} }} fragment f4 on Q {{ {f4} }}"
        );
        let document = parse_query(&text).unwrap();
        let DocumentOperations::Single(single) = &document.operations else { panic!("one operation") };
        let measure = Walk::new(&document).selection_set(&single.node.selection_set, 0).unwrap();
        prop_assert_eq!(measure.selections, expanded(&document, &single.node.selection_set.node));
    }

    #[test]
    fn a_parsed_document_never_nests_deeper_than_its_brackets(set in selections(3)) {
        let text = format!("{{ {set} }}");
        let document = parse_query(&text).unwrap();
        let DocumentOperations::Single(single) = &document.operations else { panic!("one operation") };
        let measure = Walk::new(&document).selection_set(&single.node.selection_set, 0).unwrap();
        prop_assert!(measure.nesting as usize <= bracket_depth(&text));
    }
}
