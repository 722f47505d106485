//! Arguments of a field: an input object whose fields they are.

use async_graphql::{InputType, Value as ConstValue};

use super::answer::FieldContext;
use crate::error::{Error, Result};

impl FieldContext<'_> {
    /// The arguments as given, with defaults put in and checked for their types.
    pub fn arguments<A: InputType>(&self) -> Result<A> {
        let mut given = async_graphql::indexmap::IndexMap::new();
        for (name, value) in &self.field.node.arguments {
            if let Some(value) = self.document.value(&value.node)? {
                given.insert(name.node.clone(), value);
            }
        }
        A::parse(Some(ConstValue::Object(given)))
            .map_err(|wrong| Error::BadInput(wrong.into_server_error(self.field.pos).message))
    }
}
