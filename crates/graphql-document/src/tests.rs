//! Messages and places of errors, over a small schema. `tests/documents.graphql` has a document for each rule.

use std::collections::BTreeSet;

use async_graphql::parser::types::{DocumentOperations, Selection};
use async_graphql::registry::{__DirectiveLocation, MetaDirective, MetaInputValue, Registry};
use async_graphql::{
    Enum, ID, InputObject, InputType, InputValueResult, Interface, Object, OneofObject, OutputType, Scalar, ScalarType,
    SimpleObject, Subscription, SubscriptionType, Value,
};
use futures_util::Stream;

use super::*;

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum Color {
    Red,
    Green,
}

#[derive(InputObject)]
struct Filter {
    name: Option<String>,
    colors: Option<Vec<Color>>,
    #[graphql(default = 3)]
    size: i32,
    weight: f64,
    inner: Option<Box<Filter>>,
}

#[derive(OneofObject)]
enum Reference {
    Id(ID),
    Name(String),
}

struct Day;

#[Scalar]
impl ScalarType for Day {
    fn parse(_: Value) -> InputValueResult<Self> {
        Ok(Self)
    }

    fn to_value(&self) -> Value {
        Value::Null
    }
}

struct Anything;

#[Scalar(name = "JSON")]
impl ScalarType for Anything {
    fn parse(_: Value) -> InputValueResult<Self> {
        Ok(Self)
    }

    fn to_value(&self) -> Value {
        Value::Null
    }
}

#[derive(SimpleObject)]
struct Cat {
    name: String,
    lives: i32,
}

#[derive(SimpleObject)]
struct Dog {
    name: String,
    barks: bool,
    owner: Option<String>,
}

#[derive(Interface)]
#[graphql(field(name = "name", ty = "&String"))]
enum Pet {
    Cat(Cat),
    Dog(Dog),
}

struct Query;

#[Object]
impl Query {
    async fn pets(&self, filter: Option<Filter>, first: Option<i32>) -> Vec<Pet> {
        let _ = (filter.map(|filter| (filter.name, filter.colors, filter.size, filter.weight, filter.inner)), first);
        Vec::new()
    }

    async fn pet(&self, by: Reference) -> Option<Pet> {
        match by {
            Reference::Id(_) | Reference::Name(_) => None,
        }
    }

    async fn dog(&self, id: ID) -> Option<Dog> {
        let _ = id;
        None
    }

    async fn cat(&self) -> Cat {
        Cat { name: String::new(), lives: 9 }
    }

    async fn on(&self, day: Option<Day>, json: Option<Anything>) -> i32 {
        i32::from(day.is_some()) + i32::from(json.is_some())
    }
}

struct Events;

#[Subscription]
impl Events {
    async fn ticks(&self) -> impl Stream<Item = i32> {
        futures_util::stream::empty()
    }

    async fn tocks(&self) -> impl Stream<Item = i32> {
        futures_util::stream::empty()
    }
}

fn schema() -> DocumentSchema {
    let mut registry = Registry::default();
    <String as InputType>::create_type_info(&mut registry);
    registry.query_type = <Query as OutputType>::create_type_info(&mut registry).trim_end_matches('!').to_owned();
    <Events as SubscriptionType>::create_type_info(&mut registry);
    registry.subscription_type = Some("Events".to_owned());
    for name in ["skip", "include"] {
        let args = [("if".to_owned(), MetaInputValue::new("if", <bool as InputType>::create_type_info(&mut registry)))];
        let directive = MetaDirective {
            name: name.to_owned(),
            description: None,
            locations: vec![
                __DirectiveLocation::FIELD,
                __DirectiveLocation::FRAGMENT_SPREAD,
                __DirectiveLocation::INLINE_FRAGMENT,
            ],
            args: args.into_iter().collect(),
            is_repeatable: false,
            visible: None,
            composable: None,
        };
        registry.directives.insert(name.to_owned(), directive);
    }
    let hint = |scalar: &str, value: &Value| {
        (scalar == "Day" && !matches!(value, Value::String(text) if text.len() == 10))
            .then_some("a day like 2017-04-03")
    };
    DocumentSchema::of(&registry, hint)
}

