//! The interface `Node` as the type of a field.

use async_graphql::registry::Registry;
use graphql_executor::describe_node;

use super::OutputType;
use crate::context::RequestContext;

/// Any type that implements the interface `Node`.
#[derive(Debug)]
pub struct AnyNode;

impl OutputType<RequestContext> for AnyNode {
    fn describe(registry: &mut Registry) -> String {
        describe_node(registry);
        "Node!".to_owned()
    }
}
