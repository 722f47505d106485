//! Identifiers as the scalar `ID`.

use async_graphql::registry::Registry;
use async_graphql::{ID, InputType};
use entity::Id;

use super::{OutputType, SelectionPlan, Value, write_string};
use crate::context::RequestContext;

/// The id of a node of one type.
#[derive(Clone, Copy)]
pub struct NodeId<T>(pub T);

impl<T: Id> OutputType<RequestContext> for NodeId<T> {
    fn describe(registry: &mut Registry) -> String {
        <ID as InputType>::create_type_info(registry)
    }
}

impl<T: Id + Sync> Value<RequestContext> for NodeId<T> {
    fn write(&self, _: &RequestContext, _: Option<&SelectionPlan<'_>>, out: &mut Vec<u8>) {
        out.push(b'"');
        out.extend_from_slice(T::PREFIX.as_bytes());
        out.push(b'_');
        out.extend_from_slice(&entity::suffix(self.0.uuid()));
        out.push(b'"');
    }
}

/// The id of a node of any type, as text.
#[derive(Clone, Debug)]
pub struct AnyId(pub String);

impl OutputType<RequestContext> for AnyId {
    fn describe(registry: &mut Registry) -> String {
        <ID as InputType>::create_type_info(registry)
    }
}

impl Value<RequestContext> for AnyId {
    fn write(&self, _: &RequestContext, _: Option<&SelectionPlan<'_>>, out: &mut Vec<u8>) {
        write_string(&self.0, out);
    }
}