/// Returns the message of each error, with the lines and columns that it is about.
fn errors(text: &str) -> Vec<(String, Vec<(usize, usize)>)> {
    let places = |error: DocumentError| {
        (error.message, error.positions.iter().map(|position| (position.line, position.column)).collect())
    };
    match read(text, &schema(), &DocumentLimits::default()) {
        Ok(_) => Vec::new(),
        Err(invalid) => invalid.errors.into_iter().map(places).collect(),
    }
}

#[track_caller]
fn refuses(text: &str, message: &str, places: &[(usize, usize)]) {
    assert_eq!(errors(text), [(message.to_owned(), places.to_vec())], "{text}");
}

#[track_caller]
fn accepts(text: &str) {
    assert_eq!(errors(text), [], "{text}");
}

#[test]
fn an_unknown_name_is_reported_with_a_suggestion() {
    refuses("{ nothing { name } }", "`Query` has no field `nothing`.", &[(1, 3)]);
    refuses("{ pest { name } }", "`Query` has no field `pest`. Did you mean `pets`?", &[(1, 3)]);
    refuses("{ pets {\n  nme } }", "`Pet` has no field `nme`. Did you mean `name`?", &[(2, 3)]);
    refuses(
        "{ pets { lives } }",
        "`Pet` has no field `lives`. Select it in a fragment such as `... on Cat { lives }`.",
        &[(1, 10)],
    );
    refuses("{ a: catt { name } }", "`Query` has no field `catt`. Did you mean `cat`?", &[(1, 3)]);
    refuses("{ pets(frist: 1) { name } }", "`Query.pets` has no argument `frist`. Did you mean `first`?", &[(1, 8)]);
    refuses("{ cat { name @skp(if: true) } }", "There is no directive `@skp`. Did you mean `skip`?", &[(1, 14)]);
    refuses("{ cat { name @skip(if: true, whn: 1) } }", "`@skip` has no argument `whn`.", &[(1, 30)]);
    refuses(
        "{ pets(filter: {wieght: 1, weight: 1}) { name } }",
        "`Filter` has no field `wieght`. Did you mean `weight`?",
        &[(1, 17)],
    );
    refuses(
        "{ pets(filter: {weight: 1, colors: [RED, GREN]}) { name } }",
        "`colors` must be of type `Color!`; it has no value `GREN`. Did you mean `GREEN`?",
        &[(1, 42)],
    );
    refuses(
        "{ cat { ...f ...ff } } fragment f on Cat { name }",
        "There is no fragment `ff`. Did you mean `f`?",
        &[(1, 17)],
    );
}

#[test]
fn a_value_of_another_type_is_reported_with_what_was_found() {
    for (value, found) in [
        ("\"x\"", "the string \"x\""),
        ("1.5", "the number 1.5"),
        ("3000000000", "the number 3000000000"),
        ("true", "`true`"),
        ("RED", "`RED`"),
        ("{a: 1}", "an object"),
        ("[1]", "a list"),
    ] {
        let message = format!("`first` must be of type `Int`; found {found}.");
        refuses(&format!("{{ pets(first: {value}) {{ name }} }}"), &message, &[(1, 15)]);
    }
    refuses("{ dog(id: null) { name } }", "`id` must not be null: it is of type `ID!`.", &[(1, 11)]);
    refuses("{ on(day: \"x\") }", "`day` must be a day like 2017-04-03; found the string \"x\".", &[(1, 11)]);
    refuses("{ on(day: [\"2017-04-03\"]) }", "`day` must be a day like 2017-04-03; found a list.", &[(1, 11)]);
    refuses(
        "query ($first: Int = RED) { pets(first: $first) { name } }",
        "`$first` must be of type `Int`; found `RED`.",
        &[(1, 22)],
    );
    accepts("{ on(day: \"2017-04-03\", json: {a: [1, {b: WORD}], c: null}) }");
    accepts("{ pets(filter: {weight: 1, colors: RED, inner: {weight: 2.5, size: 1}}) { name } }");
    refuses(
        "{ pets(filter: {weight: 1e400}) { name } }",
        "`weight` must be of type `Float!`; found the number 1e400.",
        &[(1, 25)],
    );
}

