//! GraphQL over WebSocket, by the protocol `graphql-transport-ws`.
//!
//! `async-graphql-axum` runs the protocol: it accepts the connection, keeps its running operations and writes their messages.
//! [`protocol`] stands between it and the socket and enforces what it leaves open: the order of messages, the number of
//! operations, and the protocol's close codes. Operations run through the same steps as requests over HTTP ([`executor`]).

mod executor;
mod protocol;

use std::sync::Arc;
use std::time::Duration;

use async_graphql::Data;
use async_graphql_axum::{GraphQLProtocol, GraphQLWebSocket};
use axum::extract::FromRequestParts as _;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use axum::response::{IntoResponse as _, Response};
use futures_util::{SinkExt as _, StreamExt as _, sink, stream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use self::executor::{SocketExecutor, SocketToken, token};
use self::protocol::{Conversation, Limits, Verdict, close};
use super::Endpoint;
use super::peer::Peer;
use crate::config::HttpSettings;
use crate::server::incoming::ConnectionSlot;
use graphql_http::code::Code;
use graphql_http::rejection::HttpRejection;
use graphql_http::request::{header_list, header_text};

/// The protocol that the server speaks.
const PROTOCOL: &str = "graphql-transport-ws";
/// The largest message of a client in bytes. Larger requests are sent by POST.
const LARGEST_MESSAGE: usize = 256 * 1_024;
/// The size of a socket's buffers in bytes. The library's default would take 256 KB for each connection.
const BUFFER: usize = 8 * 1_024;
/// How long a close message may wait for a client that does not read.
const CLOSED_WITHIN: Duration = Duration::from_secs(1);

/// Answers a request to open a WebSocket.
///
/// # Errors
/// Status 403 for pages of origins that are not allowed, 400 for another protocol or an incomplete handshake.
pub async fn open(endpoint: Endpoint, mut parts: Parts) -> Result<Response, HttpRejection> {
    let settings = &endpoint.app.settings.http;
    if !allows_origin(settings, &parts.headers) {
        let message = "Pages of this origin may not open a WebSocket here.";
        return Err(HttpRejection::new(StatusCode::FORBIDDEN, Code::Forbidden, message));
    }
    let bad = |message: &str| HttpRejection::new(StatusCode::BAD_REQUEST, Code::BadUserInput, message);
    let not_spoken =
        || bad("A WebSocket needs `sec-websocket-protocol: graphql-transport-ws`; there is no other protocol.");
    if !header_list(&parts.headers, &header::SEC_WEBSOCKET_PROTOCOL).any(|name| name == PROTOCOL) {
        return Err(not_spoken());
    }
    // The extractor takes the first protocol that the library knows, which may be one that is not spoken here.
    parts.headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    let protocol = GraphQLProtocol::from_request_parts(&mut parts, &()).await.map_err(|_| not_spoken())?;
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await.map_err(|_| {
        bad("The request to open a WebSocket is incomplete: it must be a GET by version 13 over HTTP/1.1.")
    })?;
    let Some(slot) = parts.extensions.remove::<ConnectionSlot>() else {
        return Err(bad("This connection cannot become a WebSocket."));
    };
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.asker(&parts.headers, &settings.trusted_proxies));
    let limits = Limits { first_message: settings.header_timeout, idle: settings.keep_alive };
    let conversation = Arc::new(Conversation::new(limits, Arc::clone(slot.activity())));
    let executor = SocketExecutor { endpoint, peer, conversation };
    let span = tracing::Span::current();
    let response = upgrade
        .protocols([PROTOCOL])
        .max_message_size(LARGEST_MESSAGE)
        .max_frame_size(LARGEST_MESSAGE)
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .on_upgrade(move |socket| serve(socket, protocol, executor, slot).instrument(span));
    Ok(response.into_response())
}

/// Whether a page may open a WebSocket: one of the same host or of a listed origin. Programs send no origin.
fn allows_origin(settings: &HttpSettings, headers: &HeaderMap) -> bool {
    let Some(origin) = header_text(headers, &header::ORIGIN) else { return !headers.contains_key(header::ORIGIN) };
    let own = header_text(headers, &header::HOST)
        .is_some_and(|host| origin.split_once("://").is_some_and(|(_, of_page)| of_page == host));
    own || settings.cors_origins.iter().any(|allowed| allowed.is_any() || allowed.as_str() == origin)
}

