//! The executor and async-graphql's own execution give the same data for the same documents over the same schema.
//!
//! The schema is declared twice, with [`graphql_executor::object!`] and with async-graphql's macros. One failure of a batch is
//! reported once, while async-graphql reports it for each row and leaves a failed non-null field out of the path, so errors are
//! compared by the root fields that they concern.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::unused_async, reason = "field resolvers are async")]

use std::collections::BTreeSet;

use async_graphql::registry::Registry;
use async_graphql::{
    EmptyMutation, EmptySubscription, InputObject, Interface, Object, PathSegment, Request, Response, Schema,
    ServerError, SimpleObject, Union, Value, Variables,
};
use graphql_executor::{
    AbstractBatch, Batch, ExecutionContext, ExecutionError, FieldContext, InvalidSelection, Operation, OutputType,
    execute, object, root_object, union_type,
};
use proptest::prelude::*;

struct Context;

#[derive(Debug)]
enum Error {
    Failed(String),
    Located(Box<ServerError>),
}

impl From<InvalidSelection> for Error {
    fn from(invalid: InvalidSelection) -> Self {
        Self::Failed(invalid.0)
    }
}

impl ExecutionContext for Context {
    type Error = Error;
}

impl ExecutionError<Context> for Error {
    fn invalid_argument(message: String) -> Self {
        Self::Failed(message)
    }

    fn defect(cause: &str) -> Self {
        Self::Failed(cause.to_owned())
    }

    fn located(error: Box<ServerError>) -> Self {
        Self::Located(error)
    }

    fn into_located(self) -> Result<Box<ServerError>, Self> {
        match self {
            Self::Located(error) => Ok(error),
            Self::Failed(message) => Err(Self::Failed(message)),
        }
    }

    fn into_server_error(self, _: &Context) -> ServerError {
        match self {
            Self::Located(error) => *error,
            Self::Failed(message) => ServerError::new(message, None),
        }
    }
}

const SHELVES: [(&str, &[usize]); 3] = [("novels", &[0, 1]), ("maps", &[2]), ("empty", &[])];
const ITEMS: [(&str, bool); 3] = [("Emma", true), ("Persuasion", true), ("World", false)];

/// The schema as the executor sees it.
mod ours {
    use super::*;

    pub struct Query;
    pub struct Shelf(pub usize);
    pub struct Novel(pub usize);
    pub struct Atlas(pub usize);

    object! {
        in Context;
        /// A novel.
        Novel as "Novel" Node {
            /// The id.
            id: String = plain(|novel| format!("item_{}", novel.0));
            /// The title.
            title: &str = plain(|novel| ITEMS[novel.0].0);
        }
    }

    object! {
        in Context;
        /// An atlas.
        Atlas as "Atlas" Node {
            /// The id.
            id: String = plain(|atlas| format!("item_{}", atlas.0));
            /// How many maps it has.
            maps: i32 = plain(|atlas| i32::try_from(atlas.0).unwrap() * 10);
        }
    }

    union_type! {
        in Context;
        /// What a shelf holds.
        Item as "Item" of Novel, Atlas
    }

    object! {
        in Context;
        /// A shelf.
        Shelf as "Shelf" {
            /// The name.
            name: &str = plain(|shelf| SHELVES[shelf.0].0);
            /// The first item.
            first: Option<Item> = by_key(|shelf| SHELVES[shelf.0].1.first().copied(), items);
            /// The shelf on its right.
            next: Option<Shelf> = by_key(|shelf| shelf.0 + 1, shelves);
            /// Fails, and may be null.
            broken: Option<String> = by_key(|shelf| shelf.0, failing_nullable);
            /// Fails, and may not be null.
            shattered: String = by_key(|shelf| shelf.0, failing);
        }
    }

    /// Arguments of `shelf`.
    #[derive(InputObject)]
    pub struct ShelfArguments {
        /// The position.
        #[graphql(default = 0)]
        pub at: i32,
    }

    object! {
        in Context;
        /// The root of queries.
        Query as "Query" {
            /// All shelves.
            shelves: Vec<Shelf> = root(all);
            /// All shelves, each of which may be null.
            maybeShelves: Vec<Option<Shelf>> = root(all_nullable);
            /// All shelves, or null.
            shelvesOrNull: Option<Vec<Shelf>> = root(all_or_null);
            /// One shelf.
            shelf(ShelfArguments): Option<Shelf> = root(one);
        }
    }
    root_object!(Context; Query);

    async fn all(_: &FieldContext<'_, Context>) -> Result<Vec<Shelf>, Error> {
        Ok((0..SHELVES.len()).map(Shelf).collect())
    }

    async fn all_nullable(field: &FieldContext<'_, Context>) -> Result<Vec<Option<Shelf>>, Error> {
        let mut shelves: Vec<Option<Shelf>> = all(field).await?.into_iter().map(Some).collect();
        shelves.insert(1, None);
        Ok(shelves)
    }

    async fn all_or_null(field: &FieldContext<'_, Context>) -> Result<Option<Vec<Shelf>>, Error> {
        Ok(Some(all(field).await?))
    }

