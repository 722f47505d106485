//! Interfaces and unions.

use async_graphql::indexmap::{IndexMap, IndexSet};
use async_graphql::registry::{MetaField, MetaType, Registry};

use crate::batch::Batch;
use crate::context::ExecutionContext;
use crate::object::ObjectType;

/// An object type that belongs to the abstract type `A`.
pub trait MemberOf<A, C: ExecutionContext>: ObjectType<C> {}

/// The values of a field whose type is the interface or union `A`, collected member type by member type.
pub struct AbstractBatch<A> {
    values: Vec<Option<Vec<u8>>>,
    of: std::marker::PhantomData<fn() -> A>,
}

impl<A> AbstractBatch<A> {
    /// Creates a batch of nulls.
    #[must_use]
    pub fn new(rows: usize) -> Self {
        Self { values: vec![None; rows], of: std::marker::PhantomData }
    }

    /// Sets the values at `positions` to those of `batch`, in its order. A position beyond the batch is ignored.
    pub fn set<C: ExecutionContext, T: MemberOf<A, C>>(&mut self, positions: &[usize], batch: &Batch<Option<T>>) {
        for (index, position) in positions.iter().enumerate() {
            if let Some(value) = self.values.get_mut(*position) {
                *value = Some(batch.json(index).to_vec());
            }
        }
    }

    /// Returns the values; null where none was set.
    #[must_use]
    pub fn finish(self) -> Batch<Option<A>> {
        let bytes = self.values.iter().map(|value| value.as_ref().map_or(4, Vec::len)).sum();
        let mut batch = Batch::with_bytes(self.values.len(), bytes);
        for value in self.values {
            match value {
                Some(json) => batch.push_json(|out| out.extend_from_slice(&json)),
                None => batch.push_null(),
            }
        }
        batch
    }
}

/// Adds a type to the possible types of the interface Node.
pub fn join_interface(name: &str, registry: &mut Registry) {
    describe_node(registry);
    if let Some(MetaType::Interface { possible_types, .. }) = registry.types.get_mut("Node") {
        possible_types.insert(name.to_owned());
    }
    registry.add_implements(name, "Node");
}

/// Adds the interface Node to the registry.
#[doc(hidden)]
pub fn describe_node(registry: &mut Registry) {
    if registry.types.contains_key("Node") {
        return;
    }
    let id = <async_graphql::ID as async_graphql::InputType>::create_type_info(registry);
    let mut field = MetaField::new("id", id);
    field.description = Some("An opaque identifier, prefixed by the type and ordered by time of creation.".to_owned());
    let interface = MetaType::Interface {
        name: "Node".to_owned(),
        description: Some("An object with an identifier, by which `node(id:)` finds it again.".to_owned()),
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

/// Adds a union to the registry.
pub fn describe_union(registry: &mut Registry, name: &str, doc: &str, members: &[&str]) {
    let union = MetaType::Union {
        name: name.to_owned(),
        description: Some(doc.trim().to_owned()),
        possible_types: members.iter().map(|member| (*member).to_owned()).collect(),
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        rust_typename: None,
        directive_invocations: Vec::new(),
    };
    registry.types.insert(name.to_owned(), union);
}

/// Declares a union over a request context: a marker type that stands for it as the type of a field.
#[macro_export]
macro_rules! union_type {
    (in $context:ty; $(#[doc = $doc:literal])* $type:ident as $name:literal of $($member:ty),+ $(,)?) => {
        $(#[doc = $doc])*
        #[derive(Debug)]
        pub struct $type;

        impl $crate::OutputType<$context> for $type {
            fn describe(registry: &mut $crate::private::async_graphql::registry::Registry) -> String {
                if !registry.types.contains_key($name) {
                    let members = [$(<$member as $crate::ObjectType<$context>>::NAME),+];
                    $crate::describe_union(registry, $name, concat!($($doc, "\n"),*), &members);
                    $($crate::describe_object::<$context, $member>(registry);)+
                }
                concat!($name, "!").to_owned()
            }
        }

        $(impl $crate::MemberOf<$type, $context> for $member {})+
    };
}

/// Declares the marker type that stands for the interface Node, and the object types that implement it.
#[macro_export]
macro_rules! node_interface {
    (in $context:ty; $(#[doc = $doc:literal])* $type:ident of $($member:ty),+ $(,)?) => {
        $(#[doc = $doc])*
        #[derive(Debug)]
        pub struct $type;

        impl $crate::OutputType<$context> for $type {
            fn describe(registry: &mut $crate::private::async_graphql::registry::Registry) -> String {
                $crate::describe_node(registry);
                "Node!".to_owned()
            }
        }

        $(
            impl $crate::MemberOf<$type, $context> for $member {}
            const _: () = assert!(<$member as $crate::ObjectType<$context>>::NODE, "the type must be declared as a Node");
        )+
    };
}
