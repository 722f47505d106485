//! Object types: their names, descriptions and fields.

use async_graphql::indexmap::IndexMap;
use async_graphql::registry::{Deprecation, MetaField, MetaInputValue, MetaType, ObjectBuilder, Registry};
use futures_util::future::BoxFuture;

use crate::batch::ErasedBatch;
use crate::context::ExecutionContext;
use crate::field::FieldContext;
use crate::selection::{CollectedField, Document, InvalidSelection, SelectionPlan};

/// An object type of the schema. Declared with [`object!`](crate::object), by hand only if it is generic.
pub trait ObjectType<C: ExecutionContext>: Sized + Send + Sync + 'static {
    /// The name in the schema.
    const NAME: &'static str;
    /// The description in the schema.
    const DOC: &'static str;
    /// Whether the type implements the interface Node.
    const NODE: bool;
    /// Whether every field is nullable in the schema, whatever its type here, so that a field that fails does not affect
    /// the others.
    const NULLABLE_FIELDS: bool = false;
    /// The fields, in the schema's order.
    const FIELDS: &'static [FieldDefinition<Self, C>];
}

/// A field of an object type.
pub struct FieldDefinition<T: 'static, C: ExecutionContext> {
    /// The name in the schema.
    pub name: &'static str,
    /// The description in the schema.
    pub doc: &'static str,
    /// Adds the type to the registry and returns a reference to it, such as `[Name!]!`.
    pub describe_type: fn(&mut Registry) -> String,
    /// Returns the arguments.
    pub arguments: fn(&mut Registry) -> IndexMap<String, MetaInputValue>,
    /// Checks that the arguments can be read.
    pub check_arguments: fn(&FieldContext<'_, C>) -> Result<(), C::Error>,
    /// How values are found.
    pub resolver: Resolver<T, C>,
}

/// How the values of a field are found.
pub enum Resolver<T: 'static, C: ExecutionContext> {
    /// Computed from the row where the row is written.
    Plain {
        /// Plans the selection, if the value is an object.
        plan: for<'a> fn(Document<'a>, &CollectedField<'a>) -> Result<Option<SelectionPlan<'a>>, InvalidSelection>,
        /// Writes the value.
        write: fn(&T, &C, Option<&SelectionPlan<'_>>, &mut Vec<u8>),
        /// The source text that computes the value.
        source: RowExpression,
    },
    /// Resolved once for all rows.
    Batch {
        /// Whether the values become null if this fails.
        nullable: bool,
        /// The source text that computes the key of a row; None if the function takes whole rows.
        source: Option<RowExpression>,
        /// Resolves one value for each row, in the order of the rows.
        run: BatchFunction<T, C>,
    },
}

/// A function that resolves one value of a field for each row, in the order of the rows.
pub type BatchFunction<T, C> =
    for<'a> fn(FieldContext<'a, C>, &'a [&'a T]) -> BoxFuture<'a, Result<ErasedBatch, <C as ExecutionContext>::Error>>;

/// The source text of a closure over a row. An application can read from it, at compile time, which columns a field needs.
#[derive(Clone, Copy, Debug)]
pub struct RowExpression {
    /// The pattern that binds the row.
    pub row: &'static str,
    /// The closure's body.
    pub expression: &'static str,
}

impl<T, C: ExecutionContext> Resolver<T, C> {
    /// Whether the values are computed from the rows alone.
    pub const fn is_plain(&self) -> bool {
        matches!(self, Self::Plain { .. })
    }
}

/// Whether all fields of a type are plain.
pub const fn all_plain<T, C: ExecutionContext>(fields: &[FieldDefinition<T, C>]) -> bool {
    let mut index = 0;
    while index < fields.len() {
        if !fields[index].resolver.is_plain() {
            return false;
        }
        index += 1;
    }
    true
}

