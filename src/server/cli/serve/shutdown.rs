//! Serves until the process is told to stop.

use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;

use crate::server::app::App;
use crate::server::http::connections::{self, ConnectionLimits};
use crate::server::worker;

/// Serves requests and runs queued exports until a signal comes.
pub async fn serve_until_shutdown(app: Arc<App>, listener: TcpListener, router: Router) {
    let app_imports = app.clone();
    let worker_task = tokio::spawn(worker::run(app.clone()));
    let account_check = tokio::spawn(app.exports.clone().check_accounts());
    let server = connections::serve(listener, router, ConnectionLimits::for_this_process(), async move {
        shutdown_signal().await;
        app.exports.shut_down().await;
    });
    // Running downloads and imports get this long to finish; then their connections are cut.
    let grace_period = async {
        shutdown_signal().await;
        tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    };
    let imports = app_imports.import_page.imports.clone();
    let server_and_imports = async {
        server.await;
        // One whose browser is gone has no connection.
        if let Some(imports) = &imports {
            imports.running.wait_for_end().await;
        }
    };
    tokio::select! {
        () = server_and_imports => {}
        () = grace_period => {}
    }
    // What has not come to its commit by now ends without it.
    if let Some(imports) = &imports {
        imports.running.stop();
        let _ = tokio::time::timeout(std::time::Duration::from_secs(1), imports.running.wait_for_end()).await;
    }
    worker_task.abort();
    account_check.abort();
}

/// Waits for SIGINT (Ctrl-C) or SIGTERM.
pub async fn shutdown_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
