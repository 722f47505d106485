//! The answers to introspection, which async-graphql gives. The document and the variables of a request are checked before.

use std::sync::{Arc, OnceLock};

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextExecute, NextPrepareRequest, NextResolve, NextValidation,
    ResolveInfo,
};
use async_graphql::{
    CacheControl, ObjectType, Request, Response, Schema, SchemaEnv, ServerError, ServerResult, SubscriptionType,
    ValidationResult, Value, async_trait,
};

use crate::code::Code;
use crate::document;
use crate::request_id::RequestId;

/// A schema extension that turns off async-graphql's own validation, hides its errors and describes the schema. It also
/// gives access to the schema's registry, which async-graphql makes available to extensions only.
#[derive(Clone)]
pub struct IntrospectionExtension {
    description: &'static str,
    environment: Arc<OnceLock<SchemaEnv>>,
}

impl IntrospectionExtension {
    /// Creates the extension of a schema with this description.
    #[must_use]
    pub fn new(description: &'static str) -> Self {
        Self { description, environment: Arc::default() }
    }

    /// Returns the environment, with the registry, of a schema that was built with this extension.
    pub async fn environment<Query, Mutation, Subscription>(
        &self,
        schema: &Schema<Query, Mutation, Subscription>,
    ) -> SchemaEnv
    where
        Query: ObjectType + 'static,
        Mutation: ObjectType + 'static,
        Subscription: SubscriptionType + 'static,
    {
        let answer = schema.execute("{ __typename }").await;
        let env = self.environment.get().cloned();
        env.unwrap_or_else(|| unreachable!("executing a query sets the environment: {:?}", answer.errors))
    }
}

impl ExtensionFactory for IntrospectionExtension {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Extension for IntrospectionExtension {
    async fn prepare_request(
        &self,
        context: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        self.environment.get_or_init(|| context.schema_env.clone());
        let mut request = next.run(context, request).await?;
        let name = request.operation_name.clone();
        let definitions = document::operation(request.parsed_query()?, name.as_deref())?.variable_definitions.clone();
        // async-graphql ignores the default values of variables when it evaluates @skip and @include.
        for definition in definitions {
            let definition = definition.node;
            if let Some(default) = definition.default_value
                && !request.variables.contains_key(&definition.name.node)
            {
                request.variables.insert(definition.name.node, default.node);
            }
        }
        Ok(request)
    }

    async fn validation(
        &self,
        _: &ExtensionContext<'_>,
        _: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        Ok(ValidationResult { cache_control: CacheControl::default(), complexity: 0, depth: 0 })
    }

    async fn execute(
        &self,
        context: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let mut response = next.run(context, operation_name).await;
        for error in response.errors.iter_mut().filter(|error| Code::of(error).is_none()) {
            let reference = context.data_opt::<RequestId>().map_or("none", |id| &id.0);
            tracing::error!(reference, path = ?error.path, "an error without a code: {}", error.message);
            let ServerError { path, locations, .. } = std::mem::replace(error, Code::internal(reference));
            error.path = path;
            error.locations = locations;
        }
        response
    }

    /// Gives the schema its own description: async-graphql describes every schema alike.
    async fn resolve(
        &self,
        context: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        if info.parent_type == "__Schema" && info.name == "description" {
            return Ok(Some(Value::from(self.description)));
        }
        next.run(context, info).await
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Result};

    use super::*;

    struct Query;

    #[Object]
    impl Query {
        async fn broken(&self) -> Result<Option<i32>> {
            std::future::ready(Err("SELECT secret FROM account".into())).await
        }
    }

    async fn execute(query: &str) -> Response {
        let extension = IntrospectionExtension::new("A test.");
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription).extension(extension).finish();
        schema.execute(Request::new(query).data(RequestId("req-7".into()))).await
    }

    #[tokio::test]
    async fn an_error_without_a_code_is_hidden_from_clients() {
        let response = execute("{ broken }").await;
        assert_eq!(Code::of(&response.errors[0]), Some(Code::Internal));
        assert!(!response.errors[0].message.contains("secret"));
    }

    #[tokio::test]
    async fn the_defaults_of_variables_count() {
        let query =
            "query ($no: Boolean = false) { __schema { queryType { name @include(if: $no) kind @skip(if: $no) } } }";
        let response = execute(query).await;
        assert!(response.errors.is_empty(), "{:?}", response.errors);
        assert_eq!(
            response.data.into_json().unwrap(),
            serde_json::json!({"__schema": {"queryType": {"kind": "OBJECT"}}})
        );
    }

    #[tokio::test]
    async fn the_schema_has_its_own_description() {
        let response = execute("{ __schema { about: description @include(if: true) description } }").await;
        assert_eq!(
            response.data.into_json().unwrap(),
            serde_json::json!({"__schema": {"about": "A test.", "description": "A test."}})
        );
    }

    #[tokio::test]
    async fn async_graphql_does_not_validate() {
        let response = execute("query ($unused: Int) { __typename }").await;
        assert_eq!(response.errors, []);
        assert_ne!(response.data, Value::Null);
    }
}