/// Adds an object type to the registry, once, and returns a reference to it.
pub fn describe_object<C: ExecutionContext, T: ObjectType<C>>(registry: &mut Registry) -> String {
    if !registry.types.contains_key(T::NAME) {
        // A type may refer to itself: it is registered, empty, while its fields are found.
        registry.types.insert(T::NAME.to_owned(), ObjectBuilder::new(T::NAME, IndexMap::new()).build());
        let mut fields = IndexMap::new();
        for field in T::FIELDS {
            let mut described = (field.describe_type)(registry);
            if T::NULLABLE_FIELDS && described.ends_with('!') {
                described.pop();
            }
            let mut meta = MetaField::new(field.name, described);
            meta.description = Some(field.doc.trim().to_owned());
            meta.args = (field.arguments)(registry);
            meta.deprecation = Deprecation::NoDeprecated;
            fields.insert(field.name.to_owned(), meta);
        }
        let object = ObjectBuilder::new(T::NAME, fields).description(Some(T::DOC.trim().to_owned())).build();
        registry.types.insert(T::NAME.to_owned(), object);
        if T::NODE {
            crate::abstract_type::join_interface(T::NAME, registry);
        }
    }
    format!("{}!", T::NAME)
}

/// Returns the arguments that the fields of an input object stand for.
pub fn describe_arguments<A: async_graphql::InputType>(registry: &mut Registry) -> IndexMap<String, MetaInputValue> {
    A::create_type_info(registry);
    match registry.types.remove(A::type_name().as_ref()) {
        Some(MetaType::InputObject { input_fields, .. }) => input_fields,
        _ => IndexMap::new(),
    }
}

/// Returns the description of a field's only argument.
pub fn single_argument<A: async_graphql::InputType>(
    name: &str,
    registry: &mut Registry,
) -> IndexMap<String, MetaInputValue> {
    let mut argument = MetaInputValue::new(name, A::create_type_info(registry));
    // The argument is what its type says.
    if let Some(MetaType::InputObject { description, .. }) = registry.types.get(A::type_name().as_ref()) {
        argument.description.clone_from(description);
    }
    IndexMap::from([(name.to_owned(), argument)])
}

