//! Threads of their own for expensive requests. A large response takes its thread for many milliseconds, and on the threads that
//! serve all requests, a cheap request would wait for that. On Linux, these threads also have a lower priority.

use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};

/// The threads; None if they could not be started.
static LANE: LazyLock<Option<Runtime>> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(cores).thread_name("expensive").enable_all().on_thread_start(lower_priority);
    match builder.build() {
        Ok(runtime) => Some(runtime),
        Err(error) => {
            tracing::warn!(%error, "expensive requests have no threads of their own");
            None
        }
    }
});

/// Makes the thread yield to those of cheap requests.
#[cfg(target_os = "linux")]
fn lower_priority() {
    /// Five steps of niceness are a third of the weight.
    const NICENESS: i32 = 5;
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS) {
        tracing::debug!(%error, "the priority of a thread could not be lowered");
    }
}

#[cfg(not(target_os = "linux"))]
const fn lower_priority() {}

/// Runs the work of an expensive request. A panic of the work goes on in the caller.
pub async fn run<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let done = match &*LANE {
        Some(lane) => lane.spawn(work).await,
        None => tokio::spawn(work).await,
    };
    match done {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_runs_on_a_thread_of_its_own() {
        let name = run(async { std::thread::current().name().map(str::to_owned) }).await;
        assert_eq!(name.as_deref(), Some("expensive"));
        assert!(tokio::spawn(run::<()>(async { panic!("no") })).await.unwrap_err().is_panic());
    }
}
