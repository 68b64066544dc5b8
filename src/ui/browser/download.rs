//! Starting a download, and stopping a run.

use crate::model::export::ExportId;

/// Lets the browser fetch a finished file straight to disk: the answer is an attachment, so the page
/// stays where it is and holds no copy.
pub fn download(id: ExportId) {
    if let Some(window) = web_sys::window() {
        let _ = window.location().assign(&format!("/api/v1/exports/{id}/file"));
    }
}

/// Asks the server to end a run; its events tell what came of it.
pub fn cancel(id: ExportId) {
    let init = web_sys::RequestInit::new();
    init.set_method("POST");
    if let Some(window) = web_sys::window() {
        let _ = window.fetch_with_str_and_init(&format!("/api/v1/exports/{id}/cancellation"), &init);
    }
}
