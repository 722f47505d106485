//! The executor's macros, bound to this program's request context.

/// Declares an object type of the schema. See [`graphql_executor`] for the kinds of fields.
macro_rules! object {
    ($(#[doc = $doc:literal])* $type:ty as $name:literal Node { $($fields:tt)* }) => {
        ::graphql_executor::object! {
            in $crate::context::RequestContext; $(#[doc = $doc])* $type as $name Node { $($fields)* }
        }

        impl $crate::graphql::MemberOf<$crate::graphql::AnyNode, $crate::context::RequestContext> for $type {}
    };
    ($(#[doc = $doc:literal])* $type:ty as $name:literal $($mark:ident)? { $($fields:tt)* }) => {
        ::graphql_executor::object! {
            in $crate::context::RequestContext; $(#[doc = $doc])* $type as $name $($mark)? { $($fields)* }
        }
    };
}
pub(crate) use object;

/// Declares a union of object types.
macro_rules! union_type {
    ($($declaration:tt)*) => {
        ::graphql_executor::union_type! { in $crate::context::RequestContext; $($declaration)* }
    };
}
pub(crate) use union_type;

/// Declares the payload of a mutation: what it returns, and the errors that the caller can fix.
macro_rules! payload {
    ($(#[doc = $doc:literal])* $type:ident as $name:literal {
        $($(#[doc = $field_doc:literal])* $field:ident ($inner:ident): $field_type:ty),* $(,)?
    }) => {
        $(#[doc = $doc])*
        #[derive(Default)]
        pub struct $type {
            $($(#[doc = $field_doc])* pub $inner: Option<$field_type>,)*
            /// The errors that the caller can fix. If there are any, nothing was written.
            pub user_errors: Vec<$crate::error::UserError>,
        }

        impl $crate::graphql::MutationPayload<$crate::error::Error> for $type {
            fn from_error(error: $crate::error::Error) -> Result<Self, $crate::error::Error> {
                error.into_user_errors().map(|user_errors| Self { user_errors, ..Self::default() })
            }
        }

        $crate::graphql::object! {
            $(#[doc = $doc])*
            $type as $name {
                $($(#[doc = $field_doc])*
                $field: Option<$field_type> = batch(async |field: &$crate::graphql::FieldContext<'_>, rows: &[&$type]| {
                    let values: Vec<_> = rows.iter().map(|payload| &payload.$inner).collect();
                    $crate::graphql::Value::resolve(&values, field).await
                });)*
                /// The errors that the caller can fix, each with the path of its field. If there are any, nothing was written.
                userErrors: Vec<$crate::error::UserError> = batch(
                    async |field: &$crate::graphql::FieldContext<'_>, rows: &[&$type]| {
                        let errors: Vec<_> = rows.iter().map(|payload| &payload.user_errors).collect();
                        $crate::graphql::Value::resolve(&errors, field).await
                    }
                );
            }
        }
    };
}
pub(crate) use payload;

/// Makes an object type a root of the schema.
macro_rules! root_object {
    ($type:ty) => {
        ::graphql_executor::root_object!($crate::context::RequestContext; $type);
    };
}
pub(crate) use root_object;
