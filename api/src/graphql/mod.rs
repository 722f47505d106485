//! What all types of the schema share: the declaration and resolution of fields, scalars, money, filters and pagination.

pub mod columns;
pub mod enums;
pub mod estimate;
pub mod filter;
pub mod ids;
mod input;
pub mod money;
pub mod node;
pub mod object;
pub mod pagination;
pub mod quartiles;
pub mod scalars;
pub mod series;
pub mod user_error;

pub use graphql_executor::{
    AbstractBatch, Batch, ExecutionError, FieldDefinition, MemberOf, MutationPayload, Operation, OutputType,
    ROWS_BETWEEN_YIELDS, SelectionPlan, Value, execute, selections_of, write_string,
};

pub use self::columns::ReadColumns;
pub(crate) use self::enums::graphql_enum;
pub use self::ids::{AnyId, NodeId};
pub(crate) use self::input::node_input;
pub use self::node::AnyNode;
pub(crate) use self::object::{object, payload, root_object, union_type};
use crate::context::RequestContext;
use crate::error::Error;

/// A field that is being resolved for a batch of rows.
pub type FieldContext<'a> = graphql_executor::FieldContext<'a, RequestContext>;

/// An object type of the schema.
pub trait ObjectType: graphql_executor::ObjectType<RequestContext> {}

impl<T: graphql_executor::ObjectType<RequestContext>> ObjectType for T {}

impl graphql_executor::ExecutionContext for RequestContext {
    type Error = Error;

    fn count_nodes(&self, objects: usize) {
        self.count_found(objects);
    }
}

impl From<graphql_executor::InvalidSelection> for Error {
    fn from(invalid: graphql_executor::InvalidSelection) -> Self {
        Self::BadInput(invalid.0)
    }
}

impl ExecutionError<RequestContext> for Error {
    fn invalid_argument(message: String) -> Self {
        Self::BadInput(message)
    }

    fn defect(cause: &str) -> Self {
        Self::internal(cause)
    }

    fn located(error: Box<async_graphql::ServerError>) -> Self {
        Self::Placed(error)
    }

    fn into_located(self) -> Result<Box<async_graphql::ServerError>, Self> {
        match self {
            Self::Placed(error) => Ok(error),
            other => Err(other),
        }
    }

    fn into_server_error(self, request: &RequestContext) -> async_graphql::ServerError {
        Self::into_server_error(self, &request.request_id)
    }

    fn is_retryable(&self) -> bool {
        matches!(self, Self::TryAgain)
    }
}
