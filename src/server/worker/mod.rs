//! The background worker: runs queued exports and removes what has expired.
//!
//! May import: `app`. Flow: `run` cleans up after a killed server, then waits for a queued export or
//! the next sweep, until its task is dropped.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::app::App;

const SWEEP_INTERVAL: Duration = Duration::from_secs(15);

/// Runs until its task is dropped.
pub async fn run(app: Arc<App>) {
    if let Err(error) = app.exports.recover().await {
        tracing::error!(%error, "cleaning up after the previous run of the server failed");
    }
    // An interval, not a timeout: a busy queue must not postpone the sweep.
    let mut sweep_interval = tokio::time::interval_at(Instant::now() + SWEEP_INTERVAL, SWEEP_INTERVAL);
    loop {
        start_queued(&app).await;
        tokio::select! {
            () = app.exports.queued() => {}
            _ = sweep_interval.tick() => sweep(&app).await,
        }
    }
}

async fn start_queued(app: &Arc<App>) {
    if let Err(error) = app.exports.start_queued().await {
        tracing::error!(%error, "the queue could not be read");
    }
}

async fn sweep(app: &App) {
    if let Err(error) = app.exports.fail_abandoned().await {
        tracing::error!(%error, "abandoned exports could not be recorded as failed");
    }
    if let Err(error) = app.exports.remove_expired_artifacts().await {
        tracing::error!(%error, "expired files could not be removed");
    }
    if let Err(error) = app.journal.record_repetitions(false).await {
        tracing::error!(%error, "repeated refusals could not be recorded");
    }
    if let Err(error) = app.exports.record_ranges(false).await {
        tracing::error!(%error, "downloads in ranges could not be recorded");
    }
    if let Err(error) = app.identity.sweep().await {
        tracing::error!(%error, "expired sessions could not be removed");
    }
}
