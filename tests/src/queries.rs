//! Counts statements, for tests that a list costs the same number of statements for any number of rows.

use crate::server::Server;

/// Runs a future and returns its result with the number of statements that the server sent meanwhile. No other request
/// may run at the same time.
pub async fn count<T>(server: &Server, request: impl Future<Output = T>) -> (T, u64) {
    let before = server.statements();
    let result = request.await;
    (result, server.statements() - before)
}
