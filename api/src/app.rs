//! Stand-in.

use std::sync::Arc;

use async_graphql::{EmptyMutation, EmptySubscription, Object, Request, Response, Schema};

use crate::{
    clock::Clock,
    config::Settings,
    http::{RequestId, stages::ErrorCodes},
};

struct Query;

#[Object]
impl Query {
    async fn now(&self, context: &async_graphql::Context<'_>) -> async_graphql::Result<String> {
        Ok(context.data::<Clock>()?.now().0.to_string())
    }
}

/// One running application.
pub struct App {
    schema: Schema<Query, EmptyMutation, EmptySubscription>,
    /// Its settings.
    pub settings: Settings,
}

impl App {
    /// Opens.
    pub async fn open(settings: Settings) -> Result<Arc<Self>, String> {
        let clock = Clock::from_setting(settings.clock.stop);
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription)
            .extension(ErrorCodes)
            .data(clock)
            .finish();
        Ok(Arc::new(Self { schema, settings }))
    }

    /// Runs.
    pub async fn execute(
        &self,
        request: Request,
        _bearer: Option<&str>,
        _id: &RequestId,
    ) -> Response {
        self.schema.execute(request).await
    }

    /// Ready.
    pub async fn ready(&self) -> Result<(), String> {
        Ok(())
    }

    /// The schema as text.
    pub fn sdl() -> String {
        Schema::new(Query, EmptyMutation, EmptySubscription).sdl()
    }
}
