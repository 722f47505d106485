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
        /// Declared as non-null, resolved as nullable.
        parent: Account = by_key(|_account| 1, parents);
    }
}

async fn parents(_: &FieldContext<'_, Context>, keys: &[i32]) -> Result<Batch<Option<Account>>, Error> {
    Ok(Batch::all_null(keys.len()))
}

fn main() {}