/// Declares an object type over a request context. The crate's documentation lists the kinds of fields.
///
/// A word after the type's name marks it: `Node` implements the interface Node; in a `Nullable` type, such as a root, every
/// field is nullable in the schema.
#[macro_export]
macro_rules! object {
    (in $context:ty; $(#[doc = $doc:literal])* $type:ty as $name:literal $($mark:ident)? {
        $($(#[doc = $field_doc:literal])* $field:ident $(($($arguments:tt)*))? : $field_type:ty = $kind:ident ($($how:tt)*);)*
    }) => {
        impl $crate::ObjectType<$context> for $type {
            const NAME: &'static str = $name;
            const DOC: &'static str = concat!($($doc, "\n"),*);
            const NODE: bool = $crate::object!(@node $($mark)?);
            const NULLABLE_FIELDS: bool = $crate::object!(@nullable $($mark)?);
            const FIELDS: &'static [$crate::FieldDefinition<Self, $context>] = &[$(
                $crate::FieldDefinition {
                    name: stringify!($field),
                    doc: concat!($($field_doc, "\n"),*),
                    describe_type: <$field_type as $crate::OutputType<$context>>::describe,
                    arguments: $crate::object!(@arguments $($($arguments)*)?),
                    check_arguments: $crate::object!(@check $($($arguments)*)?),
                    resolver: $crate::object!(@$kind $context, $field_type, ($($($arguments)*)?), $($how)*),
                },
            )*];
        }
        $crate::object_output!($context; [] $type);
    };
    (@node) => { false };
    (@node Node) => { true };
    (@node Nullable) => { false };
    (@nullable) => { false };
    (@nullable Node) => { false };
    (@nullable Nullable) => { true };
    (@check) => { |_| Ok(()) };
    (@check $name:ident : $argument:ty) => {
        |field| field.argument::<$argument>(stringify!($name)).map(drop)
    };
    (@check $arguments:ty) => { |field| field.arguments::<$arguments>().map(drop) };
    (@arguments) => { |_| $crate::private::async_graphql::indexmap::IndexMap::new() };
    (@arguments $name:ident : $argument:ty) => {
        |registry| $crate::single_argument::<$argument>(stringify!($name), registry)
    };
    (@arguments $arguments:ty) => { $crate::describe_arguments::<$arguments> };
    (@plain $context:ty, $field_type:ty, (), |$row:pat_param| $value:expr) => {
        $crate::object!(@plain $context, $field_type, (), |$row, _context| $value)
    };
    (@plain $context:ty, $field_type:ty, (), |$row:pat_param, $request:ident| $value:expr) => {{
        const {
            assert!(
                <$field_type as $crate::Value<$context>>::IS_PLAIN,
                "an object in a plain field may have plain fields only"
            );
        }
        $crate::Resolver::Plain {
            plan: <$field_type as $crate::Value<$context>>::plan,
            write: |row, $request, plan, out| {
                let $row = row;
                let value: $field_type = $value;
                $crate::Value::<$context>::write(&value, $request, plan, out);
            },
            source: $crate::RowExpression { row: stringify!($row), expression: stringify!($value) },
        }
    }};
    (@by_key $context:ty, $field_type:ty, ($($arguments:tt)*), |$row:pat_param| $key:expr, $function:expr) => {
        $crate::Resolver::Batch {
            nullable: <$field_type as $crate::OutputType<$context>>::NULLABLE,
            source: Some($crate::RowExpression { row: stringify!($row), expression: stringify!($key) }),
            run: |field, rows| Box::pin(async move {
                let keys: Vec<_> = rows.iter().map(|$row| $key).collect();
                let batch: $crate::Batch<$field_type> = $function(&field, &keys).await?;
                Ok(batch.erase())
            }),
        }
    };
    (@batch $context:ty, $field_type:ty, ($($arguments:tt)*), $function:expr) => {
        $crate::Resolver::Batch {
            nullable: <$field_type as $crate::OutputType<$context>>::NULLABLE,
            source: None,
            run: |field, rows| Box::pin(async move {
                let batch: $crate::Batch<$field_type> = $function(&field, rows).await?;
                Ok(batch.erase())
            }),
        }
    };
    (@root $context:ty, $field_type:ty, ($($arguments:tt)*), $function:expr) => {
        $crate::Resolver::Batch {
            nullable: <$field_type as $crate::OutputType<$context>>::NULLABLE,
            source: None,
            run: |field, _| Box::pin(async move {
                let value: $field_type = $crate::object!(@call field, ($($arguments)*), $function);
                Ok($crate::Value::<$context>::resolve(&[&value], &field).await?.erase())
            }),
        }
    };
    (@mutation $context:ty, $field_type:ty, ($($arguments:tt)*), $function:expr) => {
        $crate::Resolver::Batch {
            nullable: <$field_type as $crate::OutputType<$context>>::NULLABLE,
            source: None,
            run: |field, _| Box::pin(async move {
                let value: $field_type = $crate::object!(@attempt $context, field, ($($arguments)*), $function);
                Ok($crate::Value::<$context>::resolve(&[&value], &field).await?.erase())
            }),
        }
    };
    (@call $field:ident, (), $function:expr) => { $function(&$field).await? };
    (@call $field:ident, ($name:ident : $argument:ty), $function:expr) => {{
        let argument: $argument = $field.argument(stringify!($name))?;
        $function(&$field, argument).await?
    }};
    (@call $field:ident, ($arguments:ty), $function:expr) => {{
        let arguments: $arguments = $field.arguments()?;
        $function(&$field, arguments).await?
    }};
    (@attempt $context:ty, $field:ident, (), $function:expr) => {
        $crate::FieldContext::<$context>::attempt(|| $function($field.request)).await?
    };
    (@attempt $context:ty, $field:ident, ($name:ident : $argument:ty), $function:expr) => {{
        let argument: $argument = $field.argument(stringify!($name))?;
        $crate::FieldContext::<$context>::attempt(|| $function($field.request, argument.clone())).await?
    }};
    (@attempt $context:ty, $field:ident, ($arguments:ty), $function:expr) => {{
        let arguments: $arguments = $field.arguments()?;
        $crate::FieldContext::<$context>::attempt(|| $function($field.request, arguments.clone())).await?
    }};
    (@$kind:ident $($rest:tt)*) => {
        compile_error!(concat!(
            "invalid field kind or form: `", stringify!($kind), "`. A field is one of `plain(|row| value)`, ",
            "`plain(|row, request| value)` (both without arguments), `batch(function)`, `by_key(|row| key, function)`, ",
            "`root(function)` and `mutation(function)`"
        ))
    };
}

