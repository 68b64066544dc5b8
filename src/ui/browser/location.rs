//! The URL of the current page.

use wasm_bindgen::JsCast;

/// Returns the path and the decoded query parameters of the page's URL.
pub fn current_url() -> Option<(String, Vec<(String, String)>)> {
    let location = web_sys::window()?.location();
    let parameters = web_sys::UrlSearchParams::new_with_str(&location.search().ok()?).ok()?;
    let pairs = js_sys::Array::from(&parameters);
    let text = |pair: &js_sys::Array, i| pair.get(i).as_string();
    let query = pairs.iter().filter_map(|pair| {
        let pair: js_sys::Array = pair.dyn_into().ok()?;
        Some((text(&pair, 0)?, text(&pair, 1)?))
    });
    Some((location.pathname().ok()?, query.collect()))
}
