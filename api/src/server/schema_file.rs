//! `/schema.graphql`: the schema as text. It needs no token, so it is built and compressed only once.

use std::sync::LazyLock;

use async_compression::tokio::bufread::GzipEncoder;
use axum::Extension;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt as _;
use tokio::sync::OnceCell;

use super::http::Uncompressed;
use crate::app::App;
use graphql_http::request::header_list;

/// The schema with its entity tag. The tag is weak, because a compressed response has the same.
static SCHEMA: LazyLock<(Bytes, HeaderValue)> = LazyLock::new(|| {
    let text = App::sdl();
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(&text)[..16]);
    let tag = HeaderValue::from_str(&format!("W/\"{digest}\"")).unwrap_or_else(|_| HeaderValue::from_static("W/\"\""));
    (text.into(), tag)
});

/// The compressed schema; None if it could not be compressed.
static COMPRESSED: OnceCell<Option<Bytes>> = OnceCell::const_new();

async fn compress(text: &[u8]) -> Option<Bytes> {
    let mut compressed = Vec::new();
    GzipEncoder::new(text).read_to_end(&mut compressed).await.ok()?;
    Some(compressed.into())
}

/// Whether a client accepts gzip.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    header_list(headers, &header::ACCEPT_ENCODING).any(|member| {
        let (coding, quality) = member.split_once(';').unwrap_or((member, ""));
        let quality = quality.trim().strip_prefix("q=").map_or(1.0, |quality| quality.parse().unwrap_or(0.0_f32));
        coding.trim().eq_ignore_ascii_case("gzip") && quality > 0.0
    })
}

/// Handles `/schema.graphql`.
pub(super) async fn schema_file(headers: HeaderMap) -> Response {
    let (text, tag) = &*SCHEMA;
    let always = [
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
    ];
    let is_same = |value: &str| value.strip_prefix("W/").unwrap_or(value).as_bytes() == &tag.as_bytes()[2..];
    if header_list(&headers, &header::IF_NONE_MATCH).any(|value| value == "*" || is_same(value)) {
        return (StatusCode::NOT_MODIFIED, always).into_response();
    }
    let content_type = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    if accepts_gzip(&headers)
        && let Some(compressed) = COMPRESSED.get_or_init(|| compress(text)).await
    {
        return (always, content_type, [(header::CONTENT_ENCODING, "gzip")], compressed.clone()).into_response();
    }
    // Other codings would be computed for each request.
    (always, content_type, Extension(Uncompressed), text.clone()).into_response()
}