#[test]
fn what_is_missing_is_named() {
    refuses("{ dog { name } }", "`Query.dog` needs the argument `id`, a value of type `ID!`.", &[(1, 3)]);
    refuses(
        "{ pets(filter: {}) { name } }",
        "`Filter` needs the field `weight`, a value of type `Float!`.",
        &[(1, 16)],
    );
    refuses("{ cat { name @skip } }", "`@skip` needs the argument `if`, a value of type `Boolean!`.", &[(1, 14)]);
    refuses("{ cat }", "`cat` is of type `Cat!`: select fields of it, as in `cat { … }`.", &[(1, 3)]);
    refuses("{ cat { name { x } } }", "`name` is of type `String!`, which has no fields to select.", &[(1, 14)]);
    for by in ["{}", "{id: 1, name: \"x\"}", "{id: null}"] {
        let message = "`Reference` must have exactly one field, which must not be null.";
        refuses(&format!("{{ pet(by: {by}) {{ name }} }}"), message, &[(1, 11)]);
    }
}

#[test]
fn a_name_that_is_given_twice_is_reported_with_both_places() {
    refuses(
        "{ pets(first: 1, first: 2) { name } }",
        "The argument `first` of `Query.pets` is given twice.",
        &[(1, 8), (1, 18)],
    );
    refuses(
        "{ pets(filter: {weight: 1, weight: 1}) { name } }",
        "The field `weight` is given twice.",
        &[(1, 17), (1, 28)],
    );
    refuses("{ on(json: [{a: 1, a: 1}]) }", "The field `a` is given twice.", &[(1, 14), (1, 20)]);
    refuses(
        "{ cat { name @skip(if: true) @skip(if: false) } }",
        "The directive `@skip` is given twice in the same place.",
        &[(1, 14), (1, 30)],
    );
    refuses(
        "query q { cat { name } } query q { cat { name } }",
        "There are two operations named `q`.",
        &[(1, 7), (1, 32)],
    );
    refuses(
        "query q { cat { name } } { cat { name } }",
        "Where there are several operations, each must have a name.",
        &[(1, 26)],
    );
    refuses(
        "{ cat { ...f } } fragment f on Cat { name } fragment f on Cat { name }",
        "There are two fragments named `f`.",
        &[(1, 27), (1, 54)],
    );
    refuses(
        "query ($a: Int, $a: Int) { pets(first: $a) { name } }",
        "There are two variables named `$a`.",
        &[(1, 8), (1, 17)],
    );
}

#[test]
fn fragments_must_be_used_and_possible_and_end() {
    refuses("{ cat { name } } fragment f on Cat { name }", "The fragment `f` is not used.", &[(1, 18)]);
    refuses(
        "{ cat { ...f } } fragment f on Cat { name ...f }",
        "The fragment `f` must not spread itself, directly or through other fragments.",
        &[(1, 18), (1, 46)],
    );
    refuses(
        "{ cat { ... on Dog { name } } }",
        "A fragment on `Dog` never applies here, where objects are of type `Cat`.",
        &[(1, 9)],
    );
    refuses(
        "{ cat { ...f } } fragment f on Dog { name }",
        "A fragment on `Dog` never applies here, where objects are of type `Cat`.",
        &[(1, 9)],
    );
    refuses("{ ... on Cta { name } }", "There is no type `Cta`. Did you mean `Cat`?", &[(1, 10)]);
    refuses(
        "{ ... on Color { name } }",
        "A fragment must be on an object, an interface or a union; `Color` has no fields.",
        &[(1, 10)],
    );
    accepts("{ cat { ... on Pet { ... on Cat { lives } } ... @include(if: true) { name } } }");
}