    async fn one(_: &FieldContext<'_, Context>, arguments: ShelfArguments) -> Result<Option<Shelf>, Error> {
        Ok(usize::try_from(arguments.at).ok().filter(|at| *at < SHELVES.len()).map(Shelf))
    }

    async fn items(field: &FieldContext<'_, Context>, keys: &[Option<usize>]) -> Result<Batch<Option<Item>>, Error> {
        let mut batch = AbstractBatch::new(keys.len());
        let of_kind = |is_novel: bool| -> Vec<usize> {
            (0..keys.len()).filter(|row| keys[*row].is_some_and(|item| ITEMS[item].1 == is_novel)).collect()
        };
        let novels: Vec<usize> = of_kind(true);
        let rows: Vec<Novel> = novels.iter().filter_map(|row| keys[*row]).map(Novel).collect();
        batch.set(&novels, &field.objects(&rows.iter().collect::<Vec<_>>()).await?.nullable());
        let atlases: Vec<usize> = of_kind(false);
        let rows: Vec<Atlas> = atlases.iter().filter_map(|row| keys[*row]).map(Atlas).collect();
        batch.set(&atlases, &field.objects(&rows.iter().collect::<Vec<_>>()).await?.nullable());
        Ok(batch.finish())
    }

    async fn shelves(field: &FieldContext<'_, Context>, keys: &[usize]) -> Result<Batch<Option<Shelf>>, Error> {
        let shelves: Vec<Option<Shelf>> = keys.iter().map(|at| (*at < SHELVES.len()).then_some(Shelf(*at))).collect();
        field.optional_objects(&shelves.iter().map(Option::as_ref).collect::<Vec<_>>()).await
    }

    async fn failing(_: &FieldContext<'_, Context>, _: &[usize]) -> Result<Batch<String>, Error> {
        Err(Error::Failed("out of order".to_owned()))
    }

    async fn failing_nullable(
        field: &FieldContext<'_, Context>,
        keys: &[usize],
    ) -> Result<Batch<Option<String>>, Error> {
        Ok(failing(field, keys).await?.nullable())
    }
}

/// The schema as async-graphql sees it.
mod theirs {
    use super::*;

    pub struct Query;
    pub struct Shelf(usize);

    #[derive(SimpleObject)]
    pub struct Novel {
        id: async_graphql::ID,
        title: String,
    }

    #[derive(SimpleObject)]
    pub struct Atlas {
        id: async_graphql::ID,
        maps: i32,
    }

    #[derive(Union)]
    pub enum Item {
        Novel(Novel),
        Atlas(Atlas),
    }

    #[derive(Interface)]
    #[graphql(field(name = "id", ty = "&async_graphql::ID"))]
    pub enum Node {
        Novel(Novel),
        Atlas(Atlas),
    }

    fn item(index: usize) -> Item {
        let id = format!("item_{index}").into();
        if ITEMS[index].1 {
            Item::Novel(Novel { id, title: ITEMS[index].0.to_owned() })
        } else {
            Item::Atlas(Atlas { id, maps: i32::try_from(index).unwrap() * 10 })
        }
    }

    #[Object]
    impl Shelf {
        async fn name(&self) -> &str {
            SHELVES[self.0].0
        }

        async fn first(&self) -> Option<Item> {
            SHELVES[self.0].1.first().map(|index| item(*index))
        }

        async fn next(&self) -> Option<Shelf> {
            (self.0 + 1 < SHELVES.len()).then_some(Shelf(self.0 + 1))
        }

        // async-graphql lets the error of a `Result<Option<_>>` pass its own nullable field; this form stops it there, as the
        // specification has it.
        async fn broken(&self) -> Option<async_graphql::Result<String>> {
            Some(Err("out of order".into()))
        }

        async fn shattered(&self) -> async_graphql::Result<String> {
            Err("out of order".into())
        }
    }

    #[Object]
    impl Query {
        async fn shelves(&self) -> Vec<Shelf> {
            (0..SHELVES.len()).map(Shelf).collect()
        }

        async fn maybe_shelves(&self) -> Vec<Option<Shelf>> {
            vec![Some(Shelf(0)), None, Some(Shelf(1)), Some(Shelf(2))]
        }

        async fn shelves_or_null(&self) -> Option<Vec<Shelf>> {
            Some((0..SHELVES.len()).map(Shelf).collect())
        }

        async fn shelf(&self, #[graphql(default = 0)] at: i32) -> Option<Shelf> {
            usize::try_from(at).ok().filter(|at| *at < SHELVES.len()).map(Shelf)
        }
    }
}

fn request(text: &str, variables: &serde_json::Value) -> Request {
    Request::new(text).variables(Variables::from_json(variables.clone()))
}

async fn by_us(text: &str, variables: &serde_json::Value) -> Response {
    let mut registry = Registry::default();
    <ours::Query as OutputType<Context>>::describe(&mut registry);
    let mut request = request(text, variables);
    let document = request.parsed_query().unwrap().clone();
    let (_, definition) = document.operations.iter().next().unwrap();
    let operation = Operation::new(&document, &definition.node, &request.variables, &registry);
    execute(&ours::Query, &Context, &operation, None).await
}

