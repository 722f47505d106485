//! Counting statements: what a list costs must not grow with its rows.

use crate::server::Server;

/// Runs something and answers its result with the number of statements that the server sent meanwhile. Nothing else may
/// ask the server at the same time.
pub async fn count<T>(server: &Server, asking: impl Future<Output = T>) -> (T, u64) {
    let before = server.statements();
    let result = asking.await;
    (result, server.statements() - before)
}
