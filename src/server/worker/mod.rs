//! The background worker: runs queued exports and removes what has expired.
//!
//! May import: `app`. Flow: `run` cleans up after a killed server, then waits for a queued export or
//! the next sweep, until its task is dropped.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::app::App;

const SWEEP_EVERY: Duration = Duration::from_secs(15);

/// Runs until its task is dropped.
pub async fn run(app: Arc<App>) {
    if let Err(error) = app.exports.recover().await {
        tracing::error!(%error, "what an earlier run of the server left could not be cleared");
    }
    // An interval, not a timeout: a busy queue must not postpone the sweep.
    let mut time_to_sweep = tokio::time::interval_at(Instant::now() + SWEEP_EVERY, SWEEP_EVERY);
    loop {
        start_queued(&app).await;
        tokio::select! {
            () = app.exports.queued.notified() => {}
            _ = time_to_sweep.tick() => sweep(&app).await,
        }
    }
}

async fn start_queued(app: &Arc<App>) {
    loop {
        match app.exports.claim().await {
            Ok(Some(claimed)) => drop(tokio::spawn(app.exports.clone().run(claimed))),
            Ok(None) => return,
            Err(error) => {
                tracing::error!(%error, "the queue could not be read");
                return;
            }
        }
    }
}

async fn sweep(app: &App) {
    if let Err(error) = app.exports.end_killed().await {
        tracing::error!(%error, "killed runs of the command line could not be ended");
    }
    if let Err(error) = app.exports.expire().await {
        tracing::error!(%error, "expired files could not be removed");
    }
    if let Err(error) = app.exports.record_repeated_refusals().await {
        tracing::error!(%error, "repeated refusals could not be recorded");
    }
    if let Err(error) = app.identity.sweep().await {
        tracing::error!(%error, "expired sessions could not be removed");
    }
}