#[test]
fn variables_must_be_defined_used_and_fit() {
    refuses(
        "query q { pets(first: $n) { name } }",
        "The operation `q` does not define the variable `$n`.",
        &[(1, 23), (1, 1)],
    );
    refuses("{ pets(first: $n) { name } }", "The operation does not define the variable `$n`.", &[(1, 15), (1, 1)]);
    refuses("query ($n: Int) { cat { name } }", "The variable `$n` is not used.", &[(1, 8)]);
    refuses("query ($n: Integer) { pets(first: $n) { name } }", "There is no type `Integer`.", &[(1, 12)]);
    refuses(
        "query ($n: Cat) { pets(first: $n) { name } }",
        "The variable `$n` must be of a scalar, an enum or an input type; `Cat` is none.",
        &[(1, 12)],
    );
    let fits = |ty: &str, usage: &str| format!("query ($v: {ty}) {{ pets(filter: {usage}) {{ name }} }}");
    for (ty, usage) in [
        ("Filter", "$v"),
        ("Filter!", "$v"),
        ("Int!", "{weight: 1, size: $v}"),
        ("Int", "{weight: 1, size: $v}"),
        ("Float = 1", "{weight: $v}"),
        ("Color!", "{weight: 1, colors: [$v]}"),
        ("Color = RED", "{weight: 1, colors: [$v]}"),
        ("[Color!]", "{weight: 1, colors: $v}"),
        ("[Color!]!", "{weight: 1, colors: $v}"),
    ] {
        accepts(&fits(ty, usage));
    }
    for (ty, usage, needed) in [
        ("Int", "$v", "Filter"),
        ("Float", "{weight: $v}", "Float!"),
        ("Float = null", "{weight: $v}", "Float!"),
        ("Int", "{weight: $v}", "Float!"),
        ("Color", "{weight: 1, colors: [$v]}", "Color!"),
        ("Color!", "{weight: 1, colors: $v}", "[Color!]"),
        ("[Color]", "{weight: 1, colors: $v}", "[Color!]"),
        ("String", "{weight: 1, inner: {weight: 1, size: $v}}", "Int!"),
    ] {
        let found = errors(&fits(ty, usage));
        let has = ty.split(' ').next().unwrap_or_default();
        let message = format!("The variable `$v` has the type `{has}`; `{needed}` is needed here.");
        assert_eq!(found.len(), 1, "{ty} {usage}: {found:?}");
        assert_eq!((found[0].0.as_str(), found[0].1[0]), (message.as_str(), (1, 8)), "{ty} {usage}");
    }
    refuses(
        "query ($id: ID) { pet(by: {id: $id}) { name } }",
        "The variable `$id` must not be nullable here: its type must be `ID!`.",
        &[(1, 8), (1, 32)],
    );
    // A variable is checked for each operation that reaches it.
    let shared =
        "query a($n: Int) { ...f } query b($n: String) { ...f } fragment f on Query { pets(first: $n) { name } }";
    refuses(shared, "The variable `$n` has the type `String`; `Int` is needed here.", &[(1, 35), (1, 90)]);
}

#[test]
fn fields_that_cannot_be_merged_are_reported() {
    refuses(
        "{ cat { a: name a: lives } }",
        "`a` would be of type `String!` and of type `Int!`: give one of the two fields another alias.",
        &[(1, 9), (1, 17)],
    );
    refuses(
        "{ dog(id: 1) { name name: owner } }",
        "`name` would be of type `String!` and of type `String`: give one of the two fields another alias.",
        &[(1, 16), (1, 21)],
    );
    refuses(
        "{ a: dog(id: 1) { name } a: pet(by: {id: 1}) { name } }",
        "`a` would stand for the fields `dog` and `pet`: give one of them another alias.",
        &[(1, 3), (1, 26)],
    );
    refuses(
        "{ dog(id: 1) { name } dog(id: 2) { name } }",
        "`dog` is selected twice with different arguments: give one of the two another alias.",
        &[(1, 3), (1, 23)],
    );
    refuses(
        "{ pets { ... on Cat { a: lives } ... on Dog { a: barks } } }",
        "`a` would be of type `Int!` and of type `Boolean!`: give one of the two fields another alias.",
        &[(1, 23), (1, 47)],
    );
    accepts("{ pets { ... on Cat { a: name } ... on Dog { a: name } } }");
    accepts("{ dog(id: 1) { name } dog(id: 1) { owner } }");
    accepts("{ pets { ...f ...g } } fragment f on Cat { name lives } fragment g on Pet { name ...f }");
}

#[test]
fn a_subscription_has_one_root_field() {
    accepts("subscription { ticks }");
    accepts("subscription { ticks ...f } fragment f on Events { ticks }");
    refuses("subscription { ticks tocks }", "A subscription must have exactly one root field.", &[(1, 22)]);
    refuses(
        "subscription { ...f ticks } fragment f on Events { a: ticks }",
        "A subscription must have exactly one root field.",
        &[(1, 52)],
    );
    refuses(
        "subscription { __typename }",
        "The root field of a subscription must not be one of the introspection.",
        &[(1, 16)],
    );
    refuses(
        "subscription { ticks @skip(if: false) }",
        "The root field of a subscription must not depend on `@skip` or `@include`.",
        &[(1, 22)],
    );
    // The schema has no mutations: the server says so when one is sent.
    accepts("mutation { x }");
}