/// Makes an object type usable as the type of a field. [`object!`](crate::object) does this by itself; generic object types
/// name their parameters: `object_output!(Context; [T: Item] Page<T>)`.
#[macro_export]
macro_rules! object_output {
    ($context:ty; [$($parameters:tt)*] $type:ty) => {
        impl<$($parameters)*> $crate::OutputType<$context> for $type {
            fn describe(registry: &mut $crate::private::async_graphql::registry::Registry) -> String {
                $crate::describe_object::<$context, Self>(registry)
            }
        }

        impl<$($parameters)*> $crate::Value<$context> for $type {
            const IS_PLAIN: bool = $crate::all_plain(<Self as $crate::ObjectType<$context>>::FIELDS);

            fn plan<'a>(
                document: $crate::Document<'a>,
                field: &$crate::CollectedField<'a>,
            ) -> Result<Option<$crate::SelectionPlan<'a>>, $crate::InvalidSelection> {
                document.plan::<$context, Self>(&field.selections).map(Some)
            }

            fn write(&self, request: &$context, plan: Option<&$crate::SelectionPlan<'_>>, out: &mut Vec<u8>) {
                $crate::SelectionPlan::write_object::<$context, Self>(plan, self, request, out);
            }

            fn resolve<'a>(
                rows: &'a [&'a Self],
                field: &'a $crate::FieldContext<'_, $context>,
            ) -> $crate::private::BoxFuture<
                'a,
                Result<$crate::Batch<Self>, <$context as $crate::ExecutionContext>::Error>,
            > {
                Box::pin(field.objects(rows))
            }
        }
    };
}

/// Makes an object type a root of the schema. async-graphql asks it for introspection only; [`execute`](crate::execute)
/// answers its fields.
#[macro_export]
macro_rules! root_object {
    ($context:ty; $type:ty) => {
        impl $crate::private::async_graphql::OutputType for $type {
            fn type_name() -> ::std::borrow::Cow<'static, str> {
                <$type as $crate::ObjectType<$context>>::NAME.into()
            }

            fn create_type_info(registry: &mut $crate::private::async_graphql::registry::Registry) -> String {
                $crate::describe_object::<$context, $type>(registry)
            }

            async fn resolve(
                &self,
                ctx: &$crate::private::async_graphql::ContextSelectionSet<'_>,
                _: &$crate::private::async_graphql::Positioned<$crate::private::async_graphql::parser::types::Field>,
            ) -> $crate::private::async_graphql::ServerResult<$crate::private::async_graphql::Value> {
                $crate::private::async_graphql::resolver_utils::resolve_container(ctx, self).await
            }
        }

        impl $crate::private::async_graphql::ContainerType for $type {
            async fn resolve_field(
                &self,
                _: &$crate::private::async_graphql::Context<'_>,
            ) -> $crate::private::async_graphql::ServerResult<Option<$crate::private::async_graphql::Value>> {
                Ok(None)
            }
        }

        impl $crate::private::async_graphql::ObjectType for $type {}
    };
}