async fn by_them(text: &str, variables: &serde_json::Value) -> Response {
    let schema =
        Schema::build(theirs::Query, EmptyMutation, EmptySubscription).register_output_type::<theirs::Node>().finish();
    schema.execute(request(text, variables)).await
}

fn json(response: &Response) -> serde_json::Value {
    match &response.data {
        Value::Binary(bytes) => serde_json::from_slice(bytes).unwrap(),
        other => other.clone().into_json().unwrap(),
    }
}

/// Returns the root fields that have errors.
fn failed_roots(response: &Response) -> BTreeSet<String> {
    let root = |error: &ServerError| match error.path.first() {
        Some(PathSegment::Field(name)) => Some(name.clone()),
        _ => None,
    };
    response.errors.iter().filter_map(root).collect()
}

async fn assert_alike(text: &str, variables: serde_json::Value) {
    let (ours, theirs) = (by_us(text, &variables).await, by_them(text, &variables).await);
    assert_eq!(json(&ours), json(&theirs), "{text} {variables}: {:?} {:?}", ours.errors, theirs.errors);
    assert_eq!(failed_roots(&ours), failed_roots(&theirs), "{text} {variables}");
}

#[tokio::test]
async fn the_same_documents_give_the_same_answers() {
    for text in [
        "{ shelves { name } }",
        "{ a: shelves { n: name name } b: shelves { name } }",
        "{ shelves { name next { name next { name next { name } } } } }",
        "{ shelves { __typename first { __typename ... on Novel { title } ... on Atlas { maps } } } }",
        "{ shelves { first { ... on Node { id } ... on Novel { id title } } } }",
        "{ shelves { ...names ...names } } fragment names on Shelf { name next { ...inner } } fragment inner on Shelf { name }",
        "{ shelves { next { name } next { first { ... on Atlas { maps } } } } }",
        "{ shelf { name } other: shelf(at: 2) { name } none: shelf(at: 9) { name } negative: shelf(at: -1) { name } }",
        "{ maybeShelves { name next { name } } }",
        "{ shelves { broken name } }",
        "{ shelves { shattered name } }",
        "{ shelvesOrNull { name shattered } shelves { name } }",
        "{ maybeShelves { name shattered } }",
        "{ shelf { name next { shattered } } }",
        "{ shelves { next { shattered } name } }",
        "{ shelves { name ... on Shelf @skip(if: true) { broken } } }",
        "query { shelves { name @include(if: false) next @skip(if: false) { name } } }",
    ] {
        assert_alike(text, serde_json::json!({})).await;
    }
}

#[tokio::test]
async fn variables_and_their_defaults_are_applied_alike() {
    // async-graphql ignores the default of a variable in `@skip` and `@include`; the executor applies it, so both are given here.
    let text = "query($at: Int = 1, $with: Boolean!, $without: Boolean!) {
        shelf(at: $at) { name @include(if: $with) next @skip(if: $without) { name } } }";
    for variables in [
        serde_json::json!({ "without": false, "with": true }),
        serde_json::json!({ "without": true, "with": true, "at": 0 }),
        serde_json::json!({ "without": false, "with": false, "at": 2 }),
    ] {
        assert_alike(text, variables).await;
    }
}

#[tokio::test]
async fn the_default_of_a_variable_counts_in_directives() {
    let text = "query($with: Boolean = true, $without: Boolean = true) {
        shelf { name @include(if: $with) first @skip(if: $without) { __typename } } }";
    assert_eq!(json(&by_us(text, &serde_json::json!({})).await), serde_json::json!({ "shelf": { "name": "novels" } }));
}

/// Selections without `shattered`: where two selections of one field are merged and only one of them fails, async-graphql keeps
/// the other's object although a non-null field of it is missing.
fn any_selection() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("name".to_owned()),
        Just("alias: name".to_owned()),
        Just("__typename".to_owned()),
        Just("broken".to_owned()),
        Just("first { __typename ... on Novel { title } ... on Node { id } }".to_owned()),
    ];
    let fields = |inner: BoxedStrategy<String>| prop::collection::vec(inner, 1..4).prop_map(|fields| fields.join(" "));
    leaf.boxed().prop_recursive(4, 24, 3, move |inner| {
        prop_oneof![
            fields(inner.clone()).prop_map(|fields| format!("next {{ {fields} }}")),
            fields(inner.clone()).prop_map(|fields| format!("... on Shelf {{ {fields} }}")),
            (fields(inner), any::<bool>())
                .prop_map(|(fields, flag)| format!("... @include(if: {flag}) {{ {fields} }}")),
        ]
    })
}

proptest! {
    #[test]
    fn random_selections_give_the_same_answers(
        root in prop_oneof![Just("shelves"), Just("maybeShelves"), Just("shelvesOrNull"), Just("shelf"), Just("shelf(at: 2)")],
        fields in prop::collection::vec(any_selection(), 1..5),
    ) {
        let text = format!("{{ {root} {{ name {} }} }}", fields.join(" "));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(assert_alike(&text, serde_json::json!({})));
    }
}