#[test]
fn several_errors_are_reported_together_and_not_too_many() {
    let found = errors("query ($a: Int) { cat { nme } pets(frist: 1) { name } ...f }");
    let messages: Vec<&str> = found.iter().map(|(message, _)| message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "`Cat` has no field `nme`. Did you mean `name`?",
            "`Query.pets` has no argument `frist`. Did you mean `first`?",
            "There is no fragment `f`.",
            "The variable `$a` is not used.",
        ]
    );
    assert_eq!(errors(&format!("{{ {} }}", "nothing ".repeat(1_000))).len(), 50);
    let long = errors(&format!("{{ {} }}", "x".repeat(20_000)));
    assert!(long[0].0.len() < 300, "{}", long[0].0);
}

#[test]
fn too_many_combinations_are_refused() {
    let limits = DocumentLimits { max_selections: u64::MAX, max_bytes: usize::MAX, ..DocumentLimits::default() };
    // Each of the fields on the interface is compared with those on each of its types.
    let text = format!("{{ pets {{ {} }} }}", "name ... on Cat { name } name ... on Dog { name } ".repeat(15_000));
    let invalid = read(&text, &schema(), &limits).unwrap_err();
    assert_eq!(invalid.errors[0].kind, DocumentErrorKind::Limit);
}

#[test]
fn the_name_of_an_invalid_operation_is_known() {
    let name = |text: &str| read(text, &schema(), &DocumentLimits::default()).unwrap_err().operation;
    assert_eq!(name("query Book { nothing }").as_deref(), Some("Book"));
    assert_eq!(name("{ nothing }"), None);
    assert_eq!(name("query Book {"), None);
}

#[test]
fn a_valid_document_becomes_one_of_async_graphql() {
    let text = "query q($n: Int! = 5) { c: cat @skip(if: false) { ...f } pets(first: $n) { ... on Dog { owner } } dog(id: 7) { name } }
        fragment f on Cat { name }";
    let document = read(text, &schema(), &DocumentLimits::default()).unwrap();
    let expected = async_graphql::parser::parse_query(text.replace("id: 7", "id: \"7\"")).unwrap();
    let DocumentOperations::Multiple(operations) = &document.operations else { panic!("the operation has a name") };
    assert_eq!(operations.len(), 1);
    // Places are left out: those of async-graphql differ in details. Its document has no order.
    let show = |document: &ExecutableDocument| {
        let operations = document.operations.iter().map(|(name, one)| format!("{name:?} {one:?}"));
        let all = operations.chain(document.fragments.iter().map(|(name, one)| format!("{name} {one:?}")));
        let without_places = |text: String| {
            let parts = text.split("Pos(").enumerate();
            parts
                .map(|(number, part)| if number == 0 { part } else { &part[part.find(')').unwrap()..] })
                .collect::<String>()
        };
        all.map(without_places).collect::<BTreeSet<_>>()
    };
    assert_eq!(show(&document), show(&expected));
}

#[test]
fn numbers_in_custom_scalars_keep_their_digits() {
    let argument = |text: &str| {
        let document = read(&format!("{{ on(json: {text}) }}"), &schema(), &DocumentLimits::default()).unwrap();
        let DocumentOperations::Single(operation) = &document.operations else { panic!("one operation") };
        let Selection::Field(field) = &operation.node.selection_set.node.items[0].node else { panic!("a field") };
        field.node.arguments[0].1.node.clone()
    };
    for exact in ["1", "-7", "1.5", "18446744073709551615", "0.1"] {
        assert!(matches!(argument(exact), async_graphql_value::Value::Number(number) if number.to_string() == exact));
    }
    for text in ["1.50", "12345678901234567890123", "1e400", "0.1000000000000000055", "-0"] {
        assert!(matches!(argument(text), async_graphql_value::Value::Binary(bytes) if bytes == text), "{text}");
    }
}
