//! Requests whose document has been read.

use std::sync::Arc;

use async_graphql::parser::types::ExecutableDocument;

use crate::request::Parameters;
use crate::request_id::RequestId;

/// A request with a valid document.
#[derive(Debug)]
pub struct ParsedRequest {
    /// The parameters of the request.
    pub parameters: Parameters,
    /// The document.
    pub document: Arc<ExecutableDocument>,
    /// The size of the request in bytes.
    pub bytes: usize,
}

impl ParsedRequest {
    /// Converts the request to one of async-graphql.
    #[must_use]
    pub fn to_request(&self, request_id: &str) -> async_graphql::Request {
        let Parameters { query, operation_name, variables, .. } = &self.parameters;
        let mut request = async_graphql::Request::new(query.as_str()).variables(variables.clone());
        request.operation_name.clone_from(operation_name);
        request.set_parsed_query((*self.document).clone());
        request.data(RequestId(request_id.to_owned()))
    }
}
