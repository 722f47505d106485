//! The inputs of mutations that name one node and take nothing else, such as those that archive or delete it.

/// Declares the input of a mutation that takes the id of a node and, optionally, the version that the caller has read.
macro_rules! node_input {
    ($(#[$($attribute:tt)*])* $name:ident { $(#[$($id_attribute:tt)*])* id, $(#[$($version_attribute:tt)*])* if_version }) => {
        $(#[$($attribute)*])*
        #[derive(Clone, Debug, ::async_graphql::InputObject)]
        pub struct $name {
            $(#[$($id_attribute)*])*
            pub id: ::async_graphql::ID,
            $(#[$($version_attribute)*])*
            pub if_version: Option<i32>,
        }
    };
}
pub(crate) use node_input;
