use graphql_executor::{Batch, ExecutionContext, ExecutionError, FieldContext, InvalidSelection, object};

struct Context;

#[derive(Debug)]
struct Error;

impl From<InvalidSelection> for Error {
    fn from(_: InvalidSelection) -> Self {
        Self
    }
}

impl ExecutionContext for Context {
    type Error = Error;
}

impl ExecutionError<Context> for Error {
    fn invalid_argument(_: String) -> Self {
        Self
    }

    fn defect(_: &str) -> Self {
        Self
    }

    fn located(_: Box<async_graphql::ServerError>) -> Self {
        Self
    }

    fn into_located(self) -> Result<Box<async_graphql::ServerError>, Self> {
        Err(self)
    }

    fn into_server_error(self, _: &Context) -> async_graphql::ServerError {
        async_graphql::ServerError::new("", None)
    }
}

struct Account;

object! {
    in Context;
    /// An account.
    Account as "Account" {
        /// Needs a batch.
        size: i32 = by_key(|_account| 1, sizes);
    }
}

async fn sizes(field: &FieldContext<'_, Context>, keys: &[i32]) -> Result<Batch<i32>, Error> {
    Ok(Batch::from_values(field.request, keys.iter().copied()))
}

struct Group;

object! {
    in Context;
    /// A group.
    Group as "Group" {
        /// A plain field whose object has a batch.
        account: Account = plain(|_group| Account);
    }
}

fn main() {}
