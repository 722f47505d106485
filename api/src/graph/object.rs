//! What a type is: its name, its words and its fields.

use async_graphql::indexmap::IndexMap;
use async_graphql::registry::{Deprecation, MetaField, MetaInputValue, MetaType, ObjectBuilder, Registry};
use futures_util::future::BoxFuture;

use super::answer::{Batch, FieldContext};
use super::selection::{CollectedField, Document, SelectionPlan};
use crate::context::RequestContext;
use crate::error::Result;

/// An output type. Declared with [`object!`], never by hand, except where it is generic.
pub trait ObjectType: Sized + Send + Sync + 'static {
    /// The name in the schema.
    const NAME: &'static str;
    /// What it is, for the schema.
    const DOC: &'static str;
    /// Does it implement the interface Node?
    const NODE: bool;
    /// Its fields, in the schema's order.
    const FIELDS: &'static [Field<Self>];
}

/// A field of a type.
pub struct Field<T: 'static> {
    /// The name in the schema.
    pub name: &'static str,
    /// What it is, for the schema.
    pub doc: &'static str,
    /// Its type, as `[Name!]!`, with whatever that needs put into the registry.
    pub type_of: fn(&mut Registry) -> String,
    /// Its arguments.
    pub arguments: fn(&mut Registry) -> IndexMap<String, MetaInputValue>,
    /// How it is answered.
    pub answer: Resolver<T>,
}

/// How a field is answered.
pub enum Resolver<T: 'static> {
    /// From the row itself.
    Plain {
        /// Plans what is asked of it, where it is an object.
        plan: for<'a> fn(Document<'a>, &CollectedField<'a>) -> Result<Option<SelectionPlan<'a>>>,
        /// Writes it.
        write: fn(&T, &RequestContext, Option<&SelectionPlan<'_>>, &mut Vec<u8>),
        /// What the row is called in the field's expression, and that expression.
        columns: (&'static str, &'static str),
    },
    /// For all rows at once.
    Batch {
        /// May it be null where it fails?
        nullable: bool,
        /// What a row is called in the expression of what it is answered by, and that expression; None where that is the
        /// whole row.
        columns: Option<(&'static str, &'static str)>,
        /// Answers it, one value a row, in the rows' order.
        run: for<'a> fn(FieldContext<'a>, &'a [&'a T]) -> BoxFuture<'a, Result<Batch>>,
    },
}

impl<T> Resolver<T> {
    /// Is it told from the row itself?
    pub const fn is_plain(&self) -> bool {
        matches!(self, Self::Plain { .. })
    }
}

/// Puts a type into the registry, once, and names it as a type reference.
pub fn describe_object<T: ObjectType>(registry: &mut Registry) -> String {
    if !registry.types.contains_key(T::NAME) {
        // A type may refer to itself: it is there, empty, while its fields are found.
        registry.types.insert(T::NAME.to_owned(), ObjectBuilder::new(T::NAME, IndexMap::new()).build());
        let mut fields = IndexMap::new();
        for field in T::FIELDS {
            let mut meta = MetaField::new(field.name, (field.type_of)(registry));
            meta.description = Some(field.doc.trim().to_owned());
            meta.args = (field.arguments)(registry);
            meta.deprecation = Deprecation::NoDeprecated;
            fields.insert(field.name.to_owned(), meta);
        }
        let object = ObjectBuilder::new(T::NAME, fields).description(Some(T::DOC.trim().to_owned())).build();
        registry.types.insert(T::NAME.to_owned(), object);
        if T::NODE {
            super::node::join_interface(T::NAME, registry);
        }
    }
    format!("{}!", T::NAME)
}

/// The arguments that an input object describes: its fields, without the input object itself.
pub fn describe_arguments<A: async_graphql::InputType>(registry: &mut Registry) -> IndexMap<String, MetaInputValue> {
    A::create_type_info(registry);
    match registry.types.remove(A::type_name().as_ref()) {
        Some(MetaType::InputObject { input_fields, .. }) => input_fields,
        _ => IndexMap::new(),
    }
}

