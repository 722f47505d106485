//! GraphQL enums for stored enums.

/// Implements the output traits for stored enums as GraphQL enums with the same values:
/// `graphql_enum! { StoredStage as Stage }`.
macro_rules! graphql_enum {
    ($($stored:ty as $shown:ty),* $(,)?) => {$(
        impl $crate::graphql::OutputType<$crate::context::RequestContext> for $stored {
            fn describe(registry: &mut ::async_graphql::registry::Registry) -> String {
                <$shown as ::async_graphql::OutputType>::create_type_info(registry)
            }
        }

        impl $crate::graphql::Value<$crate::context::RequestContext> for $stored {
            fn write(
                &self,
                _: &$crate::context::RequestContext,
                _: Option<&$crate::graphql::SelectionPlan<'_>>,
                out: &mut Vec<u8>,
            ) {
                $crate::graphql::write_string(self.word(), out);
            }
        }
    )*};
}
pub(crate) use graphql_enum;