/// Serves a connection until it ends.
async fn serve(socket: WebSocket, protocol: GraphQLProtocol, executor: SocketExecutor, slot: ConnectionSlot) {
    let conversation = Arc::clone(&executor.conversation);
    let stopping = executor.endpoint.draining.clone();
    conversation.begin();
    let (mut writer, mut reader) = socket.split();
    let (to_library, from_client) = mpsc::channel::<Message>(1);
    let (to_client, mut from_library) = mpsc::channel::<Message>(1);
    let end = {
        let library = GraphQLWebSocket::new_with_pair(
            Box::pin(sink::unfold(to_client.clone(), |to_client, message| async move {
                to_client.send(message).await.map(|()| to_client)
            })),
            Box::pin(stream::unfold(from_client, |mut from_client| async move {
                from_client.recv().await.map(|message| (Ok::<_, axum::Error>(message), from_client))
            })),
            executor.clone(),
            protocol,
        )
        .on_connection_init(move |payload| accept(executor, payload))
        .serve();
        let reading = async {
            loop {
                let message = match reader.next().await {
                    None | Some(Err(_) | Ok(Message::Close(_))) => return None,
                    Some(Ok(message)) => message,
                };
                if !matches!(message, Message::Text(_) | Message::Binary(_)) {
                    conversation.heard();
                    continue;
                }
                let text = message.into_data();
                let sent = match conversation.receive(&text) {
                    Verdict::Pass => to_library.send(Message::Binary(text)).await,
                    Verdict::Forward(message) => to_library.send(Message::Text(message.into())).await,
                    Verdict::Answer(answer) => to_client.send(Message::Text(answer.into())).await,
                    Verdict::Close(frame) => return Some(frame),
                };
                if sent.is_err() {
                    return None;
                }
            }
        };
        let writing = async {
            while let Some(message) = from_library.recv().await {
                match conversation.send(message) {
                    Some(Message::Close(frame)) => return frame,
                    Some(message) => writer.send(message).await.ok()?,
                    None => {}
                }
            }
            None
        };
        // The library stops by itself only after a close message, which is still to be written.
        let library = async {
            library.await;
            std::future::pending().await
        };
        tokio::select! {
            end = reading => end,
            end = writing => end,
            end = library => end,
            end = conversation.ends() => Some(end),
            () = slot.close().cancelled() => Some(close(1013, "Other connections need the place of this idle one.")),
            () = drained(&stopping, &conversation) => Some(close(1001, "The server stops.")),
        }
    };
    let closed = async {
        if let Some(frame) = end {
            writer.send(Message::Close(Some(frame))).await?;
        }
        writer.close().await
    };
    // The client may have gone.
    let _gone = timeout(CLOSED_WITHIN, closed).await;
    drop(slot);
}

/// Waits until the server stops and the running operations are answered.
async fn drained(stopping: &CancellationToken, conversation: &Conversation) {
    stopping.cancelled().await;
    conversation.finish().await;
}

/// Accepts a connection that brings a valid token.
async fn accept(executor: SocketExecutor, payload: serde_json::Value) -> async_graphql::Result<Data> {
    let refused = || async_graphql::Error::new("Forbidden");
    let token = token(&payload).ok_or_else(refused)?;
    let (app, checked) = (Arc::clone(&executor.endpoint.app), token.clone());
    // In a task of its own, because a client that disconnects must not cancel a call to the database.
    let known = executor.endpoint.executions.spawn(async move {
        let viewer = app.auth.viewer(&app.db, &checked).await;
        viewer.ok().flatten().and_then(|_| app.auth.tokens.remaining(&checked))
    });
    let remaining = known.await.ok().flatten().ok_or_else(refused)?;
    executor.conversation.expires_in(remaining);
    let mut data = Data::default();
    data.insert(SocketToken(token));
    Ok(data)
}