/// Declares an output type. See the module above for the kinds of fields.
macro_rules! object {
    ($(#[doc = $doc:literal])* $type:ty as $name:literal $($node:ident)? {
        $($(#[doc = $field_doc:literal])* $field:ident $(($arguments:ty))? : $field_type:ty = $kind:ident ($($how:tt)*);)*
    }) => {
        impl $crate::graph::ObjectType for $type {
            const NAME: &'static str = $name;
            const DOC: &'static str = concat!($($doc, "\n"),*);
            const NODE: bool = $crate::graph::object!(@node $($node)?);
            const FIELDS: &'static [$crate::graph::Field<Self>] = &[$(
                $crate::graph::Field {
                    name: stringify!($field),
                    doc: concat!($($field_doc, "\n"),*),
                    type_of: <$field_type as $crate::graph::Described>::describe,
                    arguments: $crate::graph::object!(@arguments $($arguments)?),
                    answer: $crate::graph::object!(@$kind $field_type, ($($arguments)?), $($how)*),
                },
            )*];
        }
    };
    (@node) => { false };
    (@node Node) => { true };
    (@arguments) => { |_| ::async_graphql::indexmap::IndexMap::new() };
    (@arguments $arguments:ty) => { $crate::graph::describe_arguments::<$arguments> };
    (@plain $field_type:ty, (), |$row:pat_param| $value:expr) => {
        $crate::graph::object!(@plain $field_type, (), |$row, _cx| $value)
    };
    (@plain $field_type:ty, (), |$row:pat_param, $ctx:ident| $value:expr) => {
        $crate::graph::Resolver::Plain {
            plan: <$field_type as $crate::graph::Value>::plan,
            write: |row, $ctx, plan, out| {
                let $row = row;
                let value: $field_type = $value;
                $crate::graph::Value::write(&value, $ctx, plan, out);
            },
            columns: (stringify!($row), stringify!($value)),
        }
    };
    (@by_key $field_type:ty, ($($arguments:ty)?), |$row:pat_param| $key:expr, $function:expr) => {
        $crate::graph::Resolver::Batch {
            nullable: <$field_type as $crate::graph::Described>::NULLABLE,
            columns: Some((stringify!($row), stringify!($key))),
            run: |asked, of| Box::pin(async move {
                let keys: Vec<_> = of.iter().map(|$row| $key).collect();
                $function(&asked, &keys).await
            }),
        }
    };
    (@batch $field_type:ty, ($($arguments:ty)?), $function:expr) => {
        $crate::graph::Resolver::Batch {
            nullable: <$field_type as $crate::graph::Described>::NULLABLE,
            columns: None,
            run: |asked, of| Box::pin(async move { $function(&asked, of).await }),
        }
    };
    (@root $field_type:ty, (), $function:expr) => {
        $crate::graph::Resolver::Batch {
            nullable: <$field_type as $crate::graph::Described>::NULLABLE,
            columns: None,
            run: |asked, _| Box::pin(async move {
                let value: $field_type = $function(&asked).await?;
                $crate::graph::SingleValue::answer(&value, &asked).await
            }),
        }
    };
    (@root $field_type:ty, ($arguments:ty), $function:expr) => {
        $crate::graph::Resolver::Batch {
            nullable: <$field_type as $crate::graph::Described>::NULLABLE,
            columns: None,
            run: |asked, _| Box::pin(async move {
                let arguments: $arguments = asked.arguments()?;
                let value: $field_type = $function(&asked, arguments).await?;
                $crate::graph::SingleValue::answer(&value, &asked).await
            }),
        }
    };
    (@mutation $field_type:ty, ($($arguments:ty)?), $function:expr) => {
        $crate::graph::Resolver::Batch {
            nullable: false,
            columns: None,
            run: |asked, _| Box::pin(async move {
                let value: $field_type = $crate::graph::object!(@attempt asked, ($($arguments)?), $function);
                $crate::graph::SingleValue::answer(&value, &asked).await
            }),
        }
    };
    (@attempt $asked:ident, (), $function:expr) => {
        $crate::graph::FieldContext::attempt(|| $function($asked.ctx)).await?
    };
    (@attempt $asked:ident, ($arguments:ty), $function:expr) => {{
        let arguments: $arguments = $asked.arguments()?;
        $crate::graph::FieldContext::attempt(|| $function($asked.ctx, arguments.clone())).await?
    }};
}
pub(crate) use object;

