use graphql_executor::{ExecutionContext, ExecutionError, InvalidSelection, object};

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

#[derive(async_graphql::InputObject)]
struct Page {
    first: Option<i32>,
}

object! {
    in Context;
    /// An account.
    Account as "Account" {
        /// A plain field has no arguments.
        name(Page): String = plain(|_account| String::new());
    }
}

fn main() {}
