//! Writing to the clipboard.

use wasm_bindgen_futures::JsFuture;

/// Copies text to the clipboard; returns false if the browser does not allow it.
pub async fn copy_to_clipboard(text: &str) -> bool {
    let Some(window) = web_sys::window() else { return false };
    // `navigator.clipboard` is undefined outside a secure context, although the bindings say otherwise.
    if !window.is_secure_context() {
        return false;
    }
    JsFuture::from(window.navigator().clipboard().write_text(text)).await.is_ok()
}
