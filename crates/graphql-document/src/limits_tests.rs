use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::error::DocumentErrorKind;
use crate::parser::parse;

/// The introspection query of `GraphiQL`'s client library, with all options enabled.
const INTROSPECTION: &str = include_str!("introspection.graphql");

/// Whether a document is within the limits.
fn passes(text: &str) -> bool {
    let document = parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    match check(&document, &DocumentLimits::default()) {
        Ok(()) => true,
        Err(error) => {
            assert_eq!(error.kind, DocumentErrorKind::Limit);
            false
        }
    }
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
    assert!(passes(INTROSPECTION));
}

#[test]
fn a_fragment_bomb_is_rejected_within_a_second() {
    for text in [bomb(25, 2), bomb(30, 30), bomb(4, 1_500), bomb(25, 2).replace("{ ...f0 }", "{ __typename }")] {
        let start = Instant::now();
        assert!(!passes(&text));
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    }
}

#[test]
fn a_long_chain_of_fragments_is_rejected() {
    assert!(!passes(&bomb(900, 1)));
    assert!(passes(&bomb(20, 1)));
    // In whatever order the fragments are measured.
    let fragment = |number| format!("fragment f{number} on Q {{ ...f{} }}", number + 1);
    let chain = (0..900).rev().map(fragment).collect::<Vec<_>>().join(" ");
    assert!(!passes(&format!("{{ ...f0 }} {chain} fragment f900 on Q {{ a }}")));
}

#[test]
fn a_cycle_of_fragments_is_left_to_validation() {
    assert!(passes("{ ...a } fragment a on Query { ...b x { ...a } } fragment b on Query { ...a ...b }"));
}

#[test]
fn each_limit_is_exact() {
    assert!(passes(&nested(15)));
    assert!(!passes(&nested(16)));
    let fields = |count: usize, field: &str| format!("{{ {}}}", format!("{field} ").repeat(count));
    assert!(passes(&fields(200, "a:b")));
    assert!(!passes(&fields(201, "a:b")));
    assert!(passes(&fields(100, "a@b")));
    assert!(!passes(&fields(101, "a@b")));
    assert!(passes(&fields(5_000, "a")));
    assert!(!passes(&fields(5_001, "a")));
}

#[test]
fn nested_lists_of_an_introspection_are_limited() {
    assert!(passes("{ __schema { types { fields { type { fields { name } } } } } }"));
    let three = "{ __schema { types { ...t } } } fragment t on __Type { fields { type { fields { type { inputFields { name } } } } } }";
    assert!(!passes(three));
    let types = |number| format!("a{number}: types {{ fields {{ type {{ fields {{ name }} }} }} }}");
    let wide = (0..60).map(types).collect::<Vec<_>>().join(" ");
    assert!(!passes(&format!("{{ __schema {{ {wide} }} }}")));
    // Outside of an introspection, these are ordinary names.
    assert!(passes("{ fields { fields { fields { fields { types { types { types { types { a } } } } } } } } }"));
}

/// Counts the selections by expanding every fragment.
fn expanded(document: &Document<'_>, set: &SelectionSet<'_>) -> u64 {
    set.items
        .iter()
        .map(|selection| match selection {
            Selection::Field(field) => 1 + expanded(document, &field.selections),
            Selection::Inline(inline) => 1 + expanded(document, &inline.selections),
            Selection::Spread(spread) => {
                let fragment = document.fragments.iter().find(|fragment| fragment.name.text == spread.name.text);
                1 + fragment.map_or(0, |fragment| expanded(document, &fragment.selections))
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
    fn the_measured_selections_equal_the_expanded_ones(
        parts in (selections(0), selections(1), selections(2), selections(3), Just("x".to_owned())),
    ) {
        let (f0, f1, f2, f3, f4) = parts;
        let text = format!(
            "{{ {f0} }} fragment f1 on Q {{ {f1} }} fragment f2 on Q {{ {f2} }} fragment f3 on Q {{ {f3} }} fragment f4 on Q {{ {f4} }}"
        );
        let document = parse(&text).unwrap();
        let set = &document.operations[0].selections;
        let measure = Walk::new(&document).selection_set(set, 0).unwrap();
        prop_assert_eq!(measure.selections, expanded(&document, set));
    }
}