/// Declares a mutation's payload: what it answers, and what the caller can mend.
macro_rules! payload {
    ($(#[doc = $doc:literal])* $type:ident as $name:literal { $($(#[doc = $field_doc:literal])* $field:ident ($inner:ident): $field_type:ty),* $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(Default)]
        pub struct $type {
            $($(#[doc = $field_doc])* pub $inner: Option<$field_type>,)*
            /// What the caller can mend; with any, nothing was written.
            pub user_errors: Vec<$crate::error::UserError>,
        }

        impl $crate::graph::MutationPayload for $type {
            fn refused(user_errors: Vec<$crate::error::UserError>) -> Self {
                Self { user_errors, ..Self::default() }
            }
        }

        $crate::graph::object! {
            $(#[doc = $doc])*
            $type as $name {
                $($(#[doc = $field_doc])*
                $field: Option<$field_type> = batch(async |asked: &$crate::graph::FieldContext<'_>, of: &[&$type]| {
                    $crate::graph::SingleValue::answer(&of[0].$inner, asked).await
                });)*
                /// What the caller can mend, each with the field it is about. With any, nothing was written.
                userErrors: Vec<$crate::error::UserError> = batch(async |asked: &$crate::graph::FieldContext<'_>, of: &[&$type]| {
                    $crate::graph::SingleValue::answer(&of[0].user_errors, asked).await
                });
            }
        }
    };
}
pub(crate) use payload;

/// Makes an object a root of the schema. async-graphql asks it for what it knows itself alone (introspection); fields
/// are answered by [`super::answer()`].
macro_rules! root_object {
    ($type:ty) => {
        impl ::async_graphql::OutputType for $type {
            fn type_name() -> ::std::borrow::Cow<'static, str> {
                <$type as $crate::graph::ObjectType>::NAME.into()
            }

            fn create_type_info(registry: &mut ::async_graphql::registry::Registry) -> String {
                $crate::graph::describe_object::<$type>(registry)
            }

            async fn resolve(
                &self,
                ctx: &::async_graphql::ContextSelectionSet<'_>,
                _: &::async_graphql::Positioned<::async_graphql::parser::types::Field>,
            ) -> ::async_graphql::ServerResult<::async_graphql::Value> {
                ::async_graphql::resolver_utils::resolve_container(ctx, self).await
            }
        }

        impl ::async_graphql::ContainerType for $type {
            async fn resolve_field(
                &self,
                _: &::async_graphql::Context<'_>,
            ) -> ::async_graphql::ServerResult<Option<::async_graphql::Value>> {
                Ok(None)
            }
        }

        impl ::async_graphql::ObjectType for $type {}
    };
}
pub(crate) use root_object;

/// Makes a stored word of the database what the schema's enum of the same name shows, and the other way round.
macro_rules! graphql_enum {
    ($($stored:ty as $shown:ty),* $(,)?) => {$(
        impl $crate::graph::Described for $stored {
            fn describe(registry: &mut ::async_graphql::registry::Registry) -> String {
                <$shown as ::async_graphql::OutputType>::create_type_info(registry)
            }
        }

        impl $crate::graph::Value for $stored {
            fn write(&self, _: &$crate::context::RequestContext, _: Option<&$crate::graph::SelectionPlan<'_>>, out: &mut Vec<u8>) {
                $crate::graph::write_text(self.word(), out);
            }
        }
    )*};
}
pub(crate) use graphql_enum;
