//! An HTTP/1.1 client with one keep-alive connection.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::Result;

/// A request that is ready to send.
#[derive(Clone, Debug)]
pub struct Request {
    /// The path, including the query.
    pub path: String,
    /// The access token, if the server requires one.
    pub token: Option<String>,
    /// The JSON body of a POST request; a request without a body is a GET request.
    pub body: Option<Bytes>,
}

impl Request {
    /// Creates a GraphQL request.
    #[must_use]
    pub fn graphql(token: &str, document: &str, variables: &Value) -> Self {
        let body = json!({ "query": document, "variables": variables });
        Self { path: "/graphql".to_owned(), token: Some(token.to_owned()), body: Some(body.to_string().into()) }
    }

    /// Creates a GET request.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self { path: path.into(), token: None, body: None }
    }

    /// Creates a POST request.
    #[must_use]
    pub fn post(path: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self { path: path.into(), token: None, body: Some(body.into()) }
    }
}

/// A connection.
pub struct Client {
    sender: SendRequest<Full<Bytes>>,
}

impl Client {
    /// Opens a connection.
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            // An error of the connection surfaces in the next request.
            let _ended = connection.await;
        });
        Ok(Self { sender })
    }

    /// Sends a request and waits for the head of the response.
    pub async fn send(&mut self, request: Request) -> Result<hyper::Response<Incoming>> {
        let Request { path, token, body } = request;
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let mut builder = hyper::Request::builder().method(method).uri(path).header(header::HOST, "localhost");
        if let Some(token) = token {
            builder = builder.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if body.is_some() {
            builder = builder.header(header::CONTENT_TYPE, "application/json");
        }
        self.sender.ready().await?;
        Ok(self.sender.send_request(builder.body(Full::new(body.unwrap_or_default()))?).await?)
    }

    /// Sends a request and waits for the complete response.
    pub async fn fetch(&mut self, request: Request) -> Result<(StatusCode, Bytes)> {
        let response = self.send(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }

    /// Sends a request and parses the JSON response.
    ///
    /// # Errors
    /// Fails if the status is not 200 or the response has `errors`.
    pub async fn json(&mut self, request: Request) -> Result<Value> {
        let path = request.path.clone();
        let (status, body) = self.fetch(request).await?;
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        if status != StatusCode::OK || answer.get("errors").is_some() {
            return Err(format!("{path} answered {status}: {}", String::from_utf8_lossy(&body)).into());
        }
        Ok(answer)
    }
}
