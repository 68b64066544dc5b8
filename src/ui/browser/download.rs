//! Starting downloads and cancelling runs.

use crate::model::export::ExportId;
use crate::model::route;

/// Downloads a finished file straight to disk: the response is an attachment, so the page stays open
/// and holds no copy in memory.
pub fn start_download(id: ExportId) {
    if let Some(window) = web_sys::window() {
        let _ = window.location().assign(&route::with_id(route::EXPORT_FILE, id));
    }
}

/// Requests cancellation of a run; the run's events report the result.
pub fn request_cancellation(id: ExportId) {
    let init = web_sys::RequestInit::new();
    init.set_method("POST");
    if let Some(window) = web_sys::window() {
        let _ = window.fetch_with_str_and_init(&route::with_id(route::EXPORT_CANCELLATION, id), &init);
    }
}
