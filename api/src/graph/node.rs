//! Types that stand for several: interfaces and unions.

use async_graphql::indexmap::{IndexMap, IndexSet};
use async_graphql::registry::{MetaField, MetaType, Registry};

use super::answer::Batch;

/// Makes a type one of those that `node(id)` may answer with.
pub(super) fn join_interface(name: &str, registry: &mut Registry) {
    describe_node(registry);
    if let Some(MetaType::Interface { possible_types, .. }) = registry.types.get_mut("Node") {
        possible_types.insert(name.to_owned());
    }
    registry.add_implements(name, "Node");
}

/// Puts the interface Node into the registry.
pub(crate) fn describe_node(registry: &mut Registry) {
    if registry.types.contains_key("Node") {
        return;
    }
    let id = <async_graphql::ID as async_graphql::InputType>::create_type_info(registry);
    let mut field = MetaField::new("id", id);
    field.description = Some("Opaque, prefixed by the type, ascending with time.".to_owned());
    let interface = MetaType::Interface {
        name: "Node".to_owned(),
        description: Some("Whatever has an id. `node(id)` finds it again.".to_owned()),
        fields: IndexMap::from([("id".to_owned(), field)]),
        possible_types: IndexSet::new(),
        extends: false,
        inaccessible: false,
        tags: Vec::new(),
        keys: None,
        visible: None,
        rust_typename: None,
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    };
    registry.types.insert("Node".to_owned(), interface);
}

/// Declares a marker for a union, or for the interface Node.
macro_rules! abstract_type {
    ($(#[doc = $doc:literal])* $type:ident as $name:literal of $($member:ty),+ $(,)?) => {
        $(#[doc = $doc])*
        #[derive(Debug)]
        pub struct $type;

        impl $crate::graph::Described for $type {
            fn describe(registry: &mut ::async_graphql::registry::Registry) -> String {
                if !registry.types.contains_key($name) {
                    let members = [$(<$member as $crate::graph::ObjectType>::NAME.to_owned()),+];
                    let union = ::async_graphql::registry::MetaType::Union {
                        name: $name.to_owned(),
                        description: Some(concat!($($doc, "\n"),*).trim().to_owned()),
                        possible_types: members.into_iter().collect(),
                        visible: None,
                        inaccessible: false,
                        tags: Vec::new(),
                        rust_typename: None,
                        directive_invocations: Vec::new(),
                    };
                    registry.types.insert($name.to_owned(), union);
                    $($crate::graph::describe_object::<$member>(registry);)+
                }
                concat!($name, "!").to_owned()
            }
        }
    };
}
pub(crate) use abstract_type;

/// Puts answers that were made type by type back into the rows' order. Each part has the rows' places and their
/// answers; a place that no part has is null.
pub(crate) fn group_batches(rows: usize, parts: &[(Vec<usize>, Batch)]) -> Batch {
    let mut places: Vec<Option<&[u8]>> = vec![None; rows];
    for (at, answers) in parts {
        for (number, place) in at.iter().enumerate() {
            places[*place] = Some(answers.get(number));
        }
    }
    let mut answers = Batch::with_capacity(rows);
    for place in places {
        match place {
            Some(json) => answers.push(|out| out.extend_from_slice(json)),
            None => answers.push_null(),
        }
    }
    answers
}

/// The interface Node, as the type of a field.
#[derive(Debug)]
pub struct AnyNode;

impl super::Described for AnyNode {
    fn describe(registry: &mut Registry) -> String {
        describe_node(registry);
        "Node!".to_owned()
    }
}
